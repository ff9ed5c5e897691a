from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from ogniwo.core.balancing.model import SharingChoice, SharingMethod
from ogniwo.core.kernel.calendar import Month
from ogniwo.core.settlement.cooperative import member_flows, settle_cooperative_month
from ogniwo.core.settlement.internal import settle_internally
from ogniwo.core.settlement.statements import (
    PointMonth,
    StatementsDisagreeError,
    UnknownPointError,
    assemble_statements,
    reconcile,
    require_agreement,
)

MONTH = Month(2026, 10)


@pytest.fixture
def cooperative():
    balance = np.array([[7_000, -2_000], [3_000, 5_000], [-6_000, 1_000]], dtype=np.int64)
    return settle_cooperative_month(
        month=MONTH,
        ids=("b", "a", "c"),
        taken=np.maximum(balance, 0),
        given=np.maximum(-balance, 0),
        pool=(),
        sharing=SharingChoice(method=SharingMethod.DYNAMIC),
    )


@pytest.fixture
def statements(cooperative, make_prices, make_line):
    taken, given = cooperative.taken.sum(axis=1).tolist(), cooperative.given.sum(axis=1).tolist()
    flows = member_flows(cooperative, metered_in_wh=taken, metered_out_wh=given)
    internal = settle_internally(
        community_in_wh={point: flow.community_in_wh for point, flow in zip(cooperative.ids, flows, strict=True)},
        community_out_wh={point: flow.community_out_wh for point, flow in zip(cooperative.ids, flows, strict=True)},
        prices=make_prices(),
        first=date(2026, 10, 1),
        last_exclusive=date(2026, 11, 1),
    )
    return assemble_statements(
        community="słońce",
        month=MONTH,
        version=1,
        points=[
            PointMonth(member=f"member {point}", point=point, flows=flow, quality=(), inputs=(("series", point),))
            for point, flow in zip(cooperative.ids, flows, strict=True)
        ],
        lines=[internal.lines, {"a": [make_line()]}],
        credit_lines=[internal.credits],
        inputs=(("sharing", "dynamic"),),
    )


def test_statements_are_ordered_and_carry_lines_and_inputs(statements):
    assert [statement.point for statement in statements] == ["a", "b", "c"]
    first = statements[0]
    assert [line.charge for line in first.lines] == ["community.energy", "community.fee", "energy.active"]
    assert first.inputs == (("sharing", "dynamic"), ("series", "a"))
    assert first.member == "member a"


def test_all_statements_together_agree_with_the_cooperative(statements, cooperative):
    totals = reconcile(statements, cooperative=cooperative)
    assert totals.agrees
    assert totals.findings == ()
    require_agreement(totals)
    assert totals.flows.taken_wh == 16_000
    assert totals.flows.community_in_wh == 8_000
    assert totals.charged_grosz == totals.credited_grosz + totals.community_fee_grosz + 100
    assert totals.community_energy_grosz == totals.credited_grosz


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lambda one: [replace(one[0], lines=one[0].lines[1:]), *one[1:]], "energy_paid_is_credited"),
        (lambda one: [replace(one[0], lines=one[0].lines[1:]), *one[1:]], "quantity_taken.a"),
        (lambda one: [*one, one[0]], "one_statement_per_point"),
        (lambda one: [replace(one[0], version=2), *one[1:]], "one_run"),
        (lambda one: list(one[1:]), "energy_in_is_energy_out"),
        (lambda one: list(one[1:]), "grid_is_charged"),
    ],
)
def test_what_does_not_agree_is_reported_and_refused(statements, cooperative, spoil, code):
    totals = reconcile(spoil(statements), cooperative=cooperative)
    assert not totals.agrees
    assert f"statements.{code}" in {finding.code for finding in totals.findings}
    with pytest.raises(StatementsDisagreeError, match=code):
        require_agreement(totals)


def test_lines_of_an_unknown_point_are_refused(statements, make_line):
    with pytest.raises(UnknownPointError, match="nowhere"):
        assemble_statements(
            community="c",
            month=MONTH,
            version=1,
            points=[],
            lines=[{"nowhere": [make_line()]}],
            credit_lines=[],
            inputs=(),
        )


def test_no_statements_agree_with_nothing():
    assert reconcile(()).agrees
