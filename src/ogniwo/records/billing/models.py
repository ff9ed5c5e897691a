"""Gap-free number sequences and issued invoices. A database trigger refuses any change to an issued invoice."""

from django.db import models

from ogniwo.records.parties.models import Member, Organisation
from ogniwo.records.settlement.models import SettlementRun
from ogniwo.records.visibility import VisibleQuerySet


class NumberSequence(models.Model):
    """The last number given per organisation, kind of document and year; the row is locked while the next is given."""

    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="sequences")
    kind = models.CharField(max_length=10)
    year = models.PositiveSmallIntegerField()
    last_number = models.CharField(max_length=40, blank=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("organisation", "kind", "year"), name="sequence_once"),)

    def __str__(self) -> str:
        return f"{self.organisation} {self.kind} {self.year}: {self.last_number}"


class InvoiceQuerySet(VisibleQuerySet["InvoiceRecord"]):
    """Invoices that a subject sees."""

    organisation_lookup = "organisation__path"
    member_lookup = "member__number"


class InvoiceRecord(models.Model):
    """An issued document: canonical JSON text and its digest are the truth, the PDF is its picture."""

    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="invoices")
    member = models.ForeignKey(Member, on_delete=models.PROTECT, related_name="invoices")
    run = models.ForeignKey(SettlementRun, on_delete=models.PROTECT, related_name="invoices")
    kind = models.CharField(max_length=10)
    number = models.CharField(max_length=40, unique=True)
    corrects = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="corrections")
    issued_on = models.DateField()
    due_on = models.DateField()
    net_grosz = models.BigIntegerField()
    vat_grosz = models.BigIntegerField()
    gross_grosz = models.BigIntegerField()
    digest = models.CharField(max_length=64)
    document = models.TextField()
    pdf_sha256 = models.CharField(max_length=64)

    objects = InvoiceQuerySet.as_manager()

    class Meta:
        ordering = ("number",)
        constraints = (models.UniqueConstraint(fields=("member", "run", "kind"), name="invoice_once_per_run"),)

    def __str__(self) -> str:
        return self.number
