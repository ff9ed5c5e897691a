"""The interval explorer: series of points side by side, metered and settled, drawn, listed and taken along."""

from datetime import date
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from ogniwo.core.kernel.calendar import Month
from ogniwo.interfaces.web.charts import Chart, classes_of, line_chart
from ogniwo.interfaces.web.context import month_of, scope, workspace
from ogniwo.interfaces.web.registry import page
from ogniwo.services.access.roles import Act
from ogniwo.services.access.viewers import Standing
from ogniwo.services.metering.explorer import DAY_S, STEPS, Explored, explore, explored_csv, explored_xlsx
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
_FORMS: Final = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_ROWS_LISTED: Final = 110
"""A day of quarter-hours with the hour that autumn repeats; what is longer is listed by days."""


@page("intervals/", name="intervals", act=Act.SEE_METERING)
def intervals(request: HttpRequest, standing: Standing, *, code: str) -> HttpResponse:
    """Choose points and kinds; see the chart and the table."""
    month, subject = month_of(request), scope(standing, code)
    chosen = _Choice(request, month)
    listed = points_below(subject=subject)
    explored = chosen.explored(subject)
    long = len(explored.starts) > _ROWS_LISTED
    table = chosen.explored(subject, step_s=DAY_S) if long and explored.series else explored
    labels = explored.labels()
    context = {
        "points": listed,
        "chosen": chosen,
        "kinds": [(kind, label, kind in chosen.kinds) for kind, label in KIND_LABELS.items()],
        "steps": ((900, _("15 minutes")), (3600, _("hour")), (86400, _("day"))),
        "days": [date(month.year, month.month, day + 1) for day in range(month.days)],
        "step": explored.step_s,
        "series": [
            {"point": one.point, "kind": KIND_LABELS[one.kind], "classes": classes_of(number), "data": one}
            for number, one in enumerate(explored.series)
        ],
        "chart": _chart(explored, labels) if explored.series else None,
        "by_day": long,
        "rows": [
            (label, [(one.wh[place], one.missing[place]) for one in table.series])
            for place, label in enumerate(table.labels())
        ],
        "sums": [(one.total_wh, one.missing_slots) for one in table.series],
        "absent": [(point, KIND_LABELS[kind]) for point, kind in explored.absent],
        "query": request.GET.urlencode(),
        "first_label": labels[0] if labels else "",
        "last_label": labels[-1] if labels else "",
    }
    return render(request, "web/intervals.html", context)


@page("intervals/<str:form>/", name="intervals_file", act=Act.SEE_METERING)
def intervals_file(request: HttpRequest, standing: Standing, *, code: str, form: str) -> HttpResponse:
    """The same selection as a file, in Wh, every step of the period."""
    month = month_of(request)
    explored = _Choice(request, month).explored(scope(standing, code))
    wanted = form if form in _FORMS else "csv"
    data = explored_csv(explored) if wanted == "csv" else explored_xlsx(explored, title=str(month))
    answer = HttpResponse(data, content_type=_FORMS[wanted])
    answer["Content-Disposition"] = f'attachment; filename="intervals-{month}.{wanted}"'
    return answer


class _Choice:
    """What the address asks for, with what is not understood left out."""

    def __init__(self, request: HttpRequest, month: Month) -> None:
        self.month = month
        self.points = request.GET.getlist("point")
        asked = [kind for kind in request.GET.getlist("kind") if kind in KIND_LABELS]
        self.kinds = asked or (["taken", "given"] if self.points else [])
        self.day = _day(request.GET.get("day", ""), month)
        step = request.GET.get("step", "")
        fallback = 3600
        self.step_s = int(step) if step in {str(one) for one in STEPS} else fallback

    def explored(self, subject: Subject, *, step_s: int = 0) -> Explored:
        """The series chosen, at the step chosen or a given one."""
        return explore(
            workspace(),
            subject=subject,
            points=self.points,
            kinds=self.kinds,
            month=self.month,
            day=self.day,
            step_s=step_s or self.step_s,
        )


def _day(text: str, month: Month) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if (day.year, day.month) == (month.year, month.month) else None


def _chart(explored: Explored, labels: tuple[str, ...]) -> Chart:
    """Lines with holes where anything of a step is missing; times of one day need no date."""
    one_day = len({label[:10] for label in labels}) == 1
    by_day = [label for place, label in enumerate(labels) if place == 0 or label[:10] != labels[place - 1][:10]]
    return line_chart(
        [
            (
                str(format_lazy("{} {}", one.point, KIND_LABELS[one.kind])),
                [None if gone else wh for wh, gone in zip(one.wh, one.missing, strict=True)],
            )
            for one in explored.series
        ],
        labels=[label[11:] for label in labels] if one_day else [label[5:10] for label in by_day],
        unit="kWh",
    )
