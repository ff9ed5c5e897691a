import pytest


@pytest.fixture
def lint(tool):
    return tool("scope_lint")


@pytest.mark.parametrize(
    "line",
    [
        "rows = Member.objects.all()",
        "rows = models.Member.objects",
        "query = Member._default_manager.filter(number='1')",
        "getattr(Member, name) or Member._base_manager",
        "rows = Member.objects",
    ],
)
def test_an_interface_that_chooses_rows_is_caught(lint, line):
    found = lint.offences(f"from somewhere import Member\n\n{line}\n", "console/views.py")
    assert len(found) == 1
    assert found[0].startswith("console/views.py:3: ")


@pytest.mark.parametrize("line", ["rows = members(subject=subject)", "objects = 3", "print('Member.objects')"])
def test_asking_a_service_is_fine(lint, line):
    assert lint.offences(line, "cli/read.py") == []


def test_every_offence_is_named(lint):
    source = "a = A.objects\nb = 1\nc = C.objects.filter(x=B.objects)\n"
    assert [line.split(":")[1] for line in lint.offences(source, "x.py")] == ["1", "3", "3"]


def test_a_planted_interface_fails_the_check(lint, tmp_path, monkeypatch, capsys):
    (tmp_path / "cli").mkdir()
    (tmp_path / "cli" / "good.py").write_text("x = 1\n", encoding="utf-8")
    monkeypatch.setattr(lint, "INTERFACES", tmp_path)
    assert lint.main() == 0
    assert "1 files, 0 offences" in capsys.readouterr().out
    (tmp_path / "cli" / "bad.py").write_text(
        "def show():\n    return Member.objects.get(number='1')\n", encoding="utf-8"
    )
    assert lint.main() == 1
    told = capsys.readouterr().out
    assert "bad.py:2: objects in an interface" in told
    assert "2 files, 1 offences" in told


def test_the_interfaces_of_this_repository_pass(lint):
    assert lint.INTERFACES.is_dir()
    assert lint.main() == 0
