"""Virtual channels: the sets that are kept, and a formula tried on a month's data before it is kept."""

from datetime import date
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from ogniwo.core.kernel.refusals import Refusal
from ogniwo.interfaces.web.context import day_of, month_of, scope, workspace
from ogniwo.interfaces.web.registry import page
from ogniwo.services.access.roles import Act
from ogniwo.services.access.viewers import Standing
from ogniwo.services.metering.balance import list_sets
from ogniwo.services.metering.formulas import formula_text, parse_formula, try_formula
from ogniwo.services.workspace.queries import organisation


@page("formulas/", name="formulas", act=Act.SEE_METERING)
def formulas(request: HttpRequest, standing: Standing, *, code: str) -> HttpResponse:
    """Kept sets as formulas; the one of the address evaluated, with the slots of a day and what is missing in them."""
    month, subject = month_of(request), scope(standing, code)
    place = organisation(code=code, subject=subject)
    text = request.GET.get("formula", "").strip()
    day = _day(request.GET.get("at", ""), month.first)
    context: dict[str, Any] = {
        "sets": [(one.name, formula_text(one)) for one in list_sets(organisation=place)],
        "formula": text,
        "at": day,
        "last": date(month.year, month.month, month.days),
    }
    if text:
        try:
            context["tried"] = try_formula(
                workspace(), organisation=place, subject=subject, members=parse_formula(text), month=month, day=day
            )
        except Refusal as refusal:
            context["refusal"] = refusal
    return render(request, "web/formulas.html", context)


def _day(text: str, first: date) -> date:
    """A day of the month that begins on `first`, else that day."""
    day = day_of(text)
    return day if day is not None and (day.year, day.month) == (first.year, first.month) else first
