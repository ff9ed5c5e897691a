"""Rates with their sources, and a calculator: the price of a month that is asked for, without any point."""

from datetime import date
from typing import Annotated, Any, Final, Literal

from ninja import Query, Schema
from pydantic import Field

from ogniwo.core.kernel.calendar import Clock
from ogniwo.core.tariffs.explain import base_unit_text
from ogniwo.core.tariffs.model import ChargeLine, Phases, PointTerms, RateRow
from ogniwo.interfaces.api.context import workspace
from ogniwo.interfaces.api.paging import Page, Paged, Sorting, page_of
from ogniwo.interfaces.api.registry import ApiRequest, operation
from ogniwo.interfaces.api.resources.bills import language
from ogniwo.interfaces.api.values import In, Money, MonthText, Text, month_of, zl
from ogniwo.services.access.scopes import Scope
from ogniwo.services.settlement.queries import rate_book_of
from ogniwo.services.tariffs.calculating import ENERGY_WH_MAX, AskedEnergy, calculate
from ogniwo.services.tariffs.queries import PricedPoint

_Wh = Annotated[int, Field(ge=0, le=ENERGY_WH_MAX)]
_SLOTS_MAX = 2_980
_YEAR_SLOTS_MAX: Final = 366 * 96


class RateOut(Schema):
    """A dated price with its legal source, when it was checked, and how sure it is."""

    key: str
    price: Money
    per: str
    valid_from: date
    valid_to: date | None
    source: str
    checked_on: date
    confidence: str


class RatePage(Page[RateOut]):
    """Rates by key and first day."""


_SORTS: Final = Sorting[RateRow](
    key=lambda row: row.key,
    valid_from=lambda row: row.valid_from,
    valid_to=lambda row: row.valid_to,
    checked_on=lambda row: row.checked_on,
)


class AskedRates(Paged):
    """Which rates."""

    key: Annotated[
        list[Text],
        Field(max_length=100, description="The beginning of the key, such as enea/C21/ or statutory/; none: all."),
    ] = []
    on: Annotated[date | None, Field(description="Only those in force on this day.")] = None
    sort: Annotated[str, _SORTS] = ""


class TermsIn(In):
    """What the contract of a point says; see docs/tariffs.md for operators, groups and offers."""

    operator: Annotated[Text, Field(min_length=1)] = "enea"
    group: Annotated[Text, Field(min_length=1, examples=["G11"])]
    offer: Annotated[Text, Field(description="The seller's offer; empty: distribution only.")] = ""
    contract_power_w: Annotated[int, Field(ge=0, le=10**9)] = 0
    phases: Literal["1ph", "3ph"] = "1ph"
    billing_months: Literal[1, 2, 6, 12] = 1
    yearly_use_wh: _Wh | None = None
    capacity_household: bool = False
    voltage: Literal["LV", "MV", "HV"] = "LV"
    clock: Literal["local", "cet_fixed"] = "local"
    clock_variant: Text = ""
    variant: Text = ""
    prepaid: bool = False


class EnergyIn(In):
    """The energy in exactly one way: `zones_wh`; `profile_wh`; `shape` with its total; `year_shape` with its total.

    A profile has one whole number for each slot of the local month; a shape is any profile that gives only proportions.
    `year_shape`, one number for each slot of the local year, is an operator's standard profile: the month is priced for
    its part of `year_total_wh`, the use of a year, which also counts as `yearly_use_wh` where the terms name none.
    """

    zones_wh: Annotated[dict[Annotated[str, Field(max_length=30)], _Wh], Field(max_length=10)] = {}
    profile_wh: Annotated[list[_Wh], Field(max_length=_SLOTS_MAX)] = []
    shape: Annotated[list[_Wh], Field(max_length=_SLOTS_MAX)] = []
    shape_total_wh: _Wh = 0
    year_shape: Annotated[list[_Wh], Field(max_length=_YEAR_SLOTS_MAX)] = []
    year_total_wh: _Wh = 0
    slot_seconds: Literal[900, 3_600] = 3_600
    maximum_power_w: Annotated[int, Field(ge=0, le=10**9)] | None = None


class CalculationIn(In):
    """A month, a contract and an energy."""

    month: MonthText
    terms: TermsIn
    energy: EnergyIn


class LineOut(Schema):
    """A priced line: quantity in `unit` times the rate times the share, rounded once; `why` follows the language."""

    charge: str
    zone: str
    category: str
    label_pl: str
    label_en: str
    first: date
    last_exclusive: date
    quantity: int
    unit: str
    price: Money
    per: str
    share: list[int]
    net: Money
    vat_rate_percent: int
    rates: list[RateOut]
    why: list[str]


class VatOut(Schema):
    """The sum of a VAT rate, VAT rounded once."""

    rate_percent: int
    net: Money
    vat: Money


class LeftOutOut(Schema):
    """A charge that is not in the totals, and why."""

    charge: str
    reason: str


class CalculationOut(Schema):
    """The price of a month; `rate_book` names the rates it was made from."""

    month: str
    rate_book: str
    lines: list[LineOut]
    vat: list[VatOut]
    net: Money
    gross: Money
    left_out: list[LeftOutOut]


def _rate(row: RateRow) -> RateOut:
    return RateOut(
        key=row.key,
        price=Money(amount=row.rate.text(), asset="PLN"),
        per=str(row.rate.per),
        valid_from=row.valid_from,
        valid_to=row.valid_to,
        source=row.source,
        checked_on=row.checked_on,
        confidence=row.confidence,
    )


def _line(one: ChargeLine) -> LineOut:
    kept = ("charge", "zone", "label_pl", "label_en", "first", "last_exclusive", "quantity", "vat_rate_percent")
    return LineOut(
        **{name: getattr(one, name) for name in kept},
        category=str(one.category),
        unit=base_unit_text(one.rate.per),
        price=Money(amount=one.rate.text(), asset="PLN"),
        per=str(one.rate.per),
        share=list(one.share),
        net=zl(one.net_grosz),
        rates=[_rate(row) for row in one.rates],
        why=list(one.reasons(language())),
    )


def _out(month: str, priced: PricedPoint) -> CalculationOut:
    return CalculationOut(
        month=month,
        rate_book=priced.rating.book_digest,
        lines=[_line(one) for one in priced.rating.lines],
        vat=[
            VatOut(rate_percent=one.vat_rate_percent, net=zl(one.net_grosz), vat=zl(one.vat_grosz))
            for one in priced.totals
        ],
        net=zl(priced.net_grosz),
        gross=zl(priced.gross_grosz),
        left_out=[LeftOutOut(charge=charge, reason=reason) for charge, reason in priced.left_out],
    )


@operation("GET", "/rates", answer=RatePage, scope=Scope.TARIFFS_READ)
def list_rates(request: ApiRequest, asked: Query[AskedRates]) -> dict[str, Any]:
    """Every rate that is known, with its legal source."""
    rows = [
        row
        for row in rate_book_of(workspace()).rates.rows
        if row.key.startswith(tuple(asked.key) or "")
        and (asked.on is None or (row.valid_from <= asked.on and (row.valid_to is None or asked.on < row.valid_to)))
    ]
    return page_of(
        request,
        rows,
        paged=asked,
        key=lambda row: (row.key, row.valid_from.isoformat()),
        shape=_rate,
        order=_SORTS.by(asked.sort),
    )


@operation("POST", "/calculations", answer=CalculationOut, scope=Scope.TARIFFS_READ, repeatable=False)
def calculate_price(request: ApiRequest, order: CalculationIn) -> CalculationOut:  # noqa: ARG001 -- nothing is kept
    """The price of a month on a tariff: every line with its rates and their sources. Nothing is stored."""
    terms = order.terms.model_dump()
    energy = order.energy.model_dump()
    if energy["year_shape"] and terms["yearly_use_wh"] is None:
        terms["yearly_use_wh"] = energy["year_total_wh"]
    priced = calculate(
        book=rate_book_of(workspace()),
        terms=PointTerms(**{**terms, "phases": Phases(terms["phases"]), "clock": Clock(terms["clock"])}),
        month=month_of(order.month),
        energy=AskedEnergy(slot_s=energy.pop("slot_seconds"), **energy),
    )
    return _out(order.month, priced)
