"""A cooperative of any size with a year of quarter-hours, October settled, posted and billed; made once and kept.

Members are the sample's households again and again under numbers of their own, with and without panels. The
folder is named by what made it, so a change of the builder makes a new one; newer records migrate when it is opened.
"""

import importlib
import os
import shutil
import sys
import tempfile
import time
from dataclasses import replace
from datetime import UTC, date, datetime
from hashlib import sha256
from pathlib import Path

import numpy as np

from ogniwo.core.kernel.calendar import Month, grid_of_month
from ogniwo.core.metering.model import EXPORT, IMPORT
from ogniwo.series import NewCell

MONTHS = tuple(Month(2025, 10).shifted(place) for place in range(13))
SETTLED = MONTHS[-1]
FIRST_KNOWN = datetime(2026, 11, 2, tzinfo=UTC)
NOW = datetime(2026, 11, 6, 9, tzinfo=UTC)


def kept_folder(members: int) -> Path:
    """Where the workspace of this size lies once it is made."""
    digest = sha256(Path(__file__).read_bytes()).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"ogniwo-bench-{os.getuid()}" / f"{members}-{digest}"


def build(members: int) -> Path:
    """The folder of the workspace; made when it is not there, by services alone."""
    folder = kept_folder(members)
    if (folder / "built").exists():
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    started = time.perf_counter()
    from ogniwo.project.entry import prepare  # noqa: PLC0415 -- Django wants its folder first

    prepare(folder, for_people=True)
    _fill(folder, members)
    (folder / "built").write_text(f"{time.perf_counter() - started:.0f} s\n", encoding="utf-8")
    return folder


def _told(what: str) -> None:
    print(f"  {time.strftime('%H:%M:%S')} {what}", file=sys.stderr, flush=True)


def _fill(folder: Path, members: int) -> None:
    from django.db import transaction  # noqa: PLC0415 -- after Django is ready, as all below

    setup = importlib.import_module("ogniwo.services.demo.setup")
    closing = importlib.import_module("ogniwo.services.settlement.closing")
    issuing = importlib.import_module("ogniwo.services.billing.issuing")
    posting = importlib.import_module("ogniwo.services.ledger.posting")
    queries = importlib.import_module("ogniwo.services.settlement.queries")
    operations = importlib.import_module("ogniwo.services.workspace.operations")
    _told(f"registering {members} members")
    workspace = operations.create_workspace(
        root=folder, name="Duża", network="bench.example/duza", now=lambda: NOW, sample_rates=True
    )
    sample = [one for one in setup.POINTS if one.terms.capacity_household]
    setup.POINTS = tuple(replace(sample[place % len(sample)], number=place + 1) for place in range(members))
    with transaction.atomic():
        community = setup.set_up_sample()
    _told(f"storing {len(MONTHS)} months of quarter-hours")
    for month in MONTHS:
        workspace.series.commit(_cells(month, setup.POINTS), known_at=FIRST_KNOWN, source="bench", author="bench")
    _told("settling")
    closing.close_month(workspace, community=community, month=SETTLED, book=queries.rate_book_of(workspace))
    _told("posting")
    posting.post_month(workspace, community=community, month=SETTLED)
    _told("billing")
    issuing.issue_invoices(
        workspace, community=community, month=SETTLED, issue_date=date(2026, 11, 6), due_date=date(2026, 11, 20)
    )
    _told("built")


def _cells(month: Month, points: tuple) -> list[NewCell]:
    """Households with an evening peak, and what plants give at noon."""
    grid = grid_of_month(month)
    random = np.random.default_rng(month.year * 12 + month.month)
    hour, quality = grid.view().hour, np.ones(grid.slots, np.uint8)
    cells = []
    for point in points:
        wh = random.gamma(2, 0.5, grid.slots) * np.where(hour >= 17, 1.6, 0.8) * point.load_wh / grid.slots
        cells.append(_cell(point.code, IMPORT, grid, wh, quality))
        if point.peak_power_w:
            noon = np.maximum(0, 6 - np.abs(hour - 12)) / 6 * point.peak_power_w / 8
            cells.append(_cell(point.code, EXPORT, grid, random.random(grid.slots) * noon, quality))
    return cells


def _cell(point: str, channel: str, grid: object, wh: np.ndarray, quality: np.ndarray) -> NewCell:
    return NewCell(point=point, channel=channel, grid=grid, wh=wh.astype(np.int32), quality=quality, reason="")


if __name__ == "__main__":
    print(build(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000))
