"""Erase what a commitment stands for: payload and salt go, the commitment stays on the log and every proof still holds.

What remains says that something of this kind was committed to, when, and about which opaque account; without the salt
nobody can find out what, not even by guessing. Copies that law demands to be kept (issued invoices, settlements) and
the interval store are not touched: they have their own periods.
"""

from dataclasses import dataclass

from django.db import connection, transaction

from ogniwo.core.kernel.refusals import Refusal
from ogniwo.records.ledger.models import Commitment
from ogniwo.services.workspace.audit import record_act
from ogniwo.services.workspace.changing import changing
from ogniwo.services.workspace.model import Workspace

ERASABLE = ("allocation", "statement", "invoice", "rate_book", "purchase")
POINT_SECRET = "point_secret"  # noqa: S105 -- a kind of row, no secret


class NothingToEraseError(Refusal):
    """There is no such document or point among the commitments."""

    code = "erase.not_found"


class NotPostedError(Refusal):
    """A commitment that is not on the ledger yet would be posted without what it stands for."""

    code = "erase.not_posted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """What an erasure removes: the kind, the name, how many bytes of payload, and whether it was gone before."""

    kind: str
    natural_id: str
    commitment: str
    payload_bytes: int
    erased_before: bool


def erasure_of(*, kind: str, natural_id: str) -> Erasure:
    """What erasing would remove. `kind` is one of ERASABLE, or POINT_SECRET with a metering point's code.

    Raises NothingToEraseError or NotPostedError.
    """
    row = Commitment.objects.filter(kind=kind, natural_id=natural_id).first()
    if row is None or kind not in {*ERASABLE, POINT_SECRET}:
        raise NothingToEraseError(detail=f"there is no {kind} {natural_id} behind a commitment")
    if kind in ERASABLE and not row.transaction_id:
        raise NotPostedError(detail=f"the {kind} {natural_id} is not on the ledger yet; post it first")
    return Erasure(
        kind=kind,
        natural_id=natural_id,
        commitment=row.commitment,
        payload_bytes=len(row.payload.encode()),
        erased_before=not row.salt,
    )


def erase(workspace: Workspace, *, kind: str, natural_id: str, reason: str) -> Erasure:
    """Delete payload and salt of one commitment, for ever, and write down that it was done. Repeating changes nothing.

    For a point's secret the salts of all its intervals go with it: its minted days still hold, none can be opened.
    """
    with changing(workspace, f"ledger erase {kind} {natural_id}"):
        found = erasure_of(kind=kind, natural_id=natural_id)
        if found.erased_before:
            return found
        if connection.vendor == "sqlite":
            with connection.cursor() as cursor:
                cursor.execute("PRAGMA secure_delete = ON")  # what is deleted is overwritten, not only unlinked
        with transaction.atomic():
            Commitment.objects.filter(kind=kind, natural_id=natural_id).update(payload="", salt="")
            record_act(
                workspace,
                action="ledger.erase",
                target=f"{kind} {natural_id}"[:200],
                facts={"reason": reason, "commitment": found.commitment, "payload_bytes": found.payload_bytes},
            )
        if connection.vendor == "sqlite":
            with connection.cursor() as cursor:
                cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # or the old page would lie in the log file
        elif connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("VACUUM FULL records_commitment")  # or the old row would lie in the table
        return found
