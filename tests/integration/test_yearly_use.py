"""E32: last year's use from stored registers decides the class of the flat capacity fee (law.md 1.2, 1.I)."""

from datetime import date

import pytest

from ogniwo.core.kernel.calendar import Month, local_midnight
from ogniwo.core.kernel.periods import epoch_of
from ogniwo.records.contracts.models import SupplyContractRecord
from ogniwo.records.metering.models import MeteringPoint, RegisterState
from ogniwo.services.demo.sample import POINTS
from ogniwo.services.metering.context import point_context
from ogniwo.services.settlement.loading import load_month
from ogniwo.services.settlement.yearly_use import yearly_use_wh

OCTOBER = Month(2026, 10)
HOUSEHOLD = POINTS[0].code


def _read(point, *states):
    RegisterState.objects.filter(point=point).delete()
    for day, kwh, origin in states:
        RegisterState.objects.create(
            point=point,
            meter_serial="90000001",
            obis="1.8.0",
            epoch_s=epoch_of(local_midnight(date.fromisoformat(day))),
            value_e3=kwh * 1000,
            unit="kWh",
            origin=origin,
        )


@pytest.mark.parametrize(
    ("states", "kwh"),
    [
        ([], None),
        ([("2026-09-01", 500, "physical")], None),
        ([("2025-09-03", 100, "physical"), ("2026-09-01", 2_100, "physical")], 2_000),
        # readings by the month: the one nearest to a year before the last
        (
            [
                ("2025-08-01", 0, "remote"),
                ("2025-09-01", 150, "remote"),
                ("2025-10-01", 330, "remote"),
                ("2026-08-01", 1_900, "remote"),
                ("2026-09-01", 2_050, "remote"),
            ],
            1_900,
        ),
        # law.md 1.I: seven months of use are not scaled to a year
        ([("2026-02-01", 0, "installation"), ("2026-09-01", 900, "physical")], 900),
        # an estimate is no reading, and what comes after the month begins does not count
        (
            [
                ("2025-09-01", 0, "physical"),
                ("2026-09-01", 1_000, "physical"),
                ("2026-09-15", 9_000, "estimate"),
                ("2026-10-20", 1_500, "physical"),
            ],
            1_000,
        ),
    ],
)
def test_the_year_up_to_the_last_reading(workspace, cooperative, states, kwh):
    cooperative()
    point = MeteringPoint.objects.get(code=HOUSEHOLD)
    _read(point, *states)
    found = yearly_use_wh(point_context(point, OCTOBER), on=OCTOBER.first)
    assert found == (None if kwh is None else kwh * 1000)


def test_a_contract_that_states_no_use_takes_it_from_the_registers(at_stage, cooperative):
    workspace = at_stage("estimated")
    point = MeteringPoint.objects.get(code=HOUSEHOLD)
    record = SupplyContractRecord.objects.get(point=point)
    stated = dict(record.terms)
    record.terms = {**stated, "yearly_use_wh": None}
    record.save()
    _read(point, ("2025-09-01", 0, "physical"), ("2026-09-01", 1_500, "physical"))
    inputs = load_month(workspace, community=cooperative(), month=OCTOBER)
    (terms,) = (one.contracts[0].terms for one in inputs.points if one.point.code == HOUSEHOLD)
    assert terms.yearly_use_wh == 1_500_000
    others = {one.contracts[0].terms.yearly_use_wh for one in inputs.points if one.point.code != HOUSEHOLD}
    assert None not in others
