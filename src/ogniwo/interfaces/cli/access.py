"""`ogniwo access`: let the first people in from the machine itself."""

import os

import click

from ogniwo.interfaces.cli.arguments import opened
from ogniwo.interfaces.cli.main import Runtime
from ogniwo.interfaces.cli.output import answers_refusals, say, show_table
from ogniwo.services.access.inviting import invite_first_operator
from ogniwo.services.access.queries import people_of


@click.group("access")
def access_group() -> None:
    """Let people in; show who may do what.

    \b
    Examples:
      ogniwo -w demo access invite-operator OPERATOR
      ogniwo -w demo access list OPERATOR
    """  # noqa: D301 -- \b is click's mark for "keep these lines"


@access_group.command("invite-operator")
@click.argument("code")
@click.option("--origin", default="http://127.0.0.1:8000", show_default=True, help="Where `ogniwo serve` is reached.")
@click.pass_obj
@answers_refusals
def invite_operator(runtime: Runtime, *, code: str, origin: str) -> None:
    """Make a link for an operator of the installation; CODE is the organisation at the top.

    \b
    Examples:
      ogniwo -w demo access invite-operator operator
    """  # noqa: D301 -- \b is click's mark for "keep these lines"
    workspace = opened(runtime)
    by = os.environ.get("USER", "") or "command line"
    secret = invite_first_operator(workspace, code=code, by=by)
    click.echo(f"{origin.rstrip('/')}/join/{secret}/")
    say("works once, for 14 days; open it in a browser while `ogniwo serve` runs")


@access_group.command("list")
@click.argument("code")
@click.pass_obj
@answers_refusals
def list_people(runtime: Runtime, *, code: str) -> None:
    """List everybody with a role in an organisation.

    \b
    Examples:
      ogniwo -w demo access list operator
    """  # noqa: D301 -- \b is click's mark for "keep these lines"
    opened(runtime)
    people = people_of(code)
    show_table(
        headers=("login", "role", "member", "since", "let in by"),
        rows=[(each.login, each.role, each.member, f"{each.since:%Y-%m-%d}", each.given_by) for each in people.persons],
    )
