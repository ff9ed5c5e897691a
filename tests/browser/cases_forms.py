"""Cases of the plain forms: documents, base64url, Merkle proofs, keys, checkpoints, cosignatures."""

import base64
import hashlib
from functools import cache

import shapes_at_random
import twists
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ogniwo.core.ledger import merkle
from ogniwo.core.ledger.checkpoints import Checkpoint, sign_checkpoint, verifier_key
from ogniwo.core.ledger.cosignatures import cosign, witness_key
from ogniwo.core.ledger.signing import base64url

NETWORK = "test.example/one"
WITNESSES = ("auditor.example", "operator.example", "partner.example", "władza.example")


@cache
def private(name):
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(name.encode()).digest())


@cache
def tree(flavour=b"", size=300):
    return merkle.Tree(merkle.leaf_hash(flavour + str(number).encode()) for number in range(size))


@cache
def note(size, flavour=b"", key="log", origin=NETWORK):
    checkpoint = Checkpoint(origin, size, tree(flavour).root(size))
    return sign_checkpoint(checkpoint, name=NETWORK, key=private(key))


@cache
def cosigned(text, name, time_s=1_800_000_000, key=None):
    return cosign(text, name=name, key=private(key or name), time_s=time_s)


LOG_KEY = verifier_key(NETWORK, private("log")).text()
WITNESS_KEYS = tuple(witness_key(name, private(name)).text() for name in WITNESSES)


def documents(rng):
    """One case: what was done, the kind of check, its arguments."""
    value = shapes_at_random.document(rng)
    data = twists.canonical(value).encode()
    way = rng.randrange(10)
    if way < 4:
        return "valid", "document", {"data": data}
    if way < 7:
        name, data = twists.spelling(rng, value)
        return f"spelling.{name}", "document", {"data": data}
    if way < 8:
        name, value = twists.content(rng, value)
        return f"content.{name}", "document", {"data": twists.canonical(value).encode()}
    name, data = twists.damage(rng, data)
    return f"bytes.{name}", "document", {"data": data}


def base64urls(rng):
    text = base64url(rng.randbytes(rng.randrange(40)))
    match rng.randrange(7):
        case 0:
            return "padded", "base64url", {"text": text + "=" * (-len(text) % 4)}
        case 1:
            return "stray_bits", "base64url", {"text": text[:-1] + rng.choice("ABCDEFGHQRSwxyz0123-_")}
        case 2:
            return "foreign_letter", "base64url", {"text": text + rng.choice("+/= \n\0ąÀ\ud7ff😀")}
        case 3:
            return "letter_dropped", "base64url", {"text": text[:-1]}
    return "valid", "base64url", {"text": text}


def _hashes(rng, proof):
    """A proof, spoiled in one way."""
    way = rng.choice(("changed", "shortened", "lengthened", "reversed", "short_hash"))
    match way:
        case "changed" if proof:
            at = rng.randrange(len(proof))
            return way, [*proof[:at], rng.randbytes(32), *proof[at + 1 :]]
        case "shortened":
            return way, proof[1:]
        case "reversed":
            return way, proof[::-1]
        case "short_hash" if proof:
            return way, [proof[0][:31], *proof[1:]]
    return "lengthened", [*proof, rng.randbytes(32)]


def inclusions(rng):
    size = rng.choice((1, 2, 3, rng.randrange(1, 301)))
    index = rng.randrange(size)
    claim = {"index": index, "size": size, "leaf": tree().leaf(index), "root": tree().root(size)}
    proof = tree().inclusion(index, size)
    way = rng.randrange(10)
    name = "valid"
    if way == 5:
        name, proof = _hashes(rng, proof)
    elif way == 6:
        name, claim["index"] = "other_index", rng.choice((0, size - 1, size, index + 1, 2**32 + index, 2**53 - 1))
    elif way == 7:
        name, claim["size"] = "other_size", rng.choice((0, size + 1, size * 2, 2**33 + size, 2**53 - 1))
    elif way == 8:
        name, claim["leaf"] = "other_leaf", rng.choice((rng.randbytes(32), claim["root"]))
    elif way == 9:
        name, claim, proof = "giant_log", *_giant(rng)
    return name, "inclusion", claim | {"proof": proof}


def _giant(rng):
    """A leaf of a log too large to build: the siblings are drawn, the root follows from them."""
    size = rng.choice((2**53 - 1, 2**52, 2**40 + 12_345, 2**32 + 1, 2**31))
    index = rng.choice((0, size - 1, size - 2, rng.randrange(size), 2**31 - 1))
    value = leaf = rng.randbytes(32)
    proof, start, end, path = [], 0, size, []
    while end - start > 1:
        middle = start + (1 << (end - start - 1).bit_length() - 1)
        path.append(index < middle)
        start, end = (start, middle) if index < middle else (middle, end)
    for left_side in reversed(path):
        sibling = rng.randbytes(32)
        value = merkle.node_hash(value, sibling) if left_side else merkle.node_hash(sibling, value)
        proof.append(sibling)
    return {"index": index, "size": size, "leaf": leaf, "root": value}, proof


def consistencies(rng):
    new = rng.randrange(1, 301)
    old = rng.choice((0, 1, new, rng.randrange(1, new + 1), 1 << (new.bit_length() - 1)))
    claim = {"old": old, "new": new, "old_root": tree().root(old), "new_root": tree().root(new)}
    proof = tree().consistency(old, new) if old else []
    way = rng.randrange(8)
    name = "valid"
    if way == 4:
        name, proof = _hashes(rng, proof)
    elif way == 5:
        name, claim["old_root"] = "forked", tree(b"fork").root(old) if old else rng.randbytes(32)
    elif way == 6:
        name, claim["old"] = "other_old", rng.choice((0, old + 1, new, new + 1, 2**53 - 1))
    elif way == 7:
        name, claim["new"] = "other_new", rng.choice((0, old, new + 1, 2**40 + new, 2**53 - 1))
    return name, "consistency", claim | {"proof": proof}


def keys(rng):
    """Published keys of logs and witnesses."""
    kind = rng.choice(("log_key", "witness_key"))
    text = LOG_KEY if kind == "log_key" else rng.choice(WITNESS_KEYS)
    name, key_hash, encoded = text.split("+", 2)
    padded = encoded.rstrip("=")
    ways = {
        "valid": text,
        "blanks_around": rng.choice(" \n\u00a0\ufeff\x1f\u180e\u200b") + text + rng.choice((" ", "\n", "\u0085", "")),
        "other_kind": rng.choice((LOG_KEY, *WITNESS_KEYS)),
        "other_name": f"x{text}",
        "no_name": f"+{key_hash}+{encoded}",
        "hash_upper": f"{name}+{key_hash.upper()}+{encoded}",
        "hash_wrong": f"{name}+00000000+{encoded}",
        "key_short": f"{name}+{key_hash}+{base64.b64encode(base64.b64decode(encoded)[:-1]).decode()}",
        "stray_bits": f"{name}+{key_hash}+{padded[:-1]}{rng.choice('ABCDEFGH')}" + "=" * (-len(padded) % 4),
        "unpadded": f"{name}+{key_hash}+{padded}",
        "padded_more": f"{text}=",
        "base64url_letters": text.replace("/", "_"),
        "letter_changed": twists.letter_changed(rng, text),
        "without_key": f"{name}+{key_hash}",
        "empty": "",
    }
    way = rng.choice(["valid"] * 6 + sorted(ways))
    return way, kind, {"text": ways[way]}


def _line(rng, text):
    """A signature line, spoiled in one way."""
    mark, name, encoded = text.rstrip("\n").split(" ")
    raw = base64.b64decode(encoded)
    ways = {
        "line.hyphen": f"- {name} {encoded}\n",
        "line.name": f"{mark} other {encoded}\n",
        "line.two_blanks": f"{mark} {name}  {encoded}\n",
        "line.stray_bits": f"{mark} {name} {encoded[:-3]}{rng.choice('BCDEFGH')}==\n",
        "line.unpadded": f"{mark} {name} {encoded.rstrip('=')}\n",
        "line.short": f"{mark} {name} {base64.b64encode(raw[:-1]).decode()}\n",
        "line.long": f"{mark} {name} {base64.b64encode(raw + b'0').decode()}\n",
        "line.key_hash": f"{mark} {name} {base64.b64encode(bytes(4) + raw[4:]).decode()}\n",
        "line.bit": f"{mark} {name} {base64.b64encode(raw[:-9] + bytes([raw[-9] ^ 1]) + raw[-8:]).decode()}\n",
        "line.scalar_plus_order": f"{mark} {name} {base64.b64encode(_greater(raw)).decode()}\n",
        "line.zero": f"{mark} {name} {base64.b64encode(raw[:-64] + bytes(64)).decode()}\n",
        "line.time": f"{mark} {name} {base64.b64encode(raw[:4] + b'1' + raw[5:]).decode()}\n",
        "line.twice": text + text,
        "line.carriage_return": text.replace("\n", "\r\n"),
        "line.without_end": text.rstrip("\n"),
        "line.empty_one_behind": text + "\n",
        "line.gone": "",
    }
    way = rng.choice(sorted(ways))
    return way, ways[way]


def _greater(raw):
    """An Ed25519 signature with s + L instead of s: the malleable form that a strict verifier refuses."""
    order = 2**252 + 27742317777372353535851937790883648493
    scalar = int.from_bytes(raw[-32:], "little") + order
    return raw[:-32] + scalar.to_bytes(32, "little")


SMALL_ORDER = (
    "00" * 32,
    "01" + "00" * 31,
    "ec" + "ff" * 30 + "7f",
    "ed" + "ff" * 30 + "7f",
    "ff" * 32,
    "02" + "00" * 31,
)


def checkpoints(rng):
    size = rng.randrange(301)
    text = note(size)
    body, _, line = text.partition("\n\n")
    origin, _, root = body.split("\n")
    key = LOG_KEY
    way = rng.choice(["valid"] * 5 + ["others_too", "body", "line", "foreign", "key", "small_order", "bytes"])
    match way:
        case "others_too":
            text += "\u2014 other AAAA\n" + cosigned(text, WITNESSES[3])
        case "body":
            bodies = {
                "size_other": f"{origin}\n{size + 1}\n{root}",
                "size_zero_in_front": f"{origin}\n0{size}\n{root}",
                "size_plus": f"{origin}\n+{size}\n{root}",
                "size_huge": f"{origin}\n{rng.choice((2**53 - 1, 2**53, 10**16, 2**64))}\n{root}",
                "size_gigantic": f"{origin}\n{'9' * 5_000}\n{root}",
                "size_arabic": f"{origin}\n\u0663\n{root}",
                "size_missing": f"{origin}\n\n{root}",
                "root_short": f"{origin}\n{size}\n{root[:-4]}",
                "root_unpadded": f"{origin}\n{size}\n{root.rstrip('=')}",
                "root_stray_bits": f"{origin}\n{size}\n{root[:-2]}{rng.choice('BCDFGH')}=",
                "origin_other": f"x{origin}\n{size}\n{root}",
                "origin_empty": f"\n{size}\n{root}",
                "fourth_line": f"{origin}\n{size}\n{root}\nmore",
                "two_lines": f"{origin}\n{size}",
                "carriage_returns": body.replace("\n", "\r\n"),
            }
            name = rng.choice(sorted(bodies))
            way, text = f"body.{name}", f"{bodies[name]}\n\n{line}"
        case "line":
            way, line = _line(rng, line)
            text = f"{body}\n\n{line}"
        case "foreign":
            text = note(size, b"", "thief")
        case "key":
            key = rng.choice((verifier_key("other", private("log")).text(), WITNESS_KEYS[0], "x", ""))
        case "small_order":
            raw = bytes.fromhex(rng.choice(SMALL_ORDER))
            weak = verifier_key_of_bytes(raw)
            forged = rng.choice((raw, bytes.fromhex(rng.choice(SMALL_ORDER)))) + bytes(32)
            key = weak.text()
            text = f"{body}\n\n\u2014 {weak.name} {base64.b64encode(weak.key_hash + forged).decode()}\n"
        case "bytes":
            text = text.replace(rng.choice(text), rng.choice(("", "\n", "\0", "ą", " ")), 1)
    return way, "checkpoint", {"note": text, "key": key}


def verifier_key_of_bytes(raw):
    return type(verifier_key(NETWORK, private("log")))(NETWORK, raw)


def finals(rng):
    """Policies over notes with cosignatures."""
    text = note(rng.randrange(1, 301))
    names = rng.sample(WITNESSES, rng.randrange(5))
    lines = [cosigned(text, name, rng.choice((0, 1, 1_800_000_000, 2**53 - 1))) for name in names]
    policy = {"witnesses": list(WITNESS_KEYS), "quorum": rng.choice((1, 1, 2, 2, 3, 4))}
    way = rng.choice(["as_drawn"] * 4 + ["line", "policy", "other_note", "time_too_late", "forged_by_another"])
    match way:
        case "line" if lines:
            way, lines[0] = _line(rng, lines[0])
        case "policy":
            changes = {
                "quorum_none": {"quorum": 0},
                "quorum_negative": {"quorum": -1},
                "quorum_beyond": {"quorum": 5},
                "one_twice": {"witnesses": [WITNESS_KEYS[0]] * 2},
                "one_key_two_names": {"witnesses": [WITNESS_KEYS[0], witness_key("b", private(WITNESSES[0])).text()]},
                "one_name_two_keys": {"witnesses": [WITNESS_KEYS[0], witness_key(WITNESSES[0], private("b")).text()]},
                "no_witness": {"witnesses": []},
                "log_key": {"witnesses": [LOG_KEY]},
            }
            name = rng.choice(sorted(changes))
            way, policy = f"policy.{name}", policy | changes[name]
        case "other_note":
            lines = [cosigned(note(7), name) for name in names]
        case "time_too_late":
            lines = [cosigned(text, name, 2**53) for name in names]
        case "forged_by_another":
            name = rng.choice(WITNESSES)
            raw = base64.b64decode(cosigned(text, name, 1, "thief").split(" ")[2])
            right = base64.b64decode(cosigned(text, name).split(" ")[2])[:4]
            lines = [f"\u2014 {name} {base64.b64encode(right + raw[4:]).decode()}\n", *lines]
    return way, "final", {"note": text + "".join(lines)} | policy
