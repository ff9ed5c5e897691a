"""Sites: other installations that an organisation takes meter data from, month by month, over their API.

A plant, a tenant, a partner runs Ogniwo of its own; the central one asks it for the intervals of the points that both
have registered and imports what comes like any other file: the bytes are kept, the values are checked, what is
corrected there becomes a new version here, and what did not change changes nothing. Points are registered in each
installation by itself; those that only the site has are named, not made.
"""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote, urlencode

from django.conf import settings
from django.db import transaction

from ogniwo.core.kernel.calendar import Month
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.gateways.outward import Answer, address_problem, ask
from ogniwo.records.exchange.models import Site, SitePull
from ogniwo.records.metering.models import MeteringPoint
from ogniwo.records.visibility import Subject
from ogniwo.services.access.roles import Act
from ogniwo.services.metering.importing import ImportOptions, import_files
from ogniwo.services.workspace.audit import record_act
from ogniwo.services.workspace.model import Workspace
from ogniwo.services.workspace.queries import organisation

_API: Final = "/api/v1"
_SHOWN: Final = 500
"""Points of the site alone that are named; a list, not a register."""

_LAYOUT: Final = "ogniwo-intervals"
_AT_ONCE: Final = 25
"""Points of one request: a month of them in both directions is some 14 MB."""

_FILE_BYTES_MAX: Final = 64_000_000
_LIST_BYTES_MAX: Final = 4_000_000
_POINTS_MAX: Final = 100_000
_TIMEOUT_S: Final = 60.0
_UNTIL_DAY: Final = 10
"""Until this day of a month the month before is asked for too: the last of it arrive and are corrected then."""

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,39}\Z")
_KEY: Final = re.compile(r"[!-~]{8,200}\Z")
_NEEDED: Final = ("metering:read",)


class BadSiteError(Refusal):
    """A site cannot be added as it was described: its name, its address, or what the key may do there."""

    code = "site.bad_request"


class SiteNotFoundError(Refusal):
    """There is no such site, or the subject may not see it."""

    code = "site.not_found"


class SiteUnreachableError(Refusal):
    """A site does not answer, or answers what is no answer of the API."""

    code = "site.unreachable"


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteView:
    """A site as it is shown, without its key; `code` is the organisation there, `last` what was asked of it last."""

    site_id: int
    organisation: str
    name: str
    address: str
    code: str
    added_by: str
    added_at: datetime
    last: "PullView | None"


@dataclass(frozen=True, slots=True, kw_only=True)
class PullView:
    """What a month of a site gave: points of both, points of the site alone, files, cells stored anew, or a problem."""

    month: str
    at: datetime
    points: int
    unknown_points: tuple[str, ...]
    files: int
    changed_files: int
    cells: int
    problem: str
    problem_code: str


def private_allowed() -> bool:
    """Whether a site may lie in the own network (OGNIWO_SITES_IN_PRIVATE=1): plants behind a private line."""
    return bool(getattr(settings, "SITES_IN_PRIVATE", False))


def add_site(
    workspace: Workspace, *, code: str, subject: Subject, name: str, address: str, key: str, by: str, remote: str = ""
) -> SiteView:
    """Take meter data of an organisation from another installation, after asking it what the key may do there.

    `remote` is the organisation's code there; it may be left out where the key stands for one alone. Raises
    OrganisationNotFoundError, BadSiteError, SiteUnreachableError.
    """
    owner = organisation(code=code, subject=subject)
    place = address.strip().rstrip("/")
    if not _NAME.match(name):
        raise BadSiteError(detail=f"{name[:60]!r} is no name: small letters, digits and hyphens, at most 40")
    problem = address_problem(place, private=private_allowed()) or ("" if _KEY.match(key) else "this is no key")
    if problem:
        raise BadSiteError(detail=problem)
    there = _organisation_there(place, key, remote)
    with transaction.atomic():
        if Site.objects.filter(organisation=owner, name=name, removed_at=None).exists():
            raise BadSiteError(detail=f"{code} has a site {name} already")
        row = Site.objects.create(
            organisation=owner,
            name=name,
            address=place,
            code=there,
            key=key,
            added_by=by,
            added_at=workspace.now(),
        )
        facts = {"site": name, "address": place, "organisation": there}
        record_act(workspace, action="site.add", target=code, facts=facts, subject=by)
    return _view(row)


def remove_site(workspace: Workspace, *, site_id: int, subject: Subject, by: str) -> None:
    """Ask a site no more and forget its key; what it gave stays. Raises SiteNotFoundError."""
    with transaction.atomic():
        row = _row(site_id, subject)
        row.removed_at, row.key = workspace.now(), ""
        row.save(update_fields=["removed_at", "key"])
        facts = {"site": row.name, "address": row.address}
        record_act(workspace, action="site.remove", target=row.organisation.code, facts=facts, subject=by)


def sites_of(*, subject: Subject) -> tuple[SiteView, ...]:
    """The sites that the subject sees, each with what it gave last."""
    rows = Site.objects.all().visible_to(subject).filter(removed_at=None).select_related("organisation")
    return tuple(_view(row) for row in rows)


def pulls_of(site_id: int, *, subject: Subject, limit: int = 50) -> tuple[PullView, ...]:
    """What a site gave, newest first. Raises SiteNotFoundError."""
    return tuple(_pull_view(one) for one in _row(site_id, subject).pulls.all()[:limit])


def due_months(today: date) -> tuple[Month, ...]:
    """The months asked for on a local day when none is named: this one, and at its beginning the one before."""
    month = Month(today.year, today.month)
    return (month.shifted(-1), month) if today.day <= _UNTIL_DAY else (month,)


def pull_month(
    workspace: Workspace,
    *,
    site_id: int,
    subject: Subject,
    month: Month,
    tell: Callable[[int, int], None] = lambda _done, _total: None,
) -> PullView:
    """Ask a site for a month of every point that is registered on both sides, and import what comes.

    What was imported before the problem stays; the same month may be asked for again at any time. `tell` is given how
    many points are done. Raises SiteNotFoundError, and BusyError where another use-case changes the workspace.
    """
    row = _row(site_id, subject)
    pull = SitePull(site=row, month=str(month), at=workspace.now())
    try:
        theirs = _points_there(row)
        ours = set(MeteringPoint.objects.filter(organisation=row.organisation).values_list("code", flat=True))
        both = sorted(theirs & ours)
        pull.points, pull.unknown_points = len(both), sorted(theirs - ours)[:_SHOWN]
        for start in range(0, len(both), _AT_ONCE):
            tell(start, len(both))
            part = both[start : start + _AT_ONCE]
            name = f"{row.name}-{month}-{start // _AT_ONCE + 1:03d}.csv"
            _import(workspace, row, pull, (name, _intervals_there(row, month, part)))
    except SiteUnreachableError as refusal:
        pull.problem, pull.problem_code = refusal.detail[:500], refusal.code
    pull.save()
    return _pull_view(pull)


def _import(workspace: Workspace, row: Site, pull: SitePull, file: tuple[str, bytes]) -> None:
    if file[1].count(b"\n") <= 1:
        return  # the heading alone: nothing is there of these points in the month
    (found,) = import_files(
        workspace, organisation=row.organisation, files=[file], options=ImportOptions(layout=_LAYOUT)
    )
    pull.files += 1
    pull.changed_files += found.state == "imported" and found.cells_stored > 0
    pull.cells += found.cells_stored
    if found.state == "refused" and not pull.problem:
        pull.problem, pull.problem_code = found.reason.removesuffix(f" [{found.code}]")[:500], found.code


def _organisation_there(address: str, key: str, wanted: str) -> str:
    """The organisation that the key stands for there, after looking whether it may read its metering."""
    me = _document(_ask(f"{address}{_API}/me", key, bytes_max=_LIST_BYTES_MAX))
    try:
        scopes, standings = me["scopes"], {one["organisation"]: one["acts"] for one in me["standings"]}
    except (KeyError, TypeError) as error:
        raise SiteUnreachableError(detail=f"{address} answers what is no answer of the API") from error
    if not wanted and len(standings) != 1:
        raise BadSiteError(detail=f"the key stands for {len(standings)} organisations there; name one of them")
    there = str(wanted or next(iter(standings)))
    if there not in standings:
        raise BadSiteError(detail=f"the key does not stand for {there!r} there")
    if scopes is None or not set(_NEEDED) <= set(scopes) or Act.SEE_METERING.value not in standings[there]:
        raise BadSiteError(detail="the key has to be a program's, with the scope metering:read")
    return there


def _points_there(row: Site) -> set[str]:
    found: set[str] = set()
    address = f"{row.address}{_API}/organisations/{quote(row.code, safe='')}/points?limit=500"
    while address:
        page = _document(_ask(address, row.key, bytes_max=_LIST_BYTES_MAX))
        try:
            codes = {str(one["ppe"]) for one in page["items"]}
            following = page["next"] or ""
        except (KeyError, TypeError) as error:
            raise SiteUnreachableError(detail=f"{row.address} answers what is no list of points") from error
        if following and (not codes - found or not following.startswith("/") or len(found) > _POINTS_MAX):
            raise SiteUnreachableError(detail=f"{row.address} gives a list of points without an end")
        found |= codes
        address = f"{_origin(row.address)}{following}" if following else ""
    return found


def _intervals_there(row: Site, month: Month, points: Sequence[str]) -> bytes:
    query = urlencode([("month", str(month)), *(("point", one) for one in points)])
    address = f"{row.address}{_API}/organisations/{quote(row.code, safe='')}/intervals?{query}"
    return _ask(address, row.key, bytes_max=_FILE_BYTES_MAX, kind="text/csv").body


def _ask(address: str, key: str, *, bytes_max: int, kind: str = "application/json") -> Answer:
    headers = {"Authorization": f"Bearer {key}", "Accept": kind}
    answer = ask("GET", address, headers=headers, private=private_allowed(), bytes_max=bytes_max, timeout_s=_TIMEOUT_S)
    if answer.status != HTTPStatus.OK:
        raise SiteUnreachableError(detail=answer.problem or f"the site answers {answer.status}{_said(answer)}")
    if not answer.whole:
        raise SiteUnreachableError(detail=f"the site answers with more than {bytes_max} bytes")
    if not answer.kind.startswith(kind):
        raise SiteUnreachableError(detail=f"the site answers {answer.kind or 'without a media type'}, not {kind}")
    return answer


def _said(answer: Answer) -> str:
    """The code of a problem that the site named, so that whoever looks after it knows."""
    try:
        code = json.loads(answer.body)["code"]
    except (ValueError, KeyError, TypeError):
        return ""
    return f" {code}"[:80] if isinstance(code, str) and code.isascii() else ""


def _document(answer: Answer) -> dict[str, Any]:
    try:
        found = json.loads(answer.body)
    except ValueError as error:
        raise SiteUnreachableError(detail="the site answers what is no JSON") from error
    if not isinstance(found, dict):
        raise SiteUnreachableError(detail="the site answers what is no answer of the API")
    return found


def _origin(address: str) -> str:
    scheme, _, rest = address.partition("://")
    return f"{scheme}://{rest.partition('/')[0]}"


def _row(site_id: int, subject: Subject) -> Site:
    rows = Site.objects.all().visible_to(subject).filter(removed_at=None).select_related("organisation")
    row = rows.filter(pk=site_id).first()
    if row is None:
        raise SiteNotFoundError(detail=f"there is no site {site_id}")
    return row


def _view(row: Site) -> SiteView:
    last = row.pulls.first()
    return SiteView(
        site_id=row.pk,
        organisation=row.organisation.code,
        name=row.name,
        address=row.address,
        code=row.code,
        added_by=row.added_by,
        added_at=row.added_at,
        last=None if last is None else _pull_view(last),
    )


def _pull_view(row: SitePull) -> PullView:
    return PullView(
        month=row.month,
        at=row.at,
        points=row.points,
        unknown_points=tuple(row.unknown_points),
        files=row.files,
        changed_files=row.changed_files,
        cells=row.cells,
        problem=row.problem,
        problem_code=row.problem_code,
    )
