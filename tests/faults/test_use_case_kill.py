"""Kill -9 in the middle of a use-case, then give the command again: what comes out is what one run without it gives.

Each use-case runs in a program that counts its lasting effects (a database commit, a block, a file taking its name) and
kills itself just before or just after one of them. The ledger's keys and salts are random, so there the meaning is
compared; everything else is compared byte by byte.
"""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from records_database import copy_workspace

pytestmark = pytest.mark.xdist_group("use-case-kill")

DRIVER = """
import hashlib, json, os, signal, sys, time
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path

from ogniwo.project.entry import prepare
sys.path.append(sys.argv[2])
prepare(Path(sys.argv[1]))
from records_database import serve
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from ogniwo.chain.store_sqlite import SqliteStore
from ogniwo.core.kernel.calendar import Month
from ogniwo.records.billing.models import InvoiceRecord
from ogniwo.records.metering.models import RegisterState, SourceFile
from ogniwo.records.settlement.models import SettlementRun, StatementRecord
from ogniwo.services.billing.issuing import issue_invoices, pdf_path
from ogniwo.services.contracts.queries import community
from ogniwo.services.demo import profiles, setup
from ogniwo.services.demo.files import delivered_files, late_files
from ogniwo.services.ledger.access import member_path
from ogniwo.services.ledger.posting import post_month
from ogniwo.services.ledger.queries import balances, ledger_head
from ogniwo.services.ledger.verifying import verify_chain
from ogniwo.services.metering.importing import import_files
from ogniwo.services.metering.quality import estimate_month
from ogniwo.services.settlement.closing import close_month
from ogniwo.services.settlement.queries import rate_book_of
from ogniwo.services.workspace.operations import create_workspace, open_workspace
from ogniwo.services.workspace.queries import operator_subject

# ten of the forty members: every layout, the gap, the late correction, a producer
MEMBERS = {1, 9, 15, 21, 28, 33, 34, 36, 38, 40}
setup.POINTS = profiles.POINTS = tuple(one for one in setup.POINTS if one.number in MEMBERS)
MONTH, SUBJECT = Month(2026, 10), operator_subject()
taken = die_at = 0

def now():
    return datetime(2026, 11, 10, 8, tzinfo=UTC)

def digest(data):
    return hashlib.sha256(data).hexdigest()

def step():
    global taken
    taken += 1
    if taken == die_at:
        os.kill(os.getpid(), signal.SIGKILL)

def counted(owner, name):
    inner = getattr(owner, name)
    def effect(*args, **kwargs):
        step()
        result = inner(*args, **kwargs)
        step()
        return result
    setattr(owner, name, effect)

def bring(workspace, coop, files):
    for file in import_files(workspace, organisation=coop, files=[(f.name, f.data) for f in files]):
        assert file.state in {"imported", "already_imported"}, (file.name, file.reason)

def bill(workspace, coop, on, due):
    issue_invoices(workspace, community=coop, month=MONTH, issue_date=on, due_date=due)

def look(workspace, coop):
    store, head = workspace.series, ledger_head(workspace)
    invoices = list(InvoiceRecord.objects.select_related("member__organisation"))
    members = {member_path(one.member): one.member.number for one in invoices}
    return {
        "invoices": [[one.number, one.member.number, one.digest, one.pdf_sha256] for one in invoices],
        "pictures": [[one.number, digest(pdf_path(workspace, one).read_bytes())] for one in invoices],
        "runs": [[one.month, one.version, one.inputs_digest, one.totals] for one in SettlementRun.objects.all()],
        "statements": [[one.run.version, one.point.code, one.digest] for one in StatementRecord.objects.all()],
        "files": sorted([one.sha256, one.name, one.intervals] for one in SourceFile.objects.all()),
        "registers": sorted(
            [one.point.code, one.obis, one.epoch_s, one.value_e3] for one in RegisterState.objects.all()
        ),
        "cells": [
            [*map(str, key), version.version, version.digest]
            for key in store.keys()
            for version in store.versions(point=key[0], channel=key[1], month=key[2])
        ],
        "minted": head.days_minted,
        "documents": head.documents,
        "claims": sorted(
            [members[one.account], one.amount]
            for one in balances(workspace, subject=SUBJECT)
            if one.account in members and one.asset == "DUE/2"
        ),
    }

def verify(workspace, coop):
    checks = verify_chain(workspace, pictures=False)
    return {one.name: [finding.code for finding in one.findings] for one in checks if not one.passed}

WHAT = {
    "import": lambda w, c: bring(w, c, delivered_files()),
    "estimate": lambda w, c: estimate_month(w, organisation=c, subject=SUBJECT, month=MONTH) and None,
    "close": lambda w, c: close_month(w, community=c, month=MONTH, book=rate_book_of(w)) and None,
    "issue": lambda w, c: bill(w, c, date(2026, 11, 10), date(2026, 11, 24)),
    "post": lambda w, c: post_month(w, community=c, month=MONTH) and None,
    "late": lambda w, c: bring(w, c, late_files()),
    "correct": lambda w, c: bill(w, c, date(2026, 11, 20), date(2026, 12, 4)),
    "verify": verify,
    "look": look,
}

def run(folder, what):
    serve(folder)
    if what == "create":
        create_workspace(root=folder, name="x", network="ogniwo/x", now=now, sample_rates=True)
        return setup.set_up_sample() and None
    workspace = open_workspace(root=folder, now=now)
    return WHAT[what](workspace, community(code="", subject=SUBJECT))

# the first use of the libraries takes seconds: once here, not in every child (drawing starts threads, so not that)
for what in ("create", "import", "estimate", "close"):
    run(Path(sys.argv[1]), what)
connections["default"].close()
for owner, name in ((BaseDatabaseWrapper, "_commit"), (SqliteStore, "append"), (os, "rename"), (os, "link")):
    counted(owner, name)
for line in sys.stdin:
    what, at, folder = line.rstrip().split(" ", 2)
    out, answer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(out)
        taken, die_at = 0, int(at)
        result = run(Path(folder), what)
        with os.fdopen(answer, "w") as stream:
            json.dump({"effects": taken, "result": result}, stream)
        os._exit(0)
    os.close(answer)
    with os.fdopen(out) as stream:
        said = stream.read()
    _, status = os.waitpid(child, 0)
    print(os.waitstatus_to_exitcode(status), said, flush=True)
"""

USE_CASES = ("import", "estimate", "close", "issue", "post", "late", "close", "correct", "post")


class Server:
    """Runs use-cases, each in a process of its own that dies at its n-th lasting effect."""

    def __init__(self, folder):
        command = [sys.executable, "-c", DRIVER, str(folder), str(Path(__file__).parents[1])]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def run(self, folder, what, *, die_at=0):
        """The exit code, and what the use-case gave when it came to its end."""
        self.process.stdin.write(f"{what} {die_at} {folder}\n")
        self.process.stdin.flush()
        code, _, said = self.process.stdout.readline().partition(" ")
        return int(code), json.loads(said) if said.strip() else None

    def done(self, folder, what):
        code, said = self.run(folder, what)
        assert code == 0, what
        return said


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    started = Server(tmp_path_factory.mktemp("warm") / "w")
    yield started
    started.process.stdin.close()
    assert started.process.wait(timeout=60) == 0
    started.process.stdout.close()


def _kills(effects):
    """At which effect of each attempt to die: at once, and then each time a good part further on."""
    return [1, effects // 2, effects // 3 + 1] if effects > 10 else [1 + effects // 2]


def test_a_killed_use_case_given_again_ends_like_one_that_was_not_killed(server, tmp_path):
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    server.done(whole, "create")
    copy_workspace(whole, broken)
    killed = 0
    for what in USE_CASES:
        effects = server.done(whole, what)["effects"]
        for die_at in _kills(effects):
            code, _ = server.run(broken, what, die_at=die_at)
            assert code in {0, -signal.SIGKILL}, (what, die_at)
            killed += code != 0
        server.done(broken, what)
    assert killed >= 15
    expected, found = (server.done(folder, "look")["result"] for folder in (whole, broken))
    assert sorted(found) == sorted(expected)
    for part, value in expected.items():
        assert found[part] == value, part
    numbers = [one[0] for one in found["invoices"]]
    assert numbers == ["FK/2026/11/0001", *(f"FV/2026/11/{number:04d}" for number in range(1, 11))]
    assert [[one[0], one[3]] for one in found["invoices"]] == found["pictures"]
    assert [server.done(folder, "verify")["result"] for folder in (whole, broken)] == [{}, {}]
