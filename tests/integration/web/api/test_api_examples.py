"""The examples of the OpenAPI document are what a program really sends and gets: each is sent again and compared.

`python tools/generate_examples.py` writes them from what is answered here.
"""

import importlib.util
import json
import os
import re
from datetime import date
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlencode

import pytest

from ogniwo.chain.store import LockedError
from ogniwo.core.ledger.blocks import read_body
from ogniwo.interfaces.api import callers
from ogniwo.interfaces.api.document import document, problems_of
from ogniwo.interfaces.api.limits import Buckets, Limit
from ogniwo.interfaces.api.registry import OPERATIONS
from ogniwo.records.exchange.models import Webhook, WebhookDelivery
from ogniwo.services.access.roles import Role
from ogniwo.services.access.scopes import Scope
from ogniwo.services.demo.sample import COMMUNITY_CODE, POINTS
from ogniwo.services.ledger.proving import shown_checkpoint
from ogniwo.services.ledger.viewing import view_ledger
from ogniwo.services.watching.alarms import alarms_below
from ogniwo.services.watching.checking import check_watches
from ogniwo.services.watching.model import NewWatch
from ogniwo.services.watching.watches import add_watch
from ogniwo.services.workspace.queries import operator_subject, organisation

_SPECIFICATION = importlib.util.spec_from_file_location("json_shapes", Path(__file__).with_name("json_shapes.py"))
shapes = importlib.util.module_from_spec(_SPECIFICATION)
_SPECIFICATION.loader.exec_module(shapes)

KEPT = Path(__file__).parents[4] / "src" / "ogniwo" / "interfaces" / "api" / "examples.json"
WRITING = "OGNIWO_WRITE_EXAMPLES" in os.environ
BY_NAME = {one.name: one for one in OPERATIONS}
PLACE = f"/organisations/{COMMUNITY_CODE}"
PLANNED = {"kind": "export_bills", "rule": "monthly 12 06:00", "month": "previous", "name": "bills-of-the-month"}
HOOK = {"url": "https://example.com/ogniwo", "events": ["period.closed", "bills.issued"]}
ORDER = {
    "month": "2026-10",
    "terms": {"group": "G11", "yearly_use_wh": 2_000_000},
    "energy": {"zones_wh": {"all": 180_000}},
}
FILE = "PPE;OBIS;Początek;Wartość;Jednostka;Status\n"
ALARM_WH = 100
PATH = {
    "code": COMMUNITY_CODE,
    "ppe": POINTS[0].code,
    "number": "SE-001",
    "bill": "FV-2026-11-0001",
    "month": "2026-10",
}
MONTH = {"month": "2026-10"}

CALLS = {
    "list_points": {"query": {"role": ["producer", "prosumer"], "sort": "-peak_power_w", "limit": 2}},
    "list_intervals": {"query": {"month": "2026-10", "channel": ["1.29.0"], "sort": "-start", "limit": 2}},
    "export_intervals": {"query": {"month": "2026-10", "point": [POINTS[0].code], "channel": ["1.29.0"]}},
    "get_interval_receipt": {"stage": "posted", "query": {"channel": "1.29.0", "at": "2026-10-14T10:00:00Z"}},
    "get_completeness": {"query": MONTH},
    "list_findings": {"stage": "imported", "query": {"month": "2026-10", "least": "note", "limit": 2}},
    "get_alarm": {"stage": "posted"},
    "list_alarms": {"stage": "posted", "query": {"state": "waiting", "limit": 2}},
    "preview_estimates": {"stage": "imported", "body": MONTH},
    "accept_estimates": {"stage": "imported", "body": {"month": "2026-10", "reason": "the meter was exchanged"}},
    "list_statements": {"query": {"sort": "-net", "limit": 2}},
    "preview_settlement": {"body": MONTH},
    "start_settlement": {"stage": "imported", "body": MONTH},
    "approve_settlement": {"stage": "closed", "person": Role.CLERK, "matches": f"{PLACE}/settlement-runs/2026-10"},
    "issue_bills": {
        "stage": "closed",
        "body": {"month": "2026-10", "issue_date": "2026-11-06", "due_date": "2026-11-20"},
    },
    "post_to_ledger": {"stage": "closed", "body": MONTH},
    "list_rates": {"query": {"key": ["enea/G11/"], "on": "2026-10-01", "limit": 2}},
    "calculate_price": {"body": ORDER},
    "list_bills": {"query": {"month": ["2026-10"], "sort": "-gross", "limit": 2}},
    "list_webhooks": {"stage": "posted"},
    "list_jobs": {"stage": "posted"},
    "list_files": {"stage": "posted", "query": {"layout": ["cooperative-daily"], "limit": 2}},
    "get_ledger": {"stage": "posted"},
    "list_movements": {"stage": "posted"},
    "get_bill_receipt": {"stage": "posted"},
    "prove_ledger_continues": {"stage": "posted"},
    "submit_transaction": {"path": {"code": "platforma"}},
    "create_webhook": {"body": HOOK},
    "update_webhook": {"body": {"active": False}, "matches": f"{PLACE}/webhooks/{{webhook}}"},
    "delete_webhook": {"matches": f"{PLACE}/webhooks/{{webhook}}"},
    "list_schedules": {"stage": "posted", "query": {"sort": "next_run_at"}},
    "create_schedule": {"stage": "posted", "body": PLANNED},
    "get_schedule": {"stage": "posted"},
    "run_schedule": {"stage": "posted"},
    "update_schedule": {
        "stage": "posted",
        "body": {"rule": "weekly mon 06:00"},
        "matches": f"{PLACE}/schedules/{{schedule}}",
    },
    "delete_schedule": {"stage": "posted", "matches": f"{PLACE}/schedules/{{schedule}}"},
    "get_problem": {"path": {"code": "point.not_found"}},
    "upload_files": {"stage": "imported", "form": {"files": [FILE], "dry_run": True}},
    "list_members": {"query": {"state": ["settles"], "sort": "name", "limit": 2}},
    "list_balances": {"stage": "posted", "query": {"limit": 1}},
}
"""What is sent, where it is not the address alone."""


def _prepared(program, workspace, name):
    """What an address or a body needs that only this workspace knows."""
    found, route = dict(PATH), BY_NAME[name].route
    if "{webhook}" in route:
        found["webhook"] = program.post(f"{PLACE}/webhooks", HOOK).json()["id"]
        found["event"] = "evt_27"
        WebhookDelivery.objects.create(
            webhook=Webhook.objects.get(uid=found["webhook"]), event_number=27, event_id="evt_27", body="{}",
            kind="period.closed", made_at=workspace.now(), due_at=workspace.now(), attempts=8, state="failed",
        )  # fmt: skip
    if name == "list_webhooks":
        program.post(f"{PLACE}/webhooks", HOOK)
    if "alarm" in name:
        owner = organisation(code=COMMUNITY_CODE, subject=operator_subject())
        wanted = NewWatch(
            name="Pump", kind="above", step="hour", limit=ALARM_WH, point=POINTS[0].code, valid_from=date(2026, 10, 1)
        )
        add_watch(workspace, organisation=owner, subject=operator_subject(), wanted=wanted)
        check_watches(workspace, subject=operator_subject())
        found["alarm_id"] = alarms_below(subject=operator_subject())[0].alarm_id
    if "{schedule}" in route:
        found["schedule"] = program.post(f"{PLACE}/schedules", PLANNED).json()["id"]
    if "{job}" in route or name == "list_jobs":
        found["job"] = program.post(f"{PLACE}/ledger/postings", MONTH).json()["id"]
    if "{sha256}" in route:
        found["sha256"] = program.get(f"{PLACE}/files?limit=1").json()["items"][0]["sha256"]
    return found


def _call(program, workspace, name):
    """The request of an example: path, query, body or form."""
    said, found = CALLS.get(name, {}), _prepared(program, workspace, name)
    query, body = dict(said.get("query", {})), said.get("body")
    if name == "list_movements":
        held = program.get(f"{PLACE}/ledger/balances?limit=500").json()["items"]
        query = {"account": next(one["account"] for one in held if one["name"].startswith("SE-001 ")), "limit": 1}
    elif name == "prove_ledger_continues":
        body = {"checkpoint": shown_checkpoint(workspace)}
    elif name == "submit_transaction":
        with view_ledger(workspace) as (ledger, _):
            body = json.loads(read_body(ledger.read(1, limit=1)[0].body)[0].envelope)
    path = said.get("path", {part: found[part] for part in re.findall(r"{(\w+)}", BY_NAME[name].route)})
    return {"path": path, "query": query, "body": body, "form": said.get("form"), "known": found}


def _send(program, name, call):
    """The answer to a request."""
    one, said = BY_NAME[name], CALLS.get(name, {})
    place = one.route.format(**call["path"])
    if call["query"]:
        place += "?" + urlencode(call["query"], doseq=True)
    headers = {}
    if "matches" in said:
        headers["If_Match"] = program.get(said["matches"].format(**call["known"])).headers["ETag"]
    if call["form"]:
        more = {key: str(value).lower() for key, value in call["form"].items() if key != "files"}
        return program.send(place, "files", call["form"]["files"][0].encode(), name="readings.csv", more=more)
    return program.ask(one.method, place, call["body"], **headers)


def _shortened(value):
    """An answer with two rows of each list: an example, not a data set."""
    if isinstance(value, list):
        return [_shortened(one) for one in value[:2]]
    if isinstance(value, dict):
        return {key: _shortened(one) for key, one in value.items()}
    return value


def _example(name, call, answer):
    """What is kept of a request and its answer."""
    kind = answer.headers.get("Content-Type", "").partition(";")[0]
    made = {key: call[key] for key in ("path", "query", "body", "form") if call[key]}
    made["status"] = answer.status_code
    if kind == "application/json":
        made["answer"] = _shortened(answer.json())
    elif kind in {"text/csv", "application/x-ndjson"}:
        text = b"".join(answer.streaming_content).decode()
        made["media"], made["answer"] = kind, "".join(text.splitlines(keepends=True)[:3])
    assert answer.status_code < HTTPStatus.BAD_REQUEST, (name, answer.content)
    return made


_MADE = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9a-f]{16,}|[A-Za-z0-9+/_=-]{40,}|"
    r"whsec_\S+|\bm-[0-9a-f]{12}|cursor=\S+|[a-z]+[0-9]+@\S+|key [0-9]+: test|2026-11-02T00:\d\d:\d\dZ"
)


def _alike(value):
    """A value without what is new each time: names and numbers of rows, hashes, keys, signatures, cursors."""
    if isinstance(value, str):
        return _MADE.sub("*", value)
    if isinstance(value, list):
        return [_alike(one) for one in value]
    if not isinstance(value, dict):
        return value
    numbers = {"id", "schedule"}  # the next one of a sequence, which the two databases count differently
    return {_alike(key): "*" if key in numbers and isinstance(one, int) else _alike(one) for key, one in value.items()}


def _kept():
    return json.loads(KEPT.read_text(encoding="utf-8"))


def _compare(part, name, made):
    """The example is what was answered now; writing, it becomes that, unless only what is new each time differs."""
    kept = _kept()
    if WRITING and _alike(kept[part].get(name)) != _alike(made):
        kept[part][name] = made
        kept[part] = dict(sorted(kept[part].items()))
        KEPT.write_text(json.dumps(kept, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    assert _alike(_kept()[part].get(name)) == _alike(made), "run python tools/generate_examples.py"


@pytest.mark.parametrize("name", sorted(BY_NAME))
def test_an_example_is_what_is_sent_and_answered(reading, writing, program_of, browser, name):
    said = CALLS.get(name, {})
    stage = said.get("stage", "posted" if "webhook" in BY_NAME[name].route else "")
    workspace = writing(stage) if stage else reading
    code = "platforma" if name == "submit_transaction" else COMMUNITY_CODE
    program = browser(workspace, said["person"]) if "person" in said else program_of(workspace, code=code)
    call = _call(program, workspace, name)
    answer = _send(program, name, call)
    described = next(
        one for methods in document()["paths"].values() for one in methods.values() if one["operationId"] == name
    )
    if name == "list_points":
        assert answer.json()["next"], "the example shows how a list goes on"
    _compare("operations", name, _example(name, call, answer))
    if answer.headers.get("Content-Type") == "application/json":
        assert not shapes.misfits(described, answer, document())[0]


def test_every_example_fits_its_schema():
    examples, missing = _kept()["operations"], []
    for path, methods in document()["paths"].items():
        for method, described in methods.items():
            name = described["operationId"]
            for one in described["parameters"]:
                if one["in"] == "path" and "example" not in one:
                    missing.append((name, one["name"]))
                if "example" in one:
                    assert not shapes.faults(one["schema"], one["example"], document()), (name, one)
            for content in described.get("requestBody", {}).get("content", {}).values():
                assert not shapes.faults(content["schema"], content["example"], document()), (name, content["example"])
            status = str(examples[name]["status"])
            for kind, content in described["responses"][status].get("content", {}).items():
                if kind == "application/json":
                    faults = shapes.faults(content["schema"], content["example"], document())
                    assert not faults, (method, path, faults[:3])
    assert not missing


def _busy(*_args, **_more):
    raise LockedError(detail="another process writes the ledger")


def _broken(*_args, **_more):
    raise ZeroDivisionError


def _provoked(status, reading, program_of, monkeypatch):
    """The answer with which a status is really met."""
    program, place, resources = program_of(reading), "/api/v1/calculations", "ogniwo.interfaces.api.resources"

    def change(**headers):
        hook = f"{PLACE}/webhooks/{program.post(f'{PLACE}/webhooks', HOOK).json()['id']}"
        return program.ask("PATCH", hook, {"active": False}, **headers)

    def send(data, kind="application/json"):
        return program.client.generic("POST", place, data=data, content_type=kind, headers=program.headers)

    def after(path, *change):
        if change:
            monkeypatch.setattr(*change)
        return program.get(path)

    def twice_cancelled():
        job = f"{PLACE}/jobs/{program.post(f'{PLACE}/ledger/postings', MONTH).json()['id']}/cancellation"
        return [program.post(job), program.post(job)][1]

    ways = {
        400: lambda: send("{"),
        401: lambda: program.ask("GET", "/me", Authorization="Bearer ogniwo_not-one-of-ours"),
        403: lambda: program_of(reading, scopes={Scope.BILLS_READ}).get(f"{PLACE}/points"),
        404: lambda: after(f"{PLACE}/points/590000000000000000"),
        406: lambda: program.get(f"{PLACE}/intervals?month=2026-10", Accept="image/png"),
        409: twice_cancelled,
        412: lambda: change(If_Match='"older"'),
        413: lambda: send(" " * 2_600_000),
        415: lambda: send("{}", "text/plain"),
        422: lambda: program.post("/calculations", {**ORDER, "month": "2026-13"}),
        428: change,
        429: lambda: after("/me", callers, "CALLERS", Buckets(Limit(per_minute=600, burst=0), clock=lambda: 0.0)),
        500: lambda: after(f"{PLACE}/points", f"{resources}.points.points_below", _broken),
        503: lambda: after(f"{PLACE}/ledger", f"{resources}.ledger.ledger_head", _busy),
    }
    return ways[status]()


STATUSES = sorted({status for one in OPERATIONS for status in problems_of(one)})


@pytest.mark.parametrize("status", STATUSES)
def test_an_example_of_a_problem_is_one_that_was_met(reading, program_of, monkeypatch, status):
    answer = _provoked(status, reading, program_of, monkeypatch)
    assert answer.status_code == status, answer.content
    _compare("problems", str(status), answer.json())
    said = document()["components"]["responses"][f"Problem{status}"]["content"]["application/problem+json"]
    if not WRITING:
        assert said["example"] == _kept()["problems"][str(status)]
        assert not shapes.faults(said["schema"], said["example"], document())
