"""Live many seeds: `python tests/simulation/simulate.py SEEDS [FIRST]`; prints what came out and stops at a failure."""

import importlib.util
import sys
import time
from collections import Counter
from functools import cache
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
NETWORK = HERE.parent / "unit" / "core" / "ledger" / "network.py"


def new_network():
    """The cooperative of the unit tests, before its genesis."""
    if "ledger_network" not in sys.modules:
        specification = importlib.util.spec_from_file_location("ledger_network", NETWORK)
        sys.modules["ledger_network"] = importlib.util.module_from_spec(specification)
        specification.loader.exec_module(sys.modules["ledger_network"])
    return sys.modules["ledger_network"].Network()


@cache
def founding() -> tuple[int, tuple[bytes, ...]]:
    """How many ids the founding used, and its envelopes: the same for every seed."""
    network = new_network()
    return network.count, tuple(network.founding())


def live(seed: int) -> tuple[str, str, int]:
    """One seed: its profile, how it ended, and how many holds came to an end in it."""
    from world import World  # noqa: PLC0415 -- found through the path set above

    network = new_network()
    _, envelopes = founding()
    network.count = 1_000
    world = World(seed, network, list(envelopes))
    end = world.run()
    return world.profile, end, world.holds_ended


def main() -> int:
    """Live seeds and count what came out."""
    count, first = int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0
    found: Counter[tuple[str, str]] = Counter()
    start = time.perf_counter()
    for seed in range(first, first + count):
        try:
            profile, end, _ = live(seed)
        except BaseException:
            print(f"seed {seed} failed", file=sys.stderr)
            raise
        found[profile, "whole" if end == "whole" else "noticed"] += 1
    for (profile, end), number in sorted(found.items()):
        print(f"{profile:8s} {end:8s} {number}")
    print(f"{count} seeds in {time.perf_counter() - start:.0f} s")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
