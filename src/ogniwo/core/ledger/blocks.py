"""What a block is in bytes: its header, its body, and the entries it adds to the Merkle log.

The log gets one entry for the block itself (time, previous header, roots of its transactions, outcomes and state) and
then one per recorded transaction with its outcome. So a log root that somebody else keeps binds not only which
transactions there were, but when, with what answer, and what the balances were after them.
"""

from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Annotated, Literal, NamedTuple

import msgspec

from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.ledger.canonical import INTEGER_LIMIT, decode, encode
from ogniwo.core.ledger.intervals import EpochSeconds
from ogniwo.core.ledger.transactions import FORMAT_VERSION, Count, Digest, Network

NO_BLOCK = "0" * 64
"""The `previous` of the first block."""


class BlockHeader(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True, kw_only=True):
    """The head of a block; hashes in hex.

    `transactions_root` is the RFC 9162 root over the SHA-256 of each envelope, `outcomes_root` over the block's
    transaction entries; `state_root` is state.State.root after the block, `log_size` and `log_root` the log after it.
    """

    height: Count
    log_root: Digest
    log_size: Count
    network: Network
    outcomes_root: Digest
    previous: Digest
    state_root: Digest
    time: EpochSeconds
    transactions: Count
    transactions_root: Digest
    v: Annotated[int, msgspec.Meta(ge=1, le=INTEGER_LIMIT)] = FORMAT_VERSION


class BlockEntry(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True, kw_only=True):
    """The log entry of a block: everything in its header that does not depend on the log."""

    entry: Literal["block"] = "block"
    height: Count
    network: Network
    outcomes_root: Digest
    previous: Digest
    state_root: Digest
    time: EpochSeconds
    transactions_root: Digest
    v: Annotated[int, msgspec.Meta(ge=1, le=INTEGER_LIMIT)] = FORMAT_VERSION


class TransactionEntry(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True, kw_only=True):
    """The log entry of a transaction: hashes only, where and when it was decided, and how.

    `transaction` is the SHA-256 of the payload, `envelope` of the whole envelope; `position` counts in the block.
    """

    entry: Literal["transaction"] = "transaction"
    envelope: Digest
    height: Count
    outcome: Annotated[str, msgspec.Meta(max_length=64)]
    position: Count
    time: EpochSeconds
    transaction: Digest
    v: Annotated[int, msgspec.Meta(ge=1, le=INTEGER_LIMIT)] = FORMAT_VERSION


def transaction_leaves(decided: Iterable[tuple[bytes, str, str]], *, height: int, time: int) -> list[bytes]:
    """The leaf hashes of the log entries of a block's transactions.

    `decided` gives of each, in order, the hash of its envelope (32 bytes), its name in hex, and its outcome. The same
    as `leaf_hash(encode(TransactionEntry(...)))` at a third of its price: of what stands in an entry only an outcome
    could need escapes in JSON, and outcomes are codes.
    """
    return [
        sha256(
            (
                f'\0{{"entry":"transaction","envelope":"{envelope.hex()}","height":{height},"outcome":"{outcome}",'
                f'"position":{position},"time":{time},"transaction":"{transaction}","v":{FORMAT_VERSION}}}'
            ).encode("ascii")
        ).digest()
        for position, (envelope, transaction, outcome) in enumerate(decided)
    ]


class Move(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A change of one balance, in minor units of the asset."""

    account: str
    asset: str
    amount: int


class Recorded(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A transaction as the block's body keeps it: the outcome's code and the whole envelope.

    `moves` tells what an operation moved whose payload does not say so (a payment from several sources, say), by
    account and asset. It is derived, so that tables can be built without the rules; whoever replays compares it.
    """

    outcome: str
    envelope: bytes
    moves: tuple[Move, ...] = ()


class Block(NamedTuple):
    """A block as it is stored: height, canonical header, MessagePack body (an array of `Recorded`)."""

    height: int
    header: bytes
    body: bytes


class MalformedBodyError(Refusal):
    """The body of a block cannot be read, or is not in its one byte form."""

    code = "ledger.malformed_body"


_HEADER = msgspec.json.Decoder(BlockHeader)
_BODY = msgspec.msgpack.Decoder(tuple[Recorded, ...])
_BODY_ENCODER = msgspec.msgpack.Encoder()


def header_hash(header: bytes) -> str:
    """The hash (hex) that the next block names as its previous one."""
    return sha256(header).hexdigest()


def read_header(header: bytes) -> BlockHeader:
    """Decode a header; raises the refusals of `canonical.decode`."""
    return decode(header, _HEADER)


def write_body(recorded: list[Recorded]) -> bytes:
    """The bytes of a body; a transaction without moves has two members, one with moves three."""
    return _BODY_ENCODER.encode(_rows(recorded))


def _rows(recorded: Sequence[Recorded]) -> list[tuple[object, ...]]:
    return [
        (each.outcome, each.envelope, each.moves) if each.moves else (each.outcome, each.envelope) for each in recorded
    ]


def read_body(body: bytes) -> tuple[Recorded, ...]:
    """Decode a body; raises MalformedBodyError when it is damaged or not in its one byte form."""
    try:
        recorded = _BODY.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise MalformedBodyError(detail=f"the body of the block cannot be read: {error}") from error
    if _BODY_ENCODER.encode(_rows(recorded)) != body:
        raise MalformedBodyError(detail="the body of the block is not in its one byte form")
    return recorded


def block_entry_of(header: BlockHeader) -> bytes:
    """The canonical log entry of a block."""
    return encode(
        BlockEntry(
            height=header.height,
            network=header.network,
            outcomes_root=header.outcomes_root,
            previous=header.previous,
            state_root=header.state_root,
            time=header.time,
            transactions_root=header.transactions_root,
        )
    )
