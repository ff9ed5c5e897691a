"""A member disputes a payment in tokens: a reservation on the ledger with his key, one that was made in a message."""

from hashlib import sha256
from http import HTTPStatus

import pytest
from django.db import connections
from django.urls import reverse
from playwright.sync_api import expect

import browsing
from browsing import faults, serving
from keyed_phone import START, Phone, at, subject_of
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.ledger.transactions import Dispute, Hold, Settle
from ogniwo.records.access.models import Grant
from ogniwo.records.audit.models import AuditEvent
from ogniwo.records.messages.models import Message
from ogniwo.records.parties.models import Member
from ogniwo.services.access.roles import Role
from ogniwo.services.demo.sample import COMMUNITY_CODE
from ogniwo.services.ledger import wallets
from ogniwo.services.ledger.sending import PaymentText
from ogniwo.services.messages.queries import messages_of
from ogniwo.services.workspace.model import system_now
from ogniwo.services.workspace.operations import open_workspace
from records_database import copy_workspace, serve

ANNA, JAN, IDA = "SE-001", "SE-002", "SE-006"
SALT = "cd" * 16
WHY = "Drewno jest mokre, a miało być suche."


@pytest.fixture
def site(copy_of):
    return copy_of("wallets")


@pytest.fixture
def ready(site):
    return at(site, 0)


def address(page, **more):
    return reverse(f"wallet_{page}", kwargs={"code": COMMUNITY_CODE, "number": ANNA} | more)


def committed(text):
    document = f'{{"schema":"ogniwo.payment-text/1","text":"{text}"}}'.encode()
    return sha256(bytes.fromhex(SALT) + document).hexdigest()


def words(text):
    return PaymentText(salt=SALT, text=text)


def refusal_of(work, *arguments, **more):
    with pytest.raises(Refusal) as caught:
        work(*arguments, **more)
    return caught.value.code


def reserved(anna, jan):
    until = int(START) + 86_400
    fields = {"amount": 4_000, "asset": "PLN/2", "giver": anna.account, "taker": jan.account, "until": until}
    return anna.send(anna.signs(Hold, **fields)).transaction


def test_a_reservation_is_contested_by_its_giver_and_nobody_takes_it(ready, site, sign_in):
    anna, jan = Phone(ready, ANNA).enrol(), Phone(ready, JAN).enrol()
    hold = reserved(anna, jan)
    envelope = anna.signs(Dispute, hold=hold, text=committed(WHY))
    assert refusal_of(anna.send, envelope) == "wallet.text"
    assert refusal_of(anna.send, envelope, words=words("inne słowa")) == "wallet.text"
    short = anna.signs(Dispute, hold=hold, text=committed("no"))
    assert refusal_of(anna.send, short, words=words("no")) == "wallet.text"
    not_his = jan.signs(Dispute, hold=hold, text=committed(WHY))
    assert jan.send(not_his, words=words(WHY)).code == "ledger.not_authorised"
    assert not Message.objects.filter(kind="payment").exists()
    first, again = (anna.send(envelope, words=words(WHY), by="anna@x.example") for _ in range(2))
    assert (first.code, first.again, again.code, again.again) == ("accepted", False, "accepted", True)
    (row,) = wallets.wallet_view(ready, subject=anna.subject).holds
    assert (row.disputed, row.name) == (True, hold)
    assert jan.send(jan.signs(Settle, hold=hold, amount=4_000, final=True)).code == "ledger.disputed"
    told = Message.objects.get(kind="payment")
    assert (told.member.number, told.text, told.author) == (ANNA, WHY, "anna@x.example")
    assert (told.facts["hold"], told.facts["amount"], told.facts["transaction"]) == (hold, -4_000, first.transaction)
    assert messages_of(subject=jan.subject) == () or all(
        one.kind != "payment" for one in messages_of(subject=jan.subject)
    )
    clerk = sign_in(site, Role.CLERK)
    page = clerk.get(reverse("messages", kwargs={"code": COMMUNITY_CODE})).content.decode()
    assert WHY in page
    link = reverse("ledger_transaction", kwargs={"code": COMMUNITY_CODE, "name": first.transaction})
    assert link in page
    assert clerk.get(link).status_code == HTTPStatus.OK


def test_a_payment_that_was_made_is_disputed_in_words(ready, site, browser_of, sign_in):
    anna = Phone(ready, ANNA).enrol()
    paid = anna.send(anna.paying(Phone(ready, JAN).account, 1_250)).transaction
    member = browser_of(Role.MEMBER)
    assert member.get(address("tokens")).content.decode().count(address("tokens_payment", name=paid)) == 1
    page = member.get(address("tokens_payment", name=paid)).content.decode()
    for expected in ("-12.50 zł", "SE-002", paid):
        assert expected in page
    for _ in range(2):
        answer = member.post(address("tokens_payment", name=paid), {"text": WHY})
        assert answer.status_code == HTTPStatus.FOUND
    told = Message.objects.get(kind="payment")
    assert (told.facts["amount"], told.facts["other"][:6], told.facts["name"]) == (-1_250, "SE-002", paid)
    assert AuditEvent.objects.filter(action="messages.payment", target=ANNA).count() == 1
    assert WHY in member.get(address("tokens_payment", name=paid)).content.decode()
    assert "disputed" in member.get(address("tokens")).content.decode()
    assert "You disputed a payment" in member.get(address("messages")).content.decode()
    partner = sign_in(site, Role.PARTNER)
    assert "Dispute of a payment" in partner.get(reverse("messages", kwargs={"code": COMMUNITY_CODE})).content.decode()
    reply = {"text": "Sprawdzimy to z sąsiadem."}
    partner.post(reverse("answer_message", kwargs={"code": COMMUNITY_CODE, "message_id": told.pk}), reply)
    assert reply["text"] in member.get(address("tokens_payment", name=paid)).content.decode()
    assert wallets.wallet_view(ready, subject=anna.subject).money.available == 50_000 - 1_250, "nothing was moved back"


def test_only_ones_own_payments_and_with_a_reason(ready, site, browser_of, sign_in):
    anna = Phone(ready, ANNA).enrol()
    paid = anna.send(anna.paying(Phone(ready, JAN).account, 1)).transaction
    member = browser_of(Role.MEMBER)
    assert member.post(address("tokens_payment", name=paid), {"text": "no"}).status_code == HTTPStatus.CONFLICT
    stranger = sign_in(site, Role.MEMBER)
    Grant.objects.filter(user=stranger.user).update(member=Member.objects.get(number=IDA))
    there = address("tokens_payment", number=IDA, name=paid)
    assert stranger.get(there).status_code == HTTPStatus.NOT_FOUND
    assert stranger.post(there, {"text": WHY}).status_code == HTTPStatus.NOT_FOUND
    for name in ("0" * 64, "nothing"):
        assert member.get(address("tokens_payment", name=name)).status_code == HTTPStatus.NOT_FOUND
    assert not Message.objects.filter(kind="payment").exists()
    # His neighbour got it and may say that it is not right, too.
    assert wallets.transaction_of(ready, subject=subject_of(JAN), name=paid).name == paid


def test_a_phone_signs_the_dispute(web_stages, tmp_path):
    folder = copy_workspace(web_stages["wallets"], tmp_path / "site")
    serve(folder)
    workspace = open_workspace(root=folder, now=system_now)
    with serving(workspace) as base:
        phone = browsing.Phone(workspace, base, ANNA, tmp_path / "anna", workers=False).enrol()

        def work(page):
            phone.open(page, "tokens/send/")
            page.fill("#to", JAN)
            page.fill("#amount", "40")
            page.select_option("#when", "7")
            page.click("#to-review")
            page.wait_for_selector("#review:not([hidden])")
            page.click("#confirm")
            assert browsing.outcome(page) == "done"
            phone.open(page, "tokens/")
            page.locator("[data-contesting] summary").click()
            page.locator("[data-contest]").click()
            expect(page.locator("#said")).to_have_text("Napisz w kilku słowach, co jest nie tak.")
            wrong = faults(page, "tokens", sizes=(browsing.PHONE,))
            page.locator("[data-contesting] textarea").fill(WHY)
            page.locator("[data-contest]").click()
            page.wait_for_selector("#holds-title ~ ul .state.alarm")
            assert page.wrong == []
            return wrong

        assert phone.do(work) == []
    (row,) = wallets.wallet_view(workspace, subject=subject_of(ANNA)).holds
    assert row.disputed
    assert Message.objects.get(kind="payment").text == WHY
    connections["default"].close()
