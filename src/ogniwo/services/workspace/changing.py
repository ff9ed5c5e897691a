"""One use-case at a time changes a workspace, and a small file appears in it whole and lasting, or not at all."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ogniwo.core.kernel.refusals import Refusal
from ogniwo.series.disk import new_file, no_step, publish_by_rename
from ogniwo.services.workspace.model import Workspace

_LOCK_FILE = "changing.lock"


class BusyError(Refusal):
    """Another command is changing the workspace; nothing was done, and the same command can be given again later."""

    code = "workspace.busy"


@contextmanager
def changing(workspace: Workspace, what: str) -> Iterator[None]:
    """Hold the workspace's only place for changes while a use-case reads, calculates and stores.

    Each store has a lock of its own, but what is laid over stored values, numbered or posted depends on several of
    them, and must not be overtaken between reading and writing. The system frees the place when a process dies.
    `what` tells others who is at work. Not for one inside another. Raises BusyError at once when the place is taken.
    """
    path = workspace.root / _LOCK_FILE
    with path.open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            holder = file.read().strip() or "another command"
            raise BusyError(
                detail=f"{holder} is changing {workspace.root}; nothing was done, give the command again when it has "
                "ended"
            ) from error
        file.truncate(0)
        file.write(f"{what} (process {os.getpid()})")
        file.flush()
        try:
            yield
        finally:
            file.truncate(0)


def keep_whole(path: Path, data: bytes) -> None:
    """Write a file so that its name always stands for all of its bytes, also after a loss of power."""
    with new_file(path.parent, no_step, path.name) as (temporary, sink):
        sink.write(data)
    publish_by_rename(temporary, path, no_step)
