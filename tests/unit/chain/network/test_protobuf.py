from typing import Annotated

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ogniwo.chain.network import messages as abci
from ogniwo.chain.network.protobuf import (
    Message,
    WireFormatError,
    _fields,
    decode,
    encode,
    fields_of,
    read_varint,
    write_varint,
)

KINDS = sorted({*abci.REQUESTS.values(), *abci.RESPONSES.values()}, key=lambda kind: kind.__name__)
INT64 = st.integers(-(2**63), 2**63 - 1)
PLAIN = {int: INT64, bool: st.booleans(), bytes: st.binary(max_size=40), str: st.text(max_size=20)}


def values(kind):
    """Any message of a kind."""
    fields = {}
    for field in _fields(kind):
        one = values(field.kind) if issubclass(field.kind, Message) else PLAIN[field.kind]
        fields[field.name] = st.lists(one, max_size=3).map(tuple) if field.repeated else one
    return st.builds(kind, **fields)


MESSAGES = st.sampled_from(KINDS).flatmap(values)


@given(MESSAGES)
def test_what_is_written_is_read_again(message):
    assert decode(type(message), encode(message)) == message
    table = abci.REQUESTS if type(message) in abci.REQUESTS.values() else abci.RESPONSES
    packed = abci.pack(message)
    size, start = read_varint(packed, 0)
    assert len(packed) == start + size
    assert abci.unpack(packed[start:], table) == message


@given(MESSAGES, st.integers(1_000, 2**28), st.binary(max_size=30), st.integers(0, 2**64 - 1))
def test_unknown_fields_are_skipped(message, number, data, value):
    unknown = write_varint(number << 3 | 2) + write_varint(len(data)) + data
    unknown += write_varint(number << 3) + write_varint(value)
    unknown += write_varint(number << 3 | 1) + bytes(8) + write_varint(number << 3 | 5) + bytes(4)
    assert decode(type(message), unknown + encode(message) + unknown) == message


@given(MESSAGES, st.data())
def test_a_cut_message_is_refused_or_ends_between_two_fields(message, data):
    whole = encode(message)
    cut = whole[: data.draw(st.integers(0, max(len(whole) - 1, 0)))]
    ends = {len(whole)}
    position = 0
    while position < len(whole):
        ends.add(position)
        tag, position = read_varint(whole, position)
        if tag & 7 == 0:
            _, position = read_varint(whole, position)
        else:
            size, position = read_varint(whole, position)
            position += size
    if len(cut) in ends:
        decode(type(message), cut)
    else:
        with pytest.raises(WireFormatError):
            decode(type(message), cut)


@given(st.binary(max_size=60), st.sampled_from(KINDS))
def test_any_bytes_are_read_or_refused(data, kind):
    try:
        message = decode(kind, data)
    except WireFormatError:
        return
    assert decode(kind, encode(message)) == message


def test_bytes_written_by_another_implementation_are_read():
    """The bytes of the format's own description: field 1 = 150, field 2 = "testing", field 4 packed 3, 270, 86942."""

    class Sample(Message, frozen=True, gc=False):
        number: Annotated[int, 1] = 0
        text: Annotated[str, 2] = ""
        numbers: Annotated[tuple[int, ...], 4] = ()

    data = bytes.fromhex("089601120774657374696e672206038e029ea705")
    assert decode(Sample, data) == Sample(150, "testing", (3, 270, 86_942))
    assert encode(Sample(150, "testing", (3, 270, 86_942))) == data
    unpacked = bytes.fromhex("2003208e02209ea705")
    assert decode(Sample, unpacked).numbers == (3, 270, 86_942)


@pytest.mark.parametrize(
    "data",
    [
        b"\x00\x01",  # field 0
        b"\x0b",  # a group, not in use
        b"\x08" + b"\xff" * 10 + b"\x01",  # a number of 77 bits
        b"\x08" + b"\xff" * 9 + b"\x7f",  # a number of 70 bits
        b"\x0a\x05abc",  # longer than what is there
        b"\x10\x01",  # a number where bytes belong
        b"\x0a\x02\xff\xfe",  # no UTF-8
    ],
)
def test_what_is_not_the_format_is_refused(data):
    class Text(Message, frozen=True, gc=False):
        text: Annotated[str, 1] = ""
        data: Annotated[bytes, 2] = b""

    with pytest.raises(WireFormatError):
        decode(Text, data)


def test_a_number_beyond_64_bits_is_not_written():
    with pytest.raises(WireFormatError):
        write_varint(2**64)


def test_an_outer_message_without_a_known_request_is_refused():
    with pytest.raises(WireFormatError):
        abci.unpack(b"", abci.REQUESTS)
    with pytest.raises(WireFormatError):
        abci.unpack(b"\x22\x00", abci.REQUESTS)  # number 4 is no longer in use


def test_fields_are_given_in_the_order_of_the_bytes():
    assert [(number, wire) for number, wire, _ in fields_of(b"\x10\x01\x0a\x00")] == [(2, 0), (1, 2)]
