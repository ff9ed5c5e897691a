"""Mass bill lines against Decimal, against the rule for one line, and at the edges of 64 bits."""

from decimal import ROUND_HALF_UP, Decimal, localcontext

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ogniwo.core.billing.mass_lines import LineOutOfRangeError, MassBills, price_lines, price_lines_reference
from ogniwo.core.billing.model import vat_on
from ogniwo.core.kernel.quantities import Rate, RateUnit, amount_grosz

UNITS = {1: RateUnit.MONTH, 1_000: RateUnit.KWH, 1_000_000: RateUnit.MWH}


def columns(rows: list[tuple[int, int, int, int, int]], *, vat_percent=(23, 8), bills=5) -> dict:
    names = ("quantity", "rate_e8", "base_units", "bill", "vat_column")
    table = np.array(rows, np.int64).reshape(-1, 5)
    return {name: table[:, index] for index, name in enumerate(names)} | {"vat_percent": vat_percent, "bills": bills}


def assert_same(first: MassBills, second: MassBills) -> None:
    np.testing.assert_array_equal(first.line_net_grosz, second.line_net_grosz)
    np.testing.assert_array_equal(first.net_grosz, second.net_grosz)
    np.testing.assert_array_equal(first.vat_grosz, second.vat_grosz)


def decimal_grosz(quantity: int, rate_e8: int, base_units: int) -> int:
    with localcontext() as context:
        context.prec = 60
        zloty = Decimal(quantity) / base_units * (Decimal(rate_e8) / 10**8)
        return int(zloty.quantize(Decimal("0.01"), ROUND_HALF_UP) * 100)


line = st.tuples(
    st.one_of(st.integers(-(2**34), 2**34), st.integers(-5_000, 5_000)),
    st.one_of(st.integers(-(2**26), 2**26), st.integers(0, 2**43)),
    st.sampled_from(sorted(UNITS)),
    st.integers(0, 4),
    st.integers(0, 1),
).filter(lambda row: (abs(row[0]) // row[2] + 1) * abs(row[1]) <= 2**62)


@settings(max_examples=150, deadline=None)
@given(st.lists(line, min_size=1, max_size=12))
def test_lines_sums_and_vat_equal_decimal_and_the_rule_of_one_line(rows) -> None:
    given_columns = columns(rows)
    bills = price_lines(**given_columns)
    assert_same(bills, price_lines_reference(**given_columns))
    net = [[0, 0] for _ in range(5)]
    for (quantity, rate_e8, base_units, bill, column), grosz in zip(rows, bills.line_net_grosz.tolist(), strict=True):
        assert grosz == decimal_grosz(quantity, rate_e8, base_units)
        assert grosz == amount_grosz(quantity=quantity, rate=Rate(rate_e8, UNITS[base_units]))
        net[bill][column] += grosz
    vat = [[vat_on(net_grosz=row[0], rate_percent=23), vat_on(net_grosz=row[1], rate_percent=8)] for row in net]
    assert bills.net_grosz.tolist() == net
    assert bills.vat_grosz.tolist() == vat
    assert bills.gross_grosz.tolist() == [sum(row) + sum(tax) for row, tax in zip(net, vat, strict=True)]


@pytest.mark.parametrize(("quantity", "grosz"), [(1, 1), (-1, -1), (3, 2), (-3, -2), (0, 0)])
@pytest.mark.parametrize("large", [0, 2**31 * 1_000], ids=["small", "split"])
def test_halves_go_away_from_zero(quantity: int, grosz: int, large: int) -> None:
    rate_e8 = 500_000 * 1_000  # half a grosz for one Wh at a price per kWh
    more = large if quantity >= 0 else -large
    bills = price_lines(**columns([(quantity + more, rate_e8, 1_000, 0, 0)]))
    assert bills.line_net_grosz.tolist() == [grosz + more // 2]


def test_law_2_A_the_invoice_of_290_kwh() -> None:
    rates = [30_150_000, 1_020_000, 16_480_000, 220_000, 0]
    bills = price_lines(**columns([(290_000, rate, 1_000, 0, 0) for rate in rates], bills=1))
    assert bills.line_net_grosz.tolist() == [8_744, 296, 4_779, 64, 0]
    assert bills.net_grosz[0].tolist() == [13_883, 0]
    assert bills.gross_grosz.tolist() == [17_076]


def test_law_2_C_the_month_of_an_enea_c21_point() -> None:
    rows = [
        (60_000, 2_484_000_000, 1_000, 0, 0),
        (10_000_000, 15_380_000, 1_000, 0, 0),
        (10_000_000, 3_320_000, 1_000, 0, 0),
        (1, 1_000_000_000, 1, 0, 0),
        (10_000_000, 730_000_000, 1_000_000, 0, 0),
        (10_000_000, 300_000_000, 1_000_000, 0, 0),
    ]
    bills = price_lines(**columns(rows, bills=1))
    assert bills.line_net_grosz.tolist() == [149_040, 153_800, 33_200, 1_000, 7_300, 3_000]
    assert bills.net_grosz[0, 0] == 347_340
    assert bills.gross_grosz.tolist() == [427_228]


def test_a_large_plant_at_a_price_per_mwh_does_not_overflow() -> None:
    quantity, rate_e8 = 9_876_543_210_987, 61_234_567_891  # 9.9 TWh at 612 zl/MWh: the product needs 80 bits
    bills = price_lines(**columns([(quantity, rate_e8, 1_000_000, 0, 0)]))
    assert bills.line_net_grosz.tolist() == [decimal_grosz(quantity, rate_e8, 1_000_000)]


@pytest.mark.parametrize(
    "row",
    [(2**62, 10**8, 1_000, 0, 0), (-(2**63), 1, 1, 0, 0), (1, 2**43 + 1, 1, 0, 0), (1, -(2**63), 1, 0, 0)],
)
def test_what_leaves_64_bits_is_refused_with_its_line(row) -> None:
    with pytest.raises(LineOutOfRangeError, match="line 1:"):
        price_lines(**columns([(1, 1, 1, 0, 0), row]))


def test_a_sum_that_leaves_its_bound_is_refused() -> None:
    largest = (2**19, 2**43, 1, 0, 0)
    count = 2**53 // (2**62 // 10**6) + 2
    with pytest.raises(LineOutOfRangeError):
        price_lines(**columns([largest] * count))


@pytest.mark.parametrize(
    "row", [(1, 1, 1, 5, 0), (1, 1, 1, -1, 0), (1, 1, 1, 0, 2), (1, 1, 0, 0, 0), (1, 1, 10**6 + 1, 0, 0)]
)
def test_wrong_places_are_refused(row) -> None:
    with pytest.raises(ValueError, match="line 0"):
        price_lines(**columns([row]))


def test_wrong_columns_are_refused() -> None:
    right = columns([(1, 1, 1, 0, 0)])
    with pytest.raises(ValueError, match="int64"):
        price_lines(**(right | {"quantity": np.array([1.0])}))
    with pytest.raises(ValueError, match="per cent"):
        price_lines(**(right | {"vat_percent": (101,)}))


def test_no_lines_make_empty_bills() -> None:
    assert price_lines(**columns([])).gross_grosz.tolist() == [0] * 5
