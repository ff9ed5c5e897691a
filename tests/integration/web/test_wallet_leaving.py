"""Getting out: a proposal declined, a contract withdrawn from, its evidence; a recovery seen and stopped."""

import io
import json
import subprocess
import sys
import zipfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path

import pytest
from django.db import connections
from django.urls import reverse

import browsing
from browsing import faults, serving
from keyed_phone import Phone, at, subject_of
from ogniwo.core.ledger.signing import sign
from ogniwo.core.ledger.transactions import WithdrawContract
from ogniwo.records.access.models import Grant
from ogniwo.records.audit.models import AuditEvent
from ogniwo.records.parties.models import Member
from ogniwo.services.access.roles import Role
from ogniwo.services.contracts.econtracts import contracts, erase
from ogniwo.services.contracts.own_contracts import evidence_of, offered_signature, own_contract, take_signature
from ogniwo.services.demo.sample import COMMUNITY_CODE
from ogniwo.services.ledger import devices, recovering
from ogniwo.services.workspace.model import system_now
from ogniwo.services.workspace.operations import open_workspace
from ogniwo.services.workspace.queries import operator_subject
from records_database import copy_workspace, serve
from storage_rents import proposed_rent

OWNER, TENANT, STRANGER = "SE-027", "SE-001", "SE-002"
"""A farm, which is no consumer; a household, which is one; another household."""
ALL = operator_subject()
CHECKER = Path(__file__).parents[3] / "docs" / "check_contract.py"


@pytest.fixture
def site(copy_of):
    return copy_of("wallets")


def proposed(workspace):
    """The name of a storage rent of OWNER for TENANT, the consumer."""
    return proposed_rent(workspace, provider=OWNER, user=TENANT)


def signs(workspace, phone, name):
    payload = offered_signature(workspace, name=name, subject=phone.subject)
    taken = take_signature(workspace, envelope=sign(payload, keys=[phone.key]), subject=phone.subject)
    assert taken.code == "accepted"


def leaves(workspace, phone, name):
    envelope = phone.signs(WithdrawContract, contract=name)
    return [take_signature(workspace, envelope=envelope, subject=phone.subject) for _ in range(2)]


def of(workspace, number, name):
    return own_contract(workspace, name=name, subject=subject_of(number), language="en")


def status(workspace, name):
    (view,) = (one for one in contracts(workspace, subject=ALL) if one.name == name)
    return view.status


def address(page, number=TENANT, **more):
    return reverse(f"wallet_{page}", kwargs={"code": COMMUNITY_CODE, "number": number} | more)


def owned(workspace, sign_in, number):
    client = sign_in(workspace, Role.MEMBER)
    Grant.objects.filter(user=client.user).update(member=Member.objects.get(number=number))
    return client


@pytest.fixture
def pair(site):
    return Phone(site, TENANT).enrol(), Phone(site, OWNER).enrol()


def test_a_proposal_is_declined_once_and_nobody_signs_it_then(site, pair, sign_in):
    tenant, owner = pair
    name = proposed(site)
    assert of(site, TENANT, name).leaving == "decline"
    browser = owned(site, sign_in, TENANT)
    assert "You may decline this proposal" in browser.get(address("contracts_one", name=name)).content.decode()
    first, again = leaves(site, tenant, name)
    assert (first.code, first.again, again.code, again.again) == ("accepted", False, "accepted", True)
    assert status(site, name) == "withdrawn"
    assert of(site, TENANT, name).leaving == ""
    assert "leave-title" not in browser.get(address("contracts_one", name=name)).content.decode()
    payload = offered_signature(site, name=name, subject=owner.subject)
    taken = take_signature(site, envelope=sign(payload, keys=[owner.key]), subject=owner.subject)
    assert taken.code == "ledger.contract_state"
    assert [one.action for one in AuditEvent.objects.filter(target=name)].count("contract.withdraw_contract") == 1


def test_only_the_consumer_withdraws_and_only_within_the_term(site, pair):
    tenant, owner = pair
    name = proposed(site)
    for phone in (tenant, owner):
        signs(site, phone, name)
    assert (of(site, TENANT, name).leaving, of(site, OWNER, name).leaving) == ("withdraw", "")
    assert leaves(site, owner, name)[0].code == "ledger.contract_state"
    until = of(site, TENANT, name).withdraw_until_s
    for seconds, leaving in ((-1, "withdraw"), (0, "")):
        moment = datetime.fromtimestamp(until + seconds, tz=UTC)
        assert of(replace(site, now=lambda moment=moment: moment), TENANT, name).leaving == leaving
    assert status(site, name) == "signed"
    late = replace(site, now=lambda: site.now() + timedelta(days=15))
    tenant.workspace = late
    assert leaves(late, tenant, name)[0].code == "ledger.contract_state"
    assert status(site, name) == "signed"


def test_a_withdrawal_within_the_term_ends_it(site, pair):
    tenant, owner = pair
    name = proposed(site)
    for phone in (tenant, owner):
        signs(site, phone, name)
    # What was erased binds still, and may still be withdrawn from.
    erase(site, name=name, subject=ALL)
    assert leaves(site, tenant, name)[0].code == "accepted"
    assert status(site, name) == "withdrawn"


def test_a_party_takes_the_evidence_and_checks_it_without_us(site, pair, sign_in, tmp_path):
    tenant, owner = pair
    name = proposed(site)
    for phone in (tenant, owner):
        signs(site, phone, name)
    browser = owned(site, sign_in, TENANT)
    assert address("contracts_evidence", name=name) in browser.get(address("contracts_one", name=name)).content.decode()
    answer = browser.get(address("contracts_evidence", name=name))
    assert answer.content == evidence_of(site, name=name, subject=tenant.subject)
    pack = zipfile.ZipFile(io.BytesIO(answer.content))
    manifest = json.loads(pack.read("manifest.json"))
    assert manifest["contract"] == name
    assert sum("sign_contract" in one for one in pack.namelist()) == 2
    (tmp_path / "pack.zip").write_bytes(answer.content)
    command = [sys.executable, str(CHECKER), str(tmp_path / "pack.zip"), "--checkpoint-key", manifest["checkpoint_key"]]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    stranger = owned(site, sign_in, STRANGER)
    theirs = address("contracts_evidence", number=STRANGER, name=name)
    assert stranger.get(theirs).status_code == HTTPStatus.NOT_FOUND
    erase(site, name=name, subject=ALL)
    assert browser.get(address("contracts_evidence", name=name)).status_code == HTTPStatus.NOT_FOUND


def test_a_phone_withdraws_by_clicking(web_stages, tmp_path):
    folder = copy_workspace(web_stages["wallets"], tmp_path / "site")
    serve(folder)
    workspace = open_workspace(root=folder, now=system_now)
    name = proposed(workspace)
    with serving(workspace) as base:
        phone = browsing.Phone(workspace, base, TENANT, tmp_path / "tenant", workers=False)

        def without_a_key(page):
            phone.open(page, f"contracts/{name}/")
            page.wait_for_selector("#leave[data-ready]")
            return page.locator("#leave-more").is_visible(), page.locator("#leave-key").is_visible()

        assert phone.do(without_a_key) == (False, True)
        phone.enrol()

        def decline(page):
            phone.open(page, f"contracts/{name}/")
            page.locator("#leave-more summary").click()
            wrong = faults(page, "contract", sizes=(browsing.PHONE,))
            page.locator("#leave-go").click()
            page.wait_for_selector("#leave", state="detached")
            assert page.wrong == []
            return wrong

        assert phone.do(decline) == []
    assert status(workspace, name) == "withdrawn"
    connections["default"].close()


def test_a_recovery_is_told_at_home_with_who_agreed_until_it_is_stopped(site, sign_in, monkeypatch):
    ready = at(site, 0)
    for page in ("home", "devices", "tokens"):
        monkeypatch.setattr(f"ogniwo.interfaces.web.wallet.{page}.workspace", lambda: ready)
    anna = Phone(ready, TENANT).enrol("Telefon")
    devices.revoke_device(ready, subject=anna.subject, kid=anna.kid)
    fresh = Phone(ready, TENANT)
    devices.keep_request(ready, subject=anna.subject, envelope=fresh.offer("recover"), name="Nowy")
    browser = owned(site, sign_in, TENANT)

    def reads(page):
        return browser.get(address(page)).content.decode()

    assert "Nobody has agreed yet" in reads("devices")
    assert "A new key for your wallet" not in reads("home")
    assert recovering.agree(ready, subject=ALL, kid=fresh.kid, login="ola@x.example") is False
    assert "Agreed so far: ola@x.example. One more person has to agree." in reads("devices")
    assert recovering.agree(ready, subject=ALL, kid=fresh.kid, login="jan@x.example") is True
    page = reads("devices")
    assert "Who agreed:" in page
    assert all(login in page for login in ("ola@x.example", "jan@x.example"))
    assert "It can count from <time>2026-11-25</time> 10:00" in page
    assert "it can count from <time>2026-11-25</time> 10:00" in reads("home")
    recovering.stop_recovery(ready, subject=anna.subject)
    assert "A new key for your wallet" not in reads("home")
    assert devices.recovery_of(ready, subject=anna.subject) is None
