"""The check of reasons notices what it is there for, and reasons come in the language that is asked for."""

from dataclasses import replace
from datetime import date

import pytest

from ogniwo.core.settlement.internal import InternalPrices, settle_internally
from ogniwo.core.tariffs.model import PointTerms
from ogniwo.core.tariffs.rating import Charge, rate_point
from ogniwo.core.tariffs.usage import RegisterUsage


@pytest.fixture
def line(book, reasons_in_both_languages):
    rating = rate_point(
        book=book,
        terms=PointTerms(operator="enea", group="G11"),
        first=date(2026, 1, 1),
        last_exclusive=date(2026, 3, 1),
        usage=RegisterUsage(energy_wh=(("all", 590_000),)),
        charges={Charge.QUALITY},
    )
    assert reasons_in_both_languages.made == len(rating.lines) == 2
    return rating.lines[0]


def test_reasons_come_in_the_language_asked_for(line):
    assert "Stawka zmienia się w okresie" in " ".join(line.reasons("pl"))
    assert "The rate changes in the period: 1–31 January 2026 0.0331 zł/kWh, from 1 February 2026" in " ".join(
        line.reasons("en")
    )
    assert replace(line, why_en=()).reasons("en") == line.why, "lines stored without English keep their Polish"


def test_the_check_notices_a_missing_a_foreign_and_a_wrong_sentence(line, check_reasons):
    check_reasons(line)
    for english in (line.why_en[1:], line.why, (line.why_en[0].replace("31", "30"), *line.why_en[1:])):
        with pytest.raises(AssertionError):
            check_reasons(replace(line, why_en=english))


def test_the_energy_of_a_community_says_why_in_both_languages(book, check_reasons):
    rows = [book.rates.on("enea/G11/network.variable/all", date(2026, 3, 1))]
    settled = settle_internally(
        community_in_wh={"a": 7_001, "b": 5_000},
        community_out_wh={"c": 12_000, "d": 1},
        prices=InternalPrices(price=rows[0], fee=rows[0], vat_rate_percent=23, credit_vat_rate_percent=0),
        first=date(2026, 3, 1),
        last_exclusive=date(2026, 4, 1),
    )
    made = [one for group in (settled.lines, settled.credits) for lines in group.values() for one in lines]
    assert len(made) == 6
    for one in made:
        check_reasons(one)
