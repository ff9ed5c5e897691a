"""What a witness decides: sign a checkpoint only if it continues the log the witness saw before.

The request is that of C2SP tlog-witness: `old SIZE`, the consistency proof in base64 lines, a blank line, the note.
A witness keeps one thing per log, the last checkpoint it signed, and never signs one that takes anything back.
"""

import base64
import binascii
from dataclasses import dataclass
from typing import Final

from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.ledger.checkpoints import (
    Checkpoint,
    CheckpointFormError,
    CheckpointSignatureError,
    VerifierKey,
    parse_checkpoint,
    verify_checkpoint,
)
from ogniwo.core.ledger.merkle import consistent

BAD_REQUEST: Final = 400
FORBIDDEN: Final = 403
UNKNOWN_LOG: Final = 404
CONFLICT: Final = 409
DOES_NOT_CONTINUE: Final = 422

PROOF_LINES_MAX = 63
"""More siblings than the depth of any log; the protocol forbids longer proofs."""


class WitnessRefusalError(Refusal):
    """A witness does not sign; `status` is the answer of the protocol, `body` its text."""

    code = "witness.refused"

    def __init__(self, *, detail: str, status: int, body: str = "") -> None:
        super().__init__(detail=detail)
        self.status = status
        self.body = body or f"{detail}\n"


@dataclass(frozen=True, slots=True)
class WitnessRequest:
    """A checkpoint to sign, and the proof that it continues the log of `old_size` entries."""

    old_size: int
    proof: tuple[bytes, ...]
    note: str

    def encode(self) -> str:
        """The body of the request."""
        lines = "".join(f"{base64.b64encode(step).decode('ascii')}\n" for step in self.proof)
        return f"old {self.old_size}\n{lines}\n{self.note}"


def parse_request(body: str) -> WitnessRequest:
    """Read a request; raises WitnessRefusalError (400) for one that is malformed."""
    head, gap, note = body.partition("\n\n")
    first, *lines = head.split("\n")
    size = first.removeprefix("old ")
    if not gap or first == size or not (size.isascii() and size.isdigit()) or len(lines) > PROOF_LINES_MAX:
        raise _bad("the request is not `old SIZE`, a proof, a blank line and a checkpoint")
    try:
        proof = tuple(base64.b64decode(line, validate=True) for line in lines)
    except (binascii.Error, ValueError) as error:
        raise _bad(f"a line of the proof is not base64: {error}") from error
    return WitnessRequest(int(size), proof, note)


def judge(request: WitnessRequest, *, logs: dict[str, VerifierKey], seen: Checkpoint | None) -> Checkpoint:
    """The checkpoint the witness may sign, given the last one it signed of that log (None: none yet).

    Raises WitnessRefusalError: 400 malformed, 404 unknown log, 403 not signed by the log, 409 the proof starts
    elsewhere than the witness stands (the body is its size) or the same size has another root, 422 it does not hold.
    """
    try:
        origin = parse_checkpoint(request.note).origin
        key = logs.get(origin)
        if key is None:
            raise WitnessRefusalError(detail=f"the log {origin} is not known here", status=UNKNOWN_LOG)
        checkpoint = verify_checkpoint(request.note, key=key)
    except CheckpointFormError as error:
        raise _bad(error.detail) from error
    except CheckpointSignatureError as error:
        raise WitnessRefusalError(detail=error.detail, status=FORBIDDEN) from error
    if request.old_size > checkpoint.size:
        raise _bad(f"the proof starts at {request.old_size}, the checkpoint has {checkpoint.size} entries")
    known = seen.size if seen else 0
    if request.old_size != known:
        detail = f"{origin}: the proof starts at {request.old_size}, this witness stands at {known}"
        raise WitnessRefusalError(detail=detail, status=CONFLICT, body=f"{known}\n")
    if seen is None or seen.size == 0:
        if request.proof:
            raise _bad("nothing was seen before, so there is nothing to prove")
        return checkpoint
    if checkpoint.size == seen.size and checkpoint.root != seen.root:
        detail = f"{origin}: two roots for {seen.size} entries: the log was forked"
        raise WitnessRefusalError(detail=detail, status=CONFLICT)
    if not consistent(
        old=seen.size, new=checkpoint.size, proof=request.proof, old_root=seen.root, new_root=checkpoint.root
    ):
        detail = f"{origin}: the log does not continue the {seen.size} entries signed before"
        raise WitnessRefusalError(detail=detail, status=DOES_NOT_CONTINUE)
    return checkpoint


def _bad(detail: str) -> WitnessRefusalError:
    return WitnessRefusalError(detail=detail, status=BAD_REQUEST)
