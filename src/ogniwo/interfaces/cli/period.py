"""`ogniwo period`: close a month, and compare sharing methods on it before deciding."""

import sys
from dataclasses import asdict
from typing import Any

import click

from ogniwo.core.balancing.model import SharingMethod
from ogniwo.core.kernel.calendar import Month
from ogniwo.core.kernel.findings import Severity, finding_row
from ogniwo.core.kernel.quantities import Rate, format_decimal
from ogniwo.core.settlement.cooperative import CooperativeMonth
from ogniwo.core.settlement.corridor import PriceCorridor
from ogniwo.interfaces.cli.arguments import (
    COMMUNITY_OPTION,
    DRY_RUN_OPTION,
    JSON_OPTION,
    MONTH,
    PRICE,
    community_of,
    opened,
)
from ogniwo.interfaces.cli.main import Runtime
from ogniwo.interfaces.cli.output import (
    answers_refusals,
    findings_exit_code,
    progress,
    say,
    say_findings,
    show_json,
    show_table,
)
from ogniwo.interfaces.cli.texts import kwh, money, signed, zl
from ogniwo.services.settlement.carrying import CarriedMonth, carried_months
from ogniwo.services.settlement.closing import ClosedMonth, close_month
from ogniwo.services.settlement.comparing import ComparedMonth, PriceTrial, compare_month
from ogniwo.services.settlement.queries import rate_book_of

_STEPS = ("balance", "rate", "settle")


@click.group("period")
def period_group() -> None:
    """Close a month; compare sharing methods on it.

    \b
    Examples:
      ogniwo -w coop period close 2026-10 --dry-run
      ogniwo -w coop period close 2026-10
      ogniwo -w coop period compare 2026-10 --sale-price 200
    """  # noqa: D301 -- \b is click's mark for "keep these lines"


@period_group.command("close")
@click.argument("month", type=MONTH)
@COMMUNITY_OPTION
@click.option(
    "--method",
    type=click.Choice([method.value for method in SharingMethod]),
    help="Try another sharing method than that of the rules (with --dry-run).",
)
@DRY_RUN_OPTION
@JSON_OPTION
@click.pass_obj
@answers_refusals
def close(runtime: Runtime, *, month: Month, community: str, method: str | None, dry_run: bool, as_json: bool) -> None:
    """Settle a month: balance the hours, rate every point, settle, check that all sums agree, keep it as a version.

    The same data again keep nothing; changed data make the next version, and no version is ever changed. A month with
    missing intervals is refused.

    \b
    Examples:
      ogniwo -w coop period close 2026-10 --dry-run
      ogniwo -w coop period close 2026-10
      ogniwo -w coop period close 2026-10 --dry-run --method static

    \b
    Exit codes: 0 done, 3 done with findings, 4 refused.
    """  # noqa: D301 -- \b is click's mark for "keep these lines"
    if method and not dry_run:
        raise click.UsageError("--method only tries another method; use --dry-run, or register new rules to change it")
    workspace = opened(runtime)
    with progress("close", len(_STEPS)) as display:

        def tell(step: str) -> None:
            display.label = step
            display.step()

        closed = close_month(
            workspace,
            community=community_of(community),
            month=month,
            book=rate_book_of(workspace),
            dry_run=dry_run,
            method=method or "",
            tell=tell,
        )
    if as_json:
        show_json(_closed_document(closed, stored=not dry_run))
    else:
        _show_closed(closed)
        say_findings(closed.findings)
        _say_outcome(runtime, closed, dry_run=dry_run)
    sys.exit(findings_exit_code(closed.findings))


def _show_closed(closed: ClosedMonth) -> None:
    flows, cooperative = closed.totals.flows, closed.cooperative
    rows = [
        ("taken by members", kwh(flows.taken_wh)),
        ("  from the community", kwh(flows.community_in_wh)),
        ("  from the pool", kwh(flows.pool_wh)),
        ("  from the grid, paid in full", kwh(flows.grid_wh)),
        ("given by members", kwh(flows.given_wh)),
        ("  to the community", kwh(flows.community_out_wh)),
        ("  surplus to the pool", kwh(flows.surplus_wh)),
        ("pool carried on", kwh(sum(lot.wh for lot in cooperative.pool))),
        ("pool expired", kwh(sum(lot.wh for lot in cooperative.expired))),
    ]
    rows += [(label, kwh(wh)) for label, wh in _carrying(cooperative) if wh]
    click.echo(f"{closed.month}, {closed.totals.statements} statements")
    show_table(headers=("energy", "kWh"), rows=rows, right=frozenset({1}))
    click.echo()
    show_table(
        headers=("amount", "zł net"),
        rows=[
            ("charged to members", zl(closed.totals.charged_grosz)),
            ("  for energy of the community", zl(closed.totals.community_energy_grosz)),
            ("  community fee", zl(closed.totals.community_fee_grosz)),
            ("credited to members", zl(closed.totals.credited_grosz)),
        ],
        right=frozenset({1}),
    )
    click.echo(f"\nall {len(closed.totals.checks)} checks agree")


def _carrying(cooperative: CooperativeMonth) -> tuple[tuple[str, int], ...]:
    return (
        ("advanced to keep what was used", cooperative.advanced_wh),
        ("withheld for earlier months", cooperative.withheld_wh),
    )


def _say_outcome(runtime: Runtime, closed: ClosedMonth, *, dry_run: bool) -> None:
    if dry_run:
        blocking = [finding for finding in closed.findings if finding.severity is Severity.ERROR]
        what = f"would be version {closed.version}" if closed.changed else f"the same as version {closed.version}"
        say(f"{len(blocking)} errors would block the close" if blocking else f"{what}; nothing was stored (--dry-run)")
        return
    kept = "kept as" if closed.changed else "nothing changed since"
    say(f"{closed.month} is settled, {kept} version {closed.version}")
    say(f"next: ogniwo -w {runtime.folder} settlement show {closed.month}")


def _closed_document(closed: ClosedMonth, *, stored: bool) -> dict[str, Any]:
    cooperative = closed.cooperative
    return {
        "month": str(closed.month),
        "version": closed.version,
        "changed": closed.changed,
        "stored": stored,
        "statements": closed.totals.statements,
        "flows": asdict(closed.totals.flows),
        "charged": money(closed.totals.charged_grosz),
        "credited": money(closed.totals.credited_grosz),
        "community_energy": money(closed.totals.community_energy_grosz),
        "community_fee": money(closed.totals.community_fee_grosz),
        "pool": [{"month": str(lot.month), "wh": lot.wh} for lot in cooperative.pool],
        "expired": [{"month": str(lot.month), "wh": lot.wh} for lot in cooperative.expired],
        "advanced_wh": cooperative.advanced_wh,
        "withheld_wh": cooperative.withheld_wh,
        "checks": len(closed.totals.checks),
        "checks_agree": closed.totals.agrees,
        "findings": [finding_row(finding) for finding in closed.findings],
        "blocked": any(finding.severity is Severity.ERROR for finding in closed.findings),
    }


@period_group.command("carried")
@COMMUNITY_OPTION
@JSON_OPTION
@click.pass_obj
@answers_refusals
def carried(runtime: Runtime, *, community: str, as_json: bool) -> None:
    """Show what stayed with members when a used month was settled again, and the shortage carried from month to month.

    Only where the rules say corrections = "keep". Energy billed or posted stays with its member; what the pool lacks
    for it is advanced and withheld from the pool of the next months.

    \b
    Examples:
      ogniwo -w coop period carried
      ogniwo -w coop period carried --json
    """  # noqa: D301 -- \b is click's mark for "keep these lines"
    opened(runtime)
    months = carried_months(community=community_of(community))
    if as_json:
        show_json(
            [
                {**asdict(one), "month": str(one.month), "carried_on_wh": one.carried_on_wh, "points": _kept(one)}
                for one in months
            ]
        )
        return
    show_table(
        headers=("month", "version", "carried in kWh", "advanced", "withheld", "carried on"),
        rows=[
            (
                str(one.month),
                str(one.version),
                *(kwh(wh) for wh in (one.carried_wh, one.advanced_wh, one.withheld_wh, one.carried_on_wh)),
            )
            for one in months
        ],
        right=frozenset(range(1, 6)),
    )
    for one in months:
        for point in one.points:
            click.echo(
                f"{one.month} {point.point}: {kwh(point.got_wh)} kWh of the pool instead of {kwh(point.usual_wh)}; "
                f"version {one.used}, which was billed or posted, leaves {kwh(point.used_wh)} to it"
            )


def _kept(month: CarriedMonth) -> list[dict[str, Any]]:
    return [asdict(point) for point in month.points]


@period_group.command("compare")
@click.argument("month", type=MONTH)
@COMMUNITY_OPTION
@click.option("--sale-price", type=PRICE, metavar="ZŁ/MWh", help="What a seller gets outside; shows gains in zł.")
@click.option("--price", type=PRICE, metavar="ZŁ/MWh", help="Another internal price than that of the rules.")
@click.option("--fee", type=PRICE, metavar="ZŁ/MWh", help="Another community fee than that of the rules.")
@JSON_OPTION
@click.pass_obj
@answers_refusals
def compare(
    runtime: Runtime,
    *,
    month: Month,
    community: str,
    sale_price: Rate | None,
    price: Rate | None,
    fee: Rate | None,
    as_json: bool,
) -> None:
    """Share a month by every method side by side, with each member's result; nothing is stored.

    With --sale-price each point's gain over staying outside is shown too: its avoided bill at its own tariff against
    the internal price and fee, and the range of prices at which every member gains.

    \b
    Examples:
      ogniwo -w coop period compare 2026-10
      ogniwo -w coop period compare 2026-10 --sale-price 200 --price 450 --fee 20
    """  # noqa: D301 -- \b is click's mark for "keep these lines"
    if sale_price is None and (price is not None or fee is not None):
        raise click.UsageError("a price is judged against what a seller gets outside; give --sale-price too")
    workspace = opened(runtime)
    compared = compare_month(
        workspace,
        community=community_of(community),
        month=month,
        book=rate_book_of(workspace),
        trial=None if sale_price is None else PriceTrial(sale=sale_price, price=price, fee=fee),
    )
    if as_json:
        show_json(_compared_document(compared))
        return
    _show_compared(compared)


def _show_compared(compared: ComparedMonth) -> None:
    numbers = dict(compared.members)
    click.echo(f"{compared.community} {compared.month}, settled by {compared.current_method}")
    click.echo("kWh of the community used by each point; kWh it gave to the community where it did")
    click.echo()
    headers = ["member", "PPE"]
    for result in compared.results:
        headers += [result.name, *(["gain zł"] if compared.prices else [])]
    rows = []
    for index, (point, number) in enumerate(compared.members):
        row = [number, point]
        for result in compared.results:
            member = result.members[index]
            gave = f" / {kwh(member.supplied_wh)}" if member.supplied_wh else ""
            row.append(f"{kwh(member.used_wh)}{gave}")
            if member.gain_grosz is not None:
                row.append(signed(zl(member.gain_grosz), value=member.gain_grosz))
        rows.append(tuple(row))
    total = ["total", str(len(numbers))]
    for result in compared.results:
        total.append(kwh(result.shared_wh))
        if result.gain_grosz is not None:
            total.append(signed(zl(result.gain_grosz), value=result.gain_grosz))
    show_table(headers=headers, rows=[*rows, tuple(total)], right=frozenset(range(2, len(headers))))
    if compared.corridor is not None:
        click.echo(f"\n{_corridor_text(compared.corridor)}")


def _corridor_text(corridor: PriceCorridor) -> str:
    low, high = (_per_mwh(value) for value in (corridor.above_e8, corridor.below_e8))
    if corridor.is_empty:
        blocking = ", ".join((*corridor.blocking_buyers, *corridor.blocking_sellers))
        return f"no price lets every member gain: sellers want more than {low}, buyers less than {high}; see {blocking}"
    return f"every member gains at a price above {low} and below {high} zł/MWh"


def _per_mwh(value_e8: int) -> str:
    """Whole groszy are enough for people."""
    return format_decimal(value_e8 // 10**6, decimals=2, mark=",")


def _compared_document(compared: ComparedMonth) -> dict[str, Any]:
    numbers = dict(compared.members)
    corridor = compared.corridor
    return {
        "community": compared.community,
        "month": str(compared.month),
        "current_method": compared.current_method,
        "methods": [
            {
                "method": result.name,
                "shared_wh": result.shared_wh,
                "gain": None if result.gain_grosz is None else money(result.gain_grosz),
                "points": [
                    {
                        "point": member.member,
                        "member": numbers[member.member],
                        "used_wh": member.used_wh,
                        "rest_wh": member.rest_wh,
                        "supplied_wh": member.supplied_wh,
                        "surplus_wh": member.surplus_wh,
                        "gain": None if member.gain_grosz is None else money(member.gain_grosz),
                    }
                    for member in result.members
                ],
            }
            for result in compared.results
        ],
        "corridor": None
        if corridor is None
        else {
            "above_zl_per_mwh": format_decimal(corridor.above_e8, decimals=8),
            "below_zl_per_mwh": format_decimal(corridor.below_e8, decimals=8),
            "empty": corridor.is_empty,
            "blocking": [*corridor.blocking_buyers, *corridor.blocking_sellers],
        },
        "purchase_zl_per_mwh": {}
        if compared.prices is None
        else {point: rate.text() for point, rate in sorted(compared.prices.purchase.items())},
    }
