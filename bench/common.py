"""What every benchmark shares: a row of the report, and a fair way to time two functions in one run."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One line of the report: `ratio` compares ours with the yardstick; at least `target` is wanted (0 = informative).

    `ours` and `yardstick` are texts with units, measured in the same run.
    """

    name: str
    ours: str
    yardstick: str
    ratio: float
    target: float
    note: str = ""


def cpu_seconds(function: Callable[[], object], *, repeats: int = 5) -> float:
    """The median CPU seconds of the process over `repeats` calls after one warm-up call."""
    function()
    spent = []
    for _ in range(repeats):
        start = time.process_time()
        function()
        spent.append(time.process_time() - start)
    return statistics.median(spent)


def wall_seconds(function: Callable[[], object], *, repeats: int = 5) -> float:
    """The median wall seconds over `repeats` calls after one warm-up call."""
    function()
    spent = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        spent.append(time.perf_counter() - start)
    return statistics.median(spent)
