"""A writer dies at any moment: what it acknowledged is there and equal, the rest is whole or absent, never half."""

import hashlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest

from ogniwo.core.kernel.calendar import Month, grid_of_month
from ogniwo.core.kernel.findings import Severity
from ogniwo.core.metering.model import IMPORT
from ogniwo.series import IntervalStore, NewCell

MONTHS = (Month(2026, 2), Month(2026, 3))
POINTS = tuple(f"point-{number:02d}" for number in range(70))  # more than one row group


def _cells(number):
    """The cells of commit `number`: two months, 70 points, values that tell the commit."""
    return [
        NewCell(
            point=point,
            channel=IMPORT,
            grid=(grid := grid_of_month(month, slot_s=3600)),
            wh=(np.arange(grid.slots) * 7919 % 5000 + number * 10_000 + place).astype(np.int32),
            quality=np.full(grid.slots, 1 + number % 5, np.uint8),
            reason=str(number),
        )
        for month in MONTHS
        for place, point in enumerate(POINTS)
    ]


@lru_cache(maxsize=256)
def _digests(number):
    """What the digests of commit `number` must be (README of the store); `verify` holds the bytes to the digests."""
    heads = ((cell, f"ogniwo cell 1\n{cell.point}\n{IMPORT}\n{cell.month}\n3600\n".encode()) for cell in _cells(number))
    return {
        (cell.point, cell.month): hashlib.sha256(head + cell.wh.tobytes() + cell.quality.tobytes()).hexdigest()
        for cell, head in heads
    }


def _commit(store, number):
    known_at = datetime(2026, 4, 1, tzinfo=UTC) + timedelta(seconds=number)
    return store.commit(_cells(number), known_at=known_at, source=f"s{number}", author="a", commit_id=f"c{number}")


def _write_until_killed(root, die_at_step):
    """Runs in a child: commit for ever, say each acknowledged number; die at the n-th step (0: when killed)."""
    taken = 0

    def step(_name):
        nonlocal taken
        taken += 1
        if taken == die_at_step:
            os.kill(os.getpid(), signal.SIGKILL)

    store = IntervalStore(Path(root), step=step)
    number = store.head()[0]
    while True:
        number += 1
        _commit(store, number)
        os.write(1, f"acknowledged {number}\n".encode())


def serve():
    """Runs in a program of its own: for each line `<step> <folder>` fork a writer, and say when it has died."""
    with tempfile.TemporaryDirectory() as folder:  # the first use of the libraries takes a second: once, not per fork
        _commit(IntervalStore(Path(folder)), 1)
    for line in sys.stdin:
        die_at_step, _, root = line.rstrip("\n").partition(" ")
        child = os.fork()
        if child == 0:
            _write_until_killed(root, int(die_at_step))
        os.write(1, f"writer {child}\n".encode())
        _, status = os.waitpid(child, 0)
        os.write(1, f"died {os.WTERMSIG(status)}\n".encode())


_SERVE = """
import importlib.util, sys
spec = importlib.util.spec_from_file_location("kill", sys.argv[1])
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
module.serve()
"""


class Writers:
    """Starts writers that die, one at a time, from one program that has everything imported."""

    def __init__(self):
        command = [sys.executable, "-c", _SERVE, __file__]
        self._server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def run(self, root, *, die_at_step=0, kill_after_s=0.0):
        """The numbers a writer acknowledged before it died; with `kill_after_s` killed that long after the first."""
        self._server.stdin.write(f"{die_at_step} {root}\n")
        self._server.stdin.flush()
        writer, numbers = 0, []
        while True:
            word, number = self._server.stdout.readline().split()
            if word == "writer":
                writer = int(number)
            elif word == "died":
                assert int(number) == signal.SIGKILL
                return numbers
            else:
                numbers.append(int(number))
            if writer and numbers and kill_after_s:
                time.sleep(kill_after_s)
                kill_after_s = 0.0
                os.kill(writer, signal.SIGKILL)

    def close(self):
        self._server.stdin.close()
        self._server.stdout.close()
        self._server.wait(timeout=60)


@pytest.fixture
def writers():
    writers = Writers()
    yield writers
    writers.close()


def _check(root, acknowledged):
    """Everything acknowledged is there; at most one commit more, and that one whole."""
    store = IntervalStore(root)
    last = store.head()[0]
    assert acknowledged <= last <= acknowledged + 1
    assert [finding for finding in store.verify() if finding.severity is not Severity.NOTE] == []
    expected = {number: _digests(number) for number in range(1, last + 1)}
    keys = store.keys()
    for point, channel, month in keys:
        versions = store.versions(point=point, channel=channel, month=month)
        assert [version.digest for version in versions] == [expected[n][point, month] for n in range(1, last + 1)]
    if last:
        assert set(expected[last]) == {(point, month) for point, _, month in keys}
        one = next(cell for cell in _cells(last) if (cell.point, cell.month) == (POINTS[-1], MONTHS[1]))
        series = store.read(point=one.point, channel=IMPORT, month=one.month)
        assert np.array_equal(series.wh, one.wh)
        assert np.array_equal(series.quality, one.quality)
    return last


def _steps_of_a_commit(root):
    names = []
    _commit(IntervalStore(root, step=names.append), 1)
    return names


def test_a_writer_killed_at_every_step_loses_nothing_acknowledged(tmp_path, writers):
    steps = _steps_of_a_commit(tmp_path / "count")
    assert {"data.create", "data.write", "data.fsync", "data.rename", "data.fsync_folder"} <= set(steps)
    assert {"manifest.create", "manifest.half", "manifest.fsync", "manifest.link", "manifest.unlink"} <= set(steps)
    first_of_kind = {name: place for place, name in reversed(list(enumerate(steps, start=1)))}
    writes = [place for place, name in enumerate(steps, start=1) if name == "data.write"]
    last_of_kind = {name: place for place, name in enumerate(steps, start=1)}
    places = {*first_of_kind.values(), *last_of_kind.values(), *writes[:: max(1, len(writes) // 12)]}
    root = tmp_path / "store"
    _commit(IntervalStore(root), 1)
    last, outcomes = 1, set()
    for place in sorted(places):
        assert writers.run(root, die_at_step=place) == []  # it died in its first commit
        found = _check(root, last)
        outcomes.add(found - last)
        last = found
    assert outcomes == {0, 1}  # some died before the link, some after it
    store = IntervalStore(root)
    assert any(finding.code == "series.leftover" for finding in store.verify())
    assert store.sweep()
    assert store.verify() == ()
    assert _commit(store, last).number == last  # the retry of the last, unacknowledged or not, is the same commit
    assert _commit(store, last + 1).number == last + 1


def test_a_writer_killed_at_random_moments_loses_nothing_acknowledged(tmp_path, writers):
    dice = random.Random(20261031)  # noqa: S311 -- moments, not secrets
    root, last = tmp_path / "store", 0
    for _ in range(8):
        last = _check(root, max(writers.run(root, kill_after_s=0.001 + dice.random() * 0.3)))
    assert last >= 8
    store = IntervalStore(root)
    store.sweep()
    assert store.verify() == ()


_TAKE_TURNS = """
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
import numpy as np
from ogniwo.core.kernel.calendar import Month, grid_of_month
from ogniwo.series import IntervalStore, NewCell, StoreLocked

grid, store, number = grid_of_month(Month(2026, 2), slot_s=3600), IntervalStore(Path(sys.argv[1])), 0
while number < 10:
    wh, quality = np.full(grid.slots, number, np.int32), np.ones(grid.slots, np.uint8)
    cell = NewCell(point=sys.argv[2], channel="1.29.0", grid=grid, wh=wh, quality=quality, reason="")
    try:
        commit = store.commit([cell], known_at=datetime(2026, 3, 1, 0, number, tzinfo=UTC), source="", author="")
    except StoreLocked:
        time.sleep(0.005)
        continue
    print(commit.number, flush=True)
    number += 1
"""


def test_two_writing_processes_take_turns_and_every_acknowledged_commit_is_there(tmp_path):
    root = tmp_path / "store"
    commands = [[sys.executable, "-c", _TAKE_TURNS, str(root), name] for name in ("a", "b")]
    children = [subprocess.Popen(command, stdout=subprocess.PIPE) for command in commands]
    numbers = []
    for child in children:
        out, _ = child.communicate(timeout=60)
        assert child.returncode == 0
        numbers += [int(line) for line in out.split()]
    assert sorted(numbers) == list(range(1, 21))
    store = IntervalStore(root)
    assert store.verify() == ()
    for name in ("a", "b"):
        assert len(store.versions(point=name, channel=IMPORT, month=Month(2026, 2))) == 10
