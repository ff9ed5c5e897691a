"""The malicious member, through the front door: every attack gets its code, and the books stay as they were."""

import importlib.util
import json
import sys
from pathlib import Path

import msgspec
import pytest

from ogniwo.chain.embedded import EmbeddedLedger
from ogniwo.core.ledger.canonical import encode
from ogniwo.core.ledger.signing import P256_ORDER, PublicKey, base64url, from_base64url, key_id, sign

NETWORK = Path(__file__).parents[1] / "unit" / "core" / "ledger" / "network.py"


def new_network():
    if "ledger_network" not in sys.modules:
        specification = importlib.util.spec_from_file_location("ledger_network", NETWORK)
        sys.modules["ledger_network"] = importlib.util.module_from_spec(specification)
        specification.loader.exec_module(sys.modules["ledger_network"])
    return sys.modules["ledger_network"].Network()


@pytest.fixture
def ledger_and_coop(tmp_path):
    coop = new_network()
    with EmbeddedLedger(tmp_path / "ledger.sqlite3", clock=lambda: coop.now, workers=2) as ledger:
        ledger.submit(coop.founding())
        yield ledger, coop


def pay(coop, amount=100, **changed):
    return coop.pay("op/coop/anna", "op/coop/jan", amount, **changed)


def raw(coop, *replacements):
    data = encode(pay(coop))
    for old, new in replacements:
        assert old in data
        data = data.replace(old, new)
    return sign(data, keys=[coop.key("anna")])


def envelope(coop, change):
    document = json.loads(coop.signed(pay(coop), "anna"))
    change(document["signatures"][0], document)
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


def header(**fields):
    return base64url(json.dumps(fields, sort_keys=True, separators=(",", ":")).encode())


def high_s(signature, _document):
    data = from_base64url(signature["signature"])
    s = P256_ORDER - int.from_bytes(data[32:])
    signature["signature"] = base64url(data[:32] + s.to_bytes(32))


def other_byte(signature, _document):
    data = bytearray(from_base64url(signature["signature"]))
    data[7] ^= 1
    signature["signature"] = base64url(bytes(data))


def none(coop):
    return lambda signature, _: signature.update(protected=header(alg="none", kid=coop.kid("anna")), signature="")


def keyed_hash(coop):
    return lambda signature, _: signature.update(protected=header(alg="HS256", kid=coop.kid("anna")))


def janes_key(coop):
    return lambda signature, _: signature.update(protected=header(alg="ES256", kid=coop.kid("jan")))


ATTACKS = {
    "expired": (lambda coop: coop.signed(pay(coop, expires=coop.now), "anna"), "ledger.expired"),
    "other network": (lambda coop: coop.signed(pay(coop, network="other"), "anna"), "ledger.other_network"),
    "other version": (lambda coop: coop.signed(pay(coop, v=2), "anna"), "ledger.unsupported_version"),
    "duplicate key": (lambda coop: raw(coop, (b'"v":1', b'"v":1,"v":1')), "ledger.not_canonical"),
    "duplicate amount": (
        lambda coop: raw(coop, (b'"amount":100', b'"amount":1,"amount":100')),
        "ledger.not_canonical",
    ),
    "unknown field": (lambda coop: raw(coop, (b'"v":1', b'"v":1,"x":1')), "ledger.schema"),
    "fraction": (lambda coop: raw(coop, (b'"amount":100', b'"amount":100.0')), "ledger.schema"),
    "exponent": (lambda coop: raw(coop, (b'"amount":100', b'"amount":1e2')), "ledger.schema"),
    "minus zero": (lambda coop: raw(coop, (b'"amount":100', b'"amount":-0')), "ledger.not_canonical"),
    "2^53": (lambda coop: raw(coop, (b"100", b"9007199254740992")), "ledger.schema"),
    "2^53 - 1 he does not have": (
        lambda coop: coop.signed(pay(coop, 2**53 - 1), "anna"),
        "ledger.insufficient_balance",
    ),
    "alg none": (lambda coop: envelope(coop, none(coop)), "ledger.algorithm"),
    "alg HS256": (lambda coop: envelope(coop, keyed_hash(coop)), "ledger.algorithm"),
    "high s": (lambda coop: envelope(coop, high_s), "ledger.high_s"),
    "changed signature": (lambda coop: envelope(coop, other_byte), "ledger.signature"),
    "somebody else's key id": (lambda coop: envelope(coop, janes_key(coop)), "ledger.signature"),
    "somebody else's key": (lambda coop: coop.signed(pay(coop), "jan"), "ledger.foreign_key"),
    "unregistered key": (lambda coop: coop.signed(pay(coop), "stranger"), "ledger.unknown_key"),
    "one key twice": (lambda coop: coop.signed(pay(coop), "anna", "anna"), "ledger.duplicate_signer"),
    "white space": (lambda coop: coop.signed(pay(coop), "anna") + b"\n", "ledger.not_canonical"),
    "no JSON": (lambda coop: b"\x00" * 100, "ledger.malformed"),
    "deep nesting": (lambda coop: b"[" * 60_000, "ledger.malformed"),
    "gigantic": (lambda coop: b"[" * 70_000, "ledger.too_large"),
    "another's tokens": (
        lambda coop: coop.signed(
            coop.post(("op/issuer", "PLN/2", -5), ("op/coop/anna", "PLN/2", 5), account="op/coop/anna"), "anna"
        ),
        "ledger.not_permitted",
    ),
    "more rights": (
        lambda coop: coop.signed(coop.bind("op/coop/anna", "operator", "op", account="op/coop/anna"), "anna"),
        "ledger.not_permitted",
    ),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_refused_with_its_code(ledger_and_coop, attack):
    ledger, coop = ledger_and_coop
    make, code = ATTACKS[attack]
    with ledger.reading() as state:
        before = dict(state.balances)
    (answer,) = ledger.submit([make(coop)])
    assert answer.code == code, answer
    with ledger.reading() as state:
        assert state.balances == before


def test_replay_and_double_spend_across_blocks(ledger_and_coop):
    ledger, coop = ledger_and_coop
    first = coop.signed(pay(coop, 60_000), "anna")
    second = coop.signed(pay(coop, 60_000), "anna")
    codes = [ledger.submit([each])[0].code for each in (first, second, first, second)]
    assert codes == ["accepted", "ledger.insufficient_balance", "ledger.exists", "ledger.insufficient_balance"]
    with ledger.reading() as state:
        assert state.balance("op/coop/anna", "PLN/2") == 40_000
    reused = json.loads(encode(pay(coop)))["id"]
    one, two = coop.signed(pay(coop, 1, id=reused), "anna"), coop.signed(pay(coop, 2, id=reused), "anna")
    assert [answer.code for answer in ledger.submit([one, two])] == ["accepted", "ledger.id_conflict"]


def test_a_key_off_the_curve_does_not_stop_the_engine(ledger_and_coop):
    ledger, coop = ledger_and_coop
    bogus = PublicKey(x=base64url(bytes(31) + b"\x01"), y=base64url(bytes(31) + b"\x01"))
    payload = msgspec.structs.replace(coop.register("op/coop/anna", "new", account="op/coop/anna"), key=bogus)
    document = json.loads(coop.signed(payload, "anna", "new"))
    document["signatures"][1]["protected"] = header(alg="ES256", kid=key_id(bogus))
    attack = json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
    good = coop.signed(pay(coop, 1), "anna")
    assert [answer.code for answer in ledger.submit([attack, good])] == ["ledger.public_key", "accepted"]


def test_attackers_without_a_key_cannot_fill_the_log(ledger_and_coop):
    ledger, coop = ledger_and_coop
    size = ledger.head().log_size
    ledger.submit([coop.signed(pay(coop), "stranger"), coop.signed(pay(coop), "jan"), b"{}", b"\x00"])
    assert ledger.head().log_size == size
