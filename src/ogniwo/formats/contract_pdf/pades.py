"""PAdES signatures on a contract's PDF (ETSI EN 319 142-1), made where the key is, and their validation.

The private key stays on the signer's device: `prepare` gives out the DER of the signed attributes (CMS, RFC 5652), the
device returns ES256 over exactly these bytes as raw r || s, `finish` puts it into the place that was kept free.

A file can be extended after its last signed byte, and a signer can extend it before he signs. So `examine` asks two
things of a signed file: it begins with the agreed bytes, and what was added since changes nothing but signatures.
"""

import asyncio
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from asn1crypto import cms
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from pyhanko.pdf_utils.generic import DictionaryObject, IndirectObject, PdfObject
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.diff_analysis import ModificationLevel
from pyhanko.sign.fields import SigSeedSubFilter
from pyhanko.sign.general import SigningError
from pyhanko.sign.signers import ExternalSigner, PdfSignatureMetadata, PdfSigner
from pyhanko.sign.signers.pdf_byterange import PreparedByteRangeDigest
from pyhanko.sign.signers.pdf_signer import PdfTBSDocument
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko.sign.validation.errors import SignatureValidationError
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.registry import SimpleCertificateStore

from ogniwo.core.kernel.refusals import Refusal

BYTES_RESERVED = 32_768
"""Room for a signature in the file: certificates, and a time stamp added later, fit in it."""

_CATALOGUE_MAY_CHANGE = frozenset({"/AcroForm", "/DSS", "/Extensions", "/Metadata", "/Perms", "/Version"})
_RAW_BYTES = 64
_ECDSA_SHA256 = "sha256_ecdsa"


class NotASignedPdfError(Refusal):
    """The file is no PDF, or cannot carry or does not carry signatures that can be read."""

    code = "contract_pdf.not_a_signed_pdf"


class OtherDocumentError(Refusal):
    """The document inside a signed file is not the agreed one, or was changed besides being signed."""

    code = "contract_pdf.other_document"


class BadPadesSignatureError(Refusal):
    """A signature handed back has not the form of ES256."""

    code = "contract_pdf.signature_form"


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A PDF that waits for a signature.

    `attributes` (DER) is all that the device signs; `pdf` has a gap of zeros at [start, end) for the signature.
    """

    attributes: bytes
    certificate: bytes
    chain: tuple[bytes, ...]
    digest: bytes
    end: int
    pdf: bytes
    start: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal:
    """What was found out about one signature of a file.

    `intact`: the signed bytes are unchanged; `valid`: the signature fits the certificate's key; `trusted`: the
    certificate leads to a root and was in force. `whole`: nothing was added behind it but further signatures.
    """

    field: str
    signer: str
    serial: str
    fingerprint: str
    intact: bool
    valid: bool
    trusted: bool
    whole: bool

    @property
    def good(self) -> bool:
        """Whether everything holds."""
        return self.intact and self.valid and self.trusted and self.whole


def prepare(pdf: bytes, *, certificate: bytes, chain: Sequence[bytes], field: str, name: str) -> Prepared:
    """Make room for a signature in a new field and say what is to be signed; certificates are DER, the signer's first.

    Raises NotASignedPdfError when the file cannot take one.
    """
    return asyncio.run(_prepare(pdf, certificate, tuple(chain), field, name))


def _signer(certificate: bytes, chain: Sequence[bytes], signature: bytes | None = None) -> ExternalSigner:
    registry = SimpleCertificateStore()  # type: ignore[no-untyped-call]  # pyHanko leaves its constructor untyped
    registry.register_multiple([asn1_x509.Certificate.load(one) for one in chain])
    return ExternalSigner(
        signing_cert=asn1_x509.Certificate.load(certificate),
        cert_registry=registry,
        signature_value=signature or _RAW_BYTES * 2,
        signature_mechanism=cms.SignedDigestAlgorithm({"algorithm": _ECDSA_SHA256}),
    )


async def _prepare(pdf: bytes, certificate: bytes, chain: tuple[bytes, ...], field: str, name: str) -> Prepared:
    signer = _signer(certificate, chain)
    try:
        writer = IncrementalPdfFileWriter(io.BytesIO(pdf))
        metadata = PdfSignatureMetadata(
            field_name=field, name=name, md_algorithm="sha256", subfilter=SigSeedSubFilter.PADES
        )
        digest, _, output = await PdfSigner(metadata, signer=signer).async_digest_doc_for_signing(
            writer, bytes_reserved=BYTES_RESERVED
        )
    except (PdfError, SigningError, ValueError) as error:
        raise NotASignedPdfError(detail=f"the file cannot be signed: {error}") from error
    attributes = await signer.signed_attrs(digest.document_digest, "sha256", use_pades=True)
    output.seek(0)
    return Prepared(
        attributes=attributes.dump(),
        certificate=certificate,
        chain=chain,
        digest=digest.document_digest,
        end=digest.reserved_region_end,
        pdf=output.read(),
        start=digest.reserved_region_start,
    )


def finish(prepared: Prepared, raw: bytes) -> bytes:
    """The signed PDF: `raw` is r || s, the device's ES256 signature over `prepared.attributes`."""
    if len(raw) != _RAW_BYTES:
        raise BadPadesSignatureError(detail=f"an ES256 signature has {_RAW_BYTES} bytes, not {len(raw)}")
    half = _RAW_BYTES // 2
    der = encode_dss_signature(int.from_bytes(raw[:half]), int.from_bytes(raw[half:]))
    return asyncio.run(_finish(prepared, der))


async def _finish(prepared: Prepared, der: bytes) -> bytes:
    signer = _signer(prepared.certificate, prepared.chain, der)
    attributes = cms.CMSAttributes.load(prepared.attributes)
    content = await signer.async_sign_prescribed_attributes("sha256", signed_attrs=attributes)
    output = io.BytesIO(prepared.pdf)
    digest = PreparedByteRangeDigest(
        document_digest=prepared.digest, reserved_region_start=prepared.start, reserved_region_end=prepared.end
    )
    await PdfTBSDocument.async_finish_signing(output, digest, content)
    return output.getvalue()


def examine(
    signed: bytes, *, agreed: bytes, roots: Sequence[bytes], crls: Sequence[bytes] = (), moment: datetime
) -> tuple[Seal, ...]:
    """What each signature of a signed file is worth at a moment; `roots` and `crls` are DER.

    Refuses by OtherDocumentError a file that is not the agreed one plus signatures, by NotASignedPdfError one without.
    A certificate of which a CRL of its issuer is given must not stand on it.
    """
    if not signed.startswith(agreed):
        raise OtherDocumentError(detail="the signed file does not begin with the agreed document")
    try:
        reader = PdfFileReader(io.BytesIO(signed))
        embedded = reader.embedded_regular_signatures
    except (PdfError, SigningError, ValueError) as error:
        raise NotASignedPdfError(detail=f"the file cannot be read: {error}") from error
    if not embedded:
        raise NotASignedPdfError(detail="the file carries no signature")
    _demand_only_signatures(reader)
    context = ValidationContext(
        trust_roots=[asn1_x509.Certificate.load(one) for one in roots],
        allow_fetching=False,
        moment=moment,
        revocation_mode="soft-fail",
    )
    seals = []
    for one in embedded:
        try:
            status = validate_pdf_signature(one, signer_validation_context=context)
        except (SignatureValidationError, ValueError) as error:
            raise NotASignedPdfError(detail=f"signature {one.field_name} cannot be read: {error}") from error
        certificate = status.signing_cert
        revoked = _revoked(certificate.dump(), roots=roots, crls=crls, moment=moment)
        seals.append(
            Seal(
                field=str(one.field_name),
                signer=certificate.subject.human_friendly,
                serial=f"{certificate.serial_number:x}",
                fingerprint=certificate.sha256.hex(),
                intact=status.intact,
                valid=status.valid,
                trusted=status.trusted and not revoked,
                whole=status.modification_level is not ModificationLevel.OTHER,
            )
        )
    return tuple(seals)


def _revoked(data: bytes, *, roots: Sequence[bytes], crls: Sequence[bytes], moment: datetime) -> bool:
    """Whether a list signed by the certificate's issuer says that it was revoked by then.

    Asked here and not in the validator, which looks at lists only for certificates that say where theirs is.
    """
    certificate = x509.load_der_x509_certificate(data)
    issuers = [x509.load_der_x509_certificate(root) for root in roots]
    for crl in (x509.load_der_x509_crl(one) for one in crls):
        issuer = next((root for root in issuers if root.subject == crl.issuer == certificate.issuer), None)
        if issuer is None or not crl.is_signature_valid(issuer.public_key()):  # type: ignore[arg-type]  # CAs sign
            continue
        entry = crl.get_revoked_certificate_by_serial_number(certificate.serial_number)
        if entry is not None and entry.revocation_date_utc <= moment:
            return True
    return False


def _demand_only_signatures(reader: PdfFileReader) -> None:
    """Whether nothing of the agreed document was changed: all its objects are what they were in its own bytes.

    A signature may add a form to the catalogue, a field to a page, and data about its validity; a signing program may
    note itself in the metadata. Anything else that differs could show another text.
    """
    before, after = reader.get_historical_resolver(0), reader
    if before.root_ref != after.root_ref:
        raise OtherDocumentError(detail="the signed file begins another document behind the agreed one")
    remarks = {_reference(before.root.raw_get("/Metadata")) if "/Metadata" in before.root else None}
    remarks.add(_reference(reader.trailer.raw_get("/Info")) if "/Info" in reader.trailer else None)
    for reference in reader.xrefs.explicit_refs_in_revision(0):
        if reference in remarks:
            continue
        old = before.get_object(reference)
        try:
            new = after.get_object(reference)  # type: ignore[no-untyped-call]  # as above
        except PdfError as error:
            raise OtherDocumentError(detail=f"object {reference.idnum} of the document is gone: {error}") from error
        if reference == before.root_ref:
            allowed = _CATALOGUE_MAY_CHANGE
        elif isinstance(old, DictionaryObject) and old.get("/Type") == "/Page":
            allowed = frozenset({"/Annots"})
            _demand_only_fields(old, new)
        else:
            allowed = frozenset()
        if _fixed(old, allowed) != _fixed(new, allowed):
            raise OtherDocumentError(detail=f"object {reference.idnum} of the document was changed, not only signed")


def _demand_only_fields(old: DictionaryObject, new: object) -> None:
    """Whether a page got nothing but signature fields."""
    if not isinstance(new, DictionaryObject):
        raise OtherDocumentError(detail="a page of the document is gone")
    kept, found = _annotations(old), _annotations(new)
    same = [_bytes_of(one) for one in found[: len(kept)]] == [_bytes_of(one) for one in kept]
    if not same or any(_loaded(one).get("/FT") != "/Sig" for one in found[len(kept) :]):
        raise OtherDocumentError(detail="a page carries something besides signature fields that was not agreed")


def _annotations(page: DictionaryObject) -> list[PdfObject]:
    return list(page.get("/Annots", ()))


def _loaded(value: PdfObject) -> DictionaryObject:
    found = value.get_object()  # type: ignore[no-untyped-call]  # as above
    return found if isinstance(found, DictionaryObject) else DictionaryObject()  # type: ignore[no-untyped-call]


def _fixed(value: PdfObject, allowed: frozenset[str]) -> bytes:
    """The bytes of an object without the entries that may change."""
    if isinstance(value, DictionaryObject) and allowed:
        kept = {key: value.raw_get(key) for key in value if key not in allowed}
        value = DictionaryObject(kept)  # type: ignore[no-untyped-call]  # as above
    return _bytes_of(value)


def _bytes_of(value: PdfObject) -> bytes:
    stream = io.BytesIO()
    value.write_to_stream(stream, None)
    return stream.getvalue()


def _reference(value: object) -> object:
    return value.reference if isinstance(value, IndirectObject) else None
