"""The printed contract: words, attachment, the same bytes everywhere."""

import hashlib
import io
import subprocess
import sys

import pypdf
import pytest
from contract_samples import SALT, sample

from ogniwo.core.posting.contract_terms import ROLES, Salted, read_terms, write_terms
from ogniwo.formats.contract_pdf.render import UnprintableContractError, all_contract_texts, render_contract_pdf

ELSEWHERE = """\
import hashlib, sys
from ogniwo.core.posting.contract_terms import read_terms
from ogniwo.formats.contract_pdf.render import render_contract_pdf
print(hashlib.sha256(render_contract_pdf(read_terms(sys.stdin.buffer.read()))).hexdigest())
"""


def _salted(template, language="pl", **changed):
    return Salted(salt=SALT.hex(), terms=sample(template, language, **changed))


def _text(pdf):
    return " ".join(" ".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(pdf)).pages).split())


@pytest.mark.parametrize("language", ["pl", "en"])
@pytest.mark.parametrize("template", sorted(ROLES))
def test_every_template_is_drawn_with_its_words_and_numbers(template, language):
    words = all_contract_texts()[language]
    text = _text(render_contract_pdf(_salted(template, language)))
    mark = "," if language == "pl" else "."
    numbers = {
        "energy-supply": f"450{mark}0000 zł",
        "hour-discount": "9:00–12:00, 14:00–15:00",
        "storage-rent": f"5{mark}000 kWh",
        "ev-car-loan": f"2500{mark}00 zł",
        "ev-charging-credit": f"300{mark}00 zł",
    }
    for piece in (
        words[f"title_{template}"],
        numbers[template],
        "Jan",
        "Anna",
        "op/coop/m-anna",
        words["withdraw"][:30],
    ):
        assert piece in text, piece


def test_both_languages_have_the_same_words():
    texts = all_contract_texts()
    assert set(texts["pl"]) == set(texts["en"])


def test_the_last_instalment_carries_the_rest():
    text = _text(render_contract_pdf(_salted("ev-car-loan")))
    assert "36 rat po 2500,00 zł, ostatnia 2500,01 zł" in text


def test_the_terms_are_attached_with_their_salt():
    salted = _salted("energy-supply")
    reader = pypdf.PdfReader(io.BytesIO(render_contract_pdf(salted)))
    attached = reader.attachments["warunki.json"][0]
    assert read_terms(attached) == salted
    metadata = reader.xmp_metadata.stream.get_data().decode()
    assert "<pdfaid:part>3</pdfaid:part>" in metadata
    assert "<pdfaid:conformance>A</pdfaid:conformance>" in metadata


def test_the_same_terms_give_the_same_bytes_in_another_process():
    salted = _salted("storage-rent")
    data = write_terms(salted.terms, salt=SALT)
    here = hashlib.sha256(render_contract_pdf(salted)).hexdigest()
    there = subprocess.run([sys.executable, "-c", ELSEWHERE], input=data, capture_output=True, check=True)
    assert there.stdout.decode().strip() == here
    other = render_contract_pdf(_salted("storage-rent", notice_days=31))
    assert hashlib.sha256(other).hexdigest() != here


def test_a_letter_without_a_glyph_is_refused():
    with pytest.raises(UnprintableContractError):
        render_contract_pdf(_salted("energy-supply", clauses=("\U0001f600 \u4f60",)))
