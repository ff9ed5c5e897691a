"""Random valid documents of the core's structs, so that a new operation is covered the day it is written."""

from functools import cache

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET, inspect

INTEGERS = (0, 1, 2, 7, 900, 1_800_000_000, 2**31, 2**32 + 1, 2**53 - 2, 2**53 - 1)
WORDS = ("", "a", "anna", "zażółć", "phone", "\u2028", "😀", "a b", '"quoted"', "\\", "\u007f", "\t\n\u0001")


@cache
def matching(pattern):
    """Some texts that match a pattern, always the same ones."""
    found = []

    @settings(max_examples=30, derandomize=True, database=None, deadline=None)
    @given(st.from_regex(pattern))
    def collect(text):
        found.append(text)

    collect()
    return sorted(set(found))


def made(rng, kind, depth=0):
    """A random value of a type, as JSON has it."""
    match kind:
        case inspect.StrType(pattern=None):
            limit = kind.max_length or 12
            return rng.choice([word for word in WORDS if len(word) <= limit])
        case inspect.StrType():
            fitting = [text for text in matching(kind.pattern) if len(text) <= (kind.max_length or len(text))]
            return rng.choice(fitting)
        case inspect.IntType():
            low, high = kind.ge, kind.le
            return rng.choice([low, high, *(one for one in INTEGERS if low <= one <= high)])
        case inspect.BoolType():
            return rng.random() < 0.5
        case inspect.LiteralType():
            return rng.choice(kind.values)
        case inspect.VarTupleType():
            low = kind.min_length or 0
            return [made(rng, kind.item_type, depth + 1) for _ in range(low + rng.randrange(3))]
        case inspect.UnionType():
            # What holds itself would never end; the last one of those does not.
            return made(rng, rng.choice(kind.types) if depth < 6 else kind.types[0], depth)
        case inspect.StructType():
            tag = {kind.tag_field: kind.tag} if kind.tag_field else {}
            present = [field for field in kind.fields if field.default is not UNSET]
            return tag | {field.encode_name: made(rng, field.type, depth) for field in present}
    raise TypeError(kind)


def document(rng, depth=0):
    """A random plain document: texts, integers, booleans, lists, objects with ASCII keys."""
    match rng.randrange(7 if depth < 4 else 4):
        case 0:
            return rng.choice(WORDS)
        case 1:
            return rng.choice(INTEGERS) * rng.choice((1, -1))
        case 2:
            return rng.random() < 0.5
        case 3:
            return "".join(chr(rng.choice((rng.randrange(1, 128), rng.randrange(0xA0, 0xD800)))) for _ in range(5))
        case 4:
            return [document(rng, depth + 1) for _ in range(rng.randrange(4))]
    keys = ("", "a", "b", "A", "z z", "__proto__", "constructor", "1", "10", "2", "\u0001", "~", 'q"')
    return {rng.choice(keys): document(rng, depth + 1) for _ in range(rng.randrange(5))}
