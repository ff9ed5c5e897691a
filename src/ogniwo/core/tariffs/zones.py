"""Tariff zones and capacity hours as slot arrays, made once per calendar and grid."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ogniwo.core.kernel.calendar import Clock, ClockView, SlotGrid
from ogniwo.core.tariffs.capacity_rules import CapacityRules
from ogniwo.core.tariffs.rules import ZoneClock

OUTSIDE = 0
"""A slot of a day without capacity fee: Saturday, Sunday or holiday."""
SELECTED = 1
"""A slot in the selected hours of a working day."""
OTHER = 2
"""Any other slot of a working day."""


@lru_cache(maxsize=256)
def zone_of_slots(zone_clock: ZoneClock, grid: SlotGrid, clock: Clock = Clock.LOCAL) -> NDArray[np.int8]:
    """The number of the zone of each slot: shape (slots,), positions in `zone_clock.zones`, read-only.

    `clock` is the meter's own: a meter fixed to winter time sees hours, days and holidays an hour earlier in
    summer (ENEA 2026 tariff, 2.2.12). Slots may be of 15 minutes or an hour. The first range that names a slot wins.
    """
    view = grid.view(clock)
    zones = zone_clock.zones
    numbers = np.full(grid.slots, zones.index(zone_clock.rest), dtype=np.int8)
    for part in reversed(zone_clock.ranges):
        inside = np.isin(view.month, part.months) & np.isin(view.hour, part.hours) & _days(view, part.days)
        numbers[inside] = zones.index(part.zone)
    numbers.setflags(write=False)
    return numbers


@lru_cache(maxsize=256)
def capacity_slots(rules: CapacityRules, grid: SlotGrid) -> NDArray[np.int8]:
    """OUTSIDE, SELECTED or OTHER for each slot of a grid: shape (slots,), always in local time.

    Refuses when the selected hours of a day are not known. Source: art. 70a and 74 ust. 4 pkt 2 of the act.
    """
    view = grid.view(Clock.LOCAL)
    numbers = np.where(view.working, OTHER, OUTSIDE).astype(np.int8)
    for index, day in enumerate(grid.days):
        begin, end = int(grid.day_offsets[index]), int(grid.day_offsets[index + 1])
        if view.working[begin]:
            hours = rules.selected_hours_on(day).hours
            numbers[begin:end][np.isin(view.hour[begin:end], hours)] = SELECTED
    numbers.setflags(write=False)
    return numbers


def _days(view: ClockView, days: str) -> NDArray[np.bool_]:
    if days == "working":
        return view.working
    if days == "off":
        return np.logical_not(view.working)
    return np.ones(len(view.hour), dtype=np.bool_)
