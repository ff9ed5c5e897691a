"""Engine of JSON files that hold intervals as a list of items with instants (Energa Moj Licznik)."""

from decimal import Decimal
from typing import Any

import msgspec

from ogniwo.core.kernel.quality import Quality
from ogniwo.formats.meter_files.drafts import Draft, columns_of_drafts
from ogniwo.formats.meter_files.labels import LabelKind
from ogniwo.formats.meter_files.layout import QUALITY_OF_WORD, Items
from ogniwo.formats.meter_files.numbers import ENERGY_WH, EnergyReader
from ogniwo.formats.meter_files.part import Job, Part
from ogniwo.formats.meter_files.tables import normal

_EPOCH_DIGITS = 14
_INSTANTS = range(315_532_800, 7_258_118_400)
"""From 1980 to 2199, as for labels."""
_DECODER = msgspec.json.Decoder(float_hook=Decimal)


def value_at(document: Any, path: str) -> Any:  # noqa: ANN401 -- JSON has no narrower type
    """The value at keys joined by dots, or None where a key is not there."""
    for key in path.split("."):
        document = document.get(key) if isinstance(document, dict) else None
    return document


def read_items(job: Job) -> Part:
    """Read a JSON document; the table's only cell is the document, its numbers kept as text."""
    rules = job.layout.items
    if rules is None:
        raise ValueError(f"layout {job.layout.name} has no items")
    document: Any = job.table.rows[0][0]
    blocks = {normal(job.layout.point.block): str(value_at(document, rules.point) or "")}
    points = job.points(blocks=blocks)
    point = points.of_file()
    kind, unit = normal(value_at(document, rules.kind)), normal(value_at(document, rules.unit))
    channel = {normal(word): name for word, name in job.layout.kind.words.items()}.get(kind, "")
    if not channel:
        job.problems.error("read.unknown_kind", f"{kind!r} is no known kind", column=rules.kind)
    if unit not in ENERGY_WH:
        job.problems.error("read.unknown_unit", f"{unit!r} is no known unit of energy", column=rules.unit)
    job.problems.refuse_if_any()
    draft = Draft(point, channel)
    energy = EnergyReader(unit, ".")
    for number, item in enumerate(value_at(document, rules.items), start=1):
        _read_item(job, rules, item, number=number, energy=energy, draft=draft)
    points.check_argument()
    drafts = [draft] if draft.row else []
    return Part(
        intervals=columns_of_drafts(drafts, time=job.layout.time, problems=job.problems),
        facts=(("obis", str(value_at(document, rules.kind))),),
    )


def _read_item(job: Job, rules: Items, item: object, *, number: int, energy: EnergyReader, draft: Draft) -> None:
    stamp = str(value_at(item, rules.time))
    if not (stamp.isdecimal() and stamp.isascii() and len(stamp) <= _EPOCH_DIGITS):
        job.problems.error("read.not_a_time", f"{stamp!r} is no instant", row=number, column=rules.time)
        return
    epoch_s, rest = divmod(int(stamp), 1_000 if rules.time_unit == "ms" else 1)
    if rest or epoch_s not in _INSTANTS:
        job.problems.error("read.not_a_time", f"{stamp} is no second of our time", row=number, column=rules.time)
        return
    present = [cell for cell in _listed(value_at(item, rules.values)) if cell is not None]
    value = energy.read(present[0]) if present and isinstance(present[0], (int, str, Decimal)) else None
    if len(present) > 1 or (present and value is None):
        message = f"{present!r} is not one number of {energy.unit}"
        job.problems.error("read.not_a_number", message, row=number, column=rules.values)
        return
    quality = Quality.MEASURED
    for flag in rules.flags:
        if value_at(item, flag.key) is flag.equals:
            quality = QUALITY_OF_WORD[flag.quality]
            break
    draft.seconds.append(epoch_s)
    draft.kind.append(LabelKind.ABSOLUTE)
    draft.row.append(number)
    draft.add(value, quality)


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]


def decode_json(text: str) -> object:
    """Decode JSON with every fractional number as an exact decimal, so that no float takes part."""
    return _DECODER.decode(text)
