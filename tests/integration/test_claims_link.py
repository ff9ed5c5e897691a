"""The link between documents and claims on the ledger, and the clearing away of what killed imports left."""

import json
import shutil
from collections import Counter
from datetime import UTC, date, datetime

import pytest
from django.db import connections

import records_database
from ogniwo.core.kernel.calendar import Month
from ogniwo.core.ledger.transactions import Post, Posting
from ogniwo.records.billing.models import InvoiceRecord
from ogniwo.records.ledger.models import Commitment
from ogniwo.records.metering.models import SourceFile
from ogniwo.services.billing.issuing import issue_invoices
from ogniwo.services.contracts.queries import community
from ogniwo.services.demo.files import delivered_files, late_files
from ogniwo.services.ledger.access import (
    OPERATOR_KEY,
    frame,
    key_store,
    member_path,
    open_ledger,
    organisation_path,
    signed,
    submit,
)
from ogniwo.services.ledger.posting import member_balance_grosz, post_month
from ogniwo.services.ledger.verifying import verify_chain
from ogniwo.services.metering.importing import ImportOptions, import_files
from ogniwo.services.settlement.closing import close_month
from ogniwo.services.settlement.queries import rate_book_of
from ogniwo.services.workspace.operations import open_workspace
from ogniwo.services.workspace.queries import operator_subject
from records_database import copy_workspace

pytestmark = pytest.mark.xdist_group("claims-link")
OCTOBER = Month(2026, 10)
LINK = "claims against invoices"


def serve(folder):
    records_database.serve(folder)
    return open_workspace(root=folder, now=lambda: datetime(2026, 11, 20, tzinfo=UTC))


def cooperative_now():
    return community(code="", subject=operator_subject())


def issue(workspace, on, due):
    issue_invoices(workspace, community=cooperative_now(), month=OCTOBER, issue_date=on, due_date=due)


@pytest.fixture(scope="module")
def posted_folder(stages, tmp_path_factory):
    folder = copy_workspace(stages["closed"], tmp_path_factory.mktemp("claims") / "w")
    workspace = serve(folder)
    issue(workspace, date(2026, 11, 10), date(2026, 11, 24))
    post_month(workspace, community=cooperative_now(), month=OCTOBER)
    connections["default"].close()
    return folder


@pytest.fixture
def posted(posted_folder, tmp_path):
    yield serve(copy_workspace(posted_folder, tmp_path / "w"))
    connections["default"].close()


def checked(workspace):
    checks = {check.name: check for check in verify_chain(workspace, pictures=False)}
    return checks[LINK].compared, [(one.code, one.source) for one in checks[LINK].findings], checks


def test_every_claim_is_that_of_its_document_also_after_corrections(posted):
    compared, findings, checks = checked(posted)
    assert (compared, findings) == (40, [])
    assert len(checks) == 10
    assert all(check.passed for check in checks.values())
    import_files(posted, organisation=cooperative_now(), files=[(one.name, one.data) for one in late_files()])
    close_month(posted, community=cooperative_now(), month=OCTOBER, book=rate_book_of(posted))
    issue(posted, date(2026, 11, 20), date(2026, 12, 4))
    corrections = InvoiceRecord.objects.filter(kind="FK").count()
    assert corrections > 0
    assert checked(posted)[:2] == (40, [])  # documents that are not posted yet are another link's matter
    post_month(posted, community=cooperative_now(), month=OCTOBER)
    assert checked(posted)[:2] == (40 + corrections, [])
    balances = Counter()
    for record in InvoiceRecord.objects.order_by("run__version"):
        document = json.loads(record.document)
        balances[record.member_id] -= document["totals"]["gross_grosz"]
        before = json.loads(record.corrects.document)["credit_gross_grosz"] if record.corrects else 0
        balances[record.member_id] += document["credit_gross_grosz"] - before
    record = InvoiceRecord.objects.filter(kind="FK").first()
    assert member_balance_grosz(posted, record.member) == balances[record.member_id] != 0


def test_a_claim_that_is_not_on_the_ledger_is_missing(posted):
    forgotten, lost = Commitment.objects.filter(kind="claims").order_by("natural_id")[:2]
    forgotten.delete()
    lost.transaction_id = "0" * 64
    lost.save()
    _, findings, checks = checked(posted)
    assert findings[:2] == [
        ("verify.claims_missing", forgotten.natural_id),
        ("verify.claims_missing", lost.natural_id),
    ]
    # the transfers stand on the ledger, and no document accounts for them now: two members and the community
    assert [code for code, _ in findings[2:]] == ["verify.claims_differ"] * 3
    assert [name for name, check in checks.items() if not check.passed] == [LINK]


def test_a_transaction_that_is_no_transfer_is_no_claim(posted):
    row = Commitment.objects.filter(kind="claims").first()
    row.transaction_id = Commitment.objects.get(kind="invoice", natural_id=row.natural_id).transaction_id
    row.save()
    assert checked(posted)[1][0] == ("verify.claims_missing", row.natural_id)


def test_the_claim_of_another_document_differs(posted):
    first, second = Commitment.objects.filter(kind="claims").order_by("natural_id")[:2]
    first.transaction_id, second.transaction_id = second.transaction_id, first.transaction_id
    first.save()
    second.save()
    _, findings, _ = checked(posted)
    assert findings == [
        ("verify.claims_differ", first.natural_id),
        ("verify.claims_differ", second.natural_id),
    ]


def test_a_transfer_without_a_document_shows_in_the_balances(posted):
    record = InvoiceRecord.objects.select_related("member__organisation", "run__community").first()
    accounts = organisation_path(record.run.community), member_path(record.member)
    with open_ledger(posted) as ledger:
        with ledger.reading() as state:
            operator = state.foundation.operator
        stray = Post(
            **frame(posted, account=operator, reason="settlement"),
            postings=(
                Posting(account=accounts[1], amount=-12_345, asset="DUE/2"),
                Posting(account=accounts[0], amount=12_345, asset="DUE/2"),
            ),
        )
        submit(ledger, [signed(stray, key_store(posted).signing_key(OPERATOR_KEY))])
    _, findings, checks = checked(posted)
    assert findings == [("verify.claims_differ", account) for account in sorted(accounts)]
    assert [name for name, check in checks.items() if not check.passed] == [LINK]


@pytest.mark.parametrize("broken", ["{", '{"totals":{"gross_grosz":1},"credit_gross_grosz":0}'])
def test_a_changed_document_no_longer_explains_its_claim(posted, broken):
    number = InvoiceRecord.objects.first().number
    records_database.without_triggers("records_invoicerecord")
    InvoiceRecord.objects.filter(number=number).update(document=broken)
    assert checked(posted)[1] == [("verify.claims_differ", number)]


def leave(workspace):
    """What a killed writer leaves: a data file no commit names, half a data file, half a manifest."""
    root = workspace.root / "series"
    data = next((root / "cells").rglob("*.parquet"))
    left = [
        data.with_name(f"{workspace.series.head()[0] + 1:08d}-0123456789abcdef.parquet"),
        data.with_name(".tmp-00000099-abcdef"),
        root / "log" / ".tmp-00000099.json-abcdef",
    ]
    for path in left:
        shutil.copy(data, path)
    return left


@pytest.mark.parametrize("kept", [0, 1, 2])
def test_an_import_clears_away_what_a_killed_one_left(at_stage, cooperative, kept):
    workspace = at_stage("imported")
    left = leave(workspace)
    for place, path in enumerate(left):
        if place != kept:
            path.unlink()
    before, head = workspace.series.keys(), workspace.series.head()
    files = [(one.name, one.data) for one in delivered_files()[:1]]
    import_files(workspace, organisation=cooperative(), files=files, options=ImportOptions(dry_run=True))
    assert left[kept].exists()
    import_files(workspace, organisation=cooperative(), files=files)
    assert not left[kept].exists()
    assert (workspace.series.keys(), workspace.series.head()) == (before, head)
    assert workspace.series.verify() == ()


def test_a_second_file_of_a_commit_is_a_leftover(at_stage, cooperative):
    workspace = at_stage("imported")
    data = next((workspace.root / "series" / "cells").rglob("*.parquet"))
    left = data.with_name(f"{data.name[:8]}-0123456789abcdef.parquet")
    shutil.copy(data, left)
    import_files(workspace, organisation=cooperative(), files=[])
    assert not left.exists()
    assert workspace.series.verify() == ()


def test_without_leftovers_nothing_is_swept(at_stage, cooperative, monkeypatch):
    workspace = at_stage("imported")

    def sweep(**_options):
        pytest.fail("there was nothing to sweep")

    monkeypatch.setattr(workspace.series, "sweep", sweep)
    import_files(workspace, organisation=cooperative(), files=[(one.name, one.data) for one in late_files()])


def test_data_of_a_lost_commit_is_no_leftover(at_stage, cooperative):
    """The last file of the log is gone, and a received file still names its commit: its values are kept on disk."""
    workspace = at_stage("imported")
    last = max(int(number) for number in SourceFile.objects.exclude(commit="").values_list("commit", flat=True))
    (workspace.root / "series" / "log" / f"{last:08d}.json").unlink()
    data = sorted((workspace.root / "series" / "cells").rglob(f"{last:08d}-*.parquet"))
    assert data
    import_files(workspace, organisation=cooperative(), files=[])
    assert all(path.exists() for path in data)
