"""How the API behaves: problems, repeats, pages, versions, limits, long work, files."""

import csv
import io
import json
from http import HTTPStatus

import pytest
from pyarrow import parquet

from ogniwo.core.kernel.calendar import Month, grid_of_month
from ogniwo.interfaces.api import callers, middleware
from ogniwo.interfaces.api.limits import Buckets, Limit
from ogniwo.interfaces.api.problems import PROBLEM_JSON
from ogniwo.records.audit.models import AuditEvent
from ogniwo.records.exchange.models import IdempotentCall, Webhook
from ogniwo.records.jobs.models import Job
from ogniwo.services.access.roles import Role
from ogniwo.services.demo.files import GAP_POINT, delivered_files
from ogniwo.services.demo.sample import COMMUNITY_CODE, POINTS
from ogniwo.services.jobs.worker import work
from ogniwo.services.metering.bulk import _csv
from ogniwo.services.metering.queries import intervals_of
from ogniwo.services.tariffs.calculating import AskedEnergy, _usage
from ogniwo.services.workspace.queries import Subject

PLACE = f"/organisations/{COMMUNITY_CODE}"
GAPPED = (POINTS[0], next(one for one in POINTS if one.number == GAP_POINT))
HOOK = {"url": "https://example.com/told", "events": ["period.closed"]}


def problem(answer, status, code):
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, PROBLEM_JSON), answer.content
    said = answer.json()
    assert (said["status"], said["code"], said["instance"]) == (status, code, answer.wsgi_request.path)
    assert said["type"].endswith(f"/api/v1/problems/{code}")
    return said


class TestProblems:
    def test_what_a_type_points_to_says_what_the_code_means(self, reading, program_of):
        program = program_of(reading)
        said = problem(program.get(f"{PLACE}/points/590"), 404, "point.not_found")
        meaning = program.get(said["type"].removeprefix("http://127.0.0.1:8000")).json()
        assert meaning["meaning"].startswith("There is no such metering point")
        polish = program_of(reading, language="pl").get(said["type"].partition("/api/v1")[2]).json()
        assert polish["meaning"] == "Nie ma takiego punktu albo nie masz do niego dostępu."
        finding = program.get("/problems/V7.spike").json()
        assert finding["meaning"] == "One value is far larger than all others."
        problem(program.get("/problems/no.such"), 404, "api.no_such_code")

    def test_no_address_and_no_method(self, reading, program_of):
        program = program_of(reading)
        problem(program.get("/nothing/here"), 404, "api.no_such_address")
        problem(program.get("/api/v2/me"), 404, "api.no_such_address")
        answer = program.ask("DELETE", "/me")
        problem(answer, 405, "api.method")
        assert answer.headers["Allow"] == "GET"

    def test_wrong_values_are_named_by_pointer(self, reading, program_of):
        program = program_of(reading)
        said = problem(program.get(f"{PLACE}/points?limit=0&cursor=x&more=1"), 422, "api.invalid")
        assert [one["pointer"] for one in said["errors"]] == ["#/more"]
        said = problem(program.get(f"{PLACE}/points?limit=0"), 422, "api.invalid")
        assert said["errors"] == [
            {"pointer": "#/limit", "in": "query", "detail": "Input should be greater than or equal to 1"}
        ]
        said = problem(
            program.post("/calculations", {"month": "2026-13", "terms": {"group": "G11", "x/y": 1}, "energy": {}}),
            422,
            "api.invalid",
        )
        assert {(one["in"], one["pointer"]) for one in said["errors"]} == {
            ("body", "#/month"),
            ("body", "#/terms/x~1y"),
        }

    def test_bodies_that_cannot_be_read(self, reading, program_of):
        program = program_of(reading)
        send = program.client.generic
        place = "/api/v1/calculations"
        broken = send("POST", place, data="{", content_type="application/json", headers=program.headers)
        problem(broken, 400, "api.malformed")
        deep = send("POST", place, data="[" * 100_000, content_type="application/json", headers=program.headers)
        problem(deep, 400, "api.malformed")
        text = send("POST", place, data="{}", content_type="text/plain", headers=program.headers)
        problem(text, 415, "api.media_type")
        large = send("POST", place, data=" " * 2_600_000, content_type="application/json", headers=program.headers)
        problem(large, 413, "api.too_large")
        problem(program.get("/me?%00=1"), 400, "api.malformed")
        problem(send("GET", "/api/v1/me", headers=program.headers | {"Host": "evil.example"}), 400, "api.malformed")

    def test_titles_follow_the_language(self, reading, program_of):
        polish = problem(program_of(reading, language="pl").get("/nothing"), 404, "api.no_such_address")
        english = problem(program_of(reading, language="en").get("/nothing"), 404, "api.no_such_address")
        assert (polish["title"], english["title"]) == ("Tu nic nie ma", "There is nothing here")

    def test_our_own_mistakes_are_problems_too(self, reading, program_of, monkeypatch):
        def broken(*_args, **_more):
            raise ZeroDivisionError

        monkeypatch.setattr("ogniwo.interfaces.api.resources.points.points_below", broken)
        said = problem(program_of(reading).get(f"{PLACE}/points"), 500, "api.internal")
        assert "ZeroDivision" not in json.dumps(said)

    def test_a_change_from_a_browser_needs_the_token_of_the_page(self, reading, browser):
        page = browser(reading, Role.PARTNER)
        page.client.handler.enforce_csrf_checks = True
        problem(page.post(f"{PLACE}/webhooks", HOOK), 403, "api.csrf")
        page.client.cookies["csrftoken"] = "a" * 32
        answer = page.post(f"{PLACE}/webhooks", {**HOOK, "url": "ftp://x.example"}, X_CSRFToken="a" * 32)
        problem(answer, 422, "webhook.bad_request")


class TestRepeats:
    def test_the_same_request_is_done_once(self, reading, program_of):
        program, before = program_of(reading), Webhook.objects.count()
        first = program.post(f"{PLACE}/webhooks", HOOK, Idempotency_Key="k-1")
        again = program.post(f"{PLACE}/webhooks", HOOK, Idempotency_Key="k-1")
        assert (first.status_code, again.status_code) == (201, 201)
        assert first.content == again.content
        assert (first.headers.get("Idempotency-Replayed"), again.headers["Idempotency-Replayed"]) == (None, "true")
        assert first.headers["Location"] == again.headers["Location"]
        assert Webhook.objects.count() == before + 1
        other = program.post(f"{PLACE}/webhooks", {**HOOK, "events": ["job.finished"]}, Idempotency_Key="k-1")
        problem(other, 422, "api.key_reused")
        assert program.post(f"{PLACE}/webhooks", HOOK, Idempotency_Key="k-2").json()["id"] != first.json()["id"]
        assert program_of(reading).post(f"{PLACE}/webhooks", HOOK, Idempotency_Key="k-1").status_code == 201

    def test_one_that_is_running_is_not_run_again(self, reading, program_of):
        program = program_of(reading)
        program.post(f"{PLACE}/webhooks", HOOK, Idempotency_Key="running")
        IdempotentCall.objects.filter(key="running").update(answered_at=None)
        answer = program.post(f"{PLACE}/webhooks", HOOK, Idempotency_Key="running")
        problem(answer, 409, "api.still_running")
        assert answer.headers["Retry-After"] == "2"

    def test_a_refusal_is_repeated_and_a_failure_is_not_kept(self, reading, program_of, monkeypatch):
        program = program_of(reading)
        wrong = {**HOOK, "url": "ftp://no.example"}
        first = program.post(f"{PLACE}/webhooks", wrong, Idempotency_Key="refused")
        problem(first, 422, "webhook.bad_request")
        again = program.post(f"{PLACE}/webhooks", wrong, Idempotency_Key="refused")
        assert (again.content, again.headers["Idempotency-Replayed"]) == (first.content, "true")

        def broken(*_args, **_more):
            raise ZeroDivisionError

        with monkeypatch.context() as patched:
            patched.setattr("ogniwo.interfaces.api.resources.webhooks.make_webhook", broken)
            problem(program.post(f"{PLACE}/webhooks", HOOK, Idempotency_Key="failed"), 500, "api.internal")
        assert program.post(f"{PLACE}/webhooks", HOOK, Idempotency_Key="failed").status_code == 201

    def test_a_key_is_printable(self, reading, program_of):
        said = problem(program_of(reading).post(f"{PLACE}/webhooks", HOOK, Idempotency_Key="a b"), 422, "api.invalid")
        assert said["errors"][0]["in"] == "header"


class TestPages:
    def test_pages_follow_one_another_to_the_end(self, reading, program_of):
        program = program_of(reading)
        whole = program.get(f"{PLACE}/points?limit=500").json()
        assert (len(whole["items"]), whole["next"]) == (40, None)
        found, place = [], f"{PLACE}/points?limit=7"
        while place:
            page = program.get(place).json()
            assert len(page["items"]) <= 7
            found += page["items"]
            place = page["next"]
        assert found == whole["items"]

    @pytest.mark.parametrize("cursor", ["x", "e30", "W251bGxd", "!!!!", "WzFd"])
    def test_a_made_up_cursor_is_refused(self, reading, program_of, cursor):
        answer = program_of(reading).get(f"{PLACE}/points?cursor={cursor}")
        problem(answer, 422, "api.invalid")

    def test_the_parameters_stay(self, reading, program_of):
        program = program_of(reading)
        page = program.get(f"{PLACE}/points?limit=2&role=producer").json()
        while page["next"]:
            assert "role=producer" in page["next"]
            page = program.get(page["next"]).json()
            assert {one["role"] for one in page["items"]} == {"producer"}


class TestVersions:
    def test_a_change_names_the_version_that_was_read(self, reading, program_of):
        program = program_of(reading)
        place = program.post(f"{PLACE}/webhooks", HOOK).headers["Location"]
        read = program.get(place)
        problem(program.ask("PATCH", place, {"active": False}), 428, "api.version_missing")
        changed = program.ask("PATCH", place, {"active": False}, If_Match=read.headers["ETag"])
        assert changed.json()["active"] is False
        late = program.ask("PATCH", place, {"active": True}, If_Match=read.headers["ETag"])
        problem(late, 412, "api.version_differs")
        same = program.get(place, If_None_Match=changed.headers["ETag"])
        assert (same.status_code, same.content) == (304, b"")
        problem(program.ask("DELETE", place, If_Match=read.headers["ETag"]), 412, "api.version_differs")
        gone = program.ask("DELETE", place, If_Match=changed.headers["ETag"])
        assert (gone.status_code, gone.content) == (204, b"")
        problem(program.get(place), 404, "webhook.not_found")

    def test_who_approves_names_what_he_looked_at(self, writing, browser, program_of):
        workspace = writing("closed")
        second = browser(workspace, Role.CLERK)
        place = f"{PLACE}/settlement-runs/2026-10"
        looked = second.get(place)
        problem(second.post(f"{place}/approval"), 428, "api.version_missing")
        problem(second.post(f"{place}/approval", If_Match='"other"'), 412, "api.version_differs")
        approved = second.post(f"{place}/approval", If_Match=looked.headers["ETag"])
        assert approved.json()["approved_by"] == second.client.user.email
        assert AuditEvent.objects.filter(action="period.approve").count() == 1
        by_key = program_of(workspace).post(f"{place}/approval", If_Match=looked.headers["ETag"])
        problem(by_key, 403, "api.person_needed")


class TestLimits:
    def test_a_caller_who_asks_too_often_waits(self, reading, program_of, monkeypatch):
        now = [0.0]
        buckets = Buckets(Limit(per_minute=60, burst=3), clock=lambda: now[0])
        monkeypatch.setattr(callers, "CALLERS", buckets)
        program = program_of(reading)
        assert [program.get("/me").status_code for _ in range(4)] == [200, 200, 200, 429]
        answer = program.get("/me")
        problem(answer, 429, "api.too_often")
        now[0] += int(answer.headers["Retry-After"])
        assert program.get("/me").status_code == HTTPStatus.OK
        assert program_of(reading).get("/me").status_code == HTTPStatus.OK

    def test_no_key_is_found_by_trying(self, reading, program_of, monkeypatch):
        monkeypatch.setattr(callers, "FAILURES", Buckets(Limit(per_minute=60, burst=2), clock=lambda: 0.0))
        wrong, right = program_of(reading), program_of(reading)
        wrong.headers["Authorization"] = "Bearer ogniwo_guess"
        assert [wrong.get("/me").status_code for _ in range(3)] == [401, 401, 429]
        problem(right.get("/me"), 429, "api.too_often")

    def test_an_address_that_asks_too_often_waits(self, reading, program_of, monkeypatch):
        monkeypatch.setattr(middleware, "ADDRESSES", Buckets(Limit(per_minute=60, burst=1), clock=lambda: 0.0))
        program = program_of(reading)
        assert program.get("/problems/api.csrf").status_code == HTTPStatus.OK
        problem(program.get("/problems/api.csrf"), 429, "api.too_often")

    def test_a_flood_of_names_does_not_fill_the_memory(self):
        buckets = Buckets(Limit(per_minute=60, burst=1), clock=lambda: 0.0)
        for number in range(25_000):
            buckets.take(str(number))
        assert len(buckets._left) <= 10_001


class TestLongWork:
    def test_files_are_imported_by_a_job(self, writing, program_of, monkeypatch):
        workspace = writing("imported")
        program = program_of(workspace, Role.CLERK)
        name, data = delivered_files()[0].name, delivered_files()[0].data
        answer = program.send(f"{PLACE}/files", "files", data, name=name, Idempotency_Key="file-1")
        assert answer.status_code == HTTPStatus.ACCEPTED
        again = program.send(f"{PLACE}/files", "files", data, name=name, Idempotency_Key="file-1")
        assert again.json() == answer.json()
        place = answer.headers["Location"]
        assert program.get(place).json()["state"] == "queued"
        work(workspace, drain=True, scheduled=False)
        job = program.get(place).json()
        assert (job["state"], job["result"]["files"][0]["state"]) == ("done", "already_imported")
        assert Job.objects.count() == 1

    def test_a_job_is_cancelled(self, writing, program_of):
        program = program_of(writing("closed"), Role.CLERK)
        place = program.post(f"{PLACE}/settlement-runs", {"month": "2026-10"}).headers["Location"]
        assert program.post(f"{place}/cancellation").json()["state"] == "cancelled"
        problem(program.post(f"{place}/cancellation"), 409, "jobs.ended")
        listed = program.get(f"{PLACE}/jobs?state=cancelled").json()["items"]
        assert [one["kind"] for one in listed] == ["close_period"]

    def test_too_much_at_once_is_refused(self, reading, program_of, monkeypatch):
        monkeypatch.setattr("ogniwo.services.metering.inbox.FILE_BYTES_MAX", 10)
        answer = program_of(reading).send(f"{PLACE}/files", "files", b"more than ten bytes")
        problem(answer, 413, "import.too_much_at_once")


class TestIntervals:
    def _expected(self, workspace):
        found = {}
        for point in GAPPED:
            for one in intervals_of(workspace, code=point.code, subject=Subject.operator(), month=Month(2026, 10)):
                for start, wh, gone in zip(one.grid.start_epoch_s, one.wh, one.missing, strict=True):
                    found[one.point, one.channel, int(start)] = None if gone else int(wh)
        return found

    def _asked(self, program, kind):
        points = "&".join(f"point={one.code}" for one in GAPPED)
        answer = program.get(f"{PLACE}/intervals?month=2026-10&{points}", Accept=kind)
        data = b"".join(answer.streaming_content)
        assert int(answer.headers["Content-Length"]) == len(data)
        assert answer.headers["Content-Type"].startswith(kind)
        return data

    def test_parquet_csv_and_json_lines_hold_what_is_stored(self, writing, program_of):
        workspace = writing("imported")
        program, expected = program_of(workspace), self._expected(workspace)
        assert None in expected.values()
        table = parquet.read_table(io.BytesIO(self._asked(program, "application/vnd.apache.parquet"))).to_pylist()
        assert {(r["ppe"], r["channel"], int(r["start"].timestamp())): r["energy"] for r in table} == expected
        assert {r["quality"] for r in table} >= {"missing", "measured"}
        lines = [json.loads(line) for line in self._asked(program, "application/x-ndjson").splitlines()]
        rows = list(csv.DictReader(io.StringIO(self._asked(program, "text/csv").decode())))
        assert [one["energy"] for one in lines] == [r["energy"] for r in table]
        assert [int(one["energy"]) if one["energy"] else None for one in rows] == [r["energy"] for r in table]
        assert not any(cell.startswith(("=", "+", "-", "@")) for one in rows for cell in one.values())

    def test_no_text_of_a_csv_answer_begins_a_formula(self):
        assert _csv(("=cmd()", "+1", "-2", 3, None, "@x")) == "'=cmd(),'+1,'-2,3,,'@x\r\n"

    def test_another_form_is_not_acceptable(self, reading, program_of):
        answer = program_of(reading).get(f"{PLACE}/intervals?month=2026-10", Accept="image/png")
        problem(answer, 406, "api.not_acceptable")

    def test_a_points_pages_say_missing_and_never_zero(self, writing, program_of):
        workspace = writing("imported")
        program, expected = program_of(workspace), self._expected(workspace)
        gap = next(key for key, value in expected.items() if value is None)
        found, place = [], f"{PLACE}/points/{gap[0]}/intervals?month=2026-10&channel={gap[1]}&limit=500"
        while place:
            page = program.get(place).json()
            found += page["items"]
            place = page["next"]
        assert [one["energy_wh"] for one in found] == [value for key, value in expected.items() if key[:2] == gap[:2]]
        assert {one["quality"] for one in found if one["energy_wh"] is None} == {"missing"}


TERMS = {"group": "G11", "yearly_use_wh": 2_000_000, "offer": "enea"}


class TestCalculator:
    def test_totals_give_lines_with_rates_and_sources(self, reading, program_of):
        order = {"month": "2026-05", "terms": TERMS, "energy": {"zones_wh": {"all": 180_000}}}
        said = program_of(reading).post("/calculations", order).json()
        net = sum(round(float(line["net"]["amount"]) * 100) for line in said["lines"])
        assert net == round(float(said["net"]["amount"]) * 100) > 0
        assert all(rate["source"] and rate["checked_on"] for line in said["lines"] for rate in line["rates"])
        assert all(line["why"] for line in said["lines"])

    def test_a_shape_with_its_total_is_the_profile_that_it_makes(self, reading, program_of):
        program, hours = program_of(reading), 744
        flat = {"profile_wh": [250] * hours}
        shape = {"shape": [7] * hours, "shape_total_wh": 250 * hours}
        order = {"month": "2026-05", "terms": TERMS}
        one = program.post("/calculations", {**order, "energy": flat}).json()
        other = program.post("/calculations", {**order, "energy": shape}).json()
        assert one == other
        assert one["lines"]

    def test_a_standard_profile_gives_each_month_its_part_of_a_year(self, reading, program_of):
        program, total = program_of(reading), 2_345_678
        year = [100 + hour % 24 * 7 + hour % 168 for hour in range(8_760)]
        laid, first = [], 0
        for number in range(1, 13):
            slots = grid_of_month(Month(2026, number), slot_s=3_600).slots
            asked = AskedEnergy(year_shape=year, year_total_wh=total)
            usage = _usage(Month(2026, number), asked)
            laid += [int(value) for value in usage.energy_wh]
            first += slots
            assert len(laid) == first
        assert sum(laid) == total
        assert all(
            abs(value * sum(year) - total * weight) <= sum(year) for value, weight in zip(laid, year, strict=True)
        )
        # October holds the hour that comes twice, and the months before it one hour less than whole days.
        october = laid[273 * 24 - 1 : 273 * 24 - 1 + 745]
        terms = {key: value for key, value in TERMS.items() if key != "yearly_use_wh"}
        order = {"month": "2026-10", "terms": terms, "energy": {"year_shape": year, "year_total_wh": total}}
        one = program.post("/calculations", order).json()
        same = {"month": "2026-10", "terms": {**terms, "yearly_use_wh": total}, "energy": {"profile_wh": october}}
        assert one == program.post("/calculations", same).json()
        assert one["lines"]

    @pytest.mark.parametrize(
        "energy",
        [
            {},
            {"profile_wh": [1] * 743},
            {"shape": [0] * 744},
            {"zones_wh": {"all": 1}, "shape": [1]},
            {"year_shape": [1] * 8_784, "year_total_wh": 1_000},
            {"year_shape": [0] * 8_760, "year_total_wh": 1_000},
            {"year_shape": [1] * 8_760, "shape": [1] * 744},
        ],
    )
    def test_an_energy_that_is_not_the_months_is_refused(self, reading, program_of, energy):
        answer = program_of(reading).post("/calculations", {"month": "2026-05", "terms": TERMS, "energy": energy})
        problem(answer, 422, "calculation.energy")

    def test_an_unknown_rate_is_refused_and_never_zero(self, reading, program_of):
        order = {"month": "2026-05", "terms": {"group": "no such"}, "energy": {"zones_wh": {"all": 1}}}
        assert program_of(reading).post("/calculations", order).status_code == HTTPStatus.UNPROCESSABLE_ENTITY
