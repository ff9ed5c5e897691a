"""The member is told in plain words what was checked, what was not, and what failed; the verifier is self-contained."""

import json
import re
import subprocess
import sys
from pathlib import Path

import cases_forms
import cases_ledger
import pytest
from playwright._impl._driver import compute_driver_executable

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
VERIFY = ROOT / "src/ogniwo/interfaces/wallet/static/wallet/verify"
LATIN_ONLY = re.compile(r"[ąćęłńóśźż]")


@pytest.fixture(scope="module")
def said(tmp_path_factory):
    made = cases_ledger.ledger()
    minted = next(one for one in made.base if "interval" in one)
    anchored = next(one for one in made.base if "document" in one)
    refused = next(one for one in made.base if one["entry"]["outcome"] == "ledger.insufficient_balance")
    sizes = sorted(made.notes)
    held = {"held": made.notes[sizes[-1]], "checkpointKey": made.key}
    held["policy"] = {"witnesses": list(cases_forms.WITNESS_KEYS), "quorum": 2}
    newest = next(one for one in made.base if one["checkpoint"] == made.notes[sizes[-1]])
    bare = {name: value for name, value in anchored.items() if name != "document"}
    known = [(minted, {}), (anchored, {}), (bare, {}), (refused, {}), (newest, held), (minted, held)]
    forged = json.loads(json.dumps(minted))
    forged["interval"]["leaf"]["wh"] += 1
    file = tmp_path_factory.mktemp("said") / "cases.json"
    texts = [
        (json.dumps(one, sort_keys=True, separators=(",", ":"), ensure_ascii=False), given)
        for one, given in [*known, (forged, {})]
    ]
    file.write_text(json.dumps(texts), encoding="utf-8")
    node = compute_driver_executable()[0]
    command = [node, HERE / "sentences.mjs", VERIFY / "index.js", file]
    result = subprocess.run(command, capture_output=True, check=False, text=True)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def test_what_was_checked_and_what_was_not(said):
    minted, anchored, bare, refused, whole, missing, forged = said["said"]
    text = " ".join(minted["en"]["checked"])
    assert "day of readings of account op/coop/gateway" in text
    assert "6.960 kWh in all" in text
    assert "0.045 kWh, measured" in text
    assert len(minted["en"]["unchecked"]) == len(minted["pl"]["unchecked"]) == 5
    assert "0,045 kWh, zmierzono" in " ".join(minted["pl"]["checked"])
    assert "This statement is, to the letter" in " ".join(anchored["en"]["checked"])
    assert "the statement itself" in " ".join(bare["en"]["unchecked"])
    assert "odrzucona (ledger.insufficient_balance)" in " ".join(refused["pl"]["checked"])
    assert "2 witnesses (auditor.example, operator.example)" in " ".join(whole["en"]["checked"])
    assert "3 days of readings of op/coop/meter, from 2027-01-21 to 2027-01-23" in " ".join(whole["en"]["checked"])
    assert "The readings of op/coop/meter on 2027-01-22, 6.960 kWh in all" in " ".join(whole["en"]["checked"])
    assert "(razem 3, od 2027-01-21 do 2027-01-23)" in " ".join(whole["pl"]["checked"])
    assert len(whole["en"]["checked"]) == 8
    assert len(whole["en"]["unchecked"]) == 2
    assert missing["code"] == "ledger.consistency_missing"
    assert missing["pl"]["refused"].startswith("Nic nie pokazuje")
    assert forged["code"] == "ledger.bad_receipt"
    assert forged["en"] == {"refused": forged["en"]["refused"], "checked": [], "unchecked": []}


def test_no_gap_is_left_in_a_sentence(said):
    for one in said["said"]:
        for language in ("pl", "en"):
            told = one[language]
            for sentence in (told["refused"], *told["checked"], *told["unchecked"]):
                assert "undefined" not in sentence
                assert "{" not in sentence
        assert not LATIN_ONLY.search(" ".join((one["en"]["refused"], *one["en"]["checked"])))


def test_every_code_of_the_verifier_has_a_sentence_in_both_languages(said):
    named = set()
    for path in VERIFY.glob("*.js"):
        if path.name not in {"sentences.js", "shapes.js"}:
            named |= set(re.findall(r"'((?:ledger|witness)\.[a-z_0-9]+)'", path.read_text(encoding="utf-8")))
    assert named == set(said["codes"])
    text = (VERIFY / "sentences.js").read_text(encoding="utf-8")
    documented = (ROOT / "docs/codes.md").read_text(encoding="utf-8")
    for code in named:
        assert text.count(f"'{code}':") == 2, code
        assert f"`{code}`" in documented, code


def test_every_operation_has_a_name_in_both_languages():
    text = (VERIFY / "sentences.js").read_text(encoding="utf-8")
    for operation in cases_ledger.OPERATIONS:
        assert len(re.findall(rf"^    {operation}: '", text, re.MULTILINE)) == 2, operation


def test_the_verifier_imports_only_itself_and_stays_short():
    for path in sorted(VERIFY.glob("*.js")):
        text = path.read_text(encoding="utf-8")
        assert len(text.splitlines()) < 500 or path.name == "shapes.js", path.name  # written by a tool
        for target in re.findall(r"(?:from|import)\s*\(?\s*'([^']+)'", text):
            assert (VERIFY / target).resolve().parent == VERIFY, f"{path.name} imports {target}"
            assert (VERIFY / target).exists()
        assert not re.search(r"\beval\b|new Function|globalThis|window\.|document\.write|innerHTML", text), path.name


def test_the_shapes_are_those_of_the_core():
    command = [sys.executable, ROOT / "tools/generate_schemas.py", "--check"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
