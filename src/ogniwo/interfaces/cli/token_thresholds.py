"""`ogniwo token thresholds`: payment tokens against the limits of law, in Polish or English."""

import csv
import sys
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import click

from ogniwo.core.kernel.findings import Finding, finding_row
from ogniwo.core.kernel.quantities import NotADecimalError, format_decimal, parse_decimal
from ogniwo.core.ledger.thresholds import RATE_DECIMALS
from ogniwo.interfaces.cli.arguments import JSON_OPTION, community_of, one_form, opened
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
from ogniwo.services.ledger.assessments import Assessment, about_of, assessed, assessment_row
from ogniwo.services.ledger.thresholds import (
    SCHEMA,
    AssetThresholds,
    Line,
    ThresholdReport,
    amounts_row,
    threshold_report,
)
from ogniwo.services.workspace.model import Workspace
from ogniwo.services.workspace.queries import Organisation, operator_subject

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
    "confirmed": ("read in the article:", "sprawdzono w treści przepisu (ang.):"),
    "unconfirmed": (
        "NOT read in the article; seen:",
        "NIEsprawdzone w treści przepisu; widziano (ang.):",
    ),
    "persons": ("persons", "osób"),
    "EUR": ("EUR", "EUR"),
    "none": ("no payment token is defined", "nie określono żadnego tokenu płatniczego"),
    "basis": ("basis", "podstawa"),
    "never": ("never switched on", "nigdy nie włączony"),
    "about": ("about", "czego dotyczy"),
    "finding": ("finding", "ustalenie"),
    "decided": ("assessment", "ocena"),
    "day": ("day", "dzień"),
    "reference": ("number", "numer"),
    "by": ("by", "kto"),
    "note": ("why", "dlaczego"),
    "open": ("open", "bez oceny"),
    "explained": ("explained", "wyjaśnione"),
    "measures": ("measures applied", "zastosowano środki"),
    "reported": ("reported", "zgłoszone"),
}
_COUNTS = ("holders", "holders_ever", "accepting")


def dated(command: Callable[..., Any]) -> Callable[..., Any]:
    """The day and the rate that a report is of: `day` and `eur`."""
    day = click.option(
        "--on",
        "day",
        required=True,
        type=click.DateTime(formats=["%Y-%m-%d"]),
        metavar="YYYY-MM-DD",
        help="The last day of the twelve months.",
    )
    rate = click.option(
        "--eur", required=True, metavar="RATE", help="zł per euro on that day, as 4.2512 (the NBP's average)."
    )
    return day(rate(command))


def reported(workspace: Workspace, organisation: Organisation, *, day: datetime, eur: str) -> ThresholdReport:
    """The report of a day at a rate, as they were given."""
    try:
        rate = parse_decimal(eur, decimals=RATE_DECIMALS)
    except NotADecimalError as error:
        raise click.BadParameter(error.detail, param_hint="--eur") from error
    return threshold_report(workspace, organisation=organisation, on=day.date(), eur=rate, subject=operator_subject())


@click.command(name="thresholds")
@click.argument("community")
@dated
@JSON_OPTION
@click.option("--csv", "as_csv", is_flag=True, help="One line per limit, as CSV.")
@click.pass_obj
@answers_refusals
def thresholds(runtime: Runtime, community: str, day: datetime, eur: str, as_json: bool, as_csv: bool) -> None:  # noqa: FBT001 -- click's way
    """Hold what the ledger shows of payment tokens against the limits of law; exit code 3 when one is passed.

    Amounts are the issuer's, over the twelve months up to --on; accounts are those of COMMUNITY's members. Each limit
    says where it stands and whether it was read in the text of the article. What stands out is listed with what was
    decided about it (`ogniwo token assess`). Not legal advice. The read is in the audit log.

    \b
    Examples:
      ogniwo token thresholds SEL --on 2026-12-31 --eur 4.2512
      ogniwo token thresholds SEL --on 2026-12-31 --eur 4.2512 --csv > limits.csv
    """  # noqa: D301 -- \b is click's mark for "keep these lines"
    one_form(as_json=as_json, as_csv=as_csv)
    workspace = opened(runtime)
    organisation = community_of(community)
    report = reported(workspace, organisation, day=day, eur=eur)
    known = assessed(report, organisation=organisation, subject=operator_subject())
    if as_json:
        show_json(_document(report, known))
    elif as_csv:
        _csv(report)
    else:
        _show(report)
        _decisions(report, known)
    if report.findings and not as_json:
        say_findings(report.findings)
    sys.exit(DONE_WITH_FINDINGS if report.passed else 0)


def word(name: str) -> str:
    """A word of these reports in the language that is spoken."""
    return _WORDS[name][spoken_language() == "pl"]


def _document(report: ThresholdReport, known: Mapping[Finding, Assessment]) -> dict[str, Any]:
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
                "findings": [_finding(finding, known.get(finding)) for finding in one.findings],
            }
            for one in report.assets
        ],
    }


def _finding(finding: Finding, decided: Assessment | None) -> dict[str, Any]:
    return {**finding_row(finding), "about": about_of(finding), "assessed": decided and assessment_row(decided)}


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
        say(word("none"))
        return
    writer = csv.DictWriter(sys.stdout, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)


def _show(report: ThresholdReport) -> None:
    if not report.assets:
        click.echo(word("none"))
    for one in report.assets:
        click.echo(f"{one.asset}  {report.first} - {report.last}  {word('basis')}: {one.basis or word('never')}")
        amounts = one.counted.amounts
        for name in ("issued", "paid", "redeemed", "outstanding", "average", "highest", *_COUNTS):
            amount = getattr(amounts, name)
            click.echo(f"  {word(name)}: {amount if name in _COUNTS else _shown(amount, one)}")
        _limits(one)
        click.echo("")


def _decisions(report: ThresholdReport, known: Mapping[Finding, Assessment]) -> None:
    """What stands out, by what it is about, and what was decided; `ogniwo token assess` takes the first column."""
    rows = [
        (shortened(about_of(finding)), _named(finding), finding.column, _decided(known.get(finding)))
        for finding in report.findings
        if about_of(finding)
    ]
    if rows:
        show_table(headers=[word(name) for name in ("about", "finding", "account", "decided")], rows=rows)
        click.echo("")


def _named(finding: Finding) -> str:
    """The code, and which limit it is about where the first column does not say."""
    limit = dict(finding.facts).get("limit", "")
    return f"{finding.code} {limit}" if limit not in {"", about_of(finding)} else finding.code


def shortened(about: str) -> str:
    """As much of a transaction's id as tells it from others; a limit's id whole."""
    return about[:16] if len(about) == 64 else about


def _decided(one: Assessment | None) -> str:
    if one is None:
        return word("open")
    return " ".join(part for part in (word(one.decision), one.day.isoformat(), one.by, one.reference) if part)


def _limits(one: AssetThresholds) -> None:
    if not one.lines:
        return
    click.echo("")
    show_table(
        headers=[word(name) for name in ("limit", "what", "measured", "limit", "percent", "state", "account")],
        rows=[
            (
                line.limit.id,
                word(line.limit.measure),
                _amount(line.measured, line, one),
                _amount(line.limit_minor, line, one),
                str(line.percent),
                word("passed" if line.passed else "below" if line.applies else "other_basis"),
                line.account,
            )
            for line in one.lines
        ],
        right=frozenset({2, 3, 4}),
    )
    for line in one.lines:
        if not line.applies:
            continue
        law = f"{line.limit.amount} {word(line.limit.unit)}, {line.limit.source}"
        sure = f"{word('confirmed' if line.limit.confirmed else 'unconfirmed')} {line.limit.seen}"
        click.echo(f"  {line.limit.id}: {law} ({sure}); {word('asks')}: {dict(line.limit.asks)[spoken_language()]}")


def _amount(amount: int, line: Line, one: AssetThresholds) -> str:
    return str(amount) if line.limit.unit == "persons" else _shown(amount, one)


def _shown(amount: int, one: AssetThresholds) -> str:
    return f"{format_decimal(amount, decimals=int(one.asset[-1]), mark=',')} {one.asset.partition('/')[0]}"
