"""A member's e-contracts in the wallet: only the own ones, read in words, signed by a device in two steps."""

import hashlib
import json
from datetime import date
from http import HTTPStatus

import pytest
from axe_playwright_python.sync_playwright import Axe
from cryptography.hazmat.primitives.asymmetric import ec
from django.contrib.auth import get_user_model
from django.db import connections
from django.test import Client
from django.urls import reverse

from browsing import DESK, PHONE, READY, Phone, serving
from keyed_phone import subject_of
from ogniwo.core.ledger import transactions as tx
from ogniwo.core.ledger.signing import public_key_of
from ogniwo.core.ledger.signing import sign as sign_envelope
from ogniwo.interfaces.web.registry import LOOKS_AS, LOOKS_UNTIL
from ogniwo.records.access.models import Grant
from ogniwo.records.audit.models import AuditEvent
from ogniwo.records.parties.models import Member
from ogniwo.services.access.roles import Role
from ogniwo.services.contracts.econtracts import contracts, erase
from ogniwo.services.demo.sample import COMMUNITY_CODE
from ogniwo.services.ledger import devices
from ogniwo.services.ledger.access import frame, signed
from ogniwo.services.ledger.wallets import account_of
from ogniwo.services.workspace.model import system_now
from ogniwo.services.workspace.operations import open_workspace
from ogniwo.services.workspace.queries import operator_subject
from records_database import copy_workspace, serve
from storage_rents import proposed_rent

OWNER, TENANT, STRANGER = "SE-021", "SE-001", "SE-002"


@pytest.fixture
def site(copy_of):
    return copy_of("wallets")


def proposed(workspace, **more):
    """The name of a storage rent that waits for OWNER and TENANT."""
    return proposed_rent(workspace, provider=OWNER, user=TENANT, **more)


class Person:
    """A member signed in, with the key of a device."""

    def __init__(self, workspace, number, *, key=True, password=""):
        self.workspace, self.number, self.subject = workspace, number, subject_of(number)
        member = Member.objects.select_related("organisation").get(number=number)
        user = get_user_model().objects.create_user(f"{number}-{password}", password=password or None)
        Grant.objects.create(
            user=user,
            organisation=member.organisation,
            role=Role.MEMBER.value,
            member=member,
            given_by="test",
            given_at=workspace.now(),
        )
        self.browser = Client(HTTP_HOST="127.0.0.1", headers={"accept-language": "en"})
        self.browser.force_login(user)
        self.key = ec.generate_private_key(ec.SECP256R1())
        if key:
            public = public_key_of(self.key)
            jwk = {"crv": public.crv, "kty": public.kty, "x": public.x, "y": public.y}
            offered = devices.offered_payload(workspace, subject=self.subject, key=jwk, way="first")
            envelope = sign_envelope(offered, keys=[self.key])
            devices.enrol_first(workspace, subject=self.subject, envelope=envelope, name="phone")

    def at(self, page, **more):
        return reverse(f"wallet_{page}", kwargs={"code": COMMUNITY_CODE, "number": self.number, **more})

    def get(self, page, **more):
        return self.browser.get(self.at(page, **more))

    def read(self, page, **more):
        answer = self.get(page, **more)
        assert answer.status_code == HTTPStatus.OK
        return answer.content.decode()

    def post(self, page, **body):
        return self.browser.post(self.at(page), data=json.dumps(body), content_type="application/json")

    def offered(self, name):
        return self.post("contracts_offer", contract=name).json()["payload"].encode()

    def hand_in(self, envelope):
        return self.post("contracts_sign", envelope=envelope.decode())

    def sign(self, name):
        return self.hand_in(sign_envelope(self.offered(name), keys=[self.key]))


@pytest.fixture
def tenant(site):
    return Person(site, TENANT)


@pytest.fixture
def owner(site):
    return Person(site, OWNER)


def acts(name):
    return [one.action for one in AuditEvent.objects.filter(target=name).order_by("id")]


def test_both_sign_on_their_devices_and_read_what_stands(site, tenant, owner):
    assert "You have no agreement yet" in tenant.read("contracts")
    assert tenant.at("contracts") in tenant.read("more")
    name = proposed(site)
    listed = tenant.read("contracts")
    assert "1 agreement waits for your signature" in listed
    assert "waits for signatures" in listed
    assert "version 1" in listed
    page = tenant.read("contracts_one", name=name)
    for words in (
        "Magazyn przy świetlicy",
        "49,00 zł",
        "Czynsz miesięczny",
        "Konsument może odstąpić",
        'id="to-review"',
    ):
        assert words in page
    payload = json.loads(tenant.offered(name))
    pdf = tenant.get("contracts_pdf", name=name)
    assert pdf.headers["content-type"] == "application/pdf"
    assert payload["document"] == hashlib.sha256(pdf.content).hexdigest()
    assert (payload["op"], payload["account"]) == ("sign_contract", account_of(tenant.subject))
    first = tenant.sign(name).json()
    assert (first["code"], first["again"]) == ("accepted", False)
    page = tenant.read("contracts_one", name=name)
    assert "signed <time>2026-11-06</time> 10:00" in page
    assert "not signed" in page
    assert 'id="to-review"' not in page
    assert owner.sign(name).json()["code"] == "accepted"
    (view,) = contracts(site, subject=tenant.subject)
    assert (view.status, set(view.signed_by)) == ("signed", {OWNER, TENANT})
    page = tenant.read("contracts_one", name=name)
    assert "signed, begins later" in page
    assert "You may withdraw until" in page
    assert acts(name) == ["contract.propose", "contract.sign_contract", "contract.sign_contract"]


def test_the_same_signature_again_counts_once_and_gives_the_same_answer(site, tenant):
    name = proposed(site)
    envelope = sign_envelope(tenant.offered(name), keys=[tenant.key])
    first, second = tenant.hand_in(envelope).json(), tenant.hand_in(envelope).json()
    assert (first.pop("again"), second.pop("again")) == (False, True)
    assert first == second
    assert acts(name).count("contract.sign_contract") == 1
    anew = tenant.sign(name).json()
    assert anew["code"] == "ledger.already_signed"
    assert contracts(site, subject=tenant.subject)[0].signed_by == (TENANT,)


def test_a_contract_of_others_is_not_there(site, tenant, owner):
    name = proposed(site)
    stranger = Person(site, STRANGER)
    assert "You have no agreement yet" in stranger.read("contracts")
    assert stranger.get("contracts_one", name=name).status_code == HTTPStatus.NOT_FOUND
    assert stranger.get("contracts_pdf", name=name).status_code == HTTPStatus.NOT_FOUND
    assert stranger.post("contracts_offer", contract=name).status_code == HTTPStatus.NOT_FOUND
    said = json.loads(tenant.offered(name))
    payload = tx.SignContract(
        **frame(site, account=account_of(stranger.subject)),
        contract=name,
        document=said["document"],
        terms=said["terms"],
    )
    assert stranger.hand_in(signed(payload, stranger.key)).status_code == HTTPStatus.NOT_FOUND
    # What the owner has signed is no business of the tenant's wallet, even though both are parties.
    foreign = tenant.hand_in(sign_envelope(owner.offered(name), keys=[owner.key]))
    assert (foreign.status_code, foreign.json()["code"]) == (HTTPStatus.CONFLICT, "wallet.not_yours")
    assert tenant.get("contracts_one", name=name[:16]).status_code == HTTPStatus.NOT_FOUND
    assert contracts(site, subject=tenant.subject)[0].signed_by == ()


def test_who_looks_reads_and_cannot_sign(site, tenant, browser_of):
    name = proposed(site)
    looker = browser_of(Role.PARTNER)
    kept = looker.session
    kept[LOOKS_AS], kept[LOOKS_UNTIL] = f"{COMMUNITY_CODE}/{TENANT}", 2**40
    kept.save()
    page = looker.get(tenant.at("contracts_one", name=name)).content.decode()
    assert "Magazyn przy świetlicy" in page
    assert "Only the member can sign this" in page
    assert "to-review" not in page
    for step in ("contracts_offer", "contracts_sign"):
        answer = looker.post(tenant.at(step), data="{}", content_type="application/json")
        assert answer.status_code == HTTPStatus.FORBIDDEN


def test_what_does_not_fit_is_refused_with_its_reason(site, tenant):
    name = proposed(site)
    said = json.loads(tenant.offered(name))
    own = frame(site, account=account_of(tenant.subject))
    other = tx.SignContract(**own, contract=name, document="ab" * 32, terms=said["terms"])
    assert tenant.hand_in(signed(other, tenant.key)).json()["code"] == "ledger.contract_document"
    unknown = ec.generate_private_key(ec.SECP256R1())
    assert tenant.hand_in(sign_envelope(tenant.offered(name), keys=[unknown])).json()["code"] == "ledger.unknown_key"
    end = tx.TerminateContract(**frame(site, account=account_of(tenant.subject)), contract=name, ends=2**40)
    answer = tenant.hand_in(signed(end, tenant.key))
    assert (answer.status_code, answer.json()["code"]) == (HTTPStatus.CONFLICT, "wallet.not_yours")
    assert tenant.hand_in(b"no envelope").status_code == HTTPStatus.CONFLICT
    (view,) = contracts(site, subject=tenant.subject)
    assert (view.status, view.signed_by) == ("proposed", ())
    erase(site, name=name, subject=operator_subject())
    assert tenant.post("contracts_offer", contract=name).json()["code"] == "econtract.erased"
    assert tenant.get("contracts_pdf", name=name).status_code == HTTPStatus.NOT_FOUND
    page = tenant.read("contracts_one", name=name)
    assert "Terms and document were erased" in page
    assert "to-review" not in page


PHRASE = "a long enough pass phrase"


def test_signing_asks_who_it_is_when_that_was_long_ago(site):
    name = proposed(site)
    person = Person(site, TENANT, key=False, password=PHRASE)
    for step, body in (("contracts_offer", {"contract": name}), ("contracts_sign", {"envelope": "x"})):
        answer = person.post(step, **body)
        assert (answer.status_code, answer.json()["code"]) == (HTTPStatus.UNAUTHORIZED, "wallet.sign_in_again")


def test_an_amendment_is_the_next_version(site, tenant, owner):
    first = proposed(site, begins=date(2026, 10, 1))
    for one in (tenant, owner):
        assert one.sign(first).json()["code"] == "accepted"
    second = proposed(site, replaces=first, clauses=("Klucz do magazynu leży w świetlicy.",), begins=date(2026, 12, 1))
    assert "version 2" in tenant.read("contracts")
    page = tenant.read("contracts_one", name=second)
    assert tenant.at("contracts_one", name=first) in page
    assert "Klucz do magazynu" in page
    for one in (tenant, owner):
        assert one.sign(second).json()["code"] == "accepted"
    assert tenant.at("contracts_one", name=second) in tenant.read("contracts_one", name=first)


@pytest.fixture(scope="module")
def served(web_stages, tmp_path_factory):
    """A process of its own with a proposal, since the clock of a browser does not stand."""
    folder = copy_workspace(web_stages["wallets"], tmp_path_factory.mktemp("agreements") / "site")
    serve(folder)
    workspace = open_workspace(root=folder, now=system_now)
    name = proposed(workspace)
    with serving(workspace) as base:
        yield workspace, base, name
    connections["default"].close()


def faults(page):
    """What axe and the eye find at both widths: violations, scrolling sideways, targets under 44 pixels."""
    found = []
    for size in (DESK, PHONE):
        page.set_viewport_size(size)
        found += [f"{one['id']} {one['nodes'][0]['target']}" for one in Axe().run(page).response["violations"]]
        if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
            found.append(f"{size['width']}: the page scrolls sideways")
    small = """[...document.querySelectorAll('main a, main button, main summary')].filter((each) => {
      const { height } = each.getBoundingClientRect();
      return each.checkVisibility() && height < 44;
    }).map((each) => each.outerHTML)"""
    return found + page.evaluate(small)


def read_and_reviewed(phone, page, name):
    """List, contract, and what is to be signed; an offer that was changed on its way is not shown."""

    def twisted(route):
        payload = json.loads(route.fetch().json()["payload"]) | {"document": "ab" * 32}
        route.fulfill(json={"payload": json.dumps(payload, sort_keys=True, separators=(",", ":"))})

    page.goto(phone.at("contracts/"))
    wrong = faults(page)
    page.screenshot(path=phone.folder.parent / "list.png", full_page=True)
    page.locator(f"a[href*='{name}']").click()
    page.wait_for_selector(READY, state="attached")
    wrong += faults(page)
    page.route("**/contracts/offer/", twisted)
    page.click("#to-review")
    page.wait_for_selector("#said.alarm")
    assert "Niczego nie podpisano" in page.locator("#said").inner_text()
    assert page.locator("#review").is_hidden()
    page.unroute("**/contracts/offer/")
    page.click("#to-review")
    page.wait_for_selector("#review:not([hidden])")
    page.screenshot(path=phone.folder.parent / "review.png", full_page=True)
    return wrong + faults(page)


def test_a_phone_signs_in_the_wallet_and_a_lost_answer_counts_once(served, tmp_path):
    workspace, base, name = served
    # Without a worker: the test's hand on the network would not see what the worker passes on.
    phone = Phone(workspace, base, OWNER, tmp_path / "phone", workers=False).enrol()
    account, arrived = account_of(phone.subject), []

    def lose(route):
        arrived.append(route.fetch().json()["code"])
        route.abort()

    def sign(page):
        wrong = read_and_reviewed(phone, page, name)
        shown = json.loads(page.locator("#r-raw").text_content())
        assert shown["contract"] == page.locator("#r-contract").inner_text() == name
        assert shown["document"] == page.locator("#r-document").inner_text()
        assert shown["account"] == account
        page.route("**/contracts/sign/", lose)
        page.evaluate("for (const _ of [1, 2]) document.querySelector('#confirm').click()")
        page.wait_for_selector("html[data-outcome=unknown]", state="attached")
        assert "liczy się raz" in page.locator("#said").inner_text()
        wrong += faults(page)
        page.unroute("**/contracts/sign/")
        page.click("#waiting-go")
        page.wait_for_selector("html[data-outcome=done]", state="attached")
        assert page.locator("#done-title").inner_text() == "Podpisano"
        assert "Liczy się raz" in page.locator("#done-text").inner_text()
        wrong += faults(page)
        phone.open(page, "tokens/send/")
        assert page.locator("#waiting").is_hidden()  # a signature is no payment
        phone.open(page, f"contracts/{name}/")
        page.screenshot(path=tmp_path / "signed.png", full_page=True)
        return wrong, page.locator("main").inner_text()

    wrong, text = phone.do(sign)
    assert wrong == []
    assert arrived == ["accepted"]
    assert "podpisano 20" in text
    (view,) = contracts(workspace, subject=phone.subject)
    assert view.signed_by == (OWNER,)


def test_the_pages_are_accessible_in_english_too(served, tmp_path):
    workspace, base, name = served
    phone = Phone(workspace, base, TENANT, tmp_path / "english", language="en", workers=False)

    def look(page):
        page.goto(phone.at("contracts/"))
        wrong = faults(page)
        assert page.locator("html").get_attribute("lang") == "en"
        phone.open(page, f"contracts/{name}/")
        assert page.locator("#no-key").is_visible()
        assert page.locator("h1").count() == 1
        return wrong + faults(page) + page.wrong

    assert phone.do(look) == []
