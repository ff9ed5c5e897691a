"""Read a meter file: by a layout of ours, or where none fits by the reader of a plug-in, checked like our own."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath

from ogniwo.core.kernel.findings import Finding, Severity
from ogniwo.formats.meter_files.handed import Handed
from ogniwo.formats.meter_files.model import FileReading, FileRefusedError
from ogniwo.formats.meter_files.problems import Problems, refuse_file
from ogniwo.formats.meter_files.reader import fits_a_layout, known_layouts, read_meter_file
from ogniwo.formats.meter_files.tables import BYTES_MAX
from ogniwo.plugins import FileError, MeterFile, Reader
from ogniwo.services.plugins.loading import usable
from ogniwo.services.plugins.model import Loaded, PluginFailedError, PluginView, described, guarded
from ogniwo.services.workspace.model import Workspace


@dataclass(frozen=True, slots=True)
class Readers:
    """The readers that a workspace allows, taken once for a batch of files; `troubled` are plug-ins it lacks."""

    plugins: tuple[Loaded, ...]
    troubled: tuple[PluginView, ...]

    @property
    def by_key(self) -> dict[str, tuple[Loaded, Reader]]:
        """Each reader with its plug-in, by the name of its layout."""
        return {key: (plugin, reader) for plugin in self.plugins for key, reader in plugin.readers}


def readers_of(workspace: Workspace) -> Readers:
    """The readers of the plug-ins that the workspace allows now. Raises BadSettingsError."""
    return Readers(*usable(workspace))


def layout_names(workspace: Workspace) -> frozenset[str]:
    """Every layout that a user may name for a file of this workspace."""
    return frozenset({one.name for one in known_layouts()} | set(readers_of(workspace).by_key))


def read_file(data: bytes, *, file_name: str, readers: Readers, point: str = "", layout: str = "") -> FileReading:
    """Read a file completely, or raise FileRefusedError with every reason; see `read_meter_file`.

    A plug-in is asked only for a file that no layout of ours fits, or when `layout` names one of its own. Its name and
    version are facts of the reading. What it raises is a finding with its name, and the row where it stopped.
    """
    named = readers.by_key.get(layout)
    name, argument = PurePath(file_name).name, "".join(point.split())
    if named is not None and len(data) <= BYTES_MAX:
        return _read(layout, *named, MeterFile(name=name, data=data, point=argument), remarks=())
    try:
        return read_meter_file(data, file_name=file_name, point=point, layout=layout)
    except FileRefusedError as refusal:
        nobody = not readers.plugins and not readers.troubled
        if layout or nobody or len(data) > BYTES_MAX or fits_a_layout(data, file_name=file_name):
            raise
        return _by_plugin(MeterFile(name=name, data=data, point=argument), readers, refusal)


def _by_plugin(file: MeterFile, readers: Readers, refusal: FileRefusedError) -> FileReading:
    """Read by the one reader that recognises the file; the refusal stands, with what went wrong, when none does."""
    remarks: list[Finding] = []
    claims = []
    for key, (plugin, reader) in readers.by_key.items():
        try:
            if _recognises(reader, file, who=f"{key} of {plugin.label}"):
                claims.append(key)
        except PluginFailedError as failed:
            message = f"{failed.detail}; whether it knows the file is not known"
            remarks.append(_warning("plugin.not_asked", message, file))
    if len(claims) > 1:
        message = f"the file fits {' and '.join(claims)}; name one of them"
        refuse_file(file.name, "read.unknown_layout", message)
    if claims:
        return _read(claims[0], *readers.by_key[claims[0]], file, remarks=remarks)
    remarks += [_warning("plugin.absent", f"the plug-in {one.name}: {one.reason}", file) for one in readers.troubled]
    raise FileRefusedError(detail=refusal.detail, findings=(*refusal.findings, *remarks)) from refusal


def _recognises(reader: Reader, file: MeterFile, *, who: str) -> bool:
    try:
        answer: object = guarded(lambda: reader.recognises(file), who=who)
    except FileError as error:
        raise PluginFailedError(detail=f"{who} failed: {described(error)}") from error
    if not isinstance(answer, bool):
        raise PluginFailedError(detail=f"{who} said {type(answer).__name__} instead of yes or no")
    return answer


def _read(key: str, plugin: Loaded, reader: Reader, file: MeterFile, *, remarks: Sequence[Finding]) -> FileReading:
    problems = Problems(file.name)
    for remark in remarks:
        problems.remark(remark)
    handed = Handed(problems, argument=file.point)
    facts = (("plugin", plugin.name), ("plugin_version", plugin.version))
    try:
        found = guarded(
            lambda: handed.file_reading(reader.read(file), data=file.data, layout=key, facts=facts),
            who=f"{key} of {plugin.label}",
        )
    except FileError as error:
        row, column = getattr(error, "row", 0), getattr(error, "column", "")
        row = row if type(row) is int and row > 0 else 0
        handed.refuse(f"{key}: {described(error)}", row=row, column=str(column)[:60])
    except PluginFailedError as failed:
        handed.stop(failed.detail)
    return found


def _warning(code: str, message: str, file: MeterFile) -> Finding:
    return Finding(code=code, severity=Severity.WARNING, message=message, source=file.name)
