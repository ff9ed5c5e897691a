"""What a later version of a statement changes: the difference only, line by line, for the correcting document."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import date

from ogniwo.core.kernel.quantities import Rate
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.settlement.model import EnergyFlows, Statement
from ogniwo.core.tariffs.model import ChargeLine


class NotTheNextVersionError(Refusal):
    """The two statements are not an earlier and a later version of the same point and month."""

    code = "difference.not_the_next_version"


@dataclass(frozen=True, slots=True, kw_only=True)
class LineKey:
    """What makes two lines the same position of a bill: charge, zone, period, rate; and the VAT rate it is taxed by."""

    charge: str
    zone: str
    first: date
    last_exclusive: date
    rate: Rate
    vat_rate_percent: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LineDifference:
    """The change of one position. `before` and `after` are its lines in the two versions, empty when it has none."""

    key: LineKey
    quantity: int
    net_grosz: int
    before: tuple[ChargeLine, ...]
    after: tuple[ChargeLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementDifference:
    """Everything that changes from `earlier` to `later`: charged lines, credits, and energy by name of the flow."""

    earlier: Statement
    later: Statement
    lines: tuple[LineDifference, ...]
    credits: tuple[LineDifference, ...]
    flows: tuple[tuple[str, int], ...]

    @property
    def is_empty(self) -> bool:
        """Whether nothing changed that a document would show."""
        return not (self.lines or self.credits or self.flows)

    @property
    def net_grosz(self) -> int:
        """How much more the member is charged."""
        return sum(line.net_grosz for line in self.lines)

    @property
    def credit_grosz(self) -> int:
        """How much more is due to the member."""
        return sum(line.net_grosz for line in self.credits)


def statement_difference(earlier: Statement, later: Statement) -> StatementDifference:
    """Compare two versions of one statement; positions that did not change are left out.

    Exact: earlier sums plus the differences are the later sums. Raises NotTheNextVersionError when the statements are
    about different points or months, or not in order.
    """
    same = ("community", "month", "member", "point")
    if any(getattr(earlier, name) != getattr(later, name) for name in same) or later.version <= earlier.version:
        raise NotTheNextVersionError(
            detail=f"{later.point} {later.month} version {later.version} does not follow "
            f"{earlier.point} {earlier.month} version {earlier.version}"
        )
    changes = (
        (field.name, getattr(later.flows, field.name) - getattr(earlier.flows, field.name))
        for field in fields(EnergyFlows)
    )
    return StatementDifference(
        earlier=earlier,
        later=later,
        lines=_line_differences(earlier.lines, later.lines),
        credits=_line_differences(earlier.credits, later.credits),
        flows=tuple((name, change) for name, change in changes if change),
    )


def _line_differences(before: Iterable[ChargeLine], after: Iterable[ChargeLine]) -> tuple[LineDifference, ...]:
    """Differences in the order of the earlier statement, new positions after them."""
    old, new = _by_key(before), _by_key(after)
    differences = (_line_difference(key, old.get(key, ()), new.get(key, ())) for key in {**old, **new})
    return tuple(change for change in differences if change.quantity or change.net_grosz)


def _line_difference(key: LineKey, before: tuple[ChargeLine, ...], after: tuple[ChargeLine, ...]) -> LineDifference:
    return LineDifference(
        key=key,
        quantity=sum(line.quantity for line in after) - sum(line.quantity for line in before),
        net_grosz=sum(line.net_grosz for line in after) - sum(line.net_grosz for line in before),
        before=before,
        after=after,
    )


def _by_key(lines: Iterable[ChargeLine]) -> dict[LineKey, tuple[ChargeLine, ...]]:
    grouped: dict[LineKey, tuple[ChargeLine, ...]] = {}
    for line in lines:
        key = LineKey(
            charge=line.charge,
            zone=line.zone,
            first=line.first,
            last_exclusive=line.last_exclusive,
            rate=line.rate,
            vat_rate_percent=line.vat_rate_percent,
        )
        grouped[key] = (*grouped.get(key, ()), line)
    return grouped
