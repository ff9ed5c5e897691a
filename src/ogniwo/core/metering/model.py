"""The values metering works on: channels, month-long interval series, register readings, transformer ratios."""

import re
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ogniwo.core.kernel.calendar import SlotGrid
from ogniwo.core.kernel.quality import Quality

IMPORT: Final = "1.29.0"
"""Active energy taken from the grid in an interval, before hourly netting (Wh)."""
EXPORT: Final = "2.29.0"
"""Active energy fed into the grid in an interval, before hourly netting (Wh)."""
IMPORT_NETTED: Final = "1.29.0/net"
"""Active energy taken after the operator's hourly netting (Wh)."""
EXPORT_NETTED: Final = "2.29.0/net"
"""Active energy fed in after the operator's hourly netting (Wh)."""
REACTIVE_Q1: Final = "5.29.0"
"""Reactive energy in quadrant I: inductive at import (varh)."""
REACTIVE_Q4: Final = "8.29.0"
"""Reactive energy in quadrant IV: capacitive at import (varh)."""
OPERATOR_SHARE: Final = "operator/share"
"""Community generation that the operator allotted to this consumer (Wh)."""
OPERATOR_COVERED: Final = "operator/covered"
"""The part of that share the consumer really used (Wh)."""
OPERATOR_SURPLUS: Final = "operator/surplus"
"""Generation left over in the community, by the operator's own account (Wh)."""
OPERATOR_BALANCED: Final = "operator/balanced"
"""The operator's hourly balanced value of a cooperative file (type CB, sign as delivered) (Wh)."""

_CHANNEL = re.compile(r"[a-z0-9./-]{1,32}\Z")


def is_channel(text: str) -> bool:
    """Whether a text can name a channel."""
    return _CHANNEL.match(text) is not None


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class IntervalSeries:
    """One channel of one metering point over a slot grid.

    `wh` (slots,) int32 Wh or varh; `quality` (slots,) uint8 of Quality. Where quality is MISSING, `wh` is 0 and must
    not be summed as energy: use `complete` or `present_total_wh` with the count of missing slots. `version` names the
    stored versions the values came from.
    """

    point: str
    channel: str
    grid: SlotGrid
    wh: NDArray[np.int32]
    quality: NDArray[np.uint8]
    version: str = ""

    def __post_init__(self) -> None:
        if self.wh.shape != (self.grid.slots,) or self.quality.shape != (self.grid.slots,):
            raise ValueError("series and grid differ in length")

    @property
    def missing(self) -> NDArray[np.bool_]:
        """Which slots have no value."""
        return np.equal(self.quality, np.uint8(Quality.MISSING))

    @property
    def complete(self) -> bool:
        """Whether every slot has a value."""
        return not bool(self.missing.any())

    @property
    def present_total_wh(self) -> int:
        """The sum of the slots that have a value."""
        return int(self.wh.sum(dtype=np.int64))


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterReading:
    """A counter state as read: `value_e3` in 10^-3 of the register's unit, the multiplier NOT applied.

    `obis` is normalised (`1-1:1.8.0*255`), `unit` kWh or kvarh, `origin` one of remote, physical, manual, estimate,
    removal, installation, ratio_change. `digits` is the number of integer digits of the counter, 0 when unknown.
    """

    point: str
    meter: str
    obis: str
    epoch_s: int
    value_e3: int
    unit: str
    origin: str
    multiplier: int = 1
    digits: int = 0
    source: str = ""
    row: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class MaximumPower:
    """One of the ten largest hourly mean powers of a month (OBIS 1.6.200 to 1.6.209); `epoch_s` ends the hour."""

    point: str
    month: str
    rank: int
    power_w: int
    epoch_s: int
    source: str = ""
    row: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TransformerRatio:
    """Current and voltage transformer ratios of a meter, valid from an instant on: energy x current x voltage.

    `current` and `voltage` are (primary, secondary), for instance (200, 5).
    """

    meter: str
    valid_from_epoch_s: int
    current: tuple[int, int] = (1, 1)
    voltage: tuple[int, int] = (1, 1)
