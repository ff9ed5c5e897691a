"""Check a ledger receipt offline: python check_receipt.py RECEIPT.json [--checkpoint-key KEY].

One file on purpose, without a line of the product: it needs Python 3.11 and the package `cryptography`. What a receipt
holds is described in docs/ledger.md. Exit code 0 when everything fits, 1 when anything does not.
"""

import argparse
import base64
import json
import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, utils
from cryptography.hazmat.primitives.hashes import SHA256


def canonical(value: object) -> bytes:
    """RFC 8785 for texts, integers, booleans, arrays and objects with ASCII keys."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def unbase64(text: str) -> bytes:
    """Read base64url without padding."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def base64url(data: bytes) -> str:
    """Write base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def demand(holds: object, what: str) -> None:
    """Stop with a sentence unless something holds."""
    if not holds:
        raise ValueError(what)


def includes(leaf: bytes, index: int, size: int, proof: list[str], root: bytes) -> bool:
    """RFC 9162, 2.1.3.2: whether the path leads from the leaf to the root."""
    value, last = sha256(b"\x00" + leaf).digest(), size - 1
    if not 0 <= index < size:
        return False
    for sibling in map(bytes.fromhex, proof):
        if last == 0:
            return False
        if index & 1 or index == last:
            value = sha256(b"\x01" + sibling + value).digest()
            while index and not index & 1:
                index, last = index >> 1, last >> 1
        else:
            value = sha256(b"\x01" + value + sibling).digest()
        index, last = index >> 1, last >> 1
    return last == 0 and value == root


def check_jws(signature: dict[str, str], payload: str, keys: dict[str, dict[str, str]]) -> str:
    """ES256 over `protected.payload`; the key id is the RFC 7638 thumbprint of the key."""
    header = json.loads(unbase64(signature["protected"]))
    demand(header.get("alg") == "ES256" and set(header) == {"alg", "kid"}, "the header names another algorithm")
    demand(header["kid"] in keys, f"the public key {header['kid']} is not in the receipt")
    x, y = (int.from_bytes(unbase64(keys[header["kid"]][part])) for part in "xy")
    raw = unbase64(signature["signature"])
    demand(len(raw) == 64, "a signature has 64 bytes")
    der = utils.encode_dss_signature(int.from_bytes(raw[:32]), int.from_bytes(raw[32:]))
    public = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
    public.verify(der, f"{signature['protected']}.{payload}".encode(), ec.ECDSA(SHA256()))
    return header["kid"]


def check_note(note: str, key: str) -> tuple[str, int, bytes]:
    """C2SP signed note with Ed25519; gives origin, size and root of the checkpoint."""
    name, key_hash, encoded = key.split("+", 2)
    public = base64.b64decode(encoded, validate=True)
    wanted = sha256(name.encode() + b"\n" + public).digest()[:4]
    demand(public[:1] == b"\x01" and wanted.hex() == key_hash, "the checkpoint key is malformed")
    body, _, lines = note.partition("\n\n")
    for line in lines.rstrip("\n").split("\n"):
        mark, signer, text = [*line.split(" "), "", ""][:3]
        signature = base64.b64decode(text)
        if (mark, signer, signature[:4]) == ("\u2014", name, wanted):
            ed25519.Ed25519PublicKey.from_public_bytes(public[1:]).verify(signature[4:], (body + "\n").encode())
            origin, size, root = body.split("\n")
            return origin, int(size), base64.b64decode(root)
    raise ValueError(f"the checkpoint has no signature by {name}")


def check(receipt: dict[str, Any], trusted_key: str | None) -> Iterator[str]:
    """Yield one sentence per step that holds; raise at the first that does not."""
    envelope, entry = receipt["envelope"], receipt["entry"]
    payload_bytes = unbase64(envelope["payload"])
    payload = json.loads(payload_bytes)
    demand(canonical(payload) == payload_bytes, "the payload is not canonical JSON")
    keys = {base64url(sha256(canonical(key)).digest()): key for key in receipt["keys"]}
    demand(envelope["signatures"], "nobody signed")
    signers = [check_jws(signature, envelope["payload"], keys) for signature in envelope["signatures"]]
    yield f"Transaction {payload['op']} of account {payload['account']}: signed by {', '.join(signers)}."
    demand(entry["transaction"] == sha256(payload_bytes).hexdigest(), "the log entry is about another payload")
    demand(entry["envelope"] == sha256(canonical(envelope)).hexdigest(), "the log entry is about another envelope")
    origin, size, root = check_note(receipt["checkpoint"], trusted_key or receipt["checkpoint_key"])
    demand(origin == payload["network"], "the checkpoint is of another network")
    yield f"Checkpoint of {origin} over {size} log entries: its signature holds."
    demand(entry["entry"] == "transaction", "the log entry is not of a transaction")
    included = includes(canonical(entry), receipt["log_index"], size, receipt["inclusion"], root)
    demand(included, "the log entry is not under the checkpoint's root")
    yield f"Log entry {receipt['log_index']}: in the log; outcome {entry['outcome']} at time {entry['time']}."
    days = [payload] if payload["op"] == "mint_metering" else payload["days"] if payload["op"] == "mint_days" else []
    for record, reading in ((day["record"], day["reading"]) for day in days):
        reader = check_jws(reading, base64url(canonical(record)), keys)
        yield f"Readings of {record['point']} on {record['day']}, {record['total_wh']} Wh: signed by {reader}."
    if "interval" in receipt:
        part, leaf = receipt["interval"], receipt["interval"]["leaf"]
        for record in (day["record"] for day in days if day["record"]["channel"] == leaf["channel"]):
            root = bytes.fromhex(record["merkle_root"])
            if includes(canonical(leaf), part["index"], record["leaf_count"], part["proof"], root):
                break
        else:
            raise ValueError("the interval is not under the root of a day")
        yield f"Interval from {leaf['start']}: {leaf['wh']} Wh, {leaf['quality']}; part of {record['day']}."
    if "document" in receipt:
        commitment = sha256(bytes.fromhex(receipt["document"]["salt"]) + canonical(receipt["document"]["content"]))
        demand(payload["op"] == "anchor" and payload["commitment"] == commitment.hexdigest(), "another document")
        yield f"Document: it is the {payload['kind']} that was anchored."


def main() -> int:
    """Check the receipt named on the command line."""
    parser = argparse.ArgumentParser(description="Check a ledger receipt offline.")
    parser.add_argument("receipt", type=Path)
    parser.add_argument("--checkpoint-key", help="the published key of the network: name+hash+key")
    arguments = parser.parse_args()
    try:
        for sentence in check(json.loads(arguments.receipt.read_bytes()), arguments.checkpoint_key):
            print("ok   ", sentence)
    except (ValueError, KeyError, TypeError, AttributeError, OSError, InvalidSignature) as error:
        print("FAILED", f"{type(error).__name__}: {error}" if str(error) else "a signature does not hold")
        return 1
    if not arguments.checkpoint_key:
        print("note  the checkpoint key came from the receipt itself: compare it with the published one")
    return 0


if __name__ == "__main__":
    sys.exit(main())
