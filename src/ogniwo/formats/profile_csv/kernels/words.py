"""Compiled building blocks of the parser: eight bytes of text at a time as one little-endian integer.

Constants are written as the text they stand for, so that the arithmetic can be checked by eye. Only uint64 meets
uint64 here: numba turns a mix of uint64 and int64 into a float.
"""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np
from numba import njit, types
from numba.extending import intrinsic
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]

_Function = TypeVar("_Function", bound=Callable[..., Any])


def compiled(function: _Function) -> _Function:
    """Compile without reference counts: they took 90 % of the time, and no kernel here makes or keeps an array."""
    return cast("_Function", njit(cache=True, nogil=True, _nrt=False)(function))


def compiled_inline(function: _Function) -> _Function:
    """The same, for a few instructions that must not become a call."""
    return cast("_Function", njit(cache=True, nogil=True, _nrt=False, inline="always")(function))


def word_of(text: bytes) -> int:
    """The integer that `load_word` finds where the (at most eight) bytes of `text` stand, the rest zero."""
    return int.from_bytes(text[:8].ljust(8, b"\0"), "little")


def mask_of(length: int) -> int:
    """The mask that keeps the first `length` (0 to 8) bytes of a word."""
    return (1 << (8 * max(0, min(8, length)))) - 1


@intrinsic
def load_word(_typing: Any, data: Any, offset: Any) -> Any:  # noqa: ANN401 -- numba's own types have no annotations
    """Eight bytes from any offset as uint64. The caller owns the bounds: the buffers are padded."""
    signature = types.uint64(data, offset)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ANN401 -- as above
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        pointer = builder.gep(array.data, [arguments[1]])
        word = context.get_value_type(types.uint64)
        return builder.load(builder.bitcast(pointer, word.as_pointer()), align=1)

    return signature, generate


_ZEROS = np.uint64(word_of(b"00000000"))
_HIGH = np.uint64(0xF0F0F0F0F0F0F0F0)
_SIX = np.uint64(0x0606060606060606)
_LOW = np.uint64(0x0F0F0F0F0F0F0F0F)
_BYTES = np.uint64(0x00FF00FF00FF00FF)
_PAIRS = np.uint64(0x0000FFFF0000FFFF)
_TEN = np.uint64(10)
_HUNDRED = np.uint64(100)
_MYRIAD = np.uint64(10_000)
_BITS_8 = np.uint64(8)
_BITS_16 = np.uint64(16)
_BITS_32 = np.uint64(32)
_LAST_HALF = np.uint64(0xFFFFFFFF)
_NO_NUMBER = np.uint64(0xFFFFFFFFFFFFFFFF)


@compiled_inline
def eight_digits(word: np.uint64) -> np.uint64:
    """The number that eight ASCII digits write, or all ones when one of them is no digit."""
    if (word & _HIGH) != _ZEROS or ((word + _SIX) & _HIGH) != _ZEROS:
        return _NO_NUMBER
    digits = word & _LOW
    pairs = ((digits * _TEN) + (digits >> _BITS_8)) & _BYTES
    quads = ((pairs * _HUNDRED) + (pairs >> _BITS_16)) & _PAIRS
    return ((quads * _MYRIAD) + (quads >> _BITS_32)) & _LAST_HALF


@compiled_inline
def two_digits(data: Bytes, offset: int) -> int:
    """The number two digits write, or a number of at most -1 when one of them is no digit."""
    tens: int = data[offset] - 48
    ones: int = data[offset + 1] - 48
    if tens < 0 or tens > 9 or ones < 0 or ones > 9:
        return -1
    return tens * 10 + ones


@compiled
def point_key(data: Bytes, offset: int) -> int:
    """The 18 digits of a metering point code as a number, or -1 when there are not 18 digits."""
    first, second = eight_digits(load_word(data, offset)), eight_digits(load_word(data, offset + 8))
    last = two_digits(data, offset + 16)
    if max(first, second) == _NO_NUMBER or last < 0:
        return -1
    key: int = (np.int64(first) * 100_000_000 + np.int64(second)) * 100 + last  # type: ignore[assignment]
    return key


@compiled
def has_check_digit(key: int) -> bool:
    """Whether the number of 18 digits ends in its GS1 check digit (weights 3, 1 from the right)."""
    total, rest, weight = 0, key // 10, 3
    for _ in range(17):
        total += rest % 10 * weight
        rest //= 10
        weight = 4 - weight
    return (total + key % 10) % 10 == 0


@compiled
def date_epoch(data: Bytes, offset: int) -> int:
    """Seconds from 1970 to the midnight, read as UTC, of the ten bytes `YYYY-MM-DD`; -2^62 when they are no date."""
    century, year = two_digits(data, offset), two_digits(data, offset + 2)
    month, day = two_digits(data, offset + 5), two_digits(data, offset + 8)
    if century < 0 or year < 0 or data[offset + 4] != 45 or data[offset + 7] != 45:
        return -(2**62)
    year += century * 100
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    longest = 31 - (month - 1) % 7 % 2 if month != 2 else 28 + leap
    if year < 1 or month < 1 or month > 12 or day < 1 or day > longest:
        return -(2**62)
    # Days from the civil calendar, counted in years that begin in March, so that the leap day is a year's last.
    shifted = year - (month <= 2)
    day_of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    era, year_of_era = shifted // 400, shifted % 400
    day_of_era = year_of_era * 365 + year_of_era // 4 - year_of_era // 100 + day_of_year
    return (era * 146_097 + day_of_era - 719_468) * 86_400


@compiled_inline
def clock_s(data: Bytes, offset: int) -> int:
    """Seconds since midnight of the five bytes `HH:MM`, or -1."""
    hour, minute = two_digits(data, offset), two_digits(data, offset + 3)
    if hour < 0 or hour > 23 or minute < 0 or minute > 59 or data[offset + 2] != 58:
        return -1
    return hour * 3_600 + minute * 60


@compiled
def decimal(data: Bytes, begin: int) -> tuple[int, int, int, int]:
    """Read `-`, digits, and after a comma more digits, from `begin` on.

    Returns (digits as a number without the comma, decimals, sign, end). Decimals are -1 when this is no number. Numbers
    above 10^15 stay there: they are too large whatever follows, as more than 9 decimals are too many.
    """
    position, sign = begin, 1
    if data[position] == 45:
        sign = -1
        position += 1
    number, whole = 0, position
    while np.uint8(data[position] - 48) <= 9:
        number = min(number * 10 + data[position] - 48, 10**15)
        position += 1
    if position == whole:
        return 0, -1, sign, position
    if data[position] != 44:
        return number, 0, sign, position
    comma = position
    position += 1
    while np.uint8(data[position] - 48) <= 9:
        if position - comma <= 3:
            number = min(number * 10 + data[position] - 48, 10**15)
        position += 1
    decimals = position - comma - 1
    return number, (decimals if decimals > 0 else -1), sign, position
