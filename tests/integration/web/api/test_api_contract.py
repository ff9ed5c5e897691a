"""The document and the server agree: every operation with made-up and hostile values answers as the document says."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote, urlencode

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from ogniwo.interfaces.api.document import document_text
from ogniwo.interfaces.api.problems import PROBLEM_JSON
from ogniwo.services.access.roles import Role
from ogniwo.services.demo.sample import COMMUNITY_CODE, POINTS

_SPECIFICATION = importlib.util.spec_from_file_location("json_shapes", Path(__file__).with_name("json_shapes.py"))
shapes = importlib.util.module_from_spec(_SPECIFICATION)
_SPECIFICATION.loader.exec_module(shapes)
HOSTILE, faults, resolved, values_of = shapes.HOSTILE, shapes.faults, shapes.resolved, shapes.values_of

ROOT = Path(__file__).parents[4]
DOCUMENT = json.loads((ROOT / "docs" / "openapi.json").read_text(encoding="utf-8"))
OPERATIONS = {
    described["operationId"]: (method.upper(), path, described)
    for path, methods in DOCUMENT["paths"].items()
    for method, described in methods.items()
}
REAL = {
    "code": [COMMUNITY_CODE],
    "ppe": [one.code for one in POINTS[:3]],
    "number": ["SE-001"],
    "bill": ["FV-2026-11-0001"],
    "month": ["2026-10", "2026-09"],
    "channel": ["1.29.0", "2.29.0"],
    "point": [POINTS[0].code],
    "group": ["G11", "C11", "G12w"],
    "operator": ["enea"],
}
EXAMPLES = 10


def test_the_committed_document_is_what_the_code_says():
    assert document_text() == (ROOT / "docs" / "openapi.json").read_text(encoding="utf-8"), (
        "run python tools/generate_openapi.py"
    )


def test_the_client_is_what_the_document_says():
    done = subprocess.run(
        [sys.executable, "tools/generate_client.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def _alike(name, fitting):
    """Real values often, so that more than refusals is seen; fitting ones; now and then anything."""
    real = st.sampled_from(REAL[name]) if name in REAL else fitting
    return st.one_of(real, real, fitting, HOSTILE)


def _text(value):
    return "true" if value is True else "false" if value is False else str(value)


@st.composite
def requests(draw, described):
    """The address, headers and body of a request."""
    path = {}
    query, headers = [], {}
    for one in described["parameters"]:
        name, shape = one["name"], one["schema"]
        if one["in"] == "path":
            path[name] = draw(_alike(name, values_of(shape, DOCUMENT)))
        elif one["in"] == "query" and (one["required"] or draw(st.booleans())):
            value = draw(_alike(name, values_of(shape, DOCUMENT)))
            query += [(name, _text(each)) for each in (value if isinstance(value, list) else [value])]
        elif one["in"] == "header" and draw(st.booleans()):
            headers[name] = draw(st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20))
    content = described.get("requestBody", {}).get("content", {})
    body = None
    if "application/json" in content:
        body = draw(st.one_of(_body(content["application/json"]["schema"]), HOSTILE))
    elif content:
        shape = content["multipart/form-data"]["schema"]
        body = {
            "files": draw(st.lists(st.binary(max_size=200), max_size=2)),
            **{name: _text(draw(HOSTILE)) for name in shape["properties"] if name != "files" and draw(st.booleans())},
        }
    return path, query, headers, body


@st.composite
def _body(draw, schema):
    shape = resolved(schema, DOCUMENT) if "$ref" in schema else schema
    found = draw(values_of(shape, DOCUMENT))
    for name in list(found):
        inner = shape["properties"].get(name, {})
        if name in REAL:
            found[name] = draw(_alike(name, st.just(found[name])))
        elif "$ref" in inner:
            found[name] = draw(_body(inner))
        elif draw(st.integers(0, 9)) == 0:
            found[name] = draw(HOSTILE)
    if draw(st.integers(0, 9)) == 0:
        found[draw(st.text(max_size=5))] = draw(HOSTILE)
    return found


def _ask(program, method, place, path, query, headers, body):
    for name, value in path.items():
        place = place.replace(f"{{{name}}}", quote(_text(value).encode("utf-8", "replace"), safe=""))
    if query:
        place += "?" + urlencode([(name, value.encode("utf-8", "replace")) for name, value in query])
    if method == "POST" and isinstance(body, dict) and isinstance(body.get("files"), list) and "multipart" in headers:
        return None
    data = json.dumps(body).encode()
    return program.client.generic(
        method,
        place,
        headers=program.headers | headers,
        **({} if body is None else {"data": data, "content_type": "application/json"}),
    )


def _send(program, place, path, headers, body):
    for name, value in path.items():
        place = place.replace(f"{{{name}}}", quote(_text(value).encode("utf-8", "replace"), safe=""))
    form = {name: value.encode("utf-8", "replace").decode() for name, value in body.items() if name != "files"}
    form["files"] = [SimpleUploadedFile(f"{n}.csv", data) for n, data in enumerate(body["files"])]
    return program.client.post(place, form, headers=program.headers | headers)


SLOW = {
    "accept_estimates",
    "export_intervals",
    "get_completeness",
    "list_findings",
    "preview_estimates",
    "preview_settlement",
}
"""What takes seconds has tests of its own; here it is asked for a month that holds nothing."""


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_every_answer_is_as_the_document_says(reading, program_of, browser, name, monkeypatch):
    method, place, described = OPERATIONS[name]
    if name in SLOW:
        monkeypatch.setitem(REAL, "month", ["2001-01"])
    persons = described["security"] == [{"session": []}]
    seen = set()
    program = browser(reading, Role.PARTNER) if persons else program_of(reading, Role.PARTNER)

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    @given(requests(described))
    def holds(request):
        path, query, headers, body = request
        if "multipart/form-data" in described.get("requestBody", {}).get("content", {}):
            answer = _send(program, place, path, headers, body)
        else:
            answer = _ask(program, method, place, path, query, headers, body)
        found, reached = shapes.misfits(described, answer, DOCUMENT)
        assert not found, (name, found[:5])
        seen.add(reached)

    holds()
    assert True in seen, "only addresses that do not exist were asked"


@pytest.mark.parametrize("body", ["[" * 50_000 + "]" * 50_000, '{"a":' * 50_000, "1" * 5_000, '"\\ud800"', "nul"])
def test_bodies_that_are_made_to_break_a_reader(reading, program_of, body):
    program = program_of(reading)
    for method, path, described in OPERATIONS.values():
        if "application/json" not in described.get("requestBody", {}).get("content", {}):
            continue
        place = path.replace("{webhook}", "0197f4a0-0000-7000-8000-000000000001")
        for name, values in REAL.items():
            place = place.replace(f"{{{name}}}", values[0])
        answer = program.client.generic(
            method, place, data=body.encode(), content_type="application/json", headers=program.headers
        )
        assert answer.status_code in {400, 409, 422}, (place, answer.content)
        assert answer.headers["Content-Type"] == PROBLEM_JSON


def test_a_name_that_the_document_does_not_know_is_found():
    shape = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
    assert faults(shape, {"a": 1}, {}) == []
    assert faults(shape, {"a": "1"}, {}) == ["$.a: '1' is no integer"]
    assert faults(shape, {"a": 1, "b": 2}, {}) == ["$: nobody knows b"]
    assert faults(shape, {}, {}) == ["$: a is missing"]
    with pytest.raises(AssertionError):
        faults({"type": "string", "contentEncoding": "x"}, "", {})
