"""Every shortcut of the ledger equals the plain definition it stands for."""

import binascii
import json
from hashlib import sha256

import ledger_network  # made by conftest.py
import pytest
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from hypothesis import given, settings
from hypothesis import strategies as st

from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.ledger import signing
from ogniwo.core.ledger.admission import admit_each, open_transaction, read_admitted
from ogniwo.core.ledger.blocks import TransactionEntry, transaction_leaves
from ogniwo.core.ledger.canonical import encode
from ogniwo.core.ledger.merkle import leaf_hash
from ogniwo.core.ledger.outcomes import ACCEPTED, EXISTS, Code
from ogniwo.core.ledger.rulebook.permissions import within
from ogniwo.core.ledger.signing import KeyRing, PublicKeyError, base64url, from_base64url, key_id, public_key_of
from ogniwo.core.ledger.state_tree import StateTree

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
COOP = ledger_network.Network()
SINGLE = COOP.signed(COOP.pay("op/coop/anna", "op/coop/jan", 100), "anna")
DOUBLE = COOP.signed(COOP.pay("op/coop/anna", "op/coop/jan", 100), "anna", "jan")
FIXED = [b'"', b'"payload"', b'"signatures":[', b'{"protected":"', b'","signature":"', b'"}]}', b"\\u0041", b" ", b"="]


def outcome(function, *arguments):
    """What a function gives, or the code of its refusal."""
    try:
        return function(*arguments)
    except Refusal as refusal:
        return refusal.code


@settings(max_examples=600, deadline=None)
@given(st.data())
def test_an_envelope_opened_by_its_places_is_the_one_opened_by_definition(data):
    target = bytearray(data.draw(st.sampled_from([SINGLE, DOUBLE])))
    for _ in range(data.draw(st.integers(0, 3))):
        at = data.draw(st.integers(0, len(target)))
        inserted = data.draw(
            st.binary(max_size=3) | st.sampled_from(FIXED) | st.text(LETTERS, max_size=4).map(str.encode)
        )
        target[at : at + data.draw(st.integers(0, 4))] = inserted
    envelope = bytes(target)
    plain = outcome(signing._open_any, envelope)
    quick = signing._open_single(envelope)
    assert quick is None or quick == plain
    assert outcome(signing.open_envelope, envelope) == plain


def test_the_quick_way_is_taken_for_one_signature_only():
    assert signing._open_single(SINGLE) == signing._open_any(SINGLE)
    assert signing._open_single(DOUBLE) is None
    assert len(signing.open_envelope(DOUBLE).checks) == 2


@pytest.mark.parametrize("member", ["payload", "protected", "signature"])
@given(junk=st.binary(min_size=1, max_size=8) | st.text(LETTERS, min_size=1, max_size=8).map(str.encode))
def test_every_member_changed_is_judged_as_by_definition(member, junk):
    document = json.loads(SINGLE)
    place = document if member == "payload" else document["signatures"][0]
    for cut in (0, 1, 2):
        text = place[member].encode()
        envelope = SINGLE.replace(text, text[: len(text) - cut] + junk)
        assert outcome(signing.open_envelope, envelope) == outcome(signing._open_any, envelope)


@given(st.text(LETTERS + "=+/ \n", max_size=9) | st.text(max_size=6))
def test_base64url_has_one_spelling(text):
    try:
        padded = text.encode("ascii").translate(bytes.maketrans(b"-_+/=", b"+/!!!")) + b"=" * (-len(text) % 4)
        expected = binascii.a2b_base64(padded, strict_mode=True)
        # The strict reader still lets bits pass that no byte holds.
        expected = expected if base64url(expected) == text else "ledger.base64url"
    except ValueError:
        expected = "ledger.base64url"
    assert outcome(from_base64url, text) == expected


@given(st.binary(max_size=70))
def test_base64url_is_read_back(data):
    assert from_base64url(base64url(data)) == data


edges = st.sampled_from([0, 1, 127, 128, 255, 2**247, 2**248 - 1, 2**248, 2**255 - 1, 2**255, 2**256 - 1])


@given(edges | st.integers(0, 2**256 - 1), edges | st.integers(0, 2**256 - 1))
def test_signatures_in_der_as_the_library_writes_them(r, s):
    found = outcome(signing._der, r.to_bytes(32, "big") + s.to_bytes(32, "big"))
    assert found == ("ledger.high_s" if s > signing.P256_ORDER // 2 else encode_dss_signature(r, s))


hashes = st.binary(min_size=32, max_size=32)
outcomes = st.sampled_from([ACCEPTED, EXISTS, *(code.value for code in Code)])


@given(
    st.lists(st.tuples(hashes, hashes.map(bytes.hex), outcomes), max_size=5),
    st.integers(0, 2**53 - 1),
    st.integers(0, 2**53 - 1),
)
def test_leaves_of_the_log_are_hashes_of_the_entries(decided, height, time):
    assert transaction_leaves(decided, height=height, time=time) == [
        leaf_hash(
            encode(
                TransactionEntry(
                    envelope=envelope.hex(),
                    height=height,
                    outcome=said,
                    position=position,
                    time=time,
                    transaction=name,
                )
            )
        )
        for position, (envelope, name, said) in enumerate(decided)
    ]


def test_outcomes_need_no_escapes():
    assert all(json.dumps(code.value) == f'"{code.value}"' for code in Code)


def plain_tree(entries):
    """The root by the definition in state_tree.py, without remembering anything."""
    buckets = {}
    for key, value in entries.items():
        key_hash = sha256(key).digest()
        buckets.setdefault(int.from_bytes(key_hash[:2], "big"), []).append((key_hash, value))
    level = [
        sha256(b"\2" + b"".join(sha256(b"\0" + key + value).digest() for key, value in sorted(buckets[index]))).digest()
        if index in buckets
        else bytes(32)
        for index in range(2**16)
    ]
    while len(level) > 1:
        level = [sha256(b"\1" + left + right).digest() for left, right in zip(level[::2], level[1::2], strict=True)]
    return level[0]


def test_the_state_tree_after_changes_and_removals_is_the_one_of_its_entries():
    tree, entries = StateTree(), {}
    for changes in (
        {b"key/%d" % number: b"%d" % number for number in range(700)},
        {b"key/%d" % number: None for number in range(0, 700, 3)} | {b"never": None},
        {b"key/%d" % number: b"again" for number in range(0, 90, 2)},
    ):
        root = tree.update(changes)
        entries = {key: value for key, value in (entries | changes).items() if value is not None}
        assert root == tree.root() == plain_tree(entries)
    assert tree.update(dict.fromkeys(entries)) == StateTree().root() == plain_tree({})


paths = st.lists(st.sampled_from(["op", "o", "opp", "coop", "a"]), min_size=1, max_size=4).map("/".join)


@given(paths, paths)
def test_within_is_the_root_or_below(path, subtree):
    assert within(path, subtree) == (path == subtree or path.startswith(subtree + "/"))


def test_what_was_admitted_reads_the_same_again():
    for envelope in (SINGLE, DOUBLE):
        transaction = open_transaction(envelope)
        assert read_admitted(envelope) == (transaction.payload, bytes.fromhex(transaction.transaction))


def test_admitting_many_is_admitting_each():
    ring = KeyRing([public_key_of(COOP.key("anna"))])
    first, bad, second = admit_each([SINGLE, b"{}", DOUBLE], ring)
    assert (first.open_checks, first.transaction) == ((), open_transaction(SINGLE).transaction)
    assert (bad.transaction, bad.code) == ("", "ledger.schema")
    assert [check.kid for check in second.open_checks] == [COOP.kid("jan")]
    assert [member.open_checks for member in admit_each([SINGLE, DOUBLE], None)] == [(), ()]


def test_a_ring_keeps_all_keys_and_loads_the_latest(monkeypatch):
    monkeypatch.setattr(signing, "LOADED_KEYS_MAX", 2)
    keys = [public_key_of(COOP.key(name)) for name in ("anna", "jan", "op")]
    ring = KeyRing(keys)
    assert len(ring._loaded) == 2
    for key in (*keys, keys[0]):
        assert public_key_of(ring.get(key_id(key))) == key
        assert len(ring._loaded) == 2
    copy = KeyRing()
    copy.copy_in(ring.since(0))
    copy.copy_in(ring.since(1))
    assert copy.since(0) == ring.since(0) == keys
    assert copy._loaded == {}
    assert public_key_of(copy.get(key_id(keys[1]))) == keys[1]
    assert copy.get("nobody") is None
    with pytest.raises(PublicKeyError):
        ring.add(signing.PublicKey(x=base64url(bytes(31) + b"\x01"), y=base64url(bytes(31) + b"\x01")))
    assert len(ring) == 3
