"""The tables of the ledger's state: read like dictionaries, changed only so that the state root and an undo see it."""

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import Any, Generic, TypeVar

import msgspec

K = TypeVar("K", bound=Hashable)
V = TypeVar("V", bound=msgspec.Struct)


class Changes:
    """What was changed since the last state root, and how to undo what a failing group of operations did."""

    __slots__ = ("journal", "touched")

    def __init__(self) -> None:
        self.touched: dict[tuple[Table[Any, Any], Any], None] = {}
        self.journal: list[Callable[[], None]] | None = None

    @contextmanager
    def all_or_nothing(self) -> Iterator[None]:
        """Undo everything that was changed inside the block when an error leaves it; blocks may be nested."""
        outer = self.journal
        journal: list[Callable[[], None]] = []
        self.journal = journal
        try:
            yield
        except BaseException:
            self.journal = None
            for undo in reversed(journal):
                undo()
            self.journal = outer
            raise
        self.journal = outer
        if outer is not None:
            outer.extend(journal)


class Table(dict[K, V], Generic[K, V]):
    """One kind of record by its key: a string, or a tuple of strings.

    `word` and the key's parts, joined by "|", name a record in the state root. `group` gives the name under which
    `grouped` finds a record again, for example the account of a key, or account and asset of a hold.
    """

    __slots__ = ("_changes", "_group", "_groups", "decoder", "word")

    def __init__(
        self, word: str, record: type[V], changes: Changes, *, group: Callable[[K, V], Hashable] | None = None
    ) -> None:
        super().__init__()
        self.word, self.decoder = word, msgspec.json.Decoder(record)
        self._changes, self._group = changes, group
        self._groups: dict[Hashable, dict[K, None]] = {}

    __hash__ = object.__hash__  # type: ignore[assignment]  # a table is itself, whatever it holds

    def put(self, key: K, value: V) -> None:
        """Set a record."""
        self._set(key, value)

    def drop(self, key: K) -> None:
        """Take a record away; the key must be there."""
        self._set(key, None)

    def grouped(self, name: Hashable) -> tuple[K, ...]:
        """The keys of a group; no rule may depend on their order."""
        return tuple(self._groups.get(name, ()))

    def entry_key(self, key: K) -> bytes:
        """The key of a record in the state root."""
        return f"{self.word}/{'|'.join(key) if isinstance(key, tuple) else key}".encode()

    def read_key(self, text: str) -> K:
        """The key from what stands behind `word/`."""
        return tuple(text.split("|")) if "|" in text else text  # type: ignore[return-value]

    def _set(self, key: K, value: V | None) -> None:
        old = self.get(key)
        changes = self._changes
        changes.touched[self, key] = None
        if changes.journal is not None:
            changes.journal.append(lambda: self._write(key, old))
        self._write(key, value)

    def _write(self, key: K, value: V | None) -> None:
        if self._group is not None:
            self._regroup(self._group, key, value)
        if value is None:
            self.pop(key, None)
        else:
            self[key] = value

    def _regroup(self, group: Callable[[K, V], Hashable], key: K, value: V | None) -> None:
        old = self.get(key)
        before = None if old is None else group(key, old)
        after = None if value is None else group(key, value)
        if before == after:
            return
        if before is not None:
            members = self._groups[before]
            del members[key]
            if not members:
                del self._groups[before]
        if after is not None:
            self._groups.setdefault(after, {})[key] = None
