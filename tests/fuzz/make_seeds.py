"""Write one seed per operation into `tests/fuzz/corpus` from the payloads that the unit tests execute.

`python tests/fuzz/make_seeds.py` runs the unit tests of the ledger and keeps, for every operation, accepted examples
with who signed them; files are named by their content.
"""

import sys
from collections import defaultdict
from hashlib import sha256
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import targets

from ogniwo.core.ledger.admission import open_transaction
from ogniwo.core.ledger.canonical import encode
from ogniwo.core.ledger.machine import Machine
from ogniwo.core.ledger.outcomes import ACCEPTED

HERE = Path(__file__).parent
SEEDS_PER_OPERATION = 3


def main() -> int:
    """Run the tests with an ear at the machine, then write the seeds."""
    heard: dict[str, dict[bytes, bytes]] = defaultdict(dict)
    execute = Machine.execute

    def listening(self, transactions, **changed):
        executed = execute(self, transactions, **changed)
        for transaction, record in zip(executed.transactions, executed.recorded, strict=True):
            name = type(transaction.payload).__struct_config__.tag
            if record.outcome == ACCEPTED and len(heard[name]) < SEEDS_PER_OPERATION:
                heard[name][encode(transaction.payload)] = transaction.envelope
        return executed

    Machine.execute = listening
    code = pytest.main(["-q", "-x", "-p", "no:randomly", "tests/unit/core/ledger"])
    if code:
        return int(code)
    kids = {targets.new_network().kid(name): name for name in ("op", "coop", "anna", "jan", "gateway")}
    for operation, payloads in sorted(heard.items()):
        for payload, envelope in payloads.items():
            signers = tuple(sorted({kids[kid] for kid in open_transaction(envelope).signers if kid in kids}))
            who = targets.SIGNERS.index(signers) if signers in targets.SIGNERS else 0
            _keep("machine", bytes([who]) + payload)
            _keep("decoder", envelope)
        print(f"{operation}: {len(payloads)}")
    return 0


def _keep(target: str, data: bytes) -> None:
    folder = HERE / "corpus" / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / sha256(data).hexdigest()[:16]).write_bytes(data)


if __name__ == "__main__":
    raise SystemExit(main())
