"""The words of the standard profile CSV: header, channels, units, statuses, and the kinds of deviation.

Source: metering.md 3, "Templates for the standardised format": UTF-8 with or without BOM, `;`, decimal comma, header
`PPE;OBIS;Początek;Wartość;Jednostka;Status`.
"""

from enum import IntEnum
from typing import Final

from ogniwo.core.kernel.findings import Severity
from ogniwo.core.kernel.quality import QUALITY_WORDS, Quality
from ogniwo.core.metering.model import EXPORT, EXPORT_NETTED, IMPORT, IMPORT_NETTED, REACTIVE_Q1, REACTIVE_Q4

BOM: Final = b"\xef\xbb\xbf"
HEADER: Final = "PPE;OBIS;Początek;Wartość;Jednostka;Status"
COLUMNS: Final = ("PPE", "OBIS", "Początek", "Wartość", "Jednostka", "Status")

CHANNELS: Final = (IMPORT, EXPORT, IMPORT_NETTED, EXPORT_NETTED, REACTIVE_Q1, REACTIVE_Q4)
"""The channels a profile file can hold, in the order of the parsed matrices."""

REACTIVE: Final = frozenset({REACTIVE_Q1, REACTIVE_Q4})


def _channel_texts() -> dict[str, str]:
    """Every accepted spelling of a channel: short, or full with medium and channel, with or without history field."""
    texts = {channel: channel for channel in CHANNELS}
    for channel in CHANNELS:
        if "/" not in channel:
            for prefix in ("1-0:", "1-1:"):
                texts[f"{prefix}{channel}"] = channel
                texts[f"{prefix}{channel}*255"] = channel
    return texts


CHANNEL_TEXTS: Final = _channel_texts()

UNITS: Final = (("kWh", 3, False), ("Wh", 0, False), ("kvarh", 3, True), ("varh", 0, True))
"""Unit, decimals of the value that make whole Wh or varh, and whether it is reactive."""


def _status_texts() -> dict[str, Quality]:
    words = {
        Quality.MEASURED: (
            *("+", "pomiar", "zmierzone", "zmierzony", "zmierzona"),
            *("rzeczywiste", "rzeczywisty", "Dane rzeczywiste"),
        ),
        Quality.CORRECTED: ("skorygowane", "skorygowany", "korekta"),
        Quality.ESTIMATED_BY_OPERATOR: ("szacowane", "szacowany", "oszacowane", "Dane szacowane"),
        Quality.SUBSTITUTED: ("zastępcze", "zastąpiony", "uzupełnione"),
        Quality.MANUAL: ("ręczne", "ręczny"),
        Quality.MISSING: ("brak",),
    }
    texts: dict[str, Quality] = {}
    for quality, spellings in words.items():
        for word in (*spellings, QUALITY_WORDS[quality]):
            texts[word] = quality
            texts[word[0].upper() + word[1:]] = quality
    return texts


STATUS_TEXTS: Final = _status_texts()
"""Accepted statuses, each also with a capital first letter; anything else is a finding, not a guess."""


class Issue(IntEnum):
    """What can be wrong with a row; a row gets the first that applies, in this order."""

    BAD_BYTE = 0
    COLUMNS = 1
    NOT_A_POINT = 2
    CHECK_DIGIT = 3
    UNKNOWN_POINT = 4
    UNKNOWN_CHANNEL = 5
    NOT_A_TIME = 6
    OUTSIDE_PERIOD = 7
    OFF_RASTER = 8
    UNIT = 9
    UNKNOWN_STATUS = 10
    MISSING_WITH_VALUE = 11
    NOT_A_NUMBER = 12
    TOO_MANY_DECIMALS = 13
    TOO_LARGE = 14
    DUPLICATE = 15
    CONFLICT = 16


ISSUE_TEXTS: Final = {
    Issue.BAD_BYTE: ("read.bad_byte", "", "the row holds a byte that cannot stand in a UTF-8 text file"),
    Issue.COLUMNS: ("read.columns", "", "the row does not have 6 columns"),
    Issue.NOT_A_POINT: ("read.not_a_point", "PPE", "a metering point code has 18 digits"),
    Issue.CHECK_DIGIT: ("read.check_digit", "PPE", "the check digit of the metering point code is wrong"),
    Issue.UNKNOWN_POINT: ("read.unknown_point", "PPE", "the metering point is not among those expected"),
    Issue.UNKNOWN_CHANNEL: ("read.unknown_channel", "OBIS", "the OBIS code names no channel of a profile"),
    Issue.NOT_A_TIME: ("read.not_a_time", "Początek", "the start is no ISO date and time with an offset or Z"),
    Issue.OUTSIDE_PERIOD: ("read.outside_period", "Początek", "the start is outside the period being read"),
    Issue.OFF_RASTER: ("read.off_raster", "Początek", "the start is not the beginning of an interval"),
    Issue.UNIT: ("read.unit", "Jednostka", "the unit is unknown or does not fit the channel"),
    Issue.UNKNOWN_STATUS: ("read.unknown_status", "Status", "the status is not in the table of statuses"),
    Issue.MISSING_WITH_VALUE: ("read.missing_with_value", "Wartość", "the status says missing, yet there is a value"),
    Issue.NOT_A_NUMBER: ("read.not_a_number", "Wartość", "the value is no decimal number with a comma"),
    Issue.TOO_MANY_DECIMALS: ("read.too_many_decimals", "Wartość", "the value has more decimals than whole Wh allow"),
    Issue.TOO_LARGE: ("read.too_large", "Wartość", "the value does not fit 32 bits of Wh or varh"),
    Issue.DUPLICATE: ("read.duplicate", "", "the same value of this interval stands in an earlier row"),
    Issue.CONFLICT: ("read.conflict", "", "an earlier row says something else of this interval; neither is used"),
}
"""Code, column and sentence of each kind of issue."""

ISSUE_SEVERITIES: Final = {issue: Severity.WARNING if issue is Issue.DUPLICATE else Severity.ERROR for issue in Issue}

UNSEEN: Final = 0
"""Working mark of a slot no row has spoken of yet (below all qualities)."""
CONTRADICTED: Final = 7
"""Working mark of a slot whose rows contradict each other (above all qualities)."""
