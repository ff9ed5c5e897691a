"""One member and one point by form: saved with what it was before in the log, dated facts begin on a day."""

from datetime import date

from django.urls import reverse

from ogniwo.core.kernel.ids import gs1_check_digit
from ogniwo.records.audit.models import AuditEvent
from ogniwo.records.contracts.models import Membership
from ogniwo.records.metering.models import MeteringPoint, MeterInstallation
from ogniwo.records.parties.models import Member
from ogniwo.services.access.roles import Role
from ogniwo.services.demo.sample import COMMUNITY_CODE, POINTS

ONE = POINTS[0]
NUMBER, POINT = ONE.member_number, ONE.code
BODY = "59099977260000901"


def at(name, **values):
    return reverse(name, kwargs={"code": COMMUNITY_CODE, **values})


def test_a_member_is_registered_and_gets_a_point(site, browser_of):
    clerk = browser_of(Role.CLERK)
    answer = clerk.post(at("member_new"), {"number": "SE-900", "name": "Dom 900", "kind": "household", "town": "Wieś"})
    assert answer.headers["location"] == at("member", number="SE-900")
    code = BODY + str(gs1_check_digit(BODY))
    fields = {"point": f"{code[:6]} {code[6:]}", "role": "consumer", "member_from": "2026-11-01", "share_key": "2"}
    answer = clerk.post(at("point_new", number="SE-900"), fields)
    assert answer.headers["location"] == at("point", ppe=code)
    assert MeteringPoint.objects.get(code=code).member.number == "SE-900"
    assert Membership.objects.get(point__code=code).share_key == 2
    acts = AuditEvent.objects.filter(target="SE-900").values_list("action", "subject")
    assert [action for action, _who in acts] == ["members.add", "members.change"]
    assert all(who == clerk.user.get_username() for _action, who in acts)


def test_a_form_clears_what_it_shows_empty_and_the_log_keeps_it(site, browser_of):
    clerk = browser_of(Role.CLERK)
    before = Member.objects.get(number=NUMBER)
    page = clerk.get(at("member_edit", number=NUMBER)).content.decode()
    assert f'value="{before.name}"' in page
    sent = {"name": "Inna", "kind": "firm", "street": "", "post_code": "00-001", "town": before.town, "nip": ""}
    assert clerk.post(at("member_edit", number=NUMBER), sent).status_code == 302
    now = Member.objects.get(number=NUMBER)
    assert (now.name, now.kind, now.street, now.post_code) == ("Inna", "firm", "", "00-001")
    facts = AuditEvent.objects.get(action="members.change").facts
    assert facts["before"][f"member {NUMBER}: name"] == before.name
    assert facts["after"][f"member {NUMBER}: street"] == ""


def test_what_is_refused_says_why_and_keeps_what_was_typed(site, browser_of):
    clerk = browser_of(Role.CLERK)
    answer = clerk.post(at("member_edit", number=NUMBER), {"name": "Nowa nazwa", "kind": "firm", "nip": "1234567890"})
    assert answer.status_code == 422
    page = answer.content.decode()
    assert "no tax number" in page
    assert 'value="Nowa nazwa"' in page
    assert Member.objects.get(number=NUMBER).name != "Nowa nazwa"
    assert clerk.post(at("member_new"), {"number": NUMBER, "name": ""}).status_code == 422


def test_a_meter_is_replaced_from_a_day_on(site, browser_of):
    clerk = browser_of(Role.CLERK)
    old = MeterInstallation.objects.get(point__code=POINT, valid_to=None)
    fields = {"do": "meter", "meter": "NEW-1", "meter_from": "2026-11-15", "current": "200/5", "digits": "6"}
    assert clerk.post(at("point_edit", ppe=POINT), fields).status_code == 302
    old.refresh_from_db()
    new = MeterInstallation.objects.get(point__code=POINT, valid_to=None)
    assert old.valid_to == new.valid_from
    assert new.valid_from.isoformat() == "2026-11-14T23:00:00+00:00"
    assert new.meter.ratios.get().current_primary == 200
    earlier = {"do": "meter", "meter": "NEW-2", "meter_from": "2020-01-01"}
    refused = clerk.post(at("point_edit", ppe=POINT), earlier)
    assert refused.status_code == 422
    assert "NEW-2" in refused.content.decode()


def test_a_membership_ends_and_a_share_inside_a_month_is_remarked(site, browser_of):
    clerk = browser_of(Role.CLERK)
    fields = {"do": "membership", "member_from": "2026-12-15", "share_key": "7"}
    page = clerk.post(at("point_edit", ppe=POINT), fields, follow=True).content.decode()
    assert "inside a month" in page
    assert Membership.objects.get(point__code=POINT, valid_to=None).valid_from == date(2026, 12, 15)
    other = POINTS[1].code
    began = Membership.objects.get(point__code=other).valid_from
    fields = {"do": "membership", "member_from": began.isoformat(), "member_to": "2027-01-01"}
    assert clerk.post(at("point_edit", ppe=other), fields).status_code == 302
    assert Membership.objects.get(point__code=other).valid_to == date(2027, 1, 1)


def test_a_point_that_belongs_to_another_is_refused(site, browser_of):
    answer = browser_of(Role.CLERK).post(at("point_new", number=POINTS[2].member_number), {"point": POINT})
    assert answer.status_code == 422
    assert "members.belongs_to_another" in answer.content.decode()


def test_who_only_reads_is_offered_no_change(site, browser_of):
    auditor = browser_of(Role.AUDITOR)
    for page in (at("members"), at("member", number=NUMBER), at("point", ppe=POINT)):
        text = auditor.get(page).content.decode()
        assert "/edit/" not in text
        assert "member-new" not in text
