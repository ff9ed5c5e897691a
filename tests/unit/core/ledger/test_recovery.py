"""Recovery: two people, three days in the open, and a member who can stop it."""

import msgspec
import pytest

from ogniwo.core.ledger import transactions as tx
from ogniwo.core.ledger.outcomes import Code
from ogniwo.core.ledger.rulebook.recovery import FINISH_S, WAIT_S
from ogniwo.core.ledger.signing import public_key_of

ANNA = "op/coop/anna"


@pytest.fixture
def coop(network):
    """Eva and Jan are officers of the cooperative; both hold key.recover over it."""
    made = network.founded(*network.authority())
    made.ok(made.account("op/coop/eva"))
    made.ok(made.register("op/coop/eva", "eva"), "op", "eva")
    for name in ("eva", "jan"):
        made.ok(made.bind(f"op/coop/{name}", "officer", "op/coop"))
    return made


def start(network, *, account="op/coop/eva", subject=ANNA, name="anna-new", **changed):
    return tx.StartRecovery(
        **network.frame(account=account, **changed),
        device="phone",
        key=public_key_of(network.key(name)),
        subject=subject,
    )


def finish(network, *, account="op/coop/eva", subject=ANNA):
    return tx.FinishRecovery(**network.frame(account=account), subject=subject)


def stop(network, *, account=ANNA, subject=ANNA):
    return tx.StopRecovery(**network.frame(account=account), subject=subject)


def revoke(network, name, account="op/coop"):
    return tx.RevokeKey(**network.frame(account=account), kid=network.kid(name))


def test_two_people_give_a_new_key_after_three_days(coop):
    coop.ok(coop.register(ANNA, "anna-tablet", account=ANNA), "anna", "anna-tablet")
    coop.ok(start(coop), "eva", "jan", "anna-new")
    pending = coop.machine.state.recoveries[ANNA]
    assert (pending.by, pending.due, pending.second) == ("op/coop/eva", coop.now + WAIT_S, coop.kid("jan"))
    assert WAIT_S == 72 * 3_600
    coop.now += WAIT_S - 1
    assert coop.send(finish(coop), "eva").code == Code.RECOVERY_WAITS
    coop.ok(coop.pay(ANNA, "op/coop/jan", 1), "anna")  # until then the old keys work
    coop.now += 1
    early = coop.send(coop.pay(ANNA, "op/coop/jan", 1), "anna-new")
    assert early.code == Code.UNKNOWN_KEY
    coop.ok(finish(coop), "eva")
    for old in ("anna", "anna-tablet"):
        assert coop.send(coop.pay(ANNA, "op/coop/jan", 1), old).code == Code.KEY_NOT_ACTIVE
    coop.ok(coop.pay(ANNA, "op/coop/jan", 1), "anna-new")
    assert coop.send(finish(coop), "eva").code == Code.NO_RECOVERY


def test_the_second_key_may_be_the_members_own_for_recovery(coop):
    coop.ok(coop.register(ANNA, "card", "recovery", account=ANNA), "anna", "card")
    assert coop.send(coop.pay(ANNA, "op/coop/jan", 1), "card").code == Code.KEY_PURPOSE
    assert coop.send(start(coop, subject="op/coop/meter"), "eva", "card", "anna-new").code == Code.KEY_PURPOSE
    coop.ok(start(coop), "eva", "card", "anna-new")
    coop.now += WAIT_S
    coop.ok(finish(coop), "eva")
    record = coop.machine.state.keys[coop.kid("card")]
    assert not record.revoked


def test_one_person_with_two_hats_recovers_nothing(coop):
    """Two keys of one account, a borrowed right, a bystander, the thief's own new key: none is a second person."""
    coop.ok(coop.register("op/coop/eva", "eva-two", account="op/coop/eva"), "eva", "eva-two")
    assert coop.send(start(coop), "eva", "eva-two", "anna-new").code == Code.SECOND_KEY_NEEDED
    assert coop.send(start(coop), "eva", "anna-new").code == Code.SECOND_KEY_NEEDED
    assert coop.send(start(coop), "eva", "coop", "anna-new").code == Code.SECOND_KEY_NEEDED
    loan = tx.LendRight(
        **coop.frame(account="op/coop/eva"),
        permission="key.recover",
        subject="op/coop",
        subtree="op/coop",
        valid_from=0,
        valid_to=coop.now + 1_000,
    )
    coop.ok(loan, "eva")
    assert coop.send(start(coop), "eva", "coop", "anna-new").code == Code.SECOND_KEY_NEEDED
    assert coop.send(start(coop, account="op/coop"), "coop", "eva", "anna-new").code == Code.NOT_PERMITTED
    assert coop.send(start(coop), "eva", "anna", "anna-new").code == Code.SECOND_KEY_NEEDED
    coop.ok(coop.register("op/coop/eva", "eva-card", "recovery", account="op/coop/eva"), "eva", "eva-card")
    assert coop.send(start(coop), "eva", "eva-card", "anna-new").code == Code.KEY_PURPOSE


@pytest.mark.parametrize("name", ["anna", "card"])
def test_the_member_stops_it_with_any_working_key(coop, name):
    coop.ok(coop.register(ANNA, "card", "recovery", account=ANNA), "anna", "card")
    coop.ok(start(coop), "eva", "jan", "anna-new")
    assert coop.send(start(coop, name="other"), "eva", "jan", "other").code == Code.RECOVERY_PENDING
    coop.ok(stop(coop), name)
    coop.now += WAIT_S
    assert coop.send(finish(coop), "eva").code == Code.NO_RECOVERY
    assert coop.send(stop(coop), name).code == Code.NO_RECOVERY
    coop.ok(coop.pay(ANNA, "op/coop/jan", 1), "anna")


def test_a_frozen_member_can_still_stop_it(coop):
    coop.ok(start(coop), "eva", "jan", "anna-new")
    coop.ok(tx.SetFrozen(**coop.frame(account="op/coop/eva"), frozen=True, path=ANNA), "eva")
    coop.ok(stop(coop), "anna")
    assert coop.send(coop.pay(ANNA, "op/coop/jan", 1), "anna").code == Code.ACCOUNT_FROZEN


def test_who_began_it_may_stop_it_and_others_may_not(coop):
    coop.ok(start(coop), "eva", "jan", "anna-new")
    assert coop.send(stop(coop, account="op/coop/jan"), "jan").code == Code.NOT_PERMITTED
    coop.ok(stop(coop, account="op/coop/eva"), "eva")


def test_nobody_takes_away_the_way_to_stop_it(coop):
    """A registrar may end keys that were lost, but not the key for recovery, nor register one for the member."""
    coop.ok(coop.register(ANNA, "card", "recovery", account=ANNA), "anna", "card")
    assert coop.send(revoke(coop, "card"), "coop").code == Code.NOT_PERMITTED
    assert coop.send(revoke(coop, "card", "op")).code == Code.NOT_PERMITTED
    own = coop.register(ANNA, "thief-card", "recovery")
    assert coop.send(own, "op", "thief-card").code == Code.NOT_PERMITTED
    coop.ok(revoke(coop, "anna"), "coop")
    for registrar, name in (("op", "op"), ("op/coop", "coop")):
        again = coop.register(ANNA, "thief", account=registrar)
        assert coop.send(again, name, "thief").code == Code.RECOVERY_NEEDED
    coop.ok(start(coop, name="thief"), "eva", "jan", "thief")
    coop.ok(stop(coop), "card")


def test_a_thiefs_key_once_ended_stops_nothing(coop):
    coop.ok(start(coop), "eva", "jan", "anna-new")
    coop.ok(revoke(coop, "anna"), "coop")
    assert coop.send(stop(coop), "anna").code == Code.KEY_NOT_ACTIVE
    coop.now += WAIT_S
    coop.ok(finish(coop), "eva")
    coop.ok(coop.pay(ANNA, "op/coop/jan", 1), "anna-new")


def test_who_began_it_outranks_and_holds_the_right_at_both_ends(coop):
    assert coop.send(start(coop, account="op/coop"), "coop", "jan", "anna-new").code == Code.NOT_PERMITTED
    coop.ok(coop.bind(ANNA, "operator", "op/coop"))
    assert coop.send(start(coop), "eva", "jan", "anna-new").code == Code.BEYOND_OWN_RIGHTS
    coop.ok(tx.UnbindRole(**coop.frame(account=ANNA), role="operator", subject=ANNA, subtree="op/coop"), "anna")
    coop.ok(start(coop), "eva", "jan", "anna-new")
    coop.now += WAIT_S
    coop.ok(coop.bind(ANNA, "operator", "op/coop"))
    assert coop.send(finish(coop), "eva").code == Code.BEYOND_OWN_RIGHTS
    coop.ok(tx.UnbindRole(**coop.frame(), role="officer", subject="op/coop/eva", subtree="op/coop"))
    assert coop.send(finish(coop), "eva").code == Code.NOT_PERMITTED


def test_a_borrowed_right_of_the_member_counts_as_his(coop):
    loan = tx.LendRight(
        **coop.frame(), permission="asset.issue", subject=ANNA, subtree="op", valid_from=0, valid_to=coop.now + WAIT_S
    )
    coop.ok(loan)
    assert coop.send(start(coop), "eva", "jan", "anna-new").code == Code.BEYOND_OWN_RIGHTS


def test_the_new_key_proves_itself_and_is_new(coop):
    assert coop.send(start(coop), "eva", "jan").code == Code.KEY_NOT_PROVEN
    assert coop.send(start(coop, name="coop"), "eva", "jan", "coop").code == Code.KEY_EXISTS
    assert coop.send(start(coop, subject="op/none"), "eva", "jan", "anna-new").code == Code.UNKNOWN_ACCOUNT
    own = start(coop, subject="op/coop/eva")
    assert coop.send(own, "eva", "jan", "anna-new").code == Code.NOT_PERMITTED
    coop.ok(start(coop), "eva", "jan", "anna-new")
    taken = coop.register("op/coop/jan", "anna-new", account="op/coop/jan")
    coop.ok(taken, "jan", "anna-new")
    coop.now += WAIT_S
    assert coop.send(finish(coop), "eva").code == Code.KEY_EXISTS


def test_a_recovery_that_nobody_finishes_is_void(coop):
    coop.ok(start(coop), "eva", "jan", "anna-new")
    coop.now += WAIT_S + FINISH_S
    assert coop.send(finish(coop), "eva").code == Code.NO_RECOVERY
    coop.ok(start(coop, name="anna-other"), "eva", "jan", "anna-other")


def test_under_a_quorum_it_begins_by_proposal(coop):
    tree = tx.Group(
        members=(tx.Voice(account="op", weight=1), tx.Voice(account="op/coop/jan", weight=1)), need=2, weight=1
    )
    coop.ok(
        tx.SetPolicy(
            **coop.frame(),
            lifetime_s=3_600,
            permission="key.recover",
            policy=tree,
            subtree="op/coop",
            veto_accounts=(),
        )
    )
    inner = start(coop)
    assert coop.send(inner, "eva", "jan", "anna-new").code == Code.QUORUM_NEEDED
    inner = start(coop)
    frame = {name: getattr(inner, name) for name in ("account", "expires", "id")}
    payload = tx.Propose(**coop.frame(**frame), operation=inner, until=coop.now + 60)
    assert coop.send(payload, "eva", "anna-new").code == Code.SECOND_KEY_NEEDED
    inner = start(coop)
    payload = msgspec.structs.replace(payload, id=inner.id, operation=inner)
    coop.ok(payload, "eva", "jan", "anna-new")
    (name,) = coop.machine.state.proposals
    coop.ok(tx.Approve(**coop.frame(), proposal=name))
    assert ANNA in coop.machine.state.recoveries
    coop.now += WAIT_S
    coop.ok(finish(coop), "eva")
