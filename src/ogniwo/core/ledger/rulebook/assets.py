"""The rules of assets while they are in use: limits, lifetime, reasons, and whether payments are switched on."""

from collections.abc import Mapping

from ogniwo.core.ledger.call import Call, RuleBook
from ogniwo.core.ledger.canonical import INTEGER_LIMIT
from ogniwo.core.ledger.outcomes import Code, refused
from ogniwo.core.ledger.rulebook.lots import expired
from ogniwo.core.ledger.rulebook.permissions import demand, within
from ogniwo.core.ledger.state import State
from ogniwo.core.ledger.state_records import Asset, AssetPolicy, Switch
from ogniwo.core.ledger.transactions import SetAssetPolicy, SwitchPayments


def demand_place(call: Call, account: str, name: str, amount: int) -> Asset:
    """The asset, if this account may have a balance of it, and one changed by this amount."""
    state = call.state
    asset = state.assets.get(name)
    if asset is None:
        raise refused(Code.UNKNOWN_ASSET, f"{name} is not defined")
    if asset.kind == "metering":
        raise refused(Code.METERING_IMMOVABLE, f"{name} is minted from readings and never moves")
    if account not in state.accounts:
        raise refused(Code.UNKNOWN_ACCOUNT, f"{account} is not open")
    if not within(account, asset.domain):
        raise refused(Code.OUTSIDE_DOMAIN, f"{account} is outside {asset.domain}, the domain of {name}")
    balance = state.balances.get((account, name), 0) + amount
    if abs(balance) > INTEGER_LIMIT:
        raise refused(Code.AMOUNT_OUT_OF_RANGE, f"the balance of {account} would pass 2^53 - 1")
    policy = state.asset_policies.get(name)
    if policy is not None and account != asset.issuer:
        if amount < 0:
            if policy.transfer_max and -amount > policy.transfer_max:
                raise refused(Code.TRANSFER_LIMIT, f"more than {policy.transfer_max} of {name} at once")
        elif policy.balance_max and balance - expired(state, account, name, call.time) > policy.balance_max:
            raise refused(Code.BALANCE_LIMIT, f"{account} would have more than {policy.balance_max} of {name}")
    return asset


def demand_code(state: State, name: str, reason: str) -> None:
    """Refuse units of a marketing asset for a reason that its policy does not list."""
    policy = state.asset_policies.get(name)
    if policy is not None and policy.codes and reason not in policy.codes:
        raise refused(Code.SPEND_CODE, f"{name} is not spent for {reason or 'no reason'}")


def demand_direction(state: State, name: str, amounts: Mapping[tuple[str, str], int]) -> None:
    """Refuse a movement that the asset does not allow.

    What is not transferable passes between the issuer and its holders only, one way at a time. A payment asset that is
    switched off only goes back to the issuer, so that nobody is left with what he cannot redeem.
    """
    asset = state.assets[name]
    if not asset.transferable:
        directions = {
            amount > 0 for (account, other), amount in amounts.items() if other == name and account != asset.issuer
        }
        if len(directions) > 1:
            raise refused(Code.NOT_TRANSFERABLE, f"{name} passes between its issuer and its holders only")
    switch = state.switches.get(name)
    if switch is not None and not switch.active:
        for (account, other), amount in amounts.items():
            if other == name and amount > 0 and account != asset.issuer:
                raise refused(Code.PAYMENTS_OFF, f"{name} is switched off: it only goes back to {asset.issuer}")


def set_asset_policy(call: Call, payload: SetAssetPolicy) -> None:
    """Set limits, lifetime, reasons and order of use.

    What was issued keeps what it was issued with: every unit carries its own expiry, and while any are out no reason
    for which they can be spent is taken away.
    """
    state, asset = call.state, call.state.assets.get(payload.asset)
    if asset is None:
        raise refused(Code.UNKNOWN_ASSET, f"{payload.asset} is not defined")
    demand(call, "asset.policy", asset.domain)
    if asset.kind not in {"payment", "marketing"}:
        raise refused(Code.ASSET_POLICY, f"{payload.asset} is neither a payment nor a marketing asset")
    if asset.kind == "payment" and (payload.codes or payload.lifetime_s):
        raise refused(Code.ASSET_POLICY, f"{payload.asset} is money: it neither expires nor is it bound to reasons")
    codes = tuple(sorted(set(payload.codes)))
    if codes != payload.codes:
        raise refused(Code.ASSET_POLICY, "the reasons stand each once, in alphabetical order")
    earlier = state.asset_policies.get(payload.asset)
    narrower = bool(codes) and not (earlier and earlier.codes and set(earlier.codes) <= set(codes))
    if narrower and state.balance(asset.issuer, payload.asset):
        raise refused(Code.ASSET_POLICY, f"units of {payload.asset} are out that may be spent for more than that")
    state.asset_policies.put(
        payload.asset,
        AssetPolicy(
            balance_max=payload.balance_max,
            codes=codes,
            lifetime_s=payload.lifetime_s,
            spend_rank=payload.spend_rank,
            transfer_max=payload.transfer_max,
        ),
    )


def switch_payments(call: Call, payload: SwitchPayments) -> None:
    """Switch a payment asset on or off, with the legal basis and the notice that was given."""
    state, asset = call.state, call.state.assets.get(payload.asset)
    if asset is None:
        raise refused(Code.UNKNOWN_ASSET, f"{payload.asset} is not defined")
    demand(call, "payments.switch", asset.domain)
    if asset.kind != "payment":
        raise refused(Code.ASSET_POLICY, f"{payload.asset} is no payment asset")
    state.switches.put(
        payload.asset,
        Switch(
            active=payload.active,
            basis=payload.basis,
            notice=payload.notice,
            since=call.time,
            transaction=call.name,
        ),
    )


RULES: RuleBook = {SetAssetPolicy: set_asset_policy, SwitchPayments: switch_payments}
