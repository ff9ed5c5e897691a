"""Issued documents in the form of a plug-in: all files of an export, or none."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from ogniwo.core.kernel.refusals import Refusal
from ogniwo.plugins import Bill, Bills, ExportFile, FileError
from ogniwo.records.billing.models import InvoiceRecord
from ogniwo.records.visibility import Subject
from ogniwo.services.billing.queries import invoice, invoices
from ogniwo.services.plugins.loading import usable
from ogniwo.services.plugins.model import BILL_EXPORTS, Offer, PluginFailedError, UnknownExportError, described, guarded
from ogniwo.services.workspace.changing import keep_whole
from ogniwo.services.workspace.model import Workspace

_NAME: Final = re.compile(r"[^\W_][\w .()+-]{0,149}\Z")
"""What a file may be called on any system: begins with a letter or digit, holds no folder and no colon."""

_NAME_BYTES: Final = 200
_BYTES_MAX: Final = 1_000_000_000


class ExportRefusedError(Refusal):
    """A plug-in does not export these documents, and says why."""

    code = "plugin.export_refused"


def bill_exports(workspace: Workspace) -> tuple[Offer, ...]:
    """The exports of the plug-ins that the workspace allows, by key."""
    plugins, _ = usable(workspace)
    return tuple(
        Offer(group=BILL_EXPORTS, key=key, title=one.title) for plugin in plugins for key, one in plugin.exports
    )


def export_bills_by(
    workspace: Workspace, *, key: str, subject: Subject, numbers: Sequence[str] = (), month: str = "", language: str
) -> tuple[ExportFile, ...]:
    """The files that the export `key` makes of documents that the subject sees: those of a month, or by number.

    Raises UnknownExportError, InvoiceNotFoundError, ExportRefusedError, PluginFailedError when the plug-in fails or
    gives what cannot be a file.
    """
    plugins, _ = usable(workspace)
    found = [(plugin, one) for plugin in plugins for name, one in plugin.exports if name == key]
    if not found:
        known = ", ".join(name for plugin in plugins for name, _ in plugin.exports) or "none"
        raise UnknownExportError(detail=f"there is no export {key!r} of an allowed plug-in; there are: {known}")
    plugin, export = found[0]
    records = {one.number: one for one in (invoice(number=number, subject=subject) for number in numbers)}
    if month:
        records |= {one.number: one for one in invoices(subject=subject, month=month)}
    bills = Bills(bills=tuple(_bill(records[number]) for number in sorted(records)), language=language)
    who = f"{key} of {plugin.label}"
    try:
        return _checked(guarded(lambda: tuple(export.export(bills)), who=who), who=who)
    except FileError as error:
        raise ExportRefusedError(detail=f"{who}: {described(error)}") from error


def write_export(folder: Path, files: Sequence[ExportFile]) -> list[Path]:
    """Write the files of an export into a folder, each under its name when it is whole."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for one in files:
        keep_whole(folder / one.name, one.data)
        written.append(folder / one.name)
    return written


def _bill(record: InvoiceRecord) -> Bill:
    return Bill(
        number=record.number,
        kind=record.kind,
        organisation=record.run.community.code,
        month=record.run.month,
        issued_on=record.issued_on,
        due_on=record.due_on,
        member=record.member.number,
        member_name=record.member.name,
        net_grosz=record.net_grosz,
        vat_grosz=record.vat_grosz,
        gross_grosz=record.gross_grosz,
        document=record.document.encode(),
        sha256=record.digest,
        corrects=record.corrects.number if record.corrects else "",
    )


def _checked(files: tuple[Any, ...], *, who: str) -> tuple[ExportFile, ...]:
    """Files that can be written side by side, or a refusal."""
    good: dict[str, ExportFile] = {}
    for one in files:
        if type(one) is not ExportFile or (type(one.name), type(one.data)) != (str, bytes):
            raise PluginFailedError(detail=f"{who} gave {type(one).__name__} that is no ExportFile with bytes")
        if not _NAME.match(one.name) or one.name.endswith((".", " ")) or len(one.name.encode()) > _NAME_BYTES:
            raise PluginFailedError(detail=f"{who} gave a file called {one.name[:150]!r}, which is no plain name")
        if one.name.casefold() in good:
            raise PluginFailedError(detail=f"{who} gave two files called {one.name!r}")
        good[one.name.casefold()] = one
    if not good or sum(len(one.data) for one in good.values()) > _BYTES_MAX:
        raise PluginFailedError(detail=f"{who} gave no file, or more than {_BYTES_MAX} bytes")
    return tuple(good.values())
