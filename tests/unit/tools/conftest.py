"""The programs of tools/ are no package: load them by their file."""

import importlib.util
import sys
from pathlib import Path

import pytest

TOOLS = Path(__file__).resolve().parents[3] / "tools"


@pytest.fixture
def tool(monkeypatch):
    """Loads a program of tools/ as a module; it finds its siblings as it does when it is run."""
    monkeypatch.syspath_prepend(str(TOOLS))

    def load(name):
        spec = importlib.util.spec_from_file_location(name, TOOLS / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, name, module)
        spec.loader.exec_module(module)
        return module

    return load
