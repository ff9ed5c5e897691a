"""The evidence pack of a contract: one zip that proves offline what was agreed, by whom, when, and what came of it.

The same facts give the same bytes: files in order of their names, no compression, the time stamp of zip's first day.
docs/contracts.md describes the files, docs/check_contract.py checks them without this package.
"""

import io
import zipfile
from collections.abc import Iterable
from hashlib import sha256
from importlib.resources import files

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from ogniwo.chain.journal import Located
from ogniwo.chain.projection import Projection
from ogniwo.chain.proofs import receipt_of
from ogniwo.chain.replica import Replica
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.ledger.admission import open_transaction
from ogniwo.core.ledger.blocks import read_body
from ogniwo.core.ledger.canonical import Document, encode_document
from ogniwo.core.ledger.outcomes import ACCEPTED
from ogniwo.core.ledger.signing import key_id
from ogniwo.core.ledger.state_records import EContract as ContractState
from ogniwo.core.ledger.transactions import Genesis, Payload, RegisterKey, StartRecovery
from ogniwo.records.contracts.models import EContract, PersonCertificate
from ogniwo.records.visibility import Subject
from ogniwo.services.contracts.certificates import authority
from ogniwo.services.contracts.econtracts import readable
from ogniwo.services.ledger.access import CHECKPOINT_KEY, key_store
from ogniwo.services.ledger.posting import kept_checkpoints
from ogniwo.services.ledger.proving import checkpoint_verifier
from ogniwo.services.ledger.viewing import view_ledger
from ogniwo.services.workspace.model import Workspace

PACK_VERSION = 1
_EPOCH = (1980, 1, 1, 0, 0, 0)
_PAGE = 500
_ACTS = frozenset({"sign_contract", "withdraw_contract", "terminate_contract", "close_contract_period"})


class NotSignedError(Refusal):
    """A contract that is not on the ledger has no evidence."""

    code = "econtract.not_on_ledger"


def evidence_pack(workspace: Workspace, *, name: str, subject: Subject) -> bytes:
    """The zip for a contract, with everything as it stands now."""
    record = readable(name, subject=subject)
    with view_ledger(workspace) as (ledger, projection):
        with ledger.reading() as state:
            contract = state.contracts.get(record.name)
        if contract is None:
            raise NotSignedError(detail=f"the ledger holds no contract {record.name}")
        receipts = _receipts(workspace, ledger, projection, record, contract)
    contents = {
        "document.pdf": bytes(record.pdf),
        "terms.json": record.terms.encode(),
        **{f"receipts/{number:03d}-{word}.json": receipt for number, (word, receipt) in enumerate(receipts, 1)},
        **_certificates(workspace, contract),
        **{f"README.{language}.txt": _readme(language) for language in ("pl", "en")},
    }
    if record.signed_pdf:
        contents["document-signed.pdf"] = bytes(record.signed_pdf)
    contents["checkpoint.txt"] = msgspec.json.decode(receipts[0][1])["checkpoint"].encode()
    manifest: dict[str, Document] = {
        "checkpoint_key": checkpoint_verifier(workspace),
        "contract": record.name,
        "files": {path: sha256(data).hexdigest() for path, data in sorted(contents.items())},
        "pack": PACK_VERSION,
    }
    contents["manifest.json"] = encode_document(manifest)
    return _zip(contents)


def _zip(contents: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as pack:
        for path, data in sorted(contents.items()):
            entry = zipfile.ZipInfo(path, date_time=_EPOCH)
            entry.external_attr = 0o644 << 16
            pack.writestr(entry, data)
    return buffer.getvalue()


def _receipts(
    workspace: Workspace,
    ledger: Replica,
    projection: Projection,
    record: EContract,
    contract: ContractState,
) -> list[tuple[str, bytes]]:
    """Receipts of the proposal, of every act in the contract and of the registration of each key that signed."""
    key = key_store(workspace).checkpoint_key(CHECKPOINT_KEY)
    notes = kept_checkpoints(workspace)
    places: dict[str, Located] = {}
    kids: dict[str, None] = {}
    for place, payload, signers in _history(ledger, projection, contract.proposer, contract):
        if place.name == record.name or (
            place.operation in _ACTS and getattr(payload, "contract", "") == record.name and place.outcome == ACCEPTED
        ):
            places[place.name] = place
            kids.update(dict.fromkeys(signers))
    for place, payload, _ in _history(ledger, projection, contract.proposer, contract):
        registers = isinstance(payload, (Genesis, RegisterKey, StartRecovery)) and key_id(payload.key) in kids
        if registers and place.outcome == ACCEPTED:
            places[place.name] = place
    return [
        (place.operation, receipt_of(ledger, projection, transaction=place.name, key=key, notes=notes))
        for place in sorted(places.values(), key=lambda one: one.log_index)
    ]


def _history(
    ledger: Replica, projection: Projection, proposer: str, contract: ContractState
) -> Iterable[tuple[Located, Payload, tuple[str, ...]]]:
    """What concerned the parties and the proposer, each with its payload and the keys under it."""
    wanted = {"propose_contract", "genesis", "register_key", "start_recovery", *_ACTS}
    for account in dict.fromkeys((*(party.account for party in contract.parties), proposer)):
        before: int | None = None
        while page := projection.history(account, limit=_PAGE, before=before):
            for place in page:
                if place.operation in wanted:
                    block = ledger.read(place.height, limit=1)[0]
                    signed = open_transaction(read_body(block.body)[place.position].envelope)
                    yield place, signed.payload, signed.signers
            before = page[-1].log_index


def _certificates(workspace: Workspace, contract: ContractState) -> dict[str, bytes]:
    """The certificates of the parties and the roots they lead to, in PEM."""
    found: dict[str, bytes] = {}
    accounts = [party.account for party in contract.parties]
    for row in PersonCertificate.objects.filter(account__in=accounts).select_related("organisation"):
        certificate = x509.load_der_x509_certificate(bytes(row.certificate))
        found[f"certificates/{row.serial}.pem"] = certificate.public_bytes(serialization.Encoding.PEM)
        root = authority(workspace, row.organisation).certificate
        found[f"certificates/root-{row.organisation.code}.pem"] = root.public_bytes(serialization.Encoding.PEM)
    return found


def _readme(language: str) -> bytes:
    return files("ogniwo.data").joinpath(f"contract/evidence.{language}.txt").read_bytes()
