"""A real PostgreSQL of Debian's package, started for the tests on a socket of its own."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest


def _tool(name: str) -> str:
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), reverse=True)
    if not found:
        pytest.fail("PostgreSQL is missing: install the package `postgresql` (tools/system_packages.sh test)")
    return str(found[0])


def _as_postgres(command: list[str]) -> list[str]:
    """PostgreSQL refuses to run as root; its package brings the user for it."""
    return (
        ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", *command] if os.getuid() == 0 else command
    )


def _run(folder: Path, command: list[str]) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd=folder)


@pytest.fixture(scope="session")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Connection settings of a running PostgreSQL cluster; stopped and removed at the end."""
    folder = Path("/tmp") / f"ogniwo-pg-{os.getpid()}"  # noqa: S108 -- a socket path must be short and readable by postgres
    folder.mkdir(mode=0o755)
    data = folder / "data"
    data.mkdir()
    if os.getuid() == 0:
        shutil.chown(folder, "postgres")
        shutil.chown(data, "postgres")
    _run(folder, _as_postgres([_tool("initdb"), "-D", str(data), "-U", "ogniwo", "-A", "trust", "-E", "UTF8"]))
    options = f"-c listen_addresses='' -c unix_socket_directories='{folder}' -c fsync=off"
    start = [_tool("pg_ctl"), "-D", str(data), "-w", "-l", str(folder / "log"), "-o", options, "start"]
    _run(folder, _as_postgres(start))
    try:
        yield {"HOST": str(folder), "USER": "ogniwo", "NAME": "postgres"}
    finally:
        _run(folder, _as_postgres([_tool("pg_ctl"), "-D", str(data), "-m", "immediate", "stop"]))
        shutil.rmtree(folder)
