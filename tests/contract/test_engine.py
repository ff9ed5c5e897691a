"""What every engine of the ledger owes its callers, whatever it keeps its blocks in."""

import random
import threading

import pytest

from ogniwo.chain.inbox import BusyError, StoppedError
from ogniwo.chain.store import LockedError
from ogniwo.core.ledger.blocks import Block, header_hash, read_body, read_header
from ogniwo.core.ledger.machine import Machine


def payment(network, amount=1, giver="anna", taker="jan", **changed):
    payload = network.pay(f"op/coop/{giver}", f"op/coop/{taker}", amount, **changed)
    return network.signed(payload, giver)


def balance(engine, account):
    with engine.reading() as state:
        return state.balance(f"op/coop/{account}", "PLN/2")


def all_blocks(place):
    with place.store() as store:
        return list(store.blocks())


def test_answers_come_in_order_with_their_place(place, network):
    engine = place.engine(network)
    founded = engine.submit(network.founding())
    assert {answer.code for answer in founded} == {"accepted"}
    assert [answer.log_index for answer in founded] == list(range(1, 19))
    network.now += 5
    answers = engine.submit([payment(network, amount) for amount in (3, 10**9, 4)])
    assert [answer.code for answer in answers] == ["accepted", "ledger.insufficient_balance", "accepted"]
    assert [(answer.height, answer.position, answer.log_index) for answer in answers] == [
        (1, 0, 20),
        (1, 1, 21),
        (1, 2, 22),
    ]
    assert {answer.time_s for answer in answers} == {network.now}
    (block,) = engine.read(1)
    assert [record.outcome for record in read_body(block.body)] == [answer.code for answer in answers]


def test_an_answer_is_durable_before_it_is_given(place, network):
    """Somebody else reads the block at the moment of the answer, while the engine still runs."""
    engine = place.engine(network)
    engine.submit(network.founding())
    for number in range(10):
        (answer,) = engine.submit([payment(network)])
        stored = all_blocks(place)[answer.height]
        assert read_body(stored.body)[answer.position].outcome == "accepted"
        assert number == answer.height - 1


def test_a_repeat_answers_exists_and_moves_nothing(place, network):
    engine = place.engine(network)
    engine.submit(network.founding())
    envelope = payment(network, 100)
    (first,) = engine.submit([envelope])
    again = [*engine.submit([envelope]), *engine.submit([envelope, envelope])]
    assert [answer.code for answer in again] == ["ledger.exists"] * 3
    assert {answer.original for answer in again} == {first.transaction}
    assert balance(engine, "jan") == 100
    assert engine.head().height == first.height


def test_an_id_with_other_content_is_refused(place, network):
    engine = place.engine(network)
    engine.submit(network.founding())
    engine.submit([payment(network, 1, id="ab" * 16)])
    (other,) = engine.submit([payment(network, 2, id="ab" * 16)])
    assert other.code == "ledger.id_conflict"
    assert balance(engine, "jan") == 1


def test_a_refusal_is_final(place, network):
    engine = place.engine(network)
    engine.submit(network.founding())
    poor = payment(network, 50, giver="jan", taker="anna")
    (refused,) = engine.submit([poor])
    assert refused.code == "ledger.insufficient_balance"
    engine.submit([payment(network, 1_000)])
    (still,) = engine.submit([poor])
    assert (still.code, still.on_ledger) == ("ledger.insufficient_balance", False)
    assert balance(engine, "jan") == 1_000


def test_garbage_is_answered_and_leaves_no_trace(place, network):
    engine = place.engine(network)
    engine.submit(network.founding())
    head = engine.head()
    good = payment(network, 7)
    draw = random.Random(4)  # noqa: S311 -- a repeatable choice of test cases
    garbage = [b"", b"{}", b"\xff\xfe", b"[" * 5_000, good[:-1], good + b" ", b"x" * 70_000]
    for _ in range(60):
        data = bytearray(good)
        data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
        garbage.append(bytes(data))
    answers = engine.submit(garbage)
    assert len(answers) == len(garbage)
    assert not any(answer.on_ledger for answer in answers)
    assert {answer.height for answer in answers} == {-1}
    assert all(answer.code.startswith("ledger.") for answer in answers)
    assert engine.head() == head
    mixed = engine.submit([b"{}", good, b"\x00"])
    assert [answer.code for answer in mixed] == ["ledger.schema", "accepted", "ledger.malformed"]
    assert engine.submit([]) == []


def test_head_and_blocks_agree(place, network):
    engine = place.engine(network)
    nothing = engine.head()
    assert (nothing.height, nothing.log_size, nothing.network) == (-1, 0, "")
    engine.submit(network.founding())
    for _ in range(4):
        network.now += 1
        engine.submit([payment(network)])
    head = engine.head()
    blocks = engine.read(0)
    assert [block.height for block in blocks] == [0, 1, 2, 3, 4]
    assert [block.height for block in engine.read(2, limit=2)] == [2, 3]
    assert engine.read(5) == []
    header = read_header(blocks[-1].header)
    assert (head.height, head.hash, head.time_s) == (4, header_hash(blocks[-1].header), network.now)
    assert (head.state_root, head.log_size, head.log_root) == (header.state_root, header.log_size, header.log_root)
    assert engine.log.root(head.log_size).hex() == head.log_root
    machine = Machine()
    for block in blocks:
        machine.replay(block)
    assert machine.state.root().hex() == head.state_root
    assert place.audit() == []


def test_health_tells_whether_it_runs(place, network):
    engine = place.engine(network)
    engine.submit(network.founding())
    health = engine.health()
    assert (health.running, health.problem, health.height, health.pending) == (True, "", 0, 0)
    engine.close()
    engine.close()
    assert not engine.health().running
    assert engine.health().problem
    with pytest.raises(StoppedError):
        engine.submit([payment(network)])


def test_too_much_at_once_is_refused_whole(place, network):
    if not place.bounded:
        pytest.fail("an engine without a bounded queue")
    engine = place.engine(network, pending_max=20)
    engine.submit(network.founding())
    payments = [payment(network) for _ in range(21)]
    with pytest.raises(BusyError) as caught:
        engine.submit(payments)
    assert caught.value.code == "ledger.busy"
    assert balance(engine, "jan") == 0
    assert {answer.code for answer in engine.submit(payments[:20])} == {"accepted"}
    assert engine.health().pending == 0


def test_a_large_batch_is_split_into_bounded_blocks(place, network):
    engine = place.engine(network)
    engine.submit(network.founding())
    answers = engine.submit([payment(network) for _ in range(1_700)])
    assert {answer.code for answer in answers} == {"accepted"}
    assert [answer.log_index for answer in answers] == sorted(answer.log_index for answer in answers)
    counts = [read_header(block.header).transactions for block in engine.read(1)]
    assert sum(counts) == 1_700
    assert max(counts) <= 1_000
    assert balance(engine, "jan") == 1_700


def test_many_submitters_at_once(place, network):
    engine = place.engine(network)
    engine.submit(network.founding())
    batches = [[payment(network) for _ in range(7)] for _ in range(12)]
    doubled = batches[:4]  # four of them are sent by two callers each
    answers = {}

    def send(number, batch):
        answers[number] = engine.submit(batch)

    threads = [threading.Thread(target=send, args=pair) for pair in enumerate([*batches, *doubled])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(answers) == 16
    assert all(answer.on_ledger for batch in answers.values() for answer in batch)
    taken = [answer.log_index for batch in answers.values() for answer in batch if answer.code == "accepted"]
    assert len(taken) == len(set(taken)) == 84
    for batch in answers.values():
        indexes = [answer.log_index for answer in batch if answer.code == "accepted"]
        assert indexes == sorted(indexes)  # a caller's own order is kept
    assert balance(engine, "jan") == 84
    assert place.balances()["op/coop/jan", "PLN/2"] == 84
    assert place.audit() == []


def test_opening_again_goes_on_where_it_stopped(place, network):
    engine = place.engine(network)
    engine.submit(network.founding())
    envelope = payment(network, 40)
    engine.submit([envelope])
    poor = payment(network, 50, giver="jan", taker="anna")
    engine.submit([poor])
    head, blocks = engine.head(), all_blocks(place)
    engine.close()
    again = place.engine(network)
    assert again.head() == head
    assert all_blocks(place) == blocks
    codes = [answer.code for answer in again.submit([envelope, poor])]
    assert codes == ["ledger.exists", "ledger.insufficient_balance"]
    assert again.head() == head
    (next_one,) = again.submit([payment(network)])
    assert next_one.height == head.height + 1
    with again.reading() as state:
        expected = {place_: amount for place_, amount in state.balances.items() if amount}
    assert {place_: amount for place_, amount in place.balances().items() if amount} == expected
    assert place.audit() == []


def test_opening_from_a_snapshot_goes_on_alike(place, network):
    engine = place.engine(network, snapshot_entries=5)
    founding = network.founding()
    engine.submit(founding)
    for _ in range(6):
        engine.submit([payment(network)])
    head = engine.head()
    engine.close()
    again = place.engine(network, snapshot_entries=5)
    assert again.head() == head
    assert again.findings == tuple(one for one in again.findings if one.code == "ledger.store_not_durable")
    assert again.log.root().hex() == head.log_root
    assert {answer.code for answer in again.submit(founding[1:])} == {"ledger.exists"}
    (answer,) = again.submit([payment(network)])
    assert (answer.code, answer.height) == ("accepted", head.height + 1)
    again.close()
    machine = Machine()
    for block in all_blocks(place):
        machine.replay(block)
    assert machine.height == head.height + 1


def test_there_is_one_writer(place, network):
    engine = place.engine(network)
    engine.submit(network.founding())
    with pytest.raises(LockedError) as caught:
        place.open(clock=lambda: network.now)
    assert caught.value.code == "ledger.locked"
    assert {answer.code for answer in engine.submit([payment(network)])} == {"accepted"}


def test_a_writer_that_slipped_past_the_lock_is_fenced(place, network):
    if place.insert is None:
        pytest.fail("an engine that cannot be asked for its fence")
    engine = place.engine(network)
    engine.submit(network.founding())
    place.insert(Block(1, b"somebody", b"else"))
    envelope = payment(network)
    with pytest.raises(StoppedError, match=r"ledger\.fenced"):
        engine.submit([envelope])
    with pytest.raises(StoppedError):
        engine.submit([envelope])
    assert not engine.health().running
    assert engine.head().height == 0
    assert all_blocks(place)[1] == Block(1, b"somebody", b"else")
    assert [finding.code for finding in place.audit()] == ["ledger.block_mismatch"]


def test_the_clock_may_run_backwards(place, network):
    engine = place.engine(network)
    engine.submit(network.founding())
    moment = engine.head().time_s
    network.now -= 500
    (answer,) = engine.submit([payment(network)])
    assert (answer.code, answer.time_s) == ("accepted", moment)
