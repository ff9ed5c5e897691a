"""A member of a part of the month, from the files to the stored statement: what the cooperative bills and what not."""

from datetime import date
from fractions import Fraction

import pytest

from ogniwo.core.kernel.calendar import Month, grid_of_month
from ogniwo.core.kernel.findings import Severity
from ogniwo.core.metering.model import IMPORT
from ogniwo.core.tariffs.model import Category
from ogniwo.services.demo.files import delivered_files
from ogniwo.services.demo.sample import POINTS
from ogniwo.services.metering.importing import import_files
from ogniwo.services.metering.quality import estimate_month
from ogniwo.services.settlement.closing import close_month
from ogniwo.services.settlement.queries import rate_book_of
from ogniwo.services.workspace.queries import operator_subject
from ogniwo.services.workspace.registering import register_file

OCTOBER = Month(2026, 10)
HOUSEHOLD = POINTS[0]
JOINS, LEAVES = date(2026, 10, 11), date(2026, 10, 16)


def grosz(exact):
    value = Fraction(exact) * 100
    return (2 * value.numerator + value.denominator) // (2 * value.denominator)


@pytest.mark.parametrize(
    ("change", "first", "last_exclusive", "days", "subscription"),
    [({"from": JOINS}, 11, 32, 21, []), ({"to": LEAVES}, 1, 16, 15, [384])],
    ids=["joins", "leaves"],
)
def test_only_days_of_the_membership_are_billed(
    at_stage, cooperative, sample_toml, change, first, last_exclusive, days, subscription
):
    """The contract runs all year; its subscription of the month goes with its first days, whoever bills them."""
    workspace = at_stage("empty")
    text = sample_toml(membership=lambda point, row: [{**row, **change} if point is HOUSEHOLD else row])
    register_file(workspace, data=text.encode(), file_name="members.toml")
    community = cooperative()
    import_files(workspace, organisation=community, files=[(one.name, one.data) for one in delivered_files()])
    estimate_month(workspace, organisation=community, subject=operator_subject(), month=OCTOBER)
    closed = close_month(workspace, community=community, month=OCTOBER, book=rate_book_of(workspace))
    statement = next(one for one in closed.statements if one.point == HOUSEHOLD.code)

    series = workspace.series.read(point=HOUSEHOLD.code, channel=IMPORT, month=OCTOBER)
    inside = slice(*(int(series.grid.day_offsets[day - 1]) for day in (first, last_exclusive)))
    assert statement.flows.metered_in_wh == int(series.wh[inside].sum()) < int(series.wh.sum())
    row = closed.cooperative.ids.index(HOUSEHOLD.code)
    hours = grid_of_month(OCTOBER, slot_s=3600)
    bounds = [int(hours.day_offsets[day - 1]) for day in (first, last_exclusive)]
    taken = closed.cooperative.taken[row]
    assert int(taken[: bounds[0]].sum()) == int(taken[bounds[1] :].sum()) == 0

    nets = {}
    for line in statement.lines:
        nets.setdefault(line.charge, []).append(line.net_grosz)
        if line.category is not Category.COMMUNITY:  # these name the community's month
            assert date(2026, 10, first) <= line.first < line.last_exclusive
    assert nets["network.fixed"] == [grosz(Fraction("7.45") * days / 31)]
    assert nets.get("subscription", []) == subscription
    (variable,) = (line for line in statement.lines if line.charge == "network.variable")
    assert variable.quantity == int(closed.cooperative.grid[row].sum()) == statement.flows.grid_wh
    notes = [one for one in closed.findings if one.code == "rating.outside_membership"]
    assert [(one.point, one.severity) for one in notes] == [(HOUSEHOLD.code, Severity.NOTE)]
