"""Whatever bytes come in, the answer is a refusal or a transaction, never a fault."""

import json

import ledger_network  # made by conftest.py
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.ledger.admission import admit, admit_each, open_transaction, verify_signatures
from ogniwo.core.ledger.canonical import encode
from ogniwo.core.ledger.signing import (
    KeyRing,
    PublicKey,
    PublicKeyError,
    base64url,
    key_id,
    public_key_of,
)

OFF_CURVE = PublicKey(x=base64url(bytes(31) + b"\x01"), y=base64url(bytes(31) + b"\x01"))

STRAY_BITS = PublicKey(x="A" * 42 + "B", y="A" * 43)


@given(st.binary(max_size=200))
def test_random_bytes_are_refused(data):
    with pytest.raises(Refusal):
        open_transaction(data)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_mangled_transactions_are_refused(data):
    coop = ledger_network.Network()
    sent = coop.pay("op/coop/anna", "op/coop/jan", 100)
    original = coop.signed(sent, "anna")
    inner = data.draw(st.booleans())
    target = bytearray(encode(sent) if inner else original)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(target) - 1))
        target[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3) | st.just(b"\\ud800"))
    mangled = bytes(target)
    if inner:
        document = json.loads(original) | {"payload": base64url(mangled)}
        mangled = json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
    try:
        transaction = admit(mangled, KeyRing([public_key_of(coop.key("anna"))]))
    except Refusal:
        return
    # What survives is the original, or names a key that nobody knows: its signature stays open.
    assert mangled == original or transaction.open_checks


@pytest.mark.parametrize("key", [OFF_CURVE, STRAY_BITS])
def test_a_key_that_is_none_is_an_answer_not_a_fault(network, key):
    payload = msgspec.structs.replace(network.genesis(), key=key)
    document = json.loads(network.signed(payload))
    header = {"alg": "ES256", "kid": key_id(key)}
    document["signatures"][0]["protected"] = base64url(json.dumps(header, separators=(",", ":")).encode())
    envelope = json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
    transaction = open_transaction(envelope)
    (failed,) = admit_each([envelope], KeyRing())
    assert (failed.transaction, failed.code) == (transaction.transaction, "ledger.public_key")
    with pytest.raises(PublicKeyError):
        verify_signatures(transaction, KeyRing())
    executed = network.machine.execute([transaction], clock_s=network.now)
    assert executed.placed[0].outcome.code == "ledger.public_key"
    assert executed.block is None


def test_signatures_stay_open_until_their_key_is_known(network):
    envelope = network.signed(network.pay("op/coop/anna", "op/coop/jan", 100), "anna", "jan")
    transaction = admit(envelope, KeyRing([public_key_of(network.key("anna"))]))
    assert [check.kid for check in transaction.open_checks] == [network.kid("jan")]
    verify_signatures(transaction, KeyRing([public_key_of(network.key("jan"))]))
    assert transaction.open_checks == ()
    assert transaction.signers == (network.kid("anna"), network.kid("jan"))
