"""Every operation as each role, with keys of every scope, as a stranger and as nobody: what the table says happens."""

import importlib.util
import json
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
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

_SPECIFICATION = importlib.util.spec_from_file_location("json_shapes", Path(__file__).with_name("json_shapes.py"))
shapes = importlib.util.module_from_spec(_SPECIFICATION)
_SPECIFICATION.loader.exec_module(shapes)

DOCUMENT = json.loads((Path(__file__).parents[4] / "docs" / "openapi.json").read_text(encoding="utf-8"))
DESCRIBED = {one["operationId"]: one for methods in DOCUMENT["paths"].values() for one in methods.values()}
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
    sent: tuple[str, bytes] | None = None


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
    "list_intervals": Row(Act.SEE_METERING, Scope.METERING_READ, own=True, query={"month": "2026-10", "limit": "2"}),
    "export_intervals": Row(
        Act.SEE_METERING, Scope.METERING_READ, own=True, query={"month": "2026-10", "point": POINTS[0].code}
    ),
    "get_interval_receipt": Row(
        Act.SEE_METERING,
        Scope.METERING_READ,
        own=True,
        query={"channel": "1.29.0", "at": "2026-10-14T10:00:00Z"},
    ),
    "list_files": Row(Act.SEE_METERING, Scope.METERING_READ),
    "get_file": Row(Act.SEE_METERING, Scope.METERING_READ),
    "upload_files": Row(Act.IMPORT_FILES, Scope.METERING_WRITE, sent=("files", b"nothing that a reader knows")),
    "get_completeness": Row(Act.SEE_METERING, Scope.METERING_READ, query={"month": "2001-01"}),
    "list_findings": Row(Act.SEE_METERING, Scope.METERING_READ, query={"month": "2001-01"}),
    "list_alarms": Row(Act.SEE_METERING, Scope.METERING_READ),
    "get_alarm": Row(Act.SEE_METERING, Scope.METERING_READ),
    "preview_estimates": Row(Act.SEE_METERING, Scope.METERING_READ, body={"month": "2001-01"}),
    "accept_estimates": Row(
        Act.ESTIMATE, Scope.METERING_WRITE, body={"month": "2001-01", "reason": "the meter was away"}
    ),
    "list_settlement_runs": Row(Act.SEE_SETTLEMENT, Scope.SETTLEMENT_READ),
    "get_settlement_run": Row(Act.SEE_SETTLEMENT, Scope.SETTLEMENT_READ),
    "list_statements": Row(Act.SEE_SETTLEMENT, Scope.SETTLEMENT_READ),
    "preview_settlement": Row(Act.SEE_SETTLEMENT, Scope.SETTLEMENT_READ, body={"month": "2001-01"}),
    "start_settlement": Row(Act.CLOSE_PERIOD, Scope.SETTLEMENT_WRITE, body={"month": "2001-01"}),
    "approve_settlement": Row(Act.APPROVE_PERIOD, Scope.SETTLEMENT_WRITE, persons=True),
    "issue_bills": Row(
        Act.ISSUE_BILLS,
        Scope.BILLS_WRITE,
        body={"month": "2001-01", "issue_date": "2001-02-01", "due_date": "2001-02-15"},
    ),
    "post_to_ledger": Row(Act.POST_LEDGER, Scope.LEDGER_WRITE, body={"month": "2001-01"}),
    "get_ledger": Row(Act.SEE_LEDGER, Scope.LEDGER_READ),
    "list_balances": Row(Act.SEE_LEDGER, Scope.LEDGER_READ, own=True),
    "list_movements": Row(Act.SEE_LEDGER, Scope.LEDGER_READ, own=True, query={"account": "nobody"}),
    "prove_ledger_continues": Row(Act.SEE_LEDGER, Scope.LEDGER_READ, own=True, body={"checkpoint": "not a checkpoint"}),
    "submit_transaction": Row(
        Act.POST_LEDGER,
        Scope.LEDGER_WRITE,
        body={"payload": "e30", "signatures": [{"protected": "e30", "signature": "e30"}]},
    ),
    "list_rates": Row(None, Scope.TARIFFS_READ),
    "calculate_price": Row(
        None,
        Scope.TARIFFS_READ,
        body={"month": "2026-03", "terms": {"group": "C11"}, "energy": {"zones_wh": {"all": 1_000_000}}},
    ),
    "list_jobs": Row(Act.SEE_JOBS, Scope.JOBS_READ),
    "get_job": Row(Act.SEE_JOBS, Scope.JOBS_READ),
    "cancel_job": Row(Act.RUN_JOBS, Scope.JOBS_WRITE),
    "list_schedules": Row(Act.SEE_JOBS, Scope.JOBS_READ),
    "get_schedule": Row(Act.SEE_JOBS, Scope.JOBS_READ),
    "create_schedule": Row(Act.RUN_JOBS, Scope.JOBS_WRITE, body={"kind": "check_data", "rule": "hourly"}),
    "update_schedule": Row(Act.RUN_JOBS, Scope.JOBS_WRITE, body={"paused": True}),
    "delete_schedule": Row(Act.RUN_JOBS, Scope.JOBS_WRITE),
    "run_schedule": Row(Act.RUN_JOBS, Scope.JOBS_WRITE),
    "list_webhooks": Row(Act.CHANGE_SETTINGS, Scope.WEBHOOKS_READ),
    "create_webhook": Row(
        Act.CHANGE_SETTINGS, Scope.WEBHOOKS_WRITE, body={"url": "ftp://no.example", "events": ["job.finished"]}
    ),
    "get_webhook": Row(Act.CHANGE_SETTINGS, Scope.WEBHOOKS_READ),
    "update_webhook": Row(Act.CHANGE_SETTINGS, Scope.WEBHOOKS_WRITE, body={"active": False}),
    "delete_webhook": Row(Act.CHANGE_SETTINGS, Scope.WEBHOOKS_WRITE),
    "list_deliveries": Row(Act.CHANGE_SETTINGS, Scope.WEBHOOKS_READ),
    "replay_delivery": Row(Act.CHANGE_SETTINGS, Scope.WEBHOOKS_WRITE),
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
    "sha256": "0" * 64,
    "webhook": "0197f4a0-0000-7000-8000-000000000001",
    "event": "evt_0",
    "schedule": "999999",
    "alarm_id": "999999",
    "job": "0197f4a0-0000-7000-8000-000000000000",
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
    row = TABLE[name]
    if row.sent:
        answer = program.send(address(one, **changed), *row.sent)
    else:
        answer = program.ask(one.method, address(one, **changed), row.body)
    found, _ = shapes.misfits(DESCRIBED[name], answer, DOCUMENT)
    assert not found, (name, found[:5])
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
        if (row.act is None or row.act in ALLOWED[role]) and not row.persons:
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
