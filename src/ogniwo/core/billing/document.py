"""The canonical document of an invoice or correction: what is stored, hashed for the ledger and drawn as a PDF."""

from collections.abc import Sequence
from typing import Final

from ogniwo.core.billing.canonical import (
    Json,
    document_digest,
    flows_document,
    inputs_document,
    item_document,
    quality_document,
)
from ogniwo.core.billing.corrections import Correction
from ogniwo.core.billing.model import Invoice, InvoiceHeader, InvoiceLine, Party, PointFacts, PointSection, VatLine
from ogniwo.core.billing.words import amount_in_words

SCHEMA: Final = "ogniwo.invoice/1"

ROUNDING_PL: Final = (
    "Wartość netto pozycji = ilość × cena × udział, zaokrąglona jeden raz do 0,01 zł (połowa grosza w górę).",
    "VAT liczony od sumy wartości netto w danej stawce i zaokrąglony jeden raz do 0,01 zł.",
    "Podział energii w społeczności w całych Wh: brakujące jednostki według największych reszt, suma zgodna co do Wh.",
)
ROUNDING_EN: Final = (
    "Net value of a line = quantity × price × share, rounded once to 0.01 zł (half a grosz away from zero).",
    "VAT is computed on the net sum of each rate and rounded once to 0.01 zł.",
    "Community energy is divided in whole Wh: missing units go to the largest remainders, so sums agree to the Wh.",
)


def canonical_document(invoice: Invoice) -> dict[str, Json]:
    """The invoice as strings, integers, booleans, lists and objects; what is not known is left out, never zero."""
    return {
        **_head("VAT", invoice.header, invoice),
        "lines": [_line(line) for line in invoice.lines],
        "vat": _vat(invoice.vat),
        "totals": {
            "net_grosz": invoice.net_grosz,
            "vat_grosz": invoice.vat_grosz,
            "gross_grosz": invoice.gross_grosz,
            "to_pay_grosz": invoice.to_pay_grosz,
            "overpaid_grosz": invoice.overpaid_grosz,
            "in_words_pl": amount_in_words(invoice.to_pay_grosz),
            "in_words_en": amount_in_words(invoice.to_pay_grosz, language="en"),
        },
        "adjustments": [
            {
                "code": one.code,
                "kind": str(one.kind),
                "label_pl": one.label_pl,
                "label_en": one.label_en,
                "amount_grosz": one.amount_grosz,
            }
            for one in invoice.adjustments
        ],
        "ledger_references": list(invoice.ledger_references),
    }


def correction_document(correction: Correction) -> dict[str, Json]:
    """The correction: pairs of old and new lines, the differences per VAT rate, and what is to be paid or returned.

    An absent side of a pair is an empty list. `to_pay_grosz` is a positive difference, `overpaid_grosz` a negative one.
    """
    difference = correction.gross_difference_grosz
    return {
        **_head("KOR", correction.header, correction.after),
        "corrected": {
            "number": correction.corrected_number,
            "issue_date": correction.corrected_issue_date.isoformat(),
            "ksef_number": correction.corrected_ksef_number,
        },
        "reason": correction.reason,
        "pairs": [
            {
                "number": pair.number,
                "uu_id": pair.uu_id,
                "point": pair.point,
                "before": [item_document(pair.before)] if pair.before else [],
                "after": [item_document(pair.after)] if pair.after else [],
                "net_difference_grosz": pair.net_difference_grosz,
            }
            for pair in correction.pairs
        ],
        "vat": _vat(correction.vat_differences),
        "totals": {
            "net_grosz": sum(line.net_grosz for line in correction.vat_differences),
            "vat_grosz": sum(line.vat_grosz for line in correction.vat_differences),
            "gross_grosz": difference,
            "to_pay_grosz": max(difference, 0),
            "overpaid_grosz": max(-difference, 0),
            "in_words_pl": amount_in_words(abs(difference)),
            "in_words_en": amount_in_words(abs(difference), language="en"),
        },
        "adjustments": [],
        "ledger_references": list(correction.after.ledger_references),
    }


def invoice_digest(invoice: Invoice) -> str:
    """The SHA-256 of an invoice's canonical document: what the ledger keeps."""
    return document_digest(canonical_document(invoice))


def _head(kind: str, header: InvoiceHeader, invoice: Invoice) -> dict[str, Json]:
    return {
        "schema": SCHEMA,
        "kind": kind,
        "number": header.number,
        "issue_date": header.issue_date.isoformat(),
        "issue_place": header.issue_place,
        "due_date": header.due_date.isoformat(),
        "first": invoice.first.isoformat(),
        "last_exclusive": invoice.last_exclusive.isoformat(),
        "seller": _party(header.seller),
        "buyer": _party(header.buyer),
        "account": header.account,
        "contract_number": header.contract_number,
        "rate_book_digest": header.rate_book_digest,
        "points": [_point(section) for section in invoice.points],
        "credits": [_line(line) for line in invoice.credits],
        "credit_vat": _vat(invoice.credit_vat),
        "credit_gross_grosz": invoice.credit_gross_grosz,
        "rounding": {"pl": list(ROUNDING_PL), "en": list(ROUNDING_EN)},
    }


def _party(party: Party) -> dict[str, Json]:
    return {
        "name": party.name,
        "address": list(party.address),
        "nip": party.nip,
        "customer_number": party.customer_number,
        "contact": list(party.contact),
    }


def _line(line: InvoiceLine) -> dict[str, Json]:
    return {
        "number": line.number,
        "uu_id": line.uu_id,
        "community": line.community,
        "point": line.point,
        "month": str(line.month),
        **item_document(line.item),
    }


def _vat(lines: Sequence[VatLine]) -> list[Json]:
    return [
        {
            "rate_percent": line.rate_percent,
            "net_grosz": line.net_grosz,
            "vat_grosz": line.vat_grosz,
            "gross_grosz": line.gross_grosz,
        }
        for line in lines
    ]


def _point(section: PointSection) -> dict[str, Json]:
    return {
        **_facts(section.facts),
        "community": section.community,
        "month": str(section.month),
        "flows": flows_document(section.flows),
        "quality": quality_document(section.quality),
        "settlement_version": section.settlement_version,
        "statement_digest": section.statement_digest,
        "inputs": inputs_document(section.inputs),
    }


def _facts(facts: PointFacts) -> dict[str, Json]:
    document: dict[str, Json] = {
        "point": facts.point,
        "address": list(facts.address),
        "operator": facts.operator,
        "group": facts.group,
        "offer": facts.offer,
        "readings": [
            {
                "meter": one.meter,
                "register": one.register,
                "previous_on": one.previous_on.isoformat(),
                "previous_e3": one.previous_e3,
                "current_on": one.current_on.isoformat(),
                "current_e3": one.current_e3,
                "multiplier": one.multiplier,
                "quantity": one.quantity,
                "losses": one.losses,
                "unit": one.unit,
                "origin": one.origin,
            }
            for one in facts.readings
        ],
    }
    if facts.contract_power_w is not None:
        document["contract_power_w"] = facts.contract_power_w
    if facts.previous_year_wh is not None:
        document["previous_year_wh"] = facts.previous_year_wh
    return document
