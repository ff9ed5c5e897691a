"""Questions about the whole log: the journal with what narrows it, and balances as they were at a place of it."""

from abc import ABC, abstractmethod
from typing import Any, NamedTuple


class Located(NamedTuple):
    """A transaction's place and fate; `name` is the SHA-256 of its payload in hex."""

    name: str
    height: int
    position: int
    log_index: int
    time_s: int
    operation: str
    account: str
    outcome: str


class Wanted(NamedTuple):
    """Which transactions a journal lists: "" stands for any. `since` and `before` are log indexes, `before` excluded.

    `name` is how the transaction's name begins; `subtree` an account and all below it, one of which it concerns.
    """

    subtree: str = ""
    operation: str = ""
    asset: str = ""
    outcome: str = ""
    name: str = ""
    since: int = 0
    before: int | None = None


_LOCATED = (
    "SELECT lower(hex(transactions.name)), height, log_index - first_index, log_index, time_s, operation, account,"
    " outcome FROM transactions JOIN blocks USING (height)"
)


class JournalTables(ABC):
    """What is asked of the projection's tables by place in the log; the tables themselves are its own."""

    @abstractmethod
    def balances(self, *, subtree: str = "") -> dict[tuple[str, str], int]:
        """Balances of now by (account, asset)."""

    @abstractmethod
    def _rows(self, query: str, values: tuple[object, ...]) -> list[tuple[Any, ...]]:
        """The answer of the tables."""

    def balances_before(self, log_index: int, *, subtree: str = "") -> dict[tuple[str, str], int]:
        """Balances as they were before a log index was taken in: those of now less what moved since."""
        found = self.balances(subtree=subtree)
        moved = self._rows(
            "SELECT account, asset, sum(amount) FROM concerned WHERE log_index >= ?1 AND asset != ''"
            " AND (?2 = '' OR account = ?2 OR account GLOB ?2 || '/*') GROUP BY account, asset",
            (log_index, subtree),
        )
        for account, asset, amount in moved:
            found[account, asset] = found.get((account, asset), 0) - amount
        return found

    def asset_movements(self, asset: str, *, before_s: int) -> list[tuple[int, str, str, str, int]]:
        """All movements of an asset before a time, in order: time, transaction, operation, account and amount."""
        return [
            (time_s, name, operation, account, amount)
            for time_s, name, operation, account, amount in self._rows(
                "SELECT time_s, lower(hex(name)), operation, concerned.account, amount FROM concerned"
                " JOIN transactions USING (log_index) JOIN blocks USING (height)"
                " WHERE asset = ? AND time_s < ? ORDER BY log_index, concerned.account",
                (asset, before_s),
            )
        ]

    def first_index_since(self, *, height: int = -1, time_s: int = 0) -> int:
        """The first log index of the first block that has at least this height and time; past the end if none has."""
        found = self._rows(
            "SELECT first_index FROM blocks WHERE height >= ? AND time_s >= ? ORDER BY height LIMIT 1", (height, time_s)
        )
        return int(found[0][0]) if found else past_the_end(None)

    def journal(self, wanted: Wanted, *, limit: int = 100) -> list[Located]:
        """Recorded transactions that fit, newest first; page with `before` = the last log_index seen."""
        return self._located(
            """WHERE log_index < ?1 AND log_index >= ?2 AND (?3 = '' OR operation = ?3) AND (?4 = '' OR outcome = ?4)
            AND (?5 = '' OR lower(hex(transactions.name)) GLOB ?5 || '*')
            AND (?6 = '' OR EXISTS (SELECT 1 FROM concerned c WHERE c.log_index = transactions.log_index
              AND (c.account = ?6 OR c.account GLOB ?6 || '/*')))
            AND (?7 = '' OR EXISTS (SELECT 1 FROM concerned c WHERE c.log_index = transactions.log_index
              AND c.asset = ?7 AND (?6 = '' OR c.account = ?6 OR c.account GLOB ?6 || '/*')))
            ORDER BY log_index DESC LIMIT ?8""",
            (
                past_the_end(wanted.before),
                wanted.since,
                wanted.operation,
                wanted.outcome,
                wanted.name,
                wanted.subtree,
                wanted.asset,
                limit,
            ),
        )

    def operations(self) -> list[str]:
        """The operations that occur."""
        return [row[0] for row in self._rows("SELECT DISTINCT operation FROM transactions ORDER BY 1", ())]

    def _located(self, condition: str, values: tuple[object, ...]) -> list[Located]:
        return [Located(*row) for row in self._rows(f"{_LOCATED} {condition}", values)]


def past_the_end(log_index: int | None) -> int:
    """The log index itself, or one beyond every log."""
    return 2**62 if log_index is None else log_index
