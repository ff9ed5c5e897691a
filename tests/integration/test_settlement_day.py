"""W13: at the end of a day, who pays whom how much for the energy exchanged on it."""

from datetime import date
from decimal import ROUND_HALF_UP, Decimal

import pytest

from ogniwo.records.visibility import Subject
from ogniwo.services.settlement.days import DayNotSettledError, day_settlement
from ogniwo.services.settlement.queries import rate_book_of

OPERATOR = Subject.operator()
CHANGE_OF_CLOCKS = date(2026, 10, 25)


def _day(workspace, community, day, subject=OPERATOR):
    return day_settlement(community=community, day=day, book=rate_book_of(workspace), subject=subject)


def test_a_day_balances_to_the_grosz(at_stage, cooperative):
    workspace = at_stage("closed")
    settled = _day(workspace, cooperative(), CHANGE_OF_CLOCKS)
    assert len(settled.rows) == 40
    assert sum(row.community_in_wh for row in settled.rows) == sum(row.community_out_wh for row in settled.rows) > 0
    assert all(row.taken_wh == row.community_in_wh + row.pool_wh + row.grid_wh for row in settled.rows)
    paid, received = (sum(getattr(row, name) for row in settled.rows) for name in ("pays_grosz", "receives_grosz"))
    assert paid == received + settled.fee_grosz
    for row in settled.rows:
        mwh = Decimal(row.community_in_wh) / 1_000_000
        exact = [(mwh * price * 100).quantize(Decimal(1), ROUND_HALF_UP) for price in (430, 30)]
        assert row.pays_grosz == sum(exact)


def test_the_days_of_a_month_are_the_energy_of_the_month(at_stage, cooperative):
    workspace = at_stage("closed")
    community = cooperative()
    run = community.runs.get(month="2026-10")
    days = [_day(workspace, community, date(2026, 10, day)) for day in range(1, 32)]
    for name in ("taken_wh", "community_in_wh", "pool_wh", "grid_wh", "community_out_wh", "surplus_wh"):
        total = sum(getattr(row, name) for day in days for row in day.rows)
        assert total == run.totals["flows"][name]


def test_a_member_sees_its_own_row_and_an_open_month_has_none(at_stage, cooperative):
    workspace = at_stage("closed")
    community = cooperative()
    own = _day(workspace, community, CHANGE_OF_CLOCKS, Subject(community.path, "SE-001"))
    assert [row.member for row in own.rows] == ["SE-001"]
    with pytest.raises(DayNotSettledError):
        _day(workspace, community, date(2026, 11, 1))
