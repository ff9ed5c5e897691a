"""Every refusal of the state machine, each with its code, and what stays unchanged by it."""

import json

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from ogniwo.core.ledger import transactions as tx
from ogniwo.core.ledger.admission import open_transaction
from ogniwo.core.ledger.canonical import NotCanonicalError, SchemaError, encode
from ogniwo.core.ledger.outcomes import Code
from ogniwo.core.ledger.rules import apply
from ogniwo.core.ledger.signing import base64url, from_base64url, public_key_of, sign
from ogniwo.core.ledger.state import LIFETIME_S_MAX


@pytest.fixture
def coop(network):
    return network.founded()


def test_founding_sets_the_books_to_zero_sum(coop):
    state = coop.machine.state
    assert state.balance("op/coop/anna", "PLN/2") == 100_000
    assert state.balance("op/issuer", "PLN/2") == -100_000
    assert state.sums == {"PLN/2": 0}


def test_members_pay_each_other(coop):
    coop.ok(coop.pay("op/coop/anna", "op/coop/jan", 2_500, reason="payment"), "anna")
    assert coop.machine.state.balance("op/coop/anna", "PLN/2") == 97_500
    assert coop.machine.state.balance("op/coop/jan", "PLN/2") == 2_500


# The malicious member


def test_replay_is_a_harmless_repeat(coop):
    envelope = coop.signed(coop.pay("op/coop/anna", "op/coop/jan", 100), "anna")
    first, second = coop.execute(envelope, envelope)
    (third,) = coop.execute(envelope)
    assert (first.code, second.code, third.code) == ("accepted", "ledger.exists", "ledger.exists")
    assert third.original == open_transaction(envelope).transaction
    assert not third.recorded
    assert coop.machine.state.balance("op/coop/jan", "PLN/2") == 100


def test_same_id_with_other_content_is_refused(coop):
    payload = coop.pay("op/coop/anna", "op/coop/jan", 100)
    coop.ok(payload, "anna")
    other = coop.pay("op/coop/anna", "op/coop/jan", 101, id=payload.id)
    assert coop.send(other, "anna").code == Code.ID_CONFLICT


def test_ids_of_different_accounts_do_not_collide(coop):
    payload = coop.pay("op/coop/anna", "op/coop/jan", 100)
    coop.ok(payload, "anna")
    coop.ok(coop.pay("op/coop/jan", "op/coop/anna", 50, id=payload.id), "jan")


def test_double_spend_within_a_block_and_across_blocks(coop):
    spend = [coop.signed(coop.pay("op/coop/anna", "op/coop/jan", 60_000), "anna") for _ in range(3)]
    assert [outcome.code for outcome in coop.execute(*spend[:2])] == ["accepted", Code.INSUFFICIENT_BALANCE]
    assert coop.execute(spend[2])[0].code == Code.INSUFFICIENT_BALANCE
    assert coop.machine.state.balance("op/coop/anna", "PLN/2") == 40_000


def test_a_refused_intent_does_not_come_to_life_later(coop):
    envelope = coop.signed(coop.pay("op/coop/jan", "op/coop/anna", 500), "jan")
    assert coop.execute(envelope)[0].code == Code.INSUFFICIENT_BALANCE
    coop.ok(coop.pay("op/coop/anna", "op/coop/jan", 1_000), "anna")
    again = coop.execute(envelope)[0]
    assert again.code == Code.INSUFFICIENT_BALANCE
    assert not again.recorded


def test_expiry_is_judged_by_block_time(coop):
    payload = coop.pay("op/coop/anna", "op/coop/jan", 100)
    coop.now = payload.expires
    assert coop.send(payload, "anna").code == Code.EXPIRED
    coop.now = payload.expires - 1
    late = coop.pay("op/coop/anna", "op/coop/jan", 100, expires=coop.now + LIFETIME_S_MAX + 1)
    assert coop.send(late, "anna").code == Code.EXPIRES_TOO_LATE


def test_block_time_never_runs_backwards(coop):
    coop.now += 100
    coop.ok(coop.pay("op/coop/anna", "op/coop/jan", 1), "anna")
    moment = coop.machine.time
    coop.now -= 1_000
    coop.ok(coop.pay("op/coop/anna", "op/coop/jan", 1), "anna")
    assert coop.machine.time == moment


def test_ids_are_forgotten_only_after_they_expired(coop):
    envelope = coop.signed(coop.pay("op/coop/anna", "op/coop/jan", 100), "anna")
    coop.execute(envelope)
    coop.now += 3_599
    assert coop.execute(envelope)[0].code == "ledger.exists"
    coop.now += 3 * 3_600
    assert coop.execute(envelope)[0].code == Code.EXPIRED
    coop.ok(coop.pay("op/coop/anna", "op/coop/jan", 1), "anna")
    coop.ok(coop.pay("op/coop/anna", "op/coop/jan", 1), "anna")
    assert len([seen for seen in coop.machine.state._seen if seen[0] == "op/coop/anna"]) == 2


def test_a_clock_that_runs_backwards_opens_no_way_to_pay_twice(coop):
    envelope = coop.signed(coop.pay("op/coop/anna", "op/coop/jan", 100), "anna")
    coop.execute(envelope)
    coop.now += 3 * 3_600
    assert coop.execute(envelope)[0].code == Code.EXPIRED  # makes no block, so block time stands still
    coop.now -= 3 * 3_600
    assert coop.execute(envelope)[0].code == "ledger.exists"


def test_other_network_and_version(coop):
    other = coop.pay("op/coop/anna", "op/coop/jan", 100, network="test.example/two")
    assert coop.send(other, "anna").code == Code.OTHER_NETWORK
    future = coop.pay("op/coop/anna", "op/coop/jan", 100, v=2)
    assert coop.send(future, "anna").code == Code.UNSUPPORTED_VERSION


def test_foreign_unknown_and_revoked_keys(coop):
    payload = coop.pay("op/coop/anna", "op/coop/jan", 100)
    assert coop.send(payload, "jan").code == Code.FOREIGN_KEY
    assert coop.send(payload, "stranger").code == Code.UNKNOWN_KEY
    assert coop.send(payload, "anna", "stranger").code == Code.UNKNOWN_KEY
    nobody = coop.pay("op/coop/nobody", "op/coop/jan", 100)
    assert coop.send(nobody, "jan").code == Code.UNKNOWN_ACCOUNT
    coop.ok(tx.RevokeKey(**coop.frame(account="op/coop/anna"), kid=coop.kid("anna")), "anna")
    assert coop.send(payload, "anna").code == Code.KEY_NOT_ACTIVE
    reading = coop.anchor("a" * 64, account="op/coop/gateway")
    assert coop.send(reading, "gateway-reading").code == Code.KEY_PURPOSE


def test_key_valid_from_a_later_time_does_not_count_yet(coop):
    key = coop.register("op/coop/anna", "anna-two", account="op/coop/anna")
    coop.ok(msgspec.structs.replace(key, valid_from=coop.now + 10), "anna", "anna-two")
    payload = coop.pay("op/coop/anna", "op/coop/jan", 100)
    assert coop.send(payload, "anna-two").code == Code.KEY_NOT_ACTIVE
    coop.now += 10
    coop.ok(payload, "anna-two")


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        (lambda raw: raw.replace(b'"v":1', b'"v":1,"v":1'), NotCanonicalError),
        (lambda raw: raw.replace(b'"amount":100', b'"amount":100,"amount":1'), NotCanonicalError),
        (lambda raw: raw.replace(b'"v":1', b'"memo":"","v":1'), NotCanonicalError),
        (lambda raw: raw.replace(b'"amount":100', b'"amount":1e2'), SchemaError),
        (lambda raw: raw.replace(b'"amount":100', b'"amount":100.0'), SchemaError),
        (lambda raw: raw.replace(b'"amount":100', b'"amount":9007199254740992'), SchemaError),
        (lambda raw: raw.replace(b'"amount":100', b'"amount":"100"'), SchemaError),
        (lambda raw: raw.replace(b'"op":"post"', b'"op":"take"'), SchemaError),
        (lambda raw: raw.replace(b'"v":1', b'"v": 1'), NotCanonicalError),
    ],
)
def test_payloads_in_another_form_are_refused_before_anything_else(coop, change, refusal):
    raw = encode(coop.pay("op/coop/anna", "op/coop/jan", 100))
    changed = change(raw)
    assert changed != raw
    expected = SchemaError if b"memo" in changed else refusal
    with pytest.raises(expected):
        open_transaction(sign(changed, keys=[coop.key("anna")]))


# Transfers


def test_2_53_edges(coop):
    limit = 2**53 - 1
    coop.ok(coop.post(("op/issuer", "PLN/2", -(limit - 100_000)), ("op/coop/jan", "PLN/2", limit - 100_000)))
    assert coop.machine.state.balance("op/issuer", "PLN/2") == -limit
    more = coop.post(("op/issuer", "PLN/2", -1), ("op/coop/jan", "PLN/2", 1))
    assert coop.send(more).code == Code.AMOUNT_OUT_OF_RANGE
    coop.ok(
        coop.post(("op/coop/jan", "PLN/2", -(limit - 100_000)), ("op/issuer", "PLN/2", limit - 100_000)), "op", "jan"
    )


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        ((("op/coop/anna", "PLN/2", -100), ("op/coop/jan", "PLN/2", 99)), Code.NOT_ZERO_SUM),
        ((("op/coop/anna", "PLN/2", -100), ("op/coop/jan", "DUE/2", 100)), Code.NOT_ZERO_SUM),
        ((("op/coop/anna", "PLN/2", 0), ("op/coop/jan", "PLN/2", 0)), Code.ZERO_AMOUNT),
        ((("op/coop/anna", "PLN/2", -100), ("op/coop/anna", "PLN/2", 100)), Code.DUPLICATE_POSTING),
        ((("op/coop/anna", "EUR/2", -100), ("op/coop/jan", "EUR/2", 100)), Code.UNKNOWN_ASSET),
        ((("op/coop/anna", "PLN/2", -100), ("op/coop/eva", "PLN/2", 100)), Code.UNKNOWN_ACCOUNT),
        ((("op/coop/anna", "PLN/2", -100_001), ("op/coop/jan", "PLN/2", 100_001)), Code.INSUFFICIENT_BALANCE),
        ((("op/coop/jan", "PLN/2", -100), ("op/coop/anna", "PLN/2", 100)), Code.NOT_AUTHORISED),
        ((("op/issuer", "PLN/2", -100), ("op/coop/anna", "PLN/2", 100)), Code.NOT_PERMITTED),
        ((("op/coop/anna", "DUE/2", -100), ("op/coop/jan", "DUE/2", 100)), Code.NOT_AUTHORISED),
        ((("op/coop/anna", "KWH-IN/3", -100), ("op/coop/jan", "KWH-IN/3", 100)), Code.METERING_IMMOVABLE),
    ],
)
def test_refused_transfers_change_nothing(coop, lines, code):
    before, root = dict(coop.machine.state.balances), coop.machine.state.root()
    assert coop.send(coop.post(*lines, account="op/coop/anna"), "anna").code == code
    assert coop.machine.state.balances == before
    assert coop.machine.state.root() == root


def test_the_operator_cannot_move_a_members_payment_tokens(coop):
    take = coop.post(("op/coop/anna", "PLN/2", -100), ("op/coop/jan", "PLN/2", 100))
    assert coop.send(take).code == Code.NOT_AUTHORISED


def test_several_givers_sign_one_exchange(coop):
    coop.ok(coop.asset("PTS/0", issuer="op/issuer"))
    coop.ok(coop.post(("op/issuer", "PTS/0", -10), ("op/coop/jan", "PTS/0", 10)))
    swap = coop.post(
        ("op/coop/anna", "PLN/2", -500),
        ("op/coop/jan", "PLN/2", 500),
        ("op/coop/jan", "PTS/0", -10),
        ("op/coop/anna", "PTS/0", 10),
        account="op/coop/anna",
    )
    alone = msgspec.structs.replace(swap, id="f" * 32)
    assert coop.send(alone, "anna").code == Code.NOT_AUTHORISED
    coop.ok(swap, "anna", "jan")


def test_claims_are_charged_by_permission_and_may_go_below_zero(coop):
    coop.ok(coop.post(("op/coop/anna", "DUE/2", -7_300), ("op/coop", "DUE/2", 7_300)))
    assert coop.machine.state.balance("op/coop/anna", "DUE/2") == -7_300


def test_tokens_that_are_not_transferable_pass_between_issuer_and_holders_only(coop):
    coop.ok(coop.asset("VOU/0", transferable=False))
    coop.ok(coop.post(("op/issuer", "VOU/0", -8), ("op/coop/anna", "VOU/0", 5), ("op/coop/jan", "VOU/0", 3)))
    assert coop.send(coop.pay("op/coop/anna", "op/coop/jan", 1, "VOU/0"), "anna").code == Code.NOT_TRANSFERABLE
    coop.ok(coop.pay("op/coop/anna", "op/issuer", 5, "VOU/0"), "anna")


def test_assets_stay_within_their_domain(coop):
    coop.ok(coop.account("op/coop/issuer", "control"))
    coop.ok(coop.account("op/other", "partner"))
    coop.ok(coop.asset("LOC/2", domain="op/coop", issuer="op/coop/issuer"))
    out = coop.post(("op/coop/issuer", "LOC/2", -5), ("op/other", "LOC/2", 5))
    assert coop.send(out).code == Code.OUTSIDE_DOMAIN


# Accounts, keys, roles, assets


def test_first_transaction_is_genesis_and_only_the_first(network):
    assert network.send(network.account("op/x")).code == Code.NOT_FOUNDED
    assert network.send(network.genesis(), "stranger").code == Code.FOREIGN_KEY
    assert network.send(network.genesis(operator_role="king")).code == Code.UNKNOWN_ROLE
    network.ok(network.genesis())
    assert network.send(network.genesis()).code == Code.ALREADY_FOUNDED


def test_accounts_open_below_existing_ones_by_permission(coop):
    assert coop.send(coop.account("op/coop/anna")).code == Code.ACCOUNT_EXISTS
    assert coop.send(coop.account("op/none/eva")).code == Code.UNKNOWN_PARENT
    assert coop.send(coop.account("top")).code == Code.UNKNOWN_PARENT
    assert coop.send(coop.account("op/eva", account="op/coop"), "coop").code == Code.NOT_PERMITTED
    coop.ok(coop.account("op/coop/eva", account="op/coop"), "coop")


@pytest.mark.parametrize("path", ["op//x", "OP/x", "op/x/", "/op", "op/ x", "op/" + "a" * 41, "o/a/b/c/d/e/f/g/h"])
def test_paths_are_plain(coop, path):
    with pytest.raises(SchemaError):
        coop.send(coop.account(path))


def test_a_key_proves_itself_and_belongs_to_one_account(coop):
    assert coop.send(coop.register("op/coop/jan", "new"), "op").code == Code.KEY_NOT_PROVEN
    assert coop.send(coop.register("op/coop/jan", "anna"), "op", "anna").code == Code.KEY_EXISTS
    assert coop.send(coop.register("op/coop/eva", "new"), "op", "new").code == Code.UNKNOWN_ACCOUNT


def test_a_registrar_gives_first_keys_but_taking_over_needs_recovery(coop):
    coop.ok(coop.account("op/coop/eva", account="op/coop"), "coop")
    stranger = coop.register("op/coop/eva", "eva", account="op/coop/jan")
    assert coop.send(stranger, "jan", "eva").code == Code.NOT_PERMITTED
    coop.ok(coop.register("op/coop/eva", "eva", account="op/coop"), "coop", "eva")
    for registrar, name in (("op/coop", "coop"), ("op", "op")):
        takeover = coop.register("op/coop/anna", "thief", account=registrar)
        assert coop.send(takeover, name, "thief").code == Code.RECOVERY_NEEDED
    coop.ok(coop.register("op/coop/anna", "anna-phone", account="op/coop/anna"), "anna", "anna-phone")


def test_setting_keys_is_no_way_to_more_rights(coop):
    coop.ok(coop.account("op/coop/board", "member"))
    coop.ok(coop.bind("op/coop/board", "operator", "op/coop"))
    climb = coop.register("op/coop/board", "climber", account="op/coop")
    assert coop.send(climb, "coop", "climber").code == Code.BEYOND_OWN_RIGHTS
    coop.ok(coop.register("op/coop/board", "board"), "op", "board")
    lock_out = tx.RevokeKey(**coop.frame(account="op/coop"), kid=coop.kid("board"))
    assert coop.send(lock_out, "coop").code == Code.BEYOND_OWN_RIGHTS


def test_keys_end_by_their_account_or_a_registrar(coop):
    revoke = tx.RevokeKey(**coop.frame(account="op/coop"), kid=coop.kid("anna"))
    coop.ok(revoke, "coop")
    again = msgspec.structs.replace(revoke, id="e" * 32)
    assert coop.send(again, "coop").code == Code.KEY_NOT_ACTIVE
    stranger = tx.RevokeKey(**coop.frame(account="op/coop/jan"), kid=coop.kid("coop"))
    assert coop.send(stranger, "jan").code == Code.NOT_PERMITTED
    last = tx.RevokeKey(**coop.frame(), kid=coop.kid("op"))
    assert coop.send(last).code == Code.LAST_KEY
    coop.ok(coop.register("op", "op-two"), "op", "op-two")
    coop.ok(msgspec.structs.replace(last, id="d" * 32))


def test_nobody_grants_more_than_he_holds(coop):
    assert coop.send(coop.bind("op/coop/jan", "operator", "op/coop", account="op/coop"), "coop").code == (
        Code.BEYOND_OWN_RIGHTS
    )
    assert coop.send(coop.bind("op/coop/jan", "partner", "op", account="op/coop"), "coop").code == Code.NOT_PERMITTED
    assert coop.send(coop.bind("op/coop/jan", "partner", "op/coop", account="op/coop/jan"), "jan").code == (
        Code.NOT_PERMITTED
    )
    coop.ok(coop.bind("op/coop/jan", "partner", "op/coop/jan", account="op/coop"), "coop")


def test_nobody_takes_away_more_than_he_could_give(coop):
    unbind = tx.UnbindRole(
        **coop.frame(account="op/coop"), role="gateway", subject="op/coop/gateway", subtree="op/coop"
    )
    assert coop.send(unbind, "coop").code == Code.BEYOND_OWN_RIGHTS
    coop.ok(msgspec.structs.replace(unbind, account="op", id="c" * 32))
    assert coop.send(msgspec.structs.replace(unbind, account="op", id="b" * 32)).code == Code.NOT_BOUND


def test_rights_end_with_their_time_and_cannot_be_passed_on_for_longer(coop):
    coop.ok(coop.account("op/coop/deputy"))
    coop.ok(coop.register("op/coop/deputy", "deputy"), "op", "deputy")
    coop.ok(coop.bind("op/coop/deputy", "partner", "op/coop", valid_to=coop.now + 1_000))
    give = {"account": "op/coop/deputy"}
    forever = coop.bind("op/coop/jan", "partner", "op/coop", **give)
    longer = coop.bind("op/coop/jan", "partner", "op/coop", valid_to=coop.now + 1_001, **give)
    assert coop.send(forever, "deputy").code == Code.BEYOND_OWN_RIGHTS
    assert coop.send(longer, "deputy").code == Code.BEYOND_OWN_RIGHTS
    coop.ok(coop.bind("op/coop/jan", "partner", "op/coop", valid_to=coop.now + 1_000, **give), "deputy")
    coop.now += 1_000
    assert coop.send(coop.account("op/coop/eva", **give), "deputy").code == Code.NOT_PERMITTED


def test_bindings_are_checked(coop):
    assert coop.send(coop.bind("op/coop/jan", "king", "op/coop")).code == Code.UNKNOWN_ROLE
    assert coop.send(coop.bind("op/coop/eva", "partner", "op/coop")).code == Code.UNKNOWN_ACCOUNT
    assert coop.send(coop.bind("op/coop", "partner", "op/coop")).code == Code.ALREADY_BOUND
    past = coop.bind("op/coop/jan", "partner", "op/coop", valid_from=5, valid_to=6)
    assert coop.send(past).code == Code.EMPTY_PERIOD


@pytest.mark.parametrize(
    ("name", "options", "code"),
    [
        ("PLN/2", {}, Code.ASSET_EXISTS),
        ("NEW/2", {"issuer": "op/nobody"}, Code.UNKNOWN_ACCOUNT),
        ("NEW/2", {"issuer": "op/coop/anna"}, Code.ASSET_POLICY),
        ("NEW/2", {"domain": "op/coop"}, Code.ASSET_POLICY),
        ("NEW/2", {"channels": ("1.29.0",)}, Code.ASSET_POLICY),
        ("NEW/3", {"kind": "metering", "channels": ("2.29.0",)}, Code.ASSET_POLICY),
        ("NEW/3", {"kind": "metering", "channels": (), "transferable": False}, Code.ASSET_POLICY),
        ("NEW/3", {"kind": "metering", "channels": ("1.29.0",), "transferable": False}, Code.ASSET_POLICY),
        ("NEW/2", {"kind": "metering", "channels": ("2.29.0",), "transferable": False}, Code.ASSET_POLICY),
    ],
)
def test_asset_policies(coop, name, options, code):
    assert coop.send(coop.asset(name, **options)).code == code


def test_assets_are_defined_by_permission(coop):
    assert coop.send(coop.asset("NEW/2", account="op/coop"), "coop").code == Code.NOT_PERMITTED


def test_unverified_signatures_are_turned_away(coop):
    envelope = coop.signed(coop.pay("op/coop/anna", "op/coop/jan", 100), "anna")
    outcome = apply(coop.machine.state, open_transaction(envelope), block_time=coop.now)
    assert outcome.code == Code.UNKNOWN_KEY


def test_a_key_registered_just_ahead_in_the_same_block_counts(coop):
    key = coop.register("op/coop/anna", "fresh", account="op/coop/anna")
    pay = coop.pay("op/coop/anna", "op/coop/jan", 100)
    forged = json.loads(coop.signed(coop.pay("op/coop/anna", "op/coop/jan", 100), "fresh"))
    signature = bytearray(from_base64url(forged["signatures"][0]["signature"]))
    signature[5] ^= 1
    forged["signatures"][0]["signature"] = base64url(bytes(signature))
    bad = json.dumps(forged, sort_keys=True, separators=(",", ":")).encode()
    outcomes = coop.execute(coop.signed(key, "anna", "fresh"), coop.signed(pay, "fresh"), bad)
    assert [outcome.code for outcome in outcomes] == ["accepted", "accepted", "ledger.signature"]


def test_public_keys_of_other_curves_cannot_be_written_down():
    with pytest.raises(Exception, match="P-256"):
        public_key_of(ec.generate_private_key(ec.SECP521R1()))
