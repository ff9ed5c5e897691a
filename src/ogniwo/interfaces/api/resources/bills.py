"""Bills: the list, one document, its picture, the reasons of its lines, its receipt from the ledger."""

import json
from datetime import date
from typing import Annotated, Any, Final

from django.http import HttpResponse
from django.utils.translation import get_language
from ninja import Query, Schema
from pydantic import Field

from ogniwo.interfaces.api.context import workspace
from ogniwo.interfaces.api.paging import Many, Page, Paged, Sorting, among, only, page_of
from ogniwo.interfaces.api.registry import ApiRequest, operation
from ogniwo.interfaces.api.values import Money, MonthText, zl
from ogniwo.services.access.roles import Act
from ogniwo.services.access.scopes import Scope
from ogniwo.services.billing.access import document_pdf, document_view, listed_documents
from ogniwo.services.ledger.proving import prove_document

BillId = Annotated[str, Field(max_length=60, description="The bill's `id`: its number with - in place of /.")]


class BillOut(Schema):
    """An issued document; `corrects` is the number of the one it corrects, "" for none; `digest` its SHA-256."""

    id: str
    number: str
    kind: str
    month: str
    issued_on: date
    due_on: date
    member: str
    member_name: str
    corrects: str
    net: Money
    gross: Money
    digest: str


class BillPage(Page[BillOut]):
    """Bills by number."""


class BillDocumentOut(Schema):
    """A bill's canonical document, whose SHA-256 is `digest`: its amounts are whole grosze (`..._grosz`)."""

    id: str
    number: str
    digest: str
    document: dict[str, Any]


class BillReasonsOut(Schema):
    """Why each line is what it is: quantity, rate with its source, rounding, and the hours behind it."""

    id: str
    number: str
    lines: list[dict[str, Any]]


_SORTS: Final = Sorting[dict[str, str]](
    number=lambda row: row["number"],
    month=lambda row: row["month"],
    issued_on=lambda row: row["issued_on"],
    due_on=lambda row: row["due_on"],
    member=lambda row: row["member"],
    member_name=lambda row: row["name"],
    net=lambda row: int(row["net_grosz"]),
    gross=lambda row: int(row["gross_grosz"]),
)


class AskedBills(Paged):
    """Which bills."""

    month: Annotated[list[MonthText], Field(max_length=120, description="Given again for many; none: all.")] = []
    member: Many = []
    kind: Many = []
    sort: Annotated[str, _SORTS] = ""


def _number(bill: str) -> str:
    return bill.replace("-", "/")


def _out(row: dict[str, str]) -> BillOut:
    return BillOut(
        id=row["number"].replace("/", "-"),
        number=row["number"],
        kind=row["kind"],
        month=row["month"],
        issued_on=date.fromisoformat(row["issued_on"]),
        due_on=date.fromisoformat(row["due_on"]),
        member=row["member"],
        member_name=row["name"],
        corrects=row["corrects"],
        net=zl(int(row["net_grosz"])),
        gross=zl(int(row["gross_grosz"])),
        digest=row["digest"],
    )


def language() -> str:
    """The language of the request, of the two there are."""
    return "en" if (get_language() or "").startswith("en") else "pl"


@operation("GET", "/organisations/{code}/bills", answer=BillPage, act=Act.SEE_BILLS, scope=Scope.BILLS_READ, own=True)
def list_bills(request: ApiRequest, code: str, asked: Query[AskedBills]) -> dict[str, Any]:  # noqa: ARG001 -- the guard read it
    """Issued bills and corrections; a member's own."""
    found = listed_documents(subject=request.caller.subject, month=only(asked.month), member=only(asked.member))
    fits = (
        row
        for row in found
        if among(row["month"], asked.month) and among(row["member"], asked.member) and among(row["kind"], asked.kind)
    )
    return page_of(
        request, fits, paged=asked, key=lambda row: (row["number"],), shape=_out, order=_SORTS.by(asked.sort)
    )


@operation(
    "GET",
    "/organisations/{code}/bills/{bill}",
    answer=BillDocumentOut,
    act=Act.SEE_BILLS,
    scope=Scope.BILLS_READ,
    own=True,
    versioned=True,
)
def get_bill(request: ApiRequest, code: str, bill: BillId) -> BillDocumentOut:  # noqa: ARG001 -- the guard read the code
    """One bill as its canonical document."""
    found = document_view(workspace(), number=_number(bill), subject=request.caller.subject)
    return BillDocumentOut(id=bill, number=_number(bill), digest=found.digest, document=found.document)


@operation(
    "GET",
    "/organisations/{code}/bills/{bill}/pdf",
    act=Act.SEE_BILLS,
    scope=Scope.BILLS_READ,
    own=True,
    files=("application/pdf",),
)
def get_bill_pdf(request: ApiRequest, code: str, bill: BillId) -> HttpResponse:  # noqa: ARG001 -- the guard read the code
    """The bill as PDF, in the language of the request."""
    data = document_pdf(workspace(), number=_number(bill), subject=request.caller.subject, language=language())
    answer = HttpResponse(data, content_type="application/pdf")
    answer["Content-Disposition"] = f'attachment; filename="{bill}.pdf"'
    return answer


@operation(
    "GET",
    "/organisations/{code}/bills/{bill}/reasons",
    answer=BillReasonsOut,
    act=Act.SEE_BILLS,
    scope=Scope.BILLS_READ,
    own=True,
)
def get_bill_reasons(request: ApiRequest, code: str, bill: BillId) -> BillReasonsOut:  # noqa: ARG001 -- the guard read the code
    """Why each line of the bill is what it is, down to the hours and the sources of the rates."""
    found = document_view(
        workspace(), number=_number(bill), subject=request.caller.subject, language=language(), with_hours=True
    )
    return BillReasonsOut(id=bill, number=_number(bill), lines=found.explained_json())


@operation(
    "GET",
    "/organisations/{code}/bills/{bill}/receipt",
    act=Act.SEE_BILLS,
    scope=Scope.BILLS_READ,
    own=True,
    answer=dict[str, Any],
)
def get_bill_receipt(request: ApiRequest, code: str, bill: BillId) -> dict[str, Any]:  # noqa: ARG001 -- the guard read the code
    """The receipt of the bill from the ledger: anyone can check it offline (docs/ledger.md)."""
    data = prove_document(workspace(), kind="invoice", natural_id=_number(bill), subject=request.caller.subject)
    found: dict[str, Any] = json.loads(data)
    return found
