import json
import threading
import time

import msgspec
import pytest

from ogniwo.chain.embedded import EmbeddedLedger
from ogniwo.chain.inbox import BusyError, StoppedError
from ogniwo.chain.store import DamagedStoreError, LockedError
from ogniwo.core.ledger.blocks import read_body, read_header
from ogniwo.core.ledger.machine import Machine
from ogniwo.core.ledger.signing import PublicKey, base64url, key_id


@pytest.fixture
def path(tmp_path):
    return tmp_path / "ledger.sqlite3"


def opened(path, network, **options):
    return EmbeddedLedger(path, clock=lambda: network.now, workers=2, **options)


def test_submit_gives_durable_answers_in_order(path, network):
    with opened(path, network) as ledger:
        answers = ledger.submit(network.founding())
        assert [answer.code for answer in answers] == ["accepted"] * 18
        assert [answer.position for answer in answers] == list(range(18))
        assert [answer.log_index for answer in answers] == list(range(1, 19))
        head = ledger.head()
        assert (head.network, head.height, head.log_size) == (network.name, 0, 19)
        (block,) = ledger.read(0)
        assert read_header(block.header).state_root == head.state_root
        with ledger.reading() as state:
            assert state.balance("op/coop/anna", "PLN/2") == 100_000


def test_every_kind_of_answer(path, network):
    with opened(path, network) as ledger:
        ledger.submit(network.founding())
        good = network.signed(network.pay("op/coop/anna", "op/coop/jan", 100), "anna")
        poor = network.signed(network.pay("op/coop/jan", "op/coop/anna", 10**9), "jan")
        foreign = network.signed(network.pay("op/coop/anna", "op/coop/jan", 100), "stranger")
        answers = ledger.submit([good, poor, b"{}", foreign, good])
        assert [answer.code for answer in answers] == [
            "accepted",
            "ledger.insufficient_balance",
            "ledger.schema",
            "ledger.unknown_key",
            "ledger.exists",
        ]
        assert [answer.on_ledger for answer in answers] == [True, False, False, False, True]
        assert [answer.height for answer in answers] == [1, 1, -1, -1, -1]
        assert answers[4].original == answers[0].transaction
        (block,) = ledger.read(1)
        assert [record.outcome for record in read_body(block.body)] == ["accepted", "ledger.insufficient_balance"]


def test_a_wrong_signature_is_answered_beside_good_ones(path, network):
    with opened(path, network) as ledger:
        ledger.submit(network.founding())
        one, other = (
            network.signed(network.pay("op/coop/anna", "op/coop/jan", amount), "anna") for amount in (100, 200)
        )
        swapped = other.split(b'"signatures":')[0] + b'"signatures":' + one.split(b'"signatures":')[1]
        batch = [one, swapped, other] * 20
        answers = ledger.submit(batch)
        assert [answer.code for answer in answers[:3]] == ["accepted", "ledger.signature", "accepted"]
        assert [answer.code for answer in answers[3:]] == ["ledger.exists", "ledger.signature", "ledger.exists"] * 19


def test_a_stranger_with_a_key_that_is_none_stops_nobody(path, network):
    """The key that a transaction brings is verified without looking at the state, so anybody can send one."""
    none = PublicKey(x="A" * 42 + "B", y="A" * 43)
    document = json.loads(network.signed(msgspec.structs.replace(network.register("op/coop", "x"), key=none), "jan"))
    header = json.dumps({"alg": "ES256", "kid": key_id(none)}, separators=(",", ":"))
    document["signatures"][0]["protected"] = base64url(header.encode())
    forged = json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
    with EmbeddedLedger(path, clock=lambda: network.now, workers=1) as ledger:
        ledger.submit(network.founding())
        payment = network.signed(network.pay("op/coop/anna", "op/coop/jan", 5), "anna")
        assert [answer.code for answer in ledger.submit([forged, payment])] == ["ledger.public_key", "accepted"]


def test_reopening_replays_to_the_same_state(path, network):
    with opened(path, network) as ledger:
        ledger.submit(network.founding())
        ledger.submit([network.signed(network.pay("op/coop/anna", "op/coop/jan", 100), "anna")])
        head = ledger.head()
    with opened(path, network) as ledger:
        assert ledger.head() == head
        assert ledger.log.root() == bytes.fromhex(head.log_root)
        machine = Machine()
        for block in ledger.read(0):
            machine.replay(block)
        assert machine.state.root().hex() == head.state_root


def test_many_callers_share_blocks(path, network):
    with opened(path, network) as ledger:
        ledger.submit(network.founding())
        batches = [
            [network.signed(network.pay("op/coop/anna", "op/coop/jan", 1), "anna") for _ in range(10)] for _ in range(8)
        ]
        codes = []
        threads = [
            threading.Thread(target=lambda b=batch: codes.extend(a.code for a in ledger.submit(b))) for batch in batches
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert codes == ["accepted"] * 80
        with ledger.reading() as state:
            assert state.balance("op/coop/jan", "PLN/2") == 80
        assert 1 <= ledger.head().height <= 8


def test_blocks_are_bounded(path, network):
    with opened(path, network) as ledger:
        ledger.submit(network.founding())
        payments = [network.signed(network.pay("op/coop/anna", "op/coop/jan", 1), "anna") for _ in range(1_500)]
        assert {answer.code for answer in ledger.submit(payments)} == {"accepted"}
        assert [read_header(block.header).transactions for block in ledger.read(1)] == [1_000, 500]


def test_back_pressure(path, network):
    with opened(path, network, pending_max=20) as ledger:
        ledger.submit(network.founding())
        payments = [network.signed(network.pay("op/coop/anna", "op/coop/jan", 1), "anna") for _ in range(21)]
        with pytest.raises(BusyError) as caught:
            ledger.submit(payments)
        assert caught.value.code == "ledger.busy"
        assert {answer.code for answer in ledger.submit(payments[:20])} == {"accepted"}
        assert ledger.health().pending == 0
        assert ledger.health().running


def test_one_engine_per_file(path, network):
    with opened(path, network), pytest.raises(LockedError):
        opened(path, network)


def test_after_closing_nothing_is_taken(path, network):
    ledger = opened(path, network)
    ledger.close()
    ledger.close()
    assert not ledger.health().running
    with pytest.raises(StoppedError):
        ledger.submit([b"{}"])


def test_a_failing_disk_stops_the_engine_without_acknowledging(path, network):
    ledger = opened(path, network)
    ledger.submit(network.founding())
    ledger._store._connection.execute("PRAGMA query_only = ON")
    payment = network.signed(network.pay("op/coop/anna", "op/coop/jan", 1), "anna")
    with pytest.raises(StoppedError) as caught:
        ledger.submit([payment])
    assert "ledger.store_write" in str(caught.value)
    with pytest.raises(StoppedError):
        ledger.submit([payment])
    assert not ledger.health().running
    assert ledger.head().height == 0
    ledger.close()
    with opened(path, network) as again:
        assert [answer.code for answer in again.submit([payment])] == ["accepted"]


@pytest.mark.parametrize("workers_after", [1, 10**9])
def test_a_failing_disk_tells_everybody_whose_block_was_on_its_way(path, network, workers_after):
    ledger = opened(path, network, workers_after=workers_after)
    ledger.submit(network.founding())
    ledger._store._connection.execute("PRAGMA query_only = ON")
    payment = network.signed(network.pay("op/coop/anna", "op/coop/jan", 1), "anna")
    stopped = []

    def submit():
        try:
            ledger.submit([payment] * 1_000)
        except StoppedError as refusal:
            stopped.append(str(refusal))

    with ledger.reading():
        threads = [threading.Thread(target=submit) for _ in range(6)]
        for thread in threads:
            thread.start()
        while ledger.health().pending < 6_000:
            time.sleep(0.01)
    for thread in threads:
        thread.join()
    assert len(stopped) == 6
    assert all("ledger.store_write" in problem for problem in stopped)
    ledger.close()
    with opened(path, network) as again:
        assert again.head().height == 0


def test_a_fault_in_the_writer_is_told_to_everybody(path, network, monkeypatch):
    faults = []
    monkeypatch.setattr(threading, "excepthook", lambda fault: faults.append(fault.exc_type))
    ledger = opened(path, network)
    monkeypatch.setattr(ledger._verifiers, "begin", lambda envelopes: 1 // 0)
    with pytest.raises(StoppedError, match="a fault in the writer: ZeroDivisionError"):
        ledger.submit([b"{}"])
    assert not ledger.health().running
    ledger.close()
    assert faults == [ZeroDivisionError]


def test_a_block_written_by_somebody_else_fences_this_writer(path, network):
    ledger = opened(path, network)
    ledger.submit(network.founding())
    ledger._store._connection.execute("INSERT INTO blocks VALUES (1, x'00', x'00')")
    with pytest.raises(StoppedError, match=r"ledger\.fenced"):
        ledger.submit([network.signed(network.pay("op/coop/anna", "op/coop/jan", 1), "anna")])
    ledger.close()
    with pytest.raises(DamagedStoreError, match="block 1, header"):
        opened(path, network)


def test_the_clock_may_run_backwards(path, network):
    with opened(path, network) as ledger:
        ledger.submit(network.founding())
        moment = ledger.head().time_s
        network.now -= 500
        (answer,) = ledger.submit([network.signed(network.pay("op/coop/anna", "op/coop/jan", 1), "anna")])
        assert (answer.code, answer.time_s) == ("accepted", moment)
