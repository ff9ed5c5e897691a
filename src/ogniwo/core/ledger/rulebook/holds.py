"""Two-phase transfers: what is reserved, settled in whole or part, freed, contested and decided.

A hold reserves at the giver and moves nothing. It ends once: used up, settled as final, voided, or by block time. An
expired hold reserves nothing and is forgotten when the giver opens the next one.

A redemption is a hold in favour of the issuer: whoever issues settles it, with a reference to the bank transfer.
"""

from ogniwo.core.ledger.call import Call, RuleBook
from ogniwo.core.ledger.outcomes import Code, refused
from ogniwo.core.ledger.rulebook.assets import demand_code, demand_direction, demand_place
from ogniwo.core.ledger.rulebook.keys import cover, demand_free
from ogniwo.core.ledger.rulebook.lots import carry, expired
from ogniwo.core.ledger.rulebook.permissions import demand, holds
from ogniwo.core.ledger.state import State
from ogniwo.core.ledger.state_records import HoldRecord
from ogniwo.core.ledger.transactions import Dispute, Hold, ResolveDispute, Settle, Void

HOLDS_MAX = 256
"""How many open holds a giver may have of one asset."""

HOLD_S_MAX = 400 * 86_400
"""How far ahead a hold may reserve."""


def reserved(state: State, account: str, name: str, block_time: int) -> int:
    """How much of an account's balance its open holds reserve."""
    return sum(
        hold.amount
        for hold in (state.holds[key] for key in state.holds.grouped((account, name)))
        if hold.open(block_time)
    )


def available(state: State, account: str, name: str, block_time: int) -> int:
    """What an account may give: its balance without what is reserved and what expired; never below zero."""
    free = state.balance(account, name) - reserved(state, account, name, block_time)
    return max(free - expired(state, account, name, block_time), 0)


def demand_available(state: State, account: str, name: str, *, amount: int, block_time: int) -> None:
    """Refuse when an account cannot give that much."""
    balance = state.balances.get((account, name), 0)
    place = (account, name)
    if balance < amount or (
        (state.holds.grouped(place) or place in state.lots) and available(state, account, name, block_time) < amount
    ):
        raise refused(Code.INSUFFICIENT_BALANCE, f"{account} has too little {name}")


def open_hold(
    call: Call,
    *,
    giver: str,
    taker: str,
    asset: str,
    amount: int,
    until: int,
    cause: str,
    reason: str = "",
) -> str:
    """Reserve an amount at the giver for the taker until a block time and give the hold's name (hex).

    For rules that know already that the giver agreed: signatures are theirs to check. `cause` names what the hold
    follows from, `reason` is what marketing units would be spent for. The hold is named by `call.name`: a rule that
    opens several gives each a name of its own with `call._replace`. Refuses by RuleError and then changes nothing.
    """
    state, key = call.state, call.name
    demand_free(call, giver)
    _sound(call, giver=giver, taker=taker, asset=asset, amount=amount, until=until, reason=reason)
    if key in state.holds:
        raise refused(Code.HOLD_EXISTS, f"there is a hold {key}")
    demand_available(state, giver, asset, amount=amount, block_time=call.time)
    standing = state.holds.grouped((giver, asset))
    past = [other for other in standing if not state.holds[other].open(call.time)]
    if len(standing) - len(past) >= HOLDS_MAX:
        raise refused(Code.HOLD_LIMIT, f"{giver} has {HOLDS_MAX} open holds of {asset}")
    for other in sorted(past):
        state.holds.drop(other)
    state.holds.put(
        key,
        HoldRecord(amount=amount, asset=asset, cause=cause, dispute="", giver=giver, taker=taker, until=until),
    )
    return key


def _sound(call: Call, *, giver: str, taker: str, asset: str, amount: int, until: int, reason: str) -> None:
    if amount <= 0:
        raise refused(Code.ZERO_AMOUNT, "a hold of nothing")
    if giver == taker:
        raise refused(Code.DUPLICATE_POSTING, f"{giver} is giver and taker")
    known = demand_place(call, giver, asset, -amount)
    demand_place(call, taker, asset, amount)
    if known.kind not in {"payment", "marketing"} or giver == known.issuer:
        raise refused(Code.HOLD_ASSET, f"{giver} cannot reserve {asset}: no claims, and not what is not issued yet")
    demand_direction(call.state, asset, {(giver, asset): -amount, (taker, asset): amount})
    if known.kind == "marketing":
        demand_code(call.state, asset, reason)
    if not call.time < until <= call.time + HOLD_S_MAX:
        raise refused(Code.HOLD_UNTIL, f"a hold ends after block time, and at most {HOLD_S_MAX} s later")


def hold(call: Call, payload: Hold) -> None:
    """Reserve what the giver signed for."""
    if payload.giver not in call.givers:
        raise refused(Code.NOT_AUTHORISED, f"{payload.giver} did not sign for what it reserves")
    if call.state.key_limits:
        cover(call, payload.giver, payload.asset, payload.amount)
    open_hold(
        call,
        giver=payload.giver,
        taker=payload.taker,
        asset=payload.asset,
        amount=payload.amount,
        until=payload.until,
        cause="",
        reason=payload.reason,
    )


def settle(call: Call, payload: Settle) -> None:
    """Move a part or all of a hold: by the taker or the giver; a redemption by whoever issues, with a reference."""
    found = _open(call, payload.hold)
    if found.dispute:
        raise refused(Code.DISPUTED, f"the hold {payload.hold} is in dispute")
    issuer = call.state.assets[found.asset].issuer
    if found.taker == issuer:
        demand(call, "asset.issue", issuer)
        if not payload.references and call.state.assets[found.asset].kind == "payment":
            raise refused(Code.REDEMPTION_WITHOUT_REFERENCE, "a redemption refers to the bank transfer")
    elif call.account not in {found.taker, found.giver}:
        raise refused(Code.NOT_AUTHORISED, f"{call.account} is neither taker nor giver of {payload.hold}")
    _settle(call, payload.hold, found, amount=payload.amount, final=payload.final)


def void(call: Call, payload: Void) -> None:
    """Free what is reserved: the taker at any time, the giver only once it expired."""
    found = _known(call, payload.hold)
    if not _acts_for_taker(call, found):
        if call.account != found.giver:
            raise refused(Code.NOT_AUTHORISED, f"{call.account} is neither taker nor giver of {payload.hold}")
        if found.open(call.time):
            raise refused(Code.HOLD_NOT_EXPIRED, "the giver frees a hold only after it expired")
    call.state.holds.drop(payload.hold)


def dispute(call: Call, payload: Dispute) -> None:
    """Contest an open hold: nobody settles it until that is decided, and meanwhile it does not expire."""
    found = _open(call, payload.hold)
    if call.account != found.giver:
        raise refused(Code.NOT_AUTHORISED, f"{call.account} is not the giver of {payload.hold}")
    if found.dispute:
        raise refused(Code.DISPUTED, f"the hold {payload.hold} is in dispute already")
    call.state.holds.put(payload.hold, _changed(found, amount=found.amount, dispute=payload.text))


def resolve_dispute(call: Call, payload: ResolveDispute) -> None:
    """Decide a dispute, by "dispute.resolve" over the giver; never by a party or whoever acts for one."""
    found = _known(call, payload.hold)
    demand(call, "dispute.resolve", found.giver)
    if call.account == found.giver or _acts_for_taker(call, found):
        raise refused(Code.OWN_CASE, f"{call.account} is a party of {payload.hold}")
    if not found.dispute:
        raise refused(Code.NOT_DISPUTED, f"the hold {payload.hold} is not in dispute")
    if (payload.verdict == "settle") != (payload.amount > 0):
        raise refused(Code.ZERO_AMOUNT, "a verdict settles an amount, or frees all and names none")
    if payload.verdict == "void":
        call.state.holds.drop(payload.hold)
    else:
        _settle(call, payload.hold, found, amount=payload.amount, final=True)


def _settle(call: Call, key: str, found: HoldRecord, *, amount: int, final: bool) -> None:
    state, time = call.state, call.time
    demand_free(call, found.giver)
    if amount > found.amount:
        raise refused(Code.ABOVE_HOLD, f"{amount} is more than the {found.amount} that are left of the hold")
    places = {(found.giver, found.asset): -amount, (found.taker, found.asset): amount}
    demand_place(call, found.taker, found.asset, amount)
    demand_direction(state, found.asset, places)
    if state.balance(found.giver, found.asset) - expired(state, found.giver, found.asset, time) < amount:
        raise refused(Code.INSUFFICIENT_BALANCE, f"the {found.asset} of {found.giver} expired under the hold")
    if final or amount == found.amount:
        state.holds.drop(key)
    else:
        state.holds.put(key, _changed(found, amount=found.amount - amount, dispute=""))
    carry(call, places)


def _known(call: Call, key: str) -> HoldRecord:
    found = call.state.holds.get(key)
    if found is None:
        raise refused(Code.UNKNOWN_HOLD, f"there is no hold {key}, or it was settled or freed")
    return found


def _open(call: Call, key: str) -> HoldRecord:
    found = _known(call, key)
    if not found.open(call.time):
        raise refused(Code.HOLD_EXPIRED, f"the hold ended at {found.until}; the block is of {call.time}")
    return found


def _acts_for_taker(call: Call, found: HoldRecord) -> bool:
    """Whether the acting account is the taker, or may act for an issuer that is."""
    issuer = call.state.assets[found.asset].issuer
    return call.account == found.taker or (
        found.taker == issuer
        and holds(call.state, account=call.account, permission="asset.issue", path=issuer, valid_from=call.time)
    )


def _changed(found: HoldRecord, *, amount: int, dispute: str) -> HoldRecord:
    return HoldRecord(
        amount=amount,
        asset=found.asset,
        cause=found.cause,
        dispute=dispute,
        giver=found.giver,
        taker=found.taker,
        until=found.until,
    )


RULES: RuleBook = {Hold: hold, Settle: settle, Void: void, Dispute: dispute, ResolveDispute: resolve_dispute}
