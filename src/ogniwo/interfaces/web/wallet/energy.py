"""A member's energy: a chart and its table over any period, by source, as metered or after hourly netting."""

from datetime import date, timedelta
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ogniwo.core.kernel.calendar import Month, local_day
from ogniwo.interfaces.web.context import YEARS, day_of, workspace
from ogniwo.interfaces.web.downloads import download
from ogniwo.interfaces.web.registry import wallet_page
from ogniwo.interfaces.web.wallet.drawing import Bars, bars
from ogniwo.services.access.viewers import Standing
from ogniwo.services.wallet.bills import member_bills
from ogniwo.services.wallet.energy import (
    DAYS_MAX,
    Bucket,
    MemberEnergy,
    Step,
    Sums,
    data_until,
    member_energy,
    shifted_period,
)
from ogniwo.services.wallet.files import energy_csv, energy_xlsx
from ogniwo.services.wallet.money import MemberCost, member_cost
from ogniwo.services.workspace.queries import Subject

VIEWS: Final = (
    ("day", gettext_lazy("Day")),
    ("month", gettext_lazy("Month")),
    ("year", gettext_lazy("Year")),
    ("range", gettext_lazy("Own range")),
)
_DAYS_IN_HOURS: Final = 2
_DAYS_IN_DAYS: Final = 62


class Choice:
    """What the address asks for; anything odd in it becomes the usual."""

    def __init__(self, request: HttpRequest, newest: date) -> None:
        asked = request.GET
        self.view = asked.get("view", "") if asked.get("view", "") in dict(VIEWS) else "month"
        self.at = day_of(asked.get("at", "")) or newest
        self.netted = asked.get("netting", "after") != "before"
        self.unit = "zl" if asked.get("unit") == "zl" else "kwh"
        self.compare = asked.get("compare", "") if asked.get("compare", "") in {"previous", "year"} else ""
        self.fine = asked.get("step") == "quarter"
        self.first, self.last_exclusive = self._period(day_of(asked.get("from", "")), day_of(asked.get("to", "")))

    def _period(self, first: date | None, last: date | None) -> tuple[date, date]:
        month = Month(self.at.year, self.at.month)
        if self.view == "day":
            return self.at, self.at + timedelta(days=1)
        if self.view == "year":
            return date(self.at.year, 1, 1), date(self.at.year + 1, 1, 1)
        if self.view == "range":
            first = first or month.first
            last = max(last or self.at, first)
            return first, min(last + timedelta(days=1), first + timedelta(days=DAYS_MAX))
        return month.first, month.shifted(1).first

    @property
    def step(self) -> Step:
        """The step that fits the period."""
        days = (self.last_exclusive - self.first).days
        if days <= _DAYS_IN_HOURS:
            return Step.QUARTER if self.fine and not self.netted and self.unit == "kwh" else Step.HOUR
        return Step.DAY if days <= _DAYS_IN_DAYS else Step.MONTH

    @property
    def last(self) -> date:
        """The last day of the period."""
        return self.last_exclusive - timedelta(days=1)

    def query(self, **changed: str) -> str:
        """The address of the same page with something changed."""
        values = {"view": self.view, "at": self.at.isoformat()}
        if self.view == "range":
            values |= {"from": self.first.isoformat(), "to": self.last.isoformat()}
        values |= {"netting": "" if self.netted else "before", "unit": "zl" if self.unit == "zl" else ""}
        values |= {"compare": self.compare, "step": "quarter" if self.fine else ""}
        return "&".join(f"{name}={value}" for name, value in (values | changed).items() if value)

    def moved(self, direction: int) -> str:
        """The address of the period before or after."""
        days = (self.last_exclusive - self.first).days
        if self.view == "range":
            first = self.first + timedelta(days=direction * days)
            return self.query(**{"from": first.isoformat(), "to": (first + timedelta(days=days - 1)).isoformat()})
        if self.view == "day":
            at = self.at + timedelta(days=direction)
        elif self.view == "year":
            at = date(self.at.year + direction, 1, 1)
        else:
            at = Month(self.at.year, self.at.month).shifted(direction).first
        return self.query(at=at.isoformat()) if at.year in YEARS else ""

    @property
    def title(self) -> str:
        """The period in words."""
        if self.view == "day":
            return f"{self.at:%Y-%m-%d}"
        if self.view == "year":
            return str(self.at.year)
        if self.view == "range":
            return f"{self.first:%Y-%m-%d} – {self.last:%Y-%m-%d}"
        return date_format(self.first, "F Y")


@wallet_page("energy/", name="wallet_energy")
def energy(request: HttpRequest, standing: Standing, *, code: str, number: str) -> HttpResponse:  # noqa: ARG001
    """The chart, its table, the numbers in a sentence."""
    subject = standing.subject
    until = data_until(workspace(), subject=subject)
    chosen = Choice(request, _newest(until))
    found = _read(subject, chosen)
    cost = _cost(subject, chosen, found) if chosen.unit == "zl" else None
    other = _compared(subject, chosen)
    context = {
        "chosen": chosen,
        "views": [(name, label, chosen.query(view=name, **{"from": "", "to": ""})) for name, label in VIEWS],
        "energy": found,
        "until": until,
        "cost": cost,
        "other": other,
        "chart": _cost_chart(cost, found) if cost else _chart(found, chosen),
        "rows": _rows(found, cost, other),
        "known": found.total.known,
        "before": chosen.moved(-1),
        "after": chosen.moved(1),
        "links": _links(chosen),
        "bill": _bill(subject, chosen),
        "query": chosen.query(),
    }
    return render(request, "web/wallet/energy.html", context)


@wallet_page("energy/<str:form>/", name="wallet_energy_file")
def energy_file(
    request: HttpRequest,
    standing: Standing,
    *,
    code: str,  # noqa: ARG001
    number: str,
    form: str,
) -> HttpResponse:
    """The period as a file in Wh, in the finest step there is."""
    chosen = Choice(request, _newest(data_until(workspace(), subject=standing.subject)))
    found = member_energy(
        workspace(),
        subject=standing.subject,
        first=chosen.first,
        last_exclusive=chosen.last_exclusive,
        step=Step.HOUR if chosen.netted else Step.QUARTER,
        netted=chosen.netted,
    )
    name = f"{number}-{found.first}-{chosen.last}"
    if form == "xlsx":
        return download(energy_xlsx(found), name=f"{name}.xlsx")
    return download(energy_csv(found), name=f"{name}.csv")


def _newest(until: int | None) -> date:
    """The last day with data, today without any."""
    return local_day(until - 1) if until else workspace().today()


def _read(subject: Subject, chosen: Choice) -> MemberEnergy:
    return member_energy(
        workspace(),
        subject=subject,
        first=chosen.first,
        last_exclusive=chosen.last_exclusive,
        step=chosen.step,
        netted=chosen.netted,
    )


def _cost(subject: Subject, chosen: Choice, found: MemberEnergy) -> MemberCost:
    return member_cost(
        workspace(),
        subject=subject,
        first=chosen.first,
        last_exclusive=chosen.last_exclusive,
        starts=tuple(one.start_epoch_s for one in found.buckets),
    )


def _compared(subject: Subject, chosen: Choice) -> MemberEnergy | None:
    if not chosen.compare:
        return None
    first, last_exclusive = shifted_period(chosen.first, chosen.last_exclusive, by_year=chosen.compare == "year")
    if first.year not in YEARS:
        return None
    return member_energy(
        workspace(),
        subject=subject,
        first=first,
        last_exclusive=last_exclusive,
        step=chosen.step,
        netted=chosen.netted,
    )


def _links(chosen: Choice) -> dict[str, Any]:
    """The switches: what stands beside each other, with the address of each side."""
    return {
        "unit": (
            (_("kWh"), chosen.query(unit=""), chosen.unit == "kwh"),
            (_("zł"), chosen.query(unit="zl"), chosen.unit == "zl"),
        ),
        "netting": (
            (_("after netting"), chosen.query(netting=""), chosen.netted),
            (_("as metered"), chosen.query(netting="before"), not chosen.netted),
        ),
        "compare": (
            (_("nothing"), chosen.query(compare=""), not chosen.compare),
            (_("the period before"), chosen.query(compare="previous"), chosen.compare == "previous"),
            (_("the year before"), chosen.query(compare="year"), chosen.compare == "year"),
        ),
        "step": (
            (_("hour"), chosen.query(step=""), not chosen.fine),
            (_("15 minutes"), chosen.query(step="quarter"), chosen.fine),
        )
        if chosen.view == "day" and not chosen.netted
        else (),
    }


def _bill(subject: Subject, chosen: Choice) -> str:
    """The newest document of the month that is shown."""
    months = {f"{chosen.first:%Y-%m}", f"{chosen.last:%Y-%m}"}
    if len(months) > 1:
        return ""
    return next((one.number for one in member_bills(workspace(), subject=subject) if one.month in months), "")


def _short(found: MemberEnergy) -> list[str]:
    """Labels that fit under a bar."""
    if found.step == Step.MONTH:
        return [f"{one.day.month}" for one in found.buckets]
    if found.step == Step.DAY:
        return [f"{one.day.day}" for one in found.buckets]
    return [label[11:13] for label in found.labels()]


def _sign(one: Sums) -> str:
    """A letter under a bar: ? something is missing, E something is estimated."""
    if one.missing:
        return "?"
    return "E" if one.estimated or one.manual else ""


def _chart(found: MemberEnergy, chosen: Choice) -> Bars:
    sums = [one.sums for one in found.buckets]
    above: list[tuple[str, list[int]]]
    if chosen.netted and any(one.settled for one in sums):
        above = [
            (_("from the community"), [one.community_in for one in sums]),
            (_("from the pool"), [one.from_pool for one in sums]),
            (_("from the grid"), [one.grid for one in sums]),
            (_("not settled yet"), [max(one.taken - one.community_in - one.from_pool - one.grid, 0) for one in sums]),
        ]
    else:
        above = [(_("taken"), [one.taken for one in sums])]
    return bars(
        above,
        [(_("fed in"), [one.given for one in sums])] if found.total.given else [],
        labels=_short(found),
        signs=[_sign(one) for one in sums],
        unit="kWh",
        decimals=3,
    )


def _cost_chart(cost: MemberCost, found: MemberEnergy) -> Bars | None:
    if not any(one is not None for one in cost.grosz):
        return None
    return bars(
        [(_("charges by energy, net"), [one or 0 for one in cost.grosz])],
        [],
        labels=_short(found),
        signs=["" if one is not None else "?" for one in cost.grosz],
        unit="zł",
        decimals=2,
    )


def _rows(found: MemberEnergy, cost: MemberCost | None, other: MemberEnergy | None) -> list[dict[str, Any]]:
    labels = found.labels()
    others: list[Bucket | None] = list(other.buckets) if other else []
    others += [None] * (len(labels) - len(others))
    return [
        {
            "label": label,
            "bucket": bucket,
            "sums": bucket.sums,
            "grosz": cost.grosz[place] if cost else None,
            "other": others[place],
        }
        for place, (label, bucket) in enumerate(zip(labels, found.buckets, strict=True))
    ]
