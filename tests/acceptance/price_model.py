"""Amounts of `ogniwo price` in decimals and fractions of the tests' own, slot by slot, from tables typed beside them.

The tables are those of test_law_tables.py, never the packaged files.
"""

import json
import runpy
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from zoneinfo import ZoneInfo

from click.testing import CliRunner

from ogniwo.interfaces.cli.price import price_command

LAW = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("test_law_tables.py"))))
WARSAW = ZoneInfo("Europe/Warsaw")
POINT = "590310600000000019"
VARIANTS = {"low_fixed": 0, "high_fixed": 1}
D = Decimal


def grosz(value):
    """Half up to 0.01 zł from an exact fraction or decimal."""
    exact = Fraction(value) * 100
    return D((2 * exact.numerator + exact.denominator) // (2 * exact.denominator)) / 100


def run(*arguments):
    result = CliRunner().invoke(price_command, [str(argument) for argument in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def document(*arguments, code=0):
    result = run(*arguments, "--json")
    assert result.exit_code == code, result.stderr
    return json.loads(result.stdout)


def lines_of(found):
    """(charge, zone) -> net; the lines of one rating must not repeat a pair inside one month."""
    lines = [(line["charge"], line["zone"]) for line in found["lines"]]
    assert len(set(lines)) == len(lines)
    return {(line["charge"], line["zone"]): D(line["net"]["amount"]) for line in found["lines"]}


def agrees(found, expected):
    assert lines_of(found) == expected
    net = sum(expected.values(), D(0))
    vat = grosz(Fraction(net) * Fraction(23, 100))
    assert [row["rate_percent"] for row in found["vat"]] == [23]
    assert (D(found["net"]["amount"]), D(found["vat"][0]["vat"]["amount"])) == (net, vat)
    assert D(found["gross"]["amount"]) == net + vat


def tenth_of_mwh(per):
    return Fraction(1, 1_000) if per == LAW.MWH else Fraction(1)


def network(group, zone_wh, *, power_kw=0, phases=1, variant="", last_year_kwh=None):
    """The network lines of a full month of 2026."""
    (unit, *fixed), (per, rates) = LAW.NETWORK[group]
    chosen = fixed[{1: 0, 3: 1}[phases]] if group[0] == "G" else fixed[VARIANTS.get(variant, 0)]
    size = {LAW.MW: Fraction(power_kw) / 1_000, LAW.KW: Fraction(power_kw), LAW.MONTH: 1}[unit]
    lines = {("network.fixed", ""): grosz(Fraction(chosen) * size)}
    limit = {"C11pewna": 900, "G11pewna": 250, "G12as": last_year_kwh}.get(group)
    for zone, wh in zone_wh.items():
        rate = rates[zone] if isinstance(rates[zone], str) else rates[zone][VARIANTS[variant]]
        quantity, above = Fraction(wh, 1_000), Fraction(0)
        if f"{zone}.above" in rates:
            quantity, above = min(quantity, Fraction(limit)), max(quantity - limit, Fraction(0))
            if above:
                lines["network.variable", f"{zone}.above"] = grosz(above * Fraction(rates[f"{zone}.above"]))
        lines["network.variable", zone] = grosz(quantity * Fraction(rate) * tenth_of_mwh(per))
    return lines


def levies(group, wh, month, *, subscription="1"):
    kwh = Fraction(wh, 1_000)
    quality = "0.03306" if group[0] in "AB" else "0.0331" if month == "2026-01" else "0.0332"
    small = group[0] == "G" or group.startswith("C1")
    months = LAW.SUBSCRIPTION[subscription] if small else "10.00" if group[0] == "C" else "14.59"
    return {
        ("quality", ""): grosz(kwh * Fraction(quality)),
        ("oze", ""): grosz(kwh * Fraction("0.0073")),
        ("cogeneration", ""): grosz(kwh * Fraction("0.0030")),
        ("subscription", ""): D(months),
    }


def flat(yearly_kwh):
    classes = LAW.CAPACITY[2026][0]
    number = (
        1 if yearly_kwh is None or yearly_kwh < 500 else 2 if yearly_kwh <= 1200 else 3 if yearly_kwh <= 2800 else 4
    )
    return {("capacity.flat", str(number)): D(classes[number - 1])}


def instants(month, slot_s):
    """The UTC starts of a month's slots, by local midnights."""
    year, number = int(month[:4]), int(month[5:])
    end = datetime(year + number // 12, number % 12 + 1, 1, tzinfo=WARSAW).astimezone(UTC)
    moment = datetime(year, number, 1, tzinfo=WARSAW).astimezone(UTC)
    while moment < end:
        yield moment
        moment += timedelta(seconds=slot_s)


def write_profile(path, month, wh_of, *, slot_s=900, mark=",", labels="local", channel="1.29.0", unit="kWh"):
    """A file of our form; returns the slots as (UTC start, Wh)."""
    slots = [(moment, wh_of(index, moment.astimezone(WARSAW))) for index, moment in enumerate(instants(month, slot_s))]
    rows = ["PPE;OBIS;Początek;Wartość;Jednostka;Status"]
    for moment, wh in slots:
        local = moment.astimezone(WARSAW)
        label = local.strftime("%Y-%m-%d %H:%M") if labels == "local" else local.isoformat()
        value = f"{wh // 1000}{mark}{wh % 1000:03d}" if unit.startswith("k") else str(wh)
        rows.append(f"{POINT};{channel};{label};{value};{unit};pomiar")
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return slots


def off_day(day):
    return day.weekday() > 4 or (day.year == 2026 and day in LAW.OFF_2026)


def zones_of(group, slots, *, fixed=False):
    if group not in LAW.CLOCKS:
        return {"all": sum(wh for _, wh in slots)}
    zones = [zone for zone in LAW.NETWORK[group][1][1] if not zone.endswith(".above")]
    totals = dict.fromkeys(zones, 0)
    for moment, wh in slots:
        seen = moment + timedelta(hours=1) if fixed else moment.astimezone(WARSAW)
        working, free = next(row for months, row in LAW.CLOCKS[group].items() if seen.month in months)
        pattern = free if free and off_day(seen.date()) else working
        totals[LAW.NAMES[LAW.hours_of(pattern)[seen.hour]]] += wh
    return totals


def group_and_share(selected, other, selected_hours, other_hours):
    if (other + 500) // 1000 == 0:
        return "K4", Fraction(1)
    difference = Fraction(selected, selected_hours) / Fraction(other, other_hours) - 1
    for name, bound, share in (("K1", 5, "0.17"), ("K2", 10, "0.50"), ("K3", 15, "0.83")):
        if difference * 100 < bound:
            return name, Fraction(share)
    return "K4", Fraction(1)


def capacity(slots, som, *, period="day"):
    """The lines of the fee by volume."""
    periods = {}
    for moment, wh in slots:
        local = moment.astimezone(WARSAW)
        if off_day(local.date()):
            continue
        key = {"day": local.day, "decade": min((local.day - 1) // 10, 2), "month": 0, "none": 0}[period]
        row = periods.setdefault(key, {"days": set(), True: 0, False: 0})
        row["days"].add(local.day)
        row[7 <= local.hour < 22] += wh
    sums, shares = {}, {}
    for row in periods.values():
        days = len(row["days"])
        name, share = group_and_share(row[True], row[False], 15 * days, 9 * days)
        if period == "none":
            name, share = "", Fraction(1)
        sums[name] = sums.get(name, 0) + row[True]
        shares[name] = share
    return {
        ("capacity.volume", name): grosz(Fraction(wh, 1_000) * Fraction(som) * shares[name])
        for name, wh in sums.items()
        if wh
    }


def exceedance(slots, group, power_kw, slot_s):
    """Ten largest hourly surpluses of the largest mean power of each hour."""
    hours = {}
    for moment, wh in slots:
        hour = moment.replace(minute=0)
        hours[hour] = max(hours.get(hour, 0), wh * (3600 // slot_s))
    largest = sorted((w - power_kw * 1000 for w in hours.values() if w > power_kw * 1000), reverse=True)[:10]
    if not largest:
        return {}
    (unit, rate), _ = LAW.NETWORK[group]
    size = Fraction(sum(largest)) / (1_000_000 if unit == LAW.MW else 1_000)
    return {("power.exceedance", ""): grosz(size * Fraction(rate))}


def uneven(scale):
    """Loads that differ by slot, hour and day, so that no two errors cancel out."""
    return lambda index, local: (
        scale + (index * 7919) % 4973 * scale // 10_000 + (scale // 20 if 7 <= local.hour < 22 else 0) * (local.day % 5)
    )
