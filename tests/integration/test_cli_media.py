"""`ogniwo media`: a meter is registered, its states are entered and come from a file, all rows or none."""

import json

import pytest
from click.testing import CliRunner

from ogniwo.interfaces.cli.main import Runtime, cli
from ogniwo.records.media.models import MediaStateRow
from ogniwo.services.demo.sample import POINTS

MEMBER = POINTS[0].member_number


@pytest.fixture
def run(at_stage):
    workspace = at_stage("registered")

    def command(*words):
        return CliRunner().invoke(
            cli, ["-w", str(workspace.root), "media", *words], obj=Runtime(prepare=lambda _folder: None)
        )

    return command


def test_from_the_meter_to_its_use(run, tmp_path):
    added = run("add", "H-1", "--member", MEMBER, "--medium", "heat", "--decimals", "2", "--installed", "2025-01-01")
    assert added.exit_code == 0, added.output
    assert run("add", "H-1", "--member", MEMBER, "--medium", "gas", "--installed", "2025-01-01").exit_code == 4
    assert run("add", "H-2", "--member", "nobody", "--medium", "gas", "--installed", "2025-01-01").exit_code == 5
    assert run("state", "H-1", "2025-12-31", "10,25").exit_code == 0
    assert "nothing changed" in run("state", "H-1", "2025-12-31", "10.25").output
    assert "media.backwards" in run("state", "H-1", "2026-03-31", "9").output
    assert run("state", "NONE", "2026-03-31", "9").exit_code == 5
    file = tmp_path / "states.csv"
    file.write_text("serial;date;state\nH-1;2026-03-31;18,5\nH-1;2026-02-30;17\n", encoding="utf-8")
    refused = run("import", str(file), "--json")
    assert refused.exit_code == 4
    (finding,) = json.loads(refused.output)["findings"]
    assert (finding["source"], finding["row"], finding["code"]) == ("states.csv", 3, "media.bad_state")
    assert MediaStateRow.objects.count() == 1, "nothing half-written"
    file.write_text("serial;date;state\nH-1;2026-03-31;18,5\n", encoding="utf-8")
    assert "a dry run stores nothing" in run("import", str(file), "--dry-run").output
    assert "1 states stored" in run("import", str(file)).output
    (listed,) = json.loads(run("list", "--json").output)
    assert (listed["serial"], listed["unit"], listed["last"]["value_e3"]) == ("H-1", "GJ", 18_500)
    shown = json.loads(run("list", "--serial", "H-1", "--json").output)
    assert shown["uses"] == [{"from": "2025-12-31", "to": "2026-03-31", "days": 90, "use_e3": 8_250}]
    table = run("list", "--serial", "H-1").output
    assert "8.25" in table
    assert "states.csv row 2" in table
    assert "H-1" in run("list", "--medium", "heat").output
    assert "H-1" not in run("list", "--medium", "gas").output
