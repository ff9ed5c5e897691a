"""Check who co-signed a receipt's checkpoint: python check_witnesses.py RECEIPT.json --quorum K --witness-key KEY ...

One file on purpose, without a line of the product: it needs Python 3.11 and the package `cryptography`. First let
check_receipt.py check the receipt itself; this one adds that others were shown the same log (C2SP cosignature/v1).
Exit code 0 when enough of the named witnesses signed, 1 otherwise.
"""

import argparse
import base64
import json
import sys
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ed25519


def signed_at(note: str, key: str) -> int | None:
    """When the witness with this key signed the checkpoint, None without a line of it; raises when a line is forged."""
    name, key_hash, encoded = key.split("+", 2)
    public = base64.b64decode(encoded, validate=True)
    wanted = sha256(name.encode() + b"\n" + public).digest()[:4]
    if public[:1] != b"\x04" or wanted.hex() != key_hash:
        raise ValueError(f"the key of witness {name} is malformed")
    body, _, lines = note.partition("\n\n")
    for line in lines.rstrip("\n").split("\n"):
        mark, signer, text = [*line.split(" "), "", ""][:3]
        raw = base64.b64decode(text)
        if (mark, signer, raw[:4]) == ("\u2014", name, wanted):
            time_s = int.from_bytes(raw[4:12])
            signed = f"cosignature/v1\ntime {time_s}\n{body}\n".encode()
            ed25519.Ed25519PublicKey.from_public_bytes(public[1:]).verify(raw[12:], signed)
            return time_s
    return None


def main() -> int:
    """Check the receipt named on the command line."""
    parser = argparse.ArgumentParser(description="Check who co-signed a receipt's checkpoint.")
    parser.add_argument("receipt", type=Path)
    parser.add_argument("--witness-key", action="append", required=True, help="key of a witness; may be repeated")
    parser.add_argument("--quorum", type=int, required=True, help="how many of these witnesses must have signed")
    arguments = parser.parse_args()
    try:
        note = json.loads(arguments.receipt.read_bytes())["checkpoint"]
        times = {key: signed_at(note, key) for key in arguments.witness_key}
    except (ValueError, KeyError, TypeError, OSError, InvalidSignature) as error:
        print("FAILED", f"{type(error).__name__}: {error}" if str(error) else "a cosignature does not hold")
        return 1
    signed = {key.partition("+")[0]: time_s for key, time_s in times.items() if time_s is not None}
    for name, time_s in signed.items():
        print("ok   ", f"{name} signed this checkpoint at {datetime.fromtimestamp(time_s, tz=UTC):%Y-%m-%dT%H:%M:%SZ}.")
    if len(signed) < arguments.quorum:
        print("FAILED", f"{len(signed)} of the witnesses signed, {arguments.quorum} are wanted")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
