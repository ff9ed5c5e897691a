"""A witness's memory: the last checkpoint it signed of each log, durable before the signature leaves the house."""

import sqlite3
import threading
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ogniwo.chain.closing import Closing
from ogniwo.core.ledger.checkpoints import Checkpoint, VerifierKey, parse_checkpoint
from ogniwo.core.ledger.cosignatures import cosign
from ogniwo.core.ledger.witness import judge, parse_request

_TABLE = "CREATE TABLE IF NOT EXISTS seen (origin TEXT PRIMARY KEY, note TEXT NOT NULL) STRICT"


class Witness(Closing):
    """Signs checkpoints of known logs that continue what it saw; safe to call from many threads.

    `logs` maps origins to the verifier keys of the logs it watches.
    """

    def __init__(self, path: Path, *, name: str, key: Ed25519PrivateKey, logs: dict[str, VerifierKey]) -> None:
        self._name, self._key, self._logs = name, key, logs
        self._guard = threading.RLock()
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=FULL")
        self._connection.execute(_TABLE)

    def seen(self, origin: str) -> Checkpoint | None:
        """The last checkpoint of a log that this witness signed."""
        with self._guard:
            row = self._connection.execute("SELECT note FROM seen WHERE origin = ?", (origin,)).fetchone()
        return parse_checkpoint(row[0]) if row else None

    def add_checkpoint(self, body: str, *, time_s: int) -> str:
        """Answer a request with this witness's signature line, or raise WitnessRefusalError.

        What is signed is remembered first; two requests at once are answered one after the other, so no two
        checkpoints that contradict each other are ever signed.
        """
        request = parse_request(body)
        with self._guard:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                origin = request.note.partition("\n")[0]
                checkpoint = judge(request, logs=self._logs, seen=self.seen(origin))
                line = cosign(request.note, name=self._name, key=self._key, time_s=time_s)
                self._connection.execute(
                    "INSERT INTO seen VALUES (?, ?) ON CONFLICT (origin) DO UPDATE SET note = excluded.note",
                    (checkpoint.origin, request.note),
                )
                self._connection.execute("COMMIT")
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
        return line

    def close(self) -> None:
        """Release the file."""
        self._connection.close()
