"""What a watch is judged from: its points or set, their months in the store, and the power that was contracted."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from ogniwo.core.kernel.calendar import Month
from ogniwo.core.kernel.ids import sha256_hex
from ogniwo.core.metering.model import EXPORT, EXPORT_NETTED, IMPORT, IMPORT_NETTED, IntervalSeries
from ogniwo.core.metering.sets import ChannelKey, expand_set
from ogniwo.records.metering.models import MeteringPoint
from ogniwo.records.watches.models import Watch
from ogniwo.services.contracts.queries import contracts_of_points
from ogniwo.services.metering.balance import list_sets, set_series
from ogniwo.services.workspace.model import Workspace

_NOT_OF_ROLE = {"consumer": (EXPORT, EXPORT_NETTED), "producer": (IMPORT, IMPORT_NETTED)}
"""Channels that a role need not have: a watch on all points does not wait for them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One thing that a watch judges: a point with a channel ("": any), or (`point` None) a computing set by name."""

    name: str
    point: MeteringPoint | None
    channel: str


def targets_of(watch: Watch) -> tuple[Target, ...]:
    """What a watch is about now, by name."""
    if watch.computing_set is not None:
        return (Target(name=watch.computing_set.name, point=None, channel=""),)
    if watch.point is not None:
        return (Target(name=watch.point.code, point=watch.point, channel=watch.channel),)
    points = MeteringPoint.objects.filter(organisation=watch.organisation).select_related("member__organisation")
    return tuple(
        Target(name=point.code, point=point, channel=watch.channel)
        for point in points
        if watch.channel not in _NOT_OF_ROLE.get(point.role, ())
    )


class Readings:
    """The stored months of the targets of one watch."""

    def __init__(self, workspace: Workspace, watch: Watch) -> None:
        self._workspace = workspace
        self._sets = {one.name: one for one in list_sets(organisation=watch.organisation)}

    def version(self, target: Target, month: Month) -> str:
        """What names the values of a month; "" when there are none, for a set also when one of its members has none."""
        if target.point is not None:
            return self._version((target.name, target.channel), month)
        counts = expand_set(target.name, sets=self._sets)
        versions = {key: self._version(key, month) for key in counts}
        if not all(versions.values()):
            return ""
        named = "".join(f"{count:+d} {key} {versions[key]};" for key, count in sorted(counts.items()))
        return sha256_hex(named.encode())[:32]

    def _version(self, key: ChannelKey, month: Month) -> str:
        versions = self._workspace.series.versions(point=key[0], channel=key[1], month=month)
        return versions[-1].name if versions else ""

    def read(self, targets: Iterable[Target], month: Month) -> dict[str, IntervalSeries]:
        """The month of each target that has one, by its name."""
        found, by_channel = {}, dict[str, list[str]]()
        for target in targets:
            if target.point is not None:
                by_channel.setdefault(target.channel, []).append(target.name)
            elif self.version(target, month):
                found[target.name] = set_series(self._workspace, sets=self._sets, name=target.name, month=month)
        for channel, names in by_channel.items():
            read = self._workspace.series.read_points(points=names, month=month, channels=(channel,))
            found.update({name: read[name, channel] for name in names if (name, channel) in read})
        return found


class ContractedPower:
    """The contract power of points day by day, in W; 0 where no contract is in force or it has none."""

    def __init__(self, targets: Sequence[Target]) -> None:
        self._periods: dict[str, list[tuple[date, date | None, int]]] = {}
        for one in contracts_of_points([target.point for target in targets if target.point is not None]):
            period = (one.valid_from, one.valid_to, one.terms.contract_power_w)
            self._periods.setdefault(one.point, []).append(period)

    def of_month(self, target: Target, month: Month) -> tuple[int, ...]:
        """(days,) of a month."""
        periods = self._periods.get(target.name, ())
        days = [date(month.year, month.month, number) for number in range(1, month.days + 1)]
        return tuple(
            next((w for first, end, w in periods if first <= day and (end is None or day < end)), 0) for day in days
        )
