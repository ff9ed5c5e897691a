"""docs/walkthrough.md stays true: the month is run, every bold value compared, every function looked up."""

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "walkthrough.md").read_text(encoding="utf-8")
STEPS = (
    "file", "reading", "series", "quality", "netting", "sharing", "pool", "rating", "internal", "statements", "invoice",
    "posting", "receipt",
)  # fmt: skip
"""The steps of the program, in the order of the page's numbered headings."""

pytestmark = pytest.mark.xdist_group("walkthrough")


def _sections():
    """The text of each numbered step."""
    parts = re.split(r"^## (\d+)\. .*$", PAGE, flags=re.MULTILINE)
    return {int(number): text for number, text in zip(parts[1::2], parts[2::2], strict=True)}


@pytest.fixture(scope="module")
def computed(tmp_path_factory):
    """What the program computes for each step, in a process and a folder of its own."""
    folder = tmp_path_factory.mktemp("walkthrough")
    clean = {name: value for name, value in os.environ.items() if not name.startswith("OGNIWO")}
    result = subprocess.run(
        [sys.executable, ROOT / "tests" / "docs" / "follow_one_hour.py", folder],
        env=clean,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def test_the_page_has_the_steps_of_the_program():
    assert list(_sections()) == list(range(1, len(STEPS) + 1))


@pytest.mark.parametrize(("number", "step"), list(enumerate(STEPS, 1)), ids=STEPS)
def test_every_bold_value_is_what_the_program_computes(computed, number, step):
    written = re.findall(r"\*\*(.+?)\*\*", _sections()[number])
    assert written == computed[step]


def test_the_flows_of_the_hour_add_up_on_the_page(computed):
    def number(text):
        return int(text.replace(" ", ""))

    taken, community = number(computed["netting"][0]), number(computed["sharing"][3])
    pool, grid = map(number, computed["pool"][-2:])
    assert taken == community + pool + grid
    assert f"{computed['netting'][0]} = {community} from the community + {pool} from the pool" in " ".join(PAGE.split())


def test_the_share_on_the_page_is_the_rounded_quotient(computed):
    need, offer, share = (int(text.replace(" ", "")) for text in computed["sharing"][1:4])
    taken = int(computed["netting"][0].replace(" ", ""))
    assert offer * taken // need <= share <= offer * taken // need + 1
    assert f"= {offer * taken * 100 // need / 100:.2f}…" in PAGE


def test_every_function_of_the_page_exists():
    named = re.findall(r"`([a-z_/]+\.py):([A-Za-z_]+)`", PAGE)
    assert len(named) > 20
    for file, name in named:
        path = ROOT / "src" / "ogniwo" / file
        assert path.exists(), file
        tree = ast.parse(path.read_text(encoding="utf-8"))
        defined = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
        assert name in defined, f"{file} does not define {name}"
