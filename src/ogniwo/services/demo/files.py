"""The sample cooperative's month as its counterparts would deliver it: four layouts, a gap, estimates, a correction."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ogniwo.core.kernel.calendar import SlotGrid
from ogniwo.formats.sample_files.writers import (
    DailyRow,
    ProfileColumn,
    ReadingRow,
    cooperative_daily_csv,
    enea_ebok_csv,
    enea_operator_xlsx,
    register_readings_csv,
    standard_profile_csv,
)
from ogniwo.services.demo.profiles import SampleProfile, sample_profiles
from ogniwo.services.demo.sample import COOPERATIVE_FILE_CODE, DAILY_FILE, EBOK, MONTH, OPERATOR_XLSX, STANDARD

OPERATOR_FILE_CODE: Final = "OSDPRZYKLAD"
GAP_POINT: Final = 36
GAP_FIRST_SLOT: Final = 13 * 96 + 9 * 4
GAP_SLOTS: Final = 23
LATE_DAY: Final = 14
LATE_POINT: Final = 34
LATE_EXTRA_WH: Final = (0,) * 8 + (1_250, 2_400, 2_650, 1_900) + (0,) * 12
METER_START_E3: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class SampleFile:
    """A file to deliver: name, bytes, the point when the layout does not carry it."""

    name: str
    data: bytes


def _hourly(grid: SlotGrid, quarters: NDArray[np.int64]) -> NDArray[np.int64]:
    hourly: NDArray[np.int64] = quarters.reshape(grid.hours, 4).sum(axis=1)
    return hourly


def _daily_files(profiles: tuple[SampleProfile, ...], *, late: bool) -> list[SampleFile]:
    grid = profiles[0].grid.hourly()
    chosen = [profile for profile in profiles if profile.point.layout == DAILY_FILE]
    energies = {profile.point.code: _hourly(profile.grid, profile.import_wh) for profile in chosen}
    files = []
    for day, first, last in zip(grid.days, grid.day_offsets[:-1], grid.day_offsets[1:], strict=True):
        if late and day.day != LATE_DAY:
            continue
        rows = []
        for profile in chosen:
            values = [int(value) for value in energies[profile.point.code][first:last]]
            guessed = [day.day == 9 and profile.point.number % 7 == 0 and hour < 5 for hour in range(len(values))]
            if late and profile.point.number == LATE_POINT:
                values = [value + extra for value, extra in zip(values, LATE_EXTRA_WH, strict=True)]
            rows.append(DailyRow(point=profile.point.code, kind="CP", energies_wh=values, estimated=guessed))
        version = 2 if late else 1
        name = f"SE_{COOPERATIVE_FILE_CODE}_{day:%Y%m%d}_{version}.csv"
        data = cooperative_daily_csv(
            operator=OPERATOR_FILE_CODE, cooperative=COOPERATIVE_FILE_CODE, day=day, version=version, rows=rows
        )
        files.append(SampleFile(name, data))
    return files


def _portal_files(profiles: tuple[SampleProfile, ...]) -> list[SampleFile]:
    files = []
    for profile in profiles:
        hours = profile.grid.hourly()
        taken, given = _hourly(profile.grid, profile.import_wh), _hourly(profile.grid, profile.export_wh)
        code = profile.point.code
        if profile.point.layout == EBOK:
            name = f"enea-ebok_{code}_{MONTH}.csv"
            files.append(SampleFile(name, enea_ebok_csv(grid=hours, import_wh=taken, export_wh=given)))
        elif profile.point.layout == OPERATOR_XLSX:
            view = hours.view()
            evening = (view.hour >= 17) & (view.hour < 21)
            peak = (view.hour >= 8) & (view.hour < 11) | evening
            zones = {
                "Energia czynna pobrana z sieci przed bilansowaniem strefa 1 (1.8.1)": peak,
                "Energia czynna pobrana z sieci przed bilansowaniem strefa 2 (1.8.2)": ~peak,
            }
            guessed = (view.day == 20) & (view.hour >= 2) & (view.hour < 6) & (profile.point.number % 2 == 0)
            data = enea_operator_xlsx(point=code, grid=hours, zone_columns=zones, energies_wh=taken, estimated=guessed)
            files.append(SampleFile(f"Raport_{code}_pobrana_{MONTH}.xlsx", data))
    return files


def _standard_files(profiles: tuple[SampleProfile, ...]) -> list[SampleFile]:
    files = []
    for profile in profiles:
        if profile.point.layout != STANDARD:
            continue
        absent = np.zeros(profile.grid.slots, dtype=np.bool_)
        if profile.point.number == GAP_POINT:
            absent[GAP_FIRST_SLOT : GAP_FIRST_SLOT + GAP_SLOTS] = True
        code = profile.point.code
        columns = [ProfileColumn(point=code, obis="1.29.0", unit="kWh", energies=profile.import_wh, absent=absent)]
        if profile.point.role == "producer":
            columns.append(ProfileColumn(point=code, obis="2.29.0", unit="kWh", energies=profile.export_wh))
        if profile.point.terms.reactive_charged:
            columns.extend(
                ProfileColumn(point=code, obis=obis, unit="kvarh", energies=energies, absent=absent)
                for obis, energies in (("5.29.0", profile.inductive_varh), ("8.29.0", profile.capacitive_varh))
            )
        data = standard_profile_csv(grid=profile.grid, columns=columns)
        files.append(SampleFile(f"profil_{code}_{MONTH}.csv", data))
    return files


def _register_file(profiles: tuple[SampleProfile, ...]) -> SampleFile:
    """Register states at both ends of the month for the points that also send a profile.

    Behind transformers the register counts the secondary side, so its step is the multiplier times 10^-3 kWh; the
    last state is rounded down as a meter does.
    """
    ends = (f"{MONTH.first} 00:00", f"{MONTH.shifted(1).first} 00:00")
    rows: list[ReadingRow] = []
    for profile in profiles:
        point = profile.point
        if point.layout != STANDARD:
            continue
        channels = [("1.8.0", "kWh", profile.import_wh)]
        if point.role == "producer":
            channels.append(("2.8.0", "kWh", profile.export_wh))
        if point.terms.reactive_charged:
            channels.append(("5.8.0", "kvarh", profile.inductive_varh))
            channels.append(("8.8.0", "kvarh", profile.capacitive_varh))
        for obis, unit, energies in channels:
            states = (METER_START_E3, METER_START_E3 + int(energies.sum()) // point.multiplier)
            rows.extend(
                ReadingRow(
                    point=point.code,
                    meter=point.meter,
                    moment=moment,
                    obis=obis,
                    value_e3=state,
                    unit=unit,
                    multiplier=point.multiplier,
                )
                for moment, state in zip(ends, states, strict=True)
            )
    return SampleFile(f"odczyty_{MONTH}.csv", register_readings_csv(rows))


def delivered_files() -> tuple[SampleFile, ...]:
    """Everything that arrives before the month is closed."""
    profiles = sample_profiles()
    return (
        *_daily_files(profiles, late=False),
        *_portal_files(profiles),
        *_standard_files(profiles),
        _register_file(profiles),
    )


def late_files() -> tuple[SampleFile, ...]:
    """The correction that arrives after the close: the shop's freezers had run all morning of one day."""
    return tuple(_daily_files(sample_profiles(), late=True))


def last_day_of_delivery() -> str:
    """The day on which the last regular file is dated."""
    return str(MONTH.shifted(1).first + timedelta(days=1))
