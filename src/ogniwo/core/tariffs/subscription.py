"""Subscription charge: in full for every month in which there was a contract, also that of its start or end.

Source: ENEA 2026 tariff, 3.1.13 and 3.1.14 (prepaid meters: half of the longest billing period's rate).
"""

from ogniwo.core.tariffs.lines import ChargeName, RatedPoint, UnusableTermsError, charge_line
from ogniwo.core.tariffs.model import Category, ChargeLine, Sentence
from ogniwo.core.tariffs.parts import Part, months_touched

SUBSCRIPTION = ChargeName(
    code="subscription", category=Category.DISTRIBUTION, label_pl="Opłata abonamentowa", label_en="Subscription charge"
)


def subscription_key(point: RatedPoint) -> str:
    """The rate key by length of the billing period; refuses a length that the group does not have."""
    if point.terms.prepaid:
        return f"{point.group.subscription}/prepaid"
    if point.terms.billing_months not in point.group.billing_months:
        allowed = ", ".join(str(months) for months in point.group.billing_months)
        raise UnusableTermsError(
            detail=f"group {point.group.group} is billed every {allowed} months, not {point.terms.billing_months}"
        )
    return f"{point.group.subscription}/{point.terms.billing_months}"


def subscription_lines(point: RatedPoint) -> tuple[ChargeLine, ...]:
    """One line per run of months at the same rate; the rate of a month is that of its first day in the period."""
    key = subscription_key(point)
    runs: list[tuple[Part, int]] = []
    for first, last_exclusive in months_touched(
        point.first, point.last_exclusive, continues_month=point.continues_month
    ):
        row = point.book.rates.on(key, first)
        if runs and runs[-1][0].rows == (row,):
            run, months = runs.pop()
            runs.append((Part(run.first, last_exclusive, (row,)), months + 1))
        else:
            runs.append((Part(first, last_exclusive, (row,)), 1))
    return tuple(
        charge_line(
            point=point,
            name=SUBSCRIPTION,
            part=part,
            quantity=months,
            reasons=(
                Sentence(
                    "Pobierana w pełnej wysokości także za miesiąc rozpoczęcia i zakończenia umowy.",
                    "Charged in full also for the month in which the contract begins or ends.",
                ),
            ),
        )
        for part, months in runs
    )
