"""A member's home at one look: what to pay, how the community does, this month's energy, how fresh it all is."""

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from ogniwo.core.kernel.calendar import WARSAW, Month
from ogniwo.records.visibility import Subject
from ogniwo.services.wallet.bills import Due, due_now, member_bills
from ogniwo.services.wallet.community import CommunityState, community_state
from ogniwo.services.wallet.energy import Step, Sums, data_until, member_energy
from ogniwo.services.workspace.model import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """The home page: `month` is the newest with data, None before the first; `until` is the end of the data."""

    due: Due
    bills: int
    month: Month | None
    energy: Sums | None
    until: int | None
    community: CommunityState | None


def overview_of(workspace: Workspace, *, code: str, subject: Subject) -> Overview:
    """What a member's home shows."""
    bills = member_bills(workspace, subject=subject)
    until = data_until(workspace, subject=subject)
    month = None
    energy = None
    if until is not None:
        last = datetime.fromtimestamp(until - 1, tz=ZoneInfo(WARSAW)).date()
        month = Month(last.year, last.month)
        energy = _month(workspace, subject, month)
    return Overview(
        due=due_now(bills),
        bills=len(bills),
        month=month,
        energy=energy,
        until=until,
        community=community_state(workspace, code=code),
    )


def _month(workspace: Workspace, subject: Subject, month: Month) -> Sums:
    first: date = month.first
    return member_energy(
        workspace, subject=subject, first=first, last_exclusive=month.shifted(1).first, step=Step.DAY, netted=True
    ).total
