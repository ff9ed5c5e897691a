import numpy as np
import pytest

from ogniwo.core.balancing.model import SharingChoice, SharingMethod
from ogniwo.core.kernel.quantities import Rate, RateUnit
from ogniwo.core.settlement.compare import ComparisonPrices, MissingAlternativeError, compare_methods

IDS = ("c3", "c1", "c2", "p1", "p2")
NEED = np.array([[1_000], [5_000], [3_000], [0], [0]], dtype=np.int64)
OFFER = np.array([[0], [0], [0], [4_000], [2_000]], dtype=np.int64)
CHOICES = {
    "stałe": SharingChoice(method=SharingMethod.STATIC, keys=(2, 5, 3, 0, 0)),
    "po równo": SharingChoice(method=SharingMethod.EQUAL),
}


def mwh(text):
    return Rate.parse(text, RateUnit.MWH)


def test_methods_stand_side_by_side_with_members_by_id():
    static, equal = compare_methods(choices=CHOICES, need_wh=NEED, offer_wh=OFFER, ids=IDS)
    assert (static.name, equal.name) == ("stałe", "po równo")
    assert (static.shared_wh, equal.shared_wh) == (5_800, 6_000)
    assert [member.member for member in static.members] == ["c1", "c2", "c3", "p1", "p2"]
    assert [member.used_wh for member in static.members] == [3_000, 1_800, 1_000, 0, 0]
    assert [member.rest_wh for member in equal.members] == [2_500, 500, 0, 0, 0]
    assert [member.surplus_wh for member in static.members] == [0, 0, 0, 133, 67]
    assert static.gain_grosz is None


def test_gain_of_each_member_against_his_alternatives():
    prices = ComparisonPrices(
        price=mwh("400"),
        fee=mwh("50"),
        purchase={member: mwh("650") for member in ("c1", "c2", "c3")},
        sale={"p1": mwh("200"), "p2": mwh("450")},
    )
    static, equal = compare_methods(
        choices=CHOICES, need_wh=NEED * 1_000, offer_wh=OFFER * 1_000, ids=IDS, prices=prices
    )
    # buyers gain 650 - 400 - 50 = 200 zł/MWh, p1 400 - 200 = 200, p2 400 - 450 = -50
    assert [member.gain_grosz for member in equal.members] == [50_000, 50_000, 20_000, 80_000, -10_000]
    assert equal.gain_grosz == 190_000
    assert [member.gain_grosz for member in static.members][:3] == [60_000, 36_000, 20_000]


def test_a_member_whose_alternative_is_needed_and_unknown_is_named():
    prices = ComparisonPrices(price=mwh("400"), fee=None, purchase={"c1": mwh("650")}, sale={})
    with pytest.raises(MissingAlternativeError, match="c2") as refusal:
        compare_methods(choices=CHOICES, need_wh=NEED, offer_wh=OFFER, ids=IDS, prices=prices)
    assert refusal.value.code == "compare.missing_alternative"
