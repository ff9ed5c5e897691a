"""Files that wait until somebody confirms what they would do, for a day at most: they hold people's data."""

import re
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

import msgspec

from ogniwo.core.kernel.ids import sha256_hex
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.services.workspace.changing import keep_whole
from ogniwo.services.workspace.model import Workspace

KEPT_FOR: Final = timedelta(days=1)
_FOLDER: Final = "previews"
_KEY: Final = re.compile(r"[0-9a-f]{64}\Z")


class KeptFile(msgspec.Struct, frozen=True):
    """A file that waits, and for which organisation it was sent."""

    organisation: str
    file_name: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Previews:
    """The files of one kind; `kind` names their folder, `missing` the refusal when one is not there."""

    kind: str
    missing: type[Refusal]

    def keep(self, workspace: Workspace, file: KeptFile) -> str:
        """Keep a file; gives the key that finds it again, the hash of what was sent. What is old goes."""
        folder = self._folder(workspace)
        (workspace.root / _FOLDER).mkdir(mode=0o700, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
        self._forget_old(workspace)
        kept = msgspec.json.encode(file)
        key = sha256_hex(kept)
        keep_whole(folder / key, kept)
        return key

    def kept(self, workspace: Workspace, *, organisation_code: str, key: str) -> KeptFile:
        """A file that was kept for an organisation. Raises `missing`."""
        if not _KEY.match(key):
            raise self.missing(detail="there is no such preview")
        try:
            file = msgspec.json.decode((self._folder(workspace) / key).read_bytes(), type=KeptFile)
        except FileNotFoundError as error:
            raise self.missing(detail="there is no such preview; send the file again") from error
        if file.organisation != organisation_code:
            raise self.missing(detail="there is no such preview; send the file again")
        return file

    def forget(self, workspace: Workspace, key: str) -> None:
        """Let go of a file that was confirmed."""
        (self._folder(workspace) / key).unlink(missing_ok=True)

    def _folder(self, workspace: Workspace) -> Path:
        return workspace.root / _FOLDER / self.kind

    def _forget_old(self, workspace: Workspace) -> None:
        oldest = (workspace.now() - KEPT_FOR).timestamp()
        for path in self._folder(workspace).iterdir():
            if path.is_file() and path.stat().st_mtime < oldest:
                path.unlink(missing_ok=True)
