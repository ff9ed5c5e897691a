"""Watches and alarms on screen: added, refused, looked at, acknowledged, paused, removed; who may do what."""

import re

from watched import ALL, NOVEMBER, POINT, at, check, put, watch

from ogniwo.records.audit.models import AuditEvent
from ogniwo.records.jobs.models import Job
from ogniwo.records.watches.models import Alarm, Watch
from ogniwo.services.access.roles import Role
from ogniwo.services.demo.sample import COMMUNITY_CODE, POINTS
from ogniwo.services.watching.alarms import alarms_below

BASE = f"/o/{COMMUNITY_CODE}/watches/"
FORM = {
    "name": "Noc w szkole",
    "kind": "above",
    "point": POINT,
    "channel": "",
    "step": "hour",
    "limit": "0,010",
    "after_h": "",
    "from": "2026-11-01",
    "addresses": "a@x.example, b@x.example",
}


def alarmed(workspace):
    """Two alarms of a watch: one over, one open."""
    watch(at(workspace, 0))
    put(at(workspace, 5), [1, 20, 1, 30])
    check(at(workspace, 5))
    return sorted(alarms_below(subject=ALL), key=lambda one: one.start_epoch_s)


def test_a_watch_is_added_raises_and_is_acknowledged(copy_of, sign_in, drain):
    workspace = copy_of("imported")
    clerk = sign_in(workspace, Role.CLERK, name="anna")
    assert "Nothing is watched here yet" in clerk.get(BASE).content.decode()
    assert clerk.post(f"{BASE}new/", FORM).status_code == 302
    row = Watch.objects.get()
    assert (row.limit, row.step, row.addresses, row.point.code) == (10, "hour", ["a@x.example", "b@x.example"], POINT)
    assert (row.made_by, row.valid_from) == (clerk.user.username, NOVEMBER.first)
    put(at(workspace, 5), [1, 20, 1, 30])
    asked = clerk.post(f"{BASE}check/")
    assert asked.status_code == 302
    drain(workspace)
    job = Job.objects.get(kind="check_watches")
    assert (job.state, job.result["raised"]) == ("done", 2)
    assert "New alarms" in clerk.get(asked.headers["location"]).content.decode()
    page = clerk.get(BASE).content.decode()
    assert "0.030 kWh, the limit is 0.010 kWh" in page
    link = re.search(r'href="(/o/[^"]*/intervals/\?[^"]*)"', page)[1].replace("&amp;", "&")
    assert link.endswith(f"/intervals/?point={POINT}&from=2026-11-01&to=2026-11-01&kind=taken&step=3600")
    shown = clerk.get(link).content.decode()
    assert POINT in shown
    assert "0.020" in shown
    over, now = Alarm.objects.order_by("start_epoch_s")
    assert page.index(f'id="alarm-{now.pk}"') < page.index(f'id="alarm-{over.pk}"'), "what is open comes first"
    assert clerk.post(f"{BASE}alarms/{over.pk}/", {"note": "x"}).status_code == 409
    assert clerk.post(f"{BASE}alarms/{over.pk}/", {"note": "a heater was left on"}).status_code == 302
    page = clerk.get(BASE).content.decode()
    assert f'id="alarm-{over.pk}"' not in page
    history = clerk.get(f"{BASE}history/?about={POINT}").content.decode()
    assert "a heater was left on" in history
    assert "2 alarms" in history
    assert "No alarm is about this" in clerk.get(f"{BASE}history/?about=elsewhere").content.decode()
    event = AuditEvent.objects.get(action="alarm.acknowledge")
    assert (event.subject, event.facts["note"]) == (clerk.user.username, "a heater was left on")


def test_what_does_not_fit_is_shown_again_with_the_reason(copy_of, sign_in):
    workspace = copy_of("imported")
    clerk = sign_in(workspace, Role.CLERK)
    for changed in (
        {"limit": ""},
        {"limit": "lots"},
        {"limit": "0,0001"},
        {"limit": "-1"},
        {"name": ""},
        {"kind": "nonsense"},
        {"kind": "silent", "after_h": "1.5"},
        {"kind": "missing", "limit": "1,5"},
        {"from": "yesterday"},
        {"addresses": "nobody"},
        {"point": "1"},
    ):
        answer = clerk.post(f"{BASE}new/", FORM | changed)
        assert answer.status_code == 422, changed
        page = answer.content.decode()
        assert "watch.malformed" in page
        assert "a@x.example" in page or "addresses" in changed, "what was typed is still there"
    assert not Watch.objects.exists()
    clerk.post(f"{BASE}new/", FORM)
    assert clerk.post(f"{BASE}new/", FORM | {"limit": "1"}).status_code == 409
    assert Watch.objects.get().limit == 10


def test_paused_resumed_and_removed_by_clicking(copy_of, sign_in):
    workspace = copy_of("imported")
    clerk = sign_in(workspace, Role.CLERK)
    alarmed(workspace)
    row = Watch.objects.get()
    assert clerk.post(f"{BASE}{row.pk}/pause/", {"do": "pause"}).status_code == 302
    assert "paused" in clerk.get(BASE).content.decode()
    clerk.post(f"{BASE}{row.pk}/pause/", {"do": "resume"})
    row.refresh_from_db()
    assert row.paused_at is None
    clerk.post(f"{BASE}{row.pk}/remove/")
    page = clerk.get(BASE).content.decode()
    assert "ended: watched no more" in page, "it waits for somebody still, though nothing is watched any more"
    assert clerk.post(f"{BASE}{row.pk}/remove/").status_code == 404


def test_who_only_reads_acts_on_nothing_and_neighbours_see_nothing(copy_of, sign_in):
    workspace = copy_of("imported")
    over, now = alarmed(workspace)
    auditor, neighbour = sign_in(workspace, Role.AUDITOR), sign_in(workspace, Role.CLERK, "inna")
    page = auditor.get(BASE).content.decode()
    assert f'id="alarm-{now.alarm_id}"' in page
    assert "<form" not in page.split("<main")[1].split("</main")[0]
    for address, data in (
        (f"alarms/{over.alarm_id}/", {"note": "seen it"}),
        (f"{over.watch_id}/pause/", {}),
        ("new/", FORM),
    ):
        assert auditor.post(BASE + address, data).status_code == 403
        if address != "new/":
            assert neighbour.post(f"/o/inna/watches/{address}", data).status_code == 404
    assert 'id="alarm-' not in neighbour.get("/o/inna/watches/").content.decode()
    assert not AuditEvent.objects.filter(action="alarm.acknowledge").exists()


def text(answer):
    """A page without the elements that keep dates in one piece."""
    return answer.content.decode().replace("<time>", "").replace("</time>", "")


def test_today_counts_alarms_and_says_how_new_the_values_are(copy_of, sign_in):
    workspace = copy_of("imported")
    clerk = sign_in(workspace, Role.CLERK)
    today = f"/o/{COMMUNITY_CODE}/today/"
    before = text(clerk.get(today))
    assert "nothing waits" in before
    assert "Newest values: 2026-10-31; points that have them: 40 of 40." in before
    assert "Look at the alarms" not in before
    alarmed(workspace)
    page = text(clerk.get(today))
    assert "open; 1 ended, not acknowledged" in page
    assert "Look at the alarms" in page
    assert "Newest values: 2026-11-01; points that have them: 1 of 40." in page
    point = text(clerk.get(f"/o/{COMMUNITY_CODE}/points/{POINT}/"))
    assert re.search(
        r"Newest value</dt><dd>until 1 Nov\.? 2026,? 04:00|Newest value</dt><dd>until 2026-11-01 04:00", point
    )


def test_the_member_is_told_in_his_wallet_and_sees_no_page(copy_of, sign_in):
    workspace = copy_of("imported")
    watch(at(workspace, 0), tell_member=True)
    put(at(workspace, 5), [1, 20])
    check(at(workspace, 5))
    member = sign_in(workspace, Role.MEMBER)
    number = POINTS[0].member_number
    page = member.get(f"/w/{COMMUNITY_CODE}/{number}/messages/").content.decode()
    assert "Something about your energy needs a look" in page
    assert "0.020 kWh, the limit is 0.010 kWh" in page
    assert member.get(BASE).status_code == 403
