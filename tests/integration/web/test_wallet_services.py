"""A member's keys and payments as services: what a device signs, with a key of this test in place of the browser's."""

import threading
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256

import pytest
from django.db import connections
from django.urls import reverse
from django.utils import translation

from keyed_phone import START, Phone, at, subject_of
from ogniwo.core.kernel.calendar import Month
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.ledger.canonical import encode
from ogniwo.core.ledger.signing import add_signature, sign
from ogniwo.core.ledger.transactions import Hold, Pay, RevokeKey, SetKeyLimits, Settle, Source, StopRecovery
from ogniwo.interfaces.web.templatetags.console import zl
from ogniwo.records.access.models import Grant
from ogniwo.records.audit.models import AuditEvent
from ogniwo.records.ledger.models import Commitment
from ogniwo.records.parties.models import Member
from ogniwo.services.access.roles import Role
from ogniwo.services.billing.pictures import transfer_code
from ogniwo.services.demo.sample import COMMUNITY_CODE
from ogniwo.services.demo.wallet import AMOUNT, MEMBERS, prepare_wallets
from ogniwo.services.ledger import devices, recovering, sending, wallets
from ogniwo.services.ledger.access import LedgerRefusedError, frame, key_store, open_ledger, point_path
from ogniwo.services.ledger.proving import prove_consistency, prove_transaction
from ogniwo.services.ledger.queries import account_view
from ogniwo.services.ledger.verifying import _claims
from ogniwo.services.wallet.bills import BillState, due_now, member_bill, member_bills
from ogniwo.services.workspace.queries import operator_subject

ANNA, JAN = MEMBERS[:2]


@pytest.fixture
def ready(copy_of):
    return at(copy_of("wallets"), 0)


@pytest.fixture
def anna(ready):
    return Phone(ready, ANNA).enrol()


def refusal_of(work, *arguments, **more):
    with pytest.raises(Refusal) as caught:
        work(*arguments, **more)
    return caught.value.code


def test_a_first_key_pays_a_neighbour_once_however_often_it_is_sent(ready, anna):
    jan = Phone(ready, JAN)
    taker = sending.find_taker(subject=anna.subject, number=" se-002 ")
    assert (taker.number, taker.account) == (JAN, jan.account)
    content = b'{"schema":"ogniwo.payment-text/1","text":"za drewno"}'
    salt = "ab" * 16
    commitment = sha256(bytes.fromhex(salt) + content).hexdigest()
    envelope = anna.paying(taker.account, 1_250, references=(commitment,))
    words = sending.PaymentText(salt=salt, text="za drewno")
    assert sending.place_of_transaction(ready, subject=anna.subject, envelope=envelope) is None
    first, again = anna.send(envelope, words=words), anna.send(envelope, words=words)
    assert (first.code, first.again) == ("accepted", False)
    assert (again.code, again.again, again.height) == ("accepted", True, first.height)
    assert (anna.has(), jan.has()) == (AMOUNT - 1_250, AMOUNT + 1_250)
    (got,) = wallets.wallet_history(ready, subject=jan.subject, limit=1)
    assert (got.amount, got.other_number, got.text, got.transaction) == (1_250, ANNA, "za drewno", first.transaction)
    (given,) = wallets.wallet_history(ready, subject=anna.subject, direction="out")
    assert (given.amount, given.other_number) == (-1_250, JAN)
    assert b'"receipt":1' in prove_transaction(ready, name=first.transaction)
    other = sending.PaymentText(salt=salt, text="za węgiel")
    assert refusal_of(anna.send, anna.paying(taker.account, 1, references=(commitment,)), words=other) == "wallet.text"
    assert AuditEvent.objects.filter(action="wallet.send").count() == 1
    listed = devices.devices_of(ready, subject=anna.subject).listed
    assert [(one.name, one.standing, one.last_use_s > 0) for one in listed] == [("Telefon", "works", True)]


def test_only_the_own_account_and_only_what_a_wallet_does(ready, anna):
    jan = Phone(ready, JAN).enrol()
    assert refusal_of(anna.send, jan.paying(anna.account, 1)) == "wallet.not_yours"
    assert refusal_of(anna.send, b"{}") == "ledger.schema"
    stolen = sign(
        encode(
            Pay(
                **frame(ready, account=anna.account),
                amount=1,
                sources=(Source(account=anna.account, asset="PLN/2", cap=0),),
                taker=jan.account,
            )
        ),
        keys=[jan.key],
    )
    assert anna.send(stolen).code == "ledger.foreign_key"
    assert anna.has() == AMOUNT
    assert refusal_of(sending.find_taker, subject=anna.subject, number=ANNA) == "tokens.member"
    assert refusal_of(wallets.transaction_of, ready, subject=anna.subject, name="0" * 64) == "wallet.no_transaction"
    operator_payment = anna.paying(jan.account, 1, account=anna.account.rpartition("/")[0])
    assert refusal_of(anna.send, operator_payment) == "wallet.not_yours"


def test_a_registration_is_signed_by_the_operator_only_as_offered(ready, anna):
    thief = Phone(ready, ANNA)
    assert refusal_of(thief.offer, "first") == "wallet.not_first"
    jan = Phone(ready, JAN)
    wrong = Phone(ready, JAN)
    for envelope in (
        sign(
            encode(
                Pay(
                    **frame(ready, account=jan.account),
                    amount=1,
                    sources=(Source(account=jan.account, asset="PLN/2", cap=0),),
                    taker=anna.account,
                )
            ),
            keys=[jan.key],
        ),
        add_signature(jan.offer("first"), wrong.key),
    ):
        assert refusal_of(devices.enrol_first, ready, subject=jan.subject, envelope=envelope, name="") == "wallet.key"
    assert refusal_of(devices.enrol_first, ready, subject=anna.subject, envelope=jan.offer("first"), name="") == (
        "wallet.key"
    )
    key = {"crv": "P-256", "kty": "EC", "x": "A" * 43, "y": "A" * 43}
    assert refusal_of(devices.offered_payload, ready, subject=jan.subject, key=key, way="first") == "ledger.public_key"
    devices.enrol_first(ready, subject=jan.subject, envelope=(envelope := jan.offer("first")), name="a")
    assert devices.enrol_first(ready, subject=jan.subject, envelope=envelope, name="b") == jan.kid


def test_a_further_device_is_let_in_by_the_one_there_and_a_revoked_one_is_refused(ready, anna):
    tablet = Phone(ready, ANNA)
    devices.keep_request(ready, subject=anna.subject, envelope=tablet.offer("further"), name="Tablet")
    (asked,) = devices.devices_of(ready, subject=anna.subject).requests
    assert (asked.kid, asked.name, asked.way) == (tablet.kid, "Tablet", "further")
    for _ in range(devices.REQUESTS_MAX - 1):
        more = Phone(ready, ANNA).offer("further")
        kid = devices.keep_request(ready, subject=anna.subject, envelope=more, name="")
    once_more = {"subject": anna.subject, "envelope": Phone(ready, ANNA).offer("further"), "name": ""}
    assert refusal_of(devices.keep_request, ready, **once_more) == "wallet.too_many_devices"
    for one in devices.requests_of(ready, subject=anna.subject):
        if one.kid != tablet.kid:
            devices.drop_request(ready, subject=anna.subject, kid=one.kid)
    assert refusal_of(devices.drop_request, ready, subject=anna.subject, kid=kid) == "wallet.no_request"
    assert anna.send(add_signature(asked.envelope.encode(), anna.key)).code == "accepted"
    shown = devices.devices_of(ready, subject=anna.subject)
    assert ({one.name for one in shown.listed}, shown.requests) == ({"Telefon", "Tablet"}, ())
    jan = Phone(ready, JAN)
    limits = ({"asset": "PLN/2", "per_day": 200, "per_transfer": 100},)
    assert tablet.send(tablet.signs(SetKeyLimits, kid=tablet.kid, limits=limits)).code == "accepted"
    assert tablet.send(tablet.paying(jan.account, 101)).code == "ledger.key_limit"
    assert tablet.send(anna.signs(RevokeKey, kid=tablet.kid)).code == "accepted"
    assert tablet.send(tablet.paying(jan.account, 1)).code == "ledger.key_not_active"
    devices.revoke_device(ready, subject=operator_subject(), kid=anna.kid)
    assert anna.send(anna.paying(jan.account, 1)).code == "ledger.key_not_active"
    assert anna.has() == AMOUNT
    assert refusal_of(devices.revoke_device, ready, subject=jan.subject, kid=tablet.kid) == "wallet.no_device"


def test_a_lost_phone_comes_back_by_two_people_after_three_days(ready, anna):
    devices.revoke_device(ready, subject=anna.subject, kid=anna.kid)
    fresh, office = Phone(ready, ANNA), operator_subject()
    assert devices.devices_of(ready, subject=anna.subject).way == "recover"
    devices.keep_request(ready, subject=anna.subject, envelope=fresh.offer("recover"), name="Nowy")
    assert recovering.agree(ready, subject=office, kid=fresh.kid, login="ewa") is False
    assert refusal_of(recovering.agree, ready, subject=office, kid=fresh.kid, login="ewa") == "wallet.same_person"
    assert recovering.agree(ready, subject=office, kid=fresh.kid, login="olga") is True
    shown = devices.devices_of(ready, subject=anna.subject)
    assert (shown.waiting.name, shown.waiting.due_s, shown.waiting.ripe) == ("Nowy", START + 72 * 3_600, False)
    assert refusal_of(recovering.finish_recovery, ready, subject=anna.subject) == LedgerRefusedError.code
    later = at(ready, 72 * 3_600)
    assert recovering.finish_recovery(later, subject=anna.subject) == fresh.kid
    fresh.workspace = later
    jan = Phone(later, JAN)
    assert fresh.send(fresh.paying(jan.account, recovering.FIRST_LIMITS.per_transfer + 1)).code == "ledger.key_limit"
    assert fresh.send(fresh.paying(jan.account, recovering.FIRST_LIMITS.per_transfer)).code == "accepted"
    recovering.lift_limits(later, subject=anna.subject, kid=fresh.kid)
    assert fresh.send(fresh.paying(jan.account, recovering.FIRST_LIMITS.per_transfer + 1)).code == "accepted"


def test_a_recovery_is_stopped_by_the_key_that_was_not_lost(ready, anna):
    thief, office = Phone(ready, ANNA), operator_subject()
    devices.keep_request(ready, subject=anna.subject, envelope=thief.offer("recover"), name="?")
    for login in ("ewa", "olga"):
        recovering.agree(ready, subject=office, kid=thief.kid, login=login)
    assert anna.send(anna.signs(StopRecovery, subject=anna.account)).code == "accepted"
    assert devices.devices_of(ready, subject=anna.subject).waiting is None
    assert refusal_of(recovering.finish_recovery, at(ready, 80 * 3_600), subject=anna.subject) == "wallet.no_device"


def test_two_phases_show_until_when_and_a_bill_is_paid_with_its_reference(ready, anna):
    jan = Phone(ready, JAN).enrol()
    until = int(START) + 86_400
    hold = anna.send(anna.signs(Hold, amount=4_000, asset="PLN/2", giver=anna.account, taker=jan.account, until=until))
    (row,) = wallets.wallet_view(ready, subject=jan.subject).holds
    assert (row.name, row.amount, row.incoming, row.until_s, row.open) == (hold.transaction, 4_000, True, until, True)
    assert anna.has() == AMOUNT - 4_000
    assert jan.send(jan.signs(Settle, amount=4_000, final=True, hold=hold.transaction)).code == "accepted"
    number = Commitment.objects.filter(kind="invoice").exclude(transaction_id="").values_list("natural_id", flat=True)
    own = next(one for one in number if _is_of(one, ANNA))
    bill = sending.payable_bill(subject=anna.subject, number=own)
    assert refusal_of(sending.payable_bill, subject=jan.subject, number=own) == "invoice.not_found"
    paid = anna.send(anna.paying(bill.taker.account, bill.amount, references=(bill.anchor,)))
    (found,) = wallets.paid_bills(ready, subject=anna.subject)[own]
    assert (found.amount, found.transaction) == (bill.amount, paid.transaction)
    assert wallets.wallet_history(ready, subject=anna.subject, limit=1)[0].bill == own
    assert _claims(ready)[1] == []


def test_a_bill_paid_in_part_shows_the_rest_and_paid_in_full_nothing(ready, anna, sign_in):
    names = Commitment.objects.filter(kind="invoice").exclude(transaction_id="").values_list("natural_id", flat=True)
    own = next(one for one in names if _is_of(one, ANNA))
    bill = sending.payable_bill(subject=anna.subject, number=own)
    member = sign_in(ready, Role.MEMBER)
    Grant.objects.filter(user=member.user).update(member=Member.objects.get(number=ANNA))

    def page(name, query="", **more):
        address = reverse(name, kwargs={"code": COMMUNITY_CODE, "number": ANNA, **more})
        return " ".join(member.get(f"{address}{query}").content.decode().split())

    def money(grosz):
        with translation.override("en"):
            return f"{zl(grosz)} zł"

    assert due_now(member_bills(ready, subject=anna.subject)).to_pay_grosz == bill.amount
    assert "Paid in tokens" not in page("wallet_bills_one", bill=own)
    first = anna.send(anna.paying(bill.taker.account, 1_000, references=(bill.anchor,)))
    left = bill.amount - 1_000
    (summary,) = member_bills(ready, subject=anna.subject)
    assert (summary.state, summary.paid_grosz, summary.left_grosz) == (BillState.OVERDUE, 1_000, left)
    assert f"<strong>{money(left)}</strong>" in page("wallet_home")
    said = f"{money(1_000)} is paid, {money(left)} is left,"
    assert said in page("wallet_bills")
    shown = page("wallet_bills_one", bill=own)
    assert said in shown
    assert f"?transaction={first.transaction}" in shown
    assert f'value="{money(left).removesuffix(" zł")}"' in page("wallet_tokens_send", f"?bill={own}")
    whole = member_bill(ready, number=own, subject=anna.subject, language="en")
    assert whole.code_svg == transfer_code(whole.document, amount_grosz=left)
    assert whole.code_svg != transfer_code(whole.document, amount_grosz=bill.amount)

    anna.send(anna.paying(bill.taker.account, left, references=(bill.anchor,)))
    (summary,) = member_bills(ready, subject=anna.subject)
    assert (summary.state, summary.left_grosz) == (BillState.PAID, 0)
    late = replace(ready, now=lambda: datetime(2027, 3, 1, tzinfo=UTC))
    assert member_bills(late, subject=anna.subject)[0].state == BillState.PAID
    assert "nothing is open" in page("wallet_home")
    assert own in page("wallet_bills", "?state=paid")
    assert own not in page("wallet_bills", "?state=open")
    assert "How to pay" not in page("wallet_bills_one", bill=own)
    again = anna.send(anna.paying(bill.taker.account, 300, references=(bill.anchor,)))
    assert again.code == "accepted"
    due = due_now(member_bills(ready, subject=anna.subject))
    assert (due.to_pay_grosz, due.to_receive_grosz) == (0, summary.credit_grosz + 300)
    assert due_now(member_bills(ready, subject=subject_of(JAN))).to_pay_grosz > 0


def _is_of(number, member):
    return not refusal_free(lambda: sending.payable_bill(subject=subject_of(member), number=number))


def refusal_free(work):
    try:
        work()
    except Refusal as refusal:
        return refusal.code
    return ""


def test_metering_tokens_tell_measured_from_estimated(ready):
    rows = wallets.metering_tokens(ready, subject=subject_of(ANNA), month=Month(2026, 10))
    held = account_view(ready, account=_point_account(ready, ANNA), subject=operator_subject()).balances
    assert {row.asset: row.measured_wh + row.other_wh for row in rows} == {one.asset: one.amount for one in held}
    assert all(row.days == 31 and row.last_day == "2026-10-31" for row in rows)
    estimated = [
        row
        for number in Member.objects.values_list("number", flat=True)
        for row in wallets.metering_tokens(ready, subject=subject_of(number), month=Month(2026, 10))
        if row.other_wh
    ]
    assert estimated, "the sample month has an estimated gap"


def _point_account(workspace, number):
    return point_path(Member.objects.get(number=number).points.select_related("organisation").first())


def test_reading_goes_on_and_paying_waits_while_another_writes(ready, anna):
    taker = Phone(ready, JAN).account
    with open_ledger(ready):
        assert anna.has() == AMOUNT
        assert prove_consistency(ready, older=_first_note(ready)).startswith(b'{"checkpoint_key"')
    held, free = threading.Event(), threading.Event()

    def another_writer():
        with open_ledger(ready):
            held.set()
            free.wait(20)

    writer = threading.Thread(target=another_writer)
    writer.start()
    held.wait(20)
    threading.Timer(0.5, free.set).start()
    assert anna.send(anna.paying(taker, 5)).code == "accepted"
    writer.join()
    connections["default"].close()


def test_a_payment_that_finds_no_room_says_so(ready, anna, monkeypatch):
    monkeypatch.setattr(sending, "WAIT_S", 0.2)
    envelope = anna.paying(Phone(ready, JAN).account, 5)
    with open_ledger(ready):
        assert refusal_of(anna.send, envelope) == "ledger.locked"
    assert anna.has() == AMOUNT
    assert anna.send(envelope).code == "accepted"


def _first_note(workspace):
    return min((workspace.root / "checkpoints").glob("*.txt")).read_text(encoding="utf-8")


def test_preparing_again_gives_nothing_more(ready):
    assert prepare_wallets(ready) == ()
    assert Phone(ready, ANNA).has() == AMOUNT


def test_the_keystore_holds_no_key_of_a_member(ready, anna):
    assert [name for name in key_store(ready).names() if "telefon" in name or ANNA.lower() in name] == []
