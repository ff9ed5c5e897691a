"""From the canonical document to finished texts: what the layout places, and nothing it would have to compute."""

from dataclasses import dataclass
from typing import Any

from ogniwo.core.billing.canonical import document_digest
from ogniwo.core.billing.payment import nrb_groups
from ogniwo.formats.invoice_pdf.chart import MonthChart, chart_alternative, chart_kinds, day_rows
from ogniwo.formats.invoice_pdf.display import Display
from ogniwo.formats.invoice_pdf.tables import (
    Document,
    Words,
    credit_rows,
    energy_rows,
    line_groups,
    pair_groups,
    quality_blocks,
    rate_rows,
    reading_blocks,
    vat_rows,
)

View = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Printing:
    """What surrounds the document on paper: its chart, the transfer code, how to verify it, captions of KSeF codes."""

    chart: MonthChart | None
    qr_text: str
    verification: str
    code_captions: tuple[str, ...] = ()


def build_view(document: Document, *, printing: Printing, texts: Words, language: str) -> View:
    """All texts of the bill by place; numbers are formatted, facts that are not known say so."""
    display = Display(language)
    corrects = document["kind"] == "KOR"
    return {
        "lang": texts["lang"],
        "texts": dict(texts),
        "title": texts[f"title_{document['kind']}"],
        "number": document["number"],
        "head": _head(document, display=display, texts=texts),
        "correction": _correction(document, display=display, texts=texts),
        "seller": _party(document["seller"], heading=texts["seller"], texts=texts),
        "buyer": _party(document["buyer"], heading=texts["buyer"], texts=texts),
        "box": _box(document, printing=printing, display=display, texts=texts),
        "points": [_point(point, display=display, texts=texts) for point in _distinct_points(document)],
        "groups": [] if corrects else line_groups(document, display=display, texts=texts, language=language),
        "total_net": display.money(document["totals"]["net_grosz"]),
        "pairs": pair_groups(document, display=display, texts=texts, language=language) if corrects else [],
        "vat_heading": texts["vat_differences" if corrects else "vat_summary"],
        "vat": vat_rows(document, display=display, texts=texts),
        "energy": energy_rows(document, display=display, texts=texts),
        "chart": _chart(printing.chart, display=display, texts=texts),
        "readings": reading_blocks(document, display=display, texts=texts),
        "quality": quality_blocks(document, display=display, texts=texts),
        "comparison": _comparison(document, display=display, texts=texts),
        "credits": credit_rows(document, display=display, texts=texts, language=language),
        "credits_total": display.zloty(document["credit_gross_grosz"]),
        "how": [*document["rounding"][language], texts["excise_note"]],
        "rates": rate_rows(document, display=display, texts=texts, language=language),
        "verification": _verification(document, printing=printing, display=display, texts=texts),
        "codes": [[caption, texts["ksef_alt"].format(caption=caption)] for caption in printing.code_captions],
        "contact": list(document["seller"]["contact"]),
    }


def _head(document: Document, *, display: Display, texts: Words) -> list[list[str]]:
    rows = [
        [
            texts["issued"],
            ", ".join(part for part in (display.day(document["issue_date"]), document["issue_place"]) if part),
        ],
        [texts["sale_period"], f"{display.day(document['first'])} – {display.last_day(document['last_exclusive'])}"],
        [texts["due"], display.day(document["due_date"])],
    ]
    if document["contract_number"]:
        rows.append([texts["contract"], document["contract_number"]])
    return rows


def _correction(document: Document, *, display: Display, texts: Words) -> list[list[str]]:
    """Which invoice a correction corrects and why; nothing for an invoice."""
    if document["kind"] != "KOR":
        return []
    corrected = document["corrected"]
    origin = texts["corrected_from"].format(number=corrected["number"], date=display.day(corrected["issue_date"]))
    facts = [
        (texts["corrected"], origin),
        (texts["ksef_number"], corrected["ksef_number"]),
        (texts["reason"], document["reason"]),
    ]
    return [[label, value] for label, value in facts if value]


def _party(party: Document, *, heading: str, texts: Words) -> View:
    facts = [(texts["nip"], party["nip"]), (texts["customer_number"], party["customer_number"])]
    return {
        "heading": heading,
        "name": party["name"],
        "lines": list(party["address"]),
        "facts": [[label, value] for label, value in facts if value],
    }


def _box(document: Document, *, printing: Printing, display: Display, texts: Words) -> View:
    totals, corrects = document["totals"], document["kind"] == "KOR"
    rows = [[texts["correction_value" if corrects else "invoice_value"], display.zloty(totals["gross_grosz"])]]
    for one in document["adjustments"]:
        amount = one["amount_grosz"] if one["kind"] == "charge" else -one["amount_grosz"]
        rows.append([one[f"label_{texts['lang']}"], display.zloty(amount)])
    heading, amount = texts["to_pay"], totals["to_pay_grosz"]
    if not amount:
        heading = texts["nothing_to_pay"]
        if totals["overpaid_grosz"] and corrects:
            heading, amount = texts["returned"], totals["overpaid_grosz"]
        elif totals["overpaid_grosz"]:
            rows.append([texts["overpaid"], display.zloty(totals["overpaid_grosz"])])
    facts = []
    if amount:
        facts.append([texts["in_words"], totals[f"in_words_{texts['lang']}"]])
    if totals["to_pay_grosz"]:
        facts += [
            [texts["due"], display.day(document["due_date"])],
            [texts["account"], nrb_groups(document["account"])],
            [texts["transfer_title"], document["number"]],
        ]
    qr_fields = printing.qr_text.split("|")
    typed = len(qr_fields) > 3 and not qr_fields[3].strip("0")
    return {
        "heading": heading,
        "amount": display.zloty(amount),
        "rows": rows if len(rows) > 1 else [],
        "facts": facts,
        "qr_alt": texts["qr_alt"].format(account=nrb_groups(document["account"]), title=document["number"]),
        "qr_note": texts["type_amount" if typed else "scan"],
    }


def _distinct_points(document: Document) -> list[Document]:
    """One entry for each point, its months together."""
    points: dict[str, dict[str, Any]] = {}
    for section in document["points"]:
        entry = points.setdefault(section["point"], {**section, "taken_wh": 0})
        entry["taken_wh"] += section["flows"]["taken_wh"]
    return list(points.values())


def _point(point: Document, *, display: Display, texts: Words) -> list[str]:
    unknown = texts["unknown"]
    power = point.get("contract_power_w")
    return [
        point["point"],
        ", ".join(point["address"]) or unknown,
        point["operator"] or unknown,
        point["group"] or unknown,
        unknown if power is None else display.power(power),
        point["offer"] or unknown,
        display.energy(point["taken_wh"]),
    ]


def _chart(chart: MonthChart | None, *, display: Display, texts: Words) -> View:
    if chart is None:
        return {"kinds": [], "labels": [], "alt": "", "columns": [], "rows": []}
    kinds = chart_kinds(chart)
    return {
        "kinds": kinds,
        "labels": [texts[f"legend_{kind}"] for kind in kinds],
        "alt": chart_alternative(chart, display=display, texts=texts),
        "columns": [
            texts["day"],
            *(texts[f"day_{kind}"] for kind in kinds if kind != "missing"),
            texts["day_total"],
        ],
        "rows": day_rows(chart, display=display, missing_text=texts["day_missing"]),
    }


def _comparison(document: Document, *, display: Display, texts: Words) -> list[str]:
    points = _distinct_points(document)
    before = [point["previous_year_wh"] for point in points if "previous_year_wh" in point]
    if not points or len(before) < len(points):
        return [texts["comparison_unknown"]]
    now_wh, before_wh = sum(point["taken_wh"] for point in points), sum(before)
    change = texts["comparison_same"]
    if now_wh != before_wh and before_wh:
        word = texts["comparison_more" if now_wh > before_wh else "comparison_less"]
        change = word.format(percent=display.percent(abs(now_wh - before_wh), before_wh))
    elif now_wh != before_wh:
        change = texts["comparison_more"].format(percent=display.energy(now_wh))
    return [texts["comparison_row"].format(now=display.energy(now_wh), before=display.energy(before_wh), change=change)]


def _verification(document: Document, *, printing: Printing, display: Display, texts: Words) -> list[str]:
    rows = [texts["document_digest"].format(digest=document_digest(dict(document)))]
    rows += [
        texts["version_row"].format(
            point=section["point"],
            month=display.month(section["month"]),
            version=section["settlement_version"],
            digest=section["statement_digest"],
        )
        for section in document["points"]
    ]
    if document["rate_book_digest"]:
        rows.append(texts["rate_book"].format(digest=document["rate_book_digest"]))
    if document["ledger_references"]:
        rows.append(texts["ledger"].format(references=", ".join(document["ledger_references"])))
    return [*rows, *([printing.verification] if printing.verification else [])]
