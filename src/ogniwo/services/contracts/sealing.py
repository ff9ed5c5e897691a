"""PAdES signatures on a contract's PDF: made on the signer's device, or elsewhere and handed in; checked, then kept."""

from dataclasses import asdict

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from ogniwo.core.kernel.refusals import Refusal
from ogniwo.formats.contract_pdf.pades import OtherDocumentError, Prepared, Seal, examine, finish, prepare
from ogniwo.records.contracts.models import EContract, PersonCertificate
from ogniwo.records.parties.models import Organisation
from ogniwo.records.visibility import Subject
from ogniwo.services.contracts.certificates import authority, certificate_of, revocation_list, trusted_roots
from ogniwo.services.contracts.econtract_parties import ContractParty
from ogniwo.services.contracts.econtracts import EContractNotFoundError, readable
from ogniwo.services.workspace.audit import record_act
from ogniwo.services.workspace.changing import changing
from ogniwo.services.workspace.model import Workspace


class BadSealError(Refusal):
    """A signature on a contract's PDF does not hold."""

    code = "econtract.bad_seal"


class PreparedSeal(msgspec.Struct, frozen=True, kw_only=True):
    """What a device needs to sign, and what comes back with its signature; bytes are base64 in JSON."""

    contract: str
    party: str
    attributes: bytes
    digest: bytes
    start: int
    end: int
    pdf: bytes


def prepare_seal(workspace: Workspace, *, name: str, party: ContractParty, subject: Subject) -> PreparedSeal:
    """Make room for the party's signature on the PDF and say what its device has to sign."""
    record = readable(name, subject=subject)
    if not record.parties.filter(account=party.account).exists():
        raise EContractNotFoundError(detail=f"{party.word} is no party of {record.name}")
    row = certificate_of(workspace, party)
    prepared = prepare(
        _latest(record),
        certificate=bytes(row.certificate),
        chain=(authority(workspace, row.organisation).der,),
        field=f"podpis-{row.serial[:16]}",
        name=party.name,
    )
    return PreparedSeal(
        contract=record.name,
        party=party.word,
        attributes=prepared.attributes,
        digest=prepared.digest,
        start=prepared.start,
        end=prepared.end,
        pdf=prepared.pdf,
    )


def finish_seal(
    workspace: Workspace, *, prepared: PreparedSeal, party: ContractParty, raw: bytes, subject: Subject
) -> tuple[Seal, ...]:
    """Put the device's signature (r || s) into the PDF, check the whole file, and keep it when everything holds."""
    row = certificate_of(workspace, party)
    signed = finish(
        Prepared(
            attributes=prepared.attributes,
            certificate=bytes(row.certificate),
            chain=(authority(workspace, row.organisation).der,),
            digest=prepared.digest,
            end=prepared.end,
            pdf=prepared.pdf,
            start=prepared.start,
        ),
        raw,
    )
    return _keep(workspace, prepared.contract, signed, subject=subject, trusted_only=True)


def seal_with(
    workspace: Workspace, *, name: str, party: ContractParty, key: ec.EllipticCurvePrivateKey, subject: Subject
) -> tuple[Seal, ...]:
    """Sign the PDF with a key that lies beside the command."""
    prepared = prepare_seal(workspace, name=name, party=party, subject=subject)
    raw = device_signature(key, prepared.attributes)
    return finish_seal(workspace, prepared=prepared, party=party, raw=raw, subject=subject)


def device_signature(key: ec.EllipticCurvePrivateKey, attributes: bytes) -> bytes:
    """What a device answers: ES256 over the attributes as raw r || s, as WebCrypto gives it."""
    r, s = decode_dss_signature(key.sign(attributes, ec.ECDSA(SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def take_signed_pdf(workspace: Workspace, *, name: str, signed: bytes, subject: Subject) -> tuple[Seal, ...]:
    """Take a PDF that was signed elsewhere, with a qualified signature for example, and record what it is worth.

    It must be the agreed document with all signatures kept so far. A signature whose certificate leads to no root in
    the folder `trust` is kept and recorded as not trusted; a broken one is refused.
    """
    return _keep(workspace, name, signed, subject=subject, trusted_only=False)


def seals_of(workspace: Workspace, record: EContract) -> tuple[Seal, ...]:
    """What the signatures on the kept PDF are worth now."""
    if not record.signed_pdf:
        return ()
    return _examined(workspace, record, bytes(record.signed_pdf))


def _latest(record: EContract) -> bytes:
    return bytes(record.signed_pdf) or bytes(record.pdf)


def _keep(workspace: Workspace, name: str, signed: bytes, *, subject: Subject, trusted_only: bool) -> tuple[Seal, ...]:
    with changing(workspace, "contract seal"):
        record = readable(name, subject=subject)
        if not signed.startswith(_latest(record)):
            raise OtherDocumentError(detail="the file does not continue the document with the signatures kept so far")
        seals = _examined(workspace, record, signed)
        known = {seal["field"]: seal for seal in record.seals if seal["trusted"]}
        broken = [
            seal.field
            for seal in seals
            if not (seal.intact and seal.valid and seal.whole)
            or (trusted_only and not seal.trusted and seal.field not in known)
        ]
        if broken:
            raise BadSealError(detail=f"these signatures do not hold: {', '.join(broken)}")
        now = workspace.now().isoformat()
        # What a signature was worth when it came in stays on record: its certificate may end or be revoked later.
        record.seals = [known.get(seal.field, asdict(seal) | {"checked_at": now}) for seal in seals]
        record.signed_pdf = signed
        record.save(update_fields=["signed_pdf", "seals"])
        record_act(
            workspace,
            action="contract.seal",
            target=record.name,
            facts={"signatures": len(seals), "trusted": sum(seal.trusted for seal in seals)},
        )
    return seals


def _examined(workspace: Workspace, record: EContract, signed: bytes) -> tuple[Seal, ...]:
    return examine(
        signed,
        agreed=bytes(record.pdf),
        roots=trusted_roots(workspace),
        crls=[revocation_list(workspace, organisation) for organisation in _issuers()],
        moment=workspace.now(),
    )


def _issuers() -> tuple[Organisation, ...]:
    """The organisations that have issued certificates."""
    codes = PersonCertificate.objects.values_list("organisation", flat=True).distinct()
    return tuple(Organisation.objects.filter(pk__in=codes))
