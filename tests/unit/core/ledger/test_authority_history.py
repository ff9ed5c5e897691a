"""Histories of authority: random ones keep the promises, and all of them replay and restore to the same state."""

import ledger_network  # made by conftest.py; hypothesis takes no function-scoped fixture
from hypothesis import given, settings
from hypothesis import strategies as st

from ogniwo.core.ledger import transactions as tx
from ogniwo.core.ledger.admission import open_transaction
from ogniwo.core.ledger.machine import Machine
from ogniwo.core.ledger.rulebook.permissions import administrators
from ogniwo.core.ledger.rulebook.proposals import OPEN_PROPOSALS_MOST
from ogniwo.core.ledger.rulebook.recovery import WAIT_S
from ogniwo.core.ledger.signing import public_key_of
from ogniwo.core.ledger.state import State

PEOPLE = {"op": "op", "op/coop": "coop", "op/coop/anna": "anna", "op/coop/jan": "jan"}
BOARD = ("op", "op/coop", "op/coop/anna")
PERMISSIONS = ("asset.issue", "role.bind", "policy.set", "account.freeze")
WHO = st.sampled_from(sorted(PEOPLE))
KINDS = {
    "propose": 8,
    "approve": 12,
    "unbind": 4,
    "bind": 2,
    "pay": 4,
    "limits": 2,
    "issue": 1,
    "veto": 1,
    "freeze": 1,
    "thaw": 2,
    "policy": 1,
    "lend": 1,
    "wait": 1,
}
STEP = st.tuples(
    st.sampled_from([kind for kind, times in KINDS.items() for _ in range(times)]),
    WHO,
    st.lists(WHO, max_size=1),
    st.integers(0, 7),
)


def members(*accounts):
    return tuple(tx.Voice(account=account, weight=1) for account in accounts)


def policy(network, account, number):
    return tx.SetPolicy(
        **network.frame(account=account),
        lifetime_s=3_600,
        permission=PERMISSIONS[number % 4],
        policy=tx.Group(members=members(*(BOARD if number < 4 else (account,))), need=2 if number < 4 else 1, weight=1),
        subtree="op",
        veto_accounts=("op/coop/jan",),
    )


def step(network, kind, account, number):
    """The payload of one random step, made from the state as it is."""
    frame = network.frame(account=account)
    path = sorted(PEOPLE)[number % 4]
    if kind in {"propose", "approve", "veto"}:
        return voice(network, kind, account, number)
    if kind in {"freeze", "thaw"}:
        return tx.SetFrozen(**frame, frozen=kind == "freeze", path=path)
    if kind == "policy":
        return policy(network, account, number)
    return right(network, kind, frame, path, number)


def voice(network, kind, account, number):
    frame, proposals = network.frame(account=account), network.machine.state.proposals
    if kind == "propose":
        inner = step(
            network, ("issue", "issue", "issue", "issue", "freeze", "bind", "policy", "unbind")[number], account, number
        )
        same = {field: getattr(inner, field) for field in ("account", "expires", "id")}
        return tx.Propose(**network.frame(**same), operation=inner, until=network.now + 300 * (1 + number))
    name = (sorted(proposals) or ["a" * 64])[number % max(len(proposals), 1)]
    return tx.Approve(**frame, proposal=name) if kind == "approve" else tx.Veto(**frame, proposal=name)


def right(network, kind, frame, path, number):
    account = frame["account"]
    if kind == "bind":
        return network.bind(path, "operator", "op", account=account)
    if kind == "unbind":
        return tx.UnbindRole(**frame, role="operator", subject=path, subtree="op")
    if kind == "lend":
        times = {"valid_from": 0, "valid_to": network.now + 900}
        return tx.LendRight(**frame, permission="asset.issue", subject=path, subtree="op", **times)
    if kind == "limits":
        limit = tx.KeyLimit(asset="PLN/2", per_day=5 * number, per_transfer=3)
        return tx.SetKeyLimits(**frame, kid=network.kid(PEOPLE[path]), limits=(limit,))
    if kind == "issue":
        return network.post(("op/issuer", "PLN/2", -1), (path, "PLN/2", 1), account=account)
    return network.pay(account, path if path != account else "op/coop", 1 + number)


class Oracle:
    """Keeps who signed for which issue of money, and that none happens without its quorum or twice."""

    def __init__(self, network):
        self.network = network
        self.spoken = {}
        self.done = set()

    def issued(self):
        return -self.network.machine.state.balance("op/issuer", "PLN/2")

    def signed_by(self, payload, accounts):
        """The accounts that signed for what a payload may carry out."""
        if isinstance(payload, tx.Approve):
            return self.spoken.setdefault(payload.proposal, set()) | accounts
        return set(accounts)

    def check(self, payload, accounts, before, quorum):
        signers = self.signed_by(payload, accounts)
        issued = self.issued() - before
        assert issued in (0, 1)
        if issued and quorum is not None:
            speaking = [voice for voice in quorum.policy.members if voice.account in signers]
            assert len(speaking) >= quorum.policy.need
        if isinstance(payload, tx.Approve):
            self.spoken[payload.proposal] = signers
            assert payload.proposal not in self.done
            if issued:
                self.done.add(payload.proposal)


def replayed(network):
    twin = Machine()
    for block in network.blocks:
        twin.replay(block)
    return twin


def same_everywhere(network):
    """Replay gives the same state, a snapshot brings it back, and the incremental root is the root of everything."""
    state, twin = network.machine.state, replayed(network)
    assert twin.state.root() == state.root()
    assert twin.log.root() == network.machine.log.root()
    restored = State.restored(state.entries())
    assert restored.root() == state.root()
    assert dict(restored.entries()) == dict(state.entries())
    assert {kid: restored.keys.grouped(kid) for kid in PEOPLE} == {kid: state.keys.grouped(kid) for kid in PEOPLE}
    for account in PEOPLE:
        assert sorted(restored.loans.grouped(account)) == sorted(state.loans.grouped(account))
        assert sorted(restored.proposals.grouped(account)) == sorted(state.proposals.grouped(account))


@settings(max_examples=60, deadline=None)
@given(history=st.lists(STEP, min_size=20, max_size=40))
def test_random_histories_keep_the_promises(history):
    network = ledger_network.Network()
    network.founded(*network.authority())
    for path in BOARD[1:]:
        network.ok(network.bind(path, "operator", "op"))
    network.ok(policy(network, "op", 0))
    state, oracle = network.machine.state, Oracle(network)
    for kind, account, others, number in history:
        if kind == "wait":
            network.now += 400 * number
            continue
        payload = step(network, kind, account, number)
        signers = sorted({account, *others})
        root, before, quorum = state.root(), oracle.issued(), state.policies.get(("asset.issue", "op"))
        outcome = network.send(payload, *(PEOPLE[path] for path in signers))
        if not outcome.accepted:
            assert state.root() == root
        else:
            if isinstance(payload, tx.Propose):
                name = open_transaction(network.signed(payload)).transaction
                oracle.spoken[name] = set(signers)
            oracle.check(payload, set(signers), before, quorum)
        assert administrators(state, network.now)
        assert not any(state.sums.values())
        assert all(len(state.proposals.grouped(path)) <= OPEN_PROPOSALS_MOST for path in PEOPLE)
        assert len(state.key_uses) <= len(state.key_limits)
    same_everywhere(network)


def test_a_history_of_every_operation_replays_and_restores(network):
    """All kinds of records stand in the state at once, and some have gone again."""
    network.founded(*network.authority())
    anna = "op/coop/anna"
    for path in BOARD[1:]:
        network.ok(network.bind(path, "operator", "op"))
    network.ok(tx.DefineRole(**network.frame(), name="clerk", permissions=("anchor.write",)))
    network.ok(network.register(anna, "spare", account=anna), "anna", "spare")
    limits = (tx.KeyLimit(asset="PLN/2", per_day=50, per_transfer=20),)
    network.ok(tx.SetKeyLimits(**network.frame(account=anna), kid=network.kid("anna"), limits=limits), "anna")
    network.ok(network.pay(anna, "op/coop/jan", 20), "anna")
    loan = {"permission": "anchor.write", "subtree": "op/coop", "valid_from": 0, "valid_to": network.now + 10**6}
    network.ok(tx.LendRight(**network.frame(), subject="op/coop/jan", **loan))
    network.ok(tx.SetFrozen(**network.frame(), frozen=True, path="op/coop/meter"))
    for power, validator in ((1, "aa" * 32), (2, "bb" * 32), (0, "aa" * 32)):
        network.ok(tx.SetValidator(**network.frame(), power=power, subject="op", validator=validator))
    start = {"device": "phone", "key": public_key_of(network.key("jan-new")), "subject": "op/coop/jan"}
    network.ok(tx.StartRecovery(**network.frame(), **start), "op", "anna", "jan-new")
    network.ok(policy(network, "op", 0))
    network.ok(policy(network, "op", 1))
    for _ in range(2):
        network.ok(step(network, "propose", "op", 0))
    first, _ = sorted(network.machine.state.proposals)
    network.ok(tx.Approve(**network.frame(account=anna), proposal=first), "anna")
    state = network.machine.state
    assert {"loan", "policy", "proposal", "key-limits", "key-use", "frozen", "recovery", "role", "validator"} <= {
        word for word, table in state.tables.items() if table
    }
    same_everywhere(network)
    network.now += WAIT_S
    network.ok(tx.FinishRecovery(**network.frame(), subject="op/coop/jan"))
    network.ok(network.pay("op/coop/jan", anna, 1), "jan-new")
    same_everywhere(network)
