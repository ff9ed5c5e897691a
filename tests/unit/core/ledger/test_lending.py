"""Roles made later, rights lent, the last administrator, validators."""

import msgspec
import pytest

from ogniwo.core.ledger import transactions as tx
from ogniwo.core.ledger.outcomes import Code
from ogniwo.core.ledger.rulebook.authority import LOANS_MOST

ANNA, JAN = "op/coop/anna", "op/coop/jan"


@pytest.fixture
def coop(network):
    return network.founded(*network.authority())


def lend(network, subject=ANNA, *, permission="account.register", subtree="op/coop", account="op/coop", **changed):
    times = {"valid_from": 0, "valid_to": network.now + 1_000} | changed
    return tx.LendRight(
        **network.frame(account=account), permission=permission, subject=subject, subtree=subtree, **times
    )


def reclaim(network, *, account="op/coop", lender="op/coop", subject=ANNA):
    return tx.ReclaimRight(
        **network.frame(account=account),
        lender=lender,
        permission="account.register",
        subject=subject,
        subtree="op/coop",
    )


def opens(network, name="x", who="anna", account=ANNA, parent="op/coop"):
    return network.send(network.account(f"{parent}/{name}", account=account), who).code


def unbind(network, subject, role, subtree, **changed):
    return tx.UnbindRole(**network.frame(**changed), role=role, subject=subject, subtree=subtree)


def role(network, name, *permissions, **changed):
    return tx.DefineRole(**network.frame(**changed), name=name, permissions=permissions)


# Loans


def test_a_right_is_lent_for_a_time_over_a_subtree(coop):
    assert opens(coop) == Code.NOT_PERMITTED
    coop.ok(lend(coop, valid_from=coop.now + 10), "coop")
    assert opens(coop) == Code.NOT_PERMITTED
    coop.now += 10
    assert opens(coop) == "accepted"
    assert coop.send(coop.account("op/y", account=ANNA), "anna").code == Code.NOT_PERMITTED
    coop.now += 990
    assert opens(coop, "y") == Code.NOT_PERMITTED


def test_only_what_is_held_by_a_role_is_lent_and_not_for_longer(coop):
    assert coop.send(lend(coop, permission="asset.issue"), "coop").code == Code.BEYOND_OWN_RIGHTS
    assert coop.send(lend(coop, subtree="op"), "coop").code == Code.BEYOND_OWN_RIGHTS
    assert coop.send(lend(coop, subject="op/none"), "coop").code == Code.UNKNOWN_ACCOUNT
    assert coop.send(lend(coop, valid_to=coop.now), "coop").code == Code.EMPTY_PERIOD
    assert coop.send(lend(coop, "op/coop"), "coop").code == Code.ALREADY_BOUND
    coop.ok(coop.bind(JAN, "partner", "op/coop", valid_to=coop.now + 500))
    assert coop.send(lend(coop, account=JAN), "jan").code == Code.BEYOND_OWN_RIGHTS
    coop.ok(lend(coop, account=JAN, valid_to=coop.now + 500), "jan")
    coop.ok(lend(coop), "coop")
    assert coop.send(lend(coop), "coop").code == Code.ALREADY_BOUND


def test_what_is_lent_is_neither_lent_on_nor_bound_nor_lent_in_a_circle(coop):
    coop.ok(lend(coop), "coop")
    coop.ok(lend(coop, permission="role.bind"), "coop")
    assert coop.send(lend(coop, JAN, account=ANNA), "anna").code == Code.BEYOND_OWN_RIGHTS
    assert coop.send(lend(coop, "op/coop", account=ANNA), "anna").code == Code.BEYOND_OWN_RIGHTS
    assert coop.send(coop.bind(JAN, "partner", "op/coop", account=ANNA), "anna").code == Code.BEYOND_OWN_RIGHTS
    # When the lender's role goes, nothing that came from it lives on in a circle.
    coop.ok(unbind(coop, "op/coop", "partner", "op/coop"))
    assert opens(coop) == Code.NOT_PERMITTED
    assert opens(coop, who="coop", account="op/coop") == Code.NOT_PERMITTED


def test_a_loan_is_void_while_the_lender_does_not_hold_the_right(coop):
    coop.ok(lend(coop), "coop")
    coop.ok(unbind(coop, "op/coop", "partner", "op/coop"))
    assert opens(coop) == Code.NOT_PERMITTED
    coop.ok(coop.bind("op/coop", "partner", "op/coop/anna"))
    assert opens(coop, parent=ANNA) == Code.NOT_PERMITTED  # he holds less than he lent
    coop.ok(coop.bind("op/coop", "partner", "op/coop"))
    assert opens(coop) == "accepted"


@pytest.mark.parametrize(
    ("who", "name", "code"),
    [
        ("op/coop", "coop", "accepted"),
        (ANNA, "anna", "accepted"),
        ("op", "op", "accepted"),
        (JAN, "jan", Code.NOT_PERMITTED),
        ("op/coop/gateway", "gateway", Code.NOT_PERMITTED),
    ],
)
def test_a_loan_is_ended_by_lender_borrower_or_who_could_bind_it(coop, who, name, code):
    coop.ok(lend(coop), "coop")
    assert coop.send(reclaim(coop, account=who), name).code == code
    assert (opens(coop) == "accepted") == (code != "accepted")


def test_what_is_not_lent_is_not_reclaimed(coop):
    assert coop.send(reclaim(coop), "coop").code == Code.NOT_LENT
    coop.ok(lend(coop, permission="role.bind", account="op", subtree="op/coop", subject=JAN))
    coop.ok(lend(coop, permission="account.register", account="op", subtree="op/coop"))
    beyond = reclaim(coop, account=JAN, lender="op")
    assert coop.send(beyond, "jan").code == Code.BEYOND_OWN_RIGHTS


def test_loans_are_limited_and_ended_ones_make_room(coop):
    subtrees = [f"op/coop/s{number}" for number in range(LOANS_MOST + 1)]
    for path in subtrees:
        coop.ok(coop.account(path))
    for path in subtrees[:-1]:
        coop.ok(lend(coop, subtree=path), "coop")
    assert coop.send(lend(coop, subtree=subtrees[-1]), "coop").code == Code.TOO_MANY
    coop.now += 1_000
    coop.ok(lend(coop, subtree=subtrees[-1]), "coop")
    assert len(coop.machine.state.loans) == 1


# Roles made later


def test_roles_are_made_later_of_what_the_definer_holds_over_the_whole_tree(coop):
    coop.ok(role(coop, "clerk", "anchor.write", "account.register", "anchor.write"))
    assert coop.machine.state.permissions_of("clerk") == ("account.register", "anchor.write")
    coop.ok(coop.bind(JAN, "clerk", "op/coop"))
    coop.ok(coop.anchor("a" * 64, account=JAN), "jan")
    assert coop.send(role(coop, "clerk", "role.bind")).code == Code.ROLE_EXISTS
    assert coop.send(role(coop, "operator", "role.bind")).code == Code.ROLE_EXISTS
    assert coop.send(role(coop, "king", "role.bind", account=JAN), "jan").code == Code.NOT_PERMITTED
    coop.ok(role(coop, "definer", "role.define", "anchor.write"))
    coop.ok(coop.bind(JAN, "definer", "op"))
    coop.ok(role(coop, "scribe", "anchor.write", account=JAN), "jan")
    assert coop.send(role(coop, "king", "role.bind", account=JAN), "jan").code == Code.BEYOND_OWN_RIGHTS
    coop.ok(coop.bind("op/coop", "clerk", "op"))
    coop.ok(lend(coop, JAN, permission="role.bind", subtree="op", account="op"))
    assert coop.send(role(coop, "king", "role.bind", account=JAN), "jan").code == Code.BEYOND_OWN_RIGHTS


# The last administrator


def test_the_last_administrator_keeps_his_role_his_key_and_his_freedom(coop):
    root = coop.machine.state.root()
    assert coop.send(unbind(coop, "op", "operator", "op")).code == Code.LAST_ADMINISTRATOR
    assert coop.send(tx.SetFrozen(**coop.frame(), frozen=True, path="op")).code == Code.LAST_ADMINISTRATOR
    assert coop.machine.state.root() == root
    # Neither a role with an end, nor one over a part, nor one of somebody without a key makes another administrator.
    coop.ok(coop.bind(ANNA, "operator", "op", valid_to=coop.now + 900))
    coop.ok(coop.bind(JAN, "operator", "op/coop"))
    coop.ok(coop.bind("op/issuer", "operator", "op"))
    assert coop.send(unbind(coop, "op", "operator", "op")).code == Code.LAST_ADMINISTRATOR
    coop.ok(coop.bind(JAN, "operator", "op"))
    coop.ok(unbind(coop, "op", "operator", "op"))
    last = tx.RevokeKey(**coop.frame(account=JAN), kid=coop.kid("jan"))
    assert coop.send(last, "jan").code == Code.LAST_ADMINISTRATOR
    assert coop.send(unbind(coop, JAN, "operator", "op", account=JAN), "jan").code == Code.LAST_ADMINISTRATOR
    coop.ok(coop.register(JAN, "jan-two", account=JAN), "jan", "jan-two")
    coop.ok(msgspec.structs.replace(last, id="e" * 32), "jan")
    coop.ok(coop.bind("op", "operator", "op", account=JAN), "jan-two")


def test_other_bindings_of_an_administrator_go_freely(coop):
    coop.ok(coop.bind("op", "partner", "op"))
    coop.ok(unbind(coop, "op", "partner", "op"))
    coop.ok(coop.bind(ANNA, "operator", "op"))
    coop.ok(unbind(coop, "op", "operator", "op"))


# Validators


def test_validators_are_set_over_the_whole_tree_and_the_last_one_stays(coop):
    def power(validator, number, account="op", subject="op/coop"):
        return tx.SetValidator(**coop.frame(account=account), power=number, subject=subject, validator=validator * 32)

    assert coop.send(power("aa", 10, account="op/coop"), "coop").code == Code.NOT_PERMITTED
    assert coop.send(power("aa", 10, subject="op/none")).code == Code.UNKNOWN_ACCOUNT
    assert coop.send(power("aa", 0)).code == Code.UNKNOWN_VALIDATOR
    coop.ok(power("aa", 10))
    coop.ok(power("bb", 5))
    coop.ok(power("aa", 20))
    assert {key: (one.account, one.power) for key, one in coop.machine.state.validators.items()} == {
        "aa" * 32: ("op/coop", 20),
        "bb" * 32: ("op/coop", 5),
    }
    coop.ok(power("aa", 0))
    assert coop.send(power("bb", 0)).code == Code.LAST_VALIDATOR
