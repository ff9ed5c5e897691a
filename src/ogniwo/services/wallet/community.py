"""A community as its members may see it: sums over everybody, internal prices, the rule of sharing."""

from dataclasses import dataclass
from datetime import date
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ogniwo.core.kernel.calendar import HOUR_S, Month, grid_of_month
from ogniwo.records.parties.models import Member, Organisation
from ogniwo.records.settlement.models import CommunityRules, SettlementRun, StatementRecord
from ogniwo.records.visibility import Subject
from ogniwo.services.settlement.closing import unpack_flows
from ogniwo.services.workspace.model import Workspace

_SHOWN = 12
FEWEST_MEMBERS = 3
FEWEST_COMPARED = 8
"""A sum over fewer points would tell what a single one used; then nothing is shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommunityState:
    """The last settled day of a community in Wh: `exchanged` of what all took came from members."""

    day: date
    taken_wh: int
    given_wh: int
    exchanged_wh: int

    @property
    def covered_percent(self) -> int:
        """How much of what members took came from members, in whole per cent, cut."""
        return self.exchanged_wh * 100 // self.taken_wh if self.taken_wh else 0

    @property
    def word(self) -> str:
        """surplus: members gave more than they took; shared: a quarter or more came from members; grid: less."""
        if self.given_wh > self.taken_wh:
            return "surplus"
        return "shared" if self.covered_percent >= 25 else "grid"


@dataclass(frozen=True, slots=True, kw_only=True)
class CommunityMonth:
    """A settled month of a community in Wh, and how many points it counts."""

    month: Month
    points: int
    taken_wh: int
    given_wh: int
    exchanged_wh: int
    pool_wh: int
    grid_wh: int
    surplus_wh: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CommunityView:
    """What a member may know of his community; prices in 10^-8 zl per MWh, None before rules were set."""

    name: str
    months: tuple[CommunityMonth, ...]
    state: CommunityState | None
    method: str
    internal_price_e8: int | None
    fee_e8: int | None
    pool_share: tuple[int, int]
    pool_months: int
    rules_since: date | None


def community_state(workspace: Workspace, *, code: str) -> CommunityState | None:  # noqa: ARG001 -- like its neighbours
    """The last day of the newest settled month; None before the first or where too few take part."""
    run = _newest(code)
    if run is None:
        return None
    days = _days(run.pk, run.inputs_digest, run.month)
    if days is None:
        return None
    grid = grid_of_month(Month.parse(run.month), slot_s=HOUR_S)
    return CommunityState(
        day=grid.days[-1],
        taken_wh=int(days["taken"][-1]),
        given_wh=int(days["given"][-1]),
        exchanged_wh=int(days["community_in"][-1]),
    )


def community_view(workspace: Workspace, *, code: str, day: date) -> CommunityView:
    """The community with its settled months, the newest first."""
    organisation = Organisation.objects.get(code=code)
    rules = CommunityRules.objects.filter(community=organisation, valid_from__lte=day).order_by("-valid_from").first()
    return CommunityView(
        name=organisation.name,
        months=_months(organisation),
        state=community_state(workspace, code=code),
        method=rules.method if rules else "",
        internal_price_e8=rules.internal_price_e8 if rules else None,
        fee_e8=rules.community_fee_e8 if rules else None,
        pool_share=(rules.injection_numerator, rules.injection_denominator) if rules else (0, 1),
        pool_months=rules.pool_months if rules else 0,
        rules_since=rules.valid_from if rules else None,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What points of one kind of member took in a settled month on average, in Wh; how many there are."""

    month: Month
    kind: str
    points: int
    average_wh: int
    own_wh: int


def comparison(workspace: Workspace, *, code: str, subject: Subject) -> Comparison | None:  # noqa: ARG001
    """The member's newest settled month beside others of his kind; None where they are too few to hide anybody."""
    run = _newest(code)
    if run is None:
        return None
    member = Member.objects.all().visible_to(subject).filter(number=subject.member_number).first()
    own = [unpack_flows(bytes(row.flows)) for row in StatementRecord.objects.visible_to(subject).filter(run=run)]
    if member is None or not own:
        return None
    points, taken_wh = _of_kind(run.pk, run.inputs_digest, member.kind)
    if points < FEWEST_COMPARED:
        return None
    return Comparison(
        month=Month.parse(run.month),
        kind=member.kind,
        points=points,
        average_wh=taken_wh // points,
        own_wh=sum(int(flows["taken"].sum()) for flows in own),
    )


@lru_cache(maxsize=64)
def _of_kind(run_id: int, digest: str, kind: str) -> tuple[int, int]:  # noqa: ARG001 -- part of the key
    rows = StatementRecord.objects.filter(run_id=run_id, point__member__kind=kind).exclude(point__role="producer")
    taken = [int(unpack_flows(bytes(packed))["taken"].sum()) for packed in rows.values_list("flows", flat=True)]
    return len(taken), sum(taken)


def _newest(code: str) -> SettlementRun | None:
    return SettlementRun.objects.filter(community__code=code).order_by("month", "version").last()


def _months(organisation: Organisation) -> tuple[CommunityMonth, ...]:
    newest: dict[str, SettlementRun] = {}
    for run in SettlementRun.objects.filter(community=organisation).order_by("month", "version"):
        newest[run.month] = run
    found = []
    for month in sorted(newest, reverse=True)[:_SHOWN]:
        run = newest[month]
        points = StatementRecord.objects.filter(run=run).count()
        if points < FEWEST_MEMBERS:
            continue
        flows: dict[str, int] = run.totals["flows"]
        found.append(
            CommunityMonth(
                month=Month.parse(month),
                points=points,
                taken_wh=flows["taken_wh"],
                given_wh=flows["given_wh"],
                exchanged_wh=flows["community_in_wh"],
                pool_wh=flows["pool_wh"],
                grid_wh=flows["grid_wh"],
                surplus_wh=flows["surplus_wh"],
            )
        )
    return tuple(found)


@lru_cache(maxsize=64)
def _days(run_id: int, digest: str, month: str) -> dict[str, NDArray[np.int64]] | None:  # noqa: ARG001 -- part of the key
    """The flows of all points together by local day; a run (named by its digest) is never changed, so they are kept."""
    grid = grid_of_month(Month.parse(month), slot_s=HOUR_S)
    sums = {name: np.zeros(grid.hours, dtype=np.int64) for name in ("taken", "given", "community_in")}
    points = 0
    for packed in StatementRecord.objects.filter(run_id=run_id).values_list("flows", flat=True).iterator():
        flows = unpack_flows(bytes(packed))
        points += 1
        for name in sums:
            sums[name] += flows[name]
    if points < FEWEST_MEMBERS:
        return None
    return {name: np.add.reduceat(values, grid.day_offsets[:-1]) for name, values in sums.items()}
