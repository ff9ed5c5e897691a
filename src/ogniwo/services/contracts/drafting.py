"""Draft the terms of an e-contract from a template, members and plain parameters, and draw them as a PDF."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from typing import Any

import msgspec

from ogniwo.core.kernel.quantities import WH_PER_KWH_DECIMALS, NotADecimalError, parse_decimal
from ogniwo.core.ledger.intervals import SALT_BYTES
from ogniwo.core.metering.model import EXPORT, IMPORT
from ogniwo.core.posting.contract_terms import (
    ROLES,
    BadTermsError,
    Parameters,
    Terms,
    TermsParty,
    obligations_of,
    read_terms,
    terms_commitment,
    write_terms,
)
from ogniwo.formats.contract_pdf.render import render_contract_pdf
from ogniwo.records.metering.models import MeteringPoint
from ogniwo.records.visibility import Subject
from ogniwo.services.contracts.econtract_parties import ContractParty, contract_party
from ogniwo.services.ledger.access import point_path
from ogniwo.services.workspace.model import Workspace

TEMPLATES = tuple(ROLES)
PRICE_SCALE = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """Terms with salt as canonical JSON, the PDF of them, and what of both goes on the ledger."""

    terms: bytes
    pdf: bytes
    commitment: str
    document: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What every contract has besides its template: days are local, `valid_to` the first day not covered."""

    asset: str
    valid_from: date
    valid_to: date | None = None
    notice_days: int = 30
    withdraw_days: int = 14
    language: str = "pl"
    clauses: tuple[str, ...] = ()
    replaces: str = ""


def draft_contract(
    workspace: Workspace,
    *,
    template: str,
    provider: str,
    user: str,
    parameters: Mapping[str, Any],
    frame: Frame,
    subject: Subject,
) -> Draft:
    """Draft a contract between two parties (member numbers or organisation codes); nothing is stored.

    `parameters` are plain: a point code, money as decimal text, hours as numbers (docs/contracts.md lists them).
    Refuses parameters that the template does not have.
    """
    if template not in ROLES:
        raise BadTermsError(detail=f"no template {template!r}; there are: {', '.join(TEMPLATES)}")
    roles = ROLES[template]
    parties = [contract_party(word, subject=subject) for word in (provider, user)]
    given = _parameters(template, parameters, asset=frame.asset, subject=subject)
    consumers = any(party.consumer for party in parties)
    terms = Terms(
        asset=frame.asset,
        clauses=frame.clauses,
        concluded=workspace.today().isoformat(),
        language="en" if frame.language == "en" else "pl",
        notice_days=frame.notice_days,
        obligations=obligations_of(given, provider=parties[0].account, user=parties[1].account, asset=frame.asset),
        parameters=given,
        parties=tuple(_party(party, role) for party, role in zip(parties, roles, strict=True)),
        replaces=frame.replaces,
        valid_from=frame.valid_from.isoformat(),
        valid_to=frame.valid_to.isoformat() if frame.valid_to else "",
        withdraw_days=frame.withdraw_days if consumers else 0,
    )
    return drawn(write_terms(terms, salt=secrets.token_bytes(SALT_BYTES)))


def drawn(terms: bytes) -> Draft:
    """The draft that terms with salt stand for: the PDF is drawn again, so its hash can be compared."""
    salted = read_terms(terms)
    pdf = render_contract_pdf(salted)
    return Draft(terms=terms, pdf=pdf, commitment=terms_commitment(salted), document=sha256(pdf).hexdigest())


def _party(party: ContractParty, role: str) -> TermsParty:
    return TermsParty(
        account=party.account,
        address=party.address,
        consumer=party.consumer,
        name=party.name,
        number=party.number,
        role=role,
    )


def _parameters(template: str, given: Mapping[str, Any], *, asset: str, subject: Subject) -> Parameters:
    """The template's parameters from plain ones; refuses missing and unknown names, and amounts that are none."""
    scale = int(asset.rpartition("/")[2]) if asset[-1:].isdigit() else 2
    known: dict[str, Callable[[Any], dict[str, Any]]] = {
        "point": lambda word: _point(str(word), subject),
        "price": lambda text: {"price": _decimal(text, scale + PRICE_SCALE), "price_scale": PRICE_SCALE},
        "rent": lambda text: {"amount": _decimal(text, scale)},
        "total": lambda text: {"total": _decimal(text, scale)},
        "limit": lambda text: {"limit": _decimal(text, scale)},
        "capacity_kwh": lambda text: {"capacity_wh": _decimal(text, WH_PER_KWH_DECIMALS)},
    }
    fields: dict[str, Any] = {"template": template}
    if template in {"energy-supply", "hour-discount"}:
        fields["channel"] = EXPORT if template == "energy-supply" else IMPORT
    for name, value in given.items():
        fields |= known[name](value) if name in known else {name: value}
    try:
        return msgspec.convert(fields, Parameters)  # type: ignore[no-any-return]  # a union of structs
    except msgspec.ValidationError as error:
        raise BadTermsError(detail=f"the parameters do not fit {template}: {error}") from error


def _point(code: str, subject: Subject) -> dict[str, str]:
    point = MeteringPoint.objects.all().visible_to(subject).filter(code=code).select_related("organisation").first()
    if point is None:
        raise BadTermsError(detail=f"there is no metering point {code}")
    return {"point": point_path(point), "point_name": point.code}


def _decimal(text: object, decimals: int) -> int:
    try:
        value = parse_decimal(str(text), decimals=decimals)
    except NotADecimalError as error:
        raise BadTermsError(detail=error.detail) from error
    if value < 0:
        raise BadTermsError(detail=f"{text} is below zero")
    return value
