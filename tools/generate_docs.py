"""Write docs/codes.md and docs/cli.md from the code; with --check say whether they are true.

Codes come from the refusal classes and the ledger's outcomes, finding codes from where findings are made; commands come
from the command line itself.
"""

import ast
import importlib
import os
import pkgutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import click
import django

import ogniwo
from ogniwo.core.kernel.refusals import Refusal

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src" / "ogniwo"
GENERATED = "<!-- Written by `tools/generate_docs.py`; change the code, then run it again. -->\n"
CODES_INTRODUCTION = """\
Every refusal and finding has a stable code. Refusals end a command with exit code 4 (5 for `*.not_found`, 75 for
"try later"); findings are listed, and a command that met one that needs a look ends with 3.
"""
CODES_CLOSING = """
What each validation rule checks and what follows is in [validation.md](validation.md); what readers report is in
[formats.md](formats.md).
"""
CLI_INTRODUCTION = """\
Data goes to stdout, talk to stderr. `--json` gives one stable document. Exit codes: 0 done, 1 failed, 2 wrong use,
3 done with findings, 4 refused, 5 not found, 75 try later, 130 interrupted.
"""


def prepare() -> None:
    """Make every module importable: records want Django's settings."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ogniwo.project.settings")
    os.environ.setdefault("OGNIWO_WORKSPACE", tempfile.gettempdir())
    django.setup()
    for module in pkgutil.walk_packages(ogniwo.__path__, "ogniwo."):
        if ".migrations" not in module.name and not module.name.endswith("__main__"):
            importlib.import_module(module.name)


def refusals() -> dict[str, tuple[str, str]]:
    """Every refusal code with its sentence and where it is raised."""
    found: dict[str, tuple[str, str]] = {}
    waiting = list(Refusal.__subclasses__())
    while waiting:
        one = waiting.pop()
        waiting.extend(one.__subclasses__())
        if not one.__module__.startswith("ogniwo.") or "code" not in vars(one):
            continue
        sentence = (one.__doc__ or "").strip().splitlines()[0]
        if one.code in found and found[one.code][1] != one.__module__:
            raise SystemExit(f"two refusals share the code {one.code}: {one.__module__} and {found[one.code][1]}")
        found[one.code] = (sentence, one.__module__)
    return found


def _literals(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from _literals(node.body)
        yield from _literals(node.orelse)


def finding_codes() -> dict[str, set[str]]:
    """Every literal given as `code=` in a call, with the modules that give it."""
    found: dict[str, set[str]] = {}
    for path in sorted(SOURCE.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        module = ".".join(path.relative_to(SOURCE.parent).with_suffix("").parts)
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call):
                continue
            for keyword in node.keywords:
                if keyword.arg == "code":
                    for code in _literals(keyword.value):
                        if "." in code or code.startswith("V"):
                            found.setdefault(code, set()).add(module)
    return found


def codes_page() -> str:
    """docs/codes.md."""
    lines = [
        "# Codes\n",
        GENERATED,
        CODES_INTRODUCTION,
        "## Refusals\n",
        "| code | meaning | raised in |",
        "|---|---|---|",
    ]
    lines += [f"| `{code}` | {text} | `{module}` |" for code, (text, module) in sorted(refusals().items())]
    lines += ["\n## Findings\n", "| code | made in |", "|---|---|"]
    lines += [
        f"| `{code}` | {', '.join(f'`{module}`' for module in sorted(modules))} |"
        for code, modules in sorted(finding_codes().items())
    ]
    lines.append(CODES_CLOSING)
    return "\n".join(lines)


def _command_lines(command: click.Command, path: str, context: click.Context) -> Iterator[str]:
    own = click.Context(command, info_name=path, parent=None)
    yield f"## `{path}`\n"
    yield "```text"
    yield command.get_help(own).rstrip()
    yield "```\n"
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            if child is not None:
                yield from _command_lines(child, f"{path} {name}", context)


def cli_page() -> str:
    """docs/cli.md."""
    from ogniwo.interfaces.cli.main import cli  # noqa: PLC0415 -- only after Django is ready

    os.environ["COLUMNS"] = "100"
    context = click.Context(cli, info_name="ogniwo")
    lines = [
        "# The command line\n",
        GENERATED,
        CLI_INTRODUCTION,
    ]
    lines.extend(_command_lines(cli, "ogniwo", context))
    return "\n".join(lines)


def main() -> int:
    """Write the pages, or check them."""
    prepare()
    pages = {"codes.md": codes_page(), "cli.md": cli_page()}
    stale = []
    for name, text in pages.items():
        path = ROOT / "docs" / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            stale.append(name)
            if "--check" not in sys.argv:
                path.write_text(text, encoding="utf-8")
    if "--check" in sys.argv and stale:
        print(f"stale: {', '.join(stale)}; run python tools/generate_docs.py")
        return 1
    print(f"{len(pages)} pages, {len(stale)} {'stale' if '--check' in sys.argv else 'written'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
