"""The ledger: signed transfers per second, durable, on the whole path, against raw verification in the same run."""

import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256

from common import Row
from ogniwo.chain.audit import verify_ledger
from ogniwo.chain.embedded import EmbeddedLedger
from ogniwo.chain.projection import Projection
from ogniwo.core.ledger import transactions as tx
from ogniwo.core.ledger.admission import open_transaction
from ogniwo.core.ledger.canonical import encode
from ogniwo.core.ledger.checkpoints import verifier_key
from ogniwo.core.ledger.signing import public_key_of, sign

NETWORK = "bench.example/ledger"
ACCOUNTS = 500
TRANSFERS = {"small": 4_000, "full": 30_000}
ROUNDS = {"small": 3, "full": 5}
THREADS = 2
TARGET_TRANSFERS_PER_S = 15_000


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

    def founding(self) -> list[bytes]:
        """Genesis, an asset, and the funded accounts with their keys."""
        checkpoint_key = verifier_key(NETWORK, Ed25519PrivateKey.generate()).text()
        permissions = ("account.register", "asset.define", "asset.issue", "key.register")
        payloads = [
            tx.Genesis(
                **self.frame(),
                checkpoint_key=checkpoint_key,
                key=public_key_of(self.operator),
                operator_role="operator",
                roles=(tx.Role(name="operator", permissions=permissions),),
            ),
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


def verified_per_s(load: Load, count: int) -> float:
    """The yardstick: signatures verified per second by `cryptography` alone on the same number of threads."""
    algorithm, message = ec.ECDSA(SHA256()), b"m" * 500
    work = [(key.public_key(), key.sign(message, algorithm)) for key in load.keys[:50]]

    def verify() -> None:
        for number in range(count // THREADS):
            public, signature = work[number % len(work)]
            public.verify(signature, message, algorithm)

    threads = [threading.Thread(target=verify) for _ in range(THREADS)]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return count // THREADS * THREADS / (time.perf_counter() - start)


def syncs_per_s(folder: Path) -> float:
    """How often this disk syncs an appended 4 KiB."""
    with (folder / "sync").open("wb", buffering=0) as file:
        start = time.perf_counter()
        for _ in range(100):
            file.write(bytes(4_096))
            os.fdatasync(file.fileno())
        return 100 / (time.perf_counter() - start)


def transferred(folder: Path, founding: Sequence[bytes], transfers: Sequence[bytes]) -> tuple[float, float, int]:
    """Transfers per wall second, per processor second, and blocks, submitted at once to a fresh ledger."""
    with EmbeddedLedger(folder / "ledger.sqlite3", workers=THREADS, pending_max=len(transfers) + 1) as ledger:
        assert {answer.code for answer in ledger.submit(founding)} == {"accepted"}
        before, spent, start = ledger.head().height, time.process_time(), time.perf_counter()
        answers = ledger.submit(transfers)
        wall, processor = time.perf_counter() - start, time.process_time() - spent
        assert {answer.code for answer in answers} == {"accepted"}
        return len(transfers) / wall, len(transfers) / processor, ledger.head().height - before


def latency_s(folder: Path, founding: Sequence[bytes], transfers: Sequence[bytes]) -> float:
    """The median seconds of a single transfer, durable, on an idle ledger."""
    with EmbeddedLedger(folder / "ledger.sqlite3", workers=THREADS) as ledger:
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


def throughput_rows(rounds: Sequence[tuple[float, float, float, float, int]]) -> list[Row]:
    """The rows of the median round, with the yardsticks measured just before it."""
    verifications, syncs, per_s, per_processor_s, blocks = sorted(rounds, key=lambda each: each[2])[len(rounds) // 2]
    best = max(each[2] for each in rounds)
    return [
        Row(
            "ledger: signed transfers, durable",
            f"{per_s:,.0f}/s",
            f"{TARGET_TRANSFERS_PER_S:,}/s wanted on two cores",
            per_s / TARGET_TRANSFERS_PER_S,
            1.0,
            f"median of {len(rounds)}, best {best:,.0f}/s; {blocks} blocks; {per_processor_s:,.0f}/s per processor",
        ),
        Row(
            "ledger: share of raw verification",
            f"{per_s:,.0f} transfers/s",
            f"{verifications:,.0f} P-256 verifications/s, {THREADS} threads",
            per_s / verifications,
            0.4,
            f"the disk syncs {syncs:,.0f} times/s",
        ),
    ]


def run(*, scale: str) -> list[Row]:
    load = Load()
    founding, transfers = load.founding(), load.transfers(TRANSFERS[scale])
    count = len(transfers)
    total = count + len(founding)
    rounds = []
    with tempfile.TemporaryDirectory(prefix="bench-ledger-", dir=Path.cwd()) as name:
        for number in range(ROUNDS[scale]):
            folder = Path(name) / str(number)
            folder.mkdir()
            # Yardsticks right before each round, so that a busy machine slows both.
            rounds.append((verified_per_s(load, 6_000), syncs_per_s(folder), *transferred(folder, founding, transfers)))
        _, syncs, per_s, _, _ = sorted(rounds, key=lambda each: each[2])[len(rounds) // 2]
        path = Path(name) / "0" / "ledger.sqlite3"
        assert verify_ledger(path) == []
        reopened = timed(lambda: EmbeddedLedger(path).close())
        with Projection(ledger=path, path=Path(name) / "projection.sqlite3") as projection:
            projected = timed(projection.catch_up)
            assert projection.balances()["op/issuer", "PLN/2"] == -ACCOUNTS * 1_000_000
        decoded = timed(lambda: [open_transaction(envelope) for envelope in transfers])
        single = Path(name) / "single"
        single.mkdir()
        alone = latency_s(single, founding, transfers[:200])
    return [
        *throughput_rows(rounds),
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
    ]


if __name__ == "__main__":
    for row in run(scale=sys.argv[1] if len(sys.argv) > 1 else "small"):
        print(f"{row.name:36s} {row.ours:22s} {row.yardstick:46s} {row.ratio:6.2f} (target {row.target})  {row.note}")
