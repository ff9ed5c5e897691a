"""The parts of the simulated world: a disk that fails, a network that loses and repeats, a clock that jumps.

Everything happens in one order that follows from the seed alone, so that a failing seed fails again.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from ogniwo.chain.store import BlockStore, FencedError, StoreWriteError
from ogniwo.core.ledger.blocks import Block


@dataclass
class Faults:
    """How often what goes wrong, in per cent of the chances."""

    disk_full: int = 0
    unsure_write: int = 0
    lying_sync: int = 0
    crash: int = 0
    drop: int = 0
    duplicate: int = 0
    partition: int = 0
    clock_jump: int = 0


class Disk(BlockStore):
    """Block rows in memory that fail as disks do.

    A write may fail with nothing written, fail although it was written, or be acknowledged and lie in a cache only:
    then a crash may lose it, keep a later one without it, or leave its body torn.
    """

    def __init__(self, dice: random.Random, faults: Faults) -> None:
        self.address = self.name = "simulated"
        self.rows: dict[int, Block] = {}
        self.cached: list[int] = []
        self.lost: set[int] = set()
        self._dice, self._faults = dice, faults

    def append(self, block: Block) -> None:
        """Write a row, or fail."""
        if block.height in self.rows:
            raise FencedError(detail=f"block {block.height} is there")
        fate = self._dice.randrange(100)
        if fate < self._faults.disk_full:
            raise StoreWriteError(detail="the disk is full")
        self.rows[block.height] = block
        if fate < self._faults.disk_full + self._faults.unsure_write:
            raise StoreWriteError(detail="the connection broke while the answer was on its way")
        if self._dice.randrange(100) < self._faults.lying_sync:
            self.cached.append(block.height)

    def power_off(self) -> None:
        """Lose, reorder or tear what lay in the cache only."""
        for height in self.cached:
            fate = self._dice.choice(("kept", "lost", "torn"))
            if fate == "lost":
                del self.rows[height]
                self.lost.add(height)
            elif fate == "torn":
                block = self.rows[height]
                self.rows[height] = block._replace(body=block.body[: self._dice.randrange(len(block.body))])
                self.lost.add(height)
        self.cached.clear()

    def rot(self) -> int:
        """Flip one bit of one row; gives its height."""
        height = self._dice.choice(sorted(self.rows))
        block = self.rows[height]
        part = self._dice.choice(("header", "body"))
        data = bytearray(getattr(block, part))
        data[self._dice.randrange(len(data))] ^= 1 << self._dice.randrange(8)
        self.rows[height] = block._replace(**{part: bytes(data)})
        return height

    def blocks(self, *, from_height: int = 0, limit: int = -1) -> Iterator[Block]:
        """The rows from a height on, in order."""
        found = [self.rows[height] for height in sorted(self.rows) if height >= from_height]
        yield from found if limit < 0 else found[:limit]

    def last(self) -> Block | None:
        """The last row."""
        return self.rows[max(self.rows)] if self.rows else None

    def count(self) -> tuple[int, int]:
        """How many rows there are, and the first height."""
        return len(self.rows), min(self.rows, default=0)

    def damage(self) -> list[str]:
        """A disk that does not know of its own damage."""
        return []

    def reader(self) -> "Disk":
        """Itself: there is one thread at a time."""
        return self

    def close(self) -> None:
        """Nothing to give back."""


@dataclass
class Wire:
    """Messages on their way: each to one place, due at a step; they may be lost, doubled, and overtake each other."""

    dice: random.Random
    faults: Faults
    waiting: list[tuple[int, int, str, Callable[[], None]]] = field(default_factory=list)
    cut_until: dict[str, int] = field(default_factory=dict)
    step: int = 0
    sent: int = 0

    def send(self, place: str, deliver: Callable[[], None]) -> None:
        """Put a message on the wire to a place."""
        copies = 1
        if self.dice.randrange(100) < self.faults.drop:
            copies = 0
        elif self.dice.randrange(100) < self.faults.duplicate:
            copies = 2
        for _ in range(copies):
            self.sent += 1
            self.waiting.append((self.step + self.dice.randrange(1, 6), self.sent, place, deliver))

    def advance(self) -> None:
        """One step: maybe cut a place off for a while, then deliver what is due."""
        self.step += 1
        if self.waiting and self.dice.randrange(100) < self.faults.partition:
            self.cut_until[self.dice.choice(self.waiting)[2]] = self.step + self.dice.randrange(2, 12)
        due = sorted(message for message in self.waiting if message[0] <= self.step)
        self.waiting = [message for message in self.waiting if message[0] > self.step]
        for _, _, place, deliver in due:
            if self.cut_until.get(place, 0) <= self.step:
                deliver()


class Clock:
    """Seconds that move on unevenly and sometimes back, as a badly set clock does."""

    def __init__(self, dice: random.Random, faults: Faults, start: int) -> None:
        self.now = start
        self._dice, self._faults = dice, faults

    def advance(self) -> None:
        """One step of the world."""
        self.now += self._dice.randrange(0, 4)
        if self._dice.randrange(100) < self._faults.clock_jump:
            self.now += self._dice.choice((-120, -5, 600))

    def __call__(self) -> int:
        return self.now
