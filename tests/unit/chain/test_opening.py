"""Opening from snapshots: faster, never another state, and damaged ones are passed over with a warning."""

import shutil

import pytest

from ogniwo.chain import opening
from ogniwo.chain.embedded import EmbeddedLedger
from ogniwo.chain.snapshots import SnapshotFolder
from ogniwo.chain.store import DamagedStoreError
from ogniwo.chain.store_sqlite import SqliteStore
from ogniwo.core.ledger.machine import Machine


@pytest.fixture
def path(tmp_path):
    return tmp_path / "ledger.sqlite3"


@pytest.fixture
def replayed(monkeypatch):
    """The heights that opening replays."""
    heights = []
    replay = Machine.replay

    def counted(self, block, **options):
        heights.append(block.height)
        return replay(self, block, **options)

    monkeypatch.setattr(Machine, "replay", counted)
    return heights


def opened(path, network, **options):
    return EmbeddedLedger(path, clock=lambda: network.now, workers=1, **{"snapshot_entries": 6} | options)


def pay(ledger, network, times):
    for _ in range(times):
        (answer,) = ledger.submit([network.signed(network.pay("op/coop/anna", "op/coop/jan", 1), "anna")])
        assert answer.code == "accepted"


@pytest.fixture
def ledger_of_twelve(path, network):
    """A closed ledger of twelve blocks; snapshots were taken on the way and at the end."""
    with opened(path, network) as ledger:
        ledger.submit(network.founding())
        pay(ledger, network, 11)
        return ledger.head()


def folder_of(path):
    return SnapshotFolder(path.with_name(path.name + ".snapshots"))


def test_opening_replays_only_what_came_after_the_snapshot(path, network, ledger_of_twelve, replayed):
    assert len(folder_of(path).heights()) == 2
    assert folder_of(path).heights()[0] == 11
    with opened(path, network, snapshot_entries=10**6) as ledger:
        assert replayed == []
        assert ledger.head() == ledger_of_twelve
        pay(ledger, network, 3)
        head = ledger.head()
    with opened(path, network) as ledger:
        assert replayed == [12, 13, 14]
        assert ledger.head() == head
        assert ledger.findings == ()
        assert ledger._keeper.opened_from == 11
    replayed.clear()
    with opened(path, network, snapshot_entries=0) as ledger:
        assert replayed == list(range(15))
        assert ledger.head() == head


def test_nothing_is_kept_where_none_is_wanted(path, network):
    with opened(path, network, snapshot_entries=0) as ledger:
        ledger.submit(network.founding())
        pay(ledger, network, 11)
    assert not folder_of(path).folder.exists()


def test_only_two_are_kept_and_nothing_else_lies_about(path, network, ledger_of_twelve):
    folder = folder_of(path)
    (folder.folder / "left.chunk.part").write_bytes(b"of an interrupted one")
    with opened(path, network) as ledger:
        pay(ledger, network, 12)
    heights = folder.heights()
    assert len(heights) == 2
    named = {chunk.sha256 for height in heights for chunk in folder.manifest(height).chunks}
    assert {file.stem for file in folder.folder.iterdir() if file.suffix == ".chunk"} == named
    assert {file.suffix for file in folder.folder.iterdir()} == {".chunk", ".manifest"}


def damaged(folder, suffix, change):
    for file in folder.folder.glob(f"*{suffix}"):
        data = change(file.read_bytes())
        if data is None:
            file.unlink()
        else:
            file.write_bytes(data)


DAMAGE = {
    "flipped chunk": (".chunk", lambda data: bytes([data[0] ^ 1]) + data[1:]),
    "short chunk": (".chunk", lambda data: data[:-1]),
    "empty chunk": (".chunk", lambda data: b""),
    "missing chunk": (".chunk", lambda data: None),
    "flipped manifest": (".manifest", lambda data: data[:40] + bytes([data[40] ^ 1]) + data[41:]),
    "short manifest": (".manifest", lambda data: data[:-1]),
    "empty manifest": (".manifest", lambda data: b""),
    "other manifest": (".manifest", lambda data: data.replace(b'"entries":', b'"entries":1')),
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_a_damaged_snapshot_is_passed_over_and_told(path, network, ledger_of_twelve, replayed, kind):
    damaged(folder_of(path), *DAMAGE[kind])
    with opened(path, network) as ledger:
        assert ledger.head() == ledger_of_twelve
        assert replayed[-12:] == list(range(12))
        findings = ledger.findings
        pay(ledger, network, 60)
    assert [finding.code for finding in findings] == ["ledger.snapshot_unusable"] * 2
    # What was written since is whole again.
    with opened(path, network) as ledger:
        assert ledger._keeper.opened_from > 12
        assert ledger.findings == ()


def test_the_older_snapshot_serves_when_the_newer_is_damaged(path, network, ledger_of_twelve, replayed):
    folder = folder_of(path)
    newest, older = folder.heights()
    folder._manifest_file(newest).write_bytes(b"{}")
    with opened(path, network) as ledger:
        assert ledger._keeper.opened_from == older
        assert ledger.head() == ledger_of_twelve
        assert [finding.code for finding in ledger.findings] == ["ledger.snapshot_unusable"]
        assert replayed == list(range(older + 1, 12))


def test_a_snapshot_of_another_ledger_is_passed_over(path, network, ledger_of_twelve, tmp_path):
    other = tmp_path / "other.sqlite3"
    network.now += 7
    with opened(other, network) as ledger:
        ledger.submit(network.founding())
        pay(ledger, network, 11)
    shutil.rmtree(folder_of(path).folder)
    shutil.copytree(folder_of(other).folder, folder_of(path).folder)
    with opened(path, network) as ledger:
        assert ledger.head() == ledger_of_twelve
        assert {finding.code for finding in ledger.findings} == {"ledger.snapshot_unusable"}
        assert "another block" in ledger.findings[0].message


def test_a_store_older_than_its_snapshot_is_told(path, network, ledger_of_twelve, tmp_path):
    """The file of yesterday put back: the snapshot knows more, and what is written now replaces it."""
    with SqliteStore(path, write=True) as store:
        store._connection.execute("DELETE FROM blocks WHERE height >= 3")
    with opened(path, network) as ledger:
        assert ledger.head().height == 2
        assert "lost its end" in ledger.findings[0].message
        pay(ledger, network, 4)
    assert folder_of(path).heights()[0] <= 6


def test_a_damaged_block_after_the_snapshot_is_no_way_in(path, network, ledger_of_twelve):
    newest = folder_of(path).heights()[0]
    with opened(path, network, snapshot_entries=10**6) as ledger:
        pay(ledger, network, 2)
    with SqliteStore(path, write=True) as store:
        store._connection.execute("UPDATE blocks SET body = x'90' WHERE height = ?", (newest + 1,))
    with pytest.raises(DamagedStoreError, match=f"block {newest + 1}"):
        opened(path, network)


def test_a_disk_that_is_full_costs_the_snapshot_and_nothing_else(path, network, monkeypatch):
    def full(self, machine):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(SnapshotFolder, "write", full)
    with opened(path, network) as ledger:
        ledger.submit(network.founding())
        pay(ledger, network, 11)
        assert {finding.code for finding in ledger.findings} == {"ledger.snapshot_not_written"}
        assert ledger.health().running
        assert len(ledger.findings) < 6  # it is not tried again at every block


def test_a_writer_that_failed_takes_no_snapshot(path, network):
    """Its machine stands at a block that was never written."""
    ledger = opened(path, network, snapshot_entries=1_000)
    ledger.submit(network.founding())
    ledger._store._connection.execute("PRAGMA query_only = ON")
    ledger._keeper._every = 1
    with pytest.raises(opening.Refusal):
        pay(ledger, network, 1)
    ledger.close()
    assert folder_of(path).heights() == []


def test_snapshots_cost_a_constant_share(path, network):
    """The next one is due when the log has grown by as much as the last one held."""
    with opened(path, network, snapshot_entries=2) as ledger:
        ledger.submit(network.founding())
        pay(ledger, network, 1)  # by its answer, the snapshot of the block before is done
        assert folder_of(path).heights() == [0]
        assert ledger._keeper._rows > 30
        pay(ledger, network, 10)
        assert folder_of(path).heights() == [0]
        pay(ledger, network, 40)
        assert len(folder_of(path).heights()) == 2


def test_a_gap_before_the_snapshot_is_noticed(path, network, ledger_of_twelve):
    with SqliteStore(path, write=True) as store:
        store._connection.execute("DELETE FROM blocks WHERE height = 3")
    with pytest.raises(DamagedStoreError, match="expected 3"):
        opened(path, network)
