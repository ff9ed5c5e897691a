"""Payment tokens against the limits of law, by the command, on a ledger with movements over the limits."""

import csv
import io
import json
from datetime import date, timedelta

import pytest
from click.testing import CliRunner
from django.db import DatabaseError, transaction

from ogniwo.core.kernel.calendar import local_day
from ogniwo.interfaces.cli.main import Runtime, cli
from ogniwo.records.audit.models import AuditEvent
from ogniwo.records.ledger.models import TokenAssessment
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
    _assessed(run)


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
    assert notify["confirmed"]
    assert not limits["mica.limited-network"]["confirmed"]
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
    assert "NIEsprawdzone" in result.stdout
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


def _assessed(run):
    """A finding is assessed once and for all as it was; when operations are added it stands open again."""
    _refused(run)
    single = _finding(run, "thresholds.single", ANNA)
    done = _assess(run, single["about"][:10], "--decision", "explained", "--note", "Czynsz za salę.")
    assert done.exit_code == 0, done.output
    assert _finding(run, "thresholds.single", ANNA)["assessed"]["note"] == "Czynsz za salę."
    assert _finding(run, "thresholds.first_day", JAN)["assessed"] is None
    told = asked(run, language="pl").stdout
    row = next(line for line in told.splitlines() if line.startswith(single["about"][:16]))
    assert {ANNA, "wyjaśnione"} < set(row.split())
    assert "bez oceny" in told
    again = _assess(run, single["about"], "--decision", "reported", "--note", "=1+1", "--reference", "GIIF/7")
    assert again.exit_code == 0, again.output
    assert _finding(run, "thresholds.single", ANNA)["assessed"]["reference"] == "GIIF/7"
    _registered(run, single["about"])
    assert run("token", "pay", JAN, "4400.00", "--key", "anna").exit_code != 0, "she has 0.00 left"
    assert run("token", "issue", ANNA, "4400.00").exit_code == 0
    assert _finding(run, "thresholds.single", ANNA)["assessed"] is None, "another operation has joined"


def _refused(run):
    assert "[assessment.about]" in _assess(run, "0000000000", "--decision", "explained", "--note", "x").stderr
    about = _finding(run, "thresholds.single", ANNA)["about"]
    assert "[assessment.about]" in _assess(run, about[:7], "--decision", "explained", "--note", "x").stderr
    assert "[assessment.note]" in _assess(run, about, "--decision", "explained", "--note", " ").stderr
    assert "[assessment.reference]" in _assess(run, about, "--decision", "reported", "--note", "x").stderr
    assert run("token", "assessments", COMMUNITY_CODE, "--json").stdout.count("decision") == 0


def _registered(run, about):
    """Both lines stay, in order; the database refuses to change one; no cell is a formula."""
    lines = json.loads(run("token", "assessments", COMMUNITY_CODE, "--json").stdout)["lines"]
    assert [(line["about"], line["decision"]) for line in lines] == [(about, "explained"), (about, "reported")]
    rows = list(csv.reader(io.StringIO(run("token", "assessments", COMMUNITY_CODE, "--csv").stdout, newline="")))
    assert rows[2][5] == "'=1+1"
    assert "Czynsz za salę." in run("token", "assessments", COMMUNITY_CODE).stdout
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        TokenAssessment.objects.update(note="other")
    row = AuditEvent.objects.filter(action="token.assess").last()
    assert (row.target, row.facts["decision"], row.facts["about"]) == (COMMUNITY_CODE, "reported", about)


def _assess(run, about, *options):
    return run("token", "assess", COMMUNITY_CODE, about, "--on", run.day, "--eur", "4.25", *options)


def _finding(run, code, member):
    (one,) = json.loads(asked(run, "--json").stdout)["assets"]
    return next(row for row in one["findings"] if (row["code"], row["column"]) == (code, member))


def test_every_limit_has_its_source_what_was_seen_and_what_the_law_asks_in_both_languages():
    limits = known_limits()
    assert len({one.id for one in limits}) == len(limits)
    for one in limits:
        assert all((one.source, one.seen, *dict(one.asks).values())), one.id
        assert one.amount > 0
        assert one.unit in {"EUR", "persons"}
