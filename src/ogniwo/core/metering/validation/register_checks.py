"""V5, V6: registers against the profile, zones against their total."""

from collections.abc import Sequence
from itertools import groupby

import numpy as np

from ogniwo.core.kernel.findings import Finding, Severity
from ogniwo.core.metering.model import IntervalSeries, RegisterReading
from ogniwo.core.metering.obis import Obis, resolve_obis
from ogniwo.core.metering.readings import kilo_text, reading_finding
from ogniwo.core.metering.registers import RegisterUse
from ogniwo.core.metering.validation.parameters import RuleParameters
from ogniwo.core.metering.validation.reporting import slot_finding


def check_profile_against_register(
    series: IntervalSeries, use: RegisterUse, parameters: RuleParameters
) -> tuple[Finding, ...]:
    """V5: the intervals of the register's span must add up to what the register counted.

    Allowed is the larger of `v5_last_digits` last digits x multiplier for each segment, and `v5_permille` of the
    register's energy. A span that cannot be compared (unknown energy, missing slots, boundaries off the slots) gives a
    NOTE, a difference an ERROR: the days are not billed silently.
    """
    grid = series.grid
    # The states may lie beside the period's boundaries; what they counted is between the states.
    start = use.segments[0].start_epoch_s if use.segments else use.start_epoch_s
    end = use.segments[-1].end_epoch_s if use.segments else use.end_epoch_s
    first, last = grid.slot_of(start), grid.slot_of(end - grid.slot_s)
    if use.energy_wh is None or first is None or last is None or series.missing[first : last + 1].any():
        message = "the profile cannot be compared with the register over the whole span"
        note = slot_finding(series, "V5.not_comparable", Severity.NOTE, message, slots=(0, grid.slots))
        return (note,)
    profile_wh = int(series.wh[first : last + 1].sum(dtype=np.int64))
    digit_e3 = parameters.v5_last_digits * parameters.register_last_digit_e3
    digits_wh = -(-sum(segment.multiplier * digit_e3 for segment in use.segments) // 1)
    allowed_wh = max(int(digits_wh), use.energy_wh * parameters.v5_permille // 1_000)
    difference_wh = profile_wh - use.energy_wh
    if abs(difference_wh) <= allowed_wh:
        return ()
    finding = slot_finding(
        series,
        "V5.register_differs",
        Severity.ERROR,
        f"the profile adds up to {profile_wh} Wh, the register counted {use.energy_wh} Wh",
        slots=(first, last + 1),
        profile_wh=profile_wh,
        register_wh=use.energy_wh,
        difference_wh=difference_wh,
        allowed_wh=allowed_wh,
    )
    return (finding,)


def check_zones(readings: Sequence[RegisterReading], parameters: RuleParameters) -> tuple[Finding, ...]:
    """V6: states of all zones of a register add up to its total, but for the truncated last digit of each zone.

    Readings of any points and registers; those of one meter and instant with a total and at least two zones are
    judged. Estimates are compared too.
    """

    def key(entry: tuple[Obis, RegisterReading]) -> tuple[str, str, int, tuple[int, ...]]:
        obis, reading = entry
        family = (obis.medium, obis.channel, obis.quantity, obis.processing, obis.history)
        return reading.point, reading.meter, reading.epoch_s, family

    coded = sorted(
        ((resolve_obis(reading.obis), reading) for reading in readings),
        key=lambda entry: (key(entry), entry[0].tariff, entry[1].row),
    )
    findings: list[Finding] = []
    for _, group in groupby(coded, key=key):
        states = {obis.tariff: reading for obis, reading in group}
        total = states.pop(0, None)
        if total is None or len(states) < 2:
            continue
        zones_e3 = sum(reading.value_e3 for reading in states.values())
        allowed_e3 = len(states) * parameters.v6_last_digits_per_zone * parameters.register_last_digit_e3
        if abs(zones_e3 - total.value_e3) <= allowed_e3:
            continue
        findings.append(
            reading_finding(
                "V6.zone_sum",
                Severity.WARNING,
                f"the zones add up to {kilo_text(zones_e3)}, the total register shows {kilo_text(total.value_e3)}",
                first=total,
                last=total,
                zones=", ".join(f"{resolve_obis(reading.obis).short}" for reading in states.values()),
                zones_sum=kilo_text(zones_e3),
                total=kilo_text(total.value_e3),
                allowed=kilo_text(allowed_e3),
            )
        )
    return tuple(findings)
