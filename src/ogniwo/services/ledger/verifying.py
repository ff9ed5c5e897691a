"""Verify the whole chain of a workspace: files, store, ledger, readings, documents, pictures - and say what differs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import sha256

import msgspec

from ogniwo.chain.audit import verify_ledger
from ogniwo.chain.embedded import EmbeddedLedger
from ogniwo.chain.projection import Projection
from ogniwo.core.billing.numbering import DocumentNumber, sequence_findings
from ogniwo.core.kernel.calendar import Month
from ogniwo.core.kernel.findings import Finding, Severity
from ogniwo.core.kernel.ids import sha256_hex
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.ledger.admission import open_transaction
from ogniwo.core.ledger.blocks import read_body
from ogniwo.core.ledger.canonical import encode
from ogniwo.core.ledger.outcomes import ACCEPTED
from ogniwo.core.ledger.transactions import Post, Posting
from ogniwo.core.metering.model import IntervalSeries
from ogniwo.core.posting.claims import settlement_postings
from ogniwo.core.posting.readings import day_record
from ogniwo.records.billing.models import InvoiceRecord
from ogniwo.records.ledger.models import Commitment
from ogniwo.records.metering.models import MeteringPoint, SourceFile
from ogniwo.records.settlement.models import StatementRecord
from ogniwo.services.billing.issuing import pdf_path
from ogniwo.services.billing.pictures import draw_invoice
from ogniwo.services.contracts.checking import contract_debts, contract_findings
from ogniwo.services.ledger.access import (
    erased_points,
    has_ledger,
    member_path,
    open_ledger,
    open_projection,
    organisation_path,
    point_path,
    point_secret,
)
from ogniwo.services.ledger.founding import CLAIM_ASSET
from ogniwo.services.ledger.posting import kept_checkpoints, leaves_of_day
from ogniwo.services.ledger.timestamping import verify_stamps
from ogniwo.services.storage.checking import storage_findings
from ogniwo.services.workspace.model import Workspace

_ANCHORED = ("allocation", "statement", "invoice", "rate_book", "identity", "purchase", "range")


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One link of the chain: what was compared, how many, and what differs."""

    name: str
    compared: int
    findings: tuple[Finding, ...]

    @property
    def passed(self) -> bool:
        """Whether nothing differs; a note, such as a file that an interrupted writer left, is no difference."""
        return all(finding.severity is Severity.NOTE for finding in self.findings)


def _error(code: str, message: str, source: str = "", **facts: str) -> Finding:
    return Finding(
        code=code, severity=Severity.ERROR, message=message, source=source, facts=tuple(sorted(facts.items()))
    )


def _note(code: str, message: str) -> Finding:
    return Finding(code=code, severity=Severity.NOTE, message=message)


def verify_chain(
    workspace: Workspace, *, pictures: bool = True, tell: Callable[[str], None] = lambda _name: None
) -> tuple[Check, ...]:
    """Check every link; `tell` is given the name of each before it begins. `pictures` draws every PDF again."""
    links: list[tuple[str, Callable[[Workspace], tuple[int, Sequence[Finding]]]]] = [
        ("received files", _received),
        ("interval store", _store),
        ("ledger", _ledger),
        ("time stamps of checkpoints", _stamps),
        ("metering tokens against readings", _tokens),
        ("commitments against documents", _commitments),
        ("invoices", _invoices),
        ("claims against invoices", _claims),
        ("contracts", contract_findings),
        ("storages", storage_findings),
    ]
    if pictures:
        links.append(("invoice pictures", _pictures))
    checks = []
    for name, check in links:
        tell(name)
        try:
            compared, findings = check(workspace)
        except Refusal as refusal:
            # Damage that stops a reader is what this looks for: it is said, and the other links are still checked.
            compared, findings = 0, [_error(refusal.code, refusal.detail)]
        checks.append(Check(name=name, compared=compared, findings=tuple(findings)))
    return tuple(checks)


def _received(workspace: Workspace) -> tuple[int, list[Finding]]:
    """Every received file still has the bytes its name promises."""
    findings = []
    files = SourceFile.objects.all()
    for file in files:
        path = workspace.received / file.sha256[:2] / file.sha256
        if not path.exists():
            findings.append(_error("verify.file_missing", f"the received file {file.name} is gone", file.name))
        elif sha256_hex(path.read_bytes()) != file.sha256:
            findings.append(_error("verify.file_changed", f"the received file {file.name} was changed", file.name))
    return len(files), findings


def _store(workspace: Workspace) -> tuple[int, Sequence[Finding]]:
    """The interval store follows from its log, byte by byte."""
    findings = workspace.series.verify()
    damaged = any(finding.severity is not Severity.NOTE for finding in findings)
    return (0 if damaged else len(workspace.series.keys())), findings


def _ledger(workspace: Workspace) -> tuple[int, Sequence[Finding]]:
    """The ledger follows from genesis and from every checkpoint kept."""
    if not has_ledger(workspace):
        return 0, [_error("ledger.empty", "the workspace has no ledger yet")]
    checkpoints = kept_checkpoints(workspace)
    findings = verify_ledger(workspace.ledger_address, checkpoints=checkpoints)
    if findings:
        return 0, findings
    with open_ledger(workspace) as ledger, open_projection(workspace) as projection:
        warnings = [*ledger.findings, *_derived(ledger, projection)]
        return ledger.head().log_size, warnings


def _derived(ledger: EmbeddedLedger, projection: Projection) -> list[Finding]:
    """The tables derived from the blocks are whole and say what the state says; if not, they are made again."""
    with ledger.reading() as state:
        expected = {place: amount for place, amount in state.balances.items() if amount}
    damage = projection.damage()
    if not damage and {place: amount for place, amount in projection.balances().items() if amount} == expected:
        return []
    projection.rebuild()
    text = "the tables derived from the ledger were damaged and have been made again; look at the disk"
    code = "ledger.projection_rebuilt"
    return [Finding(code=code, severity=Severity.WARNING, message=text, facts=tuple(("damage", one) for one in damage))]


def _stamps(workspace: Workspace) -> tuple[int, Sequence[Finding]]:
    """Every kept time stamp is over its checkpoint and leads to a trusted certificate."""
    stamps, findings = verify_stamps(workspace)
    return len(stamps), findings


class _Stored:
    """Series and secret of the point that was asked for last: the days of a point come one after the other."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._point = ""
        self._series: dict[tuple[str, Month], IntervalSeries | None] = {}
        self.secret = b""

    def month_of(self, point: MeteringPoint, channel: str, month: Month) -> IntervalSeries | None:
        """What the store holds of a point, channel and month; `secret` is that point's from here on."""
        if self._point != point.code:
            self._point, self._series, self.secret = point.code, {}, point_secret(point)
        if (channel, month) not in self._series:
            self._series[channel, month] = self._workspace.series.read(point=point.code, channel=channel, month=month)
        return self._series[channel, month]


def _tokens(workspace: Workspace) -> tuple[int, list[Finding]]:
    """Every day minted on the ledger is what the interval store holds now: total, qualities and Merkle root."""
    if not has_ledger(workspace):
        return 0, []
    points = {point_path(point): point for point in MeteringPoint.objects.select_related("organisation")}
    with open_ledger(workspace) as ledger, ledger.reading() as state:
        minted = dict(state.minted)
    erased = erased_points()
    findings = [
        _note("verify.readings_erased", f"the salts of {code} were erased: its days are not compared")
        for code in sorted(erased)
    ]
    stored = _Stored(workspace)
    for (path, day_text, channel), token in sorted(minted.items()):
        point = points.get(path)
        if point is None:
            findings.append(_error("verify.token_without_point", f"nobody knows the point {path}", path))
            continue
        if point.code in erased:
            continue
        day = date.fromisoformat(day_text)
        series = stored.month_of(point, channel, Month(day.year, day.month))
        if series is None:
            findings.append(_error("verify.readings_missing", f"{point.code} {channel} {day}: no readings", point.code))
            continue
        record = day_record(
            leaves=leaves_of_day(series, day, secret=stored.secret),
            day=day_text,
            point_path=path,
            network=workspace.network,
            version=token.version,
        )
        if sha256(encode(record)).hexdigest() != token.record:
            findings.append(
                _error(
                    "verify.readings_differ",
                    f"{point.code} {channel} {day}: the readings are not those on the ledger "
                    f"({record.total_wh} Wh stored, {token.total_wh} Wh minted); post it again after a correction",
                    point.code,
                )
            )
    return len(minted), findings


def _commitments(workspace: Workspace) -> tuple[int, list[Finding]]:
    """Every document behind a commitment still hashes to it, and the commitment stands on the ledger."""
    if not has_ledger(workspace):
        return 0, []
    with open_ledger(workspace) as ledger, ledger.reading() as state:
        anchors = {commitment: anchored.transaction for commitment, anchored in state.anchors.items()}
    rows = Commitment.objects.filter(kind__in=_ANCHORED)
    findings = []
    for row in rows:
        if not row.salt:
            findings.append(_note("verify.document_erased", f"the {row.kind} {row.natural_id} was erased"))
            if anchors.get(row.commitment) != row.transaction_id:
                findings.append(_error("verify.not_anchored", f"the {row.kind} {row.natural_id} is not on the ledger"))
        elif sha256(bytes.fromhex(row.salt) + row.payload.encode()).hexdigest() != row.commitment:
            findings.append(_error("verify.document_changed", f"the kept {row.kind} {row.natural_id} was changed"))
        elif anchors.get(row.commitment) != row.transaction_id:
            findings.append(_error("verify.not_anchored", f"the {row.kind} {row.natural_id} is not on the ledger"))
    known = {row.commitment for row in rows}
    findings.extend(
        _error("verify.unknown_commitment", f"nobody knows the document behind {commitment}")
        for commitment in sorted(set(anchors) - known)
    )
    return len(rows), findings


def _invoices(workspace: Workspace) -> tuple[int, list[Finding]]:
    """Issued documents and statements are those committed to, and their numbers have no gap."""
    payloads = {
        (row.kind, row.natural_id): row.payload for row in Commitment.objects.filter(kind__in=("invoice", "statement"))
    }
    findings: list[Finding] = []
    invoices = InvoiceRecord.objects.all()
    for record in invoices:
        committed = payloads.get(("invoice", record.number))
        if sha256_hex(record.document.encode()) != record.digest:
            findings.append(_error("verify.invoice_changed", f"the document {record.number} was changed"))
        elif committed is None:
            findings.append(_error("verify.invoice_not_posted", f"the document {record.number} is not posted"))
        elif committed and committed != record.document:  # "" was erased, which the check of commitments says
            findings.append(_error("verify.invoice_differs", f"{record.number} is not the document committed to"))
    statements = StatementRecord.objects.all()
    findings.extend(
        _error("verify.statement_changed", f"the statement {statement} was changed")
        for statement in statements
        if sha256_hex(statement.document.encode()) != statement.digest
    )
    findings.extend(sequence_findings(DocumentNumber.parse(record.number) for record in invoices))
    del workspace
    return len(invoices) + len(statements), findings


class _Totals(msgspec.Struct, frozen=True):
    """The totals of a document that a claim is made of."""

    gross_grosz: int


class _Owed(msgspec.Struct, frozen=True):
    """What a document says is owed: by the member (a correction: the difference), and to the member (the whole)."""

    credit_gross_grosz: int
    totals: _Totals


def _claims(workspace: Workspace) -> tuple[int, list[Finding]]:
    """Every document has its transfer of who owes whom; no balance has another origin than those and contracts."""
    if not has_ledger(workspace):
        return 0, []
    rows = Commitment.objects.filter(kind__in=("invoice", "claims"))
    committed = {row.natural_id: row.commitment for row in rows if row.kind == "invoice"}
    kept = {row.natural_id: row.transaction_id for row in rows if row.kind == "claims"}
    with open_ledger(workspace) as ledger:
        with ledger.reading() as state:
            anchors = set(state.anchors)
            balances = {account: amount for (account, asset), amount in state.balances.items() if asset == CLAIM_ASSET}
            accounted = contract_debts(state, CLAIM_ASSET)
        transfers = _transfers(workspace, ledger, set(kept.values()))
    documents = [
        record
        for record in InvoiceRecord.objects.select_related("member__organisation", "run__community", "corrects")
        if committed.get(record.number) in anchors
    ]
    findings: list[Finding] = []
    for record in documents:
        posted = transfers.get(kept.get(record.number, ""), ())
        for line in posted:
            accounted[line.account] = accounted.get(line.account, 0) + line.amount
        findings.extend(_claim_findings(record, posted))
    findings.extend(
        _error(
            "verify.claims_differ",
            f"the balance of {account} is {balances.get(account, 0)} grosze, the transfers of the documents give "
            f"{accounted.get(account, 0)}",
            account,
        )
        for account in sorted({*balances, *accounted})
        if balances.get(account, 0) != accounted.get(account, 0)
    )
    return len(documents), findings


def _claim_findings(record: InvoiceRecord, posted: tuple[Posting, ...]) -> list[Finding]:
    """Whether the transfer of a document says what the document says; `posted` is empty where there is no transfer."""
    try:
        wanted = _claim_of(record)
    except msgspec.DecodeError as error:
        return [_error("verify.claims_differ", f"{record.number} cannot be read: {error}", record.number)]
    if posted == wanted:
        return []
    if not posted:
        message = f"the claim of {record.number} is not on the ledger; post the month again"
        return [_error("verify.claims_missing", message, record.number)]
    return [_error("verify.claims_differ", f"the claim on the ledger is not that of {record.number}", record.number)]


def _claim_of(record: InvoiceRecord) -> tuple[Posting, ...]:
    """The transfer as the document itself gives it; a credit counts for what it changed since the document before."""
    owed = msgspec.json.decode(record.document, type=_Owed)
    credit_grosz = owed.credit_gross_grosz
    if record.corrects is not None:
        credit_grosz -= msgspec.json.decode(record.corrects.document, type=_Owed).credit_gross_grosz
    path = member_path(record.member)
    return settlement_postings(
        asset=CLAIM_ASSET,
        community=organisation_path(record.run.community),
        due_grosz={path: owed.totals.gross_grosz},
        credit_grosz={path: credit_grosz},
    )


def _transfers(workspace: Workspace, ledger: EmbeddedLedger, names: set[str]) -> dict[str, tuple[Posting, ...]]:
    """The lines of those of the transactions that the ledger took: found by the projection, read from their blocks."""
    places: dict[int, list[int]] = {}
    with open_projection(workspace) as projection:
        for name in names:
            located = projection.find(name)
            if located is not None and located.outcome == ACCEPTED:
                places.setdefault(located.height, []).append(located.position)
    found = {}
    for height, positions in places.items():
        (block,) = ledger.read(height, limit=1)
        records = read_body(block.body)
        for position in positions:
            opened = open_transaction(records[position].envelope)
            if isinstance(opened.payload, Post):
                found[opened.transaction] = opened.payload.postings
    return found


def _pictures(workspace: Workspace) -> tuple[int, list[Finding]]:
    """Every PDF on disk is the one issued, and drawing it again gives the same bytes."""
    findings = []
    invoices = InvoiceRecord.objects.select_related("member", "run__community")
    for record in invoices:
        path = pdf_path(workspace, record)
        if not path.exists():
            findings.append(_error("verify.picture_missing", f"{path.name} is gone; draw it with invoice export"))
        elif sha256_hex(path.read_bytes()) != record.pdf_sha256:
            findings.append(_error("verify.picture_changed", f"{path.name} is not the picture that was issued"))
        elif sha256_hex(draw_invoice(workspace, record)) != record.pdf_sha256:
            findings.append(_error("verify.picture_differs", f"{record.number} is drawn differently now"))
    return len(invoices), findings
