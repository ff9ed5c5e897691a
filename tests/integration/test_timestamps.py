"""RFC 3161 stamps of checkpoints, from an authority of our own on loopback, and what is refused."""

import importlib.util
import os
import re
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from asn1crypto import tsp
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ogniwo.chain.embedded import EmbeddedLedger
from ogniwo.chain.keystore import KeyStore
from ogniwo.core.ledger.checkpoints import parse_checkpoint, verifier_key
from ogniwo.core.ledger.cosignatures import witness_key
from ogniwo.services.ledger.access import CHECKPOINT_KEY
from ogniwo.services.ledger.serving import CheckpointKeeper
from ogniwo.services.ledger.timestamping import (
    BadTimestampError,
    NoTimestampSettingsError,
    TimestampRefusedError,
    TimestampSettingsError,
    TimestampUnreachableError,
    stamp_checkpoint,
    verify_stamps,
)
from ogniwo.services.workspace.model import Workspace

FOLDER = Path(__file__).parent


def _module(name, place):
    if name not in sys.modules:
        specification = importlib.util.spec_from_file_location(name, place)
        sys.modules[name] = importlib.util.module_from_spec(specification)
        specification.loader.exec_module(sys.modules[name])
    return sys.modules[name]


tsa = _module("time_authority", FOLDER / "time_authority.py")
ledger_network = _module("ledger_network", FOLDER.parent / "unit" / "core" / "ledger" / "network.py")


@pytest.fixture(scope="module")
def authority():
    return tsa.Authority()


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    """A folder with a founded ledger and its checkpoint key; stamping needs no more of a workspace."""
    monkeypatch.setattr("ogniwo.services.ledger.timestamping.record_act", lambda *_, **__: None)
    network = ledger_network.Network()
    store = KeyStore(tmp_path / "keys")
    store.create(CHECKPOINT_KEY, kind="ed25519")
    key = verifier_key(network.name, store.checkpoint_key(CHECKPOINT_KEY)).text()
    founding = network.founding()
    founding[0] = network.signed(network.genesis(checkpoint_key=key))
    with EmbeddedLedger(tmp_path / "ledger.sqlite3", clock=lambda: network.now) as ledger:
        assert {answer.code for answer in ledger.submit(founding)} == {"accepted"}
    return Workspace(root=tmp_path, name="Próba", network=network.name)


def configure(workspace, url, pem):
    (workspace.root / "tsa.pem").write_bytes(pem)
    text = f'[tsa]\nurl = "{url}"\ncertificates = ["tsa.pem"]\n'
    (workspace.root / "timestamps.toml").write_text(text, encoding="utf-8")


def nothing_kept(workspace):
    return not (workspace.root / "checkpoints").exists() or not list((workspace.root / "checkpoints").iterdir())


def test_a_stamp_is_kept_verified_again_and_not_asked_for_twice(workspace, authority):
    asked = authority.asked
    with tsa.answering(authority.answer) as url:
        configure(workspace, url, authority.pem)
        first, again = stamp_checkpoint(workspace), stamp_checkpoint(workspace)
    assert authority.asked == asked + 1
    assert (first.new, again.new, again.time) == (True, False, first.time)
    assert "Zaufany czas" in first.signer
    assert abs(first.time - datetime.now(tz=UTC)) < timedelta(minutes=5)
    stamps, findings = verify_stamps(workspace)
    assert ([one.size for one in stamps], findings) == ([first.size], ())
    names = sorted(path.name for path in (workspace.root / "checkpoints").iterdir())
    assert names == [f"{first.size:010d}.tsr", f"{first.size:010d}.txt"]


def test_openssl_alone_verifies_the_kept_stamp(workspace, authority, tmp_path):
    with tsa.answering(authority.answer) as url:
        configure(workspace, url, authority.pem)
        stamp = stamp_checkpoint(workspace)
    kept = workspace.root / "checkpoints" / f"{stamp.size:010d}"
    data = tmp_path / "body"
    data.write_text(parse_checkpoint(kept.with_suffix(".txt").read_text(encoding="utf-8")).body(), encoding="utf-8")
    command = ["openssl", "ts", "-verify", "-in", str(kept.with_suffix(".tsr")), "-data", str(data)]
    command += ["-CAfile", str(workspace.root / "tsa.pem")]
    said = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "Verification: OK" in said.stdout + said.stderr


def changed(field, value):
    """An authority that stamps something else than it was asked to."""

    def answer(authority, request):
        asked = tsp.TimeStampReq.load(request)
        if field == "imprint":
            asked["message_imprint"]["hashed_message"] = value
        else:
            asked["nonce"] = value
        return authority.answer(asked.dump())

    return answer


def flipped(authority, request):
    """A changed token: the time in it is another one, the signature is not."""
    data = bytearray(authority.answer(request))
    digit = re.search(rb"\x18[\x0f-\x17]20\d{12}", data).end() - 1
    data[digit] = ord("0") + (data[digit] - ord("0") + 1) % 10
    return bytes(data)


@pytest.mark.parametrize(
    ("answer", "refusal"),
    [
        (changed("imprint", b"\x11" * 32), BadTimestampError),
        (changed("nonce", 12_345), BadTimestampError),
        (flipped, BadTimestampError),
        (lambda _authority, request: tsa.Authority("Obcy").answer(request), BadTimestampError),
        (lambda _authority, _request: b"", BadTimestampError),
        (lambda _authority, _request: b"\x30\x03\x30\x01\x00", BadTimestampError),
        (lambda authority, request: authority.answer(request)[:-40], BadTimestampError),
        (
            lambda _authority, _request: b"\x30\x05\x30\x03\x02\x01\x02",  # PKIStatus 2 and no token
            TimestampRefusedError,
        ),
    ],
    ids=["imprint", "nonce", "changed", "untrusted", "empty", "garbage", "cut", "rejection"],
)
def test_a_wrong_stamp_is_refused_and_nothing_is_kept(workspace, authority, answer, refusal):
    with tsa.answering(lambda request: answer(authority, request)) as url:
        configure(workspace, url, authority.pem)
        with pytest.raises(refusal):
            stamp_checkpoint(workspace)
    assert nothing_kept(workspace)


def test_no_authority_no_answer_and_bad_settings(workspace, authority):
    with pytest.raises(NoTimestampSettingsError):
        stamp_checkpoint(workspace)
    configure(workspace, "http://127.0.0.1:9/tsr", authority.pem)
    with pytest.raises(TimestampUnreachableError):
        stamp_checkpoint(workspace)
    configure(workspace, "ftp://tsa.example", authority.pem)
    with pytest.raises(TimestampUnreachableError):
        stamp_checkpoint(workspace)
    configure(workspace, "http://127.0.0.1:9/tsr", b"no certificate")
    with pytest.raises(TimestampSettingsError):
        stamp_checkpoint(workspace)
    with tsa.answering(lambda _request: b"sorry", kind="text/html", status=500) as url:
        configure(workspace, url, authority.pem)
        with pytest.raises(TimestampRefusedError, match="500"):
            stamp_checkpoint(workspace)
    assert nothing_kept(workspace)


def test_what_was_changed_after_it_was_kept_is_found(workspace, authority):
    with tsa.answering(authority.answer) as url:
        configure(workspace, url, authority.pem)
        size = stamp_checkpoint(workspace).size
    kept = workspace.root / "checkpoints" / f"{size:010d}.tsr"
    whole = kept.read_bytes()
    kept.write_bytes(whole[:-30] + bytes(30))
    assert [finding.code for finding in verify_stamps(workspace)[1]] == ["timestamp.invalid"]
    kept.write_bytes(whole)
    note = kept.with_suffix(".txt")
    note.write_text(note.read_text(encoding="utf-8").replace(f"\n{size}\n", f"\n{size + 1}\n"), encoding="utf-8")
    assert [finding.code for finding in verify_stamps(workspace)[1]] == ["timestamp.invalid"]
    note.unlink()
    assert [finding.code for finding in verify_stamps(workspace)[1]] == ["timestamp.no_checkpoint"]
    configure(workspace, "http://127.0.0.1:9/tsr", tsa.Authority("Obcy").pem)
    (workspace.root / "timestamps.toml").unlink()
    assert [finding.code for finding in verify_stamps(workspace)[1]] == ["timestamp.no_trust"]


def test_a_served_ledger_keeps_its_checkpoint_and_has_it_stamped_once_a_day(workspace, authority):
    with EmbeddedLedger(workspace.ledger_file, clock=lambda: ledger_network.NOW) as ledger:
        keeper, size = CheckpointKeeper(workspace, ledger), ledger.head().log_size
        configure(workspace, "http://127.0.0.1:9/tsr", authority.pem)
        (said,) = keeper.keep()
        assert "timestamp.unreachable" in said
        kept = workspace.root / "checkpoints" / f"{size:010d}.txt"
        assert kept.exists()  # that nobody stamps it is no reason to lose it
        with tsa.answering(authority.answer) as url:
            configure(workspace, url, authority.pem)
            (said,) = keeper.keep()
            assert "was stamped by" in said
            asked = authority.asked
            assert keeper.keep() == []
            assert authority.asked == asked
            yesterday = time.time() - 90_000
            os.utime(kept.with_suffix(".tsr"), (yesterday, yesterday))
            assert keeper.keep() == []  # nothing was added: the stamp still says all there is
            assert authority.asked == asked


def test_a_checkpoint_that_is_not_final_is_offered_to_the_witnesses_again(workspace):
    witness = witness_key("witness.example", Ed25519PrivateKey.generate()).text()
    text = f'quorum = 1\n[[witness]]\nurl = "http://127.0.0.1:9"\nkey = "{witness}"\n'
    (workspace.root / "witnesses.toml").write_text(text, encoding="utf-8")
    with EmbeddedLedger(workspace.ledger_file, clock=lambda: ledger_network.NOW) as ledger:
        keeper = CheckpointKeeper(workspace, ledger)
        for _ in range(2):
            said = keeper.keep()
            assert "NOT final" in said[0]
            assert "does not answer" in said[1]
