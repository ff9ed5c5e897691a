import sqlite3

import pytest

from ogniwo.chain import store_sqlite
from ogniwo.chain.store import DamagedStoreError, FencedError, LockedError, StoreWriteError
from ogniwo.chain.store_sqlite import SqliteStore
from ogniwo.core.ledger.blocks import Block


@pytest.fixture
def path(tmp_path):
    return tmp_path / "folder" / "ledger.sqlite3"


def test_blocks_are_kept_in_order_and_survive_reopening(path):
    blocks = [Block(height, b"header %d" % height, bytes([height]) * 1_000) for height in range(3)]
    with SqliteStore(path, write=True) as store:
        for block in blocks:
            store.append(block)
    with SqliteStore(path, write=False) as store:
        assert list(store.blocks()) == blocks
        assert list(store.blocks(from_height=1, limit=1)) == blocks[1:2]
        assert store.damage() == []


def test_commits_are_synced(path):
    with SqliteStore(path, write=True) as store:
        assert store._connection.execute("PRAGMA synchronous").fetchone() == (2,)
        assert store._connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_one_writer_at_a_time(path):
    with SqliteStore(path, write=True) as store:
        with pytest.raises(LockedError):
            SqliteStore(path, write=True)
        with SqliteStore(path, write=False) as reader:
            store.append(Block(0, b"h", b"b"))
            assert list(reader.blocks()) == [Block(0, b"h", b"b")]
    with SqliteStore(path, write=True):
        pass


def test_the_height_fences_a_writer_that_lost_its_lock(path):
    with SqliteStore(path, write=True) as store:
        store.append(Block(0, b"h", b"b"))
        with pytest.raises(FencedError):
            store.append(Block(0, b"other", b"b"))
        assert list(store.blocks()) == [Block(0, b"h", b"b")]


def test_a_write_that_fails_is_reported(path):
    with SqliteStore(path, write=True) as store:
        store._connection.execute("PRAGMA query_only = ON")
        with pytest.raises(StoreWriteError):
            store.append(Block(0, b"h", b"b"))


def test_a_file_is_set_aside_whole_and_not_while_its_log_is_needed(path, monkeypatch):
    monkeypatch.setattr(store_sqlite, "_READERS_MS", 1)
    kept, blocks = path.with_name("kept"), [Block(height, b"h", b"b") for height in range(4)]
    with SqliteStore(path, write=True) as store:
        for block in blocks[:3]:
            store.append(block)
        with store.reader() as reader:
            under_way = reader.blocks()
            assert next(under_way) == blocks[0]
            store.append(blocks[3])
            with pytest.raises(StoreWriteError, match="reading"):
                store.take_in_log()
            under_way.close()
        store.take_in_log()
        assert path.with_name(path.name + "-wal").stat().st_size == 0
        store.set_aside(kept)
    assert sorted(file.name for file in path.parent.iterdir()) == ["kept", "ledger.sqlite3.lock"]
    with SqliteStore(kept, write=False) as store:
        assert list(store.blocks()) == blocks


def test_wrong_files_are_recognised(tmp_path):
    text = tmp_path / "text"
    text.write_text("not a database at all, but long enough to be looked at " * 40)
    other = tmp_path / "other"
    connection = sqlite3.connect(other)
    connection.execute("CREATE TABLE blocks (height)")
    connection.close()
    for path in (text, other):
        for write in (True, False):
            with pytest.raises(DamagedStoreError):
                SqliteStore(path, write=write)
    with pytest.raises(DamagedStoreError):
        SqliteStore(tmp_path / "none", write=False)


def test_a_row_that_became_another_type_is_damage(path):
    with SqliteStore(path, write=True) as store:
        store.append(Block(0, b"h", b"b"))
    raw = path.read_bytes()
    # A row's header: its length, the types of height, header and body (14 is a blob of one byte), then the values.
    at = raw.index(b"\x04\x00\x0e\x0ehb")
    for place in (at + 2, at + 3):
        path.write_bytes(raw[:place] + b"\x0f" + raw[place + 1 :])  # 15 is a text of one byte
        with SqliteStore(path, write=False) as store, pytest.raises(DamagedStoreError, match="does not hold bytes"):
            list(store.blocks())
