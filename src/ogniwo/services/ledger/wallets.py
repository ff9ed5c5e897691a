"""A member's wallet as the ledger has it: metering tokens, means of payment, holds, history, bills paid in tokens."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from ogniwo.chain.journal import Located
from ogniwo.chain.projection import Movement, Projection
from ogniwo.chain.replica import Replica
from ogniwo.core.kernel.calendar import Month
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.ledger.admission import SignedTransaction, open_transaction
from ogniwo.core.ledger.blocks import read_body
from ogniwo.core.ledger.outcomes import ACCEPTED
from ogniwo.core.ledger.rulebook.holds import available, reserved
from ogniwo.core.ledger.state import State
from ogniwo.core.ledger.transactions import MintMetering, Pay, SignedDay, signed_days
from ogniwo.records.billing.models import InvoiceRecord
from ogniwo.records.ledger.models import Commitment
from ogniwo.records.metering.models import MeteringPoint
from ogniwo.records.parties.models import Member, Organisation
from ogniwo.records.visibility import Subject
from ogniwo.services.ledger.access import member_path, organisation_path, point_path
from ogniwo.services.ledger.payments import PAYMENT_ASSET, MemberUnknownError, member_of
from ogniwo.services.ledger.viewing import view_ledger
from ogniwo.services.workspace.model import Workspace

PAYMENT_TEXT = "payment_text"
"""The kind of commitment behind the words of a payment; its natural id is the payment's transaction."""

MEASURED = frozenset({"measured", "measured-corrected"})
SHOWN = frozenset({"payment", "marketing"})
"""Kinds of assets that a wallet holds to be given; metering tokens are shown by point."""

_DAY_S = 86_400
_NAME = re.compile("[0-9a-f]{64}")


class NoSuchTransactionError(Refusal):
    """The ledger has no such transaction, or it does not concern the member."""

    code = "wallet.no_transaction"


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """What a member has of a payment or marketing asset, in minor units; `expires` (seconds, 0 never), `expiring`."""

    asset: str
    kind: str
    balance: int
    reserved: int
    available: int
    expires: int
    expiring: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldRow:
    """An amount reserved until `until_s`; `incoming` where the member is to get it. `other` names the other side."""

    name: str
    asset: str
    amount: int
    incoming: bool
    other: str
    until_s: int
    open: bool
    disputed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class WalletView:
    """A member's means of payment; `payments_on` False where the token is not switched on, `basis` its legal one."""

    account: str
    network: str
    time_s: int
    height: int
    payments_on: bool
    basis: str
    holdings: tuple[Holding, ...]
    holds: tuple[HoldRow, ...]

    @property
    def money(self) -> Holding:
        """The payment token; nothing of it where the member has none."""
        for one in self.holdings:
            if one.asset == PAYMENT_ASSET:
                return one
        return Holding(asset=PAYMENT_ASSET, kind="payment", balance=0, reserved=0, available=0, expires=0, expiring=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class MeteringRow:
    """The metering tokens of a point, channel and month in Wh, measured and otherwise (estimated, by hand) apart.

    `slots_missing` counts intervals without a value: they add nothing and are not zero.
    """

    point: str
    channel: str
    asset: str
    days: int
    measured_wh: int
    other_wh: int
    slots_missing: int
    last_day: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryRow:
    """One movement of a payment or marketing asset: who the other side is, what for, and where it stands.

    `amount` is in minor units, negative for what was given. `text` are the payer's words, kept off the ledger; `bill`
    the number of the bill it refers to.
    """

    transaction: str
    time_s: int
    height: int
    log_index: int
    operation: str
    reason: str
    asset: str
    amount: int
    other: str
    other_number: str
    text: str
    bill: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PaidBill:
    """A payment in tokens for a bill: how much, by which transaction, when (block time)."""

    amount: int
    transaction: str
    time_s: int


def account_of(subject: Subject) -> str:
    """The ledger account of the member that a subject is."""
    return member_path(_member(subject))


def _member(subject: Subject) -> Member:
    if not subject.member_number:
        raise MemberUnknownError(detail="only a member has a wallet")
    return member_of(subject.member_number, subject=subject)


def wallet_view(workspace: Workspace, *, subject: Subject) -> WalletView:
    """What the member has to pay with. Raises NoLedgerError."""
    account = account_of(subject)
    names = _names(_member(subject).organisation)
    now = int(workspace.now().timestamp())
    with view_ledger(workspace) as (ledger, _), ledger.reading() as state:
        switched = state.switches.get(PAYMENT_ASSET)
        head = ledger.head()
        assets = sorted(name for name, asset in state.assets.items() if asset.kind in SHOWN)
        return WalletView(
            account=account,
            network=head.network,
            time_s=head.time_s,
            height=head.height,
            payments_on=bool(switched and switched.active),
            basis=switched.basis if switched else "",
            holdings=tuple(_holding(state, account, name, now) for name in assets if state.balance(account, name)),
            holds=_holds(state, account, names, now),
        )


def _holding(state: State, account: str, name: str, now: int) -> Holding:
    lots = state.lots[account, name].lots if (account, name) in state.lots else ()
    alive = [lot for lot in lots if lot.expires > now]
    return Holding(
        asset=name,
        kind=state.assets[name].kind,
        balance=state.balance(account, name),
        reserved=reserved(state, account, name, now),
        available=available(state, account, name, now),
        expires=alive[0].expires if alive else 0,
        expiring=alive[0].amount if alive else 0,
    )


def _holds(state: State, account: str, names: dict[str, tuple[str, str]], now: int) -> tuple[HoldRow, ...]:
    rows = [
        HoldRow(
            name=name,
            asset=hold.asset,
            amount=hold.amount,
            incoming=hold.taker == account,
            other=" ".join(_named(names, state, hold.giver if hold.taker == account else hold.taker)).strip(),
            until_s=hold.until,
            open=hold.open(now),
            disputed=bool(hold.dispute),
        )
        for name, hold in state.holds.items()
        if account in {hold.giver, hold.taker} and (hold.open(now) or hold.giver == account)
    ]
    return tuple(sorted(rows, key=lambda one: (one.until_s, one.name)))


def _names(organisation: Organisation) -> dict[str, tuple[str, str]]:
    """Number and name by account, of the members of a community and of the community itself."""
    found = {
        member_path(one): (one.number, one.name)
        for one in Member.objects.filter(organisation=organisation).select_related("organisation")
    }
    found[organisation_path(organisation)] = ("", organisation.name)
    return found


def _named(names: dict[str, tuple[str, str]], state: State, account: str) -> tuple[str, str]:
    if account in names:
        return names[account]
    asset = state.assets.get(PAYMENT_ASSET)
    return ("", "issuer") if asset is not None and asset.issuer == account else ("", "")


def metering_tokens(
    workspace: Workspace, *, subject: Subject, month: Month, point_code: str = ""
) -> tuple[MeteringRow, ...]:
    """The metering tokens of the subject's points, or one of them, in a month, as the signed day records say."""
    points = {
        point_path(one): one.code
        for one in MeteringPoint.objects.all().visible_to(subject).select_related("organisation")
        if point_code in {"", one.code}
    }
    with view_ledger(workspace) as (ledger, tables):
        with ledger.reading() as state:
            minted = {
                key: token for key, token in state.minted.items() if key[0] in points and key[1].startswith(str(month))
            }
        opened = _opened(ledger, tables, (token.transaction for token in minted.values()))
    found: dict[tuple[str, str, str], list[tuple[str, MintMetering | SignedDay]]] = {}
    for (path, day, channel), token in sorted(minted.items()):
        for one in signed_days(opened[token.transaction].payload):
            if (one.record.point, one.record.day, one.record.channel) == (path, day, channel):
                found.setdefault((points[path], channel, token.asset), []).append((day, one))
    return tuple(_metering_row(place, days) for place, days in sorted(found.items()))


def _metering_row(place: tuple[str, str, str], days: list[tuple[str, MintMetering | SignedDay]]) -> MeteringRow:
    parts = [part for _, one in days for part in one.record.parts]
    return MeteringRow(
        point=place[0],
        channel=place[1],
        asset=place[2],
        days=len(days),
        measured_wh=sum(part.wh for part in parts if part.quality in MEASURED),
        other_wh=sum(part.wh for part in parts if part.quality not in MEASURED),
        slots_missing=sum(part.slots for part in parts if part.quality == "missing"),
        last_day=days[-1][0],
    )


def _opened(ledger: Replica, tables: Projection, names: Iterable[str]) -> dict[str, SignedTransaction]:
    """Recorded transactions by name, each block read once."""
    wanted: dict[int, list[Located]] = {}
    for name in dict.fromkeys(names):
        place = tables.find(name)
        if place is not None:
            wanted.setdefault(place.height, []).append(place)
    found = {}
    for height, places in wanted.items():
        (block,) = ledger.read(height, limit=1)
        records = read_body(block.body)
        for place in places:
            found[place.name] = open_transaction(records[place.position].envelope)
    return found


def wallet_history(
    workspace: Workspace,
    *,
    subject: Subject,
    direction: str = "",
    before: int | None = None,
    since: int = 0,
    limit: int = 50,
) -> tuple[HistoryRow, ...]:
    """What the member got and gave of payment and marketing assets, newest first.

    `direction` is "in", "out" or "" for both; page with `before` = the last `log_index` seen. Nothing below the log
    index `since` is looked at.
    """
    account = account_of(subject)
    names = _names(_member(subject).organisation)
    rows: list[HistoryRow] = []
    with view_ledger(workspace) as (ledger, tables), ledger.reading() as state:
        shown = {name for name, asset in state.assets.items() if asset.kind in SHOWN}
        while len(rows) < limit:
            page = tables.history(account, limit=limit, before=before)
            if not page or page[0].log_index < since:
                break
            before = page[-1].log_index
            kept = [place for place in page if place.outcome == ACCEPTED and place.log_index >= since]
            moved = [(place, tables.changes(place.log_index)) for place in kept]
            moved = [(place, changes) for place, changes in moved if any(one.asset in shown for one in changes)]
            opened = _opened(ledger, tables, (place.name for place, _ in moved))
            texts, bills = _words(place.name for place, _ in moved), _bills(opened.values())
            for place, changes in moved:
                for row in (one for one in _rows(place, changes, account, shown) if _goes(one[1], direction)):
                    other = _named(names, state, row[2])
                    payload = opened[place.name].payload
                    rows.append(
                        HistoryRow(
                            transaction=place.name,
                            time_s=place.time_s,
                            height=place.height,
                            log_index=place.log_index,
                            operation=place.operation,
                            reason=payload.reason,
                            asset=row[0],
                            amount=row[1],
                            other=other[1],
                            other_number=other[0],
                            text=texts.get(place.name, ""),
                            bill=next((bills[name] for name in payload.references if name in bills), ""),
                        )
                    )
    return tuple(rows[:limit])


def _goes(amount: int, direction: str) -> bool:
    return not direction or (amount > 0) == (direction == "in")


def _rows(place: Located, changes: list[Movement], account: str, shown: set[str]) -> list[tuple[str, int, str]]:
    """Asset, amount and the other side of what an account's balances did in one transaction."""
    found = []
    for one in changes:
        if one.account != account or one.asset not in shown:
            continue
        others = [two for two in changes if two.asset == one.asset and two.amount * one.amount < 0]
        other = max(others, key=lambda two: abs(two.amount)).account if others else place.account
        found.append((one.asset, one.amount, other))
    return found


def _words(names: Iterable[str]) -> dict[str, str]:
    rows = Commitment.objects.filter(kind=PAYMENT_TEXT, natural_id__in=list(names)).exclude(payload="")
    return {row.natural_id: str(msgspec.json.decode(row.payload).get("text", "")) for row in rows}


def _bills(transactions: Iterable[SignedTransaction]) -> dict[str, str]:
    """Numbers of bills by the transactions that anchored them, of those referred to."""
    names = {name for one in transactions for name in one.payload.references}
    rows = Commitment.objects.filter(kind="invoice", transaction_id__in=names)
    return dict(rows.values_list("transaction_id", "natural_id"))


def paid_bills(workspace: Workspace, *, subject: Subject) -> dict[str, tuple[PaidBill, ...]]:
    """By the number of a bill: what the member paid the community for it in tokens, as the ledger has it."""
    member = _member(subject)
    account, community = member_path(member), organisation_path(member.organisation)
    anchors = dict(
        Commitment.objects.filter(
            kind="invoice",
            natural_id__in=InvoiceRecord.objects.all().visible_to(subject).values_list("number", flat=True),
        )
        .exclude(transaction_id="")
        .values_list("transaction_id", "natural_id")
    )
    if not anchors:
        # Nothing of the member's is on the ledger that a payment could name.
        return {}
    found: dict[str, list[PaidBill]] = {}
    with view_ledger(workspace) as (ledger, tables):
        places = [
            place
            for place in tables.history(account, limit=1_000)
            if (place.operation, place.outcome, place.account) == ("pay", ACCEPTED, account)
        ]
        opened = _opened(ledger, tables, (place.name for place in places))
    for place in places:
        payload = opened[place.name].payload
        if isinstance(payload, Pay) and payload.taker == community:
            for number in (anchors[name] for name in payload.references if name in anchors):
                paid = PaidBill(amount=payload.amount, transaction=place.name, time_s=place.time_s)
                found.setdefault(number, []).append(paid)
    return {number: tuple(rows) for number, rows in found.items()}


def transaction_of(workspace: Workspace, *, subject: Subject, name: str) -> Located:
    """The place of a transaction that concerns the member; raises NoSuchTransactionError."""
    account = account_of(subject)
    own = {account} | {
        point_path(one) for one in MeteringPoint.objects.all().visible_to(subject).select_related("organisation")
    }
    with view_ledger(workspace) as (_, tables):
        place = tables.find(name) if _NAME.fullmatch(name) else None
        if place is None or not own & tables.involved(place.log_index):
            raise NoSuchTransactionError(detail=f"the ledger has no transaction {name} of yours")
    return place


def last_uses(ledger: Replica, tables: Projection, account: str) -> dict[str, int]:
    """When each key last signed for an account (block time), as far as its newest 300 transactions tell."""
    places = [place for place in tables.history(account, limit=300) if place.account == account]
    opened = _opened(ledger, tables, (place.name for place in places))
    found: dict[str, int] = {}
    for place in places:
        for kid in opened[place.name].signers:
            found.setdefault(kid, place.time_s)
    return found
