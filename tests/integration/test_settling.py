"""Closing the sample month: sums by an independent way, versions, a late correction, and what is refused."""

from decimal import ROUND_HALF_UP, Decimal

import numpy as np
import pytest

from ogniwo.core.kernel.calendar import Month
from ogniwo.core.kernel.quality import Quality
from ogniwo.core.kernel.quantities import Rate, RateUnit
from ogniwo.records.audit.models import AuditEvent
from ogniwo.records.metering.models import MeteringPoint
from ogniwo.records.parties.models import Organisation
from ogniwo.records.settlement.models import SettlementRun, StatementRecord
from ogniwo.services.demo.files import late_files
from ogniwo.services.demo.sample import POINTS
from ogniwo.services.metering.importing import import_files
from ogniwo.services.metering.quality import check_month, estimate_month
from ogniwo.services.settlement.closing import close_month
from ogniwo.services.settlement.comparing import PriceTrial, compare_month
from ogniwo.services.settlement.differencing import month_difference
from ogniwo.services.settlement.loading import IncompleteMonthError
from ogniwo.services.settlement.queries import (
    DamagedStatementError,
    RunNotFoundError,
    hourly_flows,
    member_totals,
    rate_book_of,
    settled_month,
    statement_of,
)
from ogniwo.services.workspace.queries import operator_subject

OCTOBER = Month(2026, 10)
OPERATOR = operator_subject()
SHOP = next(point.code for point in POINTS if "Sklep" in point.name)
WATERWORKS = next(point.code for point in POINTS if "Wodociąg" in point.name)


def close(workspace, community, **options):
    return close_month(workspace, community=community, month=OCTOBER, book=rate_book_of(workspace), **options)


def documents(version=1):
    records = StatementRecord.objects.filter(run__version=version).order_by("point__code")
    return [(one.point.code, one.document, one.digest, bytes(one.flows)) for one in records]


def hourly_net(workspace):
    """Taken and given of every point and hour by plain addition: Python integers, no kernel of the product."""
    taken, given = {}, {}
    for point in POINTS:
        sides = []
        for channel in ("1.29.0", "2.29.0"):
            series = workspace.series.read(point=point.code, channel=channel, month=OCTOBER)
            step = 4 if series is not None and series.grid.slot_s == 900 else 1
            wh = series.wh.tolist() if series is not None else [0] * 745
            sides.append([sum(wh[index : index + step]) for index in range(0, len(wh), step)])
        taken[point.code] = [max(0, i - e) for i, e in zip(*sides, strict=True)]
        given[point.code] = [max(0, e - i) for i, e in zip(*sides, strict=True)]
    return taken, given


def test_the_gap_is_filled_so_that_the_register_is_met_to_the_watt_hour(at_stage, cooperative):
    workspace = at_stage("imported")
    before = workspace.series.read(point=WATERWORKS, channel="1.29.0", month=OCTOBER)
    head = workspace.series.head()
    preview = estimate_month(workspace, organisation=cooperative(), subject=OPERATOR, month=OCTOBER, dry_run=True)
    assert workspace.series.head() == head
    assert not AuditEvent.objects.filter(action="quality.estimate").exists()

    done = estimate_month(workspace, organisation=cooperative(), subject=OPERATOR, month=OCTOBER)
    assert done.channels == preview.channels
    assert done.findings == ()
    after = workspace.series.read(point=WATERWORKS, channel="1.29.0", month=OCTOBER)
    assert after.present_total_wh == 14_800_000
    filled = before.quality == Quality.MISSING
    assert filled.sum() == 23
    assert (after.quality[filled] == Quality.SUBSTITUTED).all()
    assert (after.quality[~filled] == Quality.MEASURED).all()
    assert np.array_equal(after.wh[~filled], before.wh[~filled])
    assert done.channels[0].gaps[0].total_wh == 14_800_000 - before.present_total_wh
    # the first version is still there, and repeating finds nothing to do
    versions = workspace.series.versions(point=WATERWORKS, channel="1.29.0", month=OCTOBER)
    assert [one.author for one in versions] == ["import", "operator"]
    assert (
        workspace.series.read(point=WATERWORKS, channel="1.29.0", month=OCTOBER, as_of=versions[0].known_at).version
        == before.version
    )
    head = workspace.series.head()
    again = estimate_month(workspace, organisation=cooperative(), subject=OPERATOR, month=OCTOBER)
    assert (again.channels, workspace.series.head()) == ((), head)
    assert AuditEvent.objects.filter(action="quality.estimate").count() == 1


def test_the_month_may_be_billed_only_when_nothing_is_missing(at_stage, cooperative):
    for stage, billable in (("imported", False), ("estimated", True)):
        workspace = at_stage(stage)
        quality = check_month(workspace, organisation=cooperative(), subject=OPERATOR, month=OCTOBER)
        assert quality.billable is billable


def test_a_month_with_missing_intervals_is_refused_and_nothing_is_stored(at_stage, cooperative):
    workspace = at_stage("imported")
    with pytest.raises(IncompleteMonthError, match=f"{WATERWORKS}: 69 intervals"):
        close(workspace, cooperative())
    assert not SettlementRun.objects.exists()
    assert not AuditEvent.objects.filter(action="period.close").exists()


def test_a_dry_run_and_another_method_store_nothing(at_stage, cooperative):
    workspace = at_stage("estimated")
    usual = close(workspace, cooperative(), dry_run=True)
    static = close(workspace, cooperative(), dry_run=True, method="static")
    assert not SettlementRun.objects.exists()
    assert usual.cooperative.exchanged_wh == static.cooperative.exchanged_wh
    assert [one.flows for one in usual.statements] != [one.flows for one in static.statements]
    with pytest.raises(ValueError, match="only be tried"):
        close(workspace, cooperative(), method="static")


def test_the_sums_of_the_month_by_plain_arithmetic(at_stage, cooperative):
    workspace = at_stage("closed")
    run = settled_month(community=cooperative(), month=OCTOBER, subject=OPERATOR)
    taken, given = hourly_net(workspace)
    hours = range(745)
    all_taken = [sum(taken[point][hour] for point in taken) for hour in hours]
    all_given = [sum(given[point][hour] for point in given) for hour in hours]
    exchanged = sum(min(pair) for pair in zip(all_taken, all_given, strict=True))
    left, surplus = sum(all_taken) - exchanged, sum(all_given) - exchanged
    pool = min(left, surplus * 6 // 10)
    flows = [one.flows for one in run.statements]
    assert len(flows) == 40
    assert sum(one.community_in_wh for one in flows) == sum(one.community_out_wh for one in flows) == exchanged
    assert sum(one.surplus_wh for one in flows) == surplus
    assert sum(one.pool_wh for one in flows) == pool
    assert sum(one.grid_wh for one in flows) == left - pool
    for one in run.statements:
        assert one.flows.taken_wh == sum(taken[one.point])
        assert one.flows.given_wh == sum(given[one.point])

    charged = [line for one in run.statements for line in one.lines]
    paid = sum(line.net_grosz for line in charged if line.charge == "community.energy")
    assert paid == sum(line.net_grosz for one in run.statements for line in one.credits)
    for line in charged:
        base = {"kWh": 1000, "MWh": 1_000_000, "kW/month": 1000, "month": 1, "kW": 1000, "kvarh": 1000}[
            str(line.rate.per)
        ]
        exact = Decimal(line.quantity) / base * Decimal(line.rate.text()) * Decimal(line.share[0]) / line.share[1]
        if line.charge not in {"reactive.inductive", "power.exceedance", "capacity.volume"}:  # these have a factor
            assert line.net_grosz == int((exact * 100).quantize(Decimal(1), ROUND_HALF_UP)), line.charge


def test_the_hours_of_a_statement_add_up_to_it(at_stage, cooperative):
    at_stage("closed")
    run = settled_month(community=cooperative(), month=OCTOBER, subject=OPERATOR, point=SHOP)
    flows = hourly_flows(community=cooperative(), month=OCTOBER, subject=OPERATOR, point=SHOP)
    (statement,) = run.statements
    names = {
        "taken": "taken_wh",
        "given": "given_wh",
        "community_in": "community_in_wh",
        "community_out": "community_out_wh",
        "from_pool": "pool_wh",
        "grid": "grid_wh",
        "surplus": "surplus_wh",
    }
    assert {name: int(flows[name].sum()) for name in names} == {
        name: getattr(statement.flows, field) for name, field in names.items()
    }
    assert (flows["taken"] == flows["community_in"] + flows["from_pool"] + flows["grid"]).all()


def test_the_same_data_again_keep_the_version_and_every_byte(at_stage, cooperative):
    workspace = at_stage("closed")
    before, acts = documents(), AuditEvent.objects.count()
    again = close(workspace, cooperative())
    assert (again.version, again.changed, again.run.version) == (1, False, 1)
    assert documents() == before
    assert SettlementRun.objects.count() == 1
    assert AuditEvent.objects.count() == acts
    stored = [
        statement_of(one) for one in StatementRecord.objects.order_by("point__code").select_related("run", "point")
    ]
    assert tuple(stored) == again.statements


def test_a_late_correction_makes_the_next_version_and_the_difference_only(at_stage, cooperative):
    workspace = at_stage("closed")
    first = documents()
    old = settled_month(community=cooperative(), month=OCTOBER, subject=OPERATOR)
    import_files(workspace, organisation=cooperative(), files=[(one.name, one.data) for one in late_files()])
    closed = close(workspace, cooperative())
    assert (closed.version, closed.changed) == (2, True)
    assert documents(1) == first
    found = month_difference(community=cooperative(), month=OCTOBER, subject=OPERATOR)
    assert (found.earlier.version, found.later.version, found.added, found.removed) == (1, 2, (), ())

    by_point = {one.later.point: one for one in found.changed}
    extra = 1_250 + 2_400 + 2_650 + 1_900
    assert dict(by_point[SHOP].flows)["metered_in_wh"] == extra
    # nobody else's meter says anything else: what changes for others is only where their energy came from
    for point, one in by_point.items():
        if point != SHOP:
            assert {"metered_in_wh", "metered_out_wh", "taken_wh", "given_wh"}.isdisjoint(dict(one.flows)), point
    for name in ("community_in_wh", "community_out_wh", "pool_wh", "grid_wh", "surplus_wh"):
        moved = sum(dict(one.flows).get(name, 0) for one in found.changed)
        assert moved == sum(getattr(one.flows, name) for one in closed.statements) - sum(
            getattr(one.flows, name) for one in old.statements
        )
    new = settled_month(community=cooperative(), month=OCTOBER, subject=OPERATOR)
    assert found.net_grosz == sum(one.net_grosz for one in new.statements) - sum(
        one.net_grosz for one in old.statements
    )
    assert found.credit_grosz == sum(one.credit_grosz for one in new.statements) - sum(
        one.credit_grosz for one in old.statements
    )
    for one in found.changed:
        assert one.later.net_grosz - one.earlier.net_grosz == sum(line.net_grosz for line in one.lines)
    # network and levies of a fixed amount stand in no difference
    assert not {line.key.charge for one in found.changed for line in one.lines} & {"network.fixed", "subscription"}
    # hours outside the corrected ones share as before; the pool of the month is spread anew over all of it
    before = hourly_flows(community=cooperative(), month=OCTOBER, subject=OPERATOR, point=POINTS[0].code, version=1)
    after = hourly_flows(community=cooperative(), month=OCTOBER, subject=OPERATOR, point=POINTS[0].code, version=2)
    changed_hours = np.flatnonzero(before["community_in"] != after["community_in"])
    corrected = {13 * 24 + hour for hour in range(8, 12)}
    assert set(changed_hours.tolist()) <= corrected


def test_there_is_no_difference_without_two_versions(at_stage, cooperative):
    at_stage("closed")
    with pytest.raises(RunNotFoundError, match="no version before 1"):
        month_difference(community=cooperative(), month=OCTOBER, subject=OPERATOR)
    with pytest.raises(RunNotFoundError, match="versions: 1"):
        settled_month(community=cooperative(), month=OCTOBER, subject=OPERATOR, version=2)
    with pytest.raises(RunNotFoundError, match="versions: none"):
        settled_month(community=cooperative(), month=Month(2026, 9), subject=OPERATOR)


def test_a_statement_that_is_not_as_calculated_is_refused():
    run = SettlementRun(month="2026-10", version=1, community=Organisation(code="coop"))
    record = StatementRecord(document='{"net": 1}', digest="0" * 64, run=run, point=MeteringPoint(code=SHOP))
    with pytest.raises(DamagedStatementError):
        statement_of(record)


def test_gross_is_vat_on_the_sum_of_net(at_stage, cooperative):
    at_stage("closed")
    run = settled_month(community=cooperative(), month=OCTOBER, subject=OPERATOR)
    for total in member_totals(run.statements):
        vat = (Decimal(total.net_grosz) * 23 / 100).quantize(Decimal(1), ROUND_HALF_UP)
        assert total.gross_grosz == total.net_grosz + int(vat)


def test_methods_side_by_side_store_nothing(at_stage, cooperative):
    workspace = at_stage("closed")
    head, runs = workspace.series.head(), SettlementRun.objects.count()
    compared = compare_month(
        workspace,
        community=cooperative(),
        month=OCTOBER,
        book=rate_book_of(workspace),
        trial=PriceTrial(sale=Rate.parse("200", RateUnit.MWH)),
    )
    assert [one.name for one in compared.results] == ["static", "dynamic", "hybrid", "equal", "merit_order"]
    taken, given = hourly_net(workspace)
    exchange = sum(min(sum(taken[p][hour] for p in taken), sum(given[p][hour] for p in given)) for hour in range(745))
    shared = {one.name: one.shared_wh for one in compared.results}
    assert {shared[name] for name in ("dynamic", "hybrid", "equal", "merit_order")} == {exchange}
    assert shared["static"] < exchange
    for result in compared.results:
        assert sum(one.used_wh for one in result.members) == sum(one.supplied_wh for one in result.members)
        for one in result.members:
            assert one.used_wh + one.rest_wh == sum(taken[one.member])
            assert one.supplied_wh + one.surplus_wh == sum(given[one.member])
    dynamic = next(one for one in compared.results if one.name == "dynamic")
    waterworks = next(one for one in dynamic.members if one.member == WATERWORKS)
    purchase = Decimal(compared.prices.purchase[WATERWORKS].text())
    exact = Decimal(waterworks.used_wh) / 10**6 * (purchase - 430 - 30) * 100
    assert waterworks.gain_grosz == int(exact.quantize(Decimal(1), ROUND_HALF_UP))
    assert compared.corridor.above_e8 == 200 * 10**8
    assert compared.corridor.below_e8 == min(rate.value_e8 for rate in compared.prices.purchase.values()) - 30 * 10**8
    assert (workspace.series.head(), SettlementRun.objects.count()) == (head, runs)
