import base64
import json

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jws
from joserfc.errors import BadSignatureError
from joserfc.jwk import ECKey, KeySet

from ogniwo.core.ledger import signing
from ogniwo.core.ledger.canonical import NotCanonicalError, SchemaError
from ogniwo.core.ledger.signing import (
    P256_ORDER,
    AlgorithmError,
    DuplicateSignerError,
    EncodingError,
    EnvelopeTooLargeError,
    HighSignatureError,
    KeyRing,
    PublicKey,
    PublicKeyError,
    SignatureError,
    add_signature,
    base64url,
    from_base64url,
    key_id,
    open_envelope,
    public_key_of,
    sign,
    sign_detached,
    verify,
)

PAYLOAD = b'{"hello":"world"}'


@pytest.fixture(scope="module")
def keys():
    return [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]


def verify_all(envelope, keys):
    ring = KeyRing([public_key_of(key) for key in keys])
    opened = open_envelope(envelope)
    for check in opened.checks:
        verify(check, ring.get(check.kid))
    return opened.payload


def dump(envelope):
    return json.dumps(envelope, sort_keys=True, separators=(",", ":")).encode()


def test_joserfc_verifies_what_we_sign(keys):
    envelope = sign(PAYLOAD, keys=keys)
    key_set = KeySet([ECKey.import_key(key, {"kid": key_id(public_key_of(key))}) for key in keys])
    result = jws.deserialize_json(json.loads(envelope), key_set, algorithms=["ES256"])
    assert result.payload == PAYLOAD
    altered = json.loads(envelope) | {"payload": base64url(b'{"hello":"World"}')}
    with pytest.raises(BadSignatureError):
        jws.deserialize_json(altered, key_set, algorithms=["ES256"])


def test_we_verify_what_joserfc_signs_once_s_is_low(keys):
    seen = set()
    for _ in range(40):
        key = ECKey.import_key(keys[0])
        kid = key.thumbprint()
        made = jws.serialize_json([{"protected": {"alg": "ES256", "kid": kid}}], PAYLOAD, key, algorithms=["ES256"])
        try:
            assert verify_all(dump(made), keys) == PAYLOAD
            seen.add("low")
        except HighSignatureError:
            raw = from_base64url(made["signatures"][0]["signature"])
            low = raw[:32] + (P256_ORDER - int.from_bytes(raw[32:])).to_bytes(32)
            made["signatures"][0]["signature"] = base64url(low)
            assert verify_all(dump(made), keys) == PAYLOAD
            seen.add("high")
    assert seen == {"low", "high"}


def test_key_ids_are_the_thumbprints_of_rfc_7638(keys):
    for key in keys:
        assert key_id(public_key_of(key)) == ECKey.import_key(key).thumbprint()


def test_several_people_sign_one_envelope_one_after_the_other(keys):
    envelope = add_signature(sign(PAYLOAD, keys=keys[:1]), keys[1])
    assert verify_all(envelope, keys) == PAYLOAD
    assert [check.kid for check in open_envelope(envelope).checks] == [key_id(public_key_of(key)) for key in keys]


def test_one_key_signs_once(keys):
    with pytest.raises(DuplicateSignerError):
        open_envelope(sign(PAYLOAD, keys=[keys[0], keys[0]]))


@given(st.integers(0, 2**32), st.integers(1, 255))
def test_any_changed_byte_of_payload_or_signature_is_refused(place, change):
    key = ec.derive_private_key(7, ec.SECP256R1())
    envelope = json.loads(sign(PAYLOAD, keys=[key]))
    raw = bytearray(from_base64url(envelope["payload"]) + from_base64url(envelope["signatures"][0]["signature"]))
    raw[place % len(raw)] ^= change
    envelope["payload"] = base64url(bytes(raw[: len(PAYLOAD)]))
    envelope["signatures"][0]["signature"] = base64url(bytes(raw[len(PAYLOAD) :]))
    with pytest.raises((SignatureError, HighSignatureError)):
        verify_all(dump(envelope), [key])


def test_the_malleable_twin_of_a_signature_is_refused(keys):
    envelope = json.loads(sign(PAYLOAD, keys=keys[:1]))
    raw = from_base64url(envelope["signatures"][0]["signature"])
    r, s = int.from_bytes(raw[:32]), int.from_bytes(raw[32:])
    assert s <= P256_ORDER // 2
    twin = encode_dss_signature(r, P256_ORDER - s)
    message = f"{envelope['signatures'][0]['protected']}.{envelope['payload']}".encode()
    keys[0].public_key().verify(twin, message, signing._ES256)  # mathematically valid
    envelope["signatures"][0]["signature"] = base64url(raw[:32] + (P256_ORDER - s).to_bytes(32))
    with pytest.raises(HighSignatureError):
        open_envelope(dump(envelope))


@pytest.mark.parametrize("raw", [bytes(64), bytes(31) + b"\x01" + bytes(32), bytes(32) + bytes(31) + b"\x01"])
def test_zero_signatures_are_refused(keys, raw):
    envelope = json.loads(sign(PAYLOAD, keys=keys[:1]))
    envelope["signatures"][0]["signature"] = base64url(raw)
    with pytest.raises(SignatureError):
        verify_all(dump(envelope), keys)


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "none", "kid": "A" * 43},
        {"alg": "ES384", "kid": "A" * 43},
        {"alg": "HS256", "kid": "A" * 43},
        {"alg": "ES256"},
        {"alg": "ES256", "kid": "short"},
        {"alg": "ES256", "kid": "A" * 43, "crit": ["b64"]},
        {"alg": "ES256", "jwk": {}, "kid": "A" * 43},
    ],
)
def test_other_headers_are_refused(keys, header):
    envelope = json.loads(sign(PAYLOAD, keys=keys[:1]))
    envelope["signatures"][0]["protected"] = base64url(dump(header))
    with pytest.raises(AlgorithmError):
        open_envelope(dump(envelope))


def test_header_in_another_spelling_is_refused(keys):
    envelope = json.loads(sign(PAYLOAD, keys=keys[:1]))
    envelope["signatures"][0]["protected"] = base64url(b'{"kid":"' + b"A" * 43 + b'","alg":"ES256"}')
    with pytest.raises(AlgorithmError):
        open_envelope(dump(envelope))


def test_envelopes_are_strict_too(keys):
    envelope = json.loads(sign(PAYLOAD, keys=keys[:1]))
    with pytest.raises(NotCanonicalError):
        open_envelope(json.dumps(envelope).encode())
    with pytest.raises(SchemaError):
        open_envelope(dump(envelope | {"header": {}}))
    with pytest.raises(SchemaError):
        open_envelope(dump(envelope | {"signatures": []}))
    with pytest.raises(EnvelopeTooLargeError):
        open_envelope(dump(envelope | {"payload": "A" * 70_000}))
    short = json.loads(sign(PAYLOAD, keys=keys[:1]))
    short["signatures"][0]["signature"] = base64url(bytes(63))
    with pytest.raises(SignatureError):
        open_envelope(dump(short))


@given(st.binary(max_size=80))
def test_base64url_is_that_of_the_standard_library(data):
    text = base64url(data)
    assert text == base64.urlsafe_b64encode(data).rstrip(b"=").decode()
    assert from_base64url(text) == data


@given(st.text("AQgwEIx09-_+/= \n", max_size=6))
def test_every_value_has_one_base64url_spelling(text):
    try:
        data = from_base64url(text)
    except EncodingError:
        return
    assert base64url(data) == text


@pytest.mark.parametrize("text", ["A", "AA=", "AB", "AAB", "+A", "/A", "A A", "ą", "AAAAA"])
def test_other_spellings_are_refused(text):
    with pytest.raises(EncodingError):
        from_base64url(text)


def test_keys_off_the_curve_or_of_another_one_are_refused():
    with pytest.raises(PublicKeyError):
        KeyRing([PublicKey(x=base64url(bytes(31) + b"\x01"), y=base64url(bytes(31) + b"\x01"))])
    with pytest.raises(PublicKeyError):
        public_key_of(ec.generate_private_key(ec.SECP384R1()))


def test_a_coordinate_beyond_the_prime_is_no_second_id_of_a_key():
    """x = 5 is on the curve, and so is x + p for a reader that reduces: one person could sign as two."""
    point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), b"\x02" + (5).to_bytes(32)).public_numbers()
    plain = PublicKey(x=base64url((5).to_bytes(32)), y=base64url(point.y.to_bytes(32)))
    prime = 2**256 - 2**224 + 2**192 + 2**96 - 1
    twin = PublicKey(x=base64url((5 + prime).to_bytes(32)), y=plain.y)
    assert key_id(plain) in KeyRing([plain])
    with pytest.raises(PublicKeyError):
        KeyRing([twin])


def test_detached_signature_is_over_the_same_bytes(keys):
    signature = sign_detached(PAYLOAD, keys[0])
    check = signing.check_of(signature, base64url(PAYLOAD))
    verify(check, keys[0].public_key())
    with pytest.raises(SignatureError):
        verify(check, keys[1].public_key())


def test_ring_knows_what_it_was_given(keys):
    ring = KeyRing()
    kid = ring.add(public_key_of(keys[0]))
    assert ring.add(public_key_of(keys[0])) == kid
    assert kid in ring
    assert list(ring) == [kid]
    assert ring.get("unknown") is None
