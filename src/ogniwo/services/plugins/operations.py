"""Allow a plug-in, or forbid it again."""

from ogniwo.services.plugins.allowing import allowed_names, change_allowed, plain_name
from ogniwo.services.plugins.loading import installed_plugins, load, plugins_of
from ogniwo.services.plugins.model import PluginNotAllowedError, PluginNotInstalledError, PluginView
from ogniwo.services.workspace.model import Workspace


def allow_plugin(workspace: Workspace, *, name: str, dry_run: bool = False) -> PluginView:
    """Load an installed plug-in and, when that works, put its name into the workspace's list; again changes nothing.

    Allowing is where its code runs first, with all rights of this process: no program can keep it from that. Raises
    PluginNotInstalledError, PluginNotLoadedError, BadSettingsError, BusyError.
    """
    plain = plain_name(name)
    found = installed_plugins().get(plain)
    if found is None:
        detail = f"no package {plain!r} with entry points for Ogniwo is installed beside this `ogniwo`"
        raise PluginNotInstalledError(detail=detail)
    load(found)
    if not dry_run:
        change_allowed(workspace, name=plain, allow=True, version=found.version)
    (view,) = [one for one in plugins_of(workspace) if one.name == plain]
    return view


def forbid_plugin(workspace: Workspace, *, name: str, dry_run: bool = False) -> str:
    """Take a plug-in from the list and give its plain name; what was imported with it stays.

    Raises PluginNotAllowedError, BadSettingsError, BusyError.
    """
    plain = plain_name(name)
    if plain not in allowed_names(workspace):
        raise PluginNotAllowedError(detail=f"{plain!r} is not in the list of {workspace.root}; nothing was changed")
    found = installed_plugins().get(plain)
    if not dry_run:
        change_allowed(workspace, name=plain, allow=False, version=found.version if found else "")
    return plain
