"""Every engine of the ledger behind one handle, so that each contract test runs on each of them.

A new engine is one more entry of ENGINES: a function that gets the test's folder and pytest's request (for fixtures)
and gives a Place.
"""

import importlib.util
import sqlite3
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from ogniwo.chain.audit import verify_ledger
from ogniwo.chain.embedded import EmbeddedLedger
from ogniwo.chain.network.application import Application
from ogniwo.chain.network.client import NetworkLedger
from ogniwo.chain.projection import Projection
from ogniwo.chain.stores import open_store

_NAMES = count(1)


@dataclass
class Place:
    """One ledger's place on one engine.

    `open` starts the engine there, with `clock` and, where `bounded`, `pending_max`. `store` opens its blocks for
    reading, `block_writer` past the engine's lock, as a second machine would that does not see it (None: cannot be).
    """

    open: Callable[..., Any]
    address: Any
    folder: Any
    store: Callable[[], Any]
    insert: Callable[[Any], None] | None = None
    bounded: bool = True
    opened: list[Any] = field(default_factory=list)

    def engine(self, network: Any, **options: Any) -> Any:
        """Start the engine with the network's clock; it is closed at the end of the test, if not before."""
        engine = self.open(clock=lambda: network.now, **options)
        self.opened.append(engine)
        return engine

    def audit(self) -> list[Any]:
        """What an audit of the blocks finds."""
        return verify_ledger(self.address)

    def balances(self) -> dict[tuple[str, str], int]:
        """What the tables derived from the blocks say."""
        with Projection(ledger=self.address, path=self.folder / f"tables-{next(_NAMES)}.sqlite3") as projection:
            projection.catch_up()
            return projection.balances()


def _embedded(address: Any, folder: Any, insert: Callable[[Any], None]) -> Place:
    def opened(**options: Any) -> EmbeddedLedger:
        return EmbeddedLedger(address, **{"workers": 2, "snapshots": folder / "snapshots"} | options)

    return Place(opened, address, folder, lambda: open_store(address, write=False), insert)


def _on_sqlite(folder: Any, _request: Any) -> Place:
    path = folder / "ledger.sqlite3"

    def insert(block: Any) -> None:
        connection = sqlite3.connect(path)
        connection.execute("INSERT INTO blocks VALUES (?, ?, ?)", block)
        connection.commit()
        connection.close()

    return _embedded(path, folder, insert)


def _on_postgresql(folder: Any, request: Any) -> Place:
    settings = request.getfixturevalue("postgresql")
    location = f"postgresql://{settings['USER']}@/{settings['NAME']}?host={settings['HOST']}"
    address = f"{location}#contract-{next(_NAMES)}"

    def insert(block: Any) -> None:
        with open_store(address, write=False) as store:
            table = store._table
        with psycopg.connect(location) as connection:
            connection.execute(sql.SQL("INSERT INTO {} VALUES (%s, %s, %s)").format(table), block)

    return _embedded(address, folder, insert)


def _on_network(folder: Any, _request: Any) -> Place:
    """The network engine over its application, ordered by a stand-in for CometBFT (the real one: test_network.py)."""
    path = folder / "ledger.sqlite3"
    place = _on_sqlite(folder, None)

    def opened(*, clock: Any, pending_max: int = 20_000, snapshot_entries: int = 50_000, **_: Any) -> NodeOfOne:
        return NodeOfOne(path, clock=clock, pending_max=pending_max, snapshot_entries=snapshot_entries)

    return Place(opened, path, folder, lambda: open_store(path, write=False), place.insert)


class NodeOfOne(NetworkLedger):
    """An application, what orders for it, and the engine over both."""

    def __init__(self, path: Any, *, clock: Any, pending_max: int, snapshot_entries: int) -> None:
        self.application = Application(path, threads=2, snapshot_entries=snapshot_entries)
        self.comet = _fake_comet().FakeComet(self.application, clock)
        super().__init__(path, rpc_port=self.comet.port, pending_max=pending_max, senders=2)

    def close(self) -> None:
        """Close all three."""
        super().close()
        if self.comet.thread.is_alive():
            self.comet.stop()
        self.application.close()


def _fake_comet() -> Any:
    if "fake_comet" not in sys.modules:
        place = Path(__file__).parents[1] / "unit" / "chain" / "network" / "comet.py"
        spec = importlib.util.spec_from_file_location("fake_comet", place)
        sys.modules["fake_comet"] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules["fake_comet"])
    return sys.modules["fake_comet"]


ENGINES: dict[str, Callable[[Any, Any], Place]] = {
    "sqlite": _on_sqlite,
    "postgresql": _on_postgresql,
    "network": _on_network,
}


@pytest.fixture(params=sorted(ENGINES))
def place(request, tmp_path):
    """A fresh place on each engine in turn."""
    found = ENGINES[request.param](tmp_path, request)
    yield found
    for engine in found.opened:
        engine.close()


@pytest.fixture
def network():
    """A network before its genesis."""
    return sys.modules["ledger_network"].Network()
