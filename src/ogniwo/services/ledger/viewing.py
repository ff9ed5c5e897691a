"""Read a workspace's ledger without locking its writer out: one replica and one set of tables for a whole process."""

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from ogniwo.chain.embedded import EmbeddedLedger
from ogniwo.chain.projection import Projection
from ogniwo.chain.replica import Replica
from ogniwo.chain.store import LedgerAddress, LockedError
from ogniwo.services.ledger.access import NoLedgerError, has_ledger, open_ledger
from ogniwo.services.workspace.model import Workspace

_KEPT_MAX: Final = 2
_PAUSE_S: Final = 0.05
_GUARD = threading.Lock()
_KEPT: dict[tuple[Path, LedgerAddress], tuple[Replica, Projection]] = {}
"""By the workspace's folder and where its blocks are; the last ones used. A process serves one workspace."""


@contextmanager
def view_ledger(workspace: Workspace) -> Iterator[tuple[Replica, Projection]]:
    """The ledger as of now, with its tables: both stand still while the block of code runs.

    Many may read at once with a writer at work in this or another process. Raises NoLedgerError and the refusals of
    `BlockStore`.
    """
    if not has_ledger(workspace):
        raise NoLedgerError(detail="nothing was posted yet; run `ogniwo ledger post`")
    replica, projection = _kept(workspace)
    with replica.following():
        projection.catch_up()
        yield replica, projection


def _kept(workspace: Workspace) -> tuple[Replica, Projection]:
    tables, address = workspace.root / "ledger-projection.sqlite3", workspace.ledger_address
    with _GUARD:
        found = _KEPT.pop((workspace.root, address), None)
        if found is not None and not tables.is_file():
            found[1].close()
            found = None
        if found is None:
            replica = Replica(address, snapshots=workspace.ledger_snapshots)
            found = (replica, Projection(ledger=address, path=tables))
        _KEPT[workspace.root, address] = found
        while len(_KEPT) > _KEPT_MAX:
            _, oldest = _KEPT.pop(next(iter(_KEPT)))
            oldest.close()
    return found


@contextmanager
def wait_for_ledger(workspace: Workspace, *, seconds: float) -> Iterator[EmbeddedLedger]:
    """The ledger open as its one writer, waiting up to `seconds` for whoever writes now; raises LockedError then."""
    until = time.monotonic() + seconds
    with ExitStack() as stack:
        while True:
            try:
                ledger = stack.enter_context(open_ledger(workspace))
                break
            except LockedError:
                if time.monotonic() >= until:
                    raise
                time.sleep(_PAUSE_S)
        yield ledger
