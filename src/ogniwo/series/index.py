"""Which versions exist: read from the log and the key columns of the data files, month by month, on demand."""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import pyarrow as pa

from ogniwo.core.kernel.calendar import Month
from ogniwo.core.kernel.ids import sha256_hex
from ogniwo.series import log
from ogniwo.series.cells import KEYS, read_columns
from ogniwo.series.log import DataFile, Manifest, StoreDamaged
from ogniwo.series.model import CellVersion, Commit, instant_of_microseconds

Key = tuple[str, str]
"""Point and channel."""


_BLOCK = 1 << 20


@dataclass(slots=True)
class MonthIndex:
    """The versions of a month by (point, channel), each list in the order of commits."""

    files: list[DataFile] = field(default_factory=list)
    read: int = 0
    versions: dict[Key, list[CellVersion]] = field(default_factory=dict)


class Index:
    """Follows the log; what other processes commit appears at the next `refresh`, which costs one look at a name."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._months: dict[Month, MonthIndex] = {}
        self._by_id: dict[str, Commit] = {}
        self.number, self.digest = 0, log.GENESIS

    def refresh(self) -> None:
        """Read the manifests that are new. Raises StoreDamaged."""
        while True:
            path = log.path_of(self._root, self.number + 1)
            try:
                content = path.read_bytes()
            except FileNotFoundError:  # the end of the log
                return
            manifest = log.decode(content, path=path)
            log.check_link(manifest, number=self.number + 1, previous=self.digest, path=path)
            self._take(manifest, sha256_hex(content))

    def _take(self, manifest: Manifest, digest: str) -> None:
        self.number, self.digest = manifest.number, digest
        if manifest.commit_id:
            self._by_id.setdefault(manifest.commit_id, commit_of(manifest, digest))
        for file in manifest.files:
            self._months.setdefault(Month.parse(file.month), MonthIndex()).files.append(file)

    def commit_by_id(self, commit_id: str) -> Commit | None:
        """The first commit made under an id."""
        return self._by_id.get(commit_id) if commit_id else None

    def months(self) -> tuple[Month, ...]:
        """All months that have cells."""
        return tuple(sorted(self._months))

    def of_month(self, month: Month) -> dict[Key, list[CellVersion]]:
        """The versions of a month. Raises StoreDamaged when a data file cannot be read."""
        index = self._months.get(month)
        if index is None:
            return {}
        while index.read < len(index.files):
            _add(index, index.files[index.read], self._root, month)
            index.read += 1
        return index.versions

    def as_of(self, month: Month, as_of: datetime | None) -> dict[Key, CellVersion]:
        """The latest version of each cell of a month, or the latest known at an instant."""
        found = {}
        for key, versions in self.of_month(month).items():
            version = latest(versions, as_of)
            if version is not None:
                found[key] = version
        return found


def commit_of(manifest: Manifest, digest: str) -> Commit:
    """The commit a manifest tells of."""
    return Commit(
        number=manifest.number,
        commit_id=manifest.commit_id,
        known_at=instant_of_microseconds(manifest.known_at_us),
        source=manifest.source,
        author=manifest.author,
        stored=manifest.stored,
        unchanged=manifest.unchanged,
        digest=digest,
    )


def latest(versions: list[CellVersion], as_of: datetime | None) -> CellVersion | None:
    """The last version, or the last that was known at an instant."""
    if as_of is None:
        return versions[-1] if versions else None
    return next((version for version in reversed(versions) if version.known_at <= as_of), None)


def rows_of(root: Path, file: DataFile) -> list[CellVersion]:
    """The versions in a data file, in the order of its rows. Raises StoreDamaged."""
    try:
        columns = read_columns(root / file.path, columns=KEYS)
    except (OSError, pa.ArrowException, ValueError) as error:
        raise StoreDamaged(detail=f"{file.path} cannot be read: {error}") from error
    if len(columns["point"]) != file.rows:
        raise StoreDamaged(detail=f"{file.path} has {len(columns['point'])} rows, {file.rows} were committed")
    month = Month.parse(file.month)
    try:
        instants = {us: instant_of_microseconds(us) for us in set(columns["known_at_us"])}
    except OverflowError as error:
        raise StoreDamaged(detail=f"{file.path} holds an impossible instant") from error
    return [
        CellVersion(
            point=point,
            channel=channel,
            month=month,
            slot_s=slot_s,
            version=version,
            known_at=instants[known_at_us],
            source=source,
            reason=reason,
            author=author,
            digest=digest.hex(),
            path=file.path,
            row=row,
        )
        for row, (point, channel, _, slot_s, version, known_at_us, source, reason, author, digest) in enumerate(
            zip(*(columns[name] for name in KEYS), strict=True)
        )
    ]


def digest_of_file(path: Path) -> str:
    """The SHA-256 of a file in hex, read in blocks; "" when there is none."""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as content:
            while block := content.read(_BLOCK):
                digest.update(block)
    except FileNotFoundError:  # which is a digest nobody committed
        return ""
    return digest.hexdigest()


def _add(index: MonthIndex, file: DataFile, root: Path, month: Month) -> None:
    # Once per file and process: nothing that was changed on disk is taken for what was committed.
    if digest_of_file(root / file.path) != file.sha256:
        raise StoreDamaged(detail=f"{file.path} is missing or not as it was committed")
    for version in rows_of(root, file):
        before = index.versions.setdefault((version.point, version.channel), [])
        if version.version != len(before) + 1:
            raise StoreDamaged(
                detail=f"{file.path} holds version {version.version} of {version.point} {version.channel} {month},"
                f" {len(before) + 1} was expected"
            )
        before.append(version)
