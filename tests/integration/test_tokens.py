"""The story of a local currency, by the commands: notice, issue, payment, hold, dispute, points, payout."""

import base64
import json
import subprocess
import sys
from itertools import count
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from ogniwo.core.ledger.canonical import encode
from ogniwo.interfaces.cli.main import Runtime, cli
from ogniwo.records.ledger.models import Commitment
from ogniwo.services.demo.sample import POINTS
from ogniwo.services.ledger.access import key_store, open_ledger
from ogniwo.services.ledger.rewarding import RebateFile

pytestmark = pytest.mark.xdist_group("tokens")
ANNA, JAN = POINTS[0], POINTS[1]
ROOT = Path(__file__).resolve().parents[2]


class Cli:
    """Runs commands on one workspace; `ok` gives what they print for machines, `no` the code of a refusal."""

    def __init__(self, workspace):
        self.workspace = workspace

    def run(self, *arguments):
        return CliRunner().invoke(
            cli,
            ["-w", str(self.workspace.root), *(str(one) for one in arguments)],
            obj=Runtime(prepare=lambda _folder: None),
        )

    def ok(self, *arguments):
        result = self.run(*arguments, "--json")
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    def name(self, *arguments):
        return self.ok(*arguments)["transaction"]

    def no(self, *arguments):
        result = self.run(*arguments)
        assert result.exit_code not in {0, 1}, result.output
        return result.stderr

    def has(self):
        """(member, asset) -> (balance, available)."""
        return {
            (one["member"], one["asset"]): (one["balance"], one["available"]) for one in self.ok("token", "balance")
        }


@pytest.fixture
def tokens(at_stage, tmp_path):
    """A workspace with a notice and two members' keys; payments are not switched on yet."""
    cli = Cli(at_stage("closed"))
    cli.notice = tmp_path / "notice.txt"
    cli.notice.write_text("Gmina i spółdzielnia zawiadamiają o żetonach.", encoding="utf-8")
    cli.ok("token", "key", ANNA.member_number, "--key", "anna")
    cli.ok("token", "key", JAN.member_number, "--key", "jan")
    return cli


@pytest.fixture
def on(tokens):
    """The same with payments switched on and 100.00 issued to the first member."""
    tokens.ok("token", "switch", "on", "--basis", "limited-network", "--notice", tokens.notice)
    tokens.ok("token", "issue", ANNA.member_number, "100.00")
    return tokens


def test_nothing_is_issued_before_payments_are_switched_on(tokens, tmp_path):
    assert "[tokens.off]" in tokens.no("token", "issue", ANNA.member_number, "100.00")
    empty = tmp_path / "empty.txt"
    empty.write_text(" \n", encoding="utf-8")
    switch = ("token", "switch", "on", "--basis", "limited-network", "--notice")
    assert "[tokens.notice]" in tokens.no(*switch, empty)
    assert "Invalid value for '--basis'" in tokens.no("token", "switch", "on", "--basis", "none", "--notice", empty)
    tokens.ok(*switch, tokens.notice)
    kept = Commitment.objects.get(kind="payment_notice")
    with open_ledger(tokens.workspace) as ledger, ledger.reading() as state:
        switched = state.switches["PLN/2"]
    assert (switched.notice, switched.basis, switched.active) == (kept.commitment, "limited-network", True)
    assert "żetonach" in json.loads(kept.payload)["text"]
    tokens.ok("token", "issue", ANNA.member_number, "100.00")


def test_paying_holding_and_settling_a_part(on):
    on.ok("token", "pay", JAN.member_number, "12.50", "--key", "anna")
    hold = on.name("token", "hold", JAN.member_number, "40.00", "--key", "anna", "--hours", "48")
    assert on.has()[ANNA.member_number, "PLN/2"] == (8_750, 4_750)
    assert "ledger.insufficient_balance" in on.no("token", "pay", JAN.member_number, "47.51", "--key", "anna")
    assert "ledger.hold_not_expired" in on.no("token", "void", hold, "--key", "anna")
    on.ok("token", "settle", hold, "15.00", "--key", "jan")
    on.ok("token", "settle", hold, "5.00", "--key", "jan", "--final")
    assert "ledger.unknown_hold" in on.no("token", "settle", hold, "0.01", "--key", "jan")
    assert on.has() == {
        (ANNA.member_number, "PLN/2"): (6_750, 6_750),
        (JAN.member_number, "PLN/2"): (3_250, 3_250),
    }
    other = on.name("token", "hold", JAN.member_number, "10.00", "--key", "anna")
    on.ok("token", "void", other, "--key", "jan")


def test_a_dispute_is_decided_by_a_third_party(on):
    hold = on.name("token", "hold", JAN.member_number, "40.00", "--key", "anna")
    on.ok("token", "dispute", hold, "--key", "anna", "--text", "Nie dostarczono drewna.")
    assert "ledger.disputed" in on.no("token", "settle", hold, "40.00", "--key", "jan")
    assert "ledger.not_permitted" in on.no("token", "resolve", hold, "--key", "jan", "--text", "moje")
    on.ok("token", "resolve", hold, "--amount", "10.00", "--text", "Dostarczono ćwierć.")
    assert on.has()[JAN.member_number, "PLN/2"] == (1_000, 1_000)
    assert json.loads(Commitment.objects.get(kind="dispute").payload)["text"] == "Nie dostarczono drewna."


def test_a_redemption_is_paid_out_with_its_bank_transfer(on):
    hold = on.name("token", "hold", "issuer", "60.00", "--key", "anna")
    assert "ledger.not_permitted" in on.no("token", "settle", hold, "60.00", "--key", "anna")
    on.ok("token", "redeem", hold, "60.00", "--transfer", "Wypłata 1/2026")
    assert on.has()[ANNA.member_number, "PLN/2"] == (4_000, 4_000)
    kept = Commitment.objects.get(kind="bank_transfer")
    assert json.loads(kept.payload) == {"schema": "ogniwo.bank-transfer/1", "hold": hold, "title": "Wypłata 1/2026"}


def test_switched_off_tokens_only_go_back(on):
    on.ok("token", "switch", "off", "--basis", "limited-network", "--notice", on.notice)
    assert "ledger.payments_off" in on.no("token", "pay", JAN.member_number, "1.00", "--key", "anna")
    assert "[tokens.off]" in on.no("token", "issue", ANNA.member_number, "1.00")
    hold = on.name("token", "hold", "issuer", "100.00", "--key", "anna")
    on.ok("token", "redeem", hold, "100.00", "--transfer", "Wypłata 2/2026")
    assert on.has() == {}


def test_points_for_evenings_are_earned_checked_and_spent_before_money(on, tmp_path):
    on.ok("invoice", "issue", "2026-10", "--date", "2026-11-05", "--due", "2026-11-19")
    on.ok("ledger", "post", "2026-10")
    the_payment_of_a_bill_leads_back_to_it(on, tmp_path)
    rule = ("--begins", "17:00", "--ends", "21:00", "--weekdays", "12345", "--per-kwh", "1.00", "--for", "shop")
    on.ok("token", "rule", "evening", *rule, "--valid-from", "2026-10-01", "--valid-to", "2026-12-31")
    assert "[tokens.rule]" in on.no(
        "token", "rule", "evening", *rule, "--valid-from", "2026-10-01", "--valid-to", "2026-12-31"
    )
    paper = tmp_path / "rebate.json"
    given = on.ok("token", "reward", "evening", "--point", ANNA.code, "--month", "2026-10", "--output", paper)
    assert given["amount"] == given["wh"] * 100 // 1_000 > 0
    assert given["days"] == 31
    again = on.no("token", "reward", "evening", "--point", ANNA.code, "--month", "2026-10")
    assert "[tokens.nothing_to_reward]" in again
    assert on.ok("token", "check", paper) == {"amount": given["amount"], "asset": "POINT/2", "passed": True}
    member = ANNA.member_number
    assert on.has()[member, "POINT/2"] == (given["amount"], given["amount"])
    sources = ("--from", "POINT/2:2.00", "--from", "PLN/2")
    assert "ledger.spend_code" in on.no("token", "pay", JAN.member_number, "5.00", "--key", "anna", *sources)
    wrong = ("--from", "PLN/2", "--from", "POINT/2", "--reason", "shop")
    assert "ledger.spend_order" in on.no("token", "pay", JAN.member_number, "5.00", "--key", "anna", *wrong)
    on.ok("token", "pay", JAN.member_number, "5.00", "--key", "anna", *sources, "--reason", "shop")
    assert on.has()[JAN.member_number, "POINT/2"] == (200, 200)
    assert on.has()[JAN.member_number, "PLN/2"] == (300, 300)
    forged(on, paper, given["wh"])
    on.ok("ledger", "verify", "--no-pictures")


def forged(on, paper, wh):
    """A member shown another salt, another sum or a document of another day sees it."""
    file = msgspec.json.decode(paper.read_bytes(), type=RebateFile)
    numbers = count()
    for change in (
        msgspec.structs.replace(file, salt="0" * 32),
        msgspec.structs.replace(file, rebate=msgspec.structs.replace(file.rebate, wh=wh - 1)),
        msgspec.structs.replace(file, rebate=msgspec.structs.replace(file.rebate, days=file.rebate.days[1:])),
    ):
        other = paper.with_name(f"forged-{next(numbers)}.json")
        other.write_bytes(encode(change))
        refusal = on.no("token", "check", other)
        assert "[tokens.rebate]" in refusal or "[ledger.bad_rebate]" in refusal


def test_a_welcome_credit_is_given_once_a_day(on):
    terms = ("--fixed", "20.00", "--asset", "WELCOME/2", "--valid-from", "2026-10-01", "--valid-to", "2027-12-31")
    on.ok("token", "rule", "welcome", *terms)
    reward = ("token", "reward", "welcome", "--member", JAN.member_number, "--day", "2026-11-06")
    assert on.ok(*reward)["amount"] == 2_000
    assert "ledger.already_rewarded" in on.no(*reward)
    assert on.has()[JAN.member_number, "WELCOME/2"] == (2_000, 2_000)


def test_wrong_use_is_refused_before_anything_happens(on):
    assert "[tokens.member]" in on.no("token", "pay", "NOBODY", "1.00", "--key", "anna")
    assert "[keystore.missing]" in on.no("token", "pay", JAN.member_number, "1.00", "--key", "nobody")
    key_store(on.workspace).create("fresh")
    assert "[tokens.key]" in on.no("token", "pay", JAN.member_number, "1.00", "--key", "fresh")
    for amount in ("0", "-1", "1.005", "zloty"):
        assert "Invalid value" in on.no("token", "pay", "--key", "anna", "--", JAN.member_number, amount)
    assert "not an asset" in on.no("token", "pay", JAN.member_number, "1", "--key", "anna", "--from", "PLN")
    assert "Usage" in on.no("token", "reward", "evening", "--point", ANNA.code)
    assert "Usage" in on.no("token", "rule", "r", "--valid-from", "2026-10-01", "--valid-to", "2026-10-02")


def the_payment_of_a_bill_leads_back_to_it(on, tmp_path):
    bill = Commitment.objects.filter(kind="invoice").order_by("natural_id").first()
    payment = ("token", "pay", JAN.member_number, "2.00", "--key", "anna", "--invoice")
    assert "[invoice.not_found]" in on.no(*payment, "FV/none")
    name = on.name(*payment, bill.natural_id)
    receipt = tmp_path / "payment.json"
    assert on.run("proof", "export", "--transaction", name, "--output", receipt).exit_code == 0
    signed = json.loads(receipt.read_bytes())["envelope"]["payload"]
    paid = json.loads(base64.urlsafe_b64decode(signed + "=" * (-len(signed) % 4)))
    assert (paid["op"], paid["references"]) == ("pay", [bill.transaction_id])
    checked = subprocess.run(
        [sys.executable, ROOT / "docs" / "check_receipt.py", receipt], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
    # What was paid goes back, so that the story continues with what it had.
    on.ok("token", "pay", ANNA.member_number, "2.00", "--key", "jan")
