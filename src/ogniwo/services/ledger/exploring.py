"""The ledger as people explore it: balances at a day or height, the journal, one transaction and what it stands for."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

import msgspec

from ogniwo.chain.journal import Located, Wanted
from ogniwo.chain.projection import Projection
from ogniwo.chain.stores import open_store
from ogniwo.core.kernel.calendar import local_midnight
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.ledger.admission import open_transaction
from ogniwo.core.ledger.blocks import read_body
from ogniwo.core.ledger.transactions import Payload, signed_days
from ogniwo.formats.sheets.writer import csv_bytes
from ogniwo.records.ledger.models import Commitment
from ogniwo.records.visibility import Subject
from ogniwo.services.ledger.queries import AccountBalance, account_names
from ogniwo.services.ledger.viewing import view_ledger
from ogniwo.services.workspace.model import Workspace

PAGE: Final = 100
EXPORT_MAX: Final = 50_000
_DOCUMENTS: Final = ("invoice", "claims", "statement", "allocation")
_ACCOUNT: Final = re.compile(r"[a-z0-9][a-z0-9/._-]{0,199}\Z")
_NAME: Final = re.compile(r"[0-9a-f]{1,64}\Z")


class TransactionNotFoundError(Refusal):
    """The ledger has no such transaction, or it concerns nothing that the subject may see."""

    code = "transaction.not_found"


class JournalTooLongError(Refusal):
    """More entries fit the filters than one file takes."""

    code = "journal.too_long"


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What a journal is narrowed to; "" and None stand for everything. Days are local, both included."""

    account: str = ""
    operation: str = ""
    asset: str = ""
    outcome: str = ""
    name: str = ""
    first: date | None = None
    last: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One balance that a transaction changed, in minor units of the asset; `name` is what the subject may know."""

    account: str
    name: str
    asset: str
    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A recorded transaction with the balances that it changed."""

    transaction: str
    log_index: int
    height: int
    time_s: int
    operation: str
    account: str
    account_name: str
    outcome: str
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Journal:
    """A page of entries, newest first; `older` is where the next page begins (0: there is none)."""

    entries: tuple[Entry, ...]
    older: int
    operations: tuple[str, ...]
    assets: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What a transaction stands for: a kept document (`invoice`, `claims`, `statement`, `allocation`), or `readings`.

    `number` is the document's; readings name the metering point and the local day instead.
    """

    kind: str
    number: str = ""
    point: str = ""
    day: str = ""
    channel: str = ""
    energy_wh: int = 0
    version: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionView:
    """One transaction: its place and changes, what it stands for, and its fields as (path, value)."""

    entry: Entry
    sources: tuple[Source, ...]
    fields: tuple[tuple[str, str], ...]
    signers: tuple[str, ...]


@contextmanager
def _tables(workspace: Workspace) -> Iterator[Projection]:
    with view_ledger(workspace) as (_, projection):
        yield projection


def balances_at(
    workspace: Workspace, *, subject: Subject, day: date | None = None, height: int | None = None
) -> tuple[AccountBalance, ...]:
    """Balances at the end of a local day or after the block of a height; of now when neither is given."""
    names = account_names(subject)
    with _tables(workspace) as projection:
        if day is not None:
            until = projection.first_index_since(time_s=_midnight_s(day + timedelta(days=1)))
        else:
            until = projection.first_index_since(height=2**31 if height is None else height + 1)
        found = projection.balances_before(until, subtree=_prefix(subject))
    return tuple(
        AccountBalance(account=account, name=names.get(account, ""), asset=asset, amount=amount)
        for (account, asset), amount in sorted(found.items())
        if amount and (account in names or not subject.member_number)
    )


def journal(
    workspace: Workspace, *, subject: Subject, filters: Filters, before: int | None = None, limit: int = PAGE
) -> Journal:
    """A page of what concerned the accounts that the subject may see. Members have their wallet instead: nothing."""
    names = account_names(subject)
    with _tables(workspace) as projection:
        wanted = _wanted(projection, subject, filters, before)
        found = projection.journal(wanted, limit=limit + 1) if wanted is not None else []
        entries = tuple(_entry(projection, one, subject, names) for one in found[:limit])
        assets = sorted({asset for _, asset in projection.balances(subtree=_prefix(subject))})
        operations = projection.operations()
    return Journal(
        entries=entries,
        older=found[limit - 1].log_index if len(found) > limit else 0,
        operations=tuple(operations),
        assets=tuple(assets),
    )


def journal_csv(workspace: Workspace, *, subject: Subject, filters: Filters) -> bytes:
    """The whole journal as CSV, a row for each changed balance, amounts in minor units. Raises JournalTooLongError."""
    found = journal(workspace, subject=subject, filters=filters, limit=EXPORT_MAX)
    if found.older:
        raise JournalTooLongError(detail=f"more than {EXPORT_MAX} entries fit; choose a shorter period or an account")
    headers = ["log_index", "block", "time_s", "transaction", "operation", "by", "outcome", "account", "name", "asset"]
    rows = (
        [
            *(one.log_index, one.height, one.time_s, one.transaction, one.operation, one.account, one.outcome),
            *((change.account, change.name, change.asset, change.amount) if change else ("", "", "", None)),
        ]
        for one in found.entries
        for change in (one.changes or (None,))
    )
    return csv_bytes([*headers, "amount"], rows)


def transaction_view(workspace: Workspace, *, name: str, subject: Subject) -> TransactionView:
    """A transaction that concerns the subject's accounts. Raises TransactionNotFoundError, NoLedgerError."""
    names = account_names(subject)
    with _tables(workspace) as projection:
        located = projection.find(name) if _NAME.match(name) and len(name) == 64 else None
        visible = _sees(subject)
        if located is None or not any(map(visible, projection.involved(located.log_index))):
            raise TransactionNotFoundError(detail=f"there is no transaction {name}")
        entry = _entry(projection, located, subject, names)
    with open_store(workspace.ledger_address, write=False) as store:
        block = next(iter(store.blocks(from_height=located.height, limit=1)))
    opened = open_transaction(read_body(block.body)[located.position].envelope)
    return TransactionView(
        entry=entry,
        sources=(*_documents(name), *_readings(opened.payload, names)),
        fields=tuple(_flat("", msgspec.to_builtins(opened.payload))),
        signers=opened.signers,
    )


def _wanted(projection: Projection, subject: Subject, filters: Filters, before: int | None) -> Wanted | None:
    """The filters within what the subject sees; None where they can fit nothing."""
    prefix = _prefix(subject)
    if filters.account and (not _ACCOUNT.match(filters.account) or not _sees(subject)(filters.account)):
        return None
    if subject.member_number or (filters.name and not _NAME.match(filters.name)):
        return None
    ends = projection.first_index_since(time_s=_midnight_s(filters.last + timedelta(days=1))) if filters.last else None
    return Wanted(
        subtree=filters.account or prefix,
        operation=filters.operation,
        asset=filters.asset,
        outcome=filters.outcome,
        name=filters.name,
        since=projection.first_index_since(time_s=_midnight_s(filters.first)) if filters.first else 0,
        before=min((one for one in (ends, before) if one is not None), default=None),
    )


def _entry(projection: Projection, located: Located, subject: Subject, names: Mapping[str, str]) -> Entry:
    visible = _sees(subject)
    return Entry(
        transaction=located.name,
        log_index=located.log_index,
        height=located.height,
        time_s=located.time_s,
        operation=located.operation,
        account=located.account,
        account_name=names.get(located.account, ""),
        outcome=located.outcome,
        changes=tuple(
            Change(account=one.account, name=names.get(one.account, ""), asset=one.asset, amount=one.amount)
            for one in projection.changes(located.log_index)
            if visible(one.account)
        ),
    )


def _documents(name: str) -> list[Source]:
    rows = Commitment.objects.filter(transaction_id=name, kind__in=_DOCUMENTS)
    return [Source(kind=row.kind, number=row.natural_id) for row in rows]


def _readings(payload: Payload, names: Mapping[str, str]) -> list[Source]:
    """The days of readings that were minted; the point is named where the subject sees it."""
    return [
        Source(
            kind="readings",
            point=names.get(one.record.point, ""),
            day=one.record.day,
            channel=one.record.channel,
            energy_wh=one.record.total_wh,
            version=one.record.version,
        )
        for one in signed_days(payload)
    ]


def _flat(path: str, value: Any) -> Iterator[tuple[str, str]]:  # noqa: ANN401 -- what a struct is made of
    """The leaves of a payload by path; what is empty stays."""
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _flat(f"{path}.{key}" if path else key, inner)
    elif isinstance(value, list | tuple) and value and isinstance(value[0], dict):
        for number, inner in enumerate(value, 1):
            yield from _flat(f"{path}[{number}]", inner)
    else:
        yield path, ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _prefix(subject: Subject) -> str:
    return subject.path.strip("/")


def _sees(subject: Subject) -> Callable[[str], bool]:
    prefix = _prefix(subject)
    return lambda path: not prefix or path == prefix or path.startswith(f"{prefix}/")


def _midnight_s(day: date) -> int:
    return int(local_midnight(day).timestamp())
