"""Receipts that anyone can check offline: of an invoice, a statement, or one interval of a day of readings."""

from datetime import UTC, datetime

import msgspec

from ogniwo.chain.proofs import Readable, consistency_of, newest_note, receipt_of
from ogniwo.core.kernel.calendar import Month, local_day
from ogniwo.core.kernel.periods import epoch_of
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.ledger.checkpoints import verifier_key
from ogniwo.records.ledger.models import Commitment
from ogniwo.records.metering.models import MeteringPoint
from ogniwo.records.visibility import Subject
from ogniwo.services.billing.queries import invoice
from ogniwo.services.ledger.access import CHECKPOINT_KEY, key_store, point_path, point_secret
from ogniwo.services.ledger.posting import kept_checkpoints, leaves_of_day
from ogniwo.services.ledger.viewing import view_ledger
from ogniwo.services.ledger.witnessing import configured_witnesses
from ogniwo.services.workspace.model import Workspace


class NothingToProveError(Refusal):
    """What a receipt was asked for is not on the ledger, or the subject may not see it."""

    code = "proof.not_found"


def checkpoint_verifier(workspace: Workspace) -> str:
    """The public key (C2SP verifier key) that the workspace's checkpoints are signed with."""
    return verifier_key(workspace.network, key_store(workspace).checkpoint_key(CHECKPOINT_KEY)).text()


def prove_document(workspace: Workspace, *, kind: str, natural_id: str, subject: Subject) -> bytes:
    """The receipt (canonical JSON) of an anchored document, with salt and content unless these were erased."""
    if kind == "invoice":
        invoice(number=natural_id, subject=subject)
    row = Commitment.objects.filter(kind=kind, natural_id=natural_id).exclude(transaction_id="").first()
    if row is None:
        raise NothingToProveError(detail=f"the {kind} {natural_id} is not on the ledger; post the month first")
    document = (bytes.fromhex(row.salt), msgspec.json.decode(row.payload)) if row.salt else None
    with view_ledger(workspace) as (ledger, projection):
        return receipt_of(
            ledger,
            projection,
            transaction=row.transaction_id,
            key=key_store(workspace).checkpoint_key(CHECKPOINT_KEY),
            document=document,
            notes=kept_checkpoints(workspace),
        )


def prove_transaction(workspace: Workspace, *, name: str) -> bytes:
    """The receipt (canonical JSON) of any transaction by its name, a payment for example; for the operator."""
    with view_ledger(workspace) as (ledger, projection):
        return receipt_of(
            ledger,
            projection,
            transaction=name,
            key=key_store(workspace).checkpoint_key(CHECKPOINT_KEY),
            notes=kept_checkpoints(workspace),
        )


def shown_checkpoint(workspace: Workspace) -> str:
    """The signed note of the ledger of now, with the lines of witnesses where they are kept."""
    with view_ledger(workspace) as (ledger, _):
        return newest_note(
            ledger, key=key_store(workspace).checkpoint_key(CHECKPOINT_KEY), notes=kept_checkpoints(workspace)
        )


def witness_policy(workspace: Workspace) -> tuple[tuple[str, ...], int] | None:
    """The published keys of the workspace's witnesses, and how many make a checkpoint final; None without any."""
    configured = configured_witnesses(workspace)
    if configured is None:
        return None
    policy = configured.policy
    return tuple(one.text() for one in policy.witnesses), policy.quorum


def prove_consistency(workspace: Workspace, *, older: str) -> bytes:
    """The proof (canonical JSON) that the ledger of now continues the one that an older checkpoint (its text) saw."""
    with view_ledger(workspace) as (ledger, _):
        return consistency_of(
            ledger,
            older=older,
            key=key_store(workspace).checkpoint_key(CHECKPOINT_KEY),
            notes=kept_checkpoints(workspace),
        )


def prove_interval(workspace: Workspace, *, point_code: str, channel: str, at: datetime, subject: Subject) -> bytes:
    """The receipt of the day that holds an instant, with the one interval revealed."""
    point = MeteringPoint.objects.all().visible_to(subject).filter(code=point_code).first()
    if point is None:
        raise NothingToProveError(detail=f"there is no metering point {point_code}")
    instant = epoch_of(at.astimezone(UTC))
    day = local_day(instant)
    series = workspace.series.read(point=point_code, channel=channel, month=Month(day.year, day.month))
    if series is None:
        raise NothingToProveError(detail=f"{point_code} has no readings of {channel} on {day}")
    leaves = leaves_of_day(series, day, secret=point_secret(point))
    index = max(number for number, leaf in enumerate(leaves) if leaf.start <= instant)
    with view_ledger(workspace) as (ledger, projection):
        transaction = _minted(ledger, point, day.isoformat(), channel)
        return receipt_of(
            ledger,
            projection,
            transaction=transaction,
            key=key_store(workspace).checkpoint_key(CHECKPOINT_KEY),
            interval=(leaves, index),
            notes=kept_checkpoints(workspace),
        )


def _minted(ledger: Readable, point: MeteringPoint, day: str, channel: str) -> str:
    with ledger.reading() as state:
        token = state.minted.get((point_path(point), day, channel))
    if token is None:
        raise NothingToProveError(detail=f"{point.code} {channel} {day} is not on the ledger; post the month first")
    return token.transaction
