"""Compiled pricing of many bill lines. The readable twin is `mass_lines.price_lines_reference`."""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

GROSZ_PER_RATE_UNIT = 10**6
"""A rate of 10^-8 zl holds 10^-6 grosz: quantity x rate / this is grosz for one base unit."""

SMALL_FACTOR = 2**31 - 1
"""Factors up to here multiply to less than 62 bits without a look."""

LARGEST_PRODUCT = 2**62
"""Bound of whole units x rate: a line then stays below 2^43 grosz."""

LARGEST_RATE_E8 = 2**43
"""87,960 zl per unit: with at most 10^6 base units the rest of a split product fits 64 bits."""

LARGEST_BASE_UNITS = 10**6

LARGEST_SUM_GROSZ = 2**53
"""Bound of the net of a bill, so that VAT on it fits 64 bits."""


class BillLines(NamedTuple):
    """Lines as `mass_lines.price_lines` takes them, and where their amounts go."""

    quantity: NDArray[np.int64]
    rate_e8: NDArray[np.int64]
    base_units: NDArray[np.int64]
    bill: NDArray[np.int64]
    vat_column: NDArray[np.int64]
    line_net_grosz: NDArray[np.int64]
    net_grosz: NDArray[np.int64]


@njit(cache=True, nogil=True)
def _priced(quantity: int, rate_e8: int, base_units: int) -> int:
    """Non-negative quantity x rate / (base units x 10^6), half up; -1 where that may leave 64 bits.

    A product that is not small is split: with quantity = whole x base + part, the whole units give whole x rate / 10^6
    with a rest, and only rest x base + part x rate is divided by base x 10^6.
    """
    divisor = base_units * GROSZ_PER_RATE_UNIT
    if 0 <= quantity <= SMALL_FACTOR and 0 <= rate_e8 <= SMALL_FACTOR:
        return (quantity * rate_e8 + divisor // 2) // divisor
    if quantity < 0 or rate_e8 < 0 or rate_e8 > LARGEST_RATE_E8:  # the absolute value of -2^63 is still negative
        return -1
    whole = quantity // base_units
    if rate_e8 and whole > LARGEST_PRODUCT // rate_e8:
        return -1
    part = quantity - whole * base_units
    product = whole * rate_e8
    grosz = product // GROSZ_PER_RATE_UNIT
    numerator = (product - grosz * GROSZ_PER_RATE_UNIT) * base_units + part * rate_e8
    more = numerator // divisor
    rest = numerator - more * divisor
    return grosz + more + (2 * rest >= divisor)


@njit(cache=True, nogil=True)
def price_rows(lines: BillLines) -> int:
    """Fill the net of every line and add it to the sum of its bill and VAT rate.

    Gives -1, or the number of the first line that names no bill, VAT rate or unit or leaves 64 bits.
    """
    bills, rates = lines.net_grosz.shape
    for line in range(lines.quantity.size):
        bill, column, base_units = lines.bill[line], lines.vat_column[line], lines.base_units[line]
        if not (0 <= bill < bills and 0 <= column < rates and 1 <= base_units <= LARGEST_BASE_UNITS):
            return line
        quantity, rate_e8 = lines.quantity[line], lines.rate_e8[line]
        grosz = _priced(abs(quantity), abs(rate_e8), base_units)
        if grosz < 0:
            return line
        if (quantity < 0) != (rate_e8 < 0):
            grosz = -grosz
        lines.line_net_grosz[line] = grosz
        total = lines.net_grosz[bill, column] + grosz
        if abs(total) > LARGEST_SUM_GROSZ:
            return line
        lines.net_grosz[bill, column] = total
    return -1
