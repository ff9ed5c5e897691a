"""Readings and commitments: what is proven on the ledger without being shown there."""

from typing import Annotated, Literal

from msgspec import Meta

from ogniwo.core.ledger.canonical import INTEGER_LIMIT
from ogniwo.core.ledger.intervals import Channel, Energy, QualityWord
from ogniwo.core.ledger.operations.frame import (
    FORMAT_VERSION,
    AccountPath,
    AnchorKind,
    AssetName,
    Count,
    Day,
    Digest,
    Network,
    Operation,
    Part,
)
from ogniwo.core.ledger.signing import Signature

DAYS_MAX = 64
"""Days in one transaction; a month of both directions of a point, as long as the envelope is not too large."""


class QualityPart(Part, frozen=True, kw_only=True, gc=False):
    """How much of a day has one quality: energy in Wh and number of intervals."""

    quality: QualityWord
    slots: Count
    wh: Energy


class DayRecord(Part, frozen=True, kw_only=True, gc=False):
    """What the meter or its gateway signs for one point, local day and channel.

    `merkle_root` is the root over `leaf_count` interval leaves (intervals.py); `version` counts from 1, a higher one
    replaces the lower; `total_wh` is the sum of the parts, a missing interval adds nothing.
    """

    channel: Channel
    day: Day
    leaf_count: Annotated[int, Meta(ge=1, le=1_500)]
    merkle_root: Digest
    network: Network
    parts: Annotated[tuple[QualityPart, ...], Meta(min_length=1, max_length=6)]
    point: AccountPath
    record: Literal["metering-day"] = "metering-day"
    total_wh: Energy
    v: Annotated[int, Meta(ge=1, le=INTEGER_LIMIT)] = FORMAT_VERSION
    version: Annotated[int, Meta(ge=1, le=INTEGER_LIMIT)]


class MintMetering(Operation, frozen=True, kw_only=True, gc=False, tag="mint_metering"):
    """Put a signed day of readings on the ledger; the point's account gets the day's energy as metering tokens.

    `reading` is the detached JWS signature (RFC 7515, appendix F) over the canonical bytes of `record`.
    """

    asset: AssetName
    reading: Signature
    record: DayRecord


class SignedDay(Part, frozen=True, kw_only=True, gc=False):
    """One day of `MintDays`: what `MintMetering` carries for a single one."""

    asset: AssetName
    reading: Signature
    record: DayRecord


class MintDays(Operation, frozen=True, kw_only=True, gc=False, tag="mint_days"):
    """Put several signed days of readings of one point on the ledger, all or none.

    What is there already is passed over. Each day is signed by itself, so each is as strong as alone; the envelope is
    signed once for all of them.
    """

    days: Annotated[tuple[SignedDay, ...], Meta(min_length=1, max_length=DAYS_MAX)]


class Anchor(Operation, frozen=True, kw_only=True, gc=False, tag="anchor"):
    """Fix the salted commitment of a document that concerns `subject`; references name what it was made from."""

    commitment: Digest
    kind: AnchorKind
    subject: AccountPath
