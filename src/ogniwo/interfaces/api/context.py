"""The workspace of the process."""

from ogniwo.services.workspace.model import Workspace
from ogniwo.services.workspace.serving import served_workspace


def workspace() -> Workspace:
    """The workspace of this process, opened once."""
    return served_workspace()
