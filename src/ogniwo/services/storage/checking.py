"""Check kept accounts of storages: unchanged, and what their settlement and the month before give once more."""

from ogniwo.core.billing.canonical import canonical_bytes
from ogniwo.core.kernel.findings import Finding, Severity
from ogniwo.core.kernel.ids import sha256_hex
from ogniwo.core.posting.storage import storage_document
from ogniwo.records.ledger.models import Commitment
from ogniwo.records.storage.models import StorageMonth
from ogniwo.services.storage.tracing import account_name, again
from ogniwo.services.workspace.model import Workspace


def storage_findings(workspace: Workspace) -> tuple[int, list[Finding]]:
    """How many accounts were compared, and those whose text changed or that come out differently."""
    rows = list(StorageMonth.objects.select_related("community", "run__community", "before"))
    committed = dict(Commitment.objects.filter(kind="allocation").values_list("natural_id", "payload"))
    findings = []
    for row in rows:
        name = f"{row.community.code} {row.month} v{row.version}"
        if sha256_hex(row.document.encode()) != row.digest:
            findings.append(_error("storage.document_changed", f"the kept account of storages {name} was changed"))
            continue
        payload = committed.get(account_name(row))
        if payload and payload != row.document:  # "" was erased, which the check of commitments says
            findings.append(_error("storage.document_not_committed", f"{name} is not the account committed to"))
        inputs, found = again(row)
        if canonical_bytes(storage_document(inputs, found, version=row.version)) != row.document.encode():
            message = f"the account of storages {name} does not follow from its settlement and the month before"
            findings.append(_error("storage.document_differs", message))
    del workspace
    return len(rows), findings


def _error(code: str, message: str) -> Finding:
    return Finding(code=code, severity=Severity.ERROR, message=message)
