"""Post a month: metering tokens for every day of readings, commitments of statements and invoices, who owes whom."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import sha256

import msgspec

from ogniwo.chain.embedded import EmbeddedLedger
from ogniwo.chain.proofs import checkpoint_of
from ogniwo.core.billing.canonical import Json, canonical_bytes, statement_document
from ogniwo.core.kernel.calendar import Month
from ogniwo.core.kernel.findings import Finding
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.ledger.canonical import encode
from ogniwo.core.ledger.intervals import IntervalLeaf
from ogniwo.core.ledger.signing import sign_detached
from ogniwo.core.ledger.transactions import Anchor, AnchorKind, MintDays, MintMetering, Post, SignedDay
from ogniwo.core.metering.model import IntervalSeries
from ogniwo.core.posting.claims import settlement_postings
from ogniwo.core.posting.readings import day_leaves, day_record, days_with_data
from ogniwo.core.posting.storage import member_part, members_concerned
from ogniwo.core.settlement.model import Statement
from ogniwo.records.billing.models import InvoiceRecord
from ogniwo.records.ledger.models import Commitment
from ogniwo.records.metering.models import MeteringPoint
from ogniwo.records.parties.models import Member, Organisation
from ogniwo.records.settlement.models import SettlementRun
from ogniwo.records.storage.models import StorageMonth
from ogniwo.services.ledger.access import (
    CHECKPOINT_KEY,
    GATEWAY_KEY,
    OPERATOR_KEY,
    READING_KEY,
    day_secret,
    erased_points,
    frame,
    key_store,
    member_path,
    open_ledger,
    open_projection,
    organisation_path,
    point_path,
    point_secret,
    signed,
    submit,
)
from ogniwo.services.ledger.founding import CLAIM_ASSET, METERING_ASSETS, ensure_ledger
from ogniwo.services.ledger.witnessing import collect_cosignatures
from ogniwo.services.storage.tracing import account_name, json_of
from ogniwo.services.workspace.audit import record_act
from ogniwo.services.workspace.changing import changing, keep_whole
from ogniwo.services.workspace.model import Workspace

DAYS_TOGETHER = 31
"""A month of one channel; as many days fit into an envelope whatever their paths and qualities are."""


class NothingToPostError(Refusal):
    """There are neither readings nor a settlement of the month."""

    code = "ledger.nothing_to_post"


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """What one posting run put on the ledger; everything that was there before is not counted.

    `final` tells whether enough witnesses signed the checkpoint, None where the workspace names no witness.
    """

    days_minted: int
    documents_anchored: int
    claims_posted: int
    log_size: int
    checkpoint: str
    cosigners: tuple[str, ...] = ()
    final: bool | None = None
    findings: tuple[Finding, ...] = ()


def post_month(
    workspace: Workspace,
    *,
    community: Organisation,
    month: Month,
    tell: Callable[[], None] = lambda: None,
) -> Posted:
    """Post everything of a month that is not on the ledger yet: readings, the newest run, its statements and invoices.

    Repeating it posts nothing twice: days by their natural id, documents by their commitment, claims by their run. A
    corrected day is minted as its next version with a counter-entry. `tell` is called after each point. Refuses a month
    of which there is nothing; raises BusyError while another use-case changes the workspace.
    """
    with changing(workspace, f"ledger post {month}"):
        return _posted(workspace, community=community, month=month, tell=tell)


def _posted(workspace: Workspace, *, community: Organisation, month: Month, tell: Callable[[], None]) -> Posted:
    if not workspace.series.keys(month=month) and not community.runs.filter(month=str(month)).exists():
        raise NothingToPostError(detail=f"{workspace.root} has no readings and no settlement of {month} to post")
    with open_ledger(workspace) as ledger:
        ensure_ledger(workspace, ledger, community=community)
        minted = sum(
            _mint_point(workspace, ledger, community, point, month, tell)
            for point in MeteringPoint.objects.filter(organisation=community).select_related("member", "organisation")
        )
        anchored = claims = 0
        for run in community.runs.filter(month=str(month)).order_by("version"):
            anchored += _anchor_run(workspace, ledger, run)
            claims += _post_claims(workspace, ledger, run)
        for row in community.storage_months.filter(month=str(month)).order_by("version"):
            anchored += _anchor_storages(workspace, ledger, row)
        checkpoint = checkpoint_of(ledger, key=key_store(workspace).checkpoint_key(CHECKPOINT_KEY))
        size = ledger.head().log_size
        cosigned = collect_cosignatures(workspace, ledger, checkpoint)
    if cosigned is not None:
        checkpoint = cosigned.note
    keep_checkpoint(workspace, size=size, note=checkpoint)
    posted = Posted(
        days_minted=minted,
        documents_anchored=anchored,
        claims_posted=claims,
        log_size=size,
        checkpoint=checkpoint,
        cosigners=cosigned.cosigners if cosigned else (),
        final=cosigned.final if cosigned else None,
        findings=cosigned.findings if cosigned else (),
    )
    record_act(
        workspace,
        action="ledger.post",
        target=f"{community.code} {month}",
        facts={"days": minted, "documents": anchored, "claims": claims, "log_size": size},
    )
    return posted


def points_in(community: Organisation) -> int:
    """How many metering points a community has."""
    return MeteringPoint.objects.filter(organisation=community).count()


def keep_checkpoint(workspace: Workspace, *, size: int, note: str) -> None:
    """Keep a signed checkpoint beside the ledger; whoever copies this folder elsewhere can later expose a rewrite."""
    keep_whole(workspace.root / "checkpoints" / f"{size:010d}.txt", note.encode())


def kept_checkpoints(workspace: Workspace) -> tuple[str, ...]:
    """The checkpoints kept so far, oldest first."""
    folder = workspace.root / "checkpoints"
    return tuple(path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.txt")))


def leaves_of_day(series: IntervalSeries, day: date, *, secret: bytes) -> tuple[IntervalLeaf, ...]:
    """The salted leaves of one local day of a stored series; `secret` is the point's (`access.point_secret`)."""
    index = (day - series.grid.days[0]).days
    of_day = day_secret(secret, channel=series.channel, day=day.isoformat())
    return day_leaves(series=series, day_index=index, day_secret=of_day)


def _mint_point(
    workspace: Workspace,
    ledger: EmbeddedLedger,
    community: Organisation,
    point: MeteringPoint,
    month: Month,
    tell: Callable[[], None],
) -> int:
    if point.code in erased_points():
        return 0  # without its salts a day cannot be told from a corrected one
    store = key_store(workspace)
    gateway, reading = store.signing_key(GATEWAY_KEY), store.signing_key(READING_KEY)
    path = point_path(point)
    account = f"{organisation_path(community)}/gateway"
    fresh: list[SignedDay] = []
    envelopes: list[bytes] = []
    for channel, asset in METERING_ASSETS.items():
        series = workspace.series.read(point=point.code, channel=channel, month=month)
        if series is None:
            continue
        secret = point_secret(point)
        for index in days_with_data(series):
            day = series.grid.days[index]
            leaves = leaves_of_day(series, day, secret=secret)
            with ledger.reading() as state:
                earlier = state.minted.get((path, day.isoformat(), channel))
            version = earlier.version if earlier else 1
            record = day_record(
                leaves=leaves, day=day.isoformat(), point_path=path, network=workspace.network, version=version
            )
            if earlier is not None:
                if sha256(encode(record)).hexdigest() == earlier.record:
                    continue
                record = msgspec.structs.replace(record, version=version + 1)
            one = SignedDay(asset=asset, reading=sign_detached(encode(record), reading), record=record)
            if earlier is None:
                fresh.append(one)
                continue
            about = frame(workspace, account=account, reason="late-data", references=(earlier.transaction,))
            correction = MintMetering(**about, asset=asset, reading=one.reading, record=record)
            envelopes.append(signed(correction, gateway))
    corrected = len(envelopes)
    for start in range(0, len(fresh), DAYS_TOGETHER):
        days = MintDays(**frame(workspace, account=account), days=tuple(fresh[start : start + DAYS_TOGETHER]))
        envelopes.append(signed(days, gateway))
    submit(ledger, envelopes)
    tell()
    return corrected + len(fresh)


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentToAnchor:
    """A document whose salted commitment belongs on the ledger: `subject` is the account it concerns.

    `kept_as` is the kind of the row that keeps it here, where that is not the kind on the ledger.
    """

    kind: AnchorKind
    natural_id: str
    subject: str
    document: Mapping[str, Json]
    kept_as: str = ""


def _anchor_run(workspace: Workspace, ledger: EmbeddedLedger, run: SettlementRun) -> int:
    """Commit to the run's inputs and totals, to each statement and to each invoice."""
    name = run.allocation_name
    whole: dict[str, Json] = {
        "schema": "ogniwo.run/1",
        "community": run.community.code,
        "month": run.month,
        "version": run.version,
        "inputs_digest": run.inputs_digest,
        "inputs": dict(run.inputs["whole"]),
    }
    allocation = DocumentToAnchor(
        kind="allocation", natural_id=name, subject=organisation_path(run.community), document=whole
    )
    (transaction,), count = anchor_documents(workspace, ledger, [allocation])
    statements = [
        DocumentToAnchor(
            kind="statement",
            natural_id=f"{name}/{record.point.code}",
            subject=member_path(record.point.member),
            document=statement_document(msgspec.json.decode(record.document, type=Statement)),
        )
        for record in run.statements.select_related("point__member__organisation")
    ]
    invoices = [
        DocumentToAnchor(
            kind="invoice",
            natural_id=invoice.number,
            subject=member_path(invoice.member),
            document=msgspec.json.decode(invoice.document),
        )
        for invoice in run.invoices.select_related("member__organisation")
    ]
    _, new = anchor_documents(workspace, ledger, [*statements, *invoices], references=(transaction,))
    return count + new


def _anchor_storages(workspace: Workspace, ledger: EmbeddedLedger, row: StorageMonth) -> int:
    """Commit to the account of a month's storages, with the settlement it stands on, and to each member's part."""
    name, whole = account_name(row), json_of(row)
    settlement = Commitment.objects.get(
        kind="allocation", natural_id=f"{row.community.code}/{row.month}/v{row.run.version}"
    )
    account = DocumentToAnchor(
        kind="allocation", natural_id=name, subject=organisation_path(row.community), document=whole
    )
    (transaction,), count = anchor_documents(workspace, ledger, [account], references=(settlement.transaction_id,))
    members = Member.objects.filter(
        organisation__path__startswith=row.community.path, number__in=members_concerned(whole)
    )
    parts = [
        DocumentToAnchor(
            kind="statement", natural_id=f"{name}/{member.number}", subject=member_path(member), document=part
        )
        for member in members.select_related("organisation").order_by("number")
        if (part := member_part(whole, member=member.number)) is not None
    ]
    _, new = anchor_documents(workspace, ledger, parts, references=(transaction,))
    return count + new


def anchor_documents(
    workspace: Workspace,
    ledger: EmbeddedLedger,
    documents: Sequence[DocumentToAnchor],
    *,
    references: tuple[str, ...] = (),
) -> tuple[list[str], int]:
    """Put the salted commitments of documents on the ledger once: (their transactions, how many were put there now).

    Salts and documents are kept first, off the log, so that an interrupted posting ends in the same commitments.
    """
    rows = [_kept(one) for one in documents]
    with ledger.reading() as state:
        operator = state.foundation.operator if state.foundation else ""
        anchored = {row.commitment: state.anchors.get(row.commitment) for row in rows}
    fresh = [(row, one) for row, one in zip(rows, documents, strict=True) if anchored[row.commitment] is None]
    key = key_store(workspace).signing_key(OPERATOR_KEY)
    envelopes = [
        signed(
            Anchor(
                **frame(workspace, account=operator, references=references),
                commitment=row.commitment,
                kind=one.kind,
                subject=one.subject,
            ),
            key,
        )
        for row, one in fresh
    ]
    for (row, _), transaction in zip(fresh, submit(ledger, envelopes), strict=True):
        row.transaction_id = transaction
    Commitment.objects.bulk_update([row for row, _ in fresh], ["transaction_id"])
    for row in rows:
        earlier = anchored[row.commitment]
        if earlier is not None and row.transaction_id != earlier.transaction:
            row.transaction_id = earlier.transaction
            row.save(update_fields=["transaction_id"])
    return [row.transaction_id for row in rows], len(fresh)


def _kept(one: DocumentToAnchor) -> Commitment:
    """The stored salt and document of a commitment, made when it is new."""
    content = canonical_bytes(dict(one.document))
    salt = secrets.token_hex(16)
    row, _ = Commitment.objects.get_or_create(
        kind=one.kept_as or one.kind,
        natural_id=one.natural_id,
        defaults={
            "salt": salt,
            "payload": content.decode(),
            "commitment": sha256(bytes.fromhex(salt) + content).hexdigest(),
            "transaction_id": "",
        },
    )
    return row


def _post_claims(workspace: Workspace, ledger: EmbeddedLedger, run: SettlementRun) -> int:
    """Post who owes whom, one transfer for each document that has none yet, referring to the document's commitment.

    The transfer's name is kept before it is sent: after an interruption the ledger itself says whether it arrived.
    """
    with ledger.reading() as state:
        operator = state.foundation.operator if state.foundation else ""
    key = key_store(workspace).signing_key(OPERATOR_KEY)
    invoices = list(run.invoices.select_related("member__organisation", "corrects"))
    numbers = [invoice.number for invoice in invoices]
    posted = {row.natural_id: row for row in Commitment.objects.filter(kind="claims", natural_id__in=numbers)}
    anchored = dict(
        Commitment.objects.filter(kind="invoice", natural_id__in=numbers).values_list("natural_id", "transaction_id")
    )
    known = _on_ledger(workspace, [row.transaction_id for row in posted.values()])
    envelopes = []
    for invoice in invoices:
        row = posted.get(invoice.number)
        path = member_path(invoice.member)
        postings = settlement_postings(
            asset=CLAIM_ASSET,
            community=organisation_path(run.community),
            due_grosz={path: invoice.gross_grosz},
            credit_grosz={path: _credit_grosz(invoice)},
        )
        if not postings or (row is not None and row.transaction_id in known):
            continue
        reason = "settlement" if invoice.corrects is None else "correction"
        payload = Post(
            **frame(workspace, account=operator, reason=reason, references=(anchored[invoice.number],)),
            postings=postings,
        )
        Commitment.objects.update_or_create(
            kind="claims",
            natural_id=invoice.number,
            defaults={"salt": "", "commitment": "", "transaction_id": sha256(encode(payload)).hexdigest()},
        )
        envelopes.append(signed(payload, key))
    submit(ledger, envelopes)
    return len(envelopes)


def _on_ledger(workspace: Workspace, transactions: Sequence[str]) -> set[str]:
    """Those of the transactions that the ledger holds."""
    if not transactions:
        return set()
    with open_projection(workspace) as projection:
        return {transaction for transaction in transactions if projection.find(transaction) is not None}


def _credit_grosz(invoice: InvoiceRecord) -> int:
    """The gross that a document says the community owes the member; a correction counts for its difference only."""
    whole = _whole_credit_grosz(invoice)
    return whole if invoice.corrects is None else whole - _whole_credit_grosz(invoice.corrects)


def _whole_credit_grosz(invoice: InvoiceRecord) -> int:
    whole: int = msgspec.json.decode(invoice.document)["credit_gross_grosz"]
    return whole


def member_balance_grosz(workspace: Workspace, member: Member) -> int:
    """What the ledger says the community owes (positive) or is owed by (negative) a member."""
    with open_projection(workspace) as projection:
        return projection.balances(subtree=member_path(member)).get((member_path(member), CLAIM_ASSET), 0)
