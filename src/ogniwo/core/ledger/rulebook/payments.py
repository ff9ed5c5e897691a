"""Payments from several sources, and the undoing of transfers."""

from hashlib import sha256

from ogniwo.core.ledger.blocks import TransactionEntry
from ogniwo.core.ledger.call import Call, RuleBook
from ogniwo.core.ledger.canonical import encode
from ogniwo.core.ledger.merkle import leaf_hash
from ogniwo.core.ledger.outcomes import ACCEPTED, Code, refused
from ogniwo.core.ledger.rulebook.assets import demand_code
from ogniwo.core.ledger.rulebook.holds import available
from ogniwo.core.ledger.rulebook.postings import summed, transfer
from ogniwo.core.ledger.state_records import Done
from ogniwo.core.ledger.transactions import Pay, Revert, Source


def pay(call: Call, payload: Pay) -> None:
    """Take from each source in order what it has, up to its cap, until the amount is reached; else nothing moves.

    The taker gets the very assets the sources gave, so each must be one he may hold: a promotional credit that is not
    transferable can be spent at its issuer only. Every source's account signed.
    """
    _in_order(call, payload.sources)
    left = payload.amount
    amounts: dict[tuple[str, str], int] = {}
    for source in payload.sources:
        place = (source.account, source.asset)
        if source.account == payload.taker or place in amounts:
            raise refused(Code.DUPLICATE_POSTING, f"{source.account} pays itself, or stands twice with {source.asset}")
        if source.account not in call.givers:
            raise refused(Code.NOT_AUTHORISED, f"{source.account} did not sign for what it gives")
        if call.state.assets[source.asset].kind == "marketing":
            demand_code(call.state, source.asset, payload.reason)
        free = available(call.state, source.account, source.asset, call.time)
        taken = min(left, free, source.cap or left)
        amounts[place] = -taken
        left -= taken
    if left:
        raise refused(Code.INSUFFICIENT_BALANCE, f"the sources have {left} too little")
    for (_, name), amount in list(amounts.items()):
        given = (payload.taker, name)
        amounts[given] = amounts.get(given, 0) - amount
    transfer(call, {place: amount for place, amount in amounts.items() if amount}, reason=payload.reason)


def _in_order(call: Call, sources: tuple[Source, ...]) -> None:
    """Whether the sources are of one scale and stand in the order the policies give, marketing before money."""
    state = call.state
    ranks: list[tuple[bool, int]] = []
    for source in sources:
        asset = state.assets.get(source.asset)
        if asset is None:
            raise refused(Code.UNKNOWN_ASSET, f"{source.asset} is not defined")
        if asset.kind not in {"payment", "marketing"} or source.account == asset.issuer:
            raise refused(Code.NOT_AUTHORISED, f"{source.account} cannot pay with {source.asset}")
        policy = state.asset_policies.get(source.asset)
        ranks.append((asset.kind == "payment", policy.spend_rank if policy else 0))
    if len({source.asset.rpartition("/")[2] for source in sources}) > 1:
        raise refused(Code.MIXED_SCALES, "the sources count in different decimals")
    if ranks != sorted(ranks):
        raise refused(Code.SPEND_ORDER, "marketing stands before money, and a lower rank before a higher one")


def revert(call: Call, payload: Revert) -> None:
    """Post the exact opposite of an accepted transfer, once; whoever now gives signs, as for any transfer.

    The log proves that the original was accepted: the entry that follows from the original and its place must be the
    one that stands there. A part of a batch has no entry of its own and cannot be undone by this.
    """
    state, original = call.state, payload.original
    if not payload.reason:
        raise refused(Code.REVERT_WITHOUT_REASON, "undoing a transfer names its reason")
    name = sha256(encode(original)).hexdigest()
    entry = TransactionEntry(
        envelope=payload.envelope,
        height=payload.height,
        outcome=ACCEPTED,
        position=payload.position,
        time=payload.time,
        transaction=name,
    )
    if call.logged(payload.log_index) != leaf_hash(encode(entry)):
        raise refused(Code.NOT_ON_THE_LOG, f"entry {payload.log_index} is not the acceptance of {name}")
    if name in state.reverted:
        raise refused(Code.ALREADY_REVERTED, f"{name} was undone by {state.reverted[name].transaction}")
    opposite = {place: -amount for place, amount in summed(original.postings).items()}
    transfer(call, opposite, reason=payload.reason, undoing=True)
    state.reverted.put(name, Done(transaction=call.name))


RULES: RuleBook = {Pay: pay, Revert: revert}
