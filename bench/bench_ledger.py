"""The ledger: signed transfers per second, durable, on the whole path, against raw verification in the same run."""

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from common import Row
from ogniwo.chain.audit import verify_ledger
from ogniwo.chain.embedded import EmbeddedLedger
from ogniwo.chain.opening import SnapshotKeeper
from ogniwo.chain.projection import Projection
from ogniwo.chain.snapshots import SnapshotFolder
from ogniwo.chain.stores import open_store
from ogniwo.core.ledger import hashing
from ogniwo.core.ledger import transactions as tx
from ogniwo.core.ledger.admission import open_transaction
from ogniwo.core.ledger.canonical import encode
from ogniwo.core.ledger.checkpoints import verifier_key
from ogniwo.core.ledger.signing import public_key_of, sign
from raw_verification import PROCESSORS, processor_s, verified_per_s

NETWORK = "bench.example/ledger"
ACCOUNTS = 500
TRANSFERS = {"small": 4_000, "full": 30_000}
ROUNDS = {"small": 3, "full": 5}
VERIFICATIONS = 5_000
TARGET_TRANSFERS_PER_S = 25_000
TARGET_SHARE = 0.65


class Load:
    """Pre-signed transactions: the founding of a network with funded accounts, then transfers between them."""

    def __init__(self) -> None:
        self.operator = ec.generate_private_key(ec.SECP256R1())
        self.keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(ACCOUNTS)]
        self.expires = int(time.time()) + 86_400
        self.count = 0

    def frame(self, account: str = "op") -> dict[str, object]:
        """The frame of a payload, with the next client id."""
        self.count += 1
        return {
            "account": account,
            "expires": self.expires,
            "id": f"{self.count:032x}",
            "network": NETWORK,
            "reason": "payment",
            "references": (),
        }

    def post(self, account: str, key: ec.EllipticCurvePrivateKey, *lines: tuple[str, int]) -> bytes:
        """A signed transfer."""
        postings = tuple(tx.Posting(account=who, amount=amount, asset="PLN/2") for who, amount in lines)
        return sign(encode(tx.Post(**self.frame(account), postings=postings)), keys=[key])

    def genesis(self, permissions: tuple[tx.Permission, ...]) -> tx.Genesis:
        """The first transaction, with one role of these permissions."""
        return tx.Genesis(
            **self.frame(),
            checkpoint_key=verifier_key(NETWORK, Ed25519PrivateKey.generate()).text(),
            key=public_key_of(self.operator),
            operator_role="operator",
            roles=(tx.Role(name="operator", permissions=permissions),),
        )

    def founding(self) -> list[bytes]:
        """Genesis, an asset, and the funded accounts with their keys."""
        payloads = [
            self.genesis(("account.register", "asset.define", "asset.issue", "key.register")),
            tx.RegisterAccount(**self.frame(), kind="control", path="op/issuer"),
            tx.DefineAsset(
                **self.frame(),
                asset="PLN/2",
                channels=(),
                domain="op",
                issuer="op/issuer",
                kind="payment",
                transferable=True,
            ),
        ]
        envelopes = [sign(encode(payload), keys=[self.operator]) for payload in payloads]
        for number, key in enumerate(self.keys):
            path = f"op/m{number}"
            account = tx.RegisterAccount(**self.frame(), kind="member", path=path)
            registered = tx.RegisterKey(
                **self.frame(), device="", key=public_key_of(key), purpose="transaction", subject=path, valid_from=0
            )
            envelopes += [
                sign(encode(account), keys=[self.operator]),
                sign(encode(registered), keys=[self.operator, key]),
                self.post("op", self.operator, ("op/issuer", -1_000_000), (path, 1_000_000)),
            ]
        return envelopes

    def transfers(self, count: int) -> list[bytes]:
        """Signed transfers around the circle of accounts."""
        envelopes = []
        for number in range(count):
            giver, taker = number % ACCOUNTS, (number * 7 + 3) % ACCOUNTS
            taker = taker if taker != giver else (taker + 1) % ACCOUNTS
            line = (f"op/m{giver}", -5), (f"op/m{taker}", 5)
            envelopes.append(self.post(f"op/m{giver}", self.keys[giver], *line))
        return envelopes


def syncs_per_s(folder: Path) -> float:
    """How often this disk syncs an appended 4 KiB."""
    with (folder / "sync").open("wb", buffering=0) as file:
        start = time.perf_counter()
        for _ in range(100):
            file.write(bytes(4_096))
            os.fdatasync(file.fileno())
        return 100 / (time.perf_counter() - start)


def await_workers(ledger: EmbeddedLedger) -> None:
    """Submit what is refused at once until the processes that verify are ready, and the compiled hashes loaded."""
    for _ in range(3_000):
        assert not hashing.is_refused(), "the compiled hashes are wrong on this processor"
        if len(ledger.workers) == PROCESSORS and hashing.is_compiled():
            return
        ledger.submit([b"{}"])
        time.sleep(0.02)
    raise AssertionError("the processes that verify did not start")


def transferred(
    folder: Path, founding: Sequence[bytes], transfers: Sequence[bytes], *, projecting: bool
) -> tuple[float, float, int]:
    """Transfers per wall second, processor seconds of one (writer and workers), and blocks, on a fresh ledger.

    With `projecting` the tables in SQL follow each block and are complete before the clock stops.
    """
    path = folder / "ledger.sqlite3"
    with ExitStack() as stack:
        tables = stack.enter_context(Projection(ledger=path, path=folder / "tables.sqlite3")) if projecting else None
        ledger = stack.enter_context(
            EmbeddedLedger(path, workers=PROCESSORS, workers_after=1, pending_max=len(transfers) + 1, projection=tables)
        )
        assert {answer.code for answer in ledger.submit(founding)} == {"accepted"}
        await_workers(ledger)
        before, spent, start = ledger.head().height, spent_s(ledger.workers), time.perf_counter()
        answers = ledger.submit(transfers)
        if tables is not None:
            assert tables.catch_up() == ledger.head().height
        wall, processor = time.perf_counter() - start, spent_s(ledger.workers) - spent
        assert {answer.code for answer in answers} == {"accepted"}
        if tables is not None:
            assert tables.balances()["op/issuer", "PLN/2"] == -ACCOUNTS * 1_000_000
        return len(transfers) / wall, processor / len(transfers), ledger.head().height - before


def spent_s(workers: Sequence[int]) -> float:
    """Processor seconds of this process and of the workers so far (proc(5): fields 14 and 15 of stat, in ticks)."""
    ticks = 0
    for pid in workers:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return time.process_time() + ticks / os.sysconf("SC_CLK_TCK")


def latency_s(folder: Path, founding: Sequence[bytes], transfers: Sequence[bytes]) -> float:
    """The median seconds of a single transfer, durable, on an idle ledger."""
    with EmbeddedLedger(folder / "ledger.sqlite3", workers=PROCESSORS) as ledger:
        ledger.submit(founding)
        spent = []
        for envelope in transfers:
            start = time.perf_counter()
            ledger.submit([envelope])
            spent.append(time.perf_counter() - start)
    return statistics.median(spent)


def timed(function: Callable[[], object]) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


class Round(NamedTuple):
    """One round: what the machine could do right before it, and what the ledger did."""

    verifications: float
    verification_s: float
    syncs: float
    per_s: float
    processor_s: float
    blocks: int

    @property
    def share(self) -> float:
        """Transfers per verification of the yardstick."""
        return self.per_s / self.verifications

    @property
    def processor_share(self) -> float:
        """The part of all processor time that a verification by itself takes: the share of a machine left alone."""
        return self.verification_s / self.processor_s


def throughput_rows(name: str, rounds: Sequence[Round]) -> list[Row]:
    """Absolute and relative speed of the median rounds."""
    fast = sorted(rounds, key=lambda each: each.per_s)
    shares = sorted(rounds, key=lambda each: each.share)
    processor = sorted(rounds, key=lambda each: each.processor_share)[len(rounds) // 2]
    middle, share = fast[len(fast) // 2], shares[len(shares) // 2]
    return [
        Row(
            f"ledger: {name}",
            f"{middle.per_s:,.0f}/s",
            f"{TARGET_TRANSFERS_PER_S:,}/s wanted on two cores",
            middle.per_s / TARGET_TRANSFERS_PER_S,
            1.0,
            f"median of {len(rounds)}, best {fast[-1].per_s:,.0f}/s; {middle.blocks} blocks; "
            f"load {os.getloadavg()[0]:.1f}",
        ),
        Row(
            f"ledger: {name}, share",
            f"{share.per_s:,.0f} transfers/s",
            f"{share.verifications:,.0f} P-256 verifications/s",
            share.share,
            TARGET_SHARE,
            f"best {shares[-1].share:.2f}; the disk syncs {share.syncs:,.0f} times/s",
        ),
        Row(
            f"ledger: {name}, processor",
            f"{processor.processor_s * 1e6:.1f} us of all processors",
            f"{processor.verification_s * 1e6:.1f} us for one verification",
            processor.processor_share,
            0.0,
            f"{PROCESSORS / processor.processor_s:,.0f}/s if nothing else ran",
        ),
    ]


def opening_row(path: Path) -> Row:
    """Opening from a snapshot against replaying the whole chain, with the same ledger."""
    with EmbeddedLedger(path, snapshot_entries=0) as ledger:
        head = ledger.head()
    replayed = timed(lambda: EmbeddedLedger(path, snapshot_entries=0).close())
    folder = path.with_name("snapshots")
    with open_store(path, write=False) as store:
        machine = SnapshotKeeper(None).open(store)
    taken = timed(lambda: SnapshotFolder(folder).write(machine))
    restored = timed(lambda: EmbeddedLedger(path, snapshots=folder).close())
    with EmbeddedLedger(path, snapshots=folder) as ledger:
        assert (ledger.head(), ledger.findings) == (head, ())
    return Row(
        "ledger: open from a snapshot",
        f"{restored * 1_000:,.0f} ms",
        f"{replayed * 1_000:,.0f} ms by replay of {head.log_size:,} entries",
        replayed / restored,
        2.0,
        f"taking the snapshot {taken * 1_000:,.0f} ms",
    )


def run(*, scale: str) -> list[Row]:
    load = Load()
    founding, transfers = load.founding(), load.transfers(TRANSFERS[scale])
    count = len(transfers)
    total = count + len(founding)
    rounds: dict[bool, list[Round]] = {True: [], False: []}
    with tempfile.TemporaryDirectory(prefix="bench-ledger-", dir=Path.cwd()) as name:
        for number in range(ROUNDS[scale]):
            for projecting, some in rounds.items():
                folder = Path(name) / f"{number}-{projecting}"
                folder.mkdir()
                # Yardsticks right before each round, so that a busy machine slows both.
                raw = verified_per_s(VERIFICATIONS), processor_s(VERIFICATIONS), syncs_per_s(folder)
                some.append(Round(*raw, *transferred(folder, founding, transfers, projecting=projecting)))
        fast = sorted(rounds[True], key=lambda each: each.per_s)[len(rounds[True]) // 2]
        syncs, per_s = fast.syncs, fast.per_s
        path = Path(name) / "0-True" / "ledger.sqlite3"
        assert verify_ledger(path) == []
        reopened = timed(lambda: EmbeddedLedger(path, snapshot_entries=0).close())
        with Projection(ledger=path, path=Path(name) / "projection.sqlite3") as projection:
            projected = timed(projection.catch_up)
            assert projection.balances()["op/issuer", "PLN/2"] == -ACCOUNTS * 1_000_000
        decoded = timed(lambda: [open_transaction(envelope) for envelope in transfers])
        single = Path(name) / "single"
        single.mkdir()
        alone = latency_s(single, founding, transfers[:200])
        opening = opening_row(path)
    return [
        *throughput_rows("signed transfers, durable, in SQL", rounds[True]),
        *throughput_rows("signed transfers, durable", rounds[False]),
        Row(
            "ledger: one transfer alone",
            f"{alone * 1_000:.2f} ms",
            f"{1_000 / syncs:.2f} ms for one sync",
            1 / syncs / alone,
            0.0,
            "median, idle ledger",
        ),
        Row(
            "ledger: decode and check form",
            f"{count / decoded:,.0f}/s",
            f"{per_s:,.0f} transfers/s",
            count / decoded / per_s,
            0.0,
        ),
        Row(
            "ledger: replay at opening",
            f"{total / reopened:,.0f}/s",
            f"{per_s:,.0f} transfers/s",
            total / reopened / per_s,
            0.0,
        ),
        Row(
            "ledger: projections in SQL",
            f"{total / projected:,.0f}/s",
            f"{per_s:,.0f} transfers/s",
            total / projected / per_s,
            0.0,
        ),
        opening,
    ]


if __name__ == "__main__":
    for row in run(scale=sys.argv[1] if len(sys.argv) > 1 else "small"):
        print(f"{row.name:36s} {row.ours:22s} {row.yardstick:46s} {row.ratio:6.2f} (target {row.target})  {row.note}")
