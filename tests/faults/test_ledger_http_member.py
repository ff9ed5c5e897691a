"""The malicious member over HTTP: each attack is caught, by whom and where is printed, and honest requests go on.

`pytest -s` shows the table.
"""

import importlib.util
import json
import socket
import sys
import time
from pathlib import Path

import msgspec
import pytest

from ogniwo.chain.embedded import EmbeddedLedger

_PLACE = Path(__file__).parents[1] / "integration" / "ledger_server.py"
_SPECIFICATION = importlib.util.spec_from_file_location("ledger_server", _PLACE)
support = sys.modules.setdefault("ledger_server", importlib.util.module_from_spec(_SPECIFICATION))
if not hasattr(support, "Server"):
    _SPECIFICATION.loader.exec_module(support)

ANNA, JAN = "op/coop/anna", "op/coop/jan"
LIMITS = {"request_s": 1.0, "answer_s": 1.0, "idle_s": 60.0, "connections": 12, "batch_bytes": 200_000}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("served")
    network = support.load_network().Network()
    with EmbeddedLedger(folder / "ledger.sqlite3", clock=lambda: network.now, workers=2) as ledger:
        assert {answer.code for answer in ledger.submit(network.founding())} == {"accepted"}
    server = support.Server(folder, **LIMITS)
    yield server, network
    assert server.stop() == 0


@pytest.fixture(autouse=True)
def honest_requests_go_on(place):
    """After each attack a transfer is taken at once, and the books say what the honest transfers made of them."""
    yield
    server, coop = place
    start = time.monotonic()
    status, _, answer = server.ask("POST", "/v1/transactions", paid(coop))
    assert (status, answer["code"]) == (200, "accepted")
    assert time.monotonic() - start < 2


def caught(attack, by, code):
    sys.stdout.write(f"{attack:44} caught by {by:34} {code}\n")


def paid(coop, **changed):
    return coop.signed(coop.pay(ANNA, JAN, 1, **changed), "anna")


def closed(connection):
    """What the server says before it closes the connection, and that it does."""
    data = b""
    while True:
        try:
            got = connection.recv(65_536)
        except ConnectionResetError:
            return data
        if not got:
            return data
        data += got


def test_gigantic_batches(place):
    server, _ = place
    many = msgspec.msgpack.encode([b"x"] * 1_001)
    status, _, problem = server.ask("POST", "/v1/batches", many, Content_Type="application/msgpack")
    assert (status, problem["code"]) == (413, "http.too_large")
    caught("a batch of 1,001 transactions", "application: number in a batch", problem["code"])
    with server.connect() as connection:
        connection.sendall(
            b"POST /v1/batches HTTP/1.1\r\nHost: x\r\nContent-Type: application/msgpack\r\n"
            b"Content-Length: 9000000000\r\n\r\n"
        )
        status, headers, problem = support.read_answer(connection)
        assert (status, problem["code"], headers["connection"]) == (413, "http.too_large", "close")
        assert closed(connection) == b""
    caught("a batch of 9 GB announced", "application: content-length", problem["code"])
    with server.connect() as connection:
        connection.sendall(
            b"POST /v1/batches HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n"
        )
        try:
            for _ in range(64):
                connection.sendall(b"10000\r\n" + b" " * 65_536 + b"\r\n")
        except (BrokenPipeError, ConnectionResetError):
            pass
        said = closed(connection)
        assert not said or b"413" in said
    caught("a batch without end in chunks", "application: bytes received", "http.too_large")
    status, _, problem = server.ask("POST", "/v1/transactions", b"{" + b" " * 65_536)
    assert (status, problem["code"]) == (413, "http.too_large")
    caught("an envelope above 64 KiB", "application: content-length", problem["code"])


def test_slow_and_silent_clients(place):
    server, _ = place
    for attack, sent in (
        ("a connection that says nothing", b""),
        ("half a head", b"POST /v1/transactions HTTP/1.1\r\nHost: x\r\n"),
        ("half a body", b"POST /v1/transactions HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n{"),
    ):
        start = time.monotonic()
        with server.connect() as connection:
            connection.sendall(sent)
            status, _, problem = support.read_answer(connection)
            assert (status, problem["code"]) == (408, "http.too_slow")
            assert closed(connection) == b""
        assert 0.9 < time.monotonic() - start < 4
        caught(attack, "guard: time to arrive", problem["code"])
    start = time.monotonic()
    with server.connect() as connection:
        connection.sendall(b"POST /v1/transactions HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n")
        try:
            for _ in range(60):  # a byte now and then buys no time
                connection.sendall(b"x")
                time.sleep(0.1)
        except (BrokenPipeError, ConnectionResetError):
            pass
        said = closed(connection)
        assert not said or b"http.too_slow" in said
    assert time.monotonic() - start < 5
    caught("a body of one byte per 0.1 s", "guard: time to arrive", "http.too_slow")


def test_an_answer_that_nobody_takes_is_given_up(place):
    server, _ = place
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        connection.connect(("127.0.0.1", server.port))
        try:
            for _ in range(2_000):
                connection.sendall(support.request("GET", "/v1/health") * 8)
        except (BrokenPipeError, ConnectionResetError, TimeoutError):
            pass
        connection.settimeout(10)
        said = closed(connection)  # it ends: a time-out would fail the test
        assert said.count(b"HTTP/1.1 200") < 16_000
    caught("requests without reading the answers", "guard: pipelined requests", "http.overloaded")


def test_endless_heads_and_floods_of_connections(place):
    server, _ = place
    with server.connect() as connection:
        try:
            connection.sendall(b"GET /v1/head HTTP/1.1\r\nHost: x\r\n" + b"X-A: " + b"a" * 40_000)
            connection.sendall(b"\r\nX-B: b\r\n")
        except (BrokenPipeError, ConnectionResetError):
            pass
        assert b"http.too_large" in closed(connection)
    caught("a head of 40 kB", "guard: bytes of the head", "http.too_large")
    crowd = [server.connect() for _ in range(12)]
    try:
        time.sleep(0.2)
        with server.connect() as connection:
            status, headers, problem = support.read_answer(connection)
        assert (status, problem["code"], headers["retry-after"]) == (503, "http.overloaded", "1")
    finally:
        for connection in crowd:
            connection.close()
    time.sleep(0.2)
    caught("more connections than there are places", "guard: connections", problem["code"])


def test_garbage(place):
    server, _ = place
    with server.connect() as connection:
        connection.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 not HTTP at all\r\n\r\n")
        assert b"http.malformed" in closed(connection)
    caught("bytes that are no HTTP", "guard: parser", "http.malformed")
    for attack, body, code, by in (
        ("an empty body", b"", "ledger.malformed", "engine: decoder"),
        ("bytes that are no JSON", b"\xff\x00\xfe", "ledger.malformed", "engine: decoder"),
        ("JSON that is no envelope", b'{"a":1}', "ledger.schema", "engine: decoder"),
        ("JSON nested 20,000 deep", b"[" * 20_000 + b"]" * 20_000, None, "engine: decoder"),
    ):
        status, _, problem = server.ask("POST", "/v1/transactions", body)
        assert status == 400
        assert code in {problem["code"], None}
        caught(attack, by, problem["code"])
    for body in (b"\xc1", b'{"a":1}', b"[" * 50_000, b"\xdd\xff\xff\xff\xff"):
        for kind in ("application/json", "application/msgpack"):
            status, _, problem = server.ask("POST", "/v1/batches", body, Content_Type=kind)
            assert (status, problem["code"]) == (400, "http.malformed")
    caught("batches that are no arrays", "application: decoder", "http.malformed")


def test_other_network_and_replay(place):
    server, coop = place
    status, _, problem = server.ask("POST", "/v1/transactions", paid(coop, network="other.example/two"))
    assert (status, problem["code"]) == (422, "ledger.other_network")
    caught("a transfer of another network", "engine: rules", problem["code"])
    envelope = paid(coop)
    first = server.ask("POST", "/v1/transactions", envelope)[2]
    path = f"/v1/accounts/{JAN}/balances"
    before = server.ask("GET", path, **support.query(coop, "jan", JAN, path))[2]
    batch = msgspec.msgpack.encode([envelope] * 200)
    status, _, answers = server.ask("POST", "/v1/batches", batch, Content_Type="application/msgpack")
    assert (status, {one["code"] for one in answers["answers"]}) == (200, {"ledger.exists"})
    assert server.ask("POST", "/v1/transactions", envelope)[2]["original"] == first["transaction"]
    assert server.ask("GET", path, **support.query(coop, "jan", JAN, path))[2] == before
    caught("a transfer sent again", "engine: ids remembered", "ledger.exists")


def test_reading_another_scope(place):
    server, coop = place
    path = f"/v1/accounts/{JAN}/history"
    attempts = len(server.reads)
    cases = [
        ("Anna asks for Jan's history", support.query(coop, "anna", ANNA, path), 403, "query.not_permitted"),
        ("Anna signs in Jan's name", support.query(coop, "anna", JAN, path), 401, "query.key"),
        ("without a query", {}, 401, "query.missing"),
        ("with a query for her own history", support.query(coop, "jan", JAN, f"/v1/accounts/{ANNA}/history"), 401, ""),
        ("with a query of another network", support.query(coop, "jan", JAN, path, network="other"), 401, ""),
        ("with a query that is over", support.query(coop, "jan", JAN, path, expires=coop.now), 401, "query.expired"),
        ("valid for a day", support.query(coop, "jan", JAN, path, expires=coop.now + 86_400), 401, "query.expired"),
        ("from before the server's time", support.query(coop, "jan", JAN, path, issued=coop.now - 9), 401, ""),
        ("with the key of a meter", support.query(coop, "gateway-reading", "op/coop/gateway", path), 401, "query.key"),
        ("garbage for a query", {"Ogniwo_Query": "a.b"}, 400, "query.form"),
    ]
    for attack, header, status, code in cases:
        answered, _, problem = server.ask("GET", path, **header)
        assert answered == status, (attack, problem)
        assert problem["code"].startswith("query.")
        assert code in {"", problem["code"]}
        caught(f"{attack}", "service: read rights", problem["code"])
    assert [(read["account"], read["path"], read["scope"]) for read in server.reads[attempts:]] == [
        (ANNA, path, "refused")
    ]
    header = support.query(coop, "jan", JAN, path)
    assert server.ask("GET", path, **header)[0] == 200
    status, _, problem = server.ask("GET", path, **header)
    assert (status, problem["code"]) == (401, "query.replayed")
    caught("Jan's own query sent again by a listener", "service: nonces", problem["code"])
    forged = header["Ogniwo_Query"][:-8] + "AAAAAAAA"
    status, _, problem = server.ask("GET", path, Ogniwo_Query=forged)
    assert problem["code"] in {"ledger.signature", "ledger.high_s", "ledger.base64url"}
    assert status in {400, 401, 422}
    caught("a changed signature under a query", "service: signature", problem["code"])
    assert JAN not in json.dumps(problem)
