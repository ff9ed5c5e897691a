"""`ogniwo quality`: check a month by the rules, estimate what is missing, see how complete it is."""

import sys
from collections import Counter
from dataclasses import asdict
from typing import Any

import click

from ogniwo.core.kernel.calendar import Month
from ogniwo.core.kernel.findings import Severity, finding_row
from ogniwo.core.kernel.periods import instant_of
from ogniwo.core.kernel.quality import QUALITY_WORDS
from ogniwo.interfaces.cli.arguments import (
    DRY_RUN_OPTION,
    JSON_OPTION,
    MONTH_OPTION,
    ORGANISATION_OPTION,
    opened,
    organisation_of,
)
from ogniwo.interfaces.cli.main import Runtime
from ogniwo.interfaces.cli.output import (
    DONE,
    DONE_WITH_FINDINGS,
    answers_refusals,
    findings_exit_code,
    progress,
    say,
    say_findings,
    show_json,
    show_table,
)
from ogniwo.interfaces.cli.texts import instant, kwh
from ogniwo.services.metering.quality import EstimatedChannel, MonthQuality, check_month, estimate_month
from ogniwo.services.metering.queries import list_points, month_completeness
from ogniwo.services.metering.set_aside import digest_of, set_aside
from ogniwo.services.workspace.queries import operator_subject


@click.group("quality")
def quality_group() -> None:
    """Check a month by the rules, estimate what is missing, see how complete it is.

    \b
    Examples:
      ogniwo -w coop quality show --month 2026-10
      ogniwo -w coop quality estimate --month 2026-10 --dry-run
      ogniwo -w coop quality completeness --month 2026-10
    """  # noqa: D301 -- \b is click's mark for "keep these lines"


@quality_group.command("show")
@MONTH_OPTION
@ORGANISATION_OPTION
@JSON_OPTION
@click.pass_obj
@answers_refusals
def show(runtime: Runtime, *, month: Month, organisation: str, as_json: bool) -> None:
    """Run every rule on every channel: completeness, findings by rule, and whether the month may be billed.

    \b
    Exit codes: 0 nothing to look at, 3 findings, 4 refused.
    """  # noqa: D301 -- \b is click's mark for "keep these lines"
    workspace, owner, subject = opened(runtime), organisation_of(organisation), operator_subject()
    with progress("check", len(list_points(organisation=owner, subject=subject))) as display:
        quality = check_month(workspace, organisation=owner, subject=subject, month=month, tell=display.step)
    if as_json:
        show_json(_quality_document(quality))
    else:
        _show_quality(quality)
    sys.exit(findings_exit_code(quality.findings))


def _show_quality(quality: MonthQuality) -> None:
    show_table(
        headers=("PPE", "channel", "present", "of", "complete", "to bill", "version"),
        rows=[
            (
                one.point,
                one.channel,
                str(one.present),
                str(one.slots),
                _percent(one.present, one.slots),
                "yes" if one.assessment.billable else "no",
                one.version,
            )
            for one in quality.channels
        ],
        right=frozenset({2, 3, 4}),
    )
    rules = Counter((finding.code, finding.severity) for finding in quality.findings)
    if rules:
        click.echo()
        show_table(
            headers=("rule", "severity", "findings"),
            rows=[(code, severity.name.lower(), str(count)) for (code, severity), count in sorted(rules.items())],
            right=frozenset({2}),
        )
    say_findings([finding for finding in quality.findings if finding.severity >= Severity.WARNING])
    if quality.billable:
        say(f"{quality.month} may be billed; next: ogniwo period close {quality.month} --dry-run")
    else:
        say(f"{quality.month} cannot be billed yet; next: ogniwo quality estimate --month {quality.month} --dry-run")


def _percent(present: int, slots: int) -> str:
    """Whole hundredths of a per cent rounded down, so that 100.00 % means all."""
    hundredths = present * 10_000 // slots
    return f"{hundredths // 100}.{hundredths % 100:02d} %"


def _quality_document(quality: MonthQuality) -> dict[str, Any]:
    return {
        "month": str(quality.month),
        "billable": quality.billable,
        "channels": [
            {
                "point": one.point,
                "channel": one.channel,
                "slots": one.slots,
                "present": one.present,
                "billable": one.assessment.billable,
                "version": one.version,
            }
            for one in quality.channels
        ],
        "silent_points": list(quality.silent_points),
        "findings": [finding_row(finding) for finding in quality.findings],
    }


@quality_group.command("estimate")
@MONTH_OPTION
@ORGANISATION_OPTION
@DRY_RUN_OPTION
@JSON_OPTION
@click.pass_obj
@answers_refusals
def estimate(runtime: Runtime, *, month: Month, organisation: str, dry_run: bool, as_json: bool) -> None:
    """Fill every gap by the best method known, as new versions; nothing measured is touched.

    Register states make the sums exact. Estimated values carry the quality substituted-by-us up to the bill.

    \b
    Exit codes: 0 done, 3 some gap could not be filled, 4 refused.
    """  # noqa: D301 -- \b is click's mark for "keep these lines"
    outcome = estimate_month(
        opened(runtime),
        organisation=organisation_of(organisation),
        subject=operator_subject(),
        month=month,
        dry_run=dry_run,
    )
    if as_json:
        show_json(
            {
                "month": str(month),
                "stored": bool(outcome.channels) and not dry_run,
                "channels": [_channel_row(one) for one in outcome.channels],
                "findings": [finding_row(finding) for finding in outcome.findings],
            }
        )
    else:
        show_table(
            headers=("PPE", "channel", "from", "to", "method", "kWh / kvarh", "rests on"),
            rows=[
                (
                    one.point,
                    one.channel,
                    instant(instant_of(gap.start_epoch_s)),
                    instant(instant_of(gap.end_epoch_s)),
                    gap.method.value,
                    kwh(gap.total_wh),
                    "; ".join(gap.inputs),
                )
                for one in outcome.channels
                for gap in one.gaps
            ],
            right=frozenset({5}),
        )
        say_findings(outcome.findings)
        verb = "would be filled" if dry_run else "filled"
        say(f"{sum(len(one.gaps) for one in outcome.channels)} gaps {verb}, {len(outcome.findings)} could not be")
    sys.exit(findings_exit_code(outcome.findings))


def _channel_row(channel: EstimatedChannel) -> dict[str, Any]:
    return {
        "point": channel.point,
        "channel": channel.channel,
        "replaces_version": channel.replaces_version,
        "gaps": [{**asdict(gap), "method": gap.method.value, "inputs": list(gap.inputs)} for gap in channel.gaps],
    }


@quality_group.command("set-aside")
@MONTH_OPTION
@ORGANISATION_OPTION
@click.option("--rule", required=True, metavar="CODE", help="The code of the rule, for example V10.stuck.")
@click.option("--point", default="", metavar="PPE", help="Only findings of this point.")
@click.option("--reason", required=True, metavar="TEXT", help="Why nobody has to look again; it stays in the log.")
@click.option("--dry-run", is_flag=True, help="Count, store nothing.")
@JSON_OPTION
@click.pass_obj
@answers_refusals
def set_findings_aside(
    runtime: Runtime,
    *,
    month: Month,
    organisation: str,
    rule: str,
    point: str,
    reason: str,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Take a rule's findings off the list of what a person must look at; billing does not change by it.

    The quality page shows them apart, and there they are taken back. A finding that new data change comes back.

    \b
    Exit codes: 0 done, 4 refused.
    """  # noqa: D301 -- \b is click's mark for "keep these lines"
    workspace, owner, subject = opened(runtime), organisation_of(organisation), operator_subject()
    findings = check_month(workspace, organisation=owner, subject=subject, month=month).findings
    chosen = [digest_of(one) for one in findings if one.code == rule and point in {"", one.point}]
    found, count = len(set(chosen)), 0
    if not dry_run:
        count = set_aside(workspace, organisation=owner, month=month, findings=findings, digests=chosen, reason=reason)
    if as_json:
        show_json({"rule": rule, "found": found, "set_aside": count, "dry_run": dry_run})
    elif dry_run:
        say(f"{found} findings of {rule} would be set aside, or are already")
    else:
        say(f"{count} findings of {rule} set aside, {found - count} were already")


@quality_group.command("completeness")
@MONTH_OPTION
@ORGANISATION_OPTION
@click.option("--incomplete", is_flag=True, help="Only channels with missing values.")
@JSON_OPTION
@click.pass_obj
@answers_refusals
def completeness(runtime: Runtime, *, month: Month, organisation: str, incomplete: bool, as_json: bool) -> None:
    """Tell how much of each channel is there, from the presence bits alone: fast for thousands of points.

    \b
    Exit codes: 0 all complete, 3 something is missing, 4 refused.
    """  # noqa: D301 -- \b is click's mark for "keep these lines"
    found, silent = month_completeness(
        opened(runtime), organisation=organisation_of(organisation), subject=operator_subject(), month=month
    )
    shown = [one for one in found if not incomplete or one.present < one.slots]
    days = [[index + 1 for index, missing in enumerate(one.missing_by_day.tolist()) if missing] for one in shown]
    if as_json:
        show_json(
            {
                "month": str(month),
                "channels": [
                    {
                        "point": one.point,
                        "channel": one.channel,
                        "slots": one.slots,
                        "present": one.present,
                        "days_with_missing": missing,
                        "worst_quality": QUALITY_WORDS[one.worst_quality],
                        "version": one.version,
                    }
                    for one, missing in zip(shown, days, strict=True)
                ],
                "silent_points": list(silent),
            }
        )
    else:
        show_table(
            headers=("PPE", "channel", "present", "of", "complete", "worst quality", "days with gaps"),
            rows=[
                (
                    one.point,
                    one.channel,
                    str(one.present),
                    str(one.slots),
                    _percent(one.present, one.slots),
                    QUALITY_WORDS[one.worst_quality],
                    ", ".join(str(day) for day in missing),
                )
                for one, missing in zip(shown, days, strict=True)
            ],
            right=frozenset({2, 3, 4}),
        )
        for point in silent:
            say(f"{point} sent nothing for {month}")
    complete = not silent and all(one.present == one.slots for one in found)
    sys.exit(DONE if complete else DONE_WITH_FINDINGS)
