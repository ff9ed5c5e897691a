"""A member disputes a payment in tokens: what is reserved on the ledger itself, what was paid in a message.

The rules of the ledger let the giver contest an open hold with his key; a payment that was made stands, and only people
can undo it by paying back. Either way the partner reads the reason among the messages of members.
"""

from ogniwo.core.ledger.admission import SignedTransaction
from ogniwo.core.ledger.transactions import Dispute
from ogniwo.records.visibility import Subject
from ogniwo.services.ledger.viewing import view_ledger
from ogniwo.services.ledger.wallets import HistoryRow, NoSuchTransactionError, transaction_of, wallet_history
from ogniwo.services.messages.operations import dispute_payment
from ogniwo.services.workspace.model import Workspace


def payment_of(workspace: Workspace, *, subject: Subject, name: str) -> HistoryRow:
    """One payment that the member got or gave. Raises NoSuchTransactionError, also where nothing of his moved."""
    place = transaction_of(workspace, subject=subject, name=name)
    rows = wallet_history(workspace, subject=subject, since=place.log_index, before=place.log_index + 1, limit=1)
    if not rows:
        raise NoSuchTransactionError(detail=f"nothing of yours moved in the transaction {name}")
    return rows[0]


def dispute_paid(workspace: Workspace, *, subject: Subject, name: str, text: str, by: str) -> None:
    """Tell the partner what is wrong with a payment that was made; the ledger stays as it is.

    Raises NoSuchTransactionError, BadMessageError.
    """
    row = payment_of(workspace, subject=subject, name=name)
    facts = {
        "transaction": name,
        "amount": row.amount,
        "asset": row.asset,
        "other": f"{row.other_number} {row.other}".strip(),
        "time_s": row.time_s,
    }
    dispute_payment(workspace, subject=subject, name=name, facts=facts, text=text, by=by)


def tell_contested(workspace: Workspace, opened: SignedTransaction, *, subject: Subject, text: str, by: str) -> None:
    """Tell the partner of a hold that the member's device has contested on the ledger; once."""
    payload = opened.payload
    if not isinstance(payload, Dispute):
        return
    with view_ledger(workspace) as (ledger, _), ledger.reading() as state:
        hold = state.holds.get(payload.hold)
        facts: dict[str, object] = {"transaction": opened.transaction, "hold": payload.hold}
        if hold is not None:
            facts |= {"amount": -hold.amount, "asset": hold.asset, "until_s": hold.until}
    dispute_payment(workspace, subject=subject, name=payload.hold, facts=facts, text=text, by=by)
