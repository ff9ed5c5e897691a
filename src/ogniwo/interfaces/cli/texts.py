"""Values as the commands print them: exact decimals with a comma for people, text amounts for machines."""

from datetime import UTC, date, datetime
from typing import Any

from ogniwo.core.kernel.quantities import format_decimal
from ogniwo.core.tariffs.explain import base_unit_text, decimal_text
from ogniwo.core.tariffs.model import ChargeLine


def zl(grosz: int) -> str:
    """An amount in zł for people: `1 538,00`."""
    return decimal_text(grosz, decimals=2, least=2)


def kwh(energy_wh: int) -> str:
    """An energy in kWh for people: `14 800,000`."""
    return decimal_text(energy_wh, decimals=3, least=3)


def signed(text: str, *, value: int) -> str:
    """A difference with its sign."""
    return f"+{text}" if value > 0 else text


def money(grosz: int) -> dict[str, str]:
    """An amount for machines."""
    return {"amount": format_decimal(grosz, decimals=2), "asset": "PLN"}


def instant(moment: datetime) -> str:
    """An instant for machines and people: ISO 8601 UTC."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def period(valid_from: date | datetime, valid_to: date | datetime | None) -> str:
    """A validity for people, half-open."""
    return f"from {valid_from:%Y-%m-%d}" + (f" to {valid_to:%Y-%m-%d}" if valid_to else "")


def day_or_none(day: date | datetime | None) -> str | None:
    """A day or an instant for machines."""
    if isinstance(day, datetime):
        return instant(day)
    return None if day is None else day.isoformat()


def line_row(line: ChargeLine) -> dict[str, Any]:
    """A priced line with its reasons and the rates it used, for machines."""
    return {
        "charge": line.charge,
        "zone": line.zone,
        "category": str(line.category),
        "label_pl": line.label_pl,
        "label_en": line.label_en,
        "first": line.first.isoformat(),
        "last_exclusive": line.last_exclusive.isoformat(),
        "quantity": line.quantity,
        "unit": base_unit_text(line.rate.per),
        "rate": {"amount": line.rate.text(), "asset": "PLN", "per": str(line.rate.per)},
        "share": list(line.share),
        "net": money(line.net_grosz),
        "vat_rate_percent": line.vat_rate_percent,
        "rates": [
            {
                "key": row.key,
                "amount": row.rate.text(),
                "per": str(row.rate.per),
                "valid_from": row.valid_from.isoformat(),
                "valid_to": day_or_none(row.valid_to),
                "source": row.source,
                "checked_on": row.checked_on.isoformat(),
                "confidence": row.confidence,
            }
            for row in line.rates
        ],
        "why": list(line.why),
        "why_en": list(line.why_en),
    }
