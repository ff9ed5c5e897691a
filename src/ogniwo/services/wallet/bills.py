"""A member's bills with their state, what is open, and what changed since the bill before."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

import msgspec

from ogniwo.core.billing.explanation import Explanation, explain
from ogniwo.core.billing.payment import nrb_groups
from ogniwo.core.kernel.quantities import RateUnit
from ogniwo.records.billing.models import InvoiceRecord
from ogniwo.records.visibility import Subject
from ogniwo.services.billing.hours import HoursBehind, hours_behind
from ogniwo.services.billing.issuing import reconstructed
from ogniwo.services.billing.pictures import transfer_code
from ogniwo.services.billing.queries import InvoiceNotFoundError
from ogniwo.services.ledger.access import NoLedgerError
from ogniwo.services.ledger.wallets import PaidBill, paid_bills
from ogniwo.services.workspace.model import Workspace

_PER_ENERGY = {RateUnit.KWH, RateUnit.MWH, RateUnit.KVARH, RateUnit.KW, RateUnit.MW}


class BillState(StrEnum):
    """What is to be done with a bill. Payments in tokens are known, transfers of a bank are not."""

    OPEN = "open"
    OVERDUE = "overdue"
    PAID = "paid"
    CORRECTED = "corrected"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True, kw_only=True)
class BillSummary:
    """A document in a list; amounts in grosz. `credit_grosz` is owed to the member beside the bill.

    `payments` are those in tokens that name the bill, as the ledger has them.
    """

    number: str
    is_correction: bool
    month: str
    issued_on: date
    due_on: date
    gross_grosz: int
    to_pay_grosz: int
    to_return_grosz: int
    credit_grosz: int
    payments: tuple[PaidBill, ...]
    corrects: str
    corrected_by: str
    state: BillState

    @property
    def paid_grosz(self) -> int:
        """What was paid in tokens."""
        return sum(one.amount for one in self.payments)

    @property
    def left_grosz(self) -> int:
        """What is still to be paid, as far as payments are known."""
        return max(self.to_pay_grosz - self.paid_grosz, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """What a member has to pay and to receive now; `due_on` is the nearest day of what is open."""

    to_pay_grosz: int
    to_receive_grosz: int
    due_on: date | None
    open: tuple[BillSummary, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BillLine:
    """One line: its reasons, whether it goes by energy or power (`variable`) or by time, and the hours behind it."""

    why: Explanation
    charge: str
    variable: bool
    label: str
    point: str
    zone: str
    first: date
    last_exclusive: date
    quantity: int
    unit: str
    net_grosz: int
    hours: HoursBehind | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One kind of charge now and on the bill before, net in grosz; the quantity in base units where both count it."""

    label: str
    before_grosz: int
    now_grosz: int
    quantity_before: int
    quantity_now: int
    unit: str

    @property
    def difference_grosz(self) -> int:
        """Now less before."""
        return self.now_grosz - self.before_grosz


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberBill:
    """One document for its member. `lines` show the month as it stands after it; `before` is the bill compared with."""

    summary: BillSummary
    document: dict[str, Any]
    digest: str
    account: str
    code_svg: str
    lines: tuple[BillLine, ...]
    before: str
    changes: tuple[Change, ...]


def member_bills(workspace: Workspace, *, subject: Subject) -> tuple[BillSummary, ...]:
    """All documents of the member, the newest first."""
    return tuple(reversed(_summaries(workspace, list(_records(subject)), subject)))


def due_now(bills: Sequence[BillSummary]) -> Due:
    """What is open: bills less what was paid and what corrections give back, and what is owed for the newest month."""
    waiting = tuple(one for one in bills if one.left_grosz)
    # A bill paid twice leaves something to be given back.
    balance = sum(one.to_pay_grosz - one.paid_grosz - one.to_return_grosz for one in bills)
    newest = max((one.month for one in bills), default="")
    last = next((one for one in bills if one.month == newest), None)
    return Due(
        to_pay_grosz=max(balance, 0),
        to_receive_grosz=(last.credit_grosz if last else 0) + max(-balance, 0),
        due_on=min((one.due_on for one in waiting), default=None),
        open=waiting,
    )


def member_bill(workspace: Workspace, *, number: str, subject: Subject, language: str) -> MemberBill:
    """One document with its lines, reasons, hours and changes. Raises InvoiceNotFoundError."""
    records = list(_records(subject))
    record = next((one for one in records if one.number == number), None)
    if record is None:
        raise InvoiceNotFoundError(detail=f"no document {number}")
    summary = next(one for one in _summaries(workspace, records, subject) if one.number == number)
    document: dict[str, Any] = msgspec.json.decode(record.document)
    lines = _lines(workspace, record, language)
    earlier = [one for one in records if one.run.month < record.run.month]
    before = earlier[-1] if earlier else None
    return MemberBill(
        summary=summary,
        document=document,
        digest=record.digest,
        account=nrb_groups(document["account"]),
        code_svg=transfer_code(document, amount_grosz=summary.left_grosz),
        lines=lines,
        before=before.number if before else "",
        changes=_changes(lines, _lines(workspace, before, language, hours=False)) if before else (),
    )


def _records(subject: Subject) -> Sequence[InvoiceRecord]:
    rows = InvoiceRecord.objects.all().visible_to(subject).select_related("run", "corrects", "member__organisation")
    return tuple(rows.order_by("run__month", "run__version", "pk"))


def _summaries(workspace: Workspace, records: Sequence[InvoiceRecord], subject: Subject) -> list[BillSummary]:
    corrected = {one.corrects.number: one.number for one in records if one.corrects is not None}
    today = workspace.today()
    paid = _paid(workspace, subject) if records else {}
    return [_summary(one, corrected.get(one.number, ""), paid.get(one.number, ()), today) for one in records]


def _paid(workspace: Workspace, subject: Subject) -> dict[str, tuple[PaidBill, ...]]:
    """Payments by the number of their bill: none without a ledger. A ledger that cannot be read is refused."""
    try:
        return paid_bills(workspace, subject=subject)
    except NoLedgerError:
        return {}


def _summary(record: InvoiceRecord, corrected_by: str, payments: tuple[PaidBill, ...], today: date) -> BillSummary:
    document: dict[str, Any] = msgspec.json.decode(record.document)
    to_pay = int(document["totals"]["to_pay_grosz"])
    state = BillState.OVERDUE if record.due_on < today else BillState.OPEN
    if not to_pay:
        state = BillState.NOTHING
    elif sum(one.amount for one in payments) >= to_pay:
        state = BillState.PAID
    elif corrected_by:
        state = BillState.CORRECTED
    return BillSummary(
        number=record.number,
        is_correction=record.corrects is not None,
        month=record.run.month,
        issued_on=record.issued_on,
        due_on=record.due_on,
        gross_grosz=record.gross_grosz,
        to_pay_grosz=to_pay,
        to_return_grosz=int(document["totals"]["overpaid_grosz"]),
        credit_grosz=int(document["credit_gross_grosz"]),
        payments=payments,
        corrects=record.corrects.number if record.corrects else "",
        corrected_by=corrected_by,
        state=state,
    )


def _lines(workspace: Workspace, record: InvoiceRecord, language: str, *, hours: bool = True) -> tuple[BillLine, ...]:
    whole = reconstructed(record)
    behind = hours_behind(workspace, record) if hours else {}
    return tuple(
        BillLine(
            why=explain(whole, line.number, language=language),
            charge=line.item.charge,
            variable=line.item.rate.per in _PER_ENERGY,
            label=line.item.label_pl if language == "pl" else line.item.label_en,
            point=line.point,
            zone=line.item.zone,
            first=line.item.first,
            last_exclusive=line.item.last_exclusive,
            quantity=line.item.quantity,
            unit=str(line.item.rate.per),
            net_grosz=line.item.net_grosz,
            hours=behind.get(line.number),
        )
        for line in whole.lines
    )


def _changes(now: Sequence[BillLine], before: Sequence[BillLine]) -> tuple[Change, ...]:
    """Charges side by side, those that changed most first."""
    keys = dict.fromkeys((one.charge, one.zone) for one in (*now, *before))
    rows = []
    for key in keys:
        new = [one for one in now if (one.charge, one.zone) == key]
        old = [one for one in before if (one.charge, one.zone) == key]
        rows.append(
            Change(
                label=(new or old)[0].label,
                before_grosz=sum(one.net_grosz for one in old),
                now_grosz=sum(one.net_grosz for one in new),
                quantity_before=sum(one.quantity for one in old),
                quantity_now=sum(one.quantity for one in new),
                unit=(new or old)[0].unit,
            )
        )
    return tuple(sorted(rows, key=lambda one: (-abs(one.difference_grosz), one.label)))
