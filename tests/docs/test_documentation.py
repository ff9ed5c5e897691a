"""The documents are true: what exists is documented, what is documented exists."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "ogniwo"
FEATURE_IDS = [
    f"{letter}{n:02d}" for letter, count in (("W", 56), ("E", 79), ("B", 49), ("N", 17)) for n in range(1, count + 1)
]
STATES = {"works", "part", "planned"}
PACKAGES = sorted(
    path
    for path in SOURCE.rglob("__init__.py")
    if "migrations" not in path.parts and path.parent.parent.name != "records" and path.parent != SOURCE
)


def _markdown() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    return [ROOT / name for name in listed.stdout.decode().splitlines()]


def _feature_rows() -> dict[str, list[str]]:
    rows = {}
    for line in (ROOT / "docs" / "features.md").read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if re.fullmatch(r"[WEBN]\d\d", cells[0]):
            assert cells[0] not in rows, f"{cells[0]} stands twice"
            rows[cells[0]] = cells
    return rows


def test_every_feature_has_a_row_with_a_state():
    rows = _feature_rows()
    assert sorted(rows) == sorted(FEATURE_IDS)
    assert {cells[2] for cells in rows.values()} <= STATES


def test_a_feature_that_works_names_where_and_a_test_that_exists():
    for cells in _feature_rows().values():
        if cells[2] == "planned":
            continue
        assert cells[3], f"{cells[0]} names no command, screen or endpoint"
        tests = re.findall(r"`(tests/[^`]+)`", cells[4])
        assert tests, f"{cells[0]} names no test"
        for test in tests:
            assert (ROOT / test.partition("::")[0]).exists(), f"{cells[0]}: {test} does not exist"


def test_generated_pages_are_fresh():
    result = subprocess.run(
        [sys.executable, "tools/generate_docs.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: str(path.parent.relative_to(SOURCE)))
def test_each_package_says_what_it_owns_in_forty_lines(package):
    readme = package.parent / "README.md"
    assert readme.exists(), f"{readme.relative_to(ROOT)} is missing"
    text = readme.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 40
    for word in ("Owns", "Does not own", "Invariants"):
        assert word in text, f"{readme.relative_to(ROOT)} does not say: {word}"


def test_links_between_documents_resolve():
    for page in _markdown():
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            if not target.startswith(("http:", "https:", "mailto:")):
                assert (page.parent / target).exists(), f"{page.relative_to(ROOT)} points to {target}"


def test_the_map_names_folders_that_exist():
    for path in re.findall(
        r"`((?:core|records|services|formats|data|interfaces)/[a-z_/]+)`", (ROOT / "docs" / "map.md").read_text()
    ):
        assert (SOURCE / path).exists(), f"docs/map.md names {path}"


def test_every_decision_is_listed():
    folder = ROOT / "docs" / "decisions"
    index = (folder / "README.md").read_text(encoding="utf-8")
    for page in folder.glob("[0-9]*.md"):
        assert page.name in index


def test_functions_stay_under_70_lines_and_files_under_500():
    for path in sorted(SOURCE.rglob("*.py")):
        if "migrations" in path.parts:
            continue
        text = path.read_text(encoding="utf-8")
        assert len(text.splitlines()) <= 500, f"{path} is too long"
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                assert (node.end_lineno or 0) - node.lineno < 70, f"{path}:{node.lineno} {node.name} is too long"


def test_no_addresses_in_lock_files():
    for lock in (ROOT / "requirements").glob("*.txt"):
        assert "://" not in lock.read_text(encoding="utf-8")
