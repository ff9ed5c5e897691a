"""Other installations: a real one, served by its own process, gives its intervals; what lies or is gone is named."""

import json
import subprocess
import sys
import threading
from contextlib import contextmanager
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from django.test import override_settings
from django.urls import reverse

from browsing import serving
from ogniwo.core.kernel.calendar import Month
from ogniwo.records.audit.models import AuditEvent
from ogniwo.records.exchange.models import Site, SitePull
from ogniwo.records.metering.models import MeteringPoint, SourceFile
from ogniwo.records.visibility import Subject
from ogniwo.services.access.api_keys import make_key_on_machine
from ogniwo.services.access.roles import Role
from ogniwo.services.access.scopes import Scope
from ogniwo.services.demo.sample import COMMUNITY_CODE, MONTH, POINTS
from ogniwo.services.exchange.sites import (
    BadSiteError,
    SiteNotFoundError,
    SiteUnreachableError,
    add_site,
    due_months,
    pull_month,
    pulls_of,
    remove_site,
    sites_of,
)
from ogniwo.services.workspace.queries import operator_subject

OWN = Subject(f"/platforma/{COMMUNITY_CODE}/")
ELSEWHERE = Subject("/platforma/inna/")


@pytest.fixture
def private():
    with override_settings(SITES_IN_PRIVATE=True):
        yield


@pytest.fixture
def at_empty(copy_of):
    """The centre: the same points registered, nothing imported. Django serves it from then on."""
    return lambda: copy_of("registered")


def key_of(workspace, *, scopes=frozenset({Scope.METERING_READ}), role=Role.AUDITOR):
    secret, _ = make_key_on_machine(workspace, code=COMMUNITY_CODE, name="centre", role=role, scopes=scopes, by="test")
    return secret


def added(workspace, address, key, *, name="plant", **more):
    return add_site(workspace, code=COMMUNITY_CODE, subject=OWN, name=name, address=address, key=key, by="anna", **more)


def asked(workspace, site, month=MONTH):
    return pull_month(workspace, site_id=site.site_id, subject=OWN, month=month)


def values(workspace):
    """All that is stored of the month: energy and quality by point and channel."""
    found = {}
    for point, channel, _ in workspace.series.keys(month=MONTH):
        one = workspace.series.read(point=point, channel=channel, month=MONTH)
        found[point, channel] = one.grid.slot_s, one.wh.tolist(), one.quality.tolist()
    return found


@pytest.mark.usefixtures("private")
def test_a_month_comes_whole_once_and_again_where_it_was_corrected(copy_of, at_empty):
    plant = copy_of("closed")
    theirs, key = values(plant), key_of(plant)
    with serving(plant) as address:
        centre = at_empty()
        site = added(centre, f"{address}/", key)
        assert (site.code, site.address) == (COMMUNITY_CODE, address)
        first = asked(centre, site)
        assert (first.points, first.unknown_points, first.problem) == (len(POINTS), (), "")
        assert values(centre) == theirs
        assert first.cells == len(theirs)
        assert set(SourceFile.objects.values_list("layout", flat=True)) == {"ogniwo-intervals"}
        again = asked(centre, site)
        assert (again.files, again.changed_files, again.cells) == (first.files, 0, 0)
        _corrected(plant)
        after = asked(centre, site)
        assert (after.changed_files, after.cells) == (1, 1)
        series = centre.series.read(point=POINTS[0].code, channel="1.29.0", month=MONTH)
        assert int(series.wh[0]) == 4_321
        assert np.count_nonzero(series.wh != theirs[POINTS[0].code, "1.29.0"][1]) == 1
    gone = asked(centre, site)
    assert "no answer" in gone.problem
    assert gone.problem_code == "site.unreachable"
    assert [one.problem != "" for one in pulls_of(site.site_id, subject=OWN)] == [True, False, False, False]


def _corrected(plant):
    """Import a corrected quarter-hour there, by the command, as the people there would."""
    file = plant.root.parent / "correction.csv"
    file.write_text(
        "PPE;OBIS;Początek;Wartość;Jednostka;Status\n"
        f"{POINTS[0].code};1.29.0;2026-10-01T00:00+02:00;4321;Wh;skorygowane\n"
        f"{POINTS[0].code};1.29.0;2026-10-01T01:00+02:00;;Wh;brak\n",
        encoding="utf-8",
    )
    series = plant.series.read(point=POINTS[0].code, channel="1.29.0", month=MONTH)
    if series.grid.slot_s == 900:
        file.write_text(file.read_text("utf-8").replace("T01:00", "T00:15"), encoding="utf-8")
    command = [sys.executable, "-m", "ogniwo", "-w", str(plant.root), "import", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode in {0, 3}, done.stderr


@pytest.mark.usefixtures("private")
def test_points_that_only_the_site_has_are_named_and_not_made(copy_of, at_empty):
    plant = copy_of("closed")
    key = key_of(plant)
    with serving(plant) as address:
        centre = at_empty()
        MeteringPoint.objects.filter(code=POINTS[0].code).update(code="590999772600099999")
        found = asked(centre, added(centre, address, key))
    assert (found.points, found.unknown_points) == (len(POINTS) - 1, (POINTS[0].code,))
    assert POINTS[0].code not in {point for point, _, _ in centre.series.keys(month=MONTH)}


@pytest.mark.usefixtures("private")
def test_a_key_has_to_be_a_programs_that_reads_metering(copy_of, at_empty):
    plant = copy_of("closed")
    bills = key_of(plant, scopes={Scope.BILLS_READ}, role=Role.CLERK)
    key = key_of(plant)
    with serving(plant) as address:
        centre = at_empty()
        for secret, why, error in (
            ("ogniwo_" + "x" * 40, "answers 401", SiteUnreachableError),
            (bills, "metering:read", BadSiteError),
        ):
            with pytest.raises(error, match=why):
                added(centre, address, secret)
        with pytest.raises(BadSiteError, match="does not stand for"):
            added(centre, address, key, remote="inna")
        added(centre, address, key)
        with pytest.raises(BadSiteError, match="already"):
            added(centre, address, key)
    assert Site.objects.count() == 1


@pytest.mark.parametrize("address", ["http://127.0.0.1:9", "https://127.0.0.1", "https://localhost", "ftp://a.example"])
def test_the_own_network_is_out_of_reach_unless_allowed(site, address):
    with pytest.raises(BadSiteError):
        added(site, address, "k" * 40)
    assert Site.objects.count() == 0


@contextmanager
def telling(answers):
    """A server that answers a path as it is told: (status, media type, body)."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            status, kind, body = answers[self.path.partition("?")[0]]
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args):
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


ME = {"scopes": ["metering:read"], "standings": [{"organisation": "huta", "acts": ["see_metering"]}]}
POINT_LIST = "/api/v1/organisations/huta/points"
INTERVALS = "/api/v1/organisations/huta/intervals"
HEAD = "ppe,channel,start,seconds,energy,unit,quality,version\r\n"


def answer(document, status=200, kind="application/json"):
    return status, kind, document.encode() if isinstance(document, str) else json.dumps(document).encode()


def one_point(following=None):
    return answer({"items": [{"ppe": POINTS[0].code}], "next": following})


@pytest.mark.usefixtures("private")
@pytest.mark.parametrize(
    ("points", "intervals", "why"),
    [
        (answer({"code": "rate.limited"}, 429), None, "answers 429 rate.limited"),
        (answer("<html>", kind="text/html"), None, "answers text/html"),
        (answer({"items": "all"}), None, "no list of points"),
        (one_point(f"{POINT_LIST}?cursor=a"), None, "without an end"),
        (one_point(), answer("not,a,layout\r\n1,2,3\r\n", kind="text/csv"), "no known layout"),
        (
            one_point(),
            answer(f"{HEAD}{POINTS[0].code},1.29.0,2026-10-01T00:00:00Z,900,-,Wh,measured,1\r\n", kind="text/csv"),
            "row 2",
        ),
        (one_point(), answer(HEAD, kind="text/csv"), ""),
    ],
    ids=["too-often", "a-page", "no-list", "endless", "no-layout", "no-number", "nothing-there"],
)
def test_what_lies_or_fails_is_named_and_nothing_is_stored(at_empty, points, intervals, why):
    centre = at_empty()
    with telling({"/api/v1/me": answer(ME), POINT_LIST: points, INTERVALS: intervals}) as address:
        found = asked(centre, added(centre, address, "k" * 40))
    assert why in found.problem
    assert bool(found.problem) is bool(found.problem_code) is bool(why)
    assert values(centre) == {}
    assert SitePull.objects.get().problem == found.problem


def test_months_that_are_due():
    assert due_months(date(2026, 11, 11)) == (Month(2026, 11),)
    assert due_months(date(2026, 1, 10)) == (Month(2025, 12), Month(2026, 1))


@pytest.mark.usefixtures("private")
def test_on_the_page_who_may_adds_asks_and_removes(copy_of, at_empty, sign_in, drain):
    plant = copy_of("closed")
    key = key_of(plant)
    here = reverse("sites", kwargs={"code": COMMUNITY_CODE})
    with serving(plant) as address:
        centre = at_empty()
        partner, clerk, auditor = (sign_in(centre, role) for role in (Role.PARTNER, Role.CLERK, Role.AUDITOR))
        form = {"name": "plant", "address": address, "key": key}
        new, pull = (reverse(name, kwargs={"code": COMMUNITY_CODE}) for name in ("site_new", "sites_pull"))
        assert clerk.post(new, form).status_code == 403
        wrong = partner.post(new, form | {"key": "ogniwo_wrong-key"})
        assert (wrong.status_code, b"site.unreachable" in wrong.content) == (422, True)
        assert b"ogniwo_wrong-key" not in wrong.content
        assert partner.post(new, form).headers["location"] == here
        assert auditor.post(pull).status_code == 403
        asking = clerk.post(pull)
        drain(centre)
        page = clerk.get(asking.headers["location"]).content.decode()
    pulls = pulls_of(Site.objects.get().pk, subject=OWN)
    assert [one.month for one in pulls] == ["2026-11", "2026-10"]
    assert (
        f"{pulls[1].cells} series of a month are new or corrected"
        in auditor.get(
            reverse("site", kwargs={"code": COMMUNITY_CODE, "site_id": Site.objects.get().pk})
        ).content.decode()
    )
    assert key not in page
    assert 'name="key"' not in page
    remove = reverse("site_remove", kwargs={"code": COMMUNITY_CODE, "site_id": Site.objects.get().pk})
    assert clerk.post(remove).status_code == 403
    partner.post(remove)
    assert (Site.objects.get().key, sites_of(subject=operator_subject())) == ("", ())
    assert list(AuditEvent.objects.filter(action__startswith="site.").values_list("action", flat=True)) == [
        "site.add",
        "site.remove",
    ]


@pytest.mark.usefixtures("private")
def test_sites_of_others_are_out_of_sight(at_empty):
    centre = at_empty()
    with telling({"/api/v1/me": answer(ME)}) as address:
        site = added(centre, address, "k" * 40)
    assert sites_of(subject=ELSEWHERE) == ()
    for act in (
        lambda: pull_month(centre, site_id=site.site_id, subject=ELSEWHERE, month=MONTH),
        lambda: remove_site(centre, site_id=site.site_id, subject=ELSEWHERE, by="x"),
        lambda: pulls_of(site.site_id, subject=ELSEWHERE),
    ):
        with pytest.raises(SiteNotFoundError):
            act()
