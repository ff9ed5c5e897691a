"""The wallet on a phone in Chromium: a key that stays, a neighbour paid once, reading offline, a fork refused."""

import json
from http import HTTPStatus

import pytest
from django.db import connections
from playwright.sync_api import expect

from browsing import DESK, LOOKED_AT, READY, Line, Phone, faults, outcome, serving, tabbed_to
from ogniwo.core.ledger.checkpoints import Checkpoint, parse_checkpoint, sign_checkpoint
from ogniwo.records.parties.models import Member
from ogniwo.services.access.roles import Role
from ogniwo.services.contracts.queries import community
from ogniwo.services.demo.sample import COMMUNITY_CODE
from ogniwo.services.demo.wallet import AMOUNT, MEMBERS
from ogniwo.services.ledger import devices, recovering, wallets
from ogniwo.services.ledger.access import CHECKPOINT_KEY, key_store
from ogniwo.services.ledger.payments import PAYMENT_ASSET, issue
from ogniwo.services.ledger.proving import checkpoint_verifier, shown_checkpoint
from ogniwo.services.workspace.model import system_now
from ogniwo.services.workspace.operations import open_workspace
from ogniwo.services.workspace.queries import Subject, operator_subject
from records_database import copy_workspace, serve

pytestmark = pytest.mark.xdist_group("phones")

ANNA, JAN, OLA, EWA, TOM, IDA = MEMBERS[:6]
LOST, OFFICE, TAKES = "SE-007", "SE-008", "SE-009"
SEEN = {"pl": "SE-010", "en": "SE-011"}


@pytest.fixture(scope="module")
def site(web_stages, tmp_path_factory):
    """One process for all of this file; every test has members of its own, since an account is enrolled once."""
    folder = copy_workspace(web_stages["wallets"], tmp_path_factory.mktemp("wallets") / "site")
    serve(folder)
    workspace = open_workspace(root=folder, now=system_now)
    cooperative = community(code=COMMUNITY_CODE, subject=operator_subject())
    for number in SEEN.values():
        issue(
            workspace,
            community=cooperative,
            member=number,
            asset=PAYMENT_ASSET,
            amount=AMOUNT,
            subject=operator_subject(),
        )
    with serving(workspace) as base:
        yield workspace, base
    connections["default"].close()


@pytest.fixture
def phone_of(site, tmp_path):
    """`phone_of(number)`: a new phone of a member."""
    workspace, address = site

    def bought(number, *, base=address, **more):
        return Phone(workspace, base, number, tmp_path / f"{number}-{len(list(tmp_path.iterdir()))}", **more)

    return bought


def has(workspace, number):
    subject = Subject(Member.objects.get(number=number).organisation.path, number)
    return wallets.wallet_view(workspace, subject=subject).money.available


def pressed(page, *keys):
    for key in keys:
        page.keyboard.press(key)


def filled(phone, page, *, amount, text="", to=JAN):
    phone.open(page, "tokens/send/")
    page.fill("#to", to)
    page.fill("#amount", amount)
    page.fill("#text", text)
    page.click("#to-review")
    page.wait_for_selector("#review:not([hidden])")


def test_a_key_is_made_stays_and_pays_by_keyboard_alone(site, phone_of):
    workspace, _ = site
    before = has(workspace, JAN)
    anna = phone_of(ANNA).enrol()

    def key_after_a_restart(page):
        anna.open(page, "devices/")
        assert page.locator("#ready").is_visible()
        assert page.locator("[data-device]").count() == 1
        assert page.locator("[data-this]").is_visible()
        return page.evaluate(
            """async () => {
              const opened = await new Promise((done) => {
                const request = indexedDB.open("ogniwo-wallet");
                request.onsuccess = () => done(request.result);
              });
              const keys = await new Promise((done) => {
                const request = opened.transaction("keys").objectStore("keys").getAll();
                request.onsuccess = () => done(request.result);
              });
              const { privateKey } = keys[0].keys;
              const refused = [];
              for (const form of ["jwk", "pkcs8"]) {
                await crypto.subtle.exportKey(form, privateKey).catch((error) => refused.push(error.name));
              }
              return [keys.length, privateKey.extractable, refused];
            }"""
        )

    assert anna.do(key_after_a_restart) == [1, False, ["InvalidAccessError", "InvalidAccessError"]]

    def pay(page):
        anna.open(page, "tokens/send/")
        tabbed_to(page, "#to")
        page.keyboard.type("se-002")
        tabbed_to(page, "#amount")
        page.keyboard.type("12,50")
        tabbed_to(page, "#text")
        page.keyboard.type("za drewno")
        tabbed_to(page, "#to-review")
        page.keyboard.press("Enter")
        page.wait_for_selector("#review:not([hidden])")
        assert page.locator("#r-name").inner_text() == "SE-002 Gospodarstwo domowe 02"
        assert page.locator("#r-amount").inner_text() == "12,50 zł"
        assert page.locator("#r-left").inner_text() == "487,50 zł"
        shown = json.loads(page.locator("#r-raw").text_content())
        tabbed_to(page, "#confirm")
        page.keyboard.press("Enter")
        assert outcome(page) == "done"
        expect(page.locator("#d-checked")).not_to_be_empty()
        assert page.locator("#d-checked").inner_text() == "To urządzenie samo sprawdziło pokwitowanie."
        assert page.locator("#done-title").inner_text() == "Zapłacono"
        assert page.wrong == []
        return shown, page.locator("#d-name-of").inner_text()

    shown, transaction = anna.do(pay)
    assert (shown["op"], shown["amount"], len(shown["references"])) == ("pay", 1_250, 1)
    assert (has(workspace, ANNA), has(workspace, JAN)) == (AMOUNT - 1_250, before + 1_250)
    jan = phone_of(JAN)

    def read(page):
        page.goto(jan.at("tokens/"))
        return page.locator("main").inner_text()

    text = jan.do(read)
    assert "za drewno" in text
    assert "+12,50 zł" in text
    row = wallets.wallet_history(workspace, subject=jan.subject, limit=1)[0]
    assert row.transaction == transaction


def test_a_lost_answer_a_reload_and_a_double_click_pay_once(site, phone_of):
    workspace, _ = site
    before = has(workspace, EWA)
    # Without a worker: the test's hand on the network would not see what the worker passes on.
    anna = phone_of(OLA, workers=False).enrol()
    arrived = []

    def lose(route):
        arrived.append(route.fetch().json()["code"])
        route.abort()

    def pay(page):
        filled(anna, page, amount="10", to=EWA)
        page.route("**/tokens/submit/", lose)
        page.evaluate("for (const _ of [1, 2]) document.querySelector('#confirm').click()")
        assert outcome(page) == "unknown"
        assert "nigdy nie zapłacisz dwa razy" in page.locator("#said").inner_text()
        page.click("#waiting-go")
        page.wait_for_timeout(500)
        page.unroute("**/tokens/submit/")

    anna.do(pay)
    assert arrived == ["accepted", "accepted"]
    assert has(workspace, OLA) == AMOUNT - 1_000

    def resume(page):
        anna.open(page, "tokens/send/")
        assert outcome(page) == "done"
        assert "Zapłacono raz" in page.locator("#done-text").inner_text()
        page.reload()
        page.wait_for_selector(READY, state="attached")
        assert page.locator("#fill").is_visible()

    anna.do(resume)
    assert (has(workspace, OLA), has(workspace, EWA)) == (AMOUNT - 1_000, before + 1_000)


def test_offline_the_last_state_is_there_and_a_bill_is_verified_and_paid(site, phone_of):
    workspace, base = site
    line = Line(base)
    anna = phone_of(TOM, base=line.address).enrol()

    def prepare(page):
        page.goto(anna.at("tokens/"))
        anna.open(page, "check/")
        page.locator("[data-check=bill]").first.click()
        page.wait_for_selector("html[data-verdict=ok]", state="attached")
        page.locator("#reading button").click()
        page.wait_for_selector("#kept li:nth-child(2)")
        assert "sprawdziło samo" in page.locator("#result-said").inner_text()
        anna.open(page, "check/")
        page.goto(anna.at(""))
        assert page.wrong == []

    anna.do(prepare)

    def offline(page):
        line.cut()
        page.goto(anna.at("tokens/"))
        banner = page.locator("#offline")
        assert "Nie masz połączenia" in banner.inner_text()
        assert "500,00 zł" in page.locator("main").inner_text()
        page.goto(f"{line.address}/w/")
        assert page.locator("#offline").is_visible()
        page.goto(anna.at("tokens/receive/"))
        assert page.locator("h1").inner_text() == "Nie masz połączenia"
        page.goto(anna.at("check/"))
        page.wait_for_selector(READY, state="attached")
        for number, kind in ((1, "co do litery"), (2, "przedział")):
            page.locator(f"#kept li:nth-child({number}) button").first.click()
            page.wait_for_selector("html[data-verdict=ok]", state="attached")
            said = page.locator("#result-checked").inner_text()
            assert kind in said
            assert "jeden dziennik" in said
        line.mend()

    anna.do(offline)

    pays_a_bill(workspace, anna)

    def leave(page):
        page.goto(anna.at("more/"))
        kept = "caches.keys().then((names) => names.filter((name) => name.startsWith('ogniwo-pages-')).length)"
        assert page.evaluate(kept) == 1
        page.locator("form[action$='/logout/'] button").click()
        page.wait_for_url("**/account/**")
        return page.evaluate(kept)

    assert anna.do(leave) == 0


def pays_a_bill(workspace, anna):
    def pay(page):
        anna.open(page, "check/")
        number = page.locator("[data-check=bill]").first.get_attribute("data-id")
        anna.open(page, f"tokens/send/?bill={number}")
        page.click("#to-review")
        page.wait_for_selector("#review:not([hidden])")
        assert page.locator("#r-text").inner_text() == number
        page.click("#confirm")
        assert outcome(page) == "done"
        anna.open(page, f"tokens/send/?bill={number}")
        assert "zapłacono już" in page.locator("main").inner_text()
        return number

    number = anna.do(pay)
    (paid,) = wallets.paid_bills(workspace, subject=anna.subject)[number]
    assert has(workspace, anna.number) == AMOUNT - paid.amount


def test_a_changed_receipt_and_a_forked_ledger_are_refused(site, phone_of):
    workspace, _ = site
    anna = phone_of(IDA, workers=False).enrol()
    real = parse_checkpoint(shown_checkpoint(workspace))
    forged = sign_checkpoint(
        Checkpoint(real.origin, real.size, b"\x07" * 32),
        name=real.origin,
        key=key_store(workspace).checkpoint_key(CHECKPOINT_KEY),
    )
    answer = {"network": real.origin, "note": forged, "key": checkpoint_verifier(workspace), "policy": None}

    def twisted(page):
        anna.open(page, "check/")
        page.route(
            "**/check/bill/*",
            lambda route: route.fulfill(
                body=route.fetch().text().replace('"content":{', '"content":{"x":1,', 1),
                content_type="application/json",
            ),
        )
        page.locator("[data-check=bill]").first.click()
        page.wait_for_selector("html[data-verdict]", state="attached")
        assert page.evaluate("document.documentElement.dataset.verdict") == "ledger.not_canonical"
        assert "Nie zgadza się" in page.locator("#result-said").inner_text()
        page.unroute("**/check/bill/*")

    anna.do(twisted)

    def fork(page):
        page.route("**/check/checkpoint/", lambda route: route.fulfill(json=answer))
        anna.open(page, "check/")
        page.wait_for_selector("#alarm:not([hidden])")
        assert page.evaluate("document.documentElement.dataset.forked") == "ledger.checkpoint_inconsistent"
        with page.expect_download() as started:
            page.click("#save")
        evidence = json.loads(started.value.path().read_text())
        assert {parse_checkpoint(evidence[0][name]).root for name in ("held", "shown")} == {real.root, b"\x07" * 32}
        page.unroute("**/check/checkpoint/")
        anna.open(page, "check/")
        assert page.locator("#alarm").is_visible()
        anna.open(page, "tokens/send/")
        assert page.locator("#fill").is_hidden()
        assert "Księga przeczy" in page.locator("#said").inner_text()

    anna.do(fork)


def test_a_revoked_device_pays_nothing_and_a_second_one_is_let_in(site, phone_of):
    workspace, _ = site
    before = has(workspace, EWA)
    anna, tablet = phone_of(EWA).enrol(), phone_of(EWA)

    def ask(page):
        tablet.open(page, "devices/")
        assert page.locator("#setup-further").is_visible()
        page.fill("#device-name", "Tablet")
        page.click("#setup-go")
        page.wait_for_selector("#setup-asked:not([hidden])")
        return page.locator("[data-own-kid]").inner_text()

    sign = tablet.do(ask)

    def let_in(page):
        anna.open(page, "devices/")
        assert sign in page.locator("main").inner_text()
        page.locator("[data-let-in]").click()
        page.wait_for_selector("[data-device]:nth-child(2)")

    anna.do(let_in)
    listed = {one.name: one for one in devices.devices_of(workspace, subject=anna.subject).listed}
    assert set(listed) == {"Mój telefon", "Tablet"}

    def end_the_other(page):
        tablet.open(page, "devices/")
        page.locator(f"[data-revoke='{listed['Mój telefon'].kid}']").click()
        page.click("#revoke-go")
        page.wait_for_selector("text=zakończony")

    tablet.do(end_the_other)

    def try_to_pay(page):
        filled(anna, page, amount="1")
        page.click("#confirm")
        assert outcome(page) == "refused"
        assert "już nie działa" in page.locator("#done-text").inner_text()

    anna.do(try_to_pay)
    assert has(workspace, EWA) == before


def test_a_lost_phone_shows_the_days_and_can_be_stopped(site, phone_of):
    workspace, _ = site
    anna = phone_of(LOST).enrol()
    (old,) = devices.devices_of(workspace, subject=anna.subject).listed
    devices.revoke_device(workspace, subject=operator_subject(), kid=old.kid)
    fresh = phone_of(LOST)

    def ask(page):
        fresh.open(page, "devices/")
        assert page.locator("#setup-recover").is_visible()
        page.click("#setup-go")
        page.wait_for_selector("#setup-asked:not([hidden])")

    fresh.do(ask)
    (asked,) = devices.requests_of(workspace, subject=anna.subject)
    for login in ("ewa", "olga"):
        recovering.agree(workspace, subject=operator_subject(), kid=asked.kid, login=login)

    def stop(page):
        fresh.open(page, "devices/")
        assert "Nowy klucz czeka" in page.locator("main").inner_text()
        page.click("[data-stop]")
        page.wait_for_selector("#waiting", state="detached")

    fresh.do(stop)
    assert devices.devices_of(workspace, subject=anna.subject).waiting is None


def test_two_people_of_the_office_agree_on_their_page(site, phone_of, sign_in, monkeypatch):
    workspace, _ = site
    monkeypatch.setattr("ogniwo.interfaces.web.context.served_workspace", lambda: workspace)
    anna = phone_of(OFFICE).enrol()
    (old,) = devices.devices_of(workspace, subject=anna.subject).listed
    devices.revoke_device(workspace, subject=operator_subject(), kid=old.kid)
    fresh = phone_of(OFFICE)

    def ask(page):
        fresh.open(page, "devices/")
        page.click("#setup-go")
        page.wait_for_selector("#setup-asked:not([hidden])")

    fresh.do(ask)
    office = f"/o/{COMMUNITY_CODE}/devices/"
    first, second = sign_in(workspace, Role.PARTNER), sign_in(workspace, Role.OPERATOR)
    (asked,) = devices.requests_of(workspace, subject=anna.subject)
    assert asked.kid[:8] in first.get(office).content.decode()
    for browser in (first, first, second):
        browser.post(f"{office}agree/", {"kid": asked.kid})
    shown = second.get(f"{office}?member={OFFICE}").content.decode()
    assert "counts from" in shown
    assert "Nobody asks." in shown
    assert second.post(f"{office}stop/", {"member": OFFICE}).status_code == HTTPStatus.FOUND
    assert devices.devices_of(workspace, subject=anna.subject).waiting is None
    assert sign_in(workspace, Role.CLERK).get(office).status_code == HTTPStatus.FORBIDDEN


def test_a_code_fills_in_and_what_is_reserved_is_taken(site, phone_of):
    workspace, base = site
    before = has(workspace, JAN)
    anna, jan = phone_of(JAN).enrol(), phone_of(TAKES).enrol()

    def request(page):
        page.goto(jan.at("tokens/receive/?amount=7,25&text=jajka"))
        return page.locator("#link").input_value()

    link = jan.do(request)
    assert link.startswith(f"{base}/pay/{COMMUNITY_CODE}/?")

    def scan_and_reserve(page):
        # The camera is Chromium's own test picture; what it shows is read by a stand-in of this test.
        page.add_init_script(
            "globalThis.BarcodeDetector = class { async detect() { return [{ rawValue: globalThis.seen }]; } };"
            f"globalThis.seen = {json.dumps(link)};"
        )
        anna.open(page, "tokens/send/")
        page.click("#scan")
        page.wait_for_url("**amount=7**")
        page.wait_for_selector(READY, state="attached")
        assert page.input_value("#amount") == "7,25"
        page.select_option("#when", "7")
        page.click("#to-review")
        page.wait_for_selector("#review:not([hidden])")
        assert page.locator("#r-text").inner_text() == "jajka"
        assert page.locator("#r-until").is_visible()
        page.click("#confirm")
        assert outcome(page) == "done"
        assert page.locator("#done-title").inner_text() == "Zarezerwowane"

    camera = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
    anna.do(scan_and_reserve, more=camera)
    assert has(workspace, JAN) == before - 725

    def take(page):
        jan.open(page, "tokens/")
        page.click("[data-settle]")
        page.wait_for_selector("#holds-title", state="detached")

    jan.do(take)
    assert has(workspace, TAKES) == 725


@pytest.mark.parametrize("language", ["pl", "en"])
def test_the_pages_are_accessible_and_fit(phone_of, language):
    anna = phone_of(SEEN[language], language=language).enrol()
    assert anna.do(lambda page: _faults(anna, page, language), viewport=DESK) == []


def _faults(anna, page, language):
    wrong = []

    def looked_at(where):
        wrong.extend(faults(page, where, read_at=(LOOKED_AT[language][0],)))
        assert page.locator("html").get_attribute("lang") == language

    for rest in ("tokens/?month=2026-10", "tokens/receive/?amount=x", "devices/", "check/?month=2026-10", "start/"):
        page.goto(anna.at(rest))
        page.wait_for_timeout(300)
        assert page.locator("h1").count() == 1
        looked_at(rest)
    page.locator("body").press("Escape")
    page.goto(f"{anna.base}/w/offline/")
    looked_at("offline")
    filled(anna, page, amount="1", text="x")
    looked_at("review")
    page.click("#confirm")
    assert outcome(page) == "done"
    looked_at("done")
    anna.open(page, "check/")
    page.locator("[data-check=bill]").first.click()
    page.wait_for_selector("html[data-verdict=ok]", state="attached")
    looked_at("verdict")
    anna.open(page, "tokens/send/")
    looked_at("send")
    anna.open(page, "devices/")
    page.locator("[data-revoke]").first.click()
    looked_at("revoke")
    return wrong + page.wrong
