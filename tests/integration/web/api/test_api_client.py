"""The typed client against the product's own server process, and the example of the documents."""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ogniwo.services.demo.sample import COMMUNITY_CODE, POINTS

ROOT = Path(__file__).parents[4]
COMMAND = [sys.executable, "-m", "ogniwo"]
CLIENT = ROOT / "clients" / "python"


@pytest.fixture(scope="session")
def served(web_stages, tmp_path_factory):
    """`ogniwo serve` over a billed month, and a key that `ogniwo access new-key` made."""
    folder = tmp_path_factory.mktemp("served") / "workspace"
    shutil.copytree(web_stages["posted"], folder)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    environment = {**os.environ, "OGNIWO_ORIGIN": address}
    scopes = [f"{noun}:{verb}" for noun in ("metering", "bills", "ledger", "webhooks") for verb in ("read", "write")]
    scopes += ["organisations:read", "members:read", "settlement:read", "tariffs:read", "jobs:read"]
    made = subprocess.run(
        [*COMMAND, "-w", str(folder), "access", "new-key", COMMUNITY_CODE, "--name", "notebook", "--role", "partner"]
        + [word for scope in scopes for word in ("--scope", scope)],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    server = subprocess.Popen([*COMMAND, "-w", str(folder), "serve", "--port", str(port)], env=environment)
    try:
        _wait(server, port)
        yield address, made.stdout.strip(), folder
    finally:
        server.terminate()
        server.wait(20)


def _wait(server, port):
    until = time.monotonic() + 60
    while time.monotonic() < until:
        assert server.poll() is None, "the server ended"
        with socket.socket() as asked:
            if asked.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise AssertionError("the server does not listen")


@pytest.fixture
def package(monkeypatch):
    """The client as an installed package."""
    monkeypatch.syspath_prepend(str(CLIENT))
    import ogniwo_client  # noqa: PLC0415 -- found only now

    return ogniwo_client


def test_the_client_reads_what_is_there(served, package):
    address, key, _ = served
    client = package.Client(address, key=key)
    assert client.get_me()["kind"] == "key"
    assert [one["code"] for one in client.all_organisations()] == [COMMUNITY_CODE]
    points = list(client.all_points(COMMUNITY_CODE, limit=7))
    assert [one["ppe"] for one in points] == [one.code for one in POINTS]
    bill = next(client.all_bills(COMMUNITY_CODE, month="2026-10"))
    assert client.get_bill(COMMUNITY_CODE, bill["id"]).value["digest"] == bill["digest"]
    assert client.get_bill_pdf(COMMUNITY_CODE, bill["id"]).startswith(b"%PDF-")
    kind = "application/vnd.apache.parquet"
    data = client.export_intervals(COMMUNITY_CODE, month="2026-10", point=[POINTS[0].code], accept=kind)
    assert data[:4] == data[-4:] == b"PAR1"


def test_the_client_changes_by_version_and_repeats_safely(served, package):
    address, key, _ = served
    client = package.Client(address, key=key)
    order = {"url": "https://example.com/told", "events": ["period.closed"]}
    made = client.create_webhook(COMMUNITY_CODE, order, idempotency_key="once")
    assert client.create_webhook(COMMUNITY_CODE, order, idempotency_key="once")["id"] == made["id"]
    read = client.get_webhook(COMMUNITY_CODE, made["id"])
    changed = client.update_webhook(COMMUNITY_CODE, made["id"], {"active": False}, if_match=read.etag)
    assert changed.value["active"] is False
    with pytest.raises(package.ApiProblem) as refused:
        client.delete_webhook(COMMUNITY_CODE, made["id"], if_match=read.etag)
    assert (refused.value.status, refused.value.code) == (412, "api.version_differs")
    client.delete_webhook(COMMUNITY_CODE, made["id"], if_match=changed.etag)


def test_the_client_sends_files_and_says_what_is_wrong(served, package):
    address, key, _ = served
    client = package.Client(address, key=key, language="pl")
    job = client.upload_files(COMMUNITY_CODE, [("żółw.csv", b"no meter file")], dry_run=True)
    assert client.get_job(COMMUNITY_CODE, job["id"]).value["state"] == "queued"
    with pytest.raises(package.ApiProblem) as wrong:
        client.list_points(COMMUNITY_CODE, limit=501)
    assert wrong.value.errors[0]["pointer"] == "#/limit"
    with pytest.raises(package.ApiProblem) as nobody:
        package.Client(address).get_me()
    assert (nobody.value.status, nobody.value.title) == (401, "Who asks is not known")
    with pytest.raises(package.UnreachableError):
        package.Client("http://127.0.0.1:9", tries=1).get_me()


def test_a_key_is_listed_and_revoked_from_the_command_line(served, package):
    address, _, folder = served

    def access(*words):
        command = [*COMMAND, "-w", str(folder), "access", *words]
        return subprocess.run(command, capture_output=True, text=True, check=True)

    made = access("new-key", COMMUNITY_CODE, "--name", "for a day", "--scope", "bills:read")
    client = package.Client(address, key=made.stdout.strip())
    assert client.get_me()["scopes"] == ["bills:read"]
    listed = next(line for line in access("keys", COMMUNITY_CODE).stdout.splitlines() if "for a day" in line)
    access("revoke-key", COMMUNITY_CODE, listed.split()[0])
    with pytest.raises(package.ApiProblem) as refused:
        client.get_me()
    assert refused.value.status == 401


def test_the_types_of_the_client_hold():
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--config-file", os.devnull, "ogniwo_client"],
        cwd=CLIENT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Success" in done.stdout, done.stdout


def test_the_example_of_the_documents_runs(served, tmp_path):
    address, key, _ = served
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "api.md").read_text(encoding="utf-8"), re.DOTALL)
    program = tmp_path / "notebook.py"
    program.write_text("\n".join(blocks), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(program)],
        env={**os.environ, "PYTHONPATH": str(CLIENT), "OGNIWO_ADDRESS": address, "OGNIWO_KEY": key},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("organisation przykladowo: 40 points")
    assert any(line.startswith("most expensive bill: FV/2026/11/") for line in lines)
    assert any(line.startswith("the same month on G12w: ") for line in lines)
    assert (tmp_path / "october.parquet").stat().st_size > 10_000
