"""Bills that people issue on screen need the approval of a second person; the command line is the operator's own."""

from collections.abc import Callable
from datetime import date

from ogniwo.core.kernel.calendar import Month
from ogniwo.records.parties.models import Organisation
from ogniwo.services.billing.issuing import IssuedDocument, issue_invoices
from ogniwo.services.settlement.approving import require_approval
from ogniwo.services.workspace.model import Workspace


def issue_approved(
    workspace: Workspace,
    *,
    community: Organisation,
    month: Month,
    issue_date: date,
    due_date: date,
    tell: Callable[[], None] = lambda: None,
) -> tuple[IssuedDocument, ...]:
    """Issue the newest settlement of a month once it was approved; `tell` is called per member.

    Raises NotApprovedError, BusyError.
    """
    require_approval(community=community, month=month)
    return issue_invoices(
        workspace, community=community, month=month, issue_date=issue_date, due_date=due_date, tell=tell
    )
