"""The audit: read a ledger from genesis and say where it does not follow from itself or from a checkpoint."""

from collections.abc import Sequence

from ogniwo.chain.store import DamagedStoreError, LedgerAddress
from ogniwo.chain.stores import open_store, short_name
from ogniwo.core.kernel.findings import Finding, Severity
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.ledger.checkpoints import parse_verifier_key, verify_checkpoint
from ogniwo.core.ledger.machine import BlockMismatchError, Machine


def verify_ledger(address: LedgerAddress, *, checkpoints: Sequence[str] = ()) -> list[Finding]:
    """Replay a ledger from genesis and compare every byte of every block; an empty list means nothing is wrong.

    Checked: the database, each header and body, every signature, every outcome, the hash chain, the state root and the
    log after each block. The first wrong block ends the replay, since nothing after it can be judged; its finding has
    the block in `facts` and the part in `column` ("header", "previous", "time", "transactions", "signature",
    "outcomes", "state", "log", "moves", "height"). Signed `checkpoints` kept elsewhere then say whether this is still
    the same log: a chain that was changed and computed anew follows from itself, but not from them. A copy that lost
    its end is found only that way too.
    """
    findings: list[Finding] = []
    machine = Machine()
    followed = 0
    source = short_name(address)
    try:
        with open_store(address, write=False) as store:
            findings += [_finding("ledger.database_damaged", text, source) for text in store.damage()]
            try:
                for block in store.blocks():
                    if block.height != machine.height + 1:
                        text = f"block {machine.height + 1} is missing; the next one is {block.height}"
                        findings.append(_finding("ledger.block_missing", text, source, machine.height + 1, "height"))
                        break
                    machine.replay(block)
                    followed = machine.log.size
            except BlockMismatchError as refusal:
                text = f"block {block.height}: {refusal.detail}"
                findings.append(_finding(refusal.code, text, source, block.height, refusal.part))
    except DamagedStoreError as refusal:
        findings.append(_finding(refusal.code, refusal.detail, source))
    if not findings and machine.height < 0:
        findings.append(_finding("ledger.empty", "the ledger has no block", source))
    return findings + _against(machine, followed, checkpoints, source, complete=not findings)


def _against(
    machine: Machine, followed: int, checkpoints: Sequence[str], source: str, *, complete: bool
) -> list[Finding]:
    """Compare the log, as far as it could be followed, with checkpoints kept elsewhere."""
    findings: list[Finding] = []
    foundation = machine.state.foundation
    for number, note in enumerate(checkpoints, start=1):
        try:
            if foundation is None:
                continue
            checkpoint = verify_checkpoint(note, key=parse_verifier_key(foundation.checkpoint_key))
        except Refusal as refusal:
            findings.append(_finding(refusal.code, f"checkpoint {number}: {refusal.detail}", source))
            continue
        if checkpoint.size > followed:
            if complete:
                text = f"checkpoint {number} saw {checkpoint.size} entries, the log has {followed}"
                findings.append(_finding("ledger.log_shorter_than_checkpoint", text, source))
        elif machine.log.root(checkpoint.size) != checkpoint.root:
            text = f"the first {checkpoint.size} entries are not those that checkpoint {number} saw"
            findings.append(_finding("ledger.checkpoint_inconsistent", text, source))
    return findings


def _finding(code: str, message: str, source: str, height: int | None = None, part: str = "") -> Finding:
    facts = () if height is None else (("height", str(height)), ("part", part))
    return Finding(code=code, severity=Severity.ERROR, message=message, source=source, column=part, facts=facts)
