"""Workspaces with jobs: kinds of the tests' own, and a queue that is run in this process."""

import pytest

from ogniwo.records.jobs.models import Job
from ogniwo.services.access.roles import Act
from ogniwo.services.demo.sample import COMMUNITY_CODE
from ogniwo.services.jobs import kinds, running
from ogniwo.services.jobs.asking import start_job
from ogniwo.services.jobs.worker import work


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch):
    """What is tried again is tried at once."""
    monkeypatch.setattr(running, "RETRY_DELAYS_S", (0, 0, 0))
    monkeypatch.setattr(running, "BUSY_DELAY_S", 0)


@pytest.fixture
def new_kind(monkeypatch):
    """Register a kind for one test: `new_kind(function, attempts=2)`."""
    kinds.kinds()
    monkeypatch.setattr(kinds, "_KINDS", dict(kinds._KINDS))

    def registered(run, **more):
        kinds.job_kind("trial", **{"act": Act.RUN_JOBS, **more})(run)

    return registered


@pytest.fixture
def ask(workspace):
    """Ask for a job of the sample cooperative."""

    def asked(kind="trial", by="anna", key="", **parameters):
        return start_job(workspace, kind=kind, organisation_code=COMMUNITY_CODE, parameters=parameters, by=by, key=key)

    return asked


@pytest.fixture
def drain(workspace):
    """Run everything that waits, without the schedule."""
    return lambda **more: work(workspace, drain=True, scheduled=False, **more)


@pytest.fixture
def row_of():
    """The stored row of a job."""
    return lambda job: Job.objects.get(pk=job.id)
