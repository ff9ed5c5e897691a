"""`ogniwo media`: meters of gas, heat and water, their states, and states from a file."""

import sys
from pathlib import Path
from typing import Any

import click

from ogniwo.core.kernel.findings import finding_row
from ogniwo.core.metering.media import Medium, StateKind
from ogniwo.interfaces.cli.arguments import (
    DRY_RUN_OPTION,
    JSON_OPTION,
    ORGANISATION_OPTION,
    opened,
    organisation_of,
)
from ogniwo.interfaces.cli.main import Runtime
from ogniwo.interfaces.cli.output import DONE, REFUSED, answers_refusals, say, say_findings, show_json, show_table
from ogniwo.services.metering.media.importing import STATES, import_states
from ogniwo.services.metering.media.model import MeterDetails, MeterView, StateView, Typed
from ogniwo.services.metering.media.operations import NewMeter, enter_state, register_meter
from ogniwo.services.metering.media.queries import meter_details, meter_of_serial, meters_below
from ogniwo.services.workspace.queries import Subject, operator_subject

_UNITS = tuple(dict.fromkeys(unit for medium in Medium for unit in medium.units))


@click.group("media")
def media_group() -> None:
    """Meters of gas, heat and water that members have, their states, and the use between them.

    \b
    Examples:
      ogniwo -w coop media add GAZ-1 --member SE-001 --medium gas --digits 5 --installed 2026-01-01
      ogniwo -w coop media state GAZ-1 2026-10-31 1234,567
      ogniwo -w coop media import states.csv --dry-run
      ogniwo -w coop media list --json
    """  # noqa: D301 -- \b is click's mark for "keep these lines"


@media_group.command("list")
@click.option("--serial", default="", metavar="SERIAL", help="Only this meter, with its states and the use between.")
@click.option(
    "--medium",
    default="",
    type=click.Choice(["", *(one.value for one in Medium)]),
    metavar="MEDIUM",
    help="Only this medium.",
)
@ORGANISATION_OPTION
@JSON_OPTION
@click.pass_obj
@answers_refusals
def list_command(runtime: Runtime, *, serial: str, medium: str, organisation: str, as_json: bool) -> None:
    """List meters with their last states; with --serial one meter with all states and the use between them.

    Use is known between two readings only; it is not spread over days or months.
    """
    workspace, owner = opened(runtime), organisation_of(organisation)
    if serial:
        one = meter_of_serial(organisation=owner, subject=operator_subject(), serial=serial)
        details = meter_details(workspace, subject=operator_subject(), meter_id=one.meter_id)
        if as_json:
            show_json(_details_document(details))
        else:
            _show_details(details)
        return
    found = tuple(meters_below(subject=Subject(owner.path), medium=medium))
    if as_json:
        show_json([_meter_document(one) for one in found])
        return
    show_table(
        headers=("serial", "member", "medium", "place", "last state", "unit", "read on", "source", "removed"),
        rows=[
            (
                one.serial,
                one.member,
                one.medium,
                one.place,
                _state_text(one, one.last.value_e3) if one.last else "",
                one.unit,
                f"{one.last.day} {one.last.time}".strip() if one.last else "",
                one.last.source if one.last else "",
                str(one.removed_on or ""),
            )
            for one in found
        ],
        right=frozenset({4}),
    )


@media_group.command("add")
@click.argument("serial")
@click.option("--member", required=True, metavar="NUMBER", help="Whose meter it is.")
@click.option("--medium", required=True, type=click.Choice([one.value for one in Medium]), help="What it counts.")
@click.option("--unit", default="", type=click.Choice(["", *_UNITS]), help="Its unit (default: the usual one).")
@click.option("--decimals", default="3", show_default=True, help="Places after the mark, 0 to 3.")
@click.option("--digits", default="", help="Digits before the mark, 1 to 9; needed when it passes zero.")
@click.option("--place", default="", help="Where it hangs, in words.")
@click.option("--installed", required=True, metavar="YYYY-MM-DD", help="The local day on which it began to count.")
@ORGANISATION_OPTION
@JSON_OPTION
@click.pass_obj
@answers_refusals
def add(runtime: Runtime, *, serial: str, member: str, organisation: str, as_json: bool, **facts: str) -> None:
    """Register a meter of a member.

    \b
    Exit codes: 0 done, 4 refused, 5 no such member.
    """  # noqa: D301 -- \b is click's mark for "keep these lines"
    workspace, owner = opened(runtime), organisation_of(organisation)
    new = NewMeter(
        serial=serial,
        unit=facts["unit"] or Medium(facts["medium"]).units[0],
        decimals=facts["decimals"],
        digits=facts["digits"],
        place=facts["place"],
        installed_on=facts["installed"],
    )
    subject = Subject(owner.path)
    made = register_meter(workspace, subject=subject, member=member, medium=facts["medium"], new=new)
    meter = meter_details(workspace, subject=subject, meter_id=made).meter
    if as_json:
        show_json(_meter_document(meter))
    else:
        say(f"meter {meter.serial} of {meter.member} is registered; next: ogniwo media state {meter.serial} DAY STATE")


@media_group.command("state")
@click.argument("serial")
@click.argument("day", metavar="YYYY-MM-DD")
@click.argument("value", metavar="STATE")
@click.option("--time", default="", metavar="HH:MM", help="The local time, when it is known.")
@click.option(
    "--kind",
    default=StateKind.READING.value,
    show_default=True,
    type=click.Choice([one.value for one in StateKind]),
    help="rollover: the counter passed zero; restart: it began anew.",
)
@ORGANISATION_OPTION
@JSON_OPTION
@click.pass_obj
@answers_refusals
def state_command(
    runtime: Runtime, *, serial: str, day: str, value: str, time: str, kind: str, organisation: str, as_json: bool
) -> None:
    """Enter what a meter showed on a local day. A state that is there already changes nothing.

    \b
    Exit codes: 0 done, 4 refused, 5 no such meter.
    """  # noqa: D301 -- \b is click's mark for "keep these lines"
    workspace, subject = opened(runtime), operator_subject()
    one = meter_of_serial(organisation=organisation_of(organisation), subject=subject, serial=serial)
    typed = Typed(day=day, value=value, time=time, kind=kind)
    made = enter_state(workspace, subject=subject, meter_id=one.meter_id, typed=typed)
    details = meter_details(workspace, subject=subject, meter_id=one.meter_id)
    if as_json:
        show_json({"stored": made, **_details_document(details)})
    else:
        say("stored" if made else "that state was there already; nothing changed")


@media_group.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@ORGANISATION_OPTION
@DRY_RUN_OPTION
@JSON_OPTION
@click.pass_obj
@answers_refusals
def import_command(runtime: Runtime, *, file: Path, organisation: str, dry_run: bool, as_json: bool) -> None:
    """Store states of many meters from a CSV file (serial;date;state): all rows, or none when one is refused.

    \b
    Exit codes: 0 done, 4 refused: the rows are named with their reasons, nothing is stored.
    """  # noqa: D301 -- \b is click's mark for "keep these lines"
    workspace, owner = opened(runtime), organisation_of(organisation)
    preview = import_states(
        workspace,
        organisation=owner,
        subject=operator_subject(),
        data=file.read_bytes(),
        file_name=file.name,
        dry_run=dry_run,
    )
    refused = preview.count("refused")
    stored = 0 if dry_run or refused else preview.count("new")
    if as_json:
        document = {name: preview.count(name) for name in STATES}
        findings = [finding_row(one) for one in preview.findings]
        show_json(
            {"file": preview.file_name, "sha256": preview.sha256, "stored": stored, **document} | {"findings": findings}
        )
    else:
        say(f"{preview.file_name}: {preview.count('new')} new, {preview.count('same')} known, {refused} refused rows")
        say_findings(preview.findings)
        say(f"{stored} states stored" if stored or not dry_run else "a dry run stores nothing")
    sys.exit(REFUSED if refused else DONE)


def _state_text(meter: MeterView, value_e3: int) -> str:
    return meter.counter.text(value_e3).removesuffix(f" {meter.unit}")


def _show_details(details: MeterDetails) -> None:
    meter = details.meter
    say(f"{meter.serial}: {meter.medium} of {meter.member}, {meter.unit}, {meter.place or 'no place given'}")
    show_table(
        headers=("day", "state", "kind", "source", "holds", "why not"),
        rows=[
            (
                f"{one.day} {one.time}".strip(),
                _state_text(meter, one.value_e3),
                one.kind,
                f"{one.file_name} row {one.file_row}" if one.file_name else one.source,
                "no" if one.ended_at else "yes",
                one.ended_reason,
            )
            for one in details.states
        ],
        right=frozenset({1}),
    )
    click.echo()
    show_table(
        headers=("from", "to", "days", "use"),
        rows=[
            (
                str(one.first.day),
                str(one.last.day),
                str(one.days),
                "not known" if one.use_e3 is None else _state_text(meter, one.use_e3),
            )
            for one in details.uses
        ],
        right=frozenset({2, 3}),
    )


def _meter_document(meter: MeterView) -> dict[str, Any]:
    return {
        "serial": meter.serial,
        "member": meter.member,
        "medium": meter.medium,
        "unit": meter.unit,
        "decimals": meter.decimals,
        "digits": meter.digits or None,
        "place": meter.place,
        "installed_on": str(meter.installed_on),
        "removed_on": str(meter.removed_on) if meter.removed_on else None,
        "replaces": meter.replaces or None,
        "last": _state_document(meter.last) if meter.last else None,
        "waiting_readings": meter.waiting,
    }


def _state_document(state: StateView) -> dict[str, Any]:
    return {
        "day": str(state.day),
        "time": state.time or None,
        "value_e3": state.value_e3,
        "kind": state.kind,
        "source": state.source,
        "holds": state.ended_at is None,
        "ended_reason": state.ended_reason or None,
    }


def _details_document(details: MeterDetails) -> dict[str, Any]:
    return {
        **_meter_document(details.meter),
        "states": [_state_document(one) for one in details.states],
        "uses": [
            {"from": str(one.first.day), "to": str(one.last.day), "days": one.days, "use_e3": one.use_e3}
            for one in details.uses
        ],
    }
