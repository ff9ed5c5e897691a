"""How often somebody may ask: buckets that fill up again, in the memory of this process.

Each process counts for itself, so with several of them the limits add up; they keep one caller from taking all of the
server, they are no accounting.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

REMEMBERED_MAX: Final = 10_000


@dataclass(frozen=True, slots=True)
class Limit:
    """So many requests a minute, and as many at once as `burst` says."""

    per_minute: int
    burst: int


CALLER: Final = Limit(per_minute=600, burst=120)
"""A key or a signed-in user."""

ADDRESS: Final = Limit(per_minute=1_200, burst=240)
"""All requests of one network address together."""

REFUSED: Final = Limit(per_minute=20, burst=20)
"""Requests of one address with a key that is not ours: no key is found by trying."""


class Buckets:
    """What each name has left; forgets who has not asked for long, for thread after thread."""

    def __init__(self, limit: Limit, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.limit = limit
        self._clock = clock
        self._lock = threading.Lock()
        self._left: dict[str, tuple[float, float]] = {}

    def take(self, name: str) -> int:
        """Take one; 0 when there was one, else the whole seconds until there will be."""
        with self._lock:
            left = self._now(name)
            if left < 1:
                return int((1 - left) * 60 / self.limit.per_minute) + 1
            self._left[name] = (left - 1, self._clock())
            return 0

    def wait(self, name: str) -> int:
        """The seconds until there is one again, without taking any."""
        with self._lock:
            left = self._now(name)
            return 0 if left >= 1 else int((1 - left) * 60 / self.limit.per_minute) + 1

    def _now(self, name: str) -> float:
        if len(self._left) > REMEMBERED_MAX:
            self._left = {each: self._left[each] for each in self._left if self._filled(each) < self.limit.burst}
        if len(self._left) > REMEMBERED_MAX:  # a flood of addresses: begin anew rather than grow
            self._left = {}
        return self._filled(name)

    def _filled(self, name: str) -> float:
        left, at = self._left.get(name, (float(self.limit.burst), 0.0))
        return min(float(self.limit.burst), left + (self._clock() - at) * self.limit.per_minute / 60)


CALLERS: Final = Buckets(CALLER)
ADDRESSES: Final = Buckets(ADDRESS)
FAILURES: Final = Buckets(REFUSED)
