"""Follow a month's energy through the storages of a community and keep the account; older months first, later ones too.

An account stands on the newest settlement of its month and on the account of the month before. When either changed it
is made again as the next version, and so is every later one.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
from django.db import transaction

from ogniwo.core.balancing.provenance import CommunityEnergy, Origin, Provenance, StorageState, StorageTerms, trace
from ogniwo.core.billing.canonical import canonical_bytes
from ogniwo.core.kernel.calendar import HOUR_S, Month, grid_of_month
from ogniwo.core.kernel.findings import Finding, Severity
from ogniwo.core.kernel.ids import sha256_hex
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.posting.storage import StorageInputs, storage_document
from ogniwo.records.metering.models import MeteringPoint
from ogniwo.records.parties.models import Organisation
from ogniwo.records.settlement.models import SettlementRun
from ogniwo.records.storage.models import StorageMonth
from ogniwo.records.visibility import Subject
from ogniwo.services.settlement.closing import unpack_flows
from ogniwo.services.settlement.loading import latest_run
from ogniwo.services.storage.declaring import storages_on
from ogniwo.services.workspace.audit import record_act
from ogniwo.services.workspace.changing import changing
from ogniwo.services.workspace.model import Workspace

_FLOWS = ("taken", "given", "community_in", "community_out")


class NoStorageError(Refusal):
    """The community has no storage in the month."""

    code = "storage.none"


class StorageNotSettledError(Refusal):
    """The month is not closed, so nothing says whose energy a storage took."""

    code = "storage.not_settled"


class StorageGapError(Refusal):
    """An earlier month of the community's storages is missing, so what they carried into this one is not known."""

    code = "storage.gap"


@dataclass(frozen=True, slots=True, kw_only=True)
class TracedMonth:
    """An account as it stands now; `changed` tells whether it was made just now. `also` are other months made anew."""

    month: Month
    version: int
    changed: bool
    also: tuple[tuple[Month, int], ...]
    findings: tuple[Finding, ...]


class _Flows(msgspec.Struct, frozen=True):
    """What a point gave to the community in a month."""

    community_out_wh: int


class _Statement(msgspec.Struct, frozen=True):
    """Whose a statement is, and whether the point gave."""

    point: str
    member: str
    flows: _Flows


def trace_month(workspace: Workspace, *, community: Organisation, month: Month) -> TracedMonth:
    """Make the account of a month, and again every kept one whose settlement, terms or month before changed.

    The same data again keep nothing. Raises NoStorageError, StorageNotSettledError, StorageGapError, and BusyError
    while another use-case changes the workspace.
    """
    with changing(workspace, f"storage trace {month}"), transaction.atomic():
        kept = {Month.parse(row.month) for row in community.storage_months.all()}
        _refuse_gap(community, month, kept)
        made: dict[Month, tuple[StorageMonth, bool]] = {}
        for one in sorted({*kept, month}):
            made[one] = _account(workspace, community, one)
        row, changed = made[month]
        also = tuple((one, record.version) for one, (record, new) in made.items() if new and one != month)
        if changed or also:
            record_act(
                workspace,
                action="storage.trace",
                target=f"{community.code} {month}",
                facts={"version": row.version, "digest": row.digest, "also": {str(one): nr for one, nr in also}},
            )
    findings = tuple(msgspec.convert(row.findings, list[Finding]))
    return TracedMonth(
        month=month,
        version=row.version,
        changed=changed,
        also=also,
        findings=(*findings, *(_recomputed(one, version) for one, version in also)),
    )


def _refuse_gap(community: Organisation, month: Month, kept: set[Month]) -> None:
    """Months of a community follow one another: a new one stands right before the first or right after the last."""
    if kept and month not in kept and {month.shifted(-1), month.shifted(1)}.isdisjoint(kept):
        raise StorageGapError(
            detail=f"{community.code} has the storages of {min(kept)} to {max(kept)}; make those up to {month} first"
        )


def _recomputed(month: Month, version: int) -> Finding:
    return Finding(
        code="storage.recomputed",
        severity=Severity.NOTE,
        message=f"the storages of {month} were reckoned again as version {version}: what they stand on has changed",
        facts=(("month", str(month)), ("version", str(version))),
    )


def _account(workspace: Workspace, community: Organisation, month: Month) -> tuple[StorageMonth, bool]:
    """The account of a month as its settlement and the month before now are, and whether it had to be made."""
    newest = community.storage_months.filter(month=str(month)).order_by("-version").first()
    run = latest_run(community=community, month=month)
    if run is None:
        raise StorageNotSettledError(
            detail=f"{community.code} has not closed {month}; `ogniwo period close {month}` does it"
        )
    before = community.storage_months.filter(month=str(month.shifted(-1))).order_by("-version").first()
    statements = _statements(run)
    storages = storages_on(community=community, month=month, subject=Subject.operator())
    if not storages and newest is None:
        raise NoStorageError(
            detail=f"{community.code} has no storage in {month}; mark a point with `ogniwo storage mark`"
        )
    inputs = _inputs(
        run,
        before,
        statements,
        terms=tuple(
            StorageTerms(point=one.point, efficiency_permille=one.efficiency_permille, capacity_wh=one.capacity_wh)
            for one in storages
            if one.point in statements
        ),
        sources={
            point.code: point.source
            for point in MeteringPoint.objects.filter(code__in=[code for code, one in statements.items() if _gave(one)])
        },
    )
    if newest is not None and newest.inputs_digest == inputs.digest:
        return newest, False
    found = follow(run, inputs)
    version = newest.version + 1 if newest else 1
    document = canonical_bytes(storage_document(inputs, found, version=version))
    left_out = [one.point for one in storages if one.point not in statements]
    row = StorageMonth.objects.create(
        community=community,
        month=str(month),
        version=version,
        made_at=workspace.now(),
        run=run,
        before=before,
        inputs_digest=inputs.digest,
        document=document.decode(),
        digest=sha256_hex(document),
        state=msgspec.to_builtins([*found.states, *_not_followed(inputs)]),
        findings=msgspec.to_builtins([*found.findings, *_findings(month, inputs, found, left_out)]),
    )
    return row, True


def _gave(statement: _Statement) -> bool:
    return statement.flows.community_out_wh > 0


def _statements(run: SettlementRun) -> dict[str, _Statement]:
    """The statements of a run by point."""
    documents = run.statements.order_by("point__code").values_list("document", flat=True)
    found = [msgspec.json.decode(document, type=_Statement) for document in documents]
    return {one.point: one for one in found}


def _inputs(
    run: SettlementRun,
    before: StorageMonth | None,
    statements: dict[str, _Statement],
    *,
    terms: tuple[StorageTerms, ...],
    sources: dict[str, str],
) -> StorageInputs:
    # A lot may be of a point that has left since: whose it was stands in the account of the month before.
    known = {} if before is None else {row["point"]: row["member"] for row in json_of(before)["rows"] if row["member"]}
    return StorageInputs(
        community=run.community.code,
        month=Month.parse(run.month),
        run_version=run.version,
        run_digest=run.inputs_digest,
        before_digest="" if before is None else before.digest,
        terms=terms,
        states=() if before is None else tuple(msgspec.convert(before.state, list[StorageState])),
        members={**known, **{code: one.member for code, one in statements.items()}},
        sources=sources,
    )


def _not_followed(inputs: StorageInputs) -> tuple[StorageState, ...]:
    """What points that are no storage any more still held: carried as it is."""
    followed = {one.point for one in inputs.terms}
    return tuple(state for state in inputs.states if state.point not in followed)


def follow(run: SettlementRun, inputs: StorageInputs) -> Provenance:
    """The energy of a settlement followed through the storages."""
    records = list(run.statements.select_related("point").order_by("point__code"))
    hours = [unpack_flows(bytes(record.flows)) for record in records]
    energy = CommunityEnergy(
        ids=tuple(record.point.code for record in records),
        start_epoch_s=grid_of_month(inputs.month, slot_s=HOUR_S).start_epoch_s.tolist(),
        **{name: np.stack([one[name] for one in hours]) for name in _FLOWS},
    )
    return trace(energy, storages=inputs.terms, states=inputs.states, origins=inputs.origins)


def again(row: StorageMonth) -> tuple[StorageInputs, Provenance]:
    """A kept account reckoned once more from the settlement and the account before that it names."""
    document = json_of(row)
    inputs = _inputs(
        row.run,
        row.before,
        _statements(row.run),
        terms=tuple(
            StorageTerms(
                point=one["point"], efficiency_permille=one["efficiency_permille"], capacity_wh=one["capacity_wh"]
            )
            for one in document["storages"]
        ),
        sources={one["point"]: one["source"] for one in document["sources"]},
    )
    return inputs, follow(row.run, inputs)


def account_name(row: StorageMonth) -> str:
    """The name of an account among the documents of the ledger; a member's part has his number behind it."""
    return f"{row.community.code}/{row.month}/storage/v{row.version}"


def json_of(row: StorageMonth) -> dict[str, Any]:
    """The document of an account."""
    document: dict[str, Any] = msgspec.json.decode(row.document)
    return document


def _findings(month: Month, inputs: StorageInputs, found: Provenance, left_out: list[str]) -> Iterator[Finding]:
    for point in left_out:
        yield Finding(
            code="storage.not_in_settlement",
            severity=Severity.WARNING,
            message=f"{point} is marked as a storage and has no settled energy in {month}; it was not followed",
            point=point,
        )
    storages = {one.point for one in inputs.terms}
    unstated: Counter[str] = Counter()
    for total in found.totals:
        point = total.source.point
        if point not in storages and total.source.origin is Origin.OTHER and not inputs.sources.get(point, "-"):
            unstated[point] += total.charged_wh - total.moved_wh
    for point, wh in sorted(unstated.items()):
        if wh:
            yield Finding(
                code="storage.source_not_stated",
                severity=Severity.WARNING,
                message=f"{point} gave {wh} Wh to storages and no renewable source is stated for it; that energy does "
                "not count as the community's own",
                point=point,
                facts=(("wh", str(wh)),),
            )
