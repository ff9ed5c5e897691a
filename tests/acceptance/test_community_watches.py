"""Watches on a real community's export raise exactly the alarms that a plain scan of the same values finds.

The scan reads profiles.csv.gz (exact decimals), the watches what was imported from the operator's spreadsheet.
"""

import csv
import gzip
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from zoneinfo import ZoneInfo

import pytest

from ogniwo.core.metering.model import EXPORT, IMPORT
from ogniwo.records.visibility import Subject
from ogniwo.records.watches.models import Alarm
from ogniwo.services.metering.importing import import_files
from ogniwo.services.parties.operations import PointFacts, register_member, register_organisation, register_point
from ogniwo.services.watching.checking import check_watches
from ogniwo.services.watching.model import NewWatch
from ogniwo.services.watching.watches import add_watch
from ogniwo.services.workspace.operations import create_workspace
from records_database import go_back, kept_place, serve

OPERATOR = Subject.operator()
LOCAL = ZoneInfo("Europe/Vienna")
FIRST, LAST = date(2022, 10, 4), date(2022, 12, 17)
HOUR_LIMIT_WH, MOST_MISSING, PATIENCE_H = 4_000, 3, 24
NOW = datetime(2022, 12, 19, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def profile(shared_data):
    """(point, role) to {start epoch: Wh}, of what has a value."""
    found = defaultdict(dict)
    with gzip.open(shared_data / "community-at-2022q4" / "profiles.csv.gz", "rt", encoding="utf-8") as stream:
        for row in csv.DictReader(stream):
            text = row["metered_kwh"] if row["role"] == "consumer" else row["generated_kwh"]
            if text:
                wh = (Decimal(text) * 1_000).quantize(Decimal(1), ROUND_HALF_UP)
                found[row["ppe"], row["role"]][int(datetime.fromisoformat(row["ts_start_utc"]).timestamp())] = int(wh)
    return found


@pytest.fixture(scope="module")
def checked(shared_data, profile, tmp_path_factory):
    """A workspace with the export imported and both watches checked; what the first check said."""
    root, before = tmp_path_factory.mktemp("watched"), kept_place()
    serve(root)
    workspace = create_workspace(root=root, name="Gmina", network="ogniwo/gmina", now=lambda: NOW)
    community = register_organisation(code="gmina", name="Wspólnota", kind="partner")
    for code, role in profile:
        member = register_member(organisation=community, number=code[8:17], name=f"Member {code[8:17]}", kind="firm")
        register_point(member=member, code=code, facts=PointFacts(role=role, source="pv" if role == "producer" else ""))
    data = (shared_data / "community-at-2022q4" / "eda-export.xlsx").read_bytes()
    import_files(workspace, organisation=community, files=[("eda-export.xlsx", data)])
    for wanted in (
        NewWatch(name="much", kind="above", step="hour", limit=HOUR_LIMIT_WH, valid_from=FIRST),
        NewWatch(name="given", kind="above", step="slot", limit=500, channel=EXPORT, valid_from=FIRST),
        NewWatch(name="gaps", kind="missing", limit=MOST_MISSING, after_h=PATIENCE_H, valid_from=FIRST),
    ):
        add_watch(workspace, organisation=community, subject=OPERATOR, wanted=wanted)
    yield check_watches(workspace, subject=OPERATOR)
    go_back(before)


def scan(values, starts, length_s, met):
    """(start, end, worst) of runs of hours (or slots) that meet a condition; what lacks a slot is passed over."""
    found, current = [], None
    for start in starts:
        slots = [values.get(at) for at in range(start, start + length_s, 900)]
        if None in slots:
            continue
        if not met(sum(slots)):
            current = None
        elif current is None:
            current = [start, start + length_s, sum(slots)]
            found.append(current)
        else:
            current[1:] = [start + length_s, max(current[2], sum(slots))]
    return sorted(tuple(one) for one in found)


def kept(name, point):
    rows = Alarm.objects.filter(watch__name=name, target=point)
    return sorted((one.start_epoch_s, one.end_epoch_s, one.worst) for one in rows)


def begin_of(day):
    return int(datetime(day.year, day.month, day.day, tzinfo=LOCAL).timestamp())


def test_energy_above_a_limit_is_what_a_scan_finds(checked, profile):
    begin, end = begin_of(FIRST), begin_of(LAST + timedelta(days=1))
    found = defaultdict(int)
    for (point, role), values in profile.items():
        name, length_s, limit = ("much", 3_600, HOUR_LIMIT_WH) if role == "consumer" else ("given", 900, 500)
        alarms = scan(values, range(begin, end, length_s), length_s, lambda wh, most=limit: wh > most)
        assert kept(name, point) == alarms, point
        found[name] += len(alarms)
    assert found["much"] > 50, "there is something to find"
    assert found["given"] > 50
    assert Alarm.objects.filter(watch__name="much").count() == found["much"], "and nothing at other points"
    assert Alarm.objects.filter(watch__name="given").count() == found["given"]
    assert set(Alarm.objects.values_list("watch__name", "channel").distinct()) == {
        ("much", IMPORT),
        ("given", EXPORT),
        ("gaps", IMPORT),
    }
    assert not checked.refused


def test_missing_days_are_what_a_scan_finds(checked, profile):
    days = [FIRST + timedelta(days=number) for number in range((NOW.date() - FIRST).days)]
    days = [day for day in days if begin_of(day + timedelta(days=1)) + PATIENCE_H * 3_600 <= NOW.timestamp()]
    assert days[-1] == LAST
    for (point, role), values in profile.items():
        runs = []
        for day in days if role == "consumer" else ():
            first, end = begin_of(day), begin_of(day + timedelta(days=1))
            gone = sum(at not in values for at in range(first, end, 900))
            if gone > MOST_MISSING:
                if runs and runs[-1][1] == first:
                    runs[-1] = (runs[-1][0], end, max(runs[-1][2], gone))
                else:
                    runs.append((first, end, gone))
        assert kept("gaps", point) == runs, point
    late = Alarm.objects.filter(watch__name="gaps").values_list("target", flat=True)
    assert len(late) == len(set(late)) == 4, "the four consumers that joined later are missed before"
    assert checked.raised == Alarm.objects.count()
