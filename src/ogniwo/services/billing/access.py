"""What the doors ask of billing: lists, one document with its reasons and hours, files to hand out."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import msgspec
from django.db.models import QuerySet

from ogniwo.core.billing.explanation import Explanation
from ogniwo.records.billing.models import InvoiceRecord
from ogniwo.records.parties.models import Member, Organisation
from ogniwo.records.visibility import Subject
from ogniwo.services.billing.hours import HoursBehind, hours_behind
from ogniwo.services.billing.pictures import draw_invoice
from ogniwo.services.billing.queries import explanations, invoice, invoices
from ogniwo.services.workspace.listed import Listed
from ogniwo.services.workspace.model import Workspace

_COLUMNS: Final = (
    "number",
    "kind",
    "run__month",
    "issued_on",
    "due_on",
    "member__number",
    "member__name",
    "corrects__number",
    "net_grosz",
    "gross_grosz",
    "digest",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentView:
    """A document with its reasons; `hours` holds the hours behind lines of energy, by line number.

    `corrects` is the number of the document that a correction changes.
    """

    document: dict[str, Any]
    digest: str
    explanations: tuple[Explanation, ...]
    hours: Mapping[int, HoursBehind]
    corrects: str = ""

    def explained_json(self) -> list[dict[str, Any]]:
        """The explanations as plain values."""
        return [
            {
                **msgspec.to_builtins(asdict(one)),
                "hours": [list(row) for row in self.hours[one.line_number].rows]
                if one.line_number in self.hours
                else [],
            }
            for one in self.explanations
        ]


def members_in(organisation: Organisation) -> int:
    """How many members a community has."""
    return Member.objects.filter(organisation=organisation).count()


def issued_documents(
    *, subject: Subject, month: str = "", member: str = "", search: str = ""
) -> Listed[dict[str, str]]:
    """Issued documents as rows of text, by number; `search` looks in number, member and name."""
    found = invoices(subject=subject, month=month, member=member).select_related(None)
    if search:
        # Compared here and not by the database: SQLite does not know that Ł and ł are one letter.
        looked, rows = search.lower(), found.values_list("pk", "number", "member__number", "member__name")
        found = found.filter(pk__in=[key for key, *texts in rows if any(looked in text.lower() for text in texts)])
    return Listed(found, _rows)


def listed_documents(*, subject: Subject, month: str = "", member: str = "") -> list[dict[str, str]]:
    """Issued documents as rows of text, by number, all at once."""
    return list(issued_documents(subject=subject, month=month, member=member))


def _rows(found: QuerySet[InvoiceRecord]) -> list[dict[str, str]]:
    """Documents as plain values: their texts, and those of the runs they came from, are large and not asked for."""
    return [
        {
            "number": number,
            "kind": kind,
            "month": month,
            "issued_on": issued_on.isoformat(),
            "due_on": due_on.isoformat(),
            "member": member,
            "name": name,
            "corrects": corrects or "",
            "net_grosz": str(net_grosz),
            "gross_grosz": str(gross_grosz),
            "digest": digest,
        }
        for (
            number,
            kind,
            month,
            issued_on,
            due_on,
            member,
            name,
            corrects,
            net_grosz,
            gross_grosz,
            digest,
        ) in found.values_list(*_COLUMNS)
    ]


def document_view(
    workspace: Workspace, *, number: str, subject: Subject, language: str = "pl", with_hours: bool = False
) -> DocumentView:
    """One document with the reasons of every line, and the hours behind them when asked for."""
    record = invoice(number=number, subject=subject)
    reasons = explanations(record, language=language)
    return DocumentView(
        document=msgspec.json.decode(record.document),
        digest=record.digest,
        explanations=reasons,
        hours=hours_behind(workspace, record) if with_hours else {},
        corrects=record.corrects.number if record.corrects else "",
    )


def corrected_lines(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The lines of a correction: labels, point, `before` and `after` (None where there is none), `difference` in grosz.

    Empty for a document that corrects nothing.
    """
    rows = []
    for pair in document.get("pairs", ()):
        before: dict[str, Any] | None = pair["before"][0] if pair["before"] else None
        after: dict[str, Any] | None = pair["after"][0] if pair["after"] else None
        named = after or before or {}
        rows.append(
            {
                "label_pl": named["label_pl"],
                "label_en": named["label_en"],
                "point": pair["point"],
                "before": before,
                "after": after,
                "difference": pair["net_difference_grosz"],
            }
        )
    return rows


def document_pdf(workspace: Workspace, *, number: str, subject: Subject, language: str = "pl") -> bytes:
    """The PDF of a document, drawn anew from what is stored. Raises InvoiceNotFoundError."""
    return draw_invoice(workspace, invoice(number=number, subject=subject), language=language)


def export_documents(
    workspace: Workspace, *, subject: Subject, numbers: Sequence[str], month: str, folder: Path, language: str
) -> list[Path]:
    """Write the PDF (drawn anew) and the canonical JSON of documents into a folder."""
    records = [invoice(number=number, subject=subject) for number in numbers]
    if month:
        records.extend(invoices(subject=subject, month=month))
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for record in records:
        name = record.number.replace("/", "-")
        for suffix, data in (
            (".pdf", draw_invoice(workspace, record, language=language)),
            (".json", record.document.encode()),
        ):
            path = folder / f"{name}{suffix}"
            path.write_bytes(data)
            written.append(path)
    return written
