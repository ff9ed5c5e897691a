"""The `ogniwo` command: wires the command line to Django and to one workspace."""

import os
import sys
from pathlib import Path
from typing import NoReturn

import django

from ogniwo.interfaces.cli.failures import run_to_exit_code
from ogniwo.interfaces.cli.main import Runtime, cli


def prepare(workspace: Path) -> None:
    """Make Django ready for the workspace in this folder; safe to call again for the same one."""
    os.environ["OGNIWO_WORKSPACE"] = str(workspace)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ogniwo.project.settings")
    django.setup()


def main() -> NoReturn:
    """Run the command line; nothing but a line and an exit code comes of what goes wrong."""
    runtime = Runtime(prepare=prepare)
    sys.exit(
        run_to_exit_code(
            lambda: cli.main(obj=runtime, prog_name="ogniwo", standalone_mode=False), debug=lambda: runtime.debug
        )
    )
