from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ogniwo.core.kernel.quantities import (
    NotADecimalError,
    Rate,
    RateUnit,
    Share,
    amount_grosz,
    format_decimal,
    parse_decimal,
)


@pytest.mark.parametrize(
    ("text", "decimals", "value"),
    [("0,739", 3, 739), (".739", 3, 739), ("-1.5", 2, -150), ("12", 0, 12), ("1,2300", 2, 123), ("+7.", 1, 70)],
)
def test_decimal_text_is_read_exactly(text, decimals, value):
    assert parse_decimal(text, decimals=decimals) == value


@pytest.mark.parametrize("text", ["", ".", "٣", "1e3", "1 000,0", "abc", "1,2,3", "--1", "1.2345"])
def test_what_is_no_exact_decimal_is_refused(text):
    with pytest.raises(NotADecimalError):
        parse_decimal(text, decimals=3)


@given(st.integers(-(10**15), 10**15), st.integers(0, 8))
def test_decimal_text_round_trips(value, decimals):
    assert parse_decimal(format_decimal(value, decimals=decimals), decimals=decimals) == value


@pytest.mark.parametrize(
    ("quantity_wh", "rate", "grosz"),
    [(290_000, "0.3015", 8744), (290_000, "0.0102", 296), (290_000, "0.1648", 4779), (290_000, "0.0022", 64)],
)
def test_law_2_A_lines_are_rounded_before_vat(quantity_wh, rate, grosz):
    assert amount_grosz(quantity=quantity_wh, rate=Rate.parse(rate, RateUnit.KWH)) == grosz


@given(
    st.integers(-(10**12), 10**12),
    st.integers(0, 10**12),
    st.sampled_from(list(RateUnit)),
    st.integers(0, 366),
    st.integers(1, 366),
)
def test_amount_is_the_exact_product_rounded_once_half_away_from_zero(quantity, value_e8, unit, numerator, denominator):
    exact = Fraction(quantity * value_e8 * numerator, unit.base_units * 10**6 * denominator)
    rounded = amount_grosz(quantity=quantity, rate=Rate(value_e8, unit), share=Share(numerator, denominator))
    assert abs(rounded - exact) <= Fraction(1, 2)
    if abs(rounded - exact) == Fraction(1, 2):
        assert abs(rounded) > abs(exact)


def test_a_rate_prints_without_trailing_zeros():
    assert Rate.parse("0.2456", RateUnit.KWH).text() == "0.2456"
    assert Rate.parse("10", RateUnit.MONTH).text(",") == "10,00"


def test_a_share_needs_a_positive_denominator():
    with pytest.raises(ValueError, match="not a share"):
        Share(1, 0)
