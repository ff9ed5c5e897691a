"""Many rows in one pass. A row laid out like the one before it costs a few comparisons of eight bytes at a time.

Five things are remembered from row to row, each as the text it stands for: the point, the channel, the date, the
offset, and what follows the value (unit, status, line end). A text that differs is looked up anew or, when that finds
nothing, the row goes through `fields.read_row`, which alone decides what is wrong. So the short way accepts nothing
that the long way would not, and never reports.

Bounds: 64 readable bytes must follow `end`, and the text before `end` ends in a line feed or the bytes after it are 0.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ogniwo.core.kernel.quality import Quality
from ogniwo.formats.profile_csv.kernels.fields import (
    CHANNEL,
    NO_TIME,
    QUALITY,
    UNIT,
    find_channel,
    instant,
    offset_s,
    read_row,
    split,
)
from ogniwo.formats.profile_csv.kernels.tables import Issues, Tables, Target, find_point
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
)
from ogniwo.formats.profile_csv.vocabulary import UNSEEN

PADDING = 64
_UNSEEN, _MISSING = UNSEEN, int(Quality.MISSING)
_LARGEST = 2**31 - 1
_ALL = np.uint64(0xFFFFFFFFFFFFFFFF)
_NONE = np.uint64(0)
_DATE_END = np.uint64(0xFFFFFF)

# Places in Memory.words: the remembered texts, those of varying length each followed by its mask.
_POINT_0, _POINT_8, _POINT_11 = 0, 1, 2
_CHANNEL_0, _CHANNEL_8, _DATE_0, _DATE_8, _AHEAD, _TAIL = 3, 5, 7, 8, 9, 11
_TAIL_BYTES_MAX = 32
_WORDS = _TAIL + 2 * _TAIL_BYTES_MAX // 8
# Places in Memory.numbers: what they mean.
_POINT, _CHANNEL, _CHANNEL_LENGTH, _MIDNIGHT, _AHEAD_S, _AHEAD_LENGTH = 0, 1, 2, 3, 4, 5
_TAIL_LENGTH, _TAIL_DECIMALS, _TAIL_QUALITY = 6, 7, 8
_NUMBERS = 9


class Memory(NamedTuple):
    """What is remembered between rows, and room to work in."""

    words: NDArray[np.uint64]
    numbers: NDArray[np.int64]
    stops: NDArray[np.int64]
    said: NDArray[np.int64]


def new_memory() -> Memory:
    """A memory of nothing: words that no text can equal (all ones under any mask but 0, and 1 under the mask 0)."""
    words = np.full(_WORDS, 0xFFFFFFFFFFFFFFFF, dtype=np.uint64)
    return Memory(words, np.zeros(_NUMBERS, np.int64), np.zeros(6, np.int64), np.zeros(6, np.int64))


@compiled_inline
def _mask(length: int) -> np.uint64:
    if length >= 8:
        return _ALL
    return _ALL >> np.uint64(64 - 8 * length) if length > 0 else _NONE


@compiled
def _remember_point(data: Bytes, begin: int, tables: Tables, memory: Memory) -> bool:
    key = point_key(data, begin)
    if key < 0 or data[begin + 18] != 59:
        return False
    point = find_point(tables.point_keys, tables.point_rows, key)
    if point < 0:
        return False
    memory.words[_POINT_0] = load_word(data, begin)
    memory.words[_POINT_8] = load_word(data, begin + 8)
    memory.words[_POINT_11] = load_word(data, begin + 11)
    memory.numbers[_POINT] = point
    return True


@compiled
def _remember_channel(data: Bytes, begin: int, tables: Tables, memory: Memory) -> bool:
    text = find_channel(data, begin, tables)
    if text < 0:
        return False
    memory.words[_CHANNEL_0], memory.words[_CHANNEL_0 + 1] = (
        tables.channel_words[text, 0],
        tables.channel_masks[text, 0],
    )
    memory.words[_CHANNEL_8], memory.words[_CHANNEL_8 + 1] = (
        tables.channel_words[text, 1],
        tables.channel_masks[text, 1],
    )
    channel, before = tables.channel_rows[text], memory.numbers[_CHANNEL]
    if tables.channel_reactive[channel] != tables.channel_reactive[before]:
        memory.words[_TAIL], memory.words[_TAIL + 1] = _ALL, _NONE  # the remembered unit does not fit this channel
    memory.numbers[_CHANNEL], memory.numbers[_CHANNEL_LENGTH] = channel, tables.channel_lengths[text]
    return True


@compiled
def _remember_date(data: Bytes, begin: int, memory: Memory) -> bool:
    midnight = date_epoch(data, begin)
    if midnight == NO_TIME or data[begin + 10] != 84:
        return False
    memory.words[_DATE_0] = load_word(data, begin)
    memory.words[_DATE_8] = load_word(data, begin + 8) & _DATE_END
    memory.numbers[_MIDNIGHT] = midnight
    return True


@compiled
def _remember_rest(data: Bytes, line_end: int, tables: Tables, memory: Memory) -> None:
    """After a row has been read the long way: remember its offset and what follows its value, if short enough."""
    begin, end = memory.stops[1] + 17, memory.stops[2]
    ahead = offset_s(data, begin, end)
    if ahead != NO_TIME:
        mask = _mask(end - begin + 1)
        memory.words[_AHEAD], memory.words[_AHEAD + 1] = load_word(data, begin) & mask, mask
        memory.numbers[_AHEAD_S], memory.numbers[_AHEAD_LENGTH] = ahead, end - begin + 1
    begin, length = memory.stops[3], line_end + 1 - memory.stops[3]
    same_kind = tables.channel_reactive[memory.said[CHANNEL]] == tables.channel_reactive[memory.numbers[_CHANNEL]]
    if length <= _TAIL_BYTES_MAX and memory.said[QUALITY] != _MISSING and same_kind:
        for part in range(_TAIL_BYTES_MAX // 8):
            mask = _mask(length - 8 * part)
            memory.words[_TAIL + 2 * part] = load_word(data, begin + 8 * part) & mask
            memory.words[_TAIL + 2 * part + 1] = mask
        memory.numbers[_TAIL_LENGTH], memory.numbers[_TAIL_QUALITY] = length, memory.said[QUALITY]
        memory.numbers[_TAIL_DECIMALS] = tables.unit_decimals[memory.said[UNIT]]


@compiled_inline
def _same(data: Bytes, begin: int, words: NDArray[np.uint64], place: int) -> bool:
    same: bool = (load_word(data, begin) & words[place + 1]) == words[place]
    return same


@compiled_inline
def _same_tail(data: Bytes, begin: int, words: NDArray[np.uint64], length: int) -> bool:
    short = _same(data, begin, words, _TAIL) and _same(data, begin + 8, words, _TAIL + 2)
    if length <= 16:
        return short
    return short and _same(data, begin + 16, words, _TAIL + 4) and _same(data, begin + 24, words, _TAIL + 6)


@compiled_inline
def _short_row(  # noqa: PLR0911 -- nine ways to differ from the row before
    data: Bytes, begin: int, tables: Tables, target: Target, memory: Memory
) -> int:
    """Read and lay one row; returns where the next begins, or -1 when the row needs the long way (nothing is laid)."""
    words, numbers = memory.words, memory.numbers
    if (
        load_word(data, begin) != words[_POINT_0]
        or load_word(data, begin + 8) != words[_POINT_8]
        or load_word(data, begin + 11) != words[_POINT_11]
    ) and not _remember_point(data, begin, tables, memory):
        return -1
    at = begin + 19
    if not (_same(data, at, words, _CHANNEL_0) and _same(data, at + 8, words, _CHANNEL_8)) and not _remember_channel(
        data, at, tables, memory
    ):
        return -1
    at += numbers[_CHANNEL_LENGTH]
    if (
        load_word(data, at) != words[_DATE_0] or (load_word(data, at + 8) & _DATE_END) != words[_DATE_8]
    ) and not _remember_date(data, at, memory):
        return -1
    clock = clock_s(data, at + 11)
    since = numbers[_MIDNIGHT] + clock - numbers[_AHEAD_S] - target.start_epoch_s
    if clock < 0 or since < 0 or not _same(data, at + 16, words, _AHEAD):
        return -1
    slot = since // target.slot_s
    if slot >= target.quality.shape[2] or slot * target.slot_s != since:
        return -1
    number, decimals, sign, stop = decimal(data, at + 16 + numbers[_AHEAD_LENGTH])
    missing_decimals = numbers[_TAIL_DECIMALS] - decimals
    if decimals < 0 or missing_decimals < 0 or not _same_tail(data, stop, words, numbers[_TAIL_LENGTH]):
        return -1
    for _ in range(missing_decimals):
        number *= 10
    channel, point = numbers[_CHANNEL], numbers[_POINT]
    if number > _LARGEST or target.quality[channel, point, slot] != _UNSEEN:
        return -1
    target.quality[channel, point, slot] = numbers[_TAIL_QUALITY]
    target.wh[channel, point, slot] = sign * number
    next_begin: int = stop + numbers[_TAIL_LENGTH]
    return next_begin


@compiled
def _line_end(data: Bytes, begin: int, end: int) -> int:
    while begin < end and data[begin] != 10:
        begin += 1
    return begin


@compiled
def parse_rows(
    data: Bytes, begin: int, end: int, first_row: int, tables: Tables, target: Target, issues: Issues, memory: Memory
) -> int:
    """Lay down all lines from `begin` to `end`, the first being row `first_row`. Returns how many there are."""
    row, located = first_row, issues.rows.shape[1]
    while begin < end:
        next_begin = _short_row(data, begin, tables, target, memory)
        if next_begin < 0:
            line_end = _line_end(data, begin, end)
            next_begin = line_end + 1
            text_end = line_end - (line_end > begin and data[line_end - 1] == 13)
            issue = read_row(data, begin, text_end, tables, target, memory.stops, memory.said)
            if issue < 0:
                if line_end < end:
                    _remember_rest(data, line_end, tables, memory)
            else:
                found = issues.counts[issue]
                if found < located:
                    issues.rows[issue, found], issues.offsets[issue, found] = row, begin
                issues.counts[issue] += 1
        row, begin = row + 1, next_begin
    return row - first_row


@compiled
def inspect_rows(
    data: Bytes,
    begin: int,
    end: int,
    tables: Tables,
    keys: NDArray[np.int64],
    channels: NDArray[np.int64],
    bounds: NDArray[np.int64],
    stops: NDArray[np.int64],
) -> tuple[int, int]:
    """Note what readable rows speak of: new point keys in order into `keys`, channels counted, first and last start.

    Returns (keys found, where to go on); stops early when `keys` is full. Codes with a wrong check digit are passed by.
    """
    found = 0
    while begin < end:
        line_end = _line_end(data, begin, end)
        text_end = line_end - (line_end > begin and data[line_end - 1] == 13)
        if split(data, begin, text_end, stops) < 0 and stops[0] - begin == 18:
            key, text = point_key(data, begin), find_channel(data, stops[0] + 1, tables)
            epoch = instant(data, stops[1] + 1, stops[2])
            repeated = found > 0 and keys[found - 1] == key
            if key >= 0 and text >= 0 and epoch != NO_TIME and (repeated or has_check_digit(key)):
                channels[tables.channel_rows[text]] += 1
                bounds[0], bounds[1] = min(bounds[0], epoch), max(bounds[1], epoch)
                if not repeated:
                    keys[found] = key
                    found += 1
        begin = line_end + 1
        if found == len(keys):
            break
    return found, begin
