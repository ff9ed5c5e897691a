"""Write the shapes of the ledger's documents for the wallet's verifier, from the structs of the core; --check compares.

Only the shapes are taken over (fields, types, bounds). What they mean is written a second time, in JavaScript.
"""

import json
import sys
from pathlib import Path
from typing import Any

import msgspec
from msgspec import inspect

from ogniwo.core.ledger.continuity import Consistency
from ogniwo.core.ledger.operations.authority import DEPTH_MOST, Group
from ogniwo.core.ledger.receipts import Receipt
from ogniwo.core.ledger.signing import Envelope, _Header
from ogniwo.core.ledger.transactions import Payload

TARGET = Path(__file__).resolve().parent.parent / "src/ogniwo/interfaces/wallet/static/wallet/verify" / "shapes.js"
HEAD = """\
// Written by tools/generate_schemas.py from the structs of ogniwo.core.ledger; change those, then run it again.

/** The shapes of all documents by name; `documents.js` says what each member means. */
"""
ROOTS: dict[str, Any] = {
    "Consistency": Consistency,
    "Envelope": Envelope,
    "Header": _Header,
    "Payload": Payload,
    "Receipt": Receipt,
}

NESTING = {Group: DEPTH_MOST}
"""What a struct checks in `__post_init__`: how many of its kind may stand inside one another."""


def bounds(**values: object) -> dict[str, object]:
    """Those that are set."""
    return {name: value for name, value in values.items() if value is not None}


class Shapes:
    """Collects structs by name while types are translated."""

    def __init__(self) -> None:
        self.found: dict[str, Any] = {}

    def of(self, kind: inspect.Type) -> dict[str, Any]:  # noqa: PLR0911 -- one answer per kind of type
        """The shape of a type; raises TypeError for one that canonical JSON has no place for."""
        match kind:
            case inspect.StrType():
                return {"type": "text"} | bounds(
                    pattern=kind.pattern and javascript_pattern(kind.pattern), min=kind.min_length, max=kind.max_length
                )
            case inspect.IntType(gt=None, lt=None, multiple_of=None):
                return {"type": "integer"} | bounds(min=kind.ge, max=kind.le)
            case inspect.BoolType():
                return {"type": "boolean"}
            case inspect.LiteralType():
                return {"type": "word", "words": list(kind.values)}
            case inspect.VarTupleType() | inspect.ListType():
                return {"type": "list", "items": self.of(kind.item_type)} | bounds(
                    min=kind.min_length, max=kind.max_length
                )
            case inspect.DictType(key_type=inspect.StrType(), value_type=inspect.AnyType()):
                return {"type": "object"}
            case inspect.StructType():
                return {"type": "struct", "name": self.struct(kind)}
            case inspect.UnionType():
                return self.union(kind)
        raise TypeError(f"no shape for {kind}")

    def union(self, kind: inspect.UnionType) -> dict[str, Any]:
        """One of several structs told apart by their tag; a part that may be absent is its only other type."""
        types = list(kind.types)
        if len(types) == 1:
            return self.of(types[0])
        structs = [one for one in types if isinstance(one, inspect.StructType)]
        if len(structs) != len(types) or len({one.tag_field for one in structs}) != 1:
            raise TypeError(f"no shape for {kind}")
        members = {str(one.tag): self.struct(one) for one in structs}
        return {"type": "union", "tag": structs[0].tag_field, "members": dict(sorted(members.items()))}

    def struct(self, kind: inspect.StructType) -> str:
        """The name of a struct, its shape kept."""
        name = kind.cls.__name__
        if not kind.forbid_unknown_fields or kind.array_like:
            raise TypeError(f"{name} takes unknown fields")
        if hasattr(kind.cls, "__post_init__") and kind.cls not in NESTING:
            raise TypeError(f"{name} checks something that the other implementation does not know of")
        if name not in self.found:
            self.found[name] = {}
            fields: dict[str, Any] = {}
            for field in sorted(kind.fields, key=lambda one: one.encode_name):
                shape = self.of(field.type)
                if not field.required:
                    shape |= {"optional": True}
                    if field.default is not inspect.NODEFAULT and field.default is not msgspec.UNSET:
                        shape |= {"default": field.default}
                fields[field.encode_name] = shape
            omit = {"omitDefaults": True} if kind.cls.__struct_config__.omit_defaults else {}
            rest = bounds(tag=kind.tag_field, word=kind.tag, nesting=NESTING.get(kind.cls))
            self.found[name] = omit | {"fields": fields} | rest
        return name


def javascript_pattern(pattern: str) -> str:
    r"""A pattern of the whole text (\A ... \Z) in the other language's spelling."""
    inner = pattern.removeprefix(r"\A").removesuffix(r"\Z")
    if pattern != rf"\A{inner}\Z" or "\\" in inner:
        raise TypeError(f"the pattern {pattern} is not of a whole text, or needs translation")
    return f"^(?:{inner})$"


def text() -> str:
    """The file."""
    shapes = Shapes()
    roots = {name: shapes.of(inspect.type_info(root)) for name, root in ROOTS.items()}
    lines = ["export const ROOTS = {"]
    lines += [f" {name}: {json.dumps(shape)}," for name, shape in roots.items()]
    lines += ["};", "", "/** Structs by name; `fields` in alphabetical order. */", "export const STRUCTS = {"]
    for name, struct in sorted(shapes.found.items()):
        rest = "".join(f" {key}: {json.dumps(value)}," for key, value in struct.items() if key != "fields")
        lines.append(f" {name}: {{{rest} fields: {{")
        lines += [f"  {field}: {json.dumps(shape)}," for field, shape in struct["fields"].items()]
        lines.append(" } },")
    return HEAD + "\n".join([*lines, "};", ""])


def main() -> int:
    """Write, or compare."""
    if "--check" in sys.argv[1:]:
        fresh = TARGET.is_file() and TARGET.read_text(encoding="utf-8") == text()
        print(f"{TARGET.name}: {'up to date' if fresh else 'run tools/generate_schemas.py'}")
        return 0 if fresh else 1
    TARGET.write_text(text(), encoding="utf-8")
    print(f"{TARGET.name}: written")
    return 0


if __name__ == "__main__":
    sys.exit(main())
