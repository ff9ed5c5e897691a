"""Totals of charge lines: VAT on the sum of net per VAT rate, rounded once (law.md, "Money", example 2.A)."""

from collections.abc import Iterable
from dataclasses import dataclass

from ogniwo.core.kernel.rounding import divide_half_up
from ogniwo.core.tariffs.model import ChargeLine


@dataclass(frozen=True, slots=True, kw_only=True)
class VatTotal:
    """Net, VAT and gross of the lines of one VAT rate, in grosz."""

    vat_rate_percent: int
    net_grosz: int
    vat_grosz: int

    @property
    def gross_grosz(self) -> int:
        """Net plus VAT."""
        return self.net_grosz + self.vat_grosz


def vat_totals(lines: Iterable[ChargeLine]) -> tuple[VatTotal, ...]:
    """One total per VAT rate, ascending; VAT is rounded half up on each sum."""
    sums: dict[int, int] = {}
    for line in lines:
        sums[line.vat_rate_percent] = sums.get(line.vat_rate_percent, 0) + line.net_grosz
    return tuple(
        VatTotal(vat_rate_percent=percent, net_grosz=net, vat_grosz=divide_half_up(net * percent, 100))
        for percent, net in sorted(sums.items())
    )
