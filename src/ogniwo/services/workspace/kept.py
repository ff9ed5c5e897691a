"""Answers that are kept in memory, each under everything that it was made of."""

import threading
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Answer = TypeVar("Answer")


class Kept(Generic[Answer]):
    """The answers that were asked for last.

    A key names all that its answer depends on, such as versions and digests: what has changed has another key, so that
    nothing old is given and nobody is given another's. Answers are never changed by who got them.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._answers: dict[Hashable, Answer] = {}
        self._guard = threading.Lock()

    def answer(self, key: Hashable, make: Callable[[], Answer]) -> Answer:
        """The answer to a key, made when it is not there; two who ask at once may both make it."""
        with self._guard:
            found = self._answers.pop(key, None)
            if found is not None:
                self._answers[key] = found
                return found
        found = make()
        with self._guard:
            self._answers[key] = found
            while len(self._answers) > self._most:
                self._answers.pop(next(iter(self._answers)))
        return found
