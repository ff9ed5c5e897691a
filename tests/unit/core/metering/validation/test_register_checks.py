"""V5 and V6."""

from dataclasses import replace
from datetime import date

import pytest

from ogniwo.core.kernel.findings import Severity
from ogniwo.core.metering.model import RegisterReading
from ogniwo.core.metering.registers import consumption
from ogniwo.core.metering.validation.parameters import RuleParameters
from ogniwo.core.metering.validation.register_checks import check_profile_against_register, check_zones

FIRST, LAST = date(2026, 9, 1), date(2026, 9, 2)
READING = RegisterReading(
    point="P", meter="A", obis="1-1:1.8.0*255", epoch_s=0, value_e3=0, unit="kWh", origin="physical", multiplier=40
)


def use_of(series, energy_e3):
    start = int(series.grid.start_epoch_s[0])
    states = [replace(READING, epoch_s=start), replace(READING, epoch_s=start + 86_400, value_e3=energy_e3)]
    return consumption(states, start_epoch_s=start, end_epoch_s=start + 86_400)


@pytest.mark.parametrize(("energy_e3", "found"), [(239, 0), (240, 0), (241, 0), (238, 1), (242, 1)])
def test_v5_one_last_digit_times_the_multiplier_is_allowed(make_series, energy_e3, found):
    series = make_series(FIRST, LAST, 100)
    findings = check_profile_against_register(series, use_of(series, energy_e3), RuleParameters())
    assert len(findings) == found
    if found:
        assert (findings[0].code, findings[0].severity) == ("V5.register_differs", Severity.ERROR)
        facts = dict(findings[0].facts)
        assert (facts["profile_wh"], facts["register_wh"]) == ("9600", str(energy_e3 * 40))
        assert facts["allowed_wh"] == "40"


def test_v5_permille_of_large_energies_is_allowed(make_series):
    series = make_series(FIRST, LAST, 100_000)
    assert check_profile_against_register(series, use_of(series, 240_200), RuleParameters()) == ()
    assert len(check_profile_against_register(series, use_of(series, 240_300), RuleParameters())) == 1


def test_v5_says_when_it_cannot_compare(make_series):
    series = make_series(FIRST, LAST, 100, missing=[(5, 6)])
    (note,) = check_profile_against_register(series, use_of(series, 240), RuleParameters())
    assert (note.code, note.severity) == ("V5.not_comparable", Severity.NOTE)


def test_v5_compares_between_the_states_and_not_between_the_boundaries(make_series):
    series = make_series(FIRST, LAST, 100)
    start = int(series.grid.start_epoch_s[0])
    states = [replace(READING, epoch_s=start + 900), replace(READING, epoch_s=start + 86_400, value_e3=9_500)]
    states = [replace(state, multiplier=1) for state in states]
    use = consumption(states, start_epoch_s=start, end_epoch_s=start + 86_400, tolerance_s=900)
    assert check_profile_against_register(series, use, RuleParameters()) == ()


def zones(*values, total):
    return [replace(READING, obis=f"1-1:1.8.{zone}*255", value_e3=value) for zone, value in enumerate((total, *values))]


def test_v6_zones_may_lack_one_last_digit_each():
    assert check_zones(zones(1_000, 2_000, total=3_002), RuleParameters()) == ()
    (finding,) = check_zones(zones(1_000, 2_000, total=3_003), RuleParameters())
    assert (finding.code, finding.severity) == ("V6.zone_sum", Severity.WARNING)
    facts = dict(finding.facts)
    assert facts == {"zones": "1.8.1, 1.8.2", "zones_sum": "3.000", "total": "3.003", "allowed": "0.002"}
    whole_digits = RuleParameters(register_last_digit_e3=1_000)
    assert check_zones(zones(1_000, 2_000, total=5_000), whole_digits) == ()


def test_v6_other_meters_instants_and_quantities_are_not_mixed_in():
    right = zones(1_000, 2_000, total=3_000)
    others = [
        replace(right[1], epoch_s=5),
        replace(right[1], meter="B"),
        replace(right[1], obis="1-1:2.8.1*255"),
        replace(right[0], obis="1-1:2.8.0*255"),
    ]
    assert check_zones([*right, *others], RuleParameters()) == ()
