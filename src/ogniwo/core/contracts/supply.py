"""Supply contracts over time: move-in, move-out and a change of terms inside a month become ordered segments."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Generic, TypeVar

from ogniwo.core.kernel.calendar import local_midnight
from ogniwo.core.kernel.findings import Finding, Severity
from ogniwo.core.kernel.periods import epoch_of
from ogniwo.core.kernel.refusals import Refusal

Terms = TypeVar("Terms")


class OverlappingContractsError(Refusal):
    """Two contracts of one point are in force on the same day."""

    code = "contract.overlap"


class EmptyContractError(Refusal):
    """A contract or a membership that ends before it begins is in force on no day."""

    code = "contract.empty"


def refuse_empty(*, name: str, valid_from: date, valid_to: date | None) -> None:
    """Refuse a validity that holds no day."""
    if valid_to is not None and valid_to <= valid_from:
        raise EmptyContractError(detail=f"{name} ends on {valid_to}, not after its first day {valid_from}")


@dataclass(frozen=True, slots=True, kw_only=True)
class SupplyContract(Generic[Terms]):
    """Who is supplied at a point, on which terms, from `valid_from` up to but not including `valid_to` (None = open).

    `number` is the contract's own number and must be unique for a point; `terms` is opaque here. A change of terms is
    a second value with the same `number` root or another one, never an edit. Raises EmptyContractError.
    """

    number: str
    point: str
    member: str
    valid_from: date
    valid_to: date | None
    terms: Terms

    def __post_init__(self) -> None:
        refuse_empty(name=f"contract {self.number}", valid_from=self.valid_from, valid_to=self.valid_to)


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractSegment(Generic[Terms]):
    """The days [first, last_exclusive) of the asked period on which one contract is in force."""

    first: date
    last_exclusive: date
    contract: SupplyContract[Terms]

    @property
    def days(self) -> int:
        """Number of days."""
        return (self.last_exclusive - self.first).days


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractTimeline(Generic[Terms]):
    """The segments of a point in the asked period, ordered, and a finding for each run of days without a contract."""

    point: str
    first: date
    last_exclusive: date
    segments: tuple[ContractSegment[Terms], ...]
    findings: tuple[Finding, ...]

    @property
    def covered_days(self) -> int:
        """Days with a contract."""
        return sum(segment.days for segment in self.segments)


def segments(
    contracts: Sequence[SupplyContract[Terms]], *, point: str, first: date, last_exclusive: date
) -> ContractTimeline[Terms]:
    """Cut the local days [first, last_exclusive) of one point by the contracts in force.

    Contracts of other points are left aside, so the whole list of an organisation may be given. Days without a
    contract give the finding `contract.gap`. Raises OverlappingContractsError when two contracts share a day inside the
    asked period, and ValueError when the period is empty.
    """
    if last_exclusive <= first:
        raise ValueError(f"empty period {first} .. {last_exclusive}")
    parts = sorted(
        (
            part
            for contract in contracts
            if contract.point == point and (part := _clipped(contract, first, last_exclusive)) is not None
        ),
        key=lambda part: (part.first, part.contract.number),
    )
    for earlier, later in itertools.pairwise(parts):
        if later.first < earlier.last_exclusive:
            raise OverlappingContractsError(
                detail=f"contracts {earlier.contract.number} and {later.contract.number} are both in force "
                f"at {point} on {later.first}"
            )
    return ContractTimeline(
        point=point,
        first=first,
        last_exclusive=last_exclusive,
        segments=tuple(parts),
        findings=tuple(_gaps(parts, point=point, first=first, last_exclusive=last_exclusive)),
    )


def _clipped(contract: SupplyContract[Terms], first: date, last_exclusive: date) -> ContractSegment[Terms] | None:
    start = max(first, contract.valid_from)
    end = last_exclusive if contract.valid_to is None else min(last_exclusive, contract.valid_to)
    return ContractSegment(first=start, last_exclusive=end, contract=contract) if start < end else None


def _gaps(parts: Sequence[ContractSegment[Terms]], *, point: str, first: date, last_exclusive: date) -> list[Finding]:
    starts = [first, *(part.last_exclusive for part in parts)]
    ends = [*(part.first for part in parts), last_exclusive]
    return [
        Finding(
            code="contract.gap",
            severity=Severity.ERROR,
            message=f"no contract covers {point} from {start} up to but not including {end}",
            point=point,
            start_epoch_s=epoch_of(local_midnight(start)),
            end_epoch_s=epoch_of(local_midnight(end)),
            facts=(
                ("first", start.isoformat()),
                ("last_exclusive", end.isoformat()),
                ("days", str((end - start).days)),
            ),
        )
        for start, end in zip(starts, ends, strict=True)
        if start < end
    ]
