"""Register a master data file: all of its rows or none, every refused row with its line."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from django.db import transaction

from ogniwo.core.kernel.findings import Finding, Severity
from ogniwo.core.kernel.ids import is_nip
from ogniwo.core.kernel.quantities import Rate, RateUnit, parse_decimal
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.records.metering.models import MeteringPoint
from ogniwo.records.parties.models import Member, Organisation
from ogniwo.services.contracts.operations import conclude_contract, join_community, set_community_rules
from ogniwo.services.parties.operations import (
    Address,
    PointFacts,
    install_meter,
    register_member,
    register_organisation,
    register_point,
)
from ogniwo.services.workspace.audit import record_act
from ogniwo.services.workspace.master_data import (
    ContractRow,
    MasterData,
    MemberRow,
    MembershipRow,
    MeterRow,
    OrganisationRow,
    PlacedRow,
    PointRow,
    PostalPlace,
    RulesRow,
    parse_master_data,
    refused,
)
from ogniwo.services.workspace.model import Workspace


class UnknownReferenceError(Refusal):
    """A row names an organisation, member or point that is neither in the file nor registered."""

    code = "register.unknown_reference"


class BadTaxNumberError(Refusal):
    """A tax number (NIP) has a wrong check digit."""

    code = "register.bad_nip"


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """How many rows of each table a file held, in the order in which they were registered."""

    file_name: str
    rows: tuple[tuple[str, int], ...]
    stored: bool


def register_file(workspace: Workspace, *, data: bytes, file_name: str, dry_run: bool = False) -> Registered:
    """Register all rows of a master data file in one transaction; a row that is there already changes nothing.

    Raises MasterDataRefusedError with a finding for each row that is not understood, refers to nothing known, or breaks
    a rule, and without a finding for a file that is no TOML or has no rows; nothing is registered then, and nothing
    with `dry_run`.
    """
    master = parse_master_data(data, file_name=file_name)
    with transaction.atomic():
        findings = [finding for placed in master.rows for finding in _register(placed, master)]
        if findings:
            raise refused(file_name, findings)
        counts = Counter(placed.table for placed in master.rows)
        record_act(workspace, action="workspace.register", target=file_name, facts=dict(counts))
        transaction.set_rollback(dry_run)
    return Registered(file_name=file_name, rows=tuple(counts.items()), stored=not dry_run)


def _register(placed: PlacedRow, master: MasterData) -> list[Finding]:
    try:
        _REGISTER[placed.table](placed.row)
    except Refusal as refusal:
        return [
            Finding(
                code=refusal.code,
                severity=Severity.ERROR,
                message=refusal.detail,
                source=master.file_name,
                row=placed.line,
            )
        ]
    return []


def _organisation(row: OrganisationRow) -> None:
    register_organisation(
        code=row.code,
        name=row.name,
        kind=row.kind,
        parent=_organisation_of(row.parent) if row.parent else None,
        address=_address(row),
        nip=_nip(row.nip),
        krs=row.krs,
        account_mask=row.account_mask,
    )


def _member(row: MemberRow) -> None:
    register_member(
        organisation=_organisation_of(row.organisation),
        number=row.number,
        name=row.name,
        kind=row.kind,
        address=_address(row),
        nip=_nip(row.nip),
    )


def _point(row: PointRow) -> None:
    member = Member.objects.filter(number=row.member).select_related("organisation").first()
    if member is None:
        raise UnknownReferenceError(detail=f"member {row.member} is neither in the file nor registered")
    register_point(
        member=member,
        code=row.code,
        facts=PointFacts(
            role=row.role,
            source=row.source,
            peak_power_w=row.peak_power_w,
            latitude_e6=_degrees_e6(row.latitude),
            longitude_e6=_degrees_e6(row.longitude),
        ),
        address=Address(street=row.street, town=row.town),
        group=row.group,
    )


def _meter(row: MeterRow) -> None:
    install_meter(
        point=_point_of(row.point),
        serial=row.serial,
        valid_from=row.valid_from.astimezone(UTC),
        valid_to=_utc(row.valid_to),
        current=row.current,
        voltage=row.voltage,
        digits=row.digits,
    )


def _contract(row: ContractRow) -> None:
    conclude_contract(point=_point_of(row.point), terms=row.terms, valid_from=row.valid_from, valid_to=row.valid_to)


def _membership(row: MembershipRow) -> None:
    join_community(
        community=_organisation_of(row.community),
        point=_point_of(row.point),
        valid_from=row.valid_from,
        valid_to=row.valid_to,
        share_key=row.share_key,
        merit_rank=row.merit_rank,
        participation_percent=row.participation_percent,
    )


def _rules(row: RulesRow) -> None:
    set_community_rules(
        community=_organisation_of(row.community),
        valid_from=row.valid_from,
        method=row.method.value,
        internal_price=Rate.parse(row.internal_price, RateUnit.MWH),
        community_fee=Rate.parse(row.fee, RateUnit.MWH),
        injection_share=row.injection_share,
        pool_months=row.pool_months,
        corrections=row.corrections,
    )


_REGISTER: Final[dict[str, Callable[..., None]]] = {
    "organisation": _organisation,
    "member": _member,
    "point": _point,
    "meter": _meter,
    "contract": _contract,
    "membership": _membership,
    "rules": _rules,
}


def _organisation_of(code: str) -> Organisation:
    found = Organisation.objects.filter(code=code).first()
    if found is None:
        raise UnknownReferenceError(detail=f"organisation {code} is neither in the file nor registered")
    return found


def _point_of(code: str) -> MeteringPoint:
    found = MeteringPoint.objects.filter(code=code).select_related("member").first()
    if found is None:
        raise UnknownReferenceError(detail=f"point {code} is neither in the file nor registered")
    return found


def _address(row: PostalPlace) -> Address:
    return Address(street=row.street, post_code=row.post_code, town=row.town)


def _nip(text: str) -> str:
    if text and not is_nip(text):
        raise BadTaxNumberError(detail=f"{text} is no tax number (NIP): ten digits with a check digit are expected")
    return text


def _degrees_e6(text: str) -> int | None:
    return parse_decimal(text, decimals=6) if text else None


def _utc(instant: datetime | None) -> datetime | None:
    return instant.astimezone(UTC) if instant else None
