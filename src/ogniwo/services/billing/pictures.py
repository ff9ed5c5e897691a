"""Draw the PDF of an issued document from what is stored: the same document gives the same bytes for ever."""

from typing import Any

import msgspec
import numpy as np

from ogniwo.core.billing.payment import transfer_text
from ogniwo.core.kernel.calendar import HOUR_S, Month, grid_of_month
from ogniwo.formats.invoice_pdf.chart import DayEnergy, MonthChart
from ogniwo.formats.invoice_pdf.render import qr_svg, render_invoice_pdf
from ogniwo.records.billing.models import InvoiceRecord
from ogniwo.services.settlement.closing import unpack_flows
from ogniwo.services.workspace.model import Workspace


def draw_invoice(workspace: Workspace, record: InvoiceRecord, *, language: str = "pl") -> bytes:
    """The PDF of an issued document or of one about to be issued."""
    document: dict[str, Any] = msgspec.json.decode(record.document)
    return render_invoice_pdf(
        document=document,
        chart=_chart(record),
        qr_text=_transfer(document, document["totals"]["to_pay_grosz"]),
        verification=_verification(workspace, record, language),
        language=language,
    )


def transfer_code(document: dict[str, Any], *, amount_grosz: int) -> str:
    """The code for a bank transfer of what is left to pay, as an SVG on white; "" when that is nothing."""
    text = _transfer(document, amount_grosz)
    return qr_svg(text, light="#fff") if text else ""


def _transfer(document: dict[str, Any], amount: int) -> str:
    if not amount:
        return ""
    seller = document["seller"]
    return transfer_text(
        account=document["account"],
        amount_grosz=amount,
        name=seller["name"],
        title=document["number"],
        nip=seller["nip"],
    )


def _verification(workspace: Workspace, record: InvoiceRecord, language: str) -> str:
    if language == "en":
        return (
            f"This document is committed to the ledger of the network {workspace.network}. Ask for the receipt "
            f"(ogniwo proof export --invoice {record.number}) and check it offline with check_receipt.py."
        )
    return (
        f"Dokument ma zobowiązanie w księdze sieci {workspace.network}. Poproś o pokwitowanie "
        f"(ogniwo proof export --invoice {record.number}) i sprawdź je bez naszego udziału programem check_receipt.py."
    )


def _chart(record: InvoiceRecord) -> MonthChart:
    """The member's days: community, pool, grid and fed-in energy of all points together."""
    grid = grid_of_month(Month.parse(record.run.month), slot_s=HOUR_S)
    totals = {name: np.zeros(grid.slots, dtype=np.int64) for name in ("community_in", "from_pool", "grid", "given")}
    for statement in record.run.statements.filter(point__member=record.member):
        flows = unpack_flows(bytes(statement.flows))
        totals = {name: values + flows[name] for name, values in totals.items()}
    return MonthChart(
        days=tuple(
            DayEnergy(
                day=day,
                community_wh=int(totals["community_in"][first:last].sum()),
                pool_wh=int(totals["from_pool"][first:last].sum()),
                grid_wh=int(totals["grid"][first:last].sum()),
                produced_wh=int(totals["given"][first:last].sum()),
            )
            for day, first, last in zip(grid.days, grid.day_offsets[:-1], grid.day_offsets[1:], strict=True)
        )
    )
