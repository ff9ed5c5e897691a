"""What a member chooses: consents that are written down and obeyed, the language of documents, how pages look."""

import io
import json
import zipfile
from http import HTTPStatus

import pytest
from django.db import DatabaseError, transaction
from django.test import Client
from django.urls import reverse

from keyed_phone import subject_of
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.interfaces.web.registry import LOOKS_AS, LOOKS_UNTIL
from ogniwo.records.access.models import Grant
from ogniwo.records.audit.models import AuditEvent
from ogniwo.records.billing.models import InvoiceRecord
from ogniwo.records.messages.models import BillLetter, Consent, DocumentLanguage
from ogniwo.records.parties.models import Member
from ogniwo.services.access import looks
from ogniwo.services.access.roles import Role
from ogniwo.services.billing.access import document_pdf
from ogniwo.services.billing.mailing import Letter, letters_of, written
from ogniwo.services.demo.sample import COMMUNITY_CODE, MONTH
from ogniwo.services.parties import choices
from ogniwo.services.parties.choices import BILLS_BY_MAIL, COMPARISON, agrees, consent_texts, consents_of, say_consent
from ogniwo.services.wallet.export import export_member
from ogniwo.services.workspace.queries import operator_subject

OWN = "SE-004"
ALL = operator_subject()


@pytest.fixture
def site(copy_of):
    workspace = copy_of("posted")
    # What tests left that share the month this one was copied from.
    Grant.objects.filter(role=Role.MEMBER.value).delete()
    BillLetter.objects.all().delete()
    return workspace


@pytest.fixture
def member(site, sign_in):
    client = sign_in(site, Role.MEMBER)
    Grant.objects.filter(user=client.user).update(member=Member.objects.get(number=OWN))
    return client


def place(name, **more):
    return reverse(f"wallet_{name}", kwargs={"code": COMMUNITY_CODE, "number": OWN} | more)


def says(client, kind, said, version=1):
    return client.post(place("profile_consents"), {"kind": kind, "say": said, "version": version}, follow=True)


def test_every_word_is_kept_with_its_text_time_and_who(site, member):
    subject = subject_of(OWN)
    assert [one.given for one in consents_of(subject=subject)] == [None, None]
    assert "you have said nothing" in member.get(place("profile")).content.decode()
    for said in ("yes", "yes", "no", "no", "yes"):
        answer = says(member, BILLS_BY_MAIL, said)
        assert "Kept." in answer.content.decode()
    rows = list(Consent.objects.all())
    assert [(row.kind, row.given, row.version, row.by) for row in rows] == [
        (BILLS_BY_MAIL, given, 1, member.user.get_username()) for given in (True, False, True)
    ]
    assert {row.text for row in rows} == {consent_texts()[BILLS_BY_MAIL].en}
    assert {row.at for row in rows} == {site.now()}
    assert agrees(BILLS_BY_MAIL, subject=subject)
    assert not agrees(BILLS_BY_MAIL, subject=subject_of("SE-005"))
    logged = AuditEvent.objects.filter(action="consent.say", target=OWN)
    assert [row.facts["given"] for row in logged.order_by("id")] == [True, False, True]
    archive = zipfile.ZipFile(io.BytesIO(export_member(site, subject=subject, by="x")))
    assert [row["given"] for row in json.loads(archive.read("consents.json"))] == [True, False, True]


def test_the_database_changes_no_word(site):
    assert site is not None
    say_consent(site, subject=subject_of(OWN), kind=COMPARISON, given=True, version=1, language="pl", by="x")
    for change in (lambda: Consent.objects.update(given=False), lambda: Consent.objects.all().delete()):
        with pytest.raises(DatabaseError), transaction.atomic():
            change()
    assert Consent.objects.get().text == consent_texts()[COMPARISON].pl


def test_only_the_text_of_today_can_be_agreed_to(member, monkeypatch):
    assert "Read it again" in says(member, BILLS_BY_MAIL, "yes", version=2).content.decode()
    assert "Read it again" in says(member, "selling_my_data", "yes").content.decode()
    assert not Consent.objects.exists()
    says(member, BILLS_BY_MAIL, "yes")
    newer = {one.kind: one for one in consent_texts().values()}
    newer[BILLS_BY_MAIL] = choices.ConsentText(kind=BILLS_BY_MAIL, version=2, pl="inaczej", en="otherwise")
    monkeypatch.setattr(choices, "consent_texts", lambda: newer)
    page = member.get(place("profile")).content.decode()
    assert "The text has changed since you agreed" in page
    assert "otherwise" in page
    says(member, BILLS_BY_MAIL, "yes", version=2)
    assert [row.version for row in Consent.objects.all()] == [1, 2]
    assert "The text has changed since you agreed" not in member.get(place("profile")).content.decode()


def test_who_says_no_gets_no_bills_by_mail_and_who_says_nothing_gets_them_as_before(site, member):
    before = letters_of(subject=ALL, month=str(MONTH))
    bill = InvoiceRecord.objects.get(member__number=OWN)
    mine = Letter(number=bill.number, address=member.user.get_username())
    assert (before.waiting, before.declined) == ((mine,), ())
    says(member, BILLS_BY_MAIL, "no")
    after = letters_of(subject=ALL, month=str(MONTH))
    assert (after.waiting, after.declined) == ((), (OWN,))
    assert after.without == before.without
    says(member, BILLS_BY_MAIL, "yes")
    assert letters_of(subject=ALL, month=str(MONTH)) == before


def test_the_partner_sees_what_was_said(site, member, sign_in):
    says(member, BILLS_BY_MAIL, "no")
    clerk = sign_in(site, Role.CLERK)
    page = clerk.get(reverse("member", kwargs={"code": COMMUNITY_CODE, "number": OWN})).content.decode()
    assert "no consent, <time>2026-11-06</time> 10:00, text version 1" in page
    assert "nothing said" in page
    bills = clerk.get(reverse("bills", kwargs={"code": COMMUNITY_CODE}) + f"?month={MONTH}").content.decode()
    assert "Members who want none by e-mail" in bills


def test_documents_come_in_the_chosen_language_and_in_that_of_the_page_without_one(site, member):
    bill = InvoiceRecord.objects.get(member__number=OWN)
    subject = subject_of(OWN)
    polish, english = (document_pdf(site, number=bill.number, subject=subject, language=one) for one in ("pl", "en"))
    letter = Letter(number=bill.number, address="a@mail.example")

    def drawn():
        return [
            member.get(place("bills_pdf", bill=bill.number)).content,
            written(site, letter, subject=ALL).attachments[0].content,
        ]

    assert polish != english
    assert drawn() == [english, polish]
    for chosen, expected in (("en", [english, english]), ("pl", [polish, polish]), ("", [english, polish])):
        assert member.post(place("profile_documents"), {"documents": chosen}).status_code == HTTPStatus.FOUND
        assert drawn() == expected
    assert not DocumentLanguage.objects.exists()
    assert member.post(place("profile_documents"), {"documents": "de"}).status_code == HTTPStatus.CONFLICT
    changes = AuditEvent.objects.filter(action="member.document_language").order_by("id")
    assert [row.facts["after"] for row in changes] == ["en", "pl", ""]
    assert InvoiceRecord.objects.get(pk=bill.pk).digest == bill.digest


def test_the_look_follows_the_user_to_another_device(member):
    member.post(place("profile"), {"size": "larger", "contrast": "on"})
    other = Client(HTTP_HOST="127.0.0.1")
    other.force_login(member.user)
    for client in (member, other):
        assert 'class="wallet larger contrast"' in client.get(place("energy")).content.decode()
    other.post(place("profile"), {"size": "huge"})
    assert 'class="wallet"' in other.get(place("profile")).content.decode()


def test_who_helps_sees_and_says_nothing(site, member, sign_in):
    partner = sign_in(site, Role.PARTNER)
    session = partner.session
    session[LOOKS_AS], session[LOOKS_UNTIL] = f"{COMMUNITY_CODE}/{OWN}", int(site.now().timestamp()) + 60
    session.save()
    page = partner.get(place("profile"))
    assert page.status_code == HTTPStatus.OK
    assert "profile/consents/" not in page.content.decode()
    assert says(partner, BILLS_BY_MAIL, "yes").status_code == HTTPStatus.FORBIDDEN
    assert not Consent.objects.exists()
    with pytest.raises(Refusal):
        looks.choose_page_look(user_id=member.user.pk, size="huge", contrast=False)
