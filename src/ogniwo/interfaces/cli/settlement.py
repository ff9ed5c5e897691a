"""`ogniwo settlement`: who owes whom and why; `ogniwo period` is in `period.py` and shown from here."""

import sys
from dataclasses import asdict
from datetime import datetime
from typing import Any

import click

from ogniwo.core.kernel.calendar import Month
from ogniwo.core.settlement.difference import LineDifference, StatementDifference
from ogniwo.core.settlement.model import Statement
from ogniwo.core.tariffs.explain import days_text, quantity_text, rate_text
from ogniwo.core.tariffs.model import ChargeLine
from ogniwo.interfaces.cli.arguments import COMMUNITY_OPTION, JSON_OPTION, MONTH, community_of, opened
from ogniwo.interfaces.cli.main import Runtime
from ogniwo.interfaces.cli.output import NOT_FOUND, answers_refusals, say, show_json, show_table
from ogniwo.interfaces.cli.period import period_group
from ogniwo.interfaces.cli.texts import instant, kwh, line_row, money, signed, zl
from ogniwo.services.settlement.days import day_settlement
from ogniwo.services.settlement.differencing import MonthDifference, month_difference
from ogniwo.services.settlement.queries import (
    MemberTotal,
    SettledMonth,
    added_flows,
    hourly_flows,
    hourly_lines,
    member_totals,
    rate_book_of,
    settled_month,
)
from ogniwo.services.workspace.queries import operator_subject

__all__ = ["period_group", "settlement_group"]

_VERSION = click.option("--version", type=click.IntRange(min=1), default=None, help="A version (default: the newest).")
_POINT = click.option("--point", required=True, metavar="PPE", help="The metering point.")


@click.group("settlement")
def settlement_group() -> None:
    """Show who owes whom for a settled month, why, from which hours, and what a later version changed.

    \b
    Examples:
      ogniwo -w coop settlement show 2026-10
      ogniwo -w coop settlement why 2026-10 --point 590999772600000353 --charge capacity.volume
      ogniwo -w coop settlement day 2026-10-14
      ogniwo -w coop settlement hours 2026-10 --point 590999772600000353 > hours.csv
      ogniwo -w coop settlement difference 2026-10 --from 1 --to 2
    """  # noqa: D301 -- \b is click's mark for "keep these lines"


@settlement_group.command("show")
@click.argument("month", type=MONTH)
@_VERSION
@click.option("--member", default="", metavar="NUMBER", help="One member only.")
@COMMUNITY_OPTION
@JSON_OPTION
@click.pass_obj
@answers_refusals
def show(runtime: Runtime, *, month: Month, version: int | None, member: str, community: str, as_json: bool) -> None:
    """Show what each member used, from where, and what it costs; net and gross, with totals.

    Credits are due to members for energy given to the community; they stand beside the invoice, net.
    """
    opened(runtime)
    run = settled_month(
        community=community_of(community),
        month=month,
        subject=operator_subject(),
        version=version or 0,
        member=member,
    )
    totals = member_totals(run.statements)
    if as_json:
        show_json(_run_document(run, totals))
        return
    click.echo(
        f"{run.community} {run.month}, version {run.version} of {len(run.versions)}, made {instant(run.made_at)}"
    )
    click.echo(f"inputs {run.inputs_digest[:16]}; energy in kWh, amounts in zł")
    click.echo()
    show_table(
        headers=(
            "member",
            "points",
            "used",
            "from community",
            "from pool",
            "from grid",
            "to community",
            "surplus",
            "net",
            "gross",
            "credit net",
        ),
        rows=[*(_total_row(total) for total in totals), *([_sum_row(totals)] if len(totals) > 1 else [])],
        right=frozenset(range(1, 11)),
    )
    say(f"next: ogniwo -w {runtime.folder} settlement why {month} --point {run.statements[0].point}")


def _total_row(total: MemberTotal) -> tuple[str, ...]:
    flows = total.flows
    energies = (
        flows.taken_wh,
        flows.community_in_wh,
        flows.pool_wh,
        flows.grid_wh,
        flows.community_out_wh,
        flows.surplus_wh,
    )
    return (
        total.member,
        str(len(total.points)),
        *(kwh(energy) for energy in energies),
        zl(total.net_grosz),
        zl(total.gross_grosz),
        zl(total.credit_grosz),
    )


def _sum_row(totals: tuple[MemberTotal, ...]) -> tuple[str, ...]:
    return _total_row(
        MemberTotal(
            member="total",
            points=tuple(point for total in totals for point in total.points),
            flows=added_flows([total.flows for total in totals]),
            net_grosz=sum(total.net_grosz for total in totals),
            vat_grosz=sum(total.vat_grosz for total in totals),
            credit_grosz=sum(total.credit_grosz for total in totals),
        )
    )


def _run_document(run: SettledMonth, totals: tuple[MemberTotal, ...]) -> dict[str, Any]:
    return {
        "community": run.community,
        "month": str(run.month),
        "version": run.version,
        "versions": list(run.versions),
        "made_at": instant(run.made_at),
        "inputs_digest": run.inputs_digest,
        "inputs": dict(run.inputs),
        "members": [
            {
                "member": total.member,
                "points": list(total.points),
                "flows": asdict(total.flows),
                "net": money(total.net_grosz),
                "vat": money(total.vat_grosz),
                "gross": money(total.gross_grosz),
                "credit_net": money(total.credit_grosz),
            }
            for total in totals
        ],
        "total": {
            "flows": asdict(added_flows([total.flows for total in totals])),
            "net": money(sum(total.net_grosz for total in totals)),
            "vat": money(sum(total.vat_grosz for total in totals)),
            "gross": money(sum(total.gross_grosz for total in totals)),
            "credit_net": money(sum(total.credit_grosz for total in totals)),
        },
    }


@settlement_group.command("why")
@click.argument("month", type=MONTH)
@_POINT
@click.option("--charge", default="", metavar="CODE", help="One charge only, such as network.variable.")
@_VERSION
@click.option("--language", type=click.Choice(["pl", "en"]), default="pl", help="Language of labels and reasons.")
@COMMUNITY_OPTION
@JSON_OPTION
@click.pass_obj
@answers_refusals
def why(
    runtime: Runtime,
    *,
    month: Month,
    point: str,
    charge: str,
    version: int | None,
    language: str,
    community: str,
    as_json: bool,
) -> None:
    """Explain every line of a point: quantity, rate and its legal source, formula, rounding, and the data versions.

    \b
    Examples:
      ogniwo -w coop settlement why 2026-10 --point 590999772600000353
      ogniwo -w coop settlement why 2026-10 --point 590999772600000353 --charge capacity.volume --json
    """  # noqa: D301 -- \b is click's mark for "keep these lines"
    opened(runtime)
    run = settled_month(
        community=community_of(community),
        month=month,
        subject=operator_subject(),
        version=version or 0,
        point=point,
    )
    (statement,) = run.statements
    lines = [line for line in (*statement.lines, *statement.credits) if charge in {"", line.charge}]
    if not lines:
        known = ", ".join(dict.fromkeys(line.charge for line in (*statement.lines, *statement.credits)))
        say(f"ogniwo: {point} has no charge {charge!r} in {month}; its charges: {known}")
        sys.exit(NOT_FOUND)
    if as_json:
        show_json({**_statement_document(statement), "lines": [_reason_row(line, statement) for line in lines]})
        return
    _show_reasons(statement, lines, language)


def _statement_document(statement: Statement) -> dict[str, Any]:
    return {
        "community": statement.community,
        "month": str(statement.month),
        "version": statement.version,
        "member": statement.member,
        "point": statement.point,
        "flows": asdict(statement.flows),
        "quality": [asdict(part) for part in statement.quality],
        "net": money(statement.net_grosz),
        "credit_net": money(statement.credit_grosz),
        "inputs": dict(statement.inputs),
    }


def _reason_row(line: ChargeLine, statement: Statement) -> dict[str, Any]:
    return {**line_row(line), "credit": any(line is credit for credit in statement.credits)}


def _show_reasons(statement: Statement, lines: list[ChargeLine], language: str) -> None:
    click.echo(f"{statement.member} {statement.point} {statement.month}, version {statement.version}")
    flows = statement.flows
    click.echo(
        f"taken {kwh(flows.taken_wh)} kWh = community {kwh(flows.community_in_wh)} + pool {kwh(flows.pool_wh)} "
        f"+ grid {kwh(flows.grid_wh)}"
    )
    if flows.given_wh:
        click.echo(
            f"given {kwh(flows.given_wh)} kWh = community {kwh(flows.community_out_wh)} "
            f"+ surplus {kwh(flows.surplus_wh)}"
        )
    for line in lines:
        credit = any(line is one for one in statement.credits)
        zone = f" ({line.zone})" if line.zone else ""
        label = line.label_pl if language == "pl" else line.label_en
        click.echo(f"\n{label}{zone} [{line.charge}]: {zl(line.net_grosz)} zł{' due to the member' if credit else ''}")
        click.echo(
            f"  {days_text(line.first, line.last_exclusive, language)}: "
            f"{quantity_text(line.quantity, line.rate.per, language)} × "
            f"{rate_text(line.rate, language)}, VAT {line.vat_rate_percent} %"
        )
        for sentence in line.reasons(language):
            click.echo(f"  {sentence}")
    click.echo("\nquality of the energy:")
    for part in statement.quality:
        click.echo(f"  {part.quality}: {kwh(part.energy_wh)} kWh in {part.slots} intervals")
    click.echo("made from:")
    for name, value in statement.inputs:
        click.echo(f"  {name}: {value}")


@settlement_group.command("day")
@click.argument("day", type=click.DateTime(["%Y-%m-%d"]), metavar="YYYY-MM-DD")
@COMMUNITY_OPTION
@JSON_OPTION
@click.pass_obj
@answers_refusals
def day(runtime: Runtime, *, day: datetime, community: str, as_json: bool) -> None:
    """Show who pays whom how much for the energy that members exchanged on one day of a closed month.

    Each day is rounded by itself; what is billed is the month.
    """
    workspace = opened(runtime)
    settled = day_settlement(
        community=community_of(community), day=day.date(), book=rate_book_of(workspace), subject=operator_subject()
    )
    if as_json:
        show_json(
            {
                "day": settled.day.isoformat(),
                "version": settled.version,
                "fee_grosz": settled.fee_grosz,
                "members": [asdict(row) for row in settled.rows],
            }
        )
        return
    show_table(
        headers=("member", "name", "used kWh", "community", "1:0.6 pool", "grid", "given", "pays", "receives"),
        rows=[
            (
                row.member,
                row.name,
                kwh(row.taken_wh),
                kwh(row.community_in_wh),
                kwh(row.pool_wh),
                kwh(row.grid_wh),
                kwh(row.community_out_wh),
                zl(row.pays_grosz),
                zl(row.receives_grosz),
            )
            for row in settled.rows
        ],
        right=frozenset(range(2, 9)),
    )
    paid, received = (sum(getattr(row, name) for row in settled.rows) for name in ("pays_grosz", "receives_grosz"))
    click.echo(f"paid {zl(paid)} = received {zl(received)} + community fee {zl(settled.fee_grosz)} zł net")


@settlement_group.command("hours")
@click.argument("month", type=MONTH)
@_POINT
@_VERSION
@COMMUNITY_OPTION
@JSON_OPTION
@click.pass_obj
@answers_refusals
def hours(runtime: Runtime, *, month: Month, point: str, version: int | None, community: str, as_json: bool) -> None:
    """Print the hours a point's statement stands on as CSV: taken, given, and where it came from and went."""
    opened(runtime)
    flows = hourly_flows(
        community=community_of(community),
        month=month,
        subject=operator_subject(),
        point=point,
        version=version or 0,
    )
    if as_json:
        show_json({name: values.tolist() for name, values in flows.items()})
        return
    for line in hourly_lines(flows):
        click.echo(line, nl=False)


@settlement_group.command("difference")
@click.argument("month", type=MONTH)
@click.option("--from", "earlier", type=click.IntRange(min=1), default=None, help="The earlier version.")
@click.option(
    "--to", "later", type=click.IntRange(min=1), default=None, help="The later version (default: the newest)."
)
@COMMUNITY_OPTION
@JSON_OPTION
@click.pass_obj
@answers_refusals
def difference(
    runtime: Runtime, *, month: Month, earlier: int | None, later: int | None, community: str, as_json: bool
) -> None:
    """Show what a later version of a month changes, line by line; what stays the same is left out.

    \b
    Examples:
      ogniwo -w coop settlement difference 2026-10
      ogniwo -w coop settlement difference 2026-10 --from 1 --to 3 --json
    """  # noqa: D301 -- \b is click's mark for "keep these lines"
    opened(runtime)
    found = month_difference(
        community=community_of(community),
        month=month,
        subject=operator_subject(),
        earlier=earlier or 0,
        later=later or 0,
    )
    if as_json:
        show_json(_difference_document(found))
        return
    _show_difference(found)


def _show_difference(found: MonthDifference) -> None:
    click.echo(f"{found.community} {found.month}: version {found.earlier.version} to {found.later.version}")
    click.echo()
    rows = [
        (one.later.member, one.later.point, line.key.charge, _change(line), _signed_zl(line.net_grosz * sign), what)
        for one in found.changed
        for lines, sign, what in ((one.lines, 1, "charged"), (one.credits, 1, "credited"))
        for line in lines
    ]
    rows += [
        (one.member, one.point, what, "", _signed_zl(one.net_grosz * sign), "charged")
        for statements, sign, what in ((found.added, 1, "new point"), (found.removed, -1, "point left"))
        for one in statements
    ]
    show_table(headers=("member", "PPE", "charge", "quantity", "net zł", ""), rows=rows, right=frozenset({3, 4}))
    click.echo()
    click.echo(
        f"charged {_signed_zl(found.net_grosz)} zł, credited {_signed_zl(found.credit_grosz)} zł; "
        f"{len(found.changed)} points change, {found.unchanged} do not"
    )


def _change(line: LineDifference) -> str:
    return signed(quantity_text(line.quantity, line.key.rate.per), value=line.quantity)


def _signed_zl(grosz: int) -> str:
    return signed(zl(grosz), value=grosz)


def _difference_document(found: MonthDifference) -> dict[str, Any]:
    return {
        "community": found.community,
        "month": str(found.month),
        "from": found.earlier.version,
        "to": found.later.version,
        "changed": [_changed_row(one) for one in found.changed],
        "unchanged": found.unchanged,
        "added": [_statement_document(one) for one in found.added],
        "removed": [_statement_document(one) for one in found.removed],
        "net": money(found.net_grosz),
        "credit_net": money(found.credit_grosz),
    }


def _changed_row(one: StatementDifference) -> dict[str, Any]:
    def line(change: LineDifference) -> dict[str, Any]:
        key = change.key
        return {
            "charge": key.charge,
            "zone": key.zone,
            "first": key.first.isoformat(),
            "last_exclusive": key.last_exclusive.isoformat(),
            "rate": {"amount": key.rate.text(), "asset": "PLN", "per": str(key.rate.per)},
            "quantity": change.quantity,
            "net": money(change.net_grosz),
        }

    return {
        "member": one.later.member,
        "point": one.later.point,
        "flows": dict(one.flows),
        "lines": [line(change) for change in one.lines],
        "credits": [line(change) for change in one.credits],
        "net": money(one.net_grosz),
        "credit_net": money(one.credit_grosz),
    }
