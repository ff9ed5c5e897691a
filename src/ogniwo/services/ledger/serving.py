"""Open a workspace's ledger for others, with what its records know: who owns which point, and where reads are kept."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from django.db import DatabaseError, close_old_connections

from ogniwo.chain.embedded import EmbeddedLedger
from ogniwo.chain.projection import Projection
from ogniwo.chain.proofs import checkpoint_of
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.ledger.checkpoints import parse_checkpoint
from ogniwo.records.ledger.models import LedgerRead
from ogniwo.records.metering.models import MeteringPoint
from ogniwo.services.ledger.access import (
    CHECKPOINT_KEY,
    NoLedgerError,
    has_ledger,
    key_store,
    member_path,
    open_ledger,
    point_path,
)
from ogniwo.services.ledger.posting import keep_checkpoint
from ogniwo.services.ledger.reading import ReadAct, ReadRights
from ogniwo.services.ledger.served import ServedLedger
from ogniwo.services.ledger.timestamping import checkpoint_path, configured_authority, kept_stamps, stamp_checkpoint
from ogniwo.services.ledger.witnessing import collect_cosignatures, configured_witnesses
from ogniwo.services.workspace.model import Workspace

_OWNERS_KNOWN_S = 60.0
_STAMP_EVERY_S = 86_400


class CheckpointKeeper:
    """Keeps a served ledger's checkpoints as posting would: cosigned by the witnesses, once a day stamped.

    For one thread beside the server's; `keep` gives what there is to say, and a refusal is said, not raised: the next
    round tries again.
    """

    def __init__(self, workspace: Workspace, ledger: EmbeddedLedger) -> None:
        self._workspace = workspace
        self._ledger = ledger

    def keep(self) -> list[str]:
        """Keep the checkpoint of the last block, unless it is kept, and have it stamped when a stamp is due."""
        close_old_connections()
        try:
            return [*self._kept(), *self._stamped()]
        except Refusal as refusal:
            return [str(refusal)]
        except (OSError, DatabaseError) as error:
            return [f"the checkpoint could not be kept: {error}"]

    def _kept(self) -> list[str]:
        note = checkpoint_of(self._ledger, key=key_store(self._workspace).checkpoint_key(CHECKPOINT_KEY))
        size = parse_checkpoint(note).size
        path = checkpoint_path(self._workspace, size)
        configured = configured_witnesses(self._workspace)
        if path.is_file() and (configured is None or configured.policy.is_final(path.read_text(encoding="utf-8"))):
            return []
        cosigned = collect_cosignatures(self._workspace, self._ledger, note)
        keep_checkpoint(self._workspace, size=size, note=cosigned.note if cosigned else note)
        if cosigned is None or cosigned.final:
            return []
        return [f"the checkpoint of {size} entries is NOT final", *(finding.message for finding in cosigned.findings)]

    def _stamped(self) -> list[str]:
        if configured_authority(self._workspace) is None:
            return []
        stamps = kept_stamps(self._workspace)
        if stamps and time.time() - stamps[-1].stat().st_mtime < _STAMP_EVERY_S:
            return []
        stamp = stamp_checkpoint(self._workspace)
        return [f"the log of {stamp.size} entries was stamped by {stamp.signer}"] if stamp.new else []


@contextmanager
def serving(workspace: Workspace) -> Iterator[tuple[ServedLedger, CheckpointKeeper]]:
    """Open the workspace's ledger for others, as its one writer, and who keeps its checkpoints meanwhile."""
    if not has_ledger(workspace):
        raise NoLedgerError(detail="nothing was posted yet; run `ogniwo ledger post`")
    with (
        open_ledger(workspace) as ledger,
        Projection(ledger=workspace.ledger_address, path=workspace.root / "ledger-projection.sqlite3") as projection,
    ):
        rights = ReadRights(ledger, clock=lambda: int(workspace.now().timestamp()), log_read=keep_read, owned=_owners())
        served = ServedLedger(
            ledger,
            projection=projection,
            key=key_store(workspace).checkpoint_key(CHECKPOINT_KEY),
            rights=rights,
            kept=workspace.root / "checkpoints",
        )
        yield served, CheckpointKeeper(workspace, ledger)


def keep_read(act: ReadAct) -> None:
    """Write a privileged read or a refused attempt down; the database refuses to change the row later."""
    close_old_connections()
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
            close_old_connections()
            found: dict[str, set[str]] = {}
            for point in MeteringPoint.objects.select_related("organisation", "member__organisation"):
                found.setdefault(member_path(point.member), set()).add(point_path(point))
            known = {member: frozenset(points) for member, points in found.items()}
            until = time.monotonic() + _OWNERS_KNOWN_S
        return known.get(account, frozenset())

    return owned
