"""Who sees which rows through the services: the operator all, a partner its own, a member only what is its own."""

import pytest

from ogniwo.core.kernel.calendar import Month
from ogniwo.services.contracts.queries import CommunityNotFoundError, community
from ogniwo.services.demo.sample import COMMUNITY_CODE, POINTS
from ogniwo.services.metering.queries import (
    PointNotFoundError,
    intervals_of,
    list_points,
    month_completeness,
    point_details,
    versions_of,
)
from ogniwo.services.parties.operations import SimilarCodeError, register_organisation
from ogniwo.services.settlement.differencing import month_difference
from ogniwo.services.settlement.queries import (
    RunNotFoundError,
    StatementNotFoundError,
    hourly_flows,
    settled_month,
)
from ogniwo.services.workspace.queries import OrganisationNotFoundError, Subject, organisation, overview

OCTOBER = Month(2026, 10)
OWN, OTHER = POINTS[0], POINTS[1]
PARTNER = Subject(f"/platforma/{COMMUNITY_CODE}/")
MEMBER = Subject(PARTNER.path, OWN.member_number)
STRANGER = Subject("/platforma/sasiad/")


@pytest.fixture
def closed(at_stage, cooperative):
    workspace = at_stage("closed")
    operator = organisation(code="platforma", subject=Subject.operator())
    register_organisation(code="sasiad", name="Spółdzielnia sąsiednia", kind="partner", parent=operator)
    return workspace, cooperative()


def test_points(closed):
    workspace, coop = closed
    assert len(list_points(organisation=coop, subject=PARTNER)) == 40
    assert [one.code for one in list_points(organisation=coop, subject=MEMBER)] == [OWN.code]
    assert list_points(organisation=coop, subject=STRANGER) == ()
    assert point_details(workspace, code=OWN.code, subject=MEMBER).summary.member == OWN.member_number
    for subject, code in ((MEMBER, OTHER.code), (STRANGER, OWN.code)):
        for ask in (
            lambda code=code, subject=subject: point_details(workspace, code=code, subject=subject),
            lambda code=code, subject=subject: intervals_of(workspace, code=code, subject=subject, month=OCTOBER),
            lambda code=code, subject=subject: versions_of(workspace, code=code, subject=subject, month=OCTOBER),
        ):
            with pytest.raises(PointNotFoundError):
                ask()


def test_completeness_tells_nothing_of_others(closed):
    workspace, coop = closed
    found, silent = month_completeness(workspace, organisation=coop, subject=MEMBER, month=OCTOBER)
    assert {one.point for one in found} == {OWN.code}
    assert silent == ()


def test_statements(closed):
    _, coop = closed
    assert len(settled_month(community=coop, month=OCTOBER, subject=PARTNER).statements) == 40
    mine = settled_month(community=coop, month=OCTOBER, subject=MEMBER)
    assert [one.point for one in mine.statements] == [OWN.code]
    with pytest.raises(StatementNotFoundError):
        settled_month(community=coop, month=OCTOBER, subject=MEMBER, point=OTHER.code)
    with pytest.raises(StatementNotFoundError):
        settled_month(community=coop, month=OCTOBER, subject=MEMBER, member=OTHER.member_number)
    with pytest.raises(StatementNotFoundError):
        hourly_flows(community=coop, month=OCTOBER, subject=MEMBER, point=OTHER.code)
    for ask in (settled_month, month_difference):
        with pytest.raises(RunNotFoundError):
            ask(community=coop, month=OCTOBER, subject=STRANGER)


def test_organisations_and_overview(closed):
    workspace, _ = closed
    assert community(code="", subject=PARTNER).code == COMMUNITY_CODE
    with pytest.raises(CommunityNotFoundError):
        community(code=COMMUNITY_CODE, subject=STRANGER)
    for subject in (STRANGER, MEMBER):
        with pytest.raises(OrganisationNotFoundError):
            organisation(code=COMMUNITY_CODE, subject=subject)
    seen = overview(workspace, subject=PARTNER)
    assert [one.code for one in seen.organisations] == [COMMUNITY_CODE]
    assert [(one.month, one.points, one.channels) for one in seen.months] == [("2026-10", 40, 66)]
    assert [(one.month, one.version, one.statements) for one in seen.runs] == [("2026-10", 1, 40)]
    strange = overview(workspace, subject=STRANGER)
    assert [one.code for one in strange.organisations] == ["sasiad"]
    assert (strange.months, strange.runs) == ((), ())
    member = overview(workspace, subject=MEMBER)
    assert (member.organisations, member.runs) == ((), ())
    assert [(one.points, one.channels) for one in member.months] == [(1, 1)]


def test_a_code_that_differs_in_capitals_only_is_refused(at_stage):
    at_stage("registered")
    with pytest.raises(SimilarCodeError, match=COMMUNITY_CODE):
        register_organisation(code=COMMUNITY_CODE.upper(), name="Inna", kind="operator")
