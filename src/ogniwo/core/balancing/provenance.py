"""Where the energy that comes out of a storage came from: lots by source, first in first out, losses shown.

Rules, formula and a worked example: docs/storage.md. The energy of an interval is what the settlement says of it, so
what a storage took from the community has left the givers once and is shared again only when it comes out.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from enum import StrEnum

from ogniwo.core.balancing.model import WhMatrix
from ogniwo.core.kernel.findings import Finding, Severity
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.kernel.rounding import split_largest_remainder

_ANY_STORAGE = "storage"


class StorageTermsError(Refusal):
    """What is declared of a storage is impossible: its efficiency or its capacity."""

    code = "storage.terms"


class Origin(StrEnum):
    """What kind of energy a lot is; only RENEWABLE counts as the community's own when it comes out."""

    RENEWABLE = "renewable"
    OTHER = "other"
    GRID = "grid"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, order=True)
class Source:
    """Where energy began: a kind and, for energy of the community, the point that fed it in."""

    origin: Origin
    point: str = ""

    @property
    def name(self) -> str:
        """A stable name; it decides ties."""
        return f"{self.origin}/{self.point}"


GRID = Source(Origin.GRID)
UNKNOWN = Source(Origin.UNKNOWN)


@dataclass(frozen=True, slots=True, order=True)
class Lot:
    """Energy of one source that a storage took in one interval and that has not come out: Wh as charged."""

    start_epoch_s: int
    source: Source
    wh: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageTerms:
    """What is declared of a storage: of 1000 Wh charged `efficiency_permille` Wh come out.

    `capacity_wh` is what it can deliver when full, 0 when not declared.
    """

    point: str
    efficiency_permille: int
    capacity_wh: int = 0

    def __post_init__(self) -> None:
        if not 1 <= self.efficiency_permille <= 1000:
            raise StorageTermsError(
                detail=f"{self.point}: an efficiency of {self.efficiency_permille} per mille is not from 1 to 1000"
            )
        if self.capacity_wh < 0:
            raise StorageTermsError(detail=f"{self.point}: a capacity of {self.capacity_wh} Wh is below zero")


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageState:
    """What a storage carries from one month to the next: its lots, and the part of a Wh not yet taken from them.

    `remainder` is in 1/efficiency Wh: (discharged x 1000) modulo the efficiency, over all discharges so far.
    """

    point: str
    lots: tuple[Lot, ...] = ()
    remainder: int = 0


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class CommunityEnergy:
    """The settled energy of a community; matrices are int64 Wh of (points, intervals), complete.

    For every point and interval either `taken` or `given` is zero, `community_in` <= `taken`, `community_out` <=
    `given`; in every interval the sums of the two are equal.
    """

    ids: tuple[str, ...]
    start_epoch_s: Sequence[int]
    taken: WhMatrix
    given: WhMatrix
    community_in: WhMatrix
    community_out: WhMatrix

    def __post_init__(self) -> None:
        shape = (len(self.ids), len(self.start_epoch_s))
        matrices = (self.taken, self.given, self.community_in, self.community_out)
        if any(matrix.shape != shape for matrix in matrices) or len(set(self.ids)) != len(self.ids):
            raise ValueError(f"the energy does not fit {shape[0]} points and {shape[1]} intervals")
        if ((self.taken > 0) & (self.given > 0)).any():
            raise ValueError("a point both takes and gives in an interval: net it first")
        if (self.community_in > self.taken).any() or (self.community_out > self.given).any():
            raise ValueError("more was exchanged than taken or given")
        if (self.community_in.sum(axis=0) != self.community_out.sum(axis=0)).any():
            raise ValueError("the energy exchanged does not add up")


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """What one storage did with energy of one source in one interval, Wh.

    `charged_wh` went in, `moved_wh` of it out of another storage. `out_wh` came out, `shared_wh` of it to members in
    that interval, and `lost_wh` left the lots beside it. `unrecorded_wh` came out although no lot was left.
    """

    storage: str
    start_epoch_s: int
    source: Source
    charged_wh: int = 0
    moved_wh: int = 0
    unrecorded_wh: int = 0
    out_wh: int = 0
    shared_wh: int = 0
    lost_wh: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceTotals:
    """A period of one storage and source, Wh: carried + charged + unrecorded = out + lost + stored."""

    storage: str
    source: Source
    carried_wh: int = 0
    charged_wh: int = 0
    moved_wh: int = 0
    unrecorded_wh: int = 0
    out_wh: int = 0
    shared_wh: int = 0
    lost_wh: int = 0
    stored_wh: int = 0

    @property
    def adds_up(self) -> bool:
        """Whether what went in is what came out, was lost, or is still there."""
        return self.carried_wh + self.charged_wh + self.unrecorded_wh == self.out_wh + self.lost_wh + self.stored_wh


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """A period of all storages of a community.

    `received` is what each point that is no storage got out of storages, by kind, with its ids in order.
    `exchanged_wh` is what the settlement counts as passed between members; `direct_wh` of it went from a member
    straight to a use, `into_storages_wh` into storages, the rest came out of them. `shared_wh` counts each Wh once:
    the direct energy and what came out of storages and is RENEWABLE.
    """

    totals: tuple[SourceTotals, ...]
    movements: tuple[Movement, ...]
    states: tuple[StorageState, ...]
    received: tuple[tuple[str, dict[Origin, int]], ...]
    exchanged_wh: int
    into_storages_wh: int
    direct_wh: int
    findings: tuple[Finding, ...]

    @property
    def received_wh(self) -> dict[Origin, int]:
        """What points that are no storage got out of storages, by kind."""
        return {origin: sum(parts.get(origin, 0) for _, parts in self.received) for origin in Origin}

    @property
    def shared_wh(self) -> int:
        """Energy of the community used by its members, each Wh once."""
        return self.direct_wh + self.received_wh[Origin.RENEWABLE]


def trace(
    energy: CommunityEnergy,
    *,
    storages: Sequence[StorageTerms],
    states: Sequence[StorageState],
    origins: Mapping[str, Origin],
) -> Provenance:
    """Follow the energy through the storages of a community, interval by interval.

    Args:
        energy: What the settlement says of every point and interval.
        storages: The points that are storages, each among `energy.ids`.
        states: What storages carry from the period before; a storage without one begins empty.
        origins: RENEWABLE or OTHER for each point that may feed in; a point not named is OTHER.

    The result depends on the ids and not on the order of rows. Periods chain: the `states` of one are those of the
    next, and two halves give the same lots as the whole.
    """
    rows = {point: row for row, point in enumerate(energy.ids)}
    carried = {state.point: state for state in states}
    books = {
        terms.point: _Book(terms, carried.get(terms.point, StorageState(point=terms.point)))
        for terms in sorted(storages, key=lambda one: one.point)
    }
    if len(books) != len(storages) or not books.keys() <= rows.keys():
        raise ValueError("a storage is named twice or has no energy")
    received: dict[str, Counter[Origin]] = {}
    movements = [
        movement
        for column in _busy_columns(energy, [rows[point] for point in books])
        for movement in _Interval(energy, column, rows, books, origins).run(received)
    ]
    storage_rows = [rows[point] for point in books]
    exchanged, into = int(energy.community_in.sum()), int(energy.community_in[storage_rows].sum())
    return Provenance(
        totals=_totals(books, movements),
        movements=tuple(movements),
        states=tuple(book.state() for book in books.values()),
        received=tuple((point, dict(received[point])) for point in sorted(received)),
        exchanged_wh=exchanged,
        into_storages_wh=into,
        direct_wh=exchanged - into - sum(sum(parts.values()) for parts in received.values()),
        findings=tuple(finding for book in books.values() for finding in book.findings()),
    )


def _busy_columns(energy: CommunityEnergy, storage_rows: list[int]) -> list[int]:
    used = (energy.taken[storage_rows] + energy.given[storage_rows]).sum(axis=0).tolist()
    return [column for column, wh in enumerate(used) if wh]


@dataclass(slots=True)
class _Out:
    """What a discharge brought out, by source: Wh out, and Wh lost beside it."""

    out: dict[Source, int]
    lost: dict[Source, int]
    unrecorded_wh: int


class _Book:
    """The lots of one storage while a period is followed, oldest first; energy of one interval is one lot."""

    def __init__(self, terms: StorageTerms, state: StorageState) -> None:
        self.terms = terms
        self.opening = state.lots
        self.lots: list[tuple[int, dict[Source, int]]] = []
        for lot in sorted(state.lots):
            self.charge(lot.start_epoch_s, {lot.source: lot.wh})
        # An efficiency that is declared anew has another unit: the part of a Wh is cut to what it can hold.
        self.remainder = min(state.remainder, terms.efficiency_permille - 1)
        self.unrecorded: list[tuple[int, int]] = []
        self.highest_wh = self.stored_wh

    @property
    def stored_wh(self) -> int:
        return sum(sum(parts.values()) for _, parts in self.lots)

    def charge(self, start_epoch_s: int, parts: Mapping[Source, int]) -> None:
        if not self.lots or self.lots[-1][0] != start_epoch_s:
            self.lots.append((start_epoch_s, {}))
        latest = self.lots[-1][1]
        for source, wh in parts.items():
            if wh:
                latest[source] = latest.get(source, 0) + wh

    def fill(self, start_epoch_s: int, parts: Mapping[Source, int]) -> None:
        self.charge(start_epoch_s, parts)
        self.highest_wh = max(self.highest_wh, self.stored_wh)

    def discharge(self, start_epoch_s: int, out_wh: int) -> _Out:
        """Take out_wh / efficiency from the oldest lots: what is beside out_wh is lost, what no lot covers unknown."""
        efficiency, stored = self.terms.efficiency_permille, self.stored_wh
        covered = out_wh
        if (self.remainder + 1000 * out_wh) // efficiency > stored:
            # The most that is stored for: the largest d with (remainder + 1000 d) // efficiency <= stored.
            covered = ((stored + 1) * efficiency - 1 - self.remainder) // 1000
        used_wh, self.remainder = divmod(self.remainder + 1000 * covered, efficiency)
        used = self._draw(used_wh)
        sources = sorted(used)
        names = [source.name for source in sources]
        weights = [used[source] for source in sources]
        parts = split_largest_remainder(total=covered, weights=weights, ids=names) if sources else ()
        out = dict(zip(sources, parts, strict=True))
        lost = {source: used[source] - out[source] for source in sources}
        if covered < out_wh:
            out[UNKNOWN] = out.get(UNKNOWN, 0) + out_wh - covered
            self.unrecorded.append((start_epoch_s, out_wh - covered))
        return _Out(out=out, lost=lost, unrecorded_wh=out_wh - covered)

    def _draw(self, wanted_wh: int) -> dict[Source, int]:
        """Wh as charged from the oldest lots; of a lot that is not used up, each source gives in proportion."""
        drawn: Counter[Source] = Counter()
        while wanted_wh:
            start, parts = self.lots.pop(0)
            whole = sum(parts.values())
            if whole <= wanted_wh:
                drawn.update(parts)
                wanted_wh -= whole
                continue
            sources = sorted(parts)
            used = split_largest_remainder(
                total=wanted_wh, weights=[parts[one] for one in sources], ids=[one.name for one in sources]
            )
            drawn.update(dict(zip(sources, used, strict=True)))
            left = {one: parts[one] - wh for one, wh in zip(sources, used, strict=True) if parts[one] > wh}
            self.lots.insert(0, (start, left))
            wanted_wh = 0
        return {source: wh for source, wh in drawn.items() if wh}

    def state(self) -> StorageState:
        lots = (Lot(start, source, wh) for start, parts in self.lots for source, wh in sorted(parts.items()))
        return StorageState(point=self.terms.point, lots=tuple(lots), remainder=self.remainder)

    def findings(self) -> Iterator[Finding]:
        point = self.terms.point
        if self.unrecorded:
            missing = sum(wh for _, wh in self.unrecorded)
            yield Finding(
                code="storage.more_out_than_stored",
                severity=Severity.WARNING,
                message=f"{point}: {missing} Wh came out in {len(self.unrecorded)} intervals although nothing was left "
                "of what went in; their origin is unknown",
                point=point,
                start_epoch_s=self.unrecorded[0][0],
                facts=(("intervals", str(len(self.unrecorded))), ("wh", str(missing))),
            )
        deliverable = self.highest_wh * self.terms.efficiency_permille // 1000
        if 0 < self.terms.capacity_wh < deliverable:
            yield Finding(
                code="storage.over_capacity",
                severity=Severity.WARNING,
                message=f"{point}: by its lots {deliverable} Wh could come out, more than the {self.terms.capacity_wh} "
                "Wh it can hold; its efficiency is lower than declared, or readings are wrong",
                point=point,
                facts=(("capacity_wh", str(self.terms.capacity_wh)), ("deliverable_wh", str(deliverable))),
            )


class _Interval:
    """One interval: storages that give first, then those that take, then everybody else."""

    def __init__(
        self,
        energy: CommunityEnergy,
        column: int,
        rows: Mapping[str, int],
        books: Mapping[str, _Book],
        origins: Mapping[str, Origin],
    ) -> None:
        self.start = int(energy.start_epoch_s[column])
        self.rows, self.books, self.origins = rows, books, origins
        self.taken, self.given, self.community_in, self.community_out = (
            matrix[:, column].tolist()
            for matrix in (energy.taken, energy.given, energy.community_in, energy.community_out)
        )
        self.moves: dict[tuple[str, Source], Counter[str]] = {}

    def run(self, received: dict[str, Counter[Origin]]) -> list[Movement]:
        """The movements of the interval; adds to `received` what points that are no storage got out of storages."""
        offers = self._offers()
        for point, book in self.books.items():
            taken = self.taken[self.rows[point]]
            if not taken:
                continue
            drawn = _take(offers, self.community_in[self.rows[point]])
            parts: Counter[Source] = Counter({GRID: taken - sum(drawn.values())})
            for (giver, source), wh in drawn.items():
                parts[source] += wh
                self._note(point, source, "moved_wh", wh if giver else 0)
            for source, wh in parts.items():
                self._note(point, source, "charged_wh", wh)
            book.fill(self.start, parts)
        self._serve_others(offers, received)
        return [
            Movement(storage=storage, start_epoch_s=self.start, source=source, **numbers)
            for (storage, source), numbers in sorted(self.moves.items())
            if any(numbers.values())
        ]

    def _note(self, storage: str, source: Source, name: str, wh: int) -> None:
        self.moves.setdefault((storage, source), Counter())[name] += wh

    def _offers(self) -> dict[tuple[str, Source], int]:
        """What is exchanged in the interval: (storage or "", source) to Wh; storages give what they discharge."""
        offers: dict[tuple[str, Source], int] = {}
        for point, book in self.books.items():
            given = self.given[self.rows[point]]
            if not given:
                continue
            found = book.discharge(self.start, given)
            sources = sorted(found.out)
            shared = split_largest_remainder(
                total=self.community_out[self.rows[point]],
                weights=[found.out[source] for source in sources],
                ids=[source.name for source in sources],
            )
            for source, shared_wh in zip(sources, shared, strict=True):
                offers[point, source] = shared_wh
                self._note(point, source, "out_wh", found.out[source])
                self._note(point, source, "shared_wh", shared_wh)
                self._note(point, source, "lost_wh", found.lost.get(source, 0))
            self._note(point, UNKNOWN, "unrecorded_wh", found.unrecorded_wh)
        for point, row in self.rows.items():
            if point not in self.books and self.community_out[row]:
                offers["", Source(self.origins.get(point, Origin.OTHER), point)] = self.community_out[row]
        return offers

    def _serve_others(self, offers: dict[tuple[str, Source], int], received: dict[str, Counter[Origin]]) -> None:
        left: dict[tuple[str, Source], int] = {}
        for (giver, source), wh in offers.items():
            # Which member or storage it was does not matter to those who use it: only the kind.
            place = (_ANY_STORAGE, Source(source.origin)) if giver else ("", Source(Origin.OTHER))
            left[place] = left.get(place, 0) + wh
        if not any(giver for giver, _ in left):
            return
        for point in sorted(self.rows):
            taken = self.community_in[self.rows[point]]
            if point in self.books or not taken:
                continue
            for (giver, source), wh in _take(left, taken).items():
                if giver and wh:
                    received.setdefault(point, Counter())[source.origin] += wh


def _take(offers: dict[tuple[str, Source], int], wanted_wh: int) -> dict[tuple[str, Source], int]:
    """Take from all offers in proportion to what is left of them, and lower them by it."""
    places = sorted(offers)
    if not wanted_wh:
        return {}
    parts = split_largest_remainder(
        total=wanted_wh,
        weights=[offers[place] for place in places],
        ids=[f"{giver}/{source.name}" for giver, source in places],
    )
    for place, part in zip(places, parts, strict=True):
        offers[place] -= part
    return dict(zip(places, parts, strict=True))


def _totals(books: Mapping[str, _Book], movements: Sequence[Movement]) -> tuple[SourceTotals, ...]:
    sums: dict[tuple[str, Source], Counter[str]] = {}
    names = [field.name for field in fields(Movement) if field.name.endswith("_wh")]
    for movement in movements:
        row = sums.setdefault((movement.storage, movement.source), Counter())
        row.update({name: getattr(movement, name) for name in names})
    for point, book in books.items():
        for name, lots in (("carried_wh", book.opening), ("stored_wh", book.state().lots)):
            for lot in lots:
                sums.setdefault((point, lot.source), Counter())[name] += lot.wh
    return tuple(
        SourceTotals(storage=storage, source=source, **numbers) for (storage, source), numbers in sorted(sums.items())
    )
