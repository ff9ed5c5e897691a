"""Watches on stored readings: episodes as they grow, corrections, silence, what is told and how often."""

import random
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from watched import ALL, BEGIN, GRID, NOVEMBER, POINT, at, check, hours, put, watch

from ogniwo.core.kernel.calendar import HOUR_S
from ogniwo.core.kernel.quality import Quality
from ogniwo.core.metering.model import EXPORT, IMPORT
from ogniwo.core.metering.sets import SetMember
from ogniwo.records.audit.models import AuditEvent
from ogniwo.records.contracts.models import SupplyContractRecord
from ogniwo.records.jobs.models import Job, Schedule
from ogniwo.records.messages.models import Message
from ogniwo.records.watches.models import Alarm
from ogniwo.services.demo.files import delivered_files
from ogniwo.services.demo.sample import COMMUNITY_CODE, POINTS
from ogniwo.services.exchange.events import EventKind, events_after
from ogniwo.services.jobs.work.imports import ask_for_import
from ogniwo.services.metering.balance import create_set
from ogniwo.services.metering.importing import ImportOptions
from ogniwo.services.watching.alarms import acknowledge, alarm_of, alarms_below, waiting_alarms
from ogniwo.services.watching.model import (
    AlarmAcknowledgedError,
    AlarmNotFoundError,
    BadWatchError,
    NoNoteError,
    WatchExistsError,
    WatchNotFoundError,
)
from ogniwo.services.watching.watches import pause_watch, remove_watch, watches_below
from ogniwo.services.workspace.queries import Subject, organisation

MEMBER = Subject("/", POINTS[0].member_number)


def naive(values, met):
    """(from, to, worst, open) in hours, slot by slot."""
    found, current = [], None
    for hour, value in enumerate(values):
        if value is None:
            continue
        if met(value):
            if current is None:
                current = [hour, hour + 1, value]
                found.append(current)
            current[1] = hour + 1
            current[2] = max(current[2], value, key=lambda one: abs(one - 10))
        else:
            current = None
    return [(*one[:3], one is current) for one in found]


@pytest.mark.parametrize("seed", range(2))
def test_alarms_that_grew_day_by_day_are_those_of_a_walk(workspace, seed):
    chance = random.Random(seed)  # noqa: S311 -- no secret, a repeatable draw
    watch(at(workspace, 0), name="above")
    watch(at(workspace, 0), name="below", kind="below", step="slot")
    values, runs = [], 0
    while len(values) < 10 * 24:
        values += [chance.choice((None, 3, 10, 12, 40)) for _ in range(chance.randint(1, 60))]
        put(at(workspace, len(values) + 1), values)
        check(at(workspace, len(values) + 1))
        runs += 1
        assert not check(at(workspace, len(values) + 1)).raised, "the same again changes nothing"
    assert runs > 3
    for name, met in (("above", lambda wh: wh > 10), ("below", lambda wh: wh < 10)):
        rows = Alarm.objects.filter(watch__name=name).order_by("start_epoch_s")
        kept = [(*hours(one), one.worst, one.ended_at is None) for one in rows]
        assert kept == naive(values, met)
        assert {one.ended_because for one in rows if one.ended_at} == {"over"}


def test_a_correction_ends_what_is_open_and_only_notes_what_has_ended(workspace):
    watch(at(workspace, 0))
    put(at(workspace, 6), [1, 20, 1, 30, 50])
    assert check(at(workspace, 6)).raised == 2
    over, now = Alarm.objects.order_by("start_epoch_s")
    assert (hours(over), over.ended_because, hours(now), now.worst) == ((1, 2), "over", (3, 5), 50)
    put(at(workspace, 7), [1, 2, 1, 3, 5])
    counted = check(at(workspace, 7))
    assert (counted.raised, counted.ended, counted.corrected) == (0, 1, 2)
    before = (over.ended_at, over.worst)
    over.refresh_from_db()
    now.refresh_from_db()
    assert (over.ended_because, over.ended_at, over.worst) == ("over", *before), "what has ended says what it said"
    assert over.corrected_at == now.ended_at == at(workspace, 7).now()
    assert (now.ended_because, now.worst) == ("corrected", 50)
    assert AuditEvent.objects.filter(action="alarm.correct").count() == 1
    put(at(workspace, 8), [1, 25, 1, 3, 5])
    assert check(at(workspace, 8)).raised == 1
    assert Alarm.objects.filter(start_epoch_s=over.start_epoch_s).count() == 2, "raised again beside the old one"


def test_an_open_alarm_follows_the_readings_and_what_ended_is_not_opened(workspace):
    watch(at(workspace, 0))
    put(at(workspace, 4), [1, 1, 20])
    check(at(workspace, 4))
    put(at(workspace, 6), [1, 30, 20, None, 12])
    check(at(workspace, 6))
    (alarm,) = Alarm.objects.all()
    assert (hours(alarm), alarm.worst, alarm.met, alarm.unknown, alarm.ended_at) == ((1, 5), 30, 3, 1, None)
    put(at(workspace, 7), [1, 30, 20, 40, 12, 1])
    check(at(workspace, 7))
    alarm.refresh_from_db()
    assert (hours(alarm), alarm.worst, alarm.ended_because) == ((1, 5), 40, "over")
    put(at(workspace, 8), [60, 30, 20, 40, 12, 70])
    assert check(at(workspace, 8)).raised == 2
    alarm.refresh_from_db()
    assert (hours(alarm), alarm.worst) == ((1, 5), 40)
    spans = sorted(hours(one) for one in Alarm.objects.all())
    assert spans == [(0, 1), (1, 5), (5, 6)], "beside it, never over it"
    with pytest.raises(IntegrityError), transaction.atomic():
        Alarm.objects.filter(pk=alarm.pk).update(ended_at=None, ended_because="")


def test_silence_is_measured_on_the_clock(workspace):
    watch(at(workspace, 0), name="s", kind="silent", after_h=24, step="")
    put(at(workspace, 10), [5] * 10)
    assert check(at(workspace, 34)).raised == 0, "exactly as long as allowed"
    assert check(at(workspace, 35)).raised == 1
    check(at(workspace, 60))
    (alarm,) = Alarm.objects.all()
    assert (hours(alarm), alarm.worst, alarm.limit, alarm.ended_at) == ((34, 60), 50, 24, None)
    put(at(workspace, 61), [5] * 12)
    check(at(workspace, 61))
    alarm.refresh_from_db()
    assert alarm.ended_at is None, "two more old values are no sign of life"
    put(at(workspace, 62), [5] * 60)
    check(at(workspace, 62))
    alarm.refresh_from_db()
    assert (hours(alarm), alarm.ended_because) == ((34, 62), "over")
    put(at(workspace, 63), [5] * 20)
    check(at(workspace, 64))
    second = Alarm.objects.get(ended_at=None)
    assert hours(second) == (62, 64), "values taken back: silent again, from where the first ended"
    put(at(workspace, 65), [5] * 64, quality=Quality.SUBSTITUTED)
    check(at(workspace, 65))
    second.refresh_from_db()
    assert second.ended_at is None, "what we filled in ourselves is no sign of life"


def test_all_points_are_missed_only_in_channels_of_their_role(workspace):
    watch(at(workspace, 0), name="s", kind="silent", after_h=1, step="", point="", channel=EXPORT)
    check(at(workspace, 100))
    roles = {one.code: one.role for one in POINTS}
    alarmed = {one.target for one in Alarm.objects.all()}
    assert alarmed == {code for code, role in roles.items() if role != "consumer"}


def test_power_is_held_against_the_contract_of_the_day(workspace):
    contract = SupplyContractRecord.objects.filter(point__code=POINT).get()
    contract.terms["contract_power_w"] = 0
    contract.save()
    watch(at(workspace, 0), name="p", kind="power", step="")
    put(at(workspace, 49), [30] * 48)
    assert check(at(workspace, 49)).raised == 0, "no contract power, nothing to hold against"
    contract.terms["contract_power_w"] = 29
    contract.save()
    check(at(workspace, 49))
    alarm = Alarm.objects.get()
    assert (hours(alarm), alarm.worst, alarm.limit) == ((0, 48), 30, 29)
    contract.terms["contract_power_w"] = 30
    contract.save()
    check(at(workspace, 49))
    alarm.refresh_from_db()
    assert alarm.ended_because == "corrected"


def test_missing_slots_are_asked_for_when_the_day_is_over_and_the_wait_too(workspace):
    watch(at(workspace, 0), name="m", kind="missing", step="", limit=2, after_h=48)
    check(at(workspace, 71))
    assert not Alarm.objects.exists()
    check(at(workspace, 72))
    alarm = Alarm.objects.get()
    assert (hours(alarm), alarm.worst, alarm.limit, alarm.ended_at) == ((0, 24), 96, 2, None)
    put(at(workspace, 73), [1] * 22)
    check(at(workspace, 73))
    alarm.refresh_from_db()
    assert alarm.ended_because == "corrected", "the values came: two missing are allowed"
    check(at(workspace, 96))
    second = Alarm.objects.get(ended_at=None)
    assert (hours(second), second.worst) == ((24, 48), 24)


def test_a_set_is_watched_where_all_its_members_have_values(workspace):
    owner = organisation(code=COMMUNITY_CODE, subject=ALL)
    other = POINTS[1].code
    members = (SetMember(sign=1, point=POINT, channel=IMPORT), SetMember(sign=-1, point=other, channel=IMPORT))
    create_set(workspace, organisation=owner, subject=ALL, name="Różnica", members=members)
    watch(at(workspace, 0), name="z", kind="below", step="slot", limit=-5, point="", computing_set="Różnica")
    put(at(workspace, 5), [1, 1, 1, 1])
    assert check(at(workspace, 5)).raised == 0
    put(at(workspace, 5), [1, 7, None, 9], point=other)
    check(at(workspace, 6))
    (alarm,) = alarms_below(subject=ALL)
    assert (alarm.computing_set, alarm.point, alarm.worst, alarm.met) == ("Różnica", "", -8, 2)


def test_everybody_is_told_once(workspace, drain):
    said = {"addresses": ("a@x.example", "b@x.example"), "tell_member": True}
    watch(at(workspace, 0), **said)
    last = AuditEvent.objects.order_by("-pk").first().pk
    put(at(workspace, 5), [1, 20, 1, 30])
    check(at(workspace, 5))
    put(at(workspace, 6), [1, 20, 1, 30, 31])
    check(at(workspace, 6))
    mails = Job.objects.filter(kind="send_mail")
    assert sorted(one.parameters["to"] for one in mails) == ["a@x.example", "b@x.example"]
    assert {one.parameters["subject"] for one in mails} == {"Alarm: w (2)"}
    assert Message.objects.filter(kind="alarm", member__number=POINTS[0].member_number).count() == 2
    kinds = [(one.kind, one.data["about"]) for one in events_after(last) if one.kind.value.startswith("alarm.")]
    assert sorted(kinds) == [
        (EventKind.ALARM_ENDED, POINT),
        (EventKind.ALARM_RAISED, POINT),
        (EventKind.ALARM_RAISED, POINT),
    ]
    drain()
    assert {one.state for one in Job.objects.filter(kind="send_mail")} == {"done"}
    assert not alarms_below(subject=MEMBER)
    assert not watches_below(subject=MEMBER)


def test_what_is_undone_was_never_told(workspace, monkeypatch):
    watch(at(workspace, 0), addresses=("a@x.example",), tell_member=True)
    put(at(workspace, 5), [1, 20, 1, 30])

    def broken(*_args, **_more):
        raise OSError("the machine stopped here")

    monkeypatch.setattr("ogniwo.services.watching.telling.tell", broken)
    with pytest.raises(OSError, match="stopped"):
        check(at(workspace, 5))
    assert not Alarm.objects.exists()
    assert not Job.objects.filter(kind="send_mail").exists()
    monkeypatch.undo()
    assert check(at(workspace, 5)).raised == 2
    assert Job.objects.filter(kind="send_mail").count() == 1


def test_only_what_is_new_is_read(workspace):
    watch(at(workspace, 0))
    late = GRID.slots + 10
    put(at(workspace, late), [1] * 5)
    assert check(at(workspace, late)).months == 1
    assert check(at(workspace, late + 50)).months == 0, "a month that is over and has not changed"
    put(at(workspace, late + 51), [1] * 6)
    assert check(at(workspace, late + 51)).months == 1


def test_acknowledged_once_with_a_note(workspace):
    watch(at(workspace, 0))
    put(at(workspace, 5), [1, 20, 1, 30])
    check(at(workspace, 5))
    assert waiting_alarms(subject=ALL) == (1, 1)
    over, now = sorted(alarms_below(subject=ALL, state="waiting"), key=lambda one: one.start_epoch_s)
    with pytest.raises(NoNoteError):
        acknowledge(workspace, subject=ALL, alarm_id=over.alarm_id, note=" ")
    acknowledge(workspace, subject=ALL, alarm_id=over.alarm_id, note="oven left on")
    with pytest.raises(AlarmAcknowledgedError):
        acknowledge(workspace, subject=ALL, alarm_id=over.alarm_id, note="again, other words")
    assert waiting_alarms(subject=ALL) == (1, 0)
    assert [one.alarm_id for one in alarms_below(subject=ALL, state="waiting")] == [now.alarm_id]
    seen = acknowledge(workspace, subject=ALL, alarm_id=now.alarm_id, note="we know")
    assert (seen.note, seen.state, seen.waits) == ("we know", "open", True)
    put(at(workspace, 6), [1, 20, 1, 30, 1])
    check(at(workspace, 6))
    ended = alarm_of(subject=ALL, alarm_id=now.alarm_id)
    assert (ended.note, ended.state, ended.waits) == ("we know", "over", False)
    for subject in (MEMBER, Subject("/elsewhere/")):
        with pytest.raises(AlarmNotFoundError):
            alarm_of(subject=subject, alarm_id=now.alarm_id)


def test_paused_resumed_removed(workspace):
    made = watch(at(workspace, 0))
    put(at(workspace, 5), [1, 20, 20])
    check(at(workspace, 5))
    for subject in (MEMBER, Subject("/elsewhere/")):
        with pytest.raises(WatchNotFoundError):
            pause_watch(workspace, subject=subject, watch_id=made.watch_id, paused=True)
    assert pause_watch(at(workspace, 6), subject=ALL, watch_id=made.watch_id, paused=True).paused
    (alarm,) = alarms_below(subject=ALL)
    assert (alarm.state, alarm.ended_at) == ("stopped", at(workspace, 6).now())
    put(at(workspace, 30), [1, 20, 20, *[20] * 25])
    assert check(at(workspace, 30)).watches == 0
    resumed = pause_watch(at(workspace, 31), subject=ALL, watch_id=made.watch_id, paused=False)
    assert resumed.valid_from == NOVEMBER.first + timedelta(days=1)
    check(at(workspace, 31))
    spans = sorted(((one.start_epoch_s - BEGIN) // HOUR_S, one.state) for one in alarms_below(subject=ALL))
    assert spans == [(1, "stopped"), (24, "open")], "what happened while it rested is not judged"
    remove_watch(at(workspace, 32), subject=ALL, watch_id=made.watch_id)
    assert not watches_below(subject=ALL)
    assert {one.state for one in alarms_below(subject=ALL)} == {"stopped"}
    with pytest.raises(WatchNotFoundError):
        remove_watch(at(workspace, 33), subject=ALL, watch_id=made.watch_id)
    watch(at(workspace, 34), limit=11)


def test_the_same_watch_again_and_another_of_its_name(workspace):
    made = watch(at(workspace, 0))
    assert watch(at(workspace, 1)).watch_id == made.watch_id
    with pytest.raises(WatchExistsError):
        watch(at(workspace, 1), limit=11)
    assert Schedule.objects.filter(kind="check_watches").count() == 1


BAD = (
    {"name": " "},
    {"kind": "loud"},
    {"step": "week"},
    {"limit": -1},
    {"limit": 10**16},
    {"point": "590000000000000000"},
    {"computing_set": "no such set", "point": ""},
    {"computing_set": "both"},
    {"kind": "silent", "after_h": 0},
    {"kind": "silent", "after_h": None},
    {"kind": "missing", "limit": 101},
    {"kind": "power", "channel": "5.29.0"},
    {"channel": "no channel!"},
    {"addresses": ("not an address",)},
    {"addresses": tuple(f"a{number}@x.example" for number in range(11))},
)


def test_what_makes_no_watch_is_refused(workspace):
    for said in BAD:
        with pytest.raises(BadWatchError):
            watch(at(workspace, 0), **said)
    assert not watches_below(subject=ALL)


def test_a_watch_that_cannot_be_checked_keeps_no_other_from_it(workspace, monkeypatch):
    from ogniwo.series.log import StoreDamaged  # noqa: PLC0415
    from ogniwo.services.watching import checking  # noqa: PLC0415 -- what is changed for this test

    watch(at(workspace, 0), name="a", kind="silent", after_h=1, step="")
    watch(at(workspace, 0), name="b")
    put(at(workspace, 5), [1, 20, 1])

    def damaged(*_args, **_more):
        raise StoreDamaged(detail="as a test wants it")

    monkeypatch.setattr(checking, "newest_values", damaged)
    found = checking.check_watches(at(workspace, 5), subject=ALL)
    assert [(one.code, one.message) for one in found.refused] == [(StoreDamaged.code, "a: as a test wants it")]
    assert (found.watches, found.raised) == (2, 1)


def test_an_import_is_followed_by_a_check(workspace, drain):
    def imported(files, **options):
        job = ask_for_import(
            workspace, organisation_code=COMMUNITY_CODE, files=files, options=ImportOptions(**options), by="anna"
        )
        drain()
        return Job.objects.get(pk=job.id)

    first, second = [(one.name, one.data) for one in delivered_files()[:2]]
    assert imported([first]).state == "done"
    assert not Job.objects.filter(kind="check_watches").exists(), "nobody watches anything"
    watch(workspace, point="", step="slot", limit=0, valid_from=NOVEMBER.shifted(-1).first)
    imported([second], dry_run=True)
    assert not Job.objects.filter(kind="check_watches").exists()
    imported([second])
    job = Job.objects.get(kind="check_watches")  # of all but four producers, who need take nothing
    assert (job.state, job.by, job.result["watches"], job.result["targets"]) == ("done", "anna", 1, 36)
    assert job.result["raised"] == Alarm.objects.count() > 0
