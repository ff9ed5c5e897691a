"""What stays with members when a used month is settled again, and the shortage that goes to the next months."""

from dataclasses import dataclass
from typing import Any

import msgspec

from ogniwo.core.kernel.calendar import Month
from ogniwo.core.kernel.ids import sha256_hex
from ogniwo.core.settlement.cooperative import CooperativeMonth
from ogniwo.core.settlement.kept import Corrections
from ogniwo.core.settlement.model import Statement
from ogniwo.records.billing.models import InvoiceRecord
from ogniwo.records.ledger.models import Commitment
from ogniwo.records.parties.models import Organisation
from ogniwo.records.settlement.models import CommunityRules, SettlementRun


@dataclass(frozen=True, slots=True, kw_only=True)
class UsedBefore:
    """The newest version of a month that was billed or posted: Wh of community and pool by point. Version 0: none."""

    version: int = 0
    wh: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptPoint:
    """A point in a month settled again: used before, what it would get now, what it got; Wh of the pool."""

    point: str
    used_wh: int
    usual_wh: int
    got_wh: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CarriedMonth:
    """The shortage over one month: carried in, advanced, withheld, carried on; Wh. `used` names the version kept."""

    month: Month
    version: int
    carried_wh: int
    advanced_wh: int
    withheld_wh: int
    used: int
    points: tuple[KeptPoint, ...]

    @property
    def carried_on_wh(self) -> int:
        """What the next months have to make good; below zero what they give back."""
        return self.carried_wh + self.advanced_wh - self.withheld_wh


def used_before(*, community: Organisation, month: Month, rules: CommunityRules) -> UsedBefore:
    """What must stay with the members under the rules of the month: nothing where corrections share anew."""
    if rules.corrections != Corrections.KEEP.value:
        return UsedBefore()
    for run in community.runs.filter(month=str(month)).order_by("-version"):
        if InvoiceRecord.objects.filter(run=run).exists() or _posted(run):
            documents = run.statements.order_by("point__code").values_list("document", flat=True)
            statements = [msgspec.json.decode(one, type=Statement) for one in documents]
            flows = ((one.point, one.flows.community_in_wh + one.flows.pool_wh) for one in statements)
            return UsedBefore(version=run.version, wh=tuple(flows))
    return UsedBefore()


def _posted(run: SettlementRun) -> bool:
    return Commitment.objects.filter(kind="allocation", natural_id=run.allocation_name).exists()


def carried_into(*, community: Organisation, month: Month) -> int:
    """The shortage before a month, in Wh: all that the newest versions of earlier months advanced and did not withhold.

    Summed over all of them and not read from the month before: a month that is settled again after later ones were
    closed still counts in whole.
    """
    newest = _newest(community, before=month)
    return sum(_wh(run, "advanced_wh") - _wh(run, "withheld_wh") for run in newest.values())


def carried_months(*, community: Organisation) -> tuple[CarriedMonth, ...]:
    """How the shortage went from month to month, in the newest versions."""
    carried, found = 0, []
    for month, run in sorted(_newest(community).items()):
        kept = run.totals.get("kept", {})
        row = CarriedMonth(
            month=Month.parse(month),
            version=run.version,
            carried_wh=carried,
            advanced_wh=_wh(run, "advanced_wh"),
            withheld_wh=_wh(run, "withheld_wh"),
            used=kept.get("version", 0),
            points=tuple(KeptPoint(point=code, **values) for code, values in sorted(kept.get("points", {}).items())),
        )
        carried = row.carried_on_wh
        found.append(row)
    return tuple(found)


def named_carrying(cooperative: CooperativeMonth, *, carried_wh: int) -> dict[str, str]:
    """What of it decides the numbers, by name: nothing where no shortage is carried and nobody kept anything.

    What was kept is named by the parts that came of it, so that closing again what was billed meanwhile is no change.
    """
    named = {"carried_wh": str(carried_wh)} if carried_wh else {}
    parts = tuple(cooperative.from_pool.sum(axis=1).tolist())
    if parts != cooperative.usual_parts:
        named["kept_parts"] = sha256_hex(msgspec.json.encode(parts))
    return named


def carrying_totals(cooperative: CooperativeMonth, used: UsedBefore) -> dict[str, Any]:
    """What a run keeps of it: Wh advanced and withheld, and each point whose part is another than usual."""
    parts = cooperative.from_pool.sum(axis=1).tolist()
    exchanged = dict(zip(cooperative.ids, cooperative.community_in.sum(axis=1).tolist(), strict=True))
    before = dict(used.wh)
    points = {
        one: {"used_wh": max(0, before.get(one, 0) - exchanged[one]), "usual_wh": usual, "got_wh": got}
        for one, usual, got in zip(cooperative.ids, cooperative.usual_parts, parts, strict=True)
        if usual != got
    }
    if not (points or cooperative.advanced_wh or cooperative.withheld_wh):
        return {}
    kept = {"kept": {"version": used.version, "points": points}} if points else {}
    return {"advanced_wh": cooperative.advanced_wh, "withheld_wh": cooperative.withheld_wh, **kept}


def _newest(community: Organisation, before: Month | None = None) -> dict[str, SettlementRun]:
    runs = community.runs.defer("inputs", "pool").order_by("month", "version")
    if before is not None:
        runs = runs.filter(month__lt=str(before))
    return {run.month: run for run in runs}


def _wh(run: SettlementRun, name: str) -> int:
    return int(run.totals.get(name, 0))
