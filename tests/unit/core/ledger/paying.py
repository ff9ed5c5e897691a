"""A cooperative that pays: the small network of network.py with the roles, assets and people that payments need."""

import hashlib

import ledger_network

from ogniwo.core.ledger import transactions as tx
from ogniwo.core.ledger.canonical import encode

ANNA, JAN, COOP, ISSUER = "op/coop/anna", "op/coop/jan", "op/coop", "op/issuer"
HOLD_S = 86_400
DIGEST = "d" * 64
PAYING = (
    "account.freeze",
    "asset.policy",
    "dispute.resolve",
    "payments.switch",
    "policy.set",
    "reward.give",
    "rule.define",
)
ROLES = (
    tx.Role(name="operator", permissions=(*ledger_network.ALL, *PAYING)),
    *ledger_network.ROLES[1:],
    tx.Role(name="arbiter", permissions=("dispute.resolve",)),
)


def name_of(payload):
    return hashlib.sha256(encode(payload)).hexdigest()


class Paying(ledger_network.Network):
    """Payments are switched on; Anna has 1,000.00 PLN; POINT/2 is a transferable marketing asset, GIFT/2 is not."""

    def hold(self, amount, *, giver=ANNA, taker=JAN, asset="PLN/2", lasts=HOLD_S, **changed):
        frame = self.frame(**({"account": giver} | changed))
        return tx.Hold(**frame, amount=amount, asset=asset, giver=giver, taker=taker, until=self.now + lasts)

    def settle(self, hold, amount, *, final=False, account=JAN, **changed):
        return tx.Settle(**self.frame(account=account, **changed), amount=amount, final=final, hold=hold)

    def void(self, hold, *, account=JAN, **changed):
        return tx.Void(**self.frame(account=account, **changed), hold=hold)

    def dispute(self, hold, *, account=ANNA):
        return tx.Dispute(**self.frame(account=account), hold=hold, text=DIGEST)

    def resolve(self, hold, amount, *, verdict="settle", account="op/arbiter"):
        return tx.ResolveDispute(**self.frame(account=account), amount=amount, hold=hold, text=DIGEST, verdict=verdict)

    def pay_from(self, amount, *sources, taker=JAN, account=ANNA, **changed):
        """`sources` as (account, asset, cap)."""
        listed = tuple(tx.Source(account=who, asset=asset, cap=cap) for who, asset, cap in sources)
        return tx.Pay(**self.frame(account=account, **changed), amount=amount, sources=listed, taker=taker)

    def policy(self, asset, **changed):
        limits = {"balance_max": 0, "codes": (), "lifetime_s": 0, "spend_rank": 0, "transfer_max": 0}
        return tx.SetAssetPolicy(**self.frame() | {"asset": asset} | limits | changed)

    def rule(self, name, *, asset="POINT/2", kind="per_energy", **changed):
        terms = {"channel": "1.29.0", "denominator": 1_000, "numerator": 100}
        fixed = {"channel": "", "denominator": 1, "numerator": 500}
        validity = {"valid_from": "2027-01-01", "valid_to": "2027-12-31", "window": DIGEST}
        return tx.DefineRule(
            **self.frame(),
            **{"asset": asset, "kind": kind, "name": name} | (fixed if kind == "fixed" else terms) | validity | changed,
        )

    def reward(self, rule, wh=0, *, days=("2027-01-15",), point=None, beneficiary=ANNA, **changed):
        return tx.Reward(
            **self.frame(**changed),
            beneficiary=beneficiary,
            commitment=DIGEST,
            days=days,
            point=point or ("op/coop/meter" if wh else beneficiary),
            rule=rule,
            wh=wh,
        )

    def lapse(self, *accounts, asset="POINT/2"):
        return tx.Lapse(**self.frame(), accounts=accounts, asset=asset)

    def batch(self, *parts, account=ANNA):
        """The parts as functions of their frame; they get the batch's id."""
        frame = self.frame(account=account)
        same = {"expires": frame["expires"], "id": frame["id"]}
        return tx.Batch(**frame, operations=tuple(part(**same) for part in parts))

    def held(self, amount, **changed):
        """The name of a hold that was opened."""
        payload = self.hold(amount, **changed)
        self.ok(payload, payload.giver.rpartition("/")[2])
        return name_of(payload)

    def balance(self, account, asset="PLN/2"):
        return self.machine.state.balance(account, asset)

    def points(self, count, *, day="2027-01-15", account=ANNA):
        """Give an account points by a fixed rule."""
        rule = f"gift-{count}"
        if rule not in self.machine.state.reward_rules:
            self.ok(self.rule(rule, kind="fixed", numerator=count))
        self.ok(self.reward(rule, days=(day,), beneficiary=account))

    def founding(self, *roles):
        return [
            *super().founding(*(roles or ROLES)),
            self.signed(self.account("op/arbiter", "partner")),
            self.signed(self.register("op/arbiter", "arbiter"), "op", "arbiter"),
            self.signed(self.bind("op/arbiter", "arbiter", "op")),
            self.signed(self.asset("POINT/2", "marketing")),
            self.signed(self.asset("GIFT/2", "marketing", transferable=False)),
        ]
