"""The files under `deploy` name commands, options and paths that exist, and systemd takes the units."""

import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import click
import pytest

from ogniwo.interfaces.cli.main import cli

ROOT = Path(__file__).resolve().parents[2]
UNITS = sorted((ROOT / "deploy").glob("*.service"))
CONTAINER = (ROOT / "deploy" / "Containerfile").read_text(encoding="utf-8")
INSTALLED = "/opt/ogniwo/bin/ogniwo"


def options_exist(words):
    """A command line without the program: every word is a command of ours or an option of it."""
    if words[:1] == ["-w"]:
        words = words[2:]
    context, command = click.Context(cli), cli
    while words and isinstance(command, click.Group):
        found = command.get_command(context, words[0])
        assert found is not None, words
        command, words = found, words[1:]
    known = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
    assert {word for word in words if word.startswith("--")} <= known, words
    return command.name


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_units_start_commands_that_exist(unit):
    lines = re.findall(r"^ExecStart(?:Pre)?=(.+)$", unit.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert lines
    for line in lines:
        program, *words = shlex.split(line)
        assert program == INSTALLED
        options_exist(words)
    assert {path.name for path in UNITS} == {"ogniwo-serve.service", "ogniwo-jobs.service"}


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_systemd_takes_the_units(unit, tmp_path):
    judge = shutil.which("systemd-analyze")
    if judge is None:
        pytest.fail("systemd-analyze is missing: install the package `systemd` (tools/system_packages.sh test)")
    program = shutil.which("true")
    text = unit.read_text(encoding="utf-8").replace(INSTALLED, program).replace("User=ogniwo", "User=root")
    copied = tmp_path / unit.name
    copied.write_text(text.replace("Group=ogniwo", "Group=root"), encoding="utf-8")
    said = subprocess.run([judge, "verify", str(copied)], capture_output=True, text=True, check=False)
    about = [line for line in said.stderr.splitlines() if unit.name in line]
    assert (said.returncode, about) == (0, []), said.stderr
    broken = tmp_path / f"broken-{unit.name}"
    broken.write_text(text.replace("Restart=", "Restrat=").replace("[Install]", "[Instal]"), encoding="utf-8")
    doubted = subprocess.run([judge, "verify", str(broken)], capture_output=True, text=True, check=False)
    assert "Restrat" in doubted.stderr, "the judge looks at what it is given"


def test_the_container_copies_what_exists_and_starts_what_exists():
    copied = re.findall(r"^COPY (\S+) ", CONTAINER, flags=re.MULTILINE)
    assert copied == ["requirements/runtime.txt", "dist/*.whl"]
    assert (ROOT / copied[0]).is_file()
    assert json.loads(re.search(r"^ENTRYPOINT (.+)$", CONTAINER, flags=re.MULTILINE)[1]) == ["ogniwo"]
    assert options_exist(json.loads(re.search(r"^CMD (.+)$", CONTAINER, flags=re.MULTILINE)[1])) == "serve"
    assert "--require-hashes" in CONTAINER


def test_the_page_on_operations_names_every_unit_and_variable():
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    for name in (*(unit.name for unit in UNITS), "deploy/Containerfile"):
        assert name in page, name
    source = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "src").rglob("*.py"))
    for variable in set(re.findall(r"OGNIWO_[A-Z_]+", page)):
        assert variable in source, f"nobody reads {variable}"
