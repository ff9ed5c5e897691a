"""Hand-made statements and invoices of several tests; amounts are computed here with Decimal, not by the product."""

from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from ogniwo.core.billing.invoice import account_adjustments, draft_invoice
from ogniwo.core.billing.model import BilledReading, InvoiceHeader, Party, PointFacts
from ogniwo.core.kernel.calendar import Month
from ogniwo.core.kernel.quantities import Rate, RateUnit
from ogniwo.core.settlement.model import EnergyFlows, QualityShare, Statement
from ogniwo.core.tariffs.model import Category, ChargeLine, RateRow

OCTOBER = Month(2026, 10)
FIRST, LAST = date(2026, 10, 1), date(2026, 11, 1)
HOUSE = "590310600000000019"
SCHOOL = "590322400000123450"
ACCOUNT = "71102055581111000000001234"
TARIFF_SOURCE = "Taryfa ENEA Operator 2026, decyzja Prezesa URE z 17.12.2025, rozdz. 7"
UNITS = {"kWh": 1_000, "MWh": 1_000_000, "kvarh": 1_000, "kW/month": 1_000, "kW": 1_000, "month": 1, "1": 1}
PLURALS = {
    Category.ENERGY: "energia",
    Category.COMMUNITY: "społeczność",
    Category.DISTRIBUTION: "dystrybucja",
    Category.STATUTORY: "opłaty ustawowe",
    Category.OTHER: "inne",
}

SELLER = Party(
    name="Spółdzielnia Energetyczna Źródło Wspólnej Łąki",
    address=("ul. Żwirowa 7", "62-045 Łęgowo Górne"),
    nip="5260001246",
    contact=("tel. 61 000 00 00", "rozliczenia@zrodlo-wspolnej-laki.example"),
)
HOUSEHOLDER = Party(
    name="Gospodarstwo domowe 27", address=("ul. Jaśminowa 3 m. 5", "62-045 Łęgowo Górne"), customer_number="1234"
)
SCHOOL_PARTY = Party(
    name="Szkoła Podstawowa nr 2 w Łęgowie Górnym",
    address=("ul. Świętej Góry 14", "62-045 Łęgowo Górne"),
    nip="1234563218",
    customer_number="88",
)


def net_grosz(quantity, price, unit, share=(1, 1)):
    exact = Decimal(quantity) / UNITS[unit] * Decimal(price) * share[0] * 100 / share[1]
    return int(exact.quantize(Decimal(1), rounding=ROUND_HALF_UP))


def line(charge, label_pl, label_en, category, quantity, price, unit, **more):
    share, vat = more.get("share", (1, 1)), more.get("vat", 23)
    first, last = more.get("first", FIRST), more.get("last", LAST)
    rate = Rate.parse(price, RateUnit(unit))
    zone = more.get("zone", "")
    row = RateRow(
        key=more.get("key", f"enea/{charge}/{zone or 'all'}"),
        rate=rate,
        valid_from=more.get("valid_from", date(2026, 1, 1)),
        valid_to=None,
        source=more.get("source", TARIFF_SOURCE),
        checked_on=date(2026, 11, 21),
        confidence=more.get("confidence", "official"),
    )
    return ChargeLine(
        charge=charge,
        zone=zone,
        category=category,
        label_pl=label_pl,
        label_en=label_en,
        first=first,
        last_exclusive=last,
        quantity=quantity,
        rate=rate,
        share=share,
        net_grosz=more.get("net", net_grosz(quantity, price, unit, share)),
        vat_rate_percent=vat,
        rates=(row,),
        why=more.get("why", (f"Ilość z przedziałów kwadransowych ({PLURALS[category]}).", f"Cena: {row.source}.")),
    )


def flows(*, taken=0, community=0, pool=0, given=0, community_out=0, metered_out=None):
    metered_out = given if metered_out is None else metered_out
    return EnergyFlows(
        metered_in_wh=taken - given + metered_out,
        metered_out_wh=metered_out,
        taken_wh=taken,
        given_wh=given,
        community_in_wh=community,
        community_out_wh=community_out,
        pool_wh=pool,
        grid_wh=taken - community - pool,
        surplus_wh=given - community_out,
    )


def statement(point, lines, *, member="M-0027", credits_=(), energy=None, quality=None, version=1, month=OCTOBER):
    energy = energy or flows()
    return Statement(
        community="zrodlo",
        month=month,
        version=version,
        member=member,
        point=point,
        flows=energy,
        quality=quality or (QualityShare(quality="measured", energy_wh=energy.taken_wh, slots=2_980),),
        lines=tuple(lines),
        credits=tuple(credits_),
        inputs=(
            ("series 1.29.0", "sha256:5f0c2a7e41"),
            ("rate book", "sha256:91ab33cd02"),
            ("sharing", "dynamic/hour"),
        ),
    )


def g12w_lines(*, peak=82_345, off=151_200, community=96_455):
    energy, dist, law, comm = Category.ENERGY, Category.DISTRIBUTION, Category.STATUTORY, Category.COMMUNITY
    own_offer = {"source": "Cennik sprzedawcy S-2026, p. 2", "confidence": "1"}
    taken = peak + off + community
    return (
        line(
            "energy.active", "Energia czynna", "Active energy", energy, peak, "0.6568", "kWh", zone="peak", **own_offer
        ),
        line(
            "energy.active",
            "Energia czynna",
            "Active energy",
            energy,
            off,
            "0.3515",
            "kWh",
            zone="offpeak",
            **own_offer,
        ),
        line("trade.fee", "Opłata handlowa", "Trade fee", energy, 1, "9.90", "month", **own_offer),
        line(
            "community.energy",
            "Energia ze społeczności",
            "Community energy",
            comm,
            community,
            "0.4450",
            "kWh",
            source="Uchwała społeczności nr 3/2026",
            confidence="1",
        ),
        line(
            "network.variable",
            "Składnik zmienny stawki sieciowej",
            "Network, variable",
            dist,
            peak + 20_455,
            "0.2702",
            "kWh",
            zone="peak",
        ),
        line(
            "network.variable",
            "Składnik zmienny stawki sieciowej",
            "Network, variable",
            dist,
            off + community - 20_455,
            "0.0813",
            "kWh",
            zone="offpeak",
        ),
        line("network.fixed", "Składnik stały stawki sieciowej", "Network, fixed", dist, 1, "26.23", "month"),
        line("quality", "Stawka jakościowa", "Quality rate", dist, taken, "0.0332", "kWh"),
        line("subscription", "Opłata abonamentowa", "Subscription", dist, 1, "3.84", "month"),
        line(
            "capacity.flat",
            "Opłata mocowa (ryczałt)",
            "Capacity fee (flat)",
            law,
            1,
            "17.18",
            "month",
            source="Informacja Prezesa URE 58/2025",
        ),
        line("oze", "Opłata OZE", "RES fee", law, peak + off, "0.0073", "kWh", source="Informacja Prezesa URE 61/2025"),
        line(
            "cogeneration",
            "Opłata kogeneracyjna",
            "Cogeneration fee",
            law,
            peak + off,
            "0.0030",
            "kWh",
            source="Dz.U. 2025 poz. 1664",
        ),
    )


HOUSE_FACTS = PointFacts(
    point=HOUSE,
    address=("ul. Jaśminowa 3 m. 5", "62-045 Łęgowo Górne"),
    operator="ENEA Operator",
    group="G12w",
    offer="S-2026",
    contract_power_w=14_000,
    readings=(
        BilledReading(
            meter="90112233",
            register="1.8.1 szczyt",
            previous_on=FIRST,
            previous_e3=10_210_112,
            current_on=LAST,
            current_e3=10_312_912,
            multiplier=1,
            quantity=102_800,
            unit="kWh",
            origin="remote",
        ),
        BilledReading(
            meter="90112233",
            register="1.8.2 pozaszczyt",
            previous_on=FIRST,
            previous_e3=21_004_500,
            current_on=LAST,
            current_e3=21_231_700,
            multiplier=1,
            quantity=227_200,
            unit="kWh",
            origin="remote",
        ),
    ),
    previous_year_wh=341_750,
)


def header(number="FV/2026/11/0001", buyer=HOUSEHOLDER, **more):
    return InvoiceHeader(
        number=number,
        issue_date=more.get("issue_date", date(2026, 11, 6)),
        due_date=more.get("due_date", date(2026, 11, 20)),
        issue_place="Łęgowo Górne",
        seller=SELLER,
        buyer=buyer,
        account=ACCOUNT,
        contract_number=more.get("contract_number", "UK/2025/0027"),
        rate_book_digest="91ab33cd02",
    )


def household_statement(*, version=1, **quantities):
    energy = flows(taken=330_000, community=96_455, given=0)
    return statement(
        HOUSE,
        g12w_lines(**quantities),
        energy=energy,
        version=version,
        quality=(
            QualityShare(quality="measured", energy_wh=322_600, slots=2_916),
            QualityShare(quality="substituted-by-us", energy_wh=7_400, slots=64),
        ),
    )


def household():
    return draft_invoice(header=header(), statements=[household_statement()], points=[HOUSE_FACTS])


def school_lines():
    energy, dist, law = Category.ENERGY, Category.DISTRIBUTION, Category.STATUTORY
    offer = {"source": "Umowa UK/2024/0088, zał. 1", "confidence": "1"}
    capacity = {"key": "statutory/capacity", "source": "Informacja Prezesa URE 58/2025"}
    return (
        line("energy.active", "Energia czynna", "Active energy", energy, 9_412_750, "0.5120", "kWh", **offer),
        line("trade.fee", "Opłata handlowa", "Trade fee", energy, 1, "25.00", "month", **offer),
        line(
            "community.energy",
            "Energia ze społeczności",
            "Community energy",
            Category.COMMUNITY,
            1_587_250,
            "0.4450",
            "kWh",
            source="Uchwała społeczności nr 3/2026",
            confidence="1",
        ),
        line(
            "network.variable",
            "Składnik zmienny stawki sieciowej",
            "Network, variable",
            dist,
            11_000_000,
            "0.1538",
            "kWh",
        ),
        line(
            "network.fixed",
            "Składnik stały stawki sieciowej",
            "Network, fixed",
            dist,
            60_000,
            "24.84",
            "kW/month",
            share=(14, 31),
            last=date(2026, 10, 15),
        ),
        line(
            "network.fixed",
            "Składnik stały stawki sieciowej",
            "Network, fixed",
            dist,
            75_000,
            "24.84",
            "kW/month",
            share=(17, 31),
            first=date(2026, 10, 15),
        ),
        line("quality", "Stawka jakościowa", "Quality rate", dist, 11_000_000, "0.0332", "kWh"),
        line("subscription", "Opłata abonamentowa", "Subscription", dist, 1, "10.00", "month"),
        line(
            "power.exceedance",
            "Przekroczenie mocy umownej (suma 10 największych)",
            "Contract power exceeded",
            dist,
            41_300,
            "24.84",
            "kW",
        ),
        line(
            "reactive.inductive",
            "Ponadumowna energia bierna indukcyjna",
            "Reactive energy, inductive",
            dist,
            412_000,
            "0.3812",
            "kvarh",
            confidence="M",
        ),
        line(
            "capacity.hours",
            "Opłata mocowa od energii w godzinach wybranych",
            "Capacity fee by volume",
            law,
            1_204_000,
            "0.2194",
            "kWh",
            zone="K1",
            share=(17, 100),
            **capacity,
        ),
        line(
            "capacity.hours",
            "Opłata mocowa od energii w godzinach wybranych",
            "Capacity fee by volume",
            law,
            842_500,
            "0.2194",
            "kWh",
            zone="K2",
            share=(50, 100),
            **capacity,
        ),
        line(
            "capacity.hours",
            "Opłata mocowa od energii w godzinach wybranych",
            "Capacity fee by volume",
            law,
            0,
            "0.2194",
            "kWh",
            zone="K3",
            share=(83, 100),
            **capacity,
        ),
        line(
            "capacity.hours",
            "Opłata mocowa od energii w godzinach wybranych",
            "Capacity fee by volume",
            law,
            3_911_250,
            "0.2194",
            "kWh",
            zone="K4",
            **capacity,
        ),
        line("oze", "Opłata OZE", "RES fee", law, 9_412_750, "0.0073", "kWh"),
        line("cogeneration", "Opłata kogeneracyjna", "Cogeneration fee", law, 9_412_750, "0.0030", "kWh"),
    )


def school():
    energy = flows(taken=11_000_000, community=1_587_250)
    quality = (
        QualityShare(quality="measured", energy_wh=10_900_000, slots=2_931),
        QualityShare(quality="estimated-by-operator", energy_wh=100_000, slots=37),
        QualityShare(quality="missing", energy_wh=0, slots=12),
    )
    facts = PointFacts(
        point=SCHOOL,
        address=SCHOOL_PARTY.address,
        operator="ENEA Operator",
        group="C21",
        contract_power_w=75_000,
        readings=(
            BilledReading(
                meter="77001",
                register="1.8.0",
                previous_on=FIRST,
                previous_e3=1_204_500,
                current_on=LAST,
                current_e3=1_479_500,
                multiplier=40,
                quantity=11_000_000,
                unit="kWh",
                origin="physical",
            ),
        ),
    )
    return draft_invoice(
        header=header("FV/2026/11/0002", SCHOOL_PARTY),
        statements=[statement(SCHOOL, school_lines(), member="M-0088", energy=energy, quality=quality)],
        points=[facts],
        adjustments=account_adjustments(balance_before_grosz=125_050, interest_grosz=1_873),
    )


def prosumer(*, net_credits=False):
    energy = flows(taken=210_400, community=31_000, given=498_200, community_out=402_150, metered_out=530_000)
    charged = (
        line("energy.active", "Energia czynna", "Active energy", Category.ENERGY, 179_400, "0.4980", "kWh"),
        line(
            "community.energy",
            "Energia ze społeczności",
            "Community energy",
            Category.COMMUNITY,
            31_000,
            "0.4450",
            "kWh",
        ),
        line(
            "network.variable",
            "Składnik zmienny stawki sieciowej",
            "Network, variable",
            Category.DISTRIBUTION,
            210_400,
            "0.2456",
            "kWh",
        ),
        line(
            "network.fixed",
            "Składnik stały stawki sieciowej",
            "Network, fixed",
            Category.DISTRIBUTION,
            1,
            "10.41",
            "month",
        ),
    )
    credited = (
        line(
            "community.sale",
            "Energia oddana społeczności",
            "Energy given to the community",
            Category.COMMUNITY,
            402_150,
            "0.4200",
            "kWh",
            vat=0,
        ),
    )
    return draft_invoice(
        header=header("FV/2026/11/0003"),
        statements=[statement(HOUSE, charged, credits_=credited, energy=energy)],
        points=[PointFacts(point=HOUSE, operator="ENEA Operator", group="G11")],
        adjustments=account_adjustments(balance_before_grosz=-2_000, deposit_used_grosz=5_500),
        net_credits=net_credits,
        ledger_references=("zrodlo/2026-10/statement/0027",),
    )


def long_invoice(points=6):
    """One buyer with several points: about sixty lines on more than two pages."""
    codes = [f"5903106000000{number:05d}" for number in range(points)]
    statements = [
        statement(code, g12w_lines(peak=80_000 + index * 1_111), energy=flows(taken=330_000, community=96_455))
        for index, code in enumerate(codes)
    ]
    facts = [
        PointFacts(point=code, address=HOUSE_FACTS.address, operator="ENEA Operator", group="G12w") for code in codes
    ]
    return draft_invoice(header=header("FV/2026/11/0004"), statements=statements, points=facts)
