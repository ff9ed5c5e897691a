"""The ledger over HTTP, in a process of its own: transactions, batches, proofs, and who may read what."""

import importlib.util
import json
import subprocess
import sys
import threading
from pathlib import Path

import msgspec
import pytest

from ogniwo.chain.embedded import EmbeddedLedger
from ogniwo.core.ledger.checkpoints import parse_verifier_key, verifier_key, verify_checkpoint
from ogniwo.core.ledger.merkle import consistent
from ogniwo.core.ledger.receipts import check_receipt

_PLACE = Path(__file__).parent / "ledger_server.py"
_SPECIFICATION = importlib.util.spec_from_file_location("ledger_server", _PLACE)
support = sys.modules.setdefault("ledger_server", importlib.util.module_from_spec(_SPECIFICATION))
if not hasattr(support, "Server"):
    _SPECIFICATION.loader.exec_module(support)

ANNA, JAN, COOP = "op/coop/anna", "op/coop/jan", "op/coop"


@pytest.fixture
def coop(tmp_path):
    """The network, its ledger founded in `tmp_path`: Anna with 1,000.00 PLN, an auditor, a partner that may read."""
    network = support.load_network().Network()
    support.found(tmp_path, network)
    return network


@pytest.fixture
def serve(coop, tmp_path):
    servers = []

    def started(**limits):
        servers.append(support.Server(tmp_path, **limits))
        return servers[-1]

    yield started
    for server in servers:
        if server.process.poll() is None:
            assert server.stop() == 0


def paid(coop, amount=100):
    return coop.signed(coop.pay(ANNA, JAN, amount), "anna")


def post(server, envelope):
    return server.ask("POST", "/v1/transactions", envelope)


def checkpoint_key(coop):
    return verifier_key(coop.name, coop.checkpoint_key).text()


def test_a_transfer_is_answered_with_its_place_and_a_repeat_with_the_same_name(coop, serve):
    server, envelope = serve(), paid(coop)
    status, headers, first = post(server, envelope)
    assert (status, headers["content-type"], first["code"]) == (200, "application/json", "accepted")
    assert {"transaction", "height", "position", "log_index", "time"} <= set(first)
    assert first["time"] == coop.now
    status, _, again = post(server, envelope)
    assert (status, again["code"], again["original"]) == (200, "ledger.exists", first["transaction"])
    status, _, place = server.ask("GET", f"/v1/transactions/{first['transaction']}")
    assert (status, place) == (200, first)


def test_a_refusal_is_a_problem_document_with_code_and_place(coop, serve):
    server = serve()
    status, headers, problem = post(server, coop.signed(coop.pay(ANNA, JAN, 10_000_000), "anna"))
    assert (status, headers["content-type"]) == (422, "application/problem+json")
    assert problem["code"] == "ledger.insufficient_balance"
    assert problem["height"] == 1  # recorded: the refusal has a receipt of its own
    assert (problem["type"], problem["status"], bool(problem["detail"])) == ("about:blank", 422, True)


def test_batches_in_both_forms_answer_each_transaction(coop, serve):
    server = serve()
    good, bad = paid(coop), coop.signed(coop.pay(ANNA, JAN, 5, network="other"), "anna")
    body = msgspec.msgpack.encode([good, b"no json", bad])
    status, _, packed = server.ask("POST", "/v1/batches", body, Content_Type="application/msgpack")
    assert (status, [one["code"] for one in packed["answers"]]) == (
        200,
        ["accepted", "ledger.malformed", "ledger.other_network"],
    )
    listed = b"[" + b", ".join((paid(coop), good)) + b"]"
    status, _, answers = server.ask("POST", "/v1/batches", listed, Content_Type="application/json; charset=utf-8")
    assert [one["code"] for one in answers["answers"]] == ["accepted", "ledger.exists"]
    assert server.ask("POST", "/v1/batches", b"[]", Content_Type="application/json")[2] == {"answers": []}


def test_transfers_of_many_connections_share_blocks_and_none_is_lost(coop, serve, tmp_path):
    server = serve()
    envelopes, names, lock = [paid(coop, 1) for _ in range(240)], [], threading.Lock()

    def client(own):
        with server.connect() as connection:
            for envelope in own:
                connection.sendall(support.request("POST", "/v1/transactions", envelope))
                _, _, answer = support.read_answer(connection)
                with lock:
                    names.append((answer["code"], answer["transaction"]))

    threads = [threading.Thread(target=client, args=(envelopes[number::24],)) for number in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {code for code, _ in names} == {"accepted"}
    assert len({name for _, name in names}) == 240
    assert server.stop() == 0
    with EmbeddedLedger(tmp_path / "ledger.sqlite3") as ledger, ledger.reading() as state:
        assert state.balance(JAN, "PLN/2") == 240
        assert ledger.head().height < 200  # blocks were shared


def test_head_health_checkpoint_and_consistency(coop, serve):
    server = serve()
    _, _, head = server.ask("GET", "/v1/head")
    assert server.ask("GET", "/v1/health")[2]["running"] is True
    key = parse_verifier_key(checkpoint_key(coop))
    before = verify_checkpoint(server.ask("GET", "/v1/checkpoint")[2].decode(), key=key)
    assert (before.size, before.root.hex()) == (head["log_size"], head["log_root"])
    post(server, paid(coop))
    status, _, proof = server.ask("GET", f"/v1/consistency?old={before.size}")
    after = verify_checkpoint(proof["checkpoint"], key=key)
    assert (status, after.size) == (200, before.size + 2)
    assert consistent(
        old=before.size,
        new=after.size,
        proof=[bytes.fromhex(step) for step in proof["proof"]],
        old_root=before.root,
        new_root=after.root,
    )
    assert server.ask("GET", "/v1/consistency?old=999")[2]["code"] == "ledger.proof_out_of_range"


def test_a_receipt_for_those_it_concerns_and_nobody_else(coop, serve):
    server = serve()
    name = post(server, paid(coop))[2]["transaction"]
    path = f"/v1/transactions/{name}/receipt"
    for who, account in (("anna", ANNA), ("jan", JAN), ("coop", COOP)):
        with server.connect() as connection:
            connection.sendall(support.request("GET", path, **support.query(coop, who, account, path)))
            status, _, receipt = support.read_answer(connection)
        assert status == 200
        raw = json.dumps(receipt, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
        assert check_receipt(raw, checkpoint_key=checkpoint_key(coop)).transaction == name
    status, _, problem = server.ask("GET", path, **support.query(coop, "gateway", "op/coop/gateway", path))
    assert (status, problem["code"]) == (403, "query.not_permitted")
    assert [(read["account"], read["scope"], read["reason"]) for read in server.reads] == [
        (COOP, "subtree", "review"),
        ("op/coop/gateway", "refused", "review"),
    ]


def test_history_shows_both_directions_and_commitments_show_no_names(coop, serve):
    server = serve()
    name = post(server, paid(coop, 250))[2]["transaction"]
    path = f"/v1/accounts/{JAN}/history?limit=5"
    _, _, got = server.ask("GET", path, **support.query(coop, "jan", JAN, path))
    assert got["history"][0]["transaction"] == name
    assert got["history"][0]["account"] == ANNA  # she acted, he got
    assert got["history"][0]["changes"] == [{"asset": "PLN/2", "amount": 250}]
    path = f"/v1/accounts/{ANNA}/history"
    _, _, gave = server.ask("GET", path, **support.query(coop, "anna", ANNA, path))
    assert [row["changes"] for row in gave["history"][:2]] == [
        [{"asset": "PLN/2", "amount": -250}],
        [{"asset": "PLN/2", "amount": 100_000}],
    ]
    path = f"/v1/accounts/{JAN}/balances"
    assert server.ask("GET", path, **support.query(coop, "jan", JAN, path))[2]["balances"] == {"PLN/2": 250}
    path = "/v1/commitments?from=0"
    _, _, listed = server.ask("GET", path, **support.query(coop, "jan", JAN, path))
    assert listed["commitments"][-1]["transaction"] == name
    assert ANNA not in json.dumps(listed)
    assert "post" not in json.dumps(listed)
    assert server.reads == []


def test_blocks_are_for_whoever_may_read_the_whole_tree(coop, serve):
    server = serve()
    post(server, paid(coop))
    path = "/v1/blocks?from=0&limit=10"
    status, _, body = server.ask("GET", path, **support.query(coop, "auditor", "op/auditor", path))
    blocks = msgspec.msgpack.decode(body)
    assert (status, [height for height, _, _ in blocks]) == (200, [0, 1])
    status, _, problem = server.ask("GET", path, **support.query(coop, "coop", COOP, path))
    assert (status, problem["code"]) == (403, "query.not_permitted")
    assert [(read["account"], read["scope"]) for read in server.reads] == [("op/auditor", "tree"), (COOP, "refused")]


WRONG = [
    ("GET", "/", "http.no_such_path", 404),
    ("GET", "/v1/transactions/abc", "http.no_such_path", 404),
    ("GET", f"/v1/transactions/{'0' * 64}", "ledger.not_on_ledger", 404),
    ("GET", "/v1/accounts/op/nothing", "http.no_such_path", 404),
    ("GET", "/v1/transactions", "http.method", 405),
    ("DELETE", "/v1/head", "http.method", 405),
    ("POST", "/v1/batches", "http.media_type", 415),
    ("GET", "/v1/consistency", "http.parameter", 400),
    ("GET", "/v1/consistency?old=-1", "http.parameter", 400),
    ("GET", "/v1/consistency?old=1&new=2", "http.parameter", 400),
    ("GET", "/v1/blocks?from=0", "query.missing", 401),
]


def test_wrong_requests_get_a_code(coop, serve):
    server = serve()
    for method, path, code, status in WRONG:
        answered, _, problem = server.ask(method, path)
        assert (answered, problem["code"]) == (status, code), path


def test_more_than_the_engine_takes_is_told_to_come_later(coop, tmp_path, serve):
    server = serve(bodies_bytes=1_000)
    status, headers, problem = server.ask("POST", "/v1/batches", b"[]", Content_Type="application/json")
    assert (status, problem["code"], headers["retry-after"]) == (503, "http.overloaded", "1")


def test_a_fault_in_what_the_server_does_beside_serving_ends_it_and_is_not_hidden(tmp_path):
    program = (
        "import sys\n"
        "from ogniwo.interfaces.ledger_http.server import listen, serve\n"
        "def chore():\n"
        "    raise RuntimeError('a fault')\n"
        "serve(None, listening=listen('127.0.0.1', 0), chore=chore, chore_every_s=1)\n"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=30)
    assert run.returncode == 1
    assert "RuntimeError: a fault" in run.stderr
