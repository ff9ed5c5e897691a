"""`ogniwo access`: let the first people in from the machine itself."""

import click

from ogniwo.interfaces.cli.arguments import opened, who
from ogniwo.interfaces.cli.main import Runtime
from ogniwo.interfaces.cli.output import answers_refusals, say, show_table
from ogniwo.services.access.api_keys import KEY_ROLES, keys_on_machine, make_key_on_machine, revoke_key_on_machine
from ogniwo.services.access.inviting import invite_first_operator
from ogniwo.services.access.queries import people_of
from ogniwo.services.access.roles import Role
from ogniwo.services.access.scopes import Scope


@click.group("access")
def access_group() -> None:
    """Let people in; show who may do what.

    \b
    Examples:
      ogniwo -w demo access invite-operator OPERATOR
      ogniwo -w demo access list OPERATOR
      ogniwo -w demo access new-key slonecznik --name "reading system" --scope metering:write
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
    secret = invite_first_operator(workspace, code=code, by=who())
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
    people = people_of(code, now=opened(runtime).now())
    show_table(
        headers=("login", "role", "member", "since", "let in by"),
        rows=[(each.login, each.role, each.member, f"{each.since:%Y-%m-%d}", each.given_by) for each in people.persons],
    )


@access_group.command("new-key")
@click.argument("code")
@click.option("--name", required=True, help="What the key is for.")
@click.option(
    "--role",
    type=click.Choice([role.value for role in KEY_ROLES]),
    default=Role.AUDITOR.value,
    show_default=True,
    help="What the key stands for in the organisation and below it.",
)
@click.option(
    "--scope",
    "scopes",
    type=click.Choice([scope.value for scope in Scope]),
    metavar="SCOPE",
    multiple=True,
    required=True,
    help=f"What of the role's acts the key may do; may be repeated: {', '.join(Scope)}.",
)
@click.pass_obj
@answers_refusals
def new_key(runtime: Runtime, *, code: str, name: str, role: str, scopes: tuple[str, ...]) -> None:
    """Make a key for a program of an organisation; it is printed once and kept nowhere.

    \b
    Examples:
      ogniwo -w demo access new-key slonecznik --name "reading system" --role clerk --scope metering:write
    """  # noqa: D301 -- \b is click's mark for "keep these lines"
    workspace = opened(runtime)
    wanted = [Scope(scope) for scope in scopes]
    secret, key = make_key_on_machine(workspace, code=code, name=name, role=Role(role), scopes=wanted, by=who())
    click.echo(secret)
    say(f"key {key.key_id}; send it as `Authorization: Bearer ...`; it is not shown again")


@access_group.command("keys")
@click.argument("code")
@click.pass_obj
@answers_refusals
def list_keys(runtime: Runtime, *, code: str) -> None:
    """List the keys of an organisation, revoked ones too.

    \b
    Examples:
      ogniwo -w demo access keys slonecznik
    """  # noqa: D301 -- \b is click's mark for "keep these lines"
    opened(runtime)
    show_table(
        headers=("key", "name", "role", "scopes", "made", "used", "revoked"),
        rows=[
            (
                str(one.key_id),
                one.name,
                one.role,
                " ".join(one.scopes),
                f"{one.made_at:%Y-%m-%d}",
                f"{one.used_at:%Y-%m-%d}" if one.used_at else "",
                f"{one.revoked_at:%Y-%m-%d}" if one.revoked_at else "",
            )
            for one in keys_on_machine(code=code)
        ],
    )


@access_group.command("revoke-key")
@click.argument("code")
@click.argument("key", type=int)
@click.pass_obj
@answers_refusals
def revoke_key(runtime: Runtime, *, code: str, key: int) -> None:
    """End a key at once; KEY is its number in `ogniwo access keys`.

    \b
    Examples:
      ogniwo -w demo access revoke-key slonecznik 3
    """  # noqa: D301 -- \b is click's mark for "keep these lines"
    workspace = opened(runtime)
    revoke_key_on_machine(workspace, code=code, key_id=key, by=who())
    say(f"key {key} of {code} no longer works")
