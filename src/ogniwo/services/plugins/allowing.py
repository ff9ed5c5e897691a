"""Which plug-ins a workspace allows: a list of names in its settings file, `plugins = ["name"]`."""

import re
import tomllib
from typing import Any

from django.db import transaction

from ogniwo.services.workspace.audit import record_act
from ogniwo.services.workspace.changing import changing, keep_whole
from ogniwo.services.workspace.model import BadSettingsError, Workspace
from ogniwo.services.workspace.settings_line import setting_line, with_setting


def plain_name(name: str) -> str:
    """A package's name in the one form that counts: small letters, parts joined by hyphens."""
    return re.sub(r"[-_.]+", "-", name.strip()).lower()


def allowed_names(workspace: Workspace) -> tuple[str, ...]:
    """The names in the list, plain, in its order. Raises BadSettingsError."""
    return _names(workspace, _settings(workspace, _text(workspace)))


def change_allowed(workspace: Workspace, *, name: str, allow: bool, version: str) -> None:
    """Put a plain name into the list of the settings file or take it out, and leave all else in it as it is.

    The file is changed as a whole and the act logged; the same again changes nothing. Raises BadSettingsError when the
    file is written in a way that only a person can change, BusyError.
    """
    with changing(workspace, "plugin"):
        text = _text(workspace)
        before = _names(workspace, _settings(workspace, text))
        if (name in before) is allow:
            return
        after = sorted({*before, name}) if allow else [one for one in before if one != name]
        changed = _changed(workspace, text, after)
        facts = {"version": version, "allowed": after}
        with transaction.atomic():
            if allow:
                record_act(workspace, action="plugin.allow", target=name, facts=facts)
            else:
                record_act(workspace, action="plugin.forbid", target=name, facts=facts)
            keep_whole(workspace.settings_file, changed.encode())


def _changed(workspace: Workspace, text: str, names: list[str]) -> str:
    """The settings with another list. Raises BadSettingsError."""
    changed = with_setting(text, "plugins", names or None)
    if changed is None:
        line = setting_line("plugins", names).strip()
        raise BadSettingsError(
            detail=f"{workspace.settings_file}: the list `plugins` is written in a way that is not changed by itself; "
            f"write it by hand as one line: {line}"
        )
    return changed


def _text(workspace: Workspace) -> str:
    try:
        return workspace.settings_file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadSettingsError(detail=f"{workspace.settings_file}: {error}") from error


def _settings(workspace: Workspace, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadSettingsError(detail=f"{workspace.settings_file}: {error}") from error


def _names(workspace: Workspace, settings: dict[str, Any]) -> tuple[str, ...]:
    listed = settings.get("plugins", [])
    if not isinstance(listed, list) or not all(isinstance(one, str) for one in listed):
        raise BadSettingsError(detail=f"{workspace.settings_file}: `plugins` is a list of names of packages")
    return tuple(dict.fromkeys(plain_name(one) for one in listed))
