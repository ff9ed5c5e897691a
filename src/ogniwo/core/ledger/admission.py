"""Admission: from received bytes to a typed transaction with verified signatures, without looking at the state.

This is the part that runs in other processes. A signature is verified with a key found by its id; since the id is the
hash of the key, a result stays true whatever happens to the registrations in between. A key that is not known yet may
be registered by a transaction just ahead in the queue: it stays open and the single writer settles it.
"""

from collections.abc import Iterable
from hashlib import sha256

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec

from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.ledger.canonical import decode, encode
from ogniwo.core.ledger.signing import (
    Check,
    KeyRing,
    base64url,
    check_of,
    key_id,
    load_public_key,
    open_envelope,
    verify,
)
from ogniwo.core.ledger.transactions import Payload, carried_keys, signed_days

_PAYLOAD = msgspec.json.Decoder(Payload)


class SignedTransaction(msgspec.Struct, kw_only=True, gc=False, array_like=True):
    """A transaction as it came in; nothing in it changes but `open_checks`, which empties as signatures are verified.

    `transaction` (hex) is the SHA-256 of the payload and its name; `digest` (32 bytes) the one of the whole envelope.
    `signers` are the key ids of the envelope's signatures, `readers` those under its days of readings.
    `open_checks` are the signatures not verified yet; the state machine turns away whatever still has some.
    """

    payload: Payload
    transaction: str
    envelope: bytes
    digest: bytes
    signers: tuple[str, ...]
    readers: tuple[str, ...]
    open_checks: tuple[Check, ...]


class TurnedAway(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """An envelope that is no transaction; `transaction` is its name (hex), "" when it could not be decoded."""

    transaction: str
    code: str
    detail: str


def open_transaction(envelope: bytes) -> SignedTransaction:
    """Decode an envelope and its payload and check their form; all signatures stay open.

    Raises the refusals of `signing.open_envelope` and `canonical.decode`.
    """
    opened = open_envelope(envelope)
    raw, checks = opened.payload, opened.checks
    payload = decode(raw, _PAYLOAD)
    # Nearly all have one signature, and a generator costs more than a signature's place in a tuple.
    signers = (checks[0].kid,) if len(checks) == 1 else tuple(check.kid for check in checks)
    readers: tuple[str, ...] = ()
    days = signed_days(payload)
    if days:
        readings = tuple(check_of(day.reading, base64url(encode(day.record))) for day in days)
        readers, checks = tuple(reading.kid for reading in readings), (*checks, *readings)
    return SignedTransaction(
        payload=payload,
        transaction=sha256(raw).hexdigest(),
        envelope=envelope,
        digest=sha256(envelope).digest(),
        signers=signers,
        readers=readers,
        open_checks=checks,
    )


def read_admitted(envelope: bytes) -> tuple[Payload, bytes]:
    """The payload of an envelope that was admitted before, and its name (32 bytes); its form is not checked again."""
    raw = open_envelope(envelope).payload
    return _PAYLOAD.decode(raw), sha256(raw).digest()


def verify_signatures(transaction: SignedTransaction, ring: KeyRing) -> SignedTransaction:
    """Verify every open signature whose key is known; raises SignatureError or PublicKeyError."""
    still_open: tuple[Check, ...] = ()
    for check in transaction.open_checks:
        key = ring.get(check.kid) or _carried_key(transaction, check.kid)
        if key is None:
            still_open = (*still_open, check)
        else:
            verify(check, key)
    transaction.open_checks = still_open
    return transaction


def admit(envelope: bytes, ring: KeyRing) -> SignedTransaction:
    """Open a transaction and verify what can be verified."""
    return verify_signatures(open_transaction(envelope), ring)


def admit_each(envelopes: Iterable[bytes], ring: KeyRing | None) -> list[SignedTransaction | TurnedAway]:
    """Admit every envelope by itself, in order: what is wrong with one does not touch the others.

    Without a ring signatures are believed, not verified: for a chain that was verified before.
    """
    # Two passes, because a verification empties the processor's nearest cache: so the interpreter works warm.
    admitted = [_opened(envelope) for envelope in envelopes]
    for position, member in enumerate(admitted):
        if isinstance(member, TurnedAway):
            continue
        if ring is None:
            member.open_checks = ()
            continue
        try:
            verify_signatures(member, ring)
        except Refusal as refusal:
            admitted[position] = TurnedAway(member.transaction, refusal.code, refusal.detail)
    return admitted


def _opened(envelope: bytes) -> SignedTransaction | TurnedAway:
    try:
        return open_transaction(envelope)
    except Refusal as refusal:
        return TurnedAway("", refusal.code, refusal.detail)


def _carried_key(transaction: SignedTransaction, kid: str) -> ec.EllipticCurvePublicKey | None:
    for key in carried_keys(transaction.payload):
        if key_id(key) == kid:
            return load_public_key(key)
    return None
