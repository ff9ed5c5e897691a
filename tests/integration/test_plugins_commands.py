"""The example of docs/plugins.md, built, installed and run by the commands of the page, each a process of its own."""

import json
import os
import subprocess
import sys

import pytest

from ogniwo.services.demo.sample import POINTS
from plug_in_projects import built, files_of_the_page, installed, portal_file


@pytest.fixture
def ogniwo(tmp_path):
    """Runs a command as a user does who installed the example beside Ogniwo."""
    target = installed(built(tmp_path / "built", files_of_the_page()), tmp_path / "target")
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("OGNIWO_", "DJANGO_"))}
    kept = {key: value for key, value in os.environ.items() if key == "OGNIWO_DATABASE_URL"}

    def run(*arguments, code=0):
        done = subprocess.run(
            [sys.executable, "-m", "ogniwo", "-w", "coop", *arguments],
            cwd=tmp_path,
            env={**clean, **kept, "PYTHONPATH": str(target)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done

    return run


def test_the_example_of_the_page_works_from_the_wheel_to_the_file(ogniwo, tmp_path, sample_toml):
    (tmp_path / "members.toml").write_text(sample_toml(), encoding="utf-8")
    rows = [(f"2026-10-01T{hour:02}:00+02:00", f"0.{hour:03}", "ok") for hour in range(24)]
    (tmp_path / "portal.txt").write_bytes(portal_file(rows, point=POINTS[0].code))
    ogniwo("workspace", "create", "--name", "Próba", "--with-sample-rates")
    ogniwo("workspace", "register", "members.toml")
    (listed,) = json.loads(ogniwo("plugin", "list", "--json").stdout)
    assert (listed["name"], listed["version"], listed["installed"], listed["allowed"], listed["loaded"]) == (
        "acme-meters", "1.0.0", True, False, False,
    )  # fmt: skip
    assert listed["reason"] == "it is not allowed in this workspace"
    assert "[read.refused]" in ogniwo("import", "portal.txt", code=4).stderr
    assert "no layout 'acme-meters/portal'" in ogniwo(
        "import", "portal.txt", "--layout", "acme-meters/portal", code=2
    ).stderr  # fmt: skip

    assert "acme-meters/portal  ogniwo.readers" in ogniwo("plugin", "allow", "acme-meters").stdout
    imported = json.loads(ogniwo("import", "portal.txt", "--layout", "acme-meters/portal", "--json").stdout)
    (file,) = imported["files"]
    assert (file["state"], file["layout"], file["intervals"]) == ("imported", "acme-meters/portal", 24)
    ogniwo("invoice", "export", "--month", "2026-10", "--to", "out", "--as", "acme-meters/ledger")
    assert (tmp_path / "out" / "acme-ledger.txt").read_bytes() == b""  # no bill was issued

    ogniwo("plugin", "forbid", "acme-meters")
    refused = ogniwo("invoice", "export", "--month", "2026-10", "--to", "out", "--as", "acme-meters/ledger", code=4)
    assert "[plugin.unknown_export]" in refused.stderr
    assert "acme-meters is not loaded: it is not allowed" in ogniwo("plugin", "list").stderr
