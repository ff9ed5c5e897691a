from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ogniwo.formats.meter_files.numbers import EnergyReader, RoundingTally, exact_of_cell


def test_text_is_read_by_the_marks_of_its_layout_only():
    assert EnergyReader("kwh", ",").read("1,234").wh == 1234
    assert EnergyReader("kwh", ",").read("1.234") is None
    assert EnergyReader("kwh", ".").read(".739").wh == 739
    assert EnergyReader("kwh", ",.").read("1.234,5") is None
    assert EnergyReader("kwh", ",.").read("1.2").wh == 1200


@pytest.mark.parametrize("cell", ["", "-", ",", "1e3", "abc", "1,2,3", "12 kWh", "nan", True, None, float("nan"), "٣"])
def test_what_is_no_number_gives_none(cell):
    assert EnergyReader("kwh", ",").read(cell) is None


def test_a_spreadsheet_number_is_taken_at_its_shortest_decimal_text():
    reader = EnergyReader("kwh", ",")
    assert reader.read(0.1).wh == 100
    assert reader.read(0.1).over == 0
    assert reader.read(5.2e-05).wh == 0
    assert reader.read(7).wh == 7000
    assert reader.read(1e3).wh == 1_000_000
    noisy = reader.read(0.1 + 0.2)
    assert (noisy.wh, noisy.over != 0) == (300, True)


def test_units_of_energy_and_of_mean_power():
    assert EnergyReader("mwh", ".").read("0.0012345").wh == 1235
    assert EnergyReader("wh", ".").read("250").wh == 250
    assert EnergyReader("kvarh", ".").read("0.250").wh == 250
    assert EnergyReader("kw", ".", 900).read("3.512").wh == 878
    assert EnergyReader("kw", ".", 1800).read("3").wh == 1500


def test_a_number_no_interval_can_hold_is_none():
    assert EnergyReader("kwh", ".").read("2147483.647").wh == 2**31 - 1
    assert EnergyReader("kwh", ".").read("2147483.648") is None


@given(st.decimals(min_value=-(10**6), max_value=10**6, places=6, allow_nan=False))
def test_rounding_is_half_up_away_from_zero_as_decimal_does_it(value):
    text = f"{value:f}".replace(".", ",")
    expected = (value * 1000).quantize(Decimal(1), ROUND_HALF_UP)
    got = EnergyReader("kwh", ",").read(text)
    assert got.wh == int(expected)
    assert Decimal(got.over) / Decimal(got.scale) == expected - value * 1000


@given(st.lists(st.decimals(min_value=0, max_value=9, places=5, allow_nan=False), max_size=40))
def test_the_tally_counts_what_rounding_did_exactly(values):
    reader, tally = EnergyReader("kwh", "."), RoundingTally()
    changed, difference = 0, Decimal(0)
    for value in values:
        tally.add(reader.read(f"{value:f}"))
        rounded = (value * 1000).quantize(Decimal(1), ROUND_HALF_UP)
        changed += rounded != value * 1000
        difference += rounded - value * 1000
    assert tally.count == changed
    assert Decimal(tally.difference_wh) == difference


def test_exact_values_keep_every_digit():
    exact = exact_of_cell("0,123456789012345678901234567890", marks=",")
    assert (exact.mantissa, exact.places) == (123456789012345678901234567890, 30)
    small = exact_of_cell(Decimal("5E-7"), marks=".")
    assert (small.mantissa, small.places) == (5, 7)
