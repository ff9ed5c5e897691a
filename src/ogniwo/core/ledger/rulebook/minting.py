"""The rules of readings and commitments: metering tokens come only from a signed day; documents only as hashes."""

from collections.abc import Iterable, Mapping
from datetime import date
from hashlib import sha256

import msgspec

from ogniwo.core.ledger.call import Call, RuleBook
from ogniwo.core.ledger.canonical import INTEGER_LIMIT, encode
from ogniwo.core.ledger.outcomes import EXISTS, Code, Outcome, RuleError, refused
from ogniwo.core.ledger.rulebook.permissions import demand, holds, within
from ogniwo.core.ledger.state import State
from ogniwo.core.ledger.state_records import Anchored, Minted
from ogniwo.core.ledger.transactions import Anchor, DayRecord, MintDays, MintMetering, SignedDay


def mint_metering(call: Call, payload: MintMetering) -> None:
    """Mint a day's energy to the point, once.

    The natural id is point, day, channel and version: the same record again is a harmless repeat, another record under
    the same id is refused. A correction is the next version; it needs a reason and a reference to the transaction it
    corrects, and is booked as a counter-entry of the old total together with the new one.
    """
    state, record = call.state, payload.record
    _sound(state, payload, payload.v)
    demand(call, "metering.mint", record.point)
    _reader(call, call.readers[0], record.point)
    natural_id, digest, earlier = _place(state, record)
    if _is_repeat(payload, earlier, digest):
        raise _repeat(earlier)
    _in_turn(payload, payload, earlier)
    amounts = _amounts(state, [(payload, earlier)])
    _demand_range(state, amounts)
    if amounts[record.point, payload.asset]:
        state.move(amounts)
    state.minted.put(natural_id, _minted(call, payload, digest))


def mint_days(call: Call, payload: MintDays) -> None:
    """Mint several days of one point, all or none, as if each came by itself.

    Days that are on the ledger with the same content are passed over; when there is no other, the answer is that of a
    repeat. All are of one point, because whoever shows a receipt shows the whole transaction.
    """
    state = call.state
    fresh: dict[tuple[str, str, str], Minted] = {}
    counted: list[tuple[SignedDay, Minted | None]] = []
    repeated: Minted | None = None
    entitled: set[str] = set()
    for number, (day, reader) in enumerate(zip(payload.days, call.readers, strict=True)):
        try:
            _one_of(call, payload, day, reader, entitled)
            natural_id, digest, earlier = _place(state, day.record)
            if natural_id in fresh:
                raise refused(Code.BATCH_PART, f"{day.record.day} stands twice")
            if _is_repeat(day, earlier, digest):
                repeated = repeated or earlier
                continue
            _in_turn(payload, day, earlier)
        except RuleError as error:
            outcome = error.outcome
            raise RuleError(msgspec.structs.replace(outcome, detail=f"day {number}: {outcome.detail}")) from error
        fresh[natural_id] = _minted(call, day, digest)
        counted.append((day, earlier))
    if not fresh:
        raise _repeat(repeated)
    amounts = {place: amount for place, amount in _amounts(state, counted).items() if amount}
    _demand_range(state, amounts)
    if amounts:
        state.move(amounts)
    for natural_id, minted in fresh.items():
        state.minted.put(natural_id, minted)


def _one_of(call: Call, payload: MintDays, day: SignedDay, reader: str, entitled: set[str]) -> None:
    """Whether a day among others is in order; `entitled` remembers the readers that may sign for the point."""
    point = payload.days[0].record.point
    if day.record.point != point:
        raise refused(Code.BATCH_PART, f"the days are of one point, {point}")
    _sound(call.state, day, payload.v)
    if not entitled:
        demand(call, "metering.mint", point)
    if reader not in entitled:
        _reader(call, reader, point)
        entitled.add(reader)


def _place(state: State, record: DayRecord) -> tuple[tuple[str, str, str], str, Minted | None]:
    """A day's natural id, the hash of its record (hex), and what is on the ledger under that id."""
    natural_id = (record.point, record.day, record.channel)
    return natural_id, sha256(encode(record)).hexdigest(), state.minted.get(natural_id)


def _minted(call: Call, day: MintMetering | SignedDay, digest: str) -> Minted:
    record = day.record
    return Minted(
        asset=day.asset, record=digest, total_wh=record.total_wh, transaction=call.name, version=record.version
    )


def _amounts(
    state: State, days: Iterable[tuple[MintMetering | SignedDay, Minted | None]]
) -> dict[tuple[str, str], int]:
    """What days change, each against what is on the ledger of it, by (account, asset)."""
    amounts: dict[tuple[str, str], int] = {}
    for day, earlier in days:
        change = day.record.total_wh - (earlier.total_wh if earlier else 0)
        given, taken = (day.record.point, day.asset), (state.assets[day.asset].issuer, day.asset)
        amounts[given] = amounts.get(given, 0) + change
        amounts[taken] = amounts.get(taken, 0) - change
    return amounts


def _demand_range(state: State, amounts: Mapping[tuple[str, str], int]) -> None:
    for (account, name), amount in amounts.items():
        if abs(state.balance(account, name) + amount) > INTEGER_LIMIT:
            raise refused(Code.AMOUNT_OUT_OF_RANGE, f"the balance of {account} would pass 2^53 - 1")


def _sound(state: State, payload: MintMetering | SignedDay, v: int) -> None:
    """Whether a day belongs to this network, to a meter and to the asset, and does not contradict itself."""
    record = payload.record
    if state.foundation is None or record.network != state.foundation.network:
        raise refused(Code.OTHER_NETWORK, f"the day was signed for the network {record.network}")
    if record.v != v:
        raise refused(Code.UNSUPPORTED_VERSION, f"version {record.v} of the day record is not known")
    account = state.accounts.get(record.point)
    if account is None:
        raise refused(Code.UNKNOWN_ACCOUNT, f"{record.point} is not open")
    asset = state.assets.get(payload.asset)
    if asset is None:
        raise refused(Code.UNKNOWN_ASSET, f"{payload.asset} is not defined")
    if account.kind != "meter" or record.channel not in asset.channels:
        raise refused(Code.WRONG_CHANNEL, f"{payload.asset} is not minted for {record.channel} of {record.point}")
    if not within(record.point, asset.domain):
        raise refused(Code.OUTSIDE_DOMAIN, f"{record.point} is outside {asset.domain}, the domain of {payload.asset}")
    flaw = _split(record)
    if flaw:
        raise refused(Code.QUALITY_SPLIT, flaw)


def _reader(call: Call, reader: str, point: str) -> None:
    """Whether the key under a day is entitled to read this point."""
    key = call.state.keys[reader]
    if key.purpose != "reading" or not key.active(call.time):
        raise refused(Code.READER_NOT_ENTITLED, f"key {reader} is no working key for readings")
    if key.account != point and not holds(
        call.state, account=key.account, permission="metering.sign", path=point, valid_from=call.time
    ):
        raise refused(Code.READER_NOT_ENTITLED, f"{key.account} does not hold metering.sign over {point}")


def _split(record: DayRecord) -> str:
    try:
        date.fromisoformat(record.day)
    except ValueError:
        return f"{record.day} is not a day of the calendar"
    before, slots, wh = "", 0, 0
    for part in record.parts:
        if part.quality <= before:
            return "the qualities stand each once, in alphabetical order"
        if part.wh and part.quality == "missing":
            return "a missing interval has no energy"
        before, slots, wh = part.quality, slots + part.slots, wh + part.wh
    if slots != record.leaf_count:
        return "the intervals of the parts are not the number of leaves"
    if wh != record.total_wh:
        return "the parts do not sum to the total"
    return ""


def _is_repeat(day: MintMetering | SignedDay, earlier: Minted | None, digest: str) -> bool:
    if earlier is None:
        return False
    return day.record.version == earlier.version and digest == earlier.record and day.asset == earlier.asset


def _repeat(earlier: Minted | None) -> RuleError:
    text = "this day is on the ledger with the same content"
    return RuleError(Outcome(EXISTS, text, recorded=False, original=earlier.transaction if earlier else ""))


def _in_turn(payload: MintMetering | MintDays, day: MintMetering | SignedDay, earlier: Minted | None) -> None:
    """Whether a day is the first version, or a correction that says why and of what."""
    record = day.record
    if earlier is None:
        if record.version != 1:
            raise refused(Code.VERSION_GAP, f"version {record.version} of a day without version 1")
        return
    if record.version <= earlier.version:
        raise refused(
            Code.NATURAL_ID_CONFLICT, f"version {record.version} of this day is on the ledger with other content"
        )
    if record.version != earlier.version + 1:
        raise refused(Code.VERSION_GAP, f"version {record.version} follows {earlier.version}")
    if day.asset != earlier.asset:
        raise refused(Code.WRONG_CHANNEL, f"this day was minted as {earlier.asset}")
    if not payload.reason:
        raise refused(Code.CORRECTION_WITHOUT_REASON, "a correction names its reason")
    if earlier.transaction not in payload.references:
        raise refused(Code.CORRECTION_WITHOUT_REFERENCE, f"a correction refers to {earlier.transaction}")


def anchor(call: Call, payload: Anchor) -> None:
    """Fix a commitment, once."""
    state = call.state
    if payload.commitment in state.anchors:
        raise refused(Code.ALREADY_ANCHORED, f"{payload.commitment} is on the ledger")
    if payload.subject not in state.accounts:
        raise refused(Code.UNKNOWN_ACCOUNT, f"{payload.subject} is not open")
    demand(call, "anchor.write", payload.subject)
    state.anchors.put(payload.commitment, Anchored(kind=payload.kind, subject=payload.subject, transaction=call.name))


RULES: RuleBook = {MintMetering: mint_metering, MintDays: mint_days, Anchor: anchor}
