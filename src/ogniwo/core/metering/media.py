"""Meters of gas, heat and water: media and units, use between cumulative states, what one more state has to fit.

A state is an integer in 10^-3 of the meter's unit, as register states of electricity are: litres for m3, MJ for GJ,
kWh for MWh, Wh for kWh, thousandths for the units of a heat cost allocator. It stands on a local day, at a minute of it
when that is known. What lies between two states is one number for that time; it is not spread over days.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from itertools import pairwise
from typing import Final

from ogniwo.core.kernel.quantities import NotADecimalError, format_decimal, parse_decimal
from ogniwo.core.kernel.refusals import Refusal

DECIMALS_MAX: Final = 3
DIGITS_MAX: Final = 9
NO_TIME: Final = -1
"""The minute of a state of which only the day is known; on its day it stands before those with a time."""

_SCALE_E: Final = 3
_HIGH_FACTOR: Final = 4
_LEAST_DAYS: Final = 7
_LOOKED_BACK_DAYS: Final = 400


class Medium(StrEnum):
    """What a meter counts besides electricity."""

    GAS = "gas"
    HEAT = "heat"
    COLD_WATER = "cold_water"
    HOT_WATER = "hot_water"
    HEAT_COST = "heat_cost"

    @property
    def obis(self) -> int:
        """The medium in OBIS, value group A (DIN EN 13757-1): 4 heat cost allocator, 6 heat, 7 gas, 8 and 9 water."""
        return _OBIS[self]

    @property
    def units(self) -> tuple[str, ...]:
        """The units in which its meters count, the usual one first."""
        return _UNITS[self]


_OBIS: Final = {Medium.HEAT_COST: 4, Medium.HEAT: 6, Medium.GAS: 7, Medium.COLD_WATER: 8, Medium.HOT_WATER: 9}
_UNITS: Final = {
    Medium.GAS: ("m3", "kWh"),
    Medium.HEAT: ("GJ", "MWh", "kWh"),
    Medium.COLD_WATER: ("m3",),
    Medium.HOT_WATER: ("m3",),
    Medium.HEAT_COST: ("units",),
}
_SLACK_E3: Final = {"m3": 5_000, "GJ": 1_000, "MWh": 300, "kWh": 300_000, "units": 50_000}
"""How much more than usual is plausible on any day, in 10^-3 of the unit."""


class StateKind(StrEnum):
    """What a state says of the counting since the one before it.

    `rollover`: the counter passed zero once. `restart`: the counting began anew with this state, because the works were
    exchanged or set back under the same number; what was used since the state before is not known.
    """

    READING = "reading"
    ROLLOVER = "rollover"
    RESTART = "restart"


class BadMediaStateError(Refusal):
    """A state is no number, has more digits or places than the meter shows, or its day is none or cannot be."""

    code = "media.bad_state"


class BackwardsMediaStateError(Refusal):
    """A state is below an earlier or above a later one, and neither a rollover nor a new beginning is named."""

    code = "media.backwards"


class RolloverError(Refusal):
    """A counter cannot have passed zero here: its digits are not known, nothing stands before, or it did not fall."""

    code = "media.rollover"


@dataclass(frozen=True, slots=True, kw_only=True)
class Counter:
    """What a meter shows: its unit, places after the mark (0 to 3), whole digits (0: not known)."""

    unit: str
    decimals: int
    digits: int

    @property
    def full_e3(self) -> int | None:
        """The state at which it would pass zero, in 10^-3 of the unit; None when its digits are not known."""
        return _whole(self.digits + _SCALE_E) if self.digits else None

    def text(self, value_e3: int) -> str:
        """A state as the counter shows it, with its unit, for refusals."""
        shown = format_decimal(value_e3 // _whole(_SCALE_E - self.decimals), decimals=self.decimals)
        return f"{shown} {self.unit}"


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaState:
    """A state on a local day, `minute` minutes after its midnight by the clock on the wall (NO_TIME: not known)."""

    day: date
    minute: int = NO_TIME
    value_e3: int
    kind: StateKind = StateKind.READING

    @property
    def place(self) -> tuple[date, int]:
        """Where it stands among the states of its meter."""
        return self.day, self.minute


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaUse:
    """What was used between two states that follow one another, in 10^-3 of the unit; None when it is not known."""

    first: MediaState
    last: MediaState
    use_e3: int | None

    @property
    def days(self) -> int:
        """How many days lie between the two."""
        return (self.last.day - self.first.day).days


@dataclass(frozen=True, slots=True, kw_only=True)
class Plausible:
    """What a counter should show on a day, in 10^-3 of its unit, by the use of `days` days before."""

    low_e3: int
    expected_e3: int
    high_e3: int
    days: int


def _whole(exponent: int) -> int:
    power: int = 10**exponent
    return power


def parse_state(text: str, counter: Counter) -> int:
    """What somebody read, as 10^-3 of the unit; comma or dot, gaps between thousands. Raises BadMediaStateError."""
    plain = "".join(text.split())
    try:
        value = parse_decimal(plain, decimals=counter.decimals)
    except NotADecimalError as error:
        places = f"with at most {counter.decimals} decimal places" if counter.decimals else "in whole units"
        raise BadMediaStateError(detail=f"{text.strip()[:40]!r} is no state {places}") from error
    value_e3 = value * _whole(_SCALE_E - counter.decimals)
    most = counter.full_e3 or _whole(DIGITS_MAX + _SCALE_E)
    if value < 0 or plain.startswith("-"):
        raise BadMediaStateError(detail=f"{text.strip()[:40]!r} is below zero")
    if value_e3 >= most:
        digits = counter.digits or DIGITS_MAX
        raise BadMediaStateError(detail=f"{text.strip()[:40]!r} has more than {digits} digits before the mark")
    return value_e3


def use_between(first: MediaState, last: MediaState, counter: Counter) -> int | None:
    """What was used between two neighbours, in 10^-3 of the unit; None when nobody can know it."""
    if last.kind is StateKind.RESTART:
        return None
    if last.kind is StateKind.ROLLOVER:
        full_e3 = counter.full_e3
        return None if full_e3 is None else full_e3 + last.value_e3 - first.value_e3
    return last.value_e3 - first.value_e3 if last.value_e3 >= first.value_e3 else None


def uses(states: Sequence[MediaState], counter: Counter) -> tuple[MediaUse, ...]:
    """The use between each two neighbours of a meter's states, in the order of time."""
    ordered = sorted(states, key=lambda one: one.place)
    return tuple(
        MediaUse(first=first, last=last, use_e3=use_between(first, last, counter)) for first, last in pairwise(ordered)
    )


def require_fits(state: MediaState, others: Sequence[MediaState], counter: Counter) -> None:
    """Let a state stand among the other states of its meter, or say why not.

    Raises BadMediaStateError when one stands at the same time, BackwardsMediaStateError, RolloverError.
    """
    if any(one.place == state.place for one in others):
        raise BadMediaStateError(detail=f"there is a state of {_when(state)} already; correct that one instead")
    before = max((one for one in others if one.place < state.place), key=lambda one: one.place, default=None)
    after = min((one for one in others if one.place > state.place), key=lambda one: one.place, default=None)
    if state.kind is not StateKind.READING and before is None:
        raise RolloverError(detail=f"no state stands before {_when(state)}; the first one is a plain reading")
    if before is not None:
        _require_step(before, state, counter)
    if after is not None:
        _require_step(state, after, counter)


def require_without(place: tuple[date, int], others: Sequence[MediaState], counter: Counter) -> None:
    """Let the neighbours of a state that is taken away stand side by side, or say why not; raises as require_fits."""
    before = max((one for one in others if one.place < place), key=lambda one: one.place, default=None)
    after = min((one for one in others if one.place > place), key=lambda one: one.place, default=None)
    if after is None:
        return
    if before is None and after.kind is not StateKind.READING:
        raise RolloverError(detail=f"the state of {_when(after)} would be the first; correct that one to a reading")
    if before is not None:
        _require_step(before, after, counter)


def _require_step(first: MediaState, last: MediaState, counter: Counter) -> None:
    """What two neighbours have to be to one another."""
    states = f"{counter.text(first.value_e3)} on {_when(first)}, {counter.text(last.value_e3)} on {_when(last)}"
    if last.kind is StateKind.ROLLOVER:
        if counter.full_e3 is None:
            raise RolloverError(detail="how many digits the counter has is not known, so its rollover cannot be used")
        if last.value_e3 >= first.value_e3:
            raise RolloverError(detail=f"the counter did not fall: {states}; this is no rollover")
    elif last.kind is StateKind.READING and last.value_e3 < first.value_e3:
        raise BackwardsMediaStateError(detail=f"a counter never runs back: {states}")


def plausible(states: Sequence[MediaState], *, day: date, counter: Counter) -> Plausible | None:
    """What the counter should show on a day: from no use at all to four times the use before, and some slack.

    The use before is that of the spans which end at the last state before the day and begin at most 400 days before
    it; with less than a week of known use nobody can say, and the answer is None.
    """
    known = [one for one in states if one.day <= day]
    if not known:
        return None
    last = max(known, key=lambda one: one.place)
    spans = [one for one in uses(known, counter) if (last.day - one.first.day).days <= _LOOKED_BACK_DAYS]
    counted = [(one.use_e3, one.days) for one in spans if one.use_e3 is not None]
    used_e3, days = sum(use for use, _ in counted), sum(span for _, span in counted)
    if days < _LEAST_DAYS:
        return None
    expected_e3 = used_e3 * (day - last.day).days // days
    return Plausible(
        low_e3=last.value_e3,
        expected_e3=last.value_e3 + expected_e3,
        high_e3=last.value_e3 + _HIGH_FACTOR * expected_e3 + _SLACK_E3[counter.unit],
        days=days,
    )


def time_text(minute: int) -> str:
    """A minute of a day as 07:05, "" when the time is not known."""
    return "" if minute == NO_TIME else f"{minute // 60:02}:{minute % 60:02}"


def _when(state: MediaState) -> str:
    return f"{state.day} {time_text(state.minute)}".strip()
