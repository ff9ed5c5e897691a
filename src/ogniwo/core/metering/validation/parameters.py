"""Parameters of the rules: defaults of the table in docs/validation.md, overridable per point and rule."""

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from typing import Any, Final

from ogniwo.core.kernel.refusals import Refusal


class UnknownParameterError(Refusal):
    """An override names no parameter of its rule, or gives a value that cannot be."""

    code = "validation.unknown_parameter"


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleParameters:
    """The numbers that rules compare with; every field begins with its rule. Source: metering.md 6.

    Defaults that the reference marks as customary rather than prescribed: V3, V5, V7, V8, V9, V10, V14.
    """

    v1_threshold_percent: int = 100
    v3_minutes: int = 60
    v3_days: int = 7
    v3_least_percent: int = 25
    v5_last_digits: int = 1
    v5_permille: int = 1
    v6_last_digits_per_zone: int = 1
    register_last_digit_e3: int = 1
    v7_percent: int = 180
    v7_floor_w: int = 3_000
    v8_percent: int = 110
    v9_slots: int = 8
    v10_slots: int = 12
    v11_permille_of_peak: int = 10
    v14_tangent_percent: int = 300
    v14_floor_wh: int = 10_000
    v20_tolerance: int = 1
    v21_percent: int = 10
    v24_tolerance_w: int = 1
    disabled: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleOverride:
    """One changed number: for a point (all points when empty), a rule such as "V7", a parameter without its prefix.

    The parameter `enabled` with value 0 switches the rule off, with 1 on again.
    """

    point: str
    rule: str
    parameter: str
    value: int


NAMES: Final = frozenset(field.name for field in fields(RuleParameters)) - {"disabled"}


def parameters_for(
    point: str, *, overrides: Iterable[RuleOverride] = (), base: RuleParameters | None = None
) -> RuleParameters:
    """The parameters of one point: the base, then overrides for all points, then those of this point.

    Raises UnknownParameterError.
    """
    parameters = RuleParameters() if base is None else base
    relevant = [override for override in overrides if override.point in {"", point}]
    for override in sorted(relevant, key=lambda entry: entry.point != ""):
        parameters = _applied(parameters, override)
    return parameters


def _applied(parameters: RuleParameters, override: RuleOverride) -> RuleParameters:
    if override.value < 0:
        raise UnknownParameterError(detail=f"{override.rule} {override.parameter}: {override.value} is negative")
    if override.parameter == "enabled":
        rule = frozenset({override.rule})
        disabled = parameters.disabled - rule if override.value else parameters.disabled | rule
        return replace(parameters, disabled=disabled)
    name = f"{override.rule.lower()}_{override.parameter}"
    if name not in NAMES:
        raise UnknownParameterError(detail=f"rule {override.rule} has no parameter {override.parameter}")
    changed: dict[str, Any] = {name: override.value}
    return replace(parameters, **changed)
