"""A cooperative in which Anna buys energy of Jan's meter, lends, rents and charges: contracts and their months."""

from datetime import date, timedelta

import ledger_network

from ogniwo.core.ledger import transactions as tx
from ogniwo.core.ledger.contract_amounts import day_start

ANNA, JAN, COOP, METER = "op/coop/anna", "op/coop/jan", "op/coop", "op/coop/meter"
TERMS, DOCUMENT = "11" * 32, "22" * 32
DAY_S = 86_400
JANUARY_20 = day_start(date(2027, 1, 20))
FEBRUARY_1 = day_start(date(2027, 2, 1))
DAY_WH = 6_960
CLAIM = "OWE/2"


def supply(*, asset=CLAIM, price=43_000, price_scale=0, payer=ANNA, taker=JAN, point=METER):
    return tx.Supply(
        asset=asset,
        channel="1.29.0",
        payer=payer,
        point=point,
        price=price,
        price_scale=price_scale,
        taker=taker,
    )


def discount(*, asset=CLAIM, price=10_000):
    return tx.DiscountByHour(
        asset=asset, channel="1.29.0", payer=JAN, point=METER, price=price, price_scale=0, taker=ANNA
    )


def rent(*, asset=CLAIM, amount=1_500, payer=ANNA, taker=JAN):
    return tx.StorageRent(amount=amount, asset=asset, payer=payer, taker=taker)


def instalments(*, asset=CLAIM, total=1_000, count=3, first="2027-01"):
    return tx.Instalment(asset=asset, count=count, first=first, payer=ANNA, taker=COOP, total=total)


def charging(*, asset=CLAIM, limit=5_000):
    return tx.Charging(asset=asset, limit=limit, payer=ANNA, taker=COOP)


class Deals:
    """`coop` is the founded network with payments; parties are Anna (a consumer), Jan and, where asked, `COOP`."""

    def __init__(self, network):
        plain = network.genesis

        def genesis(roles=ledger_network.ROLES):
            operator = tx.Role(name="operator", permissions=(*roles[0].permissions, "account.freeze", "contract.close"))
            closer = tx.Role(name="closer", permissions=("contract.close",))
            return plain(roles=(operator, *roles[1:], closer))

        network.genesis = genesis
        self.coop = network.founded()
        network.ok(network.asset(CLAIM, "claim"))

    @property
    def state(self):
        return self.coop.machine.state

    def proposal(self, *obligations, account=ANNA, three=False, **changed):
        parties = [tx.Party(account=ANNA, role="consumer"), tx.Party(account=JAN, role="supplier")]
        if three:
            parties.append(tx.Party(account=COOP, role="lender"))
        return tx.ProposeContract(
            **self.coop.frame(account=account),
            **{
                "document": DOCUMENT,
                "notice_s": 10 * DAY_S,
                "obligations": obligations or (supply(),),
                "parties": tuple(parties),
                "replaces": "",
                "sign_until": self.coop.now + 7 * DAY_S,
                "template": "energy-supply",
                "terms": TERMS,
                "valid_from": JANUARY_20,
                "valid_to": 0,
                "withdraw_s": 14 * DAY_S,
            }
            | changed,
        )

    def send(self, payload, *names):
        return self.coop.send(payload, *names).code

    def propose(self, *obligations, **changed):
        """Put a proposal on the ledger and give its name."""
        before = set(self.state.contracts)
        self.coop.ok(self.proposal(*obligations, **changed), "anna")
        (name,) = set(self.state.contracts) - before
        return name

    def sign(self, name, account, *, terms=TERMS, document=DOCUMENT):
        who = account.rpartition("/")[2]
        payload = tx.SignContract(**self.coop.frame(account=account), contract=name, document=document, terms=terms)
        return self.send(payload, who)

    def agreed(self, *obligations, three=False, **changed):
        """A contract that all have signed."""
        name = self.propose(*obligations, three=three, **changed)
        for account in (ANNA, JAN, *((COOP,) if three else ())):
            assert self.sign(name, account) == "accepted"
        return name

    def withdraw(self, name, account):
        who = account.rpartition("/")[2]
        return self.send(tx.WithdrawContract(**self.coop.frame(account=account), contract=name), who)

    def terminate(self, name, account, ends, *names):
        payload = tx.TerminateContract(**self.coop.frame(account=account), contract=name, ends=ends)
        return self.send(payload, *(names or (account.rpartition("/")[2],)))

    def close(self, name, period="2027-01", *measured, account=ANNA, names=()):
        payload = tx.CloseContractPeriod(
            **self.coop.frame(account=account),
            contract=name,
            measured=tuple(
                tx.Measured(commitment="33" * 32, obligation=index, quantity=quantity) for index, quantity in measured
            ),
            period=period,
        )
        return self.coop.send(payload, *(names or (account.rpartition("/")[2],)))

    def mint(self, first=date(2027, 1, 20), last=date(2027, 1, 31)):
        """Mint whole days of DAY_WH each."""
        day = first
        while day <= last:
            self.coop.ok(self.coop.mint(self.coop.record(day=day.isoformat())), "gateway")
            day += timedelta(days=1)

    def status(self, name):
        return self.state.contracts[name].status(self.coop.now)

    def period(self, name, index=0, period="2027-01"):
        return self.state.contract_periods[name, str(index), period]

    def balances(self, *accounts, asset=CLAIM):
        return tuple(self.state.balance(account, asset) for account in accounts)
