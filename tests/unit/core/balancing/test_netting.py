import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ogniwo.core.balancing.netting import cooperative_balance, net_hourly
from ogniwo.core.balancing.reference import net_hourly_reference


@given(
    cells=st.lists(st.tuples(st.integers(0, 2**31 - 1), st.integers(0, 2**31 - 1)), min_size=8, max_size=8),
    per_hour=st.sampled_from([1, 2, 4]),
)
@settings(max_examples=60, deadline=None)
def test_netting_keeps_the_difference_and_leaves_one_sign(cells, per_hour):
    taken_in = np.array([cell[0] for cell in cells], dtype=np.int32).reshape(2, 4)
    given_out = np.array([cell[1] for cell in cells], dtype=np.int32).reshape(2, 4)
    taken, fed = net_hourly(taken_in, given_out, per_hour)
    assert ((taken == 0) | (fed == 0)).all()
    difference = [
        int(a) - int(b) for a, b in zip(taken_in.sum(1, dtype=np.int64), given_out.sum(1, dtype=np.int64), strict=True)
    ]
    assert (taken - fed).sum(axis=1).tolist() == difference
    readable = net_hourly_reference(import_wh=taken_in, export_wh=given_out, slots_per_hour=per_hour)
    assert (taken == readable[0]).all()
    assert (fed == readable[1]).all()


def test_cooperative_balance_separates_exchange_from_what_remains():
    balance = cooperative_balance(
        np.array([[5, 4], [0, 0], [1, 2]], dtype=np.int64), np.array([[0, 0], [8, 0], [0, 0]], dtype=np.int64)
    )
    assert balance.taken.tolist() == [0, 6]
    assert balance.given.tolist() == [2, 0]
    assert balance.exchanged.tolist() == [6, 0]


def test_slots_must_be_whole_hours_and_matrices_alike():
    quarter_hours = np.zeros((1, 6), dtype=np.int32)
    with pytest.raises(ValueError, match="whole hours"):
        net_hourly(quarter_hours, quarter_hours, 4)
    with pytest.raises(ValueError, match="one shape"):
        net_hourly(quarter_hours, quarter_hours[:, :4], 1)
