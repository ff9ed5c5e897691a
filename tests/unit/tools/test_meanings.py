"""The tool that holds the catalogue of meanings against the code notices each way in which they part."""

import pytest

SAID = {
    "meter.gone": {"en": "The meter is gone."},
    "V1.missing": {"says": "… slots have no value"},
}
KNOWN = {
    "meter.gone": {"en": "The meter is gone.", "pl": "Licznika już nie ma."},
    "V1.missing": {"says": "… slots have no value", "en": "Slots have no value.", "pl": "Brakuje wartości."},
}


@pytest.fixture
def faults(tool, monkeypatch):
    """What the tool finds when the code says one thing and the catalogue holds another."""
    loaded = tool("meanings")

    def found(*, said, known):
        monkeypatch.setattr(loaded, "said", lambda: said)
        monkeypatch.setattr(loaded, "catalogue", lambda: known)
        return loaded.faults()

    return found


def test_a_whole_catalogue_has_no_faults(faults):
    assert faults(said=SAID, known=KNOWN) == []


def test_a_code_without_an_entry_is_named_as_an_entry_to_be_filled_in(faults):
    (entry,) = faults(said=SAID | {"meter.new": {"en": "It is new."}}, known=KNOWN)
    assert entry == '["meter.new"]\nen = "It is new."\npl = ""'


def test_an_entry_without_a_code_is_named(faults):
    (line,) = faults(said={"V1.missing": SAID["V1.missing"]}, known=KNOWN)
    assert line.startswith("meter.gone stands in the catalogue")


@pytest.mark.parametrize(
    ("code", "fields"), [("meter.gone", {"en": "The meter was stolen."}), ("V1.missing", {"says": "… are missing"})]
)
def test_a_sentence_that_changed_in_the_code_is_named(faults, code, fields):
    (line,) = faults(said=SAID | {code: fields}, known=KNOWN)
    assert line.startswith(f"{code} is not what the code says any more")


def test_an_entry_without_polish_is_named(faults):
    (line,) = faults(said=SAID, known=KNOWN | {"meter.gone": {"en": "The meter is gone."}})
    assert line == "meter.gone needs exactly these fields: en, pl"
