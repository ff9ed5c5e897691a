"""The rules of readings and commitments: metering tokens come only from a signed day; documents only as hashes."""

from datetime import date
from hashlib import sha256

from ogniwo.core.ledger.call import Call, RuleBook
from ogniwo.core.ledger.canonical import INTEGER_LIMIT, encode
from ogniwo.core.ledger.outcomes import EXISTS, Code, Outcome, RuleError, refused
from ogniwo.core.ledger.rulebook.permissions import demand, holds, within
from ogniwo.core.ledger.state_records import Anchored, Minted
from ogniwo.core.ledger.transactions import Anchor, DayRecord, MintMetering


def mint_metering(call: Call, payload: MintMetering) -> None:
    """Mint a day's energy to the point, once.

    The natural id is point, day, channel and version: the same record again is a harmless repeat, another record under
    the same id is refused. A correction is the next version; it needs a reason and a reference to the transaction it
    corrects, and is booked as a counter-entry of the old total together with the new one.
    """
    state, record = call.state, payload.record
    _record(call, payload)
    natural_id = (record.point, record.day, record.channel)
    digest = sha256(encode(record)).hexdigest()
    earlier = state.minted.get(natural_id)
    if earlier is not None:
        _against_earlier(payload, earlier, digest)
    elif record.version != 1:
        raise refused(Code.VERSION_GAP, f"version {record.version} of a day without version 1")
    issuer = state.assets[payload.asset].issuer
    change = record.total_wh - (earlier.total_wh if earlier else 0)
    amounts = {(record.point, payload.asset): change, (issuer, payload.asset): -change}
    for (account, name), amount in amounts.items():
        if abs(state.balance(account, name) + amount) > INTEGER_LIMIT:
            raise refused(Code.AMOUNT_OUT_OF_RANGE, f"the balance of {account} would pass 2^53 - 1")
    if change:
        state.move(amounts)
    state.minted.put(
        natural_id,
        Minted(
            asset=payload.asset,
            record=digest,
            total_wh=record.total_wh,
            transaction=call.name,
            version=record.version,
        ),
    )


def _record(call: Call, payload: MintMetering) -> None:
    """Whether the record is sound and signed by a key entitled to read this point."""
    state, record = call.state, payload.record
    if state.foundation is None or record.network != state.foundation.network:
        raise refused(Code.OTHER_NETWORK, f"the day was signed for the network {record.network}")
    if record.v != payload.v:
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
    demand(call, "metering.mint", record.point)
    _reader(call, record.point)


def _reader(call: Call, point: str) -> None:
    key = call.state.keys[call.reader]
    if key.purpose != "reading" or not key.active(call.time):
        raise refused(Code.READER_NOT_ENTITLED, f"key {call.reader} is no working key for readings")
    if key.account != point and not holds(
        call.state, account=key.account, permission="metering.sign", path=point, valid_from=call.time
    ):
        raise refused(Code.READER_NOT_ENTITLED, f"{key.account} does not hold metering.sign over {point}")


def _split(record: DayRecord) -> str:
    try:
        date.fromisoformat(record.day)
    except ValueError:
        return f"{record.day} is not a day of the calendar"
    words = [part.quality for part in record.parts]
    if sorted(set(words)) != words:
        return "the qualities stand each once, in alphabetical order"
    if any(part.quality == "missing" and part.wh for part in record.parts):
        return "a missing interval has no energy"
    if sum(part.slots for part in record.parts) != record.leaf_count:
        return "the intervals of the parts are not the number of leaves"
    if sum(part.wh for part in record.parts) != record.total_wh:
        return "the parts do not sum to the total"
    return ""


def _against_earlier(payload: MintMetering, earlier: Minted, digest: str) -> None:
    record = payload.record
    if record.version == earlier.version and digest == earlier.record and payload.asset == earlier.asset:
        raise RuleError(
            Outcome(
                EXISTS, "this day is on the ledger with the same content", recorded=False, original=earlier.transaction
            )
        )
    if record.version <= earlier.version:
        raise refused(
            Code.NATURAL_ID_CONFLICT, f"version {record.version} of this day is on the ledger with other content"
        )
    if record.version != earlier.version + 1:
        raise refused(Code.VERSION_GAP, f"version {record.version} follows {earlier.version}")
    if payload.asset != earlier.asset:
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


RULES: RuleBook = {MintMetering: mint_metering, Anchor: anchor}
