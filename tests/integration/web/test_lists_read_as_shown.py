"""Lists are read from the database as far as they are shown, and say what reading all and looking through it says."""

import re
from datetime import date

import pytest

from ogniwo.core.kernel.calendar import Month
from ogniwo.core.metering.intervals import hourly_series
from ogniwo.core.metering.model import IMPORT
from ogniwo.interfaces.web.pages import ledger as ledger_page
from ogniwo.interfaces.web.pages import people as people_page
from ogniwo.records.contracts.models import Membership
from ogniwo.records.metering.models import MeteringPoint, PointGroup
from ogniwo.records.parties.models import Member, Organisation
from ogniwo.series import NewCell
from ogniwo.services.access.queries import accounts_of_members, people_of
from ogniwo.services.access.roles import Role
from ogniwo.services.billing.access import issued_documents, listed_documents
from ogniwo.services.billing.mailing import letters_of
from ogniwo.services.demo.sample import COMMUNITY_CODE, MONTH, POINTS
from ogniwo.services.ledger.exploring import balances_at
from ogniwo.services.metering.active import active_series
from ogniwo.services.metering.balance import community_balance
from ogniwo.services.metering.queries import list_points, points_below
from ogniwo.services.parties.queries import list_members
from ogniwo.services.settlement.queries import month_totals, settled_month, settled_versions
from ogniwo.services.workspace.queries import Subject, operator_subject

ALL = operator_subject()
PERIODS = (
    [],
    [(date(2026, 1, 1), None)],
    [(date(2026, 1, 1), date(2026, 10, 1))],
    [(date(2026, 1, 1), date(2026, 10, 2))],
    [(date(2026, 11, 1), None)],
    [(date(2026, 10, 31), date(2026, 11, 1))],
    [(date(2026, 1, 1), date(2026, 3, 1)), (date(2026, 12, 1), None)],
    [(date(2026, 1, 1), date(2026, 3, 1)), (date(2026, 5, 1), date(2026, 6, 1))],
)


def community():
    return Organisation.objects.get(code=COMMUNITY_CODE)


def with_periods():
    """Members whose points were in the community at other times each, and one without any point."""
    home = community()
    group = PointGroup.objects.create(organisation=home, parent=None, name="osiedle")
    group = PointGroup.objects.create(organisation=home, parent=group, name="dom 1")
    for number, periods in enumerate(PERIODS):
        member = Member.objects.create(organisation=home, number=f"ZZ-{number}", name=f"Łąka {number}", kind="firm")
        for place, (first, end) in enumerate(periods):
            point = MeteringPoint.objects.create(
                organisation=home,
                member=member,
                group=group,
                code=f"{number:09}{place:09}",
                role="prosumer",
                peak_power_w=1_000 + number,
            )
            Membership.objects.create(community=home, point=point, valid_from=first, valid_to=end)


@pytest.mark.parametrize("month", [MONTH, Month(2026, 2), Month(2027, 1)])
def test_the_database_chooses_the_members_of_a_state_that_their_rows_have(copy_of, month):
    copy_of("closed")
    with_periods()
    every = list(list_members(subject=ALL, month=month))
    assert len(every) == Member.objects.count()
    assert [one.number for one in every] == sorted(one.number for one in every)
    for state in ("settles", "ended", "later", "none", "unheard of"):
        found = list_members(subject=ALL, month=month, state=state)
        assert list(found) == [one for one in every if one.state == state]
        assert len(found) == len(list(found))
        assert found.column("number") == tuple(one.number for one in found)
    if month == MONTH:
        states = [one.state for one in every if one.number.startswith("ZZ-")]
        assert states == ["none", "settles", "ended", "settles", "later", "settles", "later", "ended"]


def test_a_part_of_a_list_is_that_part_of_the_whole(copy_of):
    copy_of("closed")
    with_periods()
    for found in (list_members(subject=ALL, month=MONTH), points_below(subject=ALL), issued_documents(subject=ALL)):
        whole = tuple(found)
        assert tuple(row for first in range(0, len(whole), 7) for row in found[first : first + 7]) == whole
        assert found[len(whole) : len(whole) + 5] == ()
        with pytest.raises(IndexError):
            found[len(whole)]
    assert points_below(subject=ALL)[0] == next(iter(points_below(subject=ALL)))


def test_points_are_chosen_and_added_up_by_the_database(copy_of):
    copy_of("closed")
    with_periods()
    every = tuple(points_below(subject=ALL))
    assert every == list_points(organisation=community(), subject=ALL)
    assert {one.group for one in every if one.member.startswith("ZZ-")} == {"osiedle/dom 1"}
    for role in ("consumer", "prosumer", "producer"):
        found = points_below(subject=ALL, role=role)
        assert tuple(found) == tuple(one for one in every if one.role == role)
        assert found.totals("peak_power_w") == (sum(one.peak_power_w for one in found),)
        assert found.totals("peak_power_w")[0] > 0 or role == "consumer"
    assert points_below(subject=ALL, role="none").totals("peak_power_w") == (0,)


def test_a_list_holds_what_the_subject_sees_and_no_more(copy_of):
    copy_of("posted")
    with_periods()
    own, elsewhere = Subject(community().path, POINTS[0].member_number), Subject("/platforma/inna/")
    assert {one.member for one in points_below(subject=own)} == {POINTS[0].member_number}
    assert {one.number for one in list_members(subject=own, month=MONTH)} == {POINTS[0].member_number}
    assert {one["member"] for one in issued_documents(subject=own)} == {POINTS[0].member_number}
    for found in (
        points_below(subject=elsewhere),
        list_members(subject=elsewhere, month=MONTH, state="none"),
        issued_documents(subject=elsewhere, search="S"),
    ):
        assert (len(found), tuple(found)) == (0, ())


def test_bills_are_searched_without_regard_to_case_and_added_up(copy_of):
    copy_of("posted")
    Member.objects.filter(number=POINTS[0].member_number).update(name="Łucja Żółta")
    rows = listed_documents(subject=ALL, month=str(MONTH))
    for search in ("łucja ż", "ŁUCJA", "fv/2026", rows[3]["number"], "se-0", "nobody"):
        fits = [
            row for row in rows if any(search.lower() in row[name].lower() for name in ("number", "member", "name"))
        ]
        found = issued_documents(subject=ALL, month=str(MONTH), search=search)
        assert list(found) == fits
        assert found.totals("net_grosz", "gross_grosz") == tuple(
            sum(int(row[name]) for row in fits) for name in ("net_grosz", "gross_grosz")
        )
        assert len(found) == len(fits)
    assert len(issued_documents(subject=ALL, search="ŁUCJA")) == 1
    assert letters_of(subject=ALL, month=str(MONTH)).documents == len(rows)
    assert letters_of(subject=Subject("/platforma/inna/"), month=str(MONTH)).documents == 0


def test_accounts_are_asked_for_by_number(copy_of, sign_in):
    workspace = copy_of("closed")
    login = sign_in(workspace, Role.MEMBER).user.get_username()
    number = Member.objects.filter(organisation=community()).first().number
    assert accounts_of_members(community().path, [number, "SE-002"]) == {number: login}
    assert accounts_of_members(community().path, ["SE-002"]) == {}
    assert accounts_of_members("/platforma/inna/", [number]) == {}


def test_all_pages_of_the_ledger_together_show_every_account_and_each_the_sum_of_all(reader_of, shared, monkeypatch):
    monkeypatch.setattr(ledger_page, "_PER_PAGE", 7)
    browser = reader_of(Role.PARTNER)
    held = {one.account for one in balances_at(shared, subject=Subject(community().path))}
    assert len(held) > 7
    seen, feet = [], set()
    for number in range(1, -(-len(held) // 7) + 1):
        text = browser.get(f"/o/{COMMUNITY_CODE}/ledger/?page={number}").content.decode()
        seen += re.findall(r"/ledger/account/([^\"]+)/\"", text)
        feet.add(text[text.index("<tfoot>") : text.index("</tfoot>")])
    assert sorted(seen) == sorted(held)
    assert len(feet) == 1


def by_hand(workspace):
    """Taken, given and exchanged in the community's hours, point by point as the series say."""
    taken = given = 0
    sums = []
    for point in MeteringPoint.objects.filter(memberships__community=community()):
        pair = active_series(workspace, point=point.code, month=MONTH)
        hours = [hourly_series(one).wh.astype("int64") if one else 0 for one in pair]
        sums.append(hours[0] - hours[1])
        taken, given = taken + sums[-1].clip(0).sum(), given + (-sums[-1]).clip(0).sum()
    together = sum(sums)
    return taken, given, taken - together.clip(0).sum()


def figures(workspace):
    found = community_balance(workspace, community=community(), month=MONTH)
    return tuple(found.total(name) for name in ("taken_wh", "given_wh", "exchanged_wh"))


def test_a_balance_that_was_kept_follows_new_readings_and_memberships(copy_of):
    workspace = copy_of("closed")
    before = figures(workspace)
    assert before == by_hand(workspace)
    assert figures(workspace) == before
    code = POINTS[0].code
    series = workspace.series.read(point=code, channel=IMPORT, month=MONTH)
    wh = series.wh.copy()
    wh[:] += 1_000
    cell = NewCell(point=code, channel=IMPORT, grid=series.grid, wh=wh, quality=series.quality, reason="")
    workspace.series.commit([cell], known_at=workspace.now(), source="test", author="test")
    assert figures(workspace) == by_hand(workspace)
    assert figures(workspace)[0] > before[0]
    membership = Membership.objects.get(community=community(), point__code=code)
    membership.valid_to = MONTH.first
    membership.save()
    without = community_balance(workspace, community=community(), month=MONTH)
    assert without.points == len(POINTS) - 1
    assert figures(workspace)[0] < before[0]


def test_a_months_totals_are_those_of_its_newest_version(copy_of):
    copy_of("closed")
    subject = Subject(community().path)
    assert settled_versions(community=community(), month=MONTH, subject=subject) == (1,)
    assert settled_versions(community=community(), month=Month(2026, 9), subject=subject) == ()
    assert settled_versions(community=community(), month=MONTH, subject=Subject("/platforma/inna/")) == ()
    found = month_totals(community=community(), month=MONTH, subject=subject)
    settled = settled_month(community=community(), month=MONTH, subject=subject)
    assert found.version == 1
    assert sum(one.flows.taken_wh for one in found.members) == sum(one.flows.taken_wh for one in settled.statements)
    own = Subject(community().path, POINTS[0].member_number)
    assert [one.member for one in month_totals(community=community(), month=MONTH, subject=own).members] == [
        POINTS[0].member_number
    ]


def test_people_come_in_pages_and_the_office_before_the_members(copy_of, sign_in, monkeypatch):
    workspace = copy_of("closed")
    monkeypatch.setattr(people_page, "_PER_PAGE", 2)
    for role in (Role.MEMBER, Role.AUDITOR, Role.MEMBER, Role.CLERK):
        sign_in(workspace, role)
    browser = sign_in(workspace, Role.PARTNER)
    persons = people_of(COMMUNITY_CODE, now=workspace.now()).persons
    assert [one.role for one in persons] == ["auditor", "clerk", "partner", "member", "member"]
    seen = []
    for number in (1, 2, 3):
        text = browser.get(f"/o/{COMMUNITY_CODE}/people/?page={number}").content.decode()
        seen.append(re.findall(r"/people/end/(\d+)/|/people/(\d+)/end/", text))
    assert [len(one) for one in seen] == [2, 2, 1]
    assert ["".join(pair) for one in seen for pair in one] == [str(one.grant_id) for one in persons]
