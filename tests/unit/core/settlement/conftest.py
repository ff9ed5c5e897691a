from datetime import date

import pytest

from ogniwo.core.kernel.calendar import Month
from ogniwo.core.kernel.quantities import Rate, RateUnit
from ogniwo.core.settlement.internal import InternalPrices
from ogniwo.core.settlement.model import EnergyFlows, Statement
from ogniwo.core.tariffs.model import Category, ChargeLine, RateRow


def rate_row(key, text, per=RateUnit.MWH):
    return RateRow(
        key=key,
        rate=Rate.parse(text, per),
        valid_from=date(2026, 1, 1),
        valid_to=None,
        source="uchwała 3/2025",
        checked_on=date(2026, 1, 1),
        confidence="official",
    )


@pytest.fixture
def make_rate_row():
    return rate_row


@pytest.fixture
def make_prices():
    def make(price="230.68", fee="50.00"):
        return InternalPrices(
            price=rate_row("community/price", price),
            fee=None if fee is None else rate_row("community/fee", fee),
            vat_rate_percent=23,
            credit_vat_rate_percent=0,
        )

    return make


@pytest.fixture
def make_line():
    def make(charge="energy.active", *, zone="", net=100, quantity=1_000, rate="500", vat=23):
        row = rate_row(f"x/{charge}", rate)
        return ChargeLine(
            charge=charge,
            zone=zone,
            category=Category.ENERGY,
            label_pl=charge,
            label_en=charge,
            first=date(2026, 10, 1),
            last_exclusive=date(2026, 11, 1),
            quantity=quantity,
            rate=row.rate,
            share=(1, 1),
            net_grosz=net,
            vat_rate_percent=vat,
            rates=(row,),
            why=(),
        )

    return make


@pytest.fixture
def make_flows():
    def make(*, community_in=0, community_out=0, pool=0, grid=0, surplus=0):
        taken, given = community_in + pool + grid, community_out + surplus
        return EnergyFlows(
            metered_in_wh=taken,
            metered_out_wh=given,
            taken_wh=taken,
            given_wh=given,
            community_in_wh=community_in,
            community_out_wh=community_out,
            pool_wh=pool,
            grid_wh=grid,
            surplus_wh=surplus,
        )

    return make


@pytest.fixture
def make_statement(make_flows):
    def make(*, version=1, lines=(), credit_lines=(), point="p1", flows=None):
        return Statement(
            community="c",
            month=Month(2026, 10),
            version=version,
            member="m",
            point=point,
            flows=flows or make_flows(),
            quality=(),
            lines=tuple(lines),
            credits=tuple(credit_lines),
            inputs=(),
        )

    return make
