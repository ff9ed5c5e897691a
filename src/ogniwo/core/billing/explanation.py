"""Why this amount: an invoice line walked back to its formula, rates, rounding, and the intervals behind it."""

from dataclasses import dataclass
from datetime import date

from ogniwo.core.billing.canonical import quantity_text
from ogniwo.core.billing.document import ROUNDING_EN, ROUNDING_PL
from ogniwo.core.billing.model import Invoice, InvoiceLine, PointSection
from ogniwo.core.kernel.calendar import local_period
from ogniwo.core.kernel.periods import Period
from ogniwo.core.kernel.quantities import GROSZ_DECIMALS, RATE_DECIMALS, format_decimal
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.settlement.model import QualityShare
from ogniwo.core.tariffs.model import ChargeLine

EXACT_DECIMALS = 8
"""The exact product is written with so many decimals of a zloty; a longer one ends with an ellipsis."""


class NoSuchLineError(Refusal):
    """The invoice has no line of that number."""

    code = "billing.no_such_line"


@dataclass(frozen=True, slots=True, kw_only=True)
class RateSource:
    """Where a price comes from: key, price text with unit, validity, legal source, when checked, how sure."""

    key: str
    price: str
    valid_from: date
    valid_to: date | None
    source: str
    checked_on: date
    confidence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IntervalsBehind:
    """Which stored intervals a line stands on: point, local days and their UTC period, qualities, named versions."""

    point: str
    first: date
    last_exclusive: date
    period: Period
    quality: tuple[QualityShare, ...]
    versions: tuple[tuple[str, str], ...]
    settlement_version: int
    statement_digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """One line explained: `formula` is the multiplication with its numbers, `exact` the value before rounding in zl."""

    invoice_number: str
    line_number: int
    uu_id: str
    label: str
    formula: str
    exact: str
    net_grosz: int
    rounding: str
    reasons: tuple[str, ...]
    rates: tuple[RateSource, ...]
    intervals: IntervalsBehind


def explain(invoice: Invoice, line_number: int, *, credited: bool = False, language: str = "pl") -> Explanation:
    """Explain a line of the invoice (or of its credits when `credited`). Raises NoSuchLineError.

    Numbers in texts are written with a comma in Polish and a dot in English.
    """
    for line in invoice.credits if credited else invoice.lines:
        if line.number == line_number:
            return _explanation(invoice, line, polish=language == "pl")
    raise NoSuchLineError(detail=f"{invoice.header.number} has no line {line_number}")


def exact_value(item: ChargeLine, *, mark: str = ",") -> str:
    """Quantity x rate x share in zl before rounding, cut after 8 decimals with an ellipsis when it goes on."""
    numerator = item.quantity * item.rate.value_e8 * item.share[0] * 10**EXACT_DECIMALS
    denominator = item.rate.per.base_units * 10**RATE_DECIMALS * item.share[1]
    quotient, rest = divmod(abs(numerator), denominator)
    sign = "-" if numerator < 0 else ""
    text = format_decimal(quotient, decimals=EXACT_DECIMALS, mark=mark)
    if rest:
        return f"{sign}{text}…"
    whole, _, fraction = text.partition(mark)
    return f"{sign}{whole}{mark}{fraction.rstrip('0').ljust(GROSZ_DECIMALS, '0')}"


def formula_text(item: ChargeLine, *, mark: str = ",") -> str:
    """The multiplication in numbers: `412,345 kWh × 0,498 zł/kWh × 14/31 = 205,34781 zł ≈ 205,35 zł`."""
    unit = item.rate.per
    quantity = quantity_text(item.quantity, unit).replace(".", mark)
    share = "" if item.share[0] == item.share[1] else f" × {item.share[0]}/{item.share[1]}"
    net = format_decimal(item.net_grosz, decimals=GROSZ_DECIMALS, mark=mark)
    return f"{quantity} {unit} × {item.rate.text(mark)} zł/{unit}{share} = {exact_value(item, mark=mark)} zł ≈ {net} zł"


def _explanation(invoice: Invoice, line: InvoiceLine, *, polish: bool) -> Explanation:
    item, mark = line.item, "," if polish else "."
    section = next(one for one in invoice.points if (one.facts.point, one.month) == (line.point, line.month))
    return Explanation(
        invoice_number=invoice.header.number,
        line_number=line.number,
        uu_id=line.uu_id,
        label=item.label_pl if polish else item.label_en,
        formula=formula_text(item, mark=mark),
        exact=exact_value(item, mark=mark),
        net_grosz=item.net_grosz,
        rounding=(ROUNDING_PL if polish else ROUNDING_EN)[0],
        reasons=item.reasons("pl" if polish else "en"),
        rates=tuple(
            RateSource(
                key=row.key,
                price=f"{row.rate.text(mark)} zł/{row.rate.per}",
                valid_from=row.valid_from,
                valid_to=row.valid_to,
                source=row.source,
                checked_on=row.checked_on,
                confidence=row.confidence,
            )
            for row in item.rates
        ),
        intervals=_intervals(line, section),
    )


def _intervals(line: InvoiceLine, section: PointSection) -> IntervalsBehind:
    item = line.item
    return IntervalsBehind(
        point=line.point,
        first=item.first,
        last_exclusive=item.last_exclusive,
        period=local_period(item.first, item.last_exclusive),
        quality=section.quality,
        versions=section.inputs,
        settlement_version=section.settlement_version,
        statement_digest=section.statement_digest,
    )
