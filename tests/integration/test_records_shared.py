"""Several processes on one workspace's records: two write, one reads, nobody is told that the database is locked."""

import json
import subprocess
import sys

import pytest

pytestmark = pytest.mark.xdist_group("records-shared")

SECONDS = 4
PROGRAM = """
import json, sys, time
from pathlib import Path
from ogniwo.project.entry import prepare
prepare(Path(sys.argv[1]))
from django.db import connection, transaction
from ogniwo.records.audit.models import AuditEvent
from ogniwo.records.parties.models import Member, Organisation
from ogniwo.services.workspace.audit import record_act
from ogniwo.services.workspace.operations import open_workspace

workspace, what = open_workspace(root=Path(sys.argv[1])), sys.argv[2]
done, longest = 0, 0.0
organisation = Organisation.objects.exclude(parent=None).first()
connection.close()
print("ready", flush=True)
until = time.monotonic() + float(sys.stdin.readline())
while time.monotonic() < until:
    started = time.monotonic()
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
    longest = max(longest, time.monotonic() - started)
    done += 1
print(json.dumps({"done": done, "longest_s": longest}))
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
        process.stdin.write(f"{SECONDS}\n")
        process.stdin.flush()
    said = {}
    for what, process in running.items():
        output, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors
        said[what] = json.loads(output)
    assert all(one["done"] >= 3 for one in said.values()), said
    assert said["read"]["longest_s"] < 10, said
