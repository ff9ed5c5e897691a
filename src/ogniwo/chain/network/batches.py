"""What one CometBFT transaction carries: a bounded batch of signed envelopes; and the answers that come back.

A batch is the MessagePack array `[version, nonce, [envelope, ...]]` in its one byte form. The nonce (16 random bytes)
makes a batch that is sent again another transaction for CometBFT, which remembers what it saw; the ledger itself
recognises every repeated envelope by its id. A result has the answers in its data: only what follows from the rules,
since all nodes must agree on it byte for byte; the wording of refusals goes beside it.
"""

from collections.abc import Sequence

import msgspec

from ogniwo.chain.inbox import Answer
from ogniwo.core.kernel.refusals import Refusal

BATCH_ENVELOPES_MAX = 1_000
BATCH_BYTES_MAX = 1_000_000
TX_BYTES_MAX = BATCH_BYTES_MAX + 16 * BATCH_ENVELOPES_MAX
"""A batch with its frame."""

NONCE_BYTES = 16
_VERSION = 1


class BatchFormError(Refusal):
    """A CometBFT transaction is no batch of envelopes."""

    code = "node.batch_form"


class _Batch(msgspec.Struct, frozen=True, gc=False, array_like=True, forbid_unknown_fields=True):
    version: int
    nonce: bytes
    envelopes: tuple[bytes, ...]


class Decided(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """The agreed part of an answer, see Answer; `transaction` and `original` are in hex."""

    transaction: str
    code: str
    height: int
    position: int
    log_index: int
    time_s: int
    original: str


class Wrong(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """An envelope for which a batch was turned away: its index, and the answer to it."""

    index: int
    transaction: str
    code: str
    detail: str


_BATCH = msgspec.msgpack.Decoder(_Batch)
_DECIDED = msgspec.msgpack.Decoder(tuple[Decided, ...])
_DETAILS = msgspec.json.Decoder(dict[int, str])
_WRONG = msgspec.msgpack.Decoder(tuple[Wrong, ...])


def write_batch(envelopes: Sequence[bytes], *, nonce: bytes) -> bytes:
    """The CometBFT transaction of a batch."""
    return msgspec.msgpack.encode(_Batch(_VERSION, nonce, tuple(envelopes)))


def read_batch(tx: bytes) -> tuple[bytes, ...]:
    """The envelopes of a CometBFT transaction; raises BatchFormError."""
    if len(tx) > TX_BYTES_MAX:
        raise BatchFormError(detail=f"a batch of {len(tx)} bytes, at most {TX_BYTES_MAX} are taken")
    try:
        batch = _BATCH.decode(tx)
    except msgspec.DecodeError as error:
        raise BatchFormError(detail=f"no batch of envelopes: {error}") from error
    if batch.version != _VERSION or len(batch.nonce) != NONCE_BYTES or msgspec.msgpack.encode(batch) != tx:
        raise BatchFormError(detail="a batch of another version or form")
    if not 1 <= len(batch.envelopes) <= BATCH_ENVELOPES_MAX or sum(map(len, batch.envelopes)) > BATCH_BYTES_MAX:
        raise BatchFormError(detail=f"a batch of {len(batch.envelopes)} envelopes is empty or too large")
    return batch.envelopes


def write_answers(answers: Sequence[Answer]) -> tuple[bytes, str]:
    """The data all nodes agree on, and the details (JSON by index) that are free text."""
    decided = [
        Decided(one.transaction, one.code, one.height, one.position, one.log_index, one.time_s, one.original)
        for one in answers
    ]
    details = {index: one.detail for index, one in enumerate(answers) if one.detail}
    return msgspec.msgpack.encode(decided), msgspec.json.encode(details).decode()


def read_answers(data: bytes, details: str) -> list[Answer]:
    """The answers of a result; raises BatchFormError."""
    try:
        decided, texts = _DECIDED.decode(data), _DETAILS.decode(details or "{}")
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BatchFormError(detail=f"the answers cannot be read: {error}") from error
    return [
        Answer(one.transaction, one.code, texts.get(index, ""), one.height, one.position, one.log_index,
               one.time_s, one.original)
        for index, one in enumerate(decided)
    ]  # fmt: skip


def write_wrong(wrong: Sequence[Wrong]) -> bytes:
    """Which envelopes of a batch are wrong, for whoever sent it."""
    return msgspec.msgpack.encode(wrong)


def read_wrong(data: bytes) -> tuple[Wrong, ...]:
    """Which envelopes of a batch are wrong; raises BatchFormError."""
    try:
        return _WRONG.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BatchFormError(detail=f"the refusal cannot be read: {error}") from error
