"""The ledger of a workspace moves from its file into PostgreSQL: every block as it is, or the file stays in force."""

import fcntl
import json
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
from ogniwo.chain.audit import verify_ledger
from ogniwo.chain.embedded import EmbeddedLedger
from ogniwo.chain.store import FencedError, LockedError, StoreUnreachableError, StoreWriteError
from ogniwo.chain.store_sqlite import SqliteStore
from ogniwo.chain.stores import open_store, store_exists
from ogniwo.core.kernel.calendar import Month
from ogniwo.core.ledger.blocks import Block
from ogniwo.interfaces.cli.main import Runtime, cli
from ogniwo.records.audit.models import AuditEvent
from ogniwo.records.ledger.models import Commitment
from ogniwo.services.contracts.queries import community
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
    _gone_back(now, tmp_path / "copy", blocks_of(address))


def _used(workspace, tmp_path):
    """What people do with a ledger, by its commands."""
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


def _gone_back(workspace, copy, blocks):
    """As docs/operations.md says for a ledger that went on in the database: by an auditor's copy."""
    server = subprocess.Popen(
        [OGNIWO, "-w", str(workspace.root), "ledger", "serve", "--port", "0"], stdout=subprocess.PIPE, text=True
    )
    try:
        said(workspace, "ledger", "follow", server.stdout.readline().strip(), "--folder", str(copy))
    finally:
        server.terminate()
        server.communicate(timeout=300)
    (copy / "ledger.sqlite3").rename(workspace.ledger_file)
    kept = [line for line in workspace.settings_file.read_text(encoding="utf-8").splitlines() if line[:6] != "ledger"]
    workspace.settings_file.write_text("\n".join(kept), encoding="utf-8")
    back = open_workspace(root=workspace.root)
    assert back.ledger == ""
    assert blocks_of(back.ledger_address) == blocks
    assert verify_ledger(back.ledger_address, checkpoints=kept_checkpoints(back)) == []
    assert ledger_head(back).height == len(blocks) - 1


def _a_point(workspace):
    row = Commitment.objects.filter(kind="statement").first()
    return row.natural_id.rpartition("/")[2]


VICTIMS = """
import os, signal, sys
from pathlib import Path
from ogniwo.project.entry import prepare
folder, address = Path(sys.argv[1]), sys.argv[2]
prepare(folder)
from ogniwo.chain.store_sqlite import SqliteStore
from ogniwo.services.ledger.moving import move_ledger
from ogniwo.services.workspace import changing
from ogniwo.services.workspace.operations import open_workspace

def die_at(point):
    def visit(name):
        if name == point:
            os.kill(os.getpid(), signal.SIGKILL)
    blocks, publish, number = SqliteStore.blocks, changing.publish_by_rename, iter(range(10**6))
    def counted(*args, **kwargs):
        for block in blocks(*args, **kwargs):
            visit(f"block {next(number)}")
            yield block
    def published(*args):
        visit("before the settings")
        publish(*args)
        visit("after the settings")
    SqliteStore.blocks, changing.publish_by_rename = counted, published
    move_ledger(open_workspace(root=folder), address=address, step=visit)

for line in sys.stdin:
    if not (child := os.fork()):
        die_at(line.strip())
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


class Victims:
    """Real processes that move a ledger and are killed at a point; `at` gives how one ended."""

    def __init__(self, workspace, address):
        command = [sys.executable, "-c", VICTIMS, str(workspace.root), address]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def at(self, point):
        self.process.stdin.write(f"{point}\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())

    def end(self):
        self.process.communicate(timeout=300)


@pytest.fixture
def victims(posted, address):
    started = Victims(posted, address)
    yield started
    started.end()


def gone(cluster):
    """Wait until the server has noticed that a killed process is no more, and given its lock back."""
    with psycopg.connect(cluster.address("").partition("#")[0], autocommit=True) as server:
        query = "SELECT count(*), pg_sleep(0.01) FROM pg_locks WHERE locktype = 'advisory'"
        for _ in range(30_000):
            if not server.execute(query).fetchone()[0]:
                return
    pytest.fail("a lock is held by nobody")


def in_force(workspace, place, blocks):
    """Whether the ledger is read and written at a place, with these blocks."""
    assert open_workspace(root=workspace.root).ledger_address == workspace.ledger_address == place
    assert blocks_of(place) == blocks
    with open_ledger(workspace) as ledger:
        assert ledger.head().height == len(blocks) - 1
        assert ledger.address == place


def test_killed_anywhere_the_file_or_the_database_is_in_force_and_a_second_move_ends_it(
    posted, address, cluster, victims
):
    blocks, kept = blocks_of(posted.ledger_file), posted.root / "ledger.sqlite3.moved"
    assert len(blocks) > 3
    points = ("copying", "block 2", "comparing", f"block {len(blocks) + 2}", "switching", "before the settings")
    for point in points:
        assert victims.at(point) == -9, point
        gone(cluster)
        in_force(posted, posted.ledger_file, blocks)
        assert not kept.exists()
    assert marks(cluster) == 1

    assert victims.at("after the settings") == -9
    gone(cluster)
    in_force(posted, address, blocks)
    assert not AuditEvent.objects.filter(action="ledger.move")  # its row was not yet kept
    assert posted.ledger_file.exists()
    assert victims.at("ending a move that was stopped") == -9
    gone(cluster)
    assert "without" in said(posted, "ledger", "move", address, "--dry-run", code=4).stderr
    said(posted, "ledger", "move", address)
    assert not marks(cluster)
    assert not posted.ledger_file.exists()
    assert blocks_of(kept) == blocks
    in_force(posted, address, blocks)
    assert AuditEvent.objects.filter(action="ledger.move").count() == 1
    assert "already" in said(posted, "ledger", "move", address, code=4).stderr


def test_killed_between_the_settings_and_the_end_a_second_move_ends_it(posted, address, cluster, victims):
    blocks, kept = blocks_of(posted.ledger_file), posted.root / "ledger.sqlite3.moved"
    assert victims.at("setting the file aside") == -9
    assert victims.at("ending a move that was stopped") == -9
    gone(cluster)
    posted.ledger_file.rename(kept)  # as one that was killed a step later leaves it
    assert victims.at("none") == 0
    assert not marks(cluster)
    assert AuditEvent.objects.filter(action="ledger.move").count() == 1  # it was kept before the first kill
    in_force(posted, address, blocks)


@pytest.mark.parametrize("last_step", ["copying", "comparing", "switching", "setting the file aside", "ending"])
def test_what_fails_at_a_step_takes_back_what_is_not_in_force(posted, address, cluster, last_step):
    blocks = blocks_of(posted.ledger_file)

    def fail(name):
        if name == last_step:
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        move_ledger(posted, address=address, step=fail)
    if last_step in {"copying", "comparing", "switching"}:
        assert not store_exists(address)
        assert not marks(cluster)
        in_force(posted, posted.ledger_file, blocks)
    else:
        assert marks(cluster) == 1
        in_force(posted, address, blocks)
    moved = move_ledger(posted, address=address)
    assert (moved.blocks, moved.address) == (len(blocks), address)
    assert blocks_of(moved.kept) == blocks
    in_force(posted, address, blocks)
    assert not marks(cluster)


@pytest.mark.parametrize("lost_at", ["copying", "switching"])
def test_a_connection_that_is_lost_leaves_the_file_in_force(posted, address, cluster, lost_at):
    blocks = blocks_of(posted.ledger_file)

    def lose(name):
        if name == lost_at:
            with psycopg.connect(cluster.address("").partition("#")[0]) as server:
                server.execute("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'")

    with pytest.raises((StoreWriteError, StoreUnreachableError)):
        move_ledger(posted, address=address, step=lose)
    assert marks(cluster) == (lost_at == "switching")
    in_force(posted, posted.ledger_file, blocks)
    assert move_ledger(posted, address=address).blocks == len(blocks)
    in_force(posted, address, blocks)
    assert not marks(cluster)


def test_a_mark_that_is_gone_stops_the_switch(posted, address, cluster):
    """As after a failover to a server that does not have the copy."""

    def drop(name):
        if name == "switching":
            with psycopg.connect(cluster.address("").partition("#")[0], autocommit=True) as server:
                server.execute(f"DROP TABLE {mark_of(server)}")

    with pytest.raises(FencedError):
        move_ledger(posted, address=address, step=drop)
    assert open_workspace(root=posted.root).ledger == ""


def mark_of(server):
    query = "SELECT relname FROM pg_class WHERE relname LIKE 'ogniwo_ledger_%_unfinished_move'"
    [(mark,)] = server.execute(query).fetchall()
    return mark


def test_a_copy_that_differs_is_not_used(posted, address, monkeypatch):
    blocks = blocks_of(posted.ledger_file)
    read = copying.compare
    other = [blocks[0], blocks[1]._replace(body=blocks[1].body[:-1] + b"?"), *blocks[2:]]
    for wrong in (other, blocks[:-1], [*blocks, blocks[-1]._replace(height=len(blocks))], blocks[1:]):
        monkeypatch.setattr(
            "ogniwo.services.ledger.moving.compare", lambda source, _, wrong=wrong: read(source, Listed(wrong))
        )
        assert "ledger.copy_differs" in said(posted, "ledger", "move", address, code=4).stderr
        assert not store_exists(address)
        in_force(posted, posted.ledger_file, blocks)


class Listed:
    """Blocks that a store might give."""

    def __init__(self, blocks):
        self._blocks = blocks

    def blocks(self):
        return iter(self._blocks)

    def count(self):
        return len(self._blocks), self._blocks[0].height


def test_a_file_that_is_no_chain_is_not_moved(posted, address):
    with sqlite3.connect(posted.ledger_file) as file:
        file.execute("DELETE FROM blocks WHERE height = 2")
    file.close()
    assert "ledger.database_damaged" in said(posted, "ledger", "move", address, code=4).stderr
    assert not store_exists(address)
    assert posted.ledger_file.exists()


def test_only_an_empty_or_its_own_unfinished_place_is_written_to(posted, address, cluster, tmp_path, ledger_of_others):
    blocks = blocks_of(posted.ledger_file)
    theirs = ledger_of_others(address)
    refused = said(posted, "ledger", "move", address, code=4).stderr
    assert "ledger.target_taken" in refused
    assert "the ledger of test.example/one" in refused
    assert blocks_of(address) == theirs
    in_force(posted, posted.ledger_file, blocks)

    empty = cluster.address(f"empty-{next(NAMES)}")
    EmbeddedLedger(empty, snapshot_entries=0).close()  # made, and nothing posted
    backup = shutil.copytree(posted.root, tmp_path / "backup")
    copy_at_rest = blocks_of(posted.ledger_file)
    said(posted, "ledger", "move", empty)
    assert blocks_of(empty) == copy_at_rest
    # An old copy of the folder, put back in its place after the ledger went on: it must not take what is in force.
    shutil.rmtree(posted.root)
    shutil.copytree(backup, posted.root)
    assert "ledger.target_taken" in said(posted, "ledger", "move", empty, code=4).stderr
    assert blocks_of(empty) == copy_at_rest


def test_a_copy_that_went_on_since_or_is_of_another_folder_is_left_alone(posted, address, cluster, victims):
    """The mark stays when a move is killed after its switch; an old copy of the folder must not take it for its own."""
    settings, blocks = posted.settings_file.read_bytes(), blocks_of(posted.ledger_file)
    assert victims.at("setting the file aside") == -9
    gone(cluster)
    with open_store(address, write=True) as store:
        store.append(Block(len(blocks), b"a later", b"block"))
    posted.settings_file.write_bytes(settings)
    assert "in use since" in said(posted, "ledger", "move", address, code=4).stderr
    with psycopg.connect(cluster.address("").partition("#")[0], autocommit=True) as server:
        mark = mark_of(server)
        server.execute(f"UPDATE {mark} SET folder = '/elsewhere'")  # noqa: S608 -- a name of the product's own
        assert "from /elsewhere" in said(posted, "ledger", "move", address, code=4).stderr
        server.execute(f"DROP TABLE {mark}")
    assert blocks_of(address)[:-1] == blocks
    in_force(posted, posted.ledger_file, blocks)


@pytest.fixture
def ledger_of_others():
    """Put the founding of another network at an address; gives its blocks."""

    def put(address):
        import ledger_network  # noqa: PLC0415 -- loaded by the tests' configuration

        network = ledger_network.Network()
        with EmbeddedLedger(address, clock=lambda: network.now, workers=1) as ledger:
            ledger.submit(network.founding())
        return blocks_of(address)

    return put


def test_who_writes_either_side_is_not_disturbed(posted, address):
    blocks = blocks_of(posted.ledger_file)
    server = subprocess.Popen(
        [OGNIWO, "-w", str(posted.root), "ledger", "serve", "--port", "0"], stdout=subprocess.PIPE, text=True
    )
    try:
        assert server.stdout.readline().startswith("http://127.0.0.1:")
        assert "ledger.locked" in said(posted, "ledger", "move", address, code=75).stderr
        assert not store_exists(address)
    finally:
        server.terminate()
        server.communicate(timeout=300)
    with EmbeddedLedger(address, snapshot_entries=0):
        assert "ledger.locked" in said(posted, "ledger", "move", address, code=75).stderr
    with (posted.root / "changing.lock").open("a") as changing:
        fcntl.flock(changing, fcntl.LOCK_EX)
        assert "workspace.busy" in said(posted, "ledger", "move", address, code=75).stderr
    in_force(posted, posted.ledger_file, blocks)


def test_who_opened_the_workspace_before_the_move_follows_it(posted, address, monkeypatch):
    with view_ledger(posted) as (replica, _):
        head = replica.head()

    def late(place, **more):
        """A writer that read the settings before the move and comes for the lock after it."""
        monkeypatch.setattr(access, "EmbeddedLedger", EmbeddedLedger)
        if place == posted.ledger_file:
            move_ledger(posted, address=address)
        return EmbeddedLedger(place, **more)

    monkeypatch.setattr(access, "EmbeddedLedger", late)
    with pytest.raises(LockedError, match="moved just now"), open_ledger(posted):
        pass
    with view_ledger(posted) as (replica, tables):
        assert replica.head() == head
        assert tables.catch_up() == head.height
    with open_ledger(posted) as ledger:
        assert ledger.address == address
    assert posted.ledger == ""


def test_what_stands_in_the_way_is_named(posted, address):
    secret = address.replace("ogniwo@", "ogniwo:verysecret@")
    for wrong in (secret, "mysql://x/y"):
        refused = said(posted, "ledger", "move", wrong, code=4).stderr
        assert "workspace.bad_settings" in refused
        assert "verysecret" not in refused
    kept = posted.root / "ledger.sqlite3.moved"
    kept.touch()
    assert "another move" in said(posted, "ledger", "move", address, code=4).stderr
    kept.unlink()
    nowhere = "postgresql://ogniwo@/postgres?host=/nowhere"
    assert "ledger.store_unreachable" in said(posted, "ledger", "move", nowhere, code=4).stderr
    with SqliteStore(posted.ledger_file, write=True) as store:
        blocks = list(store.blocks())
    posted.ledger_file.rename(posted.root / "elsewhere")
    assert "ledger.not_found" in said(posted, "ledger", "move", address, code=5).stderr
    SqliteStore(posted.ledger_file, write=True).close()
    assert "no block" in said(posted, "ledger", "move", address, code=5).stderr
    (posted.root / "elsewhere").replace(posted.ledger_file)
    settings = posted.settings_file.read_text(encoding="utf-8")
    posted.settings_file.write_text(f'{settings}"ledger" = ""\n', encoding="utf-8")
    assert "as one line" in said(posted, "ledger", "move", address, code=4).stderr
    posted.settings_file.write_text(f'{settings}ledger = ""\n', encoding="utf-8")  # nothing named yet, said aloud
    said(posted, "ledger", "move", address)
    in_force(posted, address, blocks)
