"""`ogniwo site`: other installations that an organisation takes meter data from."""

import os
import sys
from dataclasses import asdict
from getpass import getpass
from typing import Any

import click

from ogniwo.core.kernel.calendar import Month
from ogniwo.interfaces.cli.arguments import JSON_OPTION, MONTH, ORGANISATION_OPTION, opened, organisation_of, who
from ogniwo.interfaces.cli.main import Runtime
from ogniwo.interfaces.cli.output import (
    DONE,
    DONE_WITH_FINDINGS,
    answers_refusals,
    say,
    show_json,
    show_table,
    spoken_language,
)
from ogniwo.interfaces.cli.texts import instant
from ogniwo.services.exchange.sites import (
    PullView,
    SiteNotFoundError,
    SiteView,
    add_site,
    due_months,
    pull_month,
    remove_site,
    sites_of,
)
from ogniwo.services.jobs.work.watches import ask_after_import
from ogniwo.services.workspace.meanings import meaning_of
from ogniwo.services.workspace.queries import operator_subject

_KEY_VARIABLE = "OGNIWO_SITE_KEY"


@click.group("site")
def site_group() -> None:
    """Take meter data from other installations: plants, tenants, partners with Ogniwo of their own.

    \b
    Examples:
      ogniwo -w coop site add plant https://plant.example
      ogniwo -w coop site pull --month 2026-10
      ogniwo -w coop jobs schedule add pull_sites 'daily 05:30'
    """  # noqa: D301 -- \b is click's mark for "keep these lines"


@site_group.command("add")
@click.argument("name")
@click.argument("address")
@click.option("--remote", default="", metavar="CODE", help="The organisation there, if the key stands for several.")
@ORGANISATION_OPTION
@JSON_OPTION
@click.pass_obj
@answers_refusals
def add(runtime: Runtime, *, name: str, address: str, remote: str, organisation: str, as_json: bool) -> None:
    """Add the installation at ADDRESS as NAME, after asking it what the key may do there.

    The key is made there (settings, keys of programs, scope metering:read). It is read from OGNIWO_SITE_KEY, or asked
    for: it never stands in the list of processes.

    \b
    Examples:
      ogniwo -w coop site add plant https://plant.example
      ogniwo -w coop site add tenant-2 https://energia.example --remote hala-2 --organisation huta
    """  # noqa: D301 -- \b is click's mark for "keep these lines"
    workspace = opened(runtime)
    owner = organisation_of(organisation)
    key = os.environ.get(_KEY_VARIABLE) or getpass("key: ")
    made = add_site(
        workspace,
        code=owner.code,
        subject=operator_subject(),
        name=name,
        address=address,
        key=key,
        remote=remote,
        by=who(),
    )
    if as_json:
        show_json(_row(made))
        return
    say(f"{made.name}: {made.code} at {made.address} gives meter data to {made.organisation}")
    say(f"next: ogniwo -w {runtime.folder} site pull")


@site_group.command("list")
@JSON_OPTION
@click.pass_obj
@answers_refusals
def list_(runtime: Runtime, *, as_json: bool) -> None:
    """List the sites with what each gave last."""
    opened(runtime)
    found = sites_of(subject=operator_subject())
    if as_json:
        show_json([_row(one) for one in found])
        return
    show_table(
        headers=("organisation", "site", "address", "there", "asked", "month", "points", "problem"),
        rows=[
            (
                one.organisation,
                one.name,
                one.address,
                one.code,
                instant(one.last.at) if one.last else "",
                one.last.month if one.last else "",
                str(one.last.points) if one.last else "",
                _problem(one.last) if one.last else "",
            )
            for one in found
        ],
    )


@site_group.command("pull")
@click.argument("name", default="")
@click.option(
    "--month", type=MONTH, metavar="YYYY-MM", help="Without it this month, and until the 10th the one before."
)
@JSON_OPTION
@click.pass_obj
@answers_refusals
def pull(runtime: Runtime, *, name: str, month: Month | None, as_json: bool) -> None:
    """Ask the sites, or the one called NAME, for their intervals and import what comes.

    What was there before changes nothing; what was corrected there becomes a new version here.

    \b
    Exit codes: 0 done, 3 a site did not give everything, 4 refused.
    """  # noqa: D301 -- \b is click's mark for "keep these lines"
    workspace = opened(runtime)
    sites = [one for one in sites_of(subject=operator_subject()) if not name or one.name == name]
    if not sites:
        raise SiteNotFoundError(detail=f"there is no site {name}" if name else "there is no site")
    months = (month,) if month else due_months(workspace.today())
    rows = [
        (one, pull_month(workspace, site_id=one.site_id, subject=operator_subject(), month=each))
        for one in sites
        for each in months
    ]
    for code in sorted({one.organisation for one, found in rows if found.cells}):
        ask_after_import(workspace, organisation_code=code, subject=operator_subject(), by=who())
    if as_json:
        show_json([{"site": one.name, **_pull_row(found)} for one, found in rows])
    else:
        show_table(
            headers=("site", "month", "points", "unknown", "files", "changed", "cells", "problem"),
            rows=[
                (
                    one.name,
                    found.month,
                    str(found.points),
                    str(len(found.unknown_points)),
                    str(found.files),
                    str(found.changed_files),
                    str(found.cells),
                    _problem(found),
                )
                for one, found in rows
            ],
            right=frozenset(range(2, 7)),
        )
    sys.exit(DONE_WITH_FINDINGS if any(found.problem for _, found in rows) else DONE)


@site_group.command("remove")
@click.argument("name")
@click.pass_obj
@answers_refusals
def remove(runtime: Runtime, *, name: str) -> None:
    """Ask the site called NAME no more and forget its key; what it gave stays."""
    workspace = opened(runtime)
    found = [one for one in sites_of(subject=operator_subject()) if one.name == name]
    if len(found) != 1:
        raise SiteNotFoundError(detail=f"{len(found)} sites are called {name}")
    remove_site(workspace, site_id=found[0].site_id, subject=operator_subject(), by=who())
    say(f"{name} is removed")


def _row(one: SiteView) -> dict[str, Any]:
    return {
        "site": one.name,
        "organisation": one.organisation,
        "address": one.address,
        "code": one.code,
        "last": None if one.last is None else _pull_row(one.last),
    }


def _pull_row(found: PullView) -> dict[str, Any]:
    return {**asdict(found), "at": found.at.isoformat()}


def _problem(found: PullView) -> str:
    """What went wrong, in one cell of a table: in Polish what its code means comes before the English detail."""
    meaning = meaning_of(found.problem_code, "pl") if spoken_language() == "pl" and found.problem else ""
    return f"{meaning} {found.problem}".strip()
