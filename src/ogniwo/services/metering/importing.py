"""Import meter files: read, check against the register of points, keep the bytes, store the values as new versions."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from django.db import transaction
from numpy.typing import NDArray

from ogniwo.core.kernel.calendar import HOUR_S, QUARTER_S, Month, grid_of_month, local_day
from ogniwo.core.kernel.findings import Finding, Severity, finding_row
from ogniwo.core.kernel.quantities import format_decimal
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.metering.model import RegisterReading
from ogniwo.formats.meter_files.model import FileReading, FileRefusedError
from ogniwo.records.metering.models import MaximumPowerState, MeteringPoint, RegisterState, SourceFile
from ogniwo.records.parties.models import Organisation
from ogniwo.series import log
from ogniwo.series.disk import TEMPORARY
from ogniwo.series.model import Commit, NewCell
from ogniwo.series.overlay import overlay
from ogniwo.series.store import CELLS
from ogniwo.services.plugins.reading import read_file, readers_of
from ogniwo.services.workspace.audit import record_act
from ogniwo.services.workspace.changing import changing, keep_whole
from ogniwo.services.workspace.model import Workspace

_INT32_MAX = 2**31 - 1
_GIVEN_POINT = "given_point"
_READ_BY = frozenset({"plugin", "plugin_version"})


class UnknownPointsError(Refusal):
    """A file holds points that are not registered."""

    code = "import.unknown_points"


class ErrorFindingsError(Refusal):
    """A file could be read but parts of it cannot be trusted; it is imported only when that is accepted."""

    code = "import.error_findings"


class RasterDiffersError(Refusal):
    """A file holds quarter-hours where hours are stored for the same point and channel, or the reverse."""

    code = "import.raster_differs"


class OtherPointError(Refusal):
    """A file that names no point was imported for another one before: a file belongs to one point."""

    code = "import.other_point"


class UnusableIntervalError(Refusal):
    """An interval is neither a quarter-hour nor an hour, or its energy does not fit the store."""

    code = "import.unusable_interval"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedFile:
    """What became of one file: `state` is imported, already_imported, superseded or refused.

    Of a refused one `reason` says why and `code` is the refusal's.
    """

    name: str
    state: str
    layout: str
    sha256: str
    intervals: int
    cells_stored: int
    cells_unchanged: int
    registers: int
    findings: tuple[Finding, ...]
    reason: str = ""
    code: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportOptions:
    """How to import: the point of files that do not name it, a forced layout, whether to leave out unknown points.

    `accept_errors` imports what can be used of a file with findings of severity ERROR, which is refused otherwise.
    """

    point: str = ""
    layout: str = ""
    skip_unknown: bool = False
    accept_errors: bool = False
    dry_run: bool = False


def import_files(
    workspace: Workspace,
    *,
    organisation: Organisation,
    files: Iterable[tuple[str, bytes]],
    options: ImportOptions | None = None,
    tell: Callable[[], None] = lambda: None,
) -> tuple[ImportedFile, ...]:
    """Import files in the order of their own versions; a refused file changes nothing and does not stop the others.

    `files` are (name, bytes). `tell` is called after each file. A file that was imported before changes nothing.
    What killed imports left in the interval store is cleared away first. Raises BusyError while another use-case
    changes the workspace, BadSettingsError when its list of plug-ins cannot be read, StoreDamaged when there is
    something to clear away and the store's log is damaged.
    """
    chosen = options or ImportOptions()
    results: list[ImportedFile] = []
    readings: list[tuple[FileReading, bytes]] = []
    readers = readers_of(workspace)
    for name, data in files:
        try:
            read = read_file(data, file_name=name, readers=readers, point=chosen.point, layout=chosen.layout)
            readings.append((read, data))
        except FileRefusedError as refusal:
            results.append(_refused(name, refusal, refusal.findings))
            tell()
    with nullcontext() if chosen.dry_run else changing(workspace, "import"):
        if not chosen.dry_run:
            _sweep(workspace)
        for reading, data in sorted(readings, key=lambda pair: _order(pair[0])):
            results.append(_import_one(workspace, organisation, reading, data, chosen))
            tell()
    return tuple(results)


def paths_as_files(paths: Sequence[Path]) -> tuple[tuple[str, bytes], ...]:
    """Read files and the files of folders (sorted by name) from disk."""
    found: list[Path] = []
    for path in paths:
        found.extend(sorted(child for child in path.iterdir() if child.is_file()) if path.is_dir() else [path])
    return tuple((path.name, path.read_bytes()) for path in found)


def _sweep(workspace: Workspace) -> None:
    """Clear away what killed imports left in the interval store.

    Not where a received file names a commit that the log no longer has: then commits were lost (a backup put back in
    part), and the data files that nobody names now are what is left of them.
    """
    if not _has_leftovers(workspace.root / "series"):
        return
    commits = SourceFile.objects.exclude(commit="").values_list("commit", flat=True)
    if workspace.series.head()[0] >= max(map(int, commits), default=0):
        workspace.series.sweep()


def _has_leftovers(root: Path) -> bool:
    """Whether the names in a store show a killed writer: a temporary one, data of no commit or twice of the same.

    Reads names only, since every import asks. A file whose number a later commit took in another month is not seen.
    """
    logged = {path.stem for path in (root / log.FOLDER).glob("*.json")}
    names = [(path.parent.name, path.name.partition("-")[0]) for path in (root / CELLS).glob("*/*.parquet")]
    return (
        any(number not in logged for _, number in names)
        or len(set(names)) < len(names)
        or any((root / CELLS).glob(f"*/{TEMPORARY}*"))
        or any((root / log.FOLDER).glob(f"{TEMPORARY}*"))
    )


def _order(reading: FileReading) -> tuple[str, int, str]:
    facts = dict(reading.facts)
    return facts.get("day", ""), int(facts.get("file_version", "0")), reading.file_name


def _refused(name: str, refusal: Refusal, findings: tuple[Finding, ...] = ()) -> ImportedFile:
    return ImportedFile(
        name=name,
        state="refused",
        layout="",
        sha256="",
        intervals=0,
        cells_stored=0,
        cells_unchanged=0,
        registers=0,
        findings=findings,
        reason=str(refusal),
        code=refusal.code,
    )


def _import_one(
    workspace: Workspace, organisation: Organisation, reading: FileReading, data: bytes, options: ImportOptions
) -> ImportedFile:
    try:
        if _imported_before(reading, options.point):
            return _result(reading, "already_imported", None, reading.findings)
        newer = _newer_version(organisation, reading)
        if newer:
            note = Finding(
                code="import.superseded",
                severity=Severity.WARNING,
                message=f"version {newer} of this file was imported before; this one changes nothing",
                source=reading.file_name,
            )
            return _result(reading, "superseded", None, (*reading.findings, note))
        points, skipped = _known_points(organisation, reading, skip_unknown=options.skip_unknown)
        cells, laid = _cells(workspace, reading, points)
    except Refusal as refusal:
        return _refused(reading.file_name, refusal, reading.findings)
    findings = (*reading.findings, *skipped, *laid, *_replaced_registers(reading, points))
    errors = [finding for finding in findings if finding.severity is Severity.ERROR]
    if errors and not options.accept_errors:
        return _refused(reading.file_name, _untrusted(reading, errors), findings)
    if options.dry_run:
        return _result(reading, "would_import", None, findings, cells=len(cells))
    keep_received(workspace, sha256=reading.sha256, data=data)
    commit = None
    if cells:
        commit = workspace.series.commit(
            cells,
            known_at=workspace.now(),
            source=f"{reading.file_name}#{reading.sha256[:16]}",
            author="import",
            commit_id=reading.sha256,
        )
    given = {_GIVEN_POINT: options.point} if options.point else {}
    _save(workspace, organisation, reading, data, points, commit, findings, given)
    return _result(reading, "imported", commit, findings)


def _imported_before(reading: FileReading, point: str) -> bool:
    """Whether the same bytes were imported; refuses them for another point than the one they were given then."""
    earlier = SourceFile.objects.filter(sha256=reading.sha256).first()
    if earlier is None:
        return False
    given = earlier.facts.get(_GIVEN_POINT, point)
    if point and given != point:
        raise OtherPointError(
            detail=f"{reading.file_name} was imported before as {earlier.name} for {given}, not for {point}; "
            "nothing was stored now"
        )
    return True


def _untrusted(reading: FileReading, errors: Sequence[Finding]) -> ErrorFindingsError:
    return ErrorFindingsError(
        detail=f"{reading.file_name}: {len(errors)} errors, the first: {errors[0].message}; "
        "accept errors to import the rest of the file"
    )


def _newer_version(organisation: Organisation, reading: FileReading) -> int:
    """The highest imported version of the same cooperative file, when it is higher than this one's."""
    facts = dict(reading.facts)
    if "file_version" not in facts:
        return 0
    same = SourceFile.objects.filter(
        organisation=organisation,
        layout=reading.layout,
        facts__day=facts.get("day"),
        facts__cooperative=facts.get("cooperative"),
    )
    highest = max((int(one.facts["file_version"]) for one in same), default=0)
    return highest if highest > int(facts["file_version"]) else 0


def _known_points(
    organisation: Organisation, reading: FileReading, *, skip_unknown: bool
) -> tuple[dict[str, MeteringPoint], tuple[Finding, ...]]:
    codes = {
        *reading.intervals.points,
        *(one.point for one in reading.registers),
        *(one.point for one in reading.maxima),
    }
    found = MeteringPoint.objects.filter(organisation=organisation, code__in=codes).select_related("member")
    points = {point.code: point for point in found}
    unknown = sorted(codes - set(points))
    if unknown and not skip_unknown:
        raise UnknownPointsError(
            detail=f"{reading.file_name}: points that {organisation.code} has not registered: {', '.join(unknown)}"
        )
    findings = tuple(
        Finding(
            code="V23.unknown_point",
            severity=Severity.WARNING,
            message="the point is not registered; its values were left out",
            source=reading.file_name,
            point=code,
        )
        for code in unknown
    )
    return points, findings


def _cells(
    workspace: Workspace, reading: FileReading, points: dict[str, MeteringPoint]
) -> tuple[list[NewCell], tuple[Finding, ...]]:
    """Lay the file's values over the latest versions, month by month."""
    columns = reading.intervals
    cells: list[NewCell] = []
    findings: list[Finding] = []
    for point_index, point in enumerate(columns.points):
        if point not in points:
            continue
        for channel_index, channel in enumerate(columns.channels):
            mask = (columns.point_index == point_index) & (columns.channel_index == channel_index)
            if not mask.any():
                continue
            slot_s = _slot_length(reading, point, columns.seconds[mask], columns.wh[mask])
            for month, rows in _by_month(columns.start_epoch_s, np.flatnonzero(mask)):
                base = workspace.series.read(point=point, channel=channel, month=month)
                if base is not None and base.grid.slot_s != slot_s:
                    raise RasterDiffersError(
                        detail=f"{reading.file_name}: {point} {channel} {month} is stored in steps of "
                        f"{base.grid.slot_s} s, the file has {slot_s} s"
                    )
                laid = overlay(
                    base=base,
                    grid=grid_of_month(month, slot_s=slot_s),
                    point=point,
                    channel=channel,
                    start_epoch_s=columns.start_epoch_s[rows],
                    wh=columns.wh[rows].astype(np.int32),
                    quality=columns.quality[rows],
                )
                findings.extend(laid.findings)
                cells.append(
                    NewCell(
                        point=point,
                        channel=channel,
                        grid=laid.grid,
                        wh=laid.wh,
                        quality=laid.quality,
                        reason="import",
                    )
                )
    return cells, tuple(findings)


def _replaced_registers(reading: FileReading, points: dict[str, MeteringPoint]) -> tuple[Finding, ...]:
    """A warning for each register state that was delivered before with another value."""
    findings = []
    for register in reading.registers:
        if register.point not in points:
            continue
        known = RegisterState.objects.filter(**_register_key(register, points)).first()
        if known is not None and (known.value_e3, known.unit) != (register.value_e3, register.unit):
            before, now = (format_decimal(value, decimals=3) for value in (known.value_e3, register.value_e3))
            findings.append(
                Finding(
                    code="import.register_replaced",
                    severity=Severity.WARNING,
                    message=f"register {register.obis} of meter {register.meter} was {before} {known.unit}, "
                    f"it is {now} {register.unit} now",
                    source=reading.file_name,
                    row=register.row,
                    point=register.point,
                    start_epoch_s=register.epoch_s,
                )
            )
    return tuple(findings)


def _register_key(register: RegisterReading, points: dict[str, MeteringPoint]) -> dict[str, Any]:
    return {
        "point": points[register.point],
        "meter_serial": register.meter,
        "obis": register.obis,
        "epoch_s": register.epoch_s,
        "origin": register.origin,
        "multiplier": register.multiplier,
    }


def _slot_length(reading: FileReading, point: str, seconds: NDArray[np.int32], wh: NDArray[np.int64]) -> int:
    lengths = set(np.unique(seconds).tolist())
    if len(lengths) != 1 or not lengths <= {QUARTER_S, HOUR_S}:
        raise UnusableIntervalError(
            detail=f"{reading.file_name}: {point} has intervals of {sorted(lengths)} s; "
            "quarter-hours or hours are stored"
        )
    if int(np.abs(wh).max()) > _INT32_MAX:
        raise UnusableIntervalError(detail=f"{reading.file_name}: {point} has an interval above {_INT32_MAX} Wh")
    return int(lengths.pop())


def _by_month(starts: NDArray[np.int64], rows: NDArray[np.int64]) -> list[tuple[Month, NDArray[np.int64]]]:
    """Split rows by the local month of their start."""
    ordered = rows[np.argsort(starts[rows], kind="stable")]
    first, last = local_day(int(starts[ordered[0]])), local_day(int(starts[ordered[-1]]))
    month, groups = Month(first.year, first.month), []
    while (month.year, month.month) <= (last.year, last.month):
        grid = grid_of_month(month)
        begin = int(grid.start_epoch_s[0])
        end = int(grid.start_epoch_s[-1]) + grid.slot_s
        inside = ordered[(starts[ordered] >= begin) & (starts[ordered] < end)]
        if len(inside):
            groups.append((month, inside))
        month = month.shifted(1)
    return groups


def keep_received(workspace: Workspace, *, sha256: str, data: bytes) -> Path:
    """Keep a received file under its hash; the name appears only when all bytes are there."""
    path = workspace.received / sha256[:2] / sha256
    if not path.exists():
        keep_whole(path, data)
    return path


@transaction.atomic
def _save(
    workspace: Workspace,
    organisation: Organisation,
    reading: FileReading,
    data: bytes,
    points: dict[str, MeteringPoint],
    commit: Commit | None,
    findings: tuple[Finding, ...],
    given: dict[str, str],
) -> None:
    source = SourceFile.objects.create(
        organisation=organisation,
        sha256=reading.sha256,
        name=reading.file_name,
        layout=reading.layout,
        size_bytes=len(data),
        received_at=workspace.now(),
        intervals=reading.intervals.count,
        commit=f"{commit.number}" if commit else "",
        facts={**dict(reading.facts), **given},
        findings=[_kept_row(finding) for finding in findings],
    )
    for register in reading.registers:
        if register.point in points:
            _save_register(register, points, source)
    for maximum in reading.maxima:
        if maximum.point in points:
            MaximumPowerState.objects.update_or_create(
                point=points[maximum.point],
                month=maximum.month,
                rank=maximum.rank,
                defaults={"power_w": maximum.power_w, "epoch_s": maximum.epoch_s, "source": source},
            )
    by = {name: value for name, value in reading.facts if name in _READ_BY}
    facts = {"sha256": reading.sha256, "layout": reading.layout, "intervals": reading.intervals.count, **by}
    record_act(workspace, action="import.file", target=reading.file_name, facts=facts)


def _save_register(register: RegisterReading, points: dict[str, MeteringPoint], source: SourceFile) -> None:
    """Keep a register state; the same again keeps its first source, another value replaces it."""
    value = {"value_e3": register.value_e3, "unit": register.unit}
    origin = {"digits": register.digits, "source": source, "row": register.row}
    key = _register_key(register, points)
    state, _ = RegisterState.objects.get_or_create(**key, defaults={**value, **origin})
    if (state.value_e3, state.unit) != (register.value_e3, register.unit):
        RegisterState.objects.filter(pk=state.pk).update(**value, **origin)


def _kept_row(finding: Finding) -> dict[str, object]:
    """The finding without its file, which is the record it is kept under."""
    return {name: value for name, value in finding_row(finding).items() if name != "source"}


def _result(
    reading: FileReading, state: str, commit: Commit | None, findings: tuple[Finding, ...], *, cells: int = 0
) -> ImportedFile:
    return ImportedFile(
        name=reading.file_name,
        state=state,
        layout=reading.layout,
        sha256=reading.sha256,
        intervals=reading.intervals.count,
        cells_stored=commit.stored if commit else cells,
        cells_unchanged=commit.unchanged if commit else 0,
        registers=len(reading.registers),
        findings=findings,
    )
