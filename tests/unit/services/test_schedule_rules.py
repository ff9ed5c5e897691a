"""When planned work comes, in Polish local time: over the changes of the clock, at the end of short months."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from ogniwo.services.jobs.schedule import DEFAULTS, BadRuleError, Rule


def utc(*parts):
    return datetime(*parts, tzinfo=UTC)


@pytest.mark.parametrize(
    ("rule", "after", "expected"),
    [
        ("daily 02:15", utc(2026, 11, 22, 12), utc(2026, 11, 23, 1, 15)),
        ("daily 02:15", utc(2026, 7, 1, 0, 14), utc(2026, 7, 1, 0, 15)),
        ("daily 02:15", utc(2026, 7, 1, 0, 15), utc(2026, 7, 2, 0, 15)),
        ("daily 00:30", utc(2026, 7, 1, 22, 0), utc(2026, 7, 1, 22, 30)),
        ("monthly 5 04:00", utc(2026, 11, 5, 3), utc(2026, 12, 5, 3)),
        ("monthly 31 04:00", utc(2026, 2, 1), utc(2026, 2, 28, 3)),
        ("monthly 29 04:00", utc(2028, 2, 1), utc(2028, 2, 29, 3)),
        ("monthly 1 00:00", utc(2026, 12, 31, 22, 59), utc(2026, 12, 31, 23, 0)),
    ],
)
def test_the_next_time(rule, after, expected):
    assert Rule.parse(rule).after(after) == expected


@pytest.mark.parametrize(("change", "hours"), [((2026, 3, 29), 23), ((2026, 10, 25), 25)])
def test_there_is_one_a_day_when_the_clock_changes(change, hours):
    for text in ("daily 01:30", "daily 02:30", "daily 03:30"):
        rule, moment, found = Rule.parse(text), utc(*change) - timedelta(days=3), []
        while len(found) < 6:
            moment = rule.after(moment)
            found.append(moment)
        gaps = [round((later - earlier).total_seconds() / 3600) for earlier, later in pairwise(found)]
        # A skipped 02:30 comes at 03:30, so the day before it has 24 hours and the one after 23.
        assert sorted(gaps) == sorted([24, 24, 24, 24, hours]), text


@pytest.mark.parametrize(
    "text", ["", "daily", "daily 24:00", "daily 2:30", "monthly 0 02:30", "monthly 32 02:30", "daily 02:30\n", "hourly"]
)
def test_what_is_no_rule_is_refused(text):
    with pytest.raises(BadRuleError):
        Rule.parse(text)


def test_the_defaults_have_rules_and_names_of_their_own():
    assert len({one.name for one in DEFAULTS}) == len(DEFAULTS)
    for one in DEFAULTS:
        assert Rule.parse(one.rule).day == 0


@pytest.mark.parametrize(
    ("rule", "after", "expected"),
    [
        ("weekly mon 02:30", utc(2026, 11, 22, 12), utc(2026, 11, 23, 1, 30)),
        ("weekly mon 02:30", utc(2026, 11, 23, 1, 30), utc(2026, 11, 30, 1, 30)),
        ("weekly sun 02:30", utc(2026, 3, 25), utc(2026, 3, 29, 1, 30)),
        ("weekly sun 02:30", utc(2026, 10, 24), utc(2026, 10, 25, 0, 30)),
        ("weekly sun 23:59", utc(2026, 12, 31), utc(2027, 1, 3, 22, 59)),
    ],
)
def test_the_next_weekday(rule, after, expected):
    assert Rule.parse(rule).after(after) == expected


@pytest.mark.parametrize(
    "text", ["weekly 02:30", "weekly mon", "weekly Mon 02:30", "weekly mon 2:30", "weekly 1 02:30"]
)
def test_what_is_no_weekday_is_refused(text):
    with pytest.raises(BadRuleError):
        Rule.parse(text)
