"""The workspace that a serving process is for."""

import os
from functools import cache
from pathlib import Path

from ogniwo.services.workspace.model import Workspace
from ogniwo.services.workspace.operations import open_workspace


@cache
def served_workspace() -> Workspace:
    """The workspace in the folder that `OGNIWO_WORKSPACE` names, opened once; raises what `open_workspace` does."""
    return open_workspace(root=Path(os.environ["OGNIWO_WORKSPACE"]))
