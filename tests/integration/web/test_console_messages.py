"""Every text of the pages has its Polish, and Polish counts as Polish does."""

import importlib.util
from pathlib import Path

import pytest
from django.utils import translation

_SPEC = importlib.util.spec_from_file_location(
    "messages_tool", Path(__file__).resolve().parents[3] / "tools" / "messages.py"
)
tool = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(tool)


def test_every_text_has_its_polish_and_no_entry_is_idle():
    catalog = tool.polish()
    assert len(tool.texts()) > 100
    assert tool.missing(catalog) == []
    assert tool.unused(catalog) == []


def test_a_text_without_polish_and_one_with_lost_places_are_found():
    catalog = tool.polish()
    known = "{name} invites you" if catalog.get("{name} invites you") else "%(name)s invites you"
    catalog.get(known).string = "zaproszenie"
    catalog.get("Today").string = ""
    assert {known, "Today"} <= set(tool.missing(catalog))


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (1, "1 punkt nic nie przysłał w tym miesiącu"),
        (2, "2 punkty nic nie przysłały w tym miesiącu"),
        (5, "5 punktów nic nie przysłało w tym miesiącu"),
        (22, "22 punkty nic nie przysłały w tym miesiącu"),
        (25, "25 punktów nic nie przysłało w tym miesiącu"),
    ],
)
def test_polish_plurals(number, text):
    with translation.override("pl"):
        found = translation.ngettext(
            "%(n)s point sent nothing this month", "%(n)s points sent nothing this month", number
        )
        assert found % {"n": number} == text
