"""The values balancing works on: a sharing choice, the allocation it gives, a cooperative's hourly balance."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from ogniwo.core.kernel.refusals import Refusal

WhMatrix = NDArray[np.int64]
"""Energy in whole Wh, shape (members, intervals), rows in the order of the ids given with it."""

WhVector = NDArray[np.int64]
"""Energy in whole Wh, shape (intervals,)."""


class SharingMethod(StrEnum):
    """How the energy that a community produced in an interval is divided (allocation.md, table of methods)."""

    STATIC = "static"
    DYNAMIC = "dynamic"
    HYBRID = "hybrid"
    EQUAL = "equal"
    MERIT_ORDER = "merit_order"


COMPLETE_METHODS = frozenset({SharingMethod.DYNAMIC, SharingMethod.EQUAL, SharingMethod.MERIT_ORDER})
"""Methods that always share the smaller of offer and need; HYBRID does so when every member has a positive key."""


class SharingRulesError(Refusal):
    """The rules of sharing do not fit the members: keys, order or participation are missing or impossible."""

    code = "balancing.sharing_rules"


@dataclass(frozen=True, slots=True, kw_only=True)
class SharingChoice:
    """A method with what it needs besides the energy, the same for every interval.

    `keys` are integer weights (50, 30, 20 for 50 %, 30 %, 20 %; thousandths as well), one for each member, for STATIC
    and HYBRID. `order` lists every member id once, the first served first, for MERIT_ORDER.
    """

    method: SharingMethod
    keys: tuple[int, ...] | None = None
    order: tuple[str, ...] | None = None


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Allocation:
    """What each member got and gave in each interval; every array is int64 Wh of shape (members, intervals).

    `allotted` is the part of the community's energy set aside for a member before his need was looked at; None for the
    methods without such a step (HYBRID, EQUAL, MERIT_ORDER). `used` is the part of it he really used, `rest` what he
    takes from elsewhere, `supplied` the part of a producer's offer that members used, `surplus` what is left of it.
    In every interval: sum(used) = sum(supplied), used + rest = need, supplied + surplus = offer.
    """

    ids: tuple[str, ...]
    method: SharingMethod
    allotted: WhMatrix | None
    used: WhMatrix
    supplied: WhMatrix
    surplus: WhMatrix
    rest: WhMatrix


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class CooperativeBalance:
    """The hourly balance of all members of a cooperative; every array is int64 Wh of shape (hours,).

    `taken` = max(Ebs, 0) and `given` = max(-Ebs, 0) are what the cooperative as a whole took and fed in;
    `exchanged` is the energy that passed between members inside the hour, without the 0.6 loss.
    """

    taken: WhVector
    given: WhVector
    exchanged: WhVector
