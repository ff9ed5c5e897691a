"""A member's statement of tokens: balances around a period and every movement between them, as PDF, CSV and XLSX."""

import io
import json
from datetime import UTC, date, datetime
from hashlib import sha256
from http import HTTPStatus

import pytest
from django.urls import reverse
from pypdf import PdfReader

from keyed_phone import START, Phone, at, subject_of
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.formats.statement_pdf.render import UNPRINTABLE, languages, printable, statement_view
from ogniwo.interfaces.web.wallet import tokens
from ogniwo.services.access.roles import Role
from ogniwo.services.demo.sample import COMMUNITY_CODE
from ogniwo.services.demo.wallet import AMOUNT
from ogniwo.services.ledger import sending, statements, wallets
from ogniwo.services.ledger.statements import first_day, statement_pdf, token_statement

WORDS = "za drewno \N{GRINNING FACE}"
FIRST = date(2026, 11, 6)
"""The local day on which the stage was posted and its tokens issued."""
PAID = datetime.fromtimestamp(START, tz=UTC).date()


def address(name, **more):
    return reverse(f"wallet_{name}", kwargs={"code": COMMUNITY_CODE, "number": "SE-001"} | more)


@pytest.fixture
def site(copy_of):
    return copy_of("wallets")


@pytest.fixture
def paid(site):
    """The member's workspace after he paid a neighbour, with words that no font here has."""
    later = at(site, 0)
    anna = Phone(later, "SE-001").enrol()
    content = json.dumps({"schema": "ogniwo.payment-text/1", "text": WORDS}, ensure_ascii=False, separators=(",", ":"))
    salt = "ab" * 16
    commitment = sha256(bytes.fromhex(salt) + content.encode()).hexdigest()
    taker = sending.find_taker(subject=anna.subject, number="SE-002")
    taken = anna.send(
        anna.paying(taker.account, 1_250, references=(commitment,)), words=sending.PaymentText(salt=salt, text=WORDS)
    )
    return later, taken.transaction


def refusal_of(work, *arguments, **more):
    with pytest.raises(Refusal) as caught:
        work(*arguments, **more)
    return caught.value.code


def test_the_balances_are_the_ledgers_and_the_movements_lie_between_them(paid):
    workspace, transaction = paid
    subject = subject_of("SE-001")
    assert first_day(workspace) == FIRST
    whole = token_statement(workspace, subject=subject, first=FIRST, last=PAID)
    (money,) = whole.assets
    view = wallets.wallet_view(workspace, subject=subject)
    assert (money.opening, money.incoming, money.outgoing, money.closing) == (0, AMOUNT, -1_250, view.money.balance)
    assert [(row.amount, balance) for row, balance in money.rows] == [(AMOUNT, AMOUNT), (-1_250, AMOUNT - 1_250)]
    row, _ = money.rows[1]
    assert (row.other_number, row.text, row.transaction) == ("SE-002", WORDS, transaction)
    before = token_statement(workspace, subject=subject, first=FIRST, last=date(2026, 11, 21)).assets[0]
    after = token_statement(workspace, subject=subject, first=date(2026, 11, 7), last=PAID).assets[0]
    assert (before.closing, after.opening, after.closing) == (AMOUNT, AMOUNT, view.money.balance)
    assert [row.amount for row, _ in after.rows] == [-1_250]
    quiet = token_statement(workspace, subject=subject, first=date(2026, 11, 10), last=date(2026, 11, 12)).assets[0]
    assert (quiet.opening, quiet.closing, quiet.rows) == (AMOUNT, AMOUNT, ())
    assert token_statement(workspace, subject=subject, first=date(2026, 1, 1), last=date(2026, 1, 2)).assets == ()
    # Who has nothing gets an empty statement, and nobody's but his own.
    assert token_statement(workspace, subject=subject_of("SE-012"), first=FIRST, last=PAID).assets == ()


def test_bad_periods_and_too_many_movements_are_refused(paid, monkeypatch):
    workspace, _ = paid
    subject = subject_of("SE-001")
    asked = {"subject": subject, "first": date(2026, 11, 23), "last": date(2026, 11, 24)}
    assert refusal_of(token_statement, workspace, **asked) == "token_statement.period"
    assert refusal_of(token_statement, workspace, **asked | {"last": PAID}) == "token_statement.period"
    monkeypatch.setattr(statements, "MOVEMENTS_MAX", 1)
    whole = {"subject": subject, "first": FIRST, "last": PAID}
    assert refusal_of(token_statement, workspace, **whole) == "token_statement.too_long"


def test_movements_that_miss_the_balance_are_not_given_out(paid, monkeypatch):
    workspace, _ = paid
    monkeypatch.setattr(statements, "wallet_history", lambda *_, **__: ())
    asked = {"subject": subject_of("SE-001"), "first": FIRST, "last": PAID}
    assert refusal_of(token_statement, workspace, **asked) == "token_statement.disagrees"


@pytest.mark.parametrize(("language", "closing"), [("pl", "487,50 zł"), ("en", "487.50 zł")])
def test_the_pdf_says_it_in_the_language_and_carries_the_data(paid, language, closing):
    workspace, transaction = paid
    found = token_statement(workspace, subject=subject_of("SE-001"), first=FIRST, last=PAID)
    pdf = statement_pdf(found, language=language)
    assert pdf == statement_pdf(found, language=language)
    reader = PdfReader(io.BytesIO(pdf))
    text = "\n".join(page.extract_text() for page in reader.pages).replace("\N{NO-BREAK SPACE}", " ")
    words = languages()[language]
    for expected in (words["title"], words["closing"], closing, "SE-002 Gospodarstwo domowe 02", words["issued"]):
        assert expected in text
    assert transaction in text.replace("\n", "")
    assert words["cut"].partition(".")[0][:30] in text
    (attached,) = reader.attachments["wyciag.json"]
    data = json.loads(attached)
    assert data == json.loads(json.dumps(found.document))
    assert data["assets"][0]["rows"][1]["text"] == WORDS


def test_only_letters_that_the_fonts_have_are_printed():
    assert printable("Zażółć gęślą jaźń – „tak” 5 €\n\t2") == "Zażółć gęślą jaźń – „tak” 5 € 2"
    assert printable("a\N{GRINNING FACE}\N{RIGHT-TO-LEFT OVERRIDE}b\x00") == f"a{UNPRINTABLE * 2}b{UNPRINTABLE}"
    polish, english = languages()["pl"], languages()["en"]
    assert polish.keys() == english.keys()


def test_an_amount_of_any_scale_is_written_out():
    document = {
        "member": "1",
        "name": "",
        "organisation": "S",
        "account": "a",
        "network": "n",
        "time_s": 0,
        "height": 1,
        "first": "2026-10-01",
        "last": "2026-10-31",
        "assets": [
            {"asset": "KM/0", "kind": "marketing", "opening": 1_234_567, "incoming": 0, "outgoing": 0, "closing": 0}
            | {"rows": []}
        ],
    }
    (asset,) = statement_view(document, language="pl")["assets"]
    assert [value for _, value in asset["sums"]][:2] == ["1\u00a0234\u00a0567\u00a0KM", "0\u00a0KM"]
    assert statement_view(document, language="pl")["cut"] is False


def test_the_member_downloads_it_for_a_period_and_is_told_of_a_bad_one(paid, browser_of, monkeypatch):
    monkeypatch.setattr(tokens, "workspace", lambda: paid[0])
    member = browser_of(Role.MEMBER)
    page = member.get(address("tokens")).content.decode()
    assert 'type="date"' in page
    period = f"?from=2026-11-07&to={PAID}"
    pdf = member.get(address("tokens_statement", form="pdf") + period)
    assert (pdf.headers["Content-Type"], pdf.content[:5]) == ("application/pdf", b"%PDF-")
    assert f"tokens-SE-001-2026-11-07-{PAID}.pdf" in pdf.headers["Content-Disposition"]
    rows = member.get(address("tokens_statement", form="csv") + period).content.decode("utf-8-sig").splitlines()
    assert [row.split(",")[:5] for row in rows[1:]] == [
        ["2026-11-07", "PLN/2", "Opening balance", "", "50000"],
        ["2026-11-22 10:00", "PLN/2", "Movement", "-1250", "48750"],
        [str(PAID), "PLN/2", "Closing balance", "", "48750"],
    ]
    assert member.get(address("tokens_statement", form="xlsx")).content[:2] == b"PK"
    for bad in ("?from=2026-12-01", "?from=2026-11-20&to=2026-11-07", "?to=never", "?from=0001-01-01"):
        answer = member.get(address("tokens_statement", form="pdf") + bad)
        assert answer.status_code == HTTPStatus.FOUND
        assert "That is no period" in member.get(answer.headers["location"]).content.decode()
