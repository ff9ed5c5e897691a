"""Quality of an interval: it travels with the number from the reading to the invoice."""

from enum import IntEnum


class Quality(IntEnum):
    """Ordered from the most to the least trusted; MISSING is a state, never a zero (metering.md 3)."""

    MEASURED = 1
    CORRECTED = 2
    ESTIMATED_BY_OPERATOR = 3
    SUBSTITUTED = 4
    MANUAL = 5
    MISSING = 6


QUALITY_WORDS = {
    Quality.MEASURED: "measured",
    Quality.CORRECTED: "measured-corrected",
    Quality.ESTIMATED_BY_OPERATOR: "estimated-by-operator",
    Quality.SUBSTITUTED: "substituted-by-us",
    Quality.MANUAL: "manual",
    Quality.MISSING: "missing",
}
"""The words files and documents use for each quality."""
