"""Organisations below, what stands on documents, the log with before and after, the list as a file."""

import csv
import io
import re

import pytest
from django.urls import reverse

from ogniwo.records.access.models import Grant, Invitation
from ogniwo.records.audit.models import AuditEvent
from ogniwo.records.parties.models import Organisation
from ogniwo.services.access.api_keys import holder_of
from ogniwo.services.access.roles import Role
from ogniwo.services.demo.sample import COMMUNITY_CODE

SETTINGS = reverse("settings", kwargs={"code": COMMUNITY_CODE})
NEW_HERE = reverse("organisation_new", kwargs={"code": COMMUNITY_CODE})


def below(browser, parent, **sent):
    fields = {"code": "nowa", "name": "Nowa Spółdzielnia", "kind": "partner", "invite": "yes", **sent}
    return browser.post(reverse("organisation_new", kwargs={"code": parent}), fields)


def current(code=COMMUNITY_CODE):
    row = Organisation.objects.get(code=code)
    names = ("name", "street", "post_code", "town", "nip", "krs", "account_mask")
    return {name: getattr(row, name) for name in names}


def test_an_operator_adds_a_partner_and_its_first_administrator_comes_in(site, browser_of):
    operator = browser_of(Role.OPERATOR)
    answer = below(operator, "platforma")
    assert answer.headers["location"] == reverse("people", kwargs={"code": "nowa"})
    page = operator.get(answer.headers["location"]).content.decode()
    secret = re.search(r"/join/([^/]+)/", page)[1]
    assert Organisation.objects.get(code="nowa").path == "/platforma/nowa/"
    newcomer = browser_of()
    assert "Nowa Spółdzielnia" in newcomer.get(f"/join/{secret}/").content.decode()
    phrase = "cztery krowy na tratwie"
    sent = {"email": "ewa@nowa.example", "password1": phrase, "password2": phrase}
    assert newcomer.post(reverse("account_signup"), sent).status_code == 302
    assert Grant.objects.get(user__email="ewa@nowa.example").role == "partner"
    assert newcomer.get(reverse("today", kwargs={"code": "nowa"})).status_code == 200
    assert newcomer.get(reverse("today", kwargs={"code": COMMUNITY_CODE})).status_code == 404
    added = AuditEvent.objects.get(action="organisation.add")
    assert (added.target, added.facts["after"]["name"]) == ("nowa", "Nowa Spółdzielnia")


def test_a_partner_adds_a_unit_but_no_partner_and_none_elsewhere(site, browser_of):
    partner = browser_of(Role.PARTNER)
    assert below(partner, COMMUNITY_CODE).status_code == 422
    assert below(partner, "platforma").status_code == 404
    assert below(partner, COMMUNITY_CODE, kind="unit", code="kolo", invite="").status_code == 302
    assert Organisation.objects.get(code="kolo").path == f"/platforma/{COMMUNITY_CODE}/kolo/"
    assert not Invitation.objects.exists()
    tree = partner.get(reverse("organisations")).content.decode()
    assert "/o/kolo/today/" in tree
    assert NEW_HERE in tree
    assert browser_of(Role.CLERK).get(NEW_HERE).status_code == 403


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"code": "Z Blank"}, "no code"),
        ({"code": COMMUNITY_CODE}, "taken"),
        ({"name": " "}, "name"),
        ({"nip": "123-456-78-90"}, "NIP"),
        ({"account_mask": "12NN"}, "mask"),
        ({"kind": "operator"}, "there is no operator"),
    ],
)
def test_what_is_wrong_with_an_organisation_is_said(site, browser_of, sent, said):
    answer = below(browser_of(Role.OPERATOR), "platforma", **sent)
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert not Organisation.objects.filter(code="nowa").exists()


def test_what_stands_on_documents_is_seen_before_it_is_saved(site, browser_of):
    partner = browser_of(Role.PARTNER)
    before = current()
    wanted = {**before, "town": "Nowe Przykładowo", "account_mask": "10205558 1111 NNNN NNNN NNNN"}
    page = partner.post(SETTINGS, {**wanted, "do": "look"}).content.decode()
    assert "nothing is saved yet" in page
    assert "Nowe Przykładowo" in page
    assert re.search(r"pay to\s*<code>\d{26}</code>", page)
    assert current() == before
    assert partner.post(SETTINGS, {**wanted, "do": "save"}).status_code == 302
    assert current()["town"] == "Nowe Przykładowo"
    facts = AuditEvent.objects.get(action="organisation.change").facts
    assert facts["before"]["town"] == before["town"]
    assert set(facts["after"]) <= {"town", "account_mask"}
    again = partner.post(SETTINGS, {**wanted, "do": "save"}, follow=True).content.decode()
    assert "Nothing was different" in again
    assert AuditEvent.objects.filter(action="organisation.change").count() == 1


def test_a_wrong_account_is_refused_with_what_was_typed(site, browser_of):
    answer = browser_of(Role.PARTNER).post(SETTINGS, {**current(), "account_mask": "999", "do": "save"})
    assert answer.status_code == 422
    assert 'value="999"' in answer.content.decode()
    assert current()["account_mask"] != "999"


def test_the_log_tells_before_and_after_and_gives_them_as_a_file(site, browser_of):
    partner = browser_of(Role.PARTNER)
    old = current()["street"]
    partner.post(SETTINGS, {**current(), "street": "ul. Nowa 1", "do": "save"})
    chosen = f"{reverse('log', kwargs={'code': COMMUNITY_CODE})}?action=organisation.change"
    page = partner.get(chosen).content.decode()
    assert f"<del>{old}</del>" in page
    assert "<ins>ul. Nowa 1</ins>" in page
    file = reverse("log_file", kwargs={"code": COMMUNITY_CODE, "form": "csv"})
    assert f"{file}?action=organisation.change" in page
    rows = list(csv.reader(io.StringIO(partner.get(f"{file}?action=organisation.change").content.decode("utf-8-sig"))))
    who = partner.user.get_username()
    assert [row[1:7] for row in rows[1:]] == [[who, "organisation.change", COMMUNITY_CODE, "street", old, "ul. Nowa 1"]]
    assert browser_of(Role.AUDITOR).get(file).status_code == 200
    assert browser_of(Role.CLERK).get(file).status_code == 403


def test_the_list_of_members_is_a_file_with_what_the_month_comes_to(site, browser_of):
    file = reverse("members_file", kwargs={"code": COMMUNITY_CODE, "form": "csv"})
    text = browser_of(Role.AUDITOR).get(f"{file}?month=2026-10&q=SE-001").content.decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["number"] for row in rows] == ["SE-001"]
    assert int(rows[0]["taken Wh"]) > 0
    open_month = browser_of(Role.AUDITOR).get(f"{file}?month=2026-09&q=SE-001").content.decode("utf-8-sig")
    assert next(csv.DictReader(io.StringIO(open_month)))["taken Wh"] == "", "what is not known is not zero"


def test_a_key_of_a_program_is_shown_once_works_in_its_role_and_is_revoked(site, browser_of):
    partner = browser_of(Role.PARTNER)
    path = reverse("key_new", kwargs={"code": COMMUNITY_CODE})
    page = partner.post(path, {"name": "", "role": "clerk", "scope": "members:read"}, follow=True).content.decode()
    assert "No key was made" in page
    page = partner.post(path, {"name": "ERP", "role": "clerk", "scope": "members:read"}, follow=True).content.decode()
    secret = re.search(r"ogniwo_[\w-]+", page)[0]
    assert secret not in partner.get(SETTINGS).content.decode()
    holder = holder_of(site, secret=secret)
    assert {scope.value for scope in holder.scopes} == {"members:read"}
    end = reverse("key_revoke", kwargs={"code": COMMUNITY_CODE, "key_id": holder.key_id})
    assert "turned away" in partner.post(end, follow=True).content.decode()
    assert holder_of(site, secret=secret) is None
    assert list(AuditEvent.objects.filter(action__startswith="api_key.").values_list("action", flat=True)) == [
        "api_key.make",
        "api_key.revoke",
    ]


@pytest.mark.parametrize("language", ["pl", "en"])
@pytest.mark.parametrize(
    "name",
    ["mfa_index", "mfa_list_webauthn", "mfa_activate_totp", "usersessions_list", "account_change_password"],
)
def test_the_pages_of_an_account_open(site, browser_of, name, language):
    browser = browser_of(Role.CLERK, language=language)
    browser.user.set_password("cztery krowy na tratwie")
    browser.user.email = "clerk@member.example"
    browser.user.save()
    sent = {"login": "clerk@member.example", "password": "cztery krowy na tratwie"}
    browser.post(reverse("account_login"), sent)
    answer = browser.get(reverse(name), follow=True)
    assert answer.status_code == 200
    page = answer.content.decode()
    assert f'<html lang="{language}">' in page
    assert page.count("<h1") == 1


def test_the_way_in_carries_the_script_of_passkeys(site, browser_of):
    page = browser_of().get(reverse("account_login")).content.decode()
    assert "mfa/js/webauthn.js" in page
    assert 'id="passkey_login"' in page
    assert "<script>" not in page
