"""The OpenAPI 3.1 document: what the framework says of the operations, with who may, problems, headers, files."""

import json
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

from ogniwo.interfaces.api.application import api
from ogniwo.interfaces.api.deprecations import mark
from ogniwo.interfaces.api.problems import PREFIX, PROBLEM_JSON
from ogniwo.interfaces.api.registry import OPERATIONS, Operation
from ogniwo.interfaces.api.repeating import HEADER, PATTERN, REPLAYED

_PROBLEM: Final[dict[str, Any]] = {
    "type": "object",
    "title": "Problem",
    "description": "RFC 9457: what was refused and why; `code` is stable and documented in docs/codes.md.",
    "required": ["type", "title", "status", "detail", "instance", "code"],
    "properties": {
        "type": {"type": "string", "format": "uri", "description": "A page that says what the code means."},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
        "code": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "in", "detail"],
                "properties": {
                    "pointer": {"type": "string", "description": "JSON pointer into the part that `in` names."},
                    "in": {"type": "string", "enum": ["body", "query", "path", "header", "form", "file"]},
                    "detail": {"type": "string"},
                },
            },
        },
    },
}
_SCHEMAS: Final = "#/components/schemas/"
_EXAMPLES: Final = Path(__file__).with_name("examples.json")
"""What a program sends to the sample cooperative and what it is answered: `python tools/generate_examples.py`."""
_DESCRIPTION: Final = """\
From the meter reading to the bill and the ledger, for programs. docs/api.md explains keys, scopes, errors, repeats,
pages, versions and webhooks. Amounts are text with their asset, energies whole Wh, instants ISO 8601 with Z.
"""


def problems_of(one: Operation) -> tuple[int, ...]:
    """The statuses with which an operation may refuse."""
    found = {400, 404, 406, 422, 429, 500} if one.files else {400, 404, 422, 429, 500}
    if not one.open:
        found |= {401, 403, 409, 503}
    if one.method != "GET":
        found |= {413, 415}
    if one.matches:
        found |= {412, 428}
    return tuple(sorted(found))


@cache
def document() -> dict[str, Any]:
    """The whole document as plain values."""
    made: dict[str, Any] = json.loads(json.dumps(api.get_openapi_schema(path_prefix=PREFIX.strip("/") + "/")))
    made["info"]["description"] = _DESCRIPTION
    made["info"]["license"] = {"name": "Apache-2.0", "identifier": "Apache-2.0"}
    made["servers"] = [{"url": "/"}]
    by_name = {one.name: one for one in OPERATIONS}
    examples: dict[str, Any] = json.loads(_EXAMPLES.read_text(encoding="utf-8"))
    for methods in made["paths"].values():
        for described in methods.values():
            _complete(described, by_name[described["operationId"]])
            _exemplify(described, examples["operations"].get(described["operationId"], {}))
    schemas = _used(made)
    schemas["Problem"] = _PROBLEM
    made["components"]["schemas"] = dict(sorted(schemas.items()))
    made["components"]["responses"] = {
        f"Problem{status}": {
            "description": HTTPStatus(status).phrase,
            "content": {
                PROBLEM_JSON: {
                    "schema": {"$ref": "#/components/schemas/Problem"},
                    **_example(examples["problems"].get(str(status))),
                }
            },
        }
        for status in sorted({status for one in OPERATIONS for status in problems_of(one)})
    }
    made["components"]["securitySchemes"] = {
        "key": {
            "type": "http",
            "scheme": "bearer",
            "description": "A key of an organisation (ogniwo_...), made with `ogniwo access new-key`.",
        },
        "session": {
            "type": "apiKey",
            "in": "cookie",
            "name": "sessionid",
            "description": "The web session; changes also need X-CSRFToken.",
        },
    }
    made["paths"] = dict(sorted(made["paths"].items()))
    mark(made)
    return made


def _example(value: Any) -> dict[str, Any]:  # noqa: ANN401 -- JSON
    return {} if value is None else {"example": value}


def _exemplify(described: dict[str, Any], example: dict[str, Any]) -> None:
    """Put what was really sent and answered beside what may be."""
    sent = {**example.get("path", {}), **example.get("query", {})}
    for one in described["parameters"]:
        one.update(_example(sent.get(one["name"])))
    for content in described.get("requestBody", {}).get("content", {}).values():
        content.update(_example(example.get("body", example.get("form"))))
    success = described["responses"].get(str(example.get("status")), {})
    content = success.get("content", {}).get(example.get("media", "application/json"))
    if content is not None:
        content.update(_example(example.get("answer")))


def document_text() -> str:
    """The document as it is committed."""
    return json.dumps(document(), indent=1, ensure_ascii=False) + "\n"


def _used(made: dict[str, Any]) -> dict[str, Any]:
    """The shapes that something points to, without the titles that the framework makes of every field's name."""
    schemas: dict[str, Any] = made["components"]["schemas"]
    _untitled(made["paths"])
    found: dict[str, Any] = {}
    waiting = _pointed(made["paths"])
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = _untitled(schemas[name])
            waiting |= _pointed(found[name])
    return found


def _pointed(value: Any) -> set[str]:  # noqa: ANN401 -- JSON
    if isinstance(value, list):
        return {name for one in value for name in _pointed(one)}
    if not isinstance(value, dict):
        return set()
    here = value.get("$ref")
    own = {here.rpartition("/")[2]} if isinstance(here, str) and here.startswith(_SCHEMAS) else set()
    return own | {name for one in value.values() for name in _pointed(one)}


def _untitled(value: Any) -> Any:  # noqa: ANN401 -- JSON
    if isinstance(value, list):
        for one in value:
            _untitled(one)
    elif isinstance(value, dict):
        if isinstance(value.get("title"), str):
            del value["title"]
        for one in value.values():
            _untitled(one)
    return value


def _complete(described: dict[str, Any], one: Operation) -> None:
    parameters: list[dict[str, Any]] = described.setdefault("parameters", [])
    success: dict[str, Any] = described["responses"][str(one.status)]
    if one.answer is None and not one.files:
        del described["responses"][str(one.status)]
        success = {"description": HTTPStatus.NO_CONTENT.phrase}
        described["responses"]["204"] = success
    if one.files:
        content = success.setdefault("content", {})
        content.update({kind: {"schema": {"type": "string", "format": "binary"}} for kind in one.files})
    if one.open:
        described["security"] = []
    else:
        described["security"] = [] if one.persons else [{"key": [one.scope.value] if one.scope else []}]
        described["security"].append({"session": []})
        described["x-act"] = one.act.value if one.act else None
        described["x-own-rows"] = one.own
    if one.repeatable:
        parameters.append(
            {"in": "header", "name": HEADER, "required": False, "schema": {"type": "string", "pattern": PATTERN}}
        )
        success.setdefault("headers", {})[REPLAYED] = {"schema": {"type": "string", "const": "true"}}
    if one.matches:
        parameters.append({"in": "header", "name": "If-Match", "required": True, "schema": {"type": "string"}})
    if one.versioned:
        success.setdefault("headers", {})["ETag"] = {"schema": {"type": "string"}}
        if one.method == "GET":
            parameters.append(
                {"in": "header", "name": "If-None-Match", "required": False, "schema": {"type": "string"}}
            )
            described["responses"]["304"] = {"description": HTTPStatus.NOT_MODIFIED.phrase}
    for status in problems_of(one):
        described["responses"][str(status)] = {"$ref": f"#/components/responses/Problem{status}"}
    described["responses"] = dict(sorted(described["responses"].items()))


__all__ = ["document", "document_text", "problems_of"]
