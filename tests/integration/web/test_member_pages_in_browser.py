"""Every page of a wallet in Chromium, in both languages, at 320 pixels: nothing for axe to find, room for a thumb."""

import pytest

from browsing import LOOKED_AT, PHONE, browse, faults, page_of, serving
from media_meters import gas_meter
from ogniwo.interfaces.web.registry import PAGES
from ogniwo.records.access.models import Grant
from ogniwo.records.billing.models import InvoiceRecord
from ogniwo.records.parties.models import Member
from ogniwo.records.visibility import Subject
from ogniwo.services.access.roles import Role
from ogniwo.services.demo.sample import COMMUNITY_CODE
from ogniwo.services.messages.operations import ask, tell

NUMBER = "SE-025"
FILES = {"wallet_bills_pdf", "wallet_energy_file", "wallet_export"}
FOR_SCRIPTS = {
    "wallet_check_bill",
    "wallet_check_checkpoint",
    "wallet_check_consistency",
    "wallet_check_reading",
    "wallet_tokens_taker",
}
WITH_CHOICES = (
    "energy/?view=day&at=2026-10-25&netting=before&step=quarter",
    "energy/?view=year&at=2026-01-01&unit=zl&compare=year",
    "energy/?view=month&at=2026-10-01&unit=zl",
    "energy/?view=month&at=2020-01-01",
    "bills/?state=paid",
)
SMALL = """[...document.querySelectorAll('main a, main button, main select, main input, main summary, .tabs a')]
  .filter((each) => {
    const box = each.getBoundingClientRect();
    const shown = box.width > 0 && getComputedStyle(each).display !== 'inline' && each.type !== 'checkbox';
    return shown && box.height < 43.5;
  }).map((each) => each.outerHTML.slice(0, 80))"""


@pytest.fixture
def wallet(copy_of, sign_in):
    """`ogniwo serve`, the cookie of a member, and his pages: with a dispute, an answer to come, and messages."""
    workspace = copy_of("posted")
    member = Member.objects.select_related("organisation").get(number=NUMBER)
    client = sign_in(workspace, Role.MEMBER)
    Grant.objects.filter(user=client.user).update(member=member)
    bill = InvoiceRecord.objects.get(member=member).number
    subject = Subject(member.organisation.path, NUMBER)
    ask(workspace, subject=subject, text="What is the pool?", by="test", bill=bill)
    facts = {"state": "accepted", "value_e3": 1, "unit": "kWh", "point": "P", "reason": ""}
    tell(workspace, member=member, kind="reading", about="reading 1", facts=facts)
    gas_meter(workspace, member=NUMBER)
    with serving(workspace) as base:
        yield base, client.cookies["sessionid"].value, _addresses(bill)


def _addresses(bill):
    found = []
    for page in PAGES:
        if not page.in_wallet or "GET" not in page.methods or page.name in FILES | FOR_SCRIPTS:
            continue
        route = page.route.replace("<slug:code>", COMMUNITY_CODE).replace("<str:number>", NUMBER)
        route = route.replace("<path:bill>", bill)
        if "<" not in route:
            found.append(f"/{route}")
    return [*found, *(f"/w/{COMMUNITY_CODE}/{NUMBER}/{choice}" for choice in WITH_CHOICES)]


@pytest.mark.parametrize("language", ["pl", "en"])
def test_every_page_of_a_wallet_is_accessible_on_a_phone(wallet, language):
    assert len(wallet[2]) > 14
    assert browse(lambda browser: _faults(browser, wallet, language)) == []


def _faults(browser, wallet, language):
    base, cookie, addresses = wallet
    wrong = []
    colours = LOOKED_AT[language][1]
    page = page_of(browser, base, cookie, wrong=wrong, viewport=PHONE, locale=language, color_scheme=colours)
    for address in addresses:
        answer = page.goto(base + address)
        assert answer.status == 200, (address, answer.status)
        assert page.locator("html").get_attribute("lang") == language, address
        assert page.locator("h1").count() == 1, address
        page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
        wrong += faults(page, address, (PHONE,))
        wrong += [f"{address}: small {one}" for one in page.evaluate(SMALL)]
    return wrong


def test_a_bill_is_understood_without_a_script(wallet):
    browse(lambda browser: _walk(browser, wallet))


def _walk(browser, wallet):
    """From home to the hours behind a line of the bill, and a question to the partner, by links and forms alone."""
    base, cookie, _ = wallet
    page = page_of(browser, base, cookie, wrong=[], viewport=PHONE, locale="en", java_script_enabled=False)
    page.goto(f"{base}/")
    page.get_by_role("link", name="To pay").click()
    assert page.get_by_role("heading", level=1).inner_text().startswith("Bill FV/")
    page.locator("details.line").first.locator("summary").first.click()
    line = page.locator("details.line").first
    assert "×" in line.locator(".formula").inner_text()
    line.get_by_text("hours behind it").click()
    assert line.get_by_role("table").is_visible()
    page.get_by_role("link", name="The energy behind it").click()
    assert page.get_by_role("heading", name="October 2026").is_visible()
    page.get_by_role("link", name="Day", exact=True).click()
    page.get_by_role("link", name="Back").click()
    page.get_by_role("link", name="More").click()
    page.get_by_role("link", name="Messages").click()
    page.get_by_label("Your message to the partner").fill("When does the next bill come?")
    page.get_by_role("button", name="Send").last.click()
    assert page.get_by_text("Your message was sent").is_visible()
