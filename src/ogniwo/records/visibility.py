"""Who may see a row: one function per model, all built on the same path of organisations.

An operator sees everything below it, a partner its own organisation and units, a member only what is its own. Whoever
asks is a `Subject`; interfaces never build such a filter by hand (a lint bans `.objects` there).
"""

from dataclasses import dataclass
from typing import Self, TypeVar

from django.db import models


@dataclass(frozen=True, slots=True)
class Subject:
    """Who asks: the path of the organisation whose subtree is visible, and the member number when it is a member.

    `path` is like `/operator/partner/`; an operator's subject has the root path `/`.
    """

    path: str
    member_number: str = ""

    @classmethod
    def operator(cls) -> Self:
        """The operator of the installation: sees every row."""
        return cls("/")


Row = TypeVar("Row", bound=models.Model)


class VisibleQuerySet(models.QuerySet[Row]):
    """A queryset that can be narrowed to what a subject may see.

    `organisation_lookup` and `member_lookup` are lookups from the model to the organisation's path and the member's
    number, set by each model; an empty member lookup means that members see no such row.
    """

    organisation_lookup = ""
    member_lookup = ""

    def visible_to(self, subject: Subject) -> Self:
        """Only the rows that the subject may see."""
        rows = self.filter(**{f"{self.organisation_lookup}__startswith": subject.path})
        if not subject.member_number:
            return rows
        return rows.filter(**{self.member_lookup: subject.member_number}) if self.member_lookup else rows.none()
