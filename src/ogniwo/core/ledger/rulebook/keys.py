"""Keys and what they may do: limits per transfer and day, freezing, and the way back after a loss."""

from ogniwo.core.ledger.call import Call, RuleBook
from ogniwo.core.ledger.outcomes import Code, refused, turned_away
from ogniwo.core.ledger.rulebook.permissions import demand, keep_an_administrator, outranks
from ogniwo.core.ledger.state import State
from ogniwo.core.ledger.state_records import Frozen, KeyLimits, KeyUse
from ogniwo.core.ledger.transactions import KeyLimit, SetFrozen, SetKeyLimits

_DAY_S = 86_400
_TWO = 2


def demand_free(call: Call, account: str) -> None:
    """Refuse a debit of a frozen account."""
    if account in call.state.frozen:
        raise refused(Code.ACCOUNT_FROZEN, f"{account} is frozen")


def demand_free_signer(state: State, account: str) -> None:
    """Turn away what a frozen account signed: neither acting nor approving, nor filling the log."""
    if account in state.frozen:
        raise turned_away(Code.ACCOUNT_FROZEN, f"{account} is frozen")


def cover(call: Call, account: str, asset: str, amount: int) -> None:
    """Refuse a debit on the holder's own signature that the signing key alone may not make; note what it used.

    `amount` is positive, in minor units. Two distinct keys of the account cover any amount, and then neither is
    charged; one key is held to its limits per transfer and per UTC day of block time. What a limited key signs is
    executed whole or undone (rules.apply), so this may be called before other checks.
    """
    state = call.state
    kids = own_signers(call, account)
    if not kids:
        raise refused(Code.NOT_AUTHORISED, f"{account} did not sign for what it gives")
    limits = state.key_limits.get(kids[0])
    if len(kids) >= _TWO or limits is None:
        return
    limit = next((each for each in limits.limits if each.asset == asset), None)
    if limit is None:
        return
    use, today = state.key_uses.get((kids[0], asset)), call.time // _DAY_S
    used = amount + (use.used if use is not None and use.day == today else 0)
    if amount > limit.per_transfer or used > limit.per_day:
        raise refused(Code.KEY_LIMIT, f"beyond the limit of key {kids[0]} for {asset}; a second key of {account} signs")
    state.key_uses.put((kids[0], asset), KeyUse(day=today, used=used))


def own_signers(call: Call, account: str) -> tuple[str, ...]:
    """The working transaction keys of an account among the signers, sorted."""
    keys = call.state.keys
    return tuple(
        sorted(
            kid
            for kid in call.signers
            if (record := keys.get(kid)) is not None
            and record.account == account
            and record.purpose == "transaction"
            and record.active(call.time)
        )
    )


def demand_strength(call: Call, account: str, detail: str) -> None:
    """Refuse unless a key without limits, or two distinct keys, of the account signed.

    Without this rule a limited key could register, loosen or end keys until nothing limits it.
    """
    kids = own_signers(call, account)
    if len(kids) < _TWO and not any(kid not in call.state.key_limits for kid in kids):
        raise refused(Code.SECOND_KEY_NEEDED, f"{detail} needs a key without limits or two keys of {account}")


def set_key_limits(call: Call, payload: SetKeyLimits) -> None:
    """Limit a key: by its account, or by a registrar who outranks it.

    Any own key may tighten; loosening needs an own key without limits or two own keys. A key that is limited for the
    first time is tightened.
    """
    state = call.state
    record = state.keys.get(payload.kid)
    if record is None or record.revoked or record.purpose != "transaction":
        raise refused(Code.KEY_NOT_ACTIVE, f"{payload.kid} is no working key for transactions")
    if len({limit.asset for limit in payload.limits}) < len(payload.limits):
        raise refused(Code.DUPLICATE_LIMIT, "an asset is limited twice")
    if record.account != call.account:
        demand(call, "key.register", record.account)
        if not outranks(state, actor=call.account, subject=record.account, block_time=call.time):
            raise refused(Code.BEYOND_OWN_RIGHTS, f"{record.account} holds rights that {call.account} does not")
    elif not _tightens(state.key_limits.get(payload.kid), payload.limits):
        demand_strength(call, record.account, "loosening a limit")
    if payload.limits:
        ordered = tuple(sorted(payload.limits, key=lambda limit: limit.asset))
        state.key_limits.put(payload.kid, KeyLimits(limits=ordered))
    elif payload.kid in state.key_limits:
        state.key_limits.drop(payload.kid)
    named = {limit.asset for limit in payload.limits}
    for use in sorted(state.key_uses.grouped(payload.kid)):
        if use[1] not in named:
            state.key_uses.drop(use)


def _tightens(before: KeyLimits | None, after: tuple[KeyLimit, ...]) -> bool:
    if before is None:
        return True
    found = {limit.asset: limit for limit in after}
    return all(
        limit.asset in found
        and found[limit.asset].per_day <= limit.per_day
        and found[limit.asset].per_transfer <= limit.per_transfer
        for limit in before.limits
    )


def set_frozen(call: Call, payload: SetFrozen) -> None:
    """Freeze an account, or let it act again; the last administrator cannot be frozen."""
    state = call.state
    if payload.path not in state.accounts:
        raise refused(Code.UNKNOWN_ACCOUNT, f"{payload.path} is not open")
    demand(call, "account.freeze", payload.path)
    if not payload.frozen:
        if payload.path not in state.frozen:
            raise refused(Code.NOT_FROZEN, f"{payload.path} is not frozen")
        state.frozen.drop(payload.path)
        return
    demand_free(call, payload.path)
    keep_an_administrator(call, account=payload.path)
    state.frozen.put(payload.path, Frozen(by=call.account, since=call.time))


RULES: RuleBook = {SetKeyLimits: set_key_limits, SetFrozen: set_frozen}
