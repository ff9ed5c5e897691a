"""What members and partners tell each other, readings that members take, and looking at a wallet for a reason."""

import io
import json
import zipfile
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from http import HTTPStatus

import msgspec
import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import translation

from ogniwo.core.kernel.periods import epoch_of
from ogniwo.interfaces.web.registry import LOOKS_UNTIL
from ogniwo.interfaces.web.templatetags.console import zl
from ogniwo.records.access.models import Grant
from ogniwo.records.audit.models import AuditEvent
from ogniwo.records.billing.models import InvoiceRecord
from ogniwo.records.messages.models import DeclaredReading, Message
from ogniwo.records.metering.models import RegisterState
from ogniwo.records.parties.models import Member, Organisation
from ogniwo.records.visibility import Subject
from ogniwo.series.model import NewCell
from ogniwo.services.access.inviting import invite
from ogniwo.services.access.roles import Role
from ogniwo.services.access.viewers import viewer_of
from ogniwo.services.billing.issuing import issue_invoices
from ogniwo.services.demo.sample import COMMUNITY_CODE, MONTH
from ogniwo.services.messages.operations import BadMessageError, ask, tell, write_notice
from ogniwo.services.messages.queries import messages_of, unread_count
from ogniwo.services.metering.declaring import (
    BackwardsReadingError,
    BadReadingError,
    ImplausibleReadingError,
    Seen,
    decide_reading,
    declare_reading,
    declared_readings,
    own_meters,
)
from ogniwo.services.settlement.closing import close_month
from ogniwo.services.settlement.queries import rate_book_of
from ogniwo.services.wallet.bills import due_now, member_bills

DAY = date(2026, 11, 10)


@pytest.fixture
def posted(copy_of):
    return copy_of("posted")


def subject_of(number):
    return Subject(Member.objects.get(number=number).organisation.path, number)


def own(workspace, sign_in, number):
    client = sign_in(workspace, Role.MEMBER)
    Grant.objects.filter(user=client.user).update(member=Member.objects.get(number=number))
    return client


def wallet(name, number, **more):
    return reverse(name, kwargs={"code": COMMUNITY_CODE, "number": number} | more)


def console(name, **more):
    return reverse(name, kwargs={"code": COMMUNITY_CODE} | more)


def with_counter():
    """A member with a register state, the state, and the subject he is."""
    state = RegisterState.objects.filter(obis="1-1:1.8.0*255").order_by("-epoch_s", "pk").first()
    return state, subject_of(state.point.member.number)


def test_issuing_a_bill_tells_the_member_once(posted):
    record = InvoiceRecord.objects.get(member__number="SE-033")  # whose messages no other test reads
    subject = subject_of(record.member.number)
    (told,) = messages_of(subject=subject)
    assert (told.kind, told.about, told.is_new) == ("bill", record.number, True)
    assert told.facts["due_on"] == "2026-11-20"
    tell(posted, member=record.member, kind="bill", about=record.number, facts={})
    assert unread_count(subject=subject) == 1
    assert Message.objects.filter(kind="bill").count() == InvoiceRecord.objects.count()


def test_the_database_refuses_what_the_system_says_twice(posted):
    first = Message.objects.first()
    with pytest.raises(IntegrityError), transaction.atomic():
        Message.objects.create(
            organisation=first.organisation,
            member=first.member,
            kind="bill",
            sender="system",
            at=posted.now(),
            about=first.about,
        )


def test_a_dispute_is_answered_and_read(posted, sign_in):
    number = "SE-003"
    bill = InvoiceRecord.objects.get(member__number=number).number
    member, clerk = own(posted, sign_in, number), sign_in(posted, Role.CLERK)
    page = wallet("wallet_bills_one", number, bill=bill)
    for _ in range(2):
        answer = member.post(wallet("wallet_bills_dispute", number, bill=bill), {"text": "Too much energy on the 5th."})
        assert answer.headers["location"] == page
    assert Message.objects.filter(kind="dispute").count() == 1
    shown = clerk.get(console("messages")).content.decode()
    assert "Too much energy on the 5th." in shown
    assert "waits for an answer" in shown
    message = Message.objects.get(kind="dispute")
    clerk.post(console("answer_message", message_id=message.pk), {"text": "We look at the day again."})
    assert "We look at the day again." in member.get(page).content.decode()
    assert unread_count(subject=subject_of(number)) == 2, "the bill and the answer"
    member.post(wallet("wallet_messages_read", number))
    assert unread_count(subject=subject_of(number)) == 0
    member.post(wallet("wallet_messages_answer", number, message_id=message.pk), {"text": "Thank you very much."})
    assert "Thank you very much." in clerk.get(console("messages")).content.decode()
    acts = set(AuditEvent.objects.filter(action__startswith="messages.").values_list("action", flat=True))
    assert acts == {"messages.dispute", "messages.answer"}


def test_nobody_disputes_or_answers_for_another(posted, sign_in):
    member = own(posted, sign_in, "SE-003")
    foreign = InvoiceRecord.objects.get(member__number="SE-004").number
    answer = member.post(wallet("wallet_bills_dispute", "SE-003", bill=foreign), {"text": "not mine at all"})
    assert answer.status_code == HTTPStatus.NOT_FOUND
    ask(posted, subject=subject_of("SE-004"), text="a question", by="x")
    message = Message.objects.get(kind="complaint")
    address = wallet("wallet_messages_answer", "SE-003", message_id=message.pk)
    assert member.post(address, {"text": "hello there"}).status_code == HTTPStatus.NOT_FOUND
    assert "a question" not in member.get(wallet("wallet_messages", "SE-003")).content.decode()


def test_a_notice_goes_to_all_or_to_one(posted, sign_in):
    clerk = sign_in(posted, Role.CLERK)
    given = {"kind": "price", "title": "New price", "text": "From January 0.45 zł."}
    for _ in range(2):
        clerk.post(console("write_notice"), given)
    clerk.post(console("write_notice"), given | {"member": "SE-003", "title": "For you alone"})
    assert Message.objects.filter(sender="partner").count() == 2
    titles = {number: {one.title for one in messages_of(subject=subject_of(number))} for number in ("SE-003", "SE-004")}
    assert {"New price", "For you alone"} <= titles["SE-003"]
    assert "For you alone" not in titles["SE-004"]
    assert "New price" in own(posted, sign_in, "SE-004").get(wallet("wallet_community", "SE-004")).content.decode()
    elsewhere = Subject(Organisation.objects.get(code="inna").path, "X")
    assert messages_of(subject=elsewhere) == ()
    assert clerk.post(console("write_notice"), given | {"member": "XX"}).status_code == HTTPStatus.NOT_FOUND
    assert clerk.post(console("write_notice"), given | {"kind": "bill"}).status_code == HTTPStatus.CONFLICT
    auditor = sign_in(posted, Role.AUDITOR)
    assert auditor.post(console("write_notice"), given).status_code == HTTPStatus.FORBIDDEN


def test_a_notice_repeated_on_the_same_local_day_is_one(posted):
    """Half an hour after midnight in Warsaw it is still the day before at Greenwich."""
    given = {"kind": "notice", "title": "t", "text": "a text", "member_number": "", "by": "x"}
    place = Organisation.objects.get(code=COMMUNITY_CODE)
    times = [
        datetime(2026, 11, day, *at, tzinfo=UTC) for day, at in ((5, (23, 30)), (5, (23, 40)), (6, (8,)), (6, (23, 10)))
    ]
    for time in times:
        write_notice(replace(posted, now=lambda time=time: time), organisation=place, subject=Subject("/"), **given)
    told = Message.objects.filter(sender="partner").order_by("at").values_list("at", flat=True)
    assert list(told) == [times[0], times[3]]


@pytest.mark.parametrize("text", ["", "    ", "no", "x" * 4001])
def test_a_message_needs_a_text(posted, text):
    with pytest.raises(BadMessageError):
        ask(posted, subject=subject_of("SE-003"), text=text, by="x")
    with pytest.raises(BadMessageError):
        write_notice(
            posted,
            organisation=Organisation.objects.get(code=COMMUNITY_CODE),
            subject=Subject("/"),
            kind="notice",
            title="t",
            text=text,
            member_number="",
            by="x",
        )
    assert not Message.objects.filter(sender__in=("member", "partner")).exists()


def test_the_band_follows_from_what_was_metered(posted):
    state, subject = with_counter()
    (meter,) = own_meters(posted, subject=subject)
    register = next(one for one in meter.registers if one.obis == state.obis)
    assert register.value_e3 == state.value_e3
    band = register.band
    assert band.low_e3 <= band.expected_e3 <= band.high_e3
    assert band.low_e3 >= state.value_e3
    days = (posted.now().date() - datetime.fromtimestamp(state.epoch_s, tz=UTC).date()).days
    assert 0 <= days < 10
    series = posted.series.day_sums(point=state.point.code, channel="1.29.0", month=MONTH)
    daily = int(series.wh.sum()) // 31 // state.multiplier
    assert abs(band.expected_e3 - state.value_e3 - daily * days) <= daily * 2
    assert band.basis == "average"


def test_a_reading_waits_is_accepted_and_changes_no_interval(posted, sign_in):
    state, subject = with_counter()
    number = subject.member_number
    member = own(posted, sign_in, number)
    (meter,) = own_meters(posted, subject=subject)
    band = next(one.band for one in meter.registers if one.obis == state.obis)
    head = posted.series.head()
    form = {"point": state.point.code, "obis": state.obis, "at": "2026-11-06T08:00"}
    form["value"] = f"{band.expected_e3 // 1000},{band.expected_e3 % 1000:03d}"
    for _ in range(2):
        assert member.post(wallet("wallet_meters", number), form).status_code == HTTPStatus.FOUND
    (declared,) = declared_readings(subject=subject)
    assert (declared.state, declared.value_e3, declared.plausible) == ("waiting", band.expected_e3, True)
    assert not RegisterState.objects.filter(origin="manual").exists(), "nothing counts before somebody accepts it"
    clerk = sign_in(posted, Role.CLERK)
    assert "1 waits" in clerk.get(console("quality")).content.decode()
    decide = console("decide_reading", reading_id=declared.reading_id)
    assert sign_in(posted, Role.AUDITOR).post(decide, {"decision": "accept"}).status_code == HTTPStatus.FORBIDDEN
    clerk.post(decide, {"decision": "accept"})
    kept = RegisterState.objects.get(origin="manual")
    assert (kept.value_e3, kept.multiplier, kept.meter_serial) == (
        band.expected_e3,
        state.multiplier,
        declared.meter,
    )
    assert clerk.post(decide, {"decision": "refuse", "reason": "late"}).status_code == HTTPStatus.CONFLICT
    assert posted.series.head() == head
    assert {one.kind for one in messages_of(subject=subject)} == {"bill", "reading"}
    assert "accepted" in member.get(wallet("wallet_meters", number)).content.decode()


def test_a_reading_outside_the_band_is_asked_again(posted, sign_in):
    state, subject = with_counter()
    member = own(posted, sign_in, subject.member_number)
    form = {"point": state.point.code, "obis": state.obis, "at": "2026-11-06T08:00", "value": "999999"}
    answer = member.post(wallet("wallet_meters", subject.member_number), form)
    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert "Look at the counter again" in answer.content.decode()
    assert not DeclaredReading.objects.exists()
    assert member.post(wallet("wallet_meters", subject.member_number), form | {"sure": "1"}).status_code == 302
    assert not declared_readings(subject=subject)[0].plausible


def test_readings_that_cannot_be_are_refused(posted):
    state, subject = with_counter()
    at = datetime(2026, 11, 6, 7, tzinfo=UTC)
    seen = {"point": state.point.code, "obis": state.obis, "value": "999999", "at": at}

    def declare(**changed):
        declare_reading(posted, Seen(**(seen | changed)), subject=subject, sure=False, by="x")

    with pytest.raises(BackwardsReadingError):
        declare(value="1")
    with pytest.raises(ImplausibleReadingError):
        declare()
    for wrong in (
        {"value": "12,3456"},
        {"value": "-1"},
        {"value": "many"},
        {"value": "1" * 30},
        {"at": at + timedelta(days=1)},
        {"obis": "1-1:9.9.9*255"},
        {"point": "590999772600000032"},
    ):
        with pytest.raises(BadReadingError):
            declare(**wrong)
    assert not DeclaredReading.objects.exists()


def test_a_refused_reading_says_why(posted):
    state, subject = with_counter()
    at = datetime(2026, 11, 6, 7, tzinfo=UTC)
    seen = Seen(point=state.point.code, obis=state.obis, value="999999", at=at)
    declare_reading(posted, seen, subject=subject, sure=True, by="x")
    (one,) = declared_readings(subject=Subject("/"))
    partner = Subject(subject.path)
    with pytest.raises(Exception, match="say why"):
        decide_reading(posted, subject=partner, reading_id=one.reading_id, accept=False, reason="", by="p")
    decide_reading(posted, subject=partner, reading_id=one.reading_id, accept=False, reason="wrong meter", by="p")
    (after,) = declared_readings(subject=subject)
    assert (after.state, after.reason) == ("refused", "wrong meter")
    assert not RegisterState.objects.filter(origin="manual").exists()
    assert epoch_of(at) == after.epoch_s


def test_looking_needs_a_reason_lasts_half_an_hour_and_is_told(posted, sign_in):
    number = "SE-003"
    partner, clerk = sign_in(posted, Role.PARTNER), sign_in(posted, Role.CLERK)
    look = console("wallet_act_as", number=number)
    assert clerk.post(look, {"reason": "the member asked"}).status_code == HTTPStatus.FORBIDDEN
    assert partner.post(look, {"reason": "  "}).status_code == HTTPStatus.CONFLICT
    assert partner.get(wallet("wallet_home", number)).status_code == HTTPStatus.FORBIDDEN
    assert partner.post(look, {"reason": "the member asked"}).headers["location"] == wallet("wallet_home", number)
    assert partner.get(wallet("wallet_bills", number)).status_code == HTTPStatus.OK
    assert partner.get(wallet("wallet_bills", "SE-004")).status_code == HTTPStatus.FORBIDDEN
    for page in ("wallet_messages_read", "wallet_messages", "wallet_meters", "wallet_profile"):
        assert partner.post(wallet(page, number), {"text": "not as him"}).status_code == HTTPStatus.FORBIDDEN
    shown = own(posted, sign_in, number).get(wallet("wallet_profile", number)).content.decode()
    assert "the member asked" in shown
    kept = partner.session
    kept[LOOKS_UNTIL] = int(posted.now().timestamp())
    kept.save()
    assert partner.get(wallet("wallet_home", number)).status_code == HTTPStatus.FORBIDDEN, "the time is over"
    partner.post(look, {"reason": "once more"})
    assert partner.post(reverse("wallet_act_as_end")).headers["location"] == console("member", number=number)
    assert partner.get(wallet("wallet_home", number)).status_code == HTTPStatus.FORBIDDEN
    acts = list(AuditEvent.objects.filter(target=number).order_by("id").values_list("action", flat=True))
    assert acts == ["access.look", "access.look", "access.look_end"]


def test_an_invited_member_arrives_at_the_welcome(posted, sign_in):
    partner = sign_in(posted, Role.PARTNER)
    who = viewer_of(partner.user.pk, partner.user.get_username())
    secret = invite(posted, viewer=who, code=COMMUNITY_CODE, role=Role.MEMBER, member_number="SE-003")
    newcomer = sign_in(posted, Role.MEMBER)
    Grant.objects.filter(user=newcomer.user).delete()
    answer = newcomer.post(reverse("join", kwargs={"secret": secret}), follow=True)
    assert answer.redirect_chain[-1][0] == wallet("wallet_welcome", "SE-003")
    assert "Welcome" in answer.content.decode()
    assert newcomer.get(wallet("wallet_home", "SE-003")).status_code == HTTPStatus.OK


def test_everything_of_a_member_and_nothing_else_is_in_his_file(posted, sign_in):
    number = "SE-025"
    member = own(posted, sign_in, number)
    archive = zipfile.ZipFile(io.BytesIO(member.get(wallet("wallet_export", number)).content))
    names = set(archive.namelist())
    record = InvoiceRecord.objects.get(member__number=number)
    assert f"bills/{record.number.replace('/', '-')}.json" in names
    assert json.loads(archive.read("member.json"))["number"] == number
    assert json.loads(archive.read("messages.json"))[0]["about"] == record.number
    rows = archive.read("intervals/2026-10.csv").decode().splitlines()
    assert {row.split(",")[0] for row in rows[1:]} == {record.member.points.get().code}
    assert len(rows) > 2 * 744
    everything = b"".join(archive.read(name) for name in names).decode()
    for other in Member.objects.exclude(number=number):
        assert f'"{other.number}"' not in everything
    assert AuditEvent.objects.filter(action="member.export", target=number).count() == 1


def test_a_member_chooses_how_his_pages_look(posted, sign_in):
    member = own(posted, sign_in, "SE-003")
    member.post(wallet("wallet_profile", "SE-003"), {"size": "large", "contrast": "on"})
    assert '<body class="wallet large contrast">' in member.get(wallet("wallet_home", "SE-003")).content.decode()
    member.post(wallet("wallet_profile", "SE-003"), {"size": "enormous"})
    assert '<body class="wallet">' in member.get(wallet("wallet_home", "SE-003")).content.decode()


def test_a_member_is_compared_only_when_he_wants(posted, sign_in):
    member = own(posted, sign_in, "SE-003")
    page = wallet("wallet_community", "SE-003")
    assert "on average" not in member.get(page).content.decode()
    member.post(page, {"compare": "on"})
    assert "on average" in member.get(page).content.decode()


def test_a_bill_says_why_in_the_language_of_the_page(posted, sign_in):
    number = "SE-003"
    bill = InvoiceRecord.objects.get(member__number=number).number
    member = own(posted, sign_in, number)
    page = wallet("wallet_bills_one", number, bill=bill)
    english = member.get(page).content.decode()
    assert "For the days: 1–31 October 2026." in english
    assert "Dotyczy dni" not in english
    polish = member.get(page, headers={"accept-language": "pl"}).content.decode()
    assert "Dotyczy dni: 1–31 października 2026." in polish


def test_a_correction_shows_old_new_and_difference(posted, sign_in):
    number, community = "SE-025", Organisation.objects.get(code=COMMUNITY_CODE)
    first = InvoiceRecord.objects.get(member__number=number)
    point = Member.objects.get(number=number).points.get().code
    series = posted.series.read(point=point, channel="1.29.0", month=MONTH)
    wh = series.wh.copy()
    wh[100:200] += 300
    cell = NewCell(point=point, channel="1.29.0", grid=series.grid, wh=wh, quality=series.quality, reason="late data")
    posted.series.commit([cell], known_at=posted.now(), source="test", author="test")
    close_month(posted, community=community, month=MONTH, book=rate_book_of(posted))
    issue_invoices(posted, community=community, month=MONTH, issue_date=DAY, due_date=DAY + timedelta(days=14))
    correction = InvoiceRecord.objects.get(member__number=number, corrects=first)
    member = own(posted, sign_in, number)
    page = member.get(wallet("wallet_bills_one", number, bill=correction.number)).content.decode()
    with translation.override("en"):
        assert f'<td class="number">{zl(correction.gross_grosz)}</td>' in page
    assert "What was corrected" in page
    office = sign_in(posted, Role.CLERK)
    desk = office.get(reverse("bill", kwargs={"code": COMMUNITY_CODE, "number": correction.number})).content.decode()
    start = desk.index("What was corrected")
    assert correction.corrects.number in desk[start:]
    assert msgspec.json.decode(correction.document)["reason"] in desk[start:]
    table = page[page.index("<caption", page.index("What was corrected")) :].partition("</table>")[0]
    assert table in desk
    plain = office.get(reverse("bill", kwargs={"code": COMMUNITY_CODE, "number": first.number})).content.decode()
    assert "What was corrected" not in plain
    old = member.get(wallet("wallet_bills_one", number, bill=first.number)).content.decode()
    assert "This bill was corrected by" in old
    due = due_now(member_bills(posted, subject=subject_of(number)))
    assert due.to_pay_grosz == first.gross_grosz + correction.gross_grosz > first.gross_grosz
    assert messages_of(subject=subject_of(number))[0].kind == "correction"
