"""Months of e-contracts: reckoned by the machine, once, from what is minted."""

from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ledger_deals import (
    ANNA,
    COOP,
    DAY_S,
    DAY_WH,
    FEBRUARY_1,
    JAN,
    JANUARY_20,
    charging,
    discount,
    instalments,
    rent,
    supply,
)

from ogniwo.core.ledger import transactions as tx
from ogniwo.core.ledger.canonical import INTEGER_LIMIT
from ogniwo.core.ledger.contract_amounts import (
    day_start,
    days_of,
    energy_amount,
    instalment_amount,
    month_number,
    month_of,
    period_end,
)
from ogniwo.core.ledger.machine import Machine
from ogniwo.core.ledger.outcomes import Code
from ogniwo.core.ledger.state import State


def test_supply_is_reckoned_from_minted_days_and_posted_once(deals):
    name = deals.agreed(supply(price=43_000))
    deals.mint()
    deals.coop.now = FEBRUARY_1
    assert deals.close(name).code == "accepted"
    period = deals.period(name)
    assert period.quantity == 12 * DAY_WH == 83_520
    assert period.amount == 3_591  # 83,520 Wh * 430.00 zł/MWh = 35.9136 zł
    assert (period.posted, period.shortfall, period.holds) == (3_591, 0, ())
    assert deals.balances(ANNA, JAN) == (-3_591, 3_591)
    assert deals.close(name).code == Code.PERIOD_CLOSED
    assert deals.balances(ANNA, JAN) == (-3_591, 3_591)


def test_days_before_the_contract_and_after_its_end_do_not_count(deals):
    name = deals.agreed(supply(price=1_000_000_000), valid_to=day_start(date(2027, 1, 23)))
    deals.mint(date(2027, 1, 18), date(2027, 1, 25))
    deals.coop.now = FEBRUARY_1
    assert deals.close(name).code == "accepted"
    assert deals.period(name).quantity == 3 * DAY_WH


def test_a_month_is_closed_when_it_is_over_and_all_its_days_are_minted(deals):
    name = deals.agreed()
    deals.mint(last=date(2027, 1, 30))
    deals.coop.now = FEBRUARY_1 - 1
    assert deals.close(name).code == Code.PERIOD_NOT_OVER
    deals.coop.now = FEBRUARY_1
    answer = deals.close(name)
    assert (answer.code, "2027-01-31" in answer.detail) == (Code.DAYS_MISSING, True)
    assert not deals.state.contract_periods
    deals.mint(date(2027, 1, 31))
    assert deals.close(name).code == "accepted"
    assert deals.close(name, "2026-12").code == Code.PERIOD_CLOSED  # before the contract


def test_who_may_close(deals):
    name = deals.agreed(rent())
    deals.coop.now = FEBRUARY_1
    assert deals.close(name, account=COOP).code == Code.NOT_PERMITTED
    deals.coop.ok(deals.coop.bind(COOP, "closer", ANNA))
    assert deals.close(name, account=COOP).code == "accepted"
    assert deals.close("ff" * 32).code == Code.UNKNOWN_CONTRACT


def test_an_unsigned_contract_has_no_months(deals):
    name = deals.propose(rent())
    deals.coop.now = FEBRUARY_1
    assert deals.close(name).code == Code.CONTRACT_STATE


def test_a_claim_that_does_not_pass_hands_needs_the_right_to_charge(deals):
    name = deals.agreed(rent(asset="DUE/2"))
    deals.coop.now = FEBRUARY_1
    assert deals.close(name).code == Code.NOT_PERMITTED
    assert not deals.state.contract_periods
    assert deals.close(name, account="op").code == "accepted"
    assert deals.balances(ANNA, JAN, asset="DUE/2") == (-1_500, 1_500)


def test_a_measured_figure_waits_and_stays_below_what_was_minted(deals):
    name = deals.agreed(rent(), discount(price=10_000))
    deals.mint()
    deals.coop.now = FEBRUARY_1
    assert deals.close(name).code == "accepted"
    assert (name, "1", "2027-01") not in deals.state.contract_periods
    assert deals.close(name, "2027-01", (1, 12 * DAY_WH + 1), account=JAN).code == Code.MEASURED_FIGURE
    assert deals.close(name, "2027-01", (1, 50_000)).code == Code.NOT_PERMITTED  # the taker cannot say it alone
    assert deals.close(name, "2027-01", (1, 50_000), account=JAN).code == "accepted"
    period = deals.period(name, 1)
    assert (period.amount, period.quantity, period.evidence) == (500, 50_000, "33" * 32)
    assert deals.close(name, "2027-01", (1, 50_000), account=JAN).code == Code.PERIOD_CLOSED
    assert deals.balances(ANNA, JAN) == (500 - 1_500, 1_500 - 500)


@pytest.mark.parametrize(
    ("measured", "code"),
    [
        (((0, 1),), Code.MEASURED_FIGURE),
        (((2, 1),), Code.MEASURED_FIGURE),
        (((1, 1), (1, 2)), Code.MEASURED_FIGURE),
        (((1, 5_001),), Code.MEASURED_FIGURE),
    ],
)
def test_figures_that_do_not_belong_are_refused(deals, measured, code):
    name = deals.agreed(rent(), charging(limit=5_000), three=True)
    deals.coop.now = FEBRUARY_1
    assert deals.close(name, "2027-01", *measured).code == code
    assert not deals.state.contract_periods
    assert deals.balances(ANNA, JAN, COOP) == (0, 0, 0)


def test_charging_up_to_the_limit(deals):
    name = deals.agreed(charging(limit=5_000), three=True)
    deals.coop.now = FEBRUARY_1
    assert deals.close(name, "2027-01", (0, 5_000)).code == "accepted"
    assert deals.balances(ANNA, COOP) == (-5_000, 5_000)


def test_instalments_run_out_and_the_last_carries_the_rest(deals):
    name = deals.agreed(instalments(total=1_000, count=3), three=True)
    amounts = []
    for number in range(4):
        period = month_of(month_number("2027-01") + number)
        deals.coop.now = period_end(period)
        if deals.close(name, period).code == "accepted":
            amounts.append(deals.period(name, 0, period).amount)
    assert amounts == [333, 333, 334]
    assert deals.balances(ANNA, COOP) == (-1_000, 1_000)


def test_after_termination_only_the_days_until_then_count(deals):
    name = deals.agreed(rent(), supply(price=1_000_000_000))
    deals.coop.now = JANUARY_20 + 3 * DAY_S
    assert deals.terminate(name, ANNA, deals.coop.now, "anna", "jan") == "accepted"
    deals.mint(last=date(2027, 1, 22))
    deals.coop.now = FEBRUARY_1
    assert deals.close(name).code == "accepted"
    assert deals.period(name, 1).quantity == 3 * DAY_WH
    deals.coop.now = period_end("2027-02")
    assert deals.close(name, "2027-02").code == Code.PERIOD_CLOSED


def test_a_replaced_contract_is_closed_up_to_its_successor(deals):
    first = deals.agreed(supply(price=1_000_000_000))
    second = deals.agreed(supply(price=2_000_000_000), replaces=first, valid_from=day_start(date(2027, 1, 25)))
    deals.mint()
    deals.coop.now = FEBRUARY_1
    assert deals.close(first).code == "accepted"
    assert deals.close(second).code == "accepted"
    assert (deals.period(first).quantity, deals.period(second).quantity) == (5 * DAY_WH, 7 * DAY_WH)


def test_no_day_is_charged_under_a_contract_and_its_amendment(deals):
    first = deals.agreed(supply())
    deals.mint()
    deals.coop.now = FEBRUARY_1
    assert deals.close(first).code == "accepted"
    late = deals.propose(supply(), replaces=first, valid_from=day_start(date(2027, 1, 31)))
    assert deals.sign(late, ANNA) == "accepted"
    assert deals.sign(late, JAN) == Code.CONTRACT_STATE
    other = deals.propose(supply(), replaces=first, valid_from=FEBRUARY_1)
    assert [deals.sign(other, account) for account in (ANNA, JAN)] == ["accepted", "accepted"]


def test_a_month_closed_under_an_amendment_is_not_closed_again_when_it_is_withdrawn(deals):
    first = deals.agreed(rent(amount=1_000))
    deals.coop.now = FEBRUARY_1
    second = deals.agreed(charging(), replaces=first, valid_from=JANUARY_20, three=True)
    assert deals.close(second, "2027-01", (0, 2_000)).code == "accepted"
    assert deals.withdraw(second, ANNA) == "accepted"
    assert deals.close(first).code == Code.PERIOD_CLOSED
    assert deals.balances(ANNA) == (-2_000,)
    deals.coop.now = period_end("2027-02")
    assert deals.close(first, "2027-02").code == "accepted"


def test_rent_of_the_month_of_an_amendment_is_owed_once(deals):
    first = deals.agreed(rent(amount=1_000))
    second = deals.agreed(rent(amount=2_000), replaces=first, valid_from=day_start(date(2027, 1, 25)))
    deals.coop.now = FEBRUARY_1
    assert deals.close(second).code == Code.PERIOD_CLOSED
    assert deals.close(first).code == "accepted"
    assert deals.balances(ANNA) == (-1_000,)
    deals.coop.now = period_end("2027-02")
    assert deals.close(first, "2027-02").code == Code.PERIOD_CLOSED
    assert deals.close(second, "2027-02").code == "accepted"
    assert deals.balances(ANNA) == (-3_000,)


def test_an_amount_beyond_the_limit_is_refused_whole(deals):
    name = deals.agreed(rent(amount=1), rent(amount=INTEGER_LIMIT))
    deals.coop.now = FEBRUARY_1
    assert deals.close(name).code == Code.AMOUNT_OUT_OF_RANGE
    assert (deals.balances(ANNA, JAN), dict(deals.state.contract_periods)) == ((0, 0), {})
    huge = deals.agreed(supply(price=INTEGER_LIMIT))
    deals.mint()
    assert deals.close(huge).code == "accepted"
    assert deals.period(huge).amount == energy_amount(wh=12 * DAY_WH, price=INTEGER_LIMIT, price_scale=0)


def test_a_month_without_energy_is_closed_with_nothing(deals):
    name = deals.agreed(supply(price=0))
    deals.mint()
    deals.coop.now = FEBRUARY_1
    assert deals.close(name).code == "accepted"
    assert (deals.period(name).amount, deals.balances(ANNA)) == (0, (0,))
    assert deals.close(name).code == Code.PERIOD_CLOSED


def test_replay_and_restore_give_the_same_state(deals):
    name = deals.agreed(supply(), discount(), valid_to=FEBRUARY_1)
    deals.agreed(rent(asset="PLN/2"), replaces=name, valid_from=day_start(date(2027, 1, 28)))
    deals.mint()
    deals.coop.now = FEBRUARY_1
    assert deals.close(name, "2027-01", (1, 100), account=JAN).code == "accepted"
    follower = Machine()
    for block in deals.coop.blocks:
        follower.replay(block)
    assert follower.state.root() == deals.state.root()
    restored = State.restored(deals.state.entries())
    assert restored.root() == deals.state.root()
    assert dict(restored.contracts) == dict(deals.state.contracts)
    assert dict(restored.contract_periods) == dict(deals.state.contract_periods)


def test_a_payment_becomes_a_hold_that_the_taker_settles(deals):
    name = deals.agreed(supply(asset="PLN/2", price=43_000))
    deals.mint()
    deals.coop.now = FEBRUARY_1
    assert deals.close(name).code == "accepted"
    period = deals.period(name)
    (held,) = period.holds
    hold = deals.state.holds[held]
    assert (hold.giver, hold.taker, hold.amount, hold.cause) == (ANNA, JAN, 3_591, name)
    assert (period.posted, period.shortfall) == (3_591, 0)
    assert deals.balances(ANNA, JAN, asset="PLN/2") == (100_000, 0)
    deals.coop.ok(deals.coop.settle(held, 3_591), "jan")
    assert deals.balances(ANNA, JAN, asset="PLN/2") == (96_409, 3_591)
    assert deals.close(name).code == Code.PERIOD_CLOSED
    assert deals.balances(ANNA, JAN, asset="PLN/2") == (96_409, 3_591)


def test_too_little_balance_is_a_shortfall_that_a_later_closing_makes_up(deals):
    name = deals.agreed(rent(asset="PLN/2", amount=120_000))
    deals.coop.now = FEBRUARY_1
    assert deals.close(name).code == "accepted"
    first = deals.period(name)
    assert (first.amount, first.posted, first.shortfall) == (120_000, 100_000, 20_000)
    assert deals.close(name).code == Code.PERIOD_CLOSED  # still nothing to cover it with
    deals.coop.ok(deals.coop.post(("op/issuer", "PLN/2", -50_000), (ANNA, "PLN/2", 50_000)))
    assert deals.close(name, account=JAN).code == "accepted"
    second = deals.period(name)
    assert (second.amount, second.posted, second.shortfall) == (120_000, 120_000, 0)
    assert [deals.state.holds[held].amount for held in second.holds] == [100_000, 20_000]
    assert deals.close(name).code == Code.PERIOD_CLOSED


def test_without_any_balance_the_whole_amount_is_a_shortfall(deals):
    name = deals.agreed(discount(asset="PLN/2"))
    deals.mint()
    deals.coop.now = FEBRUARY_1
    assert deals.close(name, "2027-01", (0, 50_000), account=JAN).code == "accepted"
    period = deals.period(name)
    assert (period.amount, period.posted, period.shortfall, period.holds) == (500, 0, 500, ())


def test_two_obligations_of_one_closing_share_the_balance(deals):
    name = deals.agreed(rent(asset="PLN/2", amount=70_000), rent(asset="PLN/2", amount=70_000))
    deals.coop.now = FEBRUARY_1
    assert deals.close(name).code == "accepted"
    assert [deals.period(name, index).shortfall for index in (0, 1)] == [0, 40_000]
    assert len({*deals.period(name, 0).holds, *deals.period(name, 1).holds}) == 2


def test_a_frozen_payer_leaves_the_month_open(deals):
    name = deals.agreed(rent(asset="PLN/2"))
    deals.coop.now = FEBRUARY_1
    freeze = tx.SetFrozen(**deals.coop.frame(), frozen=True, path=ANNA)
    deals.coop.ok(freeze)
    assert deals.close(name, account=JAN).code == Code.ACCOUNT_FROZEN
    assert not deals.state.contract_periods


def test_payments_switched_off_leave_the_month_open(deals):
    name = deals.agreed(rent(asset="PLN/2"))
    deals.coop.ok(deals.coop.switch(active=False))
    deals.coop.now = FEBRUARY_1
    assert deals.close(name).code == Code.PAYMENTS_OFF
    assert not deals.state.contract_periods
    deals.coop.ok(deals.coop.switch())
    assert deals.close(name).code == "accepted"


@given(st.integers(0, INTEGER_LIMIT), st.integers(0, INTEGER_LIMIT), st.integers(0, 6))
def test_energy_amounts_are_the_nearest_unit(wh, price, price_scale):
    exact = Fraction(wh * price, 10 ** (6 + price_scale))
    amount = energy_amount(wh=wh, price=price, price_scale=price_scale)
    assert abs(amount - exact) <= Fraction(1, 2)
    if exact - amount == Fraction(1, 2):
        pytest.fail("half a unit is rounded up")


@given(st.integers(0, INTEGER_LIMIT), st.integers(1, 1_200))
def test_instalments_sum_to_the_total(total, count):
    amounts = [instalment_amount(total=total, count=count, number=number) for number in range(1, count + 1)]
    assert sum(amounts) == total
    assert len(set(amounts[:-1])) <= 1
    assert 0 <= amounts[-1] - amounts[0] < count


def test_an_instalment_outside_the_count_is_a_fault():
    with pytest.raises(ValueError, match="instalment 4 of 3"):
        instalment_amount(total=1, count=3, number=4)


def test_days_by_winter_and_summer_midnight_are_the_same():
    july = day_start(date(2027, 7, 1))
    for shift in (0, -3_600):
        assert days_of("2027-07", valid_from=july + shift, ends=0)[0] == "2027-07-01"
        assert days_of("2027-06", valid_from=july + shift, ends=0) == ()
        assert days_of("2027-06", valid_from=0, ends=july + shift)[-1] == "2027-06-30"
        assert days_of("2027-07", valid_from=0, ends=july + shift) == ()
    assert len(days_of("2028-02", valid_from=0, ends=0)) == 29
    assert period_end("2027-12") == day_start(date(2028, 1, 1))
