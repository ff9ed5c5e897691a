"""A workspace's ledger in PostgreSQL or in its file, opened from snapshots, its derived tables made again."""

import json
from dataclasses import replace

import pytest
from click.testing import CliRunner

from ogniwo.core.kernel.calendar import Month
from ogniwo.interfaces.cli.main import Runtime, cli
from ogniwo.services.ledger.access import has_ledger, open_ledger, open_projection
from ogniwo.services.ledger.posting import post_month
from ogniwo.services.ledger.queries import balances, ledger_head
from ogniwo.services.ledger.verifying import _ledger
from ogniwo.services.workspace.model import BadSettingsError
from ogniwo.services.workspace.operations import create_workspace, open_workspace
from ogniwo.services.workspace.queries import operator_subject
from records_database import serve

MONTH = Month(2026, 10)


def posted(workspace, cooperative):
    post_month(workspace, community=cooperative(), month=MONTH)
    return ledger_head(workspace)


def findings_of(workspace):
    """What `verify` says of the ledger alone; its other links have tests of their own."""
    return [finding.code for finding in _ledger(workspace)[1]]


def test_a_month_on_postgresql(at_stage, cooperative, postgresql):
    address = f"postgresql://{postgresql['USER']}@/{postgresql['NAME']}?host={postgresql['HOST']}"
    workspace = replace(at_stage("closed"), ledger=address)
    assert not has_ledger(workspace)
    head = posted(workspace, cooperative)
    assert has_ledger(workspace)
    assert not workspace.ledger_file.exists()
    assert head.days_minted > 100
    assert any(row.amount for row in balances(workspace, subject=operator_subject()))
    assert findings_of(workspace) == ["ledger.store_not_durable"]  # the tests' server does not sync, and that is said
    # The state came from a snapshot by now, the blocks from the server.
    assert list(workspace.ledger_snapshots.glob("*.manifest"))
    with open_ledger(workspace) as ledger:
        assert ledger._keeper.opened_from == ledger.head().height


def test_the_file_gives_the_same_answers_with_and_without_snapshots(at_stage, cooperative):
    workspace = at_stage("closed")
    head = posted(workspace, cooperative)
    with open_ledger(workspace) as ledger:
        assert ledger._keeper.opened_from == head.height
    for file in workspace.ledger_snapshots.iterdir():
        file.write_bytes(b"")
    assert findings_of(workspace) == ["ledger.snapshot_unusable"]
    assert ledger_head(workspace) == head
    assert findings_of(workspace) == []  # whole again: the first of these made a new one
    for file in workspace.ledger_snapshots.iterdir():
        file.unlink()
    assert ledger_head(workspace) == head
    assert findings_of(workspace) == []


@pytest.mark.parametrize("kind", ["garbage", "wrong balance"])
def test_damaged_tables_are_made_again_and_told(at_stage, cooperative, kind):
    workspace = at_stage("closed")
    posted(workspace, cooperative)
    with open_projection(workspace) as projection:
        expected = projection.balances()
        if kind == "wrong balance":
            projection._connection.execute("UPDATE balances SET amount = amount + 1")
    tables = workspace.root / "ledger-projection.sqlite3"
    if kind == "garbage":
        tables.write_bytes(b"no database at all " * 1_000)
    codes = findings_of(workspace)
    # Garbage is cured where it is met, before the audit looks; what can be read but is wrong is found by comparison.
    assert codes == ([] if kind == "garbage" else ["ledger.projection_rebuilt"])
    with open_projection(workspace) as projection:
        assert projection.balances() == expected
    assert findings_of(workspace) == []


def test_the_setting_is_kept_and_checked(tmp_path):
    serve(tmp_path / "w")
    address = "postgresql://ogniwo@db.example/energy"
    command = ["-w", str(tmp_path / "w"), "workspace", "create", "--name", "Próba", "--ledger", address, "--json"]
    made = CliRunner().invoke(cli, command, obj=Runtime(prepare=lambda _folder: None))
    assert made.exit_code == 0, made.output
    assert json.loads(made.stdout)["ledger"] == address
    opened = open_workspace(root=tmp_path / "w")
    assert (opened.ledger, opened.ledger_address) == (address, f"{address}#ogniwo/proba")
    for wrong in ("mysql://x/y", "postgresql://anna:secret@x/y", "postgresql://x/y?password=secret"):
        with pytest.raises(BadSettingsError) as caught:
            create_workspace(root=tmp_path / "other", name="Próba", network="ogniwo/proba", ledger=wrong)
        assert "secret" not in str(caught.value)
        assert not (tmp_path / "other").exists()
