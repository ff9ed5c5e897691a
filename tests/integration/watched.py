"""Readings of a point as a test wants them, hour by hour, and a clock that it sets."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np

from ogniwo.core.kernel.calendar import HOUR_S, Month, grid_of_month
from ogniwo.core.kernel.quality import Quality
from ogniwo.core.metering.model import IMPORT
from ogniwo.series.model import NewCell
from ogniwo.services.demo.sample import COMMUNITY_CODE, POINTS
from ogniwo.services.watching.checking import check_watches
from ogniwo.services.watching.model import NewWatch
from ogniwo.services.watching.watches import add_watch
from ogniwo.services.workspace.queries import operator_subject, organisation

NOVEMBER = Month(2026, 11)
GRID = grid_of_month(NOVEMBER, slot_s=HOUR_S)
BEGIN = int(GRID.start_epoch_s[0])
POINT = POINTS[0].code
ALL = operator_subject()


def at(workspace, hours):
    """The same workspace so many hours after November has begun."""
    begin = datetime.fromtimestamp(BEGIN, tz=UTC)
    return replace(workspace, now=lambda: begin + timedelta(hours=hours))


def put(workspace, values, *, point=POINT, quality=Quality.MEASURED):
    """Wh of the hours of November from the first on, None where there is none, as a new version."""
    said = list(values) + [None] * (GRID.slots - len(values))
    cell = NewCell(
        point=point,
        channel=IMPORT,
        grid=GRID,
        wh=np.array([value or 0 for value in said], dtype=np.int32),
        quality=np.array([Quality.MISSING if value is None else quality for value in said], dtype=np.uint8),
        reason="test",
    )
    workspace.series.commit([cell], known_at=workspace.now(), source="test", author="test")


def watch(workspace, **said):
    """A watch of the sample cooperative on energy of an hour above 10 Wh at its first point, unless said otherwise."""
    usual = {"name": "w", "kind": "above", "step": "hour", "limit": 10, "point": POINT, "valid_from": NOVEMBER.first}
    owner = organisation(code=COMMUNITY_CODE, subject=ALL)
    return add_watch(workspace, organisation=owner, subject=ALL, wanted=NewWatch(**(usual | said)))


def check(workspace):
    """Check everything; nothing may be refused."""
    found = check_watches(workspace, subject=ALL)
    assert not found.refused
    return found


def hours(alarm):
    """From and to of an alarm, in hours of November."""
    return (alarm.start_epoch_s - BEGIN) // HOUR_S, (alarm.end_epoch_s - BEGIN) // HOUR_S
