"""Exact bill lines by the million: quantity x rate to grosz, sums by bill and VAT rate, VAT on those sums.

The rule is `kernel.quantities.amount_grosz`: one rounding per line, half away from zero, then VAT on the net sum of
each rate, rounded once (law.md, "Money"). A line that 64 bits cannot price exactly is refused, never rounded twice.
Prorated amounts are not priced here: their share belongs to the same single rounding.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ogniwo.core.billing.kernels import (
    LARGEST_BASE_UNITS,
    LARGEST_PRODUCT,
    LARGEST_RATE_E8,
    LARGEST_SUM_GROSZ,
    BillLines,
    price_rows,
)
from ogniwo.core.kernel.quantities import GROSZ_DECIMALS, RATE_DECIMALS
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.kernel.rounding import divide_half_up

LARGEST_VAT_PERCENT = 100


class LineOutOfRangeError(Refusal):
    """A line, or the bill it belongs to, is beyond what 64 bits can hold exactly."""

    code = "billing.line_out_of_range"


@dataclass(frozen=True, eq=False, kw_only=True)
class MassBills:
    """Priced lines in grosz, int64: `line_net_grosz` (lines,), `net_grosz` and `vat_grosz` (bills, VAT rates)."""

    line_net_grosz: NDArray[np.int64]
    net_grosz: NDArray[np.int64]
    vat_grosz: NDArray[np.int64]

    @property
    def gross_grosz(self) -> NDArray[np.int64]:
        """What each bill comes to, (bills,)."""
        total: NDArray[np.int64] = (self.net_grosz + self.vat_grosz).sum(axis=1)
        return total


def price_lines(
    *,
    quantity: NDArray[np.int64],
    rate_e8: NDArray[np.int64],
    base_units: NDArray[np.int64],
    bill: NDArray[np.int64],
    vat_column: NDArray[np.int64],
    vat_percent: tuple[int, ...],
    bills: int,
) -> MassBills:
    """Price lines and sum them by bill.

    All arrays are (lines,) int64: `quantity` in base units (Wh, varh, W, months), `rate_e8` in 10^-8 zl per unit of
    `base_units` base units (`RateUnit.base_units`), `bill` 0 to `bills` - 1 in any order, `vat_column` a place in
    `vat_percent`. Raises LineOutOfRangeError beyond 64 bits, ValueError on wrong shapes or places.
    """
    _check_shapes((quantity, rate_e8, base_units, bill, vat_column), vat_percent)
    lines = BillLines(
        quantity=_read_only(quantity),
        rate_e8=_read_only(rate_e8),
        base_units=_read_only(base_units),
        bill=_read_only(bill),
        vat_column=_read_only(vat_column),
        line_net_grosz=np.empty(len(quantity), np.int64),
        net_grosz=np.zeros((bills, len(vat_percent)), np.int64),
    )
    refused = price_rows(lines)
    if refused >= 0:
        _refuse(lines, refused)
    return MassBills(
        line_net_grosz=lines.line_net_grosz, net_grosz=lines.net_grosz, vat_grosz=_vat(lines.net_grosz, vat_percent)
    )


def price_lines_reference(
    *,
    quantity: NDArray[np.int64],
    rate_e8: NDArray[np.int64],
    base_units: NDArray[np.int64],
    bill: NDArray[np.int64],
    vat_column: NDArray[np.int64],
    vat_percent: tuple[int, ...],
    bills: int,
) -> MassBills:
    """The same in NumPy, written for reading: where products fit, one division; elsewhere Python integers."""
    _check_shapes((quantity, rate_e8, base_units, bill, vat_column), vat_percent)
    divisor = base_units * 10 ** (RATE_DECIMALS - GROSZ_DECIMALS)
    wide = np.abs(quantity) > (LARGEST_PRODUCT - divisor) // np.maximum(np.abs(rate_e8), 1)
    product = np.where(wide, 0, quantity) * rate_e8
    line_net = np.sign(product) * ((np.abs(product) + divisor // 2) // divisor)
    for line in np.flatnonzero(wide):
        line_net[line] = divide_half_up(int(quantity[line]) * int(rate_e8[line]), int(divisor[line]))
    net = np.zeros((bills, len(vat_percent)), np.int64)
    np.add.at(net, (bill, vat_column), line_net)
    return MassBills(line_net_grosz=line_net, net_grosz=net, vat_grosz=_vat(net, vat_percent))


def _vat(net_grosz: NDArray[np.int64], vat_percent: tuple[int, ...]) -> NDArray[np.int64]:
    """VAT on the net sum of each bill and rate, half away from zero."""
    product = net_grosz * np.array(vat_percent, np.int64)
    rounded: NDArray[np.int64] = np.sign(product) * ((np.abs(product) + 50) // 100)
    return rounded


def _check_shapes(columns: tuple[NDArray[np.int64], ...], vat_percent: tuple[int, ...]) -> None:
    if any(column.dtype != np.int64 or column.ndim != 1 or len(column) != len(columns[0]) for column in columns):
        raise ValueError("bill lines are int64 columns of one length")
    if not vat_percent or not all(0 <= percent <= LARGEST_VAT_PERCENT for percent in vat_percent):
        raise ValueError("VAT rates are 0 to 100 per cent")


def _read_only(column: NDArray[np.int64]) -> NDArray[np.int64]:
    """A contiguous view that the kernel is compiled for once, whether the caller's array can be written or not."""
    view = np.ascontiguousarray(column).view()
    view.setflags(write=False)
    return view


def _refuse(lines: BillLines, line: int) -> None:
    bills, rates = lines.net_grosz.shape
    if not (0 <= lines.bill[line] < bills and 0 <= lines.vat_column[line] < rates):
        raise ValueError(f"line {line} names a bill or VAT rate that is not given")
    if not 1 <= lines.base_units[line] <= LARGEST_BASE_UNITS:
        raise ValueError(f"line {line}: a unit holds 1 to {LARGEST_BASE_UNITS} base units")
    raise LineOutOfRangeError(
        detail=f"line {line}: {lines.quantity[line]} base units at {lines.rate_e8[line]} x 10^-8 zl: whole units x rate"
        f" must stay below {LARGEST_PRODUCT}, rates below {LARGEST_RATE_E8}, a bill below {LARGEST_SUM_GROSZ} grosz"
    )
