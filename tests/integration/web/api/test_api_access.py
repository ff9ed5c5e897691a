"""Every operation as each role, with keys of every scope, as a stranger and as nobody: what the table says happens."""

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import pytest
from django.urls import get_resolver

from ogniwo.interfaces.api import application
from ogniwo.interfaces.api.problems import PROBLEM_JSON
from ogniwo.interfaces.api.registry import OPERATIONS
from ogniwo.services.access.api_keys import keys_on_machine, revoke_key_on_machine
from ogniwo.services.access.roles import ALLOWED, Act, Role
from ogniwo.services.access.scopes import Scope
from ogniwo.services.demo.sample import COMMUNITY_CODE, POINTS

OPERATIONS_BY_NAME = {one.name: one for one in OPERATIONS}


@dataclass(frozen=True)
class Row:
    """What is agreed of an operation; `act` None with `known`: everybody who is known; else everybody."""

    act: Act | None = None
    scope: Scope | None = None
    own: bool = False
    known: bool = True
    persons: bool = False
    body: Any = None
    query: dict[str, str] = field(default_factory=dict)


TABLE = {
    "get_openapi": Row(known=False),
    "get_problem": Row(known=False),
    "get_me": Row(),
    "list_organisations": Row(Act.SEE_ORGANISATION, Scope.ORGANISATIONS_READ),
    "get_organisation": Row(Act.SEE_ORGANISATION, Scope.ORGANISATIONS_READ),
    "list_members": Row(Act.SEE_MEMBERS, Scope.MEMBERS_READ),
    "get_member": Row(Act.SEE_MEMBERS, Scope.MEMBERS_READ),
    "list_points": Row(Act.SEE_METERING, Scope.METERING_READ, own=True),
    "get_point": Row(Act.SEE_METERING, Scope.METERING_READ, own=True),
    "list_bills": Row(Act.SEE_BILLS, Scope.BILLS_READ, own=True),
    "get_bill": Row(Act.SEE_BILLS, Scope.BILLS_READ, own=True),
    "get_bill_pdf": Row(Act.SEE_BILLS, Scope.BILLS_READ, own=True),
    "get_bill_reasons": Row(Act.SEE_BILLS, Scope.BILLS_READ, own=True),
    "get_bill_receipt": Row(Act.SEE_BILLS, Scope.BILLS_READ, own=True),
}
VALUES = {
    "code": COMMUNITY_CODE,
    "number": "SE-001",
    "ppe": POINTS[0].code,
    "bill": "FV-2026-11-0001",
    "month": "2026-10",
    "problem": "access.not_found",
}
NAMES = sorted(TABLE)
PLACED = [name for name in NAMES if OPERATIONS_BY_NAME[name].in_organisation]
KNOWN = [name for name in NAMES if TABLE[name].known]
ACTING = [name for name in KNOWN if TABLE[name].scope]
KEPT_OUT = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.INTERNAL_SERVER_ERROR}


def address(one, **changed):
    values = VALUES | changed
    if one.name == "get_problem":
        values = {"code": values["problem"]}
    path = one.route
    for name, value in values.items():
        path = path.replace(f"{{{name}}}", value)
    assert "{" not in path, path
    query = "&".join(f"{name}={value}" for name, value in TABLE[one.name].query.items())
    return f"{path}?{query}" if query else path


def ask(program, name, **changed):
    one = OPERATIONS_BY_NAME[name]
    answer = program.ask(one.method, address(one, **changed), TABLE[name].body)
    if answer.status_code >= HTTPStatus.BAD_REQUEST:
        assert answer.headers["Content-Type"] == PROBLEM_JSON, (name, answer.status_code)
        assert answer.json()["status"] == answer.status_code
    return answer


def test_the_table_is_what_the_code_says():
    said = {one.name: (one.act, one.scope, one.own, not one.open, one.persons) for one in OPERATIONS}
    assert said == {name: (row.act, row.scope, row.own, row.known, row.persons) for name, row in TABLE.items()}, (
        "an operation is not in the table, or otherwise than agreed"
    )


def test_there_is_no_address_beside_the_table():
    routed = {
        (method, f"/{pattern.pattern._route}")
        for pattern in application.api.urls[0]
        for methods in [
            [each.methods for each in view.operations]
            for bound in application.api._get_bound_routers()
            for path, view in bound.path_operations.items()
            if "/" + pattern.pattern._route == path.replace("{", "<").replace("}", ">")
        ]
        for each in methods
        for method in each
    }
    assert routed == {(one.method, one.route.replace("{", "<").replace("}", ">")) for one in OPERATIONS}
    below = [each for each in get_resolver("ogniwo.interfaces.web.urls").url_patterns if "api" in str(each.pattern)]
    assert {str(each.pattern) for each in below} == {"api/v1/", "^api/(?P<rest>.*)$"}


@pytest.mark.parametrize("name", KNOWN)
def test_each_role_does_what_the_table_allows(reading, browser, name):
    row = TABLE[name]
    for role in Role:
        status = ask(browser(reading, role), name).status_code
        allowed = row.act is None or row.act in ALLOWED[role] or (row.own and role == Role.MEMBER)
        if allowed:
            assert status not in KEPT_OUT, (role, status)
        else:
            assert status == HTTPStatus.FORBIDDEN, (role, status)


@pytest.mark.parametrize("name", ACTING)
def test_a_key_does_what_role_and_scope_allow_together(reading, program_of, name):
    row = TABLE[name]
    others = set(Scope) - {row.scope}
    answer = ask(program_of(reading, Role.PARTNER, others), name)
    expected = "api.person_needed" if row.persons else "api.scope_missing"
    assert (answer.status_code, answer.json()["code"]) == (HTTPStatus.FORBIDDEN, expected)
    for role in (Role.PARTNER, Role.CLERK, Role.AUDITOR):
        answer = ask(program_of(reading, role, {row.scope}), name)
        if row.act in ALLOWED[role] and not row.persons:
            assert answer.status_code not in KEPT_OUT, (role, answer.status_code)
        else:
            assert answer.status_code == HTTPStatus.FORBIDDEN, role


@pytest.mark.parametrize("name", PLACED)
def test_out_of_scope_is_not_found(reading, browser, program_of, name):
    for code in ("inna", "no-such-code"):
        for role in (Role.PARTNER, Role.CLERK, Role.AUDITOR, Role.MEMBER):
            assert ask(browser(reading, role), name, code=code).status_code == HTTPStatus.NOT_FOUND, role
        assert ask(program_of(reading), name, code=code).status_code == HTTPStatus.NOT_FOUND
    assert ask(browser(reading, Role.PARTNER, "inna"), name).status_code == HTTPStatus.NOT_FOUND
    assert ask(program_of(reading, code="inna"), name).status_code == HTTPStatus.NOT_FOUND


@pytest.mark.parametrize("name", KNOWN)
def test_nobody_is_asked_for_a_key(reading, browser, program_of, name):
    answer = ask(browser(reading), name)
    assert (answer.status_code, answer.json()["code"]) == (HTTPStatus.UNAUTHORIZED, "api.unauthenticated")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    wrong = program_of(reading)
    wrong.headers["Authorization"] = "Bearer ogniwo_not-one-of-ours"
    assert ask(wrong, name).status_code == HTTPStatus.UNAUTHORIZED


@pytest.mark.parametrize("name", [name for name in NAMES if not TABLE[name].known])
def test_what_is_open_asks_nobody(reading, browser, name):
    assert ask(browser(reading), name).status_code == HTTPStatus.OK


def test_a_member_reads_his_own_and_nothing_else(reading, browser):
    member = browser(reading, Role.MEMBER)
    points = member.get(f"/organisations/{COMMUNITY_CODE}/points").json()["items"]
    assert [one["ppe"] for one in points] == [POINTS[0].code]
    other = member.get(f"/organisations/{COMMUNITY_CODE}/points/{POINTS[1].code}")
    assert (other.status_code, other.json()["code"]) == (HTTPStatus.NOT_FOUND, "point.not_found")
    bills = member.get(f"/organisations/{COMMUNITY_CODE}/bills").json()["items"]
    assert {one["member"] for one in bills} == {POINTS[0].member_number}
    foreign = member.get(f"/organisations/{COMMUNITY_CODE}/bills/FV-2026-11-0002/pdf")
    assert foreign.status_code == HTTPStatus.NOT_FOUND


def test_a_revoked_key_is_nobody(reading, program_of):
    program = program_of(reading)
    assert program.get("/me").status_code == HTTPStatus.OK
    newest = max(keys_on_machine(code=COMMUNITY_CODE), key=lambda one: one.key_id)
    assert newest.used_at is not None
    revoke_key_on_machine(reading, code=COMMUNITY_CODE, key_id=newest.key_id, by="test")
    assert program.get("/me").status_code == HTTPStatus.UNAUTHORIZED
