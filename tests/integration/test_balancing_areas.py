"""Area balances and computing sets on stored months: sums by plain addition, missing values never zero."""

import pytest

from ogniwo.core.kernel.calendar import Month
from ogniwo.core.metering.sets import SetMember, UnknownMemberError
from ogniwo.records.metering.models import ComputingSet, ComputingSetPart, MeteringPoint
from ogniwo.services.demo.files import delivered_files
from ogniwo.services.demo.sample import POINTS
from ogniwo.services.metering.balance import (
    SetExistsError,
    SetNotFoundError,
    community_balance,
    create_set,
    list_sets,
    set_balance,
)
from ogniwo.services.metering.importing import import_files
from ogniwo.services.settlement.closing import close_month
from ogniwo.services.settlement.queries import rate_book_of
from ogniwo.services.workspace.queries import operator_subject

OCTOBER = Month(2026, 10)
OPERATOR = operator_subject()
PLANTS = [point.code for point in POINTS if point.role == "producer"]
HOUSEHOLD, WATERWORKS = POINTS[0].code, POINTS[35].code


def make(workspace, coop, name, *members, **options):
    return create_set(workspace, organisation=coop, subject=OPERATOR, name=name, members=members, **options)


def test_the_balance_of_the_community_agrees_with_its_settlement(at_stage, cooperative):
    workspace = at_stage("estimated")
    balance = community_balance(workspace, community=cooperative(), month=OCTOBER)
    closed = close_month(workspace, community=cooperative(), month=OCTOBER, book=rate_book_of(workspace), dry_run=True)
    assert len(balance.days) == 31
    assert balance.total("hours") == 745
    assert balance.total("missing_hours") == 0
    assert balance.total("exchanged_wh") == closed.cooperative.exchanged_wh
    assert balance.total("inflow_wh") == closed.cooperative.taken_wh
    assert balance.total("outflow_wh") == closed.cooperative.given_wh
    for day in balance.days:
        assert day.taken_wh == day.exchanged_wh + day.inflow_wh
        assert day.given_wh == day.exchanged_wh + day.outflow_wh
    assert [day.hours for day in balance.days if day.hours != 24] == [25]


def test_hours_with_a_missing_value_are_left_out_and_counted(at_stage, cooperative):
    full = community_balance(at_stage("estimated"), community=cooperative(), month=OCTOBER)
    partly = community_balance(at_stage("imported"), community=cooperative(), month=OCTOBER)
    # the gap of 23 quarters from 9:00 to 14:45 touches six hours
    assert [day.missing_hours for day in partly.days] == [6 if day == 13 else 0 for day in range(31)]
    assert partly.days[13].taken_wh < full.days[13].taken_wh
    assert [day for day in partly.days if not day.missing_hours] == [
        day for index, day in enumerate(full.days) if index != 13
    ]


def test_a_point_that_sent_nothing_is_named_and_no_hour_counts(workspace, cooperative):
    files = [(one.name, one.data) for one in delivered_files() if WATERWORKS not in one.name]
    import_files(workspace, organisation=cooperative(), files=files)
    balance = community_balance(workspace, community=cooperative(), month=OCTOBER)
    assert balance.silent_points == (WATERWORKS,)
    assert balance.total("missing_hours") == 745
    assert balance.total("taken_wh") == 0


def test_sets_of_channels_and_of_sets(at_stage, cooperative):
    workspace = at_stage("imported")
    coop = cooperative()
    make(workspace, coop, "plants", *(SetMember(sign=1, point=code, channel="2.29.0") for code in PLANTS))
    village = (
        SetMember(sign=-1, set_name="plants"),
        SetMember(sign=1, point=HOUSEHOLD, channel="1.29.0"),
        SetMember(sign=1, point=WATERWORKS, channel="1.29.0"),
    )
    made = make(workspace, coop, "village", *village)
    assert [one.name for one in list_sets(organisation=coop)] == ["plants", "village"]
    assert list_sets(organisation=coop)[1] == made

    plants = set_balance(workspace, organisation=coop, name="plants", month=OCTOBER)
    assert (plants.slot_s, plants.missing_slots, plants.worst_quality) == (900, 0, "measured")
    assert plants.energy_wh == sum(
        workspace.series.read(point=code, channel="2.29.0", month=OCTOBER).present_total_wh for code in PLANTS
    )
    # quarter-hours and hours together are balanced in hours; where the waterworks are missing the sum is missing
    both = set_balance(workspace, organisation=coop, name="village", month=OCTOBER)
    assert (both.slot_s, both.missing_slots, both.worst_quality) == (3600, 6, "missing")
    before = [day.energy_wh for index, day in enumerate(both.days) if index != 13]
    expected = []
    for index in range(31):
        if index == 13:
            continue
        total = 0
        for point, channel, sign in (
            *((code, "2.29.0", -1) for code in PLANTS),
            (HOUSEHOLD, "1.29.0", 1),
            (WATERWORKS, "1.29.0", 1),
        ):
            series = workspace.series.read(point=point, channel=channel, month=OCTOBER)
            offsets = series.grid.day_offsets
            total += sign * sum(series.wh[offsets[index] : offsets[index + 1]].tolist())
        expected.append(total)
    assert before == expected


def test_the_same_set_again_changes_nothing_and_another_is_refused(at_stage, cooperative):
    workspace = at_stage("registered")
    coop = cooperative()
    one = SetMember(sign=1, point=HOUSEHOLD, channel="1.29.0")
    make(workspace, coop, "a", one, dry_run=True)
    assert not ComputingSet.objects.exists()
    make(workspace, coop, "a", one)
    make(workspace, coop, "a", one)
    assert ComputingSetPart.objects.count() == 1
    with pytest.raises(SetExistsError):
        make(workspace, coop, "a", SetMember(sign=-1, point=HOUSEHOLD, channel="1.29.0"))
    for bad in (
        (),
        (SetMember(sign=1, point="590999010000000338", channel="1.29.0"),),
        (SetMember(sign=1, point=HOUSEHOLD, channel="KWH!"),),
        (SetMember(sign=1, set_name="nobody"),),
    ):
        with pytest.raises(UnknownMemberError):
            make(workspace, coop, "b", *bad)
    with pytest.raises(SetNotFoundError, match="known: a"):
        set_balance(workspace, organisation=coop, name="b", month=OCTOBER)
    with pytest.raises(UnknownMemberError, match="no series"):
        set_balance(workspace, organisation=coop, name="a", month=OCTOBER)
    assert [one.name for one in ComputingSet.objects.all()] == ["a"]
    assert MeteringPoint.objects.count() == 40
