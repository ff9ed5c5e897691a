import pytest
from hypothesis import given
from hypothesis import strategies as st

from ogniwo.chain.inbox import Answer, Inbox
from ogniwo.chain.network.batches import (
    BATCH_ENVELOPES_MAX,
    TX_BYTES_MAX,
    BatchFormError,
    Wrong,
    read_answers,
    read_batch,
    read_wrong,
    write_answers,
    write_batch,
    write_wrong,
)

NUMBERS = st.integers(-1, 2**53)
ANSWERS = st.builds(
    Answer, st.text(max_size=8), st.text(max_size=8), st.text(max_size=8), NUMBERS, NUMBERS, NUMBERS, NUMBERS, st.text()
)


@given(st.lists(st.binary(max_size=30), min_size=1, max_size=20), st.binary(min_size=16, max_size=16))
def test_a_batch_is_read_as_it_was_written(envelopes, nonce):
    assert read_batch(write_batch(envelopes, nonce=nonce)) == tuple(envelopes)


@given(st.lists(ANSWERS, max_size=5))
def test_answers_are_read_as_they_were_written(answers):
    assert read_answers(*write_answers(answers)) == answers


def test_the_agreed_part_of_answers_does_not_hold_their_wording():
    one, other = (write_answers([Answer("a", "code", detail)])[0] for detail in ("so", "or so"))
    assert one == other


def test_what_was_wrong_is_read_as_it_was_written():
    wrong = (Wrong(0, "", "ledger.schema", "no JSON"), Wrong(7, "ab", "ledger.signature", ""))
    assert read_wrong(write_wrong(wrong)) == wrong


@given(st.binary(max_size=80))
def test_any_bytes_are_a_batch_in_its_one_form_or_refused(data):
    try:
        envelopes = read_batch(data)
    except BatchFormError:
        return
    assert 1 <= len(envelopes) <= BATCH_ENVELOPES_MAX


def test_batches_are_bounded():
    for envelopes in ([], [b""] * (BATCH_ENVELOPES_MAX + 1), [b"x" * 600_000] * 2):
        with pytest.raises(BatchFormError):
            read_batch(write_batch(envelopes, nonce=bytes(16)))
    with pytest.raises(BatchFormError):
        read_batch(bytes(TX_BYTES_MAX + 1))
    full = [b"x" * 1_000] * BATCH_ENVELOPES_MAX
    assert len(read_batch(write_batch(full, nonce=bytes(16)))) == BATCH_ENVELOPES_MAX


def test_damaged_answers_are_refused():
    for data, details in ((b"\xc1", ""), (b"", ""), (b"\x90", "{")):
        with pytest.raises(BatchFormError):
            read_answers(data, details)
    with pytest.raises(BatchFormError):
        read_wrong(b"")


def test_whole_batches_are_handed_out_together_while_they_fit():
    inbox = Inbox(transactions_max=100, bytes_max=1_000)
    for size in (3, 4, 5, 20, 1):
        inbox.put([b"x"] * size)
    taken = [
        [len(part.envelopes) for part in inbox.take(transactions_max=10, bytes_max=100, whole=True)] for _ in range(4)
    ]
    assert taken == [[3, 4], [5], [20], [1]]
