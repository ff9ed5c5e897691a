"""The `ogniwo` command: wires the command line to Django and to one workspace."""

import gc
import os
import sys
from pathlib import Path
from typing import NoReturn

import django

from ogniwo.interfaces.cli.failures import run_to_exit_code
from ogniwo.interfaces.cli.main import Runtime, cli


def prepare(workspace: Path, *, for_people: bool = False) -> None:
    """Make Django ready for the workspace in this folder; safe to call again for the same one.

    Users and pages are loaded only `for_people`: a command that needs none of them starts faster.
    """
    os.environ["OGNIWO_WORKSPACE"] = str(workspace)
    settings = "ogniwo.project.web_settings" if for_people else "ogniwo.project.settings"
    os.environ["DJANGO_SETTINGS_MODULE"] = settings
    django.setup()


def collect_less_often() -> None:
    """Let the interpreter look for garbage after 50,000 new objects instead of 700; `ogniwo serve` has its own numbers.

    Most of what a command makes stays to its end, and looking through it again and again is work for nothing: measured,
    a tenth of the sample job and of the ledger's time for a transfer.
    """
    gc.set_threshold(50_000, 20, 50)


def main() -> NoReturn:
    """Run the command line; nothing but a line and an exit code comes of what goes wrong."""
    collect_less_often()
    runtime = Runtime(prepare=prepare)
    sys.exit(
        run_to_exit_code(
            lambda: cli.main(obj=runtime, prog_name="ogniwo", standalone_mode=False),
            debug=lambda: runtime.debug,
            language=lambda: runtime.language,
        )
    )
