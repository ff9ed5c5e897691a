"""An alarm in a sentence, Polish or English, for letters, commands and programs; pages have words of their own."""

from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from ogniwo.core.kernel.calendar import WARSAW
from ogniwo.services.watching.model import AlarmView

_STEPS: Final = {
    "pl": {"slot": "przedziału", "hour": "godziny", "day": "doby"},
    "en": {"slot": "a slot", "hour": "an hour", "day": "a day"},
}
_SENTENCES: Final = {
    "pl": {
        "silent": "brak nowych wartości od {worst} h (dopuszczalne {limit} h)",
        "above": "energia {step} {worst} kWh, więcej niż {limit} kWh",
        "below": "energia {step} {worst} kWh, mniej niż {limit} kWh",
        "power": "średnia moc {worst} kW, więcej niż umowna {limit} kW",
        "missing": "brakujące wartości w dobie: {worst}, dopuszczalne {limit}",
    },
    "en": {
        "silent": "no new value for {worst} h ({limit} h allowed)",
        "above": "energy of {step} {worst} kWh, above {limit} kWh",
        "below": "energy of {step} {worst} kWh, below {limit} kWh",
        "power": "mean power {worst} kW, above the contracted {limit} kW",
        "missing": "missing values in a day: {worst}, {limit} allowed",
    },
}


def sentence(alarm: AlarmView, *, language: str = "en") -> str:
    """What was found at worst: `energy of an hour 12.500 kWh, above 10.000 kWh`."""
    mark = "," if language == "pl" else "."
    whole = alarm.unit in {"h", "slots"}
    return _SENTENCES[language][alarm.kind].format(
        step=_STEPS[language].get(alarm.step, ""),
        worst=alarm.worst if whole else _thousandths(alarm.worst, mark),
        limit=alarm.limit if whole else _thousandths(alarm.limit, mark),
    )


def local_text(epoch_s: int) -> str:
    """An instant in local time to the minute, with the offset: `2026-10-14 12:15 +0200`."""
    return f"{datetime.fromtimestamp(epoch_s, tz=ZoneInfo(WARSAW)):%Y-%m-%d %H:%M %z}"


def _thousandths(value: int, mark: str) -> str:
    whole, rest = divmod(abs(value), 1_000)
    return f"{'-' if value < 0 else ''}{whole}{mark}{rest:03}"
