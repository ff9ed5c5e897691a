"""Transformer ratios."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ogniwo.core.metering.model import TransformerRatio
from ogniwo.core.metering.ratios import (
    AmbiguousRatioError,
    MissingRatioError,
    multiplier_at,
    multiplier_of,
    primary_wh,
    ratio_segments,
)

TABLE = (
    TransformerRatio(meter="M", valid_from_epoch_s=0, current=(100, 5)),
    TransformerRatio(meter="M", valid_from_epoch_s=1_000, current=(200, 5)),
    TransformerRatio(meter="M", valid_from_epoch_s=2_000, current=(400, 10)),
    TransformerRatio(meter="other", valid_from_epoch_s=0, current=(50, 5), voltage=(15_000, 100)),
)


def test_multiplier_is_exact_and_dated():
    assert multiplier_at(TABLE, meter="M", epoch_s=999) == 20
    assert multiplier_at(TABLE, meter="M", epoch_s=1_000) == 40
    assert multiplier_at(TABLE, meter="other", epoch_s=5) == 1_500
    assert multiplier_of(TransformerRatio(meter="x", valid_from_epoch_s=0, current=(100, 3))) == Fraction(100, 3)


def test_v17_a_span_is_split_where_the_multiplier_changes():
    parts = ratio_segments(TABLE, meter="M", start_epoch_s=500, end_epoch_s=3_000)
    assert [(part.start_epoch_s, part.end_epoch_s, part.multiplier) for part in parts] == [
        (500, 1_000, 20),
        (1_000, 3_000, 40),
    ]


def test_nothing_known_is_refused_and_never_one():
    with pytest.raises(MissingRatioError):
        multiplier_at(TABLE, meter="nobody", epoch_s=0)
    with pytest.raises(MissingRatioError):
        multiplier_at(TABLE, meter="M", epoch_s=-1)
    with pytest.raises(ValueError, match="start before its end"):
        ratio_segments(TABLE, meter="M", start_epoch_s=5, end_epoch_s=5)


def test_contradicting_or_impossible_ratios_are_refused():
    twice = (*TABLE, TransformerRatio(meter="M", valid_from_epoch_s=1_000, current=(300, 5)))
    with pytest.raises(AmbiguousRatioError):
        multiplier_at(twice, meter="M", epoch_s=1_500)
    with pytest.raises(AmbiguousRatioError):
        multiplier_of(TransformerRatio(meter="M", valid_from_epoch_s=0, current=(100, 0)))


@given(value=st.integers(0, 10**9), numerator=st.integers(1, 500), denominator=st.integers(1, 30))
def test_primary_energy_is_within_half_a_watt_hour(value, numerator, denominator):
    exact = Fraction(value * numerator, denominator)
    result = primary_wh(value_e3=value, multiplier=Fraction(numerator, denominator))
    assert -Fraction(1, 2) < result - exact <= Fraction(1, 2)
