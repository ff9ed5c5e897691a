"""The chart bundle of the console: built from npm when a wheel is made or a working copy is set up, never committed.

As a hook of hatchling it puts the bundle into the wheel and the source distribution; as a program
(`python hatch_build.py`) it builds it in place. What is current is not built again: the first line of the bundle names
the digest of everything that it is made of.
"""

import os
import shutil
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SOURCES = ("package.json", "package-lock.json", "charts.js", "build.mjs")
TARGET = Path("src/ogniwo/interfaces/web/static/web/charts")
WITHOUT = "OGNIWO_WITHOUT_CHARTS"


class ChartsNotBuiltError(Exception):
    """The bundle cannot be built here; the message says what is missing."""


class ChartBundleHook(BuildHookInterface):  # type: ignore[type-arg]
    """Builds the bundle before a wheel or a source distribution is packed."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 -- hatchling's signature
        """Build, unless this is an editable install (`make setup` builds for those) or charts were declined."""
        if version == "editable" or os.environ.get(WITHOUT) == "1":
            return
        try:
            build_charts(Path(self.root))
        except ChartsNotBuiltError as error:
            message = f"{error}; set {WITHOUT}=1 to pack without it: the console then draws its plain charts only"
            raise RuntimeError(message) from error


def build_charts(root: Path) -> bool:
    """Build the bundle unless the one that is there is current; whether it was built.

    Raises ChartsNotBuiltError without Node or npm, or when the build fails.
    """
    sources, target = root / "chart_bundle", root / TARGET
    digest = _digest(sources)
    if _is_current(target, digest):
        return False
    for tool in ("node", "npm"):
        if shutil.which(tool) is None:
            raise ChartsNotBuiltError(f"the chart bundle needs {tool}, which is not here (Debian: nodejs, npm)")
    _run(["npm", "ci", "--silent"], sources)
    _run(["node", "build.mjs", str(target), digest], sources)
    if not _is_current(target, digest):
        raise ChartsNotBuiltError(f"the build of the chart bundle left nothing current in {target}")
    return True


def _digest(sources: Path) -> str:
    return sha256(b"\0".join((sources / name).read_bytes() for name in SOURCES)).hexdigest()


def _is_current(target: Path, digest: str) -> bool:
    bundle = target / "charts.js"
    if not bundle.is_file() or not (target / "NOTICES.txt").is_file():
        return False
    with bundle.open(encoding="utf-8") as lines:
        return digest in lines.readline(200)


def _run(command: list[str], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603 -- ours
    if done.returncode:
        raise ChartsNotBuiltError(f"`{' '.join(command)}` failed:\n{done.stdout}{done.stderr}")
    sys.stdout.write(done.stdout)


def main() -> int:
    """Build in the working copy that this file lies in; 1 and the reason on stderr when that cannot be done."""
    try:
        built = build_charts(Path(__file__).resolve().parent)
    except ChartsNotBuiltError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    if built:
        sys.stdout.write(f"The chart bundle is in {TARGET}.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
