"""The workspace commands on the sample month: what they print for machines, exit codes, and dry runs."""

import csv
import io
import json
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner
from watched import watch

from ogniwo.core.kernel.quantities import Rate, RateUnit
from ogniwo.interfaces.cli.main import Runtime, cli
from ogniwo.records.jobs.models import Job
from ogniwo.records.settlement.models import SettlementRun
from ogniwo.services.contracts.operations import set_community_rules
from ogniwo.services.demo.files import delivered_files, late_files
from ogniwo.services.demo.sample import POINTS
from ogniwo.services.parties.operations import register_organisation
from ogniwo.services.workspace.queries import operator_subject, organisation

SHOP, WATERWORKS = POINTS[33].code, POINTS[35].code
DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "master_data.md"


@pytest.fixture
def run(at_stage):
    """Run commands on a workspace at a stage: the database is served by this process already."""

    def opened(stage):
        workspace = at_stage(stage)

        def invoke(*arguments):
            return CliRunner().invoke(
                cli,
                ["-w", str(workspace.root), *(str(one) for one in arguments)],
                obj=Runtime(prepare=lambda _folder, **_more: None),
            )

        invoke.workspace = workspace
        return invoke

    return opened


@pytest.fixture
def files(tmp_path):
    folder = tmp_path / "files"
    folder.mkdir()
    for one in delivered_files():
        (folder / one.name).write_bytes(one.data)
    return folder


def document(result, code=0):
    assert result.exit_code == code, result.output
    return json.loads(result.stdout)


def with_findings(result):
    """A document whose exit code is 3 exactly when it holds a finding to look at."""
    found = json.loads(result.stdout)
    to_look_at = any(finding["severity"] != "note" for finding in found["findings"])
    assert result.exit_code == (3 if to_look_at else 0), result.output
    return found


def test_import_tells_of_every_file_and_ends_with_its_findings(run, files):
    command = run("registered")
    planned = document(command("import", files, "--dry-run", "--json"), 3)
    assert planned["counts"] == {"would_import": 50}
    done = document(command("import", files, "--json"), 3)
    assert done["counts"] == {"imported": 50}
    gaps = [finding["code"] for file in done["files"] for finding in file["findings"]]
    assert gaps == ["read.gap"] * 3
    again = command("import", files)
    assert (again.exit_code, "50 already imported" in again.stderr) == (3, True)
    assert "already_imported" in again.stdout


def test_import_ends_with_4_when_a_file_is_refused(run, tmp_path):
    command = run("registered")
    bad = tmp_path / "bad.csv"
    bad.write_bytes(b"a;b\n1;2\n")
    result = command("import", bad)
    assert result.exit_code == 4
    assert "bad.csv" in result.stderr
    assert "next:" not in result.stderr
    assert "refused" in result.stdout
    assert document(command("import", bad, "--json"), 4)["counts"] == {"refused": 1}
    assert command("import", bad, "--layout", "none").exit_code == 2
    assert command("import", tmp_path / "nowhere").exit_code == 2
    assert command("import", bad, "--organisation", "nobody").exit_code == 5


def test_an_import_asks_for_the_check_of_watches_where_something_is_new(run, tmp_path):
    command = run("registered")
    watch(command.workspace)
    one = delivered_files()[0]
    file = tmp_path / one.name
    file.write_bytes(one.data)

    def said(*more):
        result = command("import", file, *more)
        assert result.exit_code in {0, 3}, result.output
        return "the watches are checked" in result.stderr, Job.objects.filter(kind="check_watches").count()

    assert said("--dry-run") == (False, 0)
    assert said() == (True, 1)
    assert said() == (False, 1)


def test_points(run):
    command = run("closed")
    points = document(command("point", "list", "--json"))
    assert [one["code"] for one in points] == [point.code for point in POINTS]
    shown = document(command("point", "show", WATERWORKS, "--json"))
    assert shown["meters"][0]["current"] == [200, 5]
    assert shown["contracts"][0]["terms"]["contract_power_w"] == 60_000
    assert [(one["channel"], one["present"], one["slots"]) for one in shown["channels"]] == [
        ("1.29.0", 2980, 2980),
        ("5.29.0", 2980, 2980),
        ("8.29.0", 2980, 2980),
    ]
    assert "meter 90000036 from 2024-01-01, current 200/5" in command("point", "show", WATERWORKS).stdout
    versions = document(command("point", "versions", WATERWORKS, "--month", "2026-10", "--json"))
    assert [(one["channel"], one["version"], one["author"]) for one in versions] == [
        ("1.29.0", 1, "import"),
        ("1.29.0", 2, "operator"),
        ("5.29.0", 1, "import"),
        ("5.29.0", 2, "operator"),
        ("8.29.0", 1, "import"),
        ("8.29.0", 2, "operator"),
    ]
    assert command("point", "show", "590999010000000338").exit_code == 5
    assert command("point", "versions", SHOP, "--month", "2026-09").exit_code == 5
    assert command("point", "list").stdout.count("\n") == 42


def test_intervals_as_they_are_and_as_they_were_known(run):
    command = run("closed")
    month = ("--month", "2026-10", "--channel", "1.29.0")
    table = list(csv.DictReader(io.StringIO(command("point", "intervals", WATERWORKS, *month).stdout)))
    assert len(table) == 2980
    assert sum(int(row["wh"]) for row in table) == 14_800_000
    assert sum(row["quality"] == "substituted-by-us" for row in table) == 23
    first = json.loads(command("point", "versions", WATERWORKS, "--month", "2026-10", "--json").stdout)[0]
    before = command("point", "intervals", WATERWORKS, *month, "--as-of", first["known_at"], "--json")
    lines = [json.loads(line) for line in before.stdout.splitlines()]
    assert sum(line["wh"] is None for line in lines) == 23
    assert {line["quality"] for line in lines} == {"measured", "missing"}
    early = command("point", "intervals", WATERWORKS, *month, "--as-of", "2026-10-01T00:00:00Z")
    assert early.exit_code == 5
    assert command("point", "intervals", WATERWORKS, *month, "--as-of", "2026-10-01").exit_code == 2


def test_quality_shows_estimates_and_shows_again(run):
    command = run("imported")
    month = ("--month", "2026-10")
    before = document(command("quality", "show", *month, "--json"), 3)
    assert before["billable"] is False
    assert {one["point"] for one in before["channels"] if not one["billable"]} == {WATERWORKS}
    missing = document(command("quality", "completeness", *month, "--incomplete", "--json"), 3)
    assert [(one["point"], one["days_with_missing"]) for one in missing["channels"]] == [(WATERWORKS, [14])] * 3
    planned = document(command("quality", "estimate", *month, "--dry-run", "--json"))
    assert planned["stored"] is False
    done = document(command("quality", "estimate", *month, "--json"))
    assert done == {**planned, "stored": True}
    assert done["channels"][0]["gaps"][0]["method"] == "register"
    assert document(command("quality", "show", *month, "--json"))["billable"] is True
    assert document(command("quality", "completeness", *month, "--incomplete", "--json"))["channels"] == []
    text = command("quality", "show", *month)
    assert "may be billed" in text.stderr
    assert "100.00 %" in text.stdout


def test_balances_and_sets(run):
    command = run("imported")
    shown = document(command("balance", "show", "--month", "2026-10", "--json"), 3)
    assert shown["total"]["missing_hours"] == 6
    create = ("balance", "set-create", "wody", "--add", f"{WATERWORKS}:1.29.0")
    assert document(command(*create, "--dry-run", "--json"))["stored"] is False
    assert command("balance", "show", "--month", "2026-10", "--set", "wody").exit_code == 5
    assert command(*create).exit_code == 0
    assert command("balance", "set-create", "x", "--subtract-set", "wody", "--add", f"{SHOP}:1.29.0").exit_code == 0
    assert [one["name"] for one in document(command("balance", "set-list", "--json"))] == ["wody", "x"]
    assert command("balance", "set-create", "y", "--add", SHOP).exit_code == 2
    assert command("balance", "set-create", "y", "--add-set", "nobody").exit_code == 4
    one = document(command("balance", "show", "--month", "2026-10", "--set", "wody", "--json"), 3)
    assert (one["missing_slots"], one["worst_quality"]) == (23, "missing")
    assert "total" in command("balance", "show", "--month", "2026-10").stdout


def test_close_refuses_previews_and_closes(run):
    command = run("imported")
    refused = command("period", "close", "2026-10")
    assert refused.exit_code == 4
    assert f"{WATERWORKS}: 69 intervals" in refused.stderr
    assert "[period.incomplete]" in refused.stderr
    assert command("period", "close", "2026-10", "--method", "static").exit_code == 2
    assert command("quality", "estimate", "--month", "2026-10").exit_code == 0

    preview = with_findings(command("period", "close", "2026-10", "--dry-run", "--json"))
    assert (preview["version"], preview["stored"], preview["blocked"]) == (1, False, False)
    static = with_findings(command("period", "close", "2026-10", "--dry-run", "--method", "static", "--json"))
    assert static["flows"] == preview["flows"]
    assert static["charged"] != preview["charged"]
    assert not SettlementRun.objects.exists()
    done = with_findings(command("period", "close", "2026-10", "--json"))
    assert done == {**preview, "stored": True}
    assert done["checks_agree"] is True
    again = command("period", "close", "2026-10")
    assert again.exit_code in {0, 3}
    assert "nothing changed since version 1" in again.stderr


def test_settlement_shows_why_and_from_which_hours(run):
    command = run("closed")
    shown = document(command("settlement", "show", "2026-10", "--json"))
    assert len(shown["members"]) == 40
    for part in ("net", "gross", "credit_net"):
        groszy = [int(one[part]["amount"].replace(".", "")) for one in shown["members"]]
        assert sum(groszy) == int(shown["total"][part]["amount"].replace(".", ""))
    one = document(command("settlement", "show", "2026-10", "--member", "SE-034", "--json"))
    assert [member["points"] for member in one["members"]] == [[SHOP]]
    reasons = document(command("settlement", "why", "2026-10", "--point", SHOP, "--json"))
    assert reasons["net"] == one["members"][0]["net"]
    assert sum(int(line["net"]["amount"].replace(".", "")) for line in reasons["lines"]) == int(
        reasons["net"]["amount"].replace(".", "")
    )
    text = command("settlement", "why", "2026-10", "--point", SHOP, "--charge", "network.variable").stdout
    assert "źródło" in text
    assert "series 1.29.0" in text
    assert command("settlement", "why", "2026-10", "--point", SHOP, "--charge", "nothing").exit_code == 5
    hours = list(csv.DictReader(io.StringIO(command("settlement", "hours", "2026-10", "--point", SHOP).stdout)))
    assert len(hours) == 745
    assert sum(int(row["grid_wh"]) for row in hours) == reasons["flows"]["grid_wh"]
    assert command("settlement", "show", "2026-09").exit_code == 5
    assert command("settlement", "show", "2026-10", "--version", "7").exit_code == 5
    assert command("settlement", "difference", "2026-10").exit_code == 5
    table = command("settlement", "show", "2026-10").stdout.splitlines()
    assert table[-1].startswith("total")


def test_difference_after_a_late_file(run, tmp_path):
    command = run("closed")
    for one in late_files():
        (tmp_path / one.name).write_bytes(one.data)
        assert command("import", tmp_path / one.name).exit_code == 3
    assert with_findings(command("period", "close", "2026-10", "--json"))["version"] == 2
    found = document(command("settlement", "difference", "2026-10", "--json"))
    assert (found["from"], found["to"]) == (1, 2)
    shop = next(one for one in found["changed"] if one["point"] == SHOP)
    assert shop["flows"]["metered_in_wh"] == 8_200
    totals = [
        document(command("settlement", "show", "2026-10", "--version", version, "--json"))["total"]["net"]["amount"]
        for version in (1, 2)
    ]
    assert int(found["net"]["amount"].replace(".", "")) == int(totals[1].replace(".", "")) - int(
        totals[0].replace(".", "")
    )
    assert command("settlement", "difference", "2026-10", "--from", "2", "--to", "1").exit_code == 4
    assert "points change" in command("settlement", "difference", "2026-10").stdout


def test_compare_shows_every_method(run):
    command = run("estimated")
    plain = document(command("period", "compare", "2026-10", "--json"))
    assert [one["method"] for one in plain["methods"]] == ["static", "dynamic", "hybrid", "equal", "merit_order"]
    assert plain["corridor"] is None
    priced = document(command("period", "compare", "2026-10", "--sale-price", "200", "--price", "900", "--json"))
    assert priced["corridor"]["empty"] is False
    losers = [one for one in priced["methods"][1]["points"] if one["gain"]["amount"].startswith("-")]
    assert losers  # 900 zł/MWh is more than some member pays outside
    assert command("period", "compare", "2026-10", "--price", "900").exit_code == 2
    assert (
        "every member gains at a price above 200,00"
        in command("period", "compare", "2026-10", "--sale-price", "200").stdout
    )
    assert not SettlementRun.objects.exists()


def test_workspace_show_and_register(run, tmp_path):
    command = run("closed")
    shown = document(command("workspace", "show", "--json"))
    assert [(one["code"], one["points"], one["files"]) for one in shown["organisations"]] == [
        ("platforma", 0, 0),
        ("przykladowo", 40, 50),
    ]
    assert [(one["month"], one["version"], one["statements"]) for one in shown["runs"]] == [("2026-10", 1, 40)]
    assert "with sample rates" in command("workspace", "show").stdout

    file = tmp_path / "members.toml"
    file.write_text('[[point]]\ncode = "1"\nmember = "SE-001"\nrole = "consumer"\n', encoding="utf-8")
    refused = command("workspace", "register", file)
    assert refused.exit_code == 4
    assert "members.toml:1" in refused.stderr
    assert document(command("workspace", "register", file, "--json"), 4)["findings"][0]["row"] == 1
    assert command("workspace", "create", "--name", "x").exit_code == 4
    file.write_bytes(b"")
    empty = command("workspace", "register", file)
    assert (empty.exit_code, empty.stdout) == (4, "")
    assert "members.toml is empty" in empty.stderr
    assert "refused" in document(command("workspace", "register", file, "--json"), 4)


@pytest.mark.parametrize("action", ["close", "compare"])
def test_a_month_without_data_is_refused_in_a_short_line(run, action):
    refused = run("registered")("period", action, "2026-10")
    assert refused.exit_code == 4
    assert refused.stderr.count("no series") == 5
    assert "; and 35 more)" in refused.stderr


def test_a_community_that_cannot_be_guessed_is_asked_for(run):
    close = ("period", "close", "2026-10")
    nothing = run("empty")(*close)
    assert nothing.exit_code == 5
    assert "there is no community with settlement rules here; register one with `ogniwo workspace" in nothing.stderr
    assert "''" not in nothing.stderr

    command = run("registered")
    unknown = command(*close, "--community", "nobody")
    assert (unknown.exit_code, "no community 'nobody'; known: przykladowo" in unknown.stderr) == (5, True)
    operator = organisation(code="platforma", subject=operator_subject())
    second = register_organisation(code="druga", name="Druga", kind="partner", parent=operator)
    set_community_rules(
        community=second,
        valid_from=date(2026, 1, 1),
        method="dynamic",
        internal_price=Rate.parse("430", RateUnit.MWH),
        community_fee=Rate.parse("0", RateUnit.MWH),
        injection_share=(6, 10),
        pool_months=12,
    )
    several = command(*close)
    assert several.exit_code == 5
    assert "name one of: druga, przykladowo" in several.stderr


def test_a_line_of_an_issued_document_or_none(run):
    command = run("closed")
    assert command("invoice", "list").stderr == "no documents\n"
    issue = command("invoice", "issue", "2026-10", "--date", "2026-11-10", "--due", "2026-11-24")
    assert issue.exit_code == 0
    show = ("invoice", "show", "FV/2026/11/0001")
    every = document(command(*show, "--why", "--json"))
    second = document(command(*show, "--why", "--json", "--line", "2"))
    assert second == [one for one in every if one["line_number"] == 2]
    refused = command(*show, "--line", "999")
    assert (refused.exit_code, refused.stdout) == (4, "")
    assert f"FV/2026/11/0001 has no line 999; its lines are 1 to {len(every)}" in refused.stderr
