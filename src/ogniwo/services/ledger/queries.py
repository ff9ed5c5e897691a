"""Read the ledger: its head, accounts with balances, the tokens of a point, the blocks."""

from dataclasses import dataclass

from ogniwo.core.kernel.calendar import Month
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.records.metering.models import MeteringPoint
from ogniwo.records.parties.models import Member
from ogniwo.records.visibility import Subject
from ogniwo.services.ledger.access import NoLedgerError, member_path, open_ledger, open_projection, point_path
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
    if not workspace.ledger_file.exists():
        raise NoLedgerError(detail="nothing was posted yet; run `ogniwo ledger post`")
    with open_ledger(workspace) as ledger:
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
    if not workspace.ledger_file.exists():
        raise NoLedgerError(detail="nothing was posted yet; run `ogniwo ledger post`")
    point = MeteringPoint.objects.all().visible_to(subject).filter(code=point_code).first()
    if point is None:
        raise TokensNotFoundError(detail=f"there is no metering point {point_code}")
    path = point_path(point)
    with open_ledger(workspace) as ledger, ledger.reading() as state:
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


def balances(workspace: Workspace, *, subject: Subject) -> tuple[AccountBalance, ...]:
    """Every balance the subject may see; names are put beside accounts only for its own rows."""
    if not workspace.ledger_file.exists():
        raise NoLedgerError(detail="nothing was posted yet; run `ogniwo ledger post`")
    names: dict[str, str] = {}
    for member in Member.objects.all().visible_to(subject).select_related("organisation"):
        names[member_path(member)] = f"{member.number} {member.name}"
    for point in MeteringPoint.objects.all().visible_to(subject).select_related("organisation"):
        names[point_path(point)] = point.code
    own_only = bool(subject.member_number)
    prefix = subject.path.strip("/")
    with open_projection(workspace) as projection:
        found = projection.balances(subtree=prefix)
    return tuple(
        AccountBalance(account=account, name=names.get(account, ""), asset=asset, amount=amount)
        for (account, asset), amount in sorted(found.items())
        if amount and (account in names or not own_only)
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
    with open_projection(workspace) as projection:
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
