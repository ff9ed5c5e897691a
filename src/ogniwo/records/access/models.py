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


class Door(models.Model):
    """Whether people may ask an organisation for an account by themselves; without a row they may not."""

    organisation = models.OneToOneField(Organisation, on_delete=models.PROTECT, related_name="door")
    opened = models.BooleanField(default=False)

    def __str__(self) -> str:
        return f"{self.organisation} {'open' if self.opened else 'closed'}"


OUTCOMES = ("approved", "refused")


class Application(models.Model):
    """Somebody asks for an account: what he claims, and what became of it. It gives nothing by itself.

    `password` is the hash of what he chose, kept until it is decided; `digest` is the SHA-256 of the secret in the
    letter that proves the e-mail address his. `user` is who asked when he was signed in, and who got in.
    """

    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="applications")
    name = models.CharField(max_length=200)
    email = models.EmailField(max_length=150)
    claim = models.CharField(max_length=40)
    password = models.CharField(max_length=200, blank=True)
    digest = models.CharField(max_length=64, unique=True)
    made_at = models.DateTimeField()
    confirmed_at = models.DateTimeField(null=True, blank=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT)
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.CharField(max_length=150, blank=True)
    outcome = models.CharField(max_length=10, blank=True, choices=[(word, word) for word in OUTCOMES])
    reason = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering = ("made_at", "id")

    def __str__(self) -> str:
        return f"{self.claim} in {self.organisation}"


class CacheEntry(models.Model):
    """What the processes of one installation remember together for a while: how often somebody tried to sign in.

    The columns are those of Django's database cache, which reads and writes them without this class.
    """

    cache_key = models.CharField(max_length=255, primary_key=True)
    value = models.TextField()
    expires = models.DateTimeField(db_index=True)

    class Meta:
        db_table = "access_cache"

    def __str__(self) -> str:
        return self.cache_key


class PageLook(models.Model):
    """How a user wants his pages, on whichever device: the size of the text, strong contrast."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="page_look")
    size = models.CharField(max_length=8, blank=True)
    contrast = models.BooleanField(default=False)

    class Meta:
        ordering = ("user",)

    def __str__(self) -> str:
        return f"{self.user} {self.size} {self.contrast}"
