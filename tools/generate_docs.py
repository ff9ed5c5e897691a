"""Write docs/codes.md and docs/cli.md from the code; with --check say whether they are true.

Codes come from the refusal classes, from where findings are made (`finding_codes.py`) and from the ledger's outcomes;
commands come from the command line itself.
"""

import importlib
import os
import pkgutil
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import click
import django
from finding_codes import Code, finding_codes, ledger_answers

import ogniwo
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.services.workspace.meanings import meaning_of

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src" / "ogniwo"
GENERATED = "<!-- Written by `tools/generate_docs.py`; change the code, then run it again. -->\n"
CODES_INTRODUCTION = """\
Every refusal and finding has a stable code. Refusals end a command with exit code 4 (5 for `*.not_found`, 75 for
"try later"); findings are listed, and a command that met one that needs a look ends with 3.

What each code means stands in `src/ogniwo/data/codes/meanings.toml`, in English and in Polish; Polish pages and
commands say it before the English detail. Whoever adds a code or changes its sentence adds both there:
`python tools/meanings.py` names what is missing.
"""
ANSWERS_INTRODUCTION = """\
A transaction is `accepted`, or `ledger.exists` when the same one is on the ledger already, or refused with one of
these.
"""
CODES_CLOSING = """
What each validation rule checks and what follows is in [validation.md](validation.md); what readers report is in
[formats.md](formats.md).
"""
CLI_INTRODUCTION = """\
Data goes to stdout, talk to stderr. `--json` gives one stable document. Exit codes: 0 done, 1 failed, 2 wrong use,
3 done with findings, 4 refused, 5 not found, 75 try later, 130 interrupted.

Refusals and findings are told in Polish where the locale is Polish (`LC_ALL`, `LC_MESSAGES`, `LANG`), `OGNIWO_LANGUAGE`
is `pl`, or with `ogniwo --language pl`: first what the code means, below it the English detail. Help texts, other talk
and `--json` are English everywhere.
"""


def prepare() -> None:
    """Make every module importable: records want Django's settings."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ogniwo.project.web_settings")
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


def _code_rows(codes: dict[str, Code]) -> list[str]:
    """One row per code, with its sentence and modules; V rules in the order of their numbers."""
    rows = []
    for name, code in sorted(codes.items(), key=lambda item: [int(p) if p.isdigit() else p for p in _pieces(item[0])]):
        modules = ", ".join(f"`{module.removeprefix('ogniwo.')}`" for module in sorted(code.modules)) or "–"
        text = _cell(code.text) or _cell(meaning_of(name, "en"))
        rows.append(f'| `{name}` | {text} | {modules}<a id="{name}"></a> |')
    return rows


def _pieces(name: str) -> list[str]:
    return [piece for piece in re.split(r"(\d+)", name) if piece]


def _cell(text: str) -> str:
    """A sentence for a table; one that consists of gaps says nothing and is left out."""
    words = re.sub(r"[^a-z]", "", text)
    return text.replace("|", "\\|").replace("<", "&lt;") if len(words) > 6 else ""


def codes_page() -> str:
    """docs/codes.md."""
    refused = {code: Code({module}, text) for code, (text, module) in refusals().items()}
    return "\n".join(
        [
            "# Codes\n",
            GENERATED,
            CODES_INTRODUCTION,
            "## Refusals\n",
            "| code | meaning | raised in |",
            "|---|---|---|",
            *_code_rows(refused),
            "\n## Findings\n",
            "| code | says, with … for what differs | made in |",
            "|---|---|---|",
            *_code_rows(finding_codes(SOURCE)),
            "\n## Answers of the ledger\n",
            ANSWERS_INTRODUCTION,
            "| code | says, with … for what differs | given in |",
            "|---|---|---|",
            *_code_rows(ledger_answers(SOURCE)),
            CODES_CLOSING,
        ]
    )


def _command_lines(command: click.Command, path: str, context: click.Context) -> Iterator[str]:
    own = click.Context(command, info_name=path, parent=None, terminal_width=100, max_content_width=100)
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
