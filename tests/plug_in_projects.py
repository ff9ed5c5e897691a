"""Plug-ins as tests meet them: the project of docs/plugins.md built as a wheel, and small ones put beside it."""

import re
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "plugins.md"
MARK = "ACME PORTAL 1\n"


def files_of_the_page():
    """The files that docs/plugins.md shows, by name: a line with a name alone, then a block."""
    text = PAGE.read_text(encoding="utf-8")
    return dict(re.findall(r"^`([\w.]+)`\n\n```\w+\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL))


def built(folder, files):
    """The wheel of a project, built by the build backend that is installed."""
    project = folder / "project"
    project.mkdir(parents=True)
    for name, text in files.items():
        (project / name).write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, project]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,) = folder.glob("*.whl")
    return wheel


def installed(wheel, target):
    """The folder into which pip installs the wheel, without a network."""
    command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-index", "--target", target, wheel]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return target


def put(target, name, source, *, readers=(), exports=(), others=(), version="1.0"):
    """A package with one module, as an installer leaves it; entry points are names of classes, called like them."""
    module = name.replace("-", "_")
    info = target / f"{module}-{version}.dist-info"
    info.mkdir(parents=True)
    (target / f"{module}.py").write_text(source, encoding="utf-8")
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nSummary: A try\n")
    groups = {"ogniwo.readers": readers, "ogniwo.bill_exports": exports, "ogniwo.others": others}
    lines = []
    for group, classes in groups.items():
        lines += [f"[{group}]", *(f"{one.lower()} = {module}:{one}" for one in classes)] if classes else []
    (info / "entry_points.txt").write_text("\n".join(lines) + "\n")
    (info / "RECORD").write_text(f"{module}.py,,\n{info.name}/METADATA,,\n{info.name}/entry_points.txt,,\n")
    return name


@contextmanager
def on_the_path(target):
    """The packages of a folder as if they were installed; afterwards nothing of them is left in this process."""
    sys.path.insert(0, str(target))
    try:
        yield target
    finally:
        sys.path.remove(str(target))
        for name, module in list(sys.modules.items()):
            if str(getattr(module, "__file__", None) or "").startswith(f"{target}/"):
                del sys.modules[name]


def portal_file(rows, *, point):
    """A file of the invented layout: `rows` are (start with offset, kWh as text, word of quality)."""
    return (MARK + "".join(f"{point}|1.29.0|{start}|{energy}|{word}\n" for start, energy, word in rows)).encode()
