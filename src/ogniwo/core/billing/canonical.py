"""The canonical form of values that are hashed: JSON of strings, integers, booleans, lists and ASCII-keyed objects.

The restriction makes RFC 8785 and plain sorted JSON the same bytes, so anyone can recompute a digest.
"""

import json
from collections.abc import Mapping, Sequence

from ogniwo.core.kernel.ids import sha256_hex
from ogniwo.core.kernel.quantities import RateUnit, format_decimal
from ogniwo.core.settlement.model import EnergyFlows, QualityShare, Statement
from ogniwo.core.tariffs.model import ChargeLine, RateRow

Json = str | int | bool | Sequence["Json"] | Mapping[str, "Json"]

_INTEGER_MAX = 2**53 - 1


def canonical_bytes(document: Json) -> bytes:
    """The one UTF-8 form of a document; crashes on floats, None, non-ASCII keys and integers above 2^53 - 1."""
    _check(document)
    return json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def document_digest(document: Json) -> str:
    """The SHA-256 of the canonical bytes in hex."""
    return sha256_hex(canonical_bytes(document))


def _check(value: object) -> None:
    if isinstance(value, str | bool):
        return
    if isinstance(value, int):
        if abs(value) > _INTEGER_MAX:
            raise ValueError(f"integer {value} is too large for JSON")
    elif isinstance(value, dict):
        for key, inner in value.items():
            if not (isinstance(key, str) and key.isascii()):
                raise TypeError(f"key {key!r} is not ASCII text")
            _check(inner)
    elif isinstance(value, list):
        for inner in value:
            _check(inner)
    else:
        raise TypeError(f"{type(value).__name__} has no canonical form")


def quantity_text(quantity: int, unit: RateUnit) -> str:
    """A quantity in base units written in the unit of its rate: 412345 Wh per kWh is 412.345."""
    return format_decimal(quantity, decimals=len(str(unit.base_units)) - 1)


def rate_document(row: RateRow) -> dict[str, Json]:
    """A dated rate with its legal source; `valid_to` is "" when open."""
    return {
        "key": row.key,
        "rate_e8": row.rate.value_e8,
        "rate_text": row.rate.text(),
        "unit": str(row.rate.per),
        "valid_from": row.valid_from.isoformat(),
        "valid_to": "" if row.valid_to is None else row.valid_to.isoformat(),
        "source": row.source,
        "checked_on": row.checked_on.isoformat(),
        "confidence": row.confidence,
    }


def item_document(item: ChargeLine) -> dict[str, Json]:
    """A priced line with everything needed to check it by hand; English reasons only where the line has them."""
    english: dict[str, Json] = {"why_en": list(item.why_en)} if item.why_en else {}
    return {
        **english,
        "charge": item.charge,
        "zone": item.zone,
        "category": str(item.category),
        "label_pl": item.label_pl,
        "label_en": item.label_en,
        "first": item.first.isoformat(),
        "last_exclusive": item.last_exclusive.isoformat(),
        "days": (item.last_exclusive - item.first).days,
        "quantity": item.quantity,
        "quantity_text": quantity_text(item.quantity, item.rate.per),
        "unit": str(item.rate.per),
        "rate_e8": item.rate.value_e8,
        "rate_text": item.rate.text(),
        "share": list(item.share),
        "net_grosz": item.net_grosz,
        "vat_rate_percent": item.vat_rate_percent,
        "rates": [rate_document(row) for row in item.rates],
        "why": list(item.why),
    }


def flows_document(flows: EnergyFlows) -> dict[str, Json]:
    """The energy of a point and month by source and use, in Wh."""
    return {
        "metered_in_wh": flows.metered_in_wh,
        "metered_out_wh": flows.metered_out_wh,
        "taken_wh": flows.taken_wh,
        "given_wh": flows.given_wh,
        "community_in_wh": flows.community_in_wh,
        "community_out_wh": flows.community_out_wh,
        "pool_wh": flows.pool_wh,
        "grid_wh": flows.grid_wh,
        "surplus_wh": flows.surplus_wh,
    }


def quality_document(quality: Sequence[QualityShare]) -> list[Json]:
    """The intervals and energy of each quality."""
    return [{"quality": one.quality, "energy_wh": one.energy_wh, "slots": one.slots} for one in quality]


def inputs_document(inputs: Sequence[tuple[str, str]]) -> list[Json]:
    """The named versions a result depends on."""
    return [{"name": name, "value": value} for name, value in inputs]


def statement_document(statement: Statement) -> dict[str, Json]:
    """A statement as strings, integers, lists and objects: what the ledger's commitment is made of."""
    return {
        "schema": "ogniwo.statement/1",
        "community": statement.community,
        "month": str(statement.month),
        "version": statement.version,
        "member": statement.member,
        "point": statement.point,
        "flows": flows_document(statement.flows),
        "quality": quality_document(statement.quality),
        "lines": [item_document(item) for item in statement.lines],
        "credits": [item_document(item) for item in statement.credits],
        "inputs": inputs_document(statement.inputs),
    }


def statement_digest(statement: Statement) -> str:
    """The digest that names a statement on an invoice: any change of a number, reason or input changes it."""
    return document_digest(statement_document(statement))
