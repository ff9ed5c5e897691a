"""Check a store byte by byte against its log, and clear away what interrupted writers left."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pyarrow as pa

from ogniwo.core.kernel.calendar import Month
from ogniwo.core.kernel.findings import Finding, Severity
from ogniwo.core.kernel.ids import sha256_hex
from ogniwo.series import dense, log
from ogniwo.series.cells import ROW_GROUP, decode_quality, digest_of, present_bits, read_rows, values_of, worst_present
from ogniwo.series.disk import TEMPORARY, is_held
from ogniwo.series.index import digest_of_file, rows_of
from ogniwo.series.log import DataFile, Manifest, StoreDamaged
from ogniwo.series.model import CellVersion, microseconds_of

LOCK = "LOCK"


def verify_store(root: Path) -> tuple[Finding, ...]:
    """Every deviation as a finding with its file, and its cell where that can still be told."""
    manifests, findings = _read_log(root)
    log_is_whole, named = not findings, {LOCK}
    versions: dict[tuple[str, str, Month], int] = {}
    for manifest in manifests:
        named.add(log.path_of(root, manifest.number).relative_to(root).as_posix())
        for file in manifest.files:
            named.add(file.path)
            findings.extend(_check_file(root, file, manifest, versions if log_is_whole else None))
    findings.extend(_check_others(root, named))
    return tuple(findings)


def _finding(code: str, message: str, path: str, *, severity: Severity = Severity.ERROR) -> Finding:
    return Finding(code=code, severity=severity, message=message, source=path)


def _read_log(root: Path) -> tuple[list[Manifest], list[Finding]]:
    manifests: list[Manifest] = []
    findings = []
    paths = sorted((root / log.FOLDER).glob("[0-9]*.json"))
    numbers = {path.name: path for path in paths}
    last = max((int(path.stem) for path in paths if path.stem.isdigit()), default=0)
    previous: str | None = log.GENESIS
    for number in range(1, last + 1):
        path = log.path_of(root, number)
        shown = path.relative_to(root).as_posix()
        if path.name not in numbers:
            findings.append(_finding("series.manifest_missing", "a commit of the log is missing", shown))
            previous = None
            continue
        content = path.read_bytes()
        try:
            manifest = log.decode(content, path=path)
            if previous is not None:
                log.check_link(manifest, number=number, previous=previous, path=path)
        except StoreDamaged as damage:
            findings.append(_finding("series.manifest_changed", damage.detail, shown))
            previous = None
            continue
        manifests.append(manifest)
        previous = sha256_hex(content)
    return manifests, findings


def _check_file(
    root: Path, file: DataFile, manifest: Manifest, versions: dict[tuple[str, str, Month], int] | None
) -> Iterator[Finding]:
    path = root / file.path
    if not path.is_file():
        yield _finding("series.file_missing", f"a file of commit {manifest.number} is missing", file.path)
        return
    if digest_of_file(path) != file.sha256:
        size = path.stat().st_size
        message = f"commit {manifest.number} wrote {file.size} bytes with another digest; there are {size}"
        yield _finding("series.file_changed", message, file.path)
    try:
        rows = rows_of(root, file)
    except StoreDamaged as damage:
        yield _finding("series.file_unreadable", damage.detail, file.path)
        return
    for row in rows:
        if versions is not None:
            key = row.point, row.channel, row.month
            versions[key] = versions.get(key, 0) + 1
            if row.version != versions[key]:
                yield _cell_finding(row, f"is version {row.version}, {versions[key]} was expected")
        if microseconds_of(row.known_at) != manifest.known_at_us:
            yield _cell_finding(row, "was not known when its commit says")
    yield from _check_cells(root, file, rows)


def _cell_finding(row: CellVersion, what: str) -> Finding:
    return Finding(
        code="series.cell_changed",
        severity=Severity.ERROR,
        message=f"the cell of {row.month} {what}",
        source=row.path,
        row=row.row + 1,
        point=row.point,
        channel=row.channel,
        facts=(("version", row.name),),
    )


def _check_cells(root: Path, file: DataFile, rows: list[CellVersion]) -> Iterator[Finding]:
    """Check the values of every row; a row group that cannot be decoded is reported row by row."""
    for begin in range(0, len(rows), ROW_GROUP):
        group = rows[begin : begin + ROW_GROUP]
        try:
            ((_, table),) = read_rows(
                root / file.path, rows=[row.row for row in group], columns=("wh", "quality", "present", "worst")
            )
            values, offsets = values_of(table)
            packed, present, worst = (table.column(name).to_pylist() for name in ("quality", "present", "worst"))
            qualities = [decode_quality(runs) for runs in packed]
        except (OSError, pa.ArrowException, ValueError) as error:
            yield from (_cell_finding(row, f"cannot be read: {error}") for row in group)
            continue
        for place, (row, quality) in enumerate(zip(group, qualities, strict=True)):
            wh, month = values[offsets[place] : offsets[place + 1]], str(row.month)
            digest = digest_of(
                point=row.point, channel=row.channel, month=month, slot_s=row.slot_s, wh=wh, quality=quality
            )
            if digest.hex() != row.digest:
                yield _cell_finding(row, "does not have the digest it was committed with")
            elif present[place] != present_bits(quality) or worst[place] != worst_present(quality):
                yield _cell_finding(row, "has presence bits that do not fit its qualities")


def _others(root: Path, named: set[str]) -> Iterator[tuple[Path, str]]:
    """Files below the root that no commit names."""
    for path in sorted(root.rglob("*")):
        shown = path.relative_to(root).as_posix()
        if path.is_file() and shown not in named:
            yield path, shown


def _check_others(root: Path, named: set[str]) -> Iterator[Finding]:
    for path, shown in _others(root, named):
        if path.parent.name == dense.FOLDER and path.suffix == dense.SUFFIX:
            if not dense.is_intact(path):
                yield _finding("series.cache_changed", "a working set is not as it was built: delete it", shown)
        else:
            message = "no commit names this file: an interrupted writer left it, or its commit was taken away"
            yield _finding("series.leftover", message, shown, severity=Severity.NOTE)


def sweep_store(root: Path, *, working_unused_since: datetime | None) -> tuple[str, ...]:
    """Delete temporary files of dead writers, data files no commit names, and old working sets; hold the lock.

    Raises StoreDamaged while the log is damaged: a file may then be named by a commit that cannot be read.
    """
    manifests, findings = _read_log(root)
    if findings:
        raise StoreDamaged(detail=f"{findings[0].source}: {findings[0].message}; nothing was swept")
    named = {LOCK, *(file.path for manifest in manifests for file in manifest.files)}
    named.update(log.path_of(root, manifest.number).relative_to(root).as_posix() for manifest in manifests)
    removed = []
    for path, shown in _others(root, named):
        if _is_leftover(path, working_unused_since):
            path.unlink()
            removed.append(shown)
    return tuple(removed)


def _is_leftover(path: Path, working_unused_since: datetime | None) -> bool:
    if path.name.startswith(TEMPORARY):
        return not is_held(path)
    if path.suffix == dense.SUFFIX:
        return working_unused_since is not None and path.stat().st_mtime < working_unused_since.timestamp()
    return path.suffix == ".parquet"
