"""What a ledger holds, counted while its blocks are followed: for reports, after `audit` has verified it."""

from collections import Counter

import msgspec

from ogniwo.chain.store import DamagedStoreError, LedgerAddress
from ogniwo.chain.stores import open_store
from ogniwo.core.ledger.admission import open_transaction
from ogniwo.core.ledger.blocks import read_body
from ogniwo.core.ledger.machine import BlockMismatchError, Machine
from ogniwo.core.ledger.state import State


class Inspection(msgspec.Struct, kw_only=True):
    """How far the blocks could be followed, from when to when (seconds since 1970), and the state there.

    `operations` counts recorded transactions by (operation, outcome); `height` is -1 for a ledger without a block.
    `last_block` is the hash of the last header; `roots` gives the log root (hex) of each size asked for.
    """

    height: int
    first_s: int
    last_s: int
    last_block: str
    log_size: int
    log_root: str
    operations: dict[tuple[str, str], int]
    roots: dict[int, str]
    state: State


def inspect(address: LedgerAddress, *, sizes: frozenset[int] = frozenset()) -> Inspection:
    """Follow the blocks by the rules, without verifying signatures again; stops at the first that does not follow."""
    machine, counts, first_s, followed, whole = _followed(address)
    if not whole:
        # A machine that refused a block is of no more use: another one stops before it. `verify_ledger` names it.
        machine, counts, first_s, _, _ = _followed(address, limit=followed)
    return Inspection(
        height=machine.height,
        first_s=first_s,
        last_s=machine.time,
        last_block=machine.previous,
        log_size=machine.log.size,
        log_root=machine.log.root().hex(),
        operations=dict(sorted(counts.items())),
        roots={size: machine.log.root(size).hex() for size in sorted(sizes) if size <= machine.log.size},
        state=machine.state,
    )


def _followed(address: LedgerAddress, *, limit: int = -1) -> tuple[Machine, Counter[tuple[str, str]], int, int, bool]:
    """The machine, what was counted, the first time, how many blocks followed, and whether no block was refused."""
    machine, counts, first_s, followed = Machine(), Counter[tuple[str, str]](), 0, 0
    if not limit:
        return machine, counts, first_s, followed, True
    try:
        with open_store(address, write=False) as store:
            for block in store.blocks(limit=limit):
                header = machine.replay(block, check_signatures=False)
                first_s, followed = first_s or header.time, followed + 1
                for record in read_body(block.body):
                    payload = open_transaction(record.envelope).payload
                    counts[str(type(payload).__struct_config__.tag), record.outcome] += 1
    except (BlockMismatchError, DamagedStoreError):
        return machine, counts, first_s, followed, False
    return machine, counts, first_s, followed, True
