"""Continuity: whether two checkpoints are of one log, of which the newer only added to the older.

Whoever keeps a checkpoint (a wallet keeps the last one it saw) demands this of every other one it is shown. A proof is
one canonical JSON document with both signed notes and the RFC 9162 consistency proof between them.
"""

from collections.abc import Sequence
from typing import Annotated

import msgspec

from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.ledger.canonical import decode, encode
from ogniwo.core.ledger.checkpoints import Checkpoint, VerifierKey, parse_verifier_key, verify_checkpoint
from ogniwo.core.ledger.merkle import consistent
from ogniwo.core.ledger.transactions import Digest

CONSISTENCY_VERSION = 1


class ForkedError(Refusal):
    """Two checkpoints are not of one log: the past was changed, removed or reordered, or two logs are shown."""

    code = "ledger.checkpoint_inconsistent"


class LogShrankError(Refusal):
    """The newer of two checkpoints covers fewer entries than the older."""

    code = "ledger.log_shorter_than_checkpoint"


class ConsistencyMissingError(Refusal):
    """Two checkpoints differ in size and no proof leads from one to the other."""

    code = "ledger.consistency_missing"


class Consistency(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The document: the `older` and the `newer` signed note, the key of both, and the proof in its RFC's order."""

    checkpoint_key: str
    consistency: Annotated[int, msgspec.Meta(ge=1, le=CONSISTENCY_VERSION)]
    newer: str
    older: str
    proof: Annotated[tuple[Digest, ...], msgspec.Meta(max_length=64)]


_CONSISTENCY = msgspec.json.Decoder(Consistency)


def build_consistency(*, older: str, newer: str, proof: Sequence[bytes], checkpoint_key: str) -> bytes:
    """Build the document and check it before giving it out; raises what `check_consistency` raises."""
    document = encode(
        Consistency(
            checkpoint_key=checkpoint_key,
            consistency=CONSISTENCY_VERSION,
            newer=newer,
            older=older,
            proof=tuple(step.hex() for step in proof),
        )
    )
    check_consistency(document, checkpoint_key=checkpoint_key)
    return document


def check_consistency(document: bytes, *, checkpoint_key: str) -> tuple[Checkpoint, Checkpoint]:
    """The older and the newer checkpoint of a proof that holds under a key the reader trusts.

    Raises the refusals of `canonical.decode`, `parse_verifier_key`, `verify_checkpoint` and `demand_continues`.
    """
    return _checked(document, parse_verifier_key(checkpoint_key))


def demand_continues(*, older: Checkpoint, newer: Checkpoint, proof: Sequence[bytes]) -> None:
    """Raise LogShrankError or ForkedError unless the proof shows that the newer log begins with the older one."""
    if older.origin != newer.origin:
        raise ForkedError(detail=f"one checkpoint is of {older.origin}, the other of {newer.origin}")
    if older.size > newer.size:
        raise LogShrankError(detail=f"the older checkpoint has {older.size} entries, the newer {newer.size}")
    if not consistent(old=older.size, new=newer.size, proof=proof, old_root=older.root, new_root=newer.root):
        raise ForkedError(detail=f"the log of {newer.size} entries does not continue the one of {older.size}")


def check_against_held(shown: str, *, held: str, checkpoint_key: str, proof: bytes | None = None) -> Checkpoint:
    """The checkpoint `shown`, if it is of the same log as the one the reader already `held` (both signed notes).

    Either may be the newer one. Two of the same size need no `proof`, others the document of `build_consistency`.
    Raises ForkedError, ConsistencyMissingError, or what `check_consistency` raises.
    """
    key = parse_verifier_key(checkpoint_key)
    known, found = verify_checkpoint(held, key=key), verify_checkpoint(shown, key=key)
    if known.origin != found.origin or (known.size == found.size and known.root != found.root):
        raise ForkedError(detail=f"two roots for {known.size} entries of {known.origin}: the log was forked")
    if known == found:
        return found
    if proof is None:
        raise ConsistencyMissingError(detail=f"nothing leads from {known.size} entries to {found.size}")
    if _checked(proof, key) != tuple(sorted((known, found), key=lambda checkpoint: checkpoint.size)):
        raise ConsistencyMissingError(detail="the proof is about other checkpoints")
    return found


def _checked(document: bytes, key: VerifierKey) -> tuple[Checkpoint, Checkpoint]:
    parsed = decode(document, _CONSISTENCY)
    older, newer = verify_checkpoint(parsed.older, key=key), verify_checkpoint(parsed.newer, key=key)
    demand_continues(older=older, newer=newer, proof=[bytes.fromhex(step) for step in parsed.proof])
    return older, newer
