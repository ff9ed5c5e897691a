"""Every input that was ever worth keeping, and a short search for new ones, at each run of the tests."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
RUNS = {"decoder": 30_000, "machine": 1_500}


@pytest.fixture(scope="module")
def targets():
    specification = importlib.util.spec_from_file_location("fuzz_targets", HERE / "targets.py")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["decoder", "machine"])
def test_the_kept_corpus_shows_nothing_wrong(targets, name):
    inputs = sorted((HERE / "corpus" / name).iterdir())
    assert len(inputs) > 20
    for path in inputs:
        targets.TARGETS[name](path.read_bytes())


def test_the_corpus_reaches_every_operation(targets):
    reached = {
        type(transaction.payload).__struct_config__.tag
        for path in (HERE / "corpus" / "machine").iterdir()
        for transaction in targets.transactions(path.read_bytes())
    }
    known = {kind.__struct_config__.tag for kind in targets.OPERATIONS}
    assert known - reached == {"genesis"}


@pytest.mark.parametrize("name", ["decoder", "machine"])
def test_a_short_search_finds_nothing(name, tmp_path):
    found = subprocess.run(
        [
            sys.executable,
            HERE / "fuzz.py",
            name,
            f"-runs={RUNS[name]}",
            "-seed=1",
            "-max_len=20000",
            "-verbosity=0",
            f"-artifact_prefix={tmp_path}/",
            tmp_path,
            HERE / "corpus" / name,
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert found.returncode == 0, found.stderr[-3_000:]
    assert not list(tmp_path.glob("crash-*"))
