"""Who may read what on a served ledger: own accounts, a subtree by right, or commitments only; others' reads are kept.

Anybody may ask for head, checkpoint, proofs and places: they say hashes. Whoever holds a key of an account may list
commitments (the same, for all transactions) and read everything that concerns his own accounts. Everything else takes
the permission "read.subtree" over the account asked for, over the whole tree where everything is given; such a read,
and each attempt without the right, is written down before it is answered.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from ogniwo.chain.embedded import EmbeddedLedger
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.ledger.rulebook.permissions import holds
from ogniwo.core.ledger.signed_queries import QUERY_LIFETIME_S_MAX, SignedQuery, open_query
from ogniwo.core.ledger.signing import load_public_key, verify

NONCES_MAX = 100_000
NONCES_OF_A_KEY_MAX = 5_000
"""So that one key alone cannot fill the memory for all others; it comes to some 16 queries a second for ever."""

CLOCK_SKEW_S = 30

Scope = Literal["own", "subtree", "tree"]
REFUSED = "refused"


class QueryMissingError(Refusal):
    """What was asked for is not for everybody: the request carries no signed query."""

    code = "query.missing"


class QueryExpiredError(Refusal):
    """A signed query is past its end, from the future, valid for too long, or older than this server's memory."""

    code = "query.expired"


class QueryElsewhereError(Refusal):
    """A signed query is for another path or another network than the one it came with."""

    code = "query.elsewhere"


class QueryKeyError(Refusal):
    """The key under a query is not an active transaction key of the account it names."""

    code = "query.key"


class QueryReplayedError(Refusal):
    """This signed query was answered before."""

    code = "query.replayed"


class QueryMemoryError(Refusal):
    """More signed queries are remembered than this server can; try again in some minutes."""

    code = "query.busy"


class NotPermittedError(Refusal):
    """The account may not read this; the attempt was written down."""

    code = "query.not_permitted"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadAct:
    """One privileged read or refused attempt: when (seconds since 1970), who, what, by which scope, and why.

    `scope` is "subtree", "tree" or "refused".
    """

    at_s: int
    account: str
    path: str
    scope: str
    reason: str


class Nonces:
    """Which queries were answered, as long as they could be sent again; bounded."""

    def __init__(self, *, most: int = NONCES_MAX, most_of_a_key: int = NONCES_OF_A_KEY_MAX) -> None:
        self._most = most
        self._most_of_a_key = most_of_a_key
        self._until: dict[tuple[str, str], int] = {}
        self._of_key: Counter[str] = Counter()
        self._sweep_at = 0

    def use(self, kid: str, nonce: str, *, expires: int, now_s: int) -> None:
        """Use a nonce up; raises QueryReplayedError or QueryMemoryError."""
        if now_s >= self._sweep_at:
            self._until = {place: until for place, until in self._until.items() if until > now_s}
            self._of_key = Counter(kid for kid, _ in self._until)
            self._sweep_at = now_s + 10
        if (kid, nonce) in self._until:
            raise QueryReplayedError(detail=f"the query {nonce} was answered before; sign a new one")
        if len(self._until) >= self._most or self._of_key[kid] >= self._most_of_a_key:
            raise QueryMemoryError(
                detail=f"{self._of_key[kid]} queries of this key are remembered, {len(self._until)} in all"
            )
        self._until[kid, nonce] = expires
        self._of_key[kid] += 1


class ReadRights:
    """Judges signed queries against the state of a ledger; to be used by one thread.

    `clock` gives seconds since 1970; `log_read` keeps an act durably; `owned` names the accounts that belong to an
    account besides itself (a member's metering points).
    """

    def __init__(
        self,
        ledger: EmbeddedLedger,
        *,
        clock: Callable[[], int],
        log_read: Callable[[ReadAct], None],
        owned: Callable[[str], frozenset[str]] = lambda _account: frozenset(),
    ) -> None:
        self._ledger = ledger
        self._clock = clock
        self._log_read = log_read
        self._owned = owned
        self._nonces = Nonces()
        self._started = clock()

    def reader(self, text: str, *, path: str) -> SignedQuery:
        """The query behind a header's text, when it counts for this path now.

        Raises QueryMissingError, the refusals of `open_query`, QueryElsewhereError, QueryExpiredError, QueryKeyError,
        SignatureError, QueryReplayedError or QueryMemoryError.
        """
        if not text:
            raise QueryMissingError(detail=f"{path} is not for everybody: sign a query for it")
        opened = open_query(text)
        query, now_s = opened.query, self._clock()
        self._demand_time(query, now_s)
        with self._ledger.reading() as state:
            network = state.foundation.network if state.foundation else ""
            record = state.keys.get(opened.check.kid)
        if query.network != network or query.path != path:
            raise QueryElsewhereError(detail=f"the query is for {query.path!r} of {query.network}")
        if record is None or record.account != query.account:
            raise QueryKeyError(detail=f"key {opened.check.kid} is not one of {query.account}")
        if not record.active(now_s) or record.purpose != "transaction":
            raise QueryKeyError(detail=f"key {opened.check.kid} is revoked, not valid yet, or only signs readings")
        verify(opened.check, load_public_key(record.key))
        self._nonces.use(opened.check.kid, query.nonce, expires=query.expires, now_s=now_s)
        return query

    def demand_account(self, query: SignedQuery, accounts: frozenset[str]) -> Scope:
        """How the reader may see what concerns these accounts; raises NotPermittedError. Keeps what is not his own."""
        mine = {query.account, *self._owned(query.account)}
        if accounts & mine:
            return "own"
        return self._by_right(query, tuple(sorted(accounts)), "subtree")

    def demand_tree(self, query: SignedQuery) -> Scope:
        """Whether the reader may see everything; raises NotPermittedError. Keeps the read."""
        with self._ledger.reading() as state:
            root = state.foundation.operator if state.foundation else ""
        return self._by_right(query, (root,), "tree")

    def _by_right(self, query: SignedQuery, accounts: tuple[str, ...], scope: Scope) -> Scope:
        now_s = self._clock()
        with self._ledger.reading() as state:
            permitted = any(
                holds(state, account=query.account, permission="read.subtree", path=path, valid_from=now_s)
                for path in accounts
            )
        kept = scope if permitted else REFUSED
        self._log_read(ReadAct(at_s=now_s, account=query.account, path=query.path, scope=kept, reason=query.reason))
        if not permitted:
            raise NotPermittedError(detail=f"{query.account} may not read {query.path}; the attempt was written down")
        return scope

    def _demand_time(self, query: SignedQuery, now_s: int) -> None:
        if not query.issued - CLOCK_SKEW_S <= now_s < query.expires:
            raise QueryExpiredError(detail=f"valid from {query.issued} to {query.expires}; it is {now_s}")
        if query.expires - query.issued > QUERY_LIFETIME_S_MAX:
            raise QueryExpiredError(detail=f"a query is valid for at most {QUERY_LIFETIME_S_MAX} s")
        if query.issued < self._started:
            raise QueryExpiredError(detail="the query is older than this server's memory; sign a new one")
