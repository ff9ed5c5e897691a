"""Interfaces may not choose rows themselves: no `.objects` below ogniwo/interfaces; services decide who sees what."""

import ast
import sys
from pathlib import Path

INTERFACES = Path(__file__).resolve().parent.parent / "src" / "ogniwo" / "interfaces"


def offences(source: str, name: str) -> list[str]:
    """Every use of an attribute called `objects` or `_default_manager`, with its line."""
    found = [
        f"{name}:{node.lineno}: {node.attr} in an interface; ask a service"
        for node in ast.walk(ast.parse(source, filename=name))
        if isinstance(node, ast.Attribute) and node.attr in {"objects", "_default_manager", "_base_manager"}
    ]
    return sorted(found)


def main() -> int:
    """Check every interface file; print what is wrong."""
    files = sorted(INTERFACES.rglob("*.py"))
    found = [line for path in files for line in offences(path.read_text(encoding="utf-8"), str(path))]
    for line in found:
        print(line)
    print(f"scope lint: {len(files)} files, {len(found)} offences")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
