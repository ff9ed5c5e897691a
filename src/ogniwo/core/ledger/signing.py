"""Signatures of the ledger: ES256 over JWS General JSON, several signatures in one envelope, key ids by thumbprint.

RFC 7515 (JWS, 7.2.1), RFC 7518 (ES256: P-256, SHA-256, raw r || s of 64 bytes), RFC 7638 (thumbprint as key id).
Stricter than these: the protected header holds exactly `alg` and `kid`, the envelope is canonical JSON, one key signs
once, and s must be in the lower half of the group order, because (r, n - s) is a second valid signature that anyone
can compute.
Private keys come as arguments and are never kept.
"""

import binascii
from collections.abc import Iterator, Sequence
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
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_P256_PRIME = 2**256 - 2**224 + 2**192 + 2**96 - 1
_LOW_S_MAX = P256_ORDER // 2
_ES256 = ec.ECDSA(SHA256())
_TO_URL = bytes.maketrans(b"+/", b"-_")
_FROM_URL = bytes.maketrans(b"-_+/=", b"+/!!!")
_LAST_OF_TWO = frozenset("AQgw")
_LAST_OF_THREE = frozenset("AEIMQUYcgkosw048")
_COORDINATE_BYTES = 32
_SIGNATURE_BYTES = 64

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
    rest = len(text) % 4
    # The last letter carries 4 or 2 bits too many; in the one spelling they are zero.
    if (rest == 2 and text[-1] not in _LAST_OF_TWO) or (rest == 3 and text[-1] not in _LAST_OF_THREE):
        raise EncodingError(detail="not base64url in its one spelling")
    try:
        padded = text.encode("ascii").translate(_FROM_URL) + b"=" * (-len(text) % 4)
        return binascii.a2b_base64(padded, strict_mode=True)
    except ValueError as error:
        raise EncodingError(detail=f"not base64url: {error}") from error


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
    raw = from_base64url(signature.signature)
    if len(raw) != _SIGNATURE_BYTES:
        raise SignatureError(detail=f"an ES256 signature has 64 bytes, not {len(raw)}")
    s = int.from_bytes(raw[_COORDINATE_BYTES:], "big")
    if s > _LOW_S_MAX:
        raise HighSignatureError(detail="s is above half of the group order; use n - s")
    der = encode_dss_signature(int.from_bytes(raw[:_COORDINATE_BYTES], "big"), s)
    return Check(kid, f"{signature.protected}.{payload}".encode("ascii"), der)


def open_envelope(data: bytes) -> Opened:
    """Take an envelope apart, checking its form but not yet its signatures.

    Raises EnvelopeTooLargeError, the refusals of `canonical.decode`, EncodingError, AlgorithmError, SignatureError,
    HighSignatureError or DuplicateSignerError.
    """
    if len(data) > ENVELOPE_BYTES_MAX:
        raise EnvelopeTooLargeError(detail=f"{len(data)} bytes; at most {ENVELOPE_BYTES_MAX} are taken")
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
    """Public keys by id, loaded once: loading costs a third of a verification."""

    __slots__ = ("_keys",)

    def __init__(self, keys: Sequence[PublicKey] = ()) -> None:
        self._keys: dict[str, ec.EllipticCurvePublicKey] = {}
        for key in keys:
            self.add(key)

    def __contains__(self, kid: object) -> bool:
        return kid in self._keys

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)

    def add(self, key: PublicKey) -> str:
        """Take a key in and give its id; refuses a point that is not on the curve."""
        kid = key_id(key)
        if kid not in self._keys:
            self._keys[kid] = load_public_key(key)
        return kid

    def get(self, kid: str) -> ec.EllipticCurvePublicKey | None:
        """The key with this id, or None when it is not known."""
        return self._keys.get(kid)
