"""Random lives of a contract against naive books: no day is charged twice, nothing owed gets lost."""

import random
from datetime import date, timedelta

import pytest
from ledger_deals import ANNA, DAY_S, JAN, Deals, supply
from ledger_paying import Paying

from ogniwo.core.ledger.contract_amounts import day_start, energy_amount, period_end
from ogniwo.core.ledger.machine import Machine

PERIODS = ("2027-01", "2027-02", "2027-03")
PRICE = 1_000_000_000
WH = 10


def _mint_all(deals):
    day = date(2027, 1, 20)
    leaves = deals.coop.leaves(count=1, wh=WH)
    while day <= date(2027, 3, 31):
        deals.coop.ok(deals.coop.mint(deals.coop.record(day=day.isoformat(), leaves=leaves)), "gateway")
        day += timedelta(days=1)


def _act(deals, chance, names):
    """One random act; what it answers is the machine's business."""
    match chance.randrange(6):
        case 0 | 1:
            deals.close(chance.choice(names), chance.choice(PERIODS), account=chance.choice((ANNA, JAN)))
        case 2:
            begins = day_start(date(2027, 1, 20) + timedelta(days=chance.randrange(70)))
            proposal = deals.proposal(
                supply(asset="PLN/2", price=PRICE), replaces=names[-1], valid_from=begins, withdraw_s=40 * DAY_S
            )
            before = set(deals.state.contracts)
            if deals.send(proposal, "anna") == "accepted":
                (name,) = set(deals.state.contracts) - before
                if [deals.sign(name, account) for account in (ANNA, JAN)] == ["accepted"] * 2:
                    names.append(name)
        case 3:
            if len(names) > 1 and deals.withdraw(names[-1], ANNA) == "accepted":
                names.pop()
        case 4:
            deals.terminate(names[-1], ANNA, deals.coop.now + chance.randrange(30) * DAY_S, "anna", "jan")
        case _:
            amount = chance.randrange(1, 200)
            deals.coop.ok(deals.coop.post(("op/issuer", "PLN/2", -amount), (ANNA, "PLN/2", amount)))
    deals.coop.now += chance.randrange(6) * DAY_S


@pytest.mark.parametrize("seed", range(40))
def test_no_day_is_charged_twice_and_nothing_owed_gets_lost(seed):
    chance = random.Random(seed)  # noqa: S311 -- a reproducible history, no secret
    deals = Deals(Paying())
    deals.coop.ok(deals.coop.post((ANNA, "PLN/2", -99_000), ("op/issuer", "PLN/2", 99_000), account=ANNA), "anna")
    names = [deals.agreed(supply(asset="PLN/2", price=PRICE), withdraw_s=40 * DAY_S)]
    _mint_all(deals)
    for _ in range(40):
        _act(deals, chance, names)
    deals.coop.now = max(deals.coop.now, period_end(PERIODS[-1]))
    for name in list(deals.state.contracts):
        for period in PERIODS:
            deals.close(name, period)
    charged = dict.fromkeys(PERIODS, 0)
    for (_, _, period), closed in deals.state.contract_periods.items():
        assert closed.amount == energy_amount(wh=closed.quantity, price=PRICE, price_scale=0)
        assert closed.amount == closed.posted + closed.shortfall
        assert min(closed.posted, closed.shortfall) >= 0
        held = [deals.state.holds[name] for name in closed.holds if name in deals.state.holds]  # the others expired
        assert closed.posted >= sum(hold.amount for hold in held)
        assert closed.posted == sum(hold.amount for hold in held) or len(held) < len(closed.holds)
        charged[period] += closed.quantity
    whole = dict(zip(PERIODS, (12 * WH, 28 * WH, 31 * WH), strict=True))
    assert all(charged[period] <= whole[period] for period in PERIODS), charged
    reserved = sum(hold.amount for hold in deals.state.holds.values() if hold.giver == ANNA)
    assert reserved <= deals.state.balance(ANNA, "PLN/2")
    follower = Machine()
    for block in deals.coop.blocks:
        follower.replay(block)
    assert follower.state.root() == deals.state.root()
