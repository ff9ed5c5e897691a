"""`ogniwo quality set-aside`: a rule's findings, with the reason, once; nothing where nothing was found."""

from click.testing import CliRunner

from ogniwo.interfaces.cli.main import Runtime, cli
from ogniwo.records.remarks.models import SetAside


def test_a_rule_is_set_aside_for_a_reason(at_stage):
    workspace = at_stage("imported")

    def run(rule, reason="a known outage"):
        command = ["quality", "set-aside", "--month", "2026-10", "--rule", rule, "--reason", reason]
        return CliRunner().invoke(cli, ["-w", str(workspace.root), *command], obj=Runtime(prepare=lambda _folder: None))

    for rule, reason, code in (
        ("V1.missing", "  ", "quality.no_reason"),
        ("V0.none", "a known outage", "quality.finding_not_found"),
    ):
        refused = run(rule, reason)
        assert refused.exit_code == 4
        assert code in refused.output
    assert not SetAside.objects.exists()
    assert "3 findings of V1.missing set aside, 0 were already" in run("V1.missing").output
    assert {(one.code, one.set_by) for one in SetAside.objects.all()} == {("V1.missing", "operator")}
    assert "0 findings of V1.missing set aside, 3 were already" in run("V1.missing").output
