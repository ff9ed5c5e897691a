"""Files in, quality as a map, estimates looked at, accepted for a reason, and the same again without harm."""

import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from ogniwo.records.audit.models import AuditEvent
from ogniwo.records.metering.models import SourceFile
from ogniwo.services.access.roles import Role
from ogniwo.services.demo.files import delivered_files, late_files
from ogniwo.services.demo.sample import COMMUNITY_CODE, MONTH
from ogniwo.services.jobs.worker import work
from ogniwo.services.metering import inbox
from ogniwo.services.metering.heat import heat_of_month
from ogniwo.services.metering.quality import check_month
from ogniwo.services.workspace.queries import operator_subject, organisation

BASE = f"/o/{COMMUNITY_CODE}"


def send(browser, *files, **fields):
    sent = [SimpleUploadedFile(name, data) for name, data in files]
    return browser.post(f"{BASE}/files/import/", {"files": sent, "do": "import", **fields})


def result_of(browser, workspace, answer):
    """What the page shows after the job of an answered form was run."""
    assert answer.status_code == 302, answer.content
    assert 'hx-trigger="every 1s"' in browser.get(answer.headers["location"]).content.decode()
    work(workspace, drain=True, scheduled=False)
    page = browser.get(answer.headers["location"]).content.decode()
    return page.split('id="result"')[1].split("</section>")[0]


def test_checked_imported_and_sent_again(copy_of, sign_in):
    workspace = copy_of("closed")
    clerk = sign_in(workspace, Role.CLERK, name="anna")
    (late,) = [(one.name, one.data) for one in late_files()]
    before = SourceFile.objects.count()
    checked = result_of(clerk, workspace, send(clerk, late, do="check"))
    assert "would be imported" in checked
    assert SourceFile.objects.count() == before
    assert "imported</span>" in result_of(clerk, workspace, send(clerk, late))
    assert SourceFile.objects.count() == before + 1
    assert AuditEvent.objects.filter(action="import.file").last().subject == clerk.user.username
    assert "was imported before" in result_of(clerk, workspace, send(clerk, late))
    assert SourceFile.objects.count() == before + 1
    assert 'id="result"' not in clerk.get(f"{BASE}/files/").content.decode()


def test_a_refused_file_says_the_row_and_does_not_stop_the_others(copy_of, sign_in):
    workspace = copy_of("closed")
    clerk = sign_in(workspace, Role.CLERK)
    (late,) = [(one.name, one.data) for one in late_files()]
    lines = late[1].decode().splitlines(keepends=True)
    lines[6] = lines[6].replace(".024", "many", 1)
    broken = (late[0].replace("_2.", "_3."), "".join(lines).encode())
    found = result_of(clerk, workspace, send(clerk, broken, late, ("notes.txt", b"hello")))
    assert found.count(">refused</span>") == 2
    assert "imported</span>" in found
    assert '<td class="number">7</td>' in found, "the row of the error is named"


def test_too_much_at_once_and_nothing_are_refused_before_reading(copy_of, sign_in, monkeypatch):
    clerk = sign_in(copy_of("closed"), Role.CLERK)
    assert b"import.no_file" in send(clerk).content
    monkeypatch.setattr(inbox, "FILE_BYTES_MAX", 10)
    answer = send(clerk, ("a.csv", b"01234567890"))
    assert answer.status_code == 409
    assert b"import.too_much_at_once" in answer.content
    for sizes in ([1] * (inbox.FILES_MAX + 1), [10] * 11):
        monkeypatch.setattr(inbox, "TOGETHER_BYTES_MAX", 100)
        with pytest.raises(inbox.TooMuchAtOnceError):
            inbox.require_sizes(sizes)


def test_an_auditor_sees_files_and_no_form(reader_of):
    auditor = reader_of(Role.AUDITOR)
    page = auditor.get(f"{BASE}/files/").content.decode()
    assert 'type="file"' not in page
    sha256 = re.search(r"/files/([0-9a-f]{64})/", page).group(1)
    assert sha256 in auditor.get(f"{BASE}/files/{sha256}/").content.decode()


def test_the_map_counts_what_the_check_counts(copy_of):
    workspace = copy_of("imported")
    community = organisation(code=COMMUNITY_CODE, subject=operator_subject())
    asked = {"organisation": community, "subject": operator_subject(), "month": MONTH}
    heat, quality = heat_of_month(workspace, **asked), check_month(workspace, **asked)
    missing = sum(one.slots - one.present for one in quality.channels)
    assert missing > 0
    assert sum(cell.missing for row in heat.rows for cell in row.cells) == missing
    assert {cell.state for row in heat.rows for cell in row.cells} >= {"full", "part"}
    assert len(heat.rows) == 40
    assert all(len(row.cells) == 31 for row in heat.rows)
    gaps = {row.point for row in heat.rows if any(cell.missing for cell in row.cells)}
    assert gaps == {one.point for one in quality.channels if one.present < one.slots}
    assert not any(row.billable for row in heat.rows if row.point in gaps)


def test_estimates_are_looked_at_and_accepted_for_a_reason(copy_of, sign_in):
    workspace = copy_of("imported")
    clerk = sign_in(workspace, Role.CLERK, name="anna")
    address = f"{BASE}/quality/?month=2026-10"
    before = workspace.series.head()
    page = clerk.get(f"{address}&preview=1").content.decode()
    assert "the month may not be billed yet" in page
    assert "Nothing is stored yet" in page
    foot = page.split("<tfoot>")[1].split("</tfoot>")[0]
    assert (foot.count("<td>kWh</td>"), foot.count("<td>kvarh</td>")) == (1, 1), (
        "reactive energy is not added to active"
    )
    assert workspace.series.head() == before
    refused = clerk.post(f"{BASE}/quality/accept/", {"reason": "  ok "})
    assert refused.status_code == 409
    assert b"quality.no_reason" in refused.content
    assert workspace.series.head() == before
    assert clerk.post(f"{BASE}/quality/accept/", {"reason": "the meter was replaced"}).status_code == 302
    assert workspace.series.head() != before
    after = clerk.get(address).content.decode()
    assert "the month may be billed" in after
    assert 'class="h-filled"' in after
    act = AuditEvent.objects.get(action="quality.accept")
    assert (act.subject, act.facts["reason"]) == (clerk.user.username, "the meter was replaced")


def test_delivered_files_fit_the_limits_of_the_page():
    inbox.require_sizes([len(one.data) for one in delivered_files()])
