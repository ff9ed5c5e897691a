"""V22 and V23."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from ogniwo.core.kernel.quality import Quality
from ogniwo.core.metering.model import RegisterReading
from ogniwo.core.metering.validation.administration import (
    Assignment,
    check_late_data,
    check_membership,
    check_meters,
    check_point,
)

FIRST, LAST = date(2026, 9, 1), date(2026, 9, 2)
POINT, OTHER = "590999090000000019", "590999090000000026"


def test_v22_changed_runs_are_named_with_their_difference(make_series):
    closed = make_series(FIRST, LAST, 100, missing=[(50, 52)])
    arrived = make_series(FIRST, LAST, 100, version="v2")
    arrived.wh[10:12] = (90, 95)
    first, second = check_late_data(closed=closed, arrived=arrived)
    facts = dict(first.facts)
    assert (facts["closed_wh"], facts["arrived_wh"], facts["difference_wh"]) == ("200", "185", "-15")
    assert (facts["closed_version"], facts["arrived_version"]) == ("v1", "v2")
    assert dict(second.facts)["closed_missing_slots"] == "2"
    assert check_late_data(closed=closed, arrived=closed) == ()


def test_v22_a_zero_where_there_was_nothing_is_a_change(make_series):
    closed = make_series(FIRST, LAST, 0, missing=[(5, 6)])
    (finding,) = check_late_data(closed=closed, arrived=make_series(FIRST, LAST, 0))
    assert dict(finding.facts)["difference_wh"] == "0"
    with pytest.raises(ValueError, match="same grid"):
        check_late_data(closed=closed, arrived=make_series(FIRST, LAST, slot_s=3_600))


@pytest.mark.parametrize("position", range(18))
def test_v23_every_single_digit_slip_is_caught(position):
    wrong = POINT[:position] + str((int(POINT[position]) + 3) % 10) + POINT[position + 1 :]
    assert [finding.code for finding in check_point(wrong)] == ["V23.check_digit"]
    assert check_point(POINT) == ()


def test_v23_the_meter_belongs_to_the_point_at_that_time():
    reading = RegisterReading(
        point=POINT, meter="A", obis="1-1:1.8.0*255", epoch_s=1_000, value_e3=1, unit="kWh", origin="remote"
    )
    meters = [
        Assignment(point=POINT, what="A", start_epoch_s=0, end_epoch_s=1_000),
        Assignment(point=OTHER, what="A", start_epoch_s=2_000),
    ]
    assert check_meters([reading], assignments=meters) == (), "the removal state is read at the last instant"
    later = replace(reading, epoch_s=2_500)
    (finding,) = check_meters([later], assignments=meters)
    assert (finding.code, dict(finding.facts)["belongs_to"]) == ("V23.meter", OTHER)
    (finding,) = check_meters([replace(reading, meter="B")], assignments=meters)
    assert dict(finding.facts)["belongs_to"] == "no point"


def test_v23_values_outside_a_membership(make_series):
    series = make_series(FIRST, LAST, 100)
    starts = series.grid.start_epoch_s
    series.quality[90:] = Quality.MISSING
    series.wh[90:] = 0
    memberships = [
        Assignment(point=POINT, what="C", start_epoch_s=int(starts[4]), end_epoch_s=int(starts[80])),
        Assignment(point=OTHER, what="C", start_epoch_s=0),
    ]
    first, second = check_membership(series, memberships=memberships)
    assert (first.start_epoch_s, first.end_epoch_s) == (int(starts[0]), int(starts[4]))
    assert (second.start_epoch_s, second.end_epoch_s) == (int(starts[80]), int(starts[90]))
    assert np.isclose(int(dict(second.facts)["energy_wh"]), 1_000)
