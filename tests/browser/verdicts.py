"""What the product answers to a case: the code and, where it says yes, what it read."""

import msgspec

from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.ledger.admission import open_transaction, verify_signatures
from ogniwo.core.ledger.canonical import decode_document
from ogniwo.core.ledger.checkpoints import parse_verifier_key, verify_checkpoint
from ogniwo.core.ledger.continuity import check_against_held, check_consistency
from ogniwo.core.ledger.cosignatures import WitnessPolicy, parse_witness_key
from ogniwo.core.ledger.merkle import consistent, includes
from ogniwo.core.ledger.receipts import check_receipt
from ogniwo.core.ledger.signing import KeyRing, PublicKey, from_base64url


def _transaction(signed):
    parts = (signed.transaction, signed.digest.hex(), *signed.signers, *signed.readers)
    return " ".join((*parts, *(check.kid for check in signed.open_checks)))


def _admitted(envelope, keys):
    """Its form first, then the keys, as `check_receipt` does."""
    opened = open_transaction(envelope)
    ring = KeyRing([msgspec.convert(key, PublicKey) for key in keys])
    return _transaction(verify_signatures(opened, ring))


def _checkpoint(checkpoint):
    return f"{checkpoint.origin} {checkpoint.size} {checkpoint.root.hex()}"


def _final(note, witnesses, quorum):
    policy = WitnessPolicy(witnesses=tuple(parse_witness_key(key) for key in witnesses), quorum=quorum)
    return " ".join(f"{name} {time_s}" for name, time_s in policy.demand_final(note))


def _held(shown, held, key, proof):
    return _checkpoint(check_against_held(shown, held=held, checkpoint_key=key, proof=proof))


def _receipt(data, key, policy, held, consistency):
    """All that a wallet asks of a receipt, in its order; without a key of its own it takes the one inside."""
    if key is None:
        try:
            key = str(msgspec.json.decode(data)["checkpoint_key"])
        except (ValueError, KeyError, TypeError, RecursionError):
            key = ""
    signed = check_receipt(data, checkpoint_key=key)
    note = msgspec.json.decode(data)["checkpoint"]
    if policy:
        _final(note, **policy)
    if held is not None:
        _held(note, held, key, consistency)
    return _transaction(signed)


def _key(found):
    return f"{found.name} {found.key.hex()}"


CHECKS = {
    "document": lambda data: str(decode_document(data) is None),
    "base64url": lambda text: from_base64url(text).hex(),
    "inclusion": lambda **claim: str(includes(**claim)),
    "consistency": lambda **claim: str(consistent(**claim)),
    "log_key": lambda text: _key(parse_verifier_key(text)),
    "witness_key": lambda text: _key(parse_witness_key(text)),
    "checkpoint": lambda note, key: _checkpoint(verify_checkpoint(note, key=parse_verifier_key(key))),
    "final": _final,
    "transaction": _admitted,
    "consistency_document": lambda document, key: " ".join(
        _checkpoint(one) for one in check_consistency(document, checkpoint_key=key)
    ),
    "held": _held,
    "receipt": _receipt,
}


def verdict(kind, arguments):
    """`[code, value]`; anything raised that is no refusal is a bug and comes through."""
    try:
        return ["ok", CHECKS[kind](**arguments)]
    except Refusal as refusal:
        return [refusal.code, ""]
