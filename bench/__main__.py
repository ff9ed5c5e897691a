"""Run the benchmarks: `python -m bench [--scale small|full] [name ...]`.

Every bench_*.py checks its results before it times them and gives rows of ratios; a failed check makes the exit code 1
and never a number. A missed target does not: it is printed and kept, as machines differ. Results go to bench/results/.
"""

import argparse
import dataclasses
import importlib
import json
import os
import platform
import sys
import time
import traceback
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER))  # benchmarks import their shared code as `common`, run alone or from here

from common import Row  # noqa: E402 -- the folder has to be on the path first
from ogniwo.project.entry import collect_less_often  # noqa: E402 -- after the path

PACKAGES = ("numpy", "numba", "pandas", "pyarrow", "django", "ogniwo")
VERDICTS = {True: "pass", False: "MISS"}


def machine() -> dict[str, str]:
    """What a reader needs to judge the figures: processor, cores, memory, load and versions."""
    facts = {"system": platform.platform(), "python": platform.python_version(), "cores": str(os.cpu_count())}
    facts["processor"] = processor()
    facts["memory_gib"] = f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.1f}"
    facts["load"] = " ".join(f"{value:.2f}" for value in os.getloadavg())
    for package in PACKAGES:
        try:
            facts[package] = version(package)
        except PackageNotFoundError:
            facts[package] = "not installed"
    return facts


def processor() -> str:
    """The processor's name as Linux gives it."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def verdict(row: Row) -> str:
    """Whether a row reaches its target; rows without one only inform."""
    return "info" if row.target == 0 else VERDICTS[row.ratio >= row.target]


def number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.2f}" if value < 10 else f"{value:.1f}"


def table(rows: list[Row]) -> str:
    """One aligned table of all rows."""
    head = ("benchmark", "ours", "yardstick of the same run", "ratio", "target", "", "note")
    body = [
        (
            row.name,
            row.ours,
            row.yardstick,
            number(row.ratio),
            number(row.target) if row.target else "-",
            verdict(row),
            row.note,
        )
        for row in rows
    ]
    widths = [max(len(line[column]) for line in (head, *body)) for column in range(len(head))]
    rule = tuple("-" * width for width in widths)
    return "\n".join(
        "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip()
        for line in (head, rule, *body)
    )


def measured(name: str, scale: str) -> tuple[list[Row], str]:
    """The rows of one benchmark, or the failed check."""
    print(f"{name} ...", file=sys.stderr, flush=True)
    try:
        return importlib.import_module(name).run(scale=scale), ""
    except AssertionError:
        return [], traceback.format_exc()


def arguments() -> argparse.Namespace:
    names = sorted(path.stem.removeprefix("bench_") for path in FOLDER.glob("bench_*.py"))
    parser = argparse.ArgumentParser(prog="python -m bench", description="Run the benchmarks.")
    parser.add_argument("--scale", choices=("small", "full"), default="small")
    parser.add_argument("--results", type=Path, default=FOLDER / "results", help="folder for the JSON report")
    parser.add_argument("names", nargs="*", metavar="name", help=f"any of {', '.join(names)}; all when none is given")
    given = parser.parse_args()
    unknown = sorted(set(given.names) - set(names))
    if unknown:
        parser.error(f"no such benchmark: {', '.join(unknown)}")
    given.names = given.names or names
    return given


def main() -> int:
    """Run, print and write the report; 1 when a result check failed."""
    if not __debug__:
        print("benchmarks check their results with assert: run Python without -O", file=sys.stderr)
        return 2
    given = arguments()
    collect_less_often()  # as the command of the product does
    facts = machine()
    start = time.perf_counter()
    rows: list[Row] = []
    failures: dict[str, str] = {}
    report: dict[str, list[dict]] = {}
    for name in given.names:
        found, failure = measured(f"bench_{name}", given.scale)
        rows += found
        report[name] = [dataclasses.asdict(row) | {"verdict": verdict(row)} for row in found]
        if failure:
            failures[name] = failure
    print("; ".join(f"{key} {value}" for key, value in facts.items()))
    print(table(rows))
    for name, failure in failures.items():
        print(f"\nRESULT CHECK FAILED in {name}\n{failure}")
    stamp = datetime.now(tz=UTC).strftime("%Y%m%dT%H%M%SZ")
    content = {
        "at": stamp,
        "scale": given.scale,
        "seconds": round(time.perf_counter() - start, 1),
        "machine": facts,
        "benchmarks": report,
        "failed_checks": failures,
    }
    given.results.mkdir(parents=True, exist_ok=True)
    path = given.results / f"{stamp}-{given.scale}.json"
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"\nwritten to {path}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
