"""The ledger: head, accounts and their history, proofs that anyone can check, and transactions signed elsewhere."""

import json
from typing import Annotated, Any, Final

from ninja import Query, Schema
from pydantic import AwareDatetime, Field

from ogniwo.core.kernel.quantities import format_decimal
from ogniwo.interfaces.api.context import workspace
from ogniwo.interfaces.api.paging import Many, Page, Paged, Sorting, among, page_of
from ogniwo.interfaces.api.registry import ApiRequest, operation
from ogniwo.interfaces.api.values import In, Instant, Money, Text, moment
from ogniwo.services.access.roles import Act
from ogniwo.services.access.scopes import Scope
from ogniwo.services.ledger.proving import prove_consistency, prove_interval
from ogniwo.services.ledger.queries import AccountBalance, AccountMovement, account_view, balances, ledger_head
from ogniwo.services.ledger.submitting import submit_envelope

MOVEMENTS_MAX = 10_000


class LedgerHeadOut(Schema):
    """The last block, the hash of the state after it, and the size and root of the log."""

    network: str
    height: int
    block: str
    time: Instant
    state_root: str
    log_size: int
    log_root: str
    accounts: int
    days_minted: int
    documents: int


class BalanceOut(Schema):
    """What an account holds of an asset; `name` only where the caller may know it."""

    account: str
    name: str
    balance: Money


class BalancePage(Page[BalanceOut]):
    """Balances by account and asset."""


class MovementOut(Schema):
    """One change of one balance, with the balance after it."""

    time: Instant
    height: int
    operation: str
    transaction: str
    amount: Money
    balance_after: Money


class MovementPage(Page[MovementOut]):
    """Movements, newest first."""


_BALANCES: Final = Sorting[AccountBalance](
    account=lambda one: one.account, name=lambda one: one.name, asset=lambda one: one.asset
)
_MOVEMENTS: Final = Sorting[AccountMovement](
    height=lambda one: one.height, time=lambda one: one.time_s, operation=lambda one: one.operation
)


class AskedBalances(Paged):
    """Which balances."""

    asset: Many = []
    sort: Annotated[str, _BALANCES] = ""


class AskedMovements(Paged):
    """Which account."""

    account: Annotated[Text, Field(min_length=1)]
    asset: Many = []
    sort: Annotated[str, _MOVEMENTS] = ""


class AskedInterval(Schema):
    """Which interval: its channel and an instant in it."""

    channel: Annotated[Text, Field(min_length=1)]
    at: AwareDatetime


class OlderCheckpoint(In):
    """The text of a checkpoint (a C2SP signed note) that somebody kept."""

    checkpoint: Annotated[str, Field(min_length=1, max_length=20_000)]


class SignatureIn(In):
    """A signature of a JWS in its general JSON form."""

    protected: Annotated[str, Field(max_length=1_000)]
    signature: Annotated[str, Field(max_length=1_000)]


class EnvelopeIn(In):
    """A signed transaction: JWS General JSON over the canonical payload (docs/ledger.md)."""

    payload: Annotated[str, Field(min_length=1, max_length=60_000)]
    signatures: Annotated[list[SignatureIn], Field(min_length=1, max_length=20)]


class SubmittedOut(Schema):
    """What became of a transaction; `code` is accepted, ledger.exists, or why the ledger's rules refuse it."""

    transaction: str
    on_ledger: bool
    code: str
    detail: str
    height: int
    log_index: int
    time: Instant | None


def tokens(amount: int, asset: str) -> Money:
    """An amount of a ledger asset: its name ends with its scale, PLN/2 or KWH/3."""
    scale = asset.rpartition("/")[2]
    return Money(amount=format_decimal(amount, decimals=int(scale) if scale.isdecimal() else 0), asset=asset)


def _balance(one: AccountBalance) -> BalanceOut:
    return BalanceOut(account=one.account, name=one.name, balance=tokens(one.amount, one.asset))


def _movement(one: AccountMovement) -> MovementOut:
    return MovementOut(
        time=moment(one.time_s),
        height=one.height,
        operation=one.operation,
        transaction=one.transaction,
        amount=tokens(one.amount, one.asset),
        balance_after=tokens(one.balance_after, one.asset),
    )


@operation("GET", "/organisations/{code}/ledger", answer=LedgerHeadOut, act=Act.SEE_LEDGER, scope=Scope.LEDGER_READ)
def get_ledger(request: ApiRequest, code: str) -> LedgerHeadOut:  # noqa: ARG001 -- the guard read both
    """The head of the ledger."""
    head = ledger_head(workspace())
    kept = {name: getattr(head, name) for name in LedgerHeadOut.model_fields if name != "time"}
    return LedgerHeadOut(**kept, time=moment(head.time_s))


@operation(
    "GET",
    "/organisations/{code}/ledger/balances",
    answer=BalancePage,
    act=Act.SEE_LEDGER,
    scope=Scope.LEDGER_READ,
    own=True,
)
def list_balances(request: ApiRequest, code: str, asked: Query[AskedBalances]) -> dict[str, Any]:  # noqa: ARG001 -- the guard read it
    """Balances of accounts; a member's own."""
    found = balances(workspace(), subject=request.caller.subject)
    return page_of(
        request,
        (one for one in found if among(one.asset, asked.asset)),
        paged=asked,
        key=lambda one: (one.account, one.asset),
        shape=_balance,
        order=_BALANCES.by(asked.sort),
    )


@operation(
    "GET",
    "/organisations/{code}/ledger/movements",
    answer=MovementPage,
    act=Act.SEE_LEDGER,
    scope=Scope.LEDGER_READ,
    own=True,
)
def list_movements(request: ApiRequest, code: str, asked: Query[AskedMovements]) -> dict[str, Any]:  # noqa: ARG001 -- the guard read it
    """The history of an account, newest first; the newest ten thousand movements."""
    found = account_view(workspace(), account=asked.account, subject=request.caller.subject, limit=MOVEMENTS_MAX)
    return page_of(
        request,
        (one for one in found.movements if among(one.asset, asked.asset)),
        paged=asked,
        key=lambda one: (-one.height, one.transaction, one.asset, one.amount, one.balance_after),
        shape=_movement,
        order=_MOVEMENTS.by(asked.sort),
    )


@operation(
    "GET",
    "/organisations/{code}/points/{ppe}/receipt",
    answer=dict[str, Any],
    act=Act.SEE_METERING,
    scope=Scope.METERING_READ,
    own=True,
)
def get_interval_receipt(request: ApiRequest, code: str, ppe: str, asked: Query[AskedInterval]) -> dict[str, Any]:  # noqa: ARG001 -- the guard read the code
    """The receipt of the day that holds an instant, with the one interval revealed: anyone can check it offline."""
    data = prove_interval(
        workspace(), point_code=ppe, channel=asked.channel, at=asked.at, subject=request.caller.subject
    )
    found: dict[str, Any] = json.loads(data)
    return found


@operation(
    "POST",
    "/organisations/{code}/ledger/consistency",
    answer=dict[str, Any],
    act=Act.SEE_LEDGER,
    scope=Scope.LEDGER_READ,
    own=True,
    repeatable=False,
)
def prove_ledger_continues(request: ApiRequest, code: str, older: OlderCheckpoint) -> dict[str, Any]:  # noqa: ARG001 -- the guard read both
    """The proof that the ledger of now continues the one that an older checkpoint saw."""
    found: dict[str, Any] = json.loads(prove_consistency(workspace(), older=older.checkpoint))
    return found


@operation(
    "POST",
    "/organisations/{code}/ledger/transactions",
    answer=SubmittedOut,
    act=Act.POST_LEDGER,
    scope=Scope.LEDGER_WRITE,
)
def submit_transaction(request: ApiRequest, code: str, envelope: EnvelopeIn) -> SubmittedOut:  # noqa: ARG001 -- the guard read it
    """Put a transaction that was signed elsewhere on the ledger; the same one again changes nothing."""
    data = json.dumps(envelope.model_dump(), separators=(",", ":")).encode()
    answer = submit_envelope(workspace(), envelope=data, subject=request.caller.subject)
    return SubmittedOut(
        transaction=answer.original or answer.transaction,
        on_ledger=answer.on_ledger,
        code=answer.code,
        detail=answer.detail,
        height=answer.height,
        log_index=answer.log_index,
        time=moment(answer.time_s) if answer.height >= 0 else None,
    )
