"""How every command speaks: data to stdout, talk to stderr, progress on a terminal only, stable exit codes."""

import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from typing import Final, NoReturn, ParamSpec, TypeVar

import click

from ogniwo.core.kernel.findings import Finding, Severity
from ogniwo.core.kernel.refusals import TRY_LATER_CODES, Refusal
from ogniwo.services.workspace.meanings import meaning_of

DONE: Final = 0
FAILED: Final = 1
WRONG_USE: Final = 2
DONE_WITH_FINDINGS: Final = 3
REFUSED: Final = 4
NOT_FOUND: Final = 5
TRY_LATER: Final = 75

NOT_FOUND_SUFFIX: Final = ".not_found"

_LOCALE: Final = ("LC_ALL", "LC_MESSAGES", "LANG")
"""Where the locale of messages is looked up: the first that is set counts, as POSIX has it."""
_DETAILS: Final = "Szczegóły (ang.):"

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


def exit_code_of(refusal: Refusal) -> int:
    """The exit code a refusal ends with: not found, try later, or refused."""
    if refusal.code.endswith(NOT_FOUND_SUFFIX):
        return NOT_FOUND
    return TRY_LATER if refusal.code in TRY_LATER_CODES else REFUSED


def chosen_language(given: str) -> str:
    """The language refusals and findings are told in: the one given, else Polish where the locale is, else English."""
    locale = next((value for name in _LOCALE if (value := os.environ.get(name))), "")
    return given or ("pl" if locale.lower().startswith("pl") else "en")


def spoken_language() -> str:
    """The language of the command that runs."""
    context = click.get_current_context(silent=True)
    runtime = context.find_root().obj if context else None
    return chosen_language(getattr(runtime, "language", ""))


def told(refusal: Refusal, language: str) -> str:
    """A refusal for people: `detail [code]`; in Polish what the code means, and the English detail below it."""
    meaning = meaning_of(refusal.code, language) if language != "en" else ""
    return f"{meaning} [{refusal.code}]\n  {_DETAILS} {refusal.detail}" if meaning else str(refusal)


def refuse(refusal: Refusal) -> NoReturn:
    """Say what was refused and why, and end."""
    say(f"ogniwo: {told(refusal, spoken_language())}")
    sys.exit(exit_code_of(refusal))


def answers_refusals(command: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Turn refusals of a command into one clear line and the right exit code."""

    @wraps(command)
    def wrapped(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        try:
            return command(*args, **kwargs)
        except Refusal as refusal:
            refuse(refusal)

    return wrapped


def say(text: str) -> None:
    """Talk to the person: stderr."""
    click.echo(text, err=True)


def show_json(value: object) -> None:
    """Print one JSON document: stable keys, exact numbers, Polish letters as they are."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True))


def show_table(*, headers: Sequence[str], rows: Iterable[Sequence[str]], right: frozenset[int] = frozenset()) -> None:
    """Print aligned columns; `right` are the indices of right-aligned ones."""
    body = [tuple(row) for row in rows]
    widths = [max(len(row[index]) for row in (tuple(headers), *body)) for index in range(len(headers))]

    def line(cells: Sequence[str]) -> str:
        padded = (
            cell.rjust(width) if index in right else cell.ljust(width)
            for index, (cell, width) in enumerate(zip(cells, widths, strict=True))
        )
        return "  ".join(padded).rstrip()

    click.echo(line(headers))
    click.echo("  ".join("-" * width for width in widths))
    for row in body:
        click.echo(line(row))


def say_findings(findings: Sequence[Finding], *, limit: int = 20) -> None:
    """Print findings to stderr, worst first, with where they are; in Polish with what their codes mean."""
    language = spoken_language()
    ordered = sorted(findings, key=lambda finding: -finding.severity)
    for finding in ordered[:limit]:
        place = ":".join(part for part in (finding.source, str(finding.row or ""), finding.column) if part)
        where = " ".join(part for part in (place, finding.point, finding.channel) if part)
        meaning = meaning_of(finding.code, language) if language != "en" else ""
        says = f"{meaning}\n{'':10}{_DETAILS} {finding.message}" if meaning else finding.message
        say(f"  {finding.severity.name.lower():7} {finding.code:24} {where}  {says}")
    if len(ordered) > limit:
        say(f"  ... and {len(ordered) - limit} more; use --json for all")


def findings_exit_code(findings: Sequence[Finding]) -> int:
    """3 when something needs a look, else 0."""
    return DONE_WITH_FINDINGS if any(finding.severity >= Severity.WARNING for finding in findings) else DONE


@dataclass
class Progress:
    """Counts steps of a long task: a bar on a terminal, a plain line every ten seconds elsewhere."""

    label: str
    total: int
    done: int = 0
    started: float = 0.0
    told: float = 0.0

    def step(self, count: int = 1) -> None:
        """Some more is done."""
        self.done += count
        now = time.monotonic()
        if sys.stderr.isatty():
            filled = 30 * self.done // max(self.total, 1)
            bar = "█" * filled + "·" * (30 - filled)
            left = (now - self.started) * (self.total - self.done) / max(self.done, 1)
            click.echo(f"\r{self.label:24} {bar} {self.done}/{self.total} {left:4.0f} s left ", err=True, nl=False)
        elif now - self.told >= 10:
            self.told = now
            say(f"{self.label}: {self.done}/{self.total}")


@contextmanager
def progress(label: str, total: int) -> Iterator[Progress]:
    """A progress display for the length of a block."""
    now = time.monotonic()
    display = Progress(label=label, total=total, started=now, told=now)
    yield display
    if sys.stderr.isatty():
        click.echo("\r" + " " * 90 + "\r", err=True, nl=False)
