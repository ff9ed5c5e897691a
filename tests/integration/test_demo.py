"""The main job, run twice as a user runs it: what it says, what it left on disk, and that it is the same every time."""

import hashlib
import json
import shutil
import sqlite3
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest

import records_database
from ogniwo.services.demo.files import GAP_FIRST_SLOT, GAP_SLOTS
from ogniwo.services.demo.profiles import sample_profiles
from ogniwo.services.demo.sample import POINTS

pytestmark = pytest.mark.xdist_group("demo")

OGNIWO = str(Path(sys.executable).with_name("ogniwo"))
FLOWS = ("taken", "given", "community_in", "community_out", "from_pool", "grid", "surplus")


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Two independent runs in folders of their own, at the same time: (folder, what it printed as JSON)."""
    folders = [tmp_path_factory.mktemp("demo") / "w" for _ in range(2)]
    running = [
        subprocess.Popen(
            [OGNIWO, "-w", str(folder), "demo", "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for folder in folders
    ]
    finished = []
    for folder, process in zip(folders, running, strict=True):
        output, errors = process.communicate(timeout=600)
        assert process.returncode == 0, errors
        finished.append((folder, json.loads(output)))
    return finished


def _rows(folder, query, *values):
    return records_database.rows_of(folder, query, *values)


def _flows(folder, version=1):
    """Hourly flows by point code, unpacked here without the product."""
    rows = _rows(
        folder,
        "select p.code, s.flows from records_statementrecord s join records_settlementrun r on r.id = s.run_id "
        "join records_meteringpoint p on p.id = s.point_id where r.version = ?",
        version,
    )
    return {
        code: dict(zip(FLOWS, np.frombuffer(zlib.decompress(packed), dtype="<i8").reshape(len(FLOWS), -1), strict=True))
        for code, packed in rows
    }


def test_forty_members_are_billed_and_everything_agrees(runs):
    _, said = runs[0]
    assert said["agrees"] is True
    assert len(said["members"]) == len(said["invoices"]) == 40
    assert said["invoices"] == [f"FV/2026/11/{number:04d}" for number in range(1, 41)]
    assert all(said["checks"].values())
    for row in said["members"]:
        assert row["taken_wh"] == row["community_in_wh"] + row["pool_wh"] + row["grid_wh"]
        assert row["given_wh"] == row["community_out_wh"] + row["surplus_wh"]
    assert sum(row["community_in_wh"] for row in said["members"]) == sum(
        row["community_out_wh"] for row in said["members"]
    )


def test_the_energy_of_every_member_is_that_of_the_generated_month(runs):
    """Nothing is lost between the generator and the settlement: four layouts, estimates and the gap included."""
    folder, said = runs[0]
    flows = _flows(folder)
    used = {row["name"]: row["taken_wh"] - row["given_wh"] for row in said["members"]}
    gap_hours = range(GAP_FIRST_SLOT // 4, (GAP_FIRST_SLOT + GAP_SLOTS) // 4 + 1)
    outside = np.ones(745, dtype=bool)
    outside[list(gap_hours)] = False
    need, offer = np.zeros(745, dtype=np.int64), np.zeros(745, dtype=np.int64)
    for profile in sample_profiles():
        net = (profile.import_wh - profile.export_wh).reshape(745, 4).sum(axis=1)
        assert used[profile.point.name] == net.sum()
        found = flows[profile.point.code]
        assert np.array_equal((found["taken"] - found["given"])[outside], net[outside])
        need += np.maximum(net, 0)
        offer += np.maximum(-net, 0)
    exchanged = sum(one["community_in"] for one in flows.values())
    assert np.array_equal(exchanged[outside], np.minimum(need, offer)[outside])


def test_the_pool_is_six_tenths_of_what_was_left_over(runs):
    folder, said = runs[0]
    surplus = sum(row["surplus_wh"] for row in said["members"])
    still_taken = sum(row["pool_wh"] + row["grid_wh"] for row in said["members"])
    assert sum(row["pool_wh"] for row in said["members"]) == min(surplus * 6 // 10, still_taken)
    (pool,) = _rows(folder, "select pool from records_settlementrun where version = 1")
    assert sum(lot["wh"] for lot in json.loads(pool[0])) == surplus * 6 // 10 - min(surplus * 6 // 10, still_taken)


def test_a_second_run_gives_the_same_bytes(runs):
    """Statements, invoices and pictures are equal to the byte; only keys, salts and signatures are fresh."""
    (first, said), (second, again) = runs
    assert said == again
    for query in (
        "select digest, document from records_statementrecord order by id",
        "select number, digest, document, pdf_sha256 from records_invoicerecord order by number",
        "select inputs_digest, inputs, totals, pool from records_settlementrun order by id",
    ):
        assert _rows(first, query) == _rows(second, query)
    pictures = sorted(path.relative_to(first) for path in (first / "documents").rglob("*.pdf"))
    assert len(pictures) == 40 + len(said["corrections"])
    for path in pictures:
        assert (first / path).read_bytes() == (second / path).read_bytes()


def test_the_correction_is_the_difference_only(runs):
    folder, said = runs[0]
    rows = _rows(folder, "select member_id, kind, net_grosz, gross_grosz from records_invoicerecord order by number")
    billed = {member: gross for member, kind, _, gross in rows if kind == "FV"}
    corrected = {member: gross for member, kind, _, gross in rows if kind == "FK"}
    assert len(corrected) == len(said["corrections"])
    statements = _rows(
        folder,
        "select p.member_id, s.document from records_statementrecord s join records_meteringpoint p on "
        "p.id = s.point_id join records_settlementrun r on r.id = s.run_id where r.version = 2",
    )
    for member, document in statements:
        net = sum(line["net_grosz"] for line in json.loads(document)["lines"])
        gross = net + (net * 23 + 50) // 100
        assert billed[member] + corrected.get(member, 0) == gross


def test_the_hour_that_was_corrected_changed_and_no_other(runs):
    folder, _ = runs[0]
    shop = next(point.code for point in POINTS if point.number == 34)
    before, after = _flows(folder, 1)[shop]["taken"], _flows(folder, 2)[shop]["taken"]
    changed = np.flatnonzero(before != after)
    assert list(changed) == [13 * 24 + hour for hour in (8, 9, 10, 11)]
    assert (after - before)[changed].tolist() == [1_250, 2_400, 2_650, 1_900]


def test_a_changed_byte_anywhere_is_found(runs, tmp_path):
    """Files, interval store, ledger, invoice and picture: one byte each, and the verification names the link."""
    source = runs[0][0]
    picture = next((source / "documents").rglob("FV-2026-11-0035.pdf")).relative_to(source)
    cell = next((source / "series" / "cells").rglob("*.parquet")).relative_to(source)
    received = next(path for path in (source / "received").rglob("*") if path.is_file()).relative_to(source)
    for name, link in (
        (picture, "invoice pictures"),
        (cell, "interval store"),
        (received, "received files"),
    ):
        folder = tmp_path / hashlib.sha256(str(name).encode()).hexdigest()[:8]
        shutil.copytree(source, folder)
        data = bytearray((folder / name).read_bytes())
        data[len(data) // 2] ^= 1
        (folder / name).write_bytes(data)
        checks = _verify(folder, pictures=name == picture)
        assert not checks[link], f"{name} was changed and nobody saw it"
    folder = tmp_path / "ledger"
    shutil.copytree(source, folder)
    with sqlite3.connect(folder / "ledger.sqlite3") as connection:
        (height, body) = connection.execute("select height, body from blocks order by height desc limit 1").fetchone()
        changed = bytearray(body)
        changed[len(changed) // 2] ^= 1
        connection.execute("update blocks set body = ? where height = ?", (bytes(changed), height))
    assert not _verify(folder, pictures=False)["ledger"]


def _verify(folder, *, pictures):
    result = subprocess.run(
        [OGNIWO, "-w", str(folder), "ledger", "verify", "--json", *([] if pictures else ["--no-pictures"])],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 3, result.stderr
    return {check["name"]: check["passed"] for check in json.loads(result.stdout)}


def test_receipts_of_the_demo_verify_with_the_independent_checker(runs, tmp_path):
    folder = runs[0][0]
    checker = Path(__file__).resolve().parents[2] / "docs" / "check_receipt.py"
    shown = subprocess.run(
        [OGNIWO, "-w", str(folder), "ledger", "show", "--json"], capture_output=True, text=True, check=True
    )
    key = json.loads(shown.stdout)["checkpoint_key"]
    shop = next(point.code for point in POINTS if point.number == 34)
    for number, arguments in enumerate(
        (("--invoice", "FV/2026/11/0035"), ("--point", shop, "--at", "2026-10-14T09:00+02:00"))
    ):
        receipt = tmp_path / f"{number}.json"
        subprocess.run([OGNIWO, "-w", str(folder), "proof", "export", *arguments, "--output", str(receipt)], check=True)
        command = [sys.executable, str(checker), str(receipt), "--checkpoint-key", key]
        assert subprocess.run(command, capture_output=True, check=False).returncode == 0
        content = json.loads(receipt.read_text())
        content["log_index"] += 1
        receipt.write_text(json.dumps(content, separators=(",", ":"), sort_keys=True, ensure_ascii=False))
        assert subprocess.run(command, capture_output=True, check=False).returncode == 1
