"""E04 and E03: points stand in a tree of groups, and each knows its meters."""

from datetime import UTC, datetime

from ogniwo.core.kernel.ids import gs1_check_digit
from ogniwo.records.metering.models import PointGroup
from ogniwo.records.parties.models import Member
from ogniwo.records.visibility import Subject
from ogniwo.services.metering.queries import list_points, point_details
from ogniwo.services.parties.operations import PointFacts, install_meter, register_point

OPERATOR = Subject.operator()


def _code(number):
    body = f"5909990000000{number:04d}"
    return f"{body}{gs1_check_digit(body)}"


def _register(cooperative, *paths):
    member = Member.objects.get(number="SE-001", organisation=cooperative)
    return [
        register_point(member=member, code=_code(number), facts=PointFacts(role="consumer"), group=path)
        for number, path in enumerate(paths, 1)
    ]


def test_groups_form_a_tree_that_is_shared_by_its_points(workspace, cooperative):
    points = _register(cooperative(), "plant/hall 1/line a", "plant/hall 1/line b", "plant/hall 2")
    first, second, third = (point.group for point in points)
    assert first.parent == second.parent
    assert (first.name, first.parent.name, first.parent.parent.name) == ("line a", "hall 1", "plant")
    assert third.parent == first.parent.parent
    assert third.parent.parent is None
    assert PointGroup.objects.filter(name__in=("plant", "hall 1", "hall 2", "line a", "line b")).count() == 5


def test_points_are_listed_with_their_group(workspace, cooperative):
    _register(cooperative(), "plant/hall 1/line a", "plant/hall 2")
    listed = {one.code: one.group for one in list_points(organisation=cooperative(), subject=OPERATOR)}
    assert listed[_code(1)] == "plant/hall 1/line a"
    assert listed[_code(2)] == "plant/hall 2"
    assert len(listed) == 42


def test_points_are_chosen_by_group_and_all_below_it(workspace, cooperative):
    _register(cooperative(), "plant/hall 1/line a", "plant/hall 10", "plant/hall 1")

    def chosen(group):
        points = list_points(organisation=cooperative(), subject=OPERATOR, group=group)
        return {one.code for one in points}

    assert chosen("plant") == {_code(1), _code(2), _code(3)}
    assert chosen("plant/hall 1") == {_code(1), _code(3)}
    assert chosen("plant/hall 1/") == chosen("plant/hall 1")
    assert chosen("hall 1") == set()


def test_the_register_of_meters_says_which_meter_counts_when_and_with_which_ratios(workspace, cooperative):
    (point,) = _register(cooperative(), "plant")
    since = datetime(2025, 1, 1, tzinfo=UTC)
    install_meter(point=point, serial="70000001", valid_from=since, current=(200, 5), voltage=(15_000, 100))
    (meter,) = point_details(workspace, code=point.code, subject=OPERATOR).meters
    assert (meter.serial, meter.valid_from, meter.valid_to) == ("70000001", since, None)
    assert (meter.current, meter.voltage) == ((200, 5), (15_000, 100))
