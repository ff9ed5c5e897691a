"""The packaged rate book, short ways to rate a point, and what must hold of the reasons of every line."""

import re
from dataclasses import dataclass
from datetime import date

import numpy as np
import pytest

from ogniwo.core.kernel.calendar import HOUR_S, grid_of_days
from ogniwo.core.tariffs import lines
from ogniwo.core.tariffs.lines import RatedPoint
from ogniwo.core.tariffs.model import PointTerms
from ogniwo.core.tariffs.usage import RegisterUsage, Usage
from ogniwo.services.tariffs.queries import load_rate_book

POLISH = re.compile(r"[ąćęłńóśźżĄĆĘŁŃÓŚŹŻ]")
SOURCES = re.compile(r"source: .*; checked|by: .*\.$|Suspended from [^:]*: .*")
MONTHS = (
    ("stycznia", "January"), ("lutego", "February"), ("marca", "March"), ("kwietnia", "April"), ("maja", "May"),
    ("czerwca", "June"), ("lipca", "July"), ("sierpnia", "August"), ("września", "September"),
    ("października", "October"), ("listopada", "November"), ("grudnia", "December"),
)  # fmt: skip


@dataclass
class Checker:
    """Stands in for ChargeLine: checks each line that is made, and counts them."""

    kind: type
    made: int = 0

    def __call__(self, **values):
        line = self.kind(**values)
        check(line)
        self.made += 1
        return line


def numbers(sentence):
    """Every number of a sentence, with a dot for its mark."""
    return sorted(re.findall(r"\d+(?:\.\d+)*", sentence.replace("\u00a0", "").replace(",", ".")))


def check(line):
    """Refuse a line whose reasons are not the same in both languages."""
    assert len(line.why) == len(line.why_en) > 0, line.charge
    for polish, english in zip(line.why, line.why_en, strict=True):
        assert numbers(polish) == numbers(english), (polish, english)
        own = SOURCES.sub("", english).replace("zł", "")
        assert not POLISH.search(own), english
        for pl, en in MONTHS:
            assert len(re.findall(rf"\b{pl}\b", polish)) <= len(re.findall(rf"\b{en}\b", english)) + english.count(pl)
            assert pl not in own


@pytest.fixture(scope="session")
def book():
    return load_rate_book()


@pytest.fixture
def flat_profile():
    """A profile with the same energy in every slot of some days."""

    def make(first: date, last_exclusive: date, *, wh: int = 1_000, slot_s: int = HOUR_S, **more) -> Usage:
        grid = grid_of_days(first, last_exclusive, slot_s=slot_s)
        return Usage(grid=grid, energy_wh=np.full(grid.slots, wh, dtype=np.int64), **more)

    return make


@pytest.fixture
def past_point(book):
    """A point on days before its operator's tariff is known, for charges that need no group rates."""

    def make(first: date, last_exclusive: date, *, usage=None, group: str = "G11", **terms) -> RatedPoint:
        return RatedPoint(
            book=book,
            terms=PointTerms(operator="enea", group=group, **terms),
            group=book.group("enea", group, date(2026, 1, 1)),
            zone_clock=None,
            first=first,
            last_exclusive=last_exclusive,
            usage=usage or RegisterUsage(energy_wh=(("all", 0),)),
            vat_rate_percent=23,
        )

    return make


@pytest.fixture(autouse=True)
def reasons_in_both_languages(monkeypatch):
    """Every line that any test of the charges makes has its reasons in Polish and English."""
    checker = Checker(lines.ChargeLine)
    monkeypatch.setattr(lines, "ChargeLine", checker)
    return checker


@pytest.fixture
def check_reasons():
    """Refuses a line whose reasons are not the same in both languages."""
    return check
