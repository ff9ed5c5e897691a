"""The wallet's pages for tokens, devices, paying and verifying, as the server gives them."""

import json
import struct
import zlib
from http import HTTPStatus

import pytest
from django.urls import reverse

from ogniwo.interfaces.web.registry import LOOKS_AS, LOOKS_UNTIL, PAGES
from ogniwo.interfaces.web.wallet import paying
from ogniwo.interfaces.web.wallet.install import drawn_icon, shell
from ogniwo.services.access.roles import Role
from ogniwo.services.billing.access import listed_documents
from ogniwo.services.demo.sample import COMMUNITY_CODE, POINTS
from ogniwo.services.ledger.sending import own_alias
from ogniwo.services.workspace.queries import Subject, operator_subject

OWN = "SE-001"
ASKED = {"code": COMMUNITY_CODE, "number": OWN}


def address(name, **more):
    return reverse(f"wallet_{name}", kwargs={**ASKED, **more})


@pytest.fixture
def site(copy_of):
    return copy_of("wallets")


@pytest.fixture
def member(browser_of):
    return browser_of(Role.MEMBER)


def test_manifest_icons_and_worker_make_it_installable(member):
    found = json.loads(member.get("/w/manifest.webmanifest").content)
    assert (found["scope"], found["start_url"], found["display"]) == ("/w/", "/w/", "standalone")
    for one in found["icons"]:
        data = member.get(one["src"]).content
        width, height = struct.unpack(">II", data[16:24])
        assert f"{width}x{height}" == one["sizes"]
        assert {one["purpose"] for one in found["icons"]} == {"any", "maskable"}
    answer = member.get("/w/worker.js")
    assert answer.headers["Service-Worker-Allowed"] == "/w/"
    assert shell()[0] in answer.content.decode()
    assert all(name.startswith("/static/") for name in shell()[1])
    assert member.get("/wallet-icon/17/").status_code == HTTPStatus.NOT_FOUND


def test_the_icon_is_two_rings_inside_what_a_mask_leaves():
    data = drawn_icon(192)
    length = struct.unpack(">I", data[33:37])[0]
    rows = zlib.decompress(data[41 : 41 + length])
    stride = 1 + 3 * 192
    light = [(x, y) for y in range(192) for x in range(192) if rows[y * stride + 1 + 3 * x] > 128]
    assert all((x - 96) ** 2 + (y - 96) ** 2 < (0.4 * 192) ** 2 for x, y in light)
    assert 2_000 < len(light) < 12_000


def test_only_own_pages_may_be_kept_on_a_device(site, member, browser_of):
    mine = member.get(address("tokens"))
    assert len(mine.headers["X-Wallet-Owner"]) == 32
    assert "X-Wallet-Owner" not in member.get(address("check_checkpoint")).headers
    assert "X-Wallet-Owner" not in member.get(address("tokens_statement", form="csv")).headers
    browser = browser_of(Role.PARTNER)
    kept = browser.session
    kept[LOOKS_AS] = f"{COMMUNITY_CODE}/{OWN}"
    kept[LOOKS_UNTIL] = int(site.now().timestamp()) + 60
    kept.save()
    looked = browser.get(address("tokens"))
    assert looked.status_code == HTTPStatus.OK
    assert "X-Wallet-Owner" not in looked.headers
    more = {"message_id": 1, "name": "0" * 64, "bill": "FV/0/0", "meter_id": 1}
    for page in PAGES:
        if page.in_wallet and page.methods == ("POST",):
            named = {name: value for name, value in more.items() if f":{name}>" in page.route}
            place = address(page.name.removeprefix("wallet_"), **named)
            assert browser.post(place).status_code == HTTPStatus.FORBIDDEN, place


def test_the_wallet_tells_the_kinds_apart(member):
    text = member.get(address("tokens") + "?month=2026-10").content.decode()
    assert "500.00" in text
    assert "They are locked" in text
    assert POINTS[0].code in text
    assert "Issued to you" in text
    assert "Issued to you" not in member.get(address("tokens") + "?direction=out").content.decode()
    table = member.get(address("tokens_statement", form="csv")).content.decode("utf-8-sig").splitlines()
    assert table[0].startswith("Time,Asset,Entry,Amount")
    assert ",Opening balance,,0," in table[1]
    assert ",Movement,50000,50000," in table[2]


def test_a_recipient_is_found_by_number_and_not_by_the_dozen(member, monkeypatch):
    found = member.get(address("tokens_taker") + "?number=se-002").json()
    assert found["number"] == "SE-002"
    assert found["account"] == own_alias(subject=Subject("/platforma/przykladowo/", "SE-002")).account
    missing = member.get(address("tokens_taker") + "?number=SE-999")
    assert (missing.status_code, missing.json()["code"]) == (HTTPStatus.CONFLICT, "tokens.member")
    monkeypatch.setattr(paying, "_LOOKUPS_MAX", 2)
    assert member.get(address("tokens_taker") + "?number=SE-003").json()["code"] == "wallet.too_many"


def test_a_payment_code_leads_into_the_own_wallet_filled_in(member, browser_of):
    link = reverse("wallet_pay", kwargs={"code": COMMUNITY_CODE}) + "?to=SE-002&amount=12.50&text=drewno"
    answer = member.get(link)
    assert answer.headers["location"] == address("tokens_send") + "?to=SE-002&amount=12.50&text=drewno"
    page = member.get(answer.headers["location"]).content.decode()
    assert 'value="SE-002"' in page
    assert 'value="12.50"' in page
    assert browser_of(Role.PARTNER).get(link).status_code == HTTPStatus.FORBIDDEN
    assert member.get(reverse("wallet_pay", kwargs={"code": "inna"}) + "?to=A").status_code == HTTPStatus.NOT_FOUND
    ended = member.get(address("tokens_send") + "?to=SE-002&until=2026-11-01").content.decode()
    assert "This request ended on <time>2026-11-01</time>" in ended


def test_a_request_is_a_code_of_its_own(member):
    page = member.get(address("tokens_receive") + "?amount=12,50&text=drewno&until=2026-12-24").content.decode()
    assert "amount=12%2C50&amp;text=drewno&amp;until=2026-12-24" in page
    assert "<svg" in page
    assert "style=" not in page
    wrong = member.get(address("tokens_receive") + "?amount=dużo&until=2026-11-01").content.decode()
    assert "Write the amount" in wrong
    assert "The date has passed" in wrong
    assert "amount=du" not in wrong


def test_what_a_device_needs_to_verify_is_only_the_members_own(site, member):
    own = listed_documents(subject=operator_subject(), member=OWN)[0]["number"]
    other = listed_documents(subject=operator_subject(), member="SE-002")[0]["number"]
    assert b'"receipt":1' in member.get(address("check_bill") + f"?id={own}").content
    foreign = member.get(address("check_bill") + f"?id={other}")
    assert (foreign.status_code, foreign.json()["code"]) == (HTTPStatus.CONFLICT, "invoice.not_found")
    reading = address("check_reading") + "?id={}|1.29.0|2026-10-14T12:00"
    assert b'"interval"' in member.get(reading.format(POINTS[0].code)).content
    assert member.get(reading.format(POINTS[1].code)).json()["code"] == "proof.not_found"
    note = member.get(address("check_checkpoint")).json()["note"]
    proof = member.get(address("check_consistency"), {"older": note})
    assert json.loads(proof.content)["older"] == note
    assert member.get(address("check_consistency"), {"older": "?"}).json()["code"] == "ledger.checkpoint_form"
    assert member.get(address("check_transaction", transaction="0" * 64)).json()["code"] == "wallet.no_transaction"


@pytest.mark.parametrize("name", ["device_offer", "device_enrol", "device_revoke", "device_finish"])
def test_keys_are_changed_only_soon_after_signing_in(member, name):
    member.user.set_password("a long enough pass phrase")
    member.user.save()
    member.force_login(member.user)
    answer = member.post(address(name), data="{}", content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (HTTPStatus.UNAUTHORIZED, "wallet.sign_in_again")
    assert answer.json()["href"].startswith("/account/reauthenticate/?next=/")


def test_what_is_no_json_is_refused(member):
    answer = member.post(address("tokens_submit"), data="no", content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (HTTPStatus.CONFLICT, "wallet.request")
    answer = member.post(address("tokens_submit"), data='{"envelope": 1}', content_type="application/json")
    assert answer.json()["code"] == "wallet.request"
