"""The rule of transfers: who may give, who may hold, and that nothing appears or disappears."""

from ogniwo.core.ledger.call import Call, RuleBook
from ogniwo.core.ledger.canonical import INTEGER_LIMIT
from ogniwo.core.ledger.outcomes import Code, refused
from ogniwo.core.ledger.rulebook.keys import cover, demand_free
from ogniwo.core.ledger.rulebook.permissions import demand, holds, within
from ogniwo.core.ledger.rulebook.quorum import require
from ogniwo.core.ledger.state import State
from ogniwo.core.ledger.state_records import Asset
from ogniwo.core.ledger.transactions import Post


def post(call: Call, payload: Post) -> None:
    """Apply a transfer whole, or not at all.

    Whoever gives must have signed, with two exceptions that need a permission of the acting account: an issuer gives by
    "asset.issue" (its negative balance is the supply), and claims are charged by "claim.post". Nobody has a right to
    move another's payment tokens. A payment balance never falls below zero; claims may, they are debts.
    """
    state = call.state
    amounts: dict[tuple[str, str], int] = {}
    sums: dict[str, int] = {}
    for line in payload.postings:
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
    for (account, name), amount in amounts.items():
        asset = _hold(state, account, name, amount)
        if amount < 0:
            _give(call, account, name, amount)
        if not asset.transferable and asset.kind == "payment":
            _from_or_to_issuer(asset, name, amounts)
    state.move(amounts)


def _hold(state: State, account: str, name: str, amount: int) -> Asset:
    """The asset, if this account may have a balance of it, and one of this size."""
    asset = state.assets.get(name)
    if asset is None:
        raise refused(Code.UNKNOWN_ASSET, f"{name} is not defined")
    if asset.kind == "metering":
        raise refused(Code.METERING_IMMOVABLE, f"{name} is minted from readings and never moves")
    if account not in state.accounts:
        raise refused(Code.UNKNOWN_ACCOUNT, f"{account} is not open")
    if not within(account, asset.domain):
        raise refused(Code.OUTSIDE_DOMAIN, f"{account} is outside {asset.domain}, the domain of {name}")
    if abs(state.balances.get((account, name), 0) + amount) > INTEGER_LIMIT:
        raise refused(Code.AMOUNT_OUT_OF_RANGE, f"the balance of {account} would pass 2^53 - 1")
    return asset


def _give(call: Call, account: str, name: str, amount: int) -> None:
    """Whether this account may be debited."""
    state = call.state
    asset = state.assets[name]
    if account == asset.issuer:
        demand_free(call, account)
        demand(call, "asset.issue", account)
        return
    signed = account in call.givers
    if asset.kind == "claim" and not (signed and asset.transferable):
        # A debt is charged also to a frozen account: it gives nothing.
        if not holds(state, account=call.account, permission="claim.post", path=account, valid_from=call.time):
            raise refused(Code.NOT_AUTHORISED, f"{call.account} does not hold claim.post over {account}")
        require(call, "claim.post", account)
        return
    if not signed:
        raise refused(Code.NOT_AUTHORISED, f"{account} did not sign for what it gives")
    demand_free(call, account)
    if asset.kind == "payment" and state.balances.get((account, name), 0) + amount < 0:
        raise refused(Code.INSUFFICIENT_BALANCE, f"{account} has too little {name}")
    if state.key_limits:
        cover(call, account, name, -amount)


def _from_or_to_issuer(asset: Asset, name: str, amounts: dict[tuple[str, str], int]) -> None:
    """Payment tokens that are not transferable move between the issuer and one side only: issued or redeemed."""
    directions = {
        amount > 0 for (account, other), amount in amounts.items() if other == name and account != asset.issuer
    }
    if len(directions) > 1:
        raise refused(Code.NOT_TRANSFERABLE, f"{name} passes between its issuer and its holders only")


RULES: RuleBook = {Post: post}
