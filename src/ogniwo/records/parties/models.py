"""Organisations in a tree, and the members (contractors) they settle with."""

from django.db import models

from ogniwo.records.visibility import VisibleQuerySet


class OrganisationQuerySet(VisibleQuerySet["Organisation"]):
    """Organisations below a path; members see none."""

    organisation_lookup = "path"


class Organisation(models.Model):
    """An operator, a partner (cooperative, cluster, seller, plant) or a unit; `path` is `/operator/partner/`."""

    code = models.SlugField(max_length=40, unique=True)
    path = models.CharField(max_length=200, unique=True)
    parent = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="children")
    kind = models.CharField(max_length=20, choices=[(k, k) for k in ("operator", "partner", "unit")])
    name = models.CharField(max_length=200)
    street = models.CharField(max_length=200, blank=True)
    post_code = models.CharField(max_length=10, blank=True)
    town = models.CharField(max_length=100, blank=True)
    nip = models.CharField(max_length=10, blank=True)
    krs = models.CharField(max_length=10, blank=True)
    account_mask = models.CharField(max_length=26, blank=True)

    objects = OrganisationQuerySet.as_manager()

    class Meta:
        ordering = ("path",)

    def __str__(self) -> str:
        return self.code


class MemberQuerySet(VisibleQuerySet["Member"]):
    """Members of the organisations below a path; a member sees itself."""

    organisation_lookup = "organisation__path"
    member_lookup = "number"


class Member(models.Model):
    """A person or firm that an organisation settles with."""

    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="members")
    number = models.CharField(max_length=20, unique=True)
    name = models.CharField(max_length=200)
    kind = models.CharField(max_length=20)
    street = models.CharField(max_length=200, blank=True)
    post_code = models.CharField(max_length=10, blank=True)
    town = models.CharField(max_length=100, blank=True)
    nip = models.CharField(max_length=10, blank=True)

    objects = MemberQuerySet.as_manager()

    class Meta:
        ordering = ("number",)

    def __str__(self) -> str:
        return self.number
