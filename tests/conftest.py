"""Fixtures shared by all tests."""

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import django
import pytest
from django.db import connections

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real meter data beside the repository; its absence is an error where CI is set."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        if os.environ.get("CI"):
            pytest.fail(f"the real meter data is missing: {folder}")
        pytest.skip("the real meter data is not beside this checkout")
    return folder


def _prepare_django() -> Path:
    """Make Django ready before any test module imports records, in a folder of this process only."""
    folder = Path(tempfile.mkdtemp(prefix="ogniwo-tests-"))
    (folder / "ogniwo.toml").touch()  # what people read is compiled for workspaces only
    os.environ["OGNIWO_WORKSPACE"] = str(folder)
    os.environ["DJANGO_SETTINGS_MODULE"] = "ogniwo.project.web_settings"
    django.setup()
    (folder / "ogniwo.toml").unlink()  # the records of the tests are wherever the environment says
    # The commands that tests start choose their settings themselves, as they do for a user.
    del os.environ["DJANGO_SETTINGS_MODULE"]
    return folder


_FOLDER = _prepare_django()


def _load(name: str, path: Path) -> Any:
    """Make a file beside the tests importable by a name: the tests are no package."""
    if name not in sys.modules:
        specification = importlib.util.spec_from_file_location(name, path)
        assert specification is not None
        assert specification.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(specification)
        specification.loader.exec_module(sys.modules[name])
    return sys.modules[name]


_load("ledger_network", Path(__file__).parent / "unit" / "core" / "ledger" / "network.py")
records_database = _load("records_database", Path(__file__).parent / "records_database.py")


def _tool(name: str) -> str:
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), reverse=True)
    if not found:
        pytest.fail("PostgreSQL is missing: install the package `postgresql` (tools/system_packages.sh test)")
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


_RECORDS: list[Cluster] = []


def pytest_configure(config: pytest.Config) -> None:
    """Start the server that keeps the records, where PostgreSQL shall; each process of the tests has its own."""
    if not records_database.POSTGRESQL or getattr(config.option, "dist", "no") != "no":
        return
    # The order of Polish words, so that nothing leans on the order of bytes, which is SQLite's.
    _RECORDS.append(Cluster("fsync=off", "max_connections=300", initdb=("--locale-provider=icu", "--icu-locale=pl")))
    os.environ[records_database.VARIABLE] = f"postgresql://ogniwo@/postgres?host={_RECORDS[0].folder}"
    connections.databases["default"].update(records_database.database_of(_FOLDER))
    del connections["default"]  # one for SQLite was made when Django got ready


def pytest_unconfigure() -> None:
    """Remove the folder and the server at the end."""
    shutil.rmtree(_FOLDER, ignore_errors=True)
    while _RECORDS:
        connections["default"].close()
        _RECORDS.pop().remove()


@pytest.fixture(autouse=records_database.POSTGRESQL)
def _records_end_with_the_test(tmp_path: Path) -> Iterator[None]:
    """Drop the databases of a test's own workspaces."""
    yield
    records_database.forget_below(tmp_path)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[dict[str, str]]:
    """Connection settings of a running PostgreSQL cluster; stopped and removed at the end."""
    cluster = Cluster("fsync=off")
    yield {"HOST": str(cluster.folder), "USER": "ogniwo", "NAME": "postgres"}
    cluster.remove()


@pytest.fixture(scope="session")
def new_cluster() -> Iterator[Callable[..., Cluster]]:
    """Start PostgreSQL clusters with settings of one's own; all are removed at the end."""
    clusters: list[Cluster] = []

    def started(*options: str) -> Cluster:
        clusters.append(Cluster(*options))
        return clusters[-1]

    yield started
    for cluster in clusters:
        cluster.remove()


@pytest.fixture(scope="module")
def cluster(new_cluster: Callable[..., Cluster]) -> Cluster:
    """A PostgreSQL cluster of this module's own, which syncs as in earnest and may be killed."""
    return new_cluster()
