"""Parameters of points, the run of all rules, and the documentation of both."""

import re
from dataclasses import fields, replace
from datetime import date
from pathlib import Path

import pytest

import ogniwo.core.metering
from ogniwo.core.kernel.findings import Finding, Severity
from ogniwo.core.metering.model import EXPORT, RegisterReading
from ogniwo.core.metering.registers import consumption
from ogniwo.core.metering.solar import Location
from ogniwo.core.metering.validation.assessment import RULES, Outcome, PointMonth, assess
from ogniwo.core.metering.validation.parameters import (
    RuleOverride,
    RuleParameters,
    UnknownParameterError,
    parameters_for,
)

DOCUMENT = Path(__file__).resolve().parents[5] / "docs" / "validation.md"
FIRST, LAST = date(2026, 9, 1), date(2026, 10, 1)


def override(point, rule, parameter, value):
    return RuleOverride(point=point, rule=rule, parameter=parameter, value=value)


def test_overrides_of_the_point_beat_those_of_all_points():
    overrides = [
        override("P", "V7", "percent", 50),
        override("", "V7", "percent", 90),
        override("", "V1", "enabled", 0),
    ]
    mine = parameters_for("P", overrides=overrides)
    assert (mine.v7_percent, mine.disabled) == (50, frozenset({"V1"}))
    assert parameters_for("Q", overrides=overrides).v7_percent == 90
    assert parameters_for("P", overrides=[*overrides, override("P", "V1", "enabled", 1)]).disabled == frozenset()
    assert parameters_for("P") == RuleParameters()


@pytest.mark.parametrize(
    ("rule", "parameter", "value"), [("V7", "colour", 1), ("V99", "percent", 1), ("V7", "percent", -1)]
)
def test_unknown_parameters_are_refused(rule, parameter, value):
    with pytest.raises(UnknownParameterError) as refusal:
        parameters_for("P", overrides=[override("P", rule, parameter, value)])
    assert refusal.value.code == "validation.unknown_parameter"


def outcomes(assessment):
    return {verdict.rule: verdict.outcome for verdict in assessment.verdicts}


def varied(make_series, **arguments):
    series = make_series(FIRST, LAST, 100, **arguments)
    series.wh[::2] += 1
    series.wh[series.missing] = 0
    return series


def test_a_good_month_is_billable_and_says_what_was_not_checked(make_series):
    result = assess(PointMonth(series=varied(make_series)))
    assert result.billable
    assert result.findings == ()
    found = outcomes(result)
    assert found["V1"] is Outcome.PASSED
    for rule in ("V3", "V5", "V6", "V8", "V11", "V15", "V22", "V24"):
        assert found[rule] is Outcome.NOT_CHECKED


def test_one_missing_slot_keeps_the_month_out_of_a_bill_unless_switched_off(make_series):
    series = varied(make_series, missing=[(7, 8)])
    result = assess(PointMonth(series=series))
    assert not result.billable
    assert result.blocking == ("V1",)
    off = assess(PointMonth(series=series, parameters=RuleParameters(disabled=frozenset({"V1"}))))
    assert off.billable
    assert outcomes(off)["V1"] is Outcome.DISABLED


def test_every_context_reaches_its_rule(make_series):
    series = varied(make_series, channel=EXPORT)
    start, end = (int(series.grid.start_epoch_s[0]), int(series.grid.start_epoch_s[-1]) + 900)
    first = RegisterReading(
        point=series.point, meter="A", obis="1-1:2.8.0*255", epoch_s=start, value_e3=0, unit="kWh", origin="remote"
    )
    readings = (
        first,
        replace(first, epoch_s=end, value_e3=999_000),
        replace(first, epoch_s=end, value_e3=1, obis="1-1:2.8.1*255"),
        replace(first, epoch_s=end, value_e3=2, obis="1-1:2.8.2*255"),
    )
    label = Finding(code="V4.skipped_hour_present", severity=Severity.ERROR, message="from the reader")
    result = assess(
        PointMonth(
            series=series,
            power_w=300,
            location=Location(latitude_e6=52_230_000, longitude_e6=21_010_000),
            closed=make_series(FIRST, LAST, 1, channel=EXPORT),
            readings=readings,
            uses=(consumption(readings[:2], start_epoch_s=start, end_epoch_s=end),),
            meters=(),
            memberships=(),
            import_findings=(label,),
        )
    )
    found = outcomes(result)
    assert {rule for rule, outcome in found.items() if outcome is Outcome.FAILED} == {"V4", "V5", "V8", "V23"}
    assert {rule for rule, outcome in found.items() if outcome is Outcome.WARNED} == {"V6", "V11", "V22"}
    assert sum(verdict.findings for verdict in result.verdicts) == len(result.findings)


def test_findings_of_registers_count_under_their_rules(make_series):
    series = varied(make_series)
    start, end = (int(series.grid.start_epoch_s[0]), int(series.grid.start_epoch_s[-1]) + 900)
    first = RegisterReading(
        point=series.point, meter="A", obis="1-1:1.8.0*255", epoch_s=start, value_e3=500, unit="kWh", origin="remote"
    )
    backwards = consumption([first, replace(first, epoch_s=end, value_e3=400)], start_epoch_s=start, end_epoch_s=end)
    result = assess(PointMonth(series=series, uses=(backwards,)))
    assert outcomes(result)["V15"] is Outcome.FAILED
    assert outcomes(result)["V5"] is Outcome.NOTED
    assert not result.billable


def test_every_rule_parameter_and_code_is_documented():
    text = DOCUMENT.read_text(encoding="utf-8")
    rows = re.findall(r"^\| (V\d+) \|", text, flags=re.MULTILINE)
    assert rows == sorted(set(rows), key=lambda rule: int(rule[1:]))
    assert {rule for rule, _ in RULES} | {"V20"} == set(rows)
    for parameter in fields(RuleParameters):
        if parameter.name != "disabled":
            assert f"`{parameter.name}` = {parameter.default}" in text, parameter.name
    folder = Path(ogniwo.core.metering.__file__).parent
    sources = "\n".join(path.read_text(encoding="utf-8") for path in folder.rglob("*.py"))
    used = set(re.findall(r'"(V\d+\.[a-z_]+)"', sources))
    assert used == set(re.findall(r"`(V\d+\.[a-z_]+)`", text))
