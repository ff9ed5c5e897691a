"""Makes contract_samples.py importable: the tests are no package."""

import importlib.util
import sys
from pathlib import Path

if "contract_samples" not in sys.modules:
    _spec = importlib.util.spec_from_file_location("contract_samples", Path(__file__).with_name("contract_samples.py"))
    sys.modules["contract_samples"] = importlib.util.module_from_spec(_spec)
    _spec.loader.exec_module(sys.modules["contract_samples"])
