"""Virtual channels: a formula says what the stored channels sum to, and what is missing is named and never zero."""

from datetime import UTC, date, datetime

import pytest

from ogniwo.records.metering.models import Meter, MeteringPoint, MeterInstallation, MeterRatio
from ogniwo.records.visibility import Subject
from ogniwo.services.access.roles import Role
from ogniwo.services.demo.sample import COMMUNITY_CODE, MONTH, POINTS
from ogniwo.services.metering.balance import create_set
from ogniwo.services.metering.formulas import BadFormulaError, formula_text, parse_formula, try_formula
from ogniwo.services.metering.queries import point_details
from ogniwo.services.workspace.queries import operator_subject, organisation

HERE = f"/o/{COMMUNITY_CODE}"
PROSUMER = next(one for one in POINTS if one.role == "prosumer").code
CONSUMER = next(one for one in POINTS if one.role == "consumer").code


def tried(workspace, text, *, day=date(2026, 10, 25), month=MONTH, subject=None):
    return try_formula(
        workspace,
        organisation=organisation(code=COMMUNITY_CODE, subject=operator_subject()),
        subject=subject or operator_subject(),
        members=parse_formula(text),
        month=month,
        day=day,
    )


def stored(workspace, point, channel):
    return workspace.series.read(point=point, channel=channel, month=MONTH)


def test_a_difference_is_the_difference_slot_by_slot(shared):
    found = tried(shared, f"{PROSUMER} 1.29.0 - {PROSUMER} 2.29.0")
    taken, given = (stored(shared, PROSUMER, channel) for channel in ("1.29.0", "2.29.0"))
    assert found.total_wh == taken.present_total_wh - given.present_total_wh
    assert found.slots == taken.grid.slots
    cut = slice(int(taken.grid.day_offsets[24]), int(taken.grid.day_offsets[25]))
    assert [one.wh for one in found.day] == (taken.wh[cut].astype(int) - given.wh[cut]).tolist()
    assert len(found.day) * found.slot_s == 25 * 3_600


def test_a_kept_set_is_a_term_and_its_text_reads_back(copy_of):
    workspace = copy_of("imported")
    place = organisation(code=COMMUNITY_CODE, subject=operator_subject())
    members = parse_formula(f"+ {PROSUMER} 1.29.0 + {CONSUMER} 1.29.0")
    kept = create_set(workspace, organisation=place, subject=operator_subject(), name="dwa punkty", members=members)
    assert set(parse_formula(formula_text(kept))) == set(members)
    whole = tried(workspace, f"+ [dwa punkty] - {CONSUMER} 1.29.0")
    assert dict(whole.terms)[CONSUMER, "1.29.0"] == 0


def test_what_is_missing_is_named_in_its_slot(copy_of):
    workspace = copy_of("imported")
    gap = next(
        one for one in workspace.series.completeness(month=MONTH) if one.present < one.slots and one.channel == "1.29.0"
    )
    series = stored(workspace, gap.point, "1.29.0")
    day = series.grid.days[int((series.grid.day_offsets <= int(series.missing.argmax())).sum()) - 1]
    found = tried(workspace, f"+ {gap.point} 1.29.0", day=day)
    holes = [one for one in found.day if one.wh is None]
    assert holes
    assert all(one.missing == ((gap.point, "1.29.0"),) and one.quality == "missing" for one in holes)
    assert found.missing_slots == gap.slots - gap.present
    assert all(one.missing == () for one in found.day if one.wh is not None)


def test_without_a_channel_there_is_no_sum(shared):
    found = tried(shared, f"+ {PROSUMER} 1.29.0 + {CONSUMER} 2.29.0")
    assert found.absent == ((CONSUMER, "2.29.0"),)
    assert (found.slots, found.day) == (0, ())


@pytest.mark.parametrize(
    "text", ["", "+ 12 1.29.0", f"+ {PROSUMER}", f"* {PROSUMER} 1.29.0", f"+ {PROSUMER} 1.29.0;drop"]
)
def test_what_is_no_formula_is_refused(text):
    with pytest.raises(BadFormulaError):
        parse_formula(text)


def test_a_point_out_of_sight_is_no_term(shared):
    with pytest.raises(BadFormulaError, match="has no point"):
        tried(shared, f"+ {PROSUMER} 1.29.0", subject=Subject("/platforma/inna/"))


def test_the_page_shows_slots_and_refusals(reader_of):
    browser = reader_of(Role.AUDITOR)
    page = browser.get(f"{HERE}/formulas/?month=2026-10&formula=%2B+{PROSUMER}+1.29.0&at=2026-10-25").content.decode()
    assert "The month:" in page
    assert "02:00+02" in page
    assert "formula.not_understood" in browser.get(f"{HERE}/formulas/?formula=x").content.decode()


def test_the_timeline_has_each_ratio_while_its_meter_hung_there(copy_of):
    workspace = copy_of("imported")
    point = MeteringPoint.objects.get(code=CONSUMER)
    MeterInstallation.objects.filter(point=point).delete()
    meter = Meter.objects.create(serial="RATIO-1")
    at = [datetime(year, 1, 1, tzinfo=UTC) for year in (2020, 2022, 2024)]
    MeterInstallation.objects.create(meter=meter, point=point, valid_from=at[1], valid_to=None)
    MeterRatio.objects.create(meter=meter, valid_from=at[0], current_primary=100, current_secondary=5)
    MeterRatio.objects.create(meter=meter, valid_from=at[2], current_primary=200, current_secondary=5)
    found = point_details(workspace, code=CONSUMER, subject=operator_subject()).ratios
    assert [(one.valid_from, one.valid_to, one.current) for one in found] == [
        (at[1], at[2], (100, 5)),
        (at[2], None, (200, 5)),
    ]
