"""One setting when a workspace is made puts its records into PostgreSQL; from then on the workspace knows where."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import psycopg
import pytest

from ogniwo.services.workspace.model import BadSettingsError
from ogniwo.services.workspace.records_place import VARIABLE, RecordsElsewhereError, database_of
from records_database import rows_of

pytestmark = pytest.mark.xdist_group("postgresql")

OGNIWO = str(Path(sys.executable).with_name("ogniwo"))
DEMO_CLEARED = """
import sys
from pathlib import Path
from ogniwo.project.entry import prepare
prepare(Path(sys.argv[1]))
from ogniwo.services.demo.story import clear_demo
clear_demo(Path(sys.argv[1]))
"""


@pytest.fixture(scope="module")
def server(postgresql):
    return f"postgresql://ogniwo@/postgres?host={postgresql['HOST']}"


def run(folder, *words, code=0, database="", program=(OGNIWO,)):
    """A command; the environment names a database or none."""
    environment = {**{key: value for key, value in os.environ.items() if key != VARIABLE}, "PGUSER": ""}
    if database:
        environment[VARIABLE] = database
    place = ("-w", str(folder)) if program == (OGNIWO,) else ()
    done = subprocess.run([*program, *place, *words], capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == code, done.stderr
    return done.stdout + done.stderr


def made(folder, server, **more):
    return run(folder, "workspace", "create", "--name", "Próba", database=server, **more)


def kept(folder):
    return tomllib.loads((folder / "ogniwo.toml").read_text(encoding="utf-8")).get("database", "")


def test_a_workspace_made_with_the_setting_needs_it_no_more(server, tmp_path, monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    made(tmp_path / "a", server)
    made(tmp_path / "b", server)
    assert not (tmp_path / "a" / "ogniwo.sqlite3").exists()
    assert kept(tmp_path / "a") != kept(tmp_path / "b")  # a schema each, in one database
    master = tmp_path / "master.toml"
    master.write_text('[[organisation]]\ncode = "platforma"\nname = "Operator"\nkind = "operator"\n')
    run(tmp_path / "a", "workspace", "register", str(master))
    assert "platforma" in run(tmp_path / "a", "workspace", "show")
    assert "platforma" not in run(tmp_path / "b", "workspace", "show")
    assert rows_of(tmp_path / "a", "SELECT code FROM records_organisation") == [("platforma",)]
    assert "platforma" in run(tmp_path / "a", "workspace", "show", database=server)


def test_records_of_another_workspace_are_never_taken_over_and_a_lost_folder_is_said(server, tmp_path, monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    folder = tmp_path / "w"
    made(folder, server)
    (folder / "ogniwo.toml").unlink()  # the last step of a creation: one interrupted before it is taken up again
    made(folder, server)
    master = tmp_path / "master.toml"
    master.write_text('[[organisation]]\ncode = "platforma"\nname = "Operator"\nkind = "operator"\n')
    run(folder, "workspace", "register", str(master))
    schema = kept(folder).partition("#")[2]
    (folder / "ogniwo.toml").unlink()
    said = made(folder, server, code=4)
    assert "workspace.exists" in said
    assert f"DROP SCHEMA {schema} CASCADE" in said
    made(folder, f"{server}#another")
    assert kept(folder).endswith("#another")


def test_clearing_a_demo_takes_its_records_too(server, tmp_path, monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    folder = tmp_path / "w"
    run(folder, "workspace", "create", "--name", "Ogniwo demo", database=server)
    schema = kept(folder).partition("#")[2]
    run(folder, str(folder), program=(sys.executable, "-c", DEMO_CLEARED))
    assert not list(folder.iterdir())
    with psycopg.connect(server) as connection:
        assert connection.execute("SELECT to_regnamespace(%s)", [schema]).fetchone() == (None,)


def test_the_setting_never_hides_records_that_are_in_the_folder(server, tmp_path, monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    run(tmp_path / "w", "workspace", "create", "--name", "Próba")
    assert "workspace.records_elsewhere" in run(tmp_path / "w", "workspace", "show", database=server, code=4)
    with pytest.raises(RecordsElsewhereError):
        database_of(tmp_path / "w", wanted=server)
    assert database_of(tmp_path / "w")["NAME"] == tmp_path / "w" / "ogniwo.sqlite3"


def test_a_server_that_is_gone_is_said_in_one_line(tmp_path):
    said = made(tmp_path / "w", f"postgresql://ogniwo@/postgres?host={tmp_path}", code=75)
    assert "see that the server runs" in said
    assert len(said.splitlines()) == 1
    assert not (tmp_path / "w" / "ogniwo.toml").exists()


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("mysql://ogniwo:secret@db.example/x", "postgresql://USER@HOST/DATABASE"),
        ("postgresql://ogniwo:secret@db.example", "names no database"),
        ("postgresql://ogniwo:secret@db.example/x?colour=red", "no address that PostgreSQL understands"),
        ("postgresql://ogniwo:secret@db.example/x#Not-A-Name", "no name of a schema"),
    ],
)
def test_an_address_that_is_none_is_refused_without_its_password(tmp_path, address, words):
    with pytest.raises(BadSettingsError) as refused:
        database_of(tmp_path / "w", wanted=address)
    assert words in str(refused.value)
    assert "secret" not in str(refused.value)


def test_a_password_comes_from_the_environment_and_is_kept_nowhere(tmp_path):
    settings = '{}database = "postgresql://ogniwo@db.example:5433/energy?sslmode=require#coop"\n'
    (tmp_path / "ogniwo.toml").write_text(settings.format('name = "x"\nnetwork = "x"\n'))
    found = database_of(tmp_path, wanted="postgresql://ogniwo:secret@db.example:5433/energy")
    assert (found["PASSWORD"], found["HOST"], found["PORT"], found["NAME"]) == (
        "secret",
        "db.example",
        "5433",
        "energy",
    )
    assert found["OPTIONS"]["options"] == "-c search_path=coop"
    assert found["OPTIONS"]["sslmode"] == "require"
    other = database_of(tmp_path, wanted="postgresql://ogniwo:secret@other.example/energy")
    assert (other["PASSWORD"], other["HOST"]) == ("", "db.example")
    (tmp_path / "ogniwo.toml").write_text("database = 7\n")
    with pytest.raises(BadSettingsError):
        database_of(tmp_path, wanted="")
