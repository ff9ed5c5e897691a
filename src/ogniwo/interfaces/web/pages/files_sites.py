"""Other installations that an organisation takes meter data from: added with a key, asked as a job, removed."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from ogniwo.core.kernel.refusals import Refusal
from ogniwo.interfaces.web.context import scope, viewer, workspace
from ogniwo.interfaces.web.job_view import jobs_of_page
from ogniwo.interfaces.web.registry import page
from ogniwo.services.access.roles import Act
from ogniwo.services.access.viewers import Standing, out_of_sight
from ogniwo.services.exchange.sites import (
    BadSiteError,
    SiteNotFoundError,
    SiteUnreachableError,
    add_site,
    pulls_of,
    remove_site,
    sites_of,
)
from ogniwo.services.jobs.asking import start_job
from ogniwo.services.workspace.queries import organisation

_ASKED = ("name", "address", "remote")


@page("files/sites/", name="sites", act=Act.SEE_METERING)
def sites(request: HttpRequest, standing: Standing, *, code: str) -> HttpResponse:
    """The sites with what each gave last, how far the asking is, and the form for another one."""
    return _shown(request, standing, code)


@page("files/sites/new/", name="site_new", act=Act.CHANGE_SETTINGS, methods=("POST",), fresh=True)
def new(request: HttpRequest, standing: Standing, *, code: str) -> HttpResponse:
    """Ask the installation what the key may do there, and keep it."""
    typed = {name: request.POST.get(name, "").strip() for name in _ASKED}
    try:
        add_site(
            workspace(),
            code=code,
            subject=scope(standing, code),
            key=request.POST.get("key", "").strip(),
            by=viewer(request).login,
            **typed,
        )
    except (BadSiteError, SiteUnreachableError) as refusal:
        return _shown(request, standing, code, refusal=refusal, typed=typed, status=422)
    messages.success(request, _("Saved."))
    return redirect("sites", code=code)


@page("files/sites/pull/", name="sites_pull", act=Act.IMPORT_FILES, methods=("POST",))
def pull(request: HttpRequest, standing: Standing, *, code: str) -> HttpResponse:
    """Ask all sites, or one, for the months that are due, as a job."""
    site, owner = request.POST.get("site", ""), organisation(code=code, subject=scope(standing, code))
    started = start_job(
        workspace(),
        kind="pull_sites",
        organisation_code=owner.code,
        parameters={"site": site} if site.isdecimal() else {},
        by=viewer(request).login,
        key=f"sites {site}",
    )
    return redirect(f"{reverse('sites', kwargs={'code': code})}?job={started.id}")


@page("files/sites/<int:site_id>/remove/", name="site_remove", act=Act.CHANGE_SETTINGS, methods=("POST",), fresh=True)
def remove(request: HttpRequest, standing: Standing, *, code: str, site_id: int) -> HttpResponse:
    """Ask a site no more."""
    with out_of_sight(SiteNotFoundError):
        remove_site(workspace(), site_id=site_id, subject=scope(standing, code), by=viewer(request).login)
    messages.success(request, _("The site is asked no more, and its key is forgotten; what it gave stays."))
    return redirect("sites", code=code)


@page("files/sites/<int:site_id>/", name="site", act=Act.SEE_METERING)
def one(request: HttpRequest, standing: Standing, *, code: str, site_id: int) -> HttpResponse:
    """What one site gave, newest first, and the points that only it has."""
    subject = scope(standing, code)
    with out_of_sight(SiteNotFoundError):
        pulls = pulls_of(site_id, subject=subject)
    found = next(each for each in sites_of(subject=subject) if each.site_id == site_id)
    return render(request, "web/site.html", {"site": found, "pulls": pulls})


def _shown(
    request: HttpRequest,
    standing: Standing,
    code: str,
    *,
    refusal: Refusal | None = None,
    typed: dict[str, str] | None = None,
    status: int = 200,
) -> HttpResponse:
    subject = scope(standing, code)
    context = {
        **jobs_of_page(request, subject=subject, kinds=("pull_sites",)).context(),
        "sites": sites_of(subject=subject),
        "refusal": refusal,
        "typed": typed or {},
    }
    return render(request, "web/sites.html", context, status=status)
