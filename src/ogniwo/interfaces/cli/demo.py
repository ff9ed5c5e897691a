"""`ogniwo demo`: the whole job on the packaged sample cooperative, with a table at the end."""

import sys
import time
from dataclasses import asdict

import click

from ogniwo.core.kernel.quantities import format_decimal
from ogniwo.interfaces.cli.background import start_serving, stop_serving
from ogniwo.interfaces.cli.main import Runtime
from ogniwo.interfaces.cli.output import FAILED, answers_refusals, say, say_findings, show_json, show_table
from ogniwo.services.demo.sign_ins import SIGN_INS, make_sign_ins
from ogniwo.services.demo.story import STEPS, DemoResult, clear_demo, run_demo
from ogniwo.services.demo.wallet import prepare_wallets
from ogniwo.services.workspace.model import Workspace

_EXPLAINED = {
    "import": "50 meter files in four layouts and one register form",
    "check": "completeness and credibility, rule by rule",
    "estimate": "the gap, scaled to the registers",
    "balance": "hourly netting, sharing, the 1:0.6 pool",
    "rate": "ENEA Operator 2026, every charge with its source",
    "settle": "internal price, statements, sums that agree",
    "post": "metering tokens, signed day by day",
    "bill": "invoices as documents and PDF, committed to",
    "verify": "every link of the chain",
    "late import": "a corrected day arrives after the close",
    "correct": "version 2: the difference only",
    "verify again": "every link of the chain",
}


class _Steps:
    """Shows each step as it begins, with its time when the next one does; counts on a terminal only."""

    def __init__(self) -> None:
        self.current = ""
        self.started = time.monotonic()
        self.terminal = sys.stderr.isatty()

    def __call__(self, step: str, done: int, total: int) -> None:
        if step != self.current:
            self.finish()
            self.current, self.started = step, time.monotonic()
            number = STEPS.index(step) + 1
            click.echo(f"[{number:2}/{len(STEPS)}] {step:13} {_EXPLAINED[step]:52}", err=True, nl=False)
        elif self.terminal and total > 1:
            click.echo(f"\r[{STEPS.index(step) + 1:2}/{len(STEPS)}] {step:13} {done}/{total:<46} ", err=True, nl=False)

    def finish(self) -> None:
        """Close the line of the step that ran."""
        if not self.current:
            return
        if self.terminal:
            number = STEPS.index(self.current) + 1
            line = f"\r[{number:2}/{len(STEPS)}] {self.current:13} {_EXPLAINED[self.current]:52}"
            click.echo(line, err=True, nl=False)
        click.echo(f" {time.monotonic() - self.started:5.1f} s", err=True)


def _kwh(energy_wh: int) -> str:
    return format_decimal(energy_wh, decimals=3, mark=",")


def _zl(grosz: int) -> str:
    return format_decimal(grosz, decimals=2, mark=",")


@click.command(name="demo")
@click.option("--replace", is_flag=True, help="Remove an earlier demo in the folder first.")
@click.option("--serve", "serving", is_flag=True, help="Serve it on loopback at the end, until `demo --stop`.")
@click.option("--stop", "stopping", is_flag=True, help="Only end what --serve started.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document instead of the tables.")
@click.pass_obj
@answers_refusals
def demo_command(runtime: Runtime, *, replace: bool, serving: bool, stopping: bool, as_json: bool) -> None:
    """Run the whole job on the packaged sample cooperative: forty members, October 2026 with its day of 100 quarters.

    Makes a workspace (folder `demo`, or -w FOLDER), imports the files, checks, estimates, balances, rates, settles,
    posts, bills and verifies; then a late correction arrives and only the difference is corrected. With --serve the
    console and the wallet of the sample cooperative are then open in a browser, with a sign-in for each role.
    """
    stopped = stop_serving(runtime.folder)
    if stopping:
        say("The demo is no longer served." if stopped else "The demo was not being served.")
        return
    if replace:
        clear_demo(runtime.folder)
    steps = _Steps()
    started = time.monotonic()
    result = run_demo(root=runtime.folder, tell=steps)
    steps.finish()
    seconds = time.monotonic() - started
    if as_json:
        show_json(_as_json(result))
    else:
        _print(result, runtime)
    say(f"Done in {seconds:.1f} s.")
    if not result.agrees:
        say_findings(result.findings)
        say("ogniwo: the demo's sums do not agree")
        sys.exit(FAILED)
    if serving:
        _serve(result.workspace, runtime)


def _serve(workspace: Workspace, runtime: Runtime) -> None:
    """Give members tokens to try, let people in and serve; say where, and as whom to sign in."""
    prepare_wallets(workspace)
    password = make_sign_ins(workspace)
    address = start_serving(runtime.folder)
    click.echo(f"\nServed at {address} until `ogniwo -w {runtime.folder} demo --stop`. Sign in as:\n")
    show_table(
        headers=("login", "role", "who", "password"),
        rows=[(one.login, one.role.value, one.does, password) for one in SIGN_INS],
    )


def _as_json(result: DemoResult) -> dict[str, object]:
    return {
        "members": [
            {
                "member": row.member,
                "name": row.name,
                "group": row.group,
                **asdict(row.flows),
                "gross_grosz": row.gross_grosz,
                "credit_gross_grosz": row.credit_gross_grosz,
            }
            for row in result.rows
        ],
        "invoices": [one.number for one in result.invoices],
        "corrections": [one.number for one in result.corrections],
        "checks": {check.name: check.passed for check in (*result.checks, *result.checks_again)},
        "agrees": result.agrees,
    }


def _print(result: DemoResult, runtime: Runtime) -> None:
    total = result.totals.flows
    rows = [
        (
            row.member,
            row.name,
            row.group,
            _kwh(row.flows.taken_wh),
            _kwh(row.flows.community_in_wh),
            _kwh(row.flows.pool_wh),
            _kwh(row.flows.grid_wh),
            _zl(row.gross_grosz),
            _zl(row.credit_gross_grosz),
        )
        for row in result.rows
    ]
    gross, credit = (sum(getattr(row, name) for row in result.rows) for name in ("gross_grosz", "credit_gross_grosz"))
    rows.append(
        (
            "",
            f"total of {len(rows)}",
            "",
            _kwh(total.taken_wh),
            _kwh(total.community_in_wh),
            _kwh(total.pool_wh),
            _kwh(total.grid_wh),
            _zl(gross),
            _zl(credit),
        )
    )
    click.echo("")
    show_table(
        headers=(
            "member",
            "name",
            "group",
            "used kWh",
            "community",
            "1:0.6 pool",
            "grid",
            "to pay zł",
            "to receive zł",
        ),
        rows=rows,
        right=frozenset(range(3, 9)),
    )
    _print_agreement(result, gross)
    folder = runtime.folder
    click.echo(f"\nInvoices (PDF): {folder / 'documents' / str(result.closed.month)}")
    first = result.invoices[34].number
    click.echo("Look further:")
    click.echo(f"  ogniwo -w {folder} invoice show {first} --why")
    click.echo(f"  ogniwo -w {folder} settlement difference {result.closed.month}")
    click.echo(f"  ogniwo -w {folder} proof export --invoice {first} --output receipt.json")


def _print_agreement(result: DemoResult, gross: int) -> None:
    total = result.totals.flows
    click.echo("")
    click.echo(
        f"used {_kwh(total.taken_wh)} = community {_kwh(total.community_in_wh)} + pool {_kwh(total.pool_wh)} "
        f"+ grid {_kwh(total.grid_wh)} kWh; given to the community {_kwh(total.community_out_wh)} kWh"
    )
    invoiced = sum(one.gross_grosz for one in result.invoices)
    passed = sum(1 for check in result.totals.checks if check.agrees)
    click.echo(
        f"to pay {_zl(gross)} zł = {len(result.invoices)} invoices {_zl(invoiced)} zł; "
        f"{passed} of {len(result.totals.checks)} sums agree"
    )
    gaps = [gap for channel in result.estimated.channels for gap in channel.gaps]
    click.echo(
        f"estimated: {len(gaps)} gaps by {', '.join(sorted({gap.method.value for gap in gaps}))}; "
        f"ledger: {result.posted.days_minted} days of readings, {result.posted.documents_anchored} documents, "
        f"{result.posted.log_size} entries"
    )
    difference = sum(one.gross_grosz for one in result.corrections)
    click.echo(
        f"late data: version {result.closed_again.version}, {len(result.corrections)} corrections, "
        f"difference {_zl(difference)} zł"
    )
    for name, checks in (("verification", result.checks), ("after the correction", result.checks_again)):
        compared = sum(check.compared for check in checks)
        state = "passed" if all(check.passed for check in checks) else "FAILED"
        click.echo(f"{name}: {state} ({len(checks)} links, {compared} things compared)")
