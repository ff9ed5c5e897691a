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
from hashlib import sha256, sha384, sha512
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, utils
from cryptography.hazmat.primitives.hashes import SHA256

Json = dict[str, Any]
Files = dict[str, bytes]
BROKEN = (ValueError, TypeError, AttributeError, LookupError, OSError, InvalidSignature, zipfile.BadZipFile)


def canonical(value: object) -> bytes:
    """RFC 8785 for texts, integers, booleans, arrays and objects with ASCII keys."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def unbase64(text: str) -> bytes:
    """Read base64url without padding."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def base64url(data: bytes) -> str:
    """Write base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def key_id(key: Json) -> str:
    """RFC 7638 thumbprint."""
    return base64url(sha256(canonical(key)).digest())


def demand(holds: object, what: str) -> None:
    """Stop with a sentence unless something holds."""
    if not holds:
        raise ValueError(what)


def includes(leaf: bytes, index: int, size: int, proof: list[str], root: bytes) -> bool:
    """RFC 9162, 2.1.3.2: whether the path leads from the leaf to the root."""
    value, inner = sha256(b"\x00" + leaf).digest(), (index ^ (size - 1)).bit_length()
    if not 0 <= index < size or len(proof) != inner + (index >> inner).bit_count():
        return False
    for level, sibling in enumerate(map(bytes.fromhex, proof)):
        left = level < inner and not index >> level & 1
        value = sha256(b"\x01" + (value + sibling if left else sibling + value)).digest()
    return value == root


def check_jws(signature: Json, payload: str, keys: dict[str, Json]) -> str:
    """ES256 over `protected.payload`; gives the key id."""
    header = json.loads(unbase64(signature["protected"]))
    demand(header.get("alg") == "ES256" and set(header) == {"alg", "kid"}, "a header names another algorithm")
    demand(header["kid"] in keys, f"the public key {header['kid']} is missing")
    x, y = (int.from_bytes(unbase64(keys[header["kid"]][part])) for part in "xy")
    demand(len(raw := unbase64(signature["signature"])) == 64, "a signature has 64 bytes")
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
    payload: Json = json.loads(data := unbase64(envelope["payload"]))
    demand(canonical(payload) == data, "a payload is not canonical JSON")
    keys = {key_id(key): key for key in receipt["keys"]}
    signers = [check_jws(signature, envelope["payload"], keys) for signature in envelope["signatures"]]
    demand(signers and entry["entry"] == "transaction", "nobody signed, or a log entry is not of a transaction")
    demand(entry["transaction"] == sha256(data).hexdigest(), "a log entry is about another payload")
    demand(entry["envelope"] == sha256(canonical(envelope)).hexdigest(), "a log entry is about another envelope")
    demand(receipt["checkpoint"] == note, "a receipt has another checkpoint than the pack")
    demand(payload["network"] == head[0], "a receipt is of another network")
    included = includes(canonical(entry), receipt["log_index"], head[1], receipt["inclusion"], head[2])
    demand(included, "a log entry is not under the checkpoint's root")
    demand(entry["outcome"] == "accepted", f"the ledger refused {payload['op']}: {entry['outcome']}")
    return payload, entry, signers, entry["transaction"]


def elements(content: bytes) -> list[tuple[int, bytes, bytes]]:
    """All DER elements of a content, up to padding: tag, content, whole."""
    found = []
    while content and content[0]:
        length, start = content[1], 2
        if length & 0x80:
            start += length & 0x7F
            length = int.from_bytes(content[2:start])
        found.append((content[0], content[start : start + length], content[: start + length]))
        content = content[start + length :]
    return found


def check_pades(pdf: bytes, certificates: list[x509.Certificate]) -> Iterator[str]:
    """CMS signatures (RFC 5652) over byte ranges; those by certificates of the pack are verified."""
    position = covered = 0
    while (position := pdf.find(b"/ByteRange", position) + 1) > 0:
        first, length, second, rest = map(int, pdf[position:].partition(b"[")[2].partition(b"]")[0].split())
        demand(first == 0 and length < second <= second + rest <= len(pdf), "a byte range is out of the file")
        covered = max(covered, second + rest)
        blob = bytes.fromhex(pdf[length + 1 : second - 1].decode())
        signed_data = elements(elements(elements(blob)[0][1])[1][1])[0][1]
        parts = elements(elements(elements(signed_data)[-1][1])[0][1])
        serial = int.from_bytes(elements(parts[1][1])[1][1])
        members = {tag: (inner, whole) for tag, inner, whole in parts}
        attributes, whole = members[0xA0]
        oid = bytes.fromhex("06092a864886f70d010904")  # messageDigest
        (stated,) = [elements(elements(one)[1][1])[0][1] for _, one, _ in elements(attributes) if one.startswith(oid)]
        hashed = {32: sha256, 48: sha384, 64: sha512}[len(stated)](pdf[:length] + pdf[second : second + rest])
        demand(hashed.digest() == stated, "a byte of the signed PDF was changed")
        known = [one for one in certificates if one.serial_number == serial]
        for one in known:
            one.public_key().verify(members[0x04][0], b"\x31" + whole[1:], ec.ECDSA(SHA256()))
        by = known[0].subject.rfc4514_string() if known else f"certificate {serial:x} outside the pack"
        yield f"Signature on the PDF by {by}: {'holds' if known else 'only the bytes are checked here'}."
    demand(covered == len(pdf), "something was added behind the last signature of the PDF")


def check_terms(proposal: Json, pack: Files) -> Json:
    """Whether terms and document are those of the proposal; gives the terms."""
    salted = json.loads(pack["terms.json"])
    terms: Json = salted["terms"]
    commitment = sha256(bytes.fromhex(salted["salt"]) + canonical(terms)).hexdigest()
    demand(commitment == proposal["terms"], "the terms are not those that were proposed")
    demand(sha256(pack["document.pdf"]).hexdigest() == proposal["document"], "the PDF is not the one proposed")
    demand(terms["obligations"] == proposal["obligations"], "the ledger reckons other obligations than the terms say")
    parties = [{"account": p["account"], "role": "consumer" if p["consumer"] else p["role"]} for p in terms["parties"]]
    demand(parties == proposal["parties"], "the parties of the terms are not those of the proposal")
    days = (terms["notice_days"] * 86_400, terms["withdraw_days"] * 86_400, terms["replaces"])
    demand(days == (proposal["notice_s"], proposal["withdraw_s"], proposal["replaces"]), "notice or withdrawal differ")
    for word in ("valid_from", "valid_to"):
        begins = datetime.fromisoformat(terms[word] + "T00:00:00+01:00").timestamp() if terms[word] else 0
        demand(begins == proposal[word], "the contract runs for other days than the terms say")
    return terms


def check(pack: Files, trusted_key: str, root: bytes) -> Iterator[str]:
    """Yield one sentence per step that holds; raise at the first that does not."""
    manifest = json.loads(pack.pop("manifest.json"))
    demand({path: sha256(data).hexdigest() for path, data in pack.items()} == manifest["files"], "a file was changed")
    yield f"{len(pack)} files are those of the manifest."
    head = check_note(note := pack["checkpoint.txt"].decode(), trusted_key or manifest["checkpoint_key"])
    yield f"Checkpoint of {head[0]} over {head[1]} log entries: its signature holds."
    receipts = [check_receipt(json.loads(pack[path]), note, head) for path in sorted(pack) if path.startswith("rec")]
    yield f"{len(receipts)} receipts: signatures, log entries and proofs hold."
    owners = {key_id(p["key"]): p.get("subject", p["account"]) for p, _, _, _ in receipts if "key" in p}
    name = manifest["contract"]
    proposal = {own: payload for payload, _, _, own in receipts if payload["op"] == "propose_contract"}[name]
    terms = check_terms(proposal, pack)
    yield f"Terms ({proposal['template']}) and PDF are those of contract {name}."
    named = {party["account"]: party["name"] for party in terms["parties"]}
    signed: dict[str, tuple[str, int]] = {}
    for payload, entry, signers, _ in (one for one in receipts if "contract" in one[0]):
        when, account = datetime.fromtimestamp(entry["time"], UTC).isoformat(), payload["account"]
        demand(payload["contract"] == name, "a receipt is about another contract")
        if payload["op"] == "sign_contract":
            demand(account in named, f"{account} is no party")
            own = [kid for kid in signers if owners.get(kid) == account]
            demand(own, f"no key registered for {account} is under its signature")
            for word in ("terms", "document"):
                demand(payload[word] == proposal[word], f"{account} signed another {word}")
            signed[account] = (own[0], entry["time"])
            yield f"Signed by {named[account]} with key {own[0]} at {when}."
        else:
            yield f"{payload['op']} by {account} at {when}: recorded."
    demand(len(signed) == len(named), f"not signed by {', '.join(sorted(set(named) - set(signed)))}")
    yield from check_certificates(pack, signed, named, root)


def check_certificates(pack: Files, signed: dict[str, tuple[str, int]], named: Json, root: bytes) -> Iterator[str]:
    """Certificates lead to a root and are for the keys that signed; the signed PDF continues the agreed one."""
    paths = [path for path in sorted(pack) if path.startswith("certificates/")]
    roots = [root] if root else [pack[path] for path in paths if "/root-" in path]
    held: list[x509.Certificate] = []
    for path in (path for path in paths if "/root-" not in path):
        one = x509.load_pem_x509_certificate(pack[path])
        issuers = [ca for ca in map(x509.load_pem_x509_certificate, roots) if ca.subject == one.issuer]
        demand(issuers, f"{path} leads to no root")
        one.verify_directly_issued_by(issuers[0])
        held.append(one)
        point = one.public_key().public_numbers()
        x, y = (base64url(value.to_bytes(32)) for value in (point.x, point.y))
        kid = key_id({"crv": "P-256", "kty": "EC", "x": x, "y": y})
        for account in (account for account, (own, _) in signed.items() if own == kid):
            moment = datetime.fromtimestamp(signed[account][1], UTC)
            alive = one.not_valid_before_utc <= moment <= one.not_valid_after_utc
            demand(alive, f"the certificate of {named[account]} was not in force when it signed")
            yield f"Certificate of {one.subject.rfc4514_string()}: by {one.issuer.rfc4514_string()}, for that key."
    if signed_pdf := pack.get("document-signed.pdf"):
        demand(signed_pdf.startswith(pack["document.pdf"]), "the signed PDF is another document")
        yield from check_pades(signed_pdf, held)


def main() -> int:
    """Check the pack named on the command line."""
    parser = argparse.ArgumentParser(description="Check the evidence pack of a contract offline.")
    parser.add_argument("pack", type=Path)
    parser.add_argument("--checkpoint-key", default="", help="the published key of the network: name+hash+key")
    parser.add_argument("--root", type=Path, help="the certificate (PEM) of the authority you trust")
    given = parser.parse_args()
    try:
        with zipfile.ZipFile(given.pack) as archive:
            pack = {path: archive.read(path) for path in archive.namelist()}
            demand(len(pack) == len(archive.namelist()), "a file stands twice in the pack")
        for sentence in check(pack, given.checkpoint_key, given.root.read_bytes() if given.root else b""):
            print("ok   ", sentence)
    except BROKEN as error:
        print("FAILED", f"{type(error).__name__}: {error}" if str(error) else "a signature does not hold")
        return 1
    for trusted, what in ((given.checkpoint_key, "checkpoint key"), (given.root, "authority's certificate")):
        if not trusted:
            print(f"note  the {what} came from the pack itself: compare it with the published one")
    return 0


if __name__ == "__main__":
    sys.exit(main())
