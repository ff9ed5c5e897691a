"""How a ledger comes up: from its newest snapshot that fits the blocks, then block by block; and when it takes one."""

from pathlib import Path

from ogniwo.chain.snapshots import SnapshotFolder
from ogniwo.chain.store import BlockStore, DamagedStoreError
from ogniwo.core.kernel.findings import Finding, Severity
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.ledger.blocks import header_hash
from ogniwo.core.ledger.machine import BlockMismatchError, Machine
from ogniwo.core.ledger.snapshot import Manifest

SNAPSHOT_ENTRIES = 20_000
"""After how many new log entries and minted days a running ledger takes a snapshot, while its state is smaller."""

_CLOSING_SHARE = 20
"""At the end a snapshot is worth it for this fraction of the entries: replaying them takes longer than writing."""


class UnusableSnapshotError(Refusal):
    """A snapshot cannot be used: it is damaged, or not of these blocks. The ledger opens from the blocks instead."""

    code = "ledger.snapshot_unusable"


class SnapshotKeeper:
    """Opens machines from snapshots and takes new ones; `findings` are warnings that hold nothing up.

    A snapshot costs as much as the state is large. So one is due when log entries and minted days, of which one entry
    may bring many, have grown by `every` (0: never) and by as many as the last snapshot had rows: keeping snapshots
    costs a constant share of the work.
    """

    def __init__(self, folder: Path | None, *, every: int = SNAPSHOT_ENTRIES) -> None:
        self._folder = SnapshotFolder(folder) if folder and every else None
        self._every = every
        self._rows = 0
        self._size = 0
        self.opened_from = -1
        self.findings: list[Finding] = []

    def open(self, store: BlockStore) -> Machine:
        """The machine at the end of a store; `opened_from` is the snapshot's height then, -1 for genesis.

        A snapshot counts only if its block is the stored one and its content gives that block's roots. From there every
        block is followed: hashes, rules, state roots; signatures only by `audit.verify_ledger`, and blocks before the
        snapshot are only counted. A snapshot that does not serve is passed over for an older one, in the end for
        genesis. Raises DamagedStoreError when the blocks themselves do not follow from genesis.
        """
        self.findings += store.warnings()
        if self._folder is not None:
            for height in self._folder.heights():
                try:
                    manifest = _fitting(store, self._folder, height)
                    machine = self._folder.machine(manifest)
                    self._remember(manifest, machine)
                    _follow(store, machine)
                    _whole(store, machine)
                except (Refusal, OSError) as problem:
                    detail = problem.detail if isinstance(problem, Refusal) else str(problem)
                    text = f"the snapshot of block {height} is passed over: {detail}"
                    self.findings.append(_warning("ledger.snapshot_unusable", text, store))
                else:
                    self.opened_from = height
                    return machine
        self._size = self._rows = 0
        machine = Machine()
        _follow(store, machine)
        return machine

    def after_block(self, store: BlockStore, machine: Machine) -> None:
        """Take a snapshot when one is due; the machine must stand at a block that is durable, and not move."""
        self._take(store, machine, wanted=max(self._every, self._rows))

    def at_close(self, store: BlockStore, machine: Machine) -> None:
        """Take a last snapshot when opening without it would take noticeably longer."""
        self._take(store, machine, wanted=max(self._every, self._rows) // _CLOSING_SHARE)

    def _take(self, store: BlockStore, machine: Machine, *, wanted: int) -> None:
        if self._folder is None or _grown(machine) - self._size <= wanted:
            return
        # Set before, so that a full disk is not tried again at every block.
        self._size = _grown(machine)
        try:
            manifest = self._folder.write(machine)
        except OSError as error:
            text = f"no snapshot of block {machine.height}: {error}"
            self.findings.append(_warning("ledger.snapshot_not_written", text, store))
            return
        self._remember(manifest, machine)

    def _remember(self, manifest: Manifest, machine: Machine) -> None:
        self._size, self._rows = _grown(machine), manifest.entries + manifest.remembered


def _grown(machine: Machine) -> int:
    """How much there is to replay up to here."""
    return machine.log.size + len(machine.state.minted)


def _warning(code: str, message: str, store: BlockStore) -> Finding:
    return Finding(code=code, severity=Severity.WARNING, message=message, source=store.name)


def _fitting(store: BlockStore, snapshots: SnapshotFolder, height: int) -> Manifest:
    manifest = snapshots.manifest(height)
    block = store.block(height)
    if block is None:
        raise UnusableSnapshotError(detail=f"the ledger has no block {height}, so it lost its end since")
    if manifest.header.height != height or header_hash(block.header) != manifest.block:
        raise UnusableSnapshotError(detail="it is of another block than the stored one")
    return manifest


def _whole(store: BlockStore, machine: Machine) -> None:
    """Whether no block is gone between the first that is kept (a node may join late) and the last."""
    count, first = store.count()
    if count != machine.height - first + 1:
        raise UnusableSnapshotError(detail=f"of the blocks {first} to {machine.height} only {count} are there")


def _follow(store: BlockStore, machine: Machine) -> None:
    for block in store.blocks(from_height=machine.height + 1):
        try:
            machine.replay(block, check_signatures=False)
        except BlockMismatchError as refusal:
            detail = f"{store.name}: block {block.height}, {refusal.part}: {refusal.detail}"
            raise DamagedStoreError(detail=detail) from refusal
