"""Take what a member's device signed, put it on the ledger unchanged, and say where it stands."""

from dataclasses import dataclass
from hashlib import sha256

import msgspec

from ogniwo.chain.inbox import Answer
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.ledger.admission import SignedTransaction, open_transaction
from ogniwo.core.ledger.canonical import encode
from ogniwo.core.ledger.outcomes import ACCEPTED
from ogniwo.core.ledger.transactions import (
    Dispute,
    Hold,
    Pay,
    Payload,
    RegisterKey,
    RevokeKey,
    SetKeyLimits,
    Settle,
    StopRecovery,
    Void,
)
from ogniwo.records.ledger.models import Commitment
from ogniwo.records.parties.models import Member
from ogniwo.records.visibility import Subject
from ogniwo.services.billing.queries import InvoiceNotFoundError
from ogniwo.services.billing.queries import invoice as invoice_of
from ogniwo.services.ledger.access import NoLedgerError, has_ledger, member_path, organisation_path
from ogniwo.services.ledger.contesting import tell_contested
from ogniwo.services.ledger.payments import InvoiceNotPostedError, MemberUnknownError, member_of
from ogniwo.services.ledger.viewing import view_ledger, wait_for_ledger
from ogniwo.services.ledger.wallets import PAYMENT_TEXT, account_of
from ogniwo.services.messages.operations import LEAST
from ogniwo.services.workspace.audit import record_act
from ogniwo.services.workspace.model import Workspace

WAIT_S = 8.0
"""How long a payment waits for whoever writes the ledger now before its sender is asked to try again."""

TEXT_MAX = 140
_BY_DEVICE = (Dispute, Hold, Pay, RegisterKey, RevokeKey, SetKeyLimits, Settle, StopRecovery, Void)


class NotYoursError(Refusal):
    """The device signed for another account, on another network, or for something a wallet does not do."""

    code = "wallet.not_yours"


class TextMismatchError(Refusal):
    """The words that came with a payment are not those its signature commits to."""

    code = "wallet.text"


class PaymentText(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A payer's words and the salt of their commitment (16 bytes in hex)."""

    salt: str
    text: str


class PaymentWords(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The document behind the commitment of a payer's words."""

    schema: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What became of a signed transaction: `code` is "accepted" or the refusal that the ledger recorded or gave.

    `again` tells that it was there before. `height` and `log_index` are -1 where nothing was recorded.
    """

    transaction: str
    code: str
    detail: str
    height: int
    log_index: int
    time_s: int
    again: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Taker:
    """Whom a payment goes to: number and name as people know them, and the account that is signed."""

    number: str
    name: str
    account: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PayableBill:
    """A bill that can be paid in tokens: to whom, how much (grosze), and the transaction that anchored it."""

    number: str
    taker: Taker
    amount: int
    anchor: str
    due_on: str


def find_taker(*, subject: Subject, number: str) -> Taker:
    """The member of the same community with this number; raises MemberUnknownError, also for the payer himself."""
    payer = member_of(subject.member_number, subject=subject)
    wanted = number.strip().upper()
    rows = Member.objects.filter(organisation=payer.organisation, number__iexact=wanted).select_related("organisation")
    found = rows.exclude(pk=payer.pk).first()
    if found is None:
        raise MemberUnknownError(detail=f"there is no other member {wanted} in your community")
    return Taker(number=found.number, name=found.name, account=member_path(found))


def own_alias(*, subject: Subject) -> Taker:
    """How others pay this member."""
    own = member_of(subject.member_number, subject=subject)
    return Taker(number=own.number, name=own.name, account=member_path(own))


def payable_bill(*, subject: Subject, number: str) -> PayableBill:
    """A bill of the member's own; raises InvoiceNotFoundError or InvoiceNotPostedError, also where nothing is due."""
    record = invoice_of(number=number, subject=subject)
    row = Commitment.objects.filter(kind="invoice", natural_id=number).exclude(transaction_id="").first()
    if row is None:
        raise InvoiceNotPostedError(detail=f"the bill {number} is not on the ledger yet")
    amount = record.gross_grosz
    if amount <= 0:
        raise InvoiceNotFoundError(detail=f"nothing is to be paid for {number}")
    community = record.organisation
    return PayableBill(
        number=number,
        taker=Taker(number="", name=community.name, account=organisation_path(community)),
        amount=amount,
        anchor=row.transaction_id,
        due_on=record.due_on.isoformat(),
    )


def place_of_transaction(workspace: Workspace, *, subject: Subject, envelope: bytes) -> Taken | None:
    """Where a member's signed transaction stands, or None when the ledger does not have it."""
    return placed(workspace, _opened(workspace, subject, envelope).transaction)


def take_envelope(
    workspace: Workspace, *, subject: Subject, envelope: bytes, words: PaymentText | None = None, by: str = ""
) -> Taken:
    """Put what a member's device signed on the ledger, once however often it is sent.

    `words` are kept off the ledger when the payload refers to their commitment. Raises NotYoursError,
    TextMismatchError, NoLedgerError, LockedError (another process writes for longer than WAIT_S), StoppedError (the
    outcome is unknown: send the same again) and the refusals of `open_transaction`. What the ledger's rules refuse is
    given as a code: that id is used up. A dispute needs its words: the partner reads them among the messages.
    """
    if not has_ledger(workspace):
        raise NoLedgerError(detail="nothing was posted yet")
    opened = _opened(workspace, subject, envelope)
    if isinstance(opened.payload, Dispute) and (words is None or len(words.text.strip()) < LEAST):
        raise TextMismatchError(detail=f"a dispute says why, in {LEAST} characters or more")
    if words is not None:
        _keep_words(opened, words)
    before = placed(workspace, opened.transaction)
    found = before or _sent(workspace, opened, envelope, subject)
    if words is not None and found.code == ACCEPTED:
        tell_contested(workspace, opened, subject=subject, text=words.text, by=by)
    return found


def _sent(workspace: Workspace, opened: SignedTransaction, envelope: bytes, subject: Subject) -> Taken:
    with wait_for_ledger(workspace, seconds=WAIT_S) as ledger:
        answer = ledger.submit([envelope])[0]
    if answer.height < 0:
        return placed(workspace, opened.transaction) or taken(opened.transaction, answer)
    record_act(
        workspace,
        action="wallet.send",
        target=subject.member_number,
        facts={"operation": _operation(opened.payload), "transaction": opened.transaction, "code": answer.code},
    )
    return taken(opened.transaction, answer)


def _opened(workspace: Workspace, subject: Subject, envelope: bytes) -> SignedTransaction:
    opened = open_transaction(envelope)
    payload, account = opened.payload, account_of(subject)
    if payload.account != account or payload.network != workspace.network or not isinstance(payload, _BY_DEVICE):
        raise NotYoursError(detail=f"{payload.account} is not the account of this wallet, or it does not do that")
    if isinstance(payload, RegisterKey | StopRecovery) and payload.subject != account:
        raise NotYoursError(detail="a wallet changes its own keys only")
    return opened


def taken(transaction: str, answer: Answer) -> Taken:
    """What the ledger answered to a transaction (its name)."""
    return Taken(
        transaction=transaction,
        code=answer.code,
        detail=answer.detail,
        height=answer.height,
        log_index=answer.log_index,
        time_s=answer.time_s,
        again=False,
    )


def placed(workspace: Workspace, transaction: str) -> Taken | None:
    """What became of a transaction that was there before, by its name; None where the log has none."""
    with view_ledger(workspace) as (_, tables):
        place = tables.find(transaction)
    if place is None:
        return None
    return Taken(
        transaction=place.name,
        code=place.outcome,
        detail="",
        height=place.height,
        log_index=place.log_index,
        time_s=place.time_s,
        again=True,
    )


def _keep_words(opened: SignedTransaction, words: PaymentText) -> None:
    """Keep a payer's words before the payment is sent: an interrupted one finds them again."""
    content = encode(PaymentWords(schema="ogniwo.payment-text/1", text=words.text))
    try:
        salt = bytes.fromhex(words.salt)
    except ValueError as error:
        raise TextMismatchError(detail="the salt is not hex") from error
    commitment = sha256(salt + content).hexdigest()
    payload = opened.payload
    committed = {payload.text} if isinstance(payload, Dispute) else set(payload.references)
    if len(words.text) > TEXT_MAX or len(salt) != 16 or commitment not in committed:
        raise TextMismatchError(detail=f"at most {TEXT_MAX} characters, and those that were signed")
    Commitment.objects.get_or_create(
        kind=PAYMENT_TEXT,
        natural_id=opened.transaction,
        defaults={
            "salt": words.salt,
            "payload": content.decode(),
            "commitment": commitment,
            "transaction_id": opened.transaction,
        },
    )


def _operation(payload: Payload) -> str:
    return str(type(payload).__struct_config__.tag)
