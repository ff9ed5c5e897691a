"""`ogniwo watch` from the first watch to the acknowledged alarm, for people and for machines."""

import json

from click.testing import CliRunner
from watched import POINT, at, put

from ogniwo.interfaces.cli.main import Runtime, cli
from ogniwo.records.watches.models import Alarm, Watch
from ogniwo.services.demo.sample import COMMUNITY_CODE


def test_watches_by_command(at_stage):
    workspace = at_stage("registered")

    def run(*command, code=0):
        runtime = Runtime(prepare=lambda _folder, **_more: None)
        found = CliRunner().invoke(cli, ["-w", str(workspace.root), "watch", *command], obj=runtime)
        assert found.exit_code == code, found.output
        return found

    refused = run("add", "Noc", "--kind", "above", "--limit", "10", code=4)
    assert "watch.malformed" in refused.output
    where = ("--point", POINT, "--of", "hour", "--limit", "10", "--from", "2026-11-01", "--mail", "a@x.example")
    (added,) = json.loads(run("add", "Noc", "--kind", "above", *where, "--json").stdout)
    assert (added["point"], added["of"], added["limit"], added["from"]) == (POINT, "hour", 10, "2026-11-01")
    assert (added["organisation"], added["mail"], added["set"]) == (COMMUNITY_CODE, ["a@x.example"], None)
    put(at(workspace, 5), [1, 20, None, 30, 1])
    counts = json.loads(run("check", "--json").stdout)
    assert (counts["watches"], counts["raised"], counts["ended"], counts["findings"]) == (1, 1, 1, [])
    assert "0 alarms raised" in run("check").output
    (alarm,) = json.loads(run("alarms", "--state", "waiting", "--json").stdout)
    assert (alarm["from"], alarm["to"]) == ("2026-11-01T00:00:00Z", "2026-11-01T03:00:00Z")
    assert (alarm["worst"], alarm["unit"], alarm["missing_between"], alarm["state"]) == (30, "Wh", 1, "over")
    assert alarm["text"] == "energy of an hour 0.030 kWh, above 0.010 kWh"
    assert "above 0.010 kWh" in run("alarms", "--about", POINT).stdout
    assert json.loads(run("alarms", "--state", "open", "--json").stdout) == []
    number = str(alarm["alarm"])
    assert "alarm.no_note" in run("acknowledge", number, "--note", " ", code=4).output
    run("acknowledge", number, "--note", "known")
    assert Alarm.objects.get().note == "known"
    assert "alarm.acknowledged" in run("acknowledge", number, "--note", "again", code=4).output
    assert "alarm.not_found" in run("acknowledge", "999", "--note", "none", code=5).output
    assert json.loads(run("alarms", "--state", "waiting", "--json").stdout) == []
    run("pause", str(added["watch"]))
    assert json.loads(run("list", "--json").stdout)[0]["paused"]
    run("pause", str(added["watch"]), "--resume")
    assert "Noc" in run("list").stdout
    run("remove", str(added["watch"]))
    assert Watch.objects.get().removed_at is not None
    assert "watch.not_found" in run("remove", str(added["watch"]), code=5).output
