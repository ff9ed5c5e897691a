"""Payments under authority: limited keys, frozen accounts and quorums hold for every way to give."""

import msgspec
import pytest
from ledger_paying import ANNA, JAN, name_of

from ogniwo.core.ledger import transactions as tx
from ogniwo.core.ledger.outcomes import Code


@pytest.fixture
def limited(paying):
    """Anna's key gives at most 10.00 PLN at once and 25.00 PLN a day; she has a second one, "spare"."""
    paying.ok(paying.register(ANNA, "spare", account=ANNA), "anna", "spare")
    limit = tx.KeyLimit(asset="PLN/2", per_day=2_500, per_transfer=1_000)
    paying.ok(tx.SetKeyLimits(**paying.frame(account=ANNA), kid=paying.kid("anna"), limits=(limit,)), "anna")
    return paying


def used(paying):
    return sum(use.used for use in paying.machine.state.key_uses.values())


def test_a_limited_key_is_limited_in_every_way_to_give(limited):
    parts = [lambda **frame: limited.pay(ANNA, JAN, 900, **frame)] * 3
    for payload in (
        limited.hold(1_001),
        limited.pay_from(1_001, (ANNA, "PLN/2", 0)),
        limited.batch(*parts),
    ):
        assert limited.send(payload, "anna").code == Code.KEY_LIMIT
        assert used(limited) == 0
    limited.ok(limited.hold(1_001), "anna", "spare")
    limited.ok(limited.hold(1_000), "anna")
    limited.ok(limited.pay_from(900, (ANNA, "PLN/2", 0)), "anna")
    limited.ok(limited.batch(*[lambda **frame: limited.pay(ANNA, JAN, 300, **frame)] * 2), "anna")
    assert used(limited) == 2_500
    assert limited.send(limited.pay(ANNA, JAN, 1), "anna").code == Code.KEY_LIMIT


def test_settling_what_was_held_uses_the_limit_once(limited):
    name = limited.held(1_000)
    limited.ok(limited.settle(name, 1_000, account=ANNA), "anna")
    assert used(limited) == 1_000


def test_a_frozen_account_gives_nothing_in_any_way(paying):
    paying.ok(paying.pay(ANNA, JAN, 500), "anna")
    name = paying.held(1_000)
    paying.ok(tx.SetFrozen(**paying.frame(), frozen=True, path=ANNA))
    assert paying.send(paying.hold(1), "anna").code == Code.ACCOUNT_FROZEN
    assert paying.send(paying.pay_from(1, (ANNA, "PLN/2", 0)), "anna").code == Code.ACCOUNT_FROZEN
    assert paying.send(paying.settle(name, 1), "jan").code == Code.ACCOUNT_FROZEN
    paying.ok(paying.pay(JAN, ANNA, 500), "jan")
    assert paying.balance(ANNA) == 100_000


@pytest.mark.parametrize("permission", ["asset.policy", "payments.switch", "rule.define"])
def test_dangerous_rights_of_payments_wait_for_a_quorum(paying, permission):
    voices = tuple(tx.Voice(account=account, weight=1) for account in ("op", "op/arbiter"))
    policy = tx.SetPolicy(
        **paying.frame(),
        lifetime_s=3_600,
        permission=permission,
        policy=tx.Group(members=voices, need=2, weight=1),
        subtree="op",
        veto_accounts=(),
    )
    paying.ok(policy, "op", "arbiter")
    acts = {
        "asset.policy": lambda: paying.policy("PLN/2", transfer_max=5),
        "payments.switch": lambda: paying.switch(active=False),
        "rule.define": lambda: paying.rule("evening"),
    }
    assert paying.send(acts[permission](), "op").code == Code.QUORUM_NEEDED
    paying.ok(acts[permission](), "op", "arbiter")


def test_a_proposal_switches_payments_off_when_the_quorum_has_spoken(paying):
    voices = tuple(tx.Voice(account=account, weight=1) for account in ("op", "op/arbiter"))
    group = tx.Group(members=voices, need=2, weight=1)
    terms = {"lifetime_s": 3_600, "permission": "payments.switch", "policy": group, "subtree": "op"}
    paying.ok(tx.SetPolicy(**paying.frame(), **terms, veto_accounts=()), "op", "arbiter")
    frame = paying.frame()
    off = msgspec.structs.replace(paying.switch(active=False), id=frame["id"])
    proposal = paying.ok(tx.Propose(**frame, operation=off, until=paying.now + 60))
    assert paying.machine.state.switches["PLN/2"].active
    paying.ok(tx.Approve(**paying.frame(account="op/arbiter"), proposal=name_of(proposal)), "arbiter")
    switch = paying.machine.state.switches["PLN/2"]
    assert (switch.active, switch.transaction) == (False, name_of(proposal))
    assert paying.send(paying.pay(ANNA, JAN, 1), "anna").code == Code.PAYMENTS_OFF
