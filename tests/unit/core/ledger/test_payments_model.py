"""Random histories of payments against a naive model in plain dictionaries and lists."""

import tempfile
from itertools import permutations
from pathlib import Path

import ledger_paying  # made by conftest.py
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from ledger_paying import ANNA, COOP, ISSUER, JAN, name_of

from ogniwo.chain.projection import Projection
from ogniwo.chain.store_sqlite import SqliteStore
from ogniwo.core.ledger.admission import open_transaction
from ogniwo.core.ledger.machine import Machine
from ogniwo.core.ledger.rulebook.holds import available, reserved

PEOPLE = {ANNA: "anna", JAN: "jan", COOP: "coop"}
DAY_S = 86_400
AMOUNTS = st.sampled_from([1, 3, 100, 250, 251, 700, 9_000, 40_000, 2**53 - 1])
WHO = st.sampled_from(sorted(PEOPLE))
PAIR = st.sampled_from(list(permutations(sorted(PEOPLE), 2)))
ROLE = st.sampled_from(["taker", "taker", "giver", "stranger"])
ASSETS = st.sampled_from(["PLN/2", "POINT/2"])
WHICH = st.integers(0, 3)


class Books:
    """What a reader of the manual would keep: lots as [expires, amount], holds as lists."""

    def __init__(self, now):
        self.now = now
        self.lots = {(who, asset): [] for who in PEOPLE for asset in ("PLN/2", "POINT/2")}
        self.lots[ANNA, "PLN/2"] = [[0, 100_000]]
        self.holds = {}

    def alive(self, lot):
        return not lot[0] or self.now < lot[0]

    def units(self, who, asset):
        return sum(lot[1] for lot in self.lots[who, asset] if self.alive(lot))

    def held(self, who, asset):
        return sum(
            hold["left"]
            for hold in self.holds.values()
            if (hold["giver"], hold["asset"]) == (who, asset) and self.open(hold)
        )

    def open(self, hold):
        return hold["disputed"] or self.now < hold["until"]

    def free(self, who, asset):
        return max(0, self.units(who, asset) - self.held(who, asset))

    def move(self, giver, taker, asset, amount):
        for who in (giver, taker):
            if who != ISSUER and amount:
                self.lots[who, asset] = [lot for lot in self.lots[who, asset] if self.alive(lot)]
        lots = sorted(self.lots[giver, asset], key=lambda lot: lot[0] or 2**60)
        for lot in lots:
            taken = min(lot[1], amount)
            lot[1] -= taken
            amount -= taken
            if taken and taker != ISSUER:
                self.lots[taker, asset].append([lot[0], taken])
        assert not amount
        self.lots[giver, asset] = [lot for lot in lots if lot[1]]


@settings(max_examples=25, stateful_step_count=40, deadline=None, phases=[Phase.reuse, Phase.generate])
class Payments(RuleBasedStateMachine):
    """Every step is one block; the machine's answer, balances and holds must be those of the naive books."""

    def __init__(self):
        super().__init__()
        self.net = ledger_paying.Paying().founded()
        self.net.ok(self.net.policy("POINT/2", lifetime_s=2 * DAY_S))
        self.books = Books(self.net.now)
        self.resolved = set()
        self.gifts = 0
        for who in sorted(PEOPLE):
            self.gift(who, 700)
        for taker in (JAN, COOP):
            self.transfer((ANNA, taker), "PLN/2", 30_000)
        self.reserve((JAN, COOP), "POINT/2", 250, 3 * DAY_S)
        self.reserve((COOP, ANNA), "PLN/2", 9_000, 3 * DAY_S)

    def accepted(self, payload, *names):
        transaction = open_transaction(self.net.signed(payload, *names))
        transaction.open_checks = ()  # signatures are tested elsewhere
        executed = self.net.machine.execute([transaction], clock_s=self.net.now)
        self.net.blocks.append(executed.block)
        return executed.placed[0].outcome.accepted

    def actor(self, hold, role):
        return hold[role] if role in hold else next(iter({*PEOPLE} - {hold["giver"], hold["taker"]}))

    def some_hold(self, which):
        names = list(self.books.holds)
        return names[which % len(names)]

    @rule(seconds=st.sampled_from([1, 3_600, DAY_S // 2, 2 * DAY_S]))
    def wait(self, seconds):
        self.net.now += seconds
        self.books.now = self.net.now

    @rule()
    def wait_for_the_next_expiry(self):
        """To the very second, where a slip by one shows."""
        moments = [lot[0] for lots in self.books.lots.values() for lot in lots]
        moments += [hold["until"] for hold in self.books.holds.values()]
        self.net.now = self.books.now = min((at for at in moments if at > self.net.now), default=self.net.now)

    @rule(pair=PAIR | st.tuples(WHO, st.just(ISSUER)), asset=ASSETS, amount=AMOUNTS)
    def transfer(self, pair, asset, amount):
        giver, taker = pair
        payload = self.net.pay(giver, taker, amount, asset)
        possible = amount <= self.books.free(giver, asset)
        assert self.accepted(payload, PEOPLE[giver]) == possible
        if possible:
            self.books.move(giver, taker, asset, amount)

    @rule(who=WHO, amount=st.sampled_from([1, 250, 700]))
    def gift(self, who, amount):
        self.gifts += 1
        name = f"gift-{self.gifts}"
        assert self.accepted(self.net.rule(name, kind="fixed", numerator=amount), "op")
        assert self.accepted(self.net.reward(name, beneficiary=who), "op")
        expires = self.net.now + 2 * DAY_S
        while expires % DAY_S:
            expires += DAY_S - expires % DAY_S
        alive = [lot for lot in self.books.lots[who, "POINT/2"] if self.books.alive(lot)]
        self.books.lots[who, "POINT/2"] = [*alive, [expires, amount]]

    @rule(pair=PAIR, asset=ASSETS, amount=AMOUNTS, lasts=st.sampled_from([60, DAY_S, 3 * DAY_S]))
    def reserve(self, pair, asset, amount, lasts):
        giver, taker = pair
        payload = self.net.hold(amount, giver=giver, taker=taker, asset=asset, lasts=lasts)
        possible = amount <= self.books.free(giver, asset)
        assert self.accepted(payload, PEOPLE[giver]) == possible
        if possible:
            past = [
                name
                for name, hold in self.books.holds.items()
                if (hold["giver"], hold["asset"]) == (giver, asset) and not self.books.open(hold)
            ]
            for name in past:
                del self.books.holds[name]
            self.books.holds[name_of(payload)] = {
                "giver": giver,
                "taker": taker,
                "asset": asset,
                "left": amount,
                "until": payload.until,
                "disputed": False,
            }

    @precondition(lambda self: self.books.holds)
    @rule(which=WHICH, amount=AMOUNTS, final=st.booleans(), role=ROLE)
    def settle(self, which, amount, final, role):
        name = self.some_hold(which)
        hold = self.books.holds[name]
        who = self.actor(hold, role)
        possible = (
            self.books.open(hold)
            and not hold["disputed"]
            and who in {hold["giver"], hold["taker"]}
            and amount <= min(hold["left"], self.books.units(hold["giver"], hold["asset"]))
        )
        assert self.accepted(self.net.settle(name, amount, final=final, account=who), PEOPLE[who]) == possible
        if possible:
            self.settled(name, amount, final=final)

    def settled(self, name, amount, *, final):
        hold = self.books.holds[name]
        hold["left"] -= amount
        self.books.move(hold["giver"], hold["taker"], hold["asset"], amount)
        if final or not hold["left"]:
            self.ended(name)

    def ended(self, name):
        assert name not in self.resolved
        self.resolved.add(name)
        del self.books.holds[name]

    @precondition(lambda self: self.books.holds)
    @rule(which=WHICH, role=ROLE)
    def void(self, which, role):
        name = self.some_hold(which)
        hold = self.books.holds[name]
        who = self.actor(hold, role)
        possible = who == hold["taker"] or (who == hold["giver"] and not self.books.open(hold))
        assert self.accepted(self.net.void(name, account=who), PEOPLE[who]) == possible
        if possible:
            self.ended(name)

    @precondition(lambda self: self.books.holds)
    @rule(which=WHICH, role=ROLE)
    def contest(self, which, role):
        name = self.some_hold(which)
        hold = self.books.holds[name]
        who = self.actor(hold, role)
        possible = who == hold["giver"] and self.books.open(hold) and not hold["disputed"]
        assert self.accepted(self.net.dispute(name, account=who), PEOPLE[who]) == possible
        hold["disputed"] = hold["disputed"] or possible

    @precondition(lambda self: self.books.holds)
    @rule(which=WHICH, amount=st.sampled_from([0, 1, 250, 40_000]))
    def decide(self, which, amount):
        name = self.some_hold(which)
        hold = self.books.holds[name]
        verdict = "settle" if amount else "void"
        enough = amount <= min(hold["left"], self.books.units(hold["giver"], hold["asset"]))
        possible = hold["disputed"] and enough
        assert self.accepted(self.net.resolve(name, amount, verdict=verdict), "arbiter") == possible
        if possible and amount:
            self.settled(name, amount, final=True)
        elif possible:
            self.ended(name)

    @rule()
    def settle_what_ended(self):
        for name in sorted(self.resolved)[:2]:
            for who, key in PEOPLE.items():
                assert not self.accepted(self.net.settle(name, 1, account=who), key)

    @rule(pair=PAIR, amount=AMOUNTS, cap=st.sampled_from([0, 1, 300]))
    def pay(self, pair, amount, cap):
        payer, taker = pair
        payload = self.net.pay_from(amount, (payer, "POINT/2", cap), (payer, "PLN/2", 0), taker=taker, account=payer)
        points = min(amount, self.books.free(payer, "POINT/2"), cap or amount)
        possible = amount - points <= self.books.free(payer, "PLN/2")
        assert self.accepted(payload, PEOPLE[payer]) == possible
        if possible:
            for asset, part in (("POINT/2", points), ("PLN/2", amount - points)):
                if part:
                    self.books.move(payer, taker, asset, part)

    @rule(first=AMOUNTS, second=AMOUNTS)
    def batch(self, first, second):
        batch = self.net.batch(
            lambda **frame: self.net.pay(ANNA, JAN, first, **frame),
            lambda **frame: self.net.pay(JAN, COOP, second, **frame),
        )
        possible = first <= self.books.free(ANNA, "PLN/2") and second <= self.books.free(JAN, "PLN/2") + first
        assert self.accepted(batch, "anna", "jan") == possible
        if possible:
            self.books.move(ANNA, JAN, "PLN/2", first)
            self.books.move(JAN, COOP, "PLN/2", second)

    @rule()
    def lapse(self):
        past = [(who, lot) for who in PEOPLE for lot in self.books.lots[who, "POINT/2"] if not self.books.alive(lot)]
        assert self.accepted(self.net.lapse(*sorted(PEOPLE)), "op") == bool(past)
        for who, lot in past:
            self.books.lots[who, "POINT/2"].remove(lot)

    @invariant()
    def the_books_agree(self):
        state = self.net.machine.state
        for (who, asset), lots in self.books.lots.items():
            assert state.balance(who, asset) == sum(lot[1] for lot in lots)
            assert available(state, who, asset, self.net.now) == self.books.free(who, asset)
            assert state.balance(who, asset) >= 0
            if asset == "PLN/2":
                assert reserved(state, who, asset, self.net.now) <= state.balance(who, asset)
        assert {name: hold.amount for name, hold in state.holds.items()} == {
            name: hold["left"] for name, hold in self.books.holds.items()
        }
        assert not any(state.sums.values())
        for (who, asset), lots in state.lots.items():
            assert sum(lot.amount for lot in lots.lots) == state.balance(who, asset)

    def teardown(self):
        """Replay gives the same state; the tables made from the blocks alone show the same balances."""
        twin = Machine()
        for block in self.net.blocks:
            twin.replay(block, check_signatures=False)
        state = self.net.machine.state
        assert twin.state.root() == state.root()
        with tempfile.TemporaryDirectory() as folder:
            ledger = Path(folder) / "ledger.sqlite3"
            with SqliteStore(ledger, write=True) as store:
                for block in self.net.blocks:
                    store.append(block)
            with Projection(ledger=ledger, path=Path(folder) / "tables.sqlite3") as projection:
                projection.catch_up()
                shown = {place: amount for place, amount in projection.balances().items() if amount}
        assert shown == {place: amount for place, amount in state.balances.items() if amount}


TestPayments = Payments.TestCase
