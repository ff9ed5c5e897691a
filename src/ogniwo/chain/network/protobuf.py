"""A small protobuf codec: messages are typed structs whose fields name their number, nothing is generated.

    class Block(Message):
        height: Annotated[int, 1] = 0
        parts: Annotated[tuple[bytes, ...], 2] = ()

Field types: `int` (all varint types; 64-bit two's complement), `bool`, `str`, `bytes`, a `Message` or `Message | None`,
and tuples of these. Numbers in a tuple are read packed and unpacked, and written packed. Unknown fields are skipped, as
the format demands; a cut or malformed input is refused whole.
"""

import types
from collections.abc import Iterator
from functools import cache
from typing import Annotated, Any, NamedTuple, TypeAlias, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec

from ogniwo.core.kernel.refusals import Refusal

Value: TypeAlias = "int | bool | str | bytes | Message"

_VARINT, _FIXED64, _LENGTH, _FIXED32 = 0, 1, 2, 5
_VARINT_BYTES_MAX = 10
_WORD = 1 << 64
_SIGN = 1 << 63


class WireFormatError(Refusal):
    """The bytes are no message of the expected form."""

    code = "node.wire_format"


class Message(msgspec.Struct, frozen=True, gc=False):
    """A message; each field is annotated with its type and number, and has the default of its type."""


AnyMessage = TypeVar("AnyMessage", bound=Message)


class _Field(NamedTuple):
    name: str
    number: int
    kind: type
    repeated: bool


@cache
def _fields(kind: type[Message]) -> tuple[_Field, ...]:
    """The fields of a message in the order of their numbers."""
    found = []
    for name, hint in get_type_hints(kind, include_extras=True).items():
        if get_origin(hint) is not Annotated:
            raise TypeError(f"{kind.__name__}.{name} has no field number")
        declared, number = get_args(hint)
        repeated = get_origin(declared) is tuple
        if repeated:
            declared = get_args(declared)[0]
        elif get_origin(declared) in {Union, types.UnionType}:
            declared = next(one for one in get_args(declared) if one is not type(None))
        found.append(_Field(name, number, declared, repeated))
    return tuple(sorted(found, key=lambda field: field.number))


@cache
def _by_number(kind: type[Message]) -> dict[int, _Field]:
    return {field.number: field for field in _fields(kind)}


def write_varint(number: int) -> bytes:
    """A number in groups of seven bits, lowest first; a negative one as its 64-bit two's complement."""
    if not -_SIGN <= number < _WORD:
        raise WireFormatError(detail=f"{number} does not fit into 64 bits")
    rest = number % _WORD
    out = bytearray()
    while rest > 0x7F:
        out.append(rest & 0x7F | 0x80)
        rest >>= 7
    out.append(rest)
    return bytes(out)


def read_varint(data: bytes | memoryview, start: int) -> tuple[int, int]:
    """The unsigned number at a position and the position behind it; raises WireFormatError."""
    value = 0
    for offset in range(_VARINT_BYTES_MAX):
        if start + offset >= len(data):
            raise WireFormatError(detail=f"the message is cut inside a number at byte {start}")
        byte = data[start + offset]
        value |= (byte & 0x7F) << (7 * offset)
        if byte < 0x80:
            if value >= _WORD:
                break
            return value, start + offset + 1
    raise WireFormatError(detail=f"the number at byte {start} does not fit into 64 bits")


def encode(message: Message) -> bytes:
    """The bytes of a message; fields with their default are left out."""
    out: list[bytes] = []
    for field in _fields(type(message)):
        value = getattr(message, field.name)
        if field.repeated:
            if value and field.kind is int:
                packed = b"".join(map(write_varint, value))
                out += (write_varint(field.number << 3 | _LENGTH), write_varint(len(packed)), packed)
                continue
            for one in value:
                _write(out, field, one)
        elif value is not None and (value or isinstance(value, Message)):
            _write(out, field, value)
    return b"".join(out)


def _write(out: list[bytes], field: _Field, value: Value) -> None:
    if isinstance(value, int):
        out += (write_varint(field.number << 3 | _VARINT), write_varint(value))
        return
    data = encode(value) if isinstance(value, Message) else value.encode() if isinstance(value, str) else value
    out += (write_varint(field.number << 3 | _LENGTH), write_varint(len(data)), data)


def decode(kind: type[AnyMessage], data: bytes | memoryview) -> AnyMessage:
    """Read a message; raises WireFormatError when it is cut or a field is not of its declared type."""
    known = _by_number(kind)
    values: dict[str, Any] = {}
    for number, wire, raw in fields_of(data):
        field = known.get(number)
        if field is None:
            continue
        if field.repeated:
            values.setdefault(field.name, []).extend(_repeated(field, wire, raw))
        else:
            values[field.name] = _value(field, wire, raw)
    return kind(**{name: tuple(value) if isinstance(value, list) else value for name, value in values.items()})


def fields_of(data: bytes | memoryview) -> Iterator[tuple[int, int, int | memoryview]]:
    """Number, wire type and raw value of each field; raises WireFormatError."""
    view, position = memoryview(data), 0
    while position < len(view):
        tag, position = read_varint(view, position)
        number, wire = tag >> 3, tag & 7
        if not number:
            raise WireFormatError(detail="there is no field 0")
        raw, position = _raw(view, position, wire)
        yield number, wire, raw


def _raw(view: memoryview, position: int, wire: int) -> tuple[int | memoryview, int]:
    """The value at a position, not yet understood, and the position behind it."""
    if wire == _VARINT:
        return read_varint(view, position)
    if wire == _LENGTH:
        size, position = read_varint(view, position)
    elif wire in {_FIXED64, _FIXED32}:
        size = 8 if wire == _FIXED64 else 4
    else:
        raise WireFormatError(detail=f"wire type {wire} at byte {position} is not in use")
    if position + size > len(view):
        raise WireFormatError(detail=f"the message is cut: {size} bytes are announced at byte {position}")
    return view[position : position + size], position + size


def _repeated(field: _Field, wire: int, raw: int | memoryview) -> list[Value]:
    if field.kind is int and isinstance(raw, memoryview) and wire == _LENGTH:
        numbers: list[Value] = []
        position = 0
        while position < len(raw):
            number, position = read_varint(raw, position)
            numbers.append(_signed(number))
        return numbers
    return [_value(field, wire, raw)]


def _value(field: _Field, wire: int, raw: int | memoryview) -> Value:
    if isinstance(raw, int):
        if field.kind is bool:
            return bool(raw)
        if field.kind is int:
            return _signed(raw)
    elif wire == _LENGTH:
        if field.kind is bytes:
            return bytes(raw)
        if field.kind is str:
            try:
                return str(raw, "utf-8")
            except UnicodeDecodeError as error:
                raise WireFormatError(detail=f"{field.name} is no UTF-8") from error
        if issubclass(field.kind, Message):
            return decode(field.kind, raw)
    raise WireFormatError(detail=f"{field.name} has wire type {wire}, which is not that of {field.kind.__name__}")


def _signed(number: int) -> int:
    return number - _WORD if number >= _SIGN else number
