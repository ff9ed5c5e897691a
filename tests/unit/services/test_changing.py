import multiprocessing
import os
import signal
from datetime import UTC, datetime

import pytest

from ogniwo.interfaces.cli.output import exit_code_of
from ogniwo.services.workspace.changing import BusyError, changing, keep_whole
from ogniwo.services.workspace.model import Workspace


@pytest.fixture
def workspace(tmp_path):
    return Workspace(root=tmp_path, name="x", network="ogniwo/x", now=lambda: datetime(2026, 11, 1, tzinfo=UTC))


def _hold_until_killed(root, held):
    with changing(Workspace(root=root, name="x", network="ogniwo/x"), "period close 2026-10"):
        held.set()
        signal.pause()


def test_a_second_change_is_told_who_is_at_work_and_to_come_back_later(workspace):
    with changing(workspace, "import"), pytest.raises(BusyError) as refused, changing(workspace, "invoice issue"):
        pass
    assert f"import (process {os.getpid()})" in refused.value.detail
    assert exit_code_of(refused.value) == 75


def test_the_place_is_free_after_a_use_case_and_after_one_that_failed(workspace):
    with pytest.raises(ZeroDivisionError), changing(workspace, "import"):
        _ = 1 // 0
    with changing(workspace, "import"):
        pass


def test_a_killed_process_leaves_the_place_free(workspace):
    context = multiprocessing.get_context("spawn")
    held = context.Event()
    holder = context.Process(target=_hold_until_killed, args=(workspace.root, held))
    holder.start()
    assert held.wait(timeout=60)
    with pytest.raises(BusyError, match=f"process {holder.pid}"), changing(workspace, "import"):
        pass
    holder.kill()
    holder.join()
    with changing(workspace, "import"):
        pass


def test_a_file_takes_its_name_when_it_is_whole(tmp_path):
    path = tmp_path / "new" / "folder" / "file.txt"
    keep_whole(path, b"first")
    keep_whole(path, b"second")
    assert path.read_bytes() == b"second"
    assert [one.name for one in path.parent.iterdir()] == ["file.txt"]
