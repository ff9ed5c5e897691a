"""The audit report of a workspace and of an auditor's copy: what it says, what it finds, and what it does not prove."""

import importlib.util
import inspect
import io
import json
import re
import shutil
import sqlite3
import sys
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path

import pypdf
import pytest

from ogniwo.core.ledger.canonical import decode_document, encode_document
from ogniwo.core.ledger.checkpoints import Checkpoint, sign_checkpoint, verifier_key
from ogniwo.formats.audit_pdf.render import languages, render_audit_pdf
from ogniwo.services.ledger.auditing import audit_copy
from ogniwo.services.ledger.following import Follower
from ogniwo.services.ledger.verifying import verify_chain

_PLACE = Path(__file__).parent / "ledger_server.py"
_SPECIFICATION = importlib.util.spec_from_file_location("ledger_server", _PLACE)
support = sys.modules.setdefault("ledger_server", importlib.util.module_from_spec(_SPECIFICATION))
if not hasattr(support, "Server"):
    _SPECIFICATION.loader.exec_module(support)

MADE_AT = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def copied(tmp_path_factory):
    """A ledger of the cooperative as an auditor's node keeps it, with the checkpoint it saw."""
    folder, network = tmp_path_factory.mktemp("copied"), support.load_network().Network()
    tx, hour = sys.modules["ledger_network"].tx, network.now + 3_600
    lent = network.signed(
        tx.LendRight(
            **network.frame(),
            subject="op/coop",
            permission="key.revoke",
            subtree="op/coop",
            valid_from=0,
            valid_to=hour,
        )
    )
    transfer = network.signed(network.pay("op/coop/anna", "op/coop/jan", 250), "anna")
    too_much = network.signed(network.pay("op/coop/anna", "op/coop/jan", 10_000_000), "anna")
    support.write(folder, network, support.founding(network), [transfer, lent])
    with support.EmbeddedLedger(folder / "ledger.sqlite3", clock=lambda: network.now) as ledger:
        assert ledger.submit([too_much])[0].code == "ledger.insufficient_balance"
        head = ledger.head()
    checkpoint = Checkpoint(network.name, head.log_size, bytes.fromhex(head.log_root))
    (folder / "checkpoints").mkdir()
    note = sign_checkpoint(checkpoint, name=network.name, key=network.checkpoint_key)
    (folder / "checkpoints" / f"{head.log_size:010d}.txt").write_text(note, encoding="utf-8")
    return folder, network


@pytest.fixture
def node(copied, tmp_path):
    folder, network = copied
    own = tmp_path / "own"
    shutil.copytree(folder, own)
    key = verifier_key(network.name, network.checkpoint_key).text()
    return Follower(folder=own, account="op/auditor", network=network.name, checkpoint_key=key)


def text_of(pdf):
    return "\n".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(pdf)).pages)


def test_a_copy_that_follows_is_reported_with_counts_keys_rights_and_sums(node):
    report = audit_copy(node, made_at=MADE_AT)
    said = json.loads(report.document)
    assert report.passed
    assert said["findings"] == []
    assert said["made_at"] == "2026-11-22T12:00:00Z"
    counted = {(row["operation"], row["outcome"]): row["count"] for row in said["operations"]}
    assert counted["post", "accepted"] == 2
    assert counted["post", "ledger.insufficient_balance"] == 1
    assert said["ledger"]["transactions"] == sum(counted.values())
    assert {(row["account"], row["purpose"]) for row in said["keys"]} >= {
        ("op", "transaction"),
        ("op/coop/gateway", "reading"),
    }
    rights = {row["account"]: row["permissions"] for row in said["dangerous_rights"]}
    assert "asset.issue" in rights["op"]
    assert rights["op/auditor"] == ["read.subtree"]
    assert ("op/coop", "lent by op") in {(row["account"], row["role"]) for row in said["dangerous_rights"]}
    assert "op/coop/gateway" not in rights  # metering.mint alone does no harm to others
    assert {row["sum"] for row in said["sums"]} == {"0"}
    assert next(row for row in said["sums"] if row["asset"] == "PLN/2")["outstanding"] == "100000"
    assert [row["kept_elsewhere"] for row in said["checkpoints"]] == [True]
    assert "operator_alone" not in said["not_proven"]
    assert "time_of_operator" in said["not_proven"]
    assert encode_document(decode_document(report.document)) == report.document


def test_the_picture_is_archivable_in_both_languages_with_the_report_attached(node):
    report = audit_copy(node, made_at=MADE_AT)
    reader = pypdf.PdfReader(io.BytesIO(report.pdf))
    assert reader.attachments["badanie.json"] == [report.document]
    assert b"pdfaid:part" in report.pdf or b"pdfaid" in reader.xmp_metadata.stream.get_data()
    text = text_of(report.pdf)
    polish, english = text.index("Protokół z badania księgi"), text.index("Report of an audit of a ledger")
    assert polish < english
    for language in ("pl", "en"):
        words = languages()[language]
        assert words["passed"] in text.replace("\n", " ")
        for code in json.loads(report.document)["not_proven"]:
            assert words[code][:40] in text.replace("\n", " ")
    assert report.pdf == render_audit_pdf(report.document, made_at=MADE_AT)


def test_every_word_of_one_language_is_in_the_other():
    words = languages()
    assert set(words["pl"]) == set(words["en"])
    assert set(words["pl"]["checks"]) == set(words["en"]["checks"])


def test_every_link_that_is_verified_has_its_word_in_the_report_and_on_screen():
    links = set(re.findall(r'^ +\("([a-z ]+)", \w+\),$', inspect.getsource(verify_chain), re.MULTILINE))
    assert len(links) == 10
    assert links <= set(languages()["pl"]["checks"])
    page = files("ogniwo.interfaces.web").joinpath("templates/web/parts/link.html").read_text(encoding="utf-8")
    assert links <= set(re.findall(r'name == "([a-z ]+)"', page))


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("DELETE FROM blocks WHERE height = 1", "ledger.block_missing"),
        (
            "UPDATE blocks SET body = (SELECT body FROM blocks WHERE height = 2) WHERE height = 1",
            "ledger.block_mismatch",
        ),
        ("DELETE FROM blocks WHERE height = 2", "ledger.log_shorter_than_checkpoint"),
    ],
)
def test_a_changed_copy_fails_and_says_where(node, statement, code):
    connection = sqlite3.connect(node.folder / "ledger.sqlite3")
    connection.execute(statement)
    connection.commit()
    connection.close()
    report = audit_copy(node, made_at=MADE_AT)
    said = json.loads(report.document)
    assert not report.passed
    (finding,) = said["findings"]
    assert finding["code"] == code
    if code != "ledger.log_shorter_than_checkpoint":
        assert (finding["height"], bool(finding["part"])) == ("1", True)
    assert "ZNALEZIONO NIEZGODNOŚCI" in text_of(report.pdf)
    assert code in text_of(report.pdf)


def test_without_a_checkpoint_kept_elsewhere_the_report_says_what_that_means(node):
    shutil.rmtree(node.folder / "checkpoints")
    report = audit_copy(node, made_at=MADE_AT)
    assert report.passed
    assert json.loads(report.document)["not_proven"][0] == "operator_alone"
    assert languages()["pl"]["operator_alone"][:60] in text_of(report.pdf).replace("\n", " ")


def test_a_contradiction_kept_as_evidence_fails_the_audit(node):
    (node.folder / "evidence").mkdir()
    (node.folder / "evidence" / "contradicts-0000000007.txt").write_text("x", encoding="utf-8")
    assert [one.code for one in audit_copy(node, made_at=MADE_AT).findings] == ["follow.contradiction"]
