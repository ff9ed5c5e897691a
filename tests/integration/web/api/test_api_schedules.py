"""Work that begins by itself, through the API."""

from ogniwo.services.access.roles import Role
from ogniwo.services.access.scopes import Scope
from ogniwo.services.demo.sample import COMMUNITY_CODE

PLACE = f"/organisations/{COMMUNITY_CODE}/schedules"
ROW = {"kind": "export_bills", "rule": "monthly 12 06:00", "month": "previous"}


def code_of(answer):
    return answer.status_code, answer.json()["code"]


def test_a_row_is_made_changed_run_and_removed(writing, program_of):
    program = program_of(writing("posted"))
    made = program.post(PLACE, ROW)
    assert (made.status_code, made.json()["name"]) == (201, "export-bills-1")
    place = made.headers["Location"]
    read = program.get(place)
    assert read.json() == made.json()
    assert code_of(program.ask("PATCH", place, {"paused": True})) == (428, "api.version_missing")
    paused = program.ask("PATCH", place, {"paused": True, "rule": "weekly fri 18:00"}, If_Match=read.headers["ETag"])
    assert (paused.json()["paused"], paused.json()["rule"]) == (True, "weekly fri 18:00")
    assert paused.json()["next_run_at"] == "2026-11-06T17:00:00Z"
    late = program.ask("PATCH", place, {"paused": False}, If_Match=read.headers["ETag"])
    assert code_of(late) == (412, "api.version_differs")
    job = program.post(f"{place}/run")
    assert (job.status_code, job.json()["kind"], job.json()["by"]) == (
        202,
        "export_bills",
        program.get("/me").json()["name"],
    )
    assert program.get(job.headers["Location"]).json()["id"] == job.json()["id"]
    now = program.get(place)
    assert now.json()["last_job"] == job.json()["id"]
    assert program.ask("DELETE", place, If_Match=now.headers["ETag"]).status_code == 204
    assert code_of(program.get(place)) == (404, "jobs.schedule_not_found")


def test_what_every_installation_has_is_not_removed(writing, program_of):
    program = program_of(writing("posted"))
    (ours,) = program.get(PLACE).json()["items"]
    place = f"{PLACE}/{ours['id']}"
    answer = program.ask("DELETE", place, If_Match=program.get(place).headers["ETag"])
    assert (ours["name"], *code_of(answer)) == ("check-data", 409, "jobs.default_row")


def test_a_row_needs_the_act_of_its_kind(writing, program_of):
    workspace = writing("posted")
    program = program_of(workspace)
    assert code_of(program.post(PLACE, {**ROW, "kind": "issue_bills"})) == (422, "jobs.not_plannable")
    assert code_of(program.post(PLACE, {**ROW, "month": ""})) == (422, "jobs.not_plannable")
    assert code_of(program.post(PLACE, {**ROW, "rule": "often"})) == (422, "jobs.bad_rule")
    assert code_of(program.post(PLACE, {**ROW, "kind": "fly"})) == (422, "jobs.unknown_kind")
    auditor = program_of(workspace, Role.AUDITOR)
    assert code_of(auditor.post(PLACE, ROW)) == (403, "access.not_allowed")
    assert code_of(program_of(workspace, scopes={Scope.JOBS_READ}).post(PLACE, ROW)) == (403, "api.scope_missing")
    assert program_of(workspace, code="inna").get(PLACE).status_code == 404
