"""A community with a storage over two months: marked, followed, corrected, anchored, shown to its members, checked."""

import hashlib
import json
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner

from ogniwo.core.balancing.provenance import StorageTerms
from ogniwo.core.kernel.calendar import HOUR_S, Month, grid_of_month
from ogniwo.core.kernel.quality import Quality
from ogniwo.core.ledger.canonical import decode_document, encode_document
from ogniwo.core.ledger.receipts import BadReceiptError, check_receipt
from ogniwo.interfaces.cli.ledger import proof_group
from ogniwo.interfaces.cli.main import Runtime
from ogniwo.interfaces.cli.storage import storage_group
from ogniwo.records.audit.models import AuditEvent
from ogniwo.records.storage.models import StorageMonth
from ogniwo.records.visibility import Subject
from ogniwo.series.model import NewCell
from ogniwo.services.demo.sample import POINTS
from ogniwo.services.ledger.posting import post_month
from ogniwo.services.ledger.proving import checkpoint_verifier, prove_document
from ogniwo.services.ledger.verifying import verify_chain
from ogniwo.services.settlement.closing import close_month
from ogniwo.services.settlement.queries import rate_book_of
from ogniwo.services.storage.declaring import StoragePointNotFoundError, declare_storage, end_storage
from ogniwo.services.storage.queries import StorageMonthNotFoundError, storage_hours, storage_month, storage_part
from ogniwo.services.storage.tracing import (
    NoStorageError,
    StorageGapError,
    StorageNotSettledError,
    trace_month,
)
from ogniwo.services.workspace.queries import operator_subject
from ogniwo.services.workspace.registering import register_file
from records_database import without_triggers

AUGUST, SEPTEMBER, OCTOBER = (Month(2026, number) for number in (8, 9, 10))
OPERATOR = operator_subject()
HOUSE, SHOP, SUN = POINTS[0], POINTS[33], POINTS[36]
BATTERY = replace(POINTS[32], role="prosumer")
BIOGAS = replace(POINTS[39], source="")  # nobody wrote down what it burns
CHOSEN = (HOUSE, SHOP, SUN, BATTERY, BIOGAS)
BY_DAY = {  # local hours, Wh: what is taken (positive) or given
    HOUSE.code: dict.fromkeys(range(24), 300),
    SHOP.code: dict.fromkeys(range(24), 400),
    SUN.code: dict.fromkeys(range(10, 14), -3001),
    BIOGAS.code: dict.fromkeys(range(24), -502),
    BATTERY.code: {**dict.fromkeys(range(10, 14), 2003), **dict.fromkeys(range(18, 22), -1693)},
}


def deliver(workspace, month, changed=None):
    """Hours of every point and both channels; `changed` replaces a point's day."""
    grid = grid_of_month(month, slot_s=HOUR_S)
    hours = grid.view().hour.tolist()
    cells = []
    for point, day in {**BY_DAY, **(changed or {})}.items():
        net = np.array([day.get(hour, 0) for hour in hours], dtype=np.int32)
        for channel, wh in (("1.29.0", np.maximum(net, 0)), ("2.29.0", np.maximum(-net, 0))):
            quality = np.full(grid.slots, Quality.MEASURED, dtype=np.uint8)
            cells.append(NewCell(point=point, channel=channel, grid=grid, wh=wh, quality=quality, reason="test"))
    workspace.series.commit(cells, known_at=workspace.now(), source="test", author="test")


def close(workspace, community, month):
    return close_month(workspace, community=community, month=month, book=rate_book_of(workspace))


@pytest.fixture
def village(at_stage, cooperative, sample_toml):
    """Five members, one with a storage, and two closed months."""
    workspace = at_stage("empty")
    register_file(workspace, data=sample_toml(order=lambda _all: CHOSEN).encode(), file_name="members.toml")
    community = cooperative()
    for month in (SEPTEMBER, OCTOBER):
        deliver(workspace, month)
        close(workspace, community, month)
    return workspace, community


def marked(workspace, community, efficiency=850, capacity=0):
    terms = StorageTerms(point=BATTERY.code, efficiency_permille=efficiency, capacity_wh=capacity)
    return declare_storage(workspace, community=community, terms=terms, since=SEPTEMBER, subject=OPERATOR)


def command(workspace, group, *words, code=0):
    answer = CliRunner().invoke(group, [str(word) for word in words], obj=Runtime(prepare=None, folder=workspace.root))
    assert answer.exit_code == code, answer.output
    return answer.output


def sums(document, name):
    found = Counter()
    for row in document["rows"]:
        found[row["origin"], row["member"]] += row[name]
    return found


def test_two_months_are_followed_kept_corrected_and_refused(village):
    workspace, community = village
    with pytest.raises(NoStorageError):
        trace_month(workspace, community=community, month=SEPTEMBER)
    with pytest.raises(StoragePointNotFoundError):
        end_storage(workspace, community=community, point=BATTERY.code, since=OCTOBER, subject=OPERATOR)
    marked(workspace, community)
    with pytest.raises(StorageNotSettledError, match="period close 2026-08"):
        trace_month(workspace, community=community, month=AUGUST)
    first = trace_month(workspace, community=community, month=SEPTEMBER)
    second = trace_month(workspace, community=community, month=OCTOBER)
    with pytest.raises(StorageGapError, match="2026-09 to 2026-10"):
        trace_month(workspace, community=community, month=Month(2027, 1))
    assert [one.code for one in first.findings] == ["storage.source_not_stated"]
    _september_adds_up(storage_month(community=community, month=SEPTEMBER, subject=OPERATOR).document)
    october = storage_month(community=community, month=OCTOBER, subject=OPERATOR).document
    september = storage_month(community=community, month=SEPTEMBER, subject=OPERATOR)
    assert october["before"] == september.digest
    assert sums(october, "carried_wh") == sums(september.document, "stored_wh")
    assert sum(sums(october, "carried_wh").values()) > 0

    # the same data keep nothing
    again = trace_month(workspace, community=community, month=OCTOBER)
    assert (again.changed, again.also, second.changed) == (False, (), True)
    assert StorageMonth.objects.count() == 2

    # a correction of the older month: the battery took less; both are made anew, and it says so
    less = {**BY_DAY[BATTERY.code], 10: 1_003}
    deliver(workspace, SEPTEMBER, {BATTERY.code: less})
    close(workspace, community, SEPTEMBER)
    corrected = trace_month(workspace, community=community, month=OCTOBER)
    assert (corrected.version, corrected.changed, corrected.also) == (2, True, ((SEPTEMBER, 2),))
    assert [one.code for one in corrected.findings if "recomputed" in one.code] == ["storage.recomputed"]
    now = storage_month(community=community, month=SEPTEMBER, subject=OPERATOR)
    assert now.versions == 2
    assert sum(sums(now.document, "charged_wh").values()) == 30 * (1_003 + 3 * 2_003)
    assert storage_month(community=community, month=SEPTEMBER, subject=OPERATOR, version=1).digest == september.digest
    acts = [(one.target, one.facts["also"]) for one in AuditEvent.objects.filter(action="storage.trace").order_by("id")]
    assert acts[-1] == (f"{community.code} {OCTOBER}", {"2026-09": 2})

    # a point that is none any more: the month stands, and nothing is followed through it
    end_storage(workspace, community=community, point=BATTERY.code, since=OCTOBER, subject=OPERATOR)
    ended = trace_month(workspace, community=community, month=OCTOBER)
    document = storage_month(community=community, month=OCTOBER, subject=OPERATOR).document
    assert (ended.version, document["storages"], document["rows"]) == (3, [], [])
    assert document["totals"]["shared_wh"] == document["totals"]["exchanged_wh"]


def _september_adds_up(document):
    """By hand: in the hours from 10 to 13 the battery takes 2003 Wh of 2703; 3503 Wh are offered to all."""
    days = 30
    assert sum(sums(document, "charged_wh").values()) == days * 4 * 2_003
    assert sum(sums(document, "out_wh").values()) == days * 4 * 1_693
    # what the community offers covers all that is taken, so nothing of it is of the grid; parts as 3001 to 502
    sun, biogas = (sums(document, "charged_wh")[key] for key in (("renewable", "SE-037"), ("other", "SE-040")))
    assert sun + biogas == days * 4 * 2_003
    assert abs(sun * 3_503 - 3_001 * days * 4 * 2_003) <= days * 4 * 3_503
    for row in document["rows"]:
        assert row["carried_wh"] + row["charged_wh"] + row["unrecorded_wh"] == (
            row["out_wh"] + row["lost_wh"] + row["stored_wh"]
        )
    for name in ("charged_wh", "out_wh", "lost_wh"):
        assert sum(row[name] for row in document["days"]) == sum(sums(document, name).values())
    assert {row["day"] for row in document["days"]} == {f"2026-09-{day:02d}" for day in range(1, 31)}
    (storage,) = document["storages"]
    used, rest = divmod(1000 * days * 4 * 1_693, 850)
    assert (storage["out_wh"] + storage["lost_wh"], storage["remainder"]) == (used, rest)
    # in the evening the biogas plant gives 502 and the battery 1693 to two members that take 700
    totals = document["totals"]
    got = sum(totals[f"{origin}_wh"] for origin in ("renewable", "other", "grid", "unknown"))
    assert got == sum(sums(document, "shared_wh").values())
    assert totals["exchanged_wh"] == totals["direct_wh"] + totals["into_storages_wh"] + got
    assert totals["shared_wh"] == totals["direct_wh"] + totals["renewable_wh"]
    assert {row["member"] for row in document["received"]} == {"SE-001", "SE-034"}


def test_accounts_stand_on_the_ledger_and_a_changed_one_does_not_verify(village, tmp_path):
    workspace, community = village
    marked(workspace, community)
    trace_month(workspace, community=community, month=SEPTEMBER)
    post_month(workspace, community=community, month=SEPTEMBER)
    again = post_month(workspace, community=community, month=SEPTEMBER)
    assert again.documents_anchored == 0
    name, key = f"{community.code}/2026-09/storage/v1", checkpoint_verifier(workspace)
    receipt = tmp_path / "receipt.json"
    command(workspace, proof_group, "export", "--allocation", name, "--output", receipt)
    whole = check_receipt(receipt.read_bytes(), checkpoint_key=key)
    view = storage_month(community=community, month=SEPTEMBER, subject=OPERATOR)
    shown = json.loads(receipt.read_bytes())["document"]["content"]
    assert shown == view.document
    assert whole.payload.kind == "allocation"

    part = decode_document(prove_document(workspace, kind="statement", natural_id=f"{name}/SE-037", subject=OPERATOR))
    checked = check_receipt(encode_document(part), checkpoint_key=key)
    assert checked.payload.references == (whole.transaction,)
    content = part["document"]["content"]
    assert content["whole_sha256"] == view.digest
    assert {row["member"] for row in content["given"]} == {"SE-037"}
    content["given"][0]["out_wh"] += 1
    with pytest.raises(BadReceiptError):
        check_receipt(encode_document(part), checkpoint_key=key)

    assert _storage_check(workspace) == (1, [])
    without_triggers("storages_storagemonth")
    honest = StorageMonth.objects.get()
    more = honest.document.replace('"shared_wh":', '"shared_wh":1', 1)
    StorageMonth.objects.update(document=more)
    assert _storage_check(workspace) == (1, ["storage.document_changed"])
    StorageMonth.objects.update(document=more, digest=hashlib.sha256(more.encode()).hexdigest())
    assert _storage_check(workspace) == (1, ["storage.document_not_committed", "storage.document_differs"])


def _storage_check(workspace):
    (check,) = (one for one in verify_chain(workspace, pictures=False) if one.name == "storages")
    return check.compared, [one.code for one in check.findings]


def test_a_member_gets_his_part_and_nothing_of_others(village):
    workspace, community = village
    marked(workspace, community)
    trace_month(workspace, community=community, month=SEPTEMBER)
    asked = {"community": community, "month": SEPTEMBER}
    member = Subject(community.path, BATTERY.member_number)
    part = storage_part(**asked, member=BATTERY.member_number, subject=member)
    others = {one.code for one in CHOSEN} - {BATTERY.code}
    assert not any(code in json.dumps(part) for code in others)
    (storage,) = part["storages"]
    assert {row["origin"] for row in storage["by_origin"]} == {"renewable", "other"}
    for stranger, wanted in ((member, SUN.member_number), (Subject("/elsewhere/"), BATTERY.member_number)):
        with pytest.raises(StorageMonthNotFoundError):
            storage_part(**asked, member=wanted, subject=stranger)
    with pytest.raises(StorageMonthNotFoundError):
        storage_month(**asked, subject=member)


def test_the_commands_show_what_is_kept(village):
    workspace, community = village
    command(workspace, storage_group, "mark", BATTERY.code, "--from", "2026-09", "--efficiency", 0, code=4)
    words = ("mark", BATTERY.code, "--from", "2026-09", "--efficiency", "850", "--capacity", "5000")
    assert "is a storage from 2026-09-01 on" in command(workspace, storage_group, *words)
    assert json.loads(command(workspace, storage_group, "list", "--json"))[0]["capacity_wh"] == 5_000
    answer = json.loads(command(workspace, storage_group, "trace", "2026-09", "--json", code=3))
    assert [one["code"] for one in answer["findings"]] == ["storage.over_capacity", "storage.source_not_stated"]
    assert "shared, each kWh once" in command(workspace, storage_group, "trace", "2026-09", code=3)
    document = json.loads(command(workspace, storage_group, "show", "2026-09", "--json"))
    hours = command(workspace, storage_group, "hours", "2026-09")
    assert hashlib.sha256(hours.encode()).hexdigest() == document["movements"]["sha256"]
    assert hours == "".join(storage_hours(community=community, month=SEPTEMBER, subject=OPERATOR))
    table = command(workspace, storage_group, "show", "2026-09", "--csv").splitlines()
    assert len(table) == 1 + len(document["rows"])
    assert "SE-037" in command(workspace, storage_group, "show", "2026-09", "--member", "SE-037")
    ended = command(workspace, storage_group, "unmark", BATTERY.code, "--from", "2026-10")
    assert "is no storage from 2026-10-01 on" in ended
