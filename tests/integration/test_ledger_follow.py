"""An auditor's node over HTTP: its own copy, resumed; a fork, a shortened ledger and a forged block refused by name."""

import importlib.util
import shutil
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from ogniwo.chain.audit import verify_ledger
from ogniwo.chain.copying import BadBlockError, ForkError
from ogniwo.core.ledger.checkpoints import parse_verifier_key, verifier_key, verify_checkpoint
from ogniwo.core.ledger.signing import add_signature
from ogniwo.gateways.exchange import UnreachableError, exchange
from ogniwo.services.ledger.following import (
    FollowerExistsError,
    FollowRefusedError,
    NoFollowerError,
    RolledBackError,
    create_follower,
    follow,
    open_follower,
)

_PLACE = Path(__file__).parent / "ledger_server.py"
_SPECIFICATION = importlib.util.spec_from_file_location("ledger_server", _PLACE)
support = sys.modules.setdefault("ledger_server", importlib.util.module_from_spec(_SPECIFICATION))
if not hasattr(support, "Server"):
    _SPECIFICATION.loader.exec_module(support)


def key_text(network):
    return verifier_key(network.name, network.checkpoint_key).text()


@pytest.fixture
def audited(tmp_path):
    """A served ledger's folder, its network, and a node's folder whose request was admitted."""
    network, copy, served = support.load_network().Network(), tmp_path / "copy", tmp_path / "served"
    served.mkdir()
    request = create_follower(
        folder=copy, account="op/watch", checkpoint_key=key_text(network), now_s=network.now
    ).read_bytes()
    admitted = [
        network.signed(network.account("op/watch", "partner")),
        add_signature(request, network.key("op")),
        network.signed(network.bind("op/watch", "auditor", "op")),
    ]
    support.write(served, network, support.founding(network), admitted, [pay(network, 100)])
    return served, network, copy


def pay(network, amount):
    return network.signed(network.pay("op/coop/anna", "op/coop/jan", amount), "anna")


@contextmanager
def serving(folder):
    server = support.Server(folder)
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        assert server.stop() == 0


def round_of(network, copy, url):
    return follow(open_follower(folder=copy), url=url, now_s=lambda: network.now)


def test_a_node_copies_replays_and_resumes(audited):
    served, network, copy = audited
    with serving(served) as url:
        first = round_of(network, copy, url)
        assert (first.blocks, first.height, first.size) == (3, 2, first.checkpoint_size)
        body = pay(network, 50)
        assert exchange("POST", f"{url}/v1/transactions", body=body, bytes_max=9_999).status == 200
        second = round_of(network, copy, url)
        assert (second.blocks, second.height) == (1, 3)
        third = round_of(network, copy, url)
        assert (third.blocks, third.root) == (0, second.root)
    assert verify_ledger(copy / "ledger.sqlite3") == []
    kept = sorted(path.name for path in (copy / "checkpoints").iterdir())
    assert kept == [f"{first.size:010d}.txt", f"{second.size:010d}.txt"]


def test_a_fork_is_refused_and_both_signed_checkpoints_are_kept(audited, tmp_path):
    served, network, copy = audited
    other = tmp_path / "other"
    shutil.copytree(served, other)  # up to here both are one
    support.write(served, network, [pay(network, 70)])
    support.write(other, network, [pay(network, 71)], [pay(network, 72)])
    with serving(served) as url:
        before = round_of(network, copy, url)
    with serving(other) as url, pytest.raises(ForkError, match="block 4, previous"):
        round_of(network, copy, url)
    evidence = sorted((copy / "evidence").iterdir())
    notes = [path.read_text(encoding="utf-8") for path in evidence]
    assert [path.name.split("-")[0] for path in evidence] == ["agreed", "contradicts"]
    for note in notes:  # both are the operator's own signature
        verify_checkpoint(note, key=parse_verifier_key(key_text(network)))
    with serving(served) as url:
        after = round_of(network, copy, url)
    assert (after.blocks, after.root) == (0, before.root)


def test_a_fork_of_the_same_size_is_found_by_the_checkpoint_alone(audited, tmp_path):
    served, network, copy = audited
    other = tmp_path / "other"
    shutil.copytree(served, other)
    support.write(served, network, [pay(network, 70)])
    support.write(other, network, [pay(network, 71)])
    with serving(served) as url:
        round_of(network, copy, url)
    with serving(other) as url, pytest.raises(ForkError, match="another root"):
        round_of(network, copy, url)


def test_an_old_copy_put_back_is_noticed(audited, tmp_path):
    served, network, copy = audited
    old = tmp_path / "old"
    shutil.copytree(served, old)
    support.write(served, network, [pay(network, 70)])
    with serving(served) as url:
        round_of(network, copy, url)
    with serving(old) as url, pytest.raises(RolledBackError):
        round_of(network, copy, url)


@contextmanager
def forging(url, change):
    """A server between: it gives what the one at `url` gives, with changed blocks."""

    class Between(BaseHTTPRequestHandler):
        def do_GET(self):
            signed = {"Ogniwo-Query": self.headers.get("Ogniwo-Query", "")}
            reply = exchange("GET", url + self.path, headers=signed, bytes_max=10_000_000)
            body = change(reply.body) if "blocks" in self.path else reply.body
            self.send_response(reply.status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Between) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def test_forged_blocks_are_refused_and_not_kept(audited):
    served, network, copy = audited
    with serving(served) as url:
        for change, refusal in (
            (lambda body: body.replace(b"accepted", b"ledger.x"), BadBlockError),
            (lambda body: body.replace(b'"signature":"', b'"signature":"A', 1), (BadBlockError, FollowRefusedError)),
            (lambda body: body[:-5], FollowRefusedError),
            (lambda _body: b"\x90", FollowRefusedError),
        ):
            with forging(url, change) as between, pytest.raises(refusal):
                round_of(network, copy, between)
        assert round_of(network, copy, url).height == 2


def test_who_is_not_admitted_or_pins_another_key_gets_nothing(audited, tmp_path):
    served, network, copy = audited
    stranger = tmp_path / "stranger"
    create_follower(folder=stranger, account="op/watch", checkpoint_key=key_text(network), now_s=network.now)
    with serving(served) as url:
        with pytest.raises(FollowRefusedError, match=r"query\.key"):
            round_of(network, stranger, url)
        with pytest.raises(UnreachableError):
            round_of(network, copy, "http://127.0.0.1:9")
    with pytest.raises(NoFollowerError):
        open_follower(folder=tmp_path / "empty")
    with pytest.raises(FollowerExistsError):
        create_follower(folder=copy, account="op/other", checkpoint_key=key_text(network), now_s=network.now)
    again = create_follower(folder=copy, account="op/watch", checkpoint_key=key_text(network), now_s=network.now)
    assert again.is_file()
