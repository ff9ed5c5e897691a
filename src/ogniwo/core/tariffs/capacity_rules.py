"""The capacity fee's rules as data: regimes, classes, selected hours, coefficients, qualification periods.

Source: act on the capacity market of 8 December 2017, art. 70a, 74, 89a and 89b (law.md 1).
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from ogniwo.core.tariffs.dated import find_on, require_on
from ogniwo.core.tariffs.use_classes import UseClass


class Qualification(StrEnum):
    """How long the period is over which a point is put into a group K1 to K4."""

    NONE = "none"
    MONTH = "month"
    DECADE = "decade"
    DAY = "day"


@dataclass(frozen=True, slots=True, kw_only=True)
class FlatRegime:
    """Days on which small customers pay a flat fee: at low voltage, households or up to `power_limit_w`."""

    power_limit_w: int
    valid_from: date
    valid_to: date | None
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FlatClasses:
    """The classes of the flat fee, smallest first."""

    classes: tuple[UseClass, ...]
    valid_from: date
    valid_to: date | None
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FlatSuspension:
    """Days on which households did not pay the flat fee."""

    valid_from: date
    valid_to: date | None
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectedHours:
    """Hours of working days (local time, hour starts 0..23) in which the fee by volume is charged."""

    hours: tuple[int, ...]
    valid_from: date
    valid_to: date | None
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CoefficientGroup:
    """A group: difference s below `below_percent` (None for the last), charged with `coefficient_e2` hundredths."""

    name: str
    below_percent: int | None
    coefficient_e2: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Coefficients:
    """The groups in ascending order of s; the last one also takes points without energy outside selected hours."""

    groups: tuple[CoefficientGroup, ...]
    zero_resolution_wh: int
    valid_from: date
    valid_to: date | None
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class QualificationPeriod:
    """Which qualification period applies from a day on."""

    period: Qualification
    valid_from: date
    valid_to: date | None
    source: str
    confidence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CapacityRules:
    """All rules of the fee, each a list of dated rows."""

    flat_regime: tuple[FlatRegime, ...]
    flat_classes: tuple[FlatClasses, ...]
    flat_suspension: tuple[FlatSuspension, ...]
    selected_hours: tuple[SelectedHours, ...]
    coefficients: tuple[Coefficients, ...]
    qualification: tuple[QualificationPeriod, ...]

    def rows(self) -> tuple[object, ...]:
        """Every row, for a digest."""
        return (
            *self.flat_regime,
            *self.flat_classes,
            *self.flat_suspension,
            *self.selected_hours,
            *self.coefficients,
            *self.qualification,
        )

    def flat_regime_on(self, day: date) -> FlatRegime | None:
        """The flat regime, None on days when everybody pays by volume (from 2028)."""
        return find_on(self.flat_regime, day, what="flat capacity regime")

    def flat_classes_on(self, day: date) -> FlatClasses:
        """The classes of the flat fee."""
        return require_on(self.flat_classes, day, what="classes of the flat capacity fee")

    def suspension_on(self, day: date) -> FlatSuspension | None:
        """The suspension for households on a day, None when there is none."""
        return find_on(self.flat_suspension, day, what="suspension of the flat capacity fee")

    def selected_hours_on(self, day: date) -> SelectedHours:
        """The selected hours of a working day."""
        return require_on(self.selected_hours, day, what="selected hours of the capacity fee")

    def coefficients_on(self, day: date) -> Coefficients:
        """The groups K1 to K4."""
        return require_on(self.coefficients, day, what="coefficients of the capacity fee")

    def qualification_on(self, day: date) -> QualificationPeriod:
        """The qualification period."""
        return require_on(self.qualification, day, what="qualification period of the capacity fee")
