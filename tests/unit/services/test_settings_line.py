"""One line of a settings file is changed, or the file is left to a person."""

import pytest

from ogniwo.services.workspace.settings_line import with_setting

HEAD = '# theirs\nname = "Słonecznik"\n'
TABLE = "[more]\nledger = 1\n"


@pytest.mark.parametrize("own", ["", 'ledger = ""\n', 'ledger="old" # why\n'])
def test_a_text_is_put_first_and_all_else_is_as_it_was(own):
    changed = with_setting(f"{HEAD}{own}{TABLE}" if own else HEAD, "ledger", "postgresql://ł/x")
    assert changed == f'ledger = "postgresql://ł/x"\n{HEAD}{TABLE if own else ""}'


@pytest.mark.parametrize("own", ['plugins = ["a"]\n', 'plugins = [\n  "a",\n  "b",\n]\n', ""])
def test_a_list_is_put_first_or_taken_out(own):
    assert with_setting(f"{HEAD}{own}", "plugins", ["a", "c"]) == f'plugins = ["a", "c"]\n{HEAD}'
    assert with_setting(f"{HEAD}{own}", "plugins", None) == HEAD


@pytest.mark.parametrize(
    "text",
    [
        'ledger = """\nold"""\n',
        '"ledger" = "old"\n',
        'ledger = ["old"] # why\n',
        f"{HEAD}{TABLE}",
        "name =\n",
    ],
)
def test_what_is_written_in_an_unusual_way_is_left_alone(text):
    assert with_setting(text, "ledger", "new") is None
