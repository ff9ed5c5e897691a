"""Find installed plug-ins without running them, and load the allowed ones, each whole or not at all."""

import ast
import importlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib.metadata import Distribution, EntryPoint, distributions
from typing import Any, Final

from ogniwo.plugins import API_VERSION, BillExport, Reader
from ogniwo.services.plugins.allowing import allowed_names, plain_name
from ogniwo.services.plugins.model import (
    BILL_EXPORTS,
    GROUPS,
    READERS,
    Loaded,
    Offer,
    PluginNotLoadedError,
    PluginView,
    described,
)
from ogniwo.services.workspace.model import Workspace

_CONTRACT: Final = "ogniwo.plugins"
_KEY_LONGEST: Final = 60
"""What the records keep of a layout's name."""

_TITLE_LONGEST: Final = 100
_ENTRY: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\Z")
_PROTOCOLS: Final[dict[str, type]] = {READERS: Reader, BILL_EXPORTS: BillExport}
_kept: dict[tuple[str, str, str], Loaded | str] = {}
"""What became of each package in this process: code that was imported stays as it is until the process ends."""


@dataclass(frozen=True, slots=True)
class Found:
    """An installed package with entry points for Ogniwo."""

    name: str
    version: str
    summary: str
    distribution: Distribution
    entries: tuple[EntryPoint, ...]

    @property
    def offers(self) -> tuple[Offer, ...]:
        """Its entry points, by group and name."""
        return tuple(Offer(group=one.group, key=f"{self.name}/{one.name}") for one in self.entries)


def installed_plugins() -> dict[str, Found]:
    """Packages that say they are plug-ins, by plain name; the first of a name on the path counts, as for an import."""
    importlib.invalidate_caches()
    found: dict[str, Found] = {}
    for one in distributions():
        entries = tuple(entry for entry in one.entry_points if entry.group.startswith("ogniwo."))
        name = one.metadata["Name"] if entries else None
        if not name or plain_name(name) in found:
            continue
        ordered = tuple(sorted(entries, key=lambda entry: (entry.group, entry.name)))
        summary = one.metadata.json.get("summary") or ""
        found[plain_name(name)] = Found(plain_name(name), one.version, str(summary)[:200], one, ordered)
    return found


def plugins_of(workspace: Workspace) -> tuple[PluginView, ...]:
    """Every plug-in that is installed or allowed, by name; the allowed ones are loaded to see whether they can be."""
    allowed, found = allowed_names(workspace), installed_plugins()
    return tuple(_view(name, found.get(name), allowed=name in allowed) for name in sorted({*allowed, *found}))


def usable(workspace: Workspace) -> tuple[tuple[Loaded, ...], tuple[PluginView, ...]]:
    """The plug-ins that are allowed and loaded, and those that are allowed and cannot be; by name.

    Where none is allowed, nothing is looked for. Raises BadSettingsError.
    """
    allowed = sorted(allowed_names(workspace))
    found = installed_plugins() if allowed else {}
    views = [_view(name, found.get(name), allowed=True) for name in allowed]
    return tuple(load(found[one.name]) for one in views if one.loaded), tuple(one for one in views if one.troubled)


def _view(name: str, found: Found | None, *, allowed: bool) -> PluginView:
    view = PluginView(
        name=name,
        version=found.version if found else "",
        summary=found.summary if found else "",
        installed=found is not None,
        allowed=allowed,
        loaded=False,
        offers=found.offers if found else (),
    )
    if found is None:
        return replace(view, reason="it is allowed, but no such package is installed")
    if not allowed:
        return replace(view, reason="it is not allowed in this workspace")
    try:
        loaded = load(found)
    except PluginNotLoadedError as refusal:
        return replace(view, reason=refusal.detail)
    titles = {(READERS, key): one.title for key, one in loaded.readers}
    titles |= {(BILL_EXPORTS, key): one.title for key, one in loaded.exports}
    offers = tuple(replace(one, title=titles[one.group, one.key]) for one in view.offers)
    return replace(view, loaded=True, offers=offers)


def load(found: Found) -> Loaded:
    """Import a plug-in and make what it offers, once in a process. Raises PluginNotLoadedError.

    Whoever calls has seen that it is allowed.
    """
    key = (found.name, found.version, str(found.distribution.locate_file("")))
    if key not in _kept:
        try:
            _kept[key] = _loaded(found)
        except PluginNotLoadedError as refusal:
            _kept[key] = refusal.detail
    kept = _kept[key]
    if isinstance(kept, str):
        raise PluginNotLoadedError(detail=kept)
    return kept


def _loaded(found: Found) -> Loaded:
    label = f"{found.name} {found.version}"
    for entry in found.entries:
        if entry.group not in GROUPS:
            detail = f"{label} offers {entry.group}, which this version of Ogniwo does not know"
            raise PluginNotLoadedError(detail=detail)
        if not _ENTRY.match(entry.name) or len(f"{found.name}/{entry.name}") > _KEY_LONGEST:
            detail = f"{label}: {found.name}/{entry.name} is no name that can be kept (letters, digits, . _ -; at most "
            raise PluginNotLoadedError(detail=f"{detail}{_KEY_LONGEST} characters)")
    for module, line in _foreign_imports(found.distribution):
        detail = f"{label} imports {module} ({line}); a plug-in may import {_CONTRACT} and nothing else of Ogniwo"
        raise PluginNotLoadedError(detail=detail)
    made = [(entry.group, f"{found.name}/{entry.name}", _made(entry, label)) for entry in found.entries]
    return Loaded(
        found.name,
        found.version,
        tuple((key, one) for group, key, one in made if group == READERS),
        tuple((key, one) for group, key, one in made if group == BILL_EXPORTS),
    )


def _made(entry: EntryPoint, label: str) -> Any:  # noqa: ANN401 -- what its protocol says, checked here
    """The one instance of an entry point's class, held to the contract as far as it can be without calling it."""
    try:
        offered = entry.load()
        problem = _other_version(getattr(offered, "api_version", None))
        one = offered() if not problem and isinstance(offered, type) else None
        problem = problem or _no_such(one, _PROTOCOLS[entry.group])
    except (Exception, SystemExit) as error:
        raise PluginNotLoadedError(detail=f"{label}: {entry.value} cannot be loaded: {described(error)}") from error
    if problem:
        raise PluginNotLoadedError(detail=f"{label}: {entry.value} {problem}")
    return one


def _other_version(version: object) -> str:
    """What is wrong with the version of the contract that a class names; "" when it is ours."""
    if type(version) is int and version == API_VERSION:
        return ""
    named = "names no version of the contract" if version is None else f"is for version {version!r} of the contract"
    return f"{named}; this Ogniwo has version {API_VERSION}"


def _no_such(one: Any, protocol: type) -> str:  # noqa: ANN401 -- the very question
    """What keeps an object from being of a protocol; "" when nothing does."""
    if not isinstance(one, protocol):
        return f"is no class that makes a {protocol.__name__}"
    title: object = getattr(one, "title", None)
    good = isinstance(title, str) and title.strip() and title.isprintable() and len(title) <= _TITLE_LONGEST
    return "" if good else f"has no title of one line and at most {_TITLE_LONGEST} characters"


def _foreign_imports(distribution: Distribution) -> Iterator[tuple[str, str]]:
    """Modules of Ogniwo beside the contract that the package's own files import, each with its file and line.

    Read, not run: a mistake is found before it can lean on what may be gone in the next version. It is no guard
    against a package that hides what it does.
    """
    for path in distribution.files or ():
        if path.suffix != ".py":
            continue
        try:
            tree = ast.parse(path.read_text(encoding="utf-8"))
        except (OSError, ValueError, SyntaxError):  # the import will say it better
            continue
        for node in ast.walk(tree):
            yield from ((module, f"{path}:{node.lineno}") for module in _imported(node))  # type: ignore[attr-defined]


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        named = [one.name for one in node.names]
    elif isinstance(node, ast.ImportFrom) and not node.level:
        inside = node.module == "ogniwo"
        named = [f"ogniwo.{one.name}" for one in node.names] if inside else [node.module or ""]
    else:
        return []
    return [name for name in named if name.partition(".")[0] == "ogniwo" and name != _CONTRACT]
