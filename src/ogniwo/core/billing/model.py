"""The values billing works on: parties, lines with a stable id, VAT by rate, adjustments, and the immutable invoice."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from ogniwo.core.billing.payment import parse_nrb
from ogniwo.core.kernel.calendar import Month
from ogniwo.core.kernel.ids import is_nip
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.kernel.rounding import divide_half_up
from ogniwo.core.settlement.model import EnergyFlows, QualityShare
from ogniwo.core.tariffs.model import ChargeLine


class PartyError(Refusal):
    """A party of an invoice has no name, no address, or a tax number that is none."""

    code = "billing.party"


class InvoiceHeaderError(Refusal):
    """The head of an invoice contradicts itself: no number, or due before it is issued."""

    code = "billing.header"


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """A seller or buyer: name, address lines, `nip` (10 digits, "" for a person without one), our customer number."""

    name: str
    address: tuple[str, ...]
    nip: str = ""
    customer_number: str = ""
    contact: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.name.strip() or not any(line.strip() for line in self.address):
            raise PartyError(detail=f"party {self.name!r} needs a name and an address")
        if self.nip and not is_nip(self.nip):
            raise PartyError(detail=f"{self.nip!r} of {self.name} is not a NIP")


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceHeader:
    """What stands above the lines: number, dates, parties, the account to pay to (26 digits), the rate book's digest.

    `issue_date` and `due_date` are given, never read from a clock. Raises InvoiceHeaderError and NotAnAccountError.
    """

    number: str
    issue_date: date
    due_date: date
    issue_place: str
    seller: Party
    buyer: Party
    account: str
    contract_number: str = ""
    rate_book_digest: str = ""

    def __post_init__(self) -> None:
        if not self.number.strip():
            raise InvoiceHeaderError(detail="an invoice needs a number")
        if self.due_date < self.issue_date:
            raise InvoiceHeaderError(detail=f"{self.number} is due on {self.due_date}, before {self.issue_date}")
        object.__setattr__(self, "account", parse_nrb(self.account))


@dataclass(frozen=True, slots=True, kw_only=True)
class BilledReading:
    """Counter states that bound a quantity: `*_e3` in 10^-3 of `unit`, multiplier not applied, quantity in base units.

    `origin` repeats the metering words (remote, physical, manual, estimate, removal, installation, ratio_change): the
    bill must say how a reading was made.
    """

    meter: str
    register: str
    previous_on: date
    previous_e3: int
    current_on: date
    current_e3: int
    multiplier: int
    quantity: int
    unit: str
    origin: str
    losses: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PointFacts:
    """What a bill must say of a metering point besides the charges; None and () mean not known, never zero.

    `previous_year_wh` is the energy taken in the same period a year before.
    """

    point: str
    address: tuple[str, ...] = ()
    operator: str = ""
    group: str = ""
    contract_power_w: int | None = None
    offer: str = ""
    readings: tuple[BilledReading, ...] = ()
    previous_year_wh: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PointSection:
    """One point and month of an invoice: facts, energy by source, quality, and the version of the settlement behind."""

    facts: PointFacts
    community: str
    month: Month
    flows: EnergyFlows
    quality: tuple[QualityShare, ...]
    settlement_version: int
    statement_digest: str
    inputs: tuple[tuple[str, str], ...]

    @property
    def slots(self) -> int:
        """Number of intervals of all qualities."""
        return sum(share.slots for share in self.quality)

    def slots_of(self, *words: str) -> int:
        """Number of intervals whose quality is one of the words."""
        return sum(share.slots for share in self.quality if share.quality in words)


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceLine:
    """One row: `number` from 1, `uu_id` (32 hex digits) that stays the same when the month is settled again."""

    number: int
    uu_id: str
    community: str
    point: str
    month: Month
    item: ChargeLine


@dataclass(frozen=True, slots=True, kw_only=True)
class VatLine:
    """The sums of one VAT rate in grosz: VAT is computed on the sum of net and rounded once (law.md, "Money")."""

    rate_percent: int
    net_grosz: int
    vat_grosz: int

    @property
    def gross_grosz(self) -> int:
        """Net and VAT together."""
        return self.net_grosz + self.vat_grosz


def vat_on(*, net_grosz: int, rate_percent: int) -> int:
    """VAT on a sum of net, rounded once, half up."""
    return divide_half_up(net_grosz * rate_percent, 100)


class AdjustmentKind(StrEnum):
    """Which way an amount outside VAT moves the amount to pay (FA(3): Obciazenia and Odliczenia)."""

    CHARGE = "charge"
    DEDUCTION = "deduction"


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjustment:
    """An amount outside the VAT invoice that changes what is to be paid: balance, interest, deposit, credit."""

    code: str
    kind: AdjustmentKind
    label_pl: str
    label_en: str
    amount_grosz: int

    def __post_init__(self) -> None:
        if self.amount_grosz <= 0:
            raise ValueError(f"adjustment {self.code} must be positive, its kind gives the direction")


@dataclass(frozen=True, slots=True, kw_only=True)
class Invoice:
    """An issued bill as a value: never edited, only corrected by another document.

    `credits` are what the community owes the member: information with its own settlement, outside the VAT sums.
    `first` and `last_exclusive` bound the days of supply.
    """

    header: InvoiceHeader
    first: date
    last_exclusive: date
    points: tuple[PointSection, ...]
    lines: tuple[InvoiceLine, ...]
    vat: tuple[VatLine, ...]
    adjustments: tuple[Adjustment, ...]
    credits: tuple[InvoiceLine, ...]
    credit_vat: tuple[VatLine, ...]
    ledger_references: tuple[str, ...]

    @property
    def net_grosz(self) -> int:
        """Net total."""
        return sum(line.net_grosz for line in self.vat)

    @property
    def vat_grosz(self) -> int:
        """VAT total."""
        return sum(line.vat_grosz for line in self.vat)

    @property
    def gross_grosz(self) -> int:
        """Gross total: the value of the invoice (P_15)."""
        return sum(line.gross_grosz for line in self.vat)

    @property
    def credit_gross_grosz(self) -> int:
        """What the community owes the member for the period, VAT included where it applies."""
        return sum(line.gross_grosz for line in self.credit_vat)

    @property
    def balance_grosz(self) -> int:
        """Gross total with all adjustments; negative when the member has overpaid."""
        return self.gross_grosz + sum(
            one.amount_grosz if one.kind is AdjustmentKind.CHARGE else -one.amount_grosz for one in self.adjustments
        )

    @property
    def to_pay_grosz(self) -> int:
        """What the buyer is asked to pay, never below zero."""
        return max(self.balance_grosz, 0)

    @property
    def overpaid_grosz(self) -> int:
        """What stays on the buyer's account for later bills, never below zero."""
        return max(-self.balance_grosz, 0)
