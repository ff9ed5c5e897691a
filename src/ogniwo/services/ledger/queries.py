"""Read the ledger: its head, accounts with balances, the tokens of a point, the blocks."""

from dataclasses import dataclass

from ogniwo.records.metering.models import MeteringPoint
from ogniwo.records.parties.models import Member
from ogniwo.records.visibility import Subject
from ogniwo.services.ledger.access import NoLedgerError, member_path, open_ledger, open_projection, point_path
from ogniwo.services.workspace.model import Workspace


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
