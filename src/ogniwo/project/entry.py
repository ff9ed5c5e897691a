"""The `ogniwo` command: wires the command line to Django and to one workspace."""

import os
from pathlib import Path

import django

from ogniwo.interfaces.cli.main import Runtime, cli


def prepare(workspace: Path) -> None:
    """Make Django ready for the workspace in this folder; safe to call again for the same one."""
    os.environ["OGNIWO_WORKSPACE"] = str(workspace)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ogniwo.project.settings")
    django.setup()


def main() -> None:
    """Run the command line."""
    cli(obj=Runtime(prepare=prepare))
