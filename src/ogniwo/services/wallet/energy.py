"""A member's energy over any period: as metered or after hourly netting, by source, with its gaps and estimates."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final, Self
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from ogniwo.core.balancing.netting import net_hourly
from ogniwo.core.kernel.calendar import HOUR_S, QUARTER_S, WARSAW, Month, SlotGrid, grid_of_month
from ogniwo.core.kernel.quality import Quality
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.metering.model import EXPORT, EXPORT_NETTED, IMPORT, IMPORT_NETTED, IntervalSeries
from ogniwo.records.metering.models import MeteringPoint
from ogniwo.records.settlement.models import StatementRecord
from ogniwo.records.visibility import Subject
from ogniwo.series.days import DaySums
from ogniwo.services.metering.active import Pair, active_series
from ogniwo.services.settlement.closing import unpack_flows
from ogniwo.services.workspace.model import Workspace

DAYS_MAX: Final = 3 * 366
_MONTHS_BACK: Final = 25
_Array = NDArray[np.int64]
_SOURCES: Final = ("community_in", "from_pool", "grid", "community_out", "surplus")
_MARKS: Final = ("slots", "missing", "estimated", "manual")


class PeriodTooLongError(Refusal):
    """More days were asked for than one page or file holds, or none at all."""

    code = "wallet.period"


class Step(StrEnum):
    """What energy is summed to."""

    QUARTER = "quarter"
    HOUR = "hour"
    DAY = "day"
    MONTH = "month"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """Energy of one bucket or of a whole period in Wh, over all points of the member.

    `own` was produced and used within the same hour (netting), as far as the meter sees it. The five after it are of
    the settlement and count only what is settled. Of `slots` intervals `missing` have no value, `estimated` were
    estimated by the operator or us, `manual` were typed in; `unsettled` counts intervals of months not settled yet.
    """

    taken: int = 0
    given: int = 0
    own: int = 0
    community_in: int = 0
    from_pool: int = 0
    grid: int = 0
    community_out: int = 0
    surplus: int = 0
    slots: int = 0
    missing: int = 0
    estimated: int = 0
    manual: int = 0
    unsettled: int = 0

    @property
    def known(self) -> bool:
        """Whether any interval has a value."""
        return self.slots > self.missing

    @property
    def filled(self) -> int:
        """Intervals that nobody measured but somebody estimated or typed in."""
        return self.estimated + self.manual

    @property
    def settled(self) -> bool:
        """Whether all of it is settled, so that sources and money are known."""
        return bool(self.slots) and not self.unsettled

    @classmethod
    def of(cls, columns: dict[str, _Array], place: int) -> Self:
        """One place of columns."""
        return cls(**{name: int(values[place]) for name, values in columns.items()})


_NAMES: Final = tuple(field.name for field in fields(Sums))


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """One step: the instant and the local day on which it begins, and its sums."""

    start_epoch_s: int
    day: date
    sums: Sums


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberEnergy:
    """A period [first, last_exclusive) of local days in steps; `step` may be coarser than was asked for."""

    first: date
    last_exclusive: date
    step: Step
    netted: bool
    buckets: tuple[Bucket, ...]
    total: Sums

    def labels(self) -> tuple[str, ...]:
        """Local beginnings: month, day, or day and time with the offset where a time comes twice."""
        if self.step == Step.MONTH:
            return tuple(f"{one.day:%Y-%m}" for one in self.buckets)
        if self.step == Step.DAY:
            return tuple(f"{one.day:%Y-%m-%d}" for one in self.buckets)
        zone = ZoneInfo(WARSAW)
        moments = [datetime.fromtimestamp(one.start_epoch_s, tz=zone) for one in self.buckets]
        return tuple(
            f"{moment:%Y-%m-%d %H:%M}"
            + (f"{moment:%z}"[:3] if moment.replace(fold=0).utcoffset() != moment.replace(fold=1).utcoffset() else "")
            for moment in moments
        )


def member_energy(
    workspace: Workspace,
    *,
    subject: Subject,
    first: date,
    last_exclusive: date,
    step: Step,
    netted: bool,
    point: str = "",
) -> MemberEnergy:
    """Energy of the subject's points (or one of them) over local days, in steps.

    After netting there is nothing finer than an hour, and hours are never split: the coarsest series decides the finest
    step. Raises PeriodTooLongError.
    """
    if not 0 < (last_exclusive - first).days <= DAYS_MAX:
        raise PeriodTooLongError(detail=f"a period of 1 to {DAYS_MAX} days can be shown")
    points = _points(subject, point)
    months = tuple(_months(first, last_exclusive))
    flows = _flows(subject, months, points)
    fine = step in {Step.QUARTER, Step.HOUR}
    if fine:
        pairs = {
            (code, month): active_series(workspace, point=code, month=month) for code in points for month in months
        }
        hourly = netted or any(one.grid.slot_s == HOUR_S for pair in pairs.values() for one in pair if one is not None)
        step = Step.HOUR if hourly else step
        slot_s = HOUR_S if step == Step.HOUR else QUARTER_S
        parts = [_fine_month(pairs, flows, points, month, slot_s, netted=netted) for month in months]
    else:
        parts = [_days_of_month(workspace, flows, points, month, netted=netted) for month in months]
    columns = {name: np.concatenate([part[1][name] for part in parts]) for name in _NAMES}
    starts = np.concatenate([part[0] for part in parts])
    days = [day for part in parts for day in part[2]]
    inside = [place for place, day in enumerate(days) if first <= day < last_exclusive]
    buckets = tuple(
        Bucket(start_epoch_s=int(starts[place]), day=days[place], sums=Sums.of(columns, place)) for place in inside
    )
    return MemberEnergy(
        first=first,
        last_exclusive=last_exclusive,
        step=step,
        netted=netted,
        buckets=_by_month(buckets) if step == Step.MONTH else buckets,
        total=added([one.sums for one in buckets]),
    )


def added(sums: Sequence[Sums]) -> Sums:
    """Sums together."""
    return Sums(**{name: sum(getattr(one, name) for one in sums) for name in _NAMES})


def data_until(workspace: Workspace, *, subject: Subject) -> int | None:
    """The instant (epoch seconds) up to which every point of the subject that sends data has sent it; None: nothing."""
    latest = [until for code in _points(subject, "") if (until := _until(workspace, code)) is not None]
    return min(latest, default=None)


def _until(workspace: Workspace, code: str) -> int | None:
    """The end of the last interval of a point with a value, of whichever of its channels ends first."""
    now = workspace.today()
    for back in range(_MONTHS_BACK):
        sums = _pair_of_days(workspace, code, Month(now.year, now.month).shifted(-back))
        ends = [one.until_epoch_s for one in sums if one is not None and one.until_epoch_s]
        if ends:
            return min(ends)
    return None


def _points(subject: Subject, point: str) -> tuple[str, ...]:
    rows = MeteringPoint.objects.all().visible_to(subject)
    return tuple((rows.filter(code=point) if point else rows).values_list("code", flat=True))


def _months(first: date, last_exclusive: date) -> Iterator[Month]:
    month = Month(first.year, first.month)
    while month.first < last_exclusive:
        yield month
        month = month.shifted(1)


_Flows = dict[tuple[str, Month], dict[str, _Array]]


def _flows(subject: Subject, months: Sequence[Month], points: Sequence[str]) -> _Flows:
    """The hourly flows of the newest settlement of each point and month."""
    rows = (
        StatementRecord.objects.all()
        .visible_to(subject)
        .filter(run__month__in=[str(month) for month in months], point__code__in=points)
        .order_by("run__version")
        .values_list("point__code", "run__month", "flows")
    )
    newest = {(code, month): packed for code, month, packed in rows}
    return {(code, Month.parse(month)): unpack_flows(bytes(packed)) for (code, month), packed in newest.items()}


def _empty(size: int) -> dict[str, _Array]:
    return {name: np.zeros(size, dtype=np.int64) for name in _NAMES}


def _pair_of_days(workspace: Workspace, code: str, month: Month) -> tuple[DaySums | None, DaySums | None]:
    """Import and export of one stage by days, chosen as `active_series` chooses."""

    def read(channel: str) -> DaySums | None:
        return workspace.series.day_sums(point=code, channel=channel, month=month)

    metered = (read(IMPORT), read(EXPORT))
    if None not in metered:
        return metered
    netted = (read(IMPORT_NETTED), read(EXPORT_NETTED))
    if netted == (None, None):
        return metered
    return netted if None not in netted or metered == (None, None) else metered


def _days_of_month(
    workspace: Workspace, flows: _Flows, points: Sequence[str], month: Month, *, netted: bool
) -> tuple[_Array, dict[str, _Array], list[date]]:
    """A month in local days: where each begins, its columns, the days.

    A month that is not settled is as metered: netting it takes its quarter-hours, and a year of them is too slow.
    """
    grid = grid_of_month(month, slot_s=HOUR_S)
    columns = _empty(len(grid.days))
    for code in points:
        pair = _pair_of_days(workspace, code, month)
        settled = flows.get((code, month))
        marks = _together([one._asdict() for one in pair if one is not None], len(grid.days))
        metered = [None if one is None else one.wh for one in pair]
        _add(columns, metered, None if settled is None else _by_day(settled, grid), marks, netted=netted)
    return grid.start_epoch_s[grid.day_offsets[:-1]], columns, list(grid.days)


def _fine_month(
    pairs: dict[tuple[str, Month], Pair],
    flows: _Flows,
    points: Sequence[str],
    month: Month,
    slot_s: int,
    *,
    netted: bool,
) -> tuple[_Array, dict[str, _Array], list[date]]:
    """A month in hours or quarter-hours: where each begins, its columns, the day of each."""
    grid = grid_of_month(month, slot_s=slot_s)
    columns = _empty(grid.slots)
    for code in points:
        pair = pairs[code, month]
        settled = flows.get((code, month))
        hours = settled if settled is not None else (_netted_hours(pair) if None not in pair else None)
        marks = _together([_marks(one, slot_s) for one in pair if one is not None], grid.slots)
        metered = [None if one is None else _coarser(one.wh.astype(np.int64), one.grid, slot_s) for one in pair]
        _add(columns, metered, hours if slot_s == HOUR_S else None, marks, netted=netted)
    days = np.repeat(np.arange(len(grid.days)), np.diff(grid.day_offsets))
    return grid.start_epoch_s, columns, [grid.days[index] for index in days]


def _add(
    columns: dict[str, _Array],
    metered: Sequence[_Array | None],
    hours: dict[str, _Array] | None,
    marks: dict[str, _Array],
    *,
    netted: bool,
) -> None:
    """Add one point: what was metered or what is left of it after netting, and where it came from.

    A place whose settlement does not keep the difference of import and export lies outside the membership, or its data
    changed since: it counts as metered and not settled.
    """
    nothing = np.zeros(len(marks["slots"]), dtype=np.int64)
    taken, given = (nothing if one is None else one for one in metered)
    for name, counted in marks.items():
        columns[name] += counted
    if hours is None:
        columns["taken"] += taken
        columns["given"] += given
        columns["unsettled"] += marks["slots"]
        return
    fits = taken - given == hours["taken"] - hours["given"]
    columns["taken"] += np.where(fits, hours["taken"], taken) if netted else taken
    columns["given"] += np.where(fits, hours["given"], given) if netted else given
    columns["own"] += np.where(fits, taken - hours["taken"], 0)
    columns["unsettled"] += marks["slots"] if _SOURCES[0] not in hours else np.where(fits, 0, marks["slots"])
    for name in _SOURCES:
        if name in hours:
            columns[name] += np.where(fits, hours[name], 0)


def _together(marks: Sequence[dict[str, _Array]], size: int) -> dict[str, _Array]:
    """The marks of both directions of a point added up."""
    found = {name: np.zeros(size, dtype=np.int64) for name in _MARKS}
    for one in marks:
        for name in _MARKS:
            found[name] += one[name]
    return found


def _marks(series: IntervalSeries, slot_s: int) -> dict[str, _Array]:
    """Counts of slots by what can be said of them, on the raster asked for."""
    quality = series.quality
    masks = (
        np.ones(len(quality), dtype=np.bool_),
        quality == np.uint8(Quality.MISSING),
        (quality == np.uint8(Quality.ESTIMATED_BY_OPERATOR)) | (quality == np.uint8(Quality.SUBSTITUTED)),
        quality == np.uint8(Quality.MANUAL),
    )
    return {
        name: _coarser(mask.astype(np.int64), series.grid, slot_s) for name, mask in zip(_MARKS, masks, strict=True)
    }


def _netted_hours(pair: tuple[IntervalSeries | None, IntervalSeries | None]) -> dict[str, _Array] | None:
    """Hours of a point that takes and gives, netted as the settlement will; a missing slot counts nothing."""
    imports, exports = pair
    if imports is None or exports is None or imports.grid.slot_s != exports.grid.slot_s:
        return None
    taken, given = net_hourly(imports.wh[None, :], exports.wh[None, :], imports.grid.slots_per_hour)
    return {"taken": taken[0], "given": given[0]}


def _by_day(hours: dict[str, _Array], grid: SlotGrid) -> dict[str, _Array]:
    return {name: np.add.reduceat(values, grid.day_offsets[:-1]) for name, values in hours.items()}


def _coarser(values: _Array, grid: SlotGrid, slot_s: int) -> _Array:
    if grid.slot_s == slot_s:
        return values
    sums: _Array = np.add.reduceat(values, grid.hour_offsets[:-1])
    return sums


def _by_month(buckets: Sequence[Bucket]) -> tuple[Bucket, ...]:
    groups: dict[tuple[int, int], list[Bucket]] = {}
    for one in buckets:
        groups.setdefault((one.day.year, one.day.month), []).append(one)
    return tuple(
        Bucket(start_epoch_s=group[0].start_epoch_s, day=group[0].day, sums=added([one.sums for one in group]))
        for group in groups.values()
    )


def shifted_period(first: date, last_exclusive: date, *, by_year: bool) -> tuple[date, date]:
    """The period to compare with: the days just before, whole months for whole months, or the same a year earlier."""
    if by_year:
        return _year_before(first), _year_before(last_exclusive)
    if first.day == 1 and last_exclusive.day == 1:
        months = (last_exclusive.year - first.year) * 12 + last_exclusive.month - first.month
        return Month(first.year, first.month).shifted(-months).first, first
    return first - (last_exclusive - first), first


def _year_before(day: date) -> date:
    leap_day = (2, 29)
    if (day.month, day.day) == leap_day:
        return date(day.year - 1, 2, 28) + timedelta(days=1)
    return day.replace(year=day.year - 1)
