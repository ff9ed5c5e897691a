"""Payments from several sources, batches, reverts, limits and the switch: what they do and every refusal."""

import hashlib
from functools import partial

import pytest
from ledger_network import Network
from ledger_paying import ANNA, COOP, DIGEST, ISSUER, JAN, Paying, name_of

from ogniwo.core.ledger import transactions as tx
from ogniwo.core.ledger.blocks import TransactionEntry, read_body
from ogniwo.core.ledger.canonical import encode
from ogniwo.core.ledger.machine import Machine
from ogniwo.core.ledger.merkle import leaf_hash
from ogniwo.core.ledger.outcomes import Code
from ogniwo.core.ledger.signing import public_key_of


def refusal(paying, payload, *names):
    """The code of a refusal that changed no balance, hold or lot."""
    state = paying.machine.state
    before = dict(state.balances), dict(state.holds), dict(state.lots), dict(state.accounts)
    outcome = paying.send(payload, *names)
    assert (dict(state.balances), dict(state.holds), dict(state.lots), dict(state.accounts)) == before
    return outcome.code


# Several sources


def test_sources_give_in_their_order_up_to_their_caps(paying):
    paying.points(300)
    paying.ok(paying.pay_from(1_000, (ANNA, "POINT/2", 200), (ANNA, "PLN/2", 0), reason="shop"), "anna")
    assert (paying.balance(ANNA, "POINT/2"), paying.balance(JAN, "POINT/2")) == (100, 200)
    assert (paying.balance(ANNA), paying.balance(JAN)) == (99_200, 800)
    paying.ok(paying.pay_from(50, (ANNA, "POINT/2", 0), (ANNA, "PLN/2", 0)), "anna")
    assert (paying.balance(ANNA, "POINT/2"), paying.balance(ANNA)) == (50, 99_200)


def test_two_people_pay_together_and_both_sign(paying):
    both = paying.pay_from(100_500, (ANNA, "PLN/2", 0), (JAN, "PLN/2", 0), taker=COOP)
    paying.ok(paying.pay(ANNA, JAN, 10_000), "anna")
    assert refusal(paying, both, "anna") == Code.NOT_AUTHORISED
    both = paying.pay_from(95_000, (ANNA, "PLN/2", 0), (JAN, "PLN/2", 0), taker=COOP)
    paying.ok(both, "anna", "jan")
    assert [paying.balance(who) for who in (ANNA, JAN, COOP)] == [0, 5_000, 95_000]


def test_too_little_moves_nothing_and_holds_count(paying):
    paying.points(300)
    sources = (ANNA, "POINT/2", 0), (ANNA, "PLN/2", 0)
    assert refusal(paying, paying.pay_from(100_301, *sources), "anna") == Code.INSUFFICIENT_BALANCE
    assert refusal(paying, paying.pay_from(2**53 - 1, *sources), "anna") == Code.INSUFFICIENT_BALANCE
    paying.held(100_000)
    assert refusal(paying, paying.pay_from(301, *sources), "anna") == Code.INSUFFICIENT_BALANCE
    assert refusal(paying, paying.pay_from(2, (ANNA, "POINT/2", 1)), "anna") == Code.INSUFFICIENT_BALANCE
    paying.ok(paying.pay_from(300, *sources), "anna")


def test_the_order_of_sources_is_that_of_the_policies(paying):
    paying.points(300)
    wrong = paying.pay_from(10, (ANNA, "PLN/2", 0), (ANNA, "POINT/2", 0))
    assert refusal(paying, wrong, "anna") == Code.SPEND_ORDER
    paying.ok(paying.asset("MILE/2", "marketing"))
    paying.ok(paying.policy("MILE/2", spend_rank=1))
    wrong = paying.pay_from(10, (ANNA, "MILE/2", 0), (ANNA, "POINT/2", 0))
    assert refusal(paying, wrong, "anna") == Code.SPEND_ORDER
    paying.ok(paying.pay_from(10, (ANNA, "POINT/2", 0), (ANNA, "MILE/2", 0)), "anna")


@pytest.mark.parametrize(
    ("sources", "code"),
    [
        (((ANNA, "PLN/2", 1), (ANNA, "PLN/2", 0)), Code.DUPLICATE_POSTING),
        (((JAN, "PLN/2", 0),), Code.DUPLICATE_POSTING),
        (((COOP, "PLN/2", 0),), Code.NOT_AUTHORISED),
        (((ISSUER, "PLN/2", 0),), Code.NOT_AUTHORISED),
        (((ANNA, "DUE/2", 0),), Code.NOT_AUTHORISED),
        (((ANNA, "KWH-IN/3", 0),), Code.NOT_AUTHORISED),
        (((ANNA, "EUR/2", 0),), Code.UNKNOWN_ASSET),
        (((ANNA, "PLN/2", 0), (ANNA, "MILLI/3", 0)), Code.MIXED_SCALES),
    ],
)
def test_sources_that_are_refused(paying, sources, code):
    paying.ok(paying.asset("MILLI/3"))
    assert refusal(paying, paying.pay_from(10, *sources), "anna") == code


def test_a_credit_that_is_not_transferable_is_spent_at_its_issuer(paying):
    paying.ok(paying.rule("welcome", asset="GIFT/2", kind="fixed"))
    paying.ok(paying.reward("welcome"))
    assert refusal(paying, paying.pay_from(10, (ANNA, "GIFT/2", 0)), "anna") == Code.NOT_TRANSFERABLE
    paying.ok(paying.pay_from(600, (ANNA, "GIFT/2", 0), (ANNA, "PLN/2", 0), taker=ISSUER), "anna")
    assert (paying.balance(ANNA, "GIFT/2"), paying.balance(ANNA)) == (0, 99_900)


# Policies and the switch


def test_limits_of_a_policy(paying):
    paying.ok(paying.policy("PLN/2", transfer_max=500, balance_max=800))
    assert refusal(paying, paying.pay(ANNA, JAN, 501), "anna") == Code.TRANSFER_LIMIT
    assert refusal(paying, paying.hold(501), "anna") == Code.TRANSFER_LIMIT
    assert refusal(paying, paying.pay_from(501, (ANNA, "PLN/2", 0)), "anna") == Code.TRANSFER_LIMIT
    paying.ok(paying.pay(ANNA, JAN, 500), "anna")
    assert refusal(paying, paying.pay(ANNA, JAN, 301), "anna") == Code.BALANCE_LIMIT
    assert refusal(paying, paying.hold(301), "anna") == Code.BALANCE_LIMIT
    paying.ok(paying.pay(ANNA, JAN, 300), "anna")
    paying.ok(paying.policy("PLN/2"))
    paying.ok(paying.pay(ANNA, JAN, 5_000), "anna")


def test_who_sets_a_policy_and_of_what(paying):
    foreign = paying.policy("PLN/2", account=COOP)
    assert refusal(paying, foreign, "coop") == Code.NOT_PERMITTED
    assert refusal(paying, paying.policy("EUR/2")) == Code.UNKNOWN_ASSET
    assert refusal(paying, paying.policy("DUE/2")) == Code.ASSET_POLICY
    assert refusal(paying, paying.policy("PLN/2", lifetime_s=86_400)) == Code.ASSET_POLICY
    assert refusal(paying, paying.policy("PLN/2", codes=("shop",))) == Code.ASSET_POLICY
    assert refusal(paying, paying.policy("POINT/2", codes=("shop", "energy"))) == Code.ASSET_POLICY


def test_a_payment_asset_begins_switched_off_and_goes_back_when_it_is_off_again(paying):
    paying.ok(paying.asset("EUR/2"))
    issue = paying.post((ISSUER, "EUR/2", -500), (ANNA, "EUR/2", 500))
    assert refusal(paying, issue) == Code.PAYMENTS_OFF
    paying.ok(paying.switch("EUR/2"))
    paying.ok(paying.post((ISSUER, "EUR/2", -500), (ANNA, "EUR/2", 500)))
    name = paying.held(100, asset="EUR/2")
    paying.ok(paying.switch("EUR/2", active=False))
    assert refusal(paying, paying.pay(ANNA, JAN, 1, "EUR/2"), "anna") == Code.PAYMENTS_OFF
    assert refusal(paying, paying.hold(1, asset="EUR/2"), "anna") == Code.PAYMENTS_OFF
    assert refusal(paying, paying.settle(name, 1), "jan") == Code.PAYMENTS_OFF
    assert refusal(paying, paying.pay_from(1, (ANNA, "EUR/2", 0)), "anna") == Code.PAYMENTS_OFF
    assert refusal(paying, paying.post((ISSUER, "EUR/2", -1), (ANNA, "EUR/2", 1))) == Code.PAYMENTS_OFF
    paying.ok(paying.void(name), "jan")
    redemption = paying.held(400, asset="EUR/2", taker=ISSUER)
    paying.ok(paying.settle(redemption, 400, account="op", references=(DIGEST,)))
    paying.ok(paying.pay(ANNA, ISSUER, 100, "EUR/2"), "anna")
    assert paying.balance(ISSUER, "EUR/2") == 0


def test_who_switches_and_what(paying):
    foreign = tx.SwitchPayments(
        **paying.frame(account=COOP), active=True, asset="PLN/2", basis="limited-network", notice=DIGEST
    )
    assert refusal(paying, foreign, "coop") == Code.NOT_PERMITTED
    assert refusal(paying, paying.switch("POINT/2")) == Code.ASSET_POLICY
    assert refusal(paying, paying.switch("EUR/2")) == Code.UNKNOWN_ASSET


def test_the_switch_says_on_which_basis_and_after_which_notice(paying):
    switch = paying.machine.state.switches["PLN/2"]
    assert (switch.active, switch.basis, switch.notice, switch.since) == (True, "limited-network", DIGEST, paying.now)


def test_a_network_from_before_has_no_switch():
    network = Network().founded()
    assert not network.machine.state.switches
    network.ok(network.pay(ANNA, JAN, 1), "anna")


# Batches


def payment(paying, giver, taker, amount, asset="PLN/2"):
    return lambda **frame: paying.pay(giver, taker, amount, asset, **frame)


def test_a_batch_of_two_accounts_is_done_whole(paying):
    batch = paying.batch(payment(paying, ANNA, JAN, 300), payment(paying, JAN, COOP, 200))
    paying.ok(batch, "anna", "jan")
    assert [paying.balance(who) for who in (ANNA, JAN, COOP)] == [99_700, 100, 200]
    (record,) = read_body(paying.blocks[-1].body)
    assert [(move.account, move.amount) for move in record.moves] == [(COOP, 200), (ANNA, -300), (JAN, 100)]


def test_a_batch_fails_whole_and_names_the_part(paying):
    batch = paying.batch(payment(paying, ANNA, JAN, 300), payment(paying, JAN, COOP, 301))
    state = paying.machine.state
    before = dict(state.entries())
    outcome = paying.send(batch, "anna", "jan")
    assert outcome.code == Code.INSUFFICIENT_BALANCE
    assert outcome.detail == "part 1 (post): op/coop/jan has too little PLN/2"
    assert (dict(state.entries()), state.sums["PLN/2"]) == (before, 0)
    (record,) = read_body(paying.blocks[-1].body)
    assert record.moves == ()


def test_no_part_acts_for_somebody_who_did_not_sign(paying):
    paying.ok(paying.pay(ANNA, JAN, 500), "anna")
    batch = paying.batch(payment(paying, ANNA, JAN, 300), payment(paying, JAN, COOP, 1))
    assert refusal(paying, batch, "anna") == Code.FOREIGN_KEY
    stolen = paying.batch(
        payment(paying, ANNA, JAN, 300),
        lambda **frame: paying.post((JAN, "PLN/2", -1), (ANNA, "PLN/2", 1), account=ANNA, **frame),
    )
    assert refusal(paying, stolen, "anna") == Code.NOT_AUTHORISED


@pytest.mark.parametrize("change", [{"id": "f" * 32}, {"expires": 1_800_000_001}, {"network": "other"}, {"v": 2}])
def test_parts_have_the_frame_of_the_batch(paying, change):
    batch = paying.batch(payment(paying, ANNA, JAN, 300), lambda **frame: paying.pay(ANNA, JAN, 1, **(frame | change)))
    assert refusal(paying, batch, "anna") == Code.BATCH_PART


def test_days_of_readings_stay_outside_of_batches(paying):
    batch = paying.batch(
        payment(paying, ANNA, JAN, 300),
        lambda **frame: paying.mint(paying.record(), **frame),
    )
    assert refusal(paying, batch, "anna", "gateway") == Code.BATCH_PART


def _settle(paying, key, **frame):
    return paying.settle(key, 50, **frame)


def test_holds_of_a_batch_have_names_of_their_own_and_settle_in_it(paying):
    def hold(amount):
        return lambda **frame: paying.hold(amount, **frame)

    batch = paying.batch(hold(100), hold(200))
    paying.ok(batch, "anna")
    names = sorted(paying.machine.state.holds)
    assert len(names) == 2
    assert name_of(batch) not in names
    settling = paying.batch(*(partial(_settle, paying, key) for key in names), account=JAN)
    paying.ok(settling, "jan")
    assert paying.balance(JAN) == 100


def test_a_member_is_welcomed_in_one_batch(paying):
    """Account, key and first payment together; the new key proves itself and works from the next transaction on."""
    frame = paying.frame(account="op")
    same = {"expires": frame["expires"], "id": frame["id"], "account": "op"}
    parts = (
        paying.account("op/coop/ewa", **same),
        paying.register("op/coop/ewa", "ewa", **same),
        paying.post((ISSUER, "PLN/2", -700), ("op/coop/ewa", "PLN/2", 700), **(same | {"account": "op"})),
    )
    batch = tx.Batch(**frame, operations=parts)
    assert refusal(paying, batch, "op") == Code.KEY_NOT_PROVEN
    frame = frame | {"id": "e" * 32}
    batch = tx.Batch(**frame, operations=tuple(_with_id(part, "e" * 32) for part in parts))
    paying.ok(batch, "op", "ewa")
    paying.ok(paying.pay("op/coop/ewa", JAN, 700), "ewa")


def _with_id(part, client_id):
    return type(part)(**{field: getattr(part, field) for field in part.__struct_fields__} | {"id": client_id})


def test_a_batch_is_not_nested(paying):
    inner = paying.batch(payment(paying, ANNA, JAN, 1), payment(paying, ANNA, JAN, 2))
    outer = tx.Batch(**paying.frame(account=ANNA), operations=(inner, inner))
    with pytest.raises(Exception, match="Invalid value 'batch'"):
        paying.send(outer, "anna")


# Reverts


def reverted(paying, original, *, account=JAN, reason="mistake", **changed):
    """The revert of the only transfer in the last block."""
    header, position = paying.machine.header, 0
    place = {
        "envelope": _envelope_digest(paying),
        "height": header.height,
        "log_index": header.log_size - 1,
        "position": position,
        "time": header.time,
    }
    return tx.Revert(**paying.frame(account=account, reason=reason), **({"original": original} | place | changed))


def _envelope_digest(paying):
    (record,) = read_body(paying.blocks[-1].body)
    return hashlib.sha256(record.envelope).hexdigest()


def test_a_transfer_is_undone_once_by_whoever_gives_now(paying):
    original = paying.ok(paying.pay(ANNA, JAN, 2_500), "anna")
    revert = reverted(paying, original)
    hers = reverted(paying, original, account=ANNA)
    assert refusal(paying, hers, "anna") == Code.NOT_AUTHORISED
    paying.ok(revert, "jan")
    assert (paying.balance(ANNA), paying.balance(JAN)) == (100_000, 0)
    again = tx.Revert(**{field: getattr(revert, field) for field in revert.__struct_fields__} | {"id": "f" * 32})
    assert refusal(paying, again, "jan") == Code.ALREADY_REVERTED


def test_reverting_twice_in_one_block_counts_once(paying):
    paying.ok(paying.pay(ANNA, JAN, 9_000), "anna")
    original = paying.ok(paying.pay(ANNA, JAN, 2_500), "anna")
    both = [paying.signed(reverted(paying, original), "jan") for _ in range(2)]
    assert [outcome.code for outcome in paying.execute(*both)] == ["accepted", Code.ALREADY_REVERTED]


def test_only_what_the_log_accepted_is_undone(paying):
    refused = paying.pay(ANNA, JAN, 10**9)
    assert paying.send(refused, "anna").code == Code.INSUFFICIENT_BALANCE
    assert refusal(paying, reverted(paying, refused), "jan") == Code.NOT_ON_THE_LOG
    original = paying.ok(paying.pay(ANNA, JAN, 2_500), "anna")
    larger = paying.pay(ANNA, JAN, 9_000)
    assert refusal(paying, reverted(paying, larger), "jan") == Code.NOT_ON_THE_LOG
    for wrong in ({"log_index": 3}, {"log_index": 10**6}, {"height": 0}, {"time": 1}, {"envelope": DIGEST}):
        paying.ok(paying.pay(ANNA, JAN, 1), "anna")
        original = paying.ok(paying.pay(ANNA, JAN, 2_500), "anna")
        assert refusal(paying, reverted(paying, original, **wrong), "jan") == Code.NOT_ON_THE_LOG
    silent = reverted(paying, original, reason="")
    paying.ok(paying.pay(ANNA, JAN, 2_500), "anna")
    assert refusal(paying, silent, "jan") == Code.REVERT_WITHOUT_REASON


def test_what_was_spent_cannot_be_reverted_and_claims_are_undone_by_the_creditor(paying):
    paying.ok(paying.pay(ANNA, JAN, 2_500), "anna")
    original = paying.ok(paying.pay(ANNA, JAN, 100), "anna")
    revert = reverted(paying, original)
    paying.ok(paying.pay(JAN, COOP, 2_600), "jan")
    assert refusal(paying, revert, "jan") == Code.INSUFFICIENT_BALANCE
    claim = paying.ok(paying.post((ANNA, "DUE/2", -700), (COOP, "DUE/2", 700)))
    paying.ok(reverted(paying, claim, account="op"))
    assert paying.balance(COOP, "DUE/2") == 0


def test_the_entry_that_a_revert_builds_is_the_one_of_the_log(paying):
    original = paying.ok(paying.pay(ANNA, JAN, 2_500), "anna")
    revert = reverted(paying, original)
    entry = TransactionEntry(
        envelope=revert.envelope,
        height=revert.height,
        outcome="accepted",
        position=revert.position,
        time=revert.time,
        transaction=name_of(original),
    )
    assert paying.machine.log.leaf(revert.log_index) == leaf_hash(encode(entry))


# Everything together


def test_replay_gives_the_same_state(paying):
    paying.points(300)
    name = paying.held(30_000)
    paying.ok(paying.settle(name, 10), "jan")
    paying.ok(paying.pay_from(500, (ANNA, "POINT/2", 0), (ANNA, "PLN/2", 0)), "anna")
    original = paying.ok(paying.pay(ANNA, JAN, 40), "anna")
    paying.ok(reverted(paying, original), "jan")
    paying.ok(paying.batch(payment(paying, ANNA, JAN, 3), payment(paying, JAN, COOP, 2)), "anna", "jan")
    twin = Machine()
    for block in paying.blocks:
        twin.replay(block)
    assert twin.state.root() == paying.machine.state.root()
    assert dict(twin.state.entries()) == dict(paying.machine.state.entries())


def test_a_restored_state_goes_on_like_the_original(paying):
    paying.points(300)
    paying.held(30_000)
    original = paying.machine.state
    twin = type(original).restored(original.entries())
    assert twin.root() == original.root()
    assert twin.holds.grouped((ANNA, "PLN/2")) == original.holds.grouped((ANNA, "PLN/2"))


def test_keys_of_paying_people_are_distinct():
    keys = {public_key_of(Paying.key(name)).x for name in ("op", "anna", "jan", "coop", "arbiter")}
    assert len(keys) == 5
