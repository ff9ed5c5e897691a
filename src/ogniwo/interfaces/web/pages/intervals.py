"""The interval explorer: series of points side by side, metered and settled, drawn, listed and taken along."""

from datetime import timedelta
from typing import Any, Final

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from ogniwo.core.kernel.calendar import HOUR_S, QUARTER_S, Month
from ogniwo.interfaces.web.charts import Chart, classes_of, has_chart_bundle, line_chart
from ogniwo.interfaces.web.context import day_of, month_of, scope, workspace
from ogniwo.interfaces.web.downloads import download
from ogniwo.interfaces.web.registry import page
from ogniwo.services.access.roles import Act
from ogniwo.services.access.viewers import Standing
from ogniwo.services.metering.explorer import (
    DAY_S,
    MONTH_S,
    STEPS,
    Exploration,
    Explored,
    explore,
    explored_csv,
    explored_tsv,
    explored_xlsx,
)
from ogniwo.services.metering.queries import points_below
from ogniwo.services.workspace.queries import Subject

KIND_LABELS: Final = {
    "taken": _("taken, as metered"),
    "given": _("fed in, as metered"),
    "operator_taken": _("taken, netted by the operator"),
    "operator_given": _("fed in, netted by the operator"),
    "netted_taken": _("taken, after hourly netting"),
    "netted_given": _("fed in, after hourly netting"),
    "community_in": _("from the community"),
    "from_pool": _("from the pool"),
    "grid": _("from the grid"),
    "community_out": _("to the community"),
    "surplus": _("surplus"),
}
_NETTING: Final = {
    "before": (_("before netting"), ("taken", "given")),
    "after": (_("after hourly netting"), ("netted_taken", "netted_given")),
    "both": (_("both side by side"), ("taken", "given", "netted_taken", "netted_given")),
}
_STEP_LABELS: Final = {
    QUARTER_S: _("15 minutes"),
    HOUR_S: _("hour"),
    DAY_S: _("day"),
    MONTH_S: _("month"),
}
_ROWS_LISTED: Final = 110
"""A day of quarter-hours with the hour that autumn repeats; what is longer is listed by days."""
_DAYS_LISTED: Final = 400
"""A year of days; what is longer is listed by months."""
_PLAIN_VALUES: Final = 40_000
"""What the plain chart draws at most; more becomes a page too heavy for a phone."""


@page("intervals/", name="intervals", act=Act.SEE_METERING)
def intervals(request: HttpRequest, standing: Standing, *, code: str) -> HttpResponse:
    """Choose points, kinds and a period; see the chart and the table."""
    month, subject = month_of(request), scope(standing, code)
    chosen = _Choice(request, month)
    found = chosen.explored(subject)
    context: dict[str, Any] = {
        "points": points_below(subject=subject),
        "chosen": chosen,
        "kinds": [(kind, label, kind in chosen.kinds) for kind, label in KIND_LABELS.items()],
        "nettings": chosen.nettings(request),
        "steps": tuple(_STEP_LABELS.items()),
        "absent": [(point, KIND_LABELS[kind]) for point, kind in found.absent],
        "query": request.GET.urlencode(),
        "bundle": has_chart_bundle(),
    }
    return render(request, "web/intervals.html", context | (_shown(found, chosen.step_s) if found.series else {}))


def _shown(found: Exploration, step_s: int) -> dict[str, Any]:
    """The chart, the legend and the table of what was found."""
    explored = found.at(step_s)
    drawn = _within(found, explored, len(explored.series) * len(explored.starts) <= _PLAIN_VALUES, DAY_S)
    listed = _within(found, explored, len(explored.starts) <= _ROWS_LISTED, DAY_S)
    if len(listed.starts) > _DAYS_LISTED:
        listed = found.at(MONTH_S)
    labels = explored.labels()
    return {
        "step": explored.step_s,
        "step_name": _STEP_LABELS[explored.step_s],
        "coarser": explored.step_s > step_s,
        "series": [
            {
                "point": one.point,
                "kind": KIND_LABELS[one.kind],
                "classes": classes_of(number),
                "data": one,
                "place": number,
            }
            for number, one in enumerate(explored.series)
        ],
        "chart": _chart(drawn),
        "drawn_step": _STEP_LABELS[drawn.step_s] if drawn.step_s != explored.step_s else "",
        "listed_step": _STEP_LABELS[listed.step_s] if listed.step_s != explored.step_s else "",
        "whole": listed.step_s != explored.step_s,
        "rows": [
            (label, [(one.wh[place], one.missing[place], one.filled[place]) for one in listed.series])
            for place, label in enumerate(listed.labels())
        ],
        "sums": [(one.total_wh, one.missing_slots) for one in listed.series],
        "provisional": any(one.provisional for one in explored.series),
        "first_label": labels[0],
        "last_label": labels[-1],
    }


def _within(found: Exploration, explored: Explored, fits: bool, step_s: int) -> Explored:  # noqa: FBT001 -- a condition
    """What was laid out where it fits, else the same in a coarser step."""
    return explored if fits or explored.step_s >= step_s else found.at(step_s)


@page("intervals/<str:form>/", name="intervals_file", act=Act.SEE_METERING)
def intervals_file(request: HttpRequest, standing: Standing, *, code: str, form: str) -> HttpResponse:
    """The same selection as a file, in Wh, every step of the period; as JSON for the chart of the page."""
    chosen = _Choice(request, month_of(request))
    explored = chosen.explored(scope(standing, code)).at(chosen.step_s)
    if form == "json":
        return JsonResponse(_as_json(explored))
    name = f"intervals-{chosen.name}"
    if form == "xlsx":
        return download(explored_xlsx(explored, title=chosen.name), name=f"{name}.xlsx")
    if form == "tsv":
        return download(explored_tsv(explored), name=f"{name}.tsv")
    return download(explored_csv(explored), name=f"{name}.csv")


def _as_json(explored: Explored) -> dict[str, Any]:
    """Labels, and of each series Wh with null for a bucket that lacks a value, and where values were not measured."""
    return {
        "step_s": explored.step_s,
        "labels": explored.labels(),
        "series": [
            {
                "name": f"{one.point} {KIND_LABELS[one.kind]}",
                "wh": [None if gone else wh for wh, gone in zip(one.wh, one.missing, strict=True)],
                "missing": [place for place, gone in enumerate(one.missing) if gone],
                "filled": [place for place, some in enumerate(one.filled) if some],
            }
            for one in explored.series
        ],
    }


class _Choice:
    """What the address asks for, with what is not understood left out."""

    def __init__(self, request: HttpRequest, month: Month) -> None:
        asked = request.GET
        self.points = asked.getlist("point")
        kinds = [kind for kind in asked.getlist("kind") if kind in KIND_LABELS]
        self.kinds = kinds or (["taken", "given"] if self.points else [])
        day = day_of(asked.get("day", ""))
        first, last = day_of(asked.get("from", "")) or day, day_of(asked.get("to", "")) or day
        self.ranged = bool(first or last)
        ends = sorted((first or last or month.first, last or first or month.shifted(1).first - timedelta(days=1)))
        self.first, self.last = ends
        step = asked.get("step", "")
        self.step_s = int(step) if step in {str(one) for one in STEPS} else HOUR_S
        self.name = f"{self.first}-{self.last}" if self.ranged else str(month)

    def explored(self, subject: Subject) -> Exploration:
        """The series chosen over the period chosen."""
        return explore(
            workspace(),
            subject=subject,
            points=self.points,
            kinds=self.kinds,
            first=self.first,
            last=self.last,
            step_s=self.step_s,
        )

    def nettings(self, request: HttpRequest) -> list[dict[str, Any]]:
        """Addresses of the same choice before and after netting, and of both; other kinds stay chosen."""
        own = set(_NETTING["both"][1])
        found = []
        for label, kinds in _NETTING.values():
            query = request.GET.copy()
            query.setlist("kind", [*kinds, *(kind for kind in self.kinds if kind not in own)])
            found.append({"label": label, "query": query.urlencode(), "on": own & set(self.kinds) == set(kinds)})
        return found


def _chart(explored: Explored) -> Chart:
    """Lines with holes where anything of a step is missing, with marks on what is missing or was not measured."""
    return line_chart(
        [
            (
                str(format_lazy("{} {}", one.point, KIND_LABELS[one.kind])),
                [None if gone else wh for wh, gone in zip(one.wh, one.missing, strict=True)],
            )
            for one in explored.series
        ],
        labels=_axis_labels(explored),
        unit="kWh",
        filled=[[place for place, some in enumerate(one.filled) if some] for one in explored.series],
        missing=[[place for place, gone in enumerate(one.missing) if gone] for one in explored.series],
    )


def _axis_labels(explored: Explored) -> list[str]:
    """Times where all lie on one day, else days (without the year where there is one), else months."""
    labels = explored.labels()
    if explored.step_s == MONTH_S:
        return list(labels)
    days = list(dict.fromkeys(label[:10] for label in labels))
    if len(days) == 1 and explored.step_s < DAY_S:
        return [label[11:] for label in labels]
    return [day[5:] for day in days] if len({day[:4] for day in days}) == 1 else days
