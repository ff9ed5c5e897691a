"""How the API grows and what goes away: headers with dates, marks in the document, breaking changes found."""

import copy
import json
import subprocess
import sys
from datetime import date
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest

from ogniwo.interfaces.api import deprecations
from ogniwo.interfaces.api.application import VERSION
from ogniwo.interfaces.api.deprecations import Deprecation
from ogniwo.interfaces.api.document import document
from ogniwo.services.demo.sample import COMMUNITY_CODE

ROOT = Path(__file__).parents[4]
DOCUMENT = json.loads((ROOT / "docs" / "openapi.json").read_text(encoding="utf-8"))
POINTS = f"/organisations/{COMMUNITY_CODE}/points"
OLD = Deprecation(since=date(2026, 12, 1), sunset=date(2027, 6, 30), instead="list_members")
OLDER = Deprecation(since=date(2026, 11, 1), sunset=None, instead="group")


@pytest.fixture
def going(monkeypatch):
    """Things that go away."""

    def put(**rows):
        monkeypatch.setattr(deprecations, "DEPRECATED", rows)
        document.cache_clear()

    yield put
    document.cache_clear()


def _told(answer):
    return {name: answer.headers.get(name) for name in ("Deprecation", "Sunset", "Link")}


class TestGoingAway:
    def test_nothing_is_said_of_what_stays(self, reading, program_of):
        assert set(_told(program_of(reading).get(POINTS)).values()) == {None}

    def test_each_answer_of_an_operation_says_it(self, reading, program_of, going):
        going(list_points=OLD)
        program = program_of(reading)
        for answer in (
            program.get(POINTS),
            program.get(f"{POINTS}?limit=0"),
            program_of(reading, scopes=[]).get(POINTS),
        ):
            told = _told(answer)
            assert told["Deprecation"] == "@1796083200"  # 2026-12-01T00:00:00Z
            assert parsedate_to_datetime(told["Sunset"]).date() == OLD.sunset
            assert told["Sunset"] == "Wed, 30 Jun 2027 00:00:00 GMT"
            assert told["Link"] == '</api/v1/openapi.json>; rel="deprecation"'
        assert _told(program.get("/me"))["Deprecation"] is None

    def test_a_parameter_says_it_where_it_is_named(self, reading, program_of, going):
        going(**{"list_points?town": OLDER, "list_points?role": OLDER, "list_points": OLD})
        program = program_of(reading)
        assert _told(program.get(f"{POINTS}?role=producer"))["Deprecation"] == "@1793491200"  # 2026-11-01
        going(**{"list_points?role": OLDER})
        assert _told(program.get(POINTS))["Deprecation"] is None
        told = _told(program.get(f"{POINTS}?role=producer"))
        assert (told["Deprecation"], told["Sunset"]) == ("@1793491200", None)

    def test_the_document_marks_operations_parameters_and_fields(self, going):
        going(**{"list_points": OLD, "list_points?role": OLDER, "PointOut.town": OLD})
        made = document()
        described = made["paths"]["/api/v1/organisations/{code}/points"]["get"]
        wanted = {"deprecated": True, "x-deprecated-since": "2026-12-01", "x-sunset": "2027-06-30"}
        role = next(one for one in described["parameters"] if one["name"] == "role")
        for place in (described, made["components"]["schemas"]["PointOut"]["properties"]["town"]):
            assert wanted.items() <= place.items()
        assert role["deprecated"] is True
        assert "x-sunset" not in role
        found = tool.changes(DOCUMENT, made)
        assert {(one.sort, one.place) for one in found} == {
            ("deprecated", "list_points"),
            ("deprecated", "PointOut.town"),
        }
        assert any("the parameter role" in one.text for one in found)

    def test_a_name_that_nothing_has_is_refused(self, going):
        going(list_pionts=OLD)
        with pytest.raises(ValueError, match="list_pionts"):
            document()


sys.path.insert(0, str(ROOT / "tools"))
import api_changes as tool  # noqa: E402 -- tools are no package

sys.path.pop(0)


def _at(made, *path):
    for part in path:
        made = made[part]
    return made


SCHEMAS = ("components", "schemas")
POINTS_GET = ("paths", "/api/v1/organisations/{code}/points", "get")
CALCULATE = ("paths", "/api/v1/calculations", "post")


def _parameter(made, name):
    return next(one for one in _at(made, *POINTS_GET)["parameters"] if one["name"] == name)


def _require(made, shape, name):
    _at(made, *SCHEMAS, shape).setdefault("required", []).append(name)


BREAKING = {
    "an operation removed": lambda made: made["paths"].pop("/api/v1/rates"),
    "another address": lambda made: made["paths"].update({"/api/v1/prices": made["paths"].pop("/api/v1/rates")}),
    "a parameter removed": lambda made: _at(made, *POINTS_GET)["parameters"].remove(_parameter(made, "q")),
    "a parameter required": lambda made: _parameter(made, "q").update(required=True),
    "a bound of a parameter narrowed": lambda made: _parameter(made, "limit")["schema"].update(maximum=100),
    "a word of a parameter removed": lambda made: _parameter(made, "sort")["schema"]["enum"].remove("-town"),
    "a repeated parameter single": lambda made: _parameter(made, "member").update(schema={"type": "string"}),
    "a field of a request removed": lambda made: _at(made, *SCHEMAS, "TermsIn", "properties").pop("offer"),
    "a field of a request required": lambda made: _require(made, "TermsIn", "offer"),
    "a field of a request of another type": lambda made: _at(made, *SCHEMAS, "TermsIn", "properties", "offer").update(
        type="integer"
    ),
    "a word of a request removed": lambda made: _at(made, *SCHEMAS, "TermsIn", "properties", "phases")["enum"].remove(
        "3ph"
    ),
    "a pattern of a request": lambda made: _at(made, *SCHEMAS, "TermsIn", "properties", "offer").update(pattern="^e"),
    "a body of another kind": lambda made: _at(made, *CALCULATE, "requestBody", "content").update(
        {"text/plain": _at(made, *CALCULATE, "requestBody", "content").pop("application/json")}
    ),
    "a field of an answer removed": lambda made: _at(made, *SCHEMAS, "PointOut", "properties").pop("town"),
    "a field of an answer not always there": lambda made: _at(made, *SCHEMAS, "PointOut", "required").remove("town"),
    "a field of an answer may be null": lambda made: _at(made, *SCHEMAS, "PointOut", "properties").update(
        town={"anyOf": [{"type": "string"}, {"type": "null"}]}
    ),
    "another word of an answer": lambda made: _at(made, *SCHEMAS, "JobOut", "properties", "state")["enum"].append("x"),
    "another status": lambda made: _at(made, *POINTS_GET, "responses").update(
        {"202": _at(made, *POINTS_GET, "responses").pop("200")}
    ),
    "a header of an answer removed": lambda made: _at(made, *CALCULATE[:1], "/api/v1/organisations/{code}/bills/{bill}",
                                                      "get", "responses", "200", "headers").pop("ETag"),
    "another scope": lambda made: _at(made, *POINTS_GET).update(security=[{"key": ["bills:read"]}, {"session": []}]),
}  # fmt: skip
ADDED = {
    "a parameter": lambda made: _at(made, *POINTS_GET)["parameters"].append(
        {"in": "query", "name": "voltage", "required": False, "schema": {"type": "string"}}
    ),
    "a field of a request": lambda made: _at(made, *SCHEMAS, "TermsIn", "properties").update(more={"type": "string"}),
    "a field of an answer": lambda made: _at(made, *SCHEMAS, "PointOut", "properties").update(more={"type": "string"}),
    "an operation": lambda made: made["paths"].update(
        {"/api/v1/new": {"get": {**copy.deepcopy(_at(made, *POINTS_GET)), "operationId": "list_new"}}}
    ),
}
NOTHING = {
    "a description": lambda made: _at(made, *POINTS_GET).update(summary="Points."),
    "an example": lambda made: _parameter(made, "q").update(example="x"),
    "a bound of a request widened": lambda made: _parameter(made, "limit")["schema"].update(maximum=1_000),
    "an answer that is narrower": lambda made: _at(made, *SCHEMAS, "JobOut", "properties", "state")["enum"].remove(
        "failed"
    ),
}


class TestChanges:
    @pytest.mark.parametrize("name", BREAKING)
    def test_what_breaks_a_client_is_found(self, name):
        made = copy.deepcopy(DOCUMENT)
        BREAKING[name](made)
        assert "breaking" in {one.sort for one in tool.changes(DOCUMENT, made)}

    @pytest.mark.parametrize("name", ADDED)
    def test_what_is_added_breaks_nothing(self, name):
        made = copy.deepcopy(DOCUMENT)
        ADDED[name](made)
        assert {one.sort for one in tool.changes(DOCUMENT, made)} == {"added"}

    @pytest.mark.parametrize("name", NOTHING)
    def test_what_nobody_notices_is_no_change(self, name):
        made = copy.deepcopy(DOCUMENT)
        NOTHING[name](made)
        assert tool.changes(DOCUMENT, made) == []

    def test_a_breaking_change_is_an_exit_code(self, tmp_path):
        made = copy.deepcopy(DOCUMENT)
        made["paths"].pop("/api/v1/rates")
        (tmp_path / "new.json").write_text(json.dumps(made), encoding="utf-8")
        command = [sys.executable, "tools/api_changes.py"]
        old = str(ROOT / "docs" / "openapi.json")
        done = subprocess.run(
            [*command, old, str(tmp_path / "new.json")], cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert done.returncode == 1
        assert "### Breaking\n\n- `list_rates`: removed\n" in done.stdout
        same = subprocess.run([*command, old, old], cwd=ROOT, capture_output=True, text=True, check=False)
        assert (same.returncode, "Nothing that a client notices." in same.stdout) == (0, True)

    def test_the_changelog_speaks_of_this_version(self):
        text = (ROOT / "docs" / "api_changes.md").read_text(encoding="utf-8")
        assert text.split("\n## ")[1].startswith(f"{VERSION} (after ")
