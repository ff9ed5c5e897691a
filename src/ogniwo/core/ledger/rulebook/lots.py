"""Units of marketing assets by their expiry: the oldest are spent first, what expired goes back to the issuer.

Nothing expires by itself: an expired lot cannot be spent and counts for nothing, and it goes back when its account is
touched next, or by `lapse`. A unit keeps the expiry it was issued with, whoever holds it and whatever the policy says
later. Expiries stand at midnight UTC after the lifetime, so an account has at most one lot a day.
"""

from collections.abc import Iterable, Mapping

from ogniwo.core.ledger.call import Call
from ogniwo.core.ledger.state import State
from ogniwo.core.ledger.state_records import Lot, Lots

_DAY_S = 86_400
_NONE = Lots(lots=())


def expired(state: State, account: str, name: str, block_time: int) -> int:
    """How many of an account's units expired and were not taken back yet."""
    lots = state.lots.get((account, name), _NONE).lots
    return sum(lot.amount for lot in lots if _past(lot, block_time))


def carry(call: Call, amounts: Mapping[tuple[str, str], int]) -> None:
    """Move amounts, keyed by (account, asset), together with the expiries of marketing units.

    The rules have checked before that nobody gives more than he has. What an issuer gives is new and gets a new
    expiry; what it takes has none. The expired units of the accounts that take part go back first, as a movement of
    their own.
    """
    state = call.state
    for name in sorted({name for _, name in amounts if state.assets[name].kind == "marketing"}):
        lapse(call, [account for account, other in amounts if other == name], name)
        _carry_lots(call, name, {account: amount for (account, other), amount in amounts.items() if other == name})
    state.move(amounts)


def lapse(call: Call, accounts: Iterable[str], name: str) -> int:
    """Return what expired at these accounts to the issuer; gives how much that was."""
    state, issuer = call.state, call.state.assets[name].issuer
    returned: dict[tuple[str, str], int] = {}
    for account in sorted(set(accounts)):
        lots = state.lots.get((account, name), _NONE).lots
        past = sum(lot.amount for lot in lots if _past(lot, call.time))
        if past:
            returned[account, name] = -past
            _put(state, account, name, [lot for lot in lots if not _past(lot, call.time)])
    total = -sum(returned.values())
    if total:
        state.move({**returned, (issuer, name): total})
    return total


def _carry_lots(call: Call, name: str, amounts: Mapping[str, int]) -> None:
    state, issuer = call.state, call.state.assets[name].issuer
    passing: list[Lot] = []
    for account, amount in sorted(amounts.items()):
        if amount < 0:
            passing += (
                [Lot(_expiry(call, name), -amount)] if account == issuer else _take(state, account, name, -amount)
            )
    passing = _ordered(passing)
    for account, amount in sorted(amounts.items()):
        if amount > 0:
            given, passing = _split(passing, amount)
            if account != issuer:
                _put(state, account, name, [*state.lots.get((account, name), _NONE).lots, *given])


def _take(state: State, account: str, name: str, amount: int) -> list[Lot]:
    taken, left = _split(list(state.lots[account, name].lots), amount)
    _put(state, account, name, left)
    return taken


def _split(lots: list[Lot], amount: int) -> tuple[list[Lot], list[Lot]]:
    """The first `amount` units in order of expiry, and the rest."""
    taken: list[Lot] = []
    for at, lot in enumerate(lots):
        if lot.amount > amount:
            head = [Lot(lot.expires, amount)] if amount else []
            return [*taken, *head], [Lot(lot.expires, lot.amount - amount), *lots[at + 1 :]]
        taken.append(lot)
        amount -= lot.amount
    return taken, []


def _put(state: State, account: str, name: str, lots: Iterable[Lot]) -> None:
    kept = tuple(_ordered(lots))
    if kept:
        state.lots.put((account, name), Lots(lots=kept))
    elif (account, name) in state.lots:
        state.lots.drop((account, name))


def _ordered(lots: Iterable[Lot]) -> list[Lot]:
    """One lot per expiry, the oldest first, those without one last."""
    amounts: dict[int, int] = {}
    for lot in lots:
        amounts[lot.expires] = amounts.get(lot.expires, 0) + lot.amount
    return [Lot(expires, amounts[expires]) for expires in sorted(amounts, key=lambda at: (at == 0, at))]


def _expiry(call: Call, name: str) -> int:
    """When units issued now expire: at the first midnight (UTC) that leaves them their whole lifetime."""
    policy = call.state.asset_policies.get(name)
    if policy is None or not policy.lifetime_s:
        return 0
    return -(-(call.time + policy.lifetime_s) // _DAY_S) * _DAY_S


def _past(lot: Lot, block_time: int) -> bool:
    return 0 < lot.expires <= block_time
