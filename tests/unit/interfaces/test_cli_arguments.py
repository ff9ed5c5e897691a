from datetime import UTC, date, datetime, timedelta, timezone

import click
import pytest

from ogniwo.core.kernel.calendar import Month
from ogniwo.core.kernel.quantities import Rate, RateUnit
from ogniwo.interfaces.cli.arguments import INSTANT, MONTH, PRICE
from ogniwo.interfaces.cli.texts import day_or_none, instant, kwh, money, period, signed, zl


def test_months_instants_and_prices_are_read_exactly():
    assert MONTH.convert("2026-10", None, None) == Month(2026, 10)
    assert MONTH.convert(Month(2026, 10), None, None) == Month(2026, 10)
    assert INSTANT.convert("2026-11-05T13:00:00+01:00", None, None) == datetime(2026, 11, 5, 12, tzinfo=UTC)
    assert INSTANT.convert("2026-11-05T12:00:00Z", None, None).tzinfo is UTC
    assert PRICE.convert("430,05", None, None) == Rate(43_005_000_000, RateUnit.MWH)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (MONTH, "2026-13"),
        (MONTH, "2026-1"),
        (MONTH, "0026-10"),
        (MONTH, "October"),
        (MONTH, "2026-10-01"),
        (INSTANT, "2026-11-05T12:00:00"),
        (INSTANT, "2026-11-05"),
        (INSTANT, "yesterday"),
        (PRICE, "4e2"),
        (PRICE, "0.000000001"),
        (PRICE, ""),
    ],
)
def test_what_is_none_is_wrong_use(kind, text):
    with pytest.raises(click.UsageError):
        kind.convert(text, None, None)


def test_texts_for_people_and_machines():
    assert zl(153_800) == "1\u00a0538,00"
    assert zl(-5) == "-0,05"
    assert kwh(14_800_000) == "14\u00a0800,000"
    assert kwh(-1) == "-0,001"
    assert money(-5) == {"amount": "-0.05", "asset": "PLN"}
    assert [signed(zl(value), value=value) for value in (1, 0, -1)] == ["+0,01", "0,00", "-0,01"]
    moment = datetime(2026, 11, 5, 13, tzinfo=timezone(timedelta(hours=1)))
    assert instant(moment) == "2026-11-05T12:00:00Z"
    assert period(date(2026, 1, 1), None) == "from 2026-01-01"
    assert period(date(2026, 1, 1), date(2026, 5, 1)) == "from 2026-01-01 to 2026-05-01"
    assert [day_or_none(day) for day in (None, date(2026, 1, 1), moment)] == [
        None,
        "2026-01-01",
        "2026-11-05T12:00:00Z",
    ]
