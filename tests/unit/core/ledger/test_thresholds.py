"""What a payment asset amounts to over a time, and where accounts pass amounts given in euros."""

from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ogniwo.core.kernel.calendar import local_instant
from ogniwo.core.ledger.thresholds import (
    Move,
    Operation,
    count,
    euros,
    first_day,
    in_and_out,
    largest,
    linked,
    most_linked,
    single,
    split,
)

FIRST, LAST = date(2026, 1, 1), date(2026, 12, 31)
RATE = 42_500
THOUSAND = euros(1_000, rate=RATE, decimals=2, over=False)
"""4250.00 zł."""


def at(day, hour=12):
    return int(local_instant(day, hour=hour, minute=0).timestamp())


def moved(day, name, operation, **changes):
    return [Move(at(day), name, operation, account, amount) for account, amount in changes.items()]


def counted(*groups):
    return count([move for group in groups for move in group], issuer="issuer", first=FIRST, last=LAST)


def operations(*rows):
    return [
        Operation(at(date(2026, 3, day), hour), str(index), amount, False)
        for index, (day, hour, amount) in enumerate(rows)
    ]


def test_amounts_of_a_year_with_something_before_it():
    found = counted(
        moved(date(2025, 12, 30), "a", "post", issuer=-1_000, anna=1_000),
        moved(date(2026, 12, 29), "b", "post", issuer=-500, jan=500),
        moved(date(2026, 12, 30), "c", "pay", anna=-700, jan=700),
        moved(date(2026, 12, 30), "d", "pay", jan=-100, issuer=100),
        moved(date(2026, 12, 31), "e", "settle", jan=-400, issuer=400),
    ).amounts
    assert (found.issued, found.paid, found.redeemed) == (500, 800, 400)
    assert (found.outstanding, found.highest, found.days) == (1_000, 1_500, 365)
    assert found.average == (362 * 1_000 + 1_500 + 1_400 + 1_000) // 365
    assert (found.holders, found.holders_ever) == (2, 2)
    assert found.accepting == 2, "jan, and the issuer; whoever the issuer gave to accepts nothing"
    assert (found.highest_balance, found.highest_balance_account) == (1_200, "jan")
    assert (found.highest_month, found.highest_month_account) == (700, "anna")


def test_days_begin_with_the_first_movement_and_nothing_is_a_year_of_nothing():
    found = counted(moved(date(2026, 12, 30), "a", "post", issuer=-900, anna=900)).amounts
    assert (found.days, found.average, found.highest) == (2, 900, 900)
    empty = counted().amounts
    assert (empty.days, empty.average, empty.outstanding, empty.holders_ever) == (0, 0, 0, 0)


@given(
    amount=st.integers(0, 2**53),
    limit=st.integers(1, 10**7),
    rate=st.integers(1, 10**6),
    decimals=st.integers(0, 9),
    over=st.booleans(),
)
def test_euros_are_compared_exactly(amount, limit, rate, decimals, over):
    bound = euros(limit, rate=rate, decimals=decimals, over=over)
    worth, law = Fraction(amount, 10**decimals), limit * Fraction(rate, 10_000)
    assert bound.passed(amount) == (worth > law if over else worth >= law)
    assert bound.percent(amount) == worth * 100 // law


@pytest.mark.parametrize(("limit", "rate"), [(0, 42_500), (1_000, 0), (1_000, -1)])
def test_no_bound_without_amount_and_rate(limit, rate):
    with pytest.raises(ValueError, match="no bound"):
        euros(limit, rate=rate, decimals=2, over=True)


def test_single_operations_at_and_over_a_bound():
    rows = operations((1, 12, -425_000), (2, 12, -424_999), (3, 12, 900_000))
    found = single("anna", rows, THOUSAND)
    assert (found.count, found.total, found.transaction) == (1, 425_000, "0"), "what another gave counts with the giver"
    assert single("anna", rows, euros(1_000, rate=RATE, decimals=2, over=True)) is None
    from_issuer = [rows[2]._replace(issuer=True)]
    assert single("anna", from_issuer, THOUSAND).largest == 900_000


def test_linked_operations_pass_together_within_the_days_and_directions_apart():
    rows = operations((1, 12, -200_000), (8, 11, -225_000))
    found = linked("anna", rows, THOUSAND, days=7)
    assert (found.count, found.total, found.time_s) == (2, 425_000, rows[0].time_s)
    assert (most_linked(rows, days=7), most_linked(rows, days=6), largest(rows)) == (425_000, 225_000, 225_000)
    assert linked("anna", operations((1, 12, -200_000), (8, 12, -225_000)), THOUSAND, days=7) is None
    both = [rows[0], rows[1]._replace(amount=225_000, issuer=True)]
    assert linked("anna", both, THOUSAND, days=7) is None


def test_splitting_is_two_just_below_that_pass_together():
    near = operations((1, 12, -340_000), (2, 12, -424_999))
    assert split("anna", near, THOUSAND, days=7, percent=80).count == 2
    assert split("anna", operations((1, 12, -339_999), (2, 12, -424_999)), THOUSAND, days=7, percent=80) is None
    assert split("anna", operations((1, 12, -425_000), (2, 12, -425_000)), THOUSAND, days=7, percent=80) is None
    assert split("anna", near[1:], THOUSAND, days=7, percent=80) is None


def test_in_and_out_within_a_day_over_midnight():
    rows = operations((1, 20, 300_000), (1, 22, 200_000), (2, 9, -450_000))
    found = in_and_out("anna", rows, THOUSAND, percent=90)
    assert (found.count, found.total) == (2, 500_000)
    assert in_and_out("anna", [*rows[:2], rows[2]._replace(amount=-449_999)], THOUSAND, percent=90) is None
    late = operations((1, 8, 500_000), (2, 8, -500_000))
    assert in_and_out("anna", late, THOUSAND, percent=90) is None


def test_the_first_day_of_an_account():
    rows = operations((1, 12, 300_000), (2, 11, 125_000), (2, 12, 425_000))
    assert first_day("anna", rows, THOUSAND, opened_s=rows[0].time_s).total == 425_000
    assert first_day("anna", rows, THOUSAND, opened_s=rows[0].time_s - 86_400) is None
