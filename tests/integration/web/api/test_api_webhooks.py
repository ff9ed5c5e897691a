"""Webhooks against a receiver that listens on a real socket: signed, tried again, replayed, never into our network."""

import base64
import hmac
import json
import threading
import time
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from ogniwo.gateways import outward
from ogniwo.gateways import webhooks as gateway
from ogniwo.records.audit.models import AuditEvent
from ogniwo.records.exchange.models import Webhook, WebhookDelivery
from ogniwo.records.jobs.models import Job
from ogniwo.records.parties.models import Organisation
from ogniwo.services.access.roles import Role
from ogniwo.services.billing.approved import issue_approved
from ogniwo.services.contracts.queries import community
from ogniwo.services.demo.sample import COMMUNITY_CODE, MONTH
from ogniwo.services.exchange.delivering import RETRIES, collect, deliver_due
from ogniwo.services.jobs.work.webhooks import ask_when_due
from ogniwo.services.jobs.worker import work
from ogniwo.services.settlement.approving import approve_run, run_state
from ogniwo.services.workspace.audit import record_act
from ogniwo.services.workspace.operations import open_workspace
from ogniwo.services.workspace.queries import Subject

PLACE = f"/organisations/{COMMUNITY_CODE}"
EVENTS = ["file.imported", "period.closed", "period.approved", "bills.issued", "job.finished"]


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        server = self.server
        body = self.rfile.read(int(self.headers["Content-Length"]))
        server.got.append((self.path, dict(self.headers.items()), body))
        answer = server.answers.pop(0) if server.answers else 204
        if answer == "drip":
            for _ in range(100):
                time.sleep(0.05)
                try:
                    self.wfile.write(b"x")
                except OSError:
                    return
            return
        self.send_response(answer)
        if answer == 302:
            self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_args):
        pass


@pytest.fixture
def receiver():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    server.got, server.answers = [], []
    server.url = f"http://127.0.0.1:{server.server_port}/told?by=ogniwo"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def clock():
    return [datetime(2026, 11, 6, 9, tzinfo=UTC)]


@pytest.fixture
def told(writing, on_api, clock, settings_private):
    """A closed month in a workspace whose clock the test moves."""
    root = writing("closed").root
    return on_api(open_workspace(root=root, now=lambda: clock[0]))


@pytest.fixture
def settings_private(monkeypatch):
    monkeypatch.setattr("django.conf.settings.WEBHOOKS_TO_PRIVATE", True)


def approve(workspace):
    settling = community(code=COMMUNITY_CODE, subject=Subject.operator())
    digest = run_state(community=settling, month=MONTH).inputs_digest
    approve_run(workspace, community=settling, month=MONTH, by="second", inputs_digest=digest)
    return settling


def verified(secret, headers, body):
    """As a receiver does it, by the published convention alone."""
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    key = base64.b64decode(secret.removeprefix("whsec_"))
    expected = base64.b64encode(hmac.new(key, signed, sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    return json.loads(body)


def test_events_arrive_signed_and_are_told_once(told, program_of, receiver, clock):
    program = program_of(told)
    made = program.post(f"{PLACE}/webhooks", {"url": receiver.url, "events": EVENTS}).json()
    settling = approve(told)
    day = clock[0].date()
    issued = issue_approved(told, community=settling, month=MONTH, issue_date=day, due_date=day)
    assert collect(told) == 2
    assert collect(told) == 0
    assert deliver_due(told) == 2
    assert [path for path, _, _ in receiver.got] == ["/told?by=ogniwo"] * 2
    events = [verified(made["secret"], headers, body) for _, headers, body in receiver.got]
    assert [one["type"] for one in events] == ["period.approved", "bills.issued"]
    assert events[1]["data"]["documents"] == len(issued)
    assert all(one["data"]["organisation"] == COMMUNITY_CODE for one in events)
    assert int(receiver.got[0][1]["webhook-timestamp"]) == int(clock[0].timestamp())
    for one in events:
        assert program.get(one["data"]["url"]).status_code == 200
    listed = program.get(f"{PLACE}/webhooks/{made['id']}/deliveries").json()["items"]
    assert [(one["kind"], one["state"]) for one in listed] == [
        ("bills.issued", "delivered"),
        ("period.approved", "delivered"),
    ]
    assert deliver_due(told) == 0


def test_what_failed_is_tried_again_later_and_given_up_after_the_last_time(told, program_of, receiver, clock):
    program = program_of(told)
    made = program.post(f"{PLACE}/webhooks", {"url": receiver.url, "events": EVENTS}).json()
    approve(told)
    collect(told)
    receiver.answers = [500, 302] + [503] * 20
    for wait in RETRIES:
        assert deliver_due(told) == 0
        row = WebhookDelivery.objects.get()
        assert (row.state, row.due_at) == ("waiting", clock[0] + wait)
        clock[0] += wait - timedelta(seconds=1)
        seen = len(receiver.got)
        assert deliver_due(told) == 0
        assert len(receiver.got) == seen
        clock[0] += timedelta(seconds=1)
    deliver_due(told)
    row = WebhookDelivery.objects.get()
    assert (row.state, row.attempts, row.answered_status) == ("failed", len(RETRIES) + 1, 503)
    assert {path for path, _, _ in receiver.got} == {"/told?by=ogniwo"}, "a redirect was followed"
    receiver.answers = []
    place = f"{PLACE}/webhooks/{made['id']}/deliveries/{row.event_id}/replay"
    assert program.post(place).json()["state"] == "waiting"
    assert deliver_due(told) == 1
    assert {headers["webhook-id"] for _, headers, _ in receiver.got} == {row.event_id}
    assert len({body for _, _, body in receiver.got}) == 1
    assert AuditEvent.objects.filter(action="webhook.replay").count() == 1


def test_a_receiver_that_is_gone_is_told_nothing_more(told, program_of, receiver):
    program_of(told).post(f"{PLACE}/webhooks", {"url": receiver.url, "events": EVENTS})
    approve(told)
    collect(told)
    receiver.answers = [410]
    deliver_due(told)
    assert (WebhookDelivery.objects.get().state, Webhook.objects.get().active) == ("failed", False)
    record_act(told, action="period.approve", target=f"{COMMUNITY_CODE} 2026-10", facts={"version": 1})
    assert collect(told) == 0


def test_only_what_is_asked_for_and_below_and_after(told, program_of, receiver):
    record_act(told, action="period.close", target=f"{COMMUNITY_CODE} 2026-09", facts={})
    program_of(told).post(f"{PLACE}/webhooks", {"url": receiver.url, "events": ["period.approved"]})
    program_of(told, code="inna").post("/organisations/inna/webhooks", {"url": receiver.url, "events": EVENTS})
    record_act(
        told, action="period.close", target=f"{COMMUNITY_CODE} 2026-10", facts={"version": 1, "inputs_digest": ""}
    )
    approve(told)
    assert collect(told) == 1
    assert WebhookDelivery.objects.get().webhook.organisation.code == COMMUNITY_CODE


def test_an_event_that_shows_late_is_not_lost(told, program_of, receiver):
    program_of(told).post(f"{PLACE}/webhooks", {"url": receiver.url, "events": EVENTS})
    approve(told)
    late = AuditEvent.objects.latest("id")
    number, late.pk = late.pk, late.pk + 5
    late.action = "period.close"
    late.save(force_insert=True)
    assert collect(told) == 2
    between = AuditEvent(pk=number + 2, at=late.at, subject="x", action="period.close", target=late.target)
    between.facts = late.facts
    between.save(force_insert=True)
    assert collect(told) == 1


def test_the_worker_sends_by_itself_and_says_when_jobs_end(told, program_of, receiver):
    program = program_of(told)
    made = program.post(f"{PLACE}/webhooks", {"url": receiver.url, "events": ["job.finished"]}).json()
    asked = program.post(f"{PLACE}/settlement-runs", {"month": "2026-10"}).json()
    work(told, drain=True, scheduled=False)
    ask_when_due(told)
    ask_when_due(told)
    assert Job.objects.filter(kind="send_webhooks").count() == 1
    work(told, drain=True, scheduled=False)
    events = [verified(made["secret"], headers, body) for _, headers, body in receiver.got]
    assert [(one["type"], one["data"]["job"], one["data"]["state"]) for one in events] == [
        ("job.finished", asked["id"], "done")
    ]
    ask_when_due(told)
    assert Job.objects.filter(kind="send_webhooks").count() == 1, "telling of the telling never ends"


def test_a_receiver_that_drips_is_cut_off(receiver):
    receiver.answers = ["drip"]
    began = time.monotonic()
    sent = gateway.send(receiver.url, body=b"{}", headers={}, private=True, timeout_s=0.3)
    assert (sent.status, sent.problem) == (0, "no answer in 0.3 s")
    assert time.monotonic() - began < 2


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/",
        "https://127.0.0.1/",
        "https://localhost/",
        "https://10.0.0.1/",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[64:ff9b::7f00:1]/",
        "https://[fd00::1]/",
        "https://0.0.0.0/",
        "https://100.64.0.1/",
        "https://224.0.0.1/",
        "https://a:b@example.com/",
        "https://example.com/#part",
        "https://example.com:0/",
        "https://exa mple.com/",
        "file:///etc/passwd",
        "https://",
        "https://[::1",
    ],
)
def test_addresses_of_the_own_network_are_refused(reading, program_of, url):
    answer = program_of(reading).post(f"{PLACE}/webhooks", {"url": url, "events": ["job.finished"]})
    assert (answer.status_code, answer.json()["code"]) == (422, "webhook.bad_request")


@pytest.mark.parametrize("address", ["127.0.0.1", "10.1.2.3", "::1", "::ffff:10.0.0.1", "64:ff9b::a00:1"])
def test_a_name_that_leads_into_the_own_network_is_not_used(monkeypatch, address):
    asked = []

    def resolved(host, port, **_more):
        asked.append(host)
        return [(2, 1, 6, "", ("93.184.216.34", port)), (2, 1, 6, "", (address, port))]

    monkeypatch.setattr(outward.socket, "getaddrinfo", resolved)
    sent = gateway.send("https://rebound.example/", body=b"", headers={})
    assert (sent.status, sent.problem) == (0, "the host's name leads into our own network")
    assert asked == ["rebound.example"]


def test_the_organisation_below_is_heard_by_the_one_above(told, program_of, receiver):
    top = Organisation.objects.get(parent=None).code
    program_of(told, Role.PARTNER, code=top).post(
        f"/organisations/{top}/webhooks", {"url": receiver.url, "events": EVENTS}
    )
    approve(told)
    assert collect(told) == 1
