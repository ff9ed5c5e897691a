import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ogniwo.core.kernel.calendar import Month, grid_of_month
from ogniwo.core.kernel.quality import Quality
from ogniwo.core.ledger.intervals import day_root, interval_hash
from ogniwo.core.ledger.merkle import root_of
from ogniwo.core.metering.model import IMPORT, IntervalSeries
from ogniwo.core.posting.claims import settlement_postings
from ogniwo.core.posting.readings import day_leaves, day_record, days_with_data

SECRET = bytes(range(16))


def _series() -> IntervalSeries:
    grid = grid_of_month(Month(2026, 10))
    wh = np.arange(grid.slots, dtype=np.int32) % 50
    quality = np.full(grid.slots, Quality.MEASURED, dtype=np.uint8)
    quality[24 * 96 : 24 * 96 + 4] = Quality.SUBSTITUTED
    quality[24 * 96 + 4 : 24 * 96 + 6] = Quality.MISSING
    wh[24 * 96 + 4 : 24 * 96 + 6] = 0
    return IntervalSeries(point="p", channel=IMPORT, grid=grid, wh=wh, quality=quality)


def test_the_day_of_a_hundred_quarters_has_a_hundred_leaves_and_its_parts_sum_up():
    series = _series()
    leaves = day_leaves(series=series, day_index=24, day_secret=SECRET)
    record = day_record(leaves=leaves, day="2026-10-25", point_path="op/coop/p1", network="n", version=1)
    assert record.leaf_count == len(leaves) == 100
    assert [part.quality for part in record.parts] == ["measured", "missing", "substituted-by-us"]
    assert [part.slots for part in record.parts] == [94, 2, 4]
    first = int(series.grid.day_offsets[24])
    assert record.total_wh == int(series.wh[first : first + 100].sum()) == sum(part.wh for part in record.parts)
    assert record.merkle_root == root_of([interval_hash(leaf) for leaf in leaves]).hex()


def test_another_secret_hides_the_same_day_under_another_root():
    series = _series()
    roots = {day_root(day_leaves(series=series, day_index=0, day_secret=secret)) for secret in (SECRET, SECRET[::-1])}
    assert len(roots) == 2


def test_days_without_any_value_are_left_out():
    series = _series()
    series.quality[:96] = Quality.MISSING
    assert days_with_data(series) == tuple(range(1, 31))


accounts = st.dictionaries(st.sampled_from([f"op/coop/m{n}" for n in range(9)]), st.integers(0, 10**9))


@given(accounts, accounts)
def test_settlement_postings_sum_to_zero_and_keep_every_balance(due, credit):
    lines = settlement_postings(asset="PLN/2", community="op/coop", due_grosz=due, credit_grosz=credit)
    assert sum(line.amount for line in lines) == 0
    by_account = {line.account: line.amount for line in lines}
    for path in {*due, *credit}:
        assert by_account.get(path, 0) == credit.get(path, 0) - due.get(path, 0)
    assert all(line.amount for line in lines)
