"""How a command ends that could not end by itself: one line and an exit code, and a traceback only with --debug."""

import traceback
from collections.abc import Callable
from typing import Final

import click

from ogniwo.core.kernel.refusals import Refusal
from ogniwo.interfaces.cli.output import DONE, FAILED, TRY_LATER, chosen_language, exit_code_of, say, told

INTERRUPTED: Final = 130

_DATABASE_REASONS: Final = (
    ("locked", TRY_LATER, "another command holds it; give this one again when that has ended"),
    ("readonly", FAILED, "this user may not write there; see to the permissions of the folder and its files"),
    ("unable to open", FAILED, "see that the folder is there and that this user may write in it"),
    ("disk is full", FAILED, "make room, then give the command again: what was not finished was undone"),
    ("disk I/O", FAILED, "see to the disk, then give the command again: what was not finished was undone"),
    ("malformed", FAILED, "the file is damaged; bring back a copy of the workspace"),
    ("not a database", FAILED, "the file is damaged or something else; bring back a copy of the workspace"),
    (
        "too many clients",
        TRY_LATER,
        "the server serves as many as it may; give this one again, or raise max_connections",
    ),
    ("starting up", TRY_LATER, "the server is not ready yet; give this one again"),
    (
        "connection",
        TRY_LATER,
        "see that the server runs and lets this user in (`database` in the workspace's settings)",
    ),
    ("permission denied", FAILED, "this user may not do that there; see to the user's rights in the database"),
)
"""What SQLite and PostgreSQL say, how the command ends, and what to do."""


def run_to_exit_code(
    command: Callable[[], object], *, debug: Callable[[], bool], language: Callable[[], str] = str
) -> int:
    """Run a command of click's (not in its standalone mode) and give the code to exit with.

    Everything a person can bring about ends with a line that says what, why and what to do. Anything else is a bug and
    is called one. `debug` and `language` are asked afterwards, when the options were read. SystemExit passes.
    """
    try:
        code = command()
    except click.ClickException as wrong:
        wrong.show()
        return wrong.exit_code
    except (click.Abort, KeyboardInterrupt):
        say("ogniwo: interrupted; what was not finished is not kept, and the same command can be given again")
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001 -- the last resort, which names the error and never hides it
        if debug():
            traceback.print_exc()
        line, code = _line_of(error, chosen_language(language()))
        say(f"ogniwo: {line}")
        return code
    return code if isinstance(code, int) else DONE


def _line_of(error: Exception, language: str) -> tuple[str, int]:
    """The line about an error (a refusal in Polish has two), and the exit code."""
    if isinstance(error, Refusal):
        return told(error, language), exit_code_of(error)
    if isinstance(error, OSError) and error.strerror:
        where = f" {error.filename}" if error.filename else ""
        return f"cannot read or write{where}: {error.strerror}", FAILED
    if isinstance(error, MemoryError):
        return "there is not enough memory for this", FAILED
    known = _database_line(error)
    if known is not None:
        return known
    first = (str(error).splitlines() or [""])[0]
    return f"a bug: {type(error).__name__}: {first}; `ogniwo --debug ...` shows where, please report it", FAILED


def _database_line(error: Exception) -> tuple[str, int] | None:
    """What a database refused for a reason outside the product; None when it is none of those."""
    from django.db import DatabaseError, OperationalError, ProgrammingError  # noqa: PLC0415 -- commands without a database start without

    if type(error) not in {DatabaseError, OperationalError, ProgrammingError}:
        return None
    for word, code, advice in _DATABASE_REASONS:
        if word in str(error):
            # PostgreSQL adds lines about where and how; the first one says what
            return f"the workspace's database: {str(error).splitlines()[0]}; {advice}", code
    return None
