"""Who was not invited may ask where a partner lets people ask; before he decides nothing is given or told."""

import re

import pytest
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import make_password
from django.core import mail
from django.urls import reverse

from ogniwo.records.access.models import Application, Grant, Invitation
from ogniwo.records.audit.models import AuditEvent
from ogniwo.records.parties.models import Member
from ogniwo.services.access import applying
from ogniwo.services.access.applying import set_door
from ogniwo.services.access.roles import Role
from ogniwo.services.access.viewers import viewer_of
from ogniwo.services.demo.sample import COMMUNITY_CODE, POINTS

ASK = f"/join/{COMMUNITY_CODE}/"
PEOPLE = reverse("people", kwargs={"code": COMMUNITY_CODE})
ONE = POINTS[0]
PHRASE = "cztery krowy na tratwie"


@pytest.fixture(autouse=True)
def _letters_in_memory(monkeypatch):
    monkeypatch.setattr(settings, "EMAIL_BACKEND", "django.core.mail.backends.locmem.EmailBackend")
    monkeypatch.setattr(mail, "outbox", [], raising=False)


@pytest.fixture
def partner(site, browser_of):
    browser = browser_of(Role.PARTNER)
    browser.post(reverse("settings_door", kwargs={"code": COMMUNITY_CODE}), {"opened": "yes"})
    return browser


def ask(browser, *, number=ONE.member_number, email="jan@member.example", **more):
    return browser.post(ASK, {"name": "Dom 1", "number": number, "email": email, "password": PHRASE, **more})


def told(answer):
    return answer.content.decode().split("<main")[1].split("</main>")[0]


def decide(partner, row, **sent):
    return partner.post(reverse("decide", kwargs={"code": COMMUNITY_CODE, "application_id": row.pk}), sent, follow=True)


def signs_in(browser, email="jan@member.example", password=PHRASE):
    browser.post(reverse("account_login"), {"login": email, "password": password})
    return "_auth_user_id" in browser.session


def confirmed(browser):
    path = re.search(r"http://[^/]+(/confirm/\S+)", mail.outbox[-1].body)[1]
    assert browser.get(path).status_code == 200
    assert Application.objects.get().confirmed_at is None, "mail programs open links by themselves"
    assert browser.post(path).status_code == 200


def test_nobody_asks_where_asking_is_off(site, browser_of):
    browser = browser_of()
    assert browser.get(ASK).status_code == 410
    assert ask(browser).status_code == 410
    assert told(browser.get("/join/no-such-code/")) == told(browser.get(ASK))
    assert not Application.objects.exists()


def test_a_member_asks_confirms_is_approved_and_signs_in(site, browser_of, partner):
    member = browser_of()
    assert "has your request" in ask(member).content.decode()
    assert not get_user_model().objects.filter(email="jan@member.example").exists()
    assert not signs_in(member)
    page = partner.get(PEOPLE).content.decode()
    registered = Member.objects.get(number=ONE.member_number)
    assert "not confirmed" in page
    assert registered.name in page
    confirmed(member)
    row = Application.objects.get()
    answer = decide(partner, row, do="approve", member=ONE.member_number).content.decode()
    assert "The account is open" in answer
    grant = Grant.objects.get(user__email="jan@member.example")
    assert (grant.role, grant.member.number) == ("member", ONE.member_number)
    row.refresh_from_db()
    assert (row.outcome, row.password) == ("approved", "")
    assert signs_in(member)
    acts = AuditEvent.objects.filter(action__in=["settings.door", "access.apply", "access.approve"])
    assert [one.action for one in acts] == ["settings.door", "access.apply", "access.approve"]
    assert acts[2].facts["proof"] == "e-mail confirmed"
    assert acts[2].subject == partner.user.get_username()
    assert PHRASE not in str(list(AuditEvent.objects.values_list("facts", flat=True)))


def test_an_address_that_was_not_confirmed_needs_another_proof(site, browser_of, partner):
    ask(browser_of())
    row = Application.objects.get()
    assert "not confirmed" in decide(partner, row, do="approve", member=ONE.member_number).content.decode()
    assert not Grant.objects.filter(member__number=ONE.member_number).exists()
    decide(partner, row, do="approve", member=ONE.member_number, known="yes")
    assert Grant.objects.filter(member__number=ONE.member_number).exists()
    assert AuditEvent.objects.get(action="access.approve").facts["proof"] == "known otherwise"


def test_a_request_is_turned_down_with_a_reason(site, browser_of, partner):
    ask(browser_of(), number="SE-999")
    row = Application.objects.get()
    assert "No member and no point has this number" in partner.get(PEOPLE).content.decode()
    assert "Give the reason" in decide(partner, row, do="refuse").content.decode()
    assert "there is no member" in decide(partner, row, do="approve", member="SE-999", known="y").content.decode()
    decide(partner, row, do="refuse", reason="nieznany numer")
    row.refresh_from_db()
    assert (row.outcome, row.reason, row.password) == ("refused", "nieznany numer", "")
    assert AuditEvent.objects.get(action="access.refuse").facts["reason"] == "nieznany numer"
    assert decide(partner, row, do="approve", member=ONE.member_number).status_code == 404


def test_the_answer_does_not_tell_who_is_known(site, browser_of, partner, monkeypatch):
    hashed = []
    monkeypatch.setattr(applying, "make_password", lambda word: hashed.append(word) or make_password(word))
    get_user_model().objects.create_user("known", "known@member.example", "her own long password")
    asked = [
        (ONE.member_number, "new@member.example"),
        ("SE-999", "new2@member.example"),
        (ONE.code, "known@member.example"),
    ]
    answers = {told(ask(browser_of(), number=number, email=email)) for number, email in asked}
    assert len(answers) == 1
    assert hashed == [PHRASE] * 3, "the slow part is done whoever asks, so the time tells nothing"
    assert len(mail.outbox) == 3


def test_nobody_takes_an_account_by_typing_its_address(site, browser_of, partner):
    owner = get_user_model().objects.create_user("known", "known@member.example", "her own long password")
    ask(browser_of(), email="Known@member.example")
    row = Application.objects.get()
    assert "this address has an account" in partner.get(PEOPLE).content.decode()
    answer = decide(partner, row, do="approve", member=ONE.member_number, known="yes").content.decode()
    assert "has an account" in answer
    assert not Grant.objects.filter(user=owner).exists()
    row.refresh_from_db()
    assert row.decided_at is None, "nothing half done"
    confirmed(browser_of())
    decide(partner, row, do="approve", member=ONE.member_number)
    assert Grant.objects.get(user=owner).member.number == ONE.member_number
    owner.refresh_from_db()
    assert owner.check_password("her own long password")


def test_who_is_signed_in_asks_without_another_account(site, browser_of, partner):
    reader = browser_of(Role.AUDITOR, "inna")
    assert 'name="password"' not in reader.get(ASK).content.decode()
    reader.post(ASK, {"name": "Dom 1", "number": ONE.code})
    row = Application.objects.get()
    decide(partner, row, do="approve", member=ONE.member_number)
    assert Grant.objects.get(member__number=ONE.member_number).user == reader.user


@pytest.mark.parametrize(
    ("sent", "said"),
    [({"number": ""}, "member number"), ({"email": "no address"}, "e-mail"), ({"password": "short"}, "12")],
)
def test_a_form_with_faults_says_them_and_keeps_nothing(site, browser_of, partner, sent, said):
    answer = ask(browser_of(), **sent)
    assert answer.status_code == 422
    page = answer.content.decode()
    assert said in page.lower() or said in page
    assert PHRASE not in page
    assert not Application.objects.exists()


def test_the_fourth_request_of_an_hour_with_one_address_is_too_often(site, browser_of, partner):
    assert [ask(browser_of()).status_code for _ in range(4)] == [200, 200, 200, 429]


def test_a_clerk_decides_nothing_and_a_neighbour_sees_nothing(site, browser_of, partner):
    ask(browser_of())
    row = Application.objects.get()
    assert decide(browser_of(Role.CLERK), row, do="approve", member=ONE.member_number).status_code == 403
    elsewhere = browser_of(Role.PARTNER, "inna")
    path = reverse("decide", kwargs={"code": "inna", "application_id": row.pk})
    assert elsewhere.post(path, {"do": "approve", "member": ONE.member_number, "known": "y"}).status_code == 404
    assert not Grant.objects.filter(member__number=ONE.member_number).exists()


def test_the_door_needs_the_right_to_change_settings(site, browser_of):
    clerk = browser_of(Role.CLERK)
    assert clerk.post(reverse("settings_door", kwargs={"code": COMMUNITY_CODE}), {"opened": "yes"}).status_code == 403
    viewer = viewer_of(clerk.user.pk, clerk.user.get_username())
    with pytest.raises(Exception, match="does not allow"):
        set_door(site, viewer=viewer, code=COMMUNITY_CODE, opened=True)


def test_an_invitation_is_shown_as_a_picture_once_and_can_be_withdrawn(site, browser_of):
    partner = browser_of(Role.PARTNER)
    picture = reverse("invitation_qr", kwargs={"code": COMMUNITY_CODE})
    assert partner.get(picture).status_code == 404
    partner.post(reverse("invite", kwargs={"code": COMMUNITY_CODE}), {"role": "clerk"})
    page = partner.get(PEOPLE).content.decode()
    assert f'src="{picture}"' in page
    secret = re.search(r"/join/([^/]+)/", page)[1]
    svg = partner.get(picture)
    assert svg.headers["content-type"] == "image/svg+xml"
    assert b"style=" not in svg.content
    assert secret not in partner.get(PEOPLE).content.decode()
    assert partner.get(picture).status_code == 404
    row = Invitation.objects.get()
    path = reverse("withdraw", kwargs={"code": COMMUNITY_CODE, "invitation_id": row.pk})
    assert partner.post(path).status_code == 302
    assert browser_of().get(reverse("join", kwargs={"secret": secret})).status_code == 410
    assert partner.post(path).status_code == 404
    assert AuditEvent.objects.filter(action="access.withdraw").count() == 1
