"""Substitute values for missing intervals, best method first, and rescaling to a register that arrived later.

The order is that of metering.md 6: check meter, register difference on the last good shape, a straight line over at
most two hours, mean of like days of three weeks, like days of last year, a standard profile, refusal. Never zero.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ogniwo.core.kernel.periods import instant_of
from ogniwo.core.kernel.quality import Quality
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.kernel.rounding import divide_half_up, split_largest_remainder
from ogniwo.core.metering.intervals import RegisterSpan, to_wh32
from ogniwo.core.metering.like_days import DayBook, days_around, days_before
from ogniwo.core.metering.model import IntervalSeries
from ogniwo.core.metering.runs import runs_of, span_of

_SAME_WEEKDAY_LAST_YEAR: Final = timedelta(days=364)


class NoEstimateError(Refusal):
    """Nothing is known from which a gap could be estimated; zero would be a lie."""

    code = "estimation.nothing_known"


class RegisterBelowMeasuredError(Refusal):
    """A register counted less than the measured intervals of its span, or they differ and nothing may be changed."""

    code = "estimation.register_contradicts"


class Method(StrEnum):
    """How a gap was filled."""

    CHECK_METER = "check_meter"
    REGISTER = "register"
    LINEAR = "linear"
    LIKE_DAYS = "like_days"
    LAST_YEAR = "last_year"
    STANDARD_PROFILE = "standard_profile"
    RESCALED = "rescaled"


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class StandardProfile:
    """A standard load profile on the slots of the grid: `total_wh` spread by `weights` (slots,) int64 / `whole`.

    `whole` is the sum of the weights over the time that `total_wh` covers (a year, or the span between two registers).
    """

    name: str
    weights: NDArray[np.int64]
    whole: int
    total_wh: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EstimationParameters:
    """How far each method may reach."""

    linear_s_max: int = 7_200
    like_days_back: int = 21
    like_days_least: int = 3
    last_year_reach_days: int = 10


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class EstimationContext:
    """What is known besides the series: another meter of the same circuit, register spans, other months, a profile.

    `history` are series of the same point and channel, any months. `photovoltaic` rules out straight lines and even
    spreading: generation has no straight line and no night.
    """

    check_meter: IntervalSeries | None = None
    spans: tuple[RegisterSpan, ...] = ()
    history: tuple[IntervalSeries, ...] = ()
    profile: StandardProfile | None = None
    photovoltaic: bool = False
    parameters: EstimationParameters = field(default_factory=EstimationParameters)


@dataclass(frozen=True, slots=True, kw_only=True)
class EstimatedGap:
    """One stretch of substituted slots: the method, what it was made from, and its energy."""

    start_epoch_s: int
    end_epoch_s: int
    method: Method
    inputs: tuple[str, ...]
    total_wh: int


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Estimation:
    """A series with substituted values, a record of each stretch, and the version it would replace.

    Nothing is stored by this: it is the preview, and storing its series as a new version is the decision.
    """

    series: IntervalSeries
    gaps: tuple[EstimatedGap, ...]
    replaces_version: str


class _Draft:
    """The values while they are filled in."""

    def __init__(self, series: IntervalSeries, context: EstimationContext) -> None:
        self.series = series
        self.context = context
        self.wh = series.wh.astype(np.int64)
        self.missing = series.missing.copy()
        self.book = DayBook((*context.history, series))
        view = series.grid.view()
        self.minutes: list[int] = (view.hour.astype(np.int64) * 60 + view.minute).tolist()
        self.day_index: list[int] = view.day.tolist()
        self.gaps: list[EstimatedGap] = []

    def fill(self, first: int, values: Sequence[int], method: Method, inputs: Sequence[str]) -> None:
        last = first + len(values)
        self.wh[first:last] = values
        self.missing[first:last] = False
        start, end = span_of(self.series.grid, first, last)
        self.gaps.append(
            EstimatedGap(
                start_epoch_s=start, end_epoch_s=end, method=method, inputs=tuple(inputs), total_wh=sum(values)
            )
        )

    def day_parts(self) -> list[tuple[int, int, date]]:
        """The gaps that are left, cut at local midnights."""
        parts: list[tuple[int, int, date]] = []
        for first, last in runs_of(self.missing):
            begin = first
            for slot in range(first + 1, last + 1):
                if slot == last or self.day_index[slot] != self.day_index[begin]:
                    parts.append((begin, slot, self.series.grid.days[self.day_index[begin]]))
                    begin = slot
        return parts


def spread(*, total_wh: int, weights: Sequence[int]) -> tuple[int, ...]:
    """Split an energy by weights so that the parts sum to it exactly; ties go to the earlier slot."""
    ids = [f"{slot:08d}" for slot in range(len(weights))]
    return split_largest_remainder(total=total_wh, weights=weights, ids=ids)


def fill_gaps(series: IntervalSeries, *, context: EstimationContext, version: str = "") -> Estimation:
    """Substitute every missing slot by the best method that can do it; measured slots are never touched.

    Substituted slots have quality SUBSTITUTED; `version` names the result. Raises NoEstimateError for slots that no
    method can fill, and ValueError when the check meter or the profile lies on another grid.
    """
    _require_same_grid(series, context)
    draft = _Draft(series, context)
    for method in (_check_meter, _registers, _linear, _like_days, _last_year, _standard_profile):
        if draft.missing.any():
            method(draft)
    left = runs_of(draft.missing)
    if left:
        start, end = (instant_of(epoch_s) for epoch_s in span_of(series.grid, *left[0]))
        raise NoEstimateError(
            detail=f"{series.point} {series.channel}: nothing is known to estimate {start:%Y-%m-%d %H:%M} to "
            f"{end:%Y-%m-%d %H:%M} UTC ({len(left)} gaps, {int(draft.missing.sum())} slots)"
        )
    quality = np.where(series.missing, np.uint8(Quality.SUBSTITUTED), series.quality)
    filled = _with_values(series, draft.wh, quality, version)
    gaps = tuple(sorted(draft.gaps, key=lambda gap: gap.start_epoch_s))
    return Estimation(series=filled, gaps=gaps, replaces_version=series.version)


def _with_values(
    series: IntervalSeries, wh: NDArray[np.int64], quality: NDArray[np.uint8], version: str
) -> IntervalSeries:
    return IntervalSeries(
        point=series.point, channel=series.channel, grid=series.grid, wh=to_wh32(wh), quality=quality, version=version
    )


def _require_same_grid(series: IntervalSeries, context: EstimationContext) -> None:
    if context.check_meter is not None and context.check_meter.grid is not series.grid:
        raise ValueError("the check meter must lie on the grid of the series")
    if context.profile is not None and context.profile.weights.shape != (series.grid.slots,):
        raise ValueError("the standard profile must have a weight for each slot")


def _check_meter(draft: _Draft) -> None:
    check = draft.context.check_meter
    if check is None:
        return
    for first, last in runs_of(draft.missing & ~check.missing):
        inputs = (f"{check.point} {check.channel} {check.version}".rstrip(),)
        draft.fill(first, check.wh[first:last].tolist(), Method.CHECK_METER, inputs)


def _registers(draft: _Draft) -> None:
    """The energy that a register counted and no interval has, spread over the missing slots; short spans first."""
    grid = draft.series.grid
    for span in sorted(draft.context.spans, key=lambda one: (one.end_epoch_s - one.start_epoch_s, one.start_epoch_s)):
        first, last = grid.slot_of(span.start_epoch_s), grid.slot_of(span.end_epoch_s - grid.slot_s)
        if first is None or last is None:
            continue
        missing = [slot for slot in range(first, last + 1) if draft.missing[slot]]
        if not missing:
            continue
        unknown_wh = span.energy_wh - int(draft.wh[first : last + 1][~draft.missing[first : last + 1]].sum())
        shape = _shape(draft, missing)
        # A register below the measured intervals contradicts them (V5 says so); it is no source for an estimate.
        if unknown_wh < 0 or shape is None:
            continue
        weights, shape_inputs = shape
        values = dict(zip(missing, spread(total_wh=unknown_wh, weights=weights), strict=True))
        inputs = (f"register {span.start_epoch_s}..{span.end_epoch_s} {span.energy_wh} Wh", *shape_inputs)
        gap = np.zeros(grid.slots, dtype=np.bool_)
        gap[missing] = True
        for begin, end in runs_of(gap):
            draft.fill(begin, [values[slot] for slot in range(begin, end)], Method.REGISTER, inputs)


def _shape(draft: _Draft, slots: Sequence[int]) -> tuple[list[int], tuple[str, ...]] | None:
    """Weights of slots: the last good days of the same type, else the standard profile, else even (not for PV)."""
    weights: list[int] = []
    inputs: dict[str, None] = {}
    by_day: dict[int, list[int]] = {}
    for slot in slots:
        by_day.setdefault(draft.day_index[slot], []).append(draft.minutes[slot])
    for index, minutes in by_day.items():
        day = draft.series.grid.days[index]
        back = days_before(day, draft.context.parameters.like_days_back)
        good = next(iter(draft.book.matching(day, back, minutes)), None)
        if good is None:
            break
        weights += [max(draft.book.values(good)[minute], 0) for minute in minutes]
        inputs[f"shape of {draft.book.version(good)}"] = None
    if len(weights) == len(slots) and any(weights):
        return weights, tuple(inputs)
    profile = draft.context.profile
    if profile is not None and profile.weights[list(slots)].any():
        return profile.weights[list(slots)].tolist(), (f"shape of profile {profile.name}",)
    return None if draft.context.photovoltaic else ([1] * len(slots), ("even shape",))


def _linear(draft: _Draft) -> None:
    """A straight line between the neighbours of a short gap, each value rounded half up once."""
    if draft.context.photovoltaic:
        return
    grid = draft.series.grid
    for first, last in runs_of(draft.missing):
        length = last - first
        inside = first > 0 and last < grid.slots
        if not inside or length * grid.slot_s > draft.context.parameters.linear_s_max:
            continue
        left, right = int(draft.wh[first - 1]), int(draft.wh[last])
        values = [
            divide_half_up(left * (length + 1 - step) + right * step, length + 1) for step in range(1, length + 1)
        ]
        draft.fill(first, values, Method.LINEAR, (f"before {left} Wh", f"after {right} Wh"))


def _mean_of_days(draft: _Draft, method: Method, candidates: Callable[[date], list[date]]) -> None:
    for first, last, day in draft.day_parts():
        minutes = draft.minutes[first:last]
        days = draft.book.matching(day, candidates(day), minutes)
        if len(days) < draft.context.parameters.like_days_least:
            continue
        values = [divide_half_up(sum(draft.book.values(one)[minute] for one in days), len(days)) for minute in minutes]
        draft.fill(first, values, method, [draft.book.version(one) for one in sorted(days)])


def _like_days(draft: _Draft) -> None:
    """The mean of the same times on days of the same type in the three weeks before."""
    back = draft.context.parameters.like_days_back
    _mean_of_days(draft, Method.LIKE_DAYS, lambda day: days_before(day, back))


def _last_year(draft: _Draft) -> None:
    """The same around the same weekday a year (364 days) before."""
    reach = draft.context.parameters.last_year_reach_days
    _mean_of_days(draft, Method.LAST_YEAR, lambda day: days_around(day - _SAME_WEEKDAY_LAST_YEAR, reach))


def _standard_profile(draft: _Draft) -> None:
    """The profile's part of its total for each gap, rounded half up once for the gap and split exactly."""
    profile = draft.context.profile
    if profile is None:
        return
    for first, last in runs_of(draft.missing):
        weights: list[int] = profile.weights[first:last].tolist()
        total_wh = divide_half_up(profile.total_wh * sum(weights), profile.whole)
        inputs = (f"profile {profile.name}", f"{profile.total_wh} Wh x {sum(weights)} / {profile.whole}")
        draft.fill(first, spread(total_wh=total_wh, weights=weights), Method.STANDARD_PROFILE, inputs)


def rescale_to_register(series: IntervalSeries, *, span: RegisterSpan, version: str = "") -> Estimation:
    """Scale the estimated slots of a span so that all its intervals sum to the register difference exactly.

    Estimated are the slots of quality ESTIMATED_BY_OPERATOR and SUBSTITUTED; measured ones stay. The shape of the
    estimate stays, one that was all zero is spread evenly; remainders go to the largest fractions.

    Raises:
        RegisterBelowMeasuredError: the register counted less than the measured slots, or differs without any
            estimated slot.
        NoEstimateError: slots of the span are still missing, or the span does not lie on the grid.
    """
    grid = series.grid
    first, last = grid.slot_of(span.start_epoch_s), grid.slot_of(span.end_epoch_s - grid.slot_s)
    if first is None or last is None or series.missing[first : last + 1].any():
        raise NoEstimateError(detail=f"{series.point} {series.channel}: the register span is not filled on the grid")
    estimated = np.zeros(grid.slots, dtype=np.bool_)
    estimated[first : last + 1] = np.isin(
        series.quality[first : last + 1], (Quality.ESTIMATED_BY_OPERATOR, Quality.SUBSTITUTED)
    )
    wh = series.wh.astype(np.int64)
    before_wh = int(wh[first : last + 1].sum())
    target_wh = span.energy_wh - (before_wh - int(wh[estimated].sum()))
    if target_wh < 0 or (target_wh > 0 and not estimated.any()):
        raise RegisterBelowMeasuredError(
            detail=f"{series.point} {series.channel}: the register counted {span.energy_wh} Wh, its intervals hold "
            f"{before_wh} Wh, and only {int(wh[estimated].sum())} Wh of them are estimated"
        )
    weights = np.maximum(wh[estimated], 0).tolist()
    wh[estimated] = spread(total_wh=target_wh, weights=weights if any(weights) else [1] * len(weights))
    quality = np.where(estimated, np.uint8(Quality.SUBSTITUTED), series.quality)
    source = f"register {span.start_epoch_s}..{span.end_epoch_s} {span.energy_wh} Wh"
    gaps = []
    for begin, end in runs_of(estimated):
        start_epoch_s, end_epoch_s = span_of(grid, begin, end)
        gaps.append(
            EstimatedGap(
                start_epoch_s=start_epoch_s,
                end_epoch_s=end_epoch_s,
                method=Method.RESCALED,
                inputs=(source, f"shape of {series.version}".rstrip()),
                total_wh=int(wh[begin:end].sum()),
            )
        )
    return Estimation(
        series=_with_values(series, wh, quality, version), gaps=tuple(gaps), replaces_version=series.version
    )
