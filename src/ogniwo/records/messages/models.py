"""Messages between members and their organisation, readings they declare, letters with bills, what they chose."""

from typing import Self

from django.db import models

from ogniwo.records.billing.models import InvoiceRecord
from ogniwo.records.declared import CounterPhoto, DeclaredValue
from ogniwo.records.metering.models import MeteringPoint
from ogniwo.records.parties.models import Member, Organisation
from ogniwo.records.visibility import Subject, VisibleQuerySet

KINDS = (
    *("bill", "correction", "reading", "gap", "price", "outage", "notice"),
    *("dispute", "payment", "complaint", "answer", "alarm"),
)
SENDERS = ("system", "partner", "member")


class MessageQuerySet(VisibleQuerySet["Message"]):
    """Messages of organisations below a path; a member sees his own and what went to all members there or above."""

    organisation_lookup = "organisation__path"
    member_lookup = "member__number"

    def visible_to(self, subject: Subject) -> Self:
        """Only the rows that the subject may see."""
        if not subject.member_number:
            return super().visible_to(subject)
        names = subject.path.strip("/").split("/")
        above = [f"/{'/'.join(names[: depth + 1])}/" for depth in range(len(names))]
        own = models.Q(member__number=subject.member_number, organisation__path=subject.path)
        return self.filter(own | models.Q(member=None, organisation__path__in=above))


class Message(models.Model):
    """One message, never changed. `member` None: to all members. `about` names what it concerns: a bill, a point.

    The system's messages are a kind with `facts`, put into words in the reader's language; people write title and text.
    """

    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="messages")
    member = models.ForeignKey(Member, null=True, blank=True, on_delete=models.PROTECT, related_name="messages")
    kind = models.CharField(max_length=12, choices=[(kind, kind) for kind in KINDS])
    sender = models.CharField(max_length=8, choices=[(sender, sender) for sender in SENDERS])
    author = models.CharField(max_length=150, blank=True)
    at = models.DateTimeField()
    title = models.CharField(max_length=120, blank=True)
    text = models.TextField(max_length=4000, blank=True)
    about = models.CharField(max_length=60, blank=True)
    facts = models.JSONField(default=dict)
    answers = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="replies")

    objects = MessageQuerySet.as_manager()

    class Meta:
        ordering = ("-at", "-id")
        indexes = (models.Index(fields=("member", "-at"), name="message_of_member"),)
        constraints = (
            models.UniqueConstraint(
                fields=("member", "kind", "about"),
                condition=models.Q(sender="system"),
                name="system_says_a_thing_once",
            ),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.about} {self.at}"


class MessageRead(models.Model):
    """A member has read a message."""

    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="reads")
    member = models.ForeignKey(Member, on_delete=models.CASCADE, related_name="reads")
    at = models.DateTimeField()

    class Meta:
        ordering = ("message", "member")
        constraints = (models.UniqueConstraint(fields=("message", "member"), name="read_once"),)

    def __str__(self) -> str:
        return f"{self.member} {self.message}"


class DeclaredReadingQuerySet(VisibleQuerySet["DeclaredReading"]):
    """Declared readings of points that a subject sees."""

    organisation_lookup = "point__organisation__path"
    member_lookup = "point__member__number"


class DeclaredReading(DeclaredValue):
    """A register state that a member read himself, in 10^-3 of the unit, with the band that was shown as plausible.

    It waits until the partner accepts or refuses it. Accepted, it is a register state of origin `manual`; it is never
    an interval and changes no settlement by itself.
    """

    point = models.ForeignKey(MeteringPoint, on_delete=models.PROTECT, related_name="declared_readings")
    meter_serial = models.CharField(max_length=40)
    obis = models.CharField(max_length=24)
    epoch_s = models.BigIntegerField()
    unit = models.CharField(max_length=8)

    objects = DeclaredReadingQuerySet.as_manager()

    class Meta(DeclaredValue.Meta):
        constraints = (
            models.UniqueConstraint(
                fields=("point", "meter_serial", "obis", "epoch_s", "value_e3"), name="declared_once"
            ),
        )

    def __str__(self) -> str:
        return f"{self.point} {self.obis} {self.epoch_s} {self.state}"


class ReadingPhoto(CounterPhoto):
    """The photo of a counter that came with a declared reading."""

    reading = models.OneToOneField(DeclaredReading, on_delete=models.CASCADE, related_name="photo")

    def __str__(self) -> str:
        return f"{self.reading} {self.kind} {self.width} x {self.height}"


class ConsentQuerySet(VisibleQuerySet["Consent"]):
    """What members agreed to or withdrew, of organisations below a path; a member sees his own."""

    organisation_lookup = "member__organisation__path"
    member_lookup = "member__number"


class Consent(models.Model):
    """A member agreed to something or withdrew it. Never changed: the newest row of a kind is what counts.

    `text` are the words he was shown, in the language he was shown them in.
    """

    member = models.ForeignKey(Member, on_delete=models.PROTECT, related_name="consents")
    kind = models.CharField(max_length=20)
    version = models.PositiveSmallIntegerField()
    text = models.TextField(max_length=1000)
    given = models.BooleanField()
    by = models.CharField(max_length=150)
    at = models.DateTimeField()

    objects = ConsentQuerySet.as_manager()

    class Meta:
        ordering = ("at", "id")
        indexes = (models.Index(fields=("member", "kind", "id"), name="consent_of_member"),)

    def __str__(self) -> str:
        return f"{self.member} {self.kind} {self.given}"


class DocumentLanguage(models.Model):
    """In which language a member wants his documents drawn; without a row nobody has chosen."""

    member = models.OneToOneField(Member, on_delete=models.CASCADE, related_name="document_language")
    language = models.CharField(max_length=2, choices=[("pl", "pl"), ("en", "en")])

    class Meta:
        ordering = ("member",)

    def __str__(self) -> str:
        return f"{self.member} {self.language}"


class BillLetterQuerySet(VisibleQuerySet["BillLetter"]):
    """Letters with documents of organisations that a subject sees; members see none."""

    organisation_lookup = "document__organisation__path"


class BillLetter(models.Model):
    """A document claimed to be sent to an address; without `sent_at` nobody knows whether the mail server took it."""

    document = models.ForeignKey(InvoiceRecord, on_delete=models.PROTECT, related_name="letters")
    address = models.CharField(max_length=150)
    claimed_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)

    objects = BillLetterQuerySet.as_manager()

    class Meta:
        ordering = ("claimed_at", "id")
        constraints = (models.UniqueConstraint(fields=("document", "address"), name="letter_once"),)

    def __str__(self) -> str:
        return f"{self.document} {self.address}"
