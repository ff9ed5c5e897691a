"""Two-phase transfers: what is held, settled, freed and contested, and what a dishonest party tries with them."""

import pytest
from ledger_paying import ANNA, COOP, HOLD_S, ISSUER, JAN, name_of

from ogniwo.core.ledger.blocks import read_body
from ogniwo.core.ledger.outcomes import Code
from ogniwo.core.ledger.rulebook.holds import HOLD_S_MAX, HOLDS_MAX, available


def refusal(paying, payload, *names):
    """The code of a refusal that changed neither a balance nor a hold."""
    state = paying.machine.state
    before = dict(state.balances), dict(state.holds), dict(state.lots)
    outcome = paying.send(payload, *names)
    assert (dict(state.balances), dict(state.holds), dict(state.lots)) == before
    return outcome.code


def free(paying, account=ANNA, asset="PLN/2"):
    return available(paying.machine.state, account, asset, paying.now)


def test_a_hold_reserves_and_moves_nothing(paying):
    paying.held(30_000)
    assert (paying.balance(ANNA), paying.balance(JAN), free(paying)) == (100_000, 0, 70_000)
    assert refusal(paying, paying.pay(ANNA, JAN, 70_001), "anna") == Code.INSUFFICIENT_BALANCE
    paying.ok(paying.pay(ANNA, JAN, 70_000), "anna")
    assert free(paying) == 0


def test_a_hold_is_settled_in_parts_until_it_is_used_up(paying):
    name = paying.held(30_000)
    paying.ok(paying.settle(name, 10_000), "jan")
    paying.ok(paying.settle(name, 5_000, account=ANNA), "anna")
    assert (paying.balance(JAN), free(paying)) == (15_000, 70_000)
    assert refusal(paying, paying.settle(name, 15_001), "jan") == Code.ABOVE_HOLD
    paying.ok(paying.settle(name, 15_000), "jan")
    assert (paying.balance(ANNA), paying.balance(JAN)) == (70_000, 30_000)
    assert refusal(paying, paying.settle(name, 1), "jan") == Code.UNKNOWN_HOLD


def test_a_final_part_frees_the_rest_and_is_the_last(paying):
    name = paying.held(30_000)
    paying.ok(paying.settle(name, 1, final=True), "jan")
    assert (paying.balance(JAN), free(paying)) == (1, 99_999)
    assert refusal(paying, paying.settle(name, 1), "jan") == Code.UNKNOWN_HOLD
    assert refusal(paying, paying.void(name), "jan") == Code.UNKNOWN_HOLD


def test_settling_twice_in_one_block_counts_once(paying):
    name = paying.held(30_000)
    twice = [paying.signed(paying.settle(name, 30_000), "jan") for _ in range(2)]
    assert [outcome.code for outcome in paying.execute(*twice)] == ["accepted", Code.UNKNOWN_HOLD]
    assert paying.balance(JAN) == 30_000


def test_the_taker_frees_it_and_the_giver_only_after_it_expired(paying):
    name = paying.held(30_000)
    assert refusal(paying, paying.void(name, account=ANNA), "anna") == Code.HOLD_NOT_EXPIRED
    assert refusal(paying, paying.void(name, account=COOP), "coop") == Code.NOT_AUTHORISED
    paying.ok(paying.void(name), "jan")
    assert free(paying) == 100_000
    assert refusal(paying, paying.settle(name, 1), "jan") == Code.UNKNOWN_HOLD
    other = paying.held(30_000)
    paying.now += HOLD_S
    paying.ok(paying.void(other, account=ANNA), "anna")
    assert not paying.machine.state.holds


def test_an_expired_hold_reserves_nothing_and_is_forgotten_with_the_next(paying):
    name = paying.held(100_000)
    paying.now += HOLD_S - 1
    assert free(paying) == 0
    paying.now += 1
    assert free(paying) == 100_000
    assert refusal(paying, paying.settle(name, 1), "jan") == Code.HOLD_EXPIRED
    assert refusal(paying, paying.dispute(name), "anna") == Code.HOLD_EXPIRED
    paying.held(60_000)
    assert name not in paying.machine.state.holds


def test_nobody_spends_twice_with_a_hold_and_a_transfer(paying):
    hold = paying.signed(paying.hold(60_000), "anna")
    spend = paying.signed(paying.pay(ANNA, JAN, 60_000), "anna")
    assert [outcome.code for outcome in paying.execute(hold, spend)] == ["accepted", Code.INSUFFICIENT_BALANCE]
    again = paying.signed(paying.hold(60_000), "anna")
    assert paying.execute(again)[0].code == Code.INSUFFICIENT_BALANCE


def test_who_may_hold_and_what(paying):
    assert refusal(paying, paying.hold(1, account=JAN), "jan") == Code.NOT_AUTHORISED
    assert refusal(paying, paying.hold(1, giver=JAN, account=ANNA, taker=COOP), "anna") == Code.NOT_AUTHORISED
    assert refusal(paying, paying.hold(1, taker=ANNA), "anna") == Code.DUPLICATE_POSTING
    assert refusal(paying, paying.hold(1, asset="DUE/2"), "anna") == Code.HOLD_ASSET
    assert refusal(paying, paying.hold(1, asset="KWH-IN/3"), "anna") == Code.METERING_IMMOVABLE
    assert refusal(paying, paying.hold(1, asset="EUR/2"), "anna") == Code.UNKNOWN_ASSET
    assert refusal(paying, paying.hold(1, taker="op/coop/nobody"), "anna") == Code.UNKNOWN_ACCOUNT
    assert refusal(paying, paying.hold(100_001), "anna") == Code.INSUFFICIENT_BALANCE
    assert refusal(paying, paying.hold(2**53 - 1), "anna") == Code.INSUFFICIENT_BALANCE
    assert refusal(paying, paying.hold(1, lasts=0), "anna") == Code.HOLD_UNTIL
    assert refusal(paying, paying.hold(1, lasts=HOLD_S_MAX + 1), "anna") == Code.HOLD_UNTIL
    paying.ok(paying.hold(1, lasts=HOLD_S_MAX), "anna")
    paying.ok(paying.hold(1, account=JAN), "jan", "anna")


def test_a_stranger_settles_nothing(paying):
    name = paying.held(30_000)
    assert refusal(paying, paying.settle(name, 1, account=COOP), "coop") == Code.NOT_AUTHORISED
    assert refusal(paying, paying.settle(name, 1, account="op"), "op") == Code.NOT_AUTHORISED
    assert refusal(paying, paying.settle("0" * 64, 1), "jan") == Code.UNKNOWN_HOLD


def test_open_holds_are_bounded(paying):
    paying.execute(*(paying.signed(paying.hold(1), "anna") for _ in range(HOLDS_MAX)))
    assert refusal(paying, paying.hold(1), "anna") == Code.HOLD_LIMIT
    paying.now += HOLD_S
    paying.held(1)
    assert len(paying.machine.state.holds) == 1


def test_a_dispute_blocks_until_a_third_party_decides(paying):
    name = paying.held(30_000)
    assert refusal(paying, paying.resolve(name, 1), "arbiter") == Code.NOT_DISPUTED
    assert refusal(paying, paying.dispute(name, account=JAN), "jan") == Code.NOT_AUTHORISED
    paying.ok(paying.dispute(name), "anna")
    assert refusal(paying, paying.dispute(name), "anna") == Code.DISPUTED
    assert refusal(paying, paying.settle(name, 1), "jan") == Code.DISPUTED
    paying.now += HOLD_S
    assert free(paying) == 70_000  # a dispute does not run out
    assert refusal(paying, paying.void(name, account=ANNA), "anna") == Code.HOLD_NOT_EXPIRED
    assert refusal(paying, paying.resolve(name, 1, account=COOP), "coop") == Code.NOT_PERMITTED
    assert refusal(paying, paying.resolve(name, 30_001), "arbiter") == Code.ABOVE_HOLD
    assert refusal(paying, paying.resolve(name, 0), "arbiter") == Code.ZERO_AMOUNT
    assert refusal(paying, paying.resolve(name, 1, verdict="void"), "arbiter") == Code.ZERO_AMOUNT
    paying.ok(paying.resolve(name, 12_000), "arbiter")
    assert (paying.balance(JAN), free(paying)) == (12_000, 88_000)
    assert refusal(paying, paying.resolve(name, 1), "arbiter") == Code.UNKNOWN_HOLD


def test_a_dispute_may_end_with_nothing_and_the_taker_may_give_in(paying):
    name = paying.held(30_000)
    paying.ok(paying.dispute(name), "anna")
    paying.ok(paying.resolve(name, 0, verdict="void"), "arbiter")
    assert (paying.balance(ANNA), free(paying)) == (100_000, 100_000)
    other = paying.held(30_000)
    paying.ok(paying.dispute(other), "anna")
    paying.ok(paying.void(other), "jan")
    assert free(paying) == 100_000


def test_nobody_decides_his_own_case(paying):
    paying.ok(paying.bind(JAN, "arbiter", "op"))
    paying.ok(paying.bind(ANNA, "arbiter", "op"))
    name = paying.held(30_000)
    paying.ok(paying.dispute(name), "anna")
    for account, key in ((JAN, "jan"), (ANNA, "anna")):
        assert refusal(paying, paying.resolve(name, 30_000, account=account), key) == Code.OWN_CASE
    redemption = paying.held(10_000, taker=ISSUER)
    paying.ok(paying.dispute(redemption), "anna")
    assert refusal(paying, paying.resolve(redemption, 10_000, account="op"), "op") == Code.OWN_CASE
    paying.ok(paying.resolve(redemption, 10_000), "arbiter")
    assert paying.balance(ISSUER) == -90_000


def test_a_redemption_is_settled_by_the_issuer_with_the_bank_transfer(paying):
    name = paying.held(40_000, taker=ISSUER)
    assert refusal(paying, paying.settle(name, 40_000, account=ANNA), "anna") == Code.NOT_PERMITTED
    plain = paying.settle(name, 40_000, account="op")
    assert refusal(paying, plain, "op") == Code.REDEMPTION_WITHOUT_REFERENCE
    paying.ok(paying.settle(name, 40_000, account="op", references=("b" * 64,)), "op")
    assert (paying.balance(ANNA), paying.balance(ISSUER)) == (60_000, -60_000)


def test_the_issuer_turns_a_redemption_down(paying):
    name = paying.held(40_000, taker=ISSUER)
    paying.ok(paying.void(name, account="op"), "op")
    assert free(paying) == 100_000


def test_a_taker_whose_balance_would_pass_the_limit_waits(paying):
    name = paying.held(30_000)
    paying.ok(paying.policy("PLN/2", balance_max=10_000))
    assert refusal(paying, paying.settle(name, 30_000), "jan") == Code.BALANCE_LIMIT
    paying.ok(paying.settle(name, 10_000), "jan")


@pytest.mark.parametrize("final", [True, False])
def test_what_a_settlement_moves_is_told_in_the_block(paying, final):
    name = paying.held(30_000)
    paying.ok(paying.settle(name, 500, final=final), "jan")
    (record,) = read_body(paying.blocks[-1].body)
    assert [(move.account, move.asset, move.amount) for move in record.moves] == [
        (ANNA, "PLN/2", -500),
        (JAN, "PLN/2", 500),
    ]


def test_the_name_of_a_hold_is_that_of_its_transaction(paying):
    payload = paying.hold(5)
    paying.ok(payload, "anna")
    assert list(paying.machine.state.holds) == [name_of(payload)]
