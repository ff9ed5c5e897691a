"""A key file is whole or not there: processes killed at every step of making one, and a disk that fails."""

import errno
import os
import signal
import stat
import subprocess
import sys

import pytest

from ogniwo.chain.keystore import KeyFileExistsError, KeyStore

DRIVER = """
import os, signal, sys
from pathlib import Path
from ogniwo.chain.keystore import KeyStore

store, taken, die_at = KeyStore(Path(sys.argv[1])), 0, 0

def step():
    global taken
    taken += 1
    if taken == die_at:
        os.kill(os.getpid(), signal.SIGKILL)

def counted(name):
    inner = getattr(os, name)
    def call(*args, **kwargs):
        step()
        result = inner(*args, **kwargs)
        step()
        return result
    setattr(os, name, call)

for name in ("open", "fsync", "link", "unlink"):
    counted(name)
for die_at in range(1, int(sys.argv[2])):
    if os.fork() == 0:
        taken = 0
        store.create(f"key-{die_at}")
        os._exit(0)
    _, status = os.wait()
    print(os.waitstatus_to_exitcode(status), flush=True)
"""


def test_a_killed_process_leaves_a_whole_key_or_none(tmp_path):
    folder = tmp_path / "keys"
    result = subprocess.run(
        [sys.executable, "-c", DRIVER, str(folder), "14"], capture_output=True, text=True, check=True
    )
    codes = [int(line) for line in result.stdout.split()]
    # twelve places: before and after opening, its fsync, the link, the unlink, opening the folder, its fsync
    assert codes == [-signal.SIGKILL] * 12 + [0]
    store = KeyStore(folder)
    made = store.names()
    # after the link the key is there, before it nothing is
    assert made == sorted(f"key-{number}" for number in range(6, 14))
    left = [path for path in folder.iterdir() if path.suffix != ".pem"]
    assert len(left) == 6  # killed after the opening and before the unlink
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    for number in range(1, 14):
        name = f"key-{number}"
        if name in made:
            with pytest.raises(KeyFileExistsError):
                store.create(name)
        else:
            store.create(name)
        assert KeyStore(folder).signing_key(name).curve.name == "secp256r1"
    assert len(store.names()) == 13


@pytest.mark.parametrize("failing", ["fsync", "link"])
def test_a_failing_disk_leaves_nothing(tmp_path, monkeypatch, failing):
    folder = tmp_path / "keys"

    def fail(*_args, **_kwargs):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(os, failing, fail)
        with pytest.raises(OSError, match="No space"):
            KeyStore(folder).create("operator")
    assert list(folder.iterdir()) == []
    KeyStore(folder).create("operator")
    assert [path.name for path in folder.iterdir()] == ["operator.pem"]


def test_a_refused_key_leaves_the_first_and_nothing_else(tmp_path):
    store = KeyStore(tmp_path)
    store.create("operator")
    before = (tmp_path / "operator.pem").read_bytes()
    with pytest.raises(KeyFileExistsError):
        store.create("operator")
    assert [path.name for path in tmp_path.iterdir()] == ["operator.pem"]
    assert (tmp_path / "operator.pem").read_bytes() == before
