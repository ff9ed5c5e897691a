"""V7 to V12, V14: spikes, limits, stuck and zero values, generation at night, negative energy, reactive energy."""

from typing import Final

import numpy as np

from ogniwo.core.kernel.calendar import HOUR_S
from ogniwo.core.kernel.findings import Finding, Severity
from ogniwo.core.metering.model import OPERATOR_BALANCED, IntervalSeries
from ogniwo.core.metering.runs import runs_of
from ogniwo.core.metering.solar import Location, is_dark
from ogniwo.core.metering.validation.parameters import RuleParameters
from ogniwo.core.metering.validation.reporting import day_slots, slot_finding

SIGNED_CHANNELS: Final = frozenset({OPERATOR_BALANCED})
"""Channels whose energy may be negative."""


def check_spikes(series: IntervalSeries, parameters: RuleParameters) -> tuple[Finding, ...]:
    """V7: the largest value of a day stands more than `v7_percent` above the third largest.

    Looked at only above `v7_floor_w` of mean power: a kettle is no spike.
    """
    findings: list[Finding] = []
    present = ~series.missing
    for day in range(len(series.grid.days)):
        first, last = day_slots(series, day)
        slots = np.flatnonzero(present[first:last]) + first
        if len(slots) < 3:
            continue
        order = slots[np.argsort(-series.wh[slots].astype(np.int64), kind="stable")]
        largest, third = int(series.wh[order[0]]), int(series.wh[order[2]])
        above_floor = largest * HOUR_S > parameters.v7_floor_w * series.grid.slot_s
        if not above_floor or (largest - third) * 100 <= third * parameters.v7_percent:
            continue
        slot = int(order[0])
        findings.append(
            slot_finding(
                series,
                "V7.spike",
                Severity.WARNING,
                f"the largest value of {series.grid.days[day]} is {largest} Wh, the third largest {third} Wh",
                slots=(slot, slot + 1),
                largest_wh=largest,
                third_largest_wh=third,
                limit_percent=parameters.v7_percent,
            )
        )
    return tuple(findings)


def check_high_limit(series: IntervalSeries, parameters: RuleParameters, *, power_w: int) -> tuple[Finding, ...]:
    """V8: more energy than installed, contracted or fuse power x length x `v8_percent` allows; one finding a run."""
    over = series.wh.astype(np.int64) * (HOUR_S * 100) > power_w * series.grid.slot_s * parameters.v8_percent
    limit_wh = power_w * series.grid.slot_s * parameters.v8_percent // (HOUR_S * 100)
    return tuple(
        slot_finding(
            series,
            "V8.over_limit",
            Severity.ERROR,
            f"up to {int(series.wh[first:last].max())} Wh in a slot, the limit is {limit_wh} Wh",
            slots=(first, last),
            largest_wh=int(series.wh[first:last].max()),
            limit_wh=limit_wh,
            power_w=power_w,
            slots_over=last - first,
        )
        for first, last in runs_of(over)
    )


def check_zero_runs(
    series: IntervalSeries,
    parameters: RuleParameters,
    *,
    history: IntervalSeries | None = None,
    location: Location | None = None,
) -> tuple[Finding, ...]:
    """V9: more than `v9_slots` values of exactly zero in a row although the same channel was above zero before.

    `history` is an earlier period of the channel; without it the series itself tells whether zero is usual. Pass the
    `location` of a photovoltaic plant to leave out slots in which the sun is down.
    """
    known = series if history is None else history
    if not (known.wh[~known.missing] > 0).any():
        return ()
    zero = (series.wh == 0) & ~series.missing
    dark = np.zeros(series.grid.slots, dtype=np.bool_)
    if location is not None:
        dark = is_dark(series.grid.start_epoch_s, slot_s=series.grid.slot_s, location=location)
    return tuple(
        slot_finding(
            series,
            "V9.zero_run",
            Severity.WARNING,
            f"{last - first} values in a row are exactly zero",
            slots=(first, last),
            slots_zero=last - first,
            limit_slots=parameters.v9_slots,
        )
        for first, last in runs_of(zero & ~dark)
        if last - first > parameters.v9_slots
    )


def check_stuck_values(series: IntervalSeries, parameters: RuleParameters) -> tuple[Finding, ...]:
    """V10: the same value above zero more than `v10_slots` times in a row."""
    present = ~series.missing
    same = np.zeros(series.grid.slots, dtype=np.bool_)
    same[1:] = (series.wh[1:] == series.wh[:-1]) & present[1:] & present[:-1] & (series.wh[1:] != 0)
    return tuple(
        slot_finding(
            series,
            "V10.stuck",
            Severity.WARNING,
            f"{last - first + 1} values in a row are {int(series.wh[first])} Wh",
            slots=(first - 1, last),
            wh=int(series.wh[first]),
            slots_equal=last - first + 1,
            limit_slots=parameters.v10_slots,
        )
        for first, last in runs_of(same)
        if last - first + 1 > parameters.v10_slots
    )


def check_night_generation(
    series: IntervalSeries, parameters: RuleParameters, *, location: Location, peak_w: int | None = None
) -> tuple[Finding, ...]:
    """V11: a photovoltaic plant gives more than `v11_permille_of_peak` of its peak while the sun is down.

    `peak_w` is the installed power; without it the largest value of the series stands for it. One finding a night run.
    """
    slot_s = series.grid.slot_s
    peak_wh_hours = int(series.wh.max()) * HOUR_S if peak_w is None else peak_w * slot_s
    over = series.wh.astype(np.int64) * (HOUR_S * 1_000) > peak_wh_hours * parameters.v11_permille_of_peak
    dark = is_dark(series.grid.start_epoch_s, slot_s=slot_s, location=location)
    return tuple(
        slot_finding(
            series,
            "V11.night_generation",
            Severity.WARNING,
            f"{int(series.wh[first:last].sum(dtype=np.int64))} Wh were generated while the sun was down",
            slots=(first, last),
            energy_wh=int(series.wh[first:last].sum(dtype=np.int64)),
            largest_wh=int(series.wh[first:last].max()),
            limit_wh=peak_wh_hours * parameters.v11_permille_of_peak // (HOUR_S * 1_000),
        )
        for first, last in runs_of(over & dark)
    )


def check_negative(series: IntervalSeries) -> tuple[Finding, ...]:
    """V12: negative energy in a channel that cannot have it; one finding a run."""
    if series.channel in SIGNED_CHANNELS:
        return ()
    return tuple(
        slot_finding(
            series,
            "V12.negative",
            Severity.ERROR,
            f"energy down to {int(series.wh[first:last].min())} Wh in a channel that cannot be negative",
            slots=(first, last),
            smallest_wh=int(series.wh[first:last].min()),
            slots_negative=last - first,
        )
        for first, last in runs_of(series.wh < 0)
    )


def check_reactive(active: IntervalSeries, reactive: IntervalSeries, parameters: RuleParameters) -> tuple[Finding, ...]:
    """V14: over the whole period tan phi above `v14_tangent_percent`, or reactive energy without active energy.

    Below `v14_floor_wh` of reactive energy nothing is said. Only slots in which both have a value are compared.
    """
    both = ~(active.missing | reactive.missing)
    active_wh = int(active.wh[both].sum(dtype=np.int64))
    reactive_varh = int(reactive.wh[both].sum(dtype=np.int64))
    too_much = reactive_varh * 100 > active_wh * parameters.v14_tangent_percent
    if reactive_varh <= parameters.v14_floor_wh or not too_much:
        return ()
    finding = slot_finding(
        reactive,
        "V14.tangent",
        Severity.WARNING,
        f"{reactive_varh} varh of reactive energy with {active_wh} Wh of active energy",
        slots=(0, reactive.grid.slots),
        reactive_varh=reactive_varh,
        active_wh=active_wh,
        limit_percent=parameters.v14_tangent_percent,
    )
    return (finding,)
