"""Processes that verify for the writer: the same answers as without them, whatever happens to them."""

import os
import signal
import time

import pytest
from ledger_network import kid  # made by conftest.py

from ogniwo.chain.embedded import EmbeddedLedger
from ogniwo.chain.projection import Projection
from ogniwo.chain.verifier import Request, answer
from ogniwo.chain.verifiers import SLICE_MAX, Verifiers
from ogniwo.core.ledger.admission import SignedTransaction, TurnedAway, admit_each
from ogniwo.core.ledger.signing import KeyRing, public_key_of

DEADLINE_S = 30


def ready(verifiers, count):
    """Wait until so many processes are ready; what is handed in meanwhile is verified by the writer."""
    end = time.monotonic() + DEADLINE_S
    while len(verifiers.pids) < count:
        assert time.monotonic() < end, "the processes did not start"
        assert [member.code for part in verifiers.finish(verifiers.begin([b"{}"])) for member in part] == [
            "ledger.schema"
        ]
        time.sleep(0.01)


def told(members):
    """What can be compared of members: names of transactions with what is open, or refusals."""
    return [
        (member.transaction, member.code, member.detail)
        if isinstance(member, TurnedAway)
        else (
            member.transaction,
            member.envelope,
            member.digest,
            member.signers,
            member.readers,
            member.payload,
            [check.kid for check in member.open_checks],
        )
        for member in members
    ]


def mixed(network):
    """Envelopes of every fate: good, wrong signature, garbage, unknown key, two signers, a day, a new key."""
    pay = network.pay
    one = network.signed(pay("op/coop/anna", "op/coop/jan", 100), "anna")
    other = network.signed(pay("op/coop/anna", "op/coop/jan", 200), "anna")
    swapped = other.split(b'"signatures":')[0] + b'"signatures":' + one.split(b'"signatures":')[1]
    stranger = network.signed(pay("op/coop/anna", "op/coop/jan", 1), "stranger")
    both = network.signed(pay("op/coop/anna", "op/coop/jan", 3), "anna", "jan")
    day = network.signed(network.mint(network.record()), "gateway")
    new = network.signed(network.register("op/coop/anna", "new", account="op/coop/anna"), "anna", "new")
    used = network.signed(pay("op/coop/anna", "op/coop/jan", 4), "new")
    return [one, swapped, b"{}", b"", stranger, other, both, day, new, used, one, b"\xff" * 70_000]


@pytest.fixture
def ring(network):
    names = ("op", "coop", "anna", "jan", "gateway", "gateway-reading")
    return KeyRing(public_key_of(network.key(name)) for name in names)


def test_processes_find_what_the_writer_would(network, ring):
    envelopes = [envelope for _ in range(60) for envelope in mixed(network)]
    with Verifiers(ring, count=2, start_after=1) as verifiers:
        ready(verifiers, 2)
        handed = [verifiers.begin(envelopes) for _ in range(3)]
        assert max(len(part.envelopes) for part in handed[0].slices) <= SLICE_MAX
        assert [envelope for part in handed[0].slices for envelope in part.envelopes] == envelopes
        expected = told(admit_each(envelopes, ring))
        for each in handed:
            assert told(member for part in verifiers.finish(each) for member in part) == expected
            assert all(part.reply is not None for part in each.slices), "the writer had to verify itself"


def test_slices_are_as_large_as_their_signatures_are_many(network, ring):
    pay = [network.signed(network.pay("op/coop/anna", "op/coop/jan", 1 + n), "anna") for n in range(4)]
    days = [network.day(network.record(day=f"2027-{month:02d}-11")) for month in range(1, 13)]
    many = [network.signed(network.mint_days(*days), "gateway") for _ in range(3)]
    with Verifiers(ring, count=2, start_after=1) as verifiers:
        ready(verifiers, 2)
        assert [len(part.envelopes) for part in verifiers.begin(pay).slices] == [4]
        assert [len(part.envelopes) for part in verifiers.begin([*pay, *pay]).slices] == [8]
        assert [len(part.envelopes) for part in verifiers.begin(many).slices] == [2, 1]
        assert [len(part.envelopes) for part in verifiers.begin(many[:1]).slices] == [1]
        assert max(len(part.envelopes) for part in verifiers.begin(many * 60).slices) <= SLICE_MAX // 9
        handed = verifiers.begin(many)
        members = [member for part in verifiers.finish(handed) for member in part]
        assert told(members) == told(admit_each(many, ring))
        assert [len(member.readers) for member in members] == [12] * 3
        assert all(part.reply is not None for part in handed.slices)


def test_a_reply_is_the_plain_admission(network, ring):
    envelopes = mixed(network)
    reply = answer(Request(ring.since(0), envelopes), KeyRing())
    plain = admit_each(envelopes, ring)
    assert [member.transaction for member in reply.passed] == [
        member.transaction for member in plain if isinstance(member, SignedTransaction)
    ]
    assert reply.turned_away == {
        position: member for position, member in enumerate(plain) if isinstance(member, TurnedAway)
    }


def test_keys_that_come_later_reach_the_processes(network, ring):
    late = [network.signed(network.pay("op/coop/anna", "op/coop/jan", 1 + n), "late") for n in range(20)]
    with Verifiers(ring, count=1, start_after=1) as verifiers:
        ready(verifiers, 1)
        before = [member for part in verifiers.finish(verifiers.begin(late)) for member in part]
        assert {check.kid for member in before for check in member.open_checks} == {kid("late")}
        ring.add(public_key_of(network.key("late")))
        after = [member for part in verifiers.finish(verifiers.begin(late)) for member in part]
        assert all(member.open_checks == () for member in after)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
def test_what_a_dead_or_stuck_process_held_is_verified_again(network, ring, how, monkeypatch):
    monkeypatch.setattr("ogniwo.chain.verifiers.SILENCE_S_MAX", 0.5)
    envelopes = [envelope for _ in range(80) for envelope in mixed(network)]
    expected = told(admit_each(envelopes, ring))
    with Verifiers(ring, count=2, start_after=1) as verifiers:
        ready(verifiers, 2)
        handed = [verifiers.begin(envelopes) for _ in range(2)]
        gone = verifiers.pids[0]
        os.kill(gone, how)
        for each in handed:
            assert told(member for part in verifiers.finish(each) for member in part) == expected
        assert gone not in verifiers.pids
        ready(verifiers, 2)
        assert told(member for part in verifiers.finish(verifiers.begin(envelopes)) for member in part) == expected


def test_the_writer_verifies_alone_when_all_processes_die(network, ring):
    envelopes = [envelope for _ in range(80) for envelope in mixed(network)]
    with Verifiers(ring, count=2, start_after=1) as verifiers:
        ready(verifiers, 2)
        handed = verifiers.begin(envelopes)
        for pid in verifiers.pids:
            os.kill(pid, signal.SIGKILL)
        members = [member for part in verifiers.finish(handed) for member in part]
        assert told(members) == told(admit_each(envelopes, ring))


def test_a_process_that_talks_nonsense_is_not_believed(network, ring):
    envelopes = mixed(network)
    with Verifiers(ring, count=1, start_after=1) as verifiers:
        ready(verifiers, 1)
        handed = verifiers.begin(envelopes)
        parts = list(handed.slices)
        expected = told(admit_each(envelopes, ring))
        assert told(member for part in verifiers.finish(handed) for member in part) == expected
        for nonsense in (b"", b"\xc1", b"\x92\x90\x80", parts[0].reply[:-1]):
            parts[0].reply = nonsense
            assert told(parts[0].members(ring)) == told(admit_each(parts[0].envelopes, ring))


def test_no_process_is_started_for_little(network, tmp_path):
    with EmbeddedLedger(tmp_path / "ledger.sqlite3", clock=lambda: network.now, workers=2) as ledger:
        ledger.submit(network.founding())
        payments = [network.signed(network.pay("op/coop/anna", "op/coop/jan", 1), "anna") for _ in range(100)]
        assert {answer.code for answer in ledger.submit(payments)} == {"accepted"}
        assert ledger._verifiers._processes == []


def test_without_an_interpreter_to_start_the_writer_goes_on_alone(network, ring, monkeypatch, tmp_path):
    monkeypatch.setattr("sys.executable", str(tmp_path / "gone"))
    envelopes = mixed(network)
    with Verifiers(ring, count=2, start_after=1) as verifiers:
        members = [member for part in verifiers.finish(verifiers.begin(envelopes)) for member in part]
        assert told(members) == told(admit_each(envelopes, ring))
        assert verifiers._processes == []


def test_processes_that_end_at_once_are_not_started_for_ever(network, ring, monkeypatch, tmp_path):
    script = tmp_path / "ends"
    script.write_text("#!/bin/sh\nexit 1\n", encoding="ascii")
    script.chmod(0o700)
    monkeypatch.setattr("sys.executable", str(script))
    envelopes = mixed(network)
    expected = told(admit_each(envelopes, ring))
    with Verifiers(ring, count=2, start_after=1) as verifiers:
        end = time.monotonic() + DEADLINE_S
        while not verifiers._started or verifiers._processes:
            assert time.monotonic() < end
            members = [member for part in verifiers.finish(verifiers.begin(envelopes)) for member in part]
            assert told(members) == expected
            time.sleep(0.01)
        assert verifiers._replacements == 0


def test_closing_ends_the_processes(ring):
    verifiers = Verifiers(ring, count=2, start_after=1)
    ready(verifiers, 2)
    pids = verifiers.pids
    verifiers.close()
    verifiers.close()
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def engine(path, network, workers, projection=None):
    return EmbeddedLedger(
        path,
        clock=lambda: network.now,
        workers=workers,
        workers_after=1,
        pending_max=40_000,
        projection=projection,
    )


def test_answers_and_blocks_are_the_same_with_and_without_processes(network, tmp_path):
    founding = network.founding()
    # The key of a payment is registered by the transaction before it, in the same batch and in the block before.
    batch = mixed(network)
    for number in range(150):
        name = f"new-{number}"
        registered = network.register("op/coop/anna", name, account="op/coop/anna")
        batch += [
            network.signed(network.pay("op/coop/anna", "op/coop/jan", 1), name),
            network.signed(registered, "anna", name),
            *(network.signed(network.pay("op/coop/anna", "op/coop/jan", 1), name) for _ in range(6)),
            b"garbage",
        ]
    found = {}
    for workers in (0, 2):
        with engine(tmp_path / f"ledger{workers}", network, workers) as ledger:
            ledger.submit(founding)
            end = time.monotonic() + DEADLINE_S
            while len(ledger.workers) < workers:
                assert time.monotonic() < end
                ledger.submit([b"{}"])
                time.sleep(0.01)
            answers = ledger.submit(batch)
            found[workers] = answers, ledger.read(0, limit=10), ledger.head()
    assert found[0] == found[2]
    answers, blocks, _ = found[0]
    assert len(blocks) == 3
    assert [answer.code for answer in answers[12:21]] == ["ledger.unknown_key", *["accepted"] * 7, "ledger.malformed"]
    assert [answer.code for answer in answers[-9:]] == ["ledger.unknown_key", *["accepted"] * 7, "ledger.malformed"]


def test_the_tables_follow_the_writer(network, tmp_path):
    path = tmp_path / "ledger.sqlite3"
    with (
        Projection(ledger=path, path=tmp_path / "tables.sqlite3") as tables,
        Projection(ledger=path, path=tmp_path / "later.sqlite3") as later,
        engine(path, network, 0, tables) as ledger,
    ):
        ledger.submit(network.founding())
        ledger.submit(mixed(network))
        ledger.submit([network.signed(network.pay("op/coop/anna", "op/coop/jan", 1), "anna") for _ in range(300)])
        with ledger.reading() as state:
            assert tables.balances() == state.balances
        later.catch_up()
        for query in (
            "SELECT * FROM blocks",
            "SELECT * FROM transactions",
            "SELECT * FROM names",
            "SELECT * FROM concerned",
            "SELECT * FROM balances",
            "SELECT * FROM days",
            "SELECT * FROM assets",
        ):
            rows = tables._connection.execute(query).fetchall()
            assert rows
            assert rows == later._connection.execute(query).fetchall()


def test_tables_that_cannot_be_written_do_not_stop_the_ledger(network, tmp_path):
    path = tmp_path / "ledger.sqlite3"
    with (
        Projection(ledger=path, path=tmp_path / "tables.sqlite3") as tables,
        engine(path, network, 0, tables) as ledger,
    ):
        ledger.submit(network.founding())
        tables._connection.execute("PRAGMA query_only = ON")
        (answered,) = ledger.submit([network.signed(network.pay("op/coop/anna", "op/coop/jan", 1), "anna")])
        assert answered.code == "accepted"
        ledger.submit([network.signed(network.pay("op/coop/anna", "op/coop/jan", 1), "anna")])
        assert ledger.health().running
        tables._connection.execute("PRAGMA query_only = OFF")
        assert tables.catch_up() == 2
        with ledger.reading() as state:
            assert tables.balances() == state.balances
