"""The root command: a table of nouns, each loaded only when called, and the workspace they work on."""

from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from typing import Final, NamedTuple

import click

from ogniwo.services.workspace.meanings import LANGUAGES


class Entry(NamedTuple):
    """Where a command lives, whether it needs a prepared workspace, its one line of help, and its default folder.

    `for_people` commands also need what people sign in with (users, pages).
    """

    target: str
    needs_workspace: bool
    help: str
    folder: str = "."
    for_people: bool = False


_CLI: Final = "ogniwo.interfaces.cli"

COMMANDS: Final = {
    "read": Entry(f"{_CLI}.read:read_command", False, "Normalise meter files to CSV or JSON lines (no workspace)."),
    "price": Entry(f"{_CLI}.price:price_command", False, "Price one point on a named tariff (no workspace)."),
    "demo": Entry(
        f"{_CLI}.demo:demo_command", True, "Run the whole job on the packaged sample cooperative.", "demo", True
    ),
    "workspace": Entry(f"{_CLI}.workspace:workspace_group", True, "Create a workspace; show what is in it."),
    "records": Entry(f"{_CLI}.records:records_group", True, "Move the records to PostgreSQL.", for_people=True),
    "import": Entry(f"{_CLI}.importing:import_command", True, "Import meter files.", for_people=True),
    "site": Entry(f"{_CLI}.site:site_group", True, "Take meter data from other installations.", for_people=True),
    "point": Entry(f"{_CLI}.metering:point_group", True, "List metering points and their intervals."),
    "media": Entry(f"{_CLI}.media:media_group", True, "Meters of gas, heat and water: states and use."),
    "quality": Entry(f"{_CLI}.quality:quality_group", True, "Check a month, estimate what is missing."),
    "watch": Entry(f"{_CLI}.watch:watch_group", True, "Watch points and sets; see the alarms.", for_people=True),
    "balance": Entry(f"{_CLI}.balance:balance_group", True, "Area balances and computing sets."),
    "period": Entry(f"{_CLI}.settlement:period_group", True, "Close a month; compare sharing methods."),
    "settlement": Entry(f"{_CLI}.settlement:settlement_group", True, "Show who owes whom, and why."),
    "storage": Entry(f"{_CLI}.storage:storage_group", True, "Follow energy through storages: whose it was."),
    "invoice": Entry(f"{_CLI}.invoice:invoice_group", True, "Issue, list, show and explain invoices."),
    "contract": Entry(f"{_CLI}.contract:contract_group", True, "E-contracts: draft, sign, close months, prove."),
    "purchase": Entry(
        f"{_CLI}.purchase:purchase_group", True, "Buy energy as a group: join, offers, votes, contracts."
    ),
    "ledger": Entry(f"{_CLI}.ledger:ledger_group", True, "Post to the ledger, verify it, show it."),
    "token": Entry(f"{_CLI}.tokens:token_group", True, "Payment tokens, points and rebates."),
    "witness": Entry(f"{_CLI}.witness:witness_group", False, "Be a witness of other people's logs (no workspace)."),
    "node": Entry(f"{_CLI}.node:node_group", False, "Run a node of a ledger that several organisations share."),
    "proof": Entry(f"{_CLI}.ledger:proof_group", True, "Export receipts that anyone can check offline."),
    "access": Entry(f"{_CLI}.access:access_group", True, "Let people in; show who may do what.", for_people=True),
    "plugin": Entry(f"{_CLI}.plugin:plugin_group", True, "Plug-ins of others: list, allow, forbid."),
    "jobs": Entry(f"{_CLI}.jobs:jobs_group", True, "Run long work; show, cancel, plan it.", for_people=True),
    "serve": Entry(f"{_CLI}.serve:serve_command", True, "Serve the console, the wallet and the API.", for_people=True),
}


@dataclass
class Runtime:
    """What the wiring hands to the commands: how to make Django ready for a folder, and which folder it is.

    `given` is what the user named, `folder` what the command works on; `debug` asks for tracebacks; `language` is the
    one refusals are told in, "" for that of the locale.
    """

    prepare: Callable[..., None]
    given: Path | None = None
    folder: Path = Path()
    debug: bool = False
    language: str = ""


def _set_debug(ctx: click.Context, _option: click.Parameter, value: bool) -> None:  # noqa: FBT001 -- click's signature
    if isinstance(ctx.obj, Runtime):
        ctx.obj.debug = value


def _set_language(ctx: click.Context, _option: click.Parameter, value: str | None) -> None:
    if isinstance(ctx.obj, Runtime):
        ctx.obj.language = value or ""


class LazyGroup(click.Group):
    """Imports a command when it is called, so that `read` and `price` start without a database framework."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 -- the signature is click's
        """The nouns in the order of the work."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load a command; prepare the workspace first where it needs one."""
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        if entry.needs_workspace and isinstance(ctx.obj, Runtime):
            # click loads the command before it calls `cli`, but after it read the options
            ctx.obj.folder = ctx.params.get("workspace") or ctx.obj.given or Path(entry.folder)
            if entry.for_people:
                ctx.obj.prepare(ctx.obj.folder, for_people=True)
            else:
                ctx.obj.prepare(ctx.obj.folder)
        module, _, attribute = entry.target.partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Suggest the nearest noun after a mistyped one."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            near = get_close_matches(args[0], COMMANDS, n=1)
            hint = f" Did you mean `{near[0]}`?" if near else ""
            ctx.fail(f"No such command {args[0]!r}.{hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 -- click's
        """List the nouns without loading them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.help) for name, entry in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option(
    "--workspace",
    "-w",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="OGNIWO_WORKSPACE",
    default=None,
    help="The workspace folder (default: the current one; for `demo` the folder demo).",
)
@click.option(
    "--debug",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_set_debug,
    help="Show where an unexpected error came from.",
)
@click.option(
    "--language",
    type=click.Choice(LANGUAGES),
    envvar="OGNIWO_LANGUAGE",
    is_eager=True,
    expose_value=False,
    callback=_set_language,
    help="Tell refusals and findings in this language (default: that of the locale).",
)
@click.version_option(package_name="ogniwo")
@click.pass_context
def cli(ctx: click.Context, workspace: Path | None) -> None:
    """Ogniwo: from the meter reading to the invoice and the wallet, verifiable at every step.

    \b
    Examples:
      ogniwo demo                                   the whole job on a sample cooperative
      ogniwo read tauron.csv --point 590...         any known meter file as CSV
      ogniwo price --group C21 --power 60kW --month 2026-03 --energy 10000kWh
      ogniwo -w coop invoice show FV/2026/10/0001 --why
    """  # noqa: D301 -- \b is click's mark for "keep these lines"
    if isinstance(ctx.obj, Runtime):
        ctx.obj.given = workspace
