"""Points and credits: earned by a rule for metered energy, spent before they expire, for the listed reasons only."""

import pytest
from ledger_paying import ANNA, COOP, ISSUER, JAN

from ogniwo.core.ledger.blocks import read_body
from ogniwo.core.ledger.outcomes import Code
from ogniwo.core.ledger.rulebook.holds import available

DAY_S = 86_400


@pytest.fixture
def metered(paying):
    """A day of 96 quarter-hours with 25 to 120 Wh (6,960 Wh) and the rule: one unit for 10 Wh."""
    paying.ok(paying.mint(paying.record()), "gateway")
    paying.ok(paying.rule("evening"))
    return paying


def refusal(paying, payload, *names):
    state = paying.machine.state
    before = dict(state.balances), dict(state.lots), dict(state.rewarded)
    outcome = paying.send(payload, *names)
    assert (dict(state.balances), dict(state.lots), dict(state.rewarded)) == before
    return outcome.code


def lots(paying, account=ANNA, asset="POINT/2"):
    found = paying.machine.state.lots.get((account, asset))
    return [(lot.expires, lot.amount) for lot in found.lots] if found else []


def free(paying, account=ANNA, asset="POINT/2"):
    return available(paying.machine.state, account, asset, paying.now)


# Rules and rewards


def test_energy_earns_what_the_rule_says_rounded_down(metered):
    metered.ok(metered.reward("evening", 1_239))
    assert metered.balance(ANNA, "POINT/2") == 123  # floor(1,239 * 100 / 1,000)
    assert metered.balance(ISSUER, "POINT/2") == -123


def test_a_day_is_rewarded_once_and_never_above_what_was_minted(metered):
    assert refusal(metered, metered.reward("evening", 6_961)) == Code.ABOVE_MINTED
    assert refusal(metered, metered.reward("evening", 2**53 - 1)) == Code.ABOVE_MINTED
    assert refusal(metered, metered.reward("evening", 9)) == Code.ZERO_AMOUNT
    metered.ok(metered.reward("evening", 6_960))
    assert refusal(metered, metered.reward("evening", 10)) == Code.ALREADY_REWARDED
    assert refusal(metered, metered.reward("evening", 10, beneficiary=JAN)) == Code.ALREADY_REWARDED


def test_days_are_added_up_and_each_must_be_minted(metered):
    later = metered.record(day="2027-01-16", leaves=metered.leaves(start=metered.now + DAY_S))
    both = ("2027-01-15", "2027-01-16")
    assert refusal(metered, metered.reward("evening", 100, days=both)) == Code.NOT_MINTED
    metered.ok(metered.mint(later), "gateway")
    metered.ok(metered.reward("evening", 13_920, days=both))
    assert refusal(metered, metered.reward("evening", 100, days=both[1:])) == Code.ALREADY_REWARDED


@pytest.mark.parametrize(
    ("terms", "code"),
    [
        ({"days": ("2026-12-31",)}, Code.RULE_TERMS),
        ({"days": ("2028-01-01",)}, Code.RULE_TERMS),
        ({"days": ("2027-02-30",)}, Code.RULE_TERMS),
        ({"days": ("2027-01-15", "2027-01-15")}, Code.RULE_TERMS),
        ({"days": ("2027-01-16", "2027-01-15")}, Code.RULE_TERMS),
        ({"point": "op/coop/nothing"}, Code.UNKNOWN_ACCOUNT),
        ({"beneficiary": "op/coop/nobody"}, Code.UNKNOWN_ACCOUNT),
        ({"beneficiary": ISSUER}, Code.DUPLICATE_POSTING),
        ({"point": "op/coop/gateway"}, Code.NOT_MINTED),
    ],
)
def test_rewards_that_are_refused(metered, terms, code):
    assert refusal(metered, metered.reward("evening", 100, **terms)) == code


def test_who_gives_rewards_and_by_which_rule(metered):
    assert refusal(metered, metered.reward("morning", 100)) == Code.UNKNOWN_RULE
    assert refusal(metered, metered.reward("evening", 100, account=COOP), "coop") == Code.NOT_PERMITTED
    direct = metered.post((ISSUER, "POINT/2", -100), (ANNA, "POINT/2", 100))
    assert refusal(metered, direct) == Code.ISSUED_BY_RULE


def test_fixed_rewards_name_one_day_and_no_energy(paying):
    paying.ok(paying.rule("welcome", kind="fixed"))
    assert refusal(paying, paying.reward("welcome", 1)) == Code.RULE_TERMS
    assert refusal(paying, paying.reward("welcome", point="op/coop/meter")) == Code.RULE_TERMS
    assert refusal(paying, paying.reward("welcome", days=("2027-01-15", "2027-01-16"))) == Code.RULE_TERMS
    paying.ok(paying.reward("welcome"))
    assert refusal(paying, paying.reward("welcome")) == Code.ALREADY_REWARDED
    paying.ok(paying.reward("welcome", beneficiary=JAN))
    assert (paying.balance(ANNA, "POINT/2"), paying.balance(JAN, "POINT/2")) == (500, 500)


@pytest.mark.parametrize(
    ("terms", "code"),
    [
        ({"name": "evening"}, Code.RULE_EXISTS),
        ({"asset": "EUR/2"}, Code.UNKNOWN_ASSET),
        ({"asset": "PLN/2"}, Code.RULE_TERMS),
        ({"channel": ""}, Code.RULE_TERMS),
        ({"kind": "fixed", "channel": "1.29.0"}, Code.RULE_TERMS),
        ({"kind": "fixed", "denominator": 2}, Code.RULE_TERMS),
        ({"valid_to": "2026-12-31"}, Code.EMPTY_PERIOD),
        ({"valid_to": "2027-02-30"}, Code.EMPTY_PERIOD),
    ],
)
def test_rules_that_are_refused(metered, terms, code):
    assert refusal(metered, metered.rule(**({"name": "other"} | terms))) == code


def test_no_reward_passes_what_can_be_counted(metered):
    metered.ok(metered.rule("all", kind="fixed", numerator=2**53 - 1))
    metered.ok(metered.reward("all"))
    assert refusal(metered, metered.reward("all", beneficiary=JAN)) == Code.AMOUNT_OUT_OF_RANGE
    metered.ok(metered.rule("many", asset="GIFT/2", denominator=1, numerator=2**53 - 1))
    assert refusal(metered, metered.reward("many", 2)) == Code.AMOUNT_OUT_OF_RANGE
    metered.ok(metered.pay(ANNA, JAN, 2**53 - 1, "POINT/2"), "anna")


# Expiry


def test_units_expire_at_midnight_after_their_lifetime_and_cannot_be_spent(paying):
    paying.ok(paying.policy("POINT/2", lifetime_s=10 * DAY_S))
    paying.points(300)
    (expires, amount), *others = lots(paying)
    assert (amount, others, expires % DAY_S) == (300, [], 0)
    assert 10 * DAY_S <= expires - paying.now < 11 * DAY_S
    paying.now = expires - 1
    assert free(paying) == 300
    paying.now = expires
    assert free(paying) == 0
    assert refusal(paying, paying.pay(ANNA, JAN, 1, "POINT/2"), "anna") == Code.INSUFFICIENT_BALANCE
    assert refusal(paying, paying.hold(1, asset="POINT/2"), "anna") == Code.INSUFFICIENT_BALANCE
    paying.ok(paying.pay_from(5, (ANNA, "POINT/2", 0), (ANNA, "PLN/2", 0)), "anna")
    assert paying.balance(JAN) == 5


def test_the_oldest_units_go_first_and_keep_their_expiry(paying):
    paying.points(100)  # never expire
    paying.ok(paying.policy("POINT/2", lifetime_s=10 * DAY_S))
    paying.points(200)
    paying.now += DAY_S
    paying.ok(paying.policy("POINT/2", lifetime_s=2 * DAY_S))
    paying.points(300)
    short, long = sorted(expires for expires, _ in lots(paying) if expires)
    assert lots(paying) == [(short, 300), (long, 200), (0, 100)]
    paying.ok(paying.pay(ANNA, JAN, 350, "POINT/2"), "anna")
    assert lots(paying) == [(long, 150), (0, 100)]
    assert lots(paying, JAN) == [(short, 300), (long, 50)]
    assert paying.balance(JAN, "POINT/2") == 350


def test_a_policy_does_not_shorten_what_was_issued(paying):
    paying.points(100)
    before = lots(paying)
    paying.ok(paying.policy("POINT/2", lifetime_s=DAY_S))
    assert lots(paying) == before == [(0, 100)]
    assert refusal(paying, paying.policy("POINT/2", codes=("shop",))) == Code.ASSET_POLICY
    paying.now += 500 * DAY_S
    assert free(paying) == 100


def test_units_of_one_day_make_one_lot(paying):
    paying.ok(paying.policy("POINT/2", lifetime_s=10 * DAY_S))
    paying.points(100)
    paying.now += 60
    paying.points(50)
    assert [amount for _, amount in lots(paying)] == [150]


def test_expired_units_go_back_when_their_account_is_touched_and_the_block_tells(paying):
    paying.points(40)
    paying.ok(paying.policy("POINT/2", lifetime_s=DAY_S))
    paying.points(300)
    paying.now += 3 * DAY_S
    paying.ok(paying.pay(ANNA, JAN, 40, "POINT/2"), "anna")
    assert (paying.balance(ANNA, "POINT/2"), paying.balance(ISSUER, "POINT/2")) == (0, -40)
    (record,) = read_body(paying.blocks[-1].body)
    assert {move.account: move.amount for move in record.moves} == {ANNA: -340, JAN: 40, ISSUER: 300}
    paying.ok(paying.pay(JAN, ANNA, 40, "POINT/2"), "jan")
    (record,) = read_body(paying.blocks[-1].body)
    assert record.moves == ()  # a plain transfer says itself what it moves


def test_the_issuer_takes_back_what_expired_and_nothing_else(paying):
    paying.ok(paying.policy("POINT/2", lifetime_s=DAY_S))
    paying.points(300)
    assert refusal(paying, paying.lapse(ANNA)) == Code.NOTHING_EXPIRED
    assert refusal(paying, paying.lapse(ANNA, asset="EUR/2")) == Code.UNKNOWN_ASSET
    paying.now += 3 * DAY_S
    foreign = paying.lapse(ANNA)
    assert refusal(paying, type(foreign)(**_fields(foreign) | {"account": COOP}), "coop") == Code.NOT_PERMITTED
    paying.ok(paying.lapse(ANNA, JAN, "op/coop/nobody"))
    assert (paying.balance(ANNA, "POINT/2"), lots(paying)) == (0, [])
    assert refusal(paying, paying.lapse(ANNA)) == Code.NOTHING_EXPIRED


def _fields(payload):
    return {field: getattr(payload, field) for field in payload.__struct_fields__}


def test_a_hold_does_not_keep_units_alive(paying):
    paying.ok(paying.policy("POINT/2", lifetime_s=DAY_S))
    paying.points(300)
    name = paying.held(300, asset="POINT/2", lasts=5 * DAY_S)
    paying.now += 3 * DAY_S
    assert refusal(paying, paying.settle(name, 1), "jan") == Code.INSUFFICIENT_BALANCE


def test_a_balance_limit_does_not_count_what_expired(paying):
    paying.ok(paying.policy("POINT/2", lifetime_s=DAY_S, balance_max=300))
    paying.points(300)
    paying.ok(paying.rule("one", kind="fixed", numerator=1))
    assert refusal(paying, paying.reward("one")) == Code.BALANCE_LIMIT
    paying.now += 3 * DAY_S
    paying.ok(paying.reward("one"))
    assert paying.balance(ANNA, "POINT/2") == 1


# What they may be spent for


def test_units_are_spent_for_the_listed_reasons_only(paying):
    paying.ok(paying.policy("POINT/2", codes=("energy", "shop")))
    paying.points(300)
    assert refusal(paying, paying.pay(ANNA, JAN, 1, "POINT/2"), "anna") == Code.SPEND_CODE
    assert refusal(paying, paying.pay(ANNA, JAN, 1, "POINT/2", reason="rent"), "anna") == Code.SPEND_CODE
    assert refusal(paying, paying.hold(1, asset="POINT/2", reason="rent"), "anna") == Code.SPEND_CODE
    sources = (ANNA, "POINT/2", 0), (ANNA, "PLN/2", 0)
    assert refusal(paying, paying.pay_from(1, *sources, reason="rent"), "anna") == Code.SPEND_CODE
    paying.ok(paying.pay(ANNA, JAN, 1, "POINT/2", reason="shop"), "anna")
    paying.ok(paying.pay_from(299, *sources, reason="energy"), "anna")
    paying.ok(paying.policy("POINT/2", codes=("energy", "heat", "shop")))
    paying.ok(paying.policy("POINT/2"))
    assert refusal(paying, paying.policy("POINT/2", codes=("energy",))) == Code.ASSET_POLICY


def test_a_held_point_is_settled_with_its_expiry(paying):
    paying.ok(paying.policy("POINT/2", lifetime_s=10 * DAY_S, codes=("shop",)))
    paying.points(300)
    ((expires, _),) = lots(paying)
    name = paying.held(100, asset="POINT/2", reason="shop")
    paying.ok(paying.settle(name, 60, final=True), "jan")
    assert (lots(paying), lots(paying, JAN)) == ([(expires, 240)], [(expires, 60)])


def test_spent_at_the_issuer_they_are_gone(paying):
    paying.points(300)
    paying.ok(paying.pay(ANNA, ISSUER, 300, "POINT/2"), "anna")
    assert (paying.balance(ISSUER, "POINT/2"), lots(paying), lots(paying, ISSUER)) == (0, [], [])
