"""Three witnesses as processes of their own, and an operator who first is honest and then is not."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from records_database import copy_workspace

OGNIWO = str(Path(sys.executable).with_name("ogniwo"))
pytestmark = pytest.mark.xdist_group("witnesses")


def run(*arguments, code=0):
    result = subprocess.run([OGNIWO, *map(str, arguments)], capture_output=True, text=True, check=False)
    assert result.returncode == code, result.stdout + result.stderr
    return result


class Running:
    """A witness process: its folder, key and address."""

    def __init__(self, folder, name):
        self.folder, self.name = folder, name
        self.key = run("witness", "create", "--folder", folder, "--name", name).stdout.strip()
        self.process, self.address = None, ""

    def start(self, port=0):
        self.process = subprocess.Popen(
            [OGNIWO, "witness", "run", "--folder", str(self.folder), "--port", str(port)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.address = self.process.stdout.readline().strip()
        assert self.address.startswith("http://127.0.0.1:")

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process.stdout.close()


WORKSPACE = """\
import sys
from datetime import UTC, datetime
from pathlib import Path
from ogniwo.project.entry import prepare
folder = Path(sys.argv[1])
prepare(folder)
from ogniwo.services.demo.files import delivered_files
from ogniwo.services.demo.setup import set_up_sample
from ogniwo.services.metering.importing import import_files
from ogniwo.services.workspace.operations import create_workspace
workspace = create_workspace(root=folder, name="w", network="test.example/w")
community = set_up_sample()
files = [(file.name, file.data) for file in delivered_files() if file.name.startswith("SE_")]
import_files(workspace, organisation=community, files=files[:int(sys.argv[2])])
"""


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    folder = tmp_path_factory.mktemp("witnessed") / "w"
    subprocess.run([sys.executable, "-c", WORKSPACE, str(folder), "2"], check=True)
    return folder


@pytest.fixture
def witnesses(tmp_path):
    running = [Running(tmp_path / name, f"{name}.example") for name in ("auditor", "partner", "operator-of-the-grid")]
    yield running
    for one in running:
        if one.process is not None and one.process.poll() is None:
            one.kill()


def _policy(workspace, witnesses, quorum):
    tables = "".join(f'[[witness]]\nurl = "{one.address}"\nkey = "{one.key}"\n' for one in witnesses)
    (workspace / "witnesses.toml").write_text(f"quorum = {quorum}\n{tables}")


def _post(workspace, code=0):
    return json.loads(run("-w", workspace, "ledger", "post", "2026-10", "--json", code=code).stdout)


def test_witnesses_sign_an_honest_log_and_expose_a_rewritten_one(workspace, witnesses, tmp_path):
    key = _post(workspace) and json.loads(run("-w", workspace, "ledger", "show", "--json").stdout)["checkpoint_key"]
    for one in witnesses:
        run("witness", "watch", "--folder", one.folder, key)
        one.start()
    _policy(workspace, witnesses, quorum=2)
    before = copy_workspace(workspace, tmp_path / "before")

    first = _post(workspace)
    assert first["final"] is True
    assert first["cosigners"] == [one.name for one in witnesses]

    # One witness dies and comes back: two of three are enough meanwhile, and it goes on from what it had signed.
    port = witnesses[0].address.rpartition(":")[2]
    witnesses[0].kill()
    run("-w", workspace, "import", *_files(tmp_path, 2, 4))
    second = _post(workspace, code=3)
    assert second["final"] is True
    assert second["cosigners"] == [one.name for one in witnesses[1:]]
    assert [finding["code"] for finding in second["findings"]] == ["witness.not_signed"]
    witnesses[0].start(port)
    assert _post(workspace)["cosigners"] == [one.name for one in witnesses]

    # The operator goes back to yesterday's ledger and posts another history over it: nobody signs.
    run("-w", before, "import", *_files(tmp_path, 4, 6))
    forked = _post(before, code=3)
    assert forked["final"] is False
    assert forked["cosigners"] == []
    assert len(forked["findings"]) == 3
    exposed = ("forked", "does not continue", "more than")
    assert all(any(words in finding["message"] for words in exposed) for finding in forked["findings"])

    # Whoever kept an old checkpoint is led to the new one by the honest folder, and refused by the other.
    kept = sorted((workspace / "checkpoints").glob("*.txt"))
    proof = json.loads(run("-w", workspace, "proof", "consistency", kept[0]).stdout)
    assert (proof["older"], proof["newer"]) == (kept[0].read_text(), kept[-1].read_text())
    assert proof["proof"]
    refused = run("-w", before, "proof", "consistency", kept[-1], code=4)
    assert "[ledger.checkpoint_inconsistent]" in refused.stderr or "[ledger.log_shorter" in refused.stderr

    # The honest folder proves itself offline; a receipt against the witnesses' keys holds, against a stranger's not.
    receipt = tmp_path / "receipt.json"
    point = json.loads(run("-w", workspace, "point", "list", "--json").stdout)[0]["code"]
    at = "2026-10-01T09:00+02:00"
    run("-w", workspace, "proof", "export", "--point", point, "--at", at, "--output", receipt)
    documents = Path(__file__).resolve().parents[2] / "docs"
    checked = subprocess.run(
        [sys.executable, documents / "check_receipt.py", receipt, "--checkpoint-key", key],
        capture_output=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout
    base = [sys.executable, documents / "check_witnesses.py", receipt, "--quorum", "2"]
    keys = [part for one in witnesses for part in ("--witness-key", one.key)]
    said = subprocess.run([*base, *keys], capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stdout
    assert "auditor.example" in said.stdout
    stranger = run("witness", "create", "--folder", tmp_path / "stranger", "--name", "stranger.example").stdout.strip()
    assert subprocess.run([*base, "--witness-key", stranger], capture_output=True, check=False).returncode == 1


def _files(tmp_path, first, last):
    from ogniwo.services.demo.files import delivered_files  # noqa: PLC0415 -- only this test needs the sample

    folder = tmp_path / f"files-{first}-{last}"
    folder.mkdir()
    for file in [file for file in delivered_files() if file.name.startswith("SE_")][first:last]:
        (folder / file.name).write_bytes(file.data)
    return [folder]


def test_settings_that_cannot_be_used_are_refused_with_a_reason(workspace):
    settings = workspace / "witnesses.toml"
    for text in ("quorum = 2\n", "not toml", 'quorum = 3\n[[witness]]\nurl = "http://127.0.0.1:1"\nkey = "x"\n'):
        settings.write_text(text)
        result = run("-w", workspace, "ledger", "post", "2026-10", code=4)
        assert "[witness." in result.stderr
    settings.unlink()
