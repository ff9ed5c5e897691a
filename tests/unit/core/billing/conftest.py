"""The sample invoices as a fixture."""

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def samples():
    spec = spec_from_file_location("sample_invoices", Path(__file__).with_name("sample_invoices.py"))
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
