"""Certificates of persons: issued by an organisation for the key of a device, after an identity check on record.

X.509 (RFC 5280) with P-256. The check is kept off the ledger with its salt; its commitment stands on the ledger, so it
cannot be dated back. A certificate lives a year at most and ends earlier by revocation: the key is revoked on the
ledger and the serial number goes on the organisation's list (CRL).
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from hashlib import sha256

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ogniwo.core.billing.canonical import Json
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.ledger.signing import PublicKey, load_public_key
from ogniwo.core.ledger.transactions import RevokeKey
from ogniwo.records.contracts.models import PersonCertificate
from ogniwo.records.ledger.models import Commitment
from ogniwo.records.parties.models import Organisation
from ogniwo.records.visibility import Subject
from ogniwo.services.contracts.econtract_parties import ContractParty, operator_of
from ogniwo.services.ledger.access import (
    OPERATOR_KEY,
    NoLedgerError,
    frame,
    has_ledger,
    key_store,
    open_ledger,
    signed,
    submit,
)
from ogniwo.services.ledger.posting import DocumentToAnchor, anchor_documents
from ogniwo.services.workspace.audit import record_act
from ogniwo.services.workspace.changing import changing, keep_whole
from ogniwo.services.workspace.model import Workspace

METHODS = ("in-person", "bank-transfer", "mobywatel", "trusted-profile", "video")
"""How an identity can be checked."""

DOCUMENT_KINDS = ("identity-card", "passport", "residence-card", "none")
KEY_STORAGES = ("device", "token", "file")
"""Where the person says that the private key lies."""

ROOT_LIFE = timedelta(days=3_653)
CERTIFICATE_LIFE = timedelta(days=365)
CRL_LIFE = timedelta(days=31)
_BACKWARDS = timedelta(minutes=5)
_DER = serialization.Encoding.DER
_PEM = serialization.Encoding.PEM


class CertificateRefusedError(Refusal):
    """A certificate cannot be issued: the key is not the party's on the ledger, or the check lies in the future."""

    code = "certificate.refused"


class CertificateNotFoundError(Refusal):
    """The party has no certificate in force."""

    code = "certificate.not_found"


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityCheck:
    """How somebody made sure who the person is: by what means, when, who did it, and which document was seen."""

    method: str
    day: date
    checker: str
    document_kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """An organisation's certification authority."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @property
    def der(self) -> bytes:
        """The root certificate."""
        return self.certificate.public_bytes(_DER)


def authority(workspace: Workspace, organisation: Organisation) -> Authority:
    """The authority of an organisation, made when it is first needed; its root lies in the folder `trust`."""
    store, name = key_store(workspace), f"ca-{organisation.code}"
    path = workspace.root / "trust" / f"{organisation.code}-ca.pem"
    if name not in store.names():
        store.create(name)
    key = store.signing_key(name)
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        keep_whole(path, _root(organisation, key, workspace.now()).public_bytes(_PEM))
    return Authority(key=key, certificate=x509.load_pem_x509_certificate(path.read_bytes()))


def trusted_roots(workspace: Workspace) -> tuple[bytes, ...]:
    """Every root (DER) in the folder `trust`: our own and those of trust service providers put there."""
    found: list[bytes] = []
    for path in sorted((workspace.root / "trust").glob("*.pem")):
        found += [one.public_bytes(_DER) for one in x509.load_pem_x509_certificates(path.read_bytes())]
    return tuple(found)


def _name(common: str, organisation: Organisation, number: str = "") -> x509.Name:
    parts = [
        x509.NameAttribute(NameOID.COUNTRY_NAME, "PL"),
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation.name[:64]),
        x509.NameAttribute(NameOID.COMMON_NAME, common[:64]),
    ]
    if number:
        parts.append(x509.NameAttribute(NameOID.SERIAL_NUMBER, number[:64]))
    return x509.Name(parts)


def _usage(*, person: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=person,
        content_commitment=person,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=not person,
        crl_sign=not person,
        encipher_only=False,
        decipher_only=False,
    )


def _root(organisation: Organisation, key: ec.EllipticCurvePrivateKey, now: datetime) -> x509.Certificate:
    name = _name(f"{organisation.name[:50]} - podpisy", organisation)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BACKWARDS)
        .not_valid_after(now + ROOT_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(person=False), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )


def issue_certificate(
    workspace: Workspace,
    *,
    party: ContractParty,
    kid: str,
    check: IdentityCheck,
    key_storage: str,
) -> PersonCertificate:
    """Issue a certificate for a key that the ledger holds for the party, and fix the identity check on the ledger.

    The key proved itself when it was registered. One key gets one certificate. Refuses keys of others, revoked keys,
    and a check of a day to come.
    """
    if check.method not in METHODS or check.document_kind not in DOCUMENT_KINDS or key_storage not in KEY_STORAGES:
        raise CertificateRefusedError(detail=f"{check.method}, {check.document_kind} or {key_storage} is no known word")
    if check.day > workspace.today():
        raise CertificateRefusedError(detail=f"the identity check of {check.day} has not taken place yet")
    if not has_ledger(workspace):
        raise NoLedgerError(detail="the ledger holds no key of the party yet; register one with `ogniwo contract key`")
    with changing(workspace, f"contract certificate {party.word}"), open_ledger(workspace) as ledger:
        with ledger.reading() as state:
            record = state.keys.get(kid)
        if record is None or record.account != party.account or record.revoked or record.purpose != "transaction":
            raise CertificateRefusedError(detail=f"the ledger holds no working key {kid} of {party.word}")
        if PersonCertificate.objects.filter(kid=kid).exists():
            raise CertificateRefusedError(detail=f"key {kid} has a certificate; a person gets a new one for a new key")
        identity = f"{party.number}/{kid}"
        document: dict[str, Json] = {
            "schema": "ogniwo.identity/1",
            "account": party.account,
            "checker": check.checker,
            "day": check.day.isoformat(),
            "document_kind": check.document_kind,
            "kid": kid,
            "method": check.method,
            "name": party.name,
        }
        anchored = DocumentToAnchor(kind="identity", natural_id=identity, subject=party.account, document=document)
        anchor_documents(workspace, ledger, [anchored])
        certificate = _issued(authority(workspace, party.organisation), party, record.key, workspace.now())
        row = PersonCertificate.objects.create(
            organisation=party.organisation,
            member=party.member,
            account=party.account,
            kid=kid,
            serial=f"{certificate.serial_number:x}",
            certificate=certificate.public_bytes(_DER),
            identity=identity,
            key_storage=key_storage,
            issued_at=workspace.now(),
            valid_to=certificate.not_valid_after_utc,
        )
        record_act(
            workspace, action="contract.certificate", target=party.word, facts={"serial": row.serial, "kid": kid}
        )
    return row


def _issued(issuer: Authority, party: ContractParty, key: PublicKey, now: datetime) -> x509.Certificate:
    public = load_public_key(key)
    return (
        x509.CertificateBuilder()
        .subject_name(_name(party.name, party.organisation, party.number))
        .issuer_name(issuer.certificate.subject)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BACKWARDS)
        .not_valid_after(min(now + CERTIFICATE_LIFE, issuer.certificate.not_valid_after_utc))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(person=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key()), critical=False)
        .sign(issuer.key, hashes.SHA256())
    )


def certificate_of(workspace: Workspace, party: ContractParty) -> PersonCertificate:
    """The party's newest certificate in force."""
    row = (
        PersonCertificate.objects.filter(account=party.account, revoked_at__isnull=True, valid_to__gt=workspace.now())
        .order_by("-issued_at")
        .first()
    )
    if row is None:
        raise CertificateNotFoundError(detail=f"{party.word} has no certificate in force")
    return row


def certificates(*, subject: Subject) -> tuple[PersonCertificate, ...]:
    """Every certificate the subject may see, oldest first."""
    return tuple(PersonCertificate.objects.all().visible_to(subject).select_related("organisation", "member"))


def revoke_certificate(workspace: Workspace, *, party: ContractParty) -> PersonCertificate:
    """End the party's certificate now: its key is revoked on the ledger, its serial goes on the list."""
    row = certificate_of(workspace, party)
    with changing(workspace, f"contract certificate {party.word}"), open_ledger(workspace) as ledger:
        with ledger.reading() as state:
            key = state.keys.get(row.kid)
        if key is not None and not key.revoked:
            payload = RevokeKey(**frame(workspace, account=operator_of(ledger), reason="certificate"), kid=row.kid)
            submit(ledger, [signed(payload, key_store(workspace).signing_key(OPERATOR_KEY))])
        row.revoked_at = workspace.now()
        row.save(update_fields=["revoked_at"])
        record_act(workspace, action="contract.certificate.revoke", target=party.word, facts={"serial": row.serial})
    return row


def revocation_list(workspace: Workspace, organisation: Organisation) -> bytes:
    """The organisation's list of revoked certificates (CRL, DER), good for a month."""
    issuer, now = authority(workspace, organisation), workspace.now()
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.certificate.subject)
        .last_update(now - _BACKWARDS)
        .next_update(now + CRL_LIFE)
        .add_extension(x509.CRLNumber(int(now.timestamp())), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key()), critical=False)
    )
    for row in PersonCertificate.objects.filter(organisation=organisation, revoked_at__isnull=False):
        if row.revoked_at is not None:
            builder = builder.add_revoked_certificate(
                x509.RevokedCertificateBuilder()
                .serial_number(int(row.serial, 16))
                .revocation_date(row.revoked_at)
                .build()
            )
    return builder.sign(issuer.key, hashes.SHA256()).public_bytes(_DER)


def identity_document(row: PersonCertificate) -> dict[str, Json] | None:
    """The identity check behind a certificate, if it is still kept and is the one that was fixed on the ledger."""
    found = Commitment.objects.filter(kind="identity", natural_id=row.identity).exclude(transaction_id="").first()
    if found is None or not found.payload:
        return None
    if sha256(bytes.fromhex(found.salt) + found.payload.encode()).hexdigest() != found.commitment:
        return None
    document: dict[str, Json] = msgspec.json.decode(found.payload)
    return document
