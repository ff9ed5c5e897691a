"""While one use-case changes a workspace the others are refused at once and change nothing; a file keeps its point."""

from datetime import date

import pytest

from ogniwo.core.kernel.calendar import Month
from ogniwo.records.billing.models import InvoiceRecord
from ogniwo.records.metering.models import SourceFile
from ogniwo.records.settlement.models import SettlementRun
from ogniwo.services.billing.issuing import issue_invoices
from ogniwo.services.demo.files import late_files
from ogniwo.services.ledger.posting import NothingToPostError, post_month
from ogniwo.services.metering.importing import ImportOptions, import_files
from ogniwo.services.metering.quality import estimate_month
from ogniwo.services.settlement.closing import close_month
from ogniwo.services.settlement.queries import rate_book_of
from ogniwo.services.workspace.changing import BusyError, changing
from ogniwo.services.workspace.queries import operator_subject

OCTOBER = Month(2026, 10)
DAYS = {"issue_date": date(2026, 11, 10), "due_date": date(2026, 11, 24)}
TAURON = "Data; Wartość kWh;Rodzaj;\n2022-06-01 1:00;0,250;pobór;\n2022-06-01 2:00;0,5;pobór;\n"


def test_nothing_is_done_while_another_use_case_is_at_work(at_stage, cooperative):
    workspace = at_stage("closed")
    coop = cooperative()
    files = [(one.name, one.data) for one in late_files()]
    head, sources = workspace.series.head(), SourceFile.objects.count()
    attempts = (
        lambda: import_files(workspace, organisation=coop, files=files),
        lambda: estimate_month(workspace, organisation=coop, subject=operator_subject(), month=OCTOBER),
        lambda: close_month(workspace, community=coop, month=OCTOBER, book=rate_book_of(workspace)),
        lambda: issue_invoices(workspace, community=coop, month=OCTOBER, **DAYS),
        lambda: post_month(workspace, community=coop, month=OCTOBER),
    )
    with changing(workspace, "another"):
        for attempt in attempts:
            with pytest.raises(BusyError, match="another"):
                attempt()
        looked = import_files(workspace, organisation=coop, files=files, options=ImportOptions(dry_run=True))
        previewed = issue_invoices(workspace, community=coop, month=OCTOBER, dry_run=True, **DAYS)
    assert ([one.state for one in looked], len(previewed)) == (["would_import"], 40)
    assert (workspace.series.head(), SourceFile.objects.count()) == (head, sources)
    assert (SettlementRun.objects.count(), InvoiceRecord.objects.count()) == (1, 0)
    assert not workspace.ledger_file.exists()


def test_a_month_of_which_there_is_nothing_is_not_posted(at_stage, cooperative):
    workspace = at_stage("closed")
    with pytest.raises(NothingToPostError):
        post_month(workspace, community=cooperative(), month=Month(2027, 5))
    assert not workspace.ledger_file.exists()


def test_a_file_without_a_point_is_not_taken_for_imported_when_given_to_another_point(workspace, cooperative):
    first, second = "590999772600000018", "590999772600000025"

    def bring(point):
        (file,) = import_files(
            workspace,
            organisation=cooperative(),
            files=[("june.csv", TAURON.encode())],
            options=ImportOptions(point=point),
        )
        return file

    assert bring(first).state == "imported"
    assert bring(first).state == "already_imported"
    refused = bring(second)
    assert refused.state == "refused"
    assert refused.reason.endswith("[import.other_point]")
    assert first in refused.reason
    assert {point for point, _, _ in workspace.series.keys(month=Month(2022, 6))} == {first}
