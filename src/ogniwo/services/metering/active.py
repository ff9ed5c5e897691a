"""A point's active energy of a month: which stage of the operator's values counts, and which series it must have."""

from collections.abc import Callable
from datetime import datetime
from typing import Final

from ogniwo.core.kernel.calendar import Month
from ogniwo.core.metering.model import EXPORT, EXPORT_NETTED, IMPORT, IMPORT_NETTED, IntervalSeries
from ogniwo.records.metering.models import MeteringPoint
from ogniwo.services.workspace.model import Workspace

STAGES: Final = frozenset((IMPORT, EXPORT, IMPORT_NETTED, EXPORT_NETTED))
"""The channels that are chosen from."""
Pair = tuple[IntervalSeries | None, IntervalSeries | None]
"""Import and export."""


def active_series(workspace: Workspace, *, point: str, month: Month, as_of: datetime | None = None) -> Pair:
    """Import and export of one stage, never mixed: as metered when both are there, else as the operator netted them."""

    def read(channel: str) -> IntervalSeries | None:
        return workspace.series.read(point=point, channel=channel, month=month, as_of=as_of)

    return chosen_stage(read)


def chosen_stage(read: Callable[[str], IntervalSeries | None]) -> Pair:
    """The same choice among series that are read by channel."""
    before_netting, after_netting = (read(IMPORT), read(EXPORT)), (read(IMPORT_NETTED), read(EXPORT_NETTED))
    if None not in before_netting or after_netting == (None, None):
        return before_netting
    return after_netting if None not in after_netting or before_netting == (None, None) else before_netting


def needed_series(point: MeteringPoint, pair: Pair) -> tuple[IntervalSeries | None, ...]:
    """The series without which nothing can be said of a point of its role."""
    imports, exports = pair
    return {"consumer": (imports,), "producer": (exports,)}.get(point.role, (imports, exports))
