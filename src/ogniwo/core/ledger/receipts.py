"""Receipts: everything somebody without access needs to check one transaction offline.

A receipt is one canonical JSON document: the signed envelope, the log entry with its inclusion proof, the signed
checkpoint, and the public keys of the signers. It may add one interval of a minted day, or the document behind an
anchor. docs/ledger.md describes the format, docs/check_receipt.py checks it without this package.
"""

from collections.abc import Sequence
from hashlib import sha256
from typing import Annotated, Any

import msgspec

from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.ledger.admission import SignedTransaction, open_transaction, verify_signatures
from ogniwo.core.ledger.blocks import TransactionEntry
from ogniwo.core.ledger.canonical import Document, decode, encode, encode_document
from ogniwo.core.ledger.checkpoints import parse_verifier_key, verify_checkpoint
from ogniwo.core.ledger.intervals import IntervalLeaf, Salt, commitment, interval_hash, interval_proof
from ogniwo.core.ledger.merkle import includes, leaf_hash
from ogniwo.core.ledger.signing import Envelope, KeyRing, PublicKey
from ogniwo.core.ledger.transactions import Anchor, Count, Digest, signed_days

RECEIPT_VERSION = 1


class BadReceiptError(Refusal):
    """A receipt does not prove what it claims; the sentence names the step that fails."""

    code = "ledger.bad_receipt"


class IntervalPart(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One interval of a minted day with its path to the day's root, which tells which of several days it is."""

    index: Count
    leaf: IntervalLeaf
    proof: Annotated[tuple[Digest, ...], msgspec.Meta(max_length=16)]


class DocumentPart(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The document behind an anchor's commitment, with its salt."""

    content: dict[str, Any]
    salt: Salt


class Receipt(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """The receipt; `inclusion` is nearest sibling first. `interval` and `document` may be absent."""

    checkpoint: str
    checkpoint_key: str
    document: DocumentPart | msgspec.UnsetType = msgspec.UNSET
    entry: TransactionEntry
    envelope: Envelope
    inclusion: Annotated[tuple[Digest, ...], msgspec.Meta(max_length=64)]
    interval: IntervalPart | msgspec.UnsetType = msgspec.UNSET
    keys: tuple[PublicKey, ...]
    log_index: Count
    receipt: Annotated[int, msgspec.Meta(ge=1, le=RECEIPT_VERSION)]


_RECEIPT = msgspec.json.Decoder(Receipt)
_ENVELOPE = msgspec.json.Decoder(Envelope)


def build_receipt(  # noqa: PLR0913 -- the eight facts of a receipt, each named by its caller
    *,
    envelope: bytes,
    entry: TransactionEntry,
    log_index: int,
    inclusion: Sequence[bytes],
    checkpoint: str,
    checkpoint_key: str,
    keys: Sequence[PublicKey],
    interval: tuple[Sequence[IntervalLeaf], int] | None = None,
    document: tuple[bytes, dict[str, Document]] | None = None,
) -> bytes:
    """Build a receipt and check it before giving it out.

    `checkpoint` is the signed note that the inclusion proof leads to, `keys` the public keys of all signers, that of
    the reading included. `interval` takes all leaves of the minted day and the index of the one to reveal; `document`
    the salt and the content behind an anchor. Raises BadReceiptError when any part does not fit the others.
    """
    interval_part: IntervalPart | msgspec.UnsetType = msgspec.UNSET
    if interval is not None:
        leaves, index = interval
        interval_part = IntervalPart(index=index, leaf=leaves[index], proof=tuple(interval_proof(leaves, index)))
    document_part: DocumentPart | msgspec.UnsetType = msgspec.UNSET
    if document is not None:
        salt, content = document
        document_part = DocumentPart(content=dict(content), salt=salt.hex())
    receipt = encode(
        Receipt(
            checkpoint=checkpoint,
            checkpoint_key=checkpoint_key,
            document=document_part,
            entry=entry,
            envelope=decode(envelope, _ENVELOPE),
            inclusion=tuple(step.hex() for step in inclusion),
            interval=interval_part,
            keys=tuple(keys),
            log_index=log_index,
            receipt=RECEIPT_VERSION,
        )
    )
    check_receipt(receipt, checkpoint_key=checkpoint_key)
    return receipt


def check_receipt(receipt: bytes, *, checkpoint_key: str) -> SignedTransaction:
    """Check every step of a receipt against a checkpoint key the reader trusts, and give the transaction.

    Raises BadReceiptError, or the refusal of the part that fails.
    """
    parsed = decode(receipt, _RECEIPT)
    if parsed.document is not msgspec.UNSET:
        encode_document(parsed.document.content)
    transaction = open_transaction(encode(parsed.envelope))
    verified = verify_signatures(transaction, KeyRing(parsed.keys))
    _demand(not verified.open_checks, "a signer's public key is missing")
    entry = parsed.entry
    same = (entry.transaction, entry.envelope) == (transaction.transaction, transaction.digest.hex())
    _demand(same, "the log entry is about another transaction")
    checkpoint = verify_checkpoint(parsed.checkpoint, key=parse_verifier_key(checkpoint_key))
    _demand(checkpoint.origin == transaction.payload.network, "the checkpoint is of another network")
    included = includes(
        leaf=leaf_hash(encode(entry)),
        index=parsed.log_index,
        size=checkpoint.size,
        proof=[bytes.fromhex(step) for step in parsed.inclusion],
        root=checkpoint.root,
    )
    _demand(included, "the log entry is not under the checkpoint's root")
    if parsed.interval is not msgspec.UNSET:
        _check_interval(parsed.interval, transaction)
    if parsed.document is not msgspec.UNSET:
        _check_document(parsed.document, transaction)
    return verified


def _check_interval(part: IntervalPart, transaction: SignedTransaction) -> None:
    days = signed_days(transaction.payload)
    _demand(bool(days), "an interval belongs to a minted day")
    records = [day.record for day in days if day.record.channel == part.leaf.channel]
    _demand(bool(records), "the interval is of another channel")
    leaf, proof = interval_hash(part.leaf), [bytes.fromhex(step) for step in part.proof]
    included = any(
        includes(
            leaf=leaf,
            index=part.index,
            size=record.leaf_count,
            proof=proof,
            root=bytes.fromhex(record.merkle_root),
        )
        for record in records
    )
    _demand(included, "the interval is not under the day's root")


def _check_document(part: DocumentPart, transaction: SignedTransaction) -> None:
    payload = transaction.payload
    if not isinstance(payload, Anchor):
        raise BadReceiptError(detail="a document belongs to an anchor")
    fits = commitment(salt=bytes.fromhex(part.salt), document=part.content) == payload.commitment
    _demand(fits, "the document is not the one that was anchored")


def _demand(holds: bool, detail: str) -> None:  # noqa: FBT001 -- a guard reads best as a sentence
    if not holds:
        raise BadReceiptError(detail=detail)


def fingerprint(receipt: bytes) -> str:
    """The SHA-256 (hex) that names a receipt in letters and logs."""
    return sha256(receipt).hexdigest()
