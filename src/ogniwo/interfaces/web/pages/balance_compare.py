"""What if the community shared by another key: every method on the month as it is, side by side; nothing is kept."""

from dataclasses import dataclass
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _

from ogniwo.core.kernel.quantities import RATE_DECIMALS, NotADecimalError, Rate, RateUnit, parse_decimal
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.interfaces.web.context import month_of, scope, workspace
from ogniwo.interfaces.web.registry import page
from ogniwo.services.access.roles import Act
from ogniwo.services.access.viewers import Standing
from ogniwo.services.settlement.comparing import ComparedMonth, PriceTrial, compare_month
from ogniwo.services.settlement.queries import rate_book_of
from ogniwo.services.workspace.queries import organisation

METHODS: Final = {
    "static": _("fixed keys"),
    "dynamic": _("by need"),
    "hybrid": _("fixed keys, then by need"),
    "equal": _("equal parts"),
    "merit_order": _("by rank"),
}
_PRICE_MAX: Final = 100_000 * 10**RATE_DECIMALS


@dataclass(frozen=True, slots=True)
class _Row:
    """A point under the key in force and under the one to try, Wh; `gain` is the difference in grosze when priced."""

    member: str
    point: str
    used_now_wh: int
    used_then_wh: int
    supplied_now_wh: int
    supplied_then_wh: int
    gain_grosz: int | None


@page("balance/compare/", name="balance_compare", act=Act.SEE_SETTLEMENT)
def balance_compare(request: HttpRequest, standing: Standing, *, code: str) -> HttpResponse:
    """All methods with their sums, and one of them point by point against the key in force."""
    month, asked = month_of(request), request.GET
    community = organisation(code=code, subject=scope(standing, code))
    context: dict[str, Any] = {"methods": tuple(METHODS.items()), "sale": asked.get("sale", "")}
    try:
        sale = _price(asked.get("sale", ""))
        found = compare_month(
            workspace(),
            community=community,
            month=month,
            book=rate_book_of(workspace()),
            trial=PriceTrial(sale=sale) if sale is not None else None,
        )
    except Refusal as refusal:
        return render(request, "web/balance_compare.html", context | {"refusal": refusal})
    wanted = asked.get("method", "")
    method = wanted if wanted in METHODS else next(one for one in METHODS if one != found.current_method)
    rows = _rows(found, method)
    context |= {
        "compared": found,
        "method": method,
        "method_name": METHODS[method],
        "current_name": METHODS[found.current_method],
        "results": [
            {"result": one, "label": METHODS[one.name], "current": one.name == found.current_method}
            for one in found.results
        ],
        "rows": rows,
        "priced": found.prices is not None,
        "sums": [
            sum(getattr(one, name) for one in rows)
            for name in ("used_now_wh", "used_then_wh", "supplied_now_wh", "supplied_then_wh")
        ],
    }
    return render(request, "web/balance_compare.html", context)


def _price(text: str) -> Rate | None:
    """A price in zł/MWh, None when nothing was typed. Raises NotADecimalError."""
    if not text.strip():
        return None
    value = parse_decimal(text.strip().replace(" ", ""), decimals=RATE_DECIMALS)
    if not 0 <= value <= _PRICE_MAX:
        raise NotADecimalError(detail=f"{text} zł/MWh is out of range")
    return Rate(value, RateUnit.MWH)


def _rows(found: ComparedMonth, method: str) -> tuple[_Row, ...]:
    by_name = {one.name: {row.member: row for row in one.members} for one in found.results}
    now, then = by_name[found.current_method], by_name[method]
    return tuple(
        _Row(
            member=member,
            point=point,
            used_now_wh=now[point].used_wh,
            used_then_wh=then[point].used_wh,
            supplied_now_wh=now[point].supplied_wh,
            supplied_then_wh=then[point].supplied_wh,
            gain_grosz=_difference(now[point].gain_grosz, then[point].gain_grosz),
        )
        for point, member in found.members
    )


def _difference(now: int | None, then: int | None) -> int | None:
    return None if now is None or then is None else then - now
