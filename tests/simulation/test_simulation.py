"""Two hundred worlds at each run of the tests; `make simulate` lives ten thousand and more."""

import importlib.util
from collections import Counter
from pathlib import Path

import pytest

HERE = Path(__file__).parent
SEEDS, GROUPS = 200, 4


@pytest.fixture(scope="module")
def simulate():
    specification = importlib.util.spec_from_file_location("simulate", HERE / "simulate.py")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


@pytest.mark.parametrize("group", range(GROUPS))
def test_every_world_keeps_its_promises(simulate, group):
    found, ended = Counter(), 0
    for seed in range(group, SEEDS, GROUPS):
        profile, end, holds = simulate.live(seed)
        found[profile, end == "whole"] += 1
        ended += holds
    assert not any(count for (profile, whole), count in found.items() if profile in {"calm", "failing"} and not whole)
    assert found["failing", True] > 5
    assert found["lying", False] + found["rotting", False] > 3, "no damage was ever noticed: the faults do not bite"
    assert ended > 10, "no hold came to an end"
