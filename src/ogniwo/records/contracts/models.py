"""Supply contracts and memberships with their validity in local days; e-contracts and certificates off the ledger."""

from django.db import models
from django.db.models import F, Q

from ogniwo.records.ledger.models import Commitment
from ogniwo.records.metering.models import MeteringPoint
from ogniwo.records.parties.models import Member, Organisation
from ogniwo.records.visibility import VisibleQuerySet


class ContractQuerySet(VisibleQuerySet["SupplyContractRecord"]):
    """Contracts of points that a subject sees."""

    organisation_lookup = "point__organisation__path"
    member_lookup = "point__member__number"


class SupplyContractRecord(models.Model):
    """What a distribution and trade contract says of a point, from a day up to but not including another.

    `terms` are all terms (core.tariffs.model.PointTerms); operator and group stand beside them to be searched by.
    """

    point = models.ForeignKey(MeteringPoint, on_delete=models.PROTECT, related_name="contracts")
    valid_from = models.DateField()
    valid_to = models.DateField(null=True, blank=True)
    operator = models.CharField(max_length=20)
    group = models.CharField(max_length=20)
    terms = models.JSONField()

    objects = ContractQuerySet.as_manager()

    class Meta:
        ordering = ("point", "valid_from")
        constraints = (
            models.CheckConstraint(
                condition=Q(valid_to__isnull=True) | Q(valid_to__gt=F("valid_from")), name="contract_period"
            ),
            models.UniqueConstraint(fields=("point", "valid_from"), name="contract_once"),
        )

    def __str__(self) -> str:
        return f"{self.point} {self.group} {self.valid_from}"


class Membership(models.Model):
    """A point's part in a community: its sharing key (integer weight), rank and participation in per cent."""

    community = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="memberships")
    point = models.ForeignKey(MeteringPoint, on_delete=models.PROTECT, related_name="memberships")
    valid_from = models.DateField()
    valid_to = models.DateField(null=True, blank=True)
    share_key = models.PositiveIntegerField(default=1)
    merit_rank = models.PositiveIntegerField(default=0)
    participation_percent = models.PositiveSmallIntegerField(default=100)

    class Meta:
        ordering = ("point", "valid_from")
        constraints = (
            models.CheckConstraint(
                condition=Q(participation_percent__gte=1, participation_percent__lte=100), name="membership_percent"
            ),
            models.CheckConstraint(
                condition=Q(valid_to__isnull=True) | Q(valid_to__gt=F("valid_from")), name="membership_period"
            ),
            models.UniqueConstraint(fields=("community", "point", "valid_from"), name="membership_once"),
        )

    def __str__(self) -> str:
        return f"{self.point} in {self.community}"


class EContractQuerySet(VisibleQuerySet["EContract"]):
    """E-contracts that a subject sees: a member those it is a party of."""

    organisation_lookup = "organisation__path"
    member_lookup = "parties__member__number"


class EContract(models.Model):
    """What an e-contract on the ledger stands for: terms with salt, and the PDF of the same terms.

    `name` is its name on the ledger. Erasing empties `terms` and both files; the commitment on the ledger then says
    nothing any more. `seals` is what was found out about the signatures in `signed_pdf`.
    """

    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="econtracts")
    name = models.CharField(max_length=64, unique=True)
    template = models.CharField(max_length=64)
    terms = models.TextField()
    pdf = models.BinaryField()
    signed_pdf = models.BinaryField(default=b"")
    seals = models.JSONField(default=list)
    proposed_at = models.DateTimeField()
    erased_at = models.DateTimeField(null=True, blank=True)

    objects = EContractQuerySet.as_manager()

    class Meta:
        ordering = ("proposed_at", "name")

    def __str__(self) -> str:
        return self.name


class EContractParty(models.Model):
    """A party of an e-contract by its account on the ledger, and the member it is."""

    contract = models.ForeignKey(EContract, on_delete=models.CASCADE, related_name="parties")
    account = models.CharField(max_length=200)
    member = models.ForeignKey(Member, null=True, blank=True, on_delete=models.PROTECT, related_name="econtracts")

    class Meta:
        ordering = ("contract", "id")
        constraints = (models.UniqueConstraint(fields=("contract", "account"), name="econtract_party_once"),)

    def __str__(self) -> str:
        return self.account


class PersonCertificateQuerySet(VisibleQuerySet["PersonCertificate"]):
    """Certificates that a subject sees."""

    organisation_lookup = "organisation__path"
    member_lookup = "member__number"


class PersonCertificate(models.Model):
    """An X.509 certificate that an organisation issued to a person for the key of a device, after an identity check.

    `kid` is the key's id on the ledger, `identity` the natural id of the check's commitment, `key_storage` where the
    person says that the private key lies.
    """

    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="certificates")
    member = models.ForeignKey(Member, null=True, blank=True, on_delete=models.PROTECT, related_name="certificates")
    account = models.CharField(max_length=200)
    kid = models.CharField(max_length=43, unique=True)
    serial = models.CharField(max_length=40, unique=True)
    certificate = models.BinaryField()
    identity = models.CharField(max_length=120)
    key_storage = models.CharField(max_length=20, choices=[(k, k) for k in ("device", "token", "file")])
    issued_at = models.DateTimeField()
    valid_to = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = PersonCertificateQuerySet.as_manager()

    class Meta:
        ordering = ("issued_at", "serial")

    def __str__(self) -> str:
        return self.serial


class PurchaseEntryQuerySet(VisibleQuerySet["PurchaseEntry"]):
    """Steps of group purchases that a subject sees: a member the own ones."""

    organisation_lookup = "organisation__path"
    member_lookup = "member__number"


class PurchaseEntry(models.Model):
    """A step of a group purchase whose document is anchored on the ledger. Only ever added.

    `purchase` is the purchase's code in the organisation, `word` whom the step is of: a member's number, a supplier,
    a point, or nobody.
    """

    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="purchase_entries")
    purchase = models.CharField(max_length=40)
    step = models.CharField(max_length=12)
    word = models.CharField(max_length=40, blank=True)
    member = models.ForeignKey(Member, null=True, blank=True, on_delete=models.PROTECT, related_name="purchase_entries")
    made_at = models.DateTimeField()
    commitment = models.OneToOneField(Commitment, on_delete=models.PROTECT, related_name="purchase_entry")

    objects = PurchaseEntryQuerySet.as_manager()

    class Meta:
        ordering = ("id",)
        constraints = (
            models.UniqueConstraint(fields=("organisation", "purchase", "step", "word"), name="purchase_step_once"),
        )

    def __str__(self) -> str:
        return f"{self.purchase} {self.step} {self.word}"
