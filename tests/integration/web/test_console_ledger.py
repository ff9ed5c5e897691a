"""The ledger explorer: balances of any day, the journal, and a transaction back to the reading or bill behind it."""

import csv
import io
import json
import re
from datetime import date
from typing import get_args

import pytest

from ogniwo.core.kernel.calendar import local_day
from ogniwo.core.ledger.transactions import Payload
from ogniwo.interfaces.web.pages.ledger_journal import OPERATIONS
from ogniwo.records.ledger.models import Commitment
from ogniwo.records.visibility import Subject
from ogniwo.services.access.roles import Role
from ogniwo.services.demo.sample import COMMUNITY_CODE
from ogniwo.services.ledger import exploring
from ogniwo.services.ledger.exploring import (
    Filters,
    JournalTooLongError,
    TransactionNotFoundError,
    balances_at,
    journal,
    transaction_view,
)
from ogniwo.services.ledger.queries import balances, ledger_head
from ogniwo.services.workspace.queries import operator_subject

BASE = f"/o/{COMMUNITY_CODE}/ledger"
COMMUNITY = Subject(f"/platforma/{COMMUNITY_CODE}/")


def entries(shared, *, subject=None, before=None, limit=100, **filters):
    return journal(
        shared, subject=subject or operator_subject(), filters=Filters(**filters), before=before, limit=limit
    )


def test_balances_of_any_block_are_the_sum_of_the_changes_up_to_it(shared):
    whole = entries(shared, limit=10_000).entries
    height = whole[len(whole) // 2].height
    expected = {}
    for one in whole:
        for change in one.changes if one.height <= height else ():
            key = (change.account, change.asset)
            expected[key] = expected.get(key, 0) + change.amount
    found = {
        (one.account, one.asset): one.amount for one in balances_at(shared, subject=operator_subject(), height=height)
    }
    assert found == {key: amount for key, amount in expected.items() if amount}
    assert found
    assert balances_at(shared, subject=operator_subject()) == balances(shared, subject=operator_subject())


def test_a_day_ends_at_its_midnight(shared):
    posted = local_day(ledger_head(shared).time_s)
    assert balances_at(shared, subject=COMMUNITY, day=posted) == balances(shared, subject=COMMUNITY)
    assert balances_at(shared, subject=COMMUNITY, day=date(2026, 10, 1)) == ()
    assert entries(shared, last=date(2026, 10, 1)).entries == ()
    assert entries(shared, first=posted, last=posted, limit=10_000) == entries(shared, limit=10_000)


def test_pages_of_the_journal_follow_one_another_without_gap_or_overlap(shared):
    whole = [one.log_index for one in entries(shared, limit=10_000).entries]
    paged, before = [], None
    for _ in range(len(whole)):
        page = entries(shared, before=before, limit=97)
        paged += [one.log_index for one in page.entries]
        if not page.older:
            break
        before = page.older
    assert paged == whole == sorted(whole, reverse=True)
    head = ledger_head(shared)
    assert len(whole) + head.height + 1 == head.log_size, "every block has an entry of its own in the log"


def test_filters_narrow_and_never_widen_what_is_in_sight(shared):
    for operation in {one.operation for one in entries(shared).entries}:
        assert {one.operation for one in entries(shared, operation=operation).entries} == {operation}
    point = next(one for one in balances(shared, subject=COMMUNITY) if "/p-" in one.account)
    own = entries(shared, account=point.account, limit=10_000).entries
    assert own
    assert all(any(change.account == point.account for change in one.changes) for one in own if one.changes)
    assert entries(shared, subject=Subject("/platforma/inna/")).entries == ()
    assert entries(shared, subject=Subject("/platforma/inna/"), account=point.account).entries == ()
    assert entries(shared, account="*").entries == ()
    assert entries(shared, name="zz").entries == ()
    assert entries(shared, name=own[0].transaction[:20]).entries == (own[0],)
    asset = own[0].changes[0].asset
    assert all(any(change.asset == asset for change in one.changes) for one in entries(shared, asset=asset).entries)


def test_a_day_of_readings_leads_to_its_point_and_a_document_to_its_number(shared):
    minted = next(
        one for one in entries(shared, limit=10_000).entries if one.operation in {"mint_days", "mint_metering"}
    )
    sources = transaction_view(shared, name=minted.transaction, subject=COMMUNITY).sources
    assert {one.kind for one in sources} == {"readings"}
    assert all(len(one.point) == 18 and one.day.startswith("2026-10-") for one in sources)
    assert sum(one.energy_wh for one in sources) == sum(one.amount for one in minted.changes if one.amount > 0)
    claim = Commitment.objects.filter(kind="claims").first()
    (document,) = transaction_view(shared, name=claim.transaction_id, subject=COMMUNITY).sources
    assert (document.kind, document.number) == ("claims", claim.natural_id)
    with pytest.raises(TransactionNotFoundError):
        transaction_view(shared, name=minted.transaction, subject=Subject("/platforma/inna/"))


def test_the_pages_show_it_and_hand_out_the_proof(shared, reader_of):
    browser = reader_of(Role.AUDITOR)
    page = browser.get(f"{BASE}/journal/?operation=post").content.decode()
    assert "Amounts posted" in page
    name = re.search(r"ledger/transaction/([0-9a-f]{64})/", page).group(1)
    shown = browser.get(f"{BASE}/transaction/{name}/").content.decode()
    assert "claim of the invoice" in shown
    assert "FV/2026/11/" in shown
    proof = browser.get(f"{BASE}/transaction/{name}/proof/")
    assert "attachment" in proof["Content-Disposition"]
    assert json.loads(proof.content)["checkpoint"]
    assert browser.get(f"{BASE}/transaction/{'0' * 64}/").status_code == 404
    assert browser.get(f"{BASE}/transaction/{'0' * 64}/proof/").status_code == 404
    past = browser.get(f"{BASE}/?at=2026-10-01").content.decode()
    assert "end of <time>2026-10-01</time>" in past
    assert "No account fits" in past


def test_the_csv_has_a_row_for_every_change(shared, reader_of, monkeypatch):
    data = reader_of(Role.CLERK).get(f"{BASE}/journal/csv/?operation=post").content.decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(data)))
    found = entries(shared, subject=COMMUNITY, operation="post", limit=10_000).entries
    assert [int(row["amount"]) for row in rows] == [change.amount for one in found for change in one.changes]
    assert {row["asset"] for row in rows} == {"DUE/2"}
    monkeypatch.setattr(exploring, "EXPORT_MAX", 5)
    with pytest.raises(JournalTooLongError):
        exploring.journal_csv(shared, subject=COMMUNITY, filters=Filters())


def test_every_operation_of_the_ledger_has_a_name(shared):
    assert set(OPERATIONS) == {kind.__struct_config__.tag for kind in get_args(Payload)}


def test_a_check_beside_the_pages_is_asked_for_once_and_shown(copy_of, sign_in):
    workspace = copy_of("closed")
    browser = sign_in(workspace, Role.AUDITOR)
    for _ in range(2):
        assert browser.post(f"{BASE}/verify/job/").status_code == 302
    page = browser.get(f"{BASE}/journal/").content.decode()
    assert "Nothing was posted yet" in page
