"""Values under free names on points, meters, members and sets: dated, ended, logged, seen only where they belong."""

from datetime import date

import pytest
from django.urls import reverse

from ogniwo.records.audit.models import AuditEvent
from ogniwo.records.metering.models import MeterInstallation
from ogniwo.records.remarks.models import Attribute
from ogniwo.services.access.roles import Role
from ogniwo.services.demo.sample import COMMUNITY_CODE, MONTH, POINTS
from ogniwo.services.parties.attributes import attributes_of_member, attributes_of_point, attributes_of_set
from ogniwo.services.workspace.queries import Subject, organisation

POINT, NUMBER = POINTS[0].code, POINTS[0].member_number


def at(name, code=COMMUNITY_CODE, **values):
    return reverse(name, kwargs={"code": code, **values})


def give(browser, value, day, *, name="Fuse", place=None, **more):
    return browser.post(
        place or at("point_attribute", ppe=POINT), {"name": name, "value": value, "valid_from": day} | more
    )


def periods(name="Fuse"):
    rows = Attribute.objects.filter(name=name).order_by("pk")
    return [(one.value, one.valid_from.isoformat(), one.valid_to and one.valid_to.isoformat()) for one in rows]


def test_another_value_ends_the_one_before(site, browser_of):
    clerk = browser_of(Role.CLERK)
    assert give(clerk, "25 A", "2026-01-01").headers["location"] == at("point", ppe=POINT)
    give(clerk, "25 A", "2026-05-01")
    assert periods() == [("25 A", "2026-01-01", None)], "the same again changes nothing"
    give(clerk, "  32   A ", "2026-10-01")
    assert periods() == [("25 A", "2026-01-01", "2026-10-01"), ("32 A", "2026-10-01", None)]
    page = clerk.get(at("point", ppe=POINT)).content.decode().split('id="attributes"')[1]
    assert "25 A" in page
    assert "32 A" in page
    (first, second) = AuditEvent.objects.filter(action="attribute.set").order_by("pk")
    assert (second.target, second.subject) == (POINT, clerk.user.get_username())
    assert (second.facts["before"], second.facts["after"]) == ({"Fuse": "25 A"}, {"Fuse": "32 A"})
    assert first.facts["before"] == {"Fuse": ""}


@pytest.mark.parametrize(
    ("value", "day", "code"),
    [
        ("16 A", "2025-12-31", b"attribute.overlap"),
        ("", "2026-11-01", b"attribute.malformed"),
        ("x" * 201, "2026-11-01", b"attribute.malformed"),
        ("16 A", "tomorrow", b"attribute.malformed"),
    ],
)
def test_what_is_refused_leaves_all_as_it_was(site, browser_of, value, day, code):
    clerk = browser_of(Role.CLERK)
    give(clerk, "25 A", "2026-01-01")
    answer = give(clerk, value, day)
    assert answer.status_code == 409
    assert code in answer.content
    assert periods() == [("25 A", "2026-01-01", None)]


def test_one_ends_on_a_day_or_is_taken_back(site, browser_of):
    clerk = browser_of(Role.CLERK)
    give(clerk, "25 A", "2026-01-01")
    end = at("end_attribute", attribute_id=Attribute.objects.get().pk)
    assert b"attribute.overlap" in clerk.post(end, {"valid_to": "2025-06-01"}).content
    assert clerk.post(end, {"valid_to": "2026-06-01"}).headers["location"] == at("point", ppe=POINT)
    assert clerk.post(end, {"valid_to": "2026-07-01"}).status_code == 404, "ended once"
    assert b"attribute.overlap" in give(clerk, "16 A", "2026-05-01").content
    give(clerk, "wrong", "2026-06-01")
    wrong = Attribute.objects.get(value="wrong")
    clerk.post(at("end_attribute", attribute_id=wrong.pk), {"valid_to": "2026-06-01"})
    give(clerk, "32 A", "2026-06-01")
    assert periods()[1:] == [("wrong", "2026-06-01", "2026-06-01"), ("32 A", "2026-06-01", None)]
    assert "taken back" in clerk.get(at("point", ppe=POINT)).content.decode()
    assert AuditEvent.objects.filter(action="attribute.end").count() == 2


def test_meters_have_them_too(site, browser_of):
    clerk = browser_of(Role.CLERK)
    serial = MeterInstallation.objects.get(point__code=POINT, valid_to=None).meter.serial
    give(clerk, "PL-77", "2026-01-01", name="Seal", meter=serial)
    assert Attribute.objects.get().meter.serial == serial
    assert f"Meter {serial}" in clerk.get(at("point", ppe=POINT)).content.decode()
    other = MeterInstallation.objects.get(point__code=POINTS[1].code, valid_to=None).meter.serial
    assert give(clerk, "PL-78", "2026-01-01", name="Seal", meter=other).status_code == 404
    end = at("end_attribute", attribute_id=Attribute.objects.get().pk)
    answer = clerk.post(end, {"valid_to": "2026-02-01", "point": POINT})
    assert answer.headers["location"] == at("point", ppe=POINT)
    assert AuditEvent.objects.get(action="attribute.end").target == POINT


def test_a_members_stand_on_his_page_and_in_the_list(site, browser_of):
    clerk = browser_of(Role.CLERK)
    place = at("member_attribute", number=NUMBER)
    assert give(clerk, "=blue", "2026-10-31", name="Key box", place=place).status_code == 302
    assert "Key box" in clerk.get(at("member", number=NUMBER)).content.decode()
    for month, there in (("2026-10", True), ("2026-09", False)):
        lines = b"".join(clerk.get(f"{at('members_file', form='csv')}?month={month}")).decode("utf-8-sig").splitlines()
        assert lines[0].endswith("own attributes")
        (own,) = [line for line in lines if line.startswith(NUMBER)]
        assert ("Key box: =blue" in own) is there, "those of the month's last day"


def test_a_formula_is_kept_as_a_set_which_has_its_own(site, browser_of):
    clerk = browser_of(Role.CLERK)
    name, formula = 'Hala & "magazyn" 1/2 + ę', f"+ {POINT} 1.29.0"
    kept = clerk.post(at("computing_set_new"), {"name": name, "formula": formula})
    here = kept.headers["location"]
    assert f"<code>{formula}</code>" in clerk.get(here).content.decode()
    for wrong, code in (("[x]", b"sets.bad_name"), ("", b"sets.bad_name"), (name, b"sets.exists")):
        answer = clerk.post(at("computing_set_new"), {"name": wrong, "formula": f"- {POINT} 1.29.0"})
        assert (answer.status_code, code in answer.content) == (409, True)
    place = at("computing_set_attribute")
    assert (
        give(clerk, "A1", "2026-01-01", name="Cost centre", place=place, computing_set=name).headers["location"] == here
    )
    give(clerk, "B2", "2026-06-01", name="Cost centre", place=place, computing_set=name)
    assert periods("Cost centre") == [("A1", "2026-01-01", "2026-06-01"), ("B2", "2026-06-01", None)]
    assert give(clerk, "A1", "2026-01-01", place=place, computing_set="no such set").status_code == 404
    end = at("end_attribute", attribute_id=Attribute.objects.get(value="B2").pk)
    assert clerk.post(end, {"valid_to": "2026-07-01"}).headers["location"] == here
    assert {one.target for one in AuditEvent.objects.filter(action__startswith="attribute")} == {
        f"{COMMUNITY_CODE} {name}"
    }
    page = browser_of(Role.AUDITOR).get(here).content.decode()
    assert "Cost centre" in page
    assert 'name="valid_from"' not in page
    other = organisation(code=COMMUNITY_CODE, subject=Subject("/"))
    assert attributes_of_set(organisation=other, name=name, subject=Subject(other.path, NUMBER)) == ()
    assert clerk.get(at("computing_set") + "?name=none").status_code == 404


def test_a_set_shows_its_month_day_by_day(site, browser_of):
    clerk = browser_of(Role.CLERK)
    text = f"+ {POINT} 1.29.0"
    clerk.post(at("computing_set_new"), {"name": "part", "formula": text})
    clerk.post(at("computing_set_new"), {"name": "whole", "formula": "+ [part] + [part]"})
    part, whole = (
        clerk.get(at("computing_set") + f"?name={name}&month=2026-10").content.decode() for name in ("part", "whole")
    )
    stored = site.series.read(point=POINT, channel="1.29.0", month=MONTH)
    sums = f"{stored.present_total_wh / 1_000:,.3f}", f"{2 * stored.present_total_wh / 1_000:,.3f}"
    for page, total in zip((part, whole), sums, strict=True):
        assert f"The month: {total.replace(',', '')} kWh; {int(stored.missing.sum())} slots" in page.replace("\xa0", "")
        assert page.count('<th scope="row"><time>2026-10-') == 31
    assert 'Part of: <a href="?name=whole">' in part
    assert (
        b"Nothing is stored of a part of this set"
        in clerk.get(at("computing_set") + "?name=part&month=2026-01").content
    )


def test_who_sees_and_who_may(site, browser_of):
    clerk, auditor, neighbour = browser_of(Role.CLERK), browser_of(Role.AUDITOR), browser_of(Role.CLERK, "inna")
    give(clerk, "25 A", "2026-01-01")
    give(clerk, "blue", "2026-01-01", place=at("member_attribute", number=NUMBER))
    page = auditor.get(at("point", ppe=POINT)).content.decode()
    assert "25 A" in page
    assert 'name="valid_from"' not in page
    assert give(auditor, "1 A", "2026-11-01").status_code == 403
    assert give(neighbour, "1 A", "2026-11-01", place=at("point_attribute", "inna", ppe=POINT)).status_code == 404
    end = at("end_attribute", "inna", attribute_id=Attribute.objects.first().pk)
    assert neighbour.post(end, {"valid_to": "2026-02-01"}).status_code == 404
    own = Subject(f"/platforma/{COMMUNITY_CODE}/", NUMBER)
    assert attributes_of_point(code=POINT, subject=own) == ()
    assert attributes_of_member(number=NUMBER, subject=own) == ()
    assert len(attributes_of_point(code=POINT, subject=Subject(own.path))) == 1
    assert Attribute.objects.filter(valid_from=date(2026, 1, 1), valid_to=None).count() == 2
