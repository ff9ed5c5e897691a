"""A copy of somebody else's ledger: every block replayed with its signatures before it is kept, no fork followed."""

from pathlib import Path

from ogniwo.chain.closing import Closing
from ogniwo.chain.store import DamagedStoreError
from ogniwo.chain.store_sqlite import SqliteStore
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.ledger.blocks import Block
from ogniwo.core.ledger.checkpoints import Checkpoint, parse_verifier_key, verify_checkpoint
from ogniwo.core.ledger.machine import BlockMismatchError, Machine


class ForkError(Refusal):
    """The ledger shown now is not the one that was copied: two histories exist. What proves it is kept."""

    code = "ledger.fork"


class BadBlockError(Refusal):
    """A block offered does not follow by the rules or by its signatures; it was not taken."""

    code = "ledger.bad_block"


class LedgerCopy(Closing):
    """An own copy in one file; opening replays it (signatures were checked when each block was taken).

    `checkpoint_key` (`name+hash+key`) is the key that the reader was given by other ways than from the ledger copied.
    """

    def __init__(self, path: Path, *, checkpoint_key: str) -> None:
        self._key = parse_verifier_key(checkpoint_key)
        self._store = SqliteStore(path, write=True)
        self._machine = Machine()
        try:
            for block in self._store.blocks():
                self._machine.replay(block, check_signatures=False)
        except BlockMismatchError as refusal:
            self._store.close()
            raise DamagedStoreError(detail=f"the copy {path} is damaged: {refusal.detail}") from refusal
        except BaseException:
            self._store.close()
            raise

    @property
    def height(self) -> int:
        """The last block taken, -1 before the first."""
        return self._machine.height

    @property
    def size(self) -> int:
        """How many entries the log has."""
        return self._machine.log.size

    @property
    def network(self) -> str:
        """The network's id, "" before the first block."""
        return self._machine.network

    @property
    def root(self) -> str:
        """The root (hex) over all entries."""
        return self._machine.log.root().hex()

    def take(self, block: Block) -> None:
        """Replay the next block with its signatures and keep it.

        Raises ForkError for a block that follows another one than ours, BadBlockError for one that does not hold. The
        copy must not be used after a BadBlockError: open it again.
        """
        try:
            self._machine.replay(block)
        except BlockMismatchError as refusal:
            where = f"block {block.height}, {refusal.part}: {refusal.detail}"
            if refusal.part == "previous":
                raise ForkError(detail=f"{where}; it follows another block {self.height} than the one copied") from None
            raise BadBlockError(detail=where) from refusal
        foundation = self._machine.state.foundation
        if foundation is not None and foundation.checkpoint_key != self._key.text():
            raise BadBlockError(detail="the ledger names another checkpoint key than the one given")
        self._store.append(block)

    def compare(self, note: str) -> Checkpoint:
        """The signed checkpoint, which agrees with the copy as far as both reach.

        Raises ForkError when it does not, and the refusals of `verify_checkpoint`.
        """
        checkpoint = verify_checkpoint(note, key=self._key)
        if self.network and checkpoint.origin != self.network:
            raise ForkError(detail=f"the checkpoint is of {checkpoint.origin}, the copy of {self.network}")
        if checkpoint.size <= self.size and self._machine.log.root(checkpoint.size) != checkpoint.root:
            raise ForkError(
                detail=f"the signed checkpoint of {checkpoint.size} entries has another root than the copy's first "
                f"{checkpoint.size} entries: the operator signed two histories, or the copy is of another ledger"
            )
        return checkpoint

    def close(self) -> None:
        """Release the file."""
        self._store.close()
