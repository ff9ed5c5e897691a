"""The client against a server that answers as CometBFT does; the real one is in tests/integration/test_network.py."""

import sys
import threading

import pytest

from ogniwo.chain.inbox import BusyError, StoppedError
from ogniwo.chain.network.client import NetworkLedger


@pytest.fixture
def comet(consensus, network):
    node = consensus()
    node.found()
    node.block()
    server = sys.modules["fake_comet"].FakeComet(node.application, lambda: network.now)
    yield server
    server.stop()


@pytest.fixture
def ledger(comet, tmp_path):
    with NetworkLedger(tmp_path / "ledger.sqlite3", rpc_port=comet.port, pending_max=3_000, senders=2) as opened:
        yield opened


def pay(network, amount=1):
    return network.signed(network.pay("op/coop/anna", "op/coop/jan", amount), "anna")


def test_every_kind_of_answer_as_the_embedded_engine_gives_it(ledger, network):
    good, poor = pay(network, 100), pay(network, 10**9)
    other = pay(network, 5)
    swapped = other.split(b'"signatures":')[0] + b'"signatures":' + good.split(b'"signatures":')[1]
    foreign = network.signed(network.pay("op/coop/anna", "op/coop/jan", 100), "stranger")
    answers = ledger.submit([good, poor, b"{}", foreign, swapped, good, b"x" * 1_100_000])
    assert [answer.code for answer in answers] == [
        "accepted",
        "ledger.insufficient_balance",
        "ledger.schema",
        "ledger.unknown_key",
        "ledger.signature",
        "ledger.exists",
        "ledger.too_large",
    ]
    assert [answer.height for answer in answers] == [1, 1, -1, -1, -1, -1, -1]
    assert answers[5].original == answers[0].transaction
    assert answers[1].detail


def test_the_four_calls(ledger, network):
    before = ledger.head()
    assert (before.network, before.height) == (network.name, 0)
    ledger.submit([pay(network)])
    head, (block,) = ledger.head(), ledger.read(1)
    assert (head.height, block.height) == (1, 1)
    health = ledger.health()
    assert (health.running, health.problem, health.height, health.pending) == (True, "", 1, 0)
    assert ledger.submit([]) == []
    with ledger.reading() as state:
        assert state.balance("op/coop/jan", "PLN/2") == 1
    assert ledger.log.root() == bytes.fromhex(head.log_root)


def test_a_large_batch_keeps_its_order_over_several_transactions(ledger, network, comet):
    answers = ledger.submit([pay(network) for _ in range(1_500)])
    assert [(answer.height, answer.position) for answer in answers] == [
        *((1, position) for position in range(1_000)),
        *((2, position) for position in range(500)),
    ]
    assert len(comet.seen) == 2


def test_what_waits_together_goes_together(ledger, network, comet):
    comet.gate.clear()
    threads = [threading.Thread(target=ledger.submit, args=([pay(network)],)) for _ in range(40)]
    for thread in threads:
        thread.start()
    while ledger.health().pending < 40:
        pass
    comet.gate.set()
    for thread in threads:
        thread.join()
    assert len(comet.seen) <= 4
    assert ledger.head().log_size == 1 + 18 + len(comet.seen) + 40


def test_too_much_is_refused_whole(ledger, network, comet):
    comet.gate.clear()
    waiting = threading.Thread(target=ledger.submit, args=([pay(network)] * 2_000,))
    waiting.start()
    while not ledger.health().pending:
        pass
    with pytest.raises(BusyError):
        ledger.submit([b"x"] * 1_001)
    comet.gate.set()
    waiting.join()


@pytest.mark.parametrize("fault", ["hang up", "timed out waiting for tx to be included in a block"])
def test_an_unknown_outcome_is_said_and_sending_again_is_safe(ledger, network, comet, fault):
    envelope = pay(network)
    comet.script.append(fault)
    with pytest.raises(StoppedError):
        ledger.submit([envelope])
    (first,) = ledger.submit([envelope])
    (second,) = ledger.submit([envelope])
    assert (first.code, second.code, second.original) == ("accepted", "ledger.exists", first.transaction)
    assert len(set(comet.seen)) == len(comet.seen) == 2  # CometBFT would not look at the same bytes twice


def test_a_full_queue_of_the_node_is_waited_out(ledger, network, comet):
    comet.script += ["mempool is full: number of txs 500"] * 3
    assert [answer.code for answer in ledger.submit([pay(network)])] == ["accepted"]


def test_a_node_that_is_gone_is_said(ledger, network, comet):
    comet.shutdown()
    comet.server_close()
    health = ledger.health()
    assert not health.running
    assert "node.unreachable" in health.problem


def test_a_closed_engine_takes_nothing(ledger, network):
    ledger.close()
    with pytest.raises(StoppedError):
        ledger.submit([pay(network)])
    assert not ledger.health().running
