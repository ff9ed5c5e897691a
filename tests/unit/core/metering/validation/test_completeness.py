"""V1 and V21."""

from datetime import date

import pytest

from ogniwo.core.kernel.findings import Severity
from ogniwo.core.kernel.quality import Quality
from ogniwo.core.metering.validation.completeness import (
    check_completeness,
    check_estimated_share,
    completeness_by_day,
    presence_bitmap,
)
from ogniwo.core.metering.validation.parameters import RuleParameters


def test_v1_names_each_gap_from_its_first_to_its_last_slot(make_series):
    series = make_series(date(2026, 9, 1), date(2026, 10, 1), missing=[(90, 100), (2_879, 2_880)])
    first, second = check_completeness(series, RuleParameters())
    start = int(series.grid.start_epoch_s[0])
    assert (first.code, first.severity) == ("V1.missing", Severity.ERROR)
    assert (first.start_epoch_s, first.end_epoch_s) == (start + 90 * 900, start + 100 * 900)
    assert dict(first.facts) == {
        "slots_missing": "10",
        "worst_day": "2026-09-01",
        "expected": "96",
        "present": "90",
        "threshold_percent": "100",
    }
    assert (second.start_epoch_s, second.end_epoch_s) == (start + 2_879 * 900, start + 2_880 * 900)


def test_v1_threshold_decides_between_warning_and_error(make_series):
    series = make_series(date(2026, 9, 1), date(2026, 9, 3), missing=[(0, 2), (96, 101)])
    severities = [f.severity for f in check_completeness(series, RuleParameters(v1_threshold_percent=95))]
    assert severities == [Severity.WARNING, Severity.ERROR]


@pytest.mark.parametrize(("first", "last", "slots"), [((3, 29), (3, 30), 92), ((10, 25), (10, 26), 100)])
@pytest.mark.parametrize("slot_s", [900, 3_600])
def test_v1_expects_what_the_calendar_says(make_series, first, last, slots, slot_s):
    series = make_series(date(2026, *first), date(2026, *last), slot_s=slot_s)
    (day,) = completeness_by_day(series)
    assert (day.expected, day.present) == (slots * 900 // slot_s,) * 2
    assert check_completeness(series, RuleParameters()) == ()


def test_bitmap_has_a_bit_for_each_slot(make_series):
    series = make_series(date(2026, 10, 25), date(2026, 10, 26), missing=[(0, 1), (9, 10)])
    bitmap = presence_bitmap(series)
    assert len(bitmap) == 13
    assert bitmap[:3] == bytes([0b01111111, 0b10111111, 0xFF])
    assert bitmap[12] == 0b11110000


def test_v21_tells_when_too_much_is_estimated(make_series):
    series = make_series(date(2026, 9, 1), date(2026, 9, 2))
    series.quality[:9] = Quality.SUBSTITUTED
    assert check_estimated_share(series, RuleParameters()) == ()
    series.quality[20] = Quality.ESTIMATED_BY_OPERATOR
    (finding,) = check_estimated_share(series, RuleParameters())
    assert dict(finding.facts) == {"estimated": "10", "present": "96", "longest_run": "9", "limit_percent": "10"}
