"""The rule of transfers: who may give, who may hold, and that nothing appears or disappears."""

from ogniwo.core.ledger.admission import SignedTransaction
from ogniwo.core.ledger.authority import holds, within
from ogniwo.core.ledger.canonical import INTEGER_LIMIT
from ogniwo.core.ledger.outcomes import Code, refused
from ogniwo.core.ledger.state import Asset, State
from ogniwo.core.ledger.transactions import Post


def post(state: State, signed: SignedTransaction, payload: Post, block_time: int) -> None:
    """Apply a transfer whole, or not at all.

    Whoever gives must have signed, with two exceptions that need a permission of the acting account: an issuer gives by
    "asset.issue" (its negative balance is the supply), and claims are charged by "claim.post". Nobody has a right to
    move another's payment tokens. A payment balance never falls below zero; claims may, they are debts.
    """
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
    givers = {state.keys[kid].account for kid in signed.signers if kid in state.keys}
    for (account, name), amount in amounts.items():
        asset = _hold(state, account, name, amount)
        if amount < 0:
            _give(state, payload.account, givers, account, name, amount, block_time)
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


def _give(state: State, actor: str, givers: set[str], account: str, name: str, amount: int, block_time: int) -> None:
    """Whether this account may be debited."""
    asset = state.assets[name]
    if account == asset.issuer:
        if not holds(state, account=actor, permission="asset.issue", path=account, valid_from=block_time):
            raise refused(Code.NOT_PERMITTED, f"{actor} does not hold asset.issue over {account}")
        return
    signed = account in givers
    if asset.kind == "claim":
        charging = holds(state, account=actor, permission="claim.post", path=account, valid_from=block_time)
        if not (charging or (signed and asset.transferable)):
            raise refused(Code.NOT_AUTHORISED, f"{actor} does not hold claim.post over {account}")
        return
    if not signed:
        raise refused(Code.NOT_AUTHORISED, f"{account} did not sign for what it gives")
    if state.balances.get((account, name), 0) + amount < 0:
        raise refused(Code.INSUFFICIENT_BALANCE, f"{account} has too little {name}")


def _from_or_to_issuer(asset: Asset, name: str, amounts: dict[tuple[str, str], int]) -> None:
    """Payment tokens that are not transferable move between the issuer and one side only: issued or redeemed."""
    directions = {
        amount > 0 for (account, other), amount in amounts.items() if other == name and account != asset.issuer
    }
    if len(directions) > 1:
        raise refused(Code.NOT_TRANSFERABLE, f"{name} passes between its issuer and its holders only")
