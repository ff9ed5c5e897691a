"""What is known of a plug-in, and how it is refused."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from ogniwo.core.kernel.refusals import Refusal
from ogniwo.plugins import BillExport, FileError, Reader

READERS: Final = "ogniwo.readers"
BILL_EXPORTS: Final = "ogniwo.bill_exports"
GROUPS: Final = (READERS, BILL_EXPORTS)
"""The groups of entry points that are known, of all whose names begin with `ogniwo.`."""

Result = TypeVar("Result")


class PluginNotInstalledError(Refusal):
    """No package of that name with entry points for Ogniwo is installed."""

    code = "plugin.not_found"


class PluginNotLoadedError(Refusal):
    """The plug-in cannot be loaded whole: it fails, breaks the contract, or was written for another version of it."""

    code = "plugin.not_loaded"


class PluginNotAllowedError(Refusal):
    """The plug-in is not in the list of the workspace."""

    code = "plugin.not_allowed"


class UnknownExportError(Refusal):
    """No loaded plug-in has an export of that name."""

    code = "plugin.unknown_export"


class PluginFailedError(Refusal):
    """A plug-in failed while it was at work, or gave what its contract does not allow; nothing of it was kept."""

    code = "plugin.failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """One entry point of a plug-in: its group, its name, and the title it gives itself ("" while it is not loaded).

    `key` is what users name it by: the plug-in and the entry point.
    """

    group: str
    key: str
    title: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginView:
    """A plug-in that is installed, allowed or both; `reason` says why it is not loaded."""

    name: str
    version: str
    summary: str
    installed: bool
    allowed: bool
    loaded: bool
    offers: tuple[Offer, ...]
    reason: str = ""

    @property
    def troubled(self) -> bool:
        """Whether somebody wanted it and does not have it."""
        return self.allowed and not self.loaded


@dataclass(frozen=True, slots=True)
class Loaded:
    """A plug-in in this process: what it offers, by key."""

    name: str
    version: str
    readers: tuple[tuple[str, Reader], ...]
    exports: tuple[tuple[str, BillExport], ...]

    @property
    def label(self) -> str:
        """Its name and version, for a message."""
        return f"{self.name} {self.version}"


def guarded(call: Callable[[], Result], *, who: str) -> Result:
    """Call into a plug-in; whatever it raises becomes one refusal with its name, a FileError stays what it is.

    Raises PluginFailedError.
    """
    try:
        return call()
    except (FileError, Refusal):
        raise
    except (Exception, SystemExit) as error:
        raise PluginFailedError(detail=f"{who} failed: {described(error)}") from error


def described(error: BaseException) -> str:
    """An error of foreign code in one short line."""
    try:
        text = " ".join(str(error).split())[:200]
    except Exception:  # noqa: BLE001 -- foreign code again; the name of its class is all there is then
        text = ""
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
