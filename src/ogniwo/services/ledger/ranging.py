"""Commit to a point's month so that the member can prove bounds of it to others without showing it."""

import secrets
from hashlib import sha256

import msgspec

from ogniwo.core.kernel.calendar import Month
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.ledger.canonical import Document, encode, encode_document
from ogniwo.core.ledger.ranges import SEED_BYTES, RangeDocument, commit, opening_of
from ogniwo.records.metering.models import MeteringPoint
from ogniwo.records.visibility import Subject
from ogniwo.services.ledger.access import open_ledger, point_path
from ogniwo.services.ledger.posting import DocumentToAnchor, anchor_documents
from ogniwo.services.ledger.proving import prove_document
from ogniwo.services.ledger.queries import minted_days
from ogniwo.services.ledger.wallets import metering_tokens
from ogniwo.services.workspace.audit import record_act
from ogniwo.services.workspace.changing import changing
from ogniwo.services.workspace.model import Workspace

KIND = "range"
"""Of the rows that keep these documents here; on the ledger they are anchored as statements."""


class RangeDaysError(Refusal):
    """A month cannot be committed to: a day or interval of it is not on the ledger, and what is missing is not zero."""

    code = "range.days_missing"


def commit_month(workspace: Workspace, *, point_code: str, channel: str, month: Month, subject: Subject) -> bytes:
    """Anchor a range commitment to a month's energy (Wh) of a channel as the ledger has it; gives the opening file.

    The file (canonical JSON, `ogniwo.range-opening/1`) holds the value and the seed and is for the member alone: the
    seed is kept nowhere else, and each call makes a new commitment. Raises NoLedgerError, TokensNotFoundError,
    RangeDaysError, RangeBoundError.
    """
    found = minted_days(workspace, point_code=point_code, month=month, subject=subject)
    days = {one.day: one for one in found if one.channel == channel}
    if len(days) != month.days:
        raise RangeDaysError(detail=f"{month.days - len(days)} days of {month} are not on the ledger for {channel}")
    rows = metering_tokens(workspace, subject=subject, month=month, point_code=point_code)
    missing = sum(one.slots_missing for one in rows if one.channel == channel)
    if missing:
        raise RangeDaysError(detail=f"{missing} intervals of {month} have no value for {channel}")
    value, seed = sum(one.energy_wh for one in days.values()), secrets.token_bytes(SEED_BYTES)
    at_least, at_most = commit(value, seed=seed)
    names: list[Document] = [*sorted({one.transaction for one in days.values()})]
    made_from = sha256(encode_document(names)).hexdigest()
    document = RangeDocument(at_least=at_least, at_most=at_most, channel=channel, made_from=made_from, month=str(month))
    point = MeteringPoint.objects.all().visible_to(subject).select_related("organisation").get(code=point_code)
    anchored = DocumentToAnchor(
        kind="statement",
        natural_id=f"{point_code}/{channel}/{month}/{at_least[0][:16]}",
        subject=point_path(point),
        document=msgspec.json.decode(encode(document)),
        kept_as=KIND,
    )
    with changing(workspace, "proof range commit"), open_ledger(workspace) as ledger:
        (transaction,), _ = anchor_documents(workspace, ledger, [anchored])
        facts = {"channel": channel, "month": str(month), "transaction": transaction}
        record_act(workspace, action="proof.range", target=point_code, facts=facts)
    receipt = prove_document(workspace, kind=KIND, natural_id=anchored.natural_id, subject=subject)
    return opening_of(receipt, value=value, seed=seed)
