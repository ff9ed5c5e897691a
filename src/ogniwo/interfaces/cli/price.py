"""`ogniwo price`: one point and month on a named tariff, every line with its reasons; no workspace, no database."""

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from ogniwo.core.kernel.calendar import Clock, Month
from ogniwo.core.kernel.periods import instant_of
from ogniwo.core.kernel.quantities import NotADecimalError, parse_decimal
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.tariffs.capacity_volume import CapacityPeriod
from ogniwo.core.tariffs.exceedance import Surplus
from ogniwo.core.tariffs.explain import (
    amount_text,
    days_text,
    decimal_text,
    quantity_text,
    rate_text,
)
from ogniwo.core.tariffs.model import ChargeLine, Phases, PointTerms
from ogniwo.core.tariffs.rating import ALL_CHARGES, Charge
from ogniwo.core.tariffs.usage import PointUsage, RegisterUsage
from ogniwo.interfaces.cli.output import DONE, DONE_WITH_FINDINGS, refuse, say, show_json, show_table
from ogniwo.interfaces.cli.texts import line_row, money
from ogniwo.services.tariffs.queries import PricedPoint, load_rate_book, price

_HELP = """Price one metering point for a month: every line with its quantity, rate, legal source and rounding.

Energy comes as a total, by tariff zone, or as a meter file of any known layout (`ogniwo read --layouts`). The capacity
fee by volume and excess power need a meter file: without one they are left out and named, never counted as zero.

\b
Examples:
  ogniwo price --group C21 --power 60kW --month 2026-03 --energy 10000kWh
  ogniwo price --group G12w --month 2026-02 --phases 3ph --yearly-use 3100kWh --zone peak=120kWh,offpeak=210kWh
  ogniwo price --group G11 --month 2026-05 --energy 180kWh --yearly-use 2000kWh --offer enea --brief
  ogniwo price --group B23 --power 400kW --month 2026-06 --profile meter.csv --json

\b
Exit codes: 0 done, 2 wrong use, 3 done, but charges were left out, 4 refused.
"""

_MONTH_TEXT = re.compile(r"[12][0-9]{3}-(0[1-9]|1[0-2])\Z")
_QUANTITY = re.compile(r"([\d.,]+)\s*([A-Za-z]+)\Z")
_WATT_DECIMALS = {"W": 0, "kW": 3, "MW": 6}
_WH_DECIMALS = {"Wh": 0, "kWh": 3, "MWh": 6}
_CHARGE_NAMES = tuple(charge.value for charge in Charge)


class _Quantity(click.ParamType):  # type: ignore[type-arg]  # generic only from click 8.4 on
    """A number with its unit, read exactly to the base unit."""

    def __init__(self, name: str, units: dict[str, int]) -> None:
        self.name = name
        self._units = units

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:  # noqa: ANN401 -- click's signature
        """Read `60kW` as 60,000."""
        if isinstance(value, int):
            return value
        match = _QUANTITY.match(str(value).strip())
        if match is None or match[2] not in self._units:
            self.fail(f"{value!r} is not a number with one of the units {', '.join(self._units)}", param, ctx)
        try:
            return parse_decimal(match[1], decimals=self._units[match[2]])
        except NotADecimalError as error:
            self.fail(error.detail, param, ctx)


class _Month(click.ParamType):  # type: ignore[type-arg]  # generic only from click 8.4 on
    """A month as YYYY-MM."""

    name = "month"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Month:  # noqa: ANN401 -- click's signature
        """Read `2026-03`."""
        if isinstance(value, Month):
            return value
        if _MONTH_TEXT.match(str(value)) is None:
            self.fail(f"{value!r} is not a month such as 2026-03", param, ctx)
        return Month.parse(str(value))


class _Zones(click.ParamType):  # type: ignore[type-arg]  # generic only from click 8.4 on
    """Energy by zone: `day=120kWh,night=210kWh`."""

    name = "zones"

    def convert(
        self,
        value: Any,  # noqa: ANN401 -- click's signature
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> tuple[tuple[str, int], ...]:
        """Read zone names and energies; a zone may stand only once."""
        if isinstance(value, tuple):
            return value
        zones: dict[str, int] = {}
        for piece in re.split(r",(?=\s*[a-z_]+=)", str(value)):
            name, mark, energy = piece.strip().partition("=")
            if not mark or name in zones:
                self.fail(f"{piece!r} is not ZONE=ENERGY with a new zone", param, ctx)
            zones[name] = _ENERGY.convert(energy, param, ctx)
        return tuple(zones.items())


_POWER = _Quantity("power", _WATT_DECIMALS)
_ENERGY = _Quantity("energy", _WH_DECIMALS)
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


def _options(*options: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Several options as one decorator, in the order they are listed."""

    def decorate(command: Any) -> Any:  # noqa: ANN401 -- decorators of click are untyped
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


_TERMS = _options(
    click.option("--operator", default="enea", show_default=True, help="The distribution operator's rates."),
    click.option("--group", required=True, help="Tariff group as the operator writes it: C21, G12w."),
    click.option("--power", type=_POWER, default=0, metavar="60kW", help="Contract power."),
    click.option("--phases", type=click.Choice([str(item) for item in Phases]), default="1ph", help="Households only."),
    click.option("--billing-months", type=click.Choice(["1", "2", "6", "12"]), default="1", help="Billing period."),
    click.option("--prepaid", is_flag=True, help="The meter is a prepaid one."),
    click.option("--yearly-use", type=_ENERGY, metavar="2000kWh", help="Energy of the year before the last reading."),
    click.option("--household", is_flag=True, help="A household use outside groups G, for the flat capacity fee."),
    click.option(
        "--voltage", type=click.Choice(["LV", "MV", "HV"]), default="LV", help="Where the group leaves it open."
    ),
    click.option("--variant", default="", help="The price set of a charging-station group (em)."),
    click.option("--last-year-zone", type=_ENERGY, metavar="400kWh", help="Last year's energy of the zone (G12as)."),
    click.option("--clock", type=click.Choice(["local", "cet_fixed"]), default="local", help="The meter's clock."),
    click.option("--clock-variant", default="", help="A zone clock other than the operator's default."),
    click.option("--reactive", is_flag=True, help="The contract charges reactive energy (needs a profile with it)."),
    click.option("--offer", default="", help="The seller's offer: enea, sample; without one only distribution."),
)

_USE = _options(
    click.option("--month", required=True, type=_Month(), metavar="YYYY-MM", help="The month to price."),
    click.option("--energy", type=_ENERGY, metavar="10000kWh", help="Energy taken in the month."),
    click.option("--zone", type=_Zones(), metavar="day=..,night=..", help="Energy taken by tariff zone."),
    click.option("--profile", type=_FILE, multiple=True, help="Meter file with intervals; may be repeated."),
    click.option("--point", default="", metavar="PPE", help="The point, where the files hold several or name none."),
    click.option("--maximum-power", type=_POWER, metavar="70kW", help="Largest mean power, without a profile."),
    click.option("--rates", type=_FILE, multiple=True, help="Rate file of your own; may be repeated."),
    click.option(
        "--without",
        type=click.Choice(_CHARGE_NAMES),
        metavar="CHARGE",
        multiple=True,
        help=f"Leave a charge out: {', '.join(_CHARGE_NAMES)}.",
    ),
)


@click.command("price", help=_HELP)
@_TERMS
@_USE
@click.option("--brief", is_flag=True, help="Lines without their reasons.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document, for machines.")
def price_command(*, as_json: bool, brief: bool, **options: Any) -> None:  # noqa: ANN401 -- typed by click
    """Price one point and month."""
    month: Month = options["month"]
    try:
        priced = price(
            book=load_rate_book(options["rates"]),
            terms=_terms(options),
            first=month.first,
            last_exclusive=month.shifted(1).first,
            usage=_usage(options, month),
            charges=ALL_CHARGES - {Charge(name) for name in options["without"]},
            partial=True,
        )
    except Refusal as refusal:
        refuse(refusal)
    left_out = (*priced.left_out, *((name, "left out on request") for name in sorted(set(options["without"]))))
    if as_json:
        show_json(_document(priced, month, left_out))
    else:
        _show(priced, left_out=[charge for charge, _ in left_out], brief=brief)
    for charge, reason in left_out:
        say(f"ogniwo: not in these totals: {charge}: {reason}")
    sys.exit(DONE_WITH_FINDINGS if priced.left_out else DONE)


def _terms(options: dict[str, Any]) -> PointTerms:
    return PointTerms(
        operator=options["operator"],
        group=options["group"],
        contract_power_w=options["power"],
        phases=Phases(options["phases"]),
        billing_months=int(options["billing_months"]),
        yearly_use_wh=options["yearly_use"],
        capacity_household=options["household"],
        voltage=options["voltage"],
        clock=Clock(options["clock"]),
        offer=options["offer"],
        prepaid=options["prepaid"],
        reactive_charged=options["reactive"],
        variant=options["variant"],
        clock_variant=options["clock_variant"],
        last_year_zone_wh=options["last_year_zone"],
    )


def _usage(options: dict[str, Any], month: Month) -> PointUsage:
    given = [name for name in ("energy", "zone", "profile") if options[name] not in {None, ()}]
    if len(given) != 1:
        raise click.UsageError("give the energy in exactly one way: --energy, --zone or --profile")
    if options["profile"]:
        if options["maximum_power"] is not None:
            raise click.UsageError("--maximum-power is for meters without intervals; the profile has the powers")
        # Only a profile needs the readers of meter files, which take their time to load.
        from ogniwo.services.tariffs.profiles import usage_of_files  # noqa: PLC0415 -- see above

        return usage_of_files(
            options["profile"],
            first=month.first,
            last_exclusive=month.shifted(1).first,
            point=options["point"],
            reactive=options["reactive"],
            tell=lambda text: say(f"ogniwo: {text}"),
        )
    if options["point"]:
        raise click.UsageError("--point picks a point of a --profile")
    zones = options["zone"] or (("all", options["energy"]),)
    return RegisterUsage(energy_wh=zones, maximum_power_w=options["maximum_power"])


def _show(priced: PricedPoint, *, left_out: list[str], brief: bool) -> None:
    rating = priced.rating
    terms = rating.terms
    click.echo(f"{terms.operator} {terms.group}, {days_text(rating.first, rating.last_exclusive)}")
    click.echo()
    show_table(
        headers=("opłata", "ilość", "stawka", "netto zł"),
        rows=[
            (
                line.label_pl,
                quantity_text(line.quantity, line.rate.per),
                f"{rate_text(line.rate)}{_share(line)}",
                decimal_text(line.net_grosz, decimals=2, least=2),
            )
            for line in rating.lines
        ],
        right=frozenset({1, 2, 3}),
    )
    click.echo()
    for total in priced.totals:
        click.echo(
            f"netto {amount_text(total.net_grosz)}, VAT {total.vat_rate_percent} % {amount_text(total.vat_grosz)}"
        )
    click.echo(f"razem brutto {amount_text(priced.gross_grosz)}")
    if left_out:
        click.echo(f"nie obejmuje: {', '.join(left_out)}")
    if not brief:
        for line in rating.lines:
            click.echo(f"\n{line.label_pl}: {amount_text(line.net_grosz)}")
            for sentence in line.why:
                click.echo(f"  {sentence}")
    click.echo(f"\ntabela stawek {rating.book_digest}")


def _share(line: ChargeLine) -> str:
    return "" if line.share[0] == line.share[1] else f" × {line.share[0]}/{line.share[1]}"


def _document(priced: PricedPoint, month: Month, left_out: tuple[tuple[str, str], ...]) -> dict[str, Any]:
    rating, facts = priced.rating, priced.rating.facts
    return {
        "operator": rating.terms.operator,
        "group": rating.terms.group,
        "month": str(month),
        "rate_book": rating.book_digest,
        "lines": [line_row(line) for line in rating.lines],
        "net": money(priced.net_grosz),
        "vat": [
            {"rate_percent": total.vat_rate_percent, "net": money(total.net_grosz), "vat": money(total.vat_grosz)}
            for total in priced.totals
        ],
        "gross": money(priced.gross_grosz),
        "zones_wh": dict(facts.zones),
        "capacity": {
            "regimes": sorted({str(regime) for _, _, regime in facts.capacity_regimes}),
            "class": facts.capacity_class,
            "groups_wh": dict(facts.capacity_groups),
            "periods": [_period_document(row) for row in facts.capacity_periods],
        },
        "surpluses_w": [surplus.surplus_w for surplus in facts.surpluses],
        "surplus_hours": [_hour_text(surplus) for surplus in facts.surpluses],
        "left_out": [{"charge": charge, "reason": reason} for charge, reason in left_out],
    }


def _period_document(row: CapacityPeriod) -> dict[str, Any]:
    """A qualification period: s follows from its energies and hours, the group from s."""
    return {
        "first": row.first.isoformat(),
        "last_exclusive": row.last_exclusive.isoformat(),
        "selected_wh": row.selected_wh,
        "other_wh": row.other_wh,
        "selected_hours": row.selected_hours,
        "other_hours": row.other_hours,
        "group": row.group,
    }


def _hour_text(surplus: Surplus) -> str | None:
    """The UTC start of an hour above the contract power, None for a meter that keeps no intervals."""
    return None if surplus.epoch_s is None else instant_of(surplus.epoch_s).strftime("%Y-%m-%dT%H:%M:%SZ")
