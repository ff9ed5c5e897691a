"""Sites: the intervals of other installations, fetched and imported like files."""

from typing import Any

from ogniwo.core.kernel.calendar import Month
from ogniwo.services.access.roles import Act
from ogniwo.services.exchange.sites import SiteView, due_months, pull_month, sites_of
from ogniwo.services.jobs.kinds import JobContext, job_kind
from ogniwo.services.jobs.work.watches import ask_after_import


@job_kind("pull_sites", act=Act.IMPORT_FILES, planned=("", "previous"))
def pull_sites(context: JobContext, *, month: str = "", site: str = "") -> dict[str, Any]:
    """Ask the organisation's sites, or the one named, for a month, without one for those due: `pulls`, a row each.

    A site that does not answer holds the others up no more than it takes to find out; its row has the problem.
    """
    today = context.workspace.today()
    months = (Month.parse(month),) if month else due_months(today)
    chosen = [one for one in sites_of(subject=context.subject) if not site or str(one.site_id) == site]
    pulls = [_pulled(context, one, each) for one in chosen for each in months]
    if any(one["cells"] for one in pulls):
        ask_after_import(
            context.workspace, organisation_code=context.organisation.code, subject=context.subject, by=context.by
        )
    return {"pulls": pulls, "problems": sum(bool(one["problem"]) for one in pulls)}


def _pulled(context: JobContext, site: SiteView, month: Month) -> dict[str, Any]:
    found = pull_month(
        context.workspace,
        site_id=site.site_id,
        subject=context.subject,
        month=month,
        tell=lambda done, total: context.progress(done, total, f"{site.name} {month}"),
    )
    return {
        "site": site.name,
        "month": str(month),
        "points": found.points,
        "unknown_points": len(found.unknown_points),
        "files": found.files,
        "changed_files": found.changed_files,
        "cells": found.cells,
        "problem": found.problem,
        "problem_code": found.problem_code,
    }
