"""Read the accounts of storages: a month as a whole, a member's part, and the hours behind it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from ogniwo.core.kernel.calendar import Month
from ogniwo.core.kernel.findings import Finding
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.posting.storage import member_part, movement_lines
from ogniwo.records.parties.models import Organisation
from ogniwo.records.storage.models import StorageMonth
from ogniwo.records.visibility import Subject
from ogniwo.services.storage.tracing import again, json_of


class StorageMonthNotFoundError(Refusal):
    """There is no such account of the storages of a month, or the subject sees nothing of it."""

    code = "storage.not_found"


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageMonthView:
    """A kept account: the document `ogniwo.storage/1` (docs/storage.md), its SHA-256, and its findings."""

    document: Mapping[str, Any]
    digest: str
    made_at: datetime
    versions: int
    findings: tuple[Finding, ...]


def storage_month(*, community: Organisation, month: Month, subject: Subject, version: int = 0) -> StorageMonthView:
    """The account of a month, the newest when `version` is 0, for who runs the community.

    Raises StorageMonthNotFoundError.
    """
    row = _row(community, month, subject, version)
    return StorageMonthView(
        document=json_of(row),
        digest=row.digest,
        made_at=row.made_at,
        versions=community.storage_months.filter(month=str(month)).count(),
        findings=tuple(msgspec.convert(row.findings, list[Finding])),
    )


def storage_part(
    *, community: Organisation, month: Month, member: str, subject: Subject, version: int = 0
) -> dict[str, Any]:
    """A member's part of a month's account, `ogniwo.storage-part/1`; a member gets his own only.

    Raises StorageMonthNotFoundError, also when storages do not concern the member in that month.
    """
    if subject.member_number not in {"", member}:
        raise _not_found(community, month, version)
    runner = Subject(subject.path)
    part = member_part(json_of(_row(community, month, runner, version)), member=member)
    if part is None:
        raise StorageMonthNotFoundError(detail=f"the storages of {month} do not concern member {member}")
    return part


def storage_hours(*, community: Organisation, month: Month, subject: Subject, version: int = 0) -> Iterator[str]:
    """What each storage did in each hour by source, as CSV whose SHA-256 the document names.

    Raises StorageMonthNotFoundError.
    """
    _, found = again(_row(community, month, subject, version))
    return movement_lines(found.movements)


def _row(community: Organisation, month: Month, subject: Subject, version: int) -> StorageMonth:
    rows = StorageMonth.objects.all().visible_to(subject).filter(community=community, month=str(month))
    row = (rows.filter(version=version) if version else rows.order_by("-version")).first()
    if row is None:
        raise _not_found(community, month, version)
    return row


def _not_found(community: Organisation, month: Month, version: int) -> StorageMonthNotFoundError:
    wanted = f" version {version}" if version else ""
    return StorageMonthNotFoundError(
        detail=f"{community.code} has no account of its storages in {month}{wanted}; "
        f"`ogniwo storage trace {month}` makes one"
    )
