"""A month: closed, billed, posted. Each of these can be repeated: what is there already is not made again."""

from datetime import date
from typing import Any

from ogniwo.core.kernel.calendar import Month
from ogniwo.core.kernel.findings import finding_row
from ogniwo.services.access.roles import Act
from ogniwo.services.billing.approved import issue_approved
from ogniwo.services.contracts.queries import community
from ogniwo.services.jobs.kinds import JobContext, job_kind
from ogniwo.services.ledger.posting import points_in, post_month
from ogniwo.services.settlement.closing import close_month
from ogniwo.services.settlement.queries import rate_book_of, settled_month
from ogniwo.services.workspace.queries import Organisation

_STEPS = ("balance", "rate", "settle")


def _community(context: JobContext) -> Organisation:
    return community(code=context.organisation.code, subject=context.subject)


@job_kind("close_period", act=Act.CLOSE_PERIOD)
def close(context: JobContext, *, month: str) -> dict[str, Any]:
    """Calculate and keep a month as its next version: `month`, `version`, `changed`, `statements`, sums, findings."""
    closed = close_month(
        context.workspace,
        community=_community(context),
        month=Month.parse(month),
        book=rate_book_of(context.workspace),
        tell=lambda step: context.progress(_STEPS.index(step), len(_STEPS), step),
    )
    return {
        "month": month,
        "version": closed.version,
        "changed": closed.changed,
        "statements": len(closed.statements),
        "charged_grosz": closed.totals.charged_grosz,
        "credited_grosz": closed.totals.credited_grosz,
        "findings": [finding_row(one) for one in closed.findings],
    }


@job_kind("issue_bills", act=Act.ISSUE_BILLS)
def issue(context: JobContext, *, month: str, issue_date: str, due_date: str) -> dict[str, Any]:
    """Issue bills, or corrections, from the approved version: `month`, `documents` (numbers), `gross_grosz`.

    Each document is issued whole; after a cancelled job the next one issues what is missing.
    """
    settling, period, done = _community(context), Month.parse(month), 0
    settled = settled_month(community=settling, month=period, subject=context.subject)
    total = len({one.member for one in settled.statements})

    def tell() -> None:
        nonlocal done
        done += 1
        context.progress(done, total, "issue")

    context.progress(0, total, "issue")
    issued = issue_approved(
        context.workspace,
        community=settling,
        month=period,
        issue_date=date.fromisoformat(issue_date),
        due_date=date.fromisoformat(due_date),
        tell=tell,
    )
    return {
        "month": month,
        "documents": [one.number for one in issued],
        "gross_grosz": sum(one.gross_grosz for one in issued),
    }


@job_kind("post_period", act=Act.POST_LEDGER)
def post(context: JobContext, *, month: str) -> dict[str, Any]:
    """Put readings, statements and bills on the ledger: `month`, and how much of each was not there yet."""
    settling, done = _community(context), 0
    total = points_in(settling)

    def tell() -> None:
        nonlocal done
        done += 1
        context.progress(done, total, "post")

    context.progress(0, total, "post")
    posted = post_month(context.workspace, community=settling, month=Month.parse(month), tell=tell)
    return {
        "month": month,
        "days": posted.days_minted,
        "documents": posted.documents_anchored,
        "claims": posted.claims_posted,
        "log_size": posted.log_size,
        "findings": [finding_row(one) for one in posted.findings],
    }
