from datetime import date
from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ogniwo.core.kernel.quantities import RateUnit, amount_grosz
from ogniwo.core.settlement.corridor import PriceUnitError
from ogniwo.core.settlement.internal import (
    COMMUNITY_CREDIT,
    COMMUNITY_ENERGY,
    COMMUNITY_FEE,
    EnergyDoesNotMatchError,
    InternalPrices,
    settle_internally,
)
from ogniwo.core.tariffs.model import Category

DAYS = {"first": date(2026, 10, 1), "last_exclusive": date(2026, 11, 1)}


def grosz(wh, price):
    return int((Decimal(wh) / 1_000_000 * Decimal(price) * 100).quantize(Decimal(1), ROUND_HALF_UP))


@given(
    used=st.lists(st.integers(0, 2_000_000), min_size=1, max_size=6),
    weights=st.lists(st.integers(1, 50), min_size=1, max_size=4),
    price=st.integers(0, 90_000),
)
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_takers_pay_exactly_what_producers_get_and_the_fee(used, weights, price, make_prices):
    text = f"{price // 100}.{price % 100:02d}"
    taken = {f"t{index}": wh for index, wh in enumerate(used)}
    total, given_out = sum(used), {}
    for index, weight in enumerate(weights):
        given_out[f"p{index}"] = total * weight // sum(weights)
    given_out["p0"] += total - sum(given_out.values())
    settled = settle_internally(
        community_in_wh=taken, community_out_wh=given_out, prices=make_prices(price=text), **DAYS
    )
    energy = {member: grosz(wh, text) for member, wh in taken.items() if wh}
    fees = {member: grosz(wh, "50.00") for member, wh in taken.items() if wh}
    for member, lines in settled.lines.items():
        assert [(line.charge, line.net_grosz) for line in lines] == [
            (COMMUNITY_ENERGY, energy[member]),
            (COMMUNITY_FEE, fees[member]),
        ]
    credited = {member: sum(line.net_grosz for line in lines) for member, lines in settled.credits.items()}
    assert settled.energy_grosz == sum(energy.values()) == sum(credited.values()) == settled.credited_grosz
    assert settled.fee_grosz == sum(fees.values())
    for member, amount in credited.items():
        exact = Decimal(settled.energy_grosz) * given_out[member] / total
        assert abs(amount - exact) < 1


def test_law_4_d_for_20_mwh(make_prices):
    settled = settle_internally(
        community_in_wh={"firm": 12_000_000, "school": 8_000_000},
        community_out_wh={"plant": 20_000_000},
        prices=make_prices(fee=None),
        **DAYS,
    )
    assert settled.energy_grosz == settled.credited_grosz == 461_360
    assert settled.fee_grosz == 0
    (credit,) = settled.credits["plant"]
    assert credit.net_grosz == 461_360
    assert credit.charge == COMMUNITY_CREDIT
    assert credit.vat_rate_percent == 0
    assert credit.category is Category.COMMUNITY


def test_reasons_say_quantity_price_and_rounding_in_polish(make_prices):
    settled = settle_internally(
        community_in_wh={"b": 1_234_567, "a": 0},
        community_out_wh={"c": 1_000_000, "d": 234_567},
        prices=make_prices(),
        **DAYS,
    )
    assert set(settled.lines) == {"b"}
    energy, fee = settled.lines["b"]
    assert energy.quantity == 1_234_567
    assert energy.net_grosz == 28_479
    assert amount_grosz(quantity=energy.quantity, rate=energy.rate) == energy.net_grosz
    assert energy.why == (
        "Energia ze społeczności od 2026-10-01 do 2026-10-31: 1234,567 kWh, suma godzinowych udziałów w całych Wh.",
        "Stawka 230,68 zł/MWh, obowiązuje od 2026-01-01, podstawa: uchwała 3/2025.",
        "1234,567 kWh × 230,68 zł/MWh = 284,79 zł, zaokrąglone raz, do grosza, połówki w górę.",
    )
    assert "61,73 zł" in fee.why[2]
    assert [line.net_grosz for lines in settled.credits.values() for line in lines] == [23_068, 5_411]
    assert "284,79 zł × 234,567 kWh / 1234,567 kWh = 54,11 zł." in settled.credits["d"][0].why


def test_energy_that_does_not_match_is_refused(make_prices):
    with pytest.raises(EnergyDoesNotMatchError, match="10 Wh") as refusal:
        settle_internally(community_in_wh={"a": 10}, community_out_wh={"b": 9}, prices=make_prices(), **DAYS)
    assert refusal.value.code == "internal.energy_does_not_match"


def test_a_price_of_power_is_refused(make_prices, make_rate_row):
    prices = InternalPrices(
        price=make_rate_row("community/price", "1", RateUnit.KW),
        fee=None,
        vat_rate_percent=23,
        credit_vat_rate_percent=0,
    )
    with pytest.raises(PriceUnitError):
        settle_internally(community_in_wh={}, community_out_wh={}, prices=prices, **DAYS)


def test_nothing_shared_gives_nothing(make_prices):
    settled = settle_internally(community_in_wh={"a": 0}, community_out_wh={}, prices=make_prices(), **DAYS)
    assert (settled.lines, settled.credits, settled.energy_grosz) == ({}, {}, 0)
