"""The audit: read a ledger from genesis and say where it does not follow from itself or from a checkpoint."""

import os
from collections import deque
from collections.abc import Iterator, Sequence
from itertools import chain

from ogniwo.chain.store import DamagedStoreError, LedgerAddress
from ogniwo.chain.stores import open_store, short_name
from ogniwo.chain.verifiers import AHEAD_MAX, Handed, Verifiers
from ogniwo.core.kernel.findings import Finding, Severity
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.ledger.blocks import Block, MalformedBodyError, read_body
from ogniwo.core.ledger.checkpoints import parse_verifier_key, verify_checkpoint
from ogniwo.core.ledger.machine import BlockMismatchError, Machine


def verify_ledger(
    address: LedgerAddress, *, checkpoints: Sequence[str] = (), workers: int | None = None
) -> list[Finding]:
    """Replay a ledger from genesis and compare every byte of every block; an empty list means nothing is wrong.

    Checked: the database, each header and body, every signature, every outcome, the hash chain, the state root and the
    log after each block. The first wrong block ends the replay, since nothing after it can be judged; its finding has
    the block in `facts` and the part in `column` ("header", "previous", "time", "transactions", "signature",
    "outcomes", "state", "log", "moves", "height"). Signed `checkpoints` kept elsewhere then say whether this is still
    the same log: a chain that was changed and computed anew follows from itself, but not from them. A copy that lost
    its end is found only that way too. `workers` processes verify the signatures (default: one per processor), unless
    the ledger is small.
    """
    findings: list[Finding] = []
    machine = Machine()
    followed = 0
    source = short_name(address)
    count = (os.cpu_count() or 1) if workers is None else workers
    try:
        with open_store(address, write=False) as store, Verifiers(machine.ring, count=count) as verifiers:
            findings += [_finding("ledger.database_damaged", text, source) for text in store.damage()]
            block = None
            try:
                for block, handed in _ahead(store.blocks(), verifiers):
                    if block.height != machine.height + 1:
                        text = f"block {machine.height + 1} is missing; the next one is {block.height}"
                        findings.append(_finding("ledger.block_missing", text, source, machine.height + 1, "height"))
                        break
                    admitted = None if handed is None else chain.from_iterable(verifiers.finish(handed))
                    machine.replay(block, admitted=admitted)
                    followed = machine.log.size
            except BlockMismatchError as refusal:
                height = machine.height if block is None else block.height
                text = f"block {height}: {refusal.detail}"
                findings.append(_finding(refusal.code, text, source, height, refusal.part))
    except DamagedStoreError as refusal:
        findings.append(_finding(refusal.code, refusal.detail, source))
    if not findings and machine.height < 0:
        findings.append(_finding("ledger.empty", "the ledger has no block", source))
    return findings + _against(machine, followed, checkpoints, source, complete=not findings)


def _ahead(blocks: Iterator[Block], verifiers: Verifiers) -> Iterator[tuple[Block, Handed | None]]:
    """The blocks in order, those behind already on their way to verification.

    A body that cannot be read goes without, and the replay says what is wrong with it. Damage to the file is raised
    after the blocks before it.
    """
    waiting: deque[tuple[Block, Handed | None]] = deque()
    height = 0
    damage: DamagedStoreError | None = None
    while True:
        try:
            while damage is None and len(waiting) <= AHEAD_MAX and (block := next(blocks, None)) is not None:
                waiting.append((block, _handed(block, verifiers) if block.height == height else None))
                height += 1
        except DamagedStoreError as refusal:
            damage = refusal
        if not waiting:
            break
        yield waiting.popleft()
    if damage is not None:
        raise damage


def _handed(block: Block, verifiers: Verifiers) -> Handed | None:
    try:
        return verifiers.begin([record.envelope for record in read_body(block.body)])
    except MalformedBodyError:
        return None


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
