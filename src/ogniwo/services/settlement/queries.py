"""Read runs, statements and hourly flows back, within what the asking subject may see."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Final

import msgspec
import numpy as np
from django.db.models import Count
from numpy.typing import NDArray

from ogniwo.core.billing.model import vat_on
from ogniwo.core.kernel.calendar import HOUR_S, Month, grid_of_month
from ogniwo.core.kernel.ids import sha256_hex
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.settlement.model import EnergyFlows, Statement
from ogniwo.core.tariffs.model import ChargeLine
from ogniwo.core.tariffs.rules import TariffBook
from ogniwo.records.parties.models import Organisation
from ogniwo.records.settlement.models import SettlementRun, StatementRecord
from ogniwo.records.visibility import Subject
from ogniwo.services.settlement.closing import FLOW_NAMES, unpack_flows
from ogniwo.services.tariffs.queries import load_rate_book
from ogniwo.services.workspace.kept import Kept
from ogniwo.services.workspace.model import Workspace


class RunNotFoundError(Refusal):
    """The month has not been settled in that version, or the subject sees nothing of it."""

    code = "settlement.not_found"


class StatementNotFoundError(Refusal):
    """The run has no statement of that point or member, or the subject may not see it."""

    code = "statement.not_found"


class DamagedStatementError(Refusal):
    """A stored statement is not the one that was calculated."""

    code = "statement.damaged"


@dataclass(frozen=True, slots=True, kw_only=True)
class SettledMonth:
    """A stored run with the statements that the subject sees, by point."""

    community: str
    month: Month
    version: int
    made_at: datetime
    inputs_digest: str
    inputs: tuple[tuple[str, str], ...]
    versions: tuple[int, ...]
    statements: tuple[Statement, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberTotal:
    """What a member used and owes: the statements of all his points together; VAT once per rate on the sum of net.

    `credit_grosz` is due to the member for energy given to the community, net; it is beside the invoice.
    """

    member: str
    points: tuple[str, ...]
    flows: EnergyFlows
    net_grosz: int
    vat_grosz: int
    credit_grosz: int

    @property
    def gross_grosz(self) -> int:
        """What the member's invoice comes to."""
        return self.net_grosz + self.vat_grosz


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSummary:
    """One kept settlement of a month; amounts in grosz, energies in Wh."""

    community: str
    month: str
    version: int
    made_at: datetime
    inputs_digest: str
    statements: int
    charged_grosz: int
    credited_grosz: int
    taken_wh: int
    given_wh: int
    exchanged_wh: int


def settlement_runs(*, subject: Subject, month: str = "") -> tuple[RunSummary, ...]:
    """Every kept settlement that the subject sees, oldest month first."""
    runs = SettlementRun.objects.all().visible_to(subject).select_related("community")
    rows = (runs.filter(month=month) if month else runs).defer("inputs", "pool").annotate(count=Count("statements"))
    return tuple(
        RunSummary(
            community=one.community.code,
            month=one.month,
            version=one.version,
            made_at=one.made_at,
            inputs_digest=one.inputs_digest,
            statements=one.count,  # type: ignore[attr-defined]  # annotated above
            charged_grosz=one.totals["charged_grosz"],
            credited_grosz=one.totals["credited_grosz"],
            taken_wh=one.totals["taken_wh"],
            given_wh=one.totals["given_wh"],
            exchanged_wh=one.totals["exchanged_wh"],
        )
        for one in rows.order_by("month", "community__code", "version")
    )


def rate_book_of(workspace: Workspace) -> TariffBook:
    """The packaged rates with the workspace's own rate files, and sample values where its settings say so."""
    return load_rate_book(workspace.rate_files, with_samples=workspace.sample_rates)


def settled_month(
    *, community: Organisation, month: Month, subject: Subject, version: int = 0, member: str = "", point: str = ""
) -> SettledMonth:
    """A run of a month (the newest when `version` is 0) with the statements of all, or of one member or point.

    Raises RunNotFoundError, StatementNotFoundError, and DamagedStatementError when a stored text is not as calculated.
    """
    visible = StatementRecord.objects.all().visible_to(subject).filter(run__community=community, run__month=str(month))
    versions = settled_versions(community=community, month=month, subject=subject)
    chosen = version or (versions[-1] if versions else 0)
    if chosen not in versions:
        known = ", ".join(str(one) for one in versions) or "none"
        wanted = f" version {version}" if version else ""
        raise RunNotFoundError(
            detail=f"{community.code} has no settlement of {month}{wanted}; versions: {known}; "
            f"`ogniwo period close {month}` makes one"
        )
    run = SettlementRun.objects.get(community=community, month=str(month), version=chosen)
    # A run's inputs are large: once, and not beside each of its statements.
    records = visible.filter(run=run).select_related("point").defer("flows").order_by("point__code")
    if member:
        records = records.filter(point__member__number=member)
    if point:
        records = records.filter(point__code=point)
    found = list(records)
    if not found:
        raise StatementNotFoundError(
            detail=f"the settlement of {month} version {chosen} has no statement of {point or member}"
        )
    return SettledMonth(
        community=community.code,
        month=month,
        version=chosen,
        made_at=run.made_at,
        inputs_digest=run.inputs_digest,
        inputs=tuple(sorted(run.inputs["whole"].items())),
        versions=versions,
        statements=tuple(statement_of(record) for record in found),
    )


def settled_versions(*, community: Organisation, month: Month, subject: Subject) -> tuple[int, ...]:
    """The versions of a month's settlement of which the subject sees a statement, oldest first."""
    visible = StatementRecord.objects.all().visible_to(subject).filter(run__community=community, run__month=str(month))
    return tuple(sorted(visible.order_by().values_list("run__version", flat=True).distinct()))


def statement_of(record: StatementRecord) -> Statement:
    """A stored statement as the value it was made from; refuses one whose text does not fit its digest."""
    document = record.document.encode()
    if sha256_hex(document) != record.digest:
        raise DamagedStatementError(detail=f"the statement of {record.point.code} in {record.run} was changed")
    return msgspec.json.decode(document, type=Statement)


def member_totals(statements: Sequence[Statement]) -> tuple[MemberTotal, ...]:
    """The statements added up by member, in the order of the member numbers."""
    by_member: dict[str, list[Statement]] = {}
    for statement in statements:
        by_member.setdefault(statement.member, []).append(statement)
    return tuple(_member_total(member, by_member[member]) for member in sorted(by_member))


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthTotals:
    """What a month came to by member, in its newest version."""

    version: int
    members: tuple[MemberTotal, ...]


def month_totals(*, community: Organisation, month: Month, subject: Subject) -> MonthTotals | None:
    """The newest settlement by member as far as the subject sees it; None before the month is closed.

    Statements never change once stored, so the sums of the same ones are made and checked once.
    Raises DamagedStatementError.
    """
    visible = StatementRecord.objects.all().visible_to(subject).filter(run__community=community, run__month=str(month))
    listed = tuple(visible.order_by("run__version", "point__code").values_list("run__version", "pk", "digest"))
    if not listed:
        return None
    version = listed[-1][0]
    newest = frozenset(row for row in listed if row[0] == version)
    made = _TOTALS.answer(
        newest,
        lambda: member_totals(
            settled_month(community=community, month=month, subject=subject, version=version).statements
        ),
    )
    return MonthTotals(version=version, members=made)


_TOTALS: Final = Kept[tuple[MemberTotal, ...]](16)


def _member_total(member: str, statements: Sequence[Statement]) -> MemberTotal:
    lines = [line for statement in statements for line in statement.lines]
    return MemberTotal(
        member=member,
        points=tuple(statement.point for statement in statements),
        flows=added_flows([statement.flows for statement in statements]),
        net_grosz=sum(line.net_grosz for line in lines),
        vat_grosz=_vat_grosz(lines),
        credit_grosz=sum(statement.credit_grosz for statement in statements),
    )


def _vat_grosz(lines: Sequence[ChargeLine]) -> int:
    net: dict[int, int] = {}
    for line in lines:
        net[line.vat_rate_percent] = net.get(line.vat_rate_percent, 0) + line.net_grosz
    return sum(vat_on(net_grosz=grosz, rate_percent=percent) for percent, grosz in net.items())


def added_flows(flows: Sequence[EnergyFlows]) -> EnergyFlows:
    """Flows added up, name by name."""
    return EnergyFlows(**{field.name: sum(getattr(one, field.name) for one in flows) for field in fields(EnergyFlows)})


def hourly_flows(
    *, community: Organisation, month: Month, subject: Subject, point: str, version: int = 0
) -> dict[str, NDArray[np.int64]]:
    """The hours a point's statement stands on, by name of the flow, with `start_epoch_s`; arrays (hours,) int64 Wh."""
    run = settled_month(community=community, month=month, subject=subject, version=version, point=point)
    record = StatementRecord.objects.get(
        run__community=community, run__month=str(month), run__version=run.version, point__code=point
    )
    starts = grid_of_month(month, slot_s=HOUR_S).start_epoch_s
    return {"start_epoch_s": starts, **unpack_flows(bytes(record.flows))}


def hourly_lines(flows: dict[str, NDArray[np.int64]]) -> Iterator[str]:
    """Hourly flows as CSV with a header, starts in UTC, energies in Wh."""
    yield ",".join(("start", *(f"{name}_wh" for name in FLOW_NAMES))) + "\n"
    starts = np.datetime_as_string(flows["start_epoch_s"].astype("datetime64[s]")).tolist()
    for start, *energies in zip(starts, *(flows[name].tolist() for name in FLOW_NAMES), strict=True):
        yield ",".join((f"{start}Z", *(str(energy) for energy in energies))) + "\n"
