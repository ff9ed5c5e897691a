"""Where blocks are kept: what every store does, and the refusals all of them share.

A store is a table of blocks by height. One process at a time writes: it holds a lock that ends with it, and the height
is the primary key, so that a writer that does not know of the other's block cannot write its own.
"""

from abc import abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

from ogniwo.chain.closing import Closing
from ogniwo.core.kernel.findings import Finding
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.ledger.blocks import Block

LedgerAddress: TypeAlias = Path | str
"""The path of an SQLite file, or `postgresql://USER@HOST/DATABASE#NAME`; NAME tells ledgers of a database apart."""


DEFAULT_NAME = "ledger"
"""The NAME of a ledger whose address gives none."""


class LockedError(Refusal):
    """Another process writes this ledger."""

    code = "ledger.locked"


class FencedError(Refusal):
    """Somebody else wrote a block of this height; this writer has to stop and start again."""

    code = "ledger.fenced"


class DamagedStoreError(Refusal):
    """The blocks cannot be read: the database is damaged, cut short, or holds no ledger."""

    code = "ledger.database_damaged"


class NoStoreError(DamagedStoreError):
    """There is no ledger at this address; only a writer makes one."""

    code = "ledger.no_store"


class StoreWriteError(Refusal):
    """It is not certain that a block is durable: disk full, file system or connection gone, no answer of a replica."""

    code = "ledger.store_write"


class StoreUnreachableError(Refusal):
    """The database server of a ledger does not answer; nothing was written."""

    code = "ledger.store_unreachable"


class BadAddressError(Refusal):
    """The address of a ledger cannot be used: unknown form, or the driver of its database is not installed."""

    code = "ledger.address"


class BlockStore(Closing):
    """The block table. With `write` it holds the writer's lock until closed; without, it only reads.

    Opening raises LockedError, DamagedStoreError, StoreUnreachableError or BadAddressError.
    """

    address: LedgerAddress
    """What opens this store again."""

    name: str
    """How messages call it; holds no password."""

    @abstractmethod
    def append(self, block: Block) -> None:
        """Make a block durable; raises FencedError or StoreWriteError, after which the writer must stop."""

    @abstractmethod
    def blocks(self, *, from_height: int = 0, limit: int = -1) -> Iterator[Block]:
        """The blocks from a height on, in order; raises DamagedStoreError or StoreUnreachableError."""

    @abstractmethod
    def last(self) -> Block | None:
        """The last block, or None when there is none."""

    @abstractmethod
    def count(self) -> tuple[int, int]:
        """How many blocks there are, counted, and the first height: a gap shows as fewer than up to the last one."""

    @abstractmethod
    def damage(self) -> list[str]:
        """What the database itself finds wrong with what it keeps; empty when nothing."""

    @abstractmethod
    def reader(self) -> "BlockStore":
        """A second store at the same place that only reads, for another thread than the writer's."""

    def warnings(self) -> list[Finding]:
        """Settings of the database under which less is promised than it seems."""
        return []

    def block(self, height: int) -> Block | None:
        """The block of one height, or None when it is not there."""
        found = next(self.blocks(from_height=height, limit=1), None)
        return found if found is not None and found.height == height else None
