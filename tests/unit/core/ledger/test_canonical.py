import msgspec
import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from ogniwo.core.ledger.canonical import (
    INTEGER_LIMIT,
    MalformedError,
    NotCanonicalError,
    SchemaError,
    decode,
    decode_document,
    encode,
    encode_document,
)

KEYS = st.text(st.characters(max_codepoint=127), max_size=8)
LEAVES = st.text() | st.booleans() | st.integers(-INTEGER_LIMIT, INTEGER_LIMIT)
DOCUMENTS = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=12
)


class Sample(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    zeta: int
    alpha: str


SAMPLE = msgspec.json.Decoder(Sample)


@given(DOCUMENTS)
def test_bytes_are_those_of_an_independent_rfc_8785_library(document):
    assert encode_document(document) == rfc8785.dumps(document)


@given(DOCUMENTS)
def test_reading_gives_the_document_back(document):
    assert decode_document(encode_document(document)) == document


@given(st.text(), st.integers(-INTEGER_LIMIT, INTEGER_LIMIT))
def test_typed_structs_have_the_same_bytes(alpha, zeta):
    data = encode(Sample(zeta=zeta, alpha=alpha))
    assert data == rfc8785.dumps({"zeta": zeta, "alpha": alpha})
    assert decode(data, SAMPLE) == Sample(zeta=zeta, alpha=alpha)


@pytest.mark.parametrize(
    ("data", "refusal"),
    [
        (b'{"alpha":"a","zeta":1', MalformedError),
        (b"", MalformedError),
        (b'{"alpha":"\xff","zeta":1}', MalformedError),
        (b'{"alpha":"a","zeta":1}x', MalformedError),
        (b'{"alpha":"a"}', SchemaError),
        (b'{"alpha":"a","extra":1,"zeta":1}', SchemaError),
        (b'{"alpha":"a","zeta":1.5}', SchemaError),
        (b'{"alpha":"a","zeta":1e0}', SchemaError),
        (b'{"alpha":null,"zeta":1}', SchemaError),
        (b'{"extra":1,"alpha":"a"', MalformedError),
        (b'{"alpha":1,"zeta":"\\ud800"}', MalformedError),
        (b'{"alpha":1,"zeta":NaN}', MalformedError),
        (b'{"alpha":1,"zeta":01}', MalformedError),
        (b'{"extra":"\xff"}', MalformedError),
        (b'{"zeta":1,"alpha":"a"}', NotCanonicalError),
        (b'{"alpha":"a","zeta":1,"zeta":1}', NotCanonicalError),
        (b'{"alpha":"a","zeta":-0}', NotCanonicalError),
        (b'{"alpha":"a", "zeta":1}', NotCanonicalError),
        (b'{"alpha":"\\u0061","zeta":1}', NotCanonicalError),
        (b'{"alpha":"\\/","zeta":1}', NotCanonicalError),
        (b'\n{"alpha":"a","zeta":1}', NotCanonicalError),
    ],
)
def test_every_other_spelling_is_refused(data, refusal):
    with pytest.raises(refusal):
        decode(data, SAMPLE)


@pytest.mark.parametrize(
    "value", [1.0, None, {"ą": 1}, {1: 2}, 2**53, -(2**53), b"bytes", (1,), "\ud800", {"a": [None]}]
)
def test_what_has_no_canonical_form_is_refused(value):
    with pytest.raises(NotCanonicalError):
        encode_document(value)


def test_edges_of_exact_integers():
    assert encode_document([INTEGER_LIMIT, -INTEGER_LIMIT]) == b"[9007199254740991,-9007199254740991]"


def test_nesting_is_bounded():
    document = []
    for _ in range(40):
        document = [document]
    with pytest.raises(NotCanonicalError):
        encode_document(document)


@pytest.mark.parametrize("data", [b"[1.0]", b'{"a":1,"a":2}', b"[1,2 ]", b"[1e3]", b"null"])
def test_plain_documents_are_read_strictly(data):
    with pytest.raises(NotCanonicalError):
        decode_document(data)


@pytest.mark.parametrize(("data", "refusal"), [(b"[1e999]", NotCanonicalError), (b"[1e999", MalformedError)])
def test_a_number_out_of_range_is_json_but_not_canonical(data, refusal):
    with pytest.raises(refusal):
        decode_document(data)
