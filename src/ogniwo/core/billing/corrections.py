"""Corrections: the issued state against a new settlement, as pairs of old and new rows and differences per VAT rate."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from ogniwo.core.billing.invoice import draft_invoice
from ogniwo.core.billing.model import Invoice, InvoiceHeader, InvoiceLine, VatLine
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.settlement.model import Statement
from ogniwo.core.tariffs.model import ChargeLine


class ForeignStatementError(Refusal):
    """A correction was asked for with statements of another member, point or month than the invoice bills."""

    code = "billing.foreign_statement"


@dataclass(frozen=True, slots=True, kw_only=True)
class LinePair:
    """One row before and after (FA(3), style i: same UU_ID, first the old state). None where the row does not exist."""

    number: int
    uu_id: str
    point: str
    before: ChargeLine | None
    after: ChargeLine | None

    @property
    def net_difference_grosz(self) -> int:
        """Net after minus net before."""
        return (self.after.net_grosz if self.after else 0) - (self.before.net_grosz if self.before else 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """A correcting invoice: only rows that differ, differences per VAT rate, and the whole state `after` it.

    `after` is the base of the next correction of the same invoice. Its header stays the original's.
    """

    header: InvoiceHeader
    corrected_number: str
    corrected_issue_date: date
    corrected_ksef_number: str
    reason: str
    pairs: tuple[LinePair, ...]
    vat_differences: tuple[VatLine, ...]
    after: Invoice

    @property
    def gross_difference_grosz(self) -> int:
        """Gross after minus gross before (P_15 of a correction)."""
        return sum(line.gross_grosz for line in self.vat_differences)


def draft_correction(
    *,
    before: Invoice,
    statements: Sequence[Statement],
    header: InvoiceHeader,
    reason: str,
    corrected_ksef_number: str = "",
) -> Correction | None:
    """Draft the correction of an invoice from statements settled again; None when no row changed.

    `before` is the issued invoice, or the `after` of its last correction; `statements` are all statements of its points
    and months. The sums after are computed anew (VAT on the sum), the differences are sums after minus sums before.
    Credits are not corrected here: they have their own settlement. Raises ForeignStatementError.
    """
    _refuse_foreign(before, statements)
    after = replace(
        draft_invoice(
            header=before.header,
            statements=statements,
            points=tuple({section.facts.point: section.facts for section in before.points}.values()),
            ledger_references=before.ledger_references,
        ),
        adjustments=before.adjustments,
        first=before.first,
        last_exclusive=before.last_exclusive,
    )
    after = replace(after, lines=_renumbered(before.lines, after.lines))
    pairs = _pairs(before.lines, after.lines)
    if not pairs:
        return None
    return Correction(
        header=header,
        corrected_number=before.header.number,
        corrected_issue_date=before.header.issue_date,
        corrected_ksef_number=corrected_ksef_number,
        reason=reason,
        pairs=pairs,
        vat_differences=_vat_differences(before.vat, after.vat),
        after=after,
    )


def _refuse_foreign(before: Invoice, statements: Sequence[Statement]) -> None:
    billed = {(section.facts.point, section.month, section.community) for section in before.points}
    given = {(one.point, one.month, one.community) for one in statements}
    if billed != given:
        odd = ", ".join(f"{point} in {month}" for point, month, _ in sorted(billed ^ given))
        raise ForeignStatementError(detail=f"{before.header.number} and the new statements differ in {odd}")


def _renumbered(before: Sequence[InvoiceLine], after: Sequence[InvoiceLine]) -> tuple[InvoiceLine, ...]:
    """Rows keep the number they had; rows that are new stand behind the last one."""
    numbers = {line.uu_id: line.number for line in before}
    added = [line.uu_id for line in after if line.uu_id not in numbers]
    behind = max(numbers.values(), default=0) + 1
    numbers |= {uu_id: number for number, uu_id in enumerate(added, start=behind)}
    return tuple(sorted((replace(line, number=numbers[line.uu_id]) for line in after), key=lambda line: line.number))


def _pairs(before: Sequence[InvoiceLine], after: Sequence[InvoiceLine]) -> tuple[LinePair, ...]:
    """The rows that differ, by their number."""
    old = {line.uu_id: line for line in before}
    new = {line.uu_id: line for line in after}
    pairs: list[LinePair] = []
    for uu_id, line in sorted((old | new).items(), key=lambda pair: pair[1].number):
        was = old[uu_id].item if uu_id in old else None
        now = new[uu_id].item if uu_id in new else None
        if was is None or now is None or _content(was) != _content(now):
            pairs.append(LinePair(number=line.number, uu_id=uu_id, point=line.point, before=was, after=now))
    return tuple(pairs)


def _content(item: ChargeLine) -> tuple[object, ...]:
    """What a bill says of a row; reasons and names of rate rows may change without a correction."""
    return (item.last_exclusive, item.quantity, item.rate, item.share, item.net_grosz, item.vat_rate_percent)


def _vat_differences(before: Sequence[VatLine], after: Sequence[VatLine]) -> tuple[VatLine, ...]:
    old = {line.rate_percent: line for line in before}
    new = {line.rate_percent: line for line in after}
    differences = []
    for rate in sorted(old.keys() | new.keys(), reverse=True):
        zero = VatLine(rate_percent=rate, net_grosz=0, vat_grosz=0)
        was, now = old.get(rate, zero), new.get(rate, zero)
        if was != now:
            differences.append(
                VatLine(
                    rate_percent=rate,
                    net_grosz=now.net_grosz - was.net_grosz,
                    vat_grosz=now.vat_grosz - was.vat_grosz,
                )
            )
    return tuple(differences)
