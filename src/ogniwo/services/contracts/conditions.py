"""What makes a signature an advanced one: the four conditions of eIDAS art. 26, each with what meets it here and now.

Regulation (EU) 910/2014, art. 26: the signature is (a) uniquely linked to the signatory, (b) capable of identifying
him, (c) made with data that he can, with a high level of confidence, use under his sole control, (d) linked to the
signed data so that any later change is detectable. Nothing here makes it a qualified one (art. 3 point 12).
"""

from dataclasses import dataclass
from hashlib import sha256

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec

from ogniwo.chain.keystore import KeyMissingError
from ogniwo.core.ledger.admission import open_transaction
from ogniwo.core.ledger.blocks import read_body
from ogniwo.core.ledger.signing import key_id, public_key_of
from ogniwo.core.ledger.state_records import EContract as ContractState
from ogniwo.core.ledger.state_records import KeyRecord
from ogniwo.records.contracts.models import EContract, PersonCertificate
from ogniwo.records.visibility import Subject
from ogniwo.services.contracts.certificates import authority, identity_document
from ogniwo.services.contracts.econtracts import readable
from ogniwo.services.contracts.sealing import seals_of
from ogniwo.services.ledger.access import key_store, open_ledger, open_projection
from ogniwo.services.workspace.model import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One condition for one party's signature: `letter` of art. 26, whether it is met, and by what, or what lacks."""

    account: str
    letter: str
    asks: str
    met: bool
    how: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Signature:
    """One party's signature with all that speaks for it."""

    account: str
    kid: str
    key: KeyRecord | None
    row: PersonCertificate | None


def signature_conditions(workspace: Workspace, *, name: str, subject: Subject) -> tuple[Condition, ...]:
    """The four conditions for each signature on the ledger, checked now; parties that did not sign are left out."""
    record = readable(name, subject=subject)
    found: list[Condition] = []
    with open_ledger(workspace) as ledger, open_projection(workspace) as projection:
        with ledger.reading() as state:
            contract = state.contracts.get(record.name)
            keys = dict(state.keys)
        if contract is None:
            return ()
        for one in contract.signatures:
            place = projection.find(one.transaction)
            kid = ""
            if place is not None:
                envelope = read_body(ledger.read(place.height, limit=1)[0].body)[place.position].envelope
                signers = open_transaction(envelope).signers
                kid = next((signer for signer in signers if keys[signer].account == one.account), "")
            row = PersonCertificate.objects.filter(kid=kid).select_related("organisation").first()
            signature = _Signature(account=one.account, kid=kid, key=keys.get(kid), row=row)
            found += [
                _linked(signature),
                _identifies(workspace, signature),
                _sole_control(workspace, signature),
                _detectable(workspace, record, contract, signature),
            ]
    return tuple(found)


def _linked(one: _Signature) -> Condition:
    """(a): one key, one account, one certificate."""
    met = False
    how = "the key has no certificate: issue one with `ogniwo contract certificate`"
    if one.row is not None and one.key is not None:
        public = x509.load_der_x509_certificate(bytes(one.row.certificate)).public_key()
        same = isinstance(public, ec.EllipticCurvePublicKey) and public_key_of(public) == one.key.key
        met = same and one.row.account == one.key.account == one.account
        how = f"key {one.kid} is registered to this account alone; certificate {one.row.serial} is for that key"
        if not met:
            how = "certificate and key on the ledger do not belong together"
    return Condition(account=one.account, letter="a", asks="uniquely linked to the signatory", met=met, how=how)


def _identifies(workspace: Workspace, one: _Signature) -> Condition:
    """(b): a certificate with the name, after a check whose commitment stands on the ledger."""
    met, how = False, "nobody's identity was checked for this key"
    if one.row is not None:
        check = identity_document(one.row)
        certificate = x509.load_der_x509_certificate(bytes(one.row.certificate))
        try:
            certificate.verify_directly_issued_by(authority(workspace, one.row.organisation).certificate)
            issued = True
        except (InvalidSignature, ValueError, TypeError):
            issued = False
        met = check is not None and issued
        how = "the record of the identity check is gone, or not the one fixed on the ledger"
        if check is not None:
            how = (
                f"{certificate.subject.rfc4514_string()}; identity checked on {check['day']} by {check['checker']}"
                f" ({check['method']}, {check['document_kind']})"
            )
    return Condition(account=one.account, letter="b", asks="identifies the signatory", met=met, how=how)


def _sole_control(workspace: Workspace, one: _Signature) -> Condition:
    """(c): the private key lies on a device of the person, and not among the keys of this installation."""
    ours = _own_kids(workspace)
    storage = one.row.key_storage if one.row is not None else ""
    met = one.kid not in ours and storage in {"device", "token"}
    if one.kid in ours:
        how = "the private key lies in this installation"
    elif storage == "file":
        how = "the private key lies in a file: how well it is guarded cannot be shown"
    elif met:
        how = f"the private key was made in a {storage} and never came here; the person declared so at the check"
    else:
        how = "where the private key lies is not on record"
    return Condition(account=one.account, letter="c", asks="under the signatory's sole control", met=met, how=how)


def _own_kids(workspace: Workspace) -> set[str]:
    """The ids of the P-256 keys that lie in this installation."""
    store, found = key_store(workspace), set()
    for name in store.names():
        try:
            found.add(key_id(public_key_of(store.signing_key(name))))
        except KeyMissingError:  # a key of another kind signs no transactions
            continue
    return found


def _detectable(workspace: Workspace, record: EContract, contract: ContractState, one: _Signature) -> Condition:
    """(d): the signature is over the hash of the very document, is in the log, and a PAdES one where there is one."""
    same = sha256(bytes(record.pdf)).hexdigest() == contract.document
    seals = {seal.serial: seal for seal in seals_of(workspace, record)}
    seal = seals.get(one.row.serial) if one.row is not None else None
    met = same and bool(one.kid) and (seal is None or (seal.intact and seal.valid and seal.whole))
    how = f"signed over SHA-256 {contract.document[:16]}… of the document, which is unchanged, and recorded in the log"
    if not met:
        how = "the document is not the one that was signed, or the signature on it does not hold"
    elif seal is not None:
        how += "; the PDF carries a PAdES signature that holds"
    return Condition(account=one.account, letter="d", asks="later changes are detectable", met=met, how=how)
