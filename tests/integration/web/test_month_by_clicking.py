"""The whole story by clicking alone: from an invitation to a paid bill that the member's phone verified offline.

An operator lets a partner in; he imports the month's files by dropping them, repairs the gap and closes the month; a
second person approves and issues; a member on a phone opens his invitation, enrols a key, reads why his bill is what
it is, pays a neighbour and verifies the bill without a network; an auditor verifies the ledger.
"""

import base64
import re
from urllib.parse import urlsplit

import pytest
from django.db import connections
from playwright.sync_api import expect

from browsing import DESK, PHONE, Line, beside, browse
from ogniwo.interfaces.cli.background import start_serving, stop_serving
from ogniwo.services.access.inviting import invite_first_operator
from ogniwo.services.demo.files import delivered_files
from ogniwo.services.demo.sample import COMMUNITY_CODE, OPERATOR_CODE
from ogniwo.services.demo.wallet import MEMBERS, prepare_wallets
from ogniwo.services.workspace.model import system_now
from ogniwo.services.workspace.operations import open_workspace

pytestmark = pytest.mark.xdist_group("served")

MONTH = "2026-10"
ANNA, JAN = MEMBERS[3], MEMBERS[4]
PASSWORD = "krowa-most-zegar-17"  # noqa: S105 -- of accounts of this test only
LONG_MS = 180_000
PAID = "5,00"

DROP = """(files) => {
  const carried = new DataTransfer();
  for (const [name, data] of files)
    carried.items.add(new File([Uint8Array.from(atob(data), (one) => one.charCodeAt(0))], name));
  const zone = document.querySelector("[data-drop]");
  zone.dispatchEvent(new DragEvent("drop", { dataTransfer: carried, bubbles: true, cancelable: true }));
}"""


@pytest.fixture
def served(at_stage):
    """The cooperative with its members registered and nothing else, served: the folder and the address."""
    folder = at_stage("registered").root
    workspace = open_workspace(root=folder, now=system_now)
    link = invite_first_operator(workspace, code=OPERATOR_CODE, by="test")
    connections["default"].close()
    address = start_serving(folder)
    yield workspace, address, f"{address}/join/{link}/"
    stop_serving(folder)


class People:
    """One browser with a context for each person."""

    def __init__(self, browser, address):
        self.browser, self.address = browser, address
        self.wrong = []

    def page(self, *, size=DESK, language="en"):
        context = self.browser.new_context(viewport=size, locale=language, reduced_motion="reduce")
        context.set_default_timeout(60_000)
        page = context.new_page()
        page.on("pageerror", lambda error: self.wrong.append(str(error)))
        return page

    def arrives(self, link, who, *, size=DESK, language="en"):
        """Open an invitation and an account, by keyboard alone once the form is there."""
        page = self.page(size=size, language=language)
        page.goto(link)
        page.locator("a[href$='/signup/']").press("Enter")
        page.locator("input[name=email]").focus()
        for text in (f"{who}@{COMMUNITY_CODE}.example", PASSWORD, PASSWORD):
            page.keyboard.type(text)
            page.keyboard.press("Tab")
        page.locator("input[name=password2]").press("Enter")
        page.wait_for_url(lambda url: "/account/" not in url)
        return page

    def at(self, page, rest):
        page.goto(f"{self.address}/o/{COMMUNITY_CODE}/{rest}")
        return page

    def invites(self, page, role, member=""):
        """Make a link on the people page and give it."""
        self.at(page, "people/")
        page.locator("form[action$='/invite/'] select[name=role]").select_option(role)
        page.locator("form[action$='/invite/'] input[name=member]").fill(member)
        page.locator("form[action$='/invite/'] button").click()
        return page.locator("code.link").first.inner_text()


def test_from_an_invitation_to_a_bill_paid_and_verified(served):
    workspace, address, link = served

    def story(browser):
        people = People(browser, address)
        links = _organisation(people, link)
        _month(people, links)
        beside(lambda: _tokens(workspace))
        _member(people, links)
        _auditor(people, links)
        return people.wrong

    assert browse(story) == []


def _tokens(workspace):
    prepare_wallets(workspace)
    connections["default"].close()


def _organisation(people, link):
    """The operator lets the partner in, the partner everybody else."""
    operator = people.arrives(link, "operator")
    partner = people.arrives(people.invites(operator, "partner"), "zarzad")
    links = {role: people.invites(partner, role) for role in ("clerk", "auditor")}
    links |= {number: people.invites(partner, "member", number) for number in (ANNA, JAN)}
    return links | {"partner": partner}


def _month(people, links):
    """Files in, the gap repaired, the month closed by one and approved, issued and posted by another."""
    partner = people.at(links["partner"], f"files/?month={MONTH}")
    files = delivered_files()
    partner.evaluate(DROP, [[one.name, base64.b64encode(one.data).decode()] for one in files])
    partner.get_by_role("button", name="Import", exact=True).press("Enter")
    expect(partner.get_by_text(re.compile(rf"^{len(files)} files$"))).to_be_visible(timeout=LONG_MS)

    people.at(partner, "quality/")
    expect(partner.get_by_text("the month may not be billed yet")).to_be_visible()
    partner.get_by_role("link", name="Show what would be estimated").press("Enter")
    partner.locator("#reason").fill("the meter was exchanged")
    partner.get_by_role("button", name="Accept the estimates").press("Enter")
    expect(partner.get_by_text("the month may be billed")).to_be_visible(timeout=LONG_MS)

    people.at(partner, "period/?preview=1")
    expect(partner.get_by_text(re.compile(r"all \d+ equations hold"))).to_be_visible(timeout=LONG_MS)
    partner.get_by_role("button", name="Close the month").press("Enter")
    expect(partner.get_by_text("somebody else approves it").first).to_be_visible(timeout=LONG_MS)

    clerk = people.at(people.arrives(links["clerk"], "ksiegowosc"), f"period/?month={MONTH}")
    clerk.get_by_role("button", name="Approve version 1").press("Enter")
    clerk.get_by_role("button", name="Issue the bills").press("Enter")
    expect(clerk.get_by_role("button", name="Issue what is missing")).to_be_visible(timeout=LONG_MS)
    clerk.get_by_role("button", name="Post the month").press("Enter")
    expect(clerk.get_by_text(re.compile("The last block is number"))).to_be_visible(timeout=LONG_MS)
    people.at(clerk, f"bills/?month={MONTH}")
    expect(clerk.locator("main a", has_text="FV/")).not_to_have_count(0)


def _member(people, links):
    """A phone: the wallet, its key, the bill and why, a neighbour paid, the bill verified without a network."""
    line = Line(people.address)
    phone = people.arrives(links[ANNA].replace(people.address, line.address), "anna", size=PHONE, language="pl")
    wallet = f"{line.address}/w/{COMMUNITY_CODE}/{ANNA}/"
    assert urlsplit(phone.url).path.startswith(f"/w/{COMMUNITY_CODE}/{ANNA}/")
    phone.goto(f"{wallet}devices/")
    phone.wait_for_selector("html[data-ready]", state="attached")
    phone.locator("#setup-go").click()
    phone.wait_for_selector("#ready:not([hidden])")

    phone.goto(f"{wallet}bills/")
    phone.locator("main a", has_text="FV/").first.click()
    charge = phone.locator("main details").first
    charge.locator("> summary").click()
    expect(charge).to_contain_text(re.compile("kWh"))

    phone.goto(f"{wallet}tokens/send/")
    phone.wait_for_selector("html[data-ready]", state="attached")
    phone.locator("#to").fill(JAN)
    phone.locator("#amount").fill(PAID)
    phone.locator("#text").fill("za wspólną pompę")
    phone.locator("#to-review").press("Enter")
    expect(phone.locator("#r-amount")).to_contain_text(PAID)
    phone.locator("#confirm").press("Enter")
    expect(phone.locator("#d-amount")).to_contain_text(PAID)

    phone.goto(f"{wallet}check/")
    phone.wait_for_selector("html[data-ready]", state="attached")
    phone.locator("[data-check=bill]").first.click()
    expect(phone.locator("#result")).to_be_visible()
    phone.evaluate("navigator.serviceWorker.ready.then(() => true)")
    phone.reload()
    line.cut()
    phone.reload()
    phone.locator("[data-check=bill]").first.click()
    expect(phone.locator("#result-said")).not_to_be_empty()
    expect(phone.locator("#alarm")).to_be_hidden()
    line.mend()

    neighbour = people.arrives(links[JAN], "jan", size=PHONE, language="pl")
    neighbour.goto(f"{people.address}/w/{COMMUNITY_CODE}/{JAN}/tokens/")
    expect(neighbour.get_by_text("za wspólną pompę")).to_be_visible()


def _auditor(people, links):
    """Somebody who only reads verifies every link."""
    auditor = people.at(people.arrives(links["auditor"], "audytor"), "ledger/")
    auditor.get_by_role("button", name="Verify beside the pages").press("Enter")
    expect(auditor.get_by_text(re.compile("passed|agrees|All links", re.IGNORECASE)).first).to_be_visible(
        timeout=LONG_MS
    )
