"""Say that a metering point is a storage, with what terms and since when; and that it is none any more."""

from dataclasses import dataclass
from datetime import date

from django.db import transaction

from ogniwo.core.balancing.provenance import StorageTerms
from ogniwo.core.kernel.calendar import Month
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.records.metering.models import MeteringPoint
from ogniwo.records.parties.models import Organisation
from ogniwo.records.storage.models import StorageDeclaration
from ogniwo.records.visibility import Subject
from ogniwo.services.workspace.audit import acting, record_act
from ogniwo.services.workspace.changing import changing
from ogniwo.services.workspace.model import Workspace


class StoragePointNotFoundError(Refusal):
    """The community has no such metering point."""

    code = "storage.point_not_found"


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageView:
    """A storage as it is declared from a day on, with the member whose point it is."""

    point: str
    member: str
    name: str
    valid_from: date
    storing: bool
    efficiency_permille: int
    capacity_wh: int


def declare_storage(
    workspace: Workspace, *, community: Organisation, terms: StorageTerms, since: Month, subject: Subject
) -> StorageView:
    """Make a point of the community a storage with these terms from a month on; a later row for the month corrects it.

    Raises StoragePointNotFoundError, and BusyError while another use-case changes the workspace.
    """
    return _declared(workspace, community, terms, since, storing=True, subject=subject)


def end_storage(
    workspace: Workspace, *, community: Organisation, point: str, since: Month, subject: Subject
) -> StorageView:
    """Say that a point is no storage from a month on; what its lots still hold is carried and no longer followed.

    Raises StoragePointNotFoundError, also for a point that is no storage before that month.
    """
    before = {one.point: one for one in storages_on(community=community, month=since, subject=subject)}.get(point)
    if before is None:
        raise StoragePointNotFoundError(detail=f"{point} is no storage of {community.code} in {since}")
    terms = StorageTerms(point=point, efficiency_permille=before.efficiency_permille, capacity_wh=before.capacity_wh)
    return _declared(workspace, community, terms, since, storing=False, subject=subject)


def _declared(
    workspace: Workspace, community: Organisation, terms: StorageTerms, since: Month, *, storing: bool, subject: Subject
) -> StorageView:
    with changing(workspace, f"storage declare {terms.point}"), transaction.atomic():
        point = (
            MeteringPoint.objects.all()
            .visible_to(subject)
            .filter(organisation=community, code=terms.point)
            .select_related("member")
            .first()
        )
        if point is None:
            raise StoragePointNotFoundError(detail=f"{community.code} has no metering point {terms.point}")
        row = StorageDeclaration.objects.create(
            point=point,
            valid_from=since.first,
            storing=storing,
            efficiency_permille=terms.efficiency_permille,
            capacity_wh=terms.capacity_wh,
            declared_at=workspace.now(),
            declared_by=acting(),
        )
        record_act(
            workspace,
            action="storage.declare",
            target=f"{community.code} {terms.point}",
            facts={
                "from": str(since),
                "storing": storing,
                "efficiency_permille": terms.efficiency_permille,
                "capacity_wh": terms.capacity_wh,
            },
        )
    return _view(row)


def storages_on(*, community: Organisation, month: Month, subject: Subject) -> tuple[StorageView, ...]:
    """The storages of a community in a month, by point, as far as the subject sees their points."""
    rows = (
        StorageDeclaration.objects.all()
        .visible_to(subject)
        .filter(point__organisation=community, valid_from__lte=month.first)
        .select_related("point__member")
        .order_by("point__code", "valid_from", "id")
    )
    newest = {row.point.code: row for row in rows}
    return tuple(_view(row) for row in newest.values() if row.storing)


def declarations_of(*, community: Organisation, subject: Subject) -> tuple[StorageView, ...]:
    """Everything that was declared, by point, month and time."""
    rows = StorageDeclaration.objects.all().visible_to(subject).filter(point__organisation=community)
    return tuple(_view(row) for row in rows.select_related("point__member"))


def _view(row: StorageDeclaration) -> StorageView:
    return StorageView(
        point=row.point.code,
        member=row.point.member.number,
        name=row.point.member.name,
        valid_from=row.valid_from,
        storing=row.storing,
        efficiency_permille=row.efficiency_permille,
        capacity_wh=row.capacity_wh,
    )
