"""Payment tokens against the limits of law, by the command, on a ledger with movements over the limits."""

import csv
import io
import json
from datetime import date, timedelta

import pytest
from click.testing import CliRunner

from ogniwo.core.kernel.calendar import local_day
from ogniwo.interfaces.cli.main import Runtime, cli
from ogniwo.records.audit.models import AuditEvent
from ogniwo.services.demo.sample import COMMUNITY_CODE, POINTS
from ogniwo.services.ledger.access import open_ledger
from ogniwo.services.ledger.thresholds import known_limits

pytestmark = pytest.mark.xdist_group("tokens")
ANNA, JAN = POINTS[0].member_number, POINTS[1].member_number


@pytest.fixture
def run(at_stage, tmp_path):
    """Runs commands on a workspace with the token switched on, 10 000.00 issued and 4 300.00 and 3 900.00 paid on."""
    workspace = at_stage("closed")

    def command(*arguments, language="en"):
        prepared = Runtime(prepare=lambda _folder: None)
        options = ["-w", str(workspace.root), "--language", language]
        return CliRunner().invoke(cli, [*options, *(str(one) for one in arguments)], obj=prepared)

    notice = tmp_path / "notice.txt"
    notice.write_text("Zawiadomienie.", encoding="utf-8")
    for arguments in (
        ("key", ANNA, "--key", "anna"),
        ("switch", "on", "--basis", "limited-network", "--notice", notice),
        ("issue", ANNA, "10000.00"),
        ("pay", JAN, "4300.00", "--key", "anna"),
        ("pay", JAN, "3900.00", "--key", "anna"),
        ("pay", "issuer", "1800.00", "--key", "anna"),
    ):
        result = command("token", *arguments)
        assert result.exit_code == 0, result.output
    with open_ledger(workspace) as ledger:
        command.day = local_day(ledger.head().time_s)
    return command


def asked(run, *options, eur="4.25", earlier=0, language="en"):
    day = run.day - timedelta(days=earlier)
    return run("token", "thresholds", COMMUNITY_CODE, "--on", day, "--eur", eur, *options, language=language)


def test_the_report_measures_and_says_which_limits_are_passed(run):
    _measured(run)
    _at_other_rates(run)
    _in_polish_and_logged(run)
    _of_other_days(run)


def _measured(run):
    """Amounts, limits, findings; the exit code says that a limit is passed."""
    result = asked(run, "--json")
    assert result.exit_code == 3, result.output
    report = json.loads(result.stdout)
    (one,) = report["assets"]
    amounts = one["amounts"]
    assert (report["last"], one["basis"]) == (run.day.isoformat(), "limited-network")
    assert 364 <= (run.day - date.fromisoformat(report["first"])).days <= 365
    assert (amounts["issued"], amounts["paid"], amounts["redeemed"]) == (1_000_000, 1_000_000, 0)
    assert (amounts["outstanding"], amounts["holders"], amounts["accepting"]) == (820_000, 1, 2)
    limits = {row["id"]: row for row in one["limits"]}
    notify = limits["limited-network.notify"]
    assert (notify["measured"], notify["limit"], notify["percent"], notify["passed"]) == (
        1_000_000,
        425_000_000,
        0,
        False,
    )
    transfer = limits["aml.transfer"]
    assert (transfer["measured"], transfer["limit"], transfer["passed"]) == (1_000_000, 425_000, True)
    assert not notify["confirmed"]
    assert (limits["aml.occasional"]["measured"], limits["aml.occasional"]["member"]) == (1_000_000, ANNA)
    assert (limits["aml.e-money-stored"]["applies"], limits["aml.e-money-stored"]["passed"]) == (False, False)
    assert ("aml.occasional-eu" in limits) == (run.day >= date(2027, 7, 10))
    codes = {(finding["code"], finding["column"]) for finding in one["findings"]}
    assert ("thresholds.single", ANNA) in codes
    assert ("thresholds.in_and_out", ANNA) in codes
    assert ("thresholds.first_day", JAN) in codes
    assert not any(code == "thresholds.split" for code, _ in codes)


def _at_other_rates(run):
    """Two payments just below a limit are seen; at a high rate nothing is passed."""
    result = asked(run, "--csv", eur="4.5")
    assert result.exit_code == 3, "the issue of 10 000 is above 4 500 zł"
    rows = {row["id"]: row for row in csv.DictReader(io.StringIO(result.stdout))}
    assert rows["aml.transfer"]["limit"] == "450000"
    assert "thresholds.split" in result.stderr
    quiet = asked(run, eur="12")
    assert quiet.exit_code == 0, quiet.output
    assert "thresholds" not in quiet.stderr


def _in_polish_and_logged(run):
    result = asked(run, language="pl")
    assert "PRZEKROCZONY" in result.stdout
    assert "powiadom KNF" in result.stdout
    assert "NIEpotwierdzone" in result.stdout
    assert "Pojedyncze operacje konta przekraczają próg ustawowy." in result.stderr
    row = AuditEvent.objects.filter(action="token.thresholds").last()
    assert (row.target, row.facts["eur"]) == (COMMUNITY_CODE, 42_500)


def _of_other_days(run):
    """Before the first movement there is nothing; a day to come is refused."""
    earlier = asked(run, "--json", earlier=2)
    assert earlier.exit_code == 0, earlier.output
    assert json.loads(earlier.stdout)["assets"][0]["amounts"]["issued"] == 0
    assert "[thresholds.date]" in asked(run, earlier=-40).stderr
    assert "[thresholds.rate]" in asked(run, eur="0").stderr


def test_every_limit_has_its_source_what_was_seen_and_what_the_law_asks_in_both_languages():
    limits = known_limits()
    assert len({one.id for one in limits}) == len(limits)
    for one in limits:
        assert all((one.source, one.seen, *dict(one.asks).values())), one.id
        assert one.amount > 0
        assert one.unit in {"EUR", "persons"}
