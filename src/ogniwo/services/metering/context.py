"""What validation and estimation need to know of a point's month besides the values: gathered from the records."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import prefetch_related_objects

from ogniwo.core.kernel.calendar import Month, SlotGrid
from ogniwo.core.kernel.periods import epoch_of
from ogniwo.core.metering.model import (
    EXPORT,
    IMPORT,
    REACTIVE_Q1,
    REACTIVE_Q4,
    IntervalSeries,
    MaximumPower,
    RegisterReading,
    TransformerRatio,
)
from ogniwo.core.metering.obis import normalise_obis
from ogniwo.core.metering.registers import RegisterUse, consumption
from ogniwo.core.metering.solar import Location
from ogniwo.core.metering.validation.administration import Assignment
from ogniwo.core.metering.validation.parameters import RuleOverride, RuleParameters, parameters_for
from ogniwo.records.metering.models import MeteringPoint
from ogniwo.services.workspace.model import Workspace

REGISTER_OF_CHANNEL = {IMPORT: "1.8.0", EXPORT: "2.8.0", REACTIVE_Q1: "5.8.0", REACTIVE_Q4: "8.8.0"}
"""The total register that counts what a channel's intervals split."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PointContext:
    """A point's master data as the values the core works on."""

    point: MeteringPoint
    parameters: RuleParameters
    readings: tuple[RegisterReading, ...]
    maxima: tuple[MaximumPower, ...]
    ratios: tuple[TransformerRatio, ...]
    meters: tuple[Assignment, ...]
    location: Location | None

    def readings_of(self, obis: str) -> tuple[RegisterReading, ...]:
        """The states of one register."""
        return tuple(reading for reading in self.readings if reading.obis == normalise_obis(obis))

    def use(self, channel: str, grid: SlotGrid) -> RegisterUse | None:
        """What the channel's total register counted over the grid; None when nobody read it."""
        obis = REGISTER_OF_CHANNEL.get(channel)
        readings = self.readings_of(obis) if obis else ()
        if not readings:
            return None
        metered = {reading.meter for reading in readings}
        ratios = tuple(ratio for ratio in self.ratios if ratio.meter in metered)
        return consumption(
            readings,
            start_epoch_s=epoch_of(grid.period.start),
            end_epoch_s=epoch_of(grid.period.end),
            ratios=ratios if metered <= {ratio.meter for ratio in ratios} else (),
        )


def load_for_contexts(points: Sequence[MeteringPoint]) -> None:
    """Read what `point_context` asks for all of these points together, in a few queries instead of four for each."""
    prefetch_related_objects(points, "installations__meter__ratios", "register_states", "maximum_powers")


def point_context(point: MeteringPoint, month: Month) -> PointContext:
    """Gather what is known of a point for a month; for many points see `load_for_contexts`."""
    if "installations" not in getattr(point, "_prefetched_objects_cache", {}):
        load_for_contexts([point])
    installations = list(point.installations.all())
    meters = {installation.meter.pk: installation.meter for installation in installations}
    ratios = sorted(
        ((meter, ratio) for meter in meters.values() for ratio in meter.ratios.all()),
        key=lambda pair: pair[1].valid_from,
    )
    return PointContext(
        point=point,
        parameters=parameters_for(point.code, overrides=_overrides(point), base=_defaults(point)),
        readings=tuple(
            RegisterReading(
                point=point.code,
                meter=state.meter_serial,
                obis=normalise_obis(state.obis),
                epoch_s=state.epoch_s,
                value_e3=state.value_e3,
                unit=state.unit,
                origin=state.origin,
                multiplier=state.multiplier,
                digits=state.digits,
                row=state.row,
            )
            for state in point.register_states.all()
        ),
        maxima=tuple(
            MaximumPower(
                point=point.code, month=state.month, rank=state.rank, power_w=state.power_w, epoch_s=state.epoch_s
            )
            for state in point.maximum_powers.all()
            if state.month == str(month)
        ),
        ratios=tuple(
            TransformerRatio(
                meter=meter.serial,
                valid_from_epoch_s=epoch_of(ratio.valid_from),
                current=(ratio.current_primary, ratio.current_secondary),
                voltage=(ratio.voltage_primary, ratio.voltage_secondary),
            )
            for meter, ratio in ratios
        ),
        meters=tuple(
            Assignment(
                point=point.code,
                what=installation.meter.serial,
                start_epoch_s=epoch_of(installation.valid_from),
                end_epoch_s=epoch_of(installation.valid_to) if installation.valid_to else None,
            )
            for installation in installations
        ),
        location=_location(point),
    )


def _defaults(point: MeteringPoint) -> RuleParameters:
    """A point that generates takes nothing for hours on end: runs of zeros (V9) mean nothing there."""
    return RuleParameters() if point.role == "consumer" else RuleParameters(disabled=frozenset({"V9"}))


def _overrides(point: MeteringPoint) -> tuple[RuleOverride, ...]:
    """Parameters of rules kept with the point as {"V7.percent": 300}."""
    stored: dict[str, int] = point.rule_parameters
    return tuple(
        RuleOverride(point=point.code, rule=name.partition(".")[0], parameter=name.partition(".")[2], value=value)
        for name, value in sorted(stored.items())
    )


def _location(point: MeteringPoint) -> Location | None:
    if point.source != "pv" or point.latitude_e6 is None or point.longitude_e6 is None:
        return None
    return Location(latitude_e6=point.latitude_e6, longitude_e6=point.longitude_e6)


def series_of_month(workspace: Workspace, *, point: str, month: Month) -> dict[str, IntervalSeries]:
    """The latest series of every channel of a point."""
    read = workspace.series.read_points(points=(point,), month=month)
    return {channel: read[point, channel] for _, channel in sorted(read)}
