"""The sample cooperative: forty members of an invented rural commune, their points, contracts and meters.

Nothing here stands for a real person, firm or metering point: codes start with 590999, which no operator uses.
"""

from dataclasses import dataclass
from datetime import date
from typing import Final

from ogniwo.core.kernel.calendar import Month
from ogniwo.core.kernel.ids import gs1_check_digit
from ogniwo.core.tariffs.model import Phases, PointTerms

MONTH: Final = Month(2026, 10)
OPERATOR_CODE: Final = "platforma"
COMMUNITY_CODE: Final = "przykladowo"
COOPERATIVE_FILE_CODE: Final = "SEPRZ01"
MEMBER_SINCE: Final = date(2026, 1, 1)

DAILY_FILE: Final = "cooperative-daily"
EBOK: Final = "enea-ebok"
OPERATOR_XLSX: Final = "enea-operator"
STANDARD: Final = "standard-profile"


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplePoint:
    """One member with one point: `kind` picks the load shape, energies are of the month in Wh, powers in W."""

    number: int
    name: str
    kind: str
    role: str
    terms: PointTerms
    layout: str
    load_wh: int
    peak_power_w: int = 0
    source: str = ""
    share_key: int = 10
    merit_rank: int = 50
    quarter_hours: bool = False
    multiplier: int = 1
    town: str = "Przykładowo"

    @property
    def code(self) -> str:
        """The invented metering point code with a valid check digit."""
        body = f"5909997726{self.number:07d}"
        return f"{body}{gs1_check_digit(body)}"

    @property
    def member_number(self) -> str:
        """The member's number in the cooperative."""
        return f"SE-{self.number:03d}"

    @property
    def meter(self) -> str:
        """The serial number of the meter."""
        return f"9{self.number:07d}"


def _household(number: int, group: str, load_kwh: int, *, three_phase: bool = False, pv_w: int = 0) -> SamplePoint:
    prosumer = pv_w > 0
    yearly_kwh = load_kwh * 12
    return SamplePoint(
        number=number,
        name=f"Gospodarstwo domowe {number:02d}",
        kind="household_night" if group == "G12" else "household",
        role="prosumer" if prosumer else "consumer",
        source="pv" if prosumer else "",
        layout=EBOK if prosumer else DAILY_FILE,
        load_wh=load_kwh * 1000,
        peak_power_w=pv_w,
        terms=PointTerms(
            operator="enea",
            group=group,
            phases=Phases.THREE if three_phase else Phases.ONE,
            yearly_use_wh=yearly_kwh * 1000,
            capacity_household=True,
            offer=f"enea/{group}",
        ),
    )


_HOUSEHOLDS = (
    *(_household(n, "G11", kwh) for n, kwh in enumerate((38, 74, 95, 121, 148, 166, 183, 190, 205, 221, 236, 262), 1)),
    *(_household(n, "G12", kwh, three_phase=True) for n, kwh in enumerate((310, 352, 398, 420), 13)),
    *(_household(n, "G12w", kwh, three_phase=True) for n, kwh in enumerate((286, 334, 371, 405), 17)),
    *(_household(n, "G11", kwh, pv_w=watt) for n, (kwh, watt) in enumerate(((240, 4200), (305, 5600)), 21)),
    *(
        _household(n, "G12w", kwh, three_phase=True, pv_w=watt)
        for n, (kwh, watt) in enumerate(((420, 6800), (515, 8400), (388, 6000), (610, 9900)), 23)
    ),
)


def _farm(number: int, load_kwh: int, contract_w: int) -> SamplePoint:
    return SamplePoint(
        number=number,
        name=f"Gospodarstwo rolne {number:02d}",
        kind="farm",
        role="consumer",
        layout=OPERATOR_XLSX,
        load_wh=load_kwh * 1000,
        share_key=20,
        merit_rank=40,
        terms=PointTerms(
            operator="enea",
            group="C12a",
            contract_power_w=contract_w,
            phases=Phases.THREE,
            yearly_use_wh=load_kwh * 12_000,
            offer="sample/C12a",
        ),
    )


def _small_firm(number: int, name: str, kind: str, load_kwh: int) -> SamplePoint:
    return SamplePoint(
        number=number,
        name=name,
        kind=kind,
        role="consumer",
        layout=DAILY_FILE,
        load_wh=load_kwh * 1000,
        merit_rank=20,
        terms=PointTerms(
            operator="enea",
            group="C11",
            contract_power_w=12_000,
            phases=Phases.THREE,
            yearly_use_wh=load_kwh * 12_000,
            offer="sample/C11",
        ),
    )


def _large(number: int, name: str, kind: str, group: str, load_kwh: int, contract_w: int) -> SamplePoint:
    return SamplePoint(
        number=number,
        name=name,
        kind=kind,
        role="consumer",
        layout=STANDARD,
        load_wh=load_kwh * 1000,
        share_key=60,
        merit_rank=10,
        quarter_hours=True,
        multiplier=40,
        terms=PointTerms(
            operator="enea",
            group=group,
            contract_power_w=contract_w,
            phases=Phases.THREE,
            yearly_use_wh=load_kwh * 12_000,
            reactive_charged=True,
            offer=f"sample/{group}",
        ),
    )


def _plant(number: int, name: str, source: str, peak_w: int) -> SamplePoint:
    return SamplePoint(
        number=number,
        name=name,
        kind="plant",
        role="producer",
        source=source,
        layout=STANDARD,
        load_wh=62_000,
        peak_power_w=peak_w,
        quarter_hours=True,
        share_key=1,
        merit_rank=90,
        terms=PointTerms(
            operator="enea",
            group="C11",
            contract_power_w=5_000,
            phases=Phases.THREE,
            yearly_use_wh=744_000,
            offer="sample/C11",
        ),
    )


POINTS: Final = (
    *_HOUSEHOLDS,
    *(_farm(n, kwh, watt) for n, (kwh, watt) in enumerate(((640, 20_000), (810, 25_000), (455, 14_000)), 27)),
    *(_farm(n, kwh, watt) for n, (kwh, watt) in enumerate(((1_240, 32_000), (720, 20_000), (980, 30_000)), 30)),
    _small_firm(33, "Urząd Gminy Przykładowo", "office", 690),
    _small_firm(34, "Sklep spożywczy w Przykładowie", "shop", 1_450),
    _large(35, "Szkoła Podstawowa w Przykładowie", "school", "C21", 6_900, 42_000),
    _large(36, "Wodociąg gminny, stacja uzdatniania", "waterworks", "C22a", 14_800, 60_000),
    _plant(37, "Elektrownia słoneczna Szkoła", "pv", 49_000),
    _plant(38, "Elektrownia słoneczna Wodociąg", "pv", 80_000),
    _plant(39, "Elektrownia słoneczna Remiza", "pv", 40_000),
    _plant(40, "Biogazownia rolnicza", "biogas", 30_000),
)
"""All members, in the order of their numbers."""
