"""Issue invoices for a settled month, and corrections after a re-run: numbered, kept, and drawn as PDF."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
from django.db import transaction

from ogniwo.core.billing.canonical import canonical_bytes
from ogniwo.core.billing.corrections import draft_correction
from ogniwo.core.billing.document import canonical_document, correction_document
from ogniwo.core.billing.invoice import draft_invoice
from ogniwo.core.billing.model import Invoice, InvoiceHeader, Party, PointFacts
from ogniwo.core.billing.numbering import DocumentNumber, next_number
from ogniwo.core.billing.payment import virtual_account
from ogniwo.core.kernel.calendar import Month
from ogniwo.core.kernel.ids import sha256_hex
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.settlement.model import Statement
from ogniwo.records.billing.models import InvoiceRecord, NumberSequence
from ogniwo.records.metering.models import MeteringPoint
from ogniwo.records.parties.models import Member, Organisation
from ogniwo.records.settlement.models import SettlementRun
from ogniwo.services.billing.facts import point_facts
from ogniwo.services.billing.pictures import draw_invoice
from ogniwo.services.messages.operations import tell
from ogniwo.services.settlement.loading import latest_run
from ogniwo.services.workspace.audit import record_act
from ogniwo.services.workspace.changing import changing, keep_whole
from ogniwo.services.workspace.model import Workspace

INVOICE_TYPE = "FV"
CORRECTION_TYPE = "FK"
CORRECTION_REASON = "Korekta danych pomiarowych po zamknięciu miesiąca"


class NotSettledError(Refusal):
    """A month has no settlement to invoice."""

    code = "invoice.not_settled"


class NumberTakenError(Refusal):
    """Another document took the number while this one was drawn; nothing was issued."""

    code = "invoice.number_taken"


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedDocument:
    """A document that was issued, or would be: number "" in a preview."""

    member: str
    name: str
    kind: str
    number: str
    net_grosz: int
    gross_grosz: int
    credit_gross_grosz: int
    pdf_path: str


def issue_invoices(
    workspace: Workspace,
    *,
    community: Organisation,
    month: Month,
    issue_date: date,
    due_date: date,
    dry_run: bool = False,
    tell: Callable[[], None] = lambda: None,
) -> tuple[IssuedDocument, ...]:
    """Issue the newest run of a month: an invoice for each member, or a correction where one was issued before.

    Members whose lines did not change get no correction. Repeating it issues nothing. `tell` is called per member.
    Raises BusyError while another use-case changes the workspace.
    """
    with nullcontext() if dry_run else changing(workspace, f"invoice issue {month}"):
        return _issue_all(
            workspace,
            community=community,
            month=month,
            issue_date=issue_date,
            due_date=due_date,
            dry_run=dry_run,
            tell=tell,
        )


def _issue_all(
    workspace: Workspace,
    *,
    community: Organisation,
    month: Month,
    issue_date: date,
    due_date: date,
    dry_run: bool,
    tell: Callable[[], None],
) -> tuple[IssuedDocument, ...]:
    run = latest_run(community=community, month=month)
    if run is None:
        raise NotSettledError(detail=f"{community.code} has not closed {month}; run `ogniwo period close {month}`")
    by_member: dict[str, list[Statement]] = {}
    for record in run.statements.select_related("point__member"):
        statement = msgspec.json.decode(record.document, type=Statement)
        by_member.setdefault(record.point.member.number, []).append(statement)
    found = Member.objects.filter(number__in=by_member).select_related("organisation")
    members = {member.number: member for member in found}
    issued = []
    for number, statements in sorted(by_member.items()):
        document = _issue_one(
            workspace,
            run,
            members[number],
            statements,
            issue_date=issue_date,
            due_date=due_date,
            dry_run=dry_run,
        )
        if document is not None:
            issued.append(document)
        tell()
    if issued and not dry_run:
        facts = {"documents": len(issued), "gross_grosz": sum(one.gross_grosz for one in issued)}
        record_act(workspace, action="bills.issue", target=f"{community.code} {month}", facts=facts)
    return tuple(issued)


def _issue_one(
    workspace: Workspace,
    run: SettlementRun,
    member: Member,
    statements: Sequence[Statement],
    *,
    issue_date: date,
    due_date: date,
    dry_run: bool,
) -> IssuedDocument | None:
    """Number, draw and keep one member's document; a failed drawing leaves no number behind.

    It is drawn before the transaction that keeps it: a drawing takes long, and others want to write meanwhile.
    """
    before = InvoiceRecord.objects.filter(member=member, run__community=run.community, run__month=run.month)
    last = before.order_by("run__version").last()
    if last is not None and last.run.version >= run.version:
        return None
    kind = INVOICE_TYPE if last is None else CORRECTION_TYPE
    last_number, number = _next(run.community, kind, issue_date)
    header = _header(run, member, str(number), issue_date, due_date)
    if last is None:
        invoice = draft_invoice(header=header, statements=statements, points=_facts(statements))
        document, credit_gross_grosz = canonical_document(invoice), invoice.credit_gross_grosz
    else:
        correction = draft_correction(
            before=reconstructed(last), statements=statements, header=header, reason=CORRECTION_REASON
        )
        if correction is None:
            return None
        document, credit_gross_grosz = correction_document(correction), correction.after.credit_gross_grosz
    totals: dict[str, Any] = dict(document["totals"])  # type: ignore[arg-type]
    if not dry_run:
        content = canonical_bytes(document)
        record = InvoiceRecord(
            organisation=run.community,
            member=member,
            run=run,
            kind=kind,
            number=str(number),
            corrects=last,
            issued_on=issue_date,
            due_on=due_date,
            net_grosz=totals["net_grosz"],
            vat_grosz=totals["vat_grosz"],
            gross_grosz=totals["gross_grosz"],
            digest=sha256_hex(content),
            document=content.decode(),
        )
        pdf = draw_invoice(workspace, record)
        record.pdf_sha256 = sha256_hex(pdf)
        path = pdf_path(workspace, record)
        _keep(workspace, record, pdf, totals=totals, after=last_number)
    return IssuedDocument(
        member=member.number,
        name=member.name,
        kind=kind,
        number="" if dry_run else str(number),
        net_grosz=totals["net_grosz"],
        gross_grosz=totals["gross_grosz"],
        credit_gross_grosz=credit_gross_grosz,
        pdf_path="" if dry_run else str(path),
    )


def pdf_path(workspace: Workspace, record: InvoiceRecord) -> Path:
    """Where the PDF of a document lies."""
    return workspace.documents / record.run.month / f"{record.number.replace('/', '-')}.pdf"


def _next(organisation: Organisation, kind: str, issue_date: date) -> tuple[str, DocumentNumber]:
    """The last number of a sequence, "" before the first, and the one that comes next."""
    rows = NumberSequence.objects.filter(organisation=organisation, kind=kind, year=issue_date.year)
    last_number = rows.values_list("last_number", flat=True).first() or ""
    last = DocumentNumber.parse(last_number) if last_number else None
    return last_number, next_number(document_type=kind, issue_date=issue_date, last=last)


@transaction.atomic
def _keep(workspace: Workspace, record: InvoiceRecord, pdf: bytes, *, totals: Mapping[str, Any], after: str) -> None:
    """Keep a drawn document and tell its member.

    The row of its sequence is locked until the transaction ends, so numbers have no gap.
    """
    of: dict[str, Any] = {
        "organisation": record.organisation,
        "kind": record.kind,
        "year": record.issued_on.year,
    }
    NumberSequence.objects.get_or_create(**of)
    sequence = NumberSequence.objects.select_for_update().get(**of)
    if sequence.last_number != after:
        raise NumberTakenError(detail=f"{record.number} was given to another document meanwhile; issue again")
    record.save()
    sequence.last_number = record.number
    sequence.save()
    keep_whole(pdf_path(workspace, record), pdf)
    record_act(workspace, action="invoice.issue", target=record.number, facts={"digest": record.digest})
    tell(
        workspace,
        member=record.member,
        kind="bill" if record.kind == INVOICE_TYPE else "correction",
        about=record.number,
        facts={
            "month": record.run.month,
            "to_pay_grosz": totals["to_pay_grosz"],
            "to_return_grosz": totals["overpaid_grosz"],
            "due_on": record.due_on.isoformat(),
        },
    )


def _header(run: SettlementRun, member: Member, number: str, issue_date: date, due_date: date) -> InvoiceHeader:
    community = run.community
    return InvoiceHeader(
        number=number,
        issue_date=issue_date,
        due_date=due_date,
        issue_place=community.town,
        seller=Party(
            name=community.name,
            address=_address(community.street, community.post_code, community.town),
            nip=community.nip,
            contact=(f"KRS {community.krs}",) if community.krs else (),
        ),
        buyer=Party(
            name=member.name,
            address=_address(member.street, member.post_code, member.town),
            nip=member.nip,
            customer_number=member.number,
        ),
        account=virtual_account(mask=community.account_mask, customer_number=member.pk),
        rate_book_digest=run.inputs["whole"]["rate_book"],
    )


def _address(street: str, post_code: str, town: str) -> tuple[str, ...]:
    return tuple(line for line in (street, f"{post_code} {town}".strip()) if line)


def _facts(statements: Sequence[Statement]) -> tuple[PointFacts, ...]:
    codes = [statement.point for statement in statements]
    points = MeteringPoint.objects.filter(code__in=codes).select_related("member")
    months = {statement.point: statement.month for statement in statements}
    return tuple(point_facts(point, months[point.code]) for point in points)


def reconstructed(record: InvoiceRecord) -> Invoice:
    """The state after a document as a value again: its own head, the statements of the run behind it."""
    original = record
    while original.corrects is not None:
        original = original.corrects
    head = msgspec.json.decode(original.document)
    statements = [
        msgspec.json.decode(row.document, type=Statement)
        for row in record.run.statements.filter(point__member=record.member)
    ]
    return draft_invoice(header=_header_of(head), statements=statements, points=_facts(statements))


def _header_of(head: dict[str, Any]) -> InvoiceHeader:
    def party(values: dict[str, Any]) -> Party:
        return Party(
            name=values["name"],
            address=tuple(values["address"]),
            nip=values["nip"],
            customer_number=values["customer_number"],
            contact=tuple(values["contact"]),
        )

    return InvoiceHeader(
        number=head["number"],
        issue_date=date.fromisoformat(head["issue_date"]),
        due_date=date.fromisoformat(head["due_date"]),
        issue_place=head["issue_place"],
        seller=party(head["seller"]),
        buyer=party(head["buyer"]),
        account=head["account"],
        contract_number=head["contract_number"],
        rate_book_digest=head["rate_book_digest"],
    )
