"""Refusals and findings in the language of who works at the terminal: the locale's, or the one that was asked for."""

import os
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from ogniwo.core.kernel.findings import Finding, Severity
from ogniwo.interfaces.cli.failures import run_to_exit_code
from ogniwo.interfaces.cli.main import Runtime
from ogniwo.interfaces.cli.output import answers_refusals, chosen_language, say_findings
from ogniwo.services.workspace.model import NoWorkspaceError

OGNIWO = [sys.executable, "-m", "ogniwo"]
NOTHING = {"LC_ALL": "", "LC_MESSAGES": "", "LANG": "", "OGNIWO_LANGUAGE": ""}
SPIKE = Finding(code="V7.spike", severity=Severity.WARNING, message="the largest value is 90 Wh")


def ogniwo(folder, *arguments, **locale):
    """What a command said on a terminal of this locale, and its exit code."""
    ended = subprocess.run(
        [*OGNIWO, "-w", str(folder), *arguments],
        env={**os.environ, **NOTHING, **locale},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    return ended.stderr, ended.returncode


@pytest.mark.parametrize("locale", [{"LC_ALL": "pl_PL.UTF-8"}, {"LANG": "en_GB.UTF-8", "OGNIWO_LANGUAGE": "pl"}])
def test_a_polish_terminal_is_told_in_polish_and_below_it_the_english_detail(tmp_path, locale):
    said, code = ogniwo(tmp_path, "point", "list", **locale)
    meaning, detail = said.splitlines()
    assert meaning == "ogniwo: Podany folder nie jest przestrzenią roboczą. [workspace.not_found]"
    assert detail.startswith("  Szczegóły (ang.): ")
    assert str(tmp_path) in detail
    assert code == 5


@pytest.mark.parametrize("locale", [{}, {"LC_ALL": "C.UTF-8", "LANG": "pl_PL.UTF-8"}])
def test_another_terminal_is_told_in_english_as_ever(tmp_path, locale):
    said, code = ogniwo(tmp_path, "point", "list", **locale)
    assert said.startswith("ogniwo: ")
    assert said.endswith("[workspace.not_found]\n")
    assert said.count("\n") == 1
    assert code == 5


def test_the_option_counts_before_the_locale(tmp_path):
    said, _code = ogniwo(tmp_path, "--language", "en", "point", "list", LC_ALL="pl_PL.UTF-8")
    assert "Szczegóły" not in said
    said, _code = ogniwo(tmp_path, "--language", "pl", "point", "list", LC_ALL="en_GB.UTF-8")
    assert "Szczegóły (ang.):" in said


def test_a_language_that_there_is_not_is_wrong_use(tmp_path):
    said, code = ogniwo(tmp_path, "point", "list", OGNIWO_LANGUAGE="de")
    assert "'de' is not one of 'pl', 'en'" in said
    assert code == 2


@pytest.mark.parametrize(
    ("locale", "language"),
    [
        ({"LC_ALL": "pl_PL.UTF-8", "LANG": "en_GB.UTF-8"}, "pl"),
        ({"LC_MESSAGES": "pl_PL", "LANG": "en_GB.UTF-8"}, "pl"),
        ({"LANG": "pl"}, "pl"),
        ({"LC_MESSAGES": "C", "LANG": "pl_PL.UTF-8"}, "en"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
        ({}, "en"),
    ],
)
def test_the_locale_of_messages_is_the_first_that_is_set(monkeypatch, locale, language):
    for name, value in (NOTHING | locale).items():
        monkeypatch.setenv(name, value)
    assert chosen_language("") == language
    assert chosen_language("en") == "en"


def test_a_refusal_that_no_command_answers_is_told_in_the_language_as_well(capsys):
    def command():
        raise NoWorkspaceError(detail="here is none")

    assert run_to_exit_code(command, debug=bool, language=lambda: "pl") == 5
    meaning, detail = capsys.readouterr().err.splitlines()
    assert meaning == "ogniwo: Podany folder nie jest przestrzenią roboczą. [workspace.not_found]"
    assert detail == "  Szczegóły (ang.): here is none"


@click.command
@answers_refusals
def finding_and_refusing():
    """Say a finding, then refuse."""
    say_findings([SPIKE])
    raise NoWorkspaceError(detail="here is none")


def test_findings_are_told_with_what_their_codes_mean():
    polish = CliRunner().invoke(finding_and_refusing, obj=Runtime(prepare=print, language="pl"))
    assert polish.stderr.splitlines() == [
        "  warning V7.spike                   Jedna wartość jest znacznie większa od pozostałych.",
        "          Szczegóły (ang.): the largest value is 90 Wh",
        "ogniwo: Podany folder nie jest przestrzenią roboczą. [workspace.not_found]",
        "  Szczegóły (ang.): here is none",
    ]
    english = CliRunner().invoke(finding_and_refusing, obj=Runtime(prepare=print, language="en"))
    assert english.stderr.splitlines() == [
        "  warning V7.spike                   the largest value is 90 Wh",
        "ogniwo: here is none [workspace.not_found]",
    ]
