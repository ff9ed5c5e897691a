"""The ledger beyond transfers: signed days of readings, the audit, and memory, against raw verification in one run."""

import gc
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec

from bench_ledger import NETWORK, Load, await_workers, spent_s, timed
from common import Row
from ogniwo.chain.audit import verify_ledger
from ogniwo.chain.embedded import EmbeddedLedger
from ogniwo.core.ledger import transactions as tx
from ogniwo.core.ledger.canonical import encode
from ogniwo.core.ledger.signing import PublicKey, base64url, key_id, public_key_of, sign, sign_detached
from ogniwo.core.ledger.state import State
from ogniwo.core.ledger.state_records import Account, Asset, KeyRecord
from raw_verification import PROCESSORS, processor_s, verified_per_s

METERS = 100
READINGS_PER_DAY = 96
TOGETHER = 31
DAYS = {"small": 3_100, "full": 31_000}
TRANSFERS = {"small": 4_000, "full": 30_000}
ROUNDS = {"small": 3, "full": 5}
ACCOUNTS = {"small": 100_000, "full": 1_000_000}
VERIFICATIONS = 5_000
TARGET_READINGS_PER_S = 2_000_000
TARGET_AUDIT = 0.9
MEBIBYTES_PER_MILLION = {"balance": 1_536, "balance and key": 4_096}


def meter_founding(load: Load, gateway: ec.EllipticCurvePrivateKey) -> list[bytes]:
    """A network with meters and one gateway whose keys read and send for them all."""
    permissions = ("account.register", "asset.define", "key.register", "metering.mint", "metering.sign", "role.bind")
    reader = load.keys[0]
    genesis = load.genesis(permissions)
    payloads: list[tuple[tx.Payload, list[ec.EllipticCurvePrivateKey]]] = [
        (genesis, [load.operator]),
        (tx.RegisterAccount(**load.frame(), kind="control", path="op/issuer"), [load.operator]),
        (
            tx.DefineAsset(
                **load.frame(),
                asset="KWH-IN/3",
                channels=("1.29.0",),
                domain="op",
                issuer="op/issuer",
                kind="metering",
                transferable=False,
            ),
            [load.operator],
        ),
        (tx.RegisterAccount(**load.frame(), kind="gateway", path="op/gateway"), [load.operator]),
        *(
            (
                tx.RegisterKey(
                    **load.frame(),
                    device="",
                    key=public_key_of(key),
                    purpose=purpose,
                    subject="op/gateway",
                    valid_from=0,
                ),
                [load.operator, key],
            )
            for key, purpose in ((gateway, "transaction"), (reader, "reading"))
        ),
        (
            tx.BindRole(**load.frame(), role="operator", subject="op/gateway", subtree="op", valid_from=0, valid_to=0),
            [load.operator],
        ),
        *(
            (tx.RegisterAccount(**load.frame(), kind="meter", path=f"op/meter{number}"), [load.operator])
            for number in range(METERS)
        ),
    ]
    return [sign(encode(payload), keys=keys) for payload, keys in payloads]


def days(load: Load, gateway: ec.EllipticCurvePrivateKey, count: int, *, together: int) -> list[bytes]:
    """Signed days, each with the signature of the meter's key under it, and the gateway's once for so many of them."""
    made = signed_days(load, count)
    frame = load.frame("op/gateway") | {"reason": ""}
    if together == 1:
        payloads: list[tx.Payload] = [
            tx.MintMetering(**frame | {"id": f"{number:032x}"}, asset=one.asset, reading=one.reading, record=one.record)
            for number, one in enumerate(made)
        ]
    else:
        payloads = [
            tx.MintDays(**frame | {"id": f"{start:032x}"}, days=tuple(made[start : start + together]))
            for start in range(0, count, together)
        ]
    return [sign(encode(payload), keys=[gateway]) for payload in payloads]


def signed_days(load: Load, count: int) -> list[tx.SignedDay]:
    """Days of readings with the signature under each, the days of a month of one meter after another."""
    made = []
    for number in range(count):
        month, rest = divmod(number, METERS * TOGETHER)
        meter, day = divmod(rest, TOGETHER)
        record = tx.DayRecord(
            channel="1.29.0",
            day=f"{2027 + month}-{1 if day < 16 else 2:02d}-{day % 16 + 1:02d}",
            leaf_count=READINGS_PER_DAY,
            merkle_root=f"{number:064x}",
            network=NETWORK,
            parts=(tx.QualityPart(quality="measured", slots=READINGS_PER_DAY, wh=24_000),),
            point=f"op/meter{meter}",
            total_wh=24_000,
            version=1,
        )
        made.append(tx.SignedDay(asset="KWH-IN/3", reading=sign_detached(encode(record), load.keys[0]), record=record))
    return made


def readings_row(folder: Path, scale: str, *, together: int) -> Row:
    """Readings per second, each day signed by itself and durable, so many in a transaction that is signed too."""
    load, gateway = Load(), ec.generate_private_key(ec.SECP256R1())
    count = DAYS[scale]
    founding, signed = meter_founding(load, gateway), days(load, gateway, count, together=together)
    rates = []
    for number in range(ROUNDS[scale]):
        raw, alone = verified_per_s(VERIFICATIONS), processor_s(VERIFICATIONS)
        with EmbeddedLedger(
            folder / f"days{together}-{number}", workers=PROCESSORS, workers_after=1, pending_max=len(signed) + 1
        ) as ledger:
            assert {answer.code for answer in ledger.submit(founding)} == {"accepted"}
            await_workers(ledger)
            spent, start = spent_s(ledger.workers), time.perf_counter()
            answers = ledger.submit(signed)
            wall, processor = time.perf_counter() - start, spent_s(ledger.workers) - spent
            rates.append((count / wall, raw, processor / count, alone))
            assert {answer.code for answer in answers} == {"accepted"}
            with ledger.reading() as state:
                assert state.balance("op/issuer", "KWH-IN/3") == -24_000 * count
    per_s, raw, processor, alone = sorted(rates)[len(rates) // 2]
    how = f"{together} days of a point together" if together > 1 else "each day by itself"
    signatures = 1 + 1 / together
    return Row(
        f"ledger: readings in signed days, {how}",
        f"{per_s * READINGS_PER_DAY:,.0f} readings/s",
        f"{TARGET_READINGS_PER_S:,}/s wanted on two cores",
        per_s * READINGS_PER_DAY / TARGET_READINGS_PER_S,
        1.0 if together > 1 else 0.0,
        f"{per_s:,.0f} days/s with {signatures:.2f} signatures each; {signatures * per_s / raw:.2f} of {raw:,.0f} raw "
        f"verifications/s; {processor * 1e6:.1f} us of all processors per day, {alone * 1e6:.1f} us a verification",
    )


def audit_row(folder: Path, scale: str) -> Row:
    """The full replay with signatures of a ledger of transfers."""
    load = Load()
    founding, transfers = load.founding(), load.transfers(TRANSFERS[scale])
    path = folder / "audited"
    with EmbeddedLedger(path, workers=PROCESSORS, pending_max=len(transfers) + len(founding)) as ledger:
        assert {answer.code for answer in ledger.submit(founding)} == {"accepted"}
        assert {answer.code for answer in ledger.submit(transfers)} == {"accepted"}
    # Of founding, two of three transactions have one signature and one has two.
    signatures = len(transfers) + len(founding) * 4 // 3
    shares = []
    for _ in range(ROUNDS[scale]):
        raw = verified_per_s(VERIFICATIONS)
        spent = timed(lambda: _clean(path))
        shares.append((signatures / spent / raw, signatures / spent, raw))
    share, per_s, raw = sorted(shares)[len(shares) // 2]
    return Row(
        "ledger: audit with all signatures",
        f"{per_s:,.0f} signatures/s",
        f"{raw:,.0f} P-256 verifications/s",
        share,
        TARGET_AUDIT,
        f"median of {len(shares)}, with the start of the processes; load {os.getloadavg()[0]:.1f}",
    )


def _clean(path: Path) -> None:
    assert verify_ledger(path, workers=PROCESSORS) == []


def _rss_bytes() -> int:
    pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def _key(number: int) -> PublicKey:
    """A key as large as a real one; nothing is verified with it."""
    return PublicKey(x=base64url(number.to_bytes(32, "big")), y=base64url((number + 1).to_bytes(32, "big")))


def grow(kind: str, count: int) -> None:
    """Build a state of `count` accounts, each with a balance and perhaps a key, and print bytes per account."""
    state = State()
    state.assets.put("PLN/2", Asset(channels=(), domain="op", issuer="op/issuer", kind="payment", transferable=True))
    state.root()
    gc.collect()
    before = _rss_bytes()
    for number in range(count):
        path = f"op/coop-{number % 50:02d}/m-{number:08d}"
        state.accounts.put(path, Account(kind="member", opened=1_800_000_000))
        if kind == "balance and key":
            key = _key(number)
            record = KeyRecord(
                account=path, device="phone", key=key, purpose="transaction", revoked=0, valid_from=1_800_000_000
            )
            state.keys.put(key_id(key), record)
        state.move({(path, "PLN/2"): 1_000 + number, ("op/issuer", "PLN/2"): -1_000 - number})
        if number % 1_000 == 999:
            # As a block does: what was changed enters the root, what was moved is told.
            state.take_moves()
            state.root()
    gc.collect()
    print((_rss_bytes() - before) / count)


def memory_row(kind: str, scale: str) -> Row:
    """What a million accounts take, measured in a process of its own."""
    count = ACCOUNTS[scale]
    done = subprocess.run(
        [sys.executable, __file__, "grow", kind, str(count)], check=True, capture_output=True, text=True
    )
    mebibytes = float(done.stdout) * 1_000_000 / 2**20
    bound = MEBIBYTES_PER_MILLION[kind]
    return Row(
        f"ledger: memory, account with {kind}",
        f"{mebibytes:,.0f} MiB per million",
        f"{bound:,} MiB at most",
        bound / mebibytes,
        1.0,
        f"measured with {count:,} accounts, state tree and root included",
    )


def run(*, scale: str) -> list[Row]:
    with tempfile.TemporaryDirectory(prefix="bench-ledger-", dir=Path.cwd()) as name:
        folder = Path(name)
        return [
            *(readings_row(folder, scale, together=together) for together in (TOGETHER, 1)),
            audit_row(folder, scale),
            *(memory_row(kind, scale) for kind in MEBIBYTES_PER_MILLION),
        ]


if __name__ == "__main__":
    if sys.argv[1:2] == ["grow"]:
        grow(sys.argv[2], int(sys.argv[3]))
    else:
        for row in run(scale=sys.argv[1] if len(sys.argv) > 1 else "small"):
            print(
                f"{row.name:42s} {row.ours:26s} {row.yardstick:40s} {row.ratio:6.2f} (target {row.target})  {row.note}"
            )
