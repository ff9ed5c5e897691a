"""Fixtures shared by all tests."""

import os
import shutil
import tempfile
from pathlib import Path

import django
import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real meter data beside the repository; its absence is an error where CI is set."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        if os.environ.get("CI"):
            pytest.fail(f"the real meter data is missing: {folder}")
        pytest.skip("the real meter data is not beside this checkout")
    return folder


def _prepare_django() -> Path:
    """Make Django ready before any test module imports records, in a folder of this process only."""
    folder = Path(tempfile.mkdtemp(prefix="ogniwo-tests-"))
    os.environ["OGNIWO_WORKSPACE"] = str(folder)
    os.environ["DJANGO_SETTINGS_MODULE"] = "ogniwo.project.web_settings"
    django.setup()
    # The commands that tests start choose their settings themselves, as they do for a user.
    del os.environ["DJANGO_SETTINGS_MODULE"]
    return folder


_FOLDER = _prepare_django()


def pytest_unconfigure() -> None:
    """Remove the folder at the end."""
    shutil.rmtree(_FOLDER, ignore_errors=True)
