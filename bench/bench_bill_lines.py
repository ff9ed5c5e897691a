"""Bill lines (W4): quantity x rate to grosz, net per bill, VAT on the sum of each bill.

The yardstick is a Python loop over Decimal, the way an invoice is reckoned by hand. Every line, sum and VAT amount of
the loop is compared with ours before anything is timed; the number of lines that differ is printed.
"""

import sys
import time
from decimal import ROUND_HALF_UP, Decimal

import numpy as np

from common import Row, cpu_seconds
from ogniwo.core.billing.mass_lines import MassBills, price_lines, price_lines_reference

LINES_OF_A_BILL = 15
BILLS = {"small": 10_000, "full": 100_000}
VAT_PERCENT = (23, 8)
TARGET = 50.0


def bill_columns(bills: int) -> dict:
    """Fifteen lines per bill at prices per kWh and MWh; one column of the bills is rich in exact halves of a grosz."""
    random = np.random.default_rng(20_261_003)
    shape = (bills, LINES_OF_A_BILL)
    energy_wh = random.lognormal(12, 1, (bills, 1)).astype(np.int64)
    quantity = np.maximum(energy_wh * random.integers(1, 100, shape) // 100, 1)
    rate_e8 = np.broadcast_to(random.integers(100, 9_000, LINES_OF_A_BILL) * 10_000, shape).copy()
    base_units = np.full(shape, 1_000)
    base_units[:, 10:] = 1_000_000
    rate_e8[:, 10:] *= 1_000
    quantity[:, 3], rate_e8[:, 3] = quantity[:, 3] // 10 * 10, 5_000_000  # 10 Wh at 0.05 zl/kWh is 0.05 grosz
    return {
        "quantity": quantity.reshape(-1),
        "rate_e8": rate_e8.reshape(-1),
        "base_units": base_units.reshape(-1),
        "bill": np.repeat(np.arange(bills), LINES_OF_A_BILL),
        "vat_column": np.tile(np.arange(LINES_OF_A_BILL) % 7 == 6, bills).astype(np.int64),
        "vat_percent": VAT_PERCENT,
        "bills": bills,
    }


def decimal_loop(quantities, rates, bills, columns, count: int) -> tuple[list, list, list]:
    """The same with Decimal: quantities in units of the rate and rates in zl, as an invoice prints them."""
    grosz = Decimal("0.01")
    nets = []
    sums = [[Decimal(0)] * len(VAT_PERCENT) for _ in range(count)]
    for quantity, rate, bill, column in zip(quantities, rates, bills, columns, strict=True):
        net = (quantity * rate).quantize(grosz, ROUND_HALF_UP)
        nets.append(net)
        sums[bill][column] += net
    shares = [Decimal(percent) / 100 for percent in VAT_PERCENT]
    vat = [
        [(net * share).quantize(grosz, ROUND_HALF_UP) for net, share in zip(row, shares, strict=True)] for row in sums
    ]
    return nets, sums, vat


def in_grosz(values: list) -> np.ndarray:
    """Exact grosz of Decimal amounts, in a list or a list of rows."""
    return np.array(
        [[int(value * 100) for value in row] if isinstance(row, list) else int(row * 100) for row in values]
    )


def lines_off(ours: MassBills, loop: tuple[list, list, list]) -> int:
    """How many lines, sums and VAT amounts differ from the Decimal loop."""
    pairs = zip((ours.line_net_grosz, ours.net_grosz, ours.vat_grosz), loop, strict=True)
    return sum(int((mine != in_grosz(theirs)).sum()) for mine, theirs in pairs)


def run(*, scale: str) -> list[Row]:
    """Rows for `scale` "small" (150,000 lines) or "full" (1.5 million lines)."""
    given = bill_columns(BILLS[scale])
    lines = len(given["quantity"])
    ours = price_lines(**given)
    reference = price_lines_reference(**given)
    assert np.array_equal(ours.line_net_grosz, reference.line_net_grosz)
    assert np.array_equal(ours.vat_grosz, reference.vat_grosz)

    # The loop gets its Decimals ready-made: only the reckoning is timed.
    quantities = [Decimal(q) / b for q, b in zip(given["quantity"].tolist(), given["base_units"].tolist(), strict=True)]
    rates = [Decimal(rate) / 10**8 for rate in given["rate_e8"].tolist()]
    places = given["bill"].tolist(), given["vat_column"].tolist()
    start = time.process_time()
    loop = decimal_loop(quantities, rates, *places, given["bills"])
    yardstick_s = time.process_time() - start
    off = lines_off(ours, loop)
    assert off == 0, f"{off} amounts differ from the Decimal loop"

    zloty = given["quantity"] / given["base_units"] * (given["rate_e8"] / 1e8)
    in_floats = np.round(np.round(zloty, 2) * 100).astype(np.int64)
    float_off = int((in_floats != ours.line_net_grosz).sum())
    kernel_s = cpu_seconds(lambda: price_lines(**given))
    numpy_s = cpu_seconds(lambda: price_lines_reference(**given))
    loop_text = f"Decimal loop {yardstick_s:.2f} s CPU"
    return [
        Row(
            name=f"bill lines, {lines:,} lines with sums and VAT",
            ours=f"{kernel_s * 1e3:.1f} ms CPU",
            yardstick=loop_text,
            ratio=yardstick_s / kernel_s,
            target=TARGET,
            note=f"0 of {lines:,} lines off; {kernel_s / lines * 1e9:.1f} ns per line",
        ),
        Row(
            name="bill lines, NumPy reference",
            ours=f"{numpy_s * 1e3:.1f} ms CPU",
            yardstick=loop_text,
            ratio=yardstick_s / numpy_s,
            target=0,
            note=f"floats and round(2) instead: {float_off:,} lines wrong",
        ),
    ]


if __name__ == "__main__":
    for row in run(scale=sys.argv[1] if len(sys.argv) > 1 else "small"):
        print(row)
