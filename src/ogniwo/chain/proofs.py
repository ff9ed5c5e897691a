"""Checkpoints and receipts of a running ledger."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ogniwo.chain.embedded import Head
from ogniwo.chain.projection import Projection
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.ledger.admission import open_transaction
from ogniwo.core.ledger.blocks import Block, TransactionEntry, read_body, read_header
from ogniwo.core.ledger.canonical import Document
from ogniwo.core.ledger.checkpoints import (
    Checkpoint,
    parse_checkpoint,
    sign_checkpoint,
    verifier_key,
    verify_checkpoint,
)
from ogniwo.core.ledger.continuity import build_consistency
from ogniwo.core.ledger.intervals import IntervalLeaf
from ogniwo.core.ledger.merkle import Tree
from ogniwo.core.ledger.receipts import build_receipt
from ogniwo.core.ledger.state import State
from ogniwo.core.ledger.transactions import carried_keys


class NotOnLedgerError(Refusal):
    """A receipt was asked for a transaction that the ledger does not hold."""

    code = "ledger.not_on_ledger"


class EmptyLedgerError(Refusal):
    """A checkpoint was asked of a ledger without a block."""

    code = "ledger.empty"


class Readable(Protocol):
    """What a proof needs of a ledger: the engine that writes it has it, and a replica that only follows."""

    @property
    def name(self) -> str:
        """What messages call this ledger."""
        ...

    @property
    def log(self) -> Tree:
        """The Merkle log."""
        ...

    def head(self) -> Head:
        """The last block."""
        ...

    def read(self, from_height: int, *, limit: int = ...) -> list[Block]:
        """Blocks from a height on."""
        ...

    def reading(self) -> AbstractContextManager[State]:
        """The state."""
        ...


def checkpoint_of(ledger: Readable, *, key: Ed25519PrivateKey) -> str:
    """The signed checkpoint of the last durable block, in the name of the network."""
    head = ledger.head()
    if head.height < 0:
        raise EmptyLedgerError(detail=f"{ledger.name} has no block yet")
    checkpoint = Checkpoint(head.network, head.log_size, bytes.fromhex(head.log_root))
    return sign_checkpoint(checkpoint, name=head.network, key=key)


def receipt_of(
    ledger: Readable,
    projection: Projection,
    *,
    transaction: str,
    key: Ed25519PrivateKey,
    interval: tuple[Sequence[IntervalLeaf], int] | None = None,
    document: tuple[bytes, dict[str, Document]] | None = None,
    notes: Sequence[str] = (),
) -> bytes:
    """The receipt (canonical JSON) of a recorded transaction against a checkpoint of the last block.

    The checkpoint is the one of `notes` that is of that block, with its cosignatures, else one made now.

    `interval` takes all leaves of a minted day and the index of the one to reveal, `document` the salt and the content
    behind an anchor. Raises NotOnLedgerError, or BadReceiptError when interval or document do not belong to it.
    """
    projection.catch_up()
    place = projection.find(transaction)
    if place is None:
        raise NotOnLedgerError(detail=f"the ledger holds no transaction {transaction}")
    head = ledger.head()
    block = ledger.read(place.height, limit=1)[0]
    header, record = read_header(block.header), read_body(block.body)[place.position]
    signed = open_transaction(record.envelope)
    with ledger.reading() as state:
        kids = dict.fromkeys((*signed.signers, *signed.readers))
        keys = [state.keys[kid].key for kid in kids if kid in state.keys]
    keys += [carried for carried in carried_keys(signed.payload) if carried not in keys]
    return build_receipt(
        envelope=record.envelope,
        entry=TransactionEntry(
            envelope=signed.digest.hex(),
            height=place.height,
            outcome=record.outcome,
            position=place.position,
            time=header.time,
            transaction=transaction,
        ),
        log_index=place.log_index,
        inclusion=ledger.log.inclusion(place.log_index, head.log_size),
        checkpoint=_checkpoint(head, notes, key),
        checkpoint_key=verifier_key(head.network, key).text(),
        keys=keys,
        interval=interval,
        document=document,
    )


def consistency_of(ledger: Readable, *, older: str, key: Ed25519PrivateKey, notes: Sequence[str] = ()) -> bytes:
    """The proof (canonical JSON) that the log of now continues the one of an `older` signed note.

    The newer note is the one of `notes` that is of the last block, with its cosignatures, else one made now. Raises
    LogShrankError or ForkedError when the log does not continue it, and the refusals of `verify_checkpoint`.
    """
    head = ledger.head()
    if head.height < 0:
        raise EmptyLedgerError(detail=f"{ledger.name} has no block yet")
    public = verifier_key(head.network, key)
    size = verify_checkpoint(older, key=public).size
    return build_consistency(
        older=older,
        newer=_checkpoint(head, notes, key),
        proof=ledger.log.consistency(size, head.log_size) if 0 < size <= head.log_size else (),
        checkpoint_key=public.text(),
    )


def newest_note(ledger: Readable, *, key: Ed25519PrivateKey, notes: Sequence[str] = ()) -> str:
    """The signed note of the last block: the one of `notes`, with its cosignatures, else one made now."""
    if ledger.head().height < 0:
        raise EmptyLedgerError(detail=f"{ledger.name} has no block yet")
    return _checkpoint(ledger.head(), notes, key)


def _checkpoint(head: Head, notes: Sequence[str], key: Ed25519PrivateKey) -> str:
    wanted = Checkpoint(head.network, head.log_size, bytes.fromhex(head.log_root))
    for note in notes:
        if parse_checkpoint(note) == wanted:
            return note
    return sign_checkpoint(wanted, name=head.network, key=key)
