"""From the first link on the machine to a member's account: invited, opened, used once, ended."""

from django.urls import reverse

from ogniwo.records.access.models import Grant
from ogniwo.records.audit.models import AuditEvent
from ogniwo.services.access.inviting import invite_first_operator
from ogniwo.services.access.roles import Role
from ogniwo.services.demo.sample import COMMUNITY_CODE, POINTS


def sign_up(browser, secret, login):
    assert browser.get(reverse("join", kwargs={"secret": secret})).status_code == 200
    fields = {"email": login, "password1": "a long phrase 77", "password2": "a long phrase 77"}
    return browser.post(reverse("account_signup"), fields)


def test_the_first_operator_comes_by_a_link_from_the_machine(site, browser_of):
    secret = invite_first_operator(site, code="platforma", by="root")
    browser = browser_of()
    assert sign_up(browser, secret, "anna@operator.example").status_code == 302
    grant = Grant.objects.get(user__email="anna@operator.example")
    assert (grant.role, grant.organisation.code) == ("operator", "platforma")
    assert browser.get("/", follow=True).redirect_chain[-1][0].endswith("/organisations/")
    assert browser_of().get(reverse("join", kwargs={"secret": secret})).status_code == 410


def test_nobody_opens_an_account_uninvited(site, browser_of):
    answer = browser_of().post(
        reverse("account_signup"),
        {"email": "eve@evil.example", "password1": "a long phrase 77", "password2": "a long phrase 77"},
    )
    assert not Grant.objects.filter(user__email="eve@evil.example").exists()
    assert b"password1" not in answer.content


def test_a_partner_lets_a_member_in_and_ends_it(site, browser_of):
    partner = browser_of(Role.PARTNER)
    number = POINTS[0].member_number
    made = partner.post(reverse("invite", kwargs={"code": COMMUNITY_CODE}), {"role": "member", "member": number})
    assert made.status_code == 302
    page = partner.get(reverse("people", kwargs={"code": COMMUNITY_CODE})).content.decode()
    secret = page.split("/join/")[1].split("/")[0]
    member = browser_of()
    assert sign_up(member, secret, "jan@member.example").status_code == 302
    grant = Grant.objects.get(user__email="jan@member.example")
    assert grant.member.number == number
    ended = partner.post(reverse("end_grant", kwargs={"code": COMMUNITY_CODE, "grant_id": grant.pk}))
    assert ended.status_code == 302
    assert Grant.objects.get(pk=grant.pk).ended_at is not None
    acts = list(AuditEvent.objects.filter(action__startswith="access.").values_list("action", flat=True))
    assert acts == ["access.invite", "access.accept", "access.end"]


def test_a_partner_lets_no_operator_in(site, browser_of):
    answer = browser_of(Role.PARTNER).post(reverse("invite", kwargs={"code": COMMUNITY_CODE}), {"role": "operator"})
    assert answer.status_code == 403
