"""A day of readings as a small Merkle tree, and salted commitments: what stays provable without being readable.

Only the root of a day goes on the ledger. Each interval is one leaf of that tree,

    SHA-256(0x00 || canonical JSON of {"channel", "quality", "salt", "start", "wh"})

and a member who is shown leaf, salt and path can check one quarter-hour against the ledger without seeing the others.
Quarter-hour values have so few possible contents that a bare hash could be guessed; the 128-bit salt of each interval
prevents that (EDPB guidelines 02/2025: destroying the salt makes the leaf unreadable and leaves the proof).
"""

import hmac
from collections.abc import Sequence
from hashlib import sha256
from typing import Annotated, Literal

import msgspec

from ogniwo.core.ledger.canonical import INTEGER_LIMIT, Document, encode, encode_document
from ogniwo.core.ledger.merkle import Tree, leaf_hash, root_of

SALT_BYTES = 16

QualityWord = Literal[
    "measured", "measured-corrected", "estimated-by-operator", "substituted-by-us", "manual", "missing"
]
"""The words of kernel.quality.QUALITY_WORDS."""

Salt = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{32}\Z")]
Channel = Annotated[str, msgspec.Meta(pattern=r"\A[a-z0-9./-]{1,32}\Z")]
EpochSeconds = Annotated[int, msgspec.Meta(ge=0, le=INTEGER_LIMIT)]
Energy = Annotated[int, msgspec.Meta(ge=0, le=INTEGER_LIMIT)]


class IntervalLeaf(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True, kw_only=True):
    """One interval of a day: `start` in seconds since 1970 (UTC), `wh` 0 where the quality is missing."""

    channel: Channel
    quality: QualityWord
    salt: Salt
    start: EpochSeconds
    wh: Energy


def interval_salt(*, day_secret: bytes, channel: str, start: int) -> str:
    """The 128-bit salt of an interval, derived from the day's secret so that only the secret has to be kept.

    HMAC-SHA-256 of `channel`, a zero byte and the decimal start, cut to 16 bytes, in hex. Whoever destroys the secret
    makes the whole day unreadable; whoever reveals one salt reveals one interval.
    """
    if len(day_secret) < SALT_BYTES:
        raise ValueError("a day secret needs at least 128 bits")
    return hmac.new(day_secret, f"{channel}\0{start}".encode(), sha256).digest()[:SALT_BYTES].hex()


def interval_hash(leaf: IntervalLeaf) -> bytes:
    """The leaf hash of an interval in its day's tree."""
    return leaf_hash(encode(leaf))


def day_root(leaves: Sequence[IntervalLeaf]) -> str:
    """The root (hex) over the intervals of one day and channel, in order of their start."""
    return root_of([interval_hash(leaf) for leaf in leaves]).hex()


def interval_proof(leaves: Sequence[IntervalLeaf], index: int) -> list[str]:
    """The inclusion proof (hex, nearest sibling first) of one interval in its day's root."""
    tree = Tree(interval_hash(leaf) for leaf in leaves)
    return [step.hex() for step in tree.inclusion(index, len(leaves))]


def commitment(*, salt: bytes, document: Document) -> str:
    """The salted commitment (hex) to a document: SHA-256(salt || canonical JSON); salt of 16 random bytes."""
    if len(salt) != SALT_BYTES:
        raise ValueError("a commitment takes a salt of 16 bytes")
    return sha256(salt + encode_document(document)).hexdigest()
