"""Whatever goes wrong, a person gets one line and the right exit code; a traceback only with --debug."""

import os
import pty
import signal
import subprocess
import sys
import time

import click
import pytest
from django.db import IntegrityError, OperationalError

from ogniwo.interfaces.cli.failures import run_to_exit_code
from ogniwo.services.workspace.changing import BusyError
from ogniwo.services.workspace.model import NoWorkspaceError

OGNIWO = [sys.executable, "-m", "ogniwo"]


def _end(error, capsys, *, debug=False):
    def command():
        raise error

    code = run_to_exit_code(command, debug=lambda: debug)
    return code, capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (NoWorkspaceError(detail="here is none"), 5, "here is none [workspace.not_found]"),
        (BusyError(detail="later"), 75, "later [workspace.busy]"),
        (FileNotFoundError(2, "No such file or directory", "/a/b"), 1, "cannot read or write /a/b: No such file"),
        (OSError(28, "No space left on device"), 1, "cannot read or write: No space left on device"),
        (MemoryError(), 1, "not enough memory"),
        (OperationalError("database is locked"), 75, "another command holds it"),
        (OperationalError("attempt to write a readonly database"), 1, "see to the permissions"),
        (OperationalError("no such table: x"), 1, "a bug: OperationalError: no such table: x"),
        (IntegrityError("UNIQUE constraint failed"), 1, "a bug: IntegrityError"),
        (ValueError("one\ntwo"), 1, "a bug: ValueError: one; `ogniwo --debug ...`"),
        (ZeroDivisionError(), 1, "a bug: ZeroDivisionError: ;"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (click.Abort(), 130, "interrupted"),
    ],
)
def test_one_line_and_an_exit_code(error, code, words, capsys):
    ended, said = _end(error, capsys)
    assert ended == code
    assert words in said
    assert said.startswith("ogniwo: ")
    assert said.count("\n") == 1


def test_a_traceback_on_request_only(capsys):
    _, said = _end(ValueError("x"), capsys, debug=True)
    assert "Traceback" in said
    assert said.endswith("please report it\n")


def test_wrong_use_is_clicks_to_tell(capsys):
    assert _end(click.UsageError("no"), capsys) == (2, "Error: no\n")


def test_what_a_command_gives_is_no_exit_code_unless_it_is_one():
    assert [run_to_exit_code(lambda given=given: given, debug=bool) for given in (None, 0, 3, "text")] == [0, 0, 3, 0]


def _run(*args, **options):
    return subprocess.run([*OGNIWO, *args], capture_output=True, text=True, check=False, **options)


def test_the_command_itself_has_the_option_and_the_line(tmp_path):
    plain, debugged = (
        _run(*flags, "-w", "/proc/none", "workspace", "create", "--name", "x", cwd=tmp_path)
        for flags in ((), ("--debug",))
    )
    assert (plain.returncode, debugged.returncode) == (1, 1)
    assert plain.stderr.startswith("ogniwo: cannot read or write /proc/none")
    assert plain.stderr.count("\n") == 1
    assert debugged.stderr.startswith("Traceback")
    assert debugged.stderr.splitlines()[-1] == plain.stderr.rstrip("\n")
    assert _run("--version").returncode == 0
    assert _run().returncode == 2


def test_a_reader_that_goes_away_is_no_error_to_speak_of(tmp_path):
    reader, writer = os.pipe()
    os.close(reader)
    try:
        result = subprocess.run(
            [*OGNIWO, "read", "--layouts"], stdout=writer, stderr=subprocess.PIPE, text=True, check=False
        )
    finally:
        os.close(writer)
    assert result.stderr == ""
    assert result.returncode == 1


def test_an_interrupt_ends_with_130_and_a_line(tmp_path):
    """The demo is interrupted on a terminal when it has told of its first step; it can then be replaced."""
    main, terminal = pty.openpty()
    process = subprocess.Popen(
        [*OGNIWO, "-w", "d", "demo"],
        cwd=tmp_path,
        stderr=terminal,
        stdout=subprocess.DEVNULL,
        # A shell lets its background jobs ignore interrupts, and what they start inherits that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509 -- no threads here
    )
    os.close(terminal)
    said = b""
    deadline = time.monotonic() + 120
    while b"import" not in said and time.monotonic() < deadline:
        said += os.read(main, 4096)
    process.send_signal(signal.SIGINT)
    while True:
        try:
            said += os.read(main, 4096)
        except OSError:  # the other end of a terminal is closed
            break
    os.close(main)
    assert process.wait(timeout=60) == 130
    assert b"interrupted" in said
    assert b"Traceback" not in said
