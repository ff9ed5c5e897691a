"""Energy between register states: differences, rollover (V15), replacement (V16), multiplier change (V17).

Every part of the result says why it is what it is; what cannot be decided is a finding and leaves the energy unknown.
Source of the rules: metering.md 6, rows V15 to V17, and the manual forms with expected results.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from itertools import pairwise
from typing import Final

from ogniwo.core.kernel.findings import Finding, Severity
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.kernel.rounding import divide_half_up, split_largest_remainder
from ogniwo.core.metering.model import RegisterReading, TransformerRatio
from ogniwo.core.metering.ratios import RatioSegment, primary_wh, ratio_segments
from ogniwo.core.metering.readings import ESTIMATE, INSTALLATION, REMOVAL, chain_of, kilo_text, reading_finding

_ENERGY_UNITS: Final = frozenset({"kWh", "kvarh", "kVAh"})


class MixedRegistersError(Refusal):
    """Readings of several points, registers or units were put together, or the unit is none of energy."""

    code = "metering.mixed_registers"


class SegmentKind(StrEnum):
    """How the energy of a segment was found."""

    DIFFERENCE = "difference"
    ROLLOVER = "rollover"
    ESTIMATE_CORRECTION = "estimate_correction"
    SHARE_BY_TIME = "share_by_time"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedUse:
    """The use that is plausible: from `low_wh` to `high_wh` in `span_s` seconds, in proportion for other spans."""

    low_wh: int
    high_wh: int
    span_s: int

    def accepts(self, *, energy_wh: int, span_s: int) -> bool:
        """Whether an energy over a span lies in the range (exact integers, no division)."""
        return self.low_wh * span_s <= energy_wh * self.span_s <= self.high_wh * span_s


def expected_use(*, comparable_wh: int, span_s: int, low_percent: int = 25, high_percent: int = 400) -> ExpectedUse:
    """The plausible range around a comparable use, by default 25 to 400 % of it (rule V13)."""
    return ExpectedUse(
        low_wh=divide_half_up(comparable_wh * low_percent, 100),
        high_wh=divide_half_up(comparable_wh * high_percent, 100),
        span_s=span_s,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterSegment:
    """Energy of one counter with one multiplier from `start_epoch_s` to `end_epoch_s`, and why.

    `difference_e3` is on the counter's side in 10^-3 units, `energy_wh` (Wh, varh) on the primary side. `estimated`
    means that a state or the split was estimated.
    """

    start_epoch_s: int
    end_epoch_s: int
    first: RegisterReading
    last: RegisterReading
    kind: SegmentKind
    difference_e3: int
    multiplier: Fraction
    energy_wh: int
    estimated: bool
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterUse:
    """What one register counted between two boundaries; `energy_wh` is None where it cannot be known."""

    point: str
    obis: str
    start_epoch_s: int
    end_epoch_s: int
    segments: tuple[RegisterSegment, ...]
    findings: tuple[Finding, ...]
    energy_wh: int | None

    @property
    def estimated(self) -> bool:
        """Whether any part rests on an estimate."""
        return any(segment.estimated for segment in self.segments)

    @property
    def meters(self) -> tuple[str, ...]:
        """The serial numbers that counted, in order; all of them stand on the bill (V16)."""
        return tuple(dict.fromkeys(segment.first.meter for segment in self.segments))


@dataclass(frozen=True, slots=True)
class _Counted:
    """What one step along the chain gave; `known` is False when the energy of the step cannot be told."""

    segments: tuple[RegisterSegment, ...] = ()
    findings: tuple[Finding, ...] = ()
    known: bool = True


@dataclass(frozen=True, slots=True)
class _Rules:
    expected: ExpectedUse | None
    ratios: Sequence[TransformerRatio]
    readings: Sequence[RegisterReading]

    def digits(self, meter: str) -> int:
        return max(reading.digits for reading in self.readings if reading.meter == meter)

    def last_real_before(self, reading: RegisterReading) -> RegisterReading | None:
        earlier = [
            other
            for other in self.readings
            if other.meter == reading.meter and other.epoch_s < reading.epoch_s and other.origin != ESTIMATE
        ]
        return max(earlier, key=lambda other: other.epoch_s, default=None)


def consumption(
    readings: Sequence[RegisterReading],
    *,
    start_epoch_s: int,
    end_epoch_s: int,
    expected: ExpectedUse | None = None,
    ratios: Sequence[TransformerRatio] = (),
    tolerance_s: int = 0,
) -> RegisterUse:
    """The energy one register of one point counted in a period, in Wh (varh).

    Args:
        readings: All known states of one register of one point, of one or more meters, in any order; states outside
            the period help to tell a corrected estimate from a rollover.
        start_epoch_s: Start of the period.
        end_epoch_s: End of the period.
        expected: The plausible use; without it no rollover is accepted.
        ratios: Transformer ratios by meter; when given they rule, otherwise the multiplier of the readings does.
        tolerance_s: How far a boundary reading may lie from the boundary.

    Raises:
        MixedRegistersError: readings of several points, registers or units, or none at all.
        MissingRatioError: ratios were given, but none for a meter at the start of a segment.
    """
    _require_one_register(readings)

    def state(reading: RegisterReading) -> tuple[str, int]:
        return reading.meter, 0 if ratios else reading.multiplier

    chain = chain_of(
        readings, start_epoch_s=start_epoch_s, end_epoch_s=end_epoch_s, tolerance_s=tolerance_s, state=state
    )
    rules = _Rules(expected, ratios, readings)
    steps = [_step(first, last, rules) for first, last in pairwise(chain.readings)]
    segments = tuple(segment for step in steps for segment in step.segments)
    known = bool(chain.readings) and all(step.known for step in steps)
    return RegisterUse(
        point=readings[0].point,
        obis=readings[0].obis,
        start_epoch_s=start_epoch_s,
        end_epoch_s=end_epoch_s,
        segments=segments,
        findings=(*chain.findings, *(finding for step in steps for finding in step.findings)),
        energy_wh=sum(segment.energy_wh for segment in segments) if known else None,
    )


def _require_one_register(readings: Sequence[RegisterReading]) -> None:
    registers = {(reading.point, reading.obis, reading.unit) for reading in readings}
    if len(registers) != 1:
        raise MixedRegistersError(detail=f"consumption needs one register of one point, got {sorted(registers)}")
    (_, obis, unit) = next(iter(registers))
    if unit not in _ENERGY_UNITS:
        raise MixedRegistersError(detail=f"register {obis} in {unit!r} is no energy register in kWh or kvarh")


def _step(first: RegisterReading, last: RegisterReading, rules: _Rules) -> _Counted:
    if first.meter != last.meter:
        return _replacement(first, last)
    if not rules.ratios and first.multiplier != last.multiplier:
        return _multiplier_change(first, last)
    if first.epoch_s == last.epoch_s:
        return _Counted()
    parts = _parts(first, last, rules)
    findings = _ratio_findings(first, last, parts)
    if last.value_e3 >= first.value_e3:
        difference_e3 = last.value_e3 - first.value_e3
        why = f"{kilo_text(last.value_e3)} - {kilo_text(first.value_e3)}"
        return _Counted(_segments(first, last, parts, _Advance(difference_e3, SegmentKind.DIFFERENCE, why)), findings)
    advance, finding = _backward(first, last, parts, rules)
    if advance is None:
        return _Counted(findings=(*findings, finding), known=False)
    return _Counted(_segments(first, last, parts, advance), (*findings, finding))


def _replacement(old: RegisterReading, new: RegisterReading) -> _Counted:
    """V16: the removal state of the old meter meets the installation state of the new one."""
    serials = {"removed": old.meter, "installed": new.meter}
    if (old.origin, new.origin) != (REMOVAL, INSTALLATION):
        message = f"meter {old.meter} was followed by {new.meter} without a removal and an installation state"
        finding = reading_finding("V16.incomplete", Severity.ERROR, message, first=old, last=new, **serials)
        return _Counted(findings=(finding,), known=False)
    message = f"meter {old.meter} was replaced by {new.meter} at {kilo_text(old.value_e3)}"
    code, severity = "V16.replacement", Severity.NOTE
    if old.epoch_s != new.epoch_s:
        code, severity = "V16.unmetered", Severity.WARNING
        message += f"; between removal and installation {new.epoch_s - old.epoch_s} s went unmetered"
    return _Counted(findings=(reading_finding(code, severity, message, first=old, last=new, **serials),))


def _multiplier_change(first: RegisterReading, last: RegisterReading) -> _Counted:
    """V17 by readings: the same state is read twice at the change, with the old and the new multiplier."""
    facts = {"old": first.multiplier, "new": last.multiplier}
    if first.epoch_s != last.epoch_s:
        message = "the multiplier changed between two readings and no state was read at the change"
        finding = reading_finding("V17.no_reading_at_change", Severity.ERROR, message, first=first, last=last, **facts)
        return _Counted(findings=(finding,), known=False)
    if first.value_e3 != last.value_e3:
        message = "the register shows two states at the change of its multiplier"
        finding = reading_finding("V17.register_moved", Severity.ERROR, message, first=first, last=last, **facts)
        return _Counted(findings=(finding,), known=False)
    message = f"the multiplier changed from {first.multiplier} to {last.multiplier}: the period is split"
    return _Counted(findings=(reading_finding("V17.split", Severity.NOTE, message, first=first, last=last, **facts),))


@dataclass(frozen=True, slots=True)
class _Advance:
    """By how much a counter advanced, how that was found, and the calculation as text."""

    difference_e3: int
    kind: SegmentKind
    why: str


def _parts(first: RegisterReading, last: RegisterReading, rules: _Rules) -> tuple[RatioSegment, ...]:
    """The parts of the step by multiplier: from the ratio table when there is one, else from the readings."""
    if rules.ratios:
        return ratio_segments(rules.ratios, meter=first.meter, start_epoch_s=first.epoch_s, end_epoch_s=last.epoch_s)
    whole = RatioSegment(start_epoch_s=first.epoch_s, end_epoch_s=last.epoch_s, multiplier=Fraction(first.multiplier))
    return (whole,)


def _ratio_findings(
    first: RegisterReading, last: RegisterReading, parts: Sequence[RatioSegment]
) -> tuple[Finding, ...]:
    findings: list[Finding] = []
    if len(parts) > 1:
        message = "the transformers changed between two readings; the difference is split by time as a proposal"
        findings.append(
            reading_finding(
                "V17.no_reading_at_change",
                Severity.ERROR,
                message,
                first=first,
                last=last,
                multipliers=", ".join(str(part.multiplier) for part in parts),
            )
        )
    if first.multiplier not in {1, parts[0].multiplier}:
        message = f"the reading states multiplier {first.multiplier}, the transformers give {parts[0].multiplier}"
        findings.append(reading_finding("V17.multiplier_differs", Severity.ERROR, message, first=first, last=last))
    return tuple(findings)


def _by_time(difference_e3: int, parts: Sequence[RatioSegment]) -> tuple[int, ...]:
    return split_largest_remainder(
        total=difference_e3,
        weights=[part.end_epoch_s - part.start_epoch_s for part in parts],
        ids=[f"{index:06d}" for index in range(len(parts))],
    )


def _primary(difference_e3: int, parts: Sequence[RatioSegment]) -> int:
    shares = _by_time(difference_e3, parts)
    return sum(
        primary_wh(value_e3=share, multiplier=part.multiplier) for share, part in zip(shares, parts, strict=True)
    )


def _backward(
    first: RegisterReading, last: RegisterReading, parts: Sequence[RatioSegment], rules: _Rules
) -> tuple[_Advance | None, Finding]:
    """V15: the later state is lower: an estimate was too high, or the counter passed zero, or somebody must look."""
    states = {"old": kilo_text(first.value_e3), "new": kilo_text(last.value_e3)}
    why = f"{states['new']} - {states['old']}"
    if first.origin == ESTIMATE:
        real = rules.last_real_before(first)
        if real is not None and real.value_e3 <= last.value_e3:
            message = (
                f"the state {states['new']} is below the estimate {states['old']} that was used before: correct it"
            )
            finding = reading_finding(
                "V15.estimate_corrected", Severity.ERROR, message, first=first, last=last, **states
            )
            return _Advance(last.value_e3 - first.value_e3, SegmentKind.ESTIMATE_CORRECTION, why), finding
    digits = rules.digits(first.meter)
    full_e3 = 10**digits * 1_000
    if digits == 0 or rules.expected is None or first.value_e3 >= full_e3:
        missing = "the number of its digits" if rules.expected is not None else "an expected use"
        message = f"the register went from {states['old']} to {states['new']}; without {missing} nobody can say why"
        return None, reading_finding("V15.manual", Severity.ERROR, message, first=first, last=last, **states)
    candidate_e3 = full_e3 + last.value_e3 - first.value_e3
    energy_wh = _primary(candidate_e3, parts)
    facts = {**states, "digits": digits, "candidate_wh": energy_wh}
    if not rules.expected.accepts(energy_wh=energy_wh, span_s=last.epoch_s - first.epoch_s):
        message = f"passing zero would mean {kilo_text(energy_wh)} on the primary side, which is not plausible"
        return None, reading_finding("V15.manual", Severity.ERROR, message, first=first, last=last, **facts)
    message = f"the {digits}-digit register passed zero"
    finding = reading_finding("V15.rollover", Severity.NOTE, message, first=first, last=last, **facts)
    why = f"{kilo_text(full_e3 + last.value_e3)} - {states['old']}, the {digits}-digit register passed zero"
    return _Advance(candidate_e3, SegmentKind.ROLLOVER, why), finding


def _segments(
    first: RegisterReading, last: RegisterReading, parts: Sequence[RatioSegment], advance: _Advance
) -> tuple[RegisterSegment, ...]:
    shared = len(parts) > 1
    return tuple(
        RegisterSegment(
            start_epoch_s=part.start_epoch_s,
            end_epoch_s=part.end_epoch_s,
            first=first,
            last=last,
            kind=SegmentKind.SHARE_BY_TIME if shared else advance.kind,
            difference_e3=share_e3,
            multiplier=part.multiplier,
            energy_wh=primary_wh(value_e3=share_e3, multiplier=part.multiplier),
            estimated=shared or ESTIMATE in {first.origin, last.origin},
            why=_why(first, advance, share_e3, part, shared=shared),
        )
        for part, share_e3 in zip(parts, _by_time(advance.difference_e3, parts), strict=True)
    )


def _why(first: RegisterReading, advance: _Advance, share_e3: int, part: RatioSegment, *, shared: bool) -> str:
    share = f"; share by time {kilo_text(share_e3)}" if shared else f" = {kilo_text(share_e3)}"
    return f"meter {first.meter}: {advance.why}{share} {first.unit} x {part.multiplier}"
