import pytest


@pytest.fixture
def pages(tool):
    loaded = tool("generate_docs")
    loaded.prepare()
    return loaded


def test_a_refusal_a_finding_and_an_answer_of_the_ledger_have_a_row_each(pages):
    rows = pages.codes_page().splitlines()
    assert any(row.startswith("| `period.incomplete` | A month cannot be settled while") for row in rows)
    assert any(row.startswith("| `V1.missing` | … slots have no value") for row in rows)
    assert any(row.startswith("| `ledger.unknown_parent` | … has no parent account …") for row in rows)


def test_rules_stand_in_the_order_of_their_numbers(pages):
    page = pages.codes_page()
    assert page.index("`V2.duplicate`") < page.index("`V10.stuck`") < page.index("`V24.ranks`")


def test_sentences_cannot_break_the_table(pages):
    assert pages._cell("the value a|b of <point> is odd") == "the value a\\|b of &lt;point> is odd"
    assert pages._cell("…: …") == ""


def test_stale_pages_fail_the_check_and_writing_mends_them(pages, tmp_path, monkeypatch, capsys):
    (tmp_path / "docs").mkdir()
    monkeypatch.setattr(pages, "ROOT", tmp_path)
    monkeypatch.setattr(pages, "codes_page", lambda: "# Codes\n\nall of them\n")
    monkeypatch.setattr(pages, "cli_page", lambda: "# The command line\n")
    monkeypatch.setattr("sys.argv", ["generate_docs.py", "--check"])
    assert pages.main() == 1
    assert "stale: codes.md, cli.md" in capsys.readouterr().out
    monkeypatch.setattr("sys.argv", ["generate_docs.py"])
    assert pages.main() == 0
    monkeypatch.setattr("sys.argv", ["generate_docs.py", "--check"])
    assert pages.main() == 0
    (tmp_path / "docs" / "codes.md").write_text("# Codes\n", encoding="utf-8")
    assert pages.main() == 1
