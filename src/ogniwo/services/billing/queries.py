"""Read issued documents, and explain their lines down to the intervals, the rates and the rounding."""

from ogniwo.core.billing.explanation import Explanation, explain
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.records.billing.models import InvoiceQuerySet, InvoiceRecord, NumberSequence
from ogniwo.records.visibility import Subject
from ogniwo.services.billing.issuing import reconstructed


class InvoiceNotFoundError(Refusal):
    """There is no such document, or the subject may not see it."""

    code = "invoice.not_found"


def invoices(*, subject: Subject, month: str = "", member: str = "") -> InvoiceQuerySet:
    """Issued documents that the subject may see, by number."""
    found = InvoiceRecord.objects.all().visible_to(subject).select_related("member", "run__community", "corrects")
    if month:
        found = found.filter(run__month=month)
    return found.filter(member__number=member) if member else found


def invoice(*, number: str, subject: Subject) -> InvoiceRecord:
    """One issued document by its number."""
    rows = InvoiceRecord.objects.all().visible_to(subject).select_related("member__organisation", "run__community")
    found = rows.filter(number=number).first()
    if found is None:
        raise InvoiceNotFoundError(detail=f"no document {number}")
    return found


def last_numbers(*, path: str) -> tuple[tuple[str, int, str], ...]:
    """The sequences of an organisation: kind of document, year, last number given."""
    rows = NumberSequence.objects.filter(organisation__path=path).exclude(last_number="")
    return tuple(rows.order_by("-year", "kind").values_list("kind", "year", "last_number"))


def explanations(record: InvoiceRecord, *, language: str = "pl") -> tuple[Explanation, ...]:
    """Why each line of the state after a document is what it is."""
    whole = reconstructed(record)
    return tuple(explain(whole, line.number, language=language) for line in whole.lines)
