"""The verdicts on generated documents and envelopes against libraries written by others: rfc8785 and joserfc."""

import json
import random
from collections import Counter

import cases_forms
import cases_ledger
import pytest
import rfc8785
import verdicts
from joserfc import jws
from joserfc.errors import BadSignatureError
from joserfc.jwk import ECKey, KeySet

from ogniwo.core.ledger.signing import key_id, public_key_of


def test_a_canonical_document_is_what_rfc_8785_writes():
    """What is taken, the other library writes in the same bytes; what is not, otherwise, or we leave its kind out."""
    rng = random.Random(1)  # noqa: S311 -- cases, not secrets
    seen = Counter()
    for _ in range(2_000):
        _, kind, given = cases_forms.documents(rng)
        code, _ = verdicts.verdict(kind, given)
        seen[code] += 1
        if code == "ok":
            assert rfc8785.dumps(json.loads(given["data"])) == given["data"]
        elif code == "ledger.not_canonical":
            value = json.loads(given["data"], parse_int=_number)
            assert _excluded(value) or rfc8785.dumps(value) != given["data"]
    assert seen["ok"] > 500
    assert seen["ledger.not_canonical"] > 200


def _number(text):
    """An integer, or a fraction beyond what is exact in JavaScript."""
    return int(text) if len(text) < 18 and abs(int(text)) < 2**53 else float(text)


def _excluded(value, depth=0):
    if isinstance(value, dict):
        keys = any(not key.isascii() for key in value)
        return keys or depth > 32 or any(_excluded(one, depth + 1) for one in value.values())
    if isinstance(value, list):
        return depth > 32 or any(_excluded(one, depth + 1) for one in value)
    return depth > 32 or value is None or isinstance(value, float)


@pytest.fixture(scope="module")
def keys():
    named = [cases_ledger.network().key(name) for name in cases_ledger.NAMES]
    return KeySet([ECKey.import_key(key, {"kid": key_id(public_key_of(key))}) for key in named])


def test_joserfc_takes_the_envelopes_we_take_and_no_signature_we_refuse(keys):
    rng = random.Random(2)  # noqa: S311 -- cases, not secrets
    taken = refused = 0
    for _ in range(3_000):
        way, kind, given = cases_ledger.transactions(rng)
        code, _ = verdicts.verdict(kind, given)
        if code == "ok" and way == "valid":
            found = jws.deserialize_json(json.loads(given["envelope"]), keys, algorithms=["ES256"])
            assert json.loads(found.payload)
            taken += 1
        elif code == "ledger.signature" and way in {"bit", "swapped"}:
            with pytest.raises(BadSignatureError):
                jws.deserialize_json(json.loads(given["envelope"]), keys, algorithms=["ES256"])
            refused += 1
    assert taken > 500
    assert refused > 20
