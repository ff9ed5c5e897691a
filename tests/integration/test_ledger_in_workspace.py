"""A posted workspace from its commands' side: erased from, audited, served, followed; one ledger all the while."""

import json
import sqlite3
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path

import psycopg
import pytest

from ogniwo.core.kernel.calendar import Month
from ogniwo.core.ledger.receipts import check_receipt
from ogniwo.gateways.exchange import exchange
from ogniwo.records.ledger.models import Commitment
from ogniwo.services.ledger.access import ErasedError, erased_points
from ogniwo.services.ledger.auditing import audit_workspace
from ogniwo.services.ledger.erasing import POINT_SECRET, NothingToEraseError, erase
from ogniwo.services.ledger.following import create_follower
from ogniwo.services.ledger.posting import kept_checkpoints, post_month
from ogniwo.services.ledger.proving import checkpoint_verifier, prove_document, prove_interval
from ogniwo.services.ledger.serving import kept_reads
from ogniwo.services.workspace.queries import operator_subject
from records_database import files_of_table, rows_of

OGNIWO = Path(sys.executable).with_name("ogniwo")


@pytest.fixture
def posted(at_stage, cooperative):
    workspace = at_stage("closed")
    done = post_month(workspace, community=cooperative(), month=Month(2026, 10))
    return workspace, cooperative(), done


def command(workspace, *words, code=0):
    run = subprocess.run(
        [str(OGNIWO), "-w", str(workspace.root), *words], capture_output=True, text=True, check=False, timeout=120
    )
    assert run.returncode == code, run.stdout + run.stderr
    return run.stdout


def test_erase_audit_serve_and_follow(posted, tmp_path):
    workspace, community, _ = posted
    _erased(workspace)
    _asked_first(workspace)
    _audited(workspace)
    again = post_month(workspace, community=community, month=Month(2026, 10))
    assert (again.days_minted, again.documents_anchored) == (0, 0)  # what was erased is not posted anew
    _served_and_followed(workspace, tmp_path)


def _erased(workspace):
    """Erase a statement and the salts of a point; the receipts and what cannot be shown any more."""
    row = Commitment.objects.filter(kind="statement").first()
    secret = Commitment.objects.filter(kind=POINT_SECRET).first()
    salt, payload, key = row.salt, row.payload, checkpoint_verifier(workspace)
    before = prove_document(workspace, kind="statement", natural_id=row.natural_id, subject=operator_subject())
    assert json.loads(before)["document"]["salt"] == salt
    with pytest.raises(NothingToEraseError):
        erase(workspace, kind="statement", natural_id="no such", reason="request-1")
    done = erase(workspace, kind="statement", natural_id=row.natural_id, reason="request-1")
    assert (done.erased_before, done.payload_bytes) == (False, len(payload.encode()))
    assert erase(workspace, kind="statement", natural_id=row.natural_id, reason="request-1").erased_before
    erase(workspace, kind=POINT_SECRET, natural_id=secret.natural_id, reason="request-1")
    assert erased_points() == {secret.natural_id}
    database = files_of_table(workspace.root, "records_commitment")
    assert salt.encode() not in database  # overwritten, not only unlinked
    assert secret.salt.encode() not in database
    receipt = prove_document(workspace, kind="statement", natural_id=row.natural_id, subject=operator_subject())
    assert "document" not in json.loads(receipt)
    assert check_receipt(receipt, checkpoint_key=key).payload.commitment == row.commitment  # inclusion holds
    with pytest.raises(ErasedError):
        prove_interval(
            workspace,
            point_code=secret.natural_id,
            channel="1.29.0",
            at=datetime.fromisoformat("2026-10-14T09:00:00+02:00"),
            subject=operator_subject(),
        )


def _asked_first(workspace):
    name = Commitment.objects.filter(kind="statement").exclude(salt="").first().natural_id
    words = ("ledger", "erase", "--statement", name, "--reason", "request-2")
    run = subprocess.run(
        [str(OGNIWO), "-w", str(workspace.root), *words], input="n\n", capture_output=True, text=True, check=False
    )
    assert run.returncode == 130
    command(workspace, *words, "--dry-run")
    assert Commitment.objects.get(kind="statement", natural_id=name).salt
    assert "erased" in command(workspace, *words, "--yes")
    assert not Commitment.objects.get(kind="statement", natural_id=name).salt


def _audited(workspace):
    """One audit with a checkpoint that somebody kept, and one that was forged."""
    note = kept_checkpoints(workspace)[-1]
    forged = note.replace("\n" + note.split("\n")[1] + "\n", "\n7\n", 1)
    report = audit_workspace(workspace, notes=[note, forged])
    said = json.loads(report.document)
    assert [finding["code"] for finding in said["findings"] if finding["severity"] != "note"] == [
        "ledger.checkpoint_signature"
    ]
    assert {finding["code"] for finding in said["findings"] if finding["severity"] == "note"} == {
        "verify.document_erased",
        "verify.readings_erased",
    }
    assert {check["name"]: check["passed"] for check in said["checks"]}["ledger"]
    assert not report.passed
    assert "erased" in said["not_proven"]
    assert said["erased_documents"] == 2
    assert all(row["sum"] == "0" for row in said["sums"])


def _served_and_followed(workspace, tmp_path):
    """Through the commands alone: an auditor is admitted, the ledger served, copied by him, audited from the copy."""
    copy, key = tmp_path / "copy", checkpoint_verifier(workspace)
    command(
        workspace, "ledger", "follow", "--create", "--folder", str(copy), "--account", "platforma/audytor",
        "--checkpoint-key", key,
    )  # fmt: skip
    for _ in range(2):  # repeating it changes nothing
        assert "platforma/audytor may read" in command(workspace, "ledger", "admit-reader", str(copy / "request.json"))
    grab = create_follower(folder=tmp_path / "grab", account="platforma", checkpoint_key=key, now_s=int(time.time()))
    command(workspace, "ledger", "admit-reader", str(grab), code=4)  # a key for the operator's own account
    server = subprocess.Popen(
        [str(OGNIWO), "-w", str(workspace.root), "ledger", "serve", "--port", "0"], stdout=subprocess.PIPE, text=True
    )
    try:
        url = server.stdout.readline().strip()
        assert url.startswith("http://127.0.0.1:")
        assert exchange("GET", f"{url}/v1/health", bytes_max=9_999).status == 200
        assert "documents" in command(workspace, "ledger", "show")  # who reads does not wait for who writes
        assert "ledger.locked" in _refused(workspace, "ledger", "post", "2026-10")
        said = command(workspace, "ledger", "follow", url, "--folder", str(copy))
        assert "agrees with the signed checkpoint" in said
        size = int(json.loads(exchange("GET", f"{url}/v1/head", bytes_max=9_999).body)["log_size"])
        kept = workspace.root / "checkpoints" / f"{size:010d}.txt"  # admitting the reader kept none, serving does
        deadline = time.monotonic() + 10
        while not kept.exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        assert kept.exists()
    finally:
        server.terminate()
        server.wait(timeout=20)
        server.stdout.close()
    assert server.returncode == 0
    written = command(workspace, "ledger", "audit", "--copy", str(copy), "--output", str(tmp_path / "report"))
    document = json.loads(Path(written.splitlines()[0]).read_bytes())
    assert (document["passed"], document["findings"]) == (True, [])
    acts = json.loads(command(workspace, "ledger", "reads", "--json"))
    assert {(act["account"], act["scope"], act["reason"]) for act in acts} == {("platforma/audytor", "tree", "audit")}
    assert len(kept_reads(account="platforma/audytor")) == len(acts)
    with pytest.raises(Exception, match="append-only") as refused:
        rows_of(workspace.root, "DELETE FROM records_ledgerread")
    assert isinstance(refused.value, sqlite3.IntegrityError | psycopg.IntegrityError)


def _refused(workspace, *words):
    run = subprocess.run(
        [str(OGNIWO), "-w", str(workspace.root), *words], capture_output=True, text=True, check=False, timeout=60
    )
    assert run.returncode == 75
    return run.stderr
