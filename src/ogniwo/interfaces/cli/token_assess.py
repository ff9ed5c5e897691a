"""`ogniwo token assess` and `assessments`: the register of what was decided about payment tokens that stood out."""

from datetime import datetime

import click

from ogniwo.interfaces.cli.arguments import JSON_OPTION, community_of, one_form, opened, who
from ogniwo.interfaces.cli.main import Runtime
from ogniwo.interfaces.cli.output import answers_refusals, say, show_json, show_table
from ogniwo.interfaces.cli.token_thresholds import dated, reported, shortened, word
from ogniwo.services.ledger.assessments import DECISIONS, assess, assessment_row, assessments_of, register_csv
from ogniwo.services.workspace.queries import operator_subject

SCHEMA = "ogniwo.token-assessments/1"


@click.command(name="assess")
@click.argument("community")
@click.argument("about")
@dated
@click.option("--decision", required=True, type=click.Choice(DECISIONS), help="What followed.")
@click.option("--note", required=True, help="Why, for whoever looks later.")
@click.option("--reference", default="", help="The number under which it was reported; needed with `reported`.")
@click.option("--by", default=who, help="Who decided.  [default: the user of the system]")
@click.pass_obj
@answers_refusals
def assess_command(  # noqa: PLR0913, PLR0917 -- click hands every option over
    runtime: Runtime,
    community: str,
    about: str,
    day: datetime,
    eur: str,
    decision: str,
    note: str,
    reference: str,
    by: str,
) -> None:
    """Write down what was decided about ABOUT, a transaction or a limit that `token thresholds` lists.

    ABOUT is the first column of that list: a transaction's id (eight characters are enough) or a limit's. The line
    covers what the report of that day shows; when operations are added, it stands open again. It is never changed: a
    later decision is another line. `explained`: nothing follows; `measures`: the holder was identified or asked;
    `reported`: an authority was told.

    \b
    Examples:
      ogniwo token assess SEL 3f9c01d2 --on 2026-12-31 --eur 4.2512 --decision explained --note "Rent of the hall."
      ogniwo token assess SEL limited-network.notify --on 2026-12-31 --eur 4.2512 --decision reported \\
        --reference KNF/2026/123 --note "Told within a month."
    """  # noqa: D301 -- \b is click's mark for "keep these lines"
    workspace = opened(runtime)
    organisation = community_of(community)
    one = assess(
        workspace,
        reported(workspace, organisation, day=day, eur=eur),
        organisation=organisation,
        about=about,
        decision=decision,
        note=note,
        reference=reference,
        by=by,
    )
    say(f"{shortened(one.about)}: {one.decision}, findings covered: {len(one.findings)}")


@click.command(name="assessments")
@click.argument("community")
@JSON_OPTION
@click.option("--csv", "as_csv", is_flag=True, help="One line per assessment, as CSV.")
@click.pass_obj
@answers_refusals
def assessments_command(runtime: Runtime, community: str, as_json: bool, as_csv: bool) -> None:  # noqa: FBT001 -- click's way
    """Show the register of assessments, oldest first: what, when, who, why, under which number."""
    one_form(as_json=as_json, as_csv=as_csv)
    opened(runtime)
    organisation = community_of(community)
    found = assessments_of(organisation=organisation, subject=operator_subject())
    if as_json:
        show_json(
            {"schema": SCHEMA, "organisation": organisation.code, "lines": [assessment_row(one) for one in found]}
        )
    elif as_csv:
        click.echo(register_csv(found), nl=False)
    else:
        show_table(
            headers=[word(name) for name in ("day", "about", "decided", "reference", "by", "note")],
            rows=[
                (one.day.isoformat(), shortened(one.about), word(one.decision), one.reference, one.by, one.note)
                for one in found
            ],
        )
