"""Read the ledger: its head, accounts with balances, the tokens of a point, keys, and what waits for somebody."""

from collections.abc import Callable
from dataclasses import dataclass

from ogniwo.core.kernel.calendar import Month
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.ledger.rulebook.quorum import voices
from ogniwo.core.ledger.state import State
from ogniwo.records.metering.models import MeteringPoint
from ogniwo.records.parties.models import Member
from ogniwo.records.visibility import Subject
from ogniwo.services.ledger.access import (
    NoLedgerError,
    has_ledger,
    member_path,
    names_of_accounts,
    point_path,
)
from ogniwo.services.ledger.viewing import view_ledger
from ogniwo.services.workspace.model import Workspace


class TokensNotFoundError(Refusal):
    """There is no such metering point, or the subject may not see it."""

    code = "tokens.not_found"


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerHead:
    """The last block and what the ledger holds."""

    network: str
    height: int
    block: str
    time_s: int
    state_root: str
    log_size: int
    log_root: str
    accounts: int
    days_minted: int
    documents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountBalance:
    """One balance with the name that the subject may know."""

    account: str
    name: str
    asset: str
    amount: int


def ledger_head(workspace: Workspace) -> LedgerHead:
    """The head of the ledger; refuses a workspace without one."""
    with view_ledger(workspace) as (ledger, _):
        head = ledger.head()
        with ledger.reading() as state:
            return LedgerHead(
                network=head.network,
                height=head.height,
                block=head.hash,
                time_s=head.time_s,
                state_root=head.state_root,
                log_size=head.log_size,
                log_root=head.log_root,
                accounts=len(state.accounts),
                days_minted=len(state.minted),
                documents=len(state.anchors),
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class MintedDay:
    """One day of one channel as the ledger holds it: energy in Wh, which version, the transaction that minted it."""

    day: str
    channel: str
    asset: str
    energy_wh: int
    version: int
    transaction: str


def minted_days(workspace: Workspace, *, point_code: str, month: Month, subject: Subject) -> tuple[MintedDay, ...]:
    """The metering tokens of a point's month: consumption as the ledger proves it, not as the interval store says."""
    if not has_ledger(workspace):
        raise NoLedgerError(detail="nothing was posted yet; run `ogniwo ledger post`")
    point = MeteringPoint.objects.all().visible_to(subject).filter(code=point_code).first()
    if point is None:
        raise TokensNotFoundError(detail=f"there is no metering point {point_code}")
    path = point_path(point)
    with view_ledger(workspace) as (ledger, _), ledger.reading() as state:
        minted = {key: token for key, token in state.minted.items() if key[0] == path and key[1].startswith(str(month))}
    return tuple(
        MintedDay(
            day=day,
            channel=channel,
            asset=token.asset,
            energy_wh=token.total_wh,
            version=token.version,
            transaction=token.transaction,
        )
        for (_, day, channel), token in sorted(minted.items())
    )


def account_names(subject: Subject) -> dict[str, str]:
    """What stands behind the opaque accounts of the members and points that the subject may see."""
    return names_of_accounts(
        Member.objects.all().visible_to(subject).order_by().values_list("organisation__path", "number", "name"),
        MeteringPoint.objects.all().visible_to(subject).order_by().values_list("organisation__path", "code"),
    )


def balances(workspace: Workspace, *, subject: Subject) -> tuple[AccountBalance, ...]:
    """Every balance the subject may see; names are put beside accounts only for its own rows."""
    if not has_ledger(workspace):
        raise NoLedgerError(detail="nothing was posted yet; run `ogniwo ledger post`")
    names = account_names(subject)
    own_only = bool(subject.member_number)
    prefix = subject.path.strip("/")
    with view_ledger(workspace) as (_, projection):
        found = projection.balances(subtree=prefix)
    return tuple(
        AccountBalance(account=account, name=names.get(account, ""), asset=asset, amount=amount)
        for (account, asset), amount in sorted(found.items())
        if amount and (account in names or not own_only)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenProposal:
    """A proposal that waits for voices: `approved` have spoken, `asked` may speak, `vetoes` may end it."""

    name: str
    operation: str
    account: str
    until_s: int
    approved: tuple[str, ...]
    asked: tuple[str, ...]
    vetoes: tuple[str, ...]
    policies: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingRecovery:
    """A recovery on its way: from `due_s` on it can be finished; until then `account` can stop it."""

    account: str
    by: str
    device: str
    due_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerKey:
    """A registered key; `standing` is "works", "later", "revoked" or "frozen" (with its account).

    `limits` are (asset, at once, per day, used on the day of the last block) in minor units.
    """

    kid: str
    account: str
    device: str
    purpose: str
    standing: str
    limits: tuple[tuple[str, int, int, int], ...]


def open_proposals(workspace: Workspace, *, subject: Subject) -> tuple[OpenProposal, ...]:
    """The proposals that wait, as far as the subject made them or may speak, by when they end."""
    _founded(workspace)
    visible = _accounts_of(subject)
    with view_ledger(workspace) as (ledger, _), ledger.reading() as state:
        found = [_proposal(state, name) for name in state.proposals]
        now = ledger.head().time_s
    return tuple(
        one
        for one in sorted(found, key=lambda one: (one.until_s, one.name))
        if one.until_s > now and any(visible(path) for path in (one.account, *one.asked, *one.vetoes))
    )


def waiting_recoveries(workspace: Workspace, *, subject: Subject) -> tuple[WaitingRecovery, ...]:
    """The recoveries on their way of accounts that the subject may see: a member sees his own and can stop it."""
    _founded(workspace)
    visible = _accounts_of(subject)
    with view_ledger(workspace) as (ledger, _), ledger.reading() as state:
        return tuple(
            WaitingRecovery(account=account, by=one.by, device=one.device, due_s=one.due)
            for account, one in sorted(state.recoveries.items())
            if visible(account)
        )


def ledger_keys(workspace: Workspace, *, account: str, subject: Subject) -> tuple[LedgerKey, ...]:
    """The keys of an account, or of all that the subject may see when it is empty."""
    _founded(workspace)
    visible = _accounts_of(subject)
    with view_ledger(workspace) as (ledger, _), ledger.reading() as state:
        kids = state.keys.grouped(account) if account else tuple(state.keys)
        now = ledger.head().time_s
        found = [_key(state, kid, now) for kid in kids if visible(state.keys[kid].account)]
    return tuple(sorted(found, key=lambda key: (key.account, key.purpose, key.kid)))


def _founded(workspace: Workspace) -> None:
    if not has_ledger(workspace):
        raise NoLedgerError(detail="nothing was posted yet; run `ogniwo ledger post`")


def sees_account(account: str, *, subject: Subject) -> bool:
    """Whether a subject sees an account: it lies below its organisation, or is the member's own."""
    return _accounts_of(subject)(account)


def _accounts_of(subject: Subject) -> Callable[[str], bool]:
    """Which accounts a subject may see: its subtree, or a member's own."""
    if subject.member_number:
        own = {member_path(member) for member in Member.objects.all().visible_to(subject)}
        return lambda path: path in own
    prefix = subject.path.strip("/")
    return lambda path: not prefix or path == prefix or path.startswith(f"{prefix}/")


def _proposal(state: State, name: str) -> OpenProposal:
    proposal = state.proposals[name]
    policies = [state.policies[key] for key in proposal.policies]
    return OpenProposal(
        name=name,
        operation=str(type(proposal.operation).__struct_config__.tag),
        account=proposal.operation.account,
        until_s=proposal.until,
        approved=tuple(approval.account for approval in proposal.approvals),
        asked=tuple(sorted({account for policy in policies for account in voices(policy.policy)})),
        vetoes=tuple(sorted({account for policy in policies for account in policy.veto_accounts})),
        policies=tuple(f"{permission} over {subtree}" for permission, subtree in proposal.policies),
    )


def _key(state: State, kid: str, now: int) -> LedgerKey:
    record, limits = state.keys[kid], state.key_limits.get(kid)
    if record.revoked:
        standing = "revoked"
    elif record.account in state.frozen:
        standing = "frozen"
    else:
        standing = "works" if record.active(now) else "later"
    rows = []
    for limit in limits.limits if limits else ():
        use = state.key_uses.get((kid, limit.asset))
        used = use.used if use and use.day == now // 86_400 else 0
        rows.append((limit.asset, limit.per_transfer, limit.per_day, used))
    return LedgerKey(
        kid=kid,
        account=record.account,
        device=record.device,
        purpose=record.purpose,
        standing=standing,
        limits=tuple(rows),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountMovement:
    """One change of one balance with the balance after it; `time_s` is that of the block."""

    time_s: int
    height: int
    operation: str
    transaction: str
    asset: str
    amount: int
    balance_after: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountView:
    """One account: what it holds, and its newest movements."""

    account: str
    name: str
    balances: tuple[AccountBalance, ...]
    movements: tuple[AccountMovement, ...]


class AccountNotFoundError(Refusal):
    """The ledger has no such account, or the subject may not see it."""

    code = "account.not_found"


def account_view(workspace: Workspace, *, account: str, subject: Subject, limit: int = 200) -> AccountView:
    """One account of those that `balances` shows the subject. Raises AccountNotFoundError, NoLedgerError."""
    held = tuple(one for one in balances(workspace, subject=subject) if one.account == account)
    if not held:
        raise AccountNotFoundError(detail=f"there is no account {account} with a balance")
    moved: list[tuple[int, AccountMovement]] = []
    with view_ledger(workspace) as (_, projection):
        places = {one.log_index: one for one in projection.history(account, limit=limit)}
        for balance in held:
            after = balance.amount
            for movement in projection.movements(account, balance.asset, limit=limit):
                place = places.get(movement.log_index)
                if place is not None:
                    row = AccountMovement(
                        time_s=place.time_s,
                        height=place.height,
                        operation=place.operation,
                        transaction=place.name,
                        asset=balance.asset,
                        amount=movement.amount,
                        balance_after=after,
                    )
                    moved.append((movement.log_index, row))
                after -= movement.amount
    moved.sort(key=lambda pair: (-pair[0], pair[1].asset))
    return AccountView(
        account=account, name=held[0].name, balances=held, movements=tuple(row for _, row in moved[:limit])
    )
