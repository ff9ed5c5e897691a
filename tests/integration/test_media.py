"""Meters of gas, heat and water through the services: what is kept, what is refused, who sees which, files."""

import pytest

from ogniwo.core.metering.media import BackwardsMediaStateError, BadMediaStateError, RolloverError
from ogniwo.records.audit.models import AuditEvent
from ogniwo.records.media.models import MediaMeter, MediaReading, MediaStateRow
from ogniwo.records.messages.models import Message
from ogniwo.services.demo.sample import COMMUNITY_CODE, POINTS
from ogniwo.services.metering.declaring import ImplausibleReadingError, ReadingDecidedError, ReadingNotFoundError
from ogniwo.services.metering.media.importing import (
    MediaPreviewNotFoundError,
    MediaPreviewOutdatedError,
    MediaRowsRefusedError,
    import_states,
    look_at_states,
    look_at_states_again,
    save_states,
)
from ogniwo.services.metering.media.model import MediaMeterNotFoundError, Typed
from ogniwo.services.metering.media.operations import (
    BadMediaMeterError,
    NewMeter,
    NoMediaReasonError,
    correct_state,
    enter_state,
    register_meter,
    remove_meter,
    replace_meter,
    take_away_state,
)
from ogniwo.services.metering.media.queries import meter_details, meter_of_serial, meters_below, own_media
from ogniwo.services.metering.media.readings import decide_media, declare_media, declared_media, waiting_media
from ogniwo.services.parties.sheet import TableRefusedError
from ogniwo.services.workspace.queries import Subject, organisation

PARTNER = Subject(f"/platforma/{COMMUNITY_CODE}/")
OWN, OTHER = POINTS[0].member_number, POINTS[1].member_number
MEMBER = Subject(PARTNER.path, OWN)
STRANGER = Subject("/platforma/sasiad/")


def meter(serial, **changes):
    facts = {"unit": "m3", "decimals": "3", "digits": "5", "place": "cellar", "installed_on": "2026-01-01"}
    return NewMeter(serial=serial, **facts | changes)


@pytest.fixture
def site(at_stage):
    """A workspace (its clock stands in November 2026) with a gas and a water meter of two members."""
    workspace = at_stage("registered")
    gas = register_meter(workspace, subject=PARTNER, member=OWN, medium="gas", new=meter("GAZ-1"))
    water = register_meter(workspace, subject=PARTNER, member=OTHER, medium="cold_water", new=meter("WODA-1"))
    for day, value in (("2026-01-01", "1000"), ("2026-06-30", "1181,5"), ("2026-10-31", "1300")):
        assert enter_state(workspace, subject=PARTNER, meter_id=gas, typed=Typed(day=day, value=value))
    return workspace, gas, water


def place():
    return organisation(code=COMMUNITY_CODE, subject=PARTNER)


def kept(meter_id):
    rows = MediaStateRow.objects.filter(meter=meter_id)
    return [(f"{one.day}", one.value_e3, one.kind, one.ended_at is None) for one in rows]


def enter(site, day, value, **more):
    workspace, gas, _ = site
    return enter_state(workspace, subject=PARTNER, meter_id=gas, typed=Typed(day=day, value=value, **more))


def test_states_and_the_use_between_them(site):
    workspace, gas, _ = site
    found = meter_details(workspace, subject=PARTNER, meter_id=gas)
    assert [(one.use_e3, one.days) for one in found.uses] == [(181_500, 180), (118_500, 123)]
    assert found.known_e3 == 300_000
    assert (found.meter.last.value_e3, found.meter.last.source) == (1_300_000, "partner")
    assert found.expected.low_e3 == 1_300_000
    assert not enter(site, "2026-10-31", "1300"), "the same again changes nothing"
    assert len(kept(gas)) == 3
    assert AuditEvent.objects.filter(action="media.state", target=f"{OWN} GAZ-1").count() == 3


@pytest.mark.parametrize(
    ("day", "value", "more", "refusal"),
    [
        ("2026-11-01", "1299,999", {}, BackwardsMediaStateError),
        ("2026-03-31", "1182", {}, BackwardsMediaStateError),
        ("2026-10-31", "1301", {}, BadMediaStateError),
        ("2027-01-01", "1400", {}, BadMediaStateError),
        ("2025-12-31", "900", {}, BadMediaStateError),
        ("31.10.2026", "1400", {}, BadMediaStateError),
        ("2026-11-01", "1300,0001", {}, BadMediaStateError),
        ("2026-11-01", "", {}, BadMediaStateError),
        ("2026-11-01", "1400", {"time": "25:00"}, BadMediaStateError),
        ("2026-11-01", "1400", {"kind": "guess"}, BadMediaStateError),
        ("2026-11-01", "1400", {"kind": "rollover"}, RolloverError),
    ],
)
def test_what_does_not_fit_is_refused(site, day, value, more, refusal):
    before = kept(site[1])
    with pytest.raises(refusal):
        enter(site, day, value, **more)
    assert kept(site[1]) == before


def test_a_rollover_and_a_new_beginning(site):
    workspace, gas, _ = site
    enter(site, "2026-11-01", "0,25", kind="rollover")
    enter(site, "2026-11-03", "0", kind="restart")
    uses = meter_details(workspace, subject=PARTNER, meter_id=gas).uses
    assert [one.use_e3 for one in uses[2:]] == [100_000_000 + 250 - 1_300_000, None]
    assert meter_details(workspace, subject=PARTNER, meter_id=gas).known_e3 is None


def test_a_correction_leaves_both(site):
    workspace, gas, _ = site
    wrong = MediaStateRow.objects.get(meter=gas, value_e3=1_181_500)
    asked = {"subject": PARTNER, "state_id": wrong.pk}
    right = Typed(day="2026-06-30", value="1118,5")
    with pytest.raises(NoMediaReasonError):
        correct_state(workspace, **asked, typed=right, reason=" - ")
    with pytest.raises(BackwardsMediaStateError):
        correct_state(workspace, **asked, typed=Typed(day="2026-06-30", value="999"), reason="digits swapped")
    assert kept(gas)[1] == ("2026-06-30", 1_181_500, "reading", True), "a refused correction ends nothing"
    correct_state(workspace, **asked, typed=right, reason="digits swapped")
    assert kept(gas)[1:3] == [("2026-06-30", 1_181_500, "reading", False), ("2026-06-30", 1_118_500, "reading", True)]
    assert [one.use_e3 for one in meter_details(workspace, subject=PARTNER, meter_id=gas).uses] == [118_500, 181_500]
    with pytest.raises(MediaMeterNotFoundError):
        correct_state(workspace, **asked, typed=right, reason="digits swapped")
    take_away_state(
        workspace,
        subject=PARTNER,
        state_id=MediaStateRow.objects.get(value_e3=1_118_500).pk,
        reason="of another meter",
    )
    assert [one.use_e3 for one in meter_details(workspace, subject=PARTNER, meter_id=gas).uses] == [300_000]
    (old, new) = MediaStateRow.objects.exclude(ended_at=None).order_by("pk")
    assert (old.ended_reason, new.ended_reason, new.corrects) == ("digits swapped", "of another meter", old)


def test_a_meter_takes_the_place_of_another(site):
    workspace, gas, _ = site
    with pytest.raises(BadMediaMeterError, match="already"):
        replace_meter(
            workspace,
            subject=PARTNER,
            meter_id=gas,
            final="1310",
            new=meter("WODA-1", installed_on="2026-11-02"),
            first="0",
        )
    assert len(kept(gas)) == 3, "nothing of a refused replacement is kept"
    later = replace_meter(
        workspace, subject=PARTNER, meter_id=gas, final="1310", new=meter("GAZ-2", installed_on="2026-11-02"), first="7"
    )
    old, new = (meter_details(workspace, subject=PARTNER, meter_id=one) for one in (gas, later))
    assert (old.known_e3, old.meter.replaced_by, f"{old.meter.removed_on}") == (310_000, "GAZ-2", "2026-11-02")
    assert (new.meter.last.value_e3, new.meter.replaces, new.meter.member) == (7_000, "GAZ-1", OWN)
    with pytest.raises(BadMediaStateError, match="was there from 2026-01-01 to 2026-11-02"):
        enter(site, "2026-11-03", "1320")
    with pytest.raises(BadMediaMeterError, match="was removed"):
        remove_meter(workspace, subject=PARTNER, meter_id=gas, day="2026-11-03")


@pytest.mark.parametrize(
    "wrong",
    [
        {"serial": ""},
        {"serial": "A;B"},
        {"unit": "GJ"},
        {"decimals": "4"},
        {"digits": "0"},
        {"digits": "x"},
        {"place": "x" * 101},
        {"installed_on": "2027-01-01"},
        {"serial": "GAZ-1"},
    ],
)
def test_no_such_meter(site, wrong):
    workspace = site[0]
    with pytest.raises(BadMediaMeterError):
        register_meter(workspace, subject=PARTNER, member=OWN, medium="gas", new=meter(**{"serial": "GAZ-9"} | wrong))
    assert MediaMeter.objects.count() == 2


def test_who_sees_which(site):
    workspace, gas, water = site
    assert [one.serial for one in meters_below(subject=PARTNER)] == ["GAZ-1", "WODA-1"]
    assert [one.serial for one in meters_below(subject=MEMBER)] == ["GAZ-1"]
    assert [one.meter.serial for one in own_media(workspace, subject=MEMBER)] == ["GAZ-1"]
    assert len(meters_below(subject=STRANGER)) == 0
    assert [one.serial for one in meters_below(subject=PARTNER, medium="gas", search="cellar")] == ["GAZ-1"]
    for subject, meter_id in ((MEMBER, water), (STRANGER, gas)):
        with pytest.raises(MediaMeterNotFoundError):
            meter_details(workspace, subject=subject, meter_id=meter_id)
        with pytest.raises(MediaMeterNotFoundError):
            enter_state(workspace, subject=subject, meter_id=meter_id, typed=Typed(day="2026-11-01", value="1"))
    with pytest.raises(MediaMeterNotFoundError):
        register_meter(workspace, subject=STRANGER, member=OWN, medium="gas", new=meter("X"))
    with pytest.raises(MediaMeterNotFoundError):
        meter_of_serial(organisation=place(), subject=MEMBER, serial="WODA-1")


FILE = """numer;data;stan;godzina
WODA-1;2026-10-31;88,5;
GAZ-1;2026-11-02;1310,25;07:30
WODA-1;2026-09-30;80;
GAZ-1;2026-10-31;1300;
"""


def test_a_file_is_shown_and_then_saved(site):
    workspace, gas, water = site
    asked = {"organisation": place(), "subject": PARTNER}
    preview = look_at_states(workspace, **asked, data=FILE.encode(), file_name="stany.csv")
    assert [(one.row, one.state) for one in preview.outcomes] == [(2, "new"), (3, "new"), (4, "new"), (5, "same")]
    assert (kept(water), len(kept(gas))) == ([], 3), "nothing is saved by looking"
    with pytest.raises(MediaPreviewOutdatedError):
        save_states(workspace, **asked, key=preview.key, digest="0" * 64)
    save_states(workspace, **asked, key=preview.key, digest=preview.digest)
    assert [one[:2] for one in kept(water)] == [("2026-09-30", 80_000), ("2026-10-31", 88_500)]
    row = MediaStateRow.objects.get(meter=gas, day="2026-11-02")
    assert (row.minute, row.source, row.file_name, row.file_row) == (450, "file", "stany.csv", 3)
    assert row.file_sha256 == preview.sha256
    with pytest.raises(MediaPreviewNotFoundError):
        look_at_states_again(workspace, **asked, key=preview.key)
    again = import_states(workspace, **asked, data=FILE.encode(), file_name="stany.csv")
    assert (again.count("same"), again.count("new")) == (4, 0)


BAD = """serial;date;state
GAZ-1;2026-11-02;1290
GAZ-1;2026-11-03;1310
GAZ-1;2026-11-03;1311
NO-SUCH;2026-11-03;1
WODA-1;2026-11-31;1
WODA-1;2026-11-03;
WODA-1;2027-11-03;1
WODA-1;2026-11-03;1;2
WODA-1;2026-11-04;12
"""


def test_refused_rows_name_file_row_and_reason(site):
    workspace, gas, water = site
    asked = {"organisation": place(), "subject": PARTNER}
    preview = look_at_states(workspace, **asked, data=BAD.encode(), file_name="stany.csv")
    told = {one.row: (one.code, one.message) for one in preview.findings}
    assert {one.source for one in preview.findings} == {"stany.csv"}
    assert {row: code for row, (code, _) in told.items()} == {
        2: "media.backwards",
        4: "media.bad_state",
        5: "media.not_found",
        6: "media.bad_state",
        7: "media.bad_state",
        8: "media.bad_state",
        9: "media.bad_state",
    }
    assert "1290.000 m3" in told[2][1]
    assert "nothing is taken for zero" in told[7][1]
    with pytest.raises(MediaRowsRefusedError, match="7 rows"):
        save_states(workspace, **asked, key=preview.key, digest=preview.digest)
    assert import_states(workspace, **asked, data=BAD.encode(), file_name="stany.csv").count("refused") == 7
    assert (kept(water), len(kept(gas))) == ([], 3), "not even the good rows"
    save_states(workspace, **asked, key=preview.key, digest=preview.digest, leave_refused=True)
    assert [one[:2] for one in kept(water)] == [("2026-11-04", 12_000)]


@pytest.mark.parametrize(
    "text", ["", "serial;date;state\n", "serial;date\nA;B\n", "serial;date;state;x\nA;B;1;2\n", "\0"]
)
def test_a_file_that_is_no_table_of_states(site, text):
    with pytest.raises(TableRefusedError, match=r"stany\.csv"):
        look_at_states(site[0], organisation=place(), subject=PARTNER, data=text.encode(), file_name="stany.csv")


def declare(site, day="2026-11-05", value="1310", **more):
    workspace, gas, _ = site
    asked = {"subject": MEMBER, "meter_id": gas, "sure": False, "by": "member"} | more
    declare_media(workspace, **asked, typed=Typed(day=day, value=value))


def decide(site, **more):
    reading = MediaReading.objects.order_by("pk").last()
    asked = {"subject": PARTNER, "reading_id": reading.pk, "accept": True, "reason": "", "by": "clerk"} | more
    return decide_media(site[0], **asked)


def test_a_members_own_reading_is_accepted(site):
    workspace, gas, _ = site
    declare(site)
    declare(site)
    assert (waiting_media(subject=PARTNER), waiting_media(subject=Subject(PARTNER.path, OTHER))) == (1, 0)
    assert len(kept(gas)) == 3, "it changes nothing by itself"
    assert decide(site) == gas
    last = meter_details(workspace, subject=MEMBER, meter_id=gas).meter.last
    assert (last.value_e3, last.source) == (1_310_000, "member")
    assert MediaStateRow.objects.get(value_e3=1_310_000).reading is not None
    assert Message.objects.get(kind="reading").facts["point"] == "GAZ-1"
    with pytest.raises(ReadingDecidedError):
        decide(site)


def test_a_members_own_reading_is_refused_with_a_reason(site):
    declare(site)
    with pytest.raises(ReadingDecidedError, match="say why"):
        decide(site, accept=False)
    with pytest.raises(ReadingNotFoundError):
        decide(site, subject=STRANGER)
    decide(site, accept=False, reason="another meter")
    (found,) = declared_media(subject=MEMBER)
    assert (found.state, found.reason, found.decided_by) == ("refused", "another meter", "clerk")
    assert len(kept(site[1])) == 3


def test_a_reading_that_is_not_plausible_asks_to_look_again(site):
    _, gas, water = site
    with pytest.raises(ImplausibleReadingError):
        declare(site, value="1400")
    with pytest.raises(BackwardsMediaStateError):
        declare(site, value="1299")
    with pytest.raises(BadMediaStateError):
        declare(site, day="2026-12-31")
    with pytest.raises(MediaMeterNotFoundError):
        declare(site, meter_id=water)
    assert not MediaReading.objects.exists()
    declare(site, value="1400", sure=True)
    (found,) = declared_media(subject=MEMBER, meter_id=gas)
    assert not found.plausible
    assert found.photo == ""


def test_an_accepted_reading_still_has_to_fit(site):
    declare(site)
    enter(site, "2026-11-04", "1320")
    with pytest.raises(BackwardsMediaStateError):
        decide(site)
    assert waiting_media(subject=PARTNER) == 1, "it still waits"
