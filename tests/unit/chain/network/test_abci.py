import socket

import pytest

from ogniwo.chain.network import abci as server
from ogniwo.chain.network import messages as abci
from ogniwo.chain.network.protobuf import write_varint


def test_requests_that_come_at_once_or_in_pieces_are_answered_in_order(consensus):
    node = consensus()
    echoes = [abci.RequestEcho(f"{number}") for number in range(5)]
    data = b"".join(abci.pack(one) for one in (*echoes, abci.RequestFlush()))
    node.client.send(data[:3])
    for start in range(3, len(data), 7):
        node.client.send(data[start : start + 7])
    answers = [node.client.receive() for _ in range(6)]
    assert answers == [*(abci.ResponseEcho(one.message) for one in echoes), abci.ResponseFlush()]


def test_four_connections_are_served_side_by_side(consensus):
    node = consensus()
    clients = [node.connect() for _ in range(4)]
    for number, client in enumerate(clients):
        assert client.ask(abci.RequestEcho(str(number))) == abci.ResponseEcho(str(number))


@pytest.mark.parametrize("data", [b"\x02\x22\x00", b"\x03\x1a\x05a", b"\x01\xff", b"\x00"])
def test_what_is_no_request_is_answered_with_the_refusal_and_hung_up(consensus, data):
    node = consensus()
    node.client.send(data)
    assert "node.wire_format" in node.client.receive().error
    with pytest.raises(ConnectionError):
        node.client.receive()
    assert node.connect().ask(abci.RequestEcho("still here")) == abci.ResponseEcho("still here")


def test_a_gigantic_announcement_is_not_waited_for(consensus):
    node = consensus()
    node.client.send(write_varint(server.MESSAGE_BYTES_MAX + 1))
    with pytest.raises(ConnectionError):
        node.client.receive()


def test_a_client_that_leaves_in_the_middle_disturbs_nobody(consensus):
    node = consensus()
    other = node.connect()
    other.send(b"\x50half")
    other.socket.shutdown(socket.SHUT_RDWR)
    assert node.ask(abci.RequestEcho("on")) == abci.ResponseEcho("on")


def test_only_the_owner_may_open_the_socket(consensus):
    assert consensus().path.stat().st_mode & 0o777 == 0o600


def test_a_fault_in_the_application_stops_the_node_and_is_not_swallowed(consensus, monkeypatch):
    node = consensus()
    monkeypatch.setitem(node.application._handlers, abci.RequestInfo, lambda _: 1 / 0)
    assert "ZeroDivisionError" in node.ask(abci.RequestInfo()).error
    node.close()
    assert isinstance(node.failure, ZeroDivisionError)


def test_what_is_not_used_is_answered_harmlessly(consensus):
    node = consensus()
    assert node.ask(abci.RequestExtendVote()) == abci.ResponseExtendVote()
    assert node.ask(abci.RequestVerifyVoteExtension()).status == abci.Verdict.ACCEPT
    assert node.ask(abci.RequestVerifyVoteExtension(vote_extension=b"x")).status == abci.Verdict.REJECT
    assert node.ask(abci.RequestListSnapshots()).snapshots == ()
