"""Canonical JSON: the one byte form of a document, so that a hash or a signature means the same everywhere.

RFC 8785 restricted to strings, integers within +-(2^53 - 1), booleans, arrays and objects with ASCII keys. Without
fractions, null and other keys the standard's number and sorting rules become trivial, and any JSON library that sorts
keys writes the same bytes. Reading is strict: decode, encode again, refuse unless the bytes are the same. That one line
refuses duplicate keys, white space, other key orders, `-0`, and every other second spelling of the same document.
"""

import json
from typing import NoReturn, TypeAlias, TypeVar

import msgspec

from ogniwo.core.kernel.refusals import Refusal

INTEGER_LIMIT = 2**53 - 1
"""The largest integer that JavaScript, and so every wallet, reads exactly."""

NESTING_LIMIT = 32

Document: TypeAlias = "str | int | bool | list[Document] | dict[str, Document]"

_Typed = TypeVar("_Typed")
_ENCODER = msgspec.json.Encoder(order="sorted")


class MalformedError(Refusal):
    """The bytes are no JSON at all."""

    code = "ledger.malformed"


class SchemaError(Refusal):
    """The JSON does not have the fields, types or bounds the ledger expects; unknown fields count as well."""

    code = "ledger.schema"


class NotCanonicalError(Refusal):
    """The JSON is not in its one canonical byte form, or holds a value that has none."""

    code = "ledger.not_canonical"


def encode(value: msgspec.Struct) -> bytes:
    """The canonical bytes of a typed value; its struct must allow only what canonical JSON allows."""
    try:
        return _ENCODER.encode(value)
    except UnicodeEncodeError as error:
        raise NotCanonicalError(detail="a text holds a lone surrogate, which has no UTF-8 form") from error


def decode(data: bytes, decoder: "msgspec.json.Decoder[_Typed]") -> _Typed:
    """Read a typed value; raises MalformedError, SchemaError, or NotCanonicalError when the bytes are not canonical."""
    try:
        value = decoder.decode(data)
    except msgspec.ValidationError as error:
        if not _is_json(data):
            raise MalformedError(detail=f"no JSON further on; before that: {error}") from error
        raise SchemaError(detail=str(error)) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedError(detail=str(error)) from error
    if _ENCODER.encode(value) != data:
        raise NotCanonicalError(detail="the JSON is not in canonical form (key order, duplicates, spaces or spelling)")
    return value


def encode_document(document: Document) -> bytes:
    """The canonical bytes of plain lists, dictionaries, texts, integers and booleans; refuses anything else."""
    _check(document, depth=0)
    try:
        return _ENCODER.encode(document)
    except UnicodeEncodeError as error:
        raise NotCanonicalError(detail="a text holds a lone surrogate, which has no UTF-8 form") from error


def decode_document(data: bytes) -> Document:
    """Read a plain document from its canonical bytes; refuses every other spelling of it."""
    try:
        value = msgspec.json.decode(data)
    except msgspec.ValidationError as error:
        if not _is_json(data):
            raise MalformedError(detail=f"no JSON further on; before that: {error}") from error
        raise NotCanonicalError(detail=str(error)) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedError(detail=str(error)) from error
    if encode_document(value) != data:
        raise NotCanonicalError(detail="the JSON is not in canonical form (key order, duplicates, spaces or spelling)")
    document: Document = value
    return document


def _is_json(data: bytes) -> bool:
    """Whether bytes that were refused for another reason are JSON at all (RFC 8259, texts with a UTF-8 form).

    The decoder stops at the first thing it does not like. What a document is called must not depend on which of two
    faults comes first, or two implementations of this format would answer differently.
    """
    try:
        value = json.loads(data.decode(), parse_int=str, parse_float=str, parse_constant=_no_number)
        json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return False
    return True


def _no_number(word: str) -> NoReturn:
    raise ValueError(word)


def _check(value: object, *, depth: int) -> None:
    if depth > NESTING_LIMIT:
        raise NotCanonicalError(detail=f"nested deeper than {NESTING_LIMIT}")
    if isinstance(value, (str, bool)):
        return
    if isinstance(value, int):
        if abs(value) > INTEGER_LIMIT:
            raise NotCanonicalError(detail=f"{value} is beyond 2^53 - 1; write larger numbers as text")
    elif isinstance(value, list):
        for item in value:
            _check(item, depth=depth + 1)
    elif isinstance(value, dict):
        for key, item in value.items():
            if not (isinstance(key, str) and key.isascii()):
                raise NotCanonicalError(detail=f"{key!r} is not an ASCII key")
            _check(item, depth=depth + 1)
    else:
        raise NotCanonicalError(detail=f"{type(value).__name__} has no place in a canonical document")
