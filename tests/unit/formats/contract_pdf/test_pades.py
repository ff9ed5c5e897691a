"""PAdES signatures whose key never comes near the server, judged by two independent programs."""

import io
import re
import shutil
import subprocess
from datetime import timedelta

import pytest
from contract_samples import SALT, sample
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

from ogniwo.core.posting.contract_terms import Salted
from ogniwo.formats.contract_pdf.pades import (
    BadPadesSignatureError,
    NotASignedPdfError,
    OtherDocumentError,
    examine,
    finish,
    prepare,
)
from ogniwo.formats.contract_pdf.render import render_contract_pdf


@pytest.fixture(scope="module")
def agreed():
    return render_contract_pdf(Salted(salt=SALT.hex(), terms=sample("energy-supply")))


def seal(pdf, device):
    prepared = prepare(
        pdf, certificate=device.certificate, chain=device.chain, field=f"podpis-{device.name}", name=device.name
    )
    return finish(prepared, device.sign(prepared.attributes))


@pytest.fixture(scope="module")
def both(agreed, devices):
    pdf = agreed
    for device in devices:
        pdf = seal(pdf, device)
    return pdf


def pdfsig(pdf, folder):
    """What poppler says: one line for each signature."""
    program = shutil.which("pdfsig")
    if program is None:
        pytest.fail("pdfsig is missing: install poppler-utils (tools/system_packages.sh test)")
    path = folder / "signed.pdf"
    path.write_bytes(pdf)
    result = subprocess.run([program, "-nocert", str(path)], capture_output=True, text=True, check=False)
    return re.findall(r"Signature Validation: (.*)", result.stdout)


def test_two_parties_sign_in_turn_and_both_signatures_hold(agreed, both, authority, now, tmp_path):
    seals = examine(both, agreed=agreed, roots=[authority.root], moment=now)
    assert [seal.signer for seal in seals] == ["Common Name: Jan", "Common Name: Anna"]
    assert all(seal.good for seal in seals)
    assert pdfsig(both, tmp_path) == ["Signature is Valid."] * 2


def test_the_device_sees_only_attributes_that_name_the_document(agreed, devices):
    prepared = prepare(agreed, certificate=devices[0].certificate, chain=devices[0].chain, field="podpis", name="Jan")
    assert len(prepared.attributes) < 400
    assert prepared.digest in prepared.attributes
    assert agreed not in prepared.attributes


@pytest.mark.parametrize("place", [1_000, 30_000, -200])
def test_a_changed_byte_is_found_by_both_programs(agreed, both, authority, now, tmp_path, place):
    changed = bytearray(both)
    changed[place] ^= 1
    try:
        holds = all(seal.good for seal in examine(bytes(changed), agreed=agreed, roots=[authority.root], moment=now))
    except (OtherDocumentError, NotASignedPdfError):
        holds = False
    assert not holds
    assert pdfsig(bytes(changed), tmp_path) != ["Signature is Valid."] * 2


def test_a_signature_by_another_key_does_not_hold(agreed, devices, authority, now, tmp_path):
    jan, anna = devices
    prepared = prepare(agreed, certificate=jan.certificate, chain=jan.chain, field="podpis", name="Jan")
    forged = finish(prepared, anna.sign(prepared.attributes))
    (found,) = examine(forged, agreed=agreed, roots=[authority.root], moment=now)
    assert (found.intact, found.valid, found.good) == (True, False, False)
    assert pdfsig(forged, tmp_path) != ["Signature is Valid."]


@pytest.mark.parametrize("raw", [b"", b"\x01" * 63, b"\x01" * 70])
def test_a_signature_in_another_form_is_refused(agreed, devices, raw):
    prepared = prepare(agreed, certificate=devices[0].certificate, chain=(), field="podpis", name="Jan")
    with pytest.raises(BadPadesSignatureError):
        finish(prepared, raw)


def test_certificates_count_only_from_a_trusted_root(agreed, stranger, authority, other_authority, now):
    signed = seal(agreed, stranger)
    (unknown,) = examine(signed, agreed=agreed, roots=[authority.root], moment=now)
    assert (unknown.valid, unknown.trusted, unknown.good) == (True, False, False)
    (known,) = examine(signed, agreed=agreed, roots=[authority.root, other_authority.root], moment=now)
    assert known.good


def test_a_revoked_certificate_is_not_trusted(agreed, both, devices, authority, other_authority, now):
    def trusted(by, moment):
        crl = by.revoked(devices[1].certificate)
        seals = examine(both, agreed=agreed, roots=[authority.root], crls=[crl], moment=moment)
        return [seal.trusted for seal in seals]

    assert trusted(authority, now) == [True, False]
    assert trusted(authority, now - timedelta(minutes=10)) == [True, True]
    assert trusted(other_authority, now) == [True, True]  # not this issuer's list


def test_another_document_is_refused(both, authority, now):
    other = render_contract_pdf(Salted(salt=SALT.hex(), terms=sample("storage-rent")))
    with pytest.raises(OtherDocumentError, match="does not begin"):
        examine(both, agreed=other, roots=[authority.root], moment=now)


def _page_changed(pdf):
    """The document with an addition that draws over its page, as somebody might do before signing."""
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf))
    page = writer.root["/Pages"]["/Kids"][0]
    overlay = writer.add_object(generic.StreamObject(stream_data=b"BT /F1 20 Tf 100 500 Td (0 PLN) Tj ET"))
    contents = page.raw_get("/Contents")
    page["/Contents"] = generic.ArrayObject([contents, overlay])
    writer.update_container(page)
    output = io.BytesIO()
    writer.write(output)
    return output.getvalue()


def test_a_page_drawn_over_before_signing_is_refused(agreed, devices, authority, now, tmp_path):
    signed = seal(_page_changed(agreed), devices[0])
    assert signed.startswith(agreed)
    assert pdfsig(signed, tmp_path) == ["Signature is Valid."]  # the signature itself says nothing against it
    with pytest.raises(OtherDocumentError, match="was changed"):
        examine(signed, agreed=agreed, roots=[authority.root], moment=now)


def test_a_page_drawn_over_after_signing_is_refused(agreed, both, authority, now):
    with pytest.raises(OtherDocumentError, match="was changed"):
        examine(_page_changed(both), agreed=agreed, roots=[authority.root], moment=now)


def test_files_without_a_signature_are_refused(agreed, devices, authority, now):
    with pytest.raises(NotASignedPdfError):
        examine(agreed, agreed=agreed, roots=[authority.root], moment=now)
    with pytest.raises(NotASignedPdfError):
        prepare(b"not a pdf", certificate=devices[0].certificate, chain=(), field="podpis", name="Jan")
    with pytest.raises(NotASignedPdfError):
        seal(seal(agreed, devices[0]), devices[0])  # the field is taken
