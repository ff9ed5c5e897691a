"""Signatures of the ledger: ES256 over JWS General JSON, several signatures in one envelope, key ids by thumbprint.

RFC 7515 (JWS, 7.2.1), RFC 7518 (ES256: P-256, SHA-256, raw r || s of 64 bytes), RFC 7638 (thumbprint as key id).
Stricter than these: the protected header holds exactly `alg` and `kid`, the envelope is canonical JSON, one key signs
once, and s must be in the lower half of the group order, because (r, n - s) is a second valid signature that anyone
can compute.
Private keys come as arguments and are never kept.
"""

import binascii
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from hashlib import sha256
from typing import Annotated, Literal

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.ledger.canonical import decode, encode

ENVELOPE_BYTES_MAX = 65_536
SIGNATURES_MAX = 16
LOADED_KEYS_MAX = 65_536
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_P256_PRIME = 2**256 - 2**224 + 2**192 + 2**96 - 1
_LOW_S_BYTES_MAX = (P256_ORDER // 2).to_bytes(32, "big")
_ES256 = ec.ECDSA(SHA256())
_TO_URL = bytes.maketrans(b"+/", b"-_")
_LETTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_LAST_OF_TWO = frozenset(b"AQgw")
_LAST_OF_THREE = frozenset(b"AEIMQUYcgkosw048")
_COORDINATE_BYTES = 32
_SIGNATURE_BYTES = 64

# The fixed texts of an envelope with one signature, and where they stand, counted from its ends.
_TO_PAYLOAD = b'{"payload":"'
_TO_PROTECTED = b'","signatures":[{"protected":"'
_TO_SIGNATURE = b'","signature":"'
_END = b'"}]}'
_PAYLOAD_AT = len(_TO_PAYLOAD)
_END_AT = -len(_END)
_SIGNATURE_AT = _END_AT - 86
_TO_SIGNATURE_AT = _SIGNATURE_AT - len(_TO_SIGNATURE)

Coordinate = Annotated[str, msgspec.Meta(pattern=r"\A[A-Za-z0-9_-]{43}\Z")]


class EnvelopeTooLargeError(Refusal):
    """An envelope is longer than the ledger takes."""

    code = "ledger.too_large"


class EncodingError(Refusal):
    """A part of an envelope is not unpadded base64url in its one spelling."""

    code = "ledger.base64url"


class AlgorithmError(Refusal):
    """The protected header names another algorithm than ES256 (`none` included), no key, or anything more."""

    code = "ledger.algorithm"


class SignatureError(Refusal):
    """A signature does not belong to the payload and the key."""

    code = "ledger.signature"


class HighSignatureError(Refusal):
    """A signature is in its malleable form: s above half of the group order."""

    code = "ledger.high_s"


class DuplicateSignerError(Refusal):
    """One key signed the same envelope twice."""

    code = "ledger.duplicate_signer"


class PublicKeyError(Refusal):
    """A public key is not a point of P-256."""

    code = "ledger.public_key"


class PublicKey(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True, kw_only=True):
    """A P-256 public key as the JSON Web Key members that its thumbprint covers; x and y are 32 bytes, base64url."""

    crv: Literal["P-256"] = "P-256"
    kty: Literal["EC"] = "EC"
    x: Coordinate
    y: Coordinate


class Signature(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True, kw_only=True):
    """One signature of an envelope: the protected header and r || s, both base64url."""

    protected: Annotated[str, msgspec.Meta(max_length=200)]
    signature: Annotated[str, msgspec.Meta(max_length=86)]


class Envelope(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True, kw_only=True):
    """JWS General JSON (RFC 7515, 7.2.1)."""

    payload: str
    signatures: Annotated[tuple[Signature, ...], msgspec.Meta(min_length=1, max_length=SIGNATURES_MAX)]


class _Header(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True, kw_only=True):
    alg: Literal["ES256"] = "ES256"
    kid: Coordinate


class Check(msgspec.Struct, frozen=True, gc=False):
    """A signature that waits for its key: who claims to have signed, the bytes signed, the signature in DER."""

    kid: str
    message: bytes
    der: bytes


class Opened(msgspec.Struct, frozen=True, gc=False):
    """An envelope in its parts, its signatures not yet verified."""

    payload: bytes
    checks: tuple[Check, ...]


_ENVELOPE = msgspec.json.Decoder(Envelope)
_HEADER = msgspec.json.Decoder(_Header)


def base64url(data: bytes) -> str:
    """Base64url without padding (RFC 7515, 2)."""
    return binascii.b2a_base64(data, newline=False).translate(_TO_URL).rstrip(b"=").decode("ascii")


def from_base64url(text: str) -> bytes:
    """Read unpadded base64url; refuses padding, other letters and stray bits, so every value has one spelling."""
    try:
        return _decoded(text.encode("ascii"))
    except ValueError as error:
        raise EncodingError(detail=f"not base64url: {error}") from error


def _decoded(text: bytes) -> bytes:
    # The lenient reader passes over what is no letter and over bits too many, and takes half the time of the strict
    # one; so both are looked for first.
    if text.translate(None, _LETTERS):
        raise EncodingError(detail="not base64url: a letter outside the alphabet")
    rest = len(text) % 4
    if not rest:
        return binascii.a2b_base64(text.replace(b"-", b"+").replace(b"_", b"/"))
    # The last letter carries 4 or 2 bits too many; in the one spelling they are zero. A single letter is no byte.
    if rest == 1 or text[-1] not in (_LAST_OF_TWO if rest == 2 else _LAST_OF_THREE):
        raise EncodingError(detail="not base64url in its one spelling")
    return binascii.a2b_base64(text.replace(b"-", b"+").replace(b"_", b"/") + (b"==" if rest == 2 else b"="))


def key_id(key: PublicKey) -> str:
    """The RFC 7638 thumbprint of a key: base64url of the SHA-256 of its canonical members."""
    return base64url(sha256(encode(key)).digest())


def public_key_of(key: ec.EllipticCurvePrivateKey | ec.EllipticCurvePublicKey) -> PublicKey:
    """The public key to register for a P-256 key."""
    public = key.public_key() if isinstance(key, ec.EllipticCurvePrivateKey) else key
    if not isinstance(public.curve, ec.SECP256R1):
        raise PublicKeyError(detail=f"the ledger takes P-256 keys, not {public.curve.name}")
    numbers = public.public_numbers()
    return PublicKey(
        x=base64url(numbers.x.to_bytes(_COORDINATE_BYTES, "big")),
        y=base64url(numbers.y.to_bytes(_COORDINATE_BYTES, "big")),
    )


def load_public_key(key: PublicKey) -> ec.EllipticCurvePublicKey:
    """The key ready to verify with; refuses a point that is not on the curve, and coordinates with stray bits."""
    try:
        x, y = (int.from_bytes(from_base64url(part), "big") for part in (key.x, key.y))
    except EncodingError as error:
        raise PublicKeyError(detail=f"a coordinate is {error.detail}") from error
    # OpenSSL reduces a coordinate beyond the prime: the same key would get a second id, and one person two signatures.
    if x >= _P256_PRIME or y >= _P256_PRIME:
        raise PublicKeyError(detail="a coordinate is not below the prime of P-256")
    try:
        return ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
    except ValueError as error:
        raise PublicKeyError(detail=f"not a point of P-256: {error}") from error


def sign_detached(payload: bytes, key: ec.EllipticCurvePrivateKey) -> Signature:
    """Sign a payload; the signature travels without it (RFC 7515, appendix F)."""
    header = _Header(kid=key_id(public_key_of(key)))
    protected = base64url(encode(header))
    der = key.sign(f"{protected}.{base64url(payload)}".encode("ascii"), _ES256)
    r, s = decode_dss_signature(der)
    raw = r.to_bytes(_COORDINATE_BYTES, "big") + min(s, P256_ORDER - s).to_bytes(_COORDINATE_BYTES, "big")
    return Signature(protected=protected, signature=base64url(raw))


def sign(payload: bytes, *, keys: Sequence[ec.EllipticCurvePrivateKey]) -> bytes:
    """The canonical envelope of a payload with one signature per key."""
    return encode(Envelope(payload=base64url(payload), signatures=tuple(sign_detached(payload, key) for key in keys)))


def add_signature(envelope: bytes, key: ec.EllipticCurvePrivateKey) -> bytes:
    """The same envelope with one more signature, as when a second person signs later and elsewhere."""
    parsed = decode(envelope, _ENVELOPE)
    added = sign_detached(from_base64url(parsed.payload), key)
    return encode(Envelope(payload=parsed.payload, signatures=(*parsed.signatures, added)))


@lru_cache(maxsize=65_536)
def _signer(protected: str) -> str:
    """The key id in a protected header; the cache holds because a key's header never changes."""
    try:
        return decode(from_base64url(protected), _HEADER).kid
    except Refusal as refusal:
        raise AlgorithmError(detail=f"the header must be exactly alg ES256 and kid: {refusal.detail}") from refusal


def check_of(signature: Signature, payload: str) -> Check:
    """What has to be verified for one signature over a base64url payload; refuses form errors and a high s."""
    kid = _signer(signature.protected)
    der = _der(from_base64url(signature.signature))
    return Check(kid, f"{signature.protected}.{payload}".encode("ascii"), der)


def _der(raw: bytes) -> bytes:
    """The signature r || s in the form OpenSSL takes; refuses another length and a high s."""
    if len(raw) != _SIGNATURE_BYTES:
        raise SignatureError(detail=f"an ES256 signature has 64 bytes, not {len(raw)}")
    r, s = raw[:_COORDINATE_BYTES], raw[_COORDINATE_BYTES:]
    if s > _LOW_S_BYTES_MAX:
        raise HighSignatureError(detail="s is above half of the group order; use n - s")
    if not (r[0] and s[0]):
        return encode_dss_signature(int.from_bytes(r, "big"), int.from_bytes(s, "big"))
    # X.690: an integer whose first bit is set gets a zero byte in front; a low s never needs it.
    return (b"\x30\x45\x02\x21\x00" if r[0] & 0x80 else b"\x30\x44\x02\x20") + r + b"\x02\x20" + s


def open_envelope(data: bytes) -> Opened:
    """Take an envelope apart, checking its form but not yet its signatures.

    Raises EnvelopeTooLargeError, the refusals of `canonical.decode`, EncodingError, AlgorithmError, SignatureError,
    HighSignatureError or DuplicateSignerError.
    """
    if len(data) > ENVELOPE_BYTES_MAX:
        raise EnvelopeTooLargeError(detail=f"{len(data)} bytes; at most {ENVELOPE_BYTES_MAX} are taken")
    return _open_single(data) or _open_any(data)


def _open_single(data: bytes) -> Opened | None:
    """Open an envelope with one signature by its fixed places; None when it is not plainly of this form.

    Between the fixed texts stand base64url letters only, which JSON spells in one way; so what fits is canonical, and
    it need not be decoded and encoded again to know that. `_open_any` is the definition, and says what is wrong.
    """
    middle = data.find(_TO_PROTECTED)
    if middle < 0 or data[:_PAYLOAD_AT] != _TO_PAYLOAD or data[_END_AT:] != _END:
        return None
    if data[_TO_SIGNATURE_AT:_SIGNATURE_AT] != _TO_SIGNATURE:
        return None
    payload, protected = data[_PAYLOAD_AT:middle], data[middle + len(_TO_PROTECTED) : _TO_SIGNATURE_AT]
    try:
        kid = _signer(protected.decode("ascii"))
        return Opened(
            _decoded(payload), (Check(kid, protected + b"." + payload, _der(_decoded(data[_SIGNATURE_AT:_END_AT]))),)
        )
    except (Refusal, UnicodeDecodeError):
        return None


def _open_any(data: bytes) -> Opened:
    envelope = decode(data, _ENVELOPE)
    payload = from_base64url(envelope.payload)
    checks = tuple(check_of(signature, envelope.payload) for signature in envelope.signatures)
    if len(checks) > 1 and len({check.kid for check in checks}) < len(checks):
        raise DuplicateSignerError(detail="one key signed twice")
    return Opened(payload, checks)


def verify(check: Check, key: ec.EllipticCurvePublicKey) -> None:
    """Verify one signature; raises SignatureError. OpenSSL runs without the interpreter lock, so threads help."""
    try:
        key.verify(check.der, check.message, _ES256)
    except InvalidSignature as error:
        raise SignatureError(detail=f"the signature of key {check.kid} is not over these bytes") from error


class KeyRing:
    """Public keys by id, in the order they came; what OpenSSL needs is made at first use and kept for the latest.

    Loading a key costs a third of a verification, and a loaded key some 1.5 kB: so at most `LOADED_KEYS_MAX` stay
    loaded, however many accounts there are.
    """

    __slots__ = ("_keys", "_loaded", "_order")

    def __init__(self, keys: Iterable[PublicKey] = ()) -> None:
        self._keys: dict[str, PublicKey] = {}
        self._order: list[PublicKey] = []
        self._loaded: dict[str, ec.EllipticCurvePublicKey] = {}
        for key in keys:
            self.add(key)

    def __contains__(self, kid: object) -> bool:
        return kid in self._keys

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._order)

    def since(self, count: int) -> list[PublicKey]:
        """The keys that came after the first `count`: what a copy of this ring lacks."""
        return self._order[count:]

    def add(self, key: PublicKey) -> str:
        """Take a key in and give its id; refuses a point that is not on the curve."""
        kid = key_id(key)
        if kid not in self._keys:
            self._load(kid, key)
            self._take(kid, key)
        return kid

    def copy_in(self, keys: Iterable[PublicKey]) -> None:
        """Take in keys that another ring took: their points were checked there, and are loaded when needed."""
        for key in keys:
            self._take(key_id(key), key)

    def get(self, kid: str) -> ec.EllipticCurvePublicKey | None:
        """The key with this id, or None when it is not known."""
        loaded = self._loaded.get(kid)
        if loaded is not None:
            return loaded
        key = self._keys.get(kid)
        return None if key is None else self._load(kid, key)

    def _take(self, kid: str, key: PublicKey) -> None:
        if kid not in self._keys:
            self._keys[kid] = key
            self._order.append(key)

    def _load(self, kid: str, key: PublicKey) -> ec.EllipticCurvePublicKey:
        loaded = load_public_key(key)
        # The writer and readers of the ring may load at once; at worst a key is loaded twice.
        if len(self._loaded) >= LOADED_KEYS_MAX:
            self._loaded.pop(next(iter(self._loaded)), None)
        self._loaded[kid] = loaded
        return loaded
