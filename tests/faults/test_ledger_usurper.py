"""Who reaches for more than is his, through the front door: each attack gets its code and changes nothing."""

import importlib.util
import json
import sys
from pathlib import Path

import pytest

from ogniwo.chain.embedded import EmbeddedLedger
from ogniwo.core.ledger import transactions as tx
from ogniwo.core.ledger.canonical import encode
from ogniwo.core.ledger.signing import base64url, public_key_of, sign

NETWORK = Path(__file__).parents[1] / "unit" / "core" / "ledger" / "network.py"
ANNA, JAN = "op/coop/anna", "op/coop/jan"
HOUR_S = 3_600


def new_network():
    if "ledger_network" not in sys.modules:
        specification = importlib.util.spec_from_file_location("ledger_network", NETWORK)
        sys.modules["ledger_network"] = importlib.util.module_from_spec(specification)
        specification.loader.exec_module(sys.modules["ledger_network"])
    return sys.modules["ledger_network"].Network()


def policy(coop, *accounts, need=2, permission="asset.issue", **changed):
    tree = tx.Group(members=tuple(tx.Voice(account=path, weight=1) for path in accounts), need=need, weight=1)
    return tx.SetPolicy(
        **coop.frame(**changed),
        lifetime_s=24 * HOUR_S,
        permission=permission,
        policy=tree,
        subtree="op",
        veto_accounts=(),
    )


@pytest.fixture
def board(tmp_path):
    """Operator, cooperative and Anna hold all rights; issuing needs two of them. Anna has a second, limited key."""
    coop = new_network()
    limit = tx.KeyLimit(asset="PLN/2", per_day=10, per_transfer=10)
    with EmbeddedLedger(tmp_path / "ledger.sqlite3", clock=lambda: coop.now, workers=2) as ledger:
        ledger.submit(coop.founding(*coop.authority()))
        answers = ledger.submit(
            [
                coop.signed(coop.bind("op/coop", "operator", "op")),
                coop.signed(coop.bind(ANNA, "operator", "op")),
                coop.signed(coop.register(ANNA, "anna-two", account=ANNA), "anna", "anna-two"),
                coop.signed(
                    tx.SetKeyLimits(**coop.frame(account=ANNA), kid=coop.kid("anna-two"), limits=(limit,)), "anna"
                ),
                coop.signed(policy(coop, "op", "op/coop", ANNA)),
            ]
        )
        assert {answer.code for answer in answers} == {"accepted"}
        yield ledger, coop


def issue(coop, **changed):
    return coop.post(("op/issuer", "PLN/2", -5), (ANNA, "PLN/2", 5), **changed)


def propose(coop, operation, **changed):
    frame = {name: getattr(operation, name) for name in ("account", "expires", "id")}
    return tx.Propose(**coop.frame(**frame | changed), operation=operation, until=coop.now + HOUR_S)


def deep(coop):
    raw = encode(policy(coop, "op", "op/coop", ANNA))
    inner = raw[raw.index(b'"policy":') + 9 : raw.index(b',"reason"')]
    outer = inner
    for _ in range(100):
        outer = b'{"members":[' + outer + b'],"need":1,"part":"group","weight":1}'
    return sign(raw.replace(inner, outer), keys=[coop.key("op")])


def recovery(coop, account):
    return tx.StartRecovery(
        **coop.frame(account=account), device="x", key=public_key_of(coop.key("thief")), subject=JAN
    )


ATTACKS = {
    "alone": (lambda coop: coop.signed(issue(coop)), "ledger.quorum_needed"),
    "two keys of one person": (
        lambda coop: coop.signed(issue(coop, account=ANNA), "anna", "anna-two"),
        "ledger.quorum_needed",
    ),
    "one key twice": (lambda coop: coop.signed(issue(coop), "op", "op"), "ledger.duplicate_signer"),
    "a voice from outside": (lambda coop: coop.signed(issue(coop), "op", "jan"), "ledger.quorum_needed"),
    "a policy of his own": (lambda coop: coop.signed(policy(coop, "op", need=1)), "ledger.quorum_needed"),
    "a policy on policies of his own": (
        lambda coop: coop.signed(policy(coop, "op", need=1, permission="policy.set")),
        "ledger.quorum_needed",
    ),
    "a policy as deep as the stack": (deep, "ledger.schema"),
    "a proposal beyond his rights": (
        lambda coop: coop.signed(propose(coop, issue(coop, account=JAN)), "jan"),
        "ledger.not_permitted",
    ),
    "a proposal in another's name": (
        lambda coop: coop.signed(propose(coop, issue(coop), account=JAN), "jan"),
        "ledger.proposal_frame",
    ),
    "a new role": (
        lambda coop: coop.signed(
            tx.DefineRole(**coop.frame(account=JAN), name="king", permissions=("role.bind",)), "jan"
        ),
        "ledger.not_permitted",
    ),
    "a limited key frees itself": (
        lambda coop: coop.signed(
            tx.SetKeyLimits(**coop.frame(account=ANNA), kid=coop.kid("anna-two"), limits=()), "anna-two"
        ),
        "ledger.second_key_needed",
    ),
    "a limited key brings another": (
        lambda coop: coop.signed(coop.register(ANNA, "thief", account=ANNA), "anna-two", "thief"),
        "ledger.second_key_needed",
    ),
    "beyond the limit": (lambda coop: coop.signed(coop.pay(ANNA, JAN, 11), "anna-two"), "ledger.key_limit"),
    "a member taken over at once": (
        lambda coop: coop.signed(coop.register(JAN, "thief"), "op", "thief"),
        "ledger.recovery_needed",
    ),
    "a recovery by one person": (
        lambda coop: coop.signed(recovery(coop, ANNA), "anna", "anna-two", "thief"),
        "ledger.second_key_needed",
    ),
    "a recovery of his own": (lambda coop: coop.signed(recovery(coop, JAN), "jan", "thief"), "ledger.not_permitted"),
    "a validator of his own": (
        lambda coop: coop.signed(
            tx.SetValidator(**coop.frame(account=JAN), power=1_000, subject=JAN, validator="ab" * 32), "jan"
        ),
        "ledger.not_permitted",
    ),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_refused_with_its_code(board, attack):
    ledger, coop = board
    make, code = ATTACKS[attack]
    with ledger.reading() as state:
        before = dict(state.entries())
    (answer,) = ledger.submit([make(coop)])
    assert answer.code == code, answer
    with ledger.reading() as state:
        assert dict(state.entries()) == before


def test_a_forged_voice_is_none(board):
    """The signature of an approval is put under another one."""
    ledger, coop = board
    (answer,) = ledger.submit([coop.signed(propose(coop, issue(coop)))])
    voice = {"proposal": answer.transaction}
    real = json.loads(coop.signed(tx.Approve(**coop.frame(account=ANNA), **voice), "anna"))
    other = tx.Approve(**coop.frame(account=ANNA), proposal="0" * 64)
    forged = json.loads(coop.signed(other, "anna"))
    forged["payload"] = real["payload"]
    assert base64url(encode(other)) != real["payload"]
    raw = json.dumps(forged, sort_keys=True, separators=(",", ":")).encode()
    assert ledger.submit([raw])[0].code == "ledger.signature"
    with ledger.reading() as state:
        assert [len(proposal.approvals) for proposal in state.proposals.values()] == [1]
