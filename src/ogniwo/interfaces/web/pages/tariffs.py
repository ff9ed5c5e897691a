"""Tariffs: zones over a year, dated rates with their source, and one point and month priced as a test."""

from datetime import timedelta
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.formats import date_format
from django.utils.translation import get_language

from ogniwo.core.kernel.calendar import Month
from ogniwo.core.kernel.quantities import NotADecimalError, parse_decimal
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.tariffs.explain import quantity_text, rate_text, zone_names
from ogniwo.core.tariffs.model import ChargeLine, Phases, PointTerms
from ogniwo.core.tariffs.rules import TariffBook
from ogniwo.core.tariffs.usage import RegisterUsage
from ogniwo.interfaces.web.context import YEARS, month_of, scope, workspace
from ogniwo.interfaces.web.registry import page
from ogniwo.interfaces.web.year_grid import LETTERS, first_of, months_text, year_grid
from ogniwo.services.access.roles import Act
from ogniwo.services.access.viewers import Standing
from ogniwo.services.metering.queries import points_below
from ogniwo.services.settlement.queries import rate_book_of
from ogniwo.services.tariffs.browsing import (
    WORKING,
    DatedRate,
    ZoneYear,
    group_view,
    groups_of,
    operators,
    zone_year,
)
from ogniwo.services.tariffs.queries import PricedPoint, price
from ogniwo.services.tariffs.trying import TriedPart, try_point

_POWER_MAX: Final = 10**9
_ENERGY_MAX: Final = 10**15


@page("tariffs/", name="tariffs", act=Act.SEE_SETTLEMENT)
def tariffs(request: HttpRequest, standing: Standing, *, code: str) -> HttpResponse:  # noqa: ARG001 -- rates are the same for all
    """A group's zones over a year, its offers and its rates."""
    book, month = rate_book_of(workspace()), month_of(request)
    choice = _chosen(request, book)
    year = _year(request, month)
    context = {"choice": choice, "year": year, "years": (year - 1, year + 1), "on": month.first}
    if not choice["group"]:
        return render(request, "web/tariffs.html", context)
    found = group_view(book, operator=choice["operator"], group=choice["group"], day=month.first)
    context |= {"group": found, "rates": [_rate(one) for one in found.rates]}
    try:
        zones = zone_year(
            book, operator=choice["operator"], group=choice["group"], year=year, variant=choice["variant"]
        )
    except Refusal as refusal:
        return render(request, "web/tariffs.html", context | {"no_zones": refusal})
    return render(request, "web/tariffs.html", context | _zones(zones))


@page("tariffs/try/", name="tariffs_try", act=Act.SEE_SETTLEMENT)
def tariffs_try(request: HttpRequest, standing: Standing, *, code: str) -> HttpResponse:
    """Price what was typed, or a registered point's month; nothing is kept."""
    book, month, subject = rate_book_of(workspace()), month_of(request), scope(standing, code)
    choice = _chosen(request, book)
    point = request.GET.get("point", "")
    context = {
        "choice": choice,
        "points": points_below(subject=subject),
        "point": point,
        "typed": request.GET,
        "zones": [(zone, _zone(zone), request.GET.get(f"kwh_{zone}", "")) for zone in _zone_names(book, choice, month)],
        "phases": tuple(Phases),
    }
    try:
        if point:
            parts = try_point(workspace(), book=book, code=point, month=month, subject=subject)
            context["parts"] = [_part(one) for one in parts]
            context["gross"] = sum(one.priced.gross_grosz for one in parts)
        elif request.GET.get("typed"):
            context |= _typed(request, book, choice, month)
    except Refusal as refusal:
        context["refusal"] = refusal
    return render(request, "web/tariffs_try.html", context)


def _chosen(request: HttpRequest, book: TariffBook) -> dict[str, Any]:
    """Operator, group and zone clock of the address, each the first one when it is not known."""
    known = operators(book)
    operator = request.GET.get("operator", "")
    operator = operator if operator in known else next(iter(known), "")
    groups = groups_of(book, operator)
    group = request.GET.get("group", "")
    group = group if group in groups else next((one for one in groups if one == "G12w"), next(iter(groups), ""))
    variants = tuple(
        dict.fromkeys(row.variant for row in book.clocks if row.operator == operator and group in row.groups)
    )
    variant = request.GET.get("variant", "")
    return {
        "operators": known,
        "operator": operator,
        "groups": groups,
        "group": group,
        "variants": variants if len(variants) > 1 else (),
        "variant": variant if variant in variants else "",
        "offers": tuple(dict.fromkeys(one.name for one in book.offers if any(p.group == group for p in one.groups))),
    }


def _year(request: HttpRequest, month: Month) -> int:
    text = request.GET.get("year", "")
    return int(text) if text.isdecimal() and int(text) in YEARS else month.year


def _zones(zones: ZoneYear) -> dict[str, Any]:
    """The picture and its twin: one row for each kind of day."""
    names = {number: date_format(first_of(zones.year, number), "b") for number in range(1, 13)}
    grid = year_grid(zones)
    return {
        "zone_year": zones,
        "grid": grid,
        "legend": [{"path": one, "label": _zone(one.zone)} for one in grid.zones],
        "hours": range(24),
        "day_types": [
            {
                "months": months_text(one.months, names),
                "working": one.days == WORKING,
                "cells": [
                    (LETTERS[number], one.selected is not None and one.selected[hour])
                    for hour, number in enumerate(one.hours)
                ],
            }
            for one in zones.day_types
        ],
        "unknown": months_text(zones.unknown, names),
        "fee_known": all(one is not None for one in zones.selected),
    }


def _zone(zone: str) -> str:
    polish, english = zone_names(zone)
    return polish if (get_language() or "pl").startswith("pl") else english


def _rate(one: DatedRate) -> dict[str, Any]:
    return {
        "row": one.row,
        "in_force": one.in_force,
        "text": rate_text(one.row.rate),
        "until": None if one.row.valid_to is None else one.row.valid_to - timedelta(days=1),
    }


def _zone_names(book: TariffBook, choice: dict[str, Any], month: Month) -> tuple[str, ...]:
    try:
        clock = book.clock(
            operator=choice["operator"], group=choice["group"], variant=choice["variant"], day=month.first
        )
    except Refusal:
        return ("all",)
    return clock.zones if clock else ("all",)


def _typed(request: HttpRequest, book: TariffBook, choice: dict[str, Any], month: Month) -> dict[str, Any]:
    """What was typed, priced; a number that is none is a refusal that says which."""
    asked = request.GET
    terms = PointTerms(
        operator=choice["operator"],
        group=choice["group"],
        clock_variant=choice["variant"],
        contract_power_w=_number(asked.get("power", ""), most=_POWER_MAX) or 0,
        phases=Phases(asked["phases"]) if asked.get("phases") in set(Phases) else Phases.ONE,
        yearly_use_wh=_number(asked.get("yearly", ""), most=_ENERGY_MAX),
        capacity_household=bool(asked.get("household")),
        offer=asked.get("offer", "") if asked.get("offer") in choice["offers"] else "",
    )
    energies = tuple(
        (zone, _number(asked.get(f"kwh_{zone}", ""), most=_ENERGY_MAX) or 0)
        for zone in _zone_names(book, choice, month)
    )
    priced = price(
        book=book,
        terms=terms,
        first=month.first,
        last_exclusive=month.shifted(1).first,
        usage=RegisterUsage(energy_wh=energies),
        partial=True,
    )
    part = TriedPart(first=month.first, last_exclusive=month.shifted(1).first, priced=priced)
    return {"parts": [_part(part)], "gross": priced.gross_grosz}


def _number(text: str, *, most: int) -> int | None:
    """A number of thousands of base units (kW, kWh), None when nothing was typed. Raises NotADecimalError."""
    if not text.strip():
        return None
    value = parse_decimal(text.strip().replace(" ", ""), decimals=3)
    if not 0 <= value <= most:
        raise NotADecimalError(detail=f"{text} is out of range")
    return value


def _part(one: TriedPart) -> dict[str, Any]:
    priced: PricedPoint = one.priced
    return {
        "first": one.first,
        "last": one.last_exclusive - timedelta(days=1),
        "terms": priced.rating.terms,
        "priced": priced,
        "lines": [_line(line) for line in priced.rating.lines],
        "book": priced.rating.book_digest,
    }


def _line(line: ChargeLine) -> dict[str, Any]:
    numerator, denominator = line.share
    return {
        "line": line,
        "label": line.label_pl if (get_language() or "pl").startswith("pl") else line.label_en,
        "quantity": quantity_text(line.quantity, line.rate.per),
        "rate": rate_text(line.rate),
        "share": "" if numerator == denominator else f"× {numerator}/{denominator}",
    }
