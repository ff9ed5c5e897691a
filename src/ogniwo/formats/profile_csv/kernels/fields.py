"""One row, field by field and strict: the way every row goes that is not laid out exactly like the one before it."""

import numpy as np
from numpy.typing import NDArray

from ogniwo.core.kernel.quality import Quality
from ogniwo.formats.profile_csv.kernels.tables import Tables, Target, find_point
from ogniwo.formats.profile_csv.kernels.words import (
    Bytes,
    clock_s,
    compiled,
    compiled_inline,
    date_epoch,
    decimal,
    has_check_digit,
    load_word,
    point_key,
    two_digits,
)
from ogniwo.formats.profile_csv.vocabulary import CONTRADICTED, UNSEEN, Issue

NO_TIME = -(2**62)
_POINT_DIGITS = 18
_MISSING = int(Quality.MISSING)

_BAD_BYTE, _COLUMNS = int(Issue.BAD_BYTE), int(Issue.COLUMNS)
_NOT_A_POINT, _CHECK_DIGIT, _UNKNOWN_POINT = int(Issue.NOT_A_POINT), int(Issue.CHECK_DIGIT), int(Issue.UNKNOWN_POINT)
_UNKNOWN_CHANNEL, _NOT_A_TIME = int(Issue.UNKNOWN_CHANNEL), int(Issue.NOT_A_TIME)
_OUTSIDE, _OFF_RASTER = int(Issue.OUTSIDE_PERIOD), int(Issue.OFF_RASTER)
_UNIT, _UNKNOWN_STATUS = int(Issue.UNIT), int(Issue.UNKNOWN_STATUS)
_MISSING_WITH_VALUE, _NOT_A_NUMBER = int(Issue.MISSING_WITH_VALUE), int(Issue.NOT_A_NUMBER)
_TOO_MANY_DECIMALS, _TOO_LARGE = int(Issue.TOO_MANY_DECIMALS), int(Issue.TOO_LARGE)
_DUPLICATE, _CONFLICT = int(Issue.DUPLICATE), int(Issue.CONFLICT)
_UNSEEN, _CONTRADICTED = UNSEEN, CONTRADICTED
_LARGEST = 2**31 - 1

CHANNEL, POINT, SLOT, WH, QUALITY, UNIT = 0, 1, 2, 3, 4, 5
"""Places in the array of what a row says."""


@compiled
def find_channel(data: Bytes, begin: int, tables: Tables) -> int:
    """Which channel text, with its closing `;`, stands at `begin`; -1 when none does."""
    first, second = load_word(data, begin), load_word(data, begin + 8)
    for text in range(len(tables.channel_lengths)):
        if (first & tables.channel_masks[text, 0]) == tables.channel_words[text, 0] and (
            second & tables.channel_masks[text, 1]
        ) == tables.channel_words[text, 1]:
            return text
    return -1


@compiled
def find_text(data: Bytes, begin: int, end: int, texts: Bytes, lengths: NDArray[np.int64]) -> int:
    """Which of the padded texts the field is, or -1."""
    for text in range(len(lengths)):
        if lengths[text] == end - begin:
            place = 0
            while place < end - begin and texts[text, place] == data[begin + place]:
                place += 1
            if place == end - begin:
                return text
    return -1


@compiled
def offset_s(data: Bytes, begin: int, end: int) -> int:
    """Seconds that `Z` or `+HH:MM` is ahead of UTC (at most 14 hours), or NO_TIME."""
    if end - begin == 1 and data[begin] == 90:
        return 0
    if end - begin != 6 or data[begin + 3] != 58:
        return NO_TIME
    hours, minutes = two_digits(data, begin + 1), two_digits(data, begin + 4)
    if hours < 0 or hours > 14 or minutes < 0 or minutes > 59:
        return NO_TIME
    if data[begin] == 43:
        return hours * 3_600 + minutes * 60
    return -hours * 3_600 - minutes * 60 if data[begin] == 45 else NO_TIME


@compiled
def instant(data: Bytes, begin: int, end: int) -> int:
    """Seconds since 1970 of `YYYY-MM-DDTHH:MM`, perhaps `:SS`, then `Z` or an offset; NO_TIME for anything else."""
    if end - begin < 17 or data[begin + 10] != 84:
        return NO_TIME
    midnight, clock, seconds, rest = date_epoch(data, begin), clock_s(data, begin + 11), 0, begin + 16
    if data[rest] == 58:
        seconds, rest = two_digits(data, rest + 1), rest + 3
        if seconds < 0 or seconds > 59:
            return NO_TIME
    ahead = offset_s(data, rest, end)
    if midnight == NO_TIME or clock < 0 or ahead == NO_TIME:
        return NO_TIME
    return midnight + clock + seconds - ahead


@compiled
def split(data: Bytes, begin: int, end: int, stops: NDArray[np.int64]) -> int:
    """Put the ends of the six fields of a line into `stops`; returns -1, or the issue that the line is not six fields.

    `end` is the end of the text, without the line feed.
    """
    fields, bad = 0, False
    for place in range(begin, end):
        byte = data[place]
        if byte == 59:
            if fields < 6:
                stops[fields] = place
            fields += 1
        # Control characters, and bytes that UTF-8 never uses.
        bad |= byte < 32 or byte in (127, 192, 193) or byte > 244
    if bad:
        return _BAD_BYTE
    stops[5] = end
    return -1 if fields == 5 else _COLUMNS


@compiled
def read_point_and_channel(data: Bytes, begin: int, stops: NDArray[np.int64], tables: Tables) -> tuple[int, int, int]:
    """(issue or -1, row of the point, channel)."""
    key = point_key(data, begin) if stops[0] - begin == _POINT_DIGITS else -1
    if key < 0:
        return _NOT_A_POINT, -1, -1
    point = find_point(tables.point_keys, tables.point_rows, key)
    if point < 0:
        return (_UNKNOWN_POINT if has_check_digit(key) else _CHECK_DIGIT), -1, -1
    text = find_channel(data, stops[0] + 1, tables)
    if text < 0:
        return _UNKNOWN_CHANNEL, -1, -1
    return -1, point, tables.channel_rows[text]


@compiled
def read_value(data: Bytes, stops: NDArray[np.int64], tables: Tables, said: NDArray[np.int64]) -> int:
    """Read value, unit and status into `said`; returns the issue or -1. `said` already holds the channel."""
    unit = find_text(data, stops[3] + 1, stops[4], tables.units, tables.unit_lengths)
    if unit < 0 or tables.unit_reactive[unit] != tables.channel_reactive[said[CHANNEL]]:
        return _UNIT
    status = find_text(data, stops[4] + 1, stops[5], tables.statuses, tables.status_lengths)
    if status < 0:
        return _UNKNOWN_STATUS
    said[UNIT], said[QUALITY], said[WH] = unit, tables.status_qualities[status], 0
    begin, end = stops[2] + 1, stops[3]
    if said[QUALITY] == _MISSING:
        return -1 if begin == end else _MISSING_WITH_VALUE
    number, decimals, sign, stop = decimal(data, begin)
    if decimals < 0 or stop != end:
        return _NOT_A_NUMBER
    return scale(number, decimals, sign, tables.unit_decimals[unit], said)


@compiled_inline
def scale(number: int, decimals: int, sign: int, unit_decimals: int, said: NDArray[np.int64]) -> int:
    """Bring a decimal to whole Wh in `said`; returns the issue or -1."""
    if decimals > unit_decimals:
        return _TOO_MANY_DECIMALS
    for _ in range(unit_decimals - decimals):
        number *= 10
    if number > _LARGEST:
        return _TOO_LARGE
    said[WH] = sign * number
    return -1


@compiled
def lay(target: Target, said: NDArray[np.int64]) -> int:
    """Put what a row says into its place; returns -1, or that it repeats or contradicts an earlier row."""
    channel, point, slot = said[CHANNEL], said[POINT], said[SLOT]
    before = target.quality[channel, point, slot]
    if before == _UNSEEN:
        target.quality[channel, point, slot] = said[QUALITY]
        target.wh[channel, point, slot] = said[WH]
        return -1
    if before == said[QUALITY] and target.wh[channel, point, slot] == said[WH]:
        return _DUPLICATE
    target.quality[channel, point, slot] = _CONTRADICTED
    target.wh[channel, point, slot] = 0
    return _CONFLICT


@compiled
def read_row(
    data: Bytes, begin: int, end: int, tables: Tables, target: Target, stops: NDArray[np.int64], said: NDArray[np.int64]
) -> int:
    """Read one line (`end` without line feed) and lay it down; returns -1 or the first issue that applies."""
    issue = split(data, begin, end, stops)
    if issue >= 0:
        return issue
    issue, point, channel = read_point_and_channel(data, begin, stops, tables)
    if issue >= 0:
        return issue
    said[POINT], said[CHANNEL] = point, channel
    epoch = instant(data, stops[1] + 1, stops[2])
    if epoch == NO_TIME:
        return _NOT_A_TIME
    since = epoch - target.start_epoch_s
    if since < 0 or since >= target.quality.shape[2] * target.slot_s:
        return _OUTSIDE
    if since % target.slot_s != 0:
        return _OFF_RASTER
    said[SLOT] = since // target.slot_s
    issue = read_value(data, stops, tables, said)
    return issue if issue >= 0 else lay(target, said)
