"""One operation on its way through the rules: who acts, who signed, when, on which state."""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

from ogniwo.core.ledger.state import State


class Call(NamedTuple):
    """What a rule may look at besides the payload.

    `account` acts; `name` (hex) names what is done: the transaction, or the part of one. `signers` are the key ids of
    the envelope, `givers` the accounts they belong to, `approvals` the accounts whose voices count for a quorum (those
    that signed, or those that approved a proposal), `readers` the keys under its days of readings, in order. `time`
    is block time; `logged` gives the leaf hash of an earlier log entry, or None beyond the end. When a proposal is
    tried, `asked` collects the policies that apply and whether the voices suffice for each.
    """

    state: State
    account: str
    name: str
    signers: tuple[str, ...]
    givers: frozenset[str]
    approvals: frozenset[str]
    readers: tuple[str, ...]
    time: int
    logged: Callable[[int], bytes | None]
    asked: dict[tuple[str, str], bool] | None = None


RuleBook: TypeAlias = dict[type, Callable[[Call, Any], None]]
"""The rule of each operation: refuses by RuleError before it changes anything, or changes all it has to."""
