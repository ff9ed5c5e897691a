"""The records of a workspace move from its file into PostgreSQL: every row, once, or the file stays in force."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

import records_database
from ogniwo.services.workspace.records_place import VARIABLE
from records_database import rows_of

pytestmark = pytest.mark.xdist_group("postgresql")

OGNIWO = str(Path(sys.executable).with_name("ogniwo"))


def given(folder, *words):
    environment = {key: value for key, value in os.environ.items() if key != VARIABLE}
    return subprocess.Popen(
        [OGNIWO, "-w", str(folder), *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )


def run(folder, *words, code=0):
    process = given(folder, *words)
    out, said = process.communicate(timeout=300)
    assert process.returncode == code, said
    return out + said


@pytest.fixture
def filled(stages, sample_toml, tmp_path):
    """A workspace in its own file: a closed month, people let in, work that waits."""
    folder = tmp_path / "w"
    if records_database.POSTGRESQL:  # the stages are in a database already
        run(folder, "workspace", "create", "--name", "Próba")
        master = tmp_path / "master.toml"
        master.write_text(sample_toml(), encoding="utf-8")
        run(folder, "workspace", "register", str(master))
    else:
        records_database.copy_workspace(stages["closed"], folder)
    run(folder, "access", "invite-operator", "platforma")
    run(folder, "access", "new-key", "przykladowo", "--name", "odczyty", "--scope", "metering:write")
    with sqlite3.connect(folder / "ogniwo.sqlite3") as records:
        (organisation,) = records.execute("SELECT id FROM records_organisation WHERE code = 'przykladowo'").fetchone()
        records.execute(
            'INSERT INTO jobs_job (id, organisation_id, kind, "key", parameters, state, done, total, text, result, '
            'error_code, error_detail, error_trace, "by", asked_at, attempt, waits, worker, cancel_by) VALUES '
            "('0123456789abcdef0123456789abcdef', ?, 'check_data', '', '{\"month\": \"2026-10\"}', 'queued', 0, 0, '', "
            "'{}', '', '', '', 'ł', '2026-11-06 08:00:00.000001', 0, 0, '', '')",
            [organisation],
        )
    records.close()
    return folder


@pytest.fixture
def address(postgresql, tmp_path):
    schema = f"moved_{abs(hash(tmp_path)):x}"
    yield f"postgresql://ogniwo@/postgres?host={postgresql['HOST']}#{schema}"
    with psycopg.connect(f"postgresql://ogniwo@/postgres?host={postgresql['HOST']}", autocommit=True) as server:
        server.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE")


def number_of(table):
    return f'SELECT count(*) FROM "{table}"'  # noqa: S608 -- a name of the product's own


def counts_of_file(path):
    with sqlite3.connect(path) as records:
        tables = [name for (name,) in records.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        counts = {name: records.execute(number_of(name)).fetchone()[0] for name in tables}
    records.close()
    return {name: count for name, count in counts.items() if not name.startswith(("sqlite_", "django_migrations"))}


def rows_of_file(path, query):
    with sqlite3.connect(path) as records:
        found = records.execute(query).fetchall()
    records.close()
    return found


def schema_is_there(address):
    with psycopg.connect(address.partition("#")[0]) as server:
        found = server.execute("SELECT to_regnamespace(%s)", [address.partition("#")[2]]).fetchone()
    return found[0] is not None


STATEMENTS = "SELECT id, flows FROM records_statementrecord ORDER BY id"


def test_everything_moves_and_goes_on_there(filled, address):
    file, before = filled / "ogniwo.sqlite3", run(filled, "workspace", "show")
    counts = counts_of_file(file)
    tried = json.loads(run(filled, "records", "move", address, "--dry-run", "--json").partition("\ncopying")[0].strip())
    assert tried["tables"] == counts
    assert not schema_is_there(address)
    assert file.exists()

    assert "the records are in postgresql://ogniwo@" in run(filled, "records", "move", address)
    assert not file.exists()
    kept = filled / "ogniwo.sqlite3.moved"
    assert counts_of_file(kept) == counts
    assert run(filled, "workspace", "show") == before
    for table, count in counts.items():
        assert rows_of(filled, number_of(table)) == [(count,)], table
    ours = [(number, bytes(flows)) for number, flows in rows_of(filled, STATEMENTS)]
    assert ours == rows_of_file(kept, STATEMENTS)
    [(job, by, at, parameters)] = rows_of(filled, 'SELECT id::text, "by", asked_at::text, parameters FROM jobs_job')
    assert (job, by, json.loads(parameters)) == ("01234567-89ab-cdef-0123-456789abcdef", "ł", {"month": "2026-10"})
    assert at.startswith("2026-11-06")
    assert ":00:00.000001" in at

    run(filled, "access", "invite-operator", "platforma")  # a new row gets a new number
    [(invited,)] = rows_of(filled, "SELECT count(*) FROM access_invitation")
    assert invited == counts["access_invitation"] + 1
    with pytest.raises(psycopg.errors.IntegrityConstraintViolation, match="append-only"):
        rows_of(filled, "DELETE FROM records_auditevent RETURNING id")
    assert "already" in run(filled, "records", "move", address, code=4)


def test_a_move_that_is_killed_or_refused_leaves_the_file_in_force(filled, address):
    file, counts = filled / "ogniwo.sqlite3", counts_of_file(filled / "ogniwo.sqlite3")
    moving = given(filled, "records", "move", address)
    while "copying" not in moving.stderr.readline():
        assert moving.poll() is None
    moving.send_signal(signal.SIGKILL)
    moving.communicate()
    if file.exists():  # else it was quicker than the signal, and whole
        assert counts_of_file(file) == counts
        assert "Próba" in run(filled, "workspace", "show")
        run(filled, "records", "move", address)  # what the killed one left is made anew
    assert {name: rows_of(filled, number_of(name))[0][0] for name in counts} == counts


def test_what_stands_in_the_way_is_named_and_nothing_is_touched(filled, address):
    file = filled / "ogniwo.sqlite3"
    secret = address.replace("ogniwo@", "ogniwo:verysecret@")
    refused = run(filled, "records", "move", secret, code=4)
    assert "password" in refused
    assert "verysecret" not in refused
    with psycopg.connect(address.partition("#")[0], autocommit=True) as server:
        schema = address.partition("#")[2]
        server.execute(f"CREATE SCHEMA {schema}")
        server.execute(f"CREATE TABLE {schema}.elsewhere (id int)")
        assert "in use" in run(filled, "records", "move", address, code=4)
        assert server.execute("SELECT to_regclass(%s)", [f"{schema}.elsewhere"]).fetchone() != (None,)
        server.execute(f"DROP SCHEMA {schema} CASCADE")
    with sqlite3.connect(file) as records:
        records.execute("UPDATE jobs_job SET state = 'running'")
    records.close()
    assert "job is running" in run(filled, "records", "move", address, code=4)
    assert not schema_is_there(address)
    assert "database" not in (filled / "ogniwo.toml").read_text(encoding="utf-8")
