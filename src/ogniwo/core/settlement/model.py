"""The values settlement produces: what flowed for each point, and the statement that says who owes whom and why."""

from dataclasses import dataclass

from ogniwo.core.kernel.calendar import Month
from ogniwo.core.tariffs.model import ChargeLine


@dataclass(frozen=True, slots=True, kw_only=True)
class EnergyFlows:
    """One point's month in Wh, after hourly netting of the point itself.

    taken = community_in + pool + grid; given = community_out + surplus. `metered_in` and `metered_out` are the sums
    before hourly netting, so metered_in - metered_out = taken - given.
    """

    metered_in_wh: int
    metered_out_wh: int
    taken_wh: int
    given_wh: int
    community_in_wh: int
    community_out_wh: int
    pool_wh: int
    grid_wh: int
    surplus_wh: int

    def __post_init__(self) -> None:
        if self.taken_wh != self.community_in_wh + self.pool_wh + self.grid_wh:
            raise ValueError("energy taken is not the sum of its sources")
        if self.given_wh != self.community_out_wh + self.surplus_wh:
            raise ValueError("energy given is not the sum of its uses")
        if self.metered_in_wh - self.metered_out_wh != self.taken_wh - self.given_wh:
            raise ValueError("netting did not keep the difference of import and export")


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityShare:
    """How much of a point's energy has one quality: `quality` is the word of the kernel, slots are counted."""

    quality: str
    energy_wh: int
    slots: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What one point owes and is owed for a month.

    `lines` are charged to the member, `credits` are due to the member for energy given to the community (their
    `net_grosz` is positive). `inputs` name everything the numbers depend on: series versions, rate book digest, sharing
    method, parameters. `version` counts re-runs of the same month from 1.
    """

    community: str
    month: Month
    version: int
    member: str
    point: str
    flows: EnergyFlows
    quality: tuple[QualityShare, ...]
    lines: tuple[ChargeLine, ...]
    credits: tuple[ChargeLine, ...]
    inputs: tuple[tuple[str, str], ...]

    @property
    def net_grosz(self) -> int:
        """Net sum of the charged lines."""
        return sum(line.net_grosz for line in self.lines)

    @property
    def credit_grosz(self) -> int:
        """Net sum due to the member."""
        return sum(line.net_grosz for line in self.credits)
