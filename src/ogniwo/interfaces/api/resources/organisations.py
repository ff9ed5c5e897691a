"""Organisations in their tree."""

from typing import Annotated, Any, Final

from ninja import Query, Schema

from ogniwo.interfaces.api.paging import Page, Paged, Sorting, page_of
from ogniwo.interfaces.api.registry import ApiRequest, operation
from ogniwo.services.access.roles import Act
from ogniwo.services.access.scopes import Scope
from ogniwo.services.access.viewers import organisations_of
from ogniwo.services.workspace.queries import Organisation, organisation


class OrganisationOut(Schema):
    """An operator, a partner or a unit; `parent` is the code of the organisation above, null at the top."""

    code: str
    name: str
    kind: str
    parent: str | None
    depth: int
    town: str
    nip: str
    krs: str


class OrganisationPage(Page[OrganisationOut]):
    """Organisations by their place in the tree."""


_SORTS: Final = Sorting[Organisation](
    code=lambda one: one.code, name=lambda one: one.name, kind=lambda one: one.kind, town=lambda one: one.town
)


class AskedOrganisations(Paged):
    """In what order."""

    sort: Annotated[str, _SORTS] = ""


def _out(one: Organisation) -> OrganisationOut:
    steps = one.path.strip("/").split("/")
    return OrganisationOut(
        code=one.code,
        name=one.name,
        kind=one.kind,
        parent=steps[-2] if len(steps) > 1 else None,
        depth=len(steps),
        town=one.town,
        nip=one.nip,
        krs=one.krs,
    )


@operation("GET", "/organisations", answer=OrganisationPage, act=Act.SEE_ORGANISATION, scope=Scope.ORGANISATIONS_READ)
def list_organisations(request: ApiRequest, asked: Query[AskedOrganisations]) -> dict[str, Any]:
    """The organisations that the caller works in, and those below them."""
    return page_of(
        request,
        organisations_of(request.caller.viewer),
        paged=asked,
        key=lambda one: (one.path,),
        shape=_out,
        order=_SORTS.by(asked.sort),
    )


@operation(
    "GET",
    "/organisations/{code}",
    answer=OrganisationOut,
    act=Act.SEE_ORGANISATION,
    scope=Scope.ORGANISATIONS_READ,
    versioned=True,
)
def get_organisation(request: ApiRequest, code: str) -> OrganisationOut:
    """One organisation."""
    return _out(organisation(code=code, subject=request.caller.subject))
