"""Builds signed transactions of a small cooperative, deterministic but for the keys."""

import hashlib
from functools import cache
from typing import get_args

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ogniwo.core.ledger import intervals
from ogniwo.core.ledger import transactions as tx
from ogniwo.core.ledger.admission import admit
from ogniwo.core.ledger.blocks import read_body
from ogniwo.core.ledger.canonical import encode
from ogniwo.core.ledger.checkpoints import verifier_key
from ogniwo.core.ledger.machine import Machine
from ogniwo.core.ledger.signing import key_id, public_key_of, sign, sign_detached

NETWORK = "test.example/one"
NOW = 1_800_000_000
ALL = (
    "account.register",
    "anchor.write",
    "asset.define",
    "asset.issue",
    "claim.post",
    "key.recover",
    "key.register",
    "key.revoke",
    "metering.mint",
    "metering.sign",
    "role.bind",
)
ROLES = (
    tx.Role(name="operator", permissions=ALL),
    tx.Role(name="partner", permissions=("account.register", "key.register", "key.revoke", "role.bind")),
    tx.Role(name="gateway", permissions=("metering.mint", "metering.sign")),
)


@cache
def key(name):
    """The same P-256 key for the same name, so that tests can speak of "anna"."""
    return ec.derive_private_key(int.from_bytes(hashlib.sha256(name.encode()).digest()[:31]), ec.SECP256R1())


def kid(name):
    return key_id(public_key_of(key(name)))


class Network:
    """`machine` is the ledger in memory; `now` its clock; `send` executes one transaction in a block of its own."""

    key = staticmethod(key)
    kid = staticmethod(kid)
    name = NETWORK

    def __init__(self):
        self.machine = Machine()
        self.now = NOW
        self.count = 0
        self.blocks = []
        self.checkpoint_key = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"checkpoint").digest())

    def frame(self, **changed):
        self.count += 1
        return {
            "account": "op",
            "expires": self.now + 3_600,
            "id": f"{self.count:032x}",
            "network": NETWORK,
            "reason": "",
            "references": (),
        } | changed

    def signed(self, payload, *names):
        return sign(encode(payload), keys=[key(name) for name in names or ("op",)])

    def execute(self, *envelopes):
        transactions = [admit(envelope, self.machine.ring) for envelope in envelopes]
        executed = self.machine.execute(transactions, clock_s=self.now)
        if executed.block:
            self.blocks.append(executed.block)
        return [placed.outcome for placed in executed.placed]

    def send(self, payload, *names):
        return self.execute(self.signed(payload, *names))[0]

    def recorded(self, position):
        """A transaction of the last block as its body keeps it."""
        return read_body(self.blocks[-1].body)[position]

    def ok(self, payload, *names):
        outcome = self.send(payload, *names)
        assert outcome.code == "accepted", outcome
        return payload

    def genesis(self, **changed):
        return tx.Genesis(
            **self.frame(),
            **{
                "checkpoint_key": verifier_key(NETWORK, self.checkpoint_key).text(),
                "key": public_key_of(key("op")),
                "operator_role": "operator",
                "roles": ROLES,
            }
            | changed,
        )

    def account(self, path, kind="member", **changed):
        return tx.RegisterAccount(**self.frame(**changed), kind=kind, path=path)

    def register(self, subject, name, purpose="transaction", **changed):
        return tx.RegisterKey(
            **self.frame(**changed),
            device="phone",
            key=public_key_of(key(name)),
            purpose=purpose,
            subject=subject,
            valid_from=0,
        )

    def bind(self, subject, role, subtree, *, valid_from=0, valid_to=0, **changed):
        return tx.BindRole(
            **self.frame(**changed),
            role=role,
            subject=subject,
            subtree=subtree,
            valid_from=valid_from,
            valid_to=valid_to,
        )

    def asset(
        self, name, kind="payment", *, domain="op", issuer="op/issuer", channels=(), transferable=True, **changed
    ):
        return tx.DefineAsset(
            **self.frame(**changed),
            asset=name,
            channels=channels,
            domain=domain,
            issuer=issuer,
            kind=kind,
            transferable=transferable,
        )

    def post(self, *lines, account="op", **changed):
        postings = tuple(tx.Posting(account=who, amount=amount, asset=asset) for who, asset, amount in lines)
        return tx.Post(**self.frame(account=account, **changed), postings=postings)

    def pay(self, giver, taker, amount, asset="PLN/2", **changed):
        return self.post((giver, asset, -amount), (taker, asset, amount), account=giver, **changed)

    def leaves(self, *, count=96, wh=25, channel="1.29.0", start=NOW):
        secret = b"a day secret of 128 bits"
        return [
            intervals.IntervalLeaf(
                channel=channel,
                quality="measured",
                salt=intervals.interval_salt(day_secret=secret, channel=channel, start=start + 900 * slot),
                start=start + 900 * slot,
                wh=wh + slot,
            )
            for slot in range(count)
        ]

    def record(self, *, point="op/coop/meter", day="2027-01-15", version=1, leaves=None, **changed):
        leaves = leaves if leaves is not None else self.leaves()
        total = sum(leaf.wh for leaf in leaves)
        return tx.DayRecord(
            **{
                "channel": leaves[0].channel,
                "day": day,
                "leaf_count": len(leaves),
                "merkle_root": intervals.day_root(leaves),
                "network": NETWORK,
                "parts": (tx.QualityPart(quality="measured", slots=len(leaves), wh=total),),
                "point": point,
                "total_wh": total,
                "version": version,
            }
            | changed
        )

    def mint(self, record, *, reader="gateway-reading", asset="KWH-IN/3", account="op/coop/gateway", **changed):
        return tx.MintMetering(
            **self.frame(account=account, **changed),
            asset=asset,
            reading=sign_detached(encode(record), key(reader)),
            record=record,
        )

    def day(self, record, *, reader="gateway-reading", asset="KWH-IN/3"):
        return tx.SignedDay(asset=asset, reading=sign_detached(encode(record), key(reader)), record=record)

    def mint_days(self, *records, account="op/coop/gateway", **changed):
        days = tuple(one if isinstance(one, tx.SignedDay) else self.day(one) for one in records)
        return tx.MintDays(**self.frame(account=account, **changed), days=days)

    def anchor(self, commitment, *, kind="statement", subject="op/coop/anna", **changed):
        return tx.Anchor(**self.frame(**changed), commitment=commitment, kind=kind, subject=subject)

    def authority(self, *more):
        """Roles for what the fixed history of `founding` does not know: the operator's rights, and one for officers."""
        return (
            *ROLES[1:],
            tx.Role(name="operator", permissions=get_args(tx.Permission)),
            tx.Role(name="officer", permissions=("key.recover", "key.register", "key.revoke", "account.freeze")),
            *more,
        )

    def switched(self, roles):
        """Payments begin switched off where the genesis knows the switch; the fixed history is from before."""
        if not any("payments.switch" in role.permissions for role in roles):
            return []
        return [self.signed(self.switch())]

    def switch(self, asset="PLN/2", *, active=True):
        return tx.SwitchPayments(**self.frame(), active=active, asset=asset, basis="limited-network", notice="d" * 64)

    def founding(self, *roles):
        """The envelopes that build the cooperative: accounts, keys, roles, assets, 1,000.00 PLN for Anna."""
        return [
            self.signed(self.genesis(roles=roles or ROLES)),
            self.signed(self.account("op/issuer", "control")),
            self.signed(self.account("op/coop", "partner")),
            self.signed(self.register("op/coop", "coop"), "op", "coop"),
            self.signed(self.bind("op/coop", "partner", "op/coop")),
            self.signed(self.account("op/coop/anna", account="op/coop"), "coop"),
            self.signed(self.account("op/coop/jan", account="op/coop"), "coop"),
            self.signed(self.register("op/coop/anna", "anna", account="op/coop"), "coop", "anna"),
            self.signed(self.register("op/coop/jan", "jan", account="op/coop"), "coop", "jan"),
            self.signed(self.account("op/coop/meter", "meter")),
            self.signed(self.account("op/coop/gateway", "gateway")),
            self.signed(self.register("op/coop/gateway", "gateway"), "op", "gateway"),
            self.signed(self.register("op/coop/gateway", "gateway-reading", "reading"), "op", "gateway-reading"),
            self.signed(self.bind("op/coop/gateway", "gateway", "op/coop")),
            self.signed(self.asset("PLN/2")),
            *self.switched(roles),
            self.signed(self.asset("DUE/2", "claim", transferable=False)),
            self.signed(self.asset("KWH-IN/3", "metering", channels=("1.29.0",), transferable=False)),
            self.signed(self.post(("op/issuer", "PLN/2", -100_000), ("op/coop/anna", "PLN/2", 100_000))),
        ]

    def founded(self, *roles):
        outcomes = self.execute(*self.founding(*roles))
        assert {outcome.code for outcome in outcomes} == {"accepted"}, outcomes
        return self
