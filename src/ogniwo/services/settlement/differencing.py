"""What a later version of a settled month changes, point by point; nothing else is repeated."""

from dataclasses import dataclass

from ogniwo.core.kernel.calendar import Month
from ogniwo.core.settlement.difference import StatementDifference, statement_difference
from ogniwo.core.settlement.model import Statement
from ogniwo.records.parties.models import Organisation
from ogniwo.records.visibility import Subject
from ogniwo.services.settlement.queries import RunNotFoundError, SettledMonth, settled_month


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthDifference:
    """From one version of a month to a later one.

    `changed` are the points whose statement says something else, `unchanged` counts the others. `added` and `removed`
    are statements of points that are only in the later or only in the earlier version.
    """

    community: str
    month: Month
    earlier: SettledMonth
    later: SettledMonth
    changed: tuple[StatementDifference, ...]
    unchanged: int
    added: tuple[Statement, ...]
    removed: tuple[Statement, ...]

    @property
    def net_grosz(self) -> int:
        """How much more all members together are charged."""
        return (
            sum(one.net_grosz for one in self.changed)
            + sum(one.net_grosz for one in self.added)
            - sum(one.net_grosz for one in self.removed)
        )

    @property
    def credit_grosz(self) -> int:
        """How much more is due to all members together."""
        return (
            sum(one.credit_grosz for one in self.changed)
            + sum(one.credit_grosz for one in self.added)
            - sum(one.credit_grosz for one in self.removed)
        )


def month_difference(
    *, community: Organisation, month: Month, subject: Subject, earlier: int = 0, later: int = 0
) -> MonthDifference:
    """Compare two versions of a month; without versions the newest with the one before it.

    Raises RunNotFoundError when there are not two, NotTheNextVersionError when they are not in order.
    """
    after = settled_month(community=community, month=month, subject=subject, version=later)
    if not earlier and after.version == min(after.versions):
        raise RunNotFoundError(detail=f"{month} has no version before {after.version}, so there is nothing to compare")
    before_version = earlier or max(one for one in after.versions if one < after.version)
    before = settled_month(community=community, month=month, subject=subject, version=before_version)
    old = {statement.point: statement for statement in before.statements}
    new = {statement.point: statement for statement in after.statements}
    differences = [statement_difference(old[point], new[point]) for point in sorted(old.keys() & new.keys())]
    changed = tuple(one for one in differences if not one.is_empty)
    return MonthDifference(
        community=community.code,
        month=month,
        earlier=before,
        later=after,
        changed=changed,
        unchanged=len(differences) - len(changed),
        added=tuple(new[point] for point in sorted(new.keys() - old.keys())),
        removed=tuple(old[point] for point in sorted(old.keys() - new.keys())),
    )
