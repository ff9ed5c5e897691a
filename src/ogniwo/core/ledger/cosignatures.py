"""Cosignatures: others sign the operator's checkpoints, so that everybody is shown the same log.

The forms are C2SP tlog-cosignature: a witness signs `cosignature/v1`, its time and the checkpoint's text with Ed25519;
its line in the note carries key hash, time and signature. A policy says how many of which witnesses make it final.
"""

from dataclasses import dataclass
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.ledger import notes
from ogniwo.core.ledger.canonical import INTEGER_LIMIT
from ogniwo.core.ledger.checkpoints import Checkpoint, parse_checkpoint

_COSIGNATURE = b"\x04"
_TIME_BYTES = 8
_SIGNATURE_BYTES = 64


class WitnessKeyError(Refusal):
    """A text is not the public key of a witness."""

    code = "witness.not_a_key"


class CosignatureError(Refusal):
    """A witness's line is not a valid signature over this checkpoint."""

    code = "witness.bad_cosignature"


class WitnessPolicyError(Refusal):
    """A policy asks for no witness, for more than it names, or names one twice."""

    code = "witness.policy"


class NotFinalError(Refusal):
    """Fewer witnesses than the policy wants signed a checkpoint."""

    code = "witness.not_final"


class WitnessKey(NamedTuple):
    """The named Ed25519 public key of a witness."""

    name: str
    key: bytes

    @property
    def key_hash(self) -> bytes:
        """The four bytes that pick this key's line: SHA-256(name, newline, 0x04, key)[:4]."""
        return notes.key_hash_of(self.name, self.key, kind=_COSIGNATURE)

    def text(self) -> str:
        """The form people publish: `name+hash+key`."""
        return notes.key_text(self.name, self.key, kind=_COSIGNATURE)


def witness_key(name: str, key: Ed25519PrivateKey) -> WitnessKey:
    """The public half of a witness's key under its name."""
    if not name or any(character in name for character in "+ \n"):
        raise WitnessKeyError(detail=f"{name!r} cannot name a witness: no plus, blank or line end")
    return WitnessKey(name, key.public_key().public_bytes_raw())


def parse_witness_key(text: str) -> WitnessKey:
    """Read `name+hash+key`; raises WitnessKeyError when it is malformed or the hash does not fit."""
    try:
        found = notes.read_key(text.strip(), kind=_COSIGNATURE)
    except ValueError as error:
        raise WitnessKeyError(detail=f"the key of a witness is not base64: {error}") from error
    if found is None:
        raise WitnessKeyError(detail=f"{text!r} is not a witness key of the form name+hash+key")
    return WitnessKey(*found)


def _signed_text(checkpoint: Checkpoint, time_s: int) -> bytes:
    return f"cosignature/v1\ntime {time_s}\n{checkpoint.body()}".encode()


def cosign(note: str, *, name: str, key: Ed25519PrivateKey, time_s: int) -> str:
    """The witness's signature line over the checkpoint of a note, with its line end."""
    public = witness_key(name, key)
    signature = key.sign(_signed_text(parse_checkpoint(note), time_s))
    return notes.signature_line(name, public.key_hash, time_s.to_bytes(_TIME_BYTES, "big") + signature)


def verify_cosignature(note: str, *, key: WitnessKey) -> int | None:
    """When this witness signed the checkpoint of the note (seconds since 1970), None when it has no line in it.

    Raises CosignatureError for a line of this key that is not over this checkpoint.
    """
    checkpoint = parse_checkpoint(note)
    raw = notes.signature_by(note, name=key.name, key_hash=key.key_hash)
    if raw is None:
        return None
    if len(raw) != _TIME_BYTES + _SIGNATURE_BYTES:
        raise CosignatureError(detail=f"the line of {key.name} is no cosignature")
    time_s, signature = int.from_bytes(raw[:_TIME_BYTES], "big"), raw[_TIME_BYTES:]
    if time_s > INTEGER_LIMIT:
        raise CosignatureError(detail=f"the line of {key.name} is of no time")
    try:
        Ed25519PublicKey.from_public_bytes(key.key).verify(signature, _signed_text(checkpoint, time_s))
    except InvalidSignature as error:
        raise CosignatureError(detail=f"the line of {key.name} is not over this checkpoint") from error
    return time_s


@dataclass(frozen=True, slots=True, kw_only=True)
class WitnessPolicy:
    """A checkpoint is final when at least `quorum` of these witnesses signed it."""

    witnesses: tuple[WitnessKey, ...]
    quorum: int

    def __post_init__(self) -> None:
        keys = {witness.key for witness in self.witnesses}
        if len(keys) != len(self.witnesses) or len({witness.name for witness in self.witnesses}) != len(keys):
            raise WitnessPolicyError(detail="a policy names each witness and each key once")
        if not 1 <= self.quorum <= len(self.witnesses):
            raise WitnessPolicyError(
                detail=f"a quorum of {self.quorum} cannot be had of {len(self.witnesses)} witnesses"
            )

    def cosigners(self, note: str) -> tuple[tuple[str, int], ...]:
        """Who of the policy signed the note's checkpoint, and when; raises CosignatureError for a forged line."""
        found = ((witness.name, verify_cosignature(note, key=witness)) for witness in self.witnesses)
        return tuple((name, time_s) for name, time_s in found if time_s is not None)

    def is_final(self, note: str) -> bool:
        """Whether enough of them signed."""
        return len(self.cosigners(note)) >= self.quorum

    def demand_final(self, note: str) -> tuple[tuple[str, int], ...]:
        """Who signed, when they are enough; raises NotFinalError, or CosignatureError for a forged line."""
        found = self.cosigners(note)
        if len(found) < self.quorum:
            raise NotFinalError(detail=f"{len(found)} of the witnesses signed, {self.quorum} are wanted")
        return found
