"""The workspace of the process."""

import os
from functools import cache
from pathlib import Path

from ogniwo.services.workspace.model import Workspace
from ogniwo.services.workspace.operations import open_workspace


def workspace() -> Workspace:
    """The workspace of this process, opened once."""
    return _opened()


@cache
def _opened() -> Workspace:
    return open_workspace(root=Path(os.environ["OGNIWO_WORKSPACE"]))
