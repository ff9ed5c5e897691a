"""Trying is limited across processes, risky acts ask again who it is, what comes out holds no formulas."""

import csv
import io
import os
import subprocess
import sys

import pytest
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.urls import reverse

from ogniwo.interfaces.web.registry import PAGES
from ogniwo.records.access.models import Grant, Invitation
from ogniwo.records.parties.models import Member
from ogniwo.services.access.roles import Role
from ogniwo.services.demo.sample import COMMUNITY_CODE, POINTS

PHRASE = "cztery krowy na tratwie"
LOGIN = "anna@member.example"
RISKY = {"invite", "end_grant", "decide", "settings", "settings_door", "organisation_new"}
ELSEWHERE = """
from django.test import Client
client = Client(HTTP_HOST="127.0.0.1")
for _ in range(5):
    client.post("/account/login/", {"login": %r, "password": "wrong"})
"""


@pytest.fixture
def anna(site, browser_of):
    """A partner's administrator with a password, signed in by it."""
    browser = browser_of(Role.PARTNER)
    browser.user.email = LOGIN
    browser.user.set_password(PHRASE)
    browser.user.save()
    browser.logout()
    sign_in(browser)
    return browser


def sign_in(browser, login=LOGIN, password=PHRASE):
    answer = browser.post(reverse("account_login"), {"login": login, "password": password})
    return answer, "_auth_user_id" in browser.session


def test_attempts_count_together_in_all_processes(site, browser_of):
    get_user_model().objects.create_user("anna", LOGIN, PHRASE)
    code = "import django; django.setup()" + ELSEWHERE % LOGIN
    environment = os.environ | {
        "OGNIWO_WORKSPACE": str(site.root),
        "DJANGO_SETTINGS_MODULE": "ogniwo.project.web_settings",
    }
    subprocess.run([sys.executable, "-c", code], env=environment, check=True, capture_output=True)
    answer, inside = sign_in(browser_of())
    assert not inside, "the right password, after five wrong ones in another process"
    assert "Too many failed login attempts" in answer.content.decode()
    cache.clear()
    assert sign_in(browser_of())[1]


@pytest.mark.parametrize(
    ("address", "sent", "allowed"),
    [
        ("/account/login/", {"login": "x@y.example", "password": "wrong"}, 30),
        ("/account/password/reset/", {"email": "x@y.example"}, 20),
        ("/join/no-such-secret/", None, 60),
        ("/confirm/no-such-secret/", None, 60),
    ],
)
def test_one_address_may_not_try_for_ever(site, browser_of, address, sent, allowed):
    browser = browser_of()

    def tried(number):
        fields = {name: f"{number}{value}" for name, value in (sent or {}).items()}
        return (browser.post(address, fields) if sent else browser.get(address)).status_code

    statuses = [tried(number) for number in range(allowed + 1)]
    assert 429 in statuses
    assert statuses.index(429) <= allowed
    assert "Too many attempts" in browser.get("/join/x/").content.decode() or sent


def test_risky_pages_are_marked(site):
    assert {page.name for page in PAGES if page.fresh} >= RISKY


def test_a_risky_act_long_after_signing_in_asks_again_and_is_then_done(site, anna):
    path = reverse("invite", kwargs={"code": COMMUNITY_CODE})
    assert anna.post(path, {"role": "clerk"}).headers["location"].endswith("/people/")
    assert Invitation.objects.count() == 1
    browser = anna
    kept = browser.session
    kept["account_authentication_methods"] = [
        {**one, "at": one["at"] - 3600} for one in kept["account_authentication_methods"]
    ]
    kept.save()
    asked = anna.post(path, {"role": "auditor"})
    assert asked.headers["location"].startswith("/account/reauthenticate/")
    assert Invitation.objects.count() == 1
    page = anna.get(asked.headers["location"])
    assert page.status_code == 200
    wrong = anna.post(asked.headers["location"], {"password": "wrong"})
    assert (wrong.status_code, Invitation.objects.count()) == (200, 1)
    done = anna.post(asked.headers["location"], {"password": PHRASE})
    assert done.headers["location"].endswith("/people/")
    assert list(Invitation.objects.order_by("id").values_list("role", flat=True)) == ["clerk", "auditor"]


def test_who_is_not_allowed_is_not_asked_for_a_password(site, browser_of):
    clerk = browser_of(Role.CLERK)
    clerk.user.set_password(PHRASE)
    clerk.user.save()
    clerk.force_login(clerk.user)
    assert clerk.post(reverse("invite", kwargs={"code": COMMUNITY_CODE}), {"role": "clerk"}).status_code == 403


def test_the_last_operator_stays(site, browser_of):
    operator = browser_of(Role.OPERATOR)
    grant = Grant.objects.get(user=operator.user)
    path = reverse("end_grant", kwargs={"code": COMMUNITY_CODE, "grant_id": grant.pk})
    assert "The last operator stays" in operator.post(path, follow=True).content.decode()
    grant.refresh_from_db()
    assert grant.ended_at is None


def test_no_export_holds_a_formula(site, browser_of):
    evil = "=HYPERLINK(1)"
    Member.objects.filter(number=POINTS[0].member_number).update(name=evil, town="@SUM(1)")
    partner = browser_of(Role.PARTNER)
    path = reverse("member_edit", kwargs={"code": COMMUNITY_CODE, "number": POINTS[0].member_number})
    partner.post(path, {"name": "+1", "kind": "household", "town": "-2"})
    upload = reverse("member_import", kwargs={"code": COMMUNITY_CODE})
    sent = partner.post(upload, {"file": io.BytesIO(b"number,name,nip\nSE-1,=1+1,@2\n")})
    exports = [
        f"{sent.headers['location']}errors/csv/",
        reverse("log_file", kwargs={"code": COMMUNITY_CODE, "form": "csv"}),
        reverse("members_file", kwargs={"code": COMMUNITY_CODE, "form": "csv"}),
        reverse("member_template", kwargs={"code": COMMUNITY_CODE, "form": "csv"}),
    ]
    for export in exports:
        rows = list(csv.reader(io.StringIO(partner.get(export).content.decode("utf-8-sig"))))
        assert len(rows) > 1, export
        assert [cell for row in rows for cell in row if cell[:1] in {"=", "+", "-", "@", "\t"}] == [], export
    assert "'+1" in partner.get(exports[2]).content.decode()
