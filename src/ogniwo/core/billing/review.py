"""The look at a draft before it is issued: arithmetic that KSeF does not check, and data the bill should not hide."""

from ogniwo.core.billing.model import Invoice, InvoiceLine, PointSection, vat_on
from ogniwo.core.kernel.findings import Finding, Severity
from ogniwo.core.kernel.quality import QUALITY_WORDS, Quality
from ogniwo.core.kernel.quantities import Share, amount_grosz
from ogniwo.core.tariffs.model import Category

ESTIMATED_WORDS = tuple(
    QUALITY_WORDS[quality] for quality in (Quality.ESTIMATED_BY_OPERATOR, Quality.SUBSTITUTED, Quality.MANUAL)
)
"""Qualities that a bill counts as estimated."""
MISSING_WORD = QUALITY_WORDS[Quality.MISSING]
_FROM_MEMORY = "M"


def review_invoice(invoice: Invoice) -> tuple[Finding, ...]:
    """Everything about a draft that somebody may have to act on before it is issued; errors should hold it up.

    Each line is priced again, VAT is computed again, the deposit may pay for active energy only (law.md 6.2), and
    unsure rates, missing and estimated intervals, and missing facts of a point are named.
    """
    findings: list[Finding] = []
    for line in (*invoice.lines, *invoice.credits):
        findings += _line_findings(line)
    findings += _sum_findings(invoice)
    findings += _deposit_findings(invoice)
    for section in invoice.points:
        findings += _section_findings(section)
    return tuple(findings)


def _line_findings(line: InvoiceLine) -> list[Finding]:
    findings = []
    item = line.item
    expected = amount_grosz(quantity=item.quantity, rate=item.rate, share=Share(*item.share))
    if expected != item.net_grosz:
        findings.append(
            Finding(
                code="billing.line_arithmetic",
                severity=Severity.ERROR,
                message=f"line {line.number} {item.charge}: quantity x price x share gives {expected} grosz",
                point=line.point,
                facts=(("expected_grosz", str(expected)), ("net_grosz", str(item.net_grosz))),
            )
        )
    findings += [
        Finding(
            code="billing.unsure_rate",
            severity=Severity.WARNING,
            message=f"line {line.number} {item.charge} uses {row.key}, a rate nobody has checked against its source",
            point=line.point,
            source=row.source,
            facts=(("key", row.key), ("confidence", row.confidence)),
        )
        for row in item.rates
        if row.confidence == _FROM_MEMORY
    ]
    return findings


def _sum_findings(invoice: Invoice) -> list[Finding]:
    findings = []
    for vat in invoice.vat:
        net = sum(line.item.net_grosz for line in invoice.lines if line.item.vat_rate_percent == vat.rate_percent)
        expected = vat_on(net_grosz=net, rate_percent=vat.rate_percent)
        if (net, expected) != (vat.net_grosz, vat.vat_grosz):
            findings.append(
                Finding(
                    code="billing.vat_arithmetic",
                    severity=Severity.ERROR,
                    message=f"the sums at {vat.rate_percent} % should be net {net} and VAT {expected} grosz",
                )
            )
    return findings


def _deposit_findings(invoice: Invoice) -> list[Finding]:
    used = sum(one.amount_grosz for one in invoice.adjustments if one.code == "deposit")
    by_rate: dict[int, int] = {}
    for line in invoice.lines:
        if line.item.category is Category.ENERGY:
            rate = line.item.vat_rate_percent
            by_rate[rate] = by_rate.get(rate, 0) + line.item.net_grosz
    energy_gross = sum(net + vat_on(net_grosz=net, rate_percent=rate) for rate, net in by_rate.items())
    if used <= max(energy_gross, 0):
        return []
    return [
        Finding(
            code="billing.deposit_over_energy",
            severity=Severity.ERROR,
            message=f"the deposit used ({used} grosz) is more than active energy costs ({energy_gross} grosz gross)",
        )
    ]


def _section_findings(section: PointSection) -> list[Finding]:
    facts = section.facts
    missing, estimated = section.slots_of(MISSING_WORD), section.slots_of(*ESTIMATED_WORDS)
    checks = (
        (missing > 0, "billing.missing_data", Severity.WARNING, f"{missing} of {section.slots} intervals are missing"),
        (
            estimated > 0,
            "billing.estimated_data",
            Severity.NOTE,
            f"{estimated} of {section.slots} intervals are estimated",
        ),
        (
            not (facts.group and facts.operator),
            "billing.point_facts_missing",
            Severity.WARNING,
            "group or operator unknown",
        ),
        (not facts.readings, "billing.readings_missing", Severity.NOTE, "the bill will show no counter states"),
        (
            facts.previous_year_wh is None,
            "billing.previous_year_unknown",
            Severity.NOTE,
            "the same period of the previous year is not known",
        ),
    )
    return [
        Finding(code=code, severity=severity, message=f"{facts.point} in {section.month}: {text}", point=facts.point)
        for happens, code, severity, text in checks
        if happens
    ]
