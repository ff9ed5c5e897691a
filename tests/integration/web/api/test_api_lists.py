"""Lists: every order that the document names pages to the end without loss; filters repeat; a cursor has its order."""

import base64
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from watched import at, check, put, watch

from ogniwo.interfaces.api.paging import Order, Sorting, among
from ogniwo.records.exchange.models import Webhook, WebhookDelivery
from ogniwo.services.demo.sample import COMMUNITY_CODE, POINTS

DOCUMENT = json.loads((Path(__file__).parents[4] / "docs" / "openapi.json").read_text(encoding="utf-8"))
PLACE = f"/organisations/{COMMUNITY_CODE}"
QUERIES = {
    "list_intervals": "month=2026-10&",
    "list_findings": "month=2001-01&",
    "list_movements": "account={account}&",
}
HOOK = {"url": "https://example.com/told", "events": ["period.closed"]}


def _sorts():
    for path, methods in DOCUMENT["paths"].items():
        for described in methods.values():
            for one in described["parameters"]:
                if one["name"] == "sort":
                    yield described["operationId"], path, [text for text in one["schema"]["enum"] if text]


LISTS = {name: (path, names) for name, path, names in _sorts()}


def _alarms(workspace):
    """Three alarms of a watch, one of them open."""
    watch(at(workspace, 0))
    put(at(workspace, 8), [1, 20, 1, 30, 1, 1, 40])
    check(at(workspace, 8))


def _address(name, program):
    path, _ = LISTS[name]
    values = {"code": COMMUNITY_CODE, "ppe": POINTS[0].code, "month": "2026-10"}
    if "{webhook}" in path:
        values["webhook"] = program.post(f"{PLACE}/webhooks", HOOK).json()["id"]
        _deliveries(values["webhook"])
    if name == "list_webhooks":
        program.post(f"{PLACE}/webhooks", HOOK)
    if name == "list_jobs":
        for month in ("2001-01", "2001-02", "2001-03"):
            program.post(f"{PLACE}/settlement-runs", {"month": month})
    query = QUERIES.get(name, "")
    if "{account}" in query:
        held = program.get(f"{PLACE}/ledger/balances").json()["items"]
        query = query.format(account=held[0]["account"])
    return path.format(**values), query


def _deliveries(webhook):
    hook, now = Webhook.objects.get(uid=webhook), datetime(2026, 11, 3, 8, tzinfo=UTC)
    for number, (state, attempts, delivered) in enumerate(
        [("waiting", 0, None), ("delivered", 2, now), ("failed", 8, None), ("delivered", 1, now - timedelta(hours=1))]
    ):
        WebhookDelivery.objects.create(
            webhook=hook, event_number=number, event_id=f"evt_{number}", kind="period.closed", body="{}",
            made_at=now, state=state, attempts=attempts, due_at=now, delivered_at=delivered,
        )  # fmt: skip


def _walked(program, place):
    found = []
    while place:
        page = program.get(place)
        assert page.status_code == 200, page.content
        found += page.json()["items"]
        place = page.json()["next"]
    return found


def _value(row, name):
    found = row.get(name)
    if isinstance(found, dict):
        return int(found["amount"].replace(".", ""))
    return {"note": 0, "warning": 1, "error": 2}.get(found, found) if name == "severity" else found


def test_every_list_has_an_order_but_what_is_short():
    listed = {
        described["operationId"]
        for methods in DOCUMENT["paths"].values()
        for described in methods.values()
        if any(one["name"] == "cursor" for one in described["parameters"])
    }
    assert listed == set(LISTS)


@pytest.mark.parametrize("name", sorted(LISTS))
def test_every_order_gives_every_row_once(reading, writing, program_of, name):
    workspace = writing("posted") if "webhook" in LISTS[name][0] or name == "list_alarms" else reading
    if name == "list_alarms":
        _alarms(workspace)
    program = program_of(workspace)
    path, query = _address(name, program)
    own = _walked(program, f"{path}?{query}limit=500")
    assert own or name == "list_findings", "nothing was sorted"
    limit = min(500, max(1, -(-len(own) // 3)))
    for sort in LISTS[name][1]:
        found = _walked(program, f"{path}?{query}limit={limit}&sort={sort}")
        assert sorted(map(json.dumps, found)) == sorted(map(json.dumps, own)), sort
        values = [_value(row, sort.removeprefix("-")) for row in found]
        known = [value for value in values if value is not None]
        assert values == known + [None] * (len(values) - len(known)), sort
        assert known == sorted(known, reverse=sort.startswith("-")), sort


def _refused(answer, pointer):
    assert (answer.status_code, answer.json()["code"]) == (422, "api.invalid"), answer.content
    assert [one["pointer"] for one in answer.json()["errors"]] == [pointer]


@pytest.mark.parametrize("sort", ["colour", "-colour", "--ppe", "PPE", "ppe,town", "-"])
def test_an_unknown_order_is_refused(reading, program_of, sort):
    _refused(program_of(reading).get(f"{PLACE}/points?sort={sort}"), "#/sort")


def test_a_cursor_belongs_to_its_order(reading, program_of):
    program = program_of(reading)
    following = program.get(f"{PLACE}/points?limit=3&sort=-town").json()["next"]
    cursor = following.partition("cursor=")[2].partition("&")[0]
    for other in ("", "&sort=town", "&sort=ppe"):
        _refused(program.get(f"{PLACE}/points?limit=3&cursor={cursor}{other}"), "#/cursor")
    plain = program.get(f"{PLACE}/points?limit=3").json()["next"].partition("cursor=")[2]
    _refused(program.get(f"{PLACE}/points?cursor={plain}&sort=town"), "#/cursor")
    for made_up in ({"sort": "town"}, {"sort": "town", "value": 3, "key": ["5"]}, {"sort": "town", "value": "x"}):
        text = base64.urlsafe_b64encode(json.dumps(made_up).encode()).decode()
        _refused(program.get(f"{PLACE}/points?cursor={text}&sort=town"), "#/cursor")


def test_rows_that_come_and_go_between_pages_move_nothing(writing, program_of):
    program = program_of(writing("closed"))
    for letter in "bdfh":
        program.post(f"{PLACE}/webhooks", {**HOOK, "url": f"https://{letter}.example/"})
    first = program.get(f"{PLACE}/webhooks?sort=-url&limit=2").json()
    assert [one["url"][8] for one in first["items"]] == ["h", "f"]
    program.post(f"{PLACE}/webhooks", {**HOOK, "url": "https://g.example/"})
    program.post(f"{PLACE}/webhooks", {**HOOK, "url": "https://c.example/"})
    Webhook.objects.filter(url="https://f.example/").delete()
    assert [one["url"][8] for one in _walked(program, first["next"])] == ["d", "c", "b"]


def test_a_filter_may_be_repeated(reading, program_of):
    program = program_of(reading)
    every = _walked(program, f"{PLACE}/points?limit=500")
    two = _walked(program, f"{PLACE}/points?limit=5&role=producer&role=prosumer&sort=-peak_power_w")
    assert {one["role"] for one in two} == {"producer", "prosumer"}
    assert len(two) == sum(one["role"] != "consumer" for one in every)
    members = [POINTS[0].member_number, POINTS[3].member_number]
    bills = _walked(program, f"{PLACE}/bills?limit=500&member={members[0]}&member={members[1]}&month=2026-10")
    assert {one["member"] for one in bills} == set(members)
    assert {one["member"] for one in _walked(program, f"{PLACE}/bills?member={members[1]}")} == {members[1]}
    channels = _walked(
        program, f"{PLACE}/points/{POINTS[0].code}/intervals?month=2026-10&limit=500&channel=1.29.0&channel=9.9.9"
    )
    assert {one["channel"] for one in channels} == {"1.29.0"}
    assert program.get(f"{PLACE}/points?role=producer&role=nobody").status_code == 422
    assert len(_walked(program, f"{PLACE}/points?role=&member=&limit=500")) == len(every)


def test_rows_without_a_value_come_last_both_ways():
    sorting = Sorting(size=lambda row: row[1])
    rows = [("a", 2), ("b", None), ("c", 1), ("d", None), ("e", 2)]
    for text, wanted in (("size", "caebd"), ("-size", "aecbd")):
        order = sorting.by(text)
        assert isinstance(order, Order)
        arranged = order.arrange(rows)
        assert "".join(row[0] for row in arranged) == wanted
        for number, last in enumerate(arranged):
            later = [
                row
                for row in arranged
                if (after if (after := order.is_after(row, order.of(last))) is not None else row[0] > last[0])
            ]
            assert later == arranged[number + 1 :], (text, last)
    assert sorting.by("") is None
    assert among("x", []) and among("x", [""]) and among("x", ["y", "x"]) and not among("x", ["y"])  # noqa: PT018 -- one rule
