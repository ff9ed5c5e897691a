"""Virtual channels: a formula of signed channels and sets tried on a month's data, slot by slot; nothing is kept."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np

from ogniwo.core.kernel.calendar import HOUR_S, Month
from ogniwo.core.kernel.quality import QUALITY_WORDS, Quality
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.metering.intervals import hourly_series
from ogniwo.core.metering.model import IntervalSeries, is_channel
from ogniwo.core.metering.sets import ChannelKey, ComputingSet, SetMember, evaluate_set, expand_set
from ogniwo.records.parties.models import Organisation
from ogniwo.records.visibility import Subject
from ogniwo.services.metering.balance import list_sets
from ogniwo.services.metering.quality import visible_points
from ogniwo.services.workspace.model import Workspace

_NAME: Final = "[formula]"
"""What is tried, among the kept sets: no name of theirs has brackets."""
_TERM: Final = re.compile(r"\s*([+-])\s*(?:(\d{18})\s+(\S+)|\[([^\]]{1,100})\])")
_TERMS_MAX: Final = 200


class BadFormulaError(Refusal):
    """A formula is none: `+ POINT CHANNEL - POINT CHANNEL + [SET]`, signs before every term."""

    code = "formula.not_understood"


@dataclass(frozen=True, slots=True, kw_only=True)
class FormulaSlot:
    """One slot: the signed sum in Wh, None when a member has no value there, and those members (point, channel)."""

    start_epoch_s: int
    wh: int | None
    quality: str
    missing: tuple[ChannelKey, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TriedFormula:
    """A formula on a month: its channels with how often each counts, the sum, and the slots of one day.

    `absent` channels have nothing stored in the month: then there is no sum at all. `raised_to_hours` says that the
    members lie on different rasters and were summed to hours.
    """

    terms: tuple[tuple[ChannelKey, int], ...]
    absent: tuple[ChannelKey, ...]
    slot_s: int
    raised_to_hours: bool
    total_wh: int
    slots: int
    missing_slots: int
    day: tuple[FormulaSlot, ...]


def formula_text(value: ComputingSet) -> str:
    """A set as the formula that one would type."""
    return " ".join(
        f"{'+' if one.sign > 0 else '-'} " + (f"[{one.set_name}]" if one.set_name else f"{one.point} {one.channel}")
        for one in value.members
    )


def parse_formula(text: str) -> tuple[SetMember, ...]:
    """Read `+ POINT CHANNEL - [SET] ...`; a first plus may be left out. Raises BadFormulaError."""
    rest = text.strip()
    rest = rest if rest[:1] in {"+", "-"} else f"+ {rest}"
    members: list[SetMember] = []
    while rest:
        match = _TERM.match(rest)
        if match is None or (match[3] and not is_channel(match[3])):
            raise BadFormulaError(
                detail=f"not understood from {rest[:40]!r} on; write: + POINT CHANNEL - POINT CHANNEL"
            )
        sign = 1 if match[1] == "+" else -1
        if match[4]:
            members.append(SetMember(sign=sign, set_name=match[4]))
        else:
            members.append(SetMember(sign=sign, point=match[2], channel=match[3]))
        rest = rest[match.end() :].strip()
        if len(members) > _TERMS_MAX:
            raise BadFormulaError(detail=f"a formula has at most {_TERMS_MAX} terms")
    return tuple(members)


def try_formula(
    workspace: Workspace,
    *,
    organisation: Organisation,
    subject: Subject,
    members: tuple[SetMember, ...],
    month: Month,
    day: date,
) -> TriedFormula:
    """Evaluate a formula over a month with the slots of one of its days.

    Raises BadFormulaError for a point out of sight, UnknownMemberError and CyclicSetError.
    """
    known = {one.name: one for one in list_sets(organisation=organisation)}
    sets = {**known, _NAME: ComputingSet(name=_NAME, members=members)}
    counts = expand_set(_NAME, sets=sets)
    seen = {point.code for point in visible_points(organisation=organisation, subject=subject)}
    strange = sorted({point for point, _ in counts} - seen)
    if strange:
        raise BadFormulaError(detail=f"{organisation.code} has no point {strange[0]}")
    series = {
        key: found
        for key in counts
        if (found := workspace.series.read(point=key[0], channel=key[1], month=month)) is not None
    }
    terms = tuple(sorted(counts.items()))
    absent = tuple(sorted(key for key in counts if key not in series))
    if absent:
        return TriedFormula(
            terms=terms, absent=absent, slot_s=0, raised_to_hours=False, total_wh=0, slots=0, missing_slots=0, day=()
        )
    mixed = len({one.grid.slot_s for one in series.values()}) > 1
    laid = {key: hourly_series(one) if mixed else one for key, one in series.items()}
    total = evaluate_set(_NAME, sets=sets, series=laid, channel="set")
    return TriedFormula(
        terms=terms,
        absent=(),
        slot_s=total.grid.slot_s,
        raised_to_hours=mixed and total.grid.slot_s == HOUR_S,
        total_wh=total.present_total_wh,
        slots=total.grid.slots,
        missing_slots=int(total.missing.sum()),
        day=_slots(total, laid, day, month),
    )


def _slots(
    total: IntervalSeries, series: Mapping[ChannelKey, IntervalSeries], day: date, month: Month
) -> tuple[FormulaSlot, ...]:
    if (day.year, day.month) != (month.year, month.month):
        return ()
    cut = range(int(total.grid.day_offsets[day.day - 1]), int(total.grid.day_offsets[day.day]))
    gone = {key: np.flatnonzero(one.missing) for key, one in series.items()}
    holes = {key: set(places.tolist()) for key, places in gone.items() if len(places)}
    return tuple(
        FormulaSlot(
            start_epoch_s=int(total.grid.start_epoch_s[place]),
            wh=None if total.missing[place] else int(total.wh[place]),
            quality=QUALITY_WORDS[Quality(int(total.quality[place]))],
            missing=tuple(sorted(key for key, places in holes.items() if place in places)),
        )
        for place in cut
    )
