"""Kill -9 a worker in the middle of an import and of a close: the job is found again and ends like a whole run.

A real `ogniwo jobs run` is killed while its job runs; a second one with a short lease finds it. What is stored then is
what the same jobs leave that nobody disturbed.
"""

import os
import signal
import subprocess
import sys
import time

import pytest

from ogniwo.records.jobs.models import Job, Worker
from ogniwo.records.metering.models import RegisterState, SourceFile
from ogniwo.records.settlement.models import SettlementRun, StatementRecord
from ogniwo.services.demo.files import delivered_files
from ogniwo.services.demo.sample import COMMUNITY_CODE
from ogniwo.services.jobs.asking import start_job
from ogniwo.services.jobs.model import JobState
from ogniwo.services.jobs.queries import job_of
from ogniwo.services.jobs.uploads import folder
from ogniwo.services.jobs.work.imports import ask_for_import
from ogniwo.services.metering.importing import ImportOptions
from ogniwo.services.workspace.queries import operator_subject

pytestmark = pytest.mark.xdist_group("jobs-kill")
ALL = operator_subject()
FILES = 16


@pytest.fixture
def worker_of():
    """Start `ogniwo jobs run` on a workspace; whatever still runs at the end is killed."""
    started = []

    def run(workspace, *options):
        command = [sys.executable, "-m", "ogniwo", "-w", str(workspace.root), "jobs", "run", "--no-schedule", *options]
        environment = {**os.environ, "OGNIWO_WORKSPACE": str(workspace.root)}
        started.append(subprocess.Popen(command, env=environment, stderr=subprocess.PIPE))
        return started[-1]

    yield run
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


def killed_at(worker, job, reached):
    """Kill the worker as soon as the job is as far as `reached` says; where it was then."""
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        assert worker.poll() is None
        row = Job.objects.get(pk=job.id)
        assert row.state in {"queued", "running"}, (row.state, row.error_detail)
        if row.state == "running" and reached(row):
            worker.send_signal(signal.SIGKILL)
            worker.wait()
            return row.done, row.text
        time.sleep(0.005)
    raise AssertionError("the job never came so far")


def finish(worker_of, workspace, job):
    """Let another worker find and end what was left behind."""
    assert job_of(job.id, subject=ALL).state is JobState.RUNNING, "nobody tells that the worker is dead"
    assert worker_of(workspace, "--batch", "--lease", "3").wait(timeout=120) == 0
    ended = job_of(job.id, subject=ALL)
    assert (ended.state, ended.attempts, ended.error_code) == (JobState.DONE, 2, "")
    assert not Worker.objects.exists()
    return ended


def stored(workspace):
    """Everything that an import and a close leave, without when."""
    store = workspace.series
    return {
        "files": sorted(SourceFile.objects.values_list("sha256", "name", "intervals")),
        "registers": sorted(RegisterState.objects.values_list("point__code", "obis", "epoch_s", "value_e3")),
        "cells": [
            [*map(str, key), version.version, version.digest]
            for key in store.keys()  # noqa: SIM118 -- the store is no mapping
            for version in store.versions(point=key[0], channel=key[1], month=key[2])
        ],
        "runs": list(SettlementRun.objects.values_list("month", "version", "inputs_digest", "totals")),
        "statements": sorted(StatementRecord.objects.values_list("run__version", "point__code", "digest")),
    }


def asked(workspace, what):
    if what == "import":
        files = [(one.name, one.data) for one in delivered_files()[:FILES]]
        return ask_for_import(
            workspace, organisation_code=COMMUNITY_CODE, files=files, options=ImportOptions(), by="anna"
        )
    return start_job(
        workspace,
        kind="close_period",
        organisation_code=COMMUNITY_CODE,
        parameters={"month": "2026-10"},
        by="anna",
        key="2026-10",
    )


@pytest.mark.parametrize(
    ("what", "stage", "reached"),
    [
        ("import", "registered", lambda row: row.text == "importing" and 3 <= row.done < row.total),
        ("close", "estimated", lambda row: row.text in {"rate", "settle"}),
    ],
    ids=["import", "close"],
)
def test_a_killed_worker_loses_and_doubles_nothing(at_stage, worker_of, what, stage, reached):
    whole = at_stage(stage)
    asked(whole, what)
    assert worker_of(whole, "--batch").wait(timeout=120) == 0
    expected = stored(whole)
    assert expected["files"]
    broken = at_stage(stage)
    job = asked(broken, what)
    killed_at(worker_of(broken), job, reached)
    if what == "close":
        assert not SettlementRun.objects.exists()
        assert not StatementRecord.objects.exists()
    else:
        assert 0 < SourceFile.objects.count() < len(expected["files"])
    ended = finish(worker_of, broken, job)
    assert stored(broken) == expected
    if what == "import":
        assert {one["state"] for one in ended.result["files"]} == {"imported", "already_imported"}
    assert not list(folder(broken).iterdir())


def test_a_worker_that_is_told_to_end_puts_its_job_back_at_once(at_stage, worker_of):
    workspace = at_stage("registered")
    job = asked(workspace, "import")
    worker = worker_of(workspace)
    deadline = time.monotonic() + 90
    while Job.objects.get(pk=job.id).done < 2:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    worker.terminate()
    assert worker.wait(timeout=30) == 0
    row = Job.objects.get(pk=job.id)
    assert (row.state, row.attempt) == ("queued", 0)
    assert not Worker.objects.exists()
    assert worker_of(workspace, "--batch").wait(timeout=120) == 0
    assert job_of(job.id, subject=ALL).state is JobState.DONE
