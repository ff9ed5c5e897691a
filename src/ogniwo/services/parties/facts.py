"""Put facts of members, points, meters, contracts and memberships into the register, field by field.

A field that is not named stays. What the register keeps without dates (a name, an address, a point's role) is changed
in place, and the change is told as before and after. What it keeps with dates is never overwritten: another meter,
other terms or another key end the open period and begin a new one on a day.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date
from typing import Any, Final

import msgspec

from ogniwo.core.kernel.calendar import local_day, local_midnight
from ogniwo.core.kernel.ids import is_nip
from ogniwo.core.kernel.periods import epoch_of
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.tariffs.model import PointTerms
from ogniwo.records.contracts.models import Membership, SupplyContractRecord
from ogniwo.records.metering.models import MeteringPoint, MeterInstallation, PointGroup
from ogniwo.records.parties.models import Member, Organisation
from ogniwo.services.contracts.operations import conclude_contract, join_community
from ogniwo.services.parties.operations import (
    Address,
    PointFacts,
    install_meter,
    point_group,
    register_member,
    register_point,
)
from ogniwo.services.parties.registered import end_period

Cells = Mapping[str, str]
_KINDS: Final = {"household": "household", "gospodarstwo": "household", "firm": "firm", "firma": "firm"}
_ROLES: Final = {
    "consumer": "consumer",
    "odbiorca": "consumer",
    "prosumer": "prosumer",
    "prosument": "prosumer",
    "producer": "producer",
    "wytwórca": "producer",
}
_YES: Final = {"yes": True, "tak": True, "1": True, "no": False, "nie": False, "0": False}
_LARGEST: Final = 1_000_000_000
_LENGTHS: Final = {"number": 20, "name": 200, "street": 200, "post_code": 10, "town": 100, "source": 20, "meter": 40}


class BadFactError(Refusal):
    """A value is not of its field: no day, no whole number, no known word, a wrong check digit, too long."""

    code = "members.bad_cell"


class MissingFactError(Refusal):
    """What is to be registered lacks a field without which it cannot be."""

    code = "members.missing"


class ForeignFactError(Refusal):
    """A number or point belongs to somebody else."""

    code = "members.belongs_to_another"


class DateNeededError(Refusal):
    """What is kept with dates differs, and the day from which the new facts hold was not given or is too early."""

    code = "members.date_needed"


@dataclass(frozen=True, slots=True)
class Change:
    """One field of something that is new or changed; `before` is empty where nothing was registered.

    `thing` is a member, point, meter, contract or membership, `about` its number, code or point.
    """

    thing: str
    about: str
    field: str
    before: str
    after: str


@dataclass(slots=True)
class Changes:
    """What became of the facts handed in, and remarks that do not stop them."""

    made: list[Change] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    new_member: bool = False

    def set(self, thing: str, about: str, before: Mapping[str, object], after: Mapping[str, object]) -> None:
        """Note every field that differs."""
        for name, value in after.items():
            old = _shown(before.get(name))
            if old != _shown(value):
                self.made.append(Change(thing, about, name, old, _shown(value)))


def put_facts(organisation: Organisation, cells: Cells, *, clearing: frozenset[str] = frozenset()) -> Changes:
    """Put one row of facts into the register: the member, his point, its meter, contract and membership.

    `clearing` names fields that an empty value clears (a form that shows them all). Raises a Refusal with what is
    wrong; the caller's savepoint takes back what was done before.
    """
    changes = Changes()
    member = _put_member(organisation, cells, clearing, changes)
    about_point = {key for key, value in cells.items() if value and key not in _MEMBER_FIELDS}
    if not cells.get("point"):
        if about_point:
            raise MissingFactError(detail=f"without a metering point (PPE) nothing can be said of {min(about_point)}")
        return changes
    point = _put_point(member, cells, clearing, changes)
    _put_meter(point, cells, changes)
    _put_contract(point, cells, changes)
    _put_membership(organisation, point, cells, changes)
    return changes


_MEMBER_FIELDS: Final = ("number", "name", "kind", "street", "post_code", "town", "nip")
_POINT_FIELDS: Final = ("role", "source", "peak_power_w", "group", "point_street", "point_town")
_TERM_FIELDS: Final = (
    "operator",
    "tariff",
    "offer",
    "contract_power_w",
    "phases",
    "yearly_use_wh",
    "capacity_household",
)
_PART_FIELDS: Final = ("share_key", "merit_rank", "participation_percent")


def _put_member(organisation: Organisation, cells: Cells, clearing: frozenset[str], changes: Changes) -> Member:
    number = _text(cells, "number")
    if not number:
        raise MissingFactError(detail="the member's number is missing")
    facts = _given(cells, _MEMBER_FIELDS[1:], clearing)
    if "kind" in facts:
        facts["kind"] = _word(cells, "kind", _KINDS)
    if facts.get("nip") and not is_nip(str(facts["nip"])):
        raise BadFactError(detail=f"{facts['nip']} is no tax number (NIP): ten digits with a check digit are expected")
    member = Member.objects.filter(number=number).select_related("organisation").first()
    if member is None:
        if not facts.get("name"):
            raise MissingFactError(detail=f"member {number} is not registered yet, so the row needs a name")
        place = {name: str(facts.get(name, "")) for name in ("street", "post_code", "town")}
        member = register_member(
            organisation=organisation,
            number=number,
            name=str(facts["name"]),
            kind=str(facts.get("kind", "household")),
            address=Address(**place),
            nip=str(facts.get("nip", "")),
        )
        changes.new_member = True
        changes.set("member", number, {}, {name: getattr(member, name) for name in _MEMBER_FIELDS[1:]})
        return member
    if member.organisation_id != organisation.pk:
        raise ForeignFactError(detail=f"the number {number} is taken outside {organisation.code}")
    if facts.get("name") == "":
        raise MissingFactError(detail="a member has a name")
    _update(member, facts, ("member", number), changes)
    return member


def _put_point(member: Member, cells: Cells, clearing: frozenset[str], changes: Changes) -> MeteringPoint:
    code = "".join(cells["point"].split())
    facts = _given(cells, _POINT_FIELDS, clearing)
    if "role" in facts:
        facts["role"] = _word(cells, "role", _ROLES)
    if "peak_power_w" in facts:
        facts["peak_power_w"] = _whole(cells, "peak_power_w") or 0
    facts["street"], facts["town"] = facts.pop("point_street", None), facts.pop("point_town", None)
    facts = {name: value for name, value in facts.items() if value is not None}
    point = MeteringPoint.objects.filter(code=code).select_related("member", "organisation", "group").first()
    if point is None:
        if not facts.get("role"):
            raise MissingFactError(detail=f"point {code} is not registered yet, so the row needs its role")
        point = register_point(
            member=member,
            code=code,
            facts=PointFacts(
                role=str(facts["role"]),
                source=str(facts.get("source", "")),
                peak_power_w=int(str(facts.get("peak_power_w", 0))),
            ),
            address=Address(**{name: str(facts.get(name, "")) for name in ("street", "town")}),
            group=str(facts.get("group", "")),
        )
        changes.set("point", code, {}, {"member": member.number, **facts})
        return point
    if point.member_id != member.pk:
        raise ForeignFactError(detail=f"point {code} belongs to another member")
    if "group" in facts:
        name = str(facts.pop("group"))
        group = point_group(point.organisation, name) if name else None
        changes.set("point", code, {"group": _path_of(point.group)}, {"group": name})
        point.group = group
        point.save(update_fields=["group"])
    if facts.get("role", point.role) != point.role:
        changes.remarks.append("a point's role has no date: months that are closed again will use the new one")
    _update(point, facts, ("point", code), changes)
    return point


def _put_meter(point: MeteringPoint, cells: Cells, changes: Changes) -> None:
    serial = _text(cells, "meter")
    asked = [key for key in ("meter_from", "current", "voltage", "digits") if cells.get(key)]
    if not serial:
        if asked:
            raise MissingFactError(detail=f"without a meter nothing can be said of {asked[0]}")
        return
    first = _day(cells, "meter_from")
    there = list(MeterInstallation.objects.filter(point=point).select_related("meter").order_by("valid_from"))
    for one in there:
        open_now = first is None and one.valid_to is None
        if one.meter.serial == serial and (open_now or first == local_day(epoch_of(one.valid_from))):
            _same_ratios(one, cells)
            return
    installed = next((one for one in there if one.valid_to is None), None)
    if first is None:
        raise DateNeededError(detail=f"from which day is meter {serial} at {point.code}?")
    begins = local_midnight(first).astimezone(UTC)
    if installed:
        if begins <= installed.valid_from:
            raise DateNeededError(detail=f"meter {installed.meter.serial} is at {point.code} since a later day")
        end_period(installed, begins, name=f"meter {installed.meter.serial} at {point.code}")
        changes.set("meter", installed.meter.serial, {"to": ""}, {"to": first})
    install_meter(
        point=point,
        serial=serial,
        valid_from=begins,
        current=_ratio(cells, "current"),
        voltage=_ratio(cells, "voltage"),
        digits=_whole(cells, "digits") or 0,
    )
    changes.set("meter", serial, {}, {"from": first, "point": point.code})


def _same_ratios(installed: MeterInstallation, cells: Cells) -> None:
    """Ratios and digits belong to a meter; other ones need a day, which only another installation has."""
    ratio = installed.meter.ratios.order_by("-valid_from").first()
    there = {
        "current": (ratio.current_primary, ratio.current_secondary) if ratio else (1, 1),
        "voltage": (ratio.voltage_primary, ratio.voltage_secondary) if ratio else (1, 1),
        "digits": installed.meter.digits,
    }
    asked = {
        "current": _ratio(cells, "current"),
        "voltage": _ratio(cells, "voltage"),
        "digits": _whole(cells, "digits"),
    }
    for name, value in asked.items():
        if cells.get(name) and value != there[name]:
            raise DateNeededError(
                detail=f"meter {installed.meter.serial} is registered with {name} {_shown(there[name])}; another value "
                "holds from a day: give the day in 'meter from', which ends the old entry"
            )


def _put_contract(point: MeteringPoint, cells: Cells, changes: Changes) -> None:
    given = _terms_given(cells)
    first, end = _day(cells, "contract_from"), _day(cells, "contract_to")
    if not given and first is None and end is None:
        return
    known = SupplyContractRecord.objects.filter(point=point).order_by("-valid_from")
    latest = (known.filter(valid_from=first).first() if first else None) or known.first()
    if latest is None and not ("operator" in given and "group" in given and first):
        raise MissingFactError(detail=f"the first contract of {point.code} needs operator, tariff and contract_from")
    before = dict(latest.terms) if latest else {}
    try:
        terms = msgspec.convert({**before, **given}, PointTerms)
    except msgspec.ValidationError as error:
        raise BadFactError(detail=str(error)) from error
    name = f"contract of {point.code}"
    if latest and (first is None or first == latest.valid_from):
        now = msgspec.to_builtins(terms)
        if any(now[key] != latest.terms.get(key) for key in given):
            raise DateNeededError(
                detail=f"{name}: other terms hold from a day after {latest.valid_from}; give that day"
            )
        if end is not None:
            changes.set("contract", point.code, {"to": latest.valid_to}, {"to": end})
            end_period(latest, end, name=name)
        return
    if first is None:
        raise DateNeededError(detail=f"from which day does the {name} hold?")
    if latest and first < latest.valid_from:
        raise DateNeededError(detail=f"{name}: there is one from {latest.valid_from}; new terms begin later than that")
    if latest and latest.valid_to is None:
        end_period(latest, first, name=name)
        changes.set("contract", f"{point.code}, {latest.valid_from}", {"to": ""}, {"to": first})
    conclude_contract(point=point, terms=terms, valid_from=first, valid_to=end)
    changes.set(
        "contract",
        point.code,
        {key: before.get(key) for key in given},
        {"from": first, **given, **({"to": end} if end else {})},
    )


def _terms_given(cells: Cells) -> dict[str, Any]:
    texts: dict[str, Any] = {key: cells[key] for key in ("operator", "offer", "phases") if cells.get(key)}
    if cells.get("tariff"):
        texts["group"] = cells["tariff"]
    for key in ("contract_power_w", "yearly_use_wh"):
        if cells.get(key):
            texts[key] = _whole(cells, key)
    if cells.get("capacity_household"):
        texts["capacity_household"] = _word(cells, "capacity_household", _YES)
    return texts


def _put_membership(organisation: Organisation, point: MeteringPoint, cells: Cells, changes: Changes) -> None:
    given = {key: _whole(cells, key) for key in _PART_FIELDS if cells.get(key)}
    first, end = _day(cells, "member_from"), _day(cells, "member_to")
    if not given and first is None and end is None:
        return
    name = f"membership of {point.code}"
    known = Membership.objects.filter(point=point, community=organisation).order_by("-valid_from")
    latest = (known.filter(valid_from=first).first() if first else None) or known.first()
    if latest is None and first is None:
        raise DateNeededError(detail=f"from which day does {point.code} take part in {organisation.code}?")
    before = {key: getattr(latest, key) for key in _PART_FIELDS} if latest else {}
    wanted = {"share_key": 1, "merit_rank": 0, "participation_percent": 100, **before, **given}
    if latest and (first is None or first == latest.valid_from):
        if wanted != before:
            raise DateNeededError(detail=f"{name}: another share holds from a day after {latest.valid_from}; give it")
        if end is not None:
            changes.set("membership", point.code, {"to": latest.valid_to}, {"to": end})
            end_period(latest, end, name=name)
        return
    if first is None or (latest and first < latest.valid_from):
        raise DateNeededError(detail=f"{name}: there is one already; a new one begins later than it")
    if latest and latest.valid_to is None:
        if first.day != 1:
            changes.remarks.append("a share that changes inside a month keeps that month from being closed")
        end_period(latest, first, name=name)
        changes.set("membership", f"{point.code}, {latest.valid_from}", {"to": ""}, {"to": first})
    join_community(community=organisation, point=point, valid_from=first, valid_to=end, **wanted)
    changes.set("membership", point.code, before, {"from": first, **given, **({"to": end} if end else {})})


def _update(
    record: Member | MeteringPoint, facts: Mapping[str, object], name: tuple[str, str], changes: Changes
) -> None:
    """Change fields in place and note what they were."""
    differing = {key: value for key, value in facts.items() if getattr(record, key) != value}
    if differing:
        changes.set(*name, {key: getattr(record, key) for key in differing}, differing)
        for key, value in differing.items():
            setattr(record, key, value)
        record.save(update_fields=list(differing))


def _given(cells: Cells, names: tuple[str, ...], clearing: frozenset[str]) -> dict[str, object]:
    return {name: _text(cells, name) for name in names if cells.get(name) or (name in clearing and name in cells)}


def _text(cells: Cells, key: str) -> str:
    text = cells.get(key, "").strip()
    if len(text) > _LENGTHS.get(key, 200):
        raise BadFactError(detail=f"{key}: {text[:40]!r} is longer than {_LENGTHS.get(key, 200)} characters")
    return text


def _word(cells: Cells, key: str, known: Mapping[str, Any]) -> Any:  # noqa: ANN401 -- what the word stands for
    word = cells[key].casefold()
    if word not in known:
        raise BadFactError(detail=f"{key}: {cells[key]!r} is not known; known: {', '.join(known)}")
    return known[word]


def _whole(cells: Cells, key: str) -> int | None:
    text = "".join(cells.get(key, "").split()).replace("_", "")
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and int(text) <= _LARGEST):
        raise BadFactError(detail=f"{key}: {cells[key]!r} is no whole number from 0 to {_LARGEST}")
    return int(text)


def _day(cells: Cells, key: str) -> date | None:
    text = cells.get(key, "").strip()
    if not text:
        return None
    parts = text.split(".")
    try:
        day = date(int(parts[2]), int(parts[1]), int(parts[0])) if len(parts) == 3 else date.fromisoformat(text)
    except ValueError as error:
        raise BadFactError(detail=f"{key}: {text!r} is no day; write 2026-01-31 or 31.01.2026") from error
    if not 2000 <= day.year < 2100:
        raise BadFactError(detail=f"{key}: {text} is not between the years 2000 and 2099")
    return day


def _ratio(cells: Cells, key: str) -> tuple[int, int]:
    text = cells.get(key, "").strip()
    if not text:
        return (1, 1)
    parts = text.replace(":", "/").split("/")
    if len(parts) != 2 or not all(
        part.strip().isascii() and part.strip().isdigit() and int(part) > 0 for part in parts
    ):
        raise BadFactError(detail=f"{key}: {text!r} is no ratio; write 200/5")
    return int(parts[0]), int(parts[1])


def _path_of(group: PointGroup | None) -> str:
    names: list[str] = []
    while group is not None:
        names.insert(0, group.name)
        group = group.parent
    return "/".join(names)


def _shown(value: object) -> str:
    if value is None:
        return ""
    return "/".join(str(one) for one in value) if isinstance(value, tuple) else str(value)


def as_facts(changes: Changes) -> dict[str, Any]:
    """Changes as the audit log keeps them: the same fields before and after."""
    return {
        "before": {f"{one.thing} {one.about}: {one.field}": one.before for one in changes.made},
        "after": {f"{one.thing} {one.about}: {one.field}": one.after for one in changes.made},
    }
