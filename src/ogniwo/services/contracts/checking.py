"""Verify what a workspace keeps of its e-contracts against the ledger, and what they charged."""

from hashlib import sha256

from ogniwo.core.kernel.findings import Finding, Severity
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.ledger.state import State
from ogniwo.records.contracts.models import EContract
from ogniwo.services.contracts.drafting import drawn
from ogniwo.services.ledger.access import has_ledger, open_ledger
from ogniwo.services.workspace.model import Workspace


def contract_findings(workspace: Workspace) -> tuple[int, list[Finding]]:
    """Whether each kept contract has the terms and the document that the ledger commits to; how many were compared.

    An erased contract has nothing to compare. A proposal that an interruption kept from the ledger is a note.
    """
    records = list(EContract.objects.filter(erased_at__isnull=True))
    if not records or not has_ledger(workspace):
        return 0, []
    findings = []
    with open_ledger(workspace) as ledger, ledger.reading() as state:
        known = {record.name: state.contracts.get(record.name) for record in records}
    for record in records:
        contract = known[record.name]
        if contract is None:
            message = f"the proposal {record.name} never came on the ledger, or expired and made room"
            findings.append(_finding("verify.contract_not_on_ledger", message, Severity.NOTE))
            continue
        try:
            commitment = drawn(record.terms.encode()).commitment
        except Refusal:
            commitment = ""
        same = commitment == contract.terms and sha256(bytes(record.pdf)).hexdigest() == contract.document
        if not same or not (bytes(record.signed_pdf) or bytes(record.pdf)).startswith(bytes(record.pdf)):
            message = f"the kept terms or document of {record.name} are not those on the ledger"
            findings.append(_finding("verify.contract_changed", message, Severity.ERROR))
    return len(records), findings


def _finding(code: str, message: str, severity: Severity) -> Finding:
    return Finding(code=code, severity=severity, message=message, source="", facts=())


def contract_debts(state: State, asset: str) -> dict[str, int]:
    """What contracts charged in a claim, by account in minor units; a payer stands negative."""
    debts: dict[str, int] = {}
    for (name, number, _), period in state.contract_periods.items():
        obligation = state.contracts[name].obligations[int(number)]
        if obligation.asset == asset and not period.holds and period.posted:
            debts[obligation.payer] = debts.get(obligation.payer, 0) - period.posted
            debts[obligation.taker] = debts.get(obligation.taker, 0) + period.posted
    return debts
