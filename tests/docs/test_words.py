"""Words: the glossary knows those of the field, and no file speaks of the workplace it was written in."""

import re
import subprocess
from pathlib import Path

import pytest

from ogniwo.core.balancing.model import SharingMethod
from ogniwo.core.kernel.findings import Severity
from ogniwo.core.kernel.quality import QUALITY_WORDS
from ogniwo.interfaces.cli.main import COMMANDS

ROOT = Path(__file__).resolve().parents[2]
GLOSSARY = ROOT / "docs" / "glossary.md"
WORKPLACE = re.compile(
    r"\b(sessions?|agents?|helpers?|assistants?|prompts?|llm|claude|chatgpt|copilot)\b", re.IGNORECASE
)
MACHINE_PATH = re.compile(r"(?<![\w.])/(?:work|root|home|Users|mnt|workspace)/\w")
REGISTRY = re.compile(
    r"pypi|pythonhosted|index-url|npmjs|crates\.io|proxy\.golang|repo1\.maven|artifactory|jfrog", re.IGNORECASE
)
PYTEST_SCOPE = re.compile(r"scope=\"session\"|pytest_session\w+")
SIGN_IN = re.compile(
    r"\w+\.session\b|new_cdp_session|one in sessions|session = \w+\.session\b|\"sessions\": \"/account/sessions"
    r"|session\[|session\.save|sessionid|\"session\"|contrib\.sessions"
    r"|SessionMiddleware|usersessions|SESSION_\w+|web sessions?|offer\?\.prompt\(\)"
)
"""What a signed-in browser has, and how it asks whether to install, is called so by everybody who writes web pages."""
NOT_TEXT = {".png", ".pdf", ".xlsx", ".ico", ".woff2", ".svg"}


def _files():
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT, check=True, capture_output=True
    )
    paths = [ROOT / name for name in listed.stdout.decode().splitlines()]
    return [path for path in paths if path.is_file() and path.suffix not in NOT_TEXT and path != Path(__file__)]


def _lines():
    for path in _files():
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            yield f"{path.relative_to(ROOT)}:{number}", line


def _glossary_rows():
    rows = [line.strip("|").split("|") for line in GLOSSARY.read_text(encoding="utf-8").splitlines() if "|" in line]
    return [[cell.strip() for cell in row] for row in rows[2:]]


@pytest.mark.parametrize(
    ("pattern", "what"),
    [(WORKPLACE, "a word of the workplace"), (MACHINE_PATH, "a path of one machine"), (REGISTRY, "a package registry")],
    ids=["workplace", "machine_path", "registry"],
)
def test_no_file_speaks_of_where_it_was_written(pattern, what):
    found = [
        f"{place}: {line.strip()[:80]}"
        for place, line in _lines()
        if pattern.search(line) and pattern.search(SIGN_IN.sub("", PYTEST_SCOPE.sub("", line)))
    ]
    assert not found, f"{what}: " + "; ".join(found[:10])


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (WORKPLACE, "as the last Session asked"),
        (WORKPLACE, "two helpers wrote this"),
        (MACHINE_PATH, "see /work/x/src"),
        (MACHINE_PATH, "open('/home/me/x')"),
        (REGISTRY, "--index-url https://example"),
    ],
)
def test_the_patterns_catch_what_they_are_for(pattern, text):
    assert pattern.search(text)


def test_ordinary_text_is_let_through():
    assert not WORKPLACE.search("the obsession with reagents")
    assert not MACHINE_PATH.search("src/work/x and ../home/x, see tests/root/a")


def test_every_glossary_row_translates_one_term_once():
    rows = _glossary_rows()
    assert all(len(row) == 3 and all(row) for row in rows)
    terms = [row[0] for row in rows]
    assert len(terms) == len(set(terms))


def test_the_glossary_knows_every_word_of_the_command_line_and_the_packages():
    text = GLOSSARY.read_text(encoding="utf-8").lower()
    packages = {path.parent.name for path in (ROOT / "src/ogniwo/core").glob("*/__init__.py")}
    qualities = {word.partition("-")[0] for word in QUALITY_WORDS.values()}
    methods = {str(method).replace("_", " ").replace("-", " ") for method in SharingMethod}
    severities = {severity.name.lower() for severity in Severity}
    plain = {"read"}  # a verb of everyday use
    unknown = {word for word in {*COMMANDS, *packages, *qualities, *methods, *severities} - plain if word not in text}
    assert unknown == set()


def test_every_page_of_the_documents_is_listed():
    index = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    for page in (ROOT / "docs").glob("*.md"):
        assert page.name == "README.md" or f"({page.name})" in index, page.name


def test_the_map_has_a_row_for_every_core_package_and_every_command():
    rows = (ROOT / "docs" / "map.md").read_text(encoding="utf-8")
    for package in (ROOT / "src/ogniwo/core").glob("*/__init__.py"):
        assert f"`core/{package.parent.name}`" in rows, package.parent.name
    for command in COMMANDS:
        assert re.search(rf"`(?:ogniwo )?{command}", rows), command


def test_the_map_names_every_package_of_the_outer_rings():
    rows = (ROOT / "docs" / "map.md").read_text(encoding="utf-8")
    for ring in ("services", "records", "formats"):
        for package in (ROOT / "src/ogniwo" / ring).glob("*/__init__.py"):
            name = package.parent.name
            assert name == "migrations" or f"`{ring}/{name}`" in rows, f"{ring}/{name}"
