"""A ledger's table in PostgreSQL while it is filled from another store, before anybody uses it.

All blocks come in one transaction, and with them a mark that says of whom they are a copy. The mark goes when the copy
is in force. So whatever stops in between leaves a table that the same move knows again and nobody else takes for his.
"""

from collections.abc import Iterable
from typing import Final

from psycopg import sql

from ogniwo.chain.moving import Origin
from ogniwo.chain.store import FencedError
from ogniwo.chain.store_postgresql import PostgresqlStore
from ogniwo.core.ledger.blocks import Block

_TYPES: Final = ("int8", "bytea", "bytea")


class FillingStore(PostgresqlStore):
    """The table of a copy that is made, under its writer's lock; nothing is made or changed by opening it.

    Raises the refusals of BlockStore.
    """

    def __init__(self, address: str) -> None:
        super().__init__(address, write=True)

    def _prepare_writer(self) -> None:
        self._become_writer()

    def last(self) -> Block | None:
        """The last block, or None when there is none or no table."""
        with self._reported():
            there = self._has(self._table)
        return super().last() if there else None

    def origin(self) -> Origin | None:
        """Of whom this is an unfinished copy; None when it is none."""
        with self._reported():
            if not self._has(self._mark):
                return None
            row = self._connection.execute(sql.SQL("SELECT network, folder FROM {}").format(self._mark)).fetchone()
        return None if row is None else Origin(*row)

    def fill(self, blocks: Iterable[Block], *, origin: Origin) -> None:
        """Write all blocks and the mark, durable when this returns; only where there is no block yet.

        Raises StoreWriteError, after which it is open whether they are there, and what `blocks` raises.
        """
        with self._committing(f"{self.name} could not be filled"), self._connection.transaction():
            execute = self._connection.execute
            if not self._has(self._table):
                self._create()
            execute(sql.SQL("CREATE TABLE {} (network text NOT NULL, folder text NOT NULL)").format(self._mark))
            execute(sql.SQL("INSERT INTO {} VALUES (%s, %s)").format(self._mark), origin)
            copying = sql.SQL("COPY {} (height, header, body) FROM STDIN (FORMAT BINARY)").format(self._table)
            with self._connection.cursor() as cursor, cursor.copy(copying) as copy:
                copy.set_types(_TYPES)
                for block in blocks:
                    copy.write_row((block.height, block.header, block.body))

    def demand_mark(self, origin: Origin) -> None:
        """The lock is still held and the copy still ours; raises FencedError or StoreUnreachableError when not."""
        if self.origin() != origin:
            raise FencedError(detail=f"somebody else took {self.name} for theirs")

    def clear(self) -> None:
        """Remove everything, for ever; raises StoreWriteError."""
        with self._committing(f"{self.name} could not be cleared"), self._connection.transaction():
            for table in (self._mark, self._opened, self._table):
                self._connection.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(table))

    def take_off_mark(self) -> None:
        """The copy is in force from here on; raises StoreWriteError."""
        with self._committing(f"the mark of {self.name} could not be taken off"):
            self._connection.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(self._mark))
