"""The whole job from an empty folder through the installed command, one process per step, as a user runs it."""

import json
import os
import subprocess
import sys

import pytest

from ogniwo.services.demo.files import delivered_files


@pytest.fixture
def ogniwo(tmp_path):
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("OGNIWO_", "DJANGO_"))}

    def run(*arguments, codes=(0,)):
        done = subprocess.run(
            [sys.executable, "-m", "ogniwo", "-w", "coop", *arguments],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode in codes, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done

    return run


def test_from_an_empty_folder_to_a_settled_month(ogniwo, tmp_path, sample_toml):
    folder = tmp_path / "october"
    folder.mkdir()
    for one in delivered_files():
        (folder / one.name).write_bytes(one.data)
    (tmp_path / "members.toml").write_text(sample_toml(), encoding="utf-8")

    assert "[workspace.not_found]" in ogniwo("workspace", "show", codes=(5,)).stderr
    assert not (tmp_path / "coop" / "ogniwo.toml").exists()
    create = ("workspace", "create", "--name", 'Spółdzielnia "Próba"', "--with-sample-rates")
    assert json.loads(ogniwo(*create, "--dry-run", "--json").stdout)["created"] is False
    made = json.loads(ogniwo(*create, "--json").stdout)
    assert (made["name"], made["network"]) == ('Spółdzielnia "Próba"', "ogniwo/spoldzielnia-proba")
    assert not (tmp_path / "ogniwo.sqlite3").exists()
    ogniwo(*create, codes=(4,))

    assert json.loads(ogniwo("workspace", "register", "members.toml", "--json").stdout)["rows"]["point"] == 40
    imported = ogniwo("import", "october", "--json", codes=(3,))
    assert json.loads(imported.stdout)["counts"] == {"imported": 50}
    assert "\r" not in imported.stderr  # no progress bar where no terminal is
    ogniwo("period", "close", "2026-10", codes=(4,))
    ogniwo("quality", "estimate", "--month", "2026-10")
    closed = json.loads(ogniwo("period", "close", "2026-10", "--json", codes=(0, 3)).stdout)
    assert (closed["version"], closed["statements"], closed["checks_agree"]) == (1, 40, True)
    shown = json.loads(ogniwo("settlement", "show", "2026-10", "--json").stdout)
    assert shown["total"]["net"] == closed["charged"]
    seen = json.loads(ogniwo("workspace", "show", "--json").stdout)
    assert seen["sample_rates"] is True
    assert [(one["month"], one["version"]) for one in seen["runs"]] == [("2026-10", 1)]


def test_wrong_use_and_help_come_without_a_workspace(ogniwo, tmp_path):
    assert "Did you mean `point`?" in ogniwo("pint", codes=(2,)).stderr
    assert "2026-13" in ogniwo("period", "close", "2026-13", codes=(2,)).stderr
    for noun in ("workspace", "import", "point", "quality", "balance", "period", "settlement"):
        assert "Examples:" in ogniwo(noun, "--help").stdout
    assert list(tmp_path.iterdir()) == []
