from datetime import date

import pytest

from ogniwo.core.kernel.quantities import Rate, RateUnit
from ogniwo.formats.rate_book.ranges import parse_hours, parse_months
from ogniwo.formats.rate_book.reader import RateFileError, parse_rate_file

GOOD = """
defaults.valid_from = 2026-01-01
defaults.valid_to = 2027-01-01
defaults.checked_on = 2026-11-21
defaults.source = "a tariff"
defaults.confidence = "1"
rates = [
  { key = "a/b", value = "0,12345678", per = "kWh" },
  { key = "a/c", value = "7", per = "MW/month", valid_from = 2026-03-01, source = "a notice", confidence = "M" },
]
"""


def parse(text):
    return parse_rate_file(text.encode(), file_name="own.toml")


def test_rows_inherit_defaults_and_keep_their_own():
    first, second = parse(GOOD).rates
    assert first.rate == Rate(12_345_678, RateUnit.KWH)
    assert (first.valid_from, first.valid_to, first.source) == (date(2026, 1, 1), date(2027, 1, 1), "a tariff")
    assert (second.valid_from, second.valid_to, second.source) == (date(2026, 3, 1), None, "a notice")
    assert (second.confidence, second.checked_on) == ("M", date(2026, 11, 21))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("0,12345678", "0.123456789", "more than 8 decimal places"),
        ("0,12345678", "1e3", "not a decimal"),
        ('per = "kWh"', 'per = "GJ"', "GJ"),
        ('per = "kWh"', 'pro = "kWh"', "pro"),
        ("defaults.source", "# defaults.source", "needs valid_from and a source"),
        ("defaults.checked_on", "# defaults.checked_on", "needs checked_on and confidence"),
        ("2027-01-01", "2026-01-01", "is not after"),
        ("rates = [", "rates = ", "own.toml"),
        ("rates = [", "vat = [{ percent = 23.5 }]\nrates = [", "percent"),
        ("rates = [", 'clocks = [{ groups = ["G12"], rest = "x", ranges = [] }]\nrates = [', "names no operator"),
    ],
)
def test_wrong_files_refuse_with_the_place(old, new, message):
    assert old in GOOD
    with pytest.raises(RateFileError, match=message) as caught:
        parse(GOOD.replace(old, new))
    assert "own.toml" in caught.value.detail


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("7-22", tuple(range(7, 22))),
        ("22-6", (0, 1, 2, 3, 4, 5, 22, 23)),
        ("6-13,15-22", (*range(6, 13), *range(15, 22))),
        ("22-24", (22, 23)),
    ],
)
def test_hours_exclude_their_end(text, hours):
    assert parse_hours(text) == hours


@pytest.mark.parametrize(
    ("text", "months"), [("10-3", (1, 2, 3, 10, 11, 12)), ("1,2,11,12", (1, 2, 11, 12)), ("5", (5,))]
)
def test_months_include_their_end(text, months):
    assert parse_months(text) == months


@pytest.mark.parametrize("text", ["", "7", "7-7", "7-25", "a-b", "7-9;10-11"])
def test_wrong_hours_are_refused(text):
    with pytest.raises(ValueError, match=r"\w"):
        parse_hours(text)


@pytest.mark.parametrize("text", ["0-3", "13", "x"])
def test_wrong_months_are_refused(text):
    with pytest.raises(ValueError, match=r"\w"):
        parse_months(text)


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ("zero_resolution_kwh = '0'\ngroups = [{ name = 'K4', coefficient = '1' }]", "zero_resolution_kwh"),
        ("zero_resolution_kwh = '1'\ngroups = [{ name = 'K4', coefficient = '-1' }]", "no coefficient below"),
    ],
)
def test_capacity_coefficients_that_would_stop_a_pricing_are_refused(extra, message):
    with pytest.raises(RateFileError, match=message):
        parse(f"{GOOD}\n[[capacity.coefficients]]\n{extra}\n")


def test_reactive_factors_below_zero_are_refused():
    text = "[reactive]\nfactors = { LV = '-3' }\nlowest_tg_phi0 = '0.2'\n"
    with pytest.raises(RateFileError, match="no factor is below zero"):
        parse(f'operator = "a"\n{GOOD}\n{text}')
