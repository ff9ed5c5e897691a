"""What a member used stays with him when his month is settled again; what the pool lacks for it is carried on.

A rule of the community, not of the law: the account with the seller is settled as always. Only how members share the
pool changes, so every Wh that the community lays out in one month is withheld from the pool of later ones.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from ogniwo.core.kernel.rounding import split_largest_remainder


class Corrections(StrEnum):
    """What happens to allocations that were used (billed or posted) when corrected readings leave less to share.

    REALLOCATE shares the month anew, as if it had not been settled; KEEP leaves each member what he used and carries
    the shortage to the next months.
    """

    REALLOCATE = "reallocate"
    KEEP = "keep"


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """What a month owes to what was settled before it.

    `used_wh` is by id the energy of community and pool that an earlier version of the month allocated and that was
    used since. `carried_wh` is the shortage of earlier months, below zero where they withheld too much.
    """

    used_wh: Mapping[str, int] = field(default_factory=dict)
    carried_wh: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptParts:
    """Members' parts of the pool in Wh, and what the community lays out because the pool does not hold that much."""

    parts: tuple[int, ...]
    advanced_wh: int


def keep_parts(*, ids: Sequence[str], usual: Sequence[int], floors: Sequence[int]) -> KeptParts:
    """Give everybody at least his floor; only what is left above all floors is shared as usual.

    Args:
        ids: One stable id for each member.
        usual: The parts of the month if nothing had been used, Wh; they add up to what is available.
        floors: Of that, what was used already, Wh; never more than the member still takes.

    The parts add up to the available Wh, or to the floors where these are more: then the difference is advanced, and
    nobody gets more than his floor.
    """
    available = sum(usual)
    needed = sum(floors)
    if needed >= available:
        return KeptParts(parts=tuple(floors), advanced_wh=needed - available)
    # Who is below his floor takes from those above it, each by how far he is above: so nobody above falls below it.
    above = [max(0, part - floor) for part, floor in zip(usual, floors, strict=True)]
    more = split_largest_remainder(total=available - needed, weights=above, ids=ids)
    return KeptParts(parts=tuple(floor + part for floor, part in zip(floors, more, strict=True)), advanced_wh=0)


def withheld_now(*, carried_wh: int, settled_wh: int, taken_wh: int) -> int:
    """How much of a carried shortage this month's pool makes good, Wh.

    At most what the pool covers in the month. Below zero where more was withheld than is short by now: then members
    get it back, at most what they would pay in full.
    """
    return max(settled_wh - taken_wh, min(carried_wh, settled_wh))
