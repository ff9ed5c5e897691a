import hashlib
import hmac
import json

import pytest

from ogniwo.core.ledger.canonical import NotCanonicalError
from ogniwo.core.ledger.intervals import (
    IntervalLeaf,
    commitment,
    day_root,
    interval_hash,
    interval_proof,
    interval_salt,
)
from ogniwo.core.ledger.merkle import includes

SECRET = bytes(range(16))


def leaf(start=1_800_000_000, wh=250):
    salt = interval_salt(day_secret=SECRET, channel="1.29.0", start=start)
    return IntervalLeaf(channel="1.29.0", quality="measured", salt=salt, start=start, wh=wh)


def test_leaf_hash_is_the_documented_one():
    salt = hmac.new(SECRET, b"1.29.0\x001800000000", "sha256").digest()[:16].hex()
    document = {"channel": "1.29.0", "quality": "measured", "salt": salt, "start": 1_800_000_000, "wh": 250}
    written = json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
    assert interval_hash(leaf()) == hashlib.sha256(b"\x00" + written).digest()


def test_salts_differ_by_interval_and_channel_and_need_128_bits():
    salts = {interval_salt(day_secret=SECRET, channel=c, start=s) for c in ("1.29.0", "2.29.0") for s in range(50)}
    assert len(salts) == 100
    with pytest.raises(ValueError, match="128 bits"):
        interval_salt(day_secret=b"short", channel="1.29.0", start=0)


def test_one_interval_is_shown_without_the_others():
    leaves = [leaf(1_800_000_000 + 900 * slot, slot) for slot in range(100)]
    root = bytes.fromhex(day_root(leaves))
    for index in (0, 57, 99):
        proof = [bytes.fromhex(step) for step in interval_proof(leaves, index)]
        assert includes(leaf=interval_hash(leaves[index]), index=index, size=100, proof=proof, root=root)
    other = leaf(1_800_000_000, 1)
    assert not includes(leaf=interval_hash(other), index=0, size=100, proof=proof, root=root)


def test_commitment_is_a_salted_hash_of_the_canonical_document():
    document = {"b": 2, "a": ["ą", True]}
    expected = hashlib.sha256(bytes(16) + '{"a":["ą",true],"b":2}'.encode()).hexdigest()
    assert commitment(salt=bytes(16), document=document) == expected
    with pytest.raises(ValueError, match="16 bytes"):
        commitment(salt=b"", document=document)
    with pytest.raises(NotCanonicalError):
        commitment(salt=bytes(16), document={"a": 1.5})
