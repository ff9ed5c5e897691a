"""What a command loads before it knows what it has to do."""

import os
import subprocess
import sys

LOADED = """
import sys
from importlib import import_module
import django
django.setup()
from ogniwo.interfaces.cli.main import COMMANDS
for entry in COMMANDS.values():
    import_module(entry.target.partition(":")[0])
import_module("ogniwo.interfaces.web.urls")
print(*sorted({"numba", "llvmlite"} & set(sys.modules)))
"""


def test_no_command_loads_the_compiler_of_kernels_before_it_shares_or_sums(tmp_path):
    """It takes as long as all the rest together; the commands and pages load it where they call a kernel."""
    settings = {"DJANGO_SETTINGS_MODULE": "ogniwo.project.web_settings", "OGNIWO_WORKSPACE": str(tmp_path)}
    result = subprocess.run(
        [sys.executable, "-c", LOADED], env={**os.environ, **settings}, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.split() == []
