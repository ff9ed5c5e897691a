"""Points, credits and rebates: given by a rule, for energy that was metered, once."""

from datetime import date

from ogniwo.core.ledger.call import Call, RuleBook
from ogniwo.core.ledger.outcomes import Code, refused
from ogniwo.core.ledger.rulebook import lots
from ogniwo.core.ledger.rulebook.assets import demand_place
from ogniwo.core.ledger.rulebook.keys import demand_free
from ogniwo.core.ledger.rulebook.permissions import demand
from ogniwo.core.ledger.state_records import Done, RewardRule
from ogniwo.core.ledger.transactions import DefineRule, Lapse, Reward


def define_rule(call: Call, payload: DefineRule) -> None:
    """Define how units of a marketing asset are earned; a rule never changes, it only ends."""
    state, asset = call.state, call.state.assets.get(payload.asset)
    if payload.name in state.reward_rules:
        raise refused(Code.RULE_EXISTS, f"there is a rule {payload.name}")
    if asset is None:
        raise refused(Code.UNKNOWN_ASSET, f"{payload.asset} is not defined")
    demand(call, "rule.define", asset.domain)
    if asset.kind != "marketing":
        raise refused(Code.RULE_TERMS, f"{payload.asset} is no marketing asset")
    if payload.kind == "fixed" and (payload.channel or payload.denominator != 1):
        raise refused(Code.RULE_TERMS, "a fixed rule names no channel and no denominator but 1")
    if payload.kind == "per_energy" and not payload.channel:
        raise refused(Code.RULE_TERMS, "a rule by energy names the channel it counts")
    if not (_is_day(payload.valid_from) and _is_day(payload.valid_to)) or payload.valid_to < payload.valid_from:
        raise refused(Code.EMPTY_PERIOD, "the rule ends before it begins, or on no day of the calendar")
    state.reward_rules.put(
        payload.name,
        RewardRule(
            asset=payload.asset,
            channel=payload.channel,
            denominator=payload.denominator,
            kind=payload.kind,
            numerator=payload.numerator,
            valid_from=payload.valid_from,
            valid_to=payload.valid_to,
            window=payload.window,
        ),
    )


def reward(call: Call, payload: Reward) -> None:
    """Give what a rule promises for days that were not rewarded by it before; the amount follows from the rule.

    By energy: never for more than was minted for the point on these days. A later correction of a day changes nothing
    in what was given. Fixed: once a day and account.
    """
    state, rule = call.state, call.state.reward_rules.get(payload.rule)
    if rule is None:
        raise refused(Code.UNKNOWN_RULE, f"there is no rule {payload.rule}")
    for path in sorted({payload.beneficiary, payload.point}):
        if path not in state.accounts:
            raise refused(Code.UNKNOWN_ACCOUNT, f"{path} is not open")
        demand(call, "reward.give", path)
    _days(payload, rule)
    done = [(payload.rule, payload.point, day) for day in payload.days]
    for key in done:
        if key in state.rewarded:
            raise refused(Code.ALREADY_REWARDED, f"{key[2]} was rewarded by {state.rewarded[key].transaction}")
    amount = _fixed(payload, rule) if rule.kind == "fixed" else _by_energy(call, payload, rule)
    if not amount:
        raise refused(Code.ZERO_AMOUNT, f"{payload.wh} Wh earn nothing by {payload.rule}")
    issuer = state.assets[rule.asset].issuer
    if payload.beneficiary == issuer:
        raise refused(Code.DUPLICATE_POSTING, f"{issuer} issues {rule.asset}")
    demand_free(call, issuer)
    amounts = {(issuer, rule.asset): -amount, (payload.beneficiary, rule.asset): amount}
    for (account, name), change in amounts.items():
        demand_place(call, account, name, change)
    for key in done:
        state.rewarded.put(key, Done(transaction=call.name))
    lots.carry(call, amounts)


def lapse(call: Call, payload: Lapse) -> None:
    """Return what expired at the named accounts to the issuer, by whoever issues."""
    asset = call.state.assets.get(payload.asset)
    if asset is None:
        raise refused(Code.UNKNOWN_ASSET, f"{payload.asset} is not defined")
    demand(call, "asset.issue", asset.issuer)
    if not lots.lapse(call, payload.accounts, payload.asset):
        raise refused(Code.NOTHING_EXPIRED, f"no {payload.asset} of these accounts has expired")


def _days(payload: Reward, rule: RewardRule) -> None:
    if list(payload.days) != sorted(set(payload.days)):
        raise refused(Code.RULE_TERMS, "the days stand each once, in order")
    outside = [day for day in payload.days if not (rule.valid_from <= day <= rule.valid_to and _is_day(day))]
    if outside:
        raise refused(Code.RULE_TERMS, f"{payload.rule} is not good for {outside[0]}")


def _fixed(payload: Reward, rule: RewardRule) -> int:
    if payload.wh or payload.point != payload.beneficiary or len(payload.days) > 1:
        raise refused(Code.RULE_TERMS, "a fixed reward names one day, no energy, and the account itself as its point")
    return rule.numerator


def _by_energy(call: Call, payload: Reward, rule: RewardRule) -> int:
    minted = 0
    for day in payload.days:
        token = call.state.minted.get((payload.point, day, rule.channel))
        if token is None:
            raise refused(Code.NOT_MINTED, f"{day} of {payload.point} is not minted for {rule.channel}")
        minted += token.total_wh
    if payload.wh > minted:
        raise refused(Code.ABOVE_MINTED, f"{payload.wh} Wh are more than the {minted} minted for these days")
    return payload.wh * rule.numerator // rule.denominator


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


RULES: RuleBook = {DefineRule: define_rule, Reward: reward, Lapse: lapse}
