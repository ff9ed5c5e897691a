"""`ogniwo serve` with its worker beside it, which is started again when it dies and ends with the server."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from urllib.request import urlopen

import pytest

from ogniwo.records.jobs.models import Worker
from ogniwo.services.demo.sample import COMMUNITY_CODE
from ogniwo.services.jobs.asking import start_job
from ogniwo.services.jobs.model import JobState
from ogniwo.services.jobs.queries import job_of
from ogniwo.services.workspace.queries import operator_subject


@pytest.fixture
def serving(workspace):
    """Start `ogniwo serve` with options on a free port; its process."""
    started = []

    def start(*options):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        command = [sys.executable, "-m", "ogniwo", "-w", str(workspace.root), "serve", "--port", str(port), *options]
        environment = {**os.environ, "OGNIWO_WORKSPACE": str(workspace.root)}
        started.append(subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL))
        for _ in range(600):
            assert started[-1].poll() is None
            with contextlib.suppress(OSError), urlopen(f"http://127.0.0.1:{port}/help/", timeout=5):
                return started[-1]
            time.sleep(0.1)
        raise AssertionError("it does not answer")

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.wait()


def alive(count):
    """Wait until so many workers are there; their process numbers."""
    for _ in range(600):
        found = [int(name.split(":")[1]) for name in Worker.objects.values_list("name", flat=True)]
        running = [number for number in found if _runs(number)]
        if len(running) == count:
            return running
        time.sleep(0.1)
    raise AssertionError(f"{running} run, not {count}")


def _runs(number):
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    return True


def test_the_worker_lives_with_the_server(workspace, serving):
    server = serving()
    (first,) = alive(1)
    job = start_job(workspace, kind="clean_up", organisation_code=COMMUNITY_CODE, parameters={}, by="anna")
    for _ in range(300):
        if job_of(job.id, subject=operator_subject()).state.ended:
            break
        time.sleep(0.1)
    assert job_of(job.id, subject=operator_subject()).state is JobState.DONE
    os.kill(first, signal.SIGKILL)
    for _ in range(600):
        if (second := alive(1)[0]) != first:
            break
        time.sleep(0.1)
    assert second != first
    server.terminate()
    assert server.wait(timeout=30) == 0
    alive(0)


def test_the_worker_of_a_killed_server_ends_by_itself_and_none_is_started_when_not_wanted(serving):
    server = serving()
    (worker,) = alive(1)
    server.kill()
    server.wait()
    for _ in range(100):
        if not _runs(worker):
            break
        time.sleep(0.1)
    assert not _runs(worker)
    serving("--without-jobs")
    time.sleep(2)
    alive(0)
