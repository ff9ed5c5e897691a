"""Moving the ledger of a workspace from the file in its folder into a PostgreSQL database.

Nobody can write either side meanwhile: the move holds the writer's lock of both. All blocks are copied in one
transaction, both sides are read again and compared, and only then the settings file names the new place. Whatever stops
before that leaves the file in force; what it left in the database is known by a mark of its own and made anew. What
stops after it leaves the database in force, and the same command does the rest.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from django.db import transaction

from ogniwo.chain.moving import Copied, Origin, compare, is_within, make_room, open_target
from ogniwo.chain.store import BlockStore
from ogniwo.chain.store_sqlite import SqliteStore
from ogniwo.chain.stores import is_server
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.ledger.blocks import header_hash
from ogniwo.records.audit.models import AuditEvent
from ogniwo.services.ledger.access import NoLedgerError
from ogniwo.services.workspace.audit import record_act
from ogniwo.services.workspace.changing import changing, keep_whole
from ogniwo.services.workspace.model import Workspace, ledger_setting
from ogniwo.services.workspace.settings_line import with_setting

if TYPE_CHECKING:
    from ogniwo.chain.store_filling import FillingStore

Step = Callable[[str], None]

_ACTION: Final = "ledger.move"
_WHAT: Final = "the move of the ledger"


class LedgerMoveError(Refusal):
    """The ledger cannot be moved now, or not there; it stays where it is."""

    code = "ledger.move"


@dataclass(frozen=True, slots=True, kw_only=True)
class MovedLedger:
    """Where the ledger is now, how many blocks it has, the hash (hex) of the last header, and the file it was in."""

    address: str
    network: str
    blocks: int
    head: str
    kept: Path


def move_ledger(
    workspace: Workspace, *, address: str, dry_run: bool = False, step: Step = lambda _: None
) -> MovedLedger:
    """Copy all blocks to the database, compare, and let the workspace use them; with `dry_run` all but the last.

    `address` is postgresql://USER@HOST/DATABASE, with #NAME or the network's name; a password belongs into libpq's
    password file. `step` hears what is being done. Given again after it was stopped, it goes on. Raises
    LedgerMoveError, NoLedgerError, TargetTakenError, CopyDiffersError, BadSettingsError, BusyError, LockedError and the
    other refusals of BlockStore.
    """
    goal = str(replace(workspace, ledger=ledger_setting(address)).ledger_address)
    kept = workspace.ledger_file.with_name("ledger.sqlite3.moved")
    with changing(workspace, _WHAT):
        if is_server(workspace.ledger_address):
            if workspace.ledger_address != goal:
                raise _already(workspace)
            copied = _finish(workspace, goal, kept, dry_run=dry_run, step=step)
        else:
            if kept.exists():
                raise LedgerMoveError(detail=f"{kept} is there from another move; put it elsewhere first")
            if not workspace.ledger_file.exists():
                raise NoLedgerError(
                    detail="nothing was posted yet, so there is nothing to move: write the address into "
                    f"{workspace.settings_file} as `ledger`"
                )
            copied = _move(workspace, address=address, goal=goal, kept=None if dry_run else kept, step=step)
    return MovedLedger(address=goal, network=copied.network, blocks=copied.blocks, head=copied.head, kept=kept)


def _move(workspace: Workspace, *, address: str, goal: str, kept: Path | None, step: Step) -> Copied:
    """Copy, compare, switch and set the file aside; without `kept` take the copy back instead."""
    origin = _origin(workspace)
    with SqliteStore(workspace.ledger_file, write=True) as source, open_target(goal) as target:
        if source.last() is None:
            raise NoLedgerError(detail=f"{workspace.ledger_file} holds no block yet")
        make_room(source, target, origin=origin)
        try:
            copied = _copied(workspace, source, target, origin, step)
            if kept is None:
                target.clear()
                return copied
            step("switching")
            source.take_in_log()
            target.demand_mark(origin)
            _switch(workspace, address, goal, copied)
        except BaseException:
            if not is_server(workspace.ledger_address):
                with suppress(Refusal):  # a server that is gone keeps it; it bears the mark and is made anew
                    target.clear()
            raise
        step("setting the file aside")
        source.set_aside(kept)
        step("ending")
        target.take_off_mark()
    return copied


def _copied(workspace: Workspace, source: BlockStore, target: "FillingStore", origin: Origin, step: Step) -> Copied:
    step("copying")
    target.fill(source.blocks(), origin=origin)
    step("comparing")
    with target.reader() as reader:
        copied = compare(source, reader)
    if copied.network != workspace.network:
        raise LedgerMoveError(
            detail=f"the file holds the ledger of {copied.network}, the workspace is of {workspace.network}"
        )
    return copied


def _finish(workspace: Workspace, goal: str, kept: Path, *, dry_run: bool, step: Step) -> Copied:
    """What a move that was stopped behind its switch has left to do."""
    file = workspace.ledger_file
    with open_target(goal) as target:
        last = target.last()
        if last is None or target.origin() != _origin(workspace):
            raise _already(workspace)
        if dry_run:
            raise LedgerMoveError(detail="the move is done but for its end; give the command without --dry-run")
        step("ending a move that was stopped")
        if file.exists():
            _put_away(file, kept, target)
        copied = Copied(workspace.network, target.count()[0], header_hash(last.header))
        if not AuditEvent.objects.filter(action=_ACTION, target=goal, facts__head=copied.head).exists():
            _tell(workspace, goal, copied)
        target.take_off_mark()
    return copied


def _put_away(file: Path, kept: Path, target: BlockStore) -> None:
    """Set aside the file that is no longer read, provided that nothing is only in it."""
    with SqliteStore(file, write=True) as source:
        if kept.exists() or not is_within(source, target):
            raise LedgerMoveError(
                detail=f"{file} is no longer read, but holds what {target.name} does not, or {kept} is there already; "
                "look at both and put it elsewhere yourself"
            )
        source.take_in_log()
        source.set_aside(kept)


def _origin(workspace: Workspace) -> Origin:
    return Origin(workspace.network, str(workspace.root.resolve()))


def _switch(workspace: Workspace, address: str, goal: str, copied: Copied) -> None:
    """From here on the workspace is opened over the database."""
    settings = workspace.settings_file
    changed = with_setting(settings.read_text(encoding="utf-8"), "ledger", address)
    if changed is None:
        raise LedgerMoveError(detail=f"write `ledger` in {settings} as one line at the top, or not at all")
    with transaction.atomic():
        _tell(workspace, goal, copied)
        keep_whole(settings, changed.encode())


def _already(workspace: Workspace) -> LedgerMoveError:
    return LedgerMoveError(detail=f"the ledger of {workspace.root} is in {workspace.ledger_address} already")


def _tell(workspace: Workspace, goal: str, copied: Copied) -> None:
    record_act(workspace, action=_ACTION, target=goal, facts={"blocks": copied.blocks, "head": copied.head})
