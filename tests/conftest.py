"""Fixtures shared by all tests."""

import gc
import importlib.util
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import django
import pytest
from django.db import connections
from django.utils import translation

from ogniwo.project.entry import collect_less_often

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
    gc.collect()
    gc.freeze()
    collect_less_often()
    return folder


_FOLDER = _prepare_django()
# What commands say is compared in English, whatever the locale of who runs the tests.
os.environ["OGNIWO_LANGUAGE"] = "en"


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
Cluster = _load("clusters", Path(__file__).parent / "clusters.py").Cluster
records_database = _load("records_database", Path(__file__).parent / "records_database.py")
_load("browsing", Path(__file__).parent / "browsing.py")
_load("plug_in_projects", Path(__file__).parent / "plug_in_projects.py")
_load("price_model", Path(__file__).parent / "acceptance" / "price_model.py")
_load("keyed_phone", Path(__file__).parent / "keyed_phone.py")
_load("media_meters", Path(__file__).parent / "media_meters.py")
_load("storage_rents", Path(__file__).parent / "storage_rents.py")
_load("photos", Path(__file__).parent / "photos.py")
_load("mail_server", Path(__file__).parent / "integration" / "mail_server.py")
_load("watched", Path(__file__).parent / "integration" / "watched.py")


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


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Groups of tests share what is costly or there only once (a port): refuse to run where they are torn apart."""
    if getattr(config.option, "loadgroup", False):
        torn = [item.nodeid for item in items if item.get_closest_marker("xdist_group") and "@" not in item.nodeid]
        if torn:
            pytest.exit(f"pytest-xdist does not group these tests: {torn[:3]}", returncode=4)


def pytest_unconfigure() -> None:
    """Remove the folder and the server at the end."""
    shutil.rmtree(_FOLDER, ignore_errors=True)
    while _RECORDS:
        connections["default"].close()
        _RECORDS.pop().remove()


@pytest.fixture(autouse=True)
def _no_language_from_before() -> None:
    """A page leaves its language behind in the thread: no test may lean on what another one opened."""
    translation.deactivate()


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
