"""A member's statement of tokens for a period: balances before and after, and every movement between them."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from ogniwo.core.kernel.calendar import local_day, local_midnight
from ogniwo.core.kernel.periods import epoch_of
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.formats.statement_pdf.render import render_statement_pdf
from ogniwo.records.parties.models import Member
from ogniwo.records.visibility import Subject
from ogniwo.services.ledger.viewing import view_ledger
from ogniwo.services.ledger.wallets import SHOWN, HistoryRow, account_of, wallet_history
from ogniwo.services.workspace.model import Workspace

MOVEMENTS_MAX: Final = 5_000
"""How many movements one statement takes."""


class StatementPeriodError(Refusal):
    """The period of a statement of tokens ends before it begins, or has not begun."""

    code = "token_statement.period"


class StatementTooLongError(Refusal):
    """More moved in the period than one statement takes."""

    code = "token_statement.too_long"


class StatementDisagreesError(Refusal):
    """The movements do not lead from the opening to the closing balance: the tables of the ledger are to be rebuilt."""

    code = "token_statement.disagrees"


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetStatement:
    """One asset in minor units; `rows` are the movements, oldest first, each with the balance after it."""

    asset: str
    kind: str
    opening: int
    closing: int
    rows: tuple[tuple[HistoryRow, int], ...]

    @property
    def incoming(self) -> int:
        """What came in."""
        return sum(row.amount for row, _ in self.rows if row.amount > 0)

    @property
    def outgoing(self) -> int:
        """What went out, zero or negative."""
        return sum(row.amount for row, _ in self.rows if row.amount < 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenStatement:
    """What a member had and what moved from `first` to `last` (local days, both included).

    `time_s` and `height` name the block up to which the ledger was read.
    """

    member: str
    name: str
    organisation: str
    account: str
    network: str
    first: date
    last: date
    time_s: int
    height: int
    assets: tuple[AssetStatement, ...]

    @property
    def document(self) -> dict[str, Any]:
        """The statement as data, `ogniwo.token-statement/1`; amounts in minor units of each asset."""
        return {
            "schema": "ogniwo.token-statement/1",
            "member": self.member,
            "name": self.name,
            "organisation": self.organisation,
            "account": self.account,
            "network": self.network,
            "first": self.first.isoformat(),
            "last": self.last.isoformat(),
            "time_s": self.time_s,
            "height": self.height,
            "assets": [_asset_document(one) for one in self.assets],
        }


def first_day(workspace: Workspace) -> date:
    """The local day of the ledger's first block: no statement needs to begin earlier. Raises NoLedgerError."""
    with view_ledger(workspace) as (ledger, tables):
        places = tables.page(from_index=0, limit=1)
        return local_day(places[0].time_s if places else ledger.head().time_s)


def token_statement(workspace: Workspace, *, subject: Subject, first: date, last: date) -> TokenStatement:
    """The member's statement from `first` to `last`, local days, both included.

    Raises NoLedgerError, StatementPeriodError, StatementTooLongError, StatementDisagreesError.
    """
    if last < first or first > workspace.today():
        raise StatementPeriodError(detail=f"{first} to {last} is no period that has begun")
    account = account_of(subject)
    member = Member.objects.all().visible_to(subject).select_related("organisation").get(number=subject.member_number)
    with view_ledger(workspace) as (ledger, tables):
        head = ledger.head()
        with ledger.reading() as state:
            kinds = {name: asset.kind for name, asset in state.assets.items() if asset.kind in SHOWN}
        # The tables may have followed a block more than the replica: both are read up to the same one.
        begin, end = (
            min(tables.first_index_since(time_s=epoch_of(local_midnight(day))), head.log_size)
            for day in (first, last + timedelta(days=1))
        )
        before, after = (tables.balances_before(index, subtree=account) for index in (begin, end))
        rows = wallet_history(workspace, subject=subject, since=begin, before=end, limit=MOVEMENTS_MAX + 1)
    if len(rows) > MOVEMENTS_MAX:
        raise StatementTooLongError(detail=f"more than {MOVEMENTS_MAX} movements; choose a shorter period")
    assets = [
        _asset_statement(name, kind, (before.get((account, name), 0), after.get((account, name), 0)), _of(rows, name))
        for name, kind in sorted(kinds.items(), key=lambda one: (one[1] != "payment", one[0]))
    ]
    return TokenStatement(
        member=member.number,
        name=member.name,
        organisation=member.organisation.name,
        account=account,
        network=head.network,
        first=first,
        last=last,
        time_s=head.time_s,
        height=head.height,
        assets=tuple(one for one in assets if one.rows or one.opening or one.closing),
    )


def statement_pdf(statement: TokenStatement, *, language: str) -> bytes:
    """The statement typeset in "pl" or "en", with the data attached."""
    return render_statement_pdf(statement.document, language=language)


def _of(rows: tuple[HistoryRow, ...], name: str) -> list[HistoryRow]:
    return [row for row in reversed(rows) if row.asset == name]


def _asset_statement(name: str, kind: str, ends: tuple[int, int], moved: list[HistoryRow]) -> AssetStatement:
    opening, closing = ends
    balance = opening
    rows = []
    for row in moved:
        balance += row.amount
        rows.append((row, balance))
    if balance != closing:
        raise StatementDisagreesError(detail=f"{name}: {opening} and {balance - opening} moved do not give {closing}")
    return AssetStatement(asset=name, kind=kind, opening=opening, closing=closing, rows=tuple(rows))


def _asset_document(one: AssetStatement) -> dict[str, Any]:
    rows = [
        {
            "time_s": row.time_s,
            "height": row.height,
            "transaction": row.transaction,
            "operation": row.operation,
            "other": row.other,
            "other_number": row.other_number,
            "text": row.text,
            "bill": row.bill,
            "amount": row.amount,
            "balance": balance,
        }
        for row, balance in one.rows
    ]
    return {
        "asset": one.asset,
        "kind": one.kind,
        "opening": one.opening,
        "incoming": one.incoming,
        "outgoing": one.outgoing,
        "closing": one.closing,
        "rows": rows,
    }
