"""`ogniwo plugin`: which plug-ins are installed, allowed and loaded; allow one, forbid it again."""

from dataclasses import asdict
from typing import Any

import click

from ogniwo.interfaces.cli.arguments import DRY_RUN_OPTION, JSON_OPTION, opened
from ogniwo.interfaces.cli.main import Runtime
from ogniwo.interfaces.cli.output import answers_refusals, say, show_json, show_table
from ogniwo.services.plugins.loading import plugins_of
from ogniwo.services.plugins.model import PluginView
from ogniwo.services.plugins.operations import allow_plugin, forbid_plugin


@click.group("plugin")
def plugin_group() -> None:
    """Plug-ins: packages of others that read another layout of meter files or write bills in another form.

    \b
    Examples:
      ogniwo -w coop plugin list
      ogniwo -w coop plugin allow acme-meters
      ogniwo -w coop import portal.txt --layout acme-meters/portal
      ogniwo -w coop invoice export --month 2026-10 --to out --as acme-meters/ledger
      ogniwo -w coop plugin forbid acme-meters
    """  # noqa: D301 -- \b is click's mark for "keep these lines"


@plugin_group.command("list")
@JSON_OPTION
@click.pass_obj
@answers_refusals
def list_plugins(runtime: Runtime, *, as_json: bool) -> None:
    """List plug-ins that are installed or allowed, what they offer, and why one is not loaded."""
    found = plugins_of(opened(runtime))
    if as_json:
        show_json([_row(one) for one in found])
        return
    if not found:
        say("no plug-in is installed, and none is allowed; docs/plugins.md says how to make one")
        return
    show_table(
        headers=("plug-in", "version", "installed", "allowed", "loaded"),
        rows=[(one.name, one.version, *map(_yes, (one.installed, one.allowed, one.loaded))) for one in found],
    )
    for one in found:
        if one.reason:
            say(f"{one.name} is not loaded: {one.reason}")
    offers = [offer for one in found for offer in one.offers]
    if offers:
        click.echo()
        show_table(headers=("offers", "group", "title"), rows=[(one.key, one.group, one.title) for one in offers])


@plugin_group.command("allow")
@click.argument("name")
@DRY_RUN_OPTION
@JSON_OPTION
@click.pass_obj
@answers_refusals
def allow(runtime: Runtime, *, name: str, dry_run: bool, as_json: bool) -> None:
    """Let an installed plug-in run in this workspace. It runs with all rights of Ogniwo: allow what you trust.

    It is loaded first, and only put into the list of the settings file when that works.
    """
    workspace = opened(runtime)
    allowed = allow_plugin(workspace, name=name, dry_run=dry_run)
    if as_json:
        show_json(_row(allowed) | {"dry_run": dry_run})
        return
    say(f"{allowed.name} {allowed.version} {'would be' if dry_run else 'is'} allowed in {workspace.root}")
    if not dry_run:
        show_table(
            headers=("offers", "group", "title"), rows=[(one.key, one.group, one.title) for one in allowed.offers]
        )


@plugin_group.command("forbid")
@click.argument("name")
@DRY_RUN_OPTION
@JSON_OPTION
@click.pass_obj
@answers_refusals
def forbid(runtime: Runtime, *, name: str, dry_run: bool, as_json: bool) -> None:
    """Let a plug-in run in this workspace no longer; what was imported with it stays as it is."""
    workspace = opened(runtime)
    plain = forbid_plugin(workspace, name=name, dry_run=dry_run)
    if as_json:
        show_json({"name": plain, "allowed": dry_run, "dry_run": dry_run})
        return
    say(f"{plain} {'would be' if dry_run else 'is'} allowed no more in {workspace.root}")


def _row(one: PluginView) -> dict[str, Any]:
    return asdict(one)


def _yes(value: bool) -> str:  # noqa: FBT001 -- a column of a table
    return "yes" if value else "no"
