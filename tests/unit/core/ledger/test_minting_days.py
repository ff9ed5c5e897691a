"""Several signed days in one transaction: each as strong as by itself, all or none, a repeat harmless."""

import msgspec
import pytest

from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.ledger import transactions as tx
from ogniwo.core.ledger.admission import admit, open_transaction
from ogniwo.core.ledger.canonical import INTEGER_LIMIT, encode
from ogniwo.core.ledger.outcomes import Code

POINT = "op/coop/meter"
DAY_WH = 6_960


@pytest.fixture
def coop(network):
    return network.founded()


def records(coop, *days, **changed):
    return [coop.record(day=f"2027-01-{day}", **changed) for day in days]


def balance(coop):
    return coop.machine.state.balance(POINT, "KWH-IN/3"), coop.machine.state.balance("op/issuer", "KWH-IN/3")


def minted(coop):
    return sorted((day, token.version) for (_, day, _), token in coop.machine.state.minted.items())


def refused(coop, *days, code, **changed):
    root = coop.machine.state.root()
    outcome = coop.send(coop.mint_days(*days, **changed), "gateway")
    assert (outcome.code, coop.machine.state.root()) == (code, root), outcome
    return outcome


def test_days_together_are_the_days_one_by_one(coop, network):
    apart = type(network)().founded()
    for record in records(coop, 15, 16, 17):
        apart.ok(apart.mint(record), "gateway")
    coop.ok(coop.mint_days(*records(coop, 15, 16, 17)), "gateway")
    assert balance(coop) == balance(apart) == (3 * DAY_WH, -3 * DAY_WH)
    assert minted(coop) == minted(apart) == [("2027-01-15", 1), ("2027-01-16", 1), ("2027-01-17", 1)]
    ours, theirs = coop.machine.state.minted, apart.machine.state.minted
    assert [ours[day].record for day in ours] == [theirs[day].record for day in theirs]
    assert len({token.transaction for token in ours.values()}) == 1


def test_every_day_is_verified_by_itself(coop):
    good, bad = (coop.day(record) for record in records(coop, 15, 16))
    swapped = msgspec.structs.replace(bad, reading=good.reading)
    envelope = coop.signed(coop.mint_days(good, swapped), "gateway")
    assert len(open_transaction(envelope).open_checks) == 3
    with pytest.raises(Refusal, match=r"ledger\.signature"):
        admit(envelope, coop.machine.ring)


def test_each_reader_is_entitled_or_none_is_minted(coop):
    coop.ok(coop.register(POINT, "meter", "reading"), "op", "meter")
    first, second, third = records(coop, 15, 16, 17)
    coop.ok(coop.mint_days(coop.day(first), coop.day(second, reader="meter")), "gateway")
    coop.ok(coop.register("op/coop/jan", "jan-reading", "reading", account="op/coop/jan"), "jan", "jan-reading")
    for reader, code in (("gateway", Code.READER_NOT_ENTITLED), ("jan-reading", Code.READER_NOT_ENTITLED)):
        outcome = refused(coop, coop.day(third), coop.day(*records(coop, 18), reader=reader), code=code)
        assert outcome.detail.startswith("day 1: ")
    refused(coop, coop.day(third), coop.day(*records(coop, 18), reader="stranger"), code=Code.UNKNOWN_KEY)
    coop.ok(tx.RevokeKey(**coop.frame(), kid=coop.kid("gateway-reading")))
    refused(coop, third, code=Code.READER_NOT_ENTITLED)
    assert len(minted(coop)) == 2


def test_minting_days_needs_the_permission_and_the_accounts_key(coop):
    assert refused(coop, *records(coop, 15), code=Code.FOREIGN_KEY, account="op/coop/jan").recorded is False
    payload = coop.mint_days(*records(coop, 15), account="op/coop/jan")
    assert coop.send(payload, "jan").code == Code.NOT_PERMITTED


def test_what_is_there_is_passed_over(coop):
    first, second = records(coop, 15, 16)
    coop.ok(coop.mint(first), "gateway")
    name = coop.machine.state.minted[POINT, "2027-01-15", "1.29.0"].transaction
    coop.ok(coop.mint_days(first, second), "gateway")
    assert coop.machine.state.minted[POINT, "2027-01-15", "1.29.0"].transaction == name
    assert balance(coop) == (2 * DAY_WH, -2 * DAY_WH)
    again = coop.send(coop.mint_days(first, second), "gateway")
    assert (again.code, again.original, again.recorded) == ("ledger.exists", name, False)
    alone = coop.send(coop.mint(second), "gateway")
    assert alone.code == "ledger.exists"
    assert balance(coop) == (2 * DAY_WH, -2 * DAY_WH)


def test_one_unsound_day_keeps_all_out(coop):
    good = coop.record()
    for changed, code in (
        ({"total_wh": 1}, Code.QUALITY_SPLIT),
        ({"day": "2027-02-30"}, Code.QUALITY_SPLIT),
        ({"network": "test.example/two"}, Code.OTHER_NETWORK),
        ({"v": 2}, Code.UNSUPPORTED_VERSION),
        ({"channel": "2.29.0"}, Code.WRONG_CHANNEL),
        ({"version": 2, "day": "2027-01-16"}, Code.VERSION_GAP),
        ({"point": "op/coop/anna"}, Code.BATCH_PART),
    ):
        assert refused(coop, good, coop.record(**({"day": "2027-01-16"} | changed)), code=code).detail[:7] == "day 1: "
    refused(coop, coop.record(point="op/coop/anna"), code=Code.WRONG_CHANNEL)
    refused(coop, coop.record(point="op/coop/meter-two"), code=Code.UNKNOWN_ACCOUNT)
    refused(coop, coop.day(good, asset="KWH-XX/3"), code=Code.UNKNOWN_ASSET)


def test_a_day_stands_once(coop):
    first, second = records(coop, 15, 16)
    refused(coop, first, second, first, code=Code.BATCH_PART)
    refused(coop, first, coop.record(leaves=coop.leaves(wh=1)), code=Code.BATCH_PART)


def test_corrections_name_reason_and_what_they_correct(coop):
    coop.ok(coop.mint_days(*records(coop, 15, 16)), "gateway")
    name = coop.machine.state.minted[POINT, "2027-01-15", "1.29.0"].transaction
    lower = records(coop, 15, 16, version=2, leaves=coop.leaves(wh=20))
    refused(coop, *lower, code=Code.CORRECTION_WITHOUT_REASON, references=(name,))
    refused(coop, *lower, code=Code.CORRECTION_WITHOUT_REFERENCE, reason="meter-exchange")
    refused(coop, *records(coop, 15, version=3), code=Code.VERSION_GAP, reason="x", references=(name,))
    refused(coop, *records(coop, 15, leaves=coop.leaves(wh=1)), code=Code.NATURAL_ID_CONFLICT)
    coop.ok(coop.mint_days(*lower, *records(coop, 17), reason="meter-exchange", references=(name,)), "gateway")
    assert balance(coop)[0] == 3 * DAY_WH - 2 * 5 * 96


def test_the_body_tells_what_days_moved(coop):
    coop.ok(coop.mint_days(*records(coop, 15, 16)), "gateway")
    moves = coop.recorded(-1).moves
    assert {(move.account, move.amount) for move in moves} == {(POINT, 2 * DAY_WH), ("op/issuer", -2 * DAY_WH)}
    zero = coop.leaves(wh=0)
    nothing = [msgspec.structs.replace(leaf, wh=0) for leaf in zero]
    coop.ok(coop.mint_days(coop.record(day="2027-01-17", leaves=nothing)), "gateway")
    assert coop.recorded(-1).moves == ()
    assert len(minted(coop)) == 3


def test_a_balance_never_passes_the_limit(coop):
    half = INTEGER_LIMIT // 2 + 1

    def large(day):
        part = tx.QualityPart(quality="measured", slots=96, wh=half)
        return coop.record(day=f"2027-01-{day}", parts=(part,), total_wh=half)

    refused(coop, large(15), large(16), code=Code.AMOUNT_OUT_OF_RANGE)
    coop.ok(coop.mint_days(large(15)), "gateway")
    refused(coop, large(16), code=Code.AMOUNT_OUT_OF_RANGE)


def test_days_are_neither_batched_nor_proposed(coop):
    payload = coop.mint_days(*records(coop, 15))
    for outer in (
        {"op": "batch", "operations": [payload, payload]},
        {"op": "propose", "operation": payload, "until": coop.now + 60},
    ):
        raw = msgspec.json.decode(encode(payload))
        frame = {name: raw[name] for name in ("account", "expires", "id", "network", "reason", "references", "v")}
        with pytest.raises(msgspec.ValidationError):
            msgspec.json.decode(msgspec.json.encode(frame | outer), type=tx.Payload)
    with pytest.raises(Refusal, match=r"ledger\.schema"):
        open_transaction(coop.signed(coop.mint_days(), "gateway"))
