"""V20 on the figures of a file: exact to its last digit, as warnings with their rows."""

import io
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import xlsxwriter

from ogniwo.core.kernel.findings import Severity
from ogniwo.core.kernel.ids import gs1_check_digit
from ogniwo.formats.meter_files import account
from ogniwo.formats.meter_files.numbers import EnergyReader
from ogniwo.formats.meter_files.reader import read_meter_file

BODIES = [f"5909990300000000{number}" for number in range(1, 5)]
ANNA, BORYS, FARMA, OTHER = (f"{body}7{gs1_check_digit(f'{body}7')}" for body in BODIES)
CODES = {
    "metered": ("CONSUMPTION", "G.01"),
    "share": ("CONSUMPTION", "G.02"),
    "covered": ("CONSUMPTION", "G.03"),
    "generated": ("GENERATION", "G.01"),
    "surplus": ("GENERATION", "P.01"),
}
FIRST = datetime(2022, 6, 1)  # noqa: DTZ001 -- a cell
START = int(datetime(2022, 6, 1, tzinfo=ZoneInfo("Europe/Vienna")).timestamp())


def exported(columns, *, unit="KWH"):
    """A file of quarter-hours; columns: (point, quantity, cells)."""
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, {"in_memory": True})
    sheet = book.add_worksheet("Energiedaten")
    sheet.write_column(0, 0, ["MeteringpointID", "Energy direction", "Metercode"])
    for place, (point, quantity, cells) in enumerate(columns, start=1):
        direction, code = CODES[quantity]
        sheet.write_column(0, place, [point, direction, f"{code} [{unit}]", *cells])
    for number in range(max(len(cells) for _, _, cells in columns)):
        sheet.write(number + 3, 0, (FIRST + timedelta(minutes=15 * number)).strftime("%d.%m.%Y %H:%M:%S"))
    book.close()
    return buffer.getvalue()


def columns_of(*, anna, borys, farma):
    """Two consumers and a producer: tuples of figures for each interval, in the order of CODES."""
    parts = [(ANNA, ("metered", "share", "covered"), anna), (BORYS, ("metered", "share", "covered"), borys)]
    parts.append((FARMA, ("generated", "surplus"), farma))
    return [
        (point, quantity, [figures[place] for figures in rows])
        for point, quantities, rows in parts
        for place, quantity in enumerate(quantities)
    ]


def checked(data):
    reading = read_meter_file(data, file_name="eda.xlsx")
    return reading, [finding for finding in reading.findings if finding.code.startswith("V20.")]


GOOD = {
    "anna": [(0.5, 0.25, 0.25), (0.5, 0.000333, 0.000333)],
    "borys": [(0.2, 0.25, 0.2), (1, 0.000667, 0.000667)],
    "farma": [(0.5, 0.05), (0.001, 0)],
}


def test_an_account_that_adds_up_says_nothing_and_the_file_says_whose_it_is():
    reading, found = checked(exported(columns_of(**GOOD)))
    assert found == []
    facts = dict(reading.facts)
    assert len(facts.pop("community")) == 16
    assert facts == {"community_from": "2022-05-31T22:00:00+00:00", "community_to": "2022-05-31T22:30:00+00:00"}


def test_differences_below_a_wh_are_found_with_their_rows_and_written_in_kwh():
    broken = {**GOOD, "anna": [GOOD["anna"][0], (0.5, 0.000323, 0.000333)]}
    _, found = checked(exported(columns_of(**broken)))
    assert [(finding.code, finding.severity, finding.row) for finding in found] == [
        ("V20.covered", Severity.WARNING, 5),
        ("V20.share_sum", Severity.WARNING, 5),
    ]
    covered, share_sum = found
    assert (covered.point, covered.source) == (ANNA, "eda.xlsx")
    assert (covered.start_epoch_s, covered.end_epoch_s) == (START + 900, START + 1800)
    assert dict(covered.facts)["largest_difference_kwh"] == "0.000010"
    facts = dict(share_sum.facts)
    assert (facts["generated_kwh"], facts["share_kwh"]) == ("0.001000", "0.000990")
    assert (facts["difference_kwh"], facts["allowed_kwh"]) == ("0.000010", "0.000003")
    assert share_sum.message == "generation exceeds the sum of shares by 0.000010 kWh"


def test_a_surplus_that_is_too_large_is_told_from_one_that_is_too_small():
    for surplus, message in ((0.06, "falls short of"), (0.04, "exceeds")):
        _, [finding] = checked(exported(columns_of(**{**GOOD, "farma": [(0.5, surplus), (0.001, 0)]})))
        assert finding.message == f"generation {message} covered energy and surplus together by 0.010000 kWh"


@pytest.mark.parametrize(
    ("last", "allowed", "unit"),
    [(0.1, "0.003", "KWH"), (0.1001, "0.0003", "KWH"), (101, "0.003", "WH"), (100.01, "0.00003", "WH")],
)
def test_the_last_digit_of_the_file_but_a_wh_at_most_decides_how_far_a_sum_may_be_off(last, allowed, unit):
    thousand = 1_000 if unit == "WH" else 1
    cells = {"metered": 9 * thousand, "share": last, "covered": last, "generated": 8 * thousand, "surplus": 0}
    columns = [
        (point, quantity, [cells[quantity]] * 2)
        for point, quantities in ((ANNA, list(CODES)[:3]), (BORYS, list(CODES)[:3]), (FARMA, list(CODES)[3:]))
        for quantity in quantities
    ]
    _, found = checked(exported(columns, unit=unit))
    assert {dict(finding.facts)["allowed_kwh"] for finding in found if finding.code == "V20.share_sum"} == {allowed}


def test_what_arithmetic_left_behind_in_a_cell_is_no_digit_of_the_operator():
    noisy = {**GOOD, "farma": [(0.1 + 0.4 + 1e-16, 0.05), (0.0010000000000000002, 0)]}
    assert repr(noisy["farma"][1][0]) == "0.0010000000000000002"
    _, found = checked(exported(columns_of(**noisy)))
    assert found == []


def test_a_member_takes_part_only_where_all_its_figures_are_there():
    broken = {**GOOD, "borys": [GOOD["borys"][0], (1, 0.000667, "")]}
    _, found = checked(exported(columns_of(**broken)))
    assert [(finding.code, dict(finding.facts)["difference_kwh"]) for finding in found] == [
        ("V20.share_sum", "0.000667"),
        ("V20.surplus", "0.000667"),
    ]


def test_without_a_whole_account_nothing_is_checked():
    columns = columns_of(**{**GOOD, "farma": [(7, 0.05), (7, 0)]})
    for quantity in CODES:
        reading, found = checked(exported([column for column in columns if column[1] != quantity]))
        assert (reading.facts, found) == ((), []), quantity
    [finding, *_] = checked(exported([*columns, (OTHER, "metered", [1, 1])]))[1]
    assert dict(finding.facts)["difference_kwh"] == "6.500000", "a point without an account beside it is no member"


def test_the_name_of_a_community_is_its_points_and_roles_in_any_order():
    columns = columns_of(**GOOD)
    names = [
        dict(checked(exported(one))[0].facts)["community"]
        for one in (columns, columns[::-1], [(OTHER if point == ANNA else point, *rest) for point, *rest in columns])
    ]
    assert names[0] == names[1] != names[2]


def test_of_very_many_findings_the_first_are_kept_and_the_rest_is_counted(monkeypatch):
    monkeypatch.setattr(account, "FINDINGS_KEPT", 3)
    rows = 10
    broken = {"anna": [(1, 1, 1)] * rows, "borys": [(1, 0, 0)] * rows, "farma": [(20, 19)] * rows}
    _, found = checked(exported(columns_of(**broken)))
    assert [(finding.code, finding.row) for finding in found] == [("V20.share_sum", row) for row in (4, 5, 6, 7)]
    rest = found[-1]
    assert dict(rest.facts)["findings"] == "7"
    assert (rest.start_epoch_s, rest.end_epoch_s) == (START + 3 * 900, START + 10 * 900)


@pytest.mark.parametrize(
    ("cell", "unit", "decimals", "expected"),
    [
        (0.000143, "kwh", 6, 143),
        (7.6e-05, "kwh", 6, 76),
        (7.6e-05, "kwh", 4, 1),
        (0.00005, "kwh", 4, 1),
        (-0.00005, "kwh", 4, -1),
        (3, "wh", 6, 3_000),
        (0.002, "mwh", 0, 2),
    ],
)
def test_a_value_keeps_what_it_was_before_it_was_rounded_to_wh(cell, unit, decimals, expected):
    assert EnergyReader(unit, ",.").read(cell).in_kwh(decimals) == expected
