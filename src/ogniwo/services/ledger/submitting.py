"""Put a transaction that somebody signed elsewhere on the ledger: the signature decides, not who brought it."""

from ogniwo.chain.inbox import Answer
from ogniwo.core.ledger.admission import open_transaction
from ogniwo.records.visibility import Subject
from ogniwo.services.ledger.access import NoLedgerError, has_ledger
from ogniwo.services.ledger.queries import AccountNotFoundError, sees_account
from ogniwo.services.ledger.viewing import wait_for_ledger
from ogniwo.services.workspace.audit import record_act
from ogniwo.services.workspace.model import Workspace

__all__ = ["Answer", "submit_envelope"]

WAIT_S = 8.0
"""How long a transaction waits for whoever writes the ledger now."""


def submit_envelope(workspace: Workspace, *, envelope: bytes, subject: Subject) -> Answer:
    """Give a signed envelope (JWS) to the ledger and wait for its durable answer; the same one again changes nothing.

    The acting account must be one that the subject sees. Raises NoLedgerError, AccountNotFoundError, the refusals of
    `open_transaction` for what is no transaction, and those that say that the ledger is busy.
    """
    if not has_ledger(workspace):
        raise NoLedgerError(detail="nothing was posted yet")
    opened = open_transaction(envelope)
    if not sees_account(opened.payload.account, subject=subject):
        raise AccountNotFoundError(detail=f"there is no account {opened.payload.account}")
    with wait_for_ledger(workspace, seconds=WAIT_S) as ledger:
        (answer,) = ledger.submit([envelope])
    facts = {"account": opened.payload.account, "operation": str(type(opened.payload).__struct_config__.tag)}
    record_act(workspace, action="ledger.submit", target=opened.transaction, facts={**facts, "code": answer.code})
    return answer
