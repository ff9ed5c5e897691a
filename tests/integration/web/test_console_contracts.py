"""The office sees every agreement below it: who signed when, its document and its evidence; no other office does."""

import io
import zipfile
from http import HTTPStatus

import pytest
from django.urls import reverse

from browsing import DESK, browse, faults, page_of, serving
from keyed_phone import Phone
from ogniwo.core.ledger.signing import sign
from ogniwo.services.access.roles import Role
from ogniwo.services.contracts.own_contracts import offered_signature, take_signature
from ogniwo.services.demo.sample import COMMUNITY_CODE
from storage_rents import proposed_rent

OWNER, TENANT = "SE-027", "SE-001"


def at(page, **values):
    return reverse(page, kwargs={"code": COMMUNITY_CODE, **values})


@pytest.fixture
def agreed(copy_of):
    """A workspace with a storage rent that the owner has signed: (workspace, name)."""
    workspace = copy_of("wallets")
    name = proposed_rent(workspace, provider=OWNER, user=TENANT)
    owner = Phone(workspace, OWNER).enrol()
    payload = offered_signature(workspace, name=name, subject=owner.subject)
    taken = take_signature(workspace, envelope=sign(payload, keys=[owner.key]), subject=owner.subject)
    assert taken.code == "accepted"
    return workspace, name


def test_the_list_says_who_signed_and_gives_document_and_evidence(agreed, sign_in):
    workspace, name = agreed
    clerk = sign_in(workspace, Role.CLERK)
    shown = clerk.get(at("contracts")).content.decode()
    assert "1 agreement" in shown
    assert f"{OWNER} Gospodarstwo" in shown
    assert shown.count("has not signed") == 1
    assert "signed <time>2026-11-06</time>" in shown
    assert "waits for signatures" in shown
    assert "No agreement fits." in clerk.get(at("contracts") + "?state=active").content.decode()
    assert "No agreement fits." in clerk.get(at("contracts") + "?q=SE-040").content.decode()
    assert "1 agreement" in clerk.get(at("contracts") + f"?q={TENANT}&state=proposed").content.decode()

    document = clerk.get(at("contract_pdf", name=name))
    assert document.content.startswith(b"%PDF")
    evidence = clerk.get(at("contract_evidence", name=name))
    assert evidence.headers["Content-Disposition"] == f'attachment; filename="contract-{name[:16]}.zip"'
    assert {"document.pdf", "terms.json"} <= set(zipfile.ZipFile(io.BytesIO(evidence.content)).namelist())
    assert clerk.get(at("contract_pdf", name="0" * 64)).status_code == HTTPStatus.NOT_FOUND

    elsewhere = sign_in(workspace, Role.CLERK, "inna")
    assert elsewhere.get(at("contracts")).status_code == HTTPStatus.NOT_FOUND
    own = {"code": "inna"}
    assert "There is no agreement yet." in elsewhere.get(reverse("contracts", kwargs=own)).content.decode()
    for page in ("contract_pdf", "contract_evidence"):
        answer = elsewhere.get(reverse(page, kwargs=own | {"name": name}))
        assert answer.status_code == HTTPStatus.NOT_FOUND


@pytest.mark.parametrize("language", ["pl", "en"])
def test_the_list_is_accessible_and_fits(agreed, sign_in, language, tmp_path):
    workspace, _ = agreed
    cookie = sign_in(workspace, Role.CLERK).cookies["sessionid"].value

    def look(browser):
        wrong = []
        page = page_of(browser, base, cookie, wrong=wrong, locale=language)
        page.goto(f"{base}{at('contracts')}")
        assert page.locator("html").get_attribute("lang") == language
        assert page.locator("#agreements tbody tr").count() == 1
        wrong += faults(page, "agreements")
        page.screenshot(path=tmp_path / "phone.png", full_page=True)
        page.set_viewport_size(DESK)
        page.screenshot(path=tmp_path / "desk.png", full_page=True)
        return wrong

    with serving(workspace) as base:
        assert browse(look) == []
