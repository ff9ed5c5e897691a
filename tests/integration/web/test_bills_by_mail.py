"""The bills of a month by e-mail: each document once to each address, whatever breaks off in between."""

import os
import subprocess
import sys
from http import HTTPStatus

import pytest
from django.apps import apps
from django.contrib.auth import get_user_model
from django.core import mail
from django.db import connection
from django.test import override_settings
from django.urls import reverse
from mail_server import HOST, MailServer, certificate, secured

from ogniwo.interfaces.web.templatetags.console import zl
from ogniwo.records.access.models import Grant
from ogniwo.records.audit.models import AuditEvent
from ogniwo.records.billing.models import InvoiceRecord
from ogniwo.records.jobs.models import Job
from ogniwo.records.messages.models import BillLetter
from ogniwo.records.parties.models import Member
from ogniwo.services.access.roles import Role
from ogniwo.services.billing.access import document_pdf
from ogniwo.services.demo.sample import COMMUNITY_CODE
from ogniwo.services.jobs import running
from ogniwo.services.jobs.asking import cancel_job, start_job
from ogniwo.services.jobs.queries import job_of
from ogniwo.services.workspace.queries import operator_subject

ALL = operator_subject()
IN_MEMORY = override_settings(EMAIL_BACKEND="django.core.mail.backends.locmem.EmailBackend")
NUMBERS = ("SE-001", "SE-002", "SE-003", "SE-004", "SE-025")


@pytest.fixture
def posted(copy_of, monkeypatch):
    monkeypatch.setattr(running, "RETRY_DELAYS_S", (0, 0, 0))
    workspace = copy_of("posted")
    # What tests left that share the month this one was copied from: guests, letters, work that nobody did.
    Grant.objects.filter(role=Role.MEMBER.value).delete()
    BillLetter.objects.all().delete()
    Job.objects.all().delete()
    apps.get_model("django_tasks_database", "DBTaskResult").objects.all().delete()
    for number in NUMBERS:
        let_in(workspace, number)
    return workspace


@pytest.fixture
def server_of():
    opened = []

    def made(**more):
        opened.append(MailServer(**more))
        return opened[-1]

    yield made
    for one in opened:
        one.close()


def let_in(workspace, number, login="", **more):
    member = Member.objects.get(number=number)
    login = login or f"{number.lower()}@mail.example"
    return Grant.objects.create(
        user=get_user_model().objects.create_user(login, login),
        organisation=member.organisation,
        role=Role.MEMBER.value,
        member=member,
        given_by="test",
        given_at=workspace.now(),
        **more,
    )


def bill_of(number):
    return InvoiceRecord.objects.get(member__number=number)


def asked(workspace):
    parameters = {"month": "2026-10"}
    return start_job(workspace, kind="mail_bills", organisation_code=COMMUNITY_CODE, parameters=parameters, by="anna")


def sent_through(server):
    return override_settings(
        EMAIL_BACKEND="django.core.mail.backends.smtp.EmailBackend",
        EMAIL_HOST=HOST,
        EMAIL_PORT=server.port,
        EMAIL_USE_TLS=False,
        EMAIL_TIMEOUT=20,
    )


def subjects(letters):
    return sorted(one["subject"].split()[1] for one in letters)


def expected(numbers=NUMBERS):
    return sorted(bill_of(number).number for number in numbers)


@IN_MEMORY
def test_a_click_sends_each_document_once_and_says_before_how_many(posted, sign_in, drain):
    mail.outbox = []
    let_in(posted, "SE-005", ended_at=posted.now())
    clerk = sign_in(posted, Role.CLERK)
    address = f"{reverse('bills', kwargs={'code': COMMUNITY_CODE})}?month=2026-10"
    page = clerk.get(address).content.decode()
    all_of_them = InvoiceRecord.objects.count()
    assert f"Send {len(NUMBERS)} documents by e-mail" in page
    assert f"<dt>Documents</dt><dd>{all_of_them}</dd>" in page
    assert "SE-005, SE-006" in page
    assert "No mail server is set up" not in page
    assert "By e-mail" not in sign_in(posted, Role.AUDITOR).get(address).content.decode()
    go = f"{reverse('mail_bills', kwargs={'code': COMMUNITY_CODE})}?month=2026-10"
    assert clerk.post(go).headers["location"] == clerk.post(go).headers["location"]
    drain(posted)
    assert subjects([{"subject": one.subject} for one in mail.outbox]) == expected()
    bill = bill_of("SE-001")
    (letter,) = (one for one in mail.outbox if one.to == ["se-001@mail.example"])
    assert f"Do zapłaty: {zl(bill.gross_grosz)} zł".replace(".", ",") in letter.body
    assert f"Termin: {bill.due_on}" in letter.body
    ((name, data, kind),) = letter.attachments
    assert (name, kind) == (f"{bill.number.replace('/', '-')}.pdf", "application/pdf")
    assert data == document_pdf(posted, number=bill.number, subject=ALL)
    acts = AuditEvent.objects.filter(action="bill.mail")
    assert sorted(acts.values_list("target", flat=True)) == expected()
    assert set(acts.values_list("subject", flat=True)) == {clerk.user.get_username()}
    done = clerk.post(go, follow=True)
    drain(posted)
    let_in(posted, "SE-001", "druga@mail.example")
    clerk.post(go)
    drain(posted)
    assert [one.to for one in mail.outbox[len(NUMBERS) :]] == [["druga@mail.example"]]
    assert done.status_code == HTTPStatus.OK
    result = Job.objects.latest("asked_at", "ended_at").result
    assert (result["now"], result["sent"], result["unclear"]) == (1, len(NUMBERS) + 1, [])
    assert len(result["without"]) == all_of_them - len(NUMBERS)
    assert "Everything that has an address was sent." in clerk.get(address).content.decode()


def test_a_worker_killed_while_a_letter_is_taken_sends_nothing_twice(posted, server_of, tmp_path):
    pem = certificate(tmp_path)
    server = server_of(tls=secured(pem))
    url = f"smtps://{HOST}:{server.port}"
    place = {"OGNIWO_WORKSPACE": str(posted.root), "OGNIWO_MAIL_URL": url, "SSL_CERT_FILE": str(pem)}
    command = [sys.executable, "-m", "ogniwo", "-w", str(posted.root), "jobs", "run", "--no-schedule", "--batch"]
    job = asked(posted)
    worker = subprocess.Popen(command, env={**os.environ, **place})
    server.on_letter = lambda count: (worker.kill(), worker.wait()) if count == 3 else None
    assert worker.wait(timeout=120) < 0
    assert job_of(job.id, subject=ALL).state.value == "running"
    assert BillLetter.objects.filter(sent_at=None).count() == 1
    subprocess.run([*command, "--lease", "3"], env={**os.environ, **place}, check=True, timeout=120)
    ended = job_of(job.id, subject=ALL)
    assert (ended.state.value, ended.error_code) == ("done", "")
    assert subjects(server.letters) == expected()
    assert ended.result["unclear"] == [server.letters[2]["subject"].split()[1]]
    assert ended.result["sent"] == len(NUMBERS) - 1
    pdf = next(server.letters[0].iter_attachments())
    assert pdf.get_content().startswith(b"%PDF")


def test_an_address_that_is_refused_holds_nobody_up_and_is_tried_again(posted, server_of, drain):
    server = server_of()
    server.refuses = {"se-002@mail.example"}
    with sent_through(server):
        asked(posted)
        drain(posted)
        first = Job.objects.latest("asked_at", "ended_at").result
        assert (first["sent"], first["refused"], first["unclear"]) == (4, expected(["SE-002"]), [])
        server.refuses = set()
        asked(posted)
        drain(posted)
    assert subjects(server.letters) == expected()


def test_a_cancelled_job_stops_and_the_next_one_sends_the_rest(posted, server_of, drain):
    server = server_of()
    job = asked(posted)

    def cancel(count):
        if count == 2:
            cancel_job(posted, job_id=job.id, subject=ALL, by="ewa")
            connection.close()

    server.on_letter = cancel
    with sent_through(server):
        drain(posted)
        assert job_of(job.id, subject=ALL).state.value == "cancelled"
        assert len(server.letters) == BillLetter.objects.exclude(sent_at=None).count() == 2
        asked(posted)
        drain(posted)
    assert subjects(server.letters) == expected()


def test_a_server_that_is_not_there_leaves_nothing_in_doubt(posted, server_of, drain):
    server = server_of()
    server.close()
    with sent_through(server):
        job = asked(posted)
        drain(posted)
    ended = job_of(job.id, subject=ALL)
    assert (ended.state.value, ended.attempts) == ("failed", 4)
    assert "ConnectionRefusedError" in ended.error_detail
    assert not BillLetter.objects.exists()
