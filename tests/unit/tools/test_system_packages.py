"""What a user who may not install packages is told, with Pythons that are missing something."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[3] / "tools" / "system_packages.sh"


@pytest.fixture
def told(tmp_path):
    """Run the script as a user without rights, who is given here as a program `id`, and a Python that is one line."""
    for tool in ("sh", "ls"):
        (tmp_path / tool).symlink_to(shutil.which(tool) or tool)
    identity = tmp_path / "id"
    identity.write_text("#!/bin/sh\necho 1000\n", encoding="utf-8")
    identity.chmod(0o755)

    def run(script):
        python = tmp_path / "python"
        python.unlink(missing_ok=True)
        if script:
            python.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
            python.chmod(0o755)
        result = subprocess.run(
            ["/bin/sh", str(SCRIPT), "python"],
            env={"PATH": str(tmp_path), "PYTHON": str(python)},
            capture_output=True,
            text=True,
            check=False,
        )
        return result.returncode, result.stderr

    return run


REAL = f'exec "{sys.executable}" "$@"'


def test_a_whole_python_needs_nothing(told):
    assert told(REAL) == (0, "")


@pytest.mark.parametrize("script", ["", "exit 127", 'case "$2" in *version_info*) exit 1;; esac'])
def test_a_missing_or_too_old_python_is_named(told, script):
    code, said = told(script)
    assert code == 1
    assert "apt-get install python3.11 python3.11-venv\n" in said


def test_the_missing_part_of_this_very_python_is_named(told):
    code, said = told(f'case "$2" in *ensurepip*) exit 1;; esac\n{REAL}')
    assert code == 1
    assert f"apt-get install python{sys.version_info.major}.{sys.version_info.minor}-venv\n" in said
    assert os.linesep + "As an administrator" in said
