"""Keys: limits per transfer and day, the second key, freezing; and what a thief with a limited key cannot do."""

import msgspec
import pytest

from ogniwo.core.ledger import transactions as tx
from ogniwo.core.ledger.outcomes import Code

DAY_S = 86_400
ANNA, JAN = "op/coop/anna", "op/coop/jan"


@pytest.fixture
def coop(network):
    """Anna has a second key, "spare"; "anna" is limited to 10.00 PLN at once and 25.00 PLN a day."""
    made = network.founded(*network.authority())
    made.ok(made.register(ANNA, "spare", account=ANNA), "anna", "spare")
    made.ok(limits(made, "anna", (1_000, 2_500)), "anna")
    made.now += DAY_S - made.now % DAY_S  # midnight, UTC
    return made


def limits(network, name, *bounds, account=ANNA, asset="PLN/2"):
    found = tuple(tx.KeyLimit(asset=asset, per_transfer=once, per_day=day) for once, day in bounds)
    return tx.SetKeyLimits(**network.frame(account=account), kid=network.kid(name), limits=found)


def test_a_limited_key_gives_up_to_its_limits(coop):
    assert coop.send(coop.pay(ANNA, JAN, 1_001), "anna").code == Code.KEY_LIMIT
    coop.ok(coop.pay(ANNA, JAN, 1_000), "anna")
    coop.ok(coop.pay(ANNA, JAN, 1_000), "anna")
    assert coop.send(coop.pay(ANNA, JAN, 501), "anna").code == Code.KEY_LIMIT
    coop.ok(coop.pay(ANNA, JAN, 500), "anna")
    assert coop.send(coop.pay(ANNA, JAN, 1), "anna").code == Code.KEY_LIMIT


def test_the_day_is_the_utc_day_of_block_time_and_only_one_is_kept(coop):
    for _ in range(2):
        coop.ok(coop.pay(ANNA, JAN, 1_000), "anna")
    coop.now += DAY_S - 1
    assert coop.send(coop.pay(ANNA, JAN, 501), "anna").code == Code.KEY_LIMIT
    coop.now += 1
    coop.ok(coop.pay(ANNA, JAN, 1_000), "anna")
    state = coop.machine.state
    assert list(state.key_uses) == [(coop.kid("anna"), "PLN/2")]
    assert next(iter(state.key_uses.values())).used == 1_000


def test_above_the_limit_a_second_key_of_the_same_account_signs(coop):
    assert coop.send(coop.pay(ANNA, JAN, 5_000), "anna", "jan").code == Code.KEY_LIMIT
    coop.ok(coop.pay(ANNA, JAN, 5_000), "anna", "spare")
    coop.ok(coop.pay(ANNA, JAN, 5_000), "spare")  # this one has no limits
    assert not coop.machine.state.key_uses


def test_a_refused_transfer_uses_nothing_of_the_day(coop):
    coop.ok(coop.asset("PTS/0", issuer="op/issuer"))
    coop.ok(coop.switch("PTS/0"))
    swap = coop.post((ANNA, "PLN/2", -900), (JAN, "PLN/2", 900), (JAN, "PTS/0", -5), (ANNA, "PTS/0", 5), account=ANNA)
    root = coop.machine.state.root()
    assert coop.send(swap, "anna").code == Code.NOT_AUTHORISED
    assert coop.machine.state.root() == root
    assert not coop.machine.state.key_uses


def test_zero_lets_a_key_give_nothing_and_other_assets_stay_free(coop):
    coop.ok(coop.asset("PTS/0", issuer="op/issuer"))
    coop.ok(coop.switch("PTS/0"))
    coop.ok(coop.post(("op/issuer", "PTS/0", -9), (ANNA, "PTS/0", 9)))
    coop.ok(limits(coop, "anna", (0, 0)), "anna")
    assert coop.send(coop.pay(ANNA, JAN, 1), "anna").code == Code.KEY_LIMIT
    coop.ok(coop.pay(ANNA, JAN, 9, "PTS/0"), "anna")


@pytest.mark.parametrize(
    ("bounds", "signers", "code"),
    [
        (((500, 2_500),), ("anna",), "accepted"),
        (((1_001, 2_500),), ("anna",), Code.SECOND_KEY_NEEDED),
        (((1_000, 2_501),), ("anna",), Code.SECOND_KEY_NEEDED),
        ((), ("anna",), Code.SECOND_KEY_NEEDED),
        ((), ("spare",), "accepted"),
        ((), ("anna", "spare"), "accepted"),
        ((), ("anna", "jan"), Code.SECOND_KEY_NEEDED),
        (((1, 1), (2, 2)), ("spare",), Code.DUPLICATE_LIMIT),
    ],
)
def test_tightening_is_easy_and_loosening_is_not(coop, bounds, signers, code):
    assert coop.send(limits(coop, "anna", *bounds), *signers).code == code


def test_two_limited_keys_loosen_together(coop):
    coop.ok(limits(coop, "spare", (10, 10)), "spare")
    assert coop.send(limits(coop, "spare"), "spare").code == Code.SECOND_KEY_NEEDED
    coop.ok(limits(coop, "spare"), "spare", "anna")


def test_a_registrar_who_outranks_sets_limits_and_others_do_not(coop):
    assert coop.send(limits(coop, "anna", account=JAN), "jan").code == Code.NOT_PERMITTED
    coop.ok(limits(coop, "anna", account="op/coop"), "coop")
    coop.ok(coop.bind(ANNA, "operator", "op/coop"))
    assert coop.send(limits(coop, "anna", (1, 1), account="op/coop"), "coop").code == Code.BEYOND_OWN_RIGHTS


def test_limits_are_for_working_keys_of_transactions(coop):
    assert coop.send(limits(coop, "nobody"), "anna").code == Code.KEY_NOT_ACTIVE
    gateway = limits(coop, "gateway-reading", (1, 1), account="op/coop/gateway")
    assert coop.send(gateway, "gateway").code == Code.KEY_NOT_ACTIVE


def test_a_thief_with_a_limited_key_frees_himself_in_no_way(coop):
    """He registers no key, ends no key for recovery, loosens nothing, and two signatures by one key are no two keys."""
    coop.ok(coop.register(ANNA, "card", "recovery", account=ANNA), "spare", "card")
    further = coop.register(ANNA, "thief", account=ANNA)
    assert coop.send(further, "anna", "thief").code == Code.SECOND_KEY_NEEDED
    recovery = coop.register(ANNA, "thief-card", "recovery", account=ANNA)
    assert coop.send(recovery, "anna", "thief-card").code == Code.SECOND_KEY_NEEDED
    end = tx.RevokeKey(**coop.frame(account=ANNA), kid=coop.kid("card"))
    assert coop.send(end, "anna").code == Code.SECOND_KEY_NEEDED
    with pytest.raises(Exception, match="one key signed twice"):
        coop.send(limits(coop, "anna"), "anna", "anna")
    assert coop.send(coop.pay(ANNA, JAN, 5_000), "anna", "card").code == Code.KEY_PURPOSE
    coop.ok(msgspec.structs.replace(end, id="e" * 32), "anna", "spare")


def test_a_frozen_account_neither_acts_nor_gives_but_receives(coop):
    def freeze(path, *, frozen=True, account="op"):
        return tx.SetFrozen(**coop.frame(account=account), frozen=frozen, path=path)

    assert coop.send(freeze(ANNA, account="op/coop"), "coop").code == Code.NOT_PERMITTED
    assert coop.send(freeze("op/none"), "op").code == Code.UNKNOWN_ACCOUNT
    assert coop.send(freeze(ANNA, frozen=False)).code == Code.NOT_FROZEN
    coop.ok(freeze(ANNA))
    assert coop.send(freeze(ANNA)).code == Code.ACCOUNT_FROZEN
    paid = coop.send(coop.pay(ANNA, JAN, 100), "spare")
    assert (paid.code, paid.recorded) == (Code.ACCOUNT_FROZEN, False)
    both = coop.post((ANNA, "PLN/2", -100), (JAN, "PLN/2", 100), account=JAN)
    assert coop.send(both, "jan", "spare").code == Code.ACCOUNT_FROZEN
    coop.ok(coop.post(("op/issuer", "PLN/2", -100), (ANNA, "PLN/2", 100)))
    coop.ok(coop.post((ANNA, "DUE/2", -100), ("op/coop", "DUE/2", 100)))  # a debt is charged, not given
    coop.ok(freeze(ANNA, frozen=False))
    coop.ok(coop.pay(ANNA, JAN, 100), "spare")
    coop.ok(freeze("op/issuer"))
    assert coop.send(coop.post(("op/issuer", "PLN/2", -1), (ANNA, "PLN/2", 1))).code == Code.ACCOUNT_FROZEN
