"""Run the sample month in an empty folder and print, as JSON, what docs/walkthrough.md says of one hour at every step.

Called as `python follow_one_hour.py FOLDER`; a process of its own, because a process serves one workspace.
"""

import json
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np

from ogniwo.project.entry import prepare

ROOT = Path(__file__).resolve().parents[2]
FOLDER = Path(sys.argv[1])
prepare(FOLDER)

from ogniwo.core.balancing.netting import net_hourly  # noqa: E402 -- records want a prepared Django
from ogniwo.core.kernel.calendar import HOUR_S, Month, grid_of_month  # noqa: E402
from ogniwo.core.metering.model import IMPORT  # noqa: E402
from ogniwo.core.settlement.statements import reconcile  # noqa: E402
from ogniwo.core.tariffs.zones import zone_of_slots  # noqa: E402
from ogniwo.formats.meter_files.reader import read_meter_file  # noqa: E402
from ogniwo.records.billing.models import InvoiceRecord  # noqa: E402
from ogniwo.records.metering.models import MeteringPoint  # noqa: E402
from ogniwo.records.visibility import Subject  # noqa: E402
from ogniwo.services.billing.issuing import issue_invoices  # noqa: E402
from ogniwo.services.demo.files import delivered_files  # noqa: E402
from ogniwo.services.demo.setup import set_up_sample  # noqa: E402
from ogniwo.services.ledger.access import point_secret  # noqa: E402
from ogniwo.services.ledger.posting import leaves_of_day, member_balance_grosz, post_month  # noqa: E402
from ogniwo.services.ledger.proving import prove_interval  # noqa: E402
from ogniwo.services.ledger.queries import balances  # noqa: E402
from ogniwo.services.metering.importing import import_files  # noqa: E402
from ogniwo.services.metering.quality import check_month, estimate_month  # noqa: E402
from ogniwo.services.settlement.closing import close_month  # noqa: E402
from ogniwo.services.settlement.loading import load_month  # noqa: E402
from ogniwo.services.tariffs.queries import load_rate_book  # noqa: E402
from ogniwo.services.workspace.operations import create_workspace  # noqa: E402

MONTH = Month(2026, 10)
DAY = date(2026, 10, 13)
HOUR = 17
AT = datetime(2026, 10, 13, 15, tzinfo=UTC)
MEMBER = "SE-018"
FILE = "SE_SEPRZ01_20261013_1.csv"
OPERATOR = Subject.operator()
BOOK = load_rate_book(with_samples=True)


def grouped(value):
    """Whole numbers as the page writes them: 1 001."""
    return f"{value:,}".replace(",", " ")


def zl(grosz):
    """Grosze as the page writes them: 1 234,56."""
    return f"{grouped(grosz // 100)},{grosz % 100:02d}"


def metering_steps(workspace, community, point, steps):
    """Steps 1 to 4: from the file to a checked month; gives the stored series and the slot of the hour."""
    files = {one.name: one.data for one in delivered_files()}
    lines = files[FILE].decode("utf-8-sig").splitlines()
    row = next(number for number, line in enumerate(lines) if line.startswith(point.code))
    header = next(line for line in lines if ";H1;" in line).split(";")
    heading = f"H{HOUR + 1}"
    steps["file"] = [FILE, str(row + 1), heading, lines[row].split(";")[header.index(heading)]]

    reading = read_meter_file(files[FILE], file_name=FILE)
    columns = reading.intervals
    start = int(AT.timestamp())
    mine = (columns.point_index == columns.points.index(point.code)) & (columns.start_epoch_s == start)
    (place,) = np.flatnonzero(mine)
    steps["reading"] = [
        reading.layout,
        grouped(int(columns.wh[place])),
        datetime.fromtimestamp(int(columns.start_epoch_s[place]), tz=UTC).strftime("%Y-%m-%dT%H:%MZ"),
        str(int(columns.row[place])),
    ]

    import_files(workspace, organisation=community, files=list(files.items()))
    series = workspace.series.read(point=point.code, channel=IMPORT, month=MONTH)
    slot = int(np.flatnonzero(series.grid.start_epoch_s == start)[0])
    received = workspace.received / reading.sha256[:2] / reading.sha256
    assert received.read_bytes() == files[FILE]
    steps["series"] = [str(slot), grouped(int(series.wh[slot])), series.version.partition("@")[0]]

    estimate_month(workspace, organisation=community, subject=OPERATOR, month=MONTH)
    quality = check_month(workspace, organisation=community, subject=OPERATOR, month=MONTH)
    (checked,) = [one for one in quality.channels if (one.point, one.channel) == (point.code, IMPORT)]
    assert checked.assessment.billable
    steps["quality"] = [f"{checked.present} of {checked.slots}", str(len(checked.assessment.findings))]
    return series, slot


def energy_steps(inputs, month, row, slot, series, steps):
    """Steps 5 to 7: netting, the community, the pool."""
    taken, given = net_hourly(series.wh[np.newaxis], np.zeros_like(series.wh)[np.newaxis], 1)
    assert int(inputs.taken[row, slot]) == int(taken[0, slot])
    steps["netting"] = [grouped(int(taken[0, slot])), grouped(int(given[0, slot]))]
    need, offer = int(inputs.taken[:, slot].sum()), int(inputs.given[:, slot].sum())
    share = int(month.community_in[row, slot])
    still = int(taken[0, slot]) - share
    steps["sharing"] = [inputs.rules.method, *map(grouped, (need, offer, share, still))]
    steps["pool"] = [
        grouped(value)
        for value in (
            month.given_wh,
            month.credited_wh,
            month.taken_wh,
            month.settled_wh,
            int(month.from_pool[row].sum()),
            int(month.from_pool[row, slot]),
            int(month.grid[row, slot]),
        )
    ]


def money_steps(closed, statement, terms, slot, steps):
    """Steps 8 to 10: the charge of the hour's zone, the community's price, statements that agree; gives the zone."""
    clock = BOOK.clock(operator=terms.operator, group=terms.group, variant="", day=DAY)
    zone = clock.zones[int(zone_of_slots(clock, grid_of_month(MONTH, slot_s=HOUR_S), terms.clock)[slot])]
    (energy,) = [one for one in statement.lines if (one.charge, one.zone) == ("energy", zone)]
    steps["rating"] = [
        terms.group,
        zone,
        grouped(energy.quantity),
        energy.rate.text(","),
        zl(energy.net_grosz),
    ]
    (exchanged,) = [one for one in statement.lines if one.charge == "community.energy"]
    steps["internal"] = [grouped(exchanged.quantity), exchanged.rate.text(","), zl(exchanged.net_grosz)]
    totals = reconcile(closed.statements, cooperative=closed.cooperative)
    assert totals.agrees
    steps["statements"] = [
        str(totals.statements),
        str(len(totals.checks)),
        grouped(totals.flows.grid_wh),
        zl(statement.net_grosz),
    ]
    return zone


def document_steps(workspace, community, point, zone, series, steps):
    """Steps 11 to 13: the bill, the ledger, the receipt of the hour checked by the independent program."""
    days = {"issue_date": date(2026, 11, 10), "due_date": date(2026, 11, 24)}
    issue_invoices(workspace, community=community, month=MONTH, **days)
    invoice = InvoiceRecord.objects.get(member__number=MEMBER)
    lines = json.loads(invoice.document)["lines"]
    (printed,) = [one for one in lines if (one["charge"], one["zone"]) == ("energy", zone)]
    amounts = (invoice.net_grosz, invoice.vat_grosz, invoice.gross_grosz)
    steps["invoice"] = [invoice.number, str(printed["number"]), *map(zl, amounts)]

    post_month(workspace, community=community, month=MONTH)
    leaves = leaves_of_day(series, DAY, secret=point_secret(point))
    tokens = {one.name: one.amount for one in balances(workspace, subject=OPERATOR) if one.asset == "KWH-IN/3"}
    steps["posting"] = [
        str(len(leaves)),
        grouped(sum(leaf.wh for leaf in leaves)),
        grouped(tokens[point.code]),
        zl(-member_balance_grosz(workspace, point.member)),
    ]

    receipt = workspace.root / "receipt.json"
    receipt.write_bytes(prove_interval(workspace, point_code=point.code, channel=IMPORT, at=AT, subject=OPERATOR))
    checker = [sys.executable, ROOT / "docs" / "check_receipt.py", receipt]
    answer = subprocess.run(checker, capture_output=True, text=True, check=True)
    (told,) = [line for line in answer.stdout.splitlines() if "Interval from" in line]
    steps["receipt"] = [told.partition("Interval")[2].partition(": ")[2].partition(";")[0]]


def main():
    """Follow the hour, step by step."""
    workspace = create_workspace(
        root=FOLDER, name="walk", network="ogniwo/walk", now=lambda: datetime(2026, 11, 10, 8, tzinfo=UTC)
    )
    community = set_up_sample()
    point = MeteringPoint.objects.get(member__number=MEMBER)
    steps = {}
    series, slot = metering_steps(workspace, community, point, steps)
    inputs = load_month(workspace, community=community, month=MONTH)
    row = inputs.ids.index(point.code)
    closed = close_month(workspace, community=community, month=MONTH, book=BOOK)
    energy_steps(inputs, closed.cooperative, row, slot, series, steps)
    (statement,) = [one for one in closed.statements if one.point == point.code]
    zone = money_steps(closed, statement, inputs.points[row].contracts[0].terms, slot, steps)
    document_steps(workspace, community, point, zone, series, steps)
    json.dump(steps, sys.stdout, ensure_ascii=False, indent=1)


main()
