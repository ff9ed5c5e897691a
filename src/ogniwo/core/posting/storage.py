"""The account of a month's storages as a canonical document, a member's part of it, and the hours behind both."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from ogniwo.core.balancing.provenance import Movement, Origin, Provenance, SourceTotals, StorageState, StorageTerms
from ogniwo.core.billing.canonical import Json, document_digest
from ogniwo.core.kernel.calendar import Month, local_day
from ogniwo.core.kernel.ids import sha256_hex

RULE_VERSION: Final = "storage-provenance/1"
"""Changes when the same inputs would give other numbers."""

RENEWABLE_SOURCES: Final = frozenset({"pv", "solar", "wind", "water", "hydro", "biogas", "biomass", "geothermal"})
"""What the `source` of a metering point says when its energy is renewable (act on renewable sources, art. 2 pt 22)."""

_ENERGIES: Final = (
    "carried_wh",
    "charged_wh",
    "moved_wh",
    "unrecorded_wh",
    "out_wh",
    "shared_wh",
    "lost_wh",
    "stored_wh",
)

_DAY_ENERGIES: Final = ("charged_wh", "out_wh", "lost_wh")


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageInputs:
    """What an account is made from, besides the settled hours.

    `members` gives the member of each point, `sources` what the points that gave energy generate with ("" not stated).
    `run_version` and `run_digest` name the settlement, `before_digest` the account of the month before ("" for none).
    """

    community: str
    month: Month
    run_version: int
    run_digest: str
    before_digest: str
    terms: tuple[StorageTerms, ...]
    states: tuple[StorageState, ...]
    members: Mapping[str, str]
    sources: Mapping[str, str]

    @property
    def origins(self) -> dict[str, Origin]:
        """Whether the energy of each giving point is renewable."""
        return {
            point: Origin.RENEWABLE if source in RENEWABLE_SOURCES else Origin.OTHER
            for point, source in self.sources.items()
        }

    @property
    def digest(self) -> str:
        """The name of everything that decides the numbers."""
        return document_digest(
            {
                "rule": RULE_VERSION,
                "community": self.community,
                "month": str(self.month),
                "run": [self.run_version, self.run_digest],
                "before": self.before_digest,
                "terms": [[one.point, one.efficiency_permille, one.capacity_wh] for one in self.terms],
                "sources": [list(pair) for pair in sorted(self.sources.items())],
            }
        )


def storage_document(inputs: StorageInputs, found: Provenance, *, version: int) -> dict[str, Json]:
    """The account of a month: `ogniwo.storage/1`, energies in Wh; the meaning of each field is in docs/storage.md."""
    received = found.received_wh
    return {
        "schema": "ogniwo.storage/1",
        "rule": RULE_VERSION,
        "community": inputs.community,
        "month": str(inputs.month),
        "version": version,
        "settlement": {"version": inputs.run_version, "inputs_digest": inputs.run_digest},
        "before": inputs.before_digest,
        "storages": [_storage_row(terms, inputs, found) for terms in inputs.terms],
        "sources": [
            {
                "point": point,
                "member": inputs.members[point],
                "source": inputs.sources[point],
                "origin": str(inputs.origins[point]),
            }
            for point in sorted(inputs.sources)
        ],
        "rows": [_row(total, inputs.members) for total in found.totals],
        "received": [
            {"point": point, "member": inputs.members[point], **_by_origin(parts)} for point, parts in found.received
        ],
        "lots": [
            {
                "storage": state.point,
                "start": lot.start_epoch_s,
                "origin": str(lot.source.origin),
                "point": lot.source.point,
                "wh": lot.wh,
            }
            for state in found.states
            for lot in state.lots
        ],
        "days": _days(found.movements),
        "totals": {
            "exchanged_wh": found.exchanged_wh,
            "into_storages_wh": found.into_storages_wh,
            "direct_wh": found.direct_wh,
            "shared_wh": found.shared_wh,
            **_by_origin(received),
        },
        "movements": {
            "rows": len(found.movements),
            "sha256": sha256_hex("".join(movement_lines(found.movements)).encode()),
        },
    }


def _days(movements: Sequence[Movement]) -> list[Json]:
    """What all storages took, gave and lost on each local day, by origin."""
    sums: dict[tuple[str, Origin], Counter[str]] = {}
    for one in movements:
        place = (local_day(one.start_epoch_s).isoformat(), one.source.origin)
        sums.setdefault(place, Counter()).update({name: getattr(one, name) for name in _DAY_ENERGIES})
    return [{"day": day, "origin": str(origin), **numbers} for (day, origin), numbers in sorted(sums.items())]


def _storage_row(terms: StorageTerms, inputs: StorageInputs, found: Provenance) -> dict[str, Json]:
    remainders = [
        next((state.remainder for state in states if state.point == terms.point), 0)
        for states in (inputs.states, found.states)
    ]
    sums = {
        name: sum(getattr(total, name) for total in found.totals if total.storage == terms.point) for name in _ENERGIES
    }
    return {
        "point": terms.point,
        "member": inputs.members[terms.point],
        "efficiency_permille": terms.efficiency_permille,
        "capacity_wh": terms.capacity_wh,
        "remainder_before": remainders[0],
        "remainder": remainders[1],
        **sums,
    }


def _row(total: SourceTotals, members: Mapping[str, str]) -> dict[str, Json]:
    point = total.source.point
    return {
        "storage": total.storage,
        "origin": str(total.source.origin),
        "point": point,
        # Energy of a month before may be of a point that has left since: it keeps its point, its member is elsewhere.
        "member": members.get(point, ""),
        "own": bool(point) and members.get(point, "") == members[total.storage],
        **{name: getattr(total, name) for name in _ENERGIES},
    }


def _by_origin(parts: Mapping[Origin, int]) -> dict[str, Json]:
    return {f"{origin}_wh": parts.get(origin, 0) for origin in Origin}


def movement_lines(movements: Sequence[Movement]) -> Iterator[str]:
    """The hours as CSV with a header, starts in UTC, energies in Wh; the document names the SHA-256 of these bytes."""
    names = [name for name in _ENERGIES if name not in {"carried_wh", "stored_wh"}]
    yield ",".join(("storage", "start", "origin", "point", *names)) + "\n"
    for one in movements:
        start = datetime.fromtimestamp(one.start_epoch_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        energies = (str(getattr(one, name)) for name in names)
        yield ",".join((one.storage, start, str(one.source.origin), one.source.point, *energies)) + "\n"


def member_part(document: Mapping[str, Any], *, member: str) -> dict[str, Json] | None:
    """A member's part of a month's account: what became of his energy, his own storages, what he got out of storages.

    `ogniwo.storage-part/1`; other members' points are not in it: what his storages took from them stands as sums by
    kind. None for a member whom storages do not concern in that month.
    """
    given = [row for row in document["rows"] if row["member"] == member]
    received = [row for row in document["received"] if row["member"] == member]
    storages = [row for row in document["storages"] if row["member"] == member]
    if not (given or received or storages):
        return None
    return {
        "schema": "ogniwo.storage-part/1",
        "community": document["community"],
        "month": document["month"],
        "version": document["version"],
        "member": member,
        "whole_sha256": document_digest(dict(document)),
        "given": given,
        "received": received,
        "storages": [
            {**storage, "by_origin": _own_storage(document["rows"], str(storage["point"]))} for storage in storages
        ],
    }


def _own_storage(rows: Sequence[Mapping[str, Any]], point: str) -> list[Json]:
    sums: dict[tuple[str, bool], Counter[str]] = {}
    for row in rows:
        if row["storage"] == point:
            sums.setdefault((row["origin"], row["own"]), Counter()).update({name: row[name] for name in _ENERGIES})
    return [{"origin": origin, "own": own, **numbers} for (origin, own), numbers in sorted(sums.items())]


def members_concerned(document: Mapping[str, Any]) -> tuple[str, ...]:
    """The numbers of the members who have a part in a month's account."""
    found = {row["member"] for name in ("rows", "received", "storages") for row in document[name]}
    return tuple(sorted(found - {""}))
