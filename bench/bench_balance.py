"""Community balance (W3): dynamic sharing per quarter-hour with largest remainders, then hourly netting, of a month.

The yardstick is the same calculation in pandas, long form, as a careful analyst writes it. Both must give the same
integers before anything is timed. CPU seconds of one process; pandas runs once, in blocks of whole communities, which
keeps its memory small. Small communities fall short of the target: the fixed work of an interval then outweighs its
members. The rows say so; the target is not lowered for them.
"""

import sys
import time
from collections.abc import Callable

import numpy as np
import pandas as pd

from common import Row, cpu_seconds
from ogniwo.core.balancing.communities import dynamic_month_totals
from ogniwo.core.balancing.keys import allocate
from ogniwo.core.balancing.model import SharingMethod
from ogniwo.core.balancing.netting import net_hourly

SLOTS = 2_980
"""October in Warsaw: one day of 100 quarter-hours."""
SLOTS_PER_HOUR = 4
TARGET = 100.0
COLUMNS = ("used", "supplied", "taken", "given")
PANDAS_BLOCK = 1_000


class Month:
    """A synthetic month: households and firms with an evening peak, a quarter of them with a roof in daylight."""

    def __init__(self, sizes: list[int], *, seed: int = 20_261_001) -> None:
        generator = np.random.default_rng(seed)
        members = sum(sizes)
        hour = np.arange(SLOTS) // SLOTS_PER_HOUR % 24
        scale = np.where(generator.random((members, 1)) < 0.12, 8, 1) * generator.lognormal(3, 0.7, (members, 1))
        noise = generator.gamma(2, 0.5, (members, SLOTS)).astype(np.float32)
        self.imports = (scale * noise * np.where(hour >= 17, 1.6, 0.8)).astype(np.int32)
        sun = np.clip(np.sin((hour - 6) / 12 * np.pi), 0, None) * ((hour > 6) & (hour < 18))
        weather = generator.random((members, SLOTS), dtype=np.float32)
        roofs = generator.random((members, 1)) < 0.25
        peak = generator.uniform(200, 1_500, (members, 1))
        self.exports = np.where(roofs, sun * peak * weather, 0).astype(np.int32)
        self.offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        self.ids = tuple(f"{number:08d}" for number in generator.permutation(members))

    def ours(self) -> np.ndarray:
        """Month totals by the kernel, one row for each of COLUMNS."""
        totals = dynamic_month_totals(
            import_wh=self.imports,
            export_wh=self.exports,
            ids=self.ids,
            community_offsets=self.offsets,
            slots_per_hour=SLOTS_PER_HOUR,
        )
        return np.stack([getattr(totals, name) for name in COLUMNS])

    def kept(self) -> int:
        """The same with every share of every slot kept: two more matrices for each community."""
        checksum = 0
        for start, end in zip(self.offsets[:-1].tolist(), self.offsets[1:].tolist(), strict=True):
            shared = allocate(
                method=SharingMethod.DYNAMIC,
                need_wh=self.imports[start:end].astype(np.int64),
                offer_wh=self.exports[start:end].astype(np.int64),
                ids=self.ids[start:end],
            )
            taken, _ = net_hourly(shared.rest, shared.surplus, SLOTS_PER_HOUR)
            checksum += int(taken.sum())
        return checksum

    def in_pandas(self) -> np.ndarray:
        """Month totals in pandas, in the same form."""
        blocks = []
        first = 0
        for community in range(1, len(self.offsets)):
            last = community == len(self.offsets) - 1
            if last or self.offsets[community + 1] - self.offsets[first] > PANDAS_BLOCK:
                blocks.append(self._pandas_block(first, community))
                first = community
        return np.concatenate(blocks, axis=1)

    def _pandas_block(self, first: int, last: int) -> np.ndarray:
        rows = np.arange(self.offsets[first], self.offsets[last])
        community = np.repeat(np.arange(first, last), np.diff(self.offsets[first : last + 1]))
        frame = pd.DataFrame(
            {
                "row": np.repeat(rows, SLOTS),
                "community": np.repeat(community, SLOTS),
                "id": np.repeat(np.array([int(self.ids[row]) for row in rows]), SLOTS),
                "slot": np.tile(np.arange(SLOTS), len(rows)),
                "need": self.imports[rows].ravel().astype(np.int64),
                "offer": self.exports[rows].ravel().astype(np.int64),
            }
        )
        whole = frame.groupby(["community", "slot"])[["need", "offer"]].transform("sum")
        shared = whole.min(axis=1)
        frame["used"] = largest_remainder(frame, "need", whole["need"], shared)
        frame["supplied"] = largest_remainder(frame, "offer", whole["offer"], shared)
        frame["hour"] = frame["slot"] // SLOTS_PER_HOUR
        frame["balance"] = frame["need"] - frame["used"] - frame["offer"] + frame["supplied"]
        hourly = frame.groupby(["row", "hour"])["balance"].sum()
        totals = frame.groupby("row")[["used", "supplied"]].sum()
        totals["taken"] = hourly.clip(lower=0).groupby(level="row").sum()
        totals["given"] = (-hourly).clip(lower=0).groupby(level="row").sum()
        return totals[list(COLUMNS)].to_numpy().T


def largest_remainder(frame: pd.DataFrame, name: str, whole: pd.Series, total: pd.Series) -> pd.Series:
    """Exact shares of `total` by column `name`: floor, missing units by largest remainder, ties by id."""
    product = frame[name] * total
    parts = product // whole.clip(lower=1)
    remainder = product - parts * whole
    missing = total - parts.groupby([frame["community"], frame["slot"]]).transform("sum")
    # Only rows that can still get a unit are ranked: this spares pandas the nights.
    rivals = frame.loc[remainder > 0, ["community", "slot", "id"]].assign(remainder=remainder[remainder > 0])
    ordered = rivals.sort_values(["community", "slot", "remainder", "id"], ascending=[True, True, False, True])
    rank = ordered.groupby(["community", "slot"]).cumcount()
    lifted = rank.index[rank < missing[rank.index]]
    parts[lifted] += 1
    return parts


def community_sizes(members: int) -> list[int]:
    """Sizes spread evenly over the orders of magnitude from 10 to 1000."""
    generator = np.random.default_rng(3)
    sizes: list[int] = []
    while (left := members - sum(sizes)) > 0:
        size = min(left, int(10 ** generator.uniform(1, 3)))
        sizes.append(size)
    return sizes


def once(function: Callable[[], np.ndarray]) -> tuple[np.ndarray, float]:
    start = time.process_time()
    result = function()
    return result, time.process_time() - start


def compared(name: str, sizes: list[int]) -> tuple[Row, Month]:
    month = Month(sizes)
    expected, pandas_s = once(month.in_pandas)
    assert (month.ours() == expected).all(), f"{name}: pandas and the kernel differ"
    ours_s = cpu_seconds(month.ours)
    cells = len(month.ids) * SLOTS
    row = Row(
        name=f"balance {name}",
        ours=f"{ours_s:.4f} CPU s ({ours_s / cells * 1e9:.1f} ns per PPE and slot)",
        yardstick=f"pandas {pandas_s:.2f} CPU s, same integers",
        ratio=pandas_s / ours_s,
        target=TARGET,
        note=f"{len(sizes)} communities, {len(month.ids)} PPE, {SLOTS} slots",
    )
    return row, month


def information(month: Month) -> list[Row]:
    """What the same month costs with all shares kept, and against one plain pass over the data."""
    ours_s = cpu_seconds(month.ours)
    kept_s = cpu_seconds(month.kept)
    pass_s = cpu_seconds(lambda: (month.imports.sum(dtype=np.int64), month.exports.sum(dtype=np.int64)))
    size = f"{len(month.ids)} PPE"
    return [
        Row(
            f"balance, shares of all slots kept, {size}",
            f"{kept_s:.3f} CPU s",
            f"totals {ours_s:.3f} CPU s",
            ours_s / kept_s,
            0,
        ),
        Row(
            f"balance against NumPy's sum of the data, {size}",
            f"{ours_s:.3f} CPU s",
            f"sum {pass_s:.3f} CPU s",
            pass_s / ours_s,
            0,
        ),
    ]


def run(*, scale: str) -> list[Row]:
    """Rows for `scale` "small" (1,000 PPE) or any other (also 10,000 PPE, with pandas for all of them)."""
    one, _ = compared("one community of 1000", [1_000])
    many, _ = compared("100 communities of 10", [10] * 100)
    mixed, month = compared("communities of 10 to 1000, 1k PPE", community_sizes(1_000))
    rows = [one, many, mixed]
    if scale != "small":
        large, month = compared("communities of 10 to 1000, 10k PPE", community_sizes(10_000))
        rows.append(large)
    return [*rows, *information(month)]


if __name__ == "__main__":
    for line in run(scale=sys.argv[1] if len(sys.argv) > 1 else "small"):
        print(line)
