"""From statements to an invoice: which lines stand on it, in which order, with which ids and sums."""

from collections.abc import Iterable, Sequence
from datetime import date

from ogniwo.core.billing.canonical import statement_digest
from ogniwo.core.billing.model import (
    Adjustment,
    AdjustmentKind,
    Invoice,
    InvoiceHeader,
    InvoiceLine,
    PointFacts,
    PointSection,
    VatLine,
    vat_on,
)
from ogniwo.core.kernel.ids import sha256_hex
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.settlement.model import Statement
from ogniwo.core.tariffs.model import Category, ChargeLine

UU_ID_LENGTH = 32
"""FA(3) keeps 50 characters for the stable id of a row; 128 bits of a SHA-256 are enough."""

_CATEGORY_ORDER = {
    Category.ENERGY: 0,
    Category.COMMUNITY: 1,
    Category.DISTRIBUTION: 2,
    Category.STATUTORY: 3,
    Category.OTHER: 4,
}


class NothingToInvoiceError(Refusal):
    """There is no statement to draft an invoice from."""

    code = "billing.nothing_to_invoice"


class MixedStatementsError(Refusal):
    """The statements of one invoice are of several members, or one point and month occurs twice."""

    code = "billing.mixed_statements"


def draft_invoice(
    *,
    header: InvoiceHeader,
    statements: Sequence[Statement],
    points: Sequence[PointFacts] = (),
    adjustments: Sequence[Adjustment] = (),
    net_credits: bool = False,
    ledger_references: Sequence[str] = (),
) -> Invoice:
    """Draft the invoice of one member from the statements of his points.

    Lines stand by point and month, then energy, community, distribution, statutory, other, then as settled. Lines that
    charge nothing because there was no quantity or the statutory rate is zero are left out. VAT is on the sum per rate.
    `points` gives the facts to print for each point. Credits are shown as information; `net_credits` also deducts
    their gross from the amount to pay (not from the VAT invoice). Raises NothingToInvoiceError, MixedStatementsError.
    """
    ordered = sorted(statements, key=lambda one: (one.point, one.month, one.community))
    _refuse_mixed(ordered)
    facts = {one.point: one for one in points}
    charged = _lines(ordered, credited=False)
    owed = _lines(ordered, credited=True)
    first, last_exclusive = _days(ordered)
    credit_vat = vat_summary(owed)
    credit_gross = sum(line.gross_grosz for line in credit_vat)
    return Invoice(
        header=header,
        first=first,
        last_exclusive=last_exclusive,
        points=tuple(_section(one, facts.get(one.point, PointFacts(point=one.point))) for one in ordered),
        lines=charged,
        vat=vat_summary(charged),
        adjustments=(*adjustments, *(_credit_adjustment(credit_gross) if net_credits else ())),
        credits=owed,
        credit_vat=credit_vat,
        ledger_references=tuple(ledger_references),
    )


def vat_summary(lines: Iterable[InvoiceLine]) -> tuple[VatLine, ...]:
    """The sums per VAT rate, the highest rate first; VAT is rounded once for each rate."""
    net: dict[int, int] = {}
    for line in lines:
        net[line.item.vat_rate_percent] = net.get(line.item.vat_rate_percent, 0) + line.item.net_grosz
    return tuple(
        VatLine(rate_percent=rate, net_grosz=net[rate], vat_grosz=vat_on(net_grosz=net[rate], rate_percent=rate))
        for rate in sorted(net, reverse=True)
    )


def account_adjustments(
    *, balance_before_grosz: int = 0, interest_grosz: int = 0, deposit_used_grosz: int = 0
) -> tuple[Adjustment, ...]:
    """The usual amounts beside an invoice; zeros are left out.

    `balance_before_grosz` is positive when the member owes from before and negative when he has overpaid.
    `deposit_used_grosz` is the prosumer deposit that pays for active energy of this bill.
    """
    charge, deduction = AdjustmentKind.CHARGE, AdjustmentKind.DEDUCTION
    known = (
        ("balance_due", charge, "Zaległość z poprzednich rozliczeń", "Balance due from before", balance_before_grosz),
        ("interest", charge, "Odsetki za opóźnienie", "Interest for late payment", interest_grosz),
        (
            "overpayment",
            deduction,
            "Nadpłata z poprzednich rozliczeń",
            "Overpayment from before",
            -balance_before_grosz,
        ),
        ("deposit", deduction, "Wykorzystany depozyt prosumencki", "Prosumer deposit used", deposit_used_grosz),
    )
    return tuple(
        Adjustment(code=code, kind=kind, label_pl=label_pl, label_en=label_en, amount_grosz=amount)
        for code, kind, label_pl, label_en, amount in known
        if amount > 0
    )


def _refuse_mixed(statements: Sequence[Statement]) -> None:
    if not statements:
        raise NothingToInvoiceError(detail="no statement was given")
    members = sorted({one.member for one in statements})
    if len(members) > 1:
        raise MixedStatementsError(detail=f"one invoice cannot bill several members: {', '.join(members)}")
    keys = [(one.point, one.month, one.community) for one in statements]
    for point, month, community in keys:
        if keys.count((point, month, community)) > 1:
            raise MixedStatementsError(detail=f"{point} in {month} occurs twice in community {community}")


def _lines(statements: Sequence[Statement], *, credited: bool) -> tuple[InvoiceLine, ...]:
    lines: list[InvoiceLine] = []
    for statement in statements:
        seen: dict[str, int] = {}
        items = statement.credits if credited else statement.lines
        identified = []
        for item in items:
            key = "|".join(_identity(statement, item, credited=credited))
            seen[key] = seen.get(key, 0) + 1
            identified.append((item, sha256_hex(f"{key}|{seen[key]}".encode())[:UU_ID_LENGTH]))
        identified.sort(key=lambda pair: _CATEGORY_ORDER[pair[0].category])
        for item, uu_id in identified:
            if not _charges_nothing(item):
                lines.append(
                    InvoiceLine(
                        number=len(lines) + 1,
                        uu_id=uu_id,
                        community=statement.community,
                        point=statement.point,
                        month=statement.month,
                        item=item,
                    )
                )
    return tuple(lines)


def _identity(statement: Statement, item: ChargeLine, *, credited: bool) -> tuple[str, ...]:
    """What makes a row the same row when the month is settled again: never its quantity, price or end of validity."""
    return (
        "credit" if credited else "charge",
        statement.community,
        statement.member,
        statement.point,
        str(statement.month),
        item.charge,
        item.zone,
        item.first.isoformat(),
    )


def _charges_nothing(item: ChargeLine) -> bool:
    if item.net_grosz:
        return False
    return item.quantity == 0 or item.share[0] == 0 or (item.category is Category.STATUTORY and item.rate.value_e8 == 0)


def _days(statements: Sequence[Statement]) -> tuple[date, date]:
    """The days of supply: those the lines cover, or the whole months where a statement has no line."""
    items = [item for one in statements for item in (*one.lines, *one.credits)]
    if items:
        return min(item.first for item in items), max(item.last_exclusive for item in items)
    months = [one.month for one in statements]
    return min(months).first, max(months).shifted(1).first


def _section(statement: Statement, facts: PointFacts) -> PointSection:
    return PointSection(
        facts=facts,
        community=statement.community,
        month=statement.month,
        flows=statement.flows,
        quality=statement.quality,
        settlement_version=statement.version,
        statement_digest=statement_digest(statement),
        inputs=statement.inputs,
    )


def _credit_adjustment(credit_gross_grosz: int) -> tuple[Adjustment, ...]:
    if credit_gross_grosz <= 0:
        return ()
    return (
        Adjustment(
            code="credit",
            kind=AdjustmentKind.DEDUCTION,
            label_pl="Należność za energię oddaną społeczności (wg odrębnego rozliczenia)",
            label_en="Due for energy given to the community (separate settlement)",
            amount_grosz=credit_gross_grosz,
        ),
    )
