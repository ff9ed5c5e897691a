"""The chart bundle: made from a lock that names no address, with its notices, or refused with what is missing."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUNDLE = ROOT / "src/ogniwo/interfaces/web/static/web/charts"


def built(root, *, path):
    return subprocess.run(
        [sys.executable, root / "hatch_build.py"],
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )


def without_bundle(folder):
    """A copy of what the bundle is made of, without the bundle."""
    shutil.copytree(ROOT / "chart_bundle", folder / "chart_bundle", ignore=shutil.ignore_patterns("node_modules"))
    shutil.copy(ROOT / "hatch_build.py", folder)
    return folder


def test_the_lock_names_versions_and_digests_and_no_address():
    lock = json.loads((ROOT / "chart_bundle/package-lock.json").read_text(encoding="utf-8"))
    packages = {name: one for name, one in lock["packages"].items() if name}
    assert {"node_modules/echarts", "node_modules/zrender", "node_modules/esbuild"} <= packages.keys()
    assert all(one["integrity"].startswith("sha512-") and "resolved" not in one for one in packages.values())
    for path in (ROOT / "chart_bundle").glob("*.*"):
        assert "://" not in path.read_text(encoding="utf-8"), path


def test_the_bundle_is_current_and_brings_the_notices_of_what_is_in_it(tmp_path):
    assert BUNDLE.is_dir(), "run `make charts`"
    again = built(ROOT, path=str(tmp_path))
    assert (again.returncode, again.stdout) == (0, ""), "it is current: neither Node nor npm is needed"
    notices = (BUNDLE / "NOTICES.txt").read_text(encoding="utf-8")
    for name in ("echarts 6", "zrender 6", "tslib 2"):
        assert f"{name}." in notices
    assert "Apache ECharts" in notices
    assert "Baidu" in notices


def test_without_node_it_says_what_is_missing(tmp_path):
    refused = built(without_bundle(tmp_path), path=str(tmp_path))
    assert refused.returncode == 1
    assert "needs node" in refused.stderr
    assert not (tmp_path / "src").exists()


def test_the_same_sources_give_the_same_bundle(tmp_path):
    made = built(without_bundle(tmp_path), path=os.environ["PATH"])
    assert made.returncode == 0, made.stderr
    again = tmp_path / BUNDLE.relative_to(ROOT)
    assert {path.name: path.read_bytes() for path in again.iterdir()} == {
        path.name: path.read_bytes() for path in BUNDLE.iterdir()
    }
