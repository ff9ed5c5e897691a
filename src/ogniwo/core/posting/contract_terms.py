"""The terms of an e-contract: a template and its parameters as canonical JSON, and the obligations that follow.

The terms say in words and names what the ledger holds in numbers and opaque accounts. They stay off the log; on it
stand their salted commitment and the obligations. `read_terms` refuses terms whose obligations do not follow from
template and parameters, so whoever signs the terms signs what will be reckoned.
"""

from collections.abc import Callable
from datetime import date
from hashlib import sha256
from typing import Annotated, Literal, NamedTuple, TypeAlias

import msgspec
from msgspec import Meta

from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.ledger.canonical import decode, encode
from ogniwo.core.ledger.contract_amounts import day_start
from ogniwo.core.ledger.intervals import SALT_BYTES, Channel
from ogniwo.core.ledger.operations.contracts import InstalmentCount, MonthWord, PriceScale
from ogniwo.core.ledger.transactions import (
    AccountPath,
    AssetName,
    Charging,
    Count,
    Day,
    DiscountByHour,
    Instalment,
    Obligation,
    Party,
    StorageRent,
    Supply,
    Word,
)

TERMS_VERSION = 1
_DAY_S = 86_400

Line = Annotated[str, Meta(min_length=1, max_length=200)]
Days = Annotated[int, Meta(ge=0, le=366)]


class BadTermsError(Refusal):
    """The terms of a contract contradict themselves or do not fit their template."""

    code = "econtract.terms"


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A part of the terms."""


class EnergySupply(_Part, frozen=True, kw_only=True, tag_field="template", tag="energy-supply"):
    """A neighbour's energy at a price: `price` in minor units per MWh times 10^`price_scale`."""

    channel: Channel
    point: AccountPath
    point_name: Line
    price: Count
    price_scale: PriceScale


class HourDiscount(_Part, frozen=True, kw_only=True, tag_field="template", tag="hour-discount"):
    """A rate off for energy taken in some hours of the day (0 to 23, local time)."""

    channel: Channel
    hours: Annotated[tuple[Annotated[int, Meta(ge=0, le=23)], ...], Meta(min_length=1, max_length=24)]
    point: AccountPath
    point_name: Line
    price: Count
    price_scale: PriceScale


class StorageLease(_Part, frozen=True, kw_only=True, tag_field="template", tag="storage-rent"):
    """A part of a storage, in Wh, for a fixed amount a month in minor units."""

    amount: Count
    capacity_wh: Count
    storage: Line


class EvCarLoan(_Part, frozen=True, kw_only=True, tag_field="template", tag="ev-car-loan"):
    """An electric car paid off in monthly instalments: `total` minor units in `count` months from `first` on."""

    count: InstalmentCount
    first: MonthWord
    total: Count
    vehicle: Line


class EvChargingCredit(_Part, frozen=True, kw_only=True, tag_field="template", tag="ev-charging-credit"):
    """Charging of an electric car on credit, up to `limit` minor units a month."""

    limit: Count
    station: Line


Parameters: TypeAlias = EnergySupply | HourDiscount | StorageLease | EvCarLoan | EvChargingCredit


class TermsParty(_Part, frozen=True, kw_only=True):
    """A party with its name; `consumer` has the right to withdraw. `number` is the member's number or a tax number."""

    account: AccountPath
    address: Annotated[str, Meta(max_length=200)]
    consumer: bool
    name: Line
    number: Annotated[str, Meta(max_length=40)]
    role: Word


class Terms(_Part, frozen=True, kw_only=True):
    """All terms of a contract. Days are local; `valid_to` is the first day no longer covered, "" while open."""

    asset: AssetName
    clauses: Annotated[tuple[Annotated[str, Meta(min_length=1, max_length=1_000)], ...], Meta(max_length=20)]
    concluded: Day
    language: Literal["pl", "en"]
    notice_days: Days
    obligations: tuple[Obligation, ...]
    parameters: Parameters
    parties: Annotated[tuple[TermsParty, ...], Meta(min_length=2, max_length=2)]
    replaces: Annotated[str, Meta(pattern=r"\A([0-9a-f]{64})?\Z")]
    v: Annotated[int, Meta(ge=1, le=TERMS_VERSION)] = TERMS_VERSION
    valid_from: Day
    valid_to: Annotated[str, Meta(pattern=r"\A([0-9]{4}-[0-9]{2}-[0-9]{2})?\Z")]
    withdraw_days: Days


class Salted(_Part, frozen=True, kw_only=True):
    """The terms with the salt of their commitment, as attached to the PDF and given to the parties."""

    salt: Annotated[str, Meta(pattern=r"\A[0-9a-f]{32}\Z")]
    terms: Terms


class Roles(NamedTuple):
    """What the two parties of a template are called: who provides, who uses."""

    provider: str
    user: str


ROLES = {
    "energy-supply": Roles("supplier", "customer"),
    "hour-discount": Roles("supplier", "customer"),
    "storage-rent": Roles("owner", "tenant"),
    "ev-car-loan": Roles("lender", "borrower"),
    "ev-charging-credit": Roles("station", "driver"),
}
"""The roles of each template, in the order of the parties."""

_SALTED = msgspec.json.Decoder(Salted)


def template_of(parameters: Parameters) -> str:
    """The name of the template that parameters belong to."""
    return str(type(parameters).__struct_config__.tag)


def obligations_of(parameters: Parameters, *, provider: str, user: str, asset: str) -> tuple[Obligation, ...]:
    """What follows from the parameters: who owes whom, in which asset. `provider` and `user` are accounts."""
    return (_BUILDERS[type(parameters)](parameters, provider, user, asset),)


def _supply(given: EnergySupply, provider: str, user: str, asset: str) -> Obligation:
    return Supply(
        asset=asset,
        channel=given.channel,
        payer=user,
        point=given.point,
        price=given.price,
        price_scale=given.price_scale,
        taker=provider,
    )


def _discount(given: HourDiscount, provider: str, user: str, asset: str) -> Obligation:
    return DiscountByHour(
        asset=asset,
        channel=given.channel,
        payer=provider,
        point=given.point,
        price=given.price,
        price_scale=given.price_scale,
        taker=user,
    )


def _rent(given: StorageLease, provider: str, user: str, asset: str) -> Obligation:
    return StorageRent(amount=given.amount, asset=asset, payer=user, taker=provider)


def _loan(given: EvCarLoan, provider: str, user: str, asset: str) -> Obligation:
    return Instalment(asset=asset, count=given.count, first=given.first, payer=user, taker=provider, total=given.total)


def _charging(given: EvChargingCredit, provider: str, user: str, asset: str) -> Obligation:
    return Charging(asset=asset, limit=given.limit, payer=user, taker=provider)


_BUILDERS: dict[type, Callable[..., Obligation]] = {
    EnergySupply: _supply,
    HourDiscount: _discount,
    StorageLease: _rent,
    EvCarLoan: _loan,
    EvChargingCredit: _charging,
}


def check_terms(terms: Terms) -> Terms:
    """The terms, if they are sound; raises BadTermsError."""
    provider, user = terms.parties
    if (provider.role, user.role) != ROLES[template_of(terms.parameters)]:
        raise BadTermsError(detail=f"the parties are {provider.role} and {user.role}, not those of the template")
    if provider.account == user.account:
        raise BadTermsError(detail="both parties are the same account")
    expected = obligations_of(terms.parameters, provider=provider.account, user=user.account, asset=terms.asset)
    if terms.obligations != expected:
        raise BadTermsError(detail="the obligations do not follow from template and parameters")
    if terms.withdraw_days and not (provider.consumer or user.consumer):
        raise BadTermsError(detail="only a consumer has days to withdraw, and no party is one")
    begins, ends = _day(terms.concluded), _day(terms.valid_from)
    if terms.valid_to and not _day(terms.valid_to) > max(begins, ends):
        raise BadTermsError(detail="the contract would end before it begins")
    hours = terms.parameters.hours if isinstance(terms.parameters, HourDiscount) else ()
    if list(hours) != sorted(set(hours)):
        raise BadTermsError(detail="hours stand once and in order")
    return terms


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise BadTermsError(detail=f"{text} is no day of the calendar") from error


def write_terms(terms: Terms, *, salt: bytes) -> bytes:
    """The canonical JSON of salt and terms."""
    return encode(Salted(salt=salt.hex(), terms=check_terms(terms)))


def read_terms(data: bytes) -> Salted:
    """Read what `write_terms` wrote; raises BadTermsError or a refusal of `canonical.decode`."""
    salted = decode(data, _SALTED)
    check_terms(salted.terms)
    return salted


def terms_commitment(salted: Salted) -> str:
    """SHA-256(salt || canonical JSON of the terms) in hex, as it stands on the ledger."""
    salt = bytes.fromhex(salted.salt)
    if len(salt) != SALT_BYTES:
        raise BadTermsError(detail="a salt has 16 bytes")
    return sha256(salt + encode(salted.terms)).hexdigest()


class Proposed(NamedTuple):
    """The fields of a proposal that follow from the terms; the keywords of `ProposeContract`."""

    notice_s: int
    obligations: tuple[Obligation, ...]
    parties: tuple[Party, ...]
    replaces: str
    template: str
    terms: str
    valid_from: int
    valid_to: int
    withdraw_s: int


def proposed(salted: Salted) -> Proposed:
    """What a proposal of these terms says on the ledger."""
    terms = salted.terms
    return Proposed(
        notice_s=terms.notice_days * _DAY_S,
        obligations=terms.obligations,
        parties=tuple(
            Party(account=party.account, role="consumer" if party.consumer else party.role) for party in terms.parties
        ),
        replaces=terms.replaces,
        template=template_of(terms.parameters),
        terms=terms_commitment(salted),
        valid_from=day_start(_day(terms.valid_from)),
        valid_to=day_start(_day(terms.valid_to)) if terms.valid_to else 0,
        withdraw_s=terms.withdraw_days * _DAY_S,
    )
