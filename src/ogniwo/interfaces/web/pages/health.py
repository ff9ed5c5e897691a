"""Whether the installation is well."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from ogniwo.interfaces.web.context import scope, workspace
from ogniwo.interfaces.web.registry import page
from ogniwo.services.access.roles import Act
from ogniwo.services.access.viewers import Standing
from ogniwo.services.plugins.loading import usable
from ogniwo.services.workspace.health import health_of


@page("health/", name="health", act=Act.SEE_HEALTH)
def health(request: HttpRequest, standing: Standing, *, code: str) -> HttpResponse:
    """Versions, sizes, heads, what came last, and plug-ins that are wanted and do not work."""
    found = health_of(workspace(), subject=scope(standing, code))
    return render(request, "web/health.html", {"health": found, "plugins": usable(workspace())[1]})
