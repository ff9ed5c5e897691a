"""Interval columns as arrays: joining the parts of a file, and the guard against a value that comes twice."""

from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ogniwo.formats.meter_files.model import IntervalColumns
from ogniwo.formats.meter_files.problems import Problems

_Array = TypeVar("_Array", bound=NDArray[Any])
_Scalar = TypeVar("_Scalar", bound=np.generic)


def frozen(array: _Array) -> _Array:
    """The same array, read-only."""
    array.setflags(write=False)
    return array


def joined(parts: Sequence[NDArray[Any]], dtype: type[_Scalar]) -> NDArray[_Scalar]:
    """All parts one after another, read-only; empty when there is none."""
    return frozen(np.concatenate([np.array([], dtype=dtype), *parts]).astype(dtype, copy=False))


def no_intervals() -> IntervalColumns:
    """Columns without a row."""
    return IntervalColumns(
        points=(),
        channels=(),
        point_index=joined([], np.int32),
        channel_index=joined([], np.int16),
        start_epoch_s=joined([], np.int64),
        seconds=joined([], np.int32),
        wh=joined([], np.int64),
        quality=joined([], np.uint8),
        row=joined([], np.int32),
    )


def join_columns(parts: Sequence[IntervalColumns], *, problems: Problems) -> IntervalColumns:
    """The intervals of several sheets as one; the same point, channel and start in two of them is an error."""
    parts = [part for part in parts if part.count]
    if len(parts) < 2:
        return parts[0] if parts else no_intervals()
    points = tuple(dict.fromkeys(point for part in parts for point in part.points))
    channels = tuple(dict.fromkeys(channel for part in parts for channel in part.channels))
    point_index = [_moved(part.point_index, part.points, points) for part in parts]
    channel_index = [_moved(part.channel_index, part.channels, channels) for part in parts]
    start = np.concatenate([part.start_epoch_s for part in parts])
    at, channel_at = np.concatenate(point_index), np.concatenate(channel_index)
    order = np.lexsort((start, channel_at, at))
    key = np.stack([at[order], channel_at[order], start[order]])
    row = np.concatenate([part.row for part in parts])[order]
    for place in np.flatnonzero((np.diff(key, axis=1) == 0).all(axis=0)) + 1:
        problems.error(
            "read.duplicate_label",
            "an earlier sheet holds the same interval",
            row=int(row[place]),
            point=points[int(key[0, place])],
            channel=channels[int(key[1, place])],
        )
    return IntervalColumns(
        points=points,
        channels=channels,
        point_index=joined([at[order]], np.int32),
        channel_index=joined([channel_at[order]], np.int16),
        start_epoch_s=joined([start[order]], np.int64),
        seconds=joined([np.concatenate([part.seconds for part in parts])[order]], np.int32),
        wh=joined([np.concatenate([part.wh for part in parts])[order]], np.int64),
        quality=joined([np.concatenate([part.quality for part in parts])[order]], np.uint8),
        row=joined([row], np.int32),
    )


def _moved(index: NDArray[Any], names: tuple[str, ...], all_names: tuple[str, ...]) -> NDArray[np.int64]:
    places = np.array([all_names.index(name) for name in names], dtype=np.int64)
    return np.take(places, index)
