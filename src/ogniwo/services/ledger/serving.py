"""Open a workspace's ledger for others, with what its records know: who owns which point, and where reads are kept."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from ogniwo.chain.projection import Projection
from ogniwo.records.ledger.models import LedgerRead
from ogniwo.records.metering.models import MeteringPoint
from ogniwo.services.ledger.access import (
    CHECKPOINT_KEY,
    NoLedgerError,
    key_store,
    member_path,
    open_ledger,
    point_path,
)
from ogniwo.services.ledger.reading import ReadAct, ReadRights
from ogniwo.services.ledger.served import ServedLedger
from ogniwo.services.workspace.model import Workspace

_OWNERS_KNOWN_S = 60.0


@contextmanager
def serving(workspace: Workspace) -> Iterator[ServedLedger]:
    """Open the workspace's ledger for others, as its one writer."""
    if not workspace.ledger_file.exists():
        raise NoLedgerError(detail="nothing was posted yet; run `ogniwo ledger post`")
    with (
        open_ledger(workspace) as ledger,
        Projection(ledger=workspace.ledger_file, path=workspace.root / "ledger-projection.sqlite3") as projection,
    ):
        rights = ReadRights(ledger, clock=lambda: int(workspace.now().timestamp()), log_read=keep_read, owned=_owners())
        yield ServedLedger(
            ledger,
            projection=projection,
            key=key_store(workspace).checkpoint_key(CHECKPOINT_KEY),
            rights=rights,
            kept=workspace.root / "checkpoints",
        )


def keep_read(act: ReadAct) -> None:
    """Write a privileged read or a refused attempt down; the database refuses to change the row later."""
    LedgerRead.objects.create(
        at=datetime.fromtimestamp(act.at_s, tz=UTC),
        account=act.account,
        path=act.path,
        scope=act.scope,
        reason=act.reason,
    )


def kept_reads(*, account: str = "") -> tuple[ReadAct, ...]:
    """The privileged reads and refused attempts so far, oldest first; of one reader, or of all."""
    rows = LedgerRead.objects.filter(account=account) if account else LedgerRead.objects.all()
    return tuple(
        ReadAct(at_s=int(row.at.timestamp()), account=row.account, path=row.path, scope=row.scope, reason=row.reason)
        for row in rows
    )


def _owners() -> Callable[[str], frozenset[str]]:
    """Which points' accounts belong to a member's account, as the records say; known anew once a minute."""
    known: dict[str, frozenset[str]] = {}
    until = 0.0

    def owned(account: str) -> frozenset[str]:
        nonlocal known, until
        if time.monotonic() >= until:
            found: dict[str, set[str]] = {}
            for point in MeteringPoint.objects.select_related("organisation", "member__organisation"):
                found.setdefault(member_path(point.member), set()).add(point_path(point))
            known = {member: frozenset(points) for member, points in found.items()}
            until = time.monotonic() + _OWNERS_KNOWN_S
        return known.get(account, frozenset())

    return owned
