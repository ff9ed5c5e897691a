"""The memory of answered queries: bounded, and as long as a query could be sent again."""

import pytest

from ogniwo.services.ledger.reading import Nonces, QueryMemoryError, QueryReplayedError


def test_a_nonce_counts_once_per_key_until_it_ends():
    nonces = Nonces()
    nonces.use("k", "n", expires=110, now_s=100)
    with pytest.raises(QueryReplayedError):
        nonces.use("k", "n", expires=110, now_s=109)
    nonces.use("other", "n", expires=110, now_s=109)
    nonces.use("k", "n", expires=200, now_s=121)  # the first one's end is past: it could not be sent again


def test_the_memory_is_bounded_and_makes_room_when_queries_end():
    nonces = Nonces(most=2)
    nonces.use("k", "1", expires=110, now_s=100)
    nonces.use("k", "2", expires=110, now_s=100)
    with pytest.raises(QueryMemoryError):
        nonces.use("k", "3", expires=110, now_s=101)
    nonces.use("k", "3", expires=130, now_s=120)


def test_one_key_cannot_fill_the_memory_of_all():
    nonces = Nonces(most=10, most_of_a_key=2)
    nonces.use("greedy", "1", expires=110, now_s=100)
    nonces.use("greedy", "2", expires=110, now_s=100)
    with pytest.raises(QueryMemoryError):
        nonces.use("greedy", "3", expires=110, now_s=100)
    nonces.use("other", "1", expires=110, now_s=100)
