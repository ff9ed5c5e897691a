"""The records on both databases: migrations apply, constraints hold, issued facts cannot be changed."""

import datetime as dt

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connections, transaction
from django.db.utils import DatabaseError

from ogniwo.records.contracts.models import Membership, SupplyContractRecord
from ogniwo.records.metering.models import ComputingSet, ComputingSetPart, MeteringPoint
from ogniwo.records.parties.models import Member, Organisation
from ogniwo.records.settlement.models import SettlementRun
from ogniwo.records.visibility import Subject
from ogniwo.services.workspace.records_place import database_of

pytestmark = pytest.mark.xdist_group("postgresql")


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def database(request, tmp_path_factory):
    alias = f"trial_{request.param}"
    base = dict(connections.databases["default"])
    if request.param == "sqlite":
        settings = {**base, **database_of(tmp_path_factory.mktemp("database"), wanted="")}
    else:
        settings = {
            **base,
            "ENGINE": "django.db.backends.postgresql",
            "OPTIONS": {},
            **request.getfixturevalue("postgresql"),
        }
    _migrate(settings)
    connections.databases[alias] = settings
    yield alias
    connections[alias].close()
    del connections.databases[alias]


def _migrate(settings):
    """Make the tables as the product does, in the database by default: a migration of the queue writes nowhere else."""
    before = dict(connections.databases["default"])
    for place in (settings, before):
        connections["default"].close()
        del connections["default"]  # one made for the other kind of database would stay that
        connections.databases["default"].update(place)
        if place is settings:
            call_command("migrate", verbosity=0)


@pytest.fixture
def rollback(database):
    with transaction.atomic(using=database):
        yield database
        transaction.set_rollback(True, using=database)


def _organisation(alias, code, parent=None):
    path = f"{parent.path if parent else '/'}{code}/"
    return Organisation.objects.using(alias).create(code=code, name=code, kind="partner", path=path, parent=parent)


def _point(alias, organisation, number):
    member = Member.objects.using(alias).create(organisation=organisation, number=f"M{number}", name="x", kind="firm")
    return MeteringPoint.objects.using(alias).create(
        organisation=organisation, member=member, code=f"P{number}", role="consumer"
    )


def _refuses(alias, act):
    with pytest.raises((IntegrityError, DatabaseError)), transaction.atomic(using=alias):
        act()


def test_a_run_can_be_added_but_never_changed_or_deleted(rollback):
    community = _organisation(rollback, "coop")
    run = SettlementRun.objects.using(rollback).create(
        community=community,
        month="2026-10",
        version=1,
        made_at=dt.datetime(2026, 11, 5, tzinfo=dt.UTC),
        inputs_digest="0" * 64,
        inputs={},
        totals={},
        pool=[],
    )
    runs = SettlementRun.objects.using(rollback)
    _refuses(rollback, lambda: runs.filter(pk=run.pk).update(version=2))
    _refuses(rollback, lambda: runs.filter(pk=run.pk).delete())
    assert runs.get(pk=run.pk).version == 1


def test_a_month_has_each_version_once(rollback):
    community = _organisation(rollback, "coop")

    def add():
        SettlementRun.objects.using(rollback).create(
            community=community,
            month="2026-10",
            version=1,
            made_at=dt.datetime(2026, 11, 5, tzinfo=dt.UTC),
            inputs_digest="0" * 64,
            inputs={},
            totals={},
            pool=[],
        )

    add()
    _refuses(rollback, add)


def test_periods_and_percentages_are_kept_sane(rollback):
    community = _organisation(rollback, "coop")
    point = _point(rollback, community, 1)
    day = dt.date(2026, 10, 1)
    contracts = SupplyContractRecord.objects.using(rollback)
    _refuses(
        rollback,
        lambda: contracts.create(point=point, valid_from=day, valid_to=day, operator="enea", group="G11", terms={}),
    )
    memberships = Membership.objects.using(rollback)
    for percent in (0, 101):
        _refuses(
            rollback,
            lambda percent=percent: memberships.create(
                community=community, point=point, valid_from=day, participation_percent=percent
            ),
        )


def test_a_set_part_is_a_point_or_a_set_never_both(rollback):
    community = _organisation(rollback, "coop")
    point = _point(rollback, community, 1)
    whole = ComputingSet.objects.using(rollback).create(organisation=community, name="a")
    other = ComputingSet.objects.using(rollback).create(organisation=community, name="b")
    parts = ComputingSetPart.objects.using(rollback)
    _refuses(rollback, lambda: parts.create(owner=whole, sign=1, point=point, part=other))
    _refuses(rollback, lambda: parts.create(owner=whole, sign=1))
    _refuses(rollback, lambda: parts.create(owner=whole, sign=2, part=other))
    assert parts.create(owner=whole, sign=-1, part=other).pk


def test_who_sees_which_point(rollback):
    operator = _organisation(rollback, "op")
    coop, other = _organisation(rollback, "coop", operator), _organisation(rollback, "coop2", operator)
    mine, theirs = _point(rollback, coop, 1), _point(rollback, other, 2)
    points = MeteringPoint.objects.using(rollback)
    assert set(points.all().visible_to(Subject.operator())) == {mine, theirs}
    assert set(points.all().visible_to(Subject(coop.path))) == {mine}
    assert set(points.all().visible_to(Subject(coop.path, mine.member.number))) == {mine}
    assert set(points.all().visible_to(Subject(coop.path, theirs.member.number))) == set()
    organisations = Organisation.objects.using(rollback)
    assert set(organisations.all().visible_to(Subject(coop.path, mine.member.number))) == set()
