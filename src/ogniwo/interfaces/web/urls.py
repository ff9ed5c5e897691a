"""All addresses: the registered pages, and the sign-in of allauth."""

from importlib import import_module

from django.urls import include, path

from ogniwo.interfaces.api.application import url_patterns as api_patterns
from ogniwo.interfaces.web.registry import url_patterns

for _noun in (
    "home",
    "join",
    "organisations",
    "help",
    "members",
    "members_edit",
    "members_import",
    "points_formulas",
    "points_attributes",
    "points_sets",
    "points",
    "files_sites",
    "files",
    "quality",
    "watches",
    "intervals",
    "media_import",
    "media_edit",
    "media",
    "balance_compare",
    "balance_storage",
    "balance",
    "tariffs",
    "period",
    "bills",
    "ledger",
    "ledger_journal",
    "contracts",
    "jobs",
    "people",
    "settings",
    "messages",
    "readings",
    "looking",
    "devices",
    "log",
    "health",
):
    import_module(f"ogniwo.interfaces.web.pages.{_noun}")
for _part in ("home", "energy", "meters", "media", "deposit", "bills", "community", "messages", "profile"):
    import_module(f"ogniwo.interfaces.web.wallet.{_part}")
for _part in ("install", "devices", "tokens", "paying", "checking", "contracts"):
    import_module(f"ogniwo.interfaces.web.wallet.{_part}")

urlpatterns = [
    path("account/", include("allauth.urls")),
    path("i18n/", include("django.conf.urls.i18n")),
    *api_patterns(),
    *url_patterns(),
]

handler404 = "ogniwo.interfaces.web.pages.home.not_found"
