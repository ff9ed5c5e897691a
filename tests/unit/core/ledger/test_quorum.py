"""Quorums: threshold trees against their definition, proposals with approvals and vetoes, and ways around them."""

import itertools

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ogniwo.core.ledger import transactions as tx
from ogniwo.core.ledger.canonical import MalformedError, SchemaError, decode, encode
from ogniwo.core.ledger.outcomes import Code
from ogniwo.core.ledger.rulebook.proposals import OPEN_PROPOSALS_MOST
from ogniwo.core.ledger.rulebook.quorum import DANGEROUS, satisfied, voices

BOARD = ("op/anna", "op/jan", "op/eva")
HOUR_S = 3_600


@pytest.fixture
def coop(network):
    """Three board members, each with all rights; issuing money needs two of them, and "op/audit" may veto."""
    made = network.founded(*network.authority(tx.Role(name="auditor", permissions=("proposal.veto",))))
    for path in (*BOARD, "op/audit", "op/tom"):
        name = path.rpartition("/")[2]
        made.ok(made.account(path))
        made.ok(made.register(path, f"board-{name}"), "op", f"board-{name}")
    for path in BOARD:
        made.ok(made.bind(path, "operator", "op"))
    made.ok(policy(made, "asset.issue"))
    return made


def group(need, *members, weight=1):
    parts = tuple(tx.Voice(account=each, weight=1) if isinstance(each, str) else each for each in members)
    return tx.Group(members=parts, need=need, weight=weight)


def policy(network, permission, tree=None, *, subtree="op", vetoes=("op/audit",), lifetime=24 * HOUR_S, **changed):
    return tx.SetPolicy(
        **network.frame(**changed),
        lifetime_s=lifetime,
        permission=permission,
        policy=tree or group(2, *BOARD),
        subtree=subtree,
        veto_accounts=vetoes,
    )


def issue(network, amount=500, **changed):
    return network.post(("op/issuer", "PLN/2", -amount), ("op/coop/jan", "PLN/2", amount), **changed)


def propose(network, operation, *, until=None, **changed):
    frame = {name: getattr(operation, name) for name in ("account", "expires", "id")}
    return tx.Propose(**network.frame(**frame | changed), operation=operation, until=until or network.now + HOUR_S)


def proposed(network, operation, *names, **changed):
    """Send a proposal by these keys and give its name."""
    payload = network.ok(propose(network, operation, **changed), *names)
    found = [name for name, one in network.machine.state.proposals.items() if one.operation == payload.operation]
    return found[0]


def approve(network, proposal, account, **changed):
    return tx.Approve(**network.frame(account=account, **changed), proposal=proposal)


def veto(network, proposal, account):
    return tx.Veto(**network.frame(account=account), proposal=proposal)


def issued(network):
    return -network.machine.state.balance("op/issuer", "PLN/2") - 100_000


# Threshold trees

LETTERS = "abcdef"
VOICE = st.sampled_from(LETTERS)


def speaks(part, approvals):
    """The definition: a group speaks when some set of its speaking members weighs as much as it needs."""
    if isinstance(part, tx.Voice):
        return part.account in approvals
    speaking = [member for member in part.members if speaks(member, approvals)]
    return any(
        sum(member.weight for member in chosen) >= part.need
        for size in range(len(speaking) + 1)
        for chosen in itertools.combinations(speaking, size)
    )


@st.composite
def trees(draw, depth=4):
    members = tuple(
        draw(trees(depth=depth - 1))
        if depth > 1 and draw(st.booleans())
        else tx.Voice(account=draw(VOICE), weight=draw(st.integers(1, 4)))
        for _ in range(draw(st.integers(1, 3)))
    )
    return tx.Group(members=members, need=draw(st.integers(1, 8)), weight=draw(st.integers(1, 4)))


@settings(max_examples=300, deadline=None)
@given(tree=trees(), approvals=st.frozensets(VOICE))
def test_threshold_trees_speak_as_defined(tree, approvals):
    assert satisfied(tree, approvals) == speaks(tree, approvals)
    assert decode(encode(tree), msgspec.json.Decoder(tx.Group)) == tree
    more = approvals | set(voices(tree))
    assert satisfied(tree, more) or not satisfied(tree, approvals)  # another voice never hurts


def test_a_tree_is_at_most_four_groups_deep():
    tree = group(1, "op")
    for _ in range(3):
        tree = group(1, tree)
    with pytest.raises(ValueError, match="at most 4"):
        group(1, tree)
    raw = encode(tree)
    assert decode(raw, msgspec.json.Decoder(tx.Group)) == tree
    deeper = b'{"members":[' + raw + b'],"need":1,"part":"group","weight":1}'
    for _ in range(2):
        with pytest.raises((SchemaError, MalformedError)):
            decode(deeper, msgspec.json.Decoder(tx.Group))
        for _ in range(1_000):
            deeper = b'{"members":[' + deeper + b'],"need":1,"part":"group","weight":1}'


@pytest.mark.parametrize(
    "tree",
    [
        group(4, *BOARD),
        group(1, group(4, *BOARD)),
        group(1, "op/anna", "op/anna"),
        group(1, "op/anna", group(1, "op/anna", "op/jan")),
        group(1, "op/nobody"),
        group(1, "op/anna", "op/issuer"),  # has no key: cannot speak
        group(1, *(group(1, *(f"op/v{outer}-{inner}" for inner in range(33))) for outer in range(2))),
    ],
)
def test_policies_that_cannot_be_reached_are_refused(coop, tree):
    assert coop.send(policy(coop, "role.bind", tree)).code == Code.POLICY_FORM


# Who must speak


def test_enough_signatures_on_one_envelope_are_a_quorum(coop):
    assert coop.send(issue(coop)).code == Code.QUORUM_NEEDED
    assert coop.send(issue(coop), "op", "board-anna").code == Code.QUORUM_NEEDED
    coop.ok(issue(coop), "op", "board-anna", "board-jan")
    coop.ok(issue(coop, account="op/anna"), "board-anna", "board-jan")


def test_one_account_with_two_keys_has_one_voice(coop):
    coop.ok(coop.register("op/anna", "anna-two", account="op/anna"), "board-anna", "anna-two")
    assert coop.send(issue(coop), "op", "board-anna", "anna-two").code == Code.QUORUM_NEEDED
    name = proposed(coop, issue(coop, account="op/anna"), "board-anna", "anna-two")
    assert coop.send(approve(coop, name, "op/anna"), "anna-two").code == Code.ALREADY_APPROVED
    assert not issued(coop)


def test_the_nearest_policy_counts(coop):
    coop.ok(coop.account("op/coop/issuer", "control"))
    coop.ok(coop.asset("LOC/2", domain="op/coop", issuer="op/coop/issuer"))
    coop.ok(coop.switch("LOC/2"))
    nearer = policy(coop, "asset.issue", group(2, "op/tom", "op/eva"), subtree="op/coop")
    coop.ok(nearer, "op", "board-anna", "board-jan")
    out = coop.post(("op/coop/issuer", "LOC/2", -5), ("op/coop/jan", "LOC/2", 5))
    assert coop.send(out, "op", "board-anna", "board-jan").code == Code.QUORUM_NEEDED
    again = msgspec.structs.replace(out, id="f" * 32)
    coop.ok(again, "op", "board-tom", "board-eva")
    coop.ok(issue(coop), "op", "board-anna", "board-jan")


def test_a_right_without_a_policy_needs_nobody_else(coop):
    coop.ok(coop.account("op/new"))
    assert coop.send(propose(coop, coop.account("op/newer"))).code == Code.QUORUM_NOT_NEEDED


# Proposals


def test_a_proposal_runs_with_the_voice_that_completes_it(coop):
    name = proposed(coop, issue(coop))
    coop.ok(approve(coop, name, "op/anna"), "board-anna")
    assert not issued(coop)
    coop.ok(approve(coop, name, "op/eva"), "board-eva")
    assert issued(coop) == 500
    assert coop.send(approve(coop, name, "op/jan"), "board-jan").code == Code.UNKNOWN_PROPOSAL
    assert issued(coop) == 500


def test_a_proposal_with_enough_signatures_runs_at_once(coop):
    coop.ok(propose(coop, issue(coop)), "op", "board-anna", "board-jan")
    assert issued(coop) == 500
    assert not coop.machine.state.proposals


def test_the_same_proposal_cannot_be_made_and_run_twice(coop):
    payload = propose(coop, issue(coop, account="op/anna"), account="op/anna")
    envelope = coop.signed(payload, "board-anna")
    assert coop.execute(envelope)[0].accepted
    (name,) = coop.machine.state.proposals
    coop.ok(approve(coop, name, "op/jan"), "board-jan")
    assert coop.execute(envelope)[0].code == "ledger.exists"
    by_itself = coop.send(payload.operation, "board-anna", "board-jan")
    assert by_itself.code == Code.ID_CONFLICT
    assert issued(coop) == 500


def test_a_proposal_allows_nobody_more_than_he_may(coop):
    assert coop.send(propose(coop, issue(coop, account="op/tom")), "board-tom").code == Code.NOT_PERMITTED
    name = proposed(coop, issue(coop, account="op/anna"), "board-anna")
    coop.ok(tx.UnbindRole(**coop.frame(), role="operator", subject="op/anna", subtree="op"))
    late = coop.send(approve(coop, name, "op/jan"), "board-jan")
    assert late.code == Code.NOT_PERMITTED
    assert name in coop.machine.state.proposals
    assert not issued(coop)


@pytest.mark.parametrize(
    "change", [{"account": "op/anna"}, {"id": "a" * 32}, {"expires": 1}, {"network": "x"}, {"v": 2}]
)
def test_nobody_proposes_in_anothers_name_or_frame(coop, change):
    inner = issue(coop, account="op/tom")
    payload = propose(coop, inner)
    payload = msgspec.structs.replace(payload, operation=msgspec.structs.replace(inner, **change))
    assert coop.send(payload, "board-tom").code == Code.PROPOSAL_FRAME


def test_readings_are_not_proposed(coop):
    operation = coop.mint(coop.record())
    assert coop.send(propose(coop, operation), "gateway").code == Code.NOT_PROPOSABLE


def test_voices_come_from_those_who_have_one_once(coop):
    name = proposed(coop, issue(coop))
    assert coop.send(approve(coop, name, "op/tom"), "board-tom").code == Code.NO_VOICE
    coop.ok(approve(coop, name, "op/anna"), "board-anna")
    assert coop.send(approve(coop, name, "op/anna"), "board-anna").code == Code.ALREADY_APPROVED
    assert coop.send(approve(coop, "a" * 64, "op/anna"), "board-anna").code == Code.UNKNOWN_PROPOSAL
    assert not issued(coop)


def test_a_frozen_accounts_voice_does_not_count(coop):
    name = proposed(coop, issue(coop))
    coop.ok(approve(coop, name, "op/anna"), "board-anna")
    coop.ok(tx.SetFrozen(**coop.frame(), frozen=True, path="op/anna"))
    coop.ok(tx.SetFrozen(**coop.frame(), frozen=True, path="op/jan"))
    assert coop.send(approve(coop, name, "op/jan"), "board-jan").code == Code.ACCOUNT_FROZEN
    coop.ok(approve(coop, name, "op/eva"), "board-eva")
    assert not issued(coop)
    coop.ok(tx.SetFrozen(**coop.frame(), frozen=False, path="op/jan"))
    coop.ok(approve(coop, name, "op/jan"), "board-jan")
    assert issued(coop) == 500


def test_a_frozen_proposers_proposal_does_not_run(coop):
    name = proposed(coop, issue(coop, account="op/anna"), "board-anna")
    coop.ok(tx.SetFrozen(**coop.frame(), frozen=True, path="op/anna"))
    assert coop.send(approve(coop, name, "op/jan"), "board-jan").code == Code.ACCOUNT_FROZEN


def test_a_voice_given_by_a_revoked_key_does_not_count_and_can_be_given_again(coop):
    coop.ok(coop.register("op/anna", "anna-two", account="op/anna"), "board-anna", "anna-two")
    name = proposed(coop, issue(coop))
    coop.ok(approve(coop, name, "op/anna"), "board-anna")
    coop.ok(tx.RevokeKey(**coop.frame(account="op/anna"), kid=coop.kid("board-anna")), "anna-two")
    coop.ok(approve(coop, name, "op/jan"), "board-jan")
    assert not issued(coop)
    coop.ok(approve(coop, name, "op/anna"), "anna-two")
    assert issued(coop) == 500


def test_a_stolen_keys_proposal_dies_with_the_key(coop):
    coop.ok(coop.register("op/anna", "anna-two", account="op/anna"), "board-anna", "anna-two")
    name = proposed(coop, issue(coop, account="op/anna"), "board-anna")
    coop.ok(tx.RevokeKey(**coop.frame(account="op/anna"), kid=coop.kid("board-anna")), "anna-two")
    assert coop.send(approve(coop, name, "op/jan"), "board-jan").code == Code.KEY_NOT_ACTIVE


def test_proposals_end_by_time(coop):
    assert coop.send(propose(coop, issue(coop), until=coop.now)).code == Code.PROPOSAL_LIFETIME
    assert coop.send(propose(coop, issue(coop), until=coop.now + 24 * HOUR_S + 1)).code == Code.PROPOSAL_LIFETIME
    name = proposed(coop, issue(coop), until=coop.now + 100)
    coop.ok(approve(coop, name, "op/anna"), "board-anna")
    coop.now += 100
    assert coop.send(approve(coop, name, "op/jan"), "board-jan").code == Code.PROPOSAL_EXPIRED
    assert not issued(coop)


def test_open_proposals_are_limited_and_expired_ones_make_room(coop):
    for _ in range(OPEN_PROPOSALS_MOST):
        proposed(coop, issue(coop), until=coop.now + 100)
    assert coop.send(propose(coop, issue(coop))).code == Code.TOO_MANY
    proposed(coop, issue(coop, account="op/anna"), "board-anna")
    coop.now += 100
    proposed(coop, issue(coop))
    assert len(coop.machine.state.proposals) == 2


def test_veto_and_withdrawal_end_a_proposal(coop):
    first, second, third = (proposed(coop, issue(coop)) for _ in range(3))
    assert coop.send(veto(coop, first, "op/tom"), "board-tom").code == Code.NOT_PERMITTED
    coop.ok(veto(coop, first, "op/audit"), "board-audit")
    coop.ok(veto(coop, second, "op"))
    coop.ok(coop.bind("op/tom", "auditor", "op"))
    coop.ok(veto(coop, third, "op/tom"), "board-tom")
    for name in (first, second, third):
        assert coop.send(approve(coop, name, "op/anna"), "board-anna").code == Code.UNKNOWN_PROPOSAL


def test_an_operation_that_fails_leaves_its_proposal_open(coop):
    limit = 2**53 - 1
    name = proposed(coop, issue(coop, limit - 100_000))
    coop.ok(approve(coop, name, "op/anna"), "board-anna")
    coop.ok(issue(coop, 1), "op", "board-anna", "board-jan")
    root = coop.machine.state.root()
    late = coop.send(approve(coop, name, "op/jan"), "board-jan")
    assert (late.code, late.recorded) == (Code.AMOUNT_OUT_OF_RANGE, True)
    assert coop.machine.state.root() == root
    back = coop.post(("op/coop/jan", "PLN/2", -1), ("op/issuer", "PLN/2", 1), account="op/coop/jan")
    coop.ok(back, "jan")
    coop.ok(approve(coop, name, "op/jan"), "board-jan")
    assert coop.machine.state.balance("op/issuer", "PLN/2") == -limit


def test_everything_an_operation_demands_needs_its_quorum(coop):
    """The first policy on policies needs all those it will govern; each tree is asked for itself."""
    coop.ok(policy(coop, "role.bind", group(2, "op/tom", "op/eva")), "op")
    name = proposed(coop, policy(coop, "policy.set"))
    assert coop.machine.state.proposals[name].policies == (("asset.issue", "op"), ("role.bind", "op"))
    for speaker in ("anna", "jan", "tom"):
        coop.ok(approve(coop, name, f"op/{speaker}"), f"board-{speaker}")
        assert ("policy.set", "op") not in coop.machine.state.policies
    coop.ok(approve(coop, name, "op/eva"), "board-eva")
    assert ("policy.set", "op") in coop.machine.state.policies


def test_a_key_is_registered_by_proposal_and_counts_at_once(coop):
    coop.ok(policy(coop, "key.register"))
    key = coop.register("op/coop/eva", "eva")
    coop.ok(coop.account("op/coop/eva"))
    assert coop.send(propose(coop, key), "op").code == Code.KEY_NOT_PROVEN
    key = msgspec.structs.replace(key, id="b" * 32)
    name = proposed(coop, key, "op", "eva")
    coop.ok(approve(coop, name, "op/anna"), "board-anna")
    last = coop.signed(approve(coop, name, "op/jan"), "board-jan")
    coop.ok(coop.post(("op/coop/anna", "PLN/2", -5), ("op/coop/eva", "PLN/2", 5), account="op/coop/anna"), "anna")
    used = coop.signed(coop.pay("op/coop/eva", "op/coop/jan", 5), "eva")
    assert [outcome.code for outcome in coop.execute(last, used)] == ["accepted", "accepted"]


# No one-man downgrade


def test_a_policy_is_changed_by_its_own_quorum(coop):
    weaker = policy(coop, "asset.issue", group(1, "op/anna"))
    assert coop.send(weaker, "op").code == Code.QUORUM_NEEDED
    nearer = policy(coop, "asset.issue", group(1, "op"), subtree="op/issuer")
    assert coop.send(nearer, "op").code == Code.QUORUM_NEEDED
    name = proposed(coop, msgspec.structs.replace(weaker, id="c" * 32))
    coop.ok(approve(coop, name, "op/anna"), "board-anna")
    coop.ok(approve(coop, name, "op/jan"), "board-jan")
    coop.ok(issue(coop), "op", "board-anna")


def test_nobody_sets_the_quorum_of_policies_for_himself_to_undo_the_others(coop):
    for subtree in ("op", "op/issuer"):
        alone = policy(coop, "policy.set", group(1, "op"), subtree=subtree)
        assert coop.send(alone, "op").code == Code.QUORUM_NEEDED
    coop.ok(policy(coop, "policy.set"), "op", "board-anna", "board-jan")
    weaker = policy(coop, "asset.issue", group(1, "op"))
    assert coop.send(weaker, "op", "board-anna").code == Code.QUORUM_NEEDED
    coop.ok(msgspec.structs.replace(weaker, id="d" * 32), "op", "board-eva", "board-jan")


def test_a_policy_cannot_be_set_over_what_one_does_not_hold(coop):
    assert coop.send(policy(coop, "asset.issue", account="op/tom"), "board-tom").code == Code.NOT_PERMITTED
    coop.ok(tx.DefineRole(**coop.frame(), name="rules", permissions=("policy.set",)))
    coop.ok(coop.bind("op/tom", "rules", "op"))
    assert coop.send(policy(coop, "claim.post", account="op/tom"), "board-tom").code == Code.BEYOND_OWN_RIGHTS
    assert coop.send(policy(coop, "claim.post", subtree="op/none")).code == Code.UNKNOWN_ACCOUNT


def test_every_dangerous_right_can_stand_under_a_quorum(coop):
    for permission in DANGEROUS:
        if permission != "asset.issue":
            coop.ok(policy(coop, permission), "op", "board-anna", "board-jan")
    freeze = tx.SetFrozen(**coop.frame(), frozen=True, path="op/tom")
    assert coop.send(freeze).code == Code.QUORUM_NEEDED
    assert coop.send(coop.bind("op/tom", "officer", "op")).code == Code.QUORUM_NEEDED
    role = tx.DefineRole(**coop.frame(), name="king", permissions=("role.bind",))
    assert coop.send(role).code == Code.QUORUM_NEEDED
    validator = tx.SetValidator(**coop.frame(), power=1, subject="op/tom", validator="ab" * 32)
    assert coop.send(validator).code == Code.QUORUM_NEEDED
    assert coop.send(tx.RevokeKey(**coop.frame(), kid=coop.kid("board-tom"))).code == Code.QUORUM_NEEDED
