"""The part of JSON Schema that our document uses: judge a value, make one up. A word that is not known here fails."""

import json
import re
from datetime import date, datetime
from uuid import UUID

from hypothesis import strategies as st

IGNORED = {"description", "examples", "default", "title", "deprecated", "x-deprecated-since", "x-sunset", "x-instead"}
CHECKS = {
    "string": lambda value: isinstance(value, str),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
}
FORMATS = {
    "date": date.fromisoformat,
    "date-time": lambda text: datetime.fromisoformat(text).astimezone(),
    "uuid": UUID,
    "uri": lambda text: re.fullmatch(r"https?://\S+", text) or _no(),
    "binary": lambda text: text,
}
KNOWN = IGNORED | {
    "$ref", "type", "anyOf", "enum", "const", "format", "pattern", "minLength", "maxLength", "minimum", "maximum",
    "items", "minItems", "maxItems", "properties", "required", "additionalProperties", "maxProperties", "propertyNames",
}  # fmt: skip


def _no():
    raise ValueError("not of this format")


def faults(schema, value, document, place="$"):
    """Everything in which a value does not fit its schema."""
    assert not set(schema) - KNOWN, f"{place}: {set(schema) - KNOWN}"
    if "$ref" in schema:
        return faults(resolved(schema, document), value, document, place)
    if "anyOf" in schema:
        tried = [faults(one, value, document, place) for one in schema["anyOf"]]
        return [] if any(not one for one in tried) else [f"{place}: none of its shapes", *tried[0]]
    found = []
    if "enum" in schema and value not in schema["enum"]:
        found.append(f"{place}: {value!r} is none of {schema['enum']}")
    if "const" in schema and value != schema["const"]:
        found.append(f"{place}: {value!r} is not {schema['const']!r}")
    if "type" not in schema:
        return found
    if not CHECKS[schema["type"]](value):
        return [*found, f"{place}: {value!r} is no {schema['type']}"]
    return found + OF_TYPE.get(schema["type"], lambda *_: [])(schema, value, document, place)


def _string(schema, value, _document, place):
    found = []
    if "pattern" in schema and not re.search(schema["pattern"], value):
        found.append(f"{place}: {value!r} does not fit {schema['pattern']}")
    if not schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value)):
        found.append(f"{place}: {len(value)} characters")
    if "format" in schema:
        try:
            FORMATS[schema["format"]](value)
        except ValueError:
            found.append(f"{place}: {value!r} is no {schema['format']}")
    return found


def _integer(schema, value, _document, place):
    fits = schema.get("minimum", value) <= value <= schema.get("maximum", value)
    return [] if fits else [f"{place}: {value} is out of bounds"]


def _array(schema, value, document, place):
    inner = schema.get("items", {})
    found = [text for n, one in enumerate(value) for text in faults(inner, one, document, f"{place}[{n}]")]
    if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)):
        found.append(f"{place}: {len(value)} items")
    return found


def _object(schema, value, document, place):
    known = schema.get("properties", {})
    found = [f"{place}: {name} is missing" for name in schema.get("required", ()) if name not in value]
    more = schema.get("additionalProperties", True)
    if len(value) > schema.get("maxProperties", len(value)):
        found.append(f"{place}: {len(value)} names")
    for name, one in value.items():
        found += faults({"type": "string", **schema.get("propertyNames", {})}, name, document, f"{place}.{name}")
        if name in known:
            found += faults(known[name], one, document, f"{place}.{name}")
        elif more is False or (known and "additionalProperties" not in schema):
            found.append(f"{place}: nobody knows {name}")
        elif isinstance(more, dict):
            found += faults(more, one, document, f"{place}.{name}")
    return found


OF_TYPE = {"string": _string, "integer": _integer, "array": _array, "object": _object}


def misfits(described, answer, document):
    """In what an answer is not as the document describes the operation; and whether the operation was reached at all.

    A made-up value may change the address itself: then there is nothing there, or another operation.
    """
    status = answer.status_code
    if status >= 500 and status != 503:
        return [f"{status}: {answer.content[:500]}"], True
    if status in {404, 405} and answer.json()["code"] in {"api.no_such_address", "api.method"}:
        return [], False
    if str(status) not in described["responses"]:
        return [f"{status} is not described: {answer.content[:500]}"], True
    return _body_misfits(described["responses"][str(status)], answer, document), True


def _body_misfits(said, answer, document):
    """In what the body is of another kind or shape than it is said to be."""
    status = answer.status_code
    content = (resolved(said, document) if "$ref" in said else said).get("content", {})
    kind = answer.headers.get("Content-Type", "").partition("; charset")[0]
    data = b"".join(answer.streaming_content) if answer.streaming else answer.content
    if not content:
        return [f"{status} has a body"] if data else []
    if kind not in content:
        return [f"{status} is of {kind}"]
    if kind in {"application/json", "application/problem+json"}:
        return [f"{status} {fault}" for fault in faults(content[kind]["schema"], json.loads(data), document)]
    return []


def resolved(schema, document):
    """What a reference points to."""
    found = document
    for part in schema["$ref"].removeprefix("#/").split("/"):
        found = found[part]
    return found


HOSTILE = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([2**31, 2**63, -(2**63) - 1, 10**40, 1e308, float("nan"), float("inf")]),
    st.text(max_size=40),
    st.sampled_from(
        ["", "\x00", "\ud800", "../../etc/passwd", "' OR 1=1 --", "%00", "{{7*7}}", "=cmd()", "a" * 3_000, "0001-01-01"]
    ),
    st.lists(st.integers(), max_size=3),
    st.dictionaries(st.text(max_size=5), st.integers(), max_size=3),
)
_TEXTS = {
    "date": st.dates(min_value=date(1, 1, 1)).map(str),
    "date-time": st.datetimes().map(lambda when: f"{when.isoformat()}Z"),
    "uuid": st.uuids().map(str),
    "binary": st.text(max_size=20),
}


def values_of(schema, document):
    """Values that fit a schema."""
    if "$ref" in schema:
        return values_of(resolved(schema, document), document)
    if "anyOf" in schema:
        return st.one_of([values_of(one, document) for one in schema["anyOf"]])
    if "enum" in schema or "const" in schema:
        return st.sampled_from(schema.get("enum", [schema.get("const")]))
    return _plain(schema, document)


def _plain(schema, document):
    kind = schema.get("type")
    if kind == "string":
        return _strings(schema)
    if kind == "integer":
        return st.integers(schema.get("minimum"), schema.get("maximum"))
    if kind == "array":
        most = min(schema.get("maxItems", 3), 3)
        return st.lists(values_of(schema["items"], document), min_size=schema.get("minItems", 0), max_size=most)
    if kind == "object":
        return _objects(schema, document)
    return {"boolean": st.booleans(), "null": st.none()}.get(kind, HOSTILE)


def _strings(schema):
    if "pattern" in schema:
        return st.from_regex(schema["pattern"], fullmatch=True)
    if schema.get("format") in _TEXTS:
        return _TEXTS[schema["format"]]
    return st.text(min_size=schema.get("minLength", 0), max_size=min(schema.get("maxLength", 30), 30))


def _objects(schema, document):
    known, required = schema.get("properties", {}), set(schema.get("required", ()))
    if not known:
        inner = schema.get("additionalProperties", {})
        inner = values_of(inner, document) if isinstance(inner, dict) and inner else HOSTILE
        return st.dictionaries(st.text(max_size=8), inner, max_size=3)
    made = {name: values_of(one, document) for name, one in known.items()}
    return st.fixed_dictionaries(
        {name: one for name, one in made.items() if name in required},
        optional={name: one for name, one in made.items() if name not in required},
    )
