"""Cases of signed things: envelopes with their keys, proofs of consistency, held checkpoints, receipts."""

import json
import sys
from functools import cache

import cases_forms as forms
import msgspec
import shapes_at_random
import twists
from cryptography.hazmat.primitives.asymmetric import ec

from ogniwo.core.ledger.admission import open_transaction
from ogniwo.core.ledger.blocks import TransactionEntry, read_body, read_header
from ogniwo.core.ledger.checkpoints import Checkpoint, sign_checkpoint, verifier_key
from ogniwo.core.ledger.continuity import build_consistency
from ogniwo.core.ledger.intervals import commitment
from ogniwo.core.ledger.receipts import build_receipt
from ogniwo.core.ledger.signing import (
    P256_ORDER,
    PublicKey,
    base64url,
    from_base64url,
    key_id,
    public_key_of,
    sign_detached,
)
from ogniwo.core.ledger.transactions import Payload

OPERATIONS = {one.tag: one for one in msgspec.inspect.type_info(Payload).types}
FRAME = ("account", "expires", "id", "network", "reason", "references", "v")
P256_PRIME = 2**256 - 2**224 + 2**192 + 2**96 - 1
NAMES = ("op", "coop", "anna", "jan", "gateway-reading")
SALT = bytes(range(16))
DOCUMENT = {"kind": "statement", "month": "2027-01", "net_grosz": 12_345, "member": "zażółć"}


def network():
    return sys.modules["ledger_network"]


@cache
def jwk(name):
    public = public_key_of(network().key(name))
    return {"crv": "P-256", "kty": "EC", "x": public.x, "y": public.y}


def envelope_of(payload, names):
    """An envelope as plain JSON around any payload bytes."""
    parts = [sign_detached(payload, network().key(name)) for name in names]
    signatures = [{"protected": part.protected, "signature": part.signature} for part in parts]
    return {"payload": base64url(payload), "signatures": signatures}


def _reading_signed(payload, rng):
    """A day of readings carries a signature over its record; a random one is put right in most cases."""
    if "record" in payload and rng.random() < 0.8:
        part = sign_detached(twists.canonical(payload["record"]).encode(), network().key("gateway-reading"))
        payload["reading"] = {"protected": part.protected, "signature": part.signature}
    for day in payload["days"] if payload["op"] == "mint_days" else ():
        if rng.random() < 0.95:
            part = sign_detached(twists.canonical(day["record"]).encode(), network().key("gateway-reading"))
            day["reading"] = {"protected": part.protected, "signature": part.signature}
    if payload["op"] in {"genesis", "register_key", "start_recovery"}:
        payload["key"] = jwk("jan")
    inner = payload["operations"] if payload["op"] == "batch" else [payload.get("operation", {})]
    for part in inner:
        if "key" in part:
            part["key"] = jwk("jan")
    return payload


def _header(rng, kid):
    headers = {
        "header.none": {"alg": "none", "kid": kid},
        "header.es384": {"alg": "ES384", "kid": kid},
        "header.hs256": {"alg": "HS256", "kid": kid},
        "header.eddsa": {"alg": "EdDSA", "kid": kid},
        "header.lower_case": {"alg": "es256", "kid": kid},
        "header.without_alg": {"kid": kid},
        "header.without_kid": {"alg": "ES256"},
        "header.kid_short": {"alg": "ES256", "kid": kid[:-1]},
        "header.crit": {"alg": "ES256", "crit": ["b64"], "kid": kid},
        "header.jwk": {"alg": "ES256", "jwk": {}, "kid": kid},
        "header.alg_list": {"alg": ["ES256"], "kid": kid},
    }
    if rng.random() < 0.3:
        name, data = twists.spelling(rng, {"alg": "ES256", "kid": kid})
        return f"header.spelling.{name}", data
    name = rng.choice(sorted(headers))
    return name, twists.canonical(headers[name]).encode()


def _numbers(rng, raw):
    """A signature (r, s), its numbers changed."""
    r, s = int.from_bytes(raw[:32]), int.from_bytes(raw[32:])
    half = P256_ORDER // 2
    ways = {
        "signature.high_s": (r, P256_ORDER - s),
        "signature.s_half": (r, half),
        "signature.s_half_plus_one": (r, half + 1),
        "signature.s_order": (r, P256_ORDER),
        "signature.s_largest": (r, 2**256 - 1),
        "signature.s_zero": (r, 0),
        "signature.r_zero": (0, s),
        "signature.r_order": (P256_ORDER, s),
        "signature.r_plus_order": ((r + P256_ORDER) % 2**256, s),
        "signature.r_and_s_swapped": (s, r),
        "signature.both_one": (1, 1),
        "signature.s_plus_one": (r, s + 1),
    }
    name = rng.choice(sorted(ways))
    return name, b"".join(number.to_bytes(32) for number in ways[name])


def _signature(rng, envelope):
    """The envelope with one of its signatures spoiled."""
    at = rng.randrange(len(envelope["signatures"]))
    one = envelope["signatures"][at]
    kid = json.loads(from_base64url(one["protected"]))["kid"]
    raw = from_base64url(one["signature"])
    way = rng.choice(("header", "numbers", "numbers", "length", "text", "bit", "twice", "swapped", "other_payload"))
    match way:
        case "header":
            way, data = _header(rng, kid)
            one["protected"] = base64url(data)
        case "numbers":
            way, raw = _numbers(rng, raw)
            one["signature"] = base64url(raw)
        case "length":
            one["signature"] = base64url(rng.choice((b"", raw[:63], raw + b"0", raw[:32])))
        case "text":
            part = rng.choice(("protected", "signature"))
            one[part] = rng.choice((one[part] + "=", one[part][:-1], "+" + one[part][1:], one[part] + "ą"))
        case "bit":
            place = rng.randrange(64)
            one["signature"] = base64url(raw[:place] + bytes([raw[place] ^ 1 << rng.randrange(8)]) + raw[place + 1 :])
        case "twice":
            envelope["signatures"] = [*envelope["signatures"], dict(one)]
        case "swapped":
            other = sign_detached(b"{}", network().key("jan"))
            one["signature"] = other.signature
        case "other_payload":
            name = rng.choice(NAMES)
            part = sign_detached(b'{"v":1}', network().key(name))
            envelope["signatures"][at] = {"protected": part.protected, "signature": part.signature}
    return way


def _spoiled_key(rng, key):
    """A public key that is none, or is spelled otherwise."""
    letters = "BCDFGHJKLNOPRSTVWXYZabdefhijlmnpqrtuvxyz12345679-_"
    small = 5  # x = 5 is on P-256, so x + p is a second number for the same coordinate
    y = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), b"\x02" + small.to_bytes(32)).public_numbers().y
    ways = {
        "key.off_curve": key | {"y": base64url(bytes(31) + b"\1")},
        "key.zero": key | {"x": base64url(bytes(32)), "y": base64url(bytes(32))},
        "key.stray_bits": key | {"x": key["x"][:-1] + rng.choice(letters)},
        "key.small_x": key | {"x": base64url(small.to_bytes(32)), "y": base64url(y.to_bytes(32))},
        "key.x_plus_p": key | {"x": base64url((small + P256_PRIME).to_bytes(32)), "y": base64url(y.to_bytes(32))},
        "key.swapped": key | {"x": key["y"], "y": key["x"]},
        "key.largest": key | {"x": base64url(b"\xff" * 32), "y": base64url(b"\xff" * 32)},
    }
    name = rng.choice(sorted(ways))
    return name, ways[name]


def transactions(rng):
    """An envelope with the public keys at hand."""
    payload = _reading_signed(shapes_at_random.made(rng, OPERATIONS[rng.choice(sorted(OPERATIONS))]), rng)
    names = rng.sample(NAMES, rng.choice((1, 1, 2, 3)))
    keys = [jwk(name) for name in NAMES]
    data = twists.canonical(payload).encode()
    way = rng.choice(["valid"] * 5 + ["payload_spelling", "payload_content", "payload_bytes", "signature", "signature"])
    way = rng.choice(
        (way, way, way, way, "keys", "carried_key", "reading", "envelope", "envelope_bytes", "envelope_other")
    )
    match way:
        case "payload_spelling":
            name, data = twists.spelling(rng, payload)
            way = f"payload.{name}"
        case "payload_content":
            name, changed = twists.content(rng, payload)
            way, data = f"payload.{name}", twists.canonical(changed).encode()
        case "payload_bytes":
            name, data = twists.damage(rng, data)
            way = f"payload.{name}"
        case "keys" if rng.random() < 0.4:
            way, keys = "keys.some_missing", rng.sample(keys, 2)
        case "keys":
            way, spoiled = _spoiled_key(rng, keys[0])
            keys = [*keys, spoiled]
        case "reading":
            payload = shapes_at_random.made(rng, OPERATIONS["mint_metering"])
            part = sign_detached(b"{}", network().key("gateway-reading"))
            payload["reading"] = {"protected": part.protected, "signature": part.signature}
            way, data = "reading_of_another_day", twists.canonical(payload).encode()
        case "carried_key":
            payload = shapes_at_random.made(rng, OPERATIONS[rng.choice(("register_key", "start_recovery"))])
            way, spoiled = _spoiled_key(rng, jwk("jan"))
            payload["key"] = spoiled
            if rng.random() < 0.3:
                payload = {name: payload[name] for name in FRAME} | {"op": "propose", "operation": payload, "until": 9}
            way, data, names = f"carried_{way}", twists.canonical(payload).encode(), names[:1]
    envelope = envelope_of(data, names)
    if way.startswith("carried_") and rng.random() < 0.8:
        header = twists.canonical({"alg": "ES256", "kid": key_id(msgspec.convert(spoiled, PublicKey))})
        envelope["signatures"][0]["protected"] = base64url(header.encode())
    if way == "signature":
        way = _signature(rng, envelope)
    raw = twists.canonical(envelope).encode()
    if way == "envelope":
        name, raw = twists.spelling(rng, envelope)
        way = f"envelope.{name}"
    elif way == "envelope_bytes":
        name, raw = twists.damage(rng, raw)
        way = f"envelope.{name}"
    elif way == "envelope_other":
        name, changed = rng.choice((_many, _large, _content))(rng, envelope)
        way, raw = f"envelope.{name}", twists.canonical(changed).encode()
    return way, "transaction", {"envelope": raw, "keys": keys}


def _many(_rng, envelope):
    return "seventeen_signatures", envelope | {"signatures": envelope["signatures"][:1] * 17}


def _large(rng, envelope):
    return "size_at_the_limit", envelope | {"payload": "A" * rng.choice((65_536, 65_536 - 230, 64_000))}


def _content(rng, envelope):
    return twists.content(rng, envelope)


def consistency_documents(rng):
    new = rng.randrange(1, 301)
    old = rng.choice((1, new, rng.randrange(1, new + 1)))
    proof = forms.tree().consistency(old, new)
    older, newer = forms.note(old), forms.note(new)
    base = {"checkpoint_key": forms.LOG_KEY, "consistency": 1, "newer": newer, "older": older}
    document = base | {"proof": [step.hex() for step in proof]}
    way = rng.choice(["valid"] * 4 + ["fork", "shrunk", "foreign", "content", "spelling", "bytes", "network"])
    match way:
        case "fork":
            document["newer"] = forms.note(new, b"fork")
        case "shrunk":
            document |= {"older": newer, "newer": older}
        case "foreign":
            document["older"] = forms.note(old, b"", "thief")
        case "network":
            document["older"] = forms.note(old, b"", "log", "other/network")
        case "content":
            way, document = twists.content(rng, document)
        case "spelling":
            way, data = twists.spelling(rng, document)
            return way, "consistency_document", {"document": data, "key": forms.LOG_KEY}
        case "bytes":
            way, data = twists.damage(rng, twists.canonical(document).encode())
            return way, "consistency_document", {"document": data, "key": forms.LOG_KEY}
    return way, "consistency_document", {"document": twists.canonical(document).encode(), "key": forms.LOG_KEY}


@cache
def _between(old, new):
    proof = forms.tree().consistency(old, new)
    return build_consistency(older=forms.note(old), newer=forms.note(new), proof=proof, checkpoint_key=forms.LOG_KEY)


def held(rng):
    """A checkpoint shown to somebody who holds another one."""
    first, second, third = (rng.randrange(1, 301) for _ in range(3))
    case = {"shown": forms.note(first), "held": forms.note(second), "key": forms.LOG_KEY}
    proof = _between(min(first, second), max(first, second))
    way = rng.choice(
        ["valid"] * 4 + ["same", "fork_same_size", "fork", "no_proof", "other_proof", "foreign", "network"]
    )
    match way:
        case "same":
            case["held"], proof = case["shown"] + forms.cosigned(case["shown"], forms.WITNESSES[0]), None
        case "fork_same_size":
            case["shown"], proof = forms.note(second, b"fork"), rng.choice((None, proof))
        case "fork":
            case["shown"] = forms.note(first, b"fork")
        case "no_proof":
            proof = None
        case "other_proof":
            proof = _between(min(second, third), max(second, third))
        case "foreign":
            case[rng.choice(("held", "shown"))] = forms.note(first, b"", "thief")
        case "network":
            case["shown"] = forms.note(first, b"", "log", "other/network")
    return way, "held", case | {"proof": proof}


class Receipts:
    """A small cooperative with all its receipts, under checkpoints of several sizes."""

    def __init__(self):
        self.coop = coop = network().Network().founded()
        self.key = verifier_key(coop.name, coop.checkpoint_key).text()
        self.notes = {}
        self.leaves = coop.leaves()
        self.base = []
        for day in range(6):
            coop.ok(coop.mint(coop.record(leaves=self.leaves, day=f"2027-01-{day + 10}")), "gateway")
            coop.ok(coop.pay("op/coop/anna", "op/coop/jan", day + 1), "anna")
            content = DOCUMENT | {"version": day}
            coop.ok(coop.anchor(commitment(salt=SALT, document=content)))
            coop.send(coop.pay("op/coop/jan", "op/coop/anna", 10**9), "jan")
            self.note(coop.machine.log.size)
        days = [
            coop.record(leaves=self.leaves if day == 22 else coop.leaves(wh=day), day=f"2027-01-{day}")
            for day in (21, 22, 23)
        ]
        coop.ok(coop.mint_days(*days), "gateway")
        self.note(coop.machine.log.size)
        for block in coop.blocks:
            for position in range(read_header(block.header).transactions):
                self.base.append(json.loads(self.receipt(block, position)))

    def note(self, size):
        if size not in self.notes:
            checkpoint = Checkpoint(self.coop.name, size, self.coop.machine.log.root(size))
            text = sign_checkpoint(checkpoint, name=self.coop.name, key=self.coop.checkpoint_key)
            self.notes[size] = text + "".join(forms.cosigned(text, name) for name in forms.WITNESSES[:2])
        return self.notes[size]

    def receipt(self, block, position):
        header, record = read_header(block.header), read_body(block.body)[position]
        signed = open_transaction(record.envelope)
        index = header.log_size - header.transactions + position
        size = min(size for size in self.notes if size > index)
        extra = {}
        if signed.payload.__class__.__name__ in {"MintMetering", "MintDays"}:
            extra["interval"] = (self.leaves, index % 96)
        elif signed.payload.__class__.__name__ == "Anchor":
            version = (header.height - 1) // 4
            extra["document"] = (SALT, DOCUMENT | {"version": version})
        state = self.coop.machine.state
        return build_receipt(
            envelope=record.envelope,
            entry=TransactionEntry(
                envelope=signed.digest.hex(),
                height=header.height,
                outcome=record.outcome,
                position=position,
                time=header.time,
                transaction=signed.transaction,
            ),
            log_index=index,
            inclusion=self.coop.machine.log.inclusion(index, size),
            checkpoint=self.notes[size],
            checkpoint_key=self.key,
            keys=[state.keys[kid].key for kid in dict.fromkeys((*signed.signers, *signed.readers))],
            **extra,
        )

    def between(self, first, second):
        old, new = sorted((first, second))
        proof = self.coop.machine.log.consistency(old, new)
        return build_consistency(older=self.notes[old], newer=self.notes[new], proof=proof, checkpoint_key=self.key)


@cache
def ledger():
    return Receipts()


def receipts(rng):
    """A receipt, and what its reader knows."""
    made = ledger()
    receipt = json.loads(json.dumps(rng.choice(made.base)))
    size = int(receipt["checkpoint"].split("\n")[1])
    known = {"key": rng.choice((made.key, made.key, None)), "policy": None, "held": None, "consistency": None}
    if rng.random() < 0.5:
        known["policy"] = {"witnesses": list(forms.WITNESS_KEYS), "quorum": rng.choice((1, 2, 2, 2, 3))}
    if rng.random() < 0.5:
        other = rng.choice(sorted(made.notes))
        known["held"] = made.notes[other]
        known["consistency"] = made.between(size, other) if rng.random() < 0.9 else None
    way = rng.choice(
        ["valid"] * 5 + ["content"] * 4 + ["spelling", "bytes", "exchanged", "document", "fork", "key", "line"]
    )
    match way:
        case "content":
            way, receipt = twists.content(rng, receipt)
        case "spelling":
            way, data = twists.spelling(rng, receipt)
            return way, "receipt", {"data": data} | known
        case "bytes":
            way, data = twists.damage(rng, twists.canonical(receipt).encode())
            return way, "receipt", {"data": data} | known
        case "exchanged":
            part = rng.choice(
                ("checkpoint", "entry", "envelope", "inclusion", "interval", "document", "keys", "log_index")
            )
            other = rng.choice([one for one in made.base if part in one])
            way, receipt[part] = f"exchanged.{part}", other[part]
        case "document" if "document" in receipt:
            deep = []
            for _ in range(rng.choice((20, 30, 31, 32, 40))):
                deep = [deep]
            value = rng.choice((None, 1.5, 2**53, 10**25, {"ż": 1}, deep, -(2**53 - 1), "zażółć", 1e300))
            receipt["document"]["content"]["more"] = value
        case "fork":
            forged = Checkpoint(made.coop.name, size, rng.randbytes(32))
            known["held"] = sign_checkpoint(forged, name=made.coop.name, key=made.coop.checkpoint_key)
            known["consistency"] = made.between(size, size)
        case "key":
            known["key"] = rng.choice((forms.LOG_KEY, forms.WITNESS_KEYS[0], "", verifier_key_other()))
        case "line":
            body, _, lines = receipt["checkpoint"].partition("\n\n")
            own, first, *rest = lines.splitlines(keepends=True)
            way, spoiled = forms._line(rng, rng.choice((own, first)))
            receipt["checkpoint"] = f"{body}\n\n{rng.choice((own, first))}{spoiled}{''.join(rest)}"
    return way, "receipt", {"data": twists.canonical(receipt).encode()} | known


@cache
def verifier_key_other():
    return verifier_key(network().NETWORK, forms.private("thief")).text()
