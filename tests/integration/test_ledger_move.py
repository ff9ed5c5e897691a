"""The ledger of a workspace moves from its file into PostgreSQL: every block, byte for byte, or the file is in force."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from itertools import count
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner

from ogniwo.chain import moving as copying
from ogniwo.chain.embedded import EmbeddedLedger
from ogniwo.chain.store import Block
from ogniwo.chain.store_sqlite import SqliteStore
from ogniwo.chain.stores import open_store, store_exists
from ogniwo.core.kernel.calendar import Month
from ogniwo.interfaces.cli.main import Runtime, cli
from ogniwo.records.audit.models import AuditEvent
from ogniwo.services.ledger import access
from ogniwo.services.ledger.access import open_ledger
from ogniwo.services.ledger.moving import move_ledger
from ogniwo.services.ledger.posting import kept_checkpoints, post_month
from ogniwo.services.ledger.proving import checkpoint_verifier
from ogniwo.services.ledger.queries import balances, ledger_head
from ogniwo.services.ledger.viewing import view_ledger
from ogniwo.services.workspace.operations import open_workspace
from ogniwo.services.workspace.queries import operator_subject
from records_database import copy_workspace, go_back, kept_place, serve

pytestmark = pytest.mark.xdist_group("postgresql")

OGNIWO = str(Path(sys.executable).with_name("ogniwo"))
NAMES = count(1)


@pytest.fixture(scope="module")
def posted_once(stages, tmp_path_factory):
    """A workspace with a month on its ledger, its blocks in a file."""
    before = kept_place()
    folder = copy_workspace(stages["closed"], tmp_path_factory.mktemp("posted") / "w")
    serve(folder)
    workspace = open_workspace(root=folder)
    from ogniwo.services.contracts.queries import community  # noqa: PLC0415

    post_month(workspace, community=community(code="przykladowo", subject=operator_subject()), month=Month(2026, 10))
    go_back(before)
    return folder


@pytest.fixture
def posted(posted_once, tmp_path):
    """An own copy of it, opened while the file is in force."""
    before = kept_place()
    folder = copy_workspace(posted_once, tmp_path / "w")
    serve(folder)
    yield open_workspace(root=folder)
    go_back(before)


@pytest.fixture
def address(cluster):
    return cluster.address(f"moved-{next(NAMES)}")


def said(workspace, *words, code=0):
    """A command in this process, over the workspace as its settings file says now."""
    runtime = Runtime(prepare=lambda _folder: None)
    result = CliRunner().invoke(cli, ["-w", str(workspace.root), *words], obj=runtime)
    assert result.exit_code == code, result.output
    return result


def blocks_of(place):
    with open_store(place, write=False) as store:
        return list(store.blocks())


def marks(cluster):
    """Tables of moves that have not ended."""
    with psycopg.connect(cluster.address("").partition("#")[0]) as server:
        query = "SELECT count(*) FROM pg_class WHERE relname LIKE 'ogniwo_ledger_%_unfinished_move'"
        return server.execute(query).fetchone()[0]


def test_every_block_moves_and_all_goes_on_there(posted, address, cluster, tmp_path):
    file, kept = posted.ledger_file, posted.root / "ledger.sqlite3.moved"
    head, held, blocks = ledger_head(posted), balances(posted, subject=operator_subject()), blocks_of(file)
    tried = json.loads(said(posted, "ledger", "move", address, "--dry-run", "--json").stdout)
    assert (tried["moved"], tried["blocks"], tried["network"]) == (False, len(blocks), "ogniwo/proba")
    assert not store_exists(address)
    assert blocks_of(file) == blocks
    assert "ledger" not in posted.settings_file.read_text(encoding="utf-8")

    moved = subprocess.run(
        [OGNIWO, "-w", str(posted.root), "ledger", "move", address, "--json"], capture_output=True, check=False
    )
    assert moved.returncode == 0, moved.stderr
    assert json.loads(moved.stdout) == {**tried, "moved": True}
    assert blocks_of(address) == blocks_of(kept) == blocks
    assert not file.exists()
    assert not marks(cluster)
    now = open_workspace(root=posted.root)
    assert (now.ledger, now.name, now.sample_rates) == (address, posted.name, posted.sample_rates)
    act = AuditEvent.objects.get(action="ledger.move")
    assert (act.target, act.facts) == (address, {"blocks": len(blocks), "head": tried["head"]})

    assert (ledger_head(now), balances(now, subject=operator_subject())) == (head, held)
    with open_ledger(now) as ledger:
        assert ledger._keeper.opened_from == head.height  # the snapshot beside the old file serves
    _used(now, tmp_path)
    assert len(blocks_of(address)) == len(blocks) + 1
    assert "already" in said(now, "ledger", "move", address, code=4).stderr


def _used(workspace, tmp_path):
    """What people do with a ledger, by its commands."""
    assert "differ" not in said(workspace, "ledger", "verify", "--no-pictures").stdout
    written = said(workspace, "ledger", "audit", "--output", str(tmp_path / "report")).stdout
    assert json.loads(Path(written.splitlines()[0]).read_bytes())["passed"]
    said(workspace, "token", "balance")
    name = f"przykladowo/2026-10/v1/{_a_point(workspace)}"
    receipt = said(workspace, "proof", "export", "--statement", name).stdout
    assert json.loads(receipt)["receipt"] == 1
    key = checkpoint_verifier(workspace)
    asked = ("--create", "--folder", str(tmp_path / "copy"), "--account", "platforma/audytor", "--checkpoint-key", key)
    said(workspace, "ledger", "follow", *asked)
    said(workspace, "ledger", "admit-reader", str(tmp_path / "copy" / "request.json"))
    assert "differ" not in said(workspace, "ledger", "verify", "--no-pictures").stdout


def _a_point(workspace):
    from ogniwo.records.ledger.models import Commitment  # noqa: PLC0415

    row = Commitment.objects.filter(kind="statement").first()
    return row.natural_id.rpartition("/")[2]
