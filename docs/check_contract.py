"""Check the evidence pack of a contract offline: python check_contract.py PACK.zip [--checkpoint-key KEY] [--root PEM].

One file on purpose, without a line of the product: it needs Python 3.11 and the package `cryptography`. What a pack
holds is described in docs/contracts.md. Exit code 0 when everything fits, 1 when anything does not.
"""

import argparse
import base64
import json
import sys
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, utils
from cryptography.hazmat.primitives.hashes import SHA256

Json = dict[str, Any]


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


def key_id(key: Json) -> str:
    """RFC 7638 thumbprint."""
    return base64url(sha256(canonical(key)).digest())


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


def check_jws(signature: Json, payload: str, keys: dict[str, Json]) -> str:
    """ES256 over `protected.payload`; gives the key id."""
    header = json.loads(unbase64(signature["protected"]))
    demand(header.get("alg") == "ES256" and set(header) == {"alg", "kid"}, "a header names another algorithm")
    demand(header["kid"] in keys, f"the public key {header['kid']} is missing")
    x, y = (int.from_bytes(unbase64(keys[header["kid"]][part])) for part in "xy")
    raw = unbase64(signature["signature"])
    demand(len(raw) == 64, "a signature has 64 bytes")
    der = utils.encode_dss_signature(int.from_bytes(raw[:32]), int.from_bytes(raw[32:]))
    public = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
    public.verify(der, f"{signature['protected']}.{payload}".encode(), ec.ECDSA(SHA256()))
    return str(header["kid"])


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


def check_receipt(receipt: Json, note: str, head: tuple[str, int, bytes]) -> tuple[Json, Json, list[str], str]:
    """Check one receipt under the pack's checkpoint; gives payload, log entry, key ids, and the name."""
    envelope, entry = receipt["envelope"], receipt["entry"]
    data = unbase64(envelope["payload"])
    payload: Json = json.loads(data)
    demand(canonical(payload) == data, "a payload is not canonical JSON")
    keys = {key_id(key): key for key in receipt["keys"]}
    signers = [check_jws(signature, envelope["payload"], keys) for signature in envelope["signatures"]]
    demand(signers and len(set(signers)) == len(signers), "nobody signed, or a key signed twice")
    demand(entry["entry"] == "transaction", "a log entry is not of a transaction")
    demand(entry["transaction"] == sha256(data).hexdigest(), "a log entry is about another payload")
    demand(entry["envelope"] == sha256(canonical(envelope)).hexdigest(), "a log entry is about another envelope")
    demand(receipt["checkpoint"] == note, "a receipt has another checkpoint than the pack")
    demand(payload["network"] == head[0], "a receipt is of another network")
    included = includes(canonical(entry), receipt["log_index"], head[1], receipt["inclusion"], head[2])
    demand(included, "a log entry is not under the checkpoint's root")
    demand(entry["outcome"] == "accepted", f"the ledger refused {payload['op']}: {entry['outcome']}")
    return payload, entry, signers, entry["transaction"]


def der(data: bytes) -> tuple[int, bytes, bytes, bytes]:
    """The first DER element: tag, content, whole, rest."""
    length, start = data[1], 2
    if length & 0x80:
        start += length & 0x7F
        length = int.from_bytes(data[2:start])
    return data[0], data[start : start + length], data[: start + length], data[start + length :]


def elements(content: bytes) -> list[tuple[int, bytes, bytes]]:
    """All elements of a DER content: tag, content, whole."""
    found = []
    while content:
        tag, inner, whole, content = der(content)
        found.append((tag, inner, whole))
    return found


def check_pades(pdf: bytes, certificates: dict[bytes, x509.Certificate]) -> Iterator[str]:
    """CMS signatures (RFC 5652) over byte ranges; those by certificates of the pack are verified."""
    position = 0
    while (position := pdf.find(b"/ByteRange", position) + 1) > 0:
        ranges = [int(word) for word in pdf[position:].partition(b"[")[2].partition(b"]")[0].split()]
        first, length, second, rest = ranges
        demand(first == 0 and length < second <= second + rest <= len(pdf), "a byte range is out of the file")
        blob = bytes.fromhex(pdf[length + 1 : second - 1].decode())
        signed_data = elements(elements(der(blob)[1])[1][1])[0][1]
        signer = elements(elements(signed_data)[-1][1])[0][1]
        parts = elements(signer)
        serial = int.from_bytes(elements(parts[1][1])[1][1])
        attributes = next(inner for tag, inner, _ in parts if tag == 0xA0)
        digest = sha256(pdf[:length] + pdf[second : second + rest]).digest()
        oid = bytes.fromhex("06092a864886f70d010904")  # messageDigest
        value = next(one for _, one, _ in elements(attributes) if one.startswith(oid))
        demand(elements(elements(value)[1][1])[0][1] == digest, "a byte of the signed PDF was changed")
        certificate = next((one for one in certificates.values() if one.serial_number == serial), None)
        if certificate is None:
            yield f"Signature on the PDF by a certificate outside the pack (serial {serial:x}): bytes unchanged only."
            continue
        size = len(attributes)
        head = bytes([size]) if size < 128 else b"\x82" + size.to_bytes(2) if size > 255 else bytes([0x81, size])
        certificate.public_key().verify(parts[-1][1], b"\x31" + head + attributes, ec.ECDSA(SHA256()))
        yield f"Signature on the PDF by {certificate.subject.rfc4514_string()}: holds."


def check_terms(proposal: Json, pack: dict[str, bytes]) -> Json:
    """Whether terms and document are those of the proposal; gives the terms."""
    salted: Json = json.loads(pack["terms.json"])
    demand(canonical(salted) == pack["terms.json"], "the terms are not canonical JSON")
    terms: Json = salted["terms"]
    commitment = sha256(bytes.fromhex(salted["salt"]) + canonical(terms)).hexdigest()
    demand(commitment == proposal["terms"], "the terms are not those that were proposed")
    demand(sha256(pack["document.pdf"]).hexdigest() == proposal["document"], "the PDF is not the one proposed")
    demand(terms["obligations"] == proposal["obligations"], "the ledger reckons other obligations than the terms say")
    parties = [{"account": p["account"], "role": "consumer" if p["consumer"] else p["role"]} for p in terms["parties"]]
    demand(parties == proposal["parties"], "the parties of the terms are not those of the proposal")
    return terms


def check(pack: dict[str, bytes], trusted_key: str, root: bytes) -> Iterator[str]:
    """Yield one sentence per step that holds; raise at the first that does not."""
    manifest: Json = json.loads(pack.pop("manifest.json"))
    demand({path: sha256(data).hexdigest() for path, data in pack.items()} == manifest["files"], "a file was changed")
    yield f"{len(pack)} files are those of the manifest."
    note = pack["checkpoint.txt"].decode()
    head = check_note(note, trusted_key or manifest["checkpoint_key"])
    yield f"Checkpoint of {head[0]} over {head[1]} log entries: its signature holds."
    receipts = [check_receipt(json.loads(pack[path]), note, head) for path in sorted(pack) if path.startswith("rec")]
    yield f"{len(receipts)} receipts: signatures, log entries and proofs hold."
    owners = {key_id(p["key"]): p["subject"] for p, _, _, _ in receipts if p["op"] == "register_key"}
    name = manifest["contract"]
    proposal = next((payload for payload, _, _, own in receipts if own == name), None)
    if proposal is None or proposal["op"] != "propose_contract":
        raise ValueError("the pack has no proposal of the contract")
    terms = check_terms(proposal, pack)
    yield f"Terms ({proposal['template']}) and PDF are those of contract {name}."
    named = {party["account"]: party["name"] for party in terms["parties"]}
    signed: dict[str, tuple[str, int]] = {}
    for payload, entry, signers, _ in receipts:
        when, account = datetime.fromtimestamp(entry["time"], UTC).isoformat(), payload["account"]
        if payload["op"] in {"register_key", "propose_contract"}:
            continue
        demand(payload["contract"] == name, "a receipt is about another contract")
        if payload["op"] == "sign_contract":
            kid = next((kid for kid in signers if owners.get(kid) == account), "")
            demand(kid, f"no key registered for {account} is under its signature")
            same = (payload["terms"], payload["document"]) == (proposal["terms"], proposal["document"])
            demand(same, f"{account} signed other terms or another document")
            signed[account] = (kid, entry["time"])
            yield f"Signed by {named.get(account, account)} with key {kid} at {when}."
        else:
            yield f"{payload['op']} by {account} at {when}: recorded."
    missing = [party["account"] for party in proposal["parties"] if party["account"] not in signed]
    demand(not missing, f"not signed by {', '.join(missing)}")
    yield from check_certificates(pack, signed, named, root)


def check_certificates(
    pack: dict[str, bytes], signed: dict[str, tuple[str, int]], named: dict[str, str], root: bytes
) -> Iterator[str]:
    """Certificates lead to a root and are for the keys that signed; the signed PDF continues the agreed one."""
    paths = [path for path in sorted(pack) if path.startswith("certificates/")]
    roots = [root] if root else [pack[path] for path in paths if "/root-" in path]
    issuers = [x509.load_pem_x509_certificate(data) for data in roots]
    held: dict[bytes, x509.Certificate] = {}
    for path in (path for path in paths if "/root-" not in path):
        one = x509.load_pem_x509_certificate(pack[path])
        issuer = next((ca for ca in issuers if ca.subject == one.issuer), None)
        if issuer is None:
            raise ValueError(f"{path} leads to no root")
        one.verify_directly_issued_by(issuer)
        numbers = one.public_key().public_numbers()
        coordinates = {"x": base64url(numbers.x.to_bytes(32)), "y": base64url(numbers.y.to_bytes(32))}
        kid = key_id({"crv": "P-256", "kty": "EC"} | coordinates)
        held[sha256(pack[path]).digest()] = one
        for account, (own, time) in signed.items():
            if own == kid:
                moment = datetime.fromtimestamp(time, UTC)
                alive = one.not_valid_before_utc <= moment <= one.not_valid_after_utc
                demand(alive, f"the certificate of {named[account]} was not in force when it signed")
                yield f"Certificate of {one.subject.rfc4514_string()}: by {one.issuer.rfc4514_string()}, for that key."
    if "document-signed.pdf" in pack:
        demand(pack["document-signed.pdf"].startswith(pack["document.pdf"]), "the signed PDF is another document")
        yield from check_pades(pack["document-signed.pdf"], held)


def main() -> int:
    """Check the pack named on the command line."""
    parser = argparse.ArgumentParser(description="Check the evidence pack of a contract offline.")
    parser.add_argument("pack", type=Path)
    parser.add_argument("--checkpoint-key", default="", help="the published key of the network: name+hash+key")
    parser.add_argument("--root", type=Path, help="the certificate (PEM) of the authority you trust")
    given = parser.parse_args()
    try:
        with zipfile.ZipFile(given.pack) as archive:
            demand(len(set(archive.namelist())) == len(archive.namelist()), "a file stands twice in the pack")
            pack = {path: archive.read(path) for path in archive.namelist()}
        for sentence in check(pack, given.checkpoint_key, given.root.read_bytes() if given.root else b""):
            print("ok   ", sentence)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, StopIteration, OSError) as error:
        print("FAILED", f"{type(error).__name__}: {error}")
        return 1
    except (InvalidSignature, zipfile.BadZipFile) as error:
        print("FAILED", str(error) or "a signature does not hold")
        return 1
    if not given.checkpoint_key:
        print("note  the checkpoint key came from the pack itself: compare it with the published one")
    if not given.root:
        print("note  the authority's certificate came from the pack itself: compare it with the published one")
    return 0


if __name__ == "__main__":
    sys.exit(main())
