"""Rewards of a workspace: rules of points and credits, what a month's energy earned, and the document that shows it."""

import secrets
from dataclasses import dataclass
from datetime import date
from hashlib import sha256

import msgspec

from ogniwo.core.kernel.calendar import Month
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.ledger.admission import open_transaction
from ogniwo.core.ledger.blocks import read_body
from ogniwo.core.ledger.canonical import decode, encode
from ogniwo.core.ledger.intervals import IntervalLeaf
from ogniwo.core.ledger.rebates import Rebate, Window, build_rebate, check_rebate, salted
from ogniwo.core.ledger.state_records import RewardRule
from ogniwo.core.ledger.transactions import (
    DayRecord,
    DefineRule,
    Reward,
    RuleKind,
    SetAssetPolicy,
    parts_of,
)
from ogniwo.core.posting.readings import day_record
from ogniwo.records.ledger.models import Commitment
from ogniwo.records.metering.models import MeteringPoint
from ogniwo.records.parties.models import Organisation
from ogniwo.records.visibility import Subject
from ogniwo.services.ledger.access import frame, member_path, open_ledger, open_projection, point_path, point_secret
from ogniwo.services.ledger.payments import Till, define_asset, mark_sent, member_of, till
from ogniwo.services.ledger.posting import leaves_of_day
from ogniwo.services.workspace.audit import record_act
from ogniwo.services.workspace.model import Workspace

POINT_ASSET = "POINT/2"
_WH_PER_KWH = 1_000
_DAY_S = 86_400


class RewardRuleError(Refusal):
    """There is no such rule on the ledger, not of this kind, or there is one already."""

    code = "tokens.rule"


class NothingToRewardError(Refusal):
    """The ledger has no day of the month that the rule has not rewarded yet."""

    code = "tokens.nothing_to_reward"


class ReadingsDifferError(Refusal):
    """The stored readings of a day are not those that the ledger minted."""

    code = "tokens.readings_differ"


class RebateFileError(Refusal):
    """A rebate document does not agree with the ledger."""

    code = "tokens.rebate"


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleTerms:
    """How units are earned: `rate` minor units per kWh inside the window, or per reward where `window` is None.

    A new asset gets the lifetime in days (0 = for ever) and the reasons for which its units may be spent (none = any).
    """

    asset: str
    channel: str
    rate: int
    window: Window | None
    valid_from: date
    valid_to: date
    lifetime_days: int
    codes: tuple[str, ...]


class RebateFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a member gets of a reward by energy: the document and the salt of its commitment (hex)."""

    rebate: Rebate
    salt: str


_REBATE_FILE = msgspec.json.Decoder(RebateFile)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewarded:
    """A reward: its transaction, the units in minor units, the energy it was for, and the file (b"" when fixed)."""

    transaction: str
    asset: str
    amount: int
    wh: int
    days: int
    document: bytes


def define_reward_rule(workspace: Workspace, *, community: Organisation, name: str, terms: RuleTerms) -> str:
    """Define a rule, and its marketing asset where that is new. Window and salt stay here."""
    with till(workspace, "token rule", community=community) as desk:
        with desk.ledger.reading() as state:
            if name in state.reward_rules:
                raise RewardRuleError(detail=f"there is a rule {name} already; a rule never changes")
        if define_asset(desk, asset=terms.asset, kind="marketing", transferable=True):
            desk.by_operator(
                SetAssetPolicy(
                    **frame(workspace, account=desk.operator),
                    asset=terms.asset,
                    balance_max=0,
                    codes=tuple(sorted(set(terms.codes))),
                    lifetime_s=terms.lifetime_days * _DAY_S,
                    spend_rank=0,
                    transfer_max=0,
                )
            )
        window = terms.window or Window(begins=0, ends=1_440, weekdays=(1, 2, 3, 4, 5, 6, 7))
        kind: RuleKind = "per_energy" if terms.window else "fixed"
        salt = secrets.token_bytes(16)
        row, _ = Commitment.objects.update_or_create(
            kind="reward_rule",
            natural_id=name,
            defaults={
                "transaction_id": "",
                "salt": salt.hex(),
                "payload": encode(window).decode(),
                "commitment": salted(window, salt=salt),
            },
        )
        payload = DefineRule(
            **frame(workspace, account=desk.operator),
            asset=terms.asset,
            channel=terms.channel if terms.window else "",
            denominator=_WH_PER_KWH if terms.window else 1,
            kind=kind,
            name=name,
            numerator=terms.rate,
            valid_from=terms.valid_from.isoformat(),
            valid_to=terms.valid_to.isoformat(),
            window=row.commitment,
        )
        transaction = desk.by_operator(payload)
        mark_sent(row, transaction)
        record_act(workspace, action="token.rule", target=name, facts={"asset": terms.asset, "kind": kind})
        return transaction


def reward_energy(workspace: Workspace, *, rule: str, point_code: str, month: Month, subject: Subject) -> Rewarded:
    """Reward the owner of a point for the month's energy inside the rule's window, day by day, each day once."""
    point = MeteringPoint.objects.all().visible_to(subject).filter(code=point_code).select_related("member").first()
    if point is None or point.member is None:
        raise NothingToRewardError(detail=f"there is no metering point {point_code} with a member")
    with till(workspace, "token reward") as desk:
        terms = _rule(desk, rule, "per_energy")
        days = _days(desk, rule, terms, point, month)
        kept = Commitment.objects.get(kind="reward_rule", natural_id=rule)
        window = decode(kept.payload.encode(), msgspec.json.Decoder(Window))
        rebate = build_rebate(rule=rule, window=window, window_salt=bytes.fromhex(kept.salt), days=days)
        salt = secrets.token_bytes(16)
        row, _ = Commitment.objects.update_or_create(
            kind="rebate",
            natural_id=f"{rule}/{point.code}/{days[0][0].day}",
            defaults={
                "salt": salt.hex(),
                "payload": encode(rebate).decode(),
                "commitment": salted(rebate, salt=salt),
                "transaction_id": "",
            },
        )
        payload = Reward(
            **frame(workspace, account=desk.operator, reason="reward"),
            beneficiary=member_path(point.member),
            commitment=row.commitment,
            days=tuple(record.day for record, _ in days),
            point=point_path(point),
            rule=rule,
            wh=rebate.wh,
        )
        transaction = desk.by_operator(payload)
        mark_sent(row, transaction)
        amount = rebate.wh * terms.numerator // terms.denominator
        record_act(workspace, action="token.reward", target=point.code, facts={"rule": rule, "amount": amount})
        return Rewarded(
            transaction=transaction,
            asset=terms.asset,
            amount=amount,
            wh=rebate.wh,
            days=len(days),
            document=encode(RebateFile(rebate=rebate, salt=salt.hex())),
        )


def reward_fixed(workspace: Workspace, *, rule: str, member: str, day: date, subject: Subject) -> Rewarded:
    """Give a member what a fixed rule promises, once a day."""
    account = member_path(member_of(member, subject=subject))
    with till(workspace, "token reward") as desk:
        terms = _rule(desk, rule, "fixed")
        payload = Reward(
            **frame(workspace, account=desk.operator, reason="reward"),
            beneficiary=account,
            commitment=sha256(secrets.token_bytes(32)).hexdigest(),
            days=(day.isoformat(),),
            point=account,
            rule=rule,
            wh=0,
        )
        transaction = desk.by_operator(payload)
        record_act(workspace, action="token.reward", target=member, facts={"rule": rule, "amount": terms.numerator})
        return Rewarded(transaction=transaction, asset=terms.asset, amount=terms.numerator, wh=0, days=1, document=b"")


def check_rebate_file(workspace: Workspace, *, data: bytes) -> tuple[int, str]:
    """Check a rebate document against the ledger and give the units it earned and their asset.

    Every quarter-hour under its signed day, the window, the sum, and that the reward on the ledger commits to exactly
    this document. Raises RebateFileError, RebateError or the refusals of `canonical.decode`.
    """
    opened = decode(data, _REBATE_FILE)
    rebate, first = opened.rebate, opened.rebate.days[0].record.day
    with open_ledger(workspace) as ledger, open_projection(workspace) as projection:
        with ledger.reading() as state:
            rule = state.reward_rules.get(rebate.rule)
            minted = {key: token.record for key, token in state.minted.items() if key[0] == rebate.point}
            done = state.rewarded.get((rebate.rule, rebate.point, first))
        if rule is None or done is None:
            raise RebateFileError(detail=f"the ledger has no reward of {rebate.rule} for {first}")
        amount = check_rebate(rebate, name=rebate.rule, rule=rule, minted=minted)
        place = projection.find(done.transaction)
        if place is None:
            raise RebateFileError(detail=f"the reward {done.transaction} is a part of something larger")
        (block,) = ledger.read(place.height, limit=1)
        rewards = parts_of(open_transaction(read_body(block.body)[place.position].envelope).payload)
    wanted = salted(rebate, salt=bytes.fromhex(opened.salt))
    given = [one for one in rewards if isinstance(one, Reward) and one.commitment == wanted and one.wh == rebate.wh]
    if not given:
        raise RebateFileError(detail=f"the reward of {first} was calculated from another document")
    return amount, rule.asset


def _rule(desk: Till, name: str, kind: RuleKind) -> RewardRule:
    with desk.ledger.reading() as state:
        found = state.reward_rules.get(name)
    if found is None or found.kind != kind:
        raise RewardRuleError(detail=f"there is no rule {name} of this kind; run `ogniwo token rule`")
    return found


def _days(
    desk: Till, name: str, rule: RewardRule, point: MeteringPoint, month: Month
) -> list[tuple[DayRecord, tuple[IntervalLeaf, ...]]]:
    """The minted days of the month that the rule is good for and has not rewarded, with all their intervals."""
    path = point_path(point)
    with desk.ledger.reading() as state:
        minted = {
            day: token
            for (account, day, channel), token in state.minted.items()
            if account == path and channel == rule.channel and day.startswith(str(month))
        }
        fresh = [
            day
            for day in sorted(minted)
            if rule.valid_from <= day <= rule.valid_to and (name, path, day) not in state.rewarded
        ]
    series = desk.workspace.series.read(point=point.code, channel=rule.channel, month=month)
    if not fresh or series is None:
        raise NothingToRewardError(detail=f"{point.code} has no day of {month} that {name} has not rewarded")
    days, secret = [], point_secret(point)
    for day in fresh:
        leaves = leaves_of_day(series, date.fromisoformat(day), secret=secret)
        record = day_record(
            leaves=leaves,
            day=day,
            point_path=path,
            network=desk.workspace.network,
            version=minted[day].version,
        )
        if sha256(encode(record)).hexdigest() != minted[day].record:
            raise ReadingsDifferError(detail=f"{point.code} {day}: post the month first, the readings have changed")
        days.append((record, leaves))
    return days
