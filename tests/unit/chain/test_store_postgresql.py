"""The block store on a real PostgreSQL."""

import threading
import time

import psycopg
import pytest

from ogniwo.chain.embedded import EmbeddedLedger
from ogniwo.chain.inbox import StoppedError
from ogniwo.chain.store import (
    BadAddressError,
    DamagedStoreError,
    FencedError,
    LockedError,
    NoStoreError,
    StoreUnreachableError,
    StoreWriteError,
)
from ogniwo.chain.stores import open_store, short_name, store_exists
from ogniwo.core.ledger.blocks import Block

BLOCKS = [Block(height, b"header %d" % height, bytes([height % 256]) * 1_000) for height in range(40)]


@pytest.fixture
def address(cluster, request):
    return cluster.address(f"{request.node.name}")


def admin(cluster):
    return psycopg.connect(f"postgresql://ogniwo@/postgres?host={cluster.folder}", autocommit=True)


def demand_a_replica(cluster, connection):
    """Have every commit wait for a replica that does not exist; back when the server has taken it in."""
    connection.execute("CREATE TABLE IF NOT EXISTS probe (n int)")
    connection.execute("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
    connection.execute("SELECT pg_reload_conf()")
    with admin(cluster) as probe:
        for _ in range(200):
            commit = threading.Thread(target=probe.execute, args=("INSERT INTO probe VALUES (1)",))
            commit.start()
            commit.join(0.1)
            if commit.is_alive():
                connection.execute("SELECT pg_cancel_backend(%s)", (probe.info.backend_pid,))
                commit.join(10)
                return
    pytest.fail("the server does not wait for a replica")


def waits_for_replica(connection):
    for _ in range(500):
        row = connection.execute("SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep'").fetchone()
        if row:
            return row[0]
        time.sleep(0.01)
    pytest.fail("nobody waits for the replica")


def test_blocks_are_kept_in_order_and_survive_reopening(address):
    assert not store_exists(address)
    with pytest.raises(NoStoreError) as caught:
        open_store(address, write=False)
    assert isinstance(caught.value, DamagedStoreError)
    with open_store(address, write=True) as store:
        assert list(store.blocks()) == []
        for block in BLOCKS:
            store.append(block)
        with store.reader() as reader:
            assert list(reader.blocks()) == BLOCKS
    assert store_exists(address)
    with open_store(address, write=False) as store:
        assert list(store.blocks(from_height=3, limit=20)) == BLOCKS[3:23]
        assert list(store.blocks(from_height=30)) == BLOCKS[30:]
        assert store.block(5) == BLOCKS[5]
        assert store.block(40) is None
        assert store.damage() == []
        with pytest.raises(StoreWriteError):
            store.append(Block(40, b"h", b"b"))


def test_ledgers_of_one_database_do_not_meet(cluster):
    one, other = (cluster.address(f"ogniwo/{name}") for name in ("one", "other"))
    with open_store(one, write=True) as first, open_store(other, write=True) as second:
        first.append(BLOCKS[0])
        assert list(second.blocks()) == []
        assert short_name(one) == "ogniwo/one"
        assert first.name.endswith("#ogniwo/one")


def test_one_writer_at_a_time_and_the_lock_ends_with_the_connection(address):
    with open_store(address, write=True) as store:
        with pytest.raises(LockedError):
            open_store(address, write=True)
        with open_store(address, write=False) as reader:
            store.append(BLOCKS[0])
            assert list(reader.blocks()) == BLOCKS[:1]
    with open_store(address, write=True) as store:
        assert list(store.blocks()) == BLOCKS[:1]


def test_the_height_fences(address):
    with open_store(address, write=True) as store:
        store.append(BLOCKS[0])
        with pytest.raises(FencedError):
            store.append(Block(0, b"other", b"b"))
        assert list(store.blocks()) == BLOCKS[:1]


def test_the_writer_commits_in_earnest(cluster, address):
    with admin(cluster) as connection:
        connection.execute("ALTER ROLE ogniwo SET synchronous_commit = off")
        connection.execute("ALTER ROLE ogniwo SET statement_timeout = 1000")
        try:
            with open_store(address, write=True) as store:
                shown = {
                    name: store._value(f"SHOW {name}")
                    for name in ("synchronous_commit", "statement_timeout", "lock_timeout", "idle_session_timeout")
                }
                assert shown.pop("synchronous_commit") == "on"
                assert set(shown.values()) == {"0"}
                assert store.warnings() == []
        finally:
            connection.execute("ALTER ROLE ogniwo RESET ALL")


def test_a_server_that_does_not_sync_is_told(postgresql):
    address = f"postgresql://{postgresql['USER']}@/{postgresql['NAME']}?host={postgresql['HOST']}#sync"
    with open_store(address, write=True) as store:
        (finding,) = store.warnings()
    assert (finding.code, "fsync" in finding.message) == ("ledger.store_not_durable", True)


def test_a_cancelled_wait_for_the_replica_is_a_failure(cluster, address, network):
    """The trap: the server answers success with a WARNING while the row is on the primary alone."""
    ledger = EmbeddedLedger(address, clock=lambda: network.now, workers=1)
    ledger.submit(network.founding())
    envelope = network.signed(network.pay("op/coop/anna", "op/coop/jan", 5), "anna")
    caught = []

    def pay():
        try:
            ledger.submit([envelope])
        except StoppedError as refusal:
            caught.append(refusal)

    with admin(cluster) as connection:
        demand_a_replica(cluster, connection)
        payer = threading.Thread(target=pay)
        try:
            payer.start()
            connection.execute("SELECT pg_cancel_backend(%s)", (waits_for_replica(connection),))
            payer.join(20)
            assert "ledger.store_write" in str(caught[0])
            assert "warned" in str(caught[0])
            assert not ledger.health().running
            assert ledger.head().height == 0
            ledger.close()
            # The row is there, yet no answer leaves the house before a replica confirms: the opening waits as well.
            opened = []
            opener = threading.Thread(target=lambda: opened.append(_refusal_of(address)))
            opener.start()
            connection.execute("SELECT pg_cancel_backend(%s)", (waits_for_replica(connection),))
            opener.join(20)
            assert isinstance(opened[0], StoreWriteError)
        finally:
            connection.execute("ALTER SYSTEM RESET synchronous_standby_names")
            connection.execute("SELECT pg_reload_conf()")
    with EmbeddedLedger(address, clock=lambda: network.now, workers=1) as again:
        assert again.head().height == 1
        assert [answer.code for answer in again.submit([envelope])] == ["ledger.exists"]
        with again.reading() as state:
            assert state.balance("op/coop/jan", "PLN/2") == 5


def _refusal_of(address):
    try:
        open_store(address, write=True).close()
    except StoreWriteError as refusal:
        return refusal
    return None


def test_a_lost_connection_stops_the_writer_for_good(cluster, address, network):
    ledger = EmbeddedLedger(address, clock=lambda: network.now, workers=1)
    ledger.submit(network.founding())
    with admin(cluster) as connection:
        connection.execute("SELECT pg_terminate_backend(%s)", (ledger._store._pid,))
    envelope = network.signed(network.pay("op/coop/anna", "op/coop/jan", 5), "anna")
    for _ in range(2):
        with pytest.raises(StoppedError, match=r"ledger\.store_write"):
            ledger.submit([envelope])
    # Another writer is let in: the lock went with the connection; the first one cannot write any more.
    with EmbeddedLedger(address, clock=lambda: network.now, workers=1) as other:
        assert [answer.code for answer in other.submit([envelope])] == ["accepted"]
        with pytest.raises(StoreWriteError):
            ledger._store.append(Block(2, b"h", b"b"))
    ledger.close()


def test_a_connection_that_is_not_the_locks_is_fenced(address):
    """What a pooler in transaction mode does: the next statement runs in somebody else's connection."""
    with open_store(address, write=True) as store:
        store._pid += 1
        with pytest.raises(FencedError, match="not the one that holds the lock"):
            store.append(BLOCKS[0])
        assert list(store.blocks()) == []


def test_a_server_that_is_gone_is_told(cluster, address):
    with open_store(address, write=True) as store:
        store.append(BLOCKS[0])
        cluster.stop()
        try:
            with pytest.raises(StoreUnreachableError):
                list(store.blocks())
            with pytest.raises(StoreWriteError):
                store.append(BLOCKS[1])
            with pytest.raises(StoreUnreachableError) as caught:
                open_store(address, write=False)
            assert caught.value.code == "ledger.store_unreachable"
        finally:
            cluster.start()
    with open_store(address, write=False) as store:
        assert list(store.blocks()) == BLOCKS[:1]


@pytest.mark.parametrize(
    "address", ["mysql://host/db", "postgresql://host/db?port", "postgresql://anna:secret@host/db?unknown=1"]
)
def test_addresses_that_cannot_be_used(address):
    with pytest.raises(BadAddressError) as caught:
        open_store(address, write=False)
    assert caught.value.code == "ledger.address"
    assert "secret" not in str(caught.value)


def test_a_password_is_in_no_message(cluster):
    address = f"postgresql://ogniwo:secret@/postgres?host={cluster.folder}#named"
    with pytest.raises(NoStoreError) as caught:
        open_store(address, write=False)
    assert "secret" not in str(caught.value)
    with pytest.raises(StoreUnreachableError) as caught:
        open_store("postgresql://ogniwo:secret@/postgres?host=/nowhere", write=True)
    assert "secret" not in str(caught.value)
