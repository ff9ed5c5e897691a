import threading

import pytest

from ogniwo.chain.inbox import Answer, BusyError, Inbox, StoppedError


def take(inbox, count=10, size=1_000):
    return [
        (part.ticket, part.start, list(part.envelopes)) for part in inbox.take(transactions_max=count, bytes_max=size)
    ]


def test_batches_come_out_in_order_and_fill_blocks_across_callers():
    inbox = Inbox(transactions_max=100, bytes_max=10_000)
    one, two = inbox.put([b"a", b"b", b"c"]), inbox.put([b"d", b"e"])
    assert take(inbox, count=4) == [(one, 0, [b"a", b"b", b"c"]), (two, 0, [b"d"])]
    assert take(inbox) == [(two, 1, [b"e"])]


def test_a_block_is_bounded_in_bytes_but_takes_at_least_one():
    inbox = Inbox(transactions_max=100, bytes_max=10_000)
    ticket = inbox.put([b"x" * 600, b"y" * 600, b"z" * 2_000])
    assert take(inbox) == [(ticket, 0, [b"x" * 600])]
    assert take(inbox) == [(ticket, 1, [b"y" * 600])]
    assert take(inbox) == [(ticket, 2, [b"z" * 2_000])]


def test_a_block_ahead_is_taken_only_when_it_is_full():
    inbox = Inbox(transactions_max=100, bytes_max=10_000)

    def ahead():
        return inbox.take(transactions_max=3, bytes_max=1_000, wait=False)

    assert ahead() == []
    ticket = inbox.put([b"a", b"b"])
    assert ahead() == []
    inbox.put([b"c", b"d"])
    assert [part.envelopes for part in ahead()] == [[b"a", b"b"], [b"c"]]
    assert ahead() == []
    inbox.put([b"x" * 998])
    assert ahead() == []
    inbox.put([b"yy"])
    assert [part.envelopes for part in ahead()] == [[b"d"], [b"x" * 998]]
    assert ahead() == []
    inbox.fail("the end", [])
    assert ahead() == []
    assert ticket.answers == [Answer("", "")] * 2


def test_too_much_is_refused_whole_until_there_is_room():
    inbox = Inbox(transactions_max=3, bytes_max=10)
    inbox.put([b"a", b"b"])
    with pytest.raises(BusyError):
        inbox.put([b"c", b"d"])
    with pytest.raises(BusyError):
        inbox.put([b"x" * 9])
    parts = inbox.take(transactions_max=10, bytes_max=100)
    with pytest.raises(BusyError):
        inbox.put([b"c", b"d"])
    inbox.release(parts)
    inbox.put([b"c", b"d"])
    assert inbox.status() == (2, "")


def test_answers_reach_the_caller_when_the_last_one_is_in():
    inbox = Inbox(transactions_max=10, bytes_max=100)
    ticket = inbox.put([b"a", b"b"])
    waiting = threading.Event()
    got = []

    def caller():
        waiting.set()
        got.extend(ticket.wait())

    thread = threading.Thread(target=caller)
    thread.start()
    waiting.wait()
    ticket.settle(1, [Answer("b", "accepted")])
    assert got == []
    ticket.settle(0, [Answer("a", "accepted")])
    thread.join()
    assert [answer.transaction for answer in got] == ["a", "b"]


def test_an_empty_batch_is_answered_at_once():
    assert Inbox(transactions_max=1, bytes_max=1).put([]).wait() == []


def test_closing_hands_out_what_waits_and_takes_no_more():
    inbox = Inbox(transactions_max=10, bytes_max=100)
    ticket = inbox.put([b"a"])
    inbox.close("closed")
    with pytest.raises(StoppedError):
        inbox.put([b"b"])
    assert take(inbox) == [(ticket, 0, [b"a"])]
    assert take(inbox) == []


def test_failing_tells_everybody():
    inbox = Inbox(transactions_max=10, bytes_max=100)
    first, second = inbox.put([b"a"]), inbox.put([b"b"])
    inbox.fail("disk full", inbox.take(transactions_max=1, bytes_max=100))
    for ticket in (first, second):
        with pytest.raises(StoppedError, match="disk full"):
            ticket.wait()
    with pytest.raises(StoppedError):
        inbox.put([b"c"])


def test_a_caller_that_does_not_wait_is_told_once_when_all_answers_are_in():
    inbox, told = Inbox(transactions_max=10, bytes_max=100), []
    inbox.put([b"a", b"b"], done=lambda ticket: told.append([answer.code for answer in ticket.wait()]))
    (part,) = inbox.take(transactions_max=1, bytes_max=100)
    part.ticket.settle(0, [Answer("a", "accepted")])
    assert told == []
    (part,) = inbox.take(transactions_max=1, bytes_max=100)
    part.ticket.settle(1, [Answer("b", "ledger.exists")])
    assert told == [["accepted", "ledger.exists"]]


def test_a_caller_that_does_not_wait_is_told_once_of_a_failure_although_its_batch_was_split():
    inbox, told = Inbox(transactions_max=10, bytes_max=100), []
    inbox.put([b"a", b"b", b"c"], done=told.append)
    taken = inbox.take(transactions_max=1, bytes_max=100)
    inbox.fail("disk full", taken)
    (ticket,) = told
    with pytest.raises(StoppedError, match="disk full"):
        ticket.wait()
