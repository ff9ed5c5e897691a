"""A billed month settled again on a corrected reading, under both rules, and the shortage used up in the next month."""

import json
from datetime import date

from click.testing import CliRunner

from ogniwo.core.kernel.calendar import Month, grid_of_month
from ogniwo.core.kernel.quantities import Rate, RateUnit
from ogniwo.core.metering.model import EXPORT
from ogniwo.core.settlement.kept import Corrections
from ogniwo.interfaces.cli.main import Runtime, cli
from ogniwo.records.ledger.models import Commitment
from ogniwo.records.settlement.models import SettlementRun
from ogniwo.series.model import NewCell
from ogniwo.services.billing.issuing import issue_invoices
from ogniwo.services.contracts.operations import set_community_rules
from ogniwo.services.settlement.carrying import carried_months
from ogniwo.services.settlement.closing import close_month
from ogniwo.services.settlement.queries import rate_book_of, settled_month
from ogniwo.services.workspace.queries import operator_subject

OCTOBER, NOVEMBER = Month(2026, 10), Month(2026, 11)


def close(workspace, community, month=OCTOBER, **options):
    return close_month(workspace, community=community, month=month, book=rate_book_of(workspace), **options)


def posted(version):
    """What posting a month keeps of a version's allocation."""
    name = SettlementRun.objects.get(month=str(OCTOBER), version=version).allocation_name
    Commitment.objects.create(kind="allocation", natural_id=name, salt="0", payload="{}", commitment="0")


def rules(community, corrections, since):
    set_community_rules(
        community=community,
        valid_from=since,
        method="dynamic",
        internal_price=Rate.parse("430", RateUnit.MWH),
        community_fee=Rate.parse("30", RateUnit.MWH),
        corrections=corrections,
    )


def billed(workspace, community):
    issue_invoices(
        workspace, community=community, month=OCTOBER, issue_date=date(2026, 11, 10), due_date=date(2026, 11, 24)
    )


def correct(workspace):
    """The largest producer fed in a tenth less than its file said: the pool holds less for everybody."""
    keys = [key for key in workspace.series.keys(month=OCTOBER) if key[1] == EXPORT]
    found = [workspace.series.read(point=point, channel=channel, month=OCTOBER) for point, channel, _month in keys]
    largest = max(found, key=lambda one: int(one.wh.sum()))
    wh = largest.wh - largest.wh // 10
    cell = NewCell(
        point=largest.point, channel=EXPORT, grid=largest.grid, wh=wh, quality=largest.quality, reason="correction"
    )
    workspace.series.commit([cell], known_at=workspace.now(), source="test", author="test")


def got(community, version):
    month = settled_month(community=community, month=OCTOBER, subject=operator_subject(), version=version)
    return {one.point: one.flows.community_in_wh + one.flows.pool_wh for one in month.statements}


def copy_to_november(workspace):
    """October's energy again, as November's readings."""
    cells = []
    for point, channel, _month in workspace.series.keys(month=OCTOBER):
        series = workspace.series.read(point=point, channel=channel, month=OCTOBER)
        grid = grid_of_month(NOVEMBER, slot_s=series.grid.slot_s)
        wh, quality = series.wh[: grid.slots], series.quality[: grid.slots]
        cells.append(NewCell(point=point, channel=channel, grid=grid, wh=wh, quality=quality, reason="test"))
    workspace.series.commit(cells, known_at=workspace.now(), source="test", author="test")


def test_what_was_billed_stays_and_the_next_month_makes_the_shortage_good(at_stage, cooperative):
    workspace = at_stage("closed")
    billed(workspace, cooperative())
    before = got(cooperative(), 1)
    correct(workspace)
    anew = close(workspace, cooperative(), dry_run=True)
    anew_got = {one.point: one.flows.community_in_wh + one.flows.pool_wh for one in anew.statements}
    assert sum(anew_got.values()) < sum(before.values())
    assert (anew.cooperative.advanced_wh, anew.cooperative.withheld_wh) == (0, 0)

    rules(cooperative(), Corrections.KEEP, OCTOBER.first)
    closed = close(workspace, cooperative())
    now, short = got(cooperative(), 2), closed.cooperative.advanced_wh
    assert now == before
    assert short == sum(before.values()) - sum(anew_got.values()) > 0
    assert closed.cooperative.settled_wh == anew.cooperative.settled_wh
    assert sum(one.flows.pool_wh for one in closed.statements) == closed.cooperative.settled_wh + short

    # posting the correction and closing again is no change: what is used now is what was kept
    posted(2)
    assert not close(workspace, cooperative()).changed

    copy_to_november(workspace)
    november = close(workspace, cooperative(), NOVEMBER)
    assert november.run.inputs["whole"]["carried_wh"] == str(short)
    assert november.cooperative.withheld_wh == short
    assert november.totals.flows.pool_wh == november.cooperative.settled_wh - short
    assert november.totals.flows.grid_wh == november.cooperative.charged_wh + short
    october, after = carried_months(community=cooperative())
    assert (october.carried_on_wh, october.used, after.carried_wh, after.carried_on_wh) == (short, 1, short, 0)

    def command(*words):
        obj = Runtime(prepare=lambda _folder: None)
        return CliRunner().invoke(cli, ["-w", str(workspace.root), "period", "carried", *words], obj=obj)

    shown = json.loads(command("--json").stdout)
    assert [(one["month"], one["advanced_wh"], one["withheld_wh"], one["carried_on_wh"]) for one in shown] == [
        ("2026-10", short, 0, short),
        ("2026-11", 0, short, 0),
    ]
    points = {one["point"]: one for one in shown[0]["points"]}
    for point, row in points.items():
        assert row["got_wh"] == next(one.flows.pool_wh for one in closed.statements if one.point == point)
    assert [point for point, row in points.items() if row["got_wh"] > row["usual_wh"]]
    assert "which was billed or posted" in command().stdout


def test_only_what_was_used_stays(at_stage, cooperative):
    """The rule alone changes nothing; a month that is only closed is shared anew, one that is posted is not."""
    workspace = at_stage("closed")
    rules(cooperative(), Corrections.KEEP, OCTOBER.first)
    assert not close(workspace, cooperative()).changed
    correct(workspace)
    free = close(workspace, cooperative(), dry_run=True).cooperative
    assert (free.advanced_wh, tuple(free.from_pool.sum(axis=1).tolist())) == (0, free.usual_parts)
    posted(1)
    assert close(workspace, cooperative(), dry_run=True).cooperative.advanced_wh > 0
