from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ogniwo.core.kernel.quantities import Rate, RateUnit
from ogniwo.core.settlement.corridor import CorridorWithoutMembersError, PriceUnitError, gain_grosz, price_corridor


def mwh(text):
    return Rate.parse(text, RateUnit.MWH)


def test_fee_narrows_the_corridor_from_above():
    corridor = price_corridor(
        purchase={"a": mwh("300"), "b": Rate.parse("0.28", RateUnit.KWH)}, sale={"p": mwh("200")}, fee=mwh("50")
    )
    assert (corridor.above_e8, corridor.below_e8) == (200 * 10**8, 230 * 10**8)
    assert corridor.middle == mwh("215")
    assert corridor.admits(Rate.parse("0.2299", RateUnit.KWH))
    assert not corridor.admits(mwh("230"))
    assert (corridor.blocking_buyers, corridor.blocking_sellers) == ((), ())


def test_empty_corridor_names_who_makes_it_empty_and_opens_without_them():
    purchase = {"cheap": mwh("190"), "fair": mwh("280")}
    sale = {"plant": mwh("200"), "roof": mwh("150")}
    corridor = price_corridor(purchase=purchase, sale=sale)
    assert corridor.is_empty
    assert corridor.blocking_buyers == ("cheap",)
    assert corridor.blocking_sellers == ("plant",)
    assert not price_corridor(purchase={"fair": purchase["fair"]}, sale=sale).is_empty
    assert not price_corridor(purchase=purchase, sale={"roof": sale["roof"]}).is_empty


@given(
    buyers=st.dictionaries(st.text("abc", min_size=1, max_size=3), st.integers(0, 500), min_size=1, max_size=5),
    sellers=st.dictionaries(st.text("xyz", min_size=1, max_size=3), st.integers(0, 500), min_size=1, max_size=5),
    fee=st.integers(0, 60),
    price=st.integers(0, 500),
)
def test_a_price_is_admitted_exactly_when_everybody_gains(buyers, sellers, fee, price):
    purchase = {name: Rate(value * 10**8, RateUnit.MWH) for name, value in buyers.items()}
    sale = {name: Rate(value * 10**8, RateUnit.MWH) for name, value in sellers.items()}
    fee_rate, price_rate = Rate(fee * 10**8, RateUnit.MWH), Rate(price * 10**8, RateUnit.MWH)
    corridor = price_corridor(purchase=purchase, sale=sale, fee=fee_rate)
    gains = [value - price - fee for value in buyers.values()] + [price - value for value in sellers.values()]
    assert corridor.admits(price_rate) == all(gain > 0 for gain in gains)
    if corridor.is_empty:
        without = {name: rate for name, rate in purchase.items() if name not in corridor.blocking_buyers}
        assert corridor.blocking_buyers
        assert corridor.blocking_sellers
        assert not without or not price_corridor(purchase=without, sale=sale, fee=fee_rate).is_empty


@given(used=st.integers(0, 10**9), supplied=st.integers(0, 10**9))
def test_gain_is_rounded_once(used, supplied):
    gain = gain_grosz(
        used_wh=used,
        supplied_wh=supplied,
        price=mwh("230.68"),
        fee=mwh("50"),
        purchase=mwh("265.72"),
        sale=mwh("195.64"),
    )
    exact = Fraction(used, 10**6) * Fraction("-14.96") * 100 + Fraction(supplied, 10**6) * Fraction("35.04") * 100
    assert abs(gain - exact) <= Fraction(1, 2)


def test_one_sided_or_wrong_prices_are_refused():
    with pytest.raises(CorridorWithoutMembersError):
        price_corridor(purchase={}, sale={"p": mwh("1")})
    with pytest.raises(PriceUnitError):
        price_corridor(purchase={"a": Rate.parse("1", RateUnit.KW)}, sale={"p": mwh("1")})
