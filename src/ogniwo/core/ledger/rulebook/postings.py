"""The rule of transfers: who may give, who may hold, and that nothing appears or disappears."""

from collections.abc import Mapping

from ogniwo.core.ledger.call import Call, RuleBook
from ogniwo.core.ledger.outcomes import Code, refused
from ogniwo.core.ledger.rulebook.assets import demand_code, demand_direction, demand_place
from ogniwo.core.ledger.rulebook.holds import demand_available
from ogniwo.core.ledger.rulebook.keys import cover, demand_free
from ogniwo.core.ledger.rulebook.lots import carry
from ogniwo.core.ledger.rulebook.permissions import demand, holds
from ogniwo.core.ledger.rulebook.quorum import require
from ogniwo.core.ledger.state_records import Asset
from ogniwo.core.ledger.transactions import Post, Posting


def post(call: Call, payload: Post) -> None:
    """Apply a transfer whole, or not at all.

    Whoever gives must have signed, with two exceptions that need a permission of the acting account: an issuer gives by
    "asset.issue" (its negative balance is the supply), and claims are charged by "claim.post". Nobody has a right to
    move another's payment tokens. A payment balance never falls below what is reserved of it, nor below zero; claims
    may, they are debts.
    """
    transfer(call, summed(payload.postings), reason=payload.reason)


def summed(postings: tuple[Posting, ...]) -> dict[tuple[str, str], int]:
    """The amounts of postings by (account, asset); refuses those that are empty, doubled or do not sum to zero."""
    amounts: dict[tuple[str, str], int] = {}
    sums: dict[str, int] = {}
    for line in postings:
        account, name, amount = line.account, line.asset, line.amount
        if not amount:
            raise refused(Code.ZERO_AMOUNT, f"a posting of nothing to {account}")
        if (account, name) in amounts:
            raise refused(Code.DUPLICATE_POSTING, f"{account} has two postings of {name}")
        amounts[account, name] = amount
        sums[name] = sums.get(name, 0) + amount
    for name, total in sums.items():
        if total:
            raise refused(Code.NOT_ZERO_SUM, f"the postings of {name} sum to {total}")
    return amounts


def transfer(call: Call, amounts: Mapping[tuple[str, str], int], *, reason: str, undoing: bool = False) -> None:
    """Check and move amounts that sum to zero; `undoing` what was accepted asks neither for a reason nor a rule."""
    state = call.state
    marketing = False
    for (account, name), amount in amounts.items():
        asset = demand_place(call, account, name, amount)
        if amount < 0:
            _give(call, asset, account, name, amount)
        if asset.kind == "claim":
            continue
        if asset.kind == "marketing":
            marketing = True
            if amount < 0 and not undoing:
                _spend(asset, account, name)
                demand_code(state, name, reason)
        if not asset.transferable or name in state.switches:
            demand_direction(state, name, amounts)
    if marketing:
        carry(call, amounts)
    else:
        state.move(amounts)


def _give(call: Call, asset: Asset, account: str, name: str, amount: int) -> None:
    """Whether this account may be debited."""
    if account == asset.issuer:
        demand_free(call, account)
        demand(call, "asset.issue", account)
        return
    signed = account in call.givers
    if asset.kind == "claim" and not (signed and asset.transferable):
        # A debt is charged also to a frozen account: it gives nothing.
        if not holds(call.state, account=call.account, permission="claim.post", path=account, valid_from=call.time):
            raise refused(Code.NOT_AUTHORISED, f"{call.account} does not hold claim.post over {account}")
        require(call, "claim.post", account)
        return
    if not signed:
        raise refused(Code.NOT_AUTHORISED, f"{account} did not sign for what it gives")
    demand_free(call, account)
    if asset.kind != "claim":
        demand_available(call.state, account, name, amount=-amount, block_time=call.time)
    if call.state.key_limits:
        cover(call, account, name, -amount)


def _spend(asset: Asset, account: str, name: str) -> None:
    if account == asset.issuer:
        raise refused(Code.ISSUED_BY_RULE, f"{name} is given by rule, not by a transfer")


RULES: RuleBook = {Post: post}
