"""Where the energy out of the community's storages came from in a month: by day, by source, each kWh shared once."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ogniwo.core.kernel.findings import finding_row
from ogniwo.interfaces.web.charts import classes_of, hatch_of, stacked_bars
from ogniwo.interfaces.web.context import month_of, scope
from ogniwo.interfaces.web.registry import page
from ogniwo.services.access.roles import Act
from ogniwo.services.access.viewers import Standing
from ogniwo.services.storage.declaring import storages_on
from ogniwo.services.storage.queries import StorageMonthNotFoundError, storage_month
from ogniwo.services.workspace.queries import organisation

ORIGINS = {
    "renewable": gettext_lazy("community, renewable"),
    "other": gettext_lazy("community, another source or none stated"),
    "grid": gettext_lazy("from the grid outside"),
    "unknown": gettext_lazy("origin unknown"),
}
_ENERGIES = ("carried_wh", "charged_wh", "unrecorded_wh", "out_wh", "shared_wh", "lost_wh", "stored_wh")


@page("balance/storages/", name="balance_storages", act=Act.SEE_SETTLEMENT)
def balance_storages(request: HttpRequest, standing: Standing, *, code: str) -> HttpResponse:
    """The account of the month in its newest version; before it is made, what there is to follow."""
    month, subject = month_of(request), scope(standing, code)
    community = organisation(code=code, subject=subject)
    try:
        view = storage_month(community=community, month=month, subject=subject)
    except StorageMonthNotFoundError:
        found = storages_on(community=community, month=month, subject=subject)
        return render(request, "web/balance_storages.html", {"storages": found})
    rows = [{**row, "kind": ORIGINS[row["origin"]]} for row in view.document["rows"]]
    days = _days(view.document)
    names = (
        _("in: renewable, of the community"),
        _("in: other and grid"),
        _("out: renewable, of the community"),
        _("out: other, grid and unknown"),
        _("lost"),
    )
    context = {
        "view": view,
        "findings": [finding_row(one) for one in view.findings],
        "rows": rows,
        "sums": {name: sum(row[name] for row in rows) for name in _ENERGIES},
        "out": [(label, view.document["totals"][f"{origin}_wh"]) for origin, label in ORIGINS.items()],
        "days": days,
        "chart": _chart(days, names) if days else None,
        "legend": [(label, classes_of(number), hatch_of(number)) for number, label in enumerate(names)],
    }
    return render(request, "web/balance_storages.html", context)


def _days(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Energy by day: what went in and came out, of the community's renewable sources and of all others."""
    sums: dict[str, Counter[str]] = {}
    for row in document["days"]:
        own = row["origin"] == "renewable"
        sums.setdefault(row["day"], Counter()).update(
            {
                "in_own": row["charged_wh"] if own else 0,
                "in_else": 0 if own else row["charged_wh"],
                "out_own": row["out_wh"] if own else 0,
                "out_else": 0 if own else row["out_wh"],
                "lost": row["lost_wh"],
            }
        )
    return [{"day": day, **numbers} for day, numbers in sorted(sums.items())]


def _chart(days: list[dict[str, Any]], names: tuple[str, ...]) -> object:
    columns = [
        (label, [day[name] for day in days])
        for label, name in zip(names, ("in_own", "in_else", "out_own", "out_else", "lost"), strict=True)
    ]
    return stacked_bars(columns[:2], columns[2:], labels=[str(int(day["day"][-2:])) for day in days])
