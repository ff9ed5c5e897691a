"""The tables of the bill as rows of finished texts."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from ogniwo.core.billing.review import ESTIMATED_WORDS, MISSING_WORD
from ogniwo.core.kernel.quantities import format_decimal
from ogniwo.core.tariffs.explain import zone_names
from ogniwo.formats.invoice_pdf.display import Display

Document = Mapping[str, Any]
Words = Mapping[str, str]
Rows = list[list[str]]

_ALL_DAY = "all"
_CAPACITY_GROUP = re.compile(r"K[1-4]\Z")
_CAPACITY_FLAT = "capacity.flat"
_CONFIDENCE = {
    "official": "confidence_official",
    "2+": "confidence_two",
    "1": "confidence_one",
    "M": "confidence_memory",
    "own": "confidence_own",
    "sample": "confidence_sample",
}


def line_groups(document: Document, *, display: Display, texts: Words, language: str) -> list[dict[str, Any]]:
    """The charged lines by point and month, inside by category with its net sum."""
    several = len(document["points"]) > 1
    groups: list[dict[str, Any]] = []
    for (point, month), lines in _runs(document["lines"], "point", "month"):
        categories = [
            {
                "name": texts[f"category_{category}"],
                "net": display.money(sum(line["net_grosz"] for line in own)),
                "rows": [
                    _line_row(line, document=document, display=display, texts=texts, language=language) for line in own
                ],
            }
            for (category,), own in _runs(lines, "category")
        ]
        heading = f"{texts['point']} {point}, {display.month(month)}" if several else ""
        net = display.money(sum(line["net_grosz"] for line in lines)) if several else ""
        groups.append({"heading": heading, "net": net, "categories": categories})
    return groups


def pair_groups(document: Document, *, display: Display, texts: Words, language: str) -> list[dict[str, Any]]:
    """The corrected lines: name, the row before, the row after, the difference of net."""
    groups = []
    for pair in document["pairs"]:
        known = (pair["after"] or pair["before"])[0]
        rows = []
        for side, word in (("before", "was"), ("after", "now")):
            if pair[side]:
                item = pair[side][0]
                cells = _amount_cells(item, display=display)
                share = _share(item, mark=display.mark)
                rows.append([texts[word], *cells[:2], f"{cells[2]} × {share}" if share else cells[2], *cells[3:]])
            else:
                rows.append([texts[word], texts["absent"], "", "", "", ""])
        groups.append(
            {
                "name": _name(known, language=language),
                "detail": _detail(known, document=document, display=display, texts=texts, shared=False),
                "number": str(pair["number"]),
                "rows": rows,
                "difference": display.money(pair["net_difference_grosz"]),
            }
        )
    return groups


def vat_rows(document: Document, *, display: Display, texts: Words) -> Rows:
    """The sums per VAT rate and, as the last row, the total."""
    rows = [
        [
            f"{line['rate_percent']}\N{NO-BREAK SPACE}%",
            *(display.money(line[key]) for key in ("net_grosz", "vat_grosz", "gross_grosz")),
        ]
        for line in document["vat"]
    ]
    totals = document["totals"]
    return [*rows, [texts["total"], *(display.money(totals[key]) for key in ("net_grosz", "vat_grosz", "gross_grosz"))]]


def energy_rows(document: Document, *, display: Display, texts: Words) -> list[dict[str, Any]]:
    """Where each point's energy came from and went, and its sums before hourly netting."""
    rows = []
    for section in document["points"]:
        flows = section["flows"]
        keys = ("taken_wh", "community_in_wh", "pool_wh", "grid_wh", "given_wh", "community_out_wh", "surplus_wh")
        rows.append(
            {
                "cells": [
                    section["point"],
                    display.month(section["month"]),
                    *(display.kwh(flows[key]) for key in keys),
                ],
                "note": texts["netting"].format(
                    metered_in=display.energy(flows["metered_in_wh"]),
                    metered_out=display.energy(flows["metered_out_wh"]),
                ),
            }
        )
    return rows


def reading_blocks(document: Document, *, display: Display, texts: Words) -> list[dict[str, Any]]:
    """The counter states of each point; points without any stand together and say how they were settled."""
    readings = {section["point"]: section["readings"] for section in document["points"]}
    blocks = [
        {"point": point, "rows": [_reading_row(one, display=display, texts=texts) for one in own], "note": ""}
        for point, own in readings.items()
        if own
    ]
    without = [point for point, own in readings.items() if not own]
    if without:
        blocks.append({"point": ", ".join(without), "rows": [], "note": texts["no_readings"]})
    return blocks


def _reading_row(one: Document, *, display: Display, texts: Words) -> list[str]:
    return [
        one["meter"],
        one["register"],
        f"{display.thousandths(one['previous_e3'])} ({display.day(one['previous_on'])})",
        f"{display.thousandths(one['current_e3'])} ({display.day(one['current_on'])})",
        display.decimal(str(one["multiplier"])),
        display.kwh(one["losses"]),
        f"{display.kwh(one['quantity'])}\N{NO-BREAK SPACE}{one['unit']}",
        texts.get(f"origin_{one['origin']}", one["origin"]),
    ]


def quality_blocks(document: Document, *, display: Display, texts: Words) -> list[dict[str, Any]]:
    """How good the data behind each point is, missing intervals as a state of their own with what follows from them."""
    blocks = []
    for section in document["points"]:
        shares = section["quality"]
        slots = sum(share["slots"] for share in shares)
        missing = sum(share["slots"] for share in shares if share["quality"] == MISSING_WORD)
        estimated = sum(share["slots"] for share in shares if share["quality"] in ESTIMATED_WORDS)
        notes = [] if missing else [texts["quality_complete"]]
        notes.append(texts["quality_estimated"].format(share=display.percent(estimated, slots)))
        warning = ""
        if missing:
            warning = texts["quality_missing_note"].format(
                slots=display.decimal(str(missing)), share=display.percent(missing, slots)
            )
        blocks.append(
            {
                "point": f"{section['point']}, {display.month(section['month'])}",
                "rows": [
                    [
                        texts.get(f"quality_{share['quality']}", share["quality"]),
                        display.decimal(str(share["slots"])),
                        display.percent(share["slots"], slots),
                        "–" if share["quality"] == MISSING_WORD else display.energy(share["energy_wh"]),
                    ]
                    for share in shares
                ],
                "note": " ".join(notes),
                "warning": warning,
            }
        )
    return blocks


def credit_rows(document: Document, *, display: Display, texts: Words, language: str) -> Rows:
    """What the community owes the member, line by line."""
    return [
        _line_row(line, document=document, display=display, texts=texts, language=language)
        for line in document["credits"]
    ]


def rate_rows(document: Document, *, display: Display, texts: Words, language: str) -> Rows:
    """Each legal source once for a day of validity: since when, how sure, and the lines it prices."""
    items = [*document.get("lines", ()), *document["credits"]]
    items += [item for pair in document.get("pairs", ()) for item in (*pair["before"], *pair["after"])]
    names: dict[tuple[str, str, str], dict[str, None]] = {}
    for item in items:
        for rate in item["rates"]:
            known = names.setdefault((rate["source"], rate["valid_from"], rate["confidence"]), {})
            known[_name(item, language=language)] = None
    return [
        [source, display.day(valid_from), texts.get(_CONFIDENCE.get(confidence, ""), confidence), ", ".join(known)]
        for (source, valid_from, confidence), known in names.items()
    ]


def _runs(lines: Iterable[Document], *keys: str) -> list[tuple[tuple[str, ...], list[Document]]]:
    """Neighbouring lines with equal keys, in order."""
    runs: list[tuple[tuple[str, ...], list[Document]]] = []
    for line in lines:
        key = tuple(line[name] for name in keys)
        if not runs or runs[-1][0] != key:
            runs.append((key, []))
        runs[-1][1].append(line)
    return runs


def _line_row(line: Document, *, document: Document, display: Display, texts: Words, language: str) -> list[str]:
    return [
        str(line["number"]),
        _name(line, language=language),
        _detail(line, document=document, display=display, texts=texts, shared=True),
        *_amount_cells(line, display=display),
    ]


def _amount_cells(item: Document, *, display: Display) -> list[str]:
    """Quantity, unit, price, net, VAT rate."""
    return [
        display.decimal(item["quantity_text"]),
        display.unit(item["unit"]),
        display.price(item["rate_text"], item["unit"]),
        display.money(item["net_grosz"]),
        f"{item['vat_rate_percent']}\N{NO-BREAK SPACE}%",
    ]


def _name(item: Document, *, language: str) -> str:
    return str(item[f"label_{language}"])


def _share(item: Document, *, mark: str) -> str:
    """The proration (14/31) or coefficient (0,17) of a line; "" for a whole."""
    numerator, denominator = item["share"]
    if numerator == denominator:
        return ""
    if denominator == 1:
        return str(numerator)
    decimals = len(str(denominator)) - 1
    if denominator == 10**decimals and decimals > 1:
        return format_decimal(numerator, decimals=decimals, mark=mark).rstrip("0")
    return f"{numerator}/{denominator}"


def _zone_name(item: Document, *, texts: Words) -> str:
    """The zone or capacity-fee group of a line, unless it is the whole day or its label says it already."""
    zone = item["zone"]
    if zone in ("", _ALL_DAY):
        return ""
    if _CAPACITY_GROUP.match(zone):
        return texts["capacity_group"].format(group=zone)
    if item["charge"] == _CAPACITY_FLAT:
        return texts["capacity_class"].format(group=zone)
    name = zone_names(zone)[0 if texts["lang"] == "pl" else 1]
    return "" if name in _name(item, language=texts["lang"]) else texts["zone"].format(zone=name)


def _detail(item: Document, *, document: Document, display: Display, texts: Words, shared: bool) -> str:
    """What tells a line from its neighbours: zone, share, and days when they are not the whole period."""
    parts = []
    zone = _zone_name(item, texts=texts)
    if zone:
        parts.append(zone)
    if shared and (share := _share(item, mark=display.mark)):
        parts.append(texts["share"].format(share=share))
    if (item["first"], item["last_exclusive"]) != (document["first"], document["last_exclusive"]):
        parts.append(
            texts["from_to"].format(first=display.day(item["first"]), last=display.last_day(item["last_exclusive"]))
        )
    return ", ".join(parts)
