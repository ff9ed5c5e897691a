"""Grants and invitations: which user has which role in which organisation, and who let him in."""

from django.conf import settings
from django.db import models

from ogniwo.records.parties.models import Member, Organisation

ROLES = ("operator", "partner", "clerk", "auditor", "member")


class Grant(models.Model):
    """A role of a user in an organisation and everything below it; for a member it names the member.

    A grant is never changed: it ends, and another one begins.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="grants")
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="grants")
    role = models.CharField(max_length=20, choices=[(role, role) for role in ROLES])
    member = models.ForeignKey(Member, null=True, blank=True, on_delete=models.PROTECT, related_name="grants")
    given_by = models.CharField(max_length=150)
    given_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("organisation__path", "role", "id")
        constraints = (
            models.UniqueConstraint(
                fields=("user", "organisation", "role", "member"),
                condition=models.Q(ended_at__isnull=True),
                nulls_distinct=False,
                name="one_open_grant",
            ),
            models.CheckConstraint(
                condition=models.Q(role="member", member__isnull=False)
                | (~models.Q(role="member") & models.Q(member=None)),
                name="members_and_only_they_name_a_member",
            ),
        )

    def __str__(self) -> str:
        return f"{self.user} {self.role} {self.organisation}"


class Invitation(models.Model):
    """An open door for one person: a link that gives one role once, until it expires.

    Only the SHA-256 of the secret in the link is kept.
    """

    digest = models.CharField(max_length=64, unique=True)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="invitations")
    role = models.CharField(max_length=20, choices=[(role, role) for role in ROLES])
    member = models.ForeignKey(Member, null=True, blank=True, on_delete=models.PROTECT, related_name="invitations")
    made_by = models.CharField(max_length=150)
    made_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)
    used_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT)
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-made_at", "-id")

    def __str__(self) -> str:
        return f"{self.role} in {self.organisation}"


class ApiKey(models.Model):
    """A key of an organisation for its own programs: a role narrowed by scopes.

    Only the SHA-256 of the secret is kept. `used_at` is written once in ten minutes at most.
    """

    digest = models.CharField(max_length=64, unique=True)
    name = models.CharField(max_length=100)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="api_keys")
    role = models.CharField(max_length=20, choices=[(role, role) for role in ROLES], default="auditor")
    scopes = models.JSONField(default=list)
    made_by = models.CharField(max_length=150)
    made_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("organisation__path", "name", "id")

    def __str__(self) -> str:
        return self.name
