"""`ogniwo invoice`: issue, list, show and explain, export."""

import sys
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import click

from ogniwo.core.billing.explanation import Explanation, NoSuchLineError
from ogniwo.core.kernel.calendar import Month
from ogniwo.core.kernel.quantities import format_decimal
from ogniwo.interfaces.cli.arguments import COMMUNITY_OPTION, DRY_RUN_OPTION, JSON_OPTION, MONTH, community_of, opened
from ogniwo.interfaces.cli.main import Runtime
from ogniwo.interfaces.cli.output import answers_refusals, progress, say, show_json, show_table
from ogniwo.services.billing.access import (
    DocumentView,
    document_view,
    export_documents,
    listed_documents,
    members_in,
)
from ogniwo.services.billing.issuing import issue_invoices
from ogniwo.services.plugins.exporting import export_bills_by, write_export
from ogniwo.services.workspace.queries import operator_subject

_WORDS = {
    "pl": {"intervals": "przedziały", "sum": "suma {hours} godzin: {total} Wh = ilość pozycji"},
    "en": {"intervals": "intervals", "sum": "sum of {hours} hours: {total} Wh = quantity of the line"},
}


def _zl(grosz: int) -> str:
    return format_decimal(grosz, decimals=2, mark=",")


@click.group(name="invoice")
def invoice_group() -> None:
    """Issue, list, show and explain invoices.

    \b
    Examples:
      ogniwo invoice issue 2026-10 --date 2026-11-10 --due 2026-11-24
      ogniwo invoice show FV/2026/11/0001 --why
      ogniwo invoice export --month 2026-10 --to out
    """  # noqa: D301 -- \b is click's mark for "keep these lines"


@invoice_group.command(name="issue")
@click.argument("month", type=MONTH, metavar="YYYY-MM")
@click.option("--date", "issue_date", required=True, type=click.DateTime(["%Y-%m-%d"]), help="Day of issue.")
@click.option("--due", "due_date", required=True, type=click.DateTime(["%Y-%m-%d"]), help="Day of payment.")
@COMMUNITY_OPTION
@DRY_RUN_OPTION
@JSON_OPTION
@click.pass_obj
@answers_refusals
def issue(
    runtime: Runtime,
    month: Month,
    issue_date: datetime,
    due_date: datetime,
    community: str,
    dry_run: bool,  # noqa: FBT001 -- click hands options over by name
    as_json: bool,  # noqa: FBT001 -- the same
) -> None:
    """Issue invoices for a closed month; corrections where a re-run changed something.

    Repeating it issues nothing twice.
    """
    workspace = opened(runtime)
    code = community_of(community)
    with progress("invoices", members_in(code)) as display:
        documents = issue_invoices(
            workspace,
            community=code,
            month=month,
            issue_date=issue_date.date(),
            due_date=due_date.date(),
            dry_run=dry_run,
            tell=display.step,
        )
    if as_json:
        show_json([_issued_row(document) for document in documents])
        return
    show_table(
        headers=("number", "member", "name", "net", "gross"),
        rows=[
            (one.number or "(preview)", one.member, one.name, _zl(one.net_grosz), _zl(one.gross_grosz))
            for one in documents
        ],
        right=frozenset({3, 4}),
    )
    say(f"{len(documents)} documents{' would be' if dry_run else ''} issued. Next: ogniwo ledger post {month}")


def _issued_row(document: object) -> dict[str, object]:
    return {name: getattr(document, name) for name in document.__slots__}  # type: ignore[attr-defined]


@invoice_group.command(name="list")
@click.option("--month", default=None, type=MONTH, metavar="YYYY-MM", help="Month of settlement.")
@click.option("--member", default="", help="Member number.")
@JSON_OPTION
@click.pass_obj
@answers_refusals
def list_invoices(runtime: Runtime, month: Month | None, member: str, as_json: bool) -> None:  # noqa: FBT001 -- click's way
    """List issued documents."""
    opened(runtime)
    rows = listed_documents(subject=operator_subject(), month=str(month or ""), member=member)
    if as_json:
        show_json(rows)
        return
    if not rows:
        say("no documents")
        return
    show_table(
        headers=("number", "issued", "due", "member", "name", "corrects", "gross"),
        rows=[
            (
                row["number"],
                row["issued_on"],
                row["due_on"],
                row["member"],
                row["name"],
                row["corrects"],
                _zl(int(row["gross_grosz"])),
            )
            for row in rows
        ],
        right=frozenset({6}),
    )


@invoice_group.command(name="show")
@click.argument("number")
@click.option("--why", is_flag=True, help="Explain every line: formula, rates with sources, rounding, intervals.")
@click.option("--line", type=int, default=0, help="This line only.")
@click.option("--hours", is_flag=True, help="With --why: list the hours behind each line of energy.")
@click.option("--language", type=click.Choice(["pl", "en"]), default="pl", help="Language of the explanation.")
@click.option("--json", "as_json", is_flag=True, help="The canonical document (with --why: the explanations).")
@click.pass_obj
@answers_refusals
def show(
    runtime: Runtime,
    number: str,
    why: bool,  # noqa: FBT001 -- click hands options over by name
    line: int,
    hours: bool,  # noqa: FBT001 -- the same
    language: str,
    as_json: bool,  # noqa: FBT001 -- the same
) -> None:
    """Show one document; with --why, why each amount is what it is."""
    workspace = opened(runtime)
    view = document_view(workspace, number=number, subject=operator_subject(), language=language, with_hours=hours)
    if line:
        view = _with_line(view, line)
    if as_json:
        show_json(view.explained_json() if why else view.document)
        return
    _print_head(view)
    if why:
        for one in view.explanations:
            _print_why(one, view, _WORDS[language])
    else:
        show_table(
            headers=("no.", "item", "formula", "net"),
            rows=[(str(one.line_number), one.label, one.formula, _zl(one.net_grosz)) for one in view.explanations],
            right=frozenset({0, 3}),
        )


def _with_line(view: DocumentView, line: int) -> DocumentView:
    """The document with the explanation of one line; refuses a line that it does not have."""
    chosen = tuple(one for one in view.explanations if one.line_number == line)
    if not chosen:
        numbers = [one.line_number for one in view.explanations]
        known = f"its lines are {min(numbers)} to {max(numbers)}" if numbers else "it has no lines"
        raise NoSuchLineError(detail=f"{view.document['number']} has no line {line}; {known}")
    return replace(view, explanations=chosen)


def _print_head(view: DocumentView) -> None:
    document, totals = view.document, view.document["totals"]
    click.echo(f"{document['number']}  {document['issue_date']}  {document['buyer']['name']}")
    click.echo(
        f"net {_zl(totals['net_grosz'])}  VAT {_zl(totals['vat_grosz'])}  gross {_zl(totals['gross_grosz'])} zł  "
        f"SHA-256 {view.digest}"
    )
    if document["kind"] == "KOR":
        click.echo(f"corrects {document['corrected']['number']}: {document['reason']}")
    click.echo("")


def _print_why(one: Explanation, view: DocumentView, words: dict[str, str]) -> None:
    """One line walked back: formula, reasons with rates and rounding, the intervals, and the hours when asked for."""
    click.echo(f"{one.line_number}. {one.label}: {_zl(one.net_grosz)} zł")
    click.echo(f"   {one.formula}")
    for reason in one.reasons:
        click.echo(f"   - {reason}")
    click.echo(f"   - {one.rounding}")
    behind = one.intervals
    quality = ", ".join(f"{part.quality} {part.slots}" for part in behind.quality)
    last = behind.last_exclusive - timedelta(days=1)
    click.echo(f"   {words['intervals']}: {behind.point}, {behind.first} – {last}; {quality}")
    for name, version in behind.versions:
        click.echo(f"     {name}: {version}")
    hours = view.hours.get(one.line_number)
    if hours is not None:
        for start, energy_wh in hours.rows:
            click.echo(f"     {start}  {energy_wh:>9} Wh")
        click.echo(f"     {words['sum'].format(hours=len(hours.rows), total=hours.total_wh)}")
    click.echo("")


@invoice_group.command(name="export")
@click.argument("numbers", nargs=-1)
@click.option("--month", default=None, type=MONTH, metavar="YYYY-MM", help="All documents of a month.")
@click.option("--to", "folder", required=True, type=click.Path(file_okay=False, path_type=Path), help="Folder.")
@click.option("--language", type=click.Choice(["pl", "en"]), default="pl", help="Language of the picture.")
@click.option("--as", "form", default="", metavar="NAME", help="By the export of a plug-in (`ogniwo plugin list`).")
@click.pass_obj
@answers_refusals
def export(
    runtime: Runtime, *, numbers: tuple[str, ...], month: Month | None, folder: Path, language: str, form: str
) -> None:
    """Write PDF and canonical JSON of documents, drawn anew, byte for byte as issued; or the files of a plug-in."""
    if not numbers and not month:
        say("name documents or give --month")
        sys.exit(2)
    workspace, chosen = opened(runtime), str(month or "")
    if form:
        files = export_bills_by(
            workspace, key=form, subject=operator_subject(), numbers=numbers, month=chosen, language=language
        )
        written = write_export(folder, files)
    else:
        written = export_documents(
            workspace, subject=operator_subject(), numbers=numbers, month=chosen, folder=folder, language=language
        )
    for path in written:
        click.echo(path)
