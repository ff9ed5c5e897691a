"""Range proofs from hash chains: "at least T" or "at most T" of a committed integer, without the integer.

The issuer, whom everybody trusts for the figure itself, commits to a value below 2^40; whoever has the seed proves
bounds of it to others. It rests on SHA-256 being one-way. After the idea published as HashWires (Chalkias, Cohen, Lewi,
Moezinia, Romailler, PETS 2021): a threshold T is not above N when some number of a short list dominates it digit by
digit: N itself, or N with one digit lowered by one and all lower digits at their highest. Of each number of the list
every digit d is the end of a hash chain of d steps; whoever is shown a point t steps before the end knows d >= t.

Two proofs from the same chains could be mixed digit by digit into a bound above both, so a commitment holds SLOTS
independent sets of chains, and each set answers one threshold. docs/range_proofs.md has the format and what leaks.
"""

import hmac
from collections.abc import Sequence
from hashlib import sha256
from typing import Annotated, Any, Final, Literal

import msgspec

from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.ledger.canonical import decode, decode_document, encode, encode_document
from ogniwo.core.ledger.receipts import check_receipt
from ogniwo.core.ledger.transactions import AccountPath, Anchor, Digest, Network

BITS: Final = 40
VALUE_MAX: Final = 2**BITS - 1
SEED_BYTES: Final = 32
SLOTS: Final = 8
BASE: Final = 16
DIGITS: Final = 10

Side = Literal["at_least", "at_most"]
SIDES: Final[tuple[Side, ...]] = ("at_least", "at_most")
Value = Annotated[int, msgspec.Meta(ge=0, le=VALUE_MAX)]
Roots = Annotated[tuple[Digest, ...], msgspec.Meta(min_length=SLOTS, max_length=SLOTS)]
_TAG: Final = b"ogniwo.range/1"


class RangeProofError(Refusal):
    """A range proof does not prove what it claims; the sentence names the step that fails."""

    code = "range.bad_proof"


class RangeFalseError(Refusal):
    """What should be proven of a committed value is not so, and no proof of it can be made."""

    code = "range.not_so"


class RangeBoundError(Refusal):
    """A value or a threshold is negative or not below 2^40."""

    code = "range.out_of_bounds"


class RangeUsedUpError(Refusal):
    """Every set of chains of a range commitment has answered another threshold already."""

    code = "range.used_up"


class RangeOpeningError(Refusal):
    """The file that opens a range commitment is damaged or belongs to another one."""

    code = "range.bad_opening"


class RangeDocument(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is anchored: of which figure, and the root of each set of chains; it says nothing of the value.

    `made_from` is the SHA-256 over the canonical JSON list of the transactions that the figure was added up from.
    """

    at_least: Roots
    at_most: Roots
    channel: Annotated[str, msgspec.Meta(max_length=32)]
    made_from: Digest
    month: Annotated[str, msgspec.Meta(pattern=r"\A[0-9]{4}-[0-9]{2}\Z")]
    schema: Literal["ogniwo.range-commitment/1"] = "ogniwo.range-commitment/1"
    unit: Literal["Wh"] = "Wh"


class RangeProof(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One proof: of set `slot` the list's number at `position` with a point of each digit's chain, the highest first.

    `others` are the leaves of the other positions in their order.
    """

    others: Annotated[tuple[Digest, ...], msgspec.Meta(min_length=DIGITS - 1, max_length=DIGITS - 1)]
    points: Annotated[tuple[Digest, ...], msgspec.Meta(min_length=DIGITS, max_length=DIGITS)]
    position: Annotated[int, msgspec.Meta(ge=0, lt=DIGITS)]
    side: Side
    slot: Annotated[int, msgspec.Meta(ge=0, lt=SLOTS)]
    threshold: Value


class RangeOpening(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The member's secret file: value, seed, the receipt of the commitment, and which set answered which threshold."""

    receipt: dict[str, Any]
    schema: Literal["ogniwo.range-opening/1"] = "ogniwo.range-opening/1"
    seed: Digest
    used_at_least: Annotated[tuple[Value, ...], msgspec.Meta(max_length=SLOTS)] = ()
    used_at_most: Annotated[tuple[Value, ...], msgspec.Meta(max_length=SLOTS)] = ()
    value: Value


class RangeFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is handed to somebody else: a proof with the receipt of the commitment it is about."""

    proof: RangeProof
    receipt: dict[str, Any]
    schema: Literal["ogniwo.range-proof/1"] = "ogniwo.range-proof/1"


class RangeClaim(msgspec.Struct, frozen=True, kw_only=True):
    """What a checked file proves: `subject`'s figure of a month and channel is at least, or at most, `threshold`."""

    network: Network
    subject: AccountPath
    channel: str
    month: str
    unit: str
    side: Side
    threshold: Value
    transaction: str


_OPENING = msgspec.json.Decoder(RangeOpening)
_FILE = msgspec.json.Decoder(RangeFile)


def commit(value: int, *, seed: bytes) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The roots for "at least" and for "at most", in hex; the same for the same seed. Raises RangeBoundError."""
    at_least, at_most = (
        tuple(_root(_leaves(_side_value(value, side), _Chains(seed, side, slot))).hex() for slot in range(SLOTS))
        for side in SIDES
    )
    return at_least, at_most


def prove(value: int, *, seed: bytes, side: Side, threshold: int, slot: int) -> RangeProof:
    """Prove that a value is at least, or at most, a threshold with one set of chains.

    Raises RangeFalseError when it is not so, RangeBoundError.
    """
    hidden, shown = _side_value(value, side), _side_value(threshold, side)
    if hidden < shown:
        raise RangeFalseError(detail=f"the value is not {side.replace('_', ' ')} {threshold}")
    chains = _Chains(seed, side, slot)
    wanted = _digits(shown)
    numbers = _dominating(hidden)
    index = next(
        index
        for index, number in enumerate(numbers)
        if number is not None and all(high >= low for high, low in zip(number, wanted, strict=True))
    )
    leaves, position = _leaves(hidden, chains), chains.order()[index]
    number = numbers[index] or ()
    points = [
        chains.run(position, digit, chains.start(position, digit), number[digit], wanted[digit]).hex()
        for digit in range(DIGITS)
    ]
    return RangeProof(
        others=tuple(leaf.hex() for place, leaf in enumerate(leaves) if place != position),
        points=tuple(points),
        position=position,
        side=side,
        slot=slot,
        threshold=threshold,
    )


def verify(proof: RangeProof, *, at_least: Sequence[str], at_most: Sequence[str]) -> None:
    """Check a proof against the committed roots; raises RangeProofError."""
    chains = _Chains(b"", proof.side, proof.slot)
    wanted = _digits(_side_value(proof.threshold, proof.side))
    ends = [
        chains.run(proof.position, digit, bytes.fromhex(point), wanted[digit], 0)
        for digit, point in enumerate(proof.points)
    ]
    leaves = [bytes.fromhex(leaf) for leaf in proof.others]
    leaves.insert(proof.position, _leaf(ends))
    roots = at_least if proof.side == "at_least" else at_most
    if _root(leaves).hex() != roots[proof.slot]:
        raise RangeProofError(detail="the chains do not end in what was committed to")


def open_range(data: bytes) -> RangeOpening:
    """Read a member's opening file and hold it against its own commitment; raises RangeOpeningError and refusals."""
    opening = decode(data, _OPENING)
    document = _document(opening.receipt)
    if commit(opening.value, seed=bytes.fromhex(opening.seed)) != (document.at_least, document.at_most):
        raise RangeOpeningError(detail="value and seed do not give the commitment of the receipt")
    return opening


def make_range_file(opening: RangeOpening, *, side: Side, threshold: int) -> tuple[bytes, RangeOpening]:
    """The proof to hand out, and the opening that remembers it: a threshold proven before uses its set of chains again.

    Raises RangeFalseError, RangeBoundError, RangeUsedUpError.
    """
    used = opening.used_at_least if side == "at_least" else opening.used_at_most
    if threshold not in used and len(used) >= SLOTS:
        raise RangeUsedUpError(detail=f"{SLOTS} other thresholds were proven; ask the issuer for a new commitment")
    slot = used.index(threshold) if threshold in used else len(used)
    seed = bytes.fromhex(opening.seed)
    proof = prove(opening.value, seed=seed, side=side, threshold=threshold, slot=slot)
    if threshold not in used:
        opening = msgspec.structs.replace(opening, **{f"used_{side}": (*used, threshold)})
    return encode(RangeFile(proof=proof, receipt=opening.receipt)), opening


def check_range_file(data: bytes, *, checkpoint_key: str) -> RangeClaim:
    """Check a proof that somebody handed over, from its chains to the signed checkpoint, and say what it proves.

    Raises RangeProofError, and the refusals of the receipt.
    """
    file = decode(data, _FILE)
    transaction = check_receipt(encode_document(file.receipt), checkpoint_key=checkpoint_key)
    payload = transaction.payload
    if not isinstance(payload, Anchor):
        raise RangeProofError(detail="the receipt is not of a commitment")
    document = _document(file.receipt)
    verify(file.proof, at_least=document.at_least, at_most=document.at_most)
    return RangeClaim(
        network=payload.network,
        subject=payload.subject,
        channel=document.channel,
        month=document.month,
        unit=document.unit,
        side=file.proof.side,
        threshold=file.proof.threshold,
        transaction=transaction.transaction,
    )


def opening_of(receipt: bytes, *, value: int, seed: bytes) -> bytes:
    """The opening file of a committed value; raises RangeOpeningError when its parts do not belong together."""
    parsed = decode_document(receipt)
    content = parsed if isinstance(parsed, dict) else {}
    opening = encode(RangeOpening(receipt=content, seed=seed.hex(), value=value))
    open_range(opening)
    return opening


def _document(receipt: dict[str, Any]) -> RangeDocument:
    try:
        return msgspec.convert(receipt["document"]["content"], RangeDocument)
    except (KeyError, TypeError, msgspec.ValidationError) as error:
        raise RangeProofError(detail="the receipt shows no range commitment") from error


def _side_value(value: int, side: Side) -> int:
    """A bound from above is one from below of what is missing to the highest value."""
    if not 0 <= value <= VALUE_MAX:
        raise RangeBoundError(detail=f"{value} is not from 0 to {VALUE_MAX}")
    return value if side == "at_least" else VALUE_MAX - value


def _digits(value: int) -> tuple[int, ...]:
    return tuple(value // BASE**place % BASE for place in reversed(range(DIGITS)))


def _dominating(value: int) -> tuple[tuple[int, ...] | None, ...]:
    """The value, and for each digit but the last the number with it lowered and all below highest; None for a zero."""
    own = _digits(value)
    lowered = [
        (*own[:place], own[place] - 1, *(BASE - 1,) * (DIGITS - 1 - place)) if own[place] else None
        for place in range(DIGITS - 1)
    ]
    return own, *lowered


def _leaves(hidden: int, chains: "_Chains") -> list[bytes]:
    """One leaf per position: of a number of the list, or of nothing, which looks the same."""
    leaves = [b""] * DIGITS
    for number, position in zip(_dominating(hidden), chains.order(), strict=True):
        leaves[position] = (
            chains.secret(b"empty", position, 0)
            if number is None
            else _leaf(
                [
                    chains.run(position, digit, chains.start(position, digit), steps, 0)
                    for digit, steps in enumerate(number)
                ]
            )
        )
    return leaves


def _leaf(ends: Sequence[bytes]) -> bytes:
    return sha256(_TAG + b"/leaf" + b"".join(ends)).digest()


def _root(leaves: Sequence[bytes]) -> bytes:
    return sha256(_TAG + b"/root" + b"".join(leaves)).digest()


class _Chains:
    """The chains of one set; walking them needs no seed, starting them does."""

    def __init__(self, seed: bytes, side: Side, slot: int) -> None:
        self._seed = seed
        self._place = f"/{side}/{slot}".encode()

    def secret(self, what: bytes, position: int, digit: int) -> bytes:
        """A value that nobody without the seed can tell from any other."""
        about = _TAG + self._place + b"/" + what + bytes((position, digit))
        return hmac.digest(self._seed, about, "sha256")

    def start(self, position: int, digit: int) -> bytes:
        """Where a digit's chain begins."""
        return self.secret(b"start", position, digit)

    def order(self) -> tuple[int, ...]:
        """At which position each number of the list stands: mixed, so that the position says nothing of the value."""
        mixed = sorted(range(DIGITS), key=lambda index: self.secret(b"order", index, 0))
        return tuple(mixed.index(index) for index in range(DIGITS))

    def run(self, position: int, digit: int, point: bytes, begin: int, end: int) -> bytes:
        """Walk from `begin` steps before the chain's end to `end` steps before it."""
        for step in range(begin - 1, end - 1, -1):
            point = sha256(_TAG + self._place + b"/step" + bytes((position, digit, step)) + point).digest()
        return point
