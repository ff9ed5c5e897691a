"""Write the typed Python client from docs/openapi.json; with --check say whether it is true to the document."""

import json
import keyword
import re
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
DOCUMENT = ROOT / "docs" / "openapi.json"
PACKAGE = ROOT / "clients" / "python" / "ogniwo_client"
HEAD = "# Written by `tools/generate_client.py` from docs/openapi.json; change the API, then run it again.\n"
PLAIN = {"string": "str", "integer": "int", "boolean": "bool", "null": "None", "number": "float"}

Json = dict[str, Any]


class UnknownShapeError(Exception):
    """The document holds something that the client has no type for."""


def type_of(schema: Json) -> str:
    """The Python type of a schema."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "enum" in schema or "const" in schema:
        return f"Literal[{', '.join(_quoted(one) for one in schema.get('enum', [schema.get('const')]))}]"
    if "anyOf" in schema:
        return " | ".join(dict.fromkeys(type_of(one) for one in schema["anyOf"]))
    return _plain(schema)


def _plain(schema: Json) -> str:
    kind = schema.get("type")
    if kind == "array":
        return f"list[{type_of(schema['items'])}]"
    if kind == "object":
        more = schema.get("additionalProperties", True)
        return f"dict[str, {type_of(more) if isinstance(more, dict) else 'Any'}]"
    if kind in PLAIN:
        return "bytes" if schema.get("format") == "binary" else PLAIN[kind]
    if not set(schema) - {"description", "examples", "default"}:
        return "Any"
    raise UnknownShapeError(str(schema))


def _quoted(value: object) -> str:
    return json.dumps(value) if isinstance(value, str) else repr(value)


def _doc(text: str, indent: str) -> str:
    """A docstring of the first sentence, and of what follows it if it is longer than a line."""
    words = " ".join(text.split())
    if len(words) <= 112 - len(indent):
        return f'{indent}"""{words}"""'
    first, _, rest = words.partition(". ")
    if ": " in first and len(first) > 100 - len(indent):
        first, _, more = first.partition(": ")
        more = more[:1].upper() + more[1:]
        rest = f"{more}. {rest}" if rest else more
    body = textwrap.fill(rest, 112 - len(indent), initial_indent=indent, subsequent_indent=indent)
    return f'{indent}"""{first.rstrip(".")}.\n\n{body}\n{indent}"""'


def models(document: Json) -> str:
    """models.py: a TypedDict for each shape."""
    lines: list[str] = []
    for name, schema in document["components"]["schemas"].items():
        if "enum" in schema:
            lines.append(f"\n{name} = {type_of(schema)}")
            lines.append(_doc(schema.get("description", name), "") + "\n")
            continue
        required = set(schema.get("required", ()))
        lines.append(f"\n\nclass {name}(TypedDict):")
        lines.append(_doc(schema.get("description", name), "    ") + "\n")
        for field, shape in schema["properties"].items():
            if not field.isidentifier() or keyword.iskeyword(field):
                raise UnknownShapeError(f"{name}.{field}")
            kind = type_of(shape)
            lines.append(f"    {field}: {kind if field in required else f'NotRequired[{kind}]'}")
    body = "\n".join(lines)
    used = [word for word in ("Any", "Literal", "NotRequired", "TypedDict") if f"{word}[" in body or word in body]
    imports = f"from __future__ import annotations\n\nfrom typing import {', '.join(used)}\n"
    return f'{HEAD}"""The shapes of requests and answers."""\n\n{imports}{body}\n'


class Method:
    """One operation as a method of the client."""

    def __init__(self, method: str, path: str, described: Json) -> None:
        self.verb, self.path, self.name = method.upper(), path, str(described["operationId"])
        self.summary = str(described["summary"])
        parameters = described.get("parameters", [])
        self.places = [one for one in parameters if one["in"] == "path"]
        self.query = [one for one in parameters if one["in"] == "query"]
        headers = {one["name"] for one in parameters if one["in"] == "header"}
        self.matches, self.repeatable = "If-Match" in headers, "Idempotency-Key" in headers
        self.content: Json = described.get("requestBody", {}).get("content", {})
        self.status, success = next((s, r) for s, r in described["responses"].items() if s.startswith("2"))
        self.answer: Json = success.get("content", {})
        self.versioned = "ETag" in success.get("headers", {})

    @property
    def kinds(self) -> list[str]:
        """Media types of the answer that are files."""
        return [kind for kind, one in self.answer.items() if one["schema"].get("format") == "binary"]

    @property
    def returns(self) -> str:
        """The type of the answer."""
        if not self.answer:
            return "None"
        if self.kinds:
            return "bytes"
        kind = type_of(self.answer["application/json"]["schema"])
        return f"Versioned[{kind}]" if self.versioned else kind

    def arguments(self) -> list[str]:
        """The arguments after self."""
        found = [f"{one['name']}: str" for one in self.places]
        if "application/json" in self.content:
            found.append(f"body: {type_of(self.content['application/json']['schema'])}")
        if "multipart/form-data" in self.content:
            found.append("files: Sequence[tuple[str, bytes]]")
        named = [_argument(one["name"], one["schema"], required=one["required"]) for one in self.query]
        named += [_argument(name, shape, required=False) for name, shape in self.fields().items()]
        if len(self.kinds) > 1:
            named.append(
                f"accept: Literal[{', '.join(_quoted(kind) for kind in self.kinds)}] = {_quoted(self.kinds[0])}"
            )
        if self.matches:
            named.append("if_match: str")
        if self.repeatable:
            named.append("idempotency_key: str | None = None")
        return [*found, *(["*", *named] if named else [])]

    def fields(self) -> Json:
        """The plain fields of a form."""
        schema = self.content.get("multipart/form-data", {}).get("schema", {})
        return {name: one for name, one in schema.get("properties", {}).items() if not _is_file(one)}

    def target(self) -> str:
        """The path with its parts filled in."""
        path = self.path
        for one in self.places:
            path = path.replace(f"{{{one['name']}}}", f"{{part({one['name']})}}")
        return f'f"{path}"' if self.places else f'"{path}"'

    def pairs(self) -> str:
        """The query as a mapping."""
        return "{" + ", ".join(f'"{one["name"]}": {one["name"]}' for one in self.query) + "}"

    def text(self) -> str:
        """The method."""
        signature = ", ".join(["self", *self.arguments()])
        asked = [f'"{self.verb}"', self.target()]
        before: list[str] = []
        if self.query:
            asked.append(f"query={self.pairs()}")
        headers = []
        if self.matches:
            headers.append('"If-Match": if_match')
        if self.repeatable:
            headers.append('"Idempotency-Key": idempotency_key or new_key()')
        if self.kinds:
            headers.append(f'"Accept": {"accept" if len(self.kinds) > 1 else _quoted(self.kinds[0])}')
        if headers:
            asked.append(f"headers={{{', '.join(headers)}}}")
        if "application/json" in self.content:
            asked += ["body=json_body(body)", 'kind="application/json"']
        if "multipart/form-data" in self.content:
            fields = "{" + ", ".join(f'"{name}": {name}' for name in self.fields()) + "}"
            before.append(f'        data, kind = form_body({fields}, "files", files)')
            asked += ["body=data", "kind=kind"]
        asked.append(f"repeatable={self.verb == 'GET' or self.repeatable}")
        call = f"self._ask({', '.join(asked)})"
        lines = [f"    def {self.name}({signature}) -> {self.returns}:", _doc(self.summary, "        "), *before]
        lines += self._result(call)
        return "\n".join(lines)

    def _result(self, call: str) -> list[str]:
        if not self.answer:
            return [f"        {call}"]
        if self.kinds:
            return [f"        return {call}.body"]
        kind = type_of(self.answer["application/json"]["schema"])
        if self.versioned:
            value = f'cast("{kind}", json.loads(reply.body))'
            return [f"        reply = {call}", f'        return Versioned({value}, reply.headers["etag"])']
        return [f'        return cast("{kind}", json.loads({call}.body))']

    def walk(self, document: Json) -> str:
        """A method that goes through all pages, for a list; else nothing."""
        kind = self.returns
        if self.verb != "GET" or not kind.endswith("Page"):
            return ""
        items = document["components"]["schemas"][kind]["properties"]["items"]
        row = type_of(items)[len("list[") : -1]
        arguments = [one for one in self.arguments() if not one.startswith("cursor")]
        pairs = ", ".join(f'"{one["name"]}": {one["name"]}' for one in self.query if one["name"] != "cursor")
        signature = ", ".join(["self", *arguments])
        return "\n".join(
            [
                f"    def {self.name.replace('list_', 'all_', 1)}({signature}) -> Iterator[{row}]:",
                _doc(f"Every row of `{self.name}`, page after page.", "        "),
                f"        return self._pages({self.target()}, {{{pairs}}})",
            ]
        )


def _is_file(schema: Json) -> bool:
    return schema.get("format") == "binary" or schema.get("items", {}).get("format") == "binary"


def _argument(name: str, schema: Json, *, required: bool) -> str:
    kind = type_of(schema).replace("list[", "Sequence[")
    if kind.startswith("Sequence[") and "str" not in kind.partition("[")[2].partition("[")[0]:
        # A text is a sequence of texts to a type checker; one of a few words has to be named beside many.
        kind = f"{kind.removeprefix('Sequence[').removesuffix(']')} | {kind}"
    if required:
        return f"{name}: {kind}"
    return f"{name}: {kind if 'None' in kind.split(' | ') else f'{kind} | None'} = None"


def client(document: Json) -> str:
    """client.py: a method for each operation."""
    found = [
        Method(method, path, described)
        for path, methods in document["paths"].items()
        for method, described in methods.items()
    ]
    found.sort(key=lambda one: one.name)
    texts = [text for one in found for text in (one.text(), one.walk(document)) if text]
    body = "\n\n".join(texts)
    names = sorted(name for name in document["components"]["schemas"] if _named(name, body))
    typing = [word for word in ("Any", "Literal", "cast") if _named(word, body)]
    tools = ("Transport", "Versioned", "form_body", "json_body", "new_key", "part")
    return (
        f'{HEAD}"""A method for each operation of the API."""\n\n'
        "import json\nfrom collections.abc import Iterator, Sequence\n"
        f"from typing import {', '.join(typing)}\n\n"
        f"from ogniwo_client.models import {', '.join(names)}\n"
        f"from ogniwo_client.transport import {', '.join(tools)}\n\n\n"
        'class Client(Transport):\n    """The API of one server, version '
        f'{document["info"]["version"]}."""\n\n{body}\n'
    )


def _named(name: str, body: str) -> bool:
    return re.search(rf"\b{name}\b", body) is not None


def formatted(text: str) -> str:
    """The text as the formatter writes it, imports in order."""
    for command in (["check", "--select", "I", "--fix-only", "--quiet"], ["format", "--quiet"]):
        text = subprocess.run(  # noqa: S603 -- our own formatter
            [sys.executable, "-m", "ruff", *command, "--stdin-filename", str(PACKAGE / "client.py"), "-"],
            input=text,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    return text


def main() -> int:
    """Write the client, or check it."""
    document = json.loads(DOCUMENT.read_text(encoding="utf-8"))
    stale = []
    for name, text in (("models.py", models(document)), ("client.py", client(document))):
        path, wanted = PACKAGE / name, formatted(text)
        if not path.is_file() or path.read_text(encoding="utf-8") != wanted:
            stale.append(name)
            if "--check" not in sys.argv:
                path.write_text(wanted, encoding="utf-8")
    print(f"client: {len(stale)} files {'stale' if '--check' in sys.argv else 'written'}")
    return 1 if stale and "--check" in sys.argv else 0


if __name__ == "__main__":
    sys.exit(main())
