import pytest
from click.testing import CliRunner

from ogniwo.interfaces.cli.balance import balance_group
from ogniwo.interfaces.cli.importing import import_command
from ogniwo.interfaces.cli.main import Runtime
from ogniwo.interfaces.cli.metering import point_group
from ogniwo.interfaces.cli.quality import quality_group
from ogniwo.interfaces.cli.settlement import period_group, settlement_group
from ogniwo.interfaces.cli.workspace import workspace_group

GROUPS = (workspace_group, point_group, quality_group, balance_group, period_group, settlement_group)
WRITERS = {"create", "register", "estimate", "set-create", "close", "set-aside"}


def commands():
    yield import_command
    for group in GROUPS:
        yield from group.commands.values()


@pytest.fixture
def run(tmp_path):
    def invoke(command, *arguments):
        runtime = Runtime(prepare=lambda _folder: None, folder=tmp_path)
        return CliRunner().invoke(command, arguments, obj=runtime)

    return invoke


@pytest.mark.parametrize("command", list(commands()), ids=lambda command: command.name)
def test_every_command_speaks_to_machines_and_writers_can_be_tried(command):
    options = {name for parameter in command.params for name in parameter.opts}
    assert "--json" in options
    assert ("--dry-run" in options) == (command.name in WRITERS | {"import"})
    assert command.help


@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        (point_group, ("list",)),
        (point_group, ("show", "590999010000000338")),
        (quality_group, ("show", "--month", "2026-10")),
        (balance_group, ("show", "--month", "2026-10")),
        (period_group, ("close", "2026-10")),
        (settlement_group, ("show", "2026-10")),
        (workspace_group, ("show",)),
    ],
)
def test_a_folder_without_a_workspace_is_not_found(run, tmp_path, command, arguments):
    result = run(command, *arguments)
    assert result.exit_code == 5
    assert "[workspace.not_found]" in result.stderr
    assert "ogniwo workspace create" in result.stderr
    assert result.stdout == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        (import_command, ()),
        (import_command, ("nowhere.csv",)),
        (quality_group, ("show",)),
        (quality_group, ("show", "--month", "2026")),
        (balance_group, ("set-create", "x", "--add", "590999010000000338")),
        (period_group, ("close", "2026-10", "--method", "static")),
        (period_group, ("close", "2026-10", "--method", "fair", "--dry-run")),
        (period_group, ("compare", "2026-10", "--price", "400")),
        (settlement_group, ("why", "2026-10")),
        (settlement_group, ("show", "2026-10", "--version", "0")),
        (workspace_group, ("create",)),
    ],
)
def test_wrong_use_ends_with_2_before_anything_is_opened(run, command, arguments):
    assert run(command, *arguments).exit_code == 2


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ("name = ", "ogniwo.toml"),
        ('name = "x"\n', "network"),
        ('name = "x"\nnetwork = "x"\nsample_rates = 1\n', "true or"),
    ],
)
def test_settings_that_cannot_be_read_are_refused(run, tmp_path, settings, words):
    (tmp_path / "ogniwo.toml").write_text(settings, encoding="utf-8")
    result = run(workspace_group, "show")
    assert result.exit_code == 4
    assert words in result.stderr
    assert "[workspace.bad_settings]" in result.stderr


def test_a_name_is_kept_as_it_is_or_refused(run, tmp_path):
    made = run(workspace_group, "create", "--name", 'Ł "1" \\ 2', "--dry-run")
    assert made.exit_code == 0
    assert "ogniwo/l-1-2" in made.stderr
    assert run(workspace_group, "create", "--name", "a\nb", "--dry-run").exit_code == 4
    assert run(workspace_group, "create", "--name", "", "--dry-run").exit_code == 4
    assert list(tmp_path.iterdir()) == []
