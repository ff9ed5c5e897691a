"""`ogniwo token thresholds`: payment tokens against the limits of law, in Polish or English."""

import csv
import sys
from datetime import datetime
from typing import Any

import click

from ogniwo.core.kernel.findings import finding_row
from ogniwo.core.kernel.quantities import NotADecimalError, format_decimal, parse_decimal
from ogniwo.core.ledger.thresholds import RATE_DECIMALS
from ogniwo.interfaces.cli.arguments import JSON_OPTION, community_of, opened
from ogniwo.interfaces.cli.main import Runtime
from ogniwo.interfaces.cli.output import (
    DONE_WITH_FINDINGS,
    answers_refusals,
    say,
    say_findings,
    show_json,
    show_table,
    spoken_language,
)
from ogniwo.services.ledger.thresholds import (
    SCHEMA,
    AssetThresholds,
    Line,
    ThresholdReport,
    amounts_row,
    threshold_report,
)
from ogniwo.services.workspace.queries import operator_subject

_WORDS = {
    "paid": ("paid", "zapłacono"),
    "issued": ("issued", "wydano"),
    "redeemed": ("redeemed", "wykupiono"),
    "outstanding": ("outstanding", "w obiegu"),
    "average": ("outstanding on average", "średnio w obiegu"),
    "highest": ("outstanding at most", "najwięcej w obiegu"),
    "highest_balance": ("highest balance of an account", "najwyższe saldo konta"),
    "highest_month": ("most paid by an account in a month", "najwięcej zapłacono z konta w miesiącu"),
    "holders": ("holders", "posiadacze"),
    "holders_ever": ("holders in the time", "posiadacze w tym czasie"),
    "accepting": ("accepting parties", "przyjmujący"),
    "operation": ("largest operation", "największa operacja"),
    "linked": ("most in linked operations", "najwięcej w operacjach powiązanych"),
    "limit": ("limit", "próg"),
    "measured": ("measured", "zmierzono"),
    "what": ("what", "co"),
    "account": ("member", "członek"),
    "state": ("state", "stan"),
    "percent": ("%", "%"),
    "passed": ("PASSED", "PRZEKROCZONY"),
    "below": ("below", "poniżej"),
    "other_basis": ("other legal basis", "inna podstawa prawna"),
    "asks": ("the law then asks", "prawo wymaga wtedy"),
    "confirmed": ("read in the official text", "sprawdzono w tekście urzędowym"),
    "unconfirmed": (
        "NOT confirmed in the official text; seen:",
        "NIEpotwierdzone w tekście urzędowym; widziano (ang.):",
    ),
    "persons": ("persons", "osób"),
    "EUR": ("EUR", "EUR"),
    "none": ("no payment token is defined", "nie określono żadnego tokenu płatniczego"),
    "basis": ("basis", "podstawa"),
    "never": ("never switched on", "nigdy nie włączony"),
}
_COUNTS = ("holders", "holders_ever", "accepting")


@click.command(name="thresholds")
@click.argument("community")
@click.option(
    "--on",
    "day",
    required=True,
    type=click.DateTime(formats=["%Y-%m-%d"]),
    metavar="YYYY-MM-DD",
    help="The last day of the twelve months.",
)
@click.option("--eur", required=True, metavar="RATE", help="zł per euro on that day, as 4.2512 (the NBP's average).")
@JSON_OPTION
@click.option("--csv", "as_csv", is_flag=True, help="One line per limit, as CSV.")
@click.pass_obj
@answers_refusals
def thresholds(runtime: Runtime, community: str, day: datetime, eur: str, as_json: bool, as_csv: bool) -> None:  # noqa: FBT001 -- click's way
    """Hold what the ledger shows of payment tokens against the limits of law; exit code 3 when one is passed.

    Amounts are the issuer's, over the twelve months up to --on; accounts are those of COMMUNITY's members. Each limit
    says where it stands and whether it was read in the official text. Not legal advice. The read is in the audit log.

    \b
    Examples:
      ogniwo token thresholds SEL --on 2026-12-31 --eur 4.2512
      ogniwo token thresholds SEL --on 2026-12-31 --eur 4.2512 --csv > limits.csv
    """  # noqa: D301 -- \b is click's mark for "keep these lines"
    if as_json and as_csv:
        raise click.UsageError("choose one of --json and --csv")
    try:
        rate = parse_decimal(eur, decimals=RATE_DECIMALS)
    except NotADecimalError as error:
        raise click.BadParameter(error.detail, param_hint="--eur") from error
    report = threshold_report(
        opened(runtime), organisation=community_of(community), on=day.date(), eur=rate, subject=operator_subject()
    )
    if as_json:
        show_json(_document(report))
    elif as_csv:
        _csv(report)
    else:
        _show(report)
    if report.findings and not as_json:
        say_findings(report.findings)
    sys.exit(DONE_WITH_FINDINGS if report.passed else 0)


def _word(name: str) -> str:
    return _WORDS[name][spoken_language() == "pl"]


def _document(report: ThresholdReport) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "organisation": report.organisation,
        "network": report.network,
        "height": report.height,
        "first": report.first.isoformat(),
        "last": report.last.isoformat(),
        "eur": format_decimal(report.eur, decimals=RATE_DECIMALS),
        "limits_checked_on": report.checked_on.isoformat(),
        "passed": report.passed,
        "assets": [
            {
                "asset": one.asset,
                "basis": one.basis,
                "amounts": amounts_row(one),
                "limits": [_row(line) for line in one.lines],
                "findings": [finding_row(finding) for finding in one.findings],
            }
            for one in report.assets
        ],
    }


def _row(line: Line) -> dict[str, Any]:
    return {
        "id": line.limit.id,
        "measure": line.limit.measure,
        "measured": line.measured,
        "limit": line.limit_minor,
        "limit_law": f"{line.limit.amount} {line.limit.unit}",
        "from": "over" if line.limit.over else "reaches",
        "percent": line.percent,
        "applies": line.applies,
        "passed": line.passed,
        "member": line.account,
        "source": line.limit.source,
        "confirmed": line.limit.confirmed,
        "seen": line.limit.seen,
        "asks": dict(line.limit.asks)[spoken_language()],
    }


def _csv(report: ThresholdReport) -> None:
    """Amounts in minor units of the asset, as in the JSON."""
    rows = [{"asset": one.asset, "basis": one.basis, **_row(line)} for one in report.assets for line in one.lines]
    if not rows:
        say(_word("none"))
        return
    writer = csv.DictWriter(sys.stdout, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)


def _show(report: ThresholdReport) -> None:
    if not report.assets:
        click.echo(_word("none"))
    for one in report.assets:
        click.echo(f"{one.asset}  {report.first} - {report.last}  {_word('basis')}: {one.basis or _word('never')}")
        amounts = one.counted.amounts
        for name in ("issued", "paid", "redeemed", "outstanding", "average", "highest", *_COUNTS):
            amount = getattr(amounts, name)
            click.echo(f"  {_word(name)}: {amount if name in _COUNTS else _shown(amount, one)}")
        _limits(one)
        click.echo("")


def _limits(one: AssetThresholds) -> None:
    if not one.lines:
        return
    click.echo("")
    show_table(
        headers=[_word(name) for name in ("limit", "what", "measured", "limit", "percent", "state", "account")],
        rows=[
            (
                line.limit.id,
                _word(line.limit.measure),
                _amount(line.measured, line, one),
                _amount(line.limit_minor, line, one),
                str(line.percent),
                _word("passed" if line.passed else "below" if line.applies else "other_basis"),
                line.account,
            )
            for line in one.lines
        ],
        right=frozenset({2, 3, 4}),
    )
    for line in one.lines:
        if not line.applies:
            continue
        law = f"{line.limit.amount} {_word(line.limit.unit)}, {line.limit.source}"
        sure = _word("confirmed") if line.limit.confirmed else f"{_word('unconfirmed')} {line.limit.seen}"
        click.echo(f"  {line.limit.id}: {law} ({sure}); {_word('asks')}: {dict(line.limit.asks)[spoken_language()]}")


def _amount(amount: int, line: Line, one: AssetThresholds) -> str:
    return str(amount) if line.limit.unit == "persons" else _shown(amount, one)


def _shown(amount: int, one: AssetThresholds) -> str:
    return f"{format_decimal(amount, decimals=int(one.asset[-1]), mark=',')} {one.asset.partition('/')[0]}"
