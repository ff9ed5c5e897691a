"""Every command, option, folder and function that a document shows exists."""

import ast
import re
import shlex
import subprocess
from pathlib import Path

import click
import pytest

from ogniwo.interfaces.cli.main import COMMANDS, cli

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "ogniwo"
GENERATED = {ROOT / "docs" / "cli.md", ROOT / "docs" / "codes.md"}
HELP = {"--help", "-h", "--version"}


def _pages():
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    paths = [ROOT / name for name in listed.stdout.decode().splitlines()]
    return [path for path in paths if path.exists() and path not in GENERATED]


def _shown(text):
    """Commands in code spans and at the beginning of lines in blocks."""
    yield from re.findall(r"`(ogniwo [^`\n]+)`", text)
    for block in re.findall(r"^```.*?\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL):
        yield from re.findall(r"^(?:\$ )?(ogniwo [^\n#]+)", block, flags=re.MULTILINE)


def _examples():
    for page in _pages():
        for command in dict.fromkeys(_shown(page.read_text(encoding="utf-8"))):
            yield pytest.param(command, id=f"{page.relative_to(ROOT)}: {command}"[:90])


def _words(command):
    """The words after `ogniwo`, without the workspace and what stands in brackets or after a pipe."""
    text = re.split(r"[|>;]", command.replace("[", "").replace("]", ""))[0]
    words = shlex.split(text)[1:]
    while words and words[0] in {"-w", "--workspace"}:
        words = words[2:]
    return words


@pytest.mark.parametrize("command", list(_examples()))
def test_a_command_in_a_document_exists_with_its_options(command):
    words = _words(command)
    if not words or words[0] in HELP:
        return
    assert words[0] in COMMANDS, f"there is no command {words[0]}"
    found = cli.get_command(click.Context(cli), words[0])
    rest = words[1:]
    while isinstance(found, click.Group) and rest and not rest[0].startswith("-"):
        assert rest[0] in found.commands, f"{found.name} has no {rest[0]}"
        found, rest = found.commands[rest[0]], rest[1:]
    options = {name for parameter in found.params for name in (*parameter.opts, *parameter.secondary_opts)} | HELP
    top = {name for parameter in cli.params for name in parameter.opts}
    for word in rest:
        name = word.partition("=")[0].rstrip(",.")
        if re.fullmatch(r"--[a-z][a-z-]*", name):
            assert name in options | top, f"{found.name} has no option {name}"


def test_examples_are_found_at_all():
    assert len(list(_examples())) > 40


def test_a_mistake_would_be_noticed():
    for wrong in ("ogniwo setle", "ogniwo period clsoe 2026-10", "ogniwo read --pint 5"):
        with pytest.raises(AssertionError):
            test_a_command_in_a_document_exists_with_its_options(wrong)


def test_folders_and_modules_in_the_features_exist():
    text = (ROOT / "docs" / "features.md").read_text(encoding="utf-8")
    named = re.findall(r"`((?:core|records|services|formats|data|interfaces|series|chain|docs|tests)/[\w/.-]+)`", text)
    assert len(named) > 100
    for name in dict.fromkeys(named):
        assert (SOURCE / name).exists() or (ROOT / name).exists(), f"docs/features.md names {name}"


def test_functions_in_the_architecture_and_the_decisions_exist():
    """`module.py` (`name`) and plain constants such as `RULE_VERSION` must be found somewhere in the source."""
    defined = set()
    for path in SOURCE.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                defined.add(node.name)
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                defined.add(node.id)
            elif isinstance(node, ast.arg):
                defined.add(node.arg)
    for page in [*(ROOT / "docs" / "decisions").glob("[0-9]*.md"), ROOT / "docs" / "map.md", ROOT / "ARCHITECTURE.md"]:
        for name in re.findall(r"`([A-Za-z_]+_[A-Za-z_]+)(?:\(\w*\))?`", page.read_text(encoding="utf-8")):
            assert name in defined, f"{page.name} names {name}"


def test_module_paths_in_the_documents_exist():
    pattern = re.compile(r"`((?:core|records|services|formats|interfaces|project)/[\w/]+\.py)`")
    for page in [ROOT / "ARCHITECTURE.md", ROOT / "docs" / "map.md", *(ROOT / "docs" / "decisions").glob("*.md")]:
        for name in pattern.findall(page.read_text(encoding="utf-8")):
            assert (SOURCE / name).exists(), f"{page.name} names {name}"
