"""V24."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from ogniwo.core.metering.maxima import power_maxima
from ogniwo.core.metering.validation.parameters import RuleParameters
from ogniwo.core.metering.validation.ten_maxima import check_ten_maxima

DEFAULTS = RuleParameters()


@pytest.fixture
def profile(make_series):
    series = make_series(date(2026, 10, 1), date(2026, 11, 1), 0)
    series.wh[:] = np.random.default_rng(7).integers(0, 30_000, size=series.grid.slots)
    return series


@pytest.fixture
def reported(profile):
    return power_maxima(profile).hourly


def codes(findings):
    return [finding.code for finding in findings]


def test_v24_what_the_profile_gives_passes(profile, reported):
    slot_maximum_w = power_maxima(profile).slot_power_w
    assert check_ten_maxima(reported, DEFAULTS, slot_maximum_w=slot_maximum_w, profile=profile) == ()
    assert check_ten_maxima(reported[::-1], DEFAULTS) == (), "the order of rows does not matter"
    assert check_ten_maxima((), DEFAULTS) == ()


def test_v24_ranks_and_order(reported):
    assert codes(check_ten_maxima(reported[:9], DEFAULTS)) == ["V24.ranks"]
    assert codes(check_ten_maxima([*reported[:9], replace(reported[9], rank=9)], DEFAULTS)) == ["V24.ranks"]
    swapped = [*reported[:4], replace(reported[4], power_w=reported[3].power_w + 1), *reported[5:]]
    (finding,) = check_ten_maxima(swapped, DEFAULTS)
    assert (finding.code, dict(finding.facts)["rank"]) == ("V24.not_descending", "5")


def test_v24_times_are_ends_of_hours_of_the_month(profile, reported):
    start = int(profile.grid.start_epoch_s[0])
    end = int(profile.grid.start_epoch_s[-1]) + 900
    for moment, expected in (
        (start, ["V24.outside_period"]),
        (end, []),
        (end + 3_600, ["V24.outside_period"]),
        (reported[2].epoch_s + 900, ["V24.not_an_hour"]),
        (reported[2].epoch_s, ["V24.hour_twice"]),
    ):
        assert codes(check_ten_maxima([*reported[:9], replace(reported[9], epoch_s=moment)], DEFAULTS)) == expected


def test_v24_an_hour_cannot_be_above_the_quarter_maximum(reported):
    limit = reported[0].power_w - 2
    (finding,) = check_ten_maxima(reported, DEFAULTS, slot_maximum_w=limit)
    assert (finding.code, dict(finding.facts)["slot_maximum_w"]) == ("V24.above_slot_maximum", str(limit))


def test_v24_the_profile_contradicts(profile, reported):
    changed = [replace(reported[0], power_w=reported[0].power_w + 50), *reported[1:]]
    assert codes(check_ten_maxima(changed, DEFAULTS, profile=profile)) == ["V24.differs_from_profile"]
    assert check_ten_maxima(changed, RuleParameters(v24_tolerance_w=50), profile=profile) == ()
    forgotten = [replace(entry, rank=entry.rank - 1) for entry in reported[1:]]
    found = codes(check_ten_maxima(forgotten, DEFAULTS, profile=profile))
    assert found[0] == "V24.ranks"
    assert set(found[1:]) == {"V24.larger_hour_in_profile"}


def test_v24_only_one_point_and_month_at_a_time(reported):
    with pytest.raises(ValueError, match="several"):
        check_ten_maxima([reported[0], replace(reported[1], month="2026-11")], DEFAULTS)
