"""Every page of the console in Chromium, in Polish and English, on a phone and a desk: nothing for axe to find."""

from importlib import import_module

import pytest
from django.conf import settings
from watched import at, check, put, watch

from browsing import LOOKED_AT, browse, faults, page_of, serving, tabbed_to
from media_meters import gas_meter
from ogniwo.core.balancing.provenance import StorageTerms
from ogniwo.interfaces.web.registry import PAGES
from ogniwo.records.exchange.models import Site, SitePull
from ogniwo.records.parties.models import Organisation
from ogniwo.services.access.roles import Act, Role
from ogniwo.services.billing.access import listed_documents
from ogniwo.services.demo.sample import COMMUNITY_CODE, MONTH, POINTS
from ogniwo.services.jobs.asking import cancel_job, start_job
from ogniwo.services.jobs.model import JobState
from ogniwo.services.jobs.queries import job_of
from ogniwo.services.jobs.worker import work
from ogniwo.services.ledger.exploring import Filters, journal
from ogniwo.services.ledger.queries import balances
from ogniwo.services.metering.balance import create_set
from ogniwo.services.metering.formulas import parse_formula
from ogniwo.services.metering.inbox import received_files
from ogniwo.services.metering.media.importing import look_at_states
from ogniwo.services.parties.member_import import look_at
from ogniwo.services.storage.declaring import declare_storage
from ogniwo.services.storage.tracing import trace_month
from ogniwo.services.workspace.queries import operator_subject, organisation

FILES = {
    "job_progress",
    "open_jobs",
    "job_file",
    "bill_pdf",
    "bill_receipt",
    "contract_evidence",
    "contract_pdf",
    "intervals_file",
    "ledger_journal_file",
    "ledger_proof",
    "member_errors",
    "member_template",
    "invitation_qr",
    "members_file",
    "log_file",
    "reading_photo",
    "media_reading_photo",
    "media_template",
    "wallet_manifest",
    "wallet_icon",
    "wallet_worker",
}
MEMBER_FILE = """number;name;point;role;meter
SE-001;Renamed;;;
SE-900;New member;590999772600009998;prosumer;
;Nobody;;;
"""
STATES_FILE = """serial;date;state
G-1;2026-11-02;1310
G-1;2026-11-03;5
G-1;2026-10-31;1300
"""
DATES = {"issue_date": "2026-11-06", "due_date": "2026-11-20"}
ELSEWHERE = {"home", "join", "confirm_address", "computing_set"}
"""Pages that lead elsewhere unless the address says more; a set with its name is among the choices below."""
WITH_CHOICES = (
    "jobs/?state=failed&kind=issue_bills",
    "members/?mode=bill",
    "intervals/?" + "&".join(f"point={one.code}" for one in POINTS[:12]) + "&kind=taken",
    f"intervals/?point={POINTS[0].code}&kind=taken&kind=netted_taken&kind=grid&day=2026-10-25&step=900",
    f"intervals/?point={POINTS[0].code}&kind=taken&kind=netted_taken&from=2026-09-20&to=2026-11-10&step=86400",
    "ledger/?at=2026-10-31&q=SE-01",
    "ledger/journal/?operation=post&from=2026-11-01",
    "tariffs/?group=B23&year=2026",
    f"tariffs/try/?point={POINTS[0].code}&month=2026-10",
    "balance/compare/?method=equal&sale=300",
    "balance/storages/?month=2026-09",
    f"formulas/?formula=%2B+{POINTS[0].code}+1.29.0&at=2026-10-25",
    "sets/?name=Hala+%26+magazyn",
    "period/?preview=1",
    "bills/?month=2026-09",
    "today/?month=2026-09",
)


@pytest.fixture
def served(copy_of, sign_in):
    """`ogniwo serve` over a workspace after the month: its address, the cookie of an operator, the pages to open."""
    workspace = copy_of("posted")
    operator = sign_in(workspace, Role.OPERATOR)
    create_set(
        workspace,
        organisation=organisation(code=COMMUNITY_CODE, subject=operator_subject()),
        subject=operator_subject(),
        name="Hala & magazyn",
        members=parse_formula(f"+ {POINTS[0].code} 1.29.0"),
    )
    _followed_storage(workspace)
    watch(at(workspace, 0), tell_member=True)
    put(at(workspace, 5), [1, 20, 1, 30, None, 31])
    check(at(workspace, 6))
    meter = gas_meter(workspace, member=POINTS[0].member_number)
    states = look_at_states(
        workspace,
        organisation=organisation(code=COMMUNITY_CODE, subject=operator_subject()),
        subject=operator_subject(),
        data=STATES_FILE.encode(),
        file_name="states.csv",
    )
    newest = journal(workspace, subject=operator_subject(), filters=Filters(operation="post"))
    values = {
        "number": {
            "member": POINTS[0].member_number,
            "member_edit": POINTS[0].member_number,
            "point_new": POINTS[0].member_number,
            "bill": listed_documents(subject=operator_subject())[0]["number"],
        },
        "ppe": POINTS[0].code,
        "sha256": received_files(subject=operator_subject())[0].sha256,
        "preview": {
            "member_preview": look_at(
                workspace,
                organisation=organisation(code=COMMUNITY_CODE, subject=operator_subject()),
                data=MEMBER_FILE.encode(),
                file_name="members.csv",
            ).key,
            "media_preview": states.key,
        },
        "meter_id": meter,
        "day": "2026-10-25",
        "account": balances(workspace, subject=operator_subject())[5].account,
        "name": newest.entries[0].transaction,
        "code": COMMUNITY_CODE,
        "job_id": _checked_ledger(workspace),
        "place": 13,
        "site_id": _asked_site(workspace),
    }
    with serving(workspace) as address:
        yield address, operator.cookies["sessionid"].value, _addresses(values)


def _followed_storage(workspace):
    """The account of a storage, which is a prosumer here: it gave more than it took, and that is said."""
    place = organisation(code=COMMUNITY_CODE, subject=operator_subject())
    point = next(one.code for one in POINTS if one.role == "prosumer")
    terms = StorageTerms(point=point, efficiency_permille=900)
    declare_storage(workspace, community=place, terms=terms, since=MONTH, subject=operator_subject())
    trace_month(workspace, community=place, month=MONTH)


def _asked_site(workspace):
    """The number of a site that gave a month but for a point and another time did not answer."""
    place = Organisation.objects.get(code=COMMUNITY_CODE)
    by, at = "anna", workspace.now()
    site = Site.objects.create(
        organisation=place,
        name="plant",
        address="https://plant.example",
        code="huta",
        key="k",
        added_by=by,
        added_at=at,
    )
    for problem, points, unknown in (("", 12, [POINTS[0].code]), ("no answer in 60 s", 0, [])):
        SitePull.objects.create(
            site=site, month="2026-10", at=at, points=points, unknown_points=unknown, files=1, cells=24, problem=problem
        )
    return site.pk


def _checked_ledger(workspace):
    """The id of a job that has run, beside one that was refused and one that was cancelled."""
    asked = {"organisation_code": COMMUNITY_CODE, "by": "anna"}
    refused = start_job(workspace, kind="issue_bills", parameters={"month": "2026-08", **DATES}, **asked)
    cancelled = start_job(workspace, kind="close_period", parameters={"month": "2026-08"}, **asked)
    cancel_job(workspace, job_id=cancelled.id, subject=operator_subject(), by="jan")
    checked = start_job(workspace, kind="check_data", parameters={"month": "2026-10"}, **asked)
    work(workspace, drain=True, scheduled=False)
    assert job_of(refused.id, subject=operator_subject()).state == JobState.FAILED
    return checked.id


def _addresses(values):
    """The address of every page that shows something, and some with choices made."""
    found = []
    import_module(settings.ROOT_URLCONF)  # pages are registered when their addresses are made
    for page in PAGES:
        if "GET" not in page.methods or page.name in FILES | ELSEWHERE or page.act == Act.OWN_WALLET:
            continue
        route = page.route
        for name, value in values.items():
            text = value[page.name] if isinstance(value, dict) and page.name in value else value
            for kind in ("str", "slug", "path", "int", "uuid"):
                route = route.replace(f"<{kind}:{name}>", str(text))
        assert "<" not in route, f"no value for {route}"
        found.append(f"/{route}")
    return [*found, *(f"/o/{COMMUNITY_CODE}/{choice}" for choice in WITH_CHOICES)]


@pytest.mark.parametrize("language", ["pl", "en"])
def test_every_page_is_accessible_and_fits(served, language):
    assert len(served[2]) > 25
    assert browse(lambda browser: _faults(browser, served, language)) == []


def test_a_month_with_gaps_is_accessible_too(copy_of, sign_in):
    workspace = copy_of("imported")
    clerk = sign_in(workspace, Role.CLERK)
    own, place = f"points/{POINTS[0].code}/", f"/o/{COMMUNITY_CODE}/"
    listed = clerk.get(f"{place}quality/?month=2026-10").content.decode()
    finding = listed.split('name="finding" value="')[1][:64]
    clerk.post(f"{place}quality/set-aside/?month=2026-10", {"finding": finding, "reason": "a known outage"})
    for value, day in (("25 A", "2026-01-01"), ("32 A", "2026-10-01")):
        clerk.post(f"{place}{own}attributes/", {"name": "Fuse", "value": value, "valid_from": day})
    addresses = [f"{place}{rest}" for rest in ("quality/?preview=1", "period/?preview=1", "ledger/", own)]
    with serving(workspace) as base:
        served = (base, clerk.cookies["sessionid"].value, addresses)
        assert browse(lambda browser: _faults(browser, served, "pl")) == []


def _faults(browser, served, language):
    """What is wrong on any page in this language: nothing scrolls sideways on desk or phone, axe reads it at one."""
    base, cookie, addresses = served
    wrong = []
    size, colours = LOOKED_AT[language]
    page = page_of(browser, base, cookie, wrong=wrong, locale=language, color_scheme=colours)
    page.goto(f"{base}/o/{COMMUNITY_CODE}/today/?month=2026-10")
    for address in addresses:
        answer = page.goto(base + address)
        assert answer.status == 200, (address, answer.status)
        assert page.url == base + address, page.url
        assert page.locator("html").get_attribute("lang") == language, address
        assert page.locator("h1").count() == 1, address
        wrong += faults(page, address, read_at=(size,))
    return wrong


def test_files_are_dropped_and_keys_lead_to_nouns(served):
    browse(lambda browser: _drop_and_press(browser, served))


def _drop_and_press(browser, served):
    base, cookie, _ = served
    page = page_of(browser, base, cookie, wrong=[], locale="en")
    page.goto(f"{base}/o/{COMMUNITY_CODE}/files/?month=2026-10")
    page.evaluate(
        """() => {
          const carried = new DataTransfer();
          carried.items.add(new File(["hello"], "notes.txt"));
          const zone = document.querySelector("[data-drop]");
          zone.dispatchEvent(new DragEvent("drop", { dataTransfer: carried, bubbles: true, cancelable: true }));
        }"""
    )
    assert page.locator("[data-chosen]").inner_text() == "notes.txt"
    page.get_by_role("button", name="Only check").click()
    # The check is a job: the page finds its end by itself.
    page.locator("#result").wait_for(timeout=60_000)
    assert page.get_by_role("cell", name="refused").is_visible()
    page.keyboard.press("g")
    page.keyboard.press("m")
    page.wait_for_url("**/members/")
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "q"
    page.locator("#q").blur()
    page.keyboard.press("?")
    page.wait_for_url("**/help/")


def test_members_come_from_a_file_by_keyboard_alone(served):
    """From the list to the saved rows without a pointer; only the system's own window for files is stood in for."""
    assert browse(lambda browser: _import_by_keys(browser, served)) == ["SE-900", "2"]


def _import_by_keys(browser, served):
    base, cookie, _ = served
    page = page_of(browser, base, cookie, wrong=[], locale="en")
    page.goto(f"{base}/o/{COMMUNITY_CODE}/members/")
    tabbed_to(page, "a[href$='/member-import/']")
    page.keyboard.press("Enter")
    page.wait_for_url("**/member-import/")
    tabbed_to(page, "input[type=file]")
    rows = b"number;name\nSE-900;New member\nSE-001;Renamed\n"
    page.set_input_files("input[type=file]", {"name": "members.csv", "mimeType": "text/csv", "buffer": rows})
    tabbed_to(page, "form.drop button")
    page.keyboard.press("Enter")
    page.wait_for_url("**/member-import/*/")
    assert "Nothing is saved yet." in page.locator("main").inner_text()
    tabbed_to(page, "button[name=do]")
    page.keyboard.press("Enter")
    page.wait_for_url("**/members/")
    saved = page.locator("main [role=status]").first.inner_text()
    page.goto(f"{base}/o/{COMMUNITY_CODE}/members/?q=SE-900")
    number = page.locator("#members tbody th").inner_text()
    return [number, saved.split(" ")[0]]
