"""Several processes on one workspace's records: two write, one reads, nobody is told that the database is locked."""

import subprocess
import sys

import pytest

from ogniwo.records.audit.models import AuditEvent
from ogniwo.records.parties.models import Member

pytestmark = pytest.mark.xdist_group("records-shared")

ROUNDS = 30
PROGRAM = """
import sys, time
from pathlib import Path
from ogniwo.project.entry import prepare
prepare(Path(sys.argv[1]))
from django.db import connection, transaction
from ogniwo.records.audit.models import AuditEvent
from ogniwo.records.parties.models import Member, Organisation
from ogniwo.services.workspace.audit import record_act
from ogniwo.services.workspace.operations import open_workspace

workspace, what = open_workspace(root=Path(sys.argv[1])), sys.argv[2]
organisation = Organisation.objects.exclude(parent=None).first()
connection.close()
print("ready", flush=True)
for done in range(int(sys.stdin.readline())):
    if what == "read":
        with transaction.atomic():
            rows, count = list(AuditEvent.objects.all()[:50]), AuditEvent.objects.count()
        assert count >= len(rows)
    else:
        with transaction.atomic():
            # reads first and writes then: without its place taken at the beginning it could not wait for the other
            count = Member.objects.count()
            Member.objects.create(organisation=organisation, number=f"{what}{done}", name=str(count), kind="household")
            record_act(workspace, action="test.write", target=what, facts={"seen": count})
            if done % 25 == 0:
                time.sleep(0.2)  # an import's transaction
    connection.close()  # as after a request
print("done")
"""


def test_two_write_and_one_reads_and_nobody_is_turned_away(workspace):
    root = str(workspace.root)
    running = {
        what: subprocess.Popen(
            [sys.executable, "-c", PROGRAM, root, what],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for what in ("a", "b", "read")
    }
    for process in running.values():
        assert process.stdout.readline() == "ready\n", process.stderr.read()
    for process in running.values():
        process.stdin.write(f"{ROUNDS}\n")
        process.stdin.flush()
    for process in running.values():
        output, errors = process.communicate(timeout=300)
        assert process.returncode == 0, errors
        assert output == "done\n"
    written = dict(Member.objects.filter(name__regex=r"^\d+$").values_list("number", "name"))
    assert {f"{what}{done}" for what in "ab" for done in range(ROUNDS)} == set(written)
    assert AuditEvent.objects.filter(action="test.write").count() == 2 * ROUNDS
