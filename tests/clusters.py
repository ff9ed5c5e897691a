"""PostgreSQL clusters of Debian's package, for tests and benchmarks."""

import os
import shutil
import subprocess
from itertools import count
from pathlib import Path


def _tool(name: str) -> str:
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), reverse=True)
    if not found:
        raise RuntimeError("PostgreSQL is missing: install the package `postgresql` (tools/system_packages.sh test)")
    return str(found[0])


_CLUSTERS = count(1)


class Cluster:
    """A PostgreSQL of Debian's package on a socket of its own; `options` are server settings, NAME=VALUE."""

    def __init__(self, *options: str, initdb: tuple[str, ...] = ()) -> None:
        # A socket path must be short and readable by the user postgres.
        self.folder = Path("/tmp") / f"ogniwo-pg-{os.getpid()}-{next(_CLUSTERS)}"  # noqa: S108
        self.data = self.folder / "data"
        self.options = options
        self.data.mkdir(parents=True, mode=0o755)
        if os.getuid() == 0:
            shutil.chown(self.folder, "postgres")
            shutil.chown(self.data, "postgres")
        self._run(
            _tool("initdb"), "-D", str(self.data), "-U", "ogniwo", "-A", "trust", "-E", "UTF8", "-k", "-N", *initdb
        )
        self.start()

    def _run(self, *command: str) -> None:
        # PostgreSQL refuses to run as root; its package brings the user for it.
        other = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.getuid() == 0 else []
        subprocess.run(
            [*other, *command], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd=self.folder
        )

    def start(self) -> None:
        """Start the server and wait until it answers."""
        settings = ("listen_addresses=''", f"unix_socket_directories='{self.folder}'", *self.options)
        options = " ".join(f"-c {setting}" for setting in settings)
        control = _tool("pg_ctl")
        self._run(control, "-D", str(self.data), "-w", "-l", str(self.folder / "log"), "-o", options, "start")

    def stop(self, mode: str = "immediate") -> None:
        """Stop the server; "immediate" is what a crash of it looks like."""
        self._run(_tool("pg_ctl"), "-D", str(self.data), "-m", mode, "stop")

    def address(self, name: str) -> str:
        """The address of a ledger in it."""
        return f"postgresql://ogniwo@/postgres?host={self.folder}#{name}"

    def remove(self) -> None:
        """Stop the server if it runs, and remove everything."""
        if (self.data / "postmaster.pid").exists():
            self.stop()
        shutil.rmtree(self.folder)
