import msgspec
import pytest

from ogniwo.core.kernel.quality import QUALITY_WORDS
from ogniwo.core.ledger import transactions as tx
from ogniwo.core.ledger.intervals import IntervalLeaf
from ogniwo.core.ledger.outcomes import Code


@pytest.fixture
def coop(network):
    return network.founded()


def balance(coop):
    return coop.machine.state.balance("op/coop/meter", "KWH-IN/3"), coop.machine.state.balance("op/issuer", "KWH-IN/3")


def original(coop):
    record = coop.record()
    payload = coop.ok(coop.mint(record), "gateway")
    return record, payload, coop.machine.state.minted["op/coop/meter", "2027-01-15", "1.29.0"].transaction


def test_a_signed_day_becomes_tokens_of_its_point(coop):
    record, _, _ = original(coop)
    assert record.total_wh == sum(25 + slot for slot in range(96)) == 6_960
    assert balance(coop) == (6_960, -6_960)


def test_a_repeat_under_a_new_client_id_is_harmless(coop):
    record, _, name = original(coop)
    again = coop.send(coop.mint(record), "gateway")
    assert (again.code, again.original, again.recorded) == ("ledger.exists", name, False)
    assert balance(coop) == (6_960, -6_960)


def test_other_content_under_the_same_natural_id_is_refused(coop):
    original(coop)
    other = coop.record(leaves=coop.leaves(wh=26))
    assert coop.send(coop.mint(other), "gateway").code == Code.NATURAL_ID_CONFLICT
    assert balance(coop) == (6_960, -6_960)


def test_a_correction_is_a_counter_entry_with_reason_and_reference(coop):
    _, _, name = original(coop)
    corrected = coop.record(version=2, leaves=coop.leaves(wh=20))
    assert coop.send(coop.mint(corrected, references=(name,)), "gateway").code == Code.CORRECTION_WITHOUT_REASON
    lost = coop.mint(corrected, reason="meter-exchange")
    assert coop.send(lost, "gateway").code == Code.CORRECTION_WITHOUT_REFERENCE
    coop.ok(coop.mint(corrected, reason="meter-exchange", references=(name,)), "gateway")
    assert balance(coop) == (6_960 - 5 * 96, -(6_960 - 5 * 96))
    old = coop.send(coop.mint(coop.record()), "gateway")
    assert old.code == Code.NATURAL_ID_CONFLICT


def test_versions_have_no_gaps(coop):
    _, _, name = original(coop)
    late = coop.mint(coop.record(version=3), reason="x", references=(name,))
    assert coop.send(late, "gateway").code == Code.VERSION_GAP
    assert coop.send(coop.mint(coop.record(day="2027-01-16", version=2)), "gateway").code == Code.VERSION_GAP


def test_a_correction_to_the_same_total_keeps_the_balance(coop):
    _, _, name = original(coop)
    parts = (
        tx.QualityPart(quality="estimated-by-operator", slots=1, wh=60),
        tx.QualityPart(quality="measured", slots=95, wh=6_900),
    )
    coop.ok(coop.mint(coop.record(version=2, parts=parts), reason="quality", references=(name,)), "gateway")
    assert balance(coop) == (6_960, -6_960)


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"total_wh": 6_961}, Code.QUALITY_SPLIT),
        ({"leaf_count": 95}, Code.QUALITY_SPLIT),
        ({"day": "2027-02-30"}, Code.QUALITY_SPLIT),
        ({"parts": (tx.QualityPart(quality="missing", slots=96, wh=6_960),)}, Code.QUALITY_SPLIT),
        ({"parts": (tx.QualityPart(quality="measured", slots=48, wh=3_480),) * 2}, Code.QUALITY_SPLIT),
        ({"network": "test.example/two"}, Code.OTHER_NETWORK),
        ({"v": 2}, Code.UNSUPPORTED_VERSION),
        ({"point": "op/coop/meter-two"}, Code.UNKNOWN_ACCOUNT),
        ({"point": "op/coop/anna"}, Code.WRONG_CHANNEL),
        ({"channel": "2.29.0"}, Code.WRONG_CHANNEL),
    ],
)
def test_unsound_records_are_refused(coop, changed, code):
    assert coop.send(coop.mint(coop.record(**changed)), "gateway").code == code
    assert balance(coop) == (0, 0)


def test_missing_intervals_have_no_energy_but_count(coop):
    parts = (
        tx.QualityPart(quality="measured", slots=90, wh=6_960),
        tx.QualityPart(quality="missing", slots=6, wh=0),
    )
    coop.ok(coop.mint(coop.record(parts=parts)), "gateway")


def test_unknown_asset_and_asset_of_another_kind(coop):
    assert coop.send(coop.mint(coop.record(), asset="KWH-XX/3"), "gateway").code == Code.UNKNOWN_ASSET
    assert coop.send(coop.mint(coop.record(), asset="PLN/2"), "gateway").code == Code.WRONG_CHANNEL


def test_only_keys_entitled_to_the_point_sign_readings(coop):
    record = coop.record()
    assert coop.send(coop.mint(record, reader="gateway"), "gateway").code == Code.READER_NOT_ENTITLED
    assert coop.send(coop.mint(record, reader="stranger"), "gateway").code == Code.UNKNOWN_KEY
    coop.ok(coop.register("op/coop/jan", "jan-reading", "reading", account="op/coop/jan"), "jan", "jan-reading")
    assert coop.send(coop.mint(record, reader="jan-reading"), "gateway").code == Code.READER_NOT_ENTITLED
    coop.ok(tx.RevokeKey(**coop.frame(), kid=coop.kid("gateway-reading")))
    assert coop.send(coop.mint(record), "gateway").code == Code.READER_NOT_ENTITLED


def test_a_meter_with_its_own_key_needs_no_gateway(coop):
    coop.ok(coop.register("op/coop/meter", "meter", "reading"), "op", "meter")
    coop.ok(coop.mint(coop.record(), reader="meter", account="op"), "op")


def test_minting_itself_needs_a_permission(coop):
    assert coop.send(coop.mint(coop.record(), account="op/coop/jan"), "jan").code == Code.NOT_PERMITTED


def test_a_reading_signature_over_another_record_is_refused(coop):
    payload = coop.mint(coop.record())
    swapped = msgspec.structs.replace(payload, record=coop.record(leaves=coop.leaves(wh=99)))
    with pytest.raises(Exception, match=r"\[ledger\.signature\]"):
        coop.send(swapped, "gateway")


def test_anchors_are_unique_and_need_a_permission(coop):
    coop.ok(coop.anchor("a" * 64))
    assert coop.send(coop.anchor("a" * 64)).code == Code.ALREADY_ANCHORED
    assert coop.send(coop.anchor("b" * 64, account="op/coop/jan"), "jan").code == Code.NOT_PERMITTED
    assert coop.send(coop.anchor("b" * 64, subject="op/coop/eva")).code == Code.UNKNOWN_ACCOUNT


def test_the_words_for_quality_are_those_of_the_kernel():
    annotation = msgspec.inspect.type_info(IntervalLeaf).fields[1].type
    assert set(annotation.values) == set(QUALITY_WORDS.values())
