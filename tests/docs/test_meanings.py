"""Every code is explained in both languages, and what is explained is what the code says."""

import re
import subprocess
import sys
from pathlib import Path

from ogniwo.services.workspace.meanings import catalogue, meaning_of

ROOT = Path(__file__).resolve().parents[2]
LONGEST = 160
MARKS = re.compile(r"`[^`]*`|„[^”]*”")


def test_every_code_has_a_meaning_in_both_languages_and_no_meaning_lacks_its_code():
    told = subprocess.run([sys.executable, "tools/meanings.py"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stdout + told.stderr


def test_every_meaning_is_one_short_whole_sentence():
    for code, entry in catalogue().items():
        for language in ("en", "pl"):
            text = entry[language]
            assert text == text.strip(), code
            assert text[-1:] in {".", "?"}, f"{code}: {text}"
            assert "…" not in text, f"{code} is explained by a sentence with gaps: {text}"
        assert 0 < len(entry["pl"]) <= LONGEST, f"{code}: {len(entry['pl'])} signs"
        assert entry["pl"] != entry["en"], code


def test_polish_keeps_the_names_that_the_english_sentence_quotes():
    for code, entry in catalogue().items():
        quoted = {one for one in re.findall(r"`([^`]+)`", entry["en"]) if re.fullmatch(r"[a-z]+", one)}
        assert quoted <= set(re.findall(r"`([^`]+)`", entry["pl"])), code


def test_no_english_word_is_left_in_the_polish():
    english = {"the", "and", "not", "is", "of", "or", "than", "with", "which", "that", "there", "it", "has", "was"}
    for code, entry in catalogue().items():
        words = set(re.findall(r"[a-ząćęłńóśźż]+", MARKS.sub("", entry["pl"]).lower()))
        assert not words & english, f"{code}: {words & english}"


def test_a_meaning_comes_in_the_language_that_was_asked_for():
    assert meaning_of("workspace.not_found", "pl") == "Podany folder nie jest przestrzenią roboczą."
    assert meaning_of("workspace.not_found", "pl-PL") == meaning_of("workspace.not_found", "pl_PL.UTF-8")
    assert meaning_of("workspace.not_found", "en") == "The folder given is not a workspace."
    assert meaning_of("workspace.not_found", "de") == meaning_of("workspace.not_found", "en")


def test_a_code_with_a_point_means_the_same_for_every_point():
    of_one = meaning_of("statements.quantity_given.590000000000000017", "pl")
    assert of_one == catalogue()["statements.quantity_given.<point>"]["pl"]


def test_a_code_that_nobody_documented_means_nothing():
    assert meaning_of("no.such_code", "pl") == ""
    assert meaning_of("", "en") == ""
