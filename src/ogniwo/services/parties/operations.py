"""Register organisations, members, points and meters.

Registering the same thing again changes nothing; registering it with other facts is refused.
"""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Q

from ogniwo.core.kernel.ids import is_ppe
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.records.metering.models import Meter, MeteringPoint, MeterInstallation, MeterRatio, PointGroup
from ogniwo.records.parties.models import Member, Organisation
from ogniwo.services.parties.registered import end_period, require_same


class BadPointCodeError(Refusal):
    """A metering point code has no valid check digit."""

    code = "point.bad_code"


class SimilarCodeError(Refusal):
    """Two organisations would differ in capital letters only; not every database tells their paths apart."""

    code = "organisation.similar_code"


class EmptyInstallationError(Refusal):
    """A meter would leave a point before it came."""

    code = "point.empty_installation"


class OverlappingInstallationError(Refusal):
    """A point would have two meters, or a meter two points, at one moment."""

    code = "point.two_meters"


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where somebody or something is."""

    street: str = ""
    post_code: str = ""
    town: str = ""


@transaction.atomic
def register_organisation(
    *,
    code: str,
    name: str,
    kind: str,
    parent: Organisation | None = None,
    address: Address | None = None,
    **numbers: str,
) -> Organisation:
    """Register an operator, partner or unit; `numbers` may give nip, krs and account_mask. Raises SimilarCodeError."""
    similar = Organisation.objects.filter(code__iexact=code).exclude(code=code).values_list("code", flat=True).first()
    if similar is not None:
        raise SimilarCodeError(detail=f"{code} differs from {similar} in capital letters only; choose another code")
    place = address or Address()
    path = f"{parent.path if parent else '/'}{code}/"
    facts = {
        "name": name,
        "kind": kind,
        "path": path,
        "street": place.street,
        "post_code": place.post_code,
        "town": place.town,
        **numbers,
    }
    organisation, created = Organisation.objects.get_or_create(code=code, defaults={"parent": parent, **facts})
    if not created:
        require_same(organisation, facts, name=f"organisation {code}")
    return organisation


@transaction.atomic
def register_member(
    *, organisation: Organisation, number: str, name: str, kind: str, address: Address | None = None, nip: str = ""
) -> Member:
    """Register a member of an organisation."""
    place = address or Address()
    facts = {
        "organisation": organisation,
        "name": name,
        "kind": kind,
        "street": place.street,
        "post_code": place.post_code,
        "town": place.town,
        "nip": nip,
    }
    member, created = Member.objects.get_or_create(number=number, defaults=facts)
    if not created:
        require_same(member, facts, name=f"member {number}")
    return member


@dataclass(frozen=True, slots=True, kw_only=True)
class PointFacts:
    """What is known of a point: place in 10^-6 degrees, largest power in W, source of generation."""

    role: str
    source: str = ""
    peak_power_w: int = 0
    latitude_e6: int | None = None
    longitude_e6: int | None = None


@transaction.atomic
def register_point(
    *, member: Member, code: str, facts: PointFacts, address: Address | None = None, group: str = ""
) -> MeteringPoint:
    """Register a metering point of a member, in a named group of the organisation's tree (`a/b/c`)."""
    if not is_ppe(code):
        raise BadPointCodeError(detail=f"{code} is no metering point code: 18 digits with a check digit are expected")
    place = address or Address()
    expected = {
        "organisation": member.organisation,
        "member": member,
        "group": point_group(member.organisation, group) if group else None,
        "role": facts.role,
        "source": facts.source,
        "peak_power_w": facts.peak_power_w,
        "latitude_e6": facts.latitude_e6,
        "longitude_e6": facts.longitude_e6,
        "street": place.street,
        "town": place.town,
    }
    point, created = MeteringPoint.objects.get_or_create(code=code, defaults=expected)
    if not created:
        require_same(point, expected, name=f"point {code}")
    return point


def point_group(organisation: Organisation, path: str) -> PointGroup:
    """The group of this path (`a/b/c`), made where it is not there."""
    node: PointGroup | None = None
    for name in path.split("/"):
        node, _ = PointGroup.objects.get_or_create(organisation=organisation, parent=node, name=name)
    if node is None:
        raise ValueError("a group needs a name")
    return node


@transaction.atomic
def install_meter(
    *,
    point: MeteringPoint,
    serial: str,
    valid_from: datetime,
    valid_to: datetime | None = None,
    current: tuple[int, int] = (1, 1),
    voltage: tuple[int, int] = (1, 1),
    digits: int = 0,
) -> Meter:
    """Put a meter with its transformer ratios at a point, or end that; refuses two meters at one moment.

    A meter that is replaced gets its `valid_to` by installing it again with the same `valid_from`.
    """
    if valid_to is not None and valid_to <= valid_from:
        raise EmptyInstallationError(
            detail=f"meter {serial} at {point.code} ends at {valid_to}, not after {valid_from}"
        )
    meter, created = Meter.objects.get_or_create(serial=serial, defaults={"digits": digits})
    if not created:
        require_same(meter, {"digits": digits}, name=f"meter {serial}")
    _refuse_overlap(point=point, meter=meter, valid_from=valid_from, valid_to=valid_to)
    installation, created = MeterInstallation.objects.get_or_create(
        meter=meter, point=point, valid_from=valid_from, defaults={"valid_to": valid_to}
    )
    if not created:
        end_period(installation, valid_to, name=f"meter {serial} at {point.code}")
    facts = {
        "current_primary": current[0],
        "current_secondary": current[1],
        "voltage_primary": voltage[0],
        "voltage_secondary": voltage[1],
    }
    ratio, created = MeterRatio.objects.get_or_create(meter=meter, valid_from=valid_from, defaults=facts)
    if not created:
        require_same(ratio, facts, name=f"the ratio of meter {serial} from {valid_from:%Y-%m-%d}")
    return meter


def _refuse_overlap(*, point: MeteringPoint, meter: Meter, valid_from: datetime, valid_to: datetime | None) -> None:
    """Neither two meters at a point nor one meter at two points at one moment."""
    others = MeterInstallation.objects.filter(Q(point=point) | Q(meter=meter))
    for other in others.exclude(point=point, meter=meter, valid_from=valid_from).select_related("point", "meter"):
        ends_before = other.valid_to is not None and other.valid_to <= valid_from
        begins_after = valid_to is not None and valid_to <= other.valid_from
        if not (ends_before or begins_after):
            raise OverlappingInstallationError(
                detail=f"{other.point.code} already has meter {other.meter.serial} from {other.valid_from:%Y-%m-%d}, "
                f"so {meter.serial} cannot be at {point.code} from {valid_from:%Y-%m-%d}"
            )
