"""Ways to spoil a JSON document: in its spelling (the same content in other bytes) and in its content."""

import json

EDGES = (0, -1, 1, 2**53 - 1, -(2**53 - 1), 2**53, -(2**53), 2**63, 10**30)
NUMBERS = ("1.0", "1.5", "1e0", "-0", "01", "+1", ".5", "1.", "1e999", "-1e999", "0x1", "NaN", "Infinity", "1e-400")
LONG = {"4300_digits": "9" * 4_300, "4301_digits": "9" * 4_301}
NESTED = (31, 32, 33, 34, 300)


def canonical(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def places(value, path=()):
    """Every path into a document, with what stands there."""
    yield path, value
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, item in items:
        yield from places(item, (*path, step))


def spelled(value, twist, at, path=()):
    """The canonical text of a document, but `twist(value, text)` at one place."""
    if isinstance(value, dict):
        members = (f"{canonical(key)}:{spelled(value[key], twist, at, (*path, key))}" for key in sorted(value))
        text = "{" + ",".join(members) + "}"
    elif isinstance(value, list):
        text = "[" + ",".join(spelled(item, twist, at, (*path, step)) for step, item in enumerate(value)) + "]"
    else:
        text = canonical(value)
    return twist(value, text) if path == at else text


def _repeat(first):
    """A member twice; the last one of them is the true one, unless `first`."""

    def twist(value, text):
        key, *_ = sorted(value)
        false = f"{canonical(key)}:0"
        return "{" + false + "," + text[1:] if not first else text[:-1] + "," + false + "}"

    return twist


def _reversed(value, _text):
    return "{" + ",".join(f"{canonical(key)}:{canonical(value[key])}" for key in sorted(value, reverse=True)) + "}"


def _escaped(value, text):
    return f'"\\u{ord(value[0]):04x}' + canonical(value[1:])[1:] if value and ord(value[0]) < 0xD800 else text + " "


ON_OBJECTS = {
    "duplicate_key_true_last": _repeat(first=False),
    "duplicate_key_true_first": _repeat(first=True),
    "duplicate_key_same": lambda value, text: text[:-1] + "," + text[1:],
    "keys_in_other_order": _reversed,
    "unquoted_key": lambda _, text: text.replace('"', "", 2),
    "key_escaped": lambda _, text: '{"\\u' + f"{ord(text[2]):04x}" + text[3:],
    "comma_at_the_end_of_object": lambda _, text: text[:-1] + ",}",
    "null_member": lambda _, text: text[:-1] + ',"zzz":null}',
    "non_ascii_key": lambda _, text: text[:-1] + ',"ż":1}',
    "surrogate_key": lambda _, text: text[:-1] + ',"\\udc00":1}',
    "prototype_key": lambda _, text: '{"__proto__":{"a":1},' + text[1:],
}
ON_TEXTS = {
    "letter_escaped": _escaped,
    "slash_escaped": lambda _, text: text[:-1] + '\\/"',
    "half_surrogate": lambda _, text: text[:-1] + '\\ud800"',
    "half_surrogate_then_letter": lambda _, text: text[:-1] + '\\ud83dx"',
    "surrogate_pair_escaped": lambda _, text: text[:-1] + '\\ud83d\\ude00"',
    "control_character": lambda _, text: text[:-1] + '\u0001"',
    "control_escaped_long": lambda _, text: text[:-1] + '\\u000a"',
    "control_escaped_short": lambda _, text: text[:-1] + '\\n"',
    "hex_digits_upper": lambda _, text: text[:-1] + '\\u001F"',
    "hex_digits_lower": lambda _, text: text[:-1] + '\\u001f"',
    "unknown_escape": lambda _, text: text[:-1] + '\\x"',
    "without_end": lambda _, text: text[:-1],
    "delete_character": lambda _, text: text[:-1] + '\u007f\u2028\ufeff"',
}
ANYWHERE = {
    "blank": lambda _, text: f" {text}",
    "line_end": lambda _, text: f"{text}\n",
    "other_blank": lambda _, text: f"\u00a0{text}",
    "null": lambda _value, _text: "null",
    "nothing": lambda _value, _text: "",
    "nested_5000": lambda _value, _text: "[" * 5_000 + "]" * 5_000,
    "nested_and_open": lambda _value, _text: "[" * 5_000,
}


def spelling(rng, document):
    """One twist of the spelling: its name and the bytes."""
    choices = list(places(document))
    at, value = rng.choice(choices)
    twists = dict(ANYWHERE)
    if isinstance(value, dict) and value:
        twists = ON_OBJECTS
    elif isinstance(value, str):
        twists = ON_TEXTS | ANYWHERE
    elif type(value) is int:
        name = rng.choice((*NUMBERS, *LONG))
        return f"number_{name}", spelled(document, lambda _value, _text: LONG.get(name, name), at).encode()
    name = rng.choice(sorted(twists))
    return name, spelled(document, twists[name], at).encode()


def damage(rng, data):
    """One damage of the bytes: its name and the bytes."""
    place = rng.randrange(len(data)) if data else 0
    match rng.randrange(8):
        case 0:
            return "truncated", data[:place]
        case 1:
            return "trailing", data + rng.choice((b"x", b"{}", b"\0", b",", b"\x0b"))
        case 2:
            return "byte_order_mark", b"\xef\xbb\xbf" + data
        case 3:
            return "invalid_utf_8", data[:place] + rng.choice((b"\xff", b"\xc0\x80", b"\xed\xa0\x80")) + data[place:]
        case 4:
            return "byte_removed", data[:place] + data[place + 1 :]
        case 5:
            return "byte_inserted", data[:place] + bytes([rng.randrange(256)]) + data[place:]
        case 6:
            return "empty", b""
    changed = data[:place] + bytes([data[place] ^ (1 << rng.randrange(8))]) + data[place + 1 :] if data else b"["
    return "bit_flipped", changed


def _set(document, path, value):
    if not path:
        return value
    copy = dict(document) if isinstance(document, dict) else list(document)
    copy[path[0]] = _set(copy[path[0]], path[1:], value)
    return copy


def _without(document, path):
    copy = dict(document) if isinstance(document, dict) else list(document)
    if len(path) == 1:
        del copy[path[0]]
    else:
        copy[path[0]] = _without(copy[path[0]], path[1:])
    return copy


def letter_changed(rng, text):
    if not text:
        return "0"
    place = rng.randrange(len(text))
    letters = "0123456789abcdef" if text[place] in "0123456789abcdef" else "ABCDEFGHabcdefgh0123-_+/= \n"
    return text[:place] + rng.choice([one for one in letters if one != text[place]]) + text[place + 1 :]


def content(rng, document):
    """One change of the content: its name and the changed document."""
    at, value = rng.choice(list(places(document))[1:] or [((), document)])
    options = ["another_type", "unknown_field", "removed", "nested"]
    if isinstance(value, str):
        options = ["letter_changed"] * 4 + ["emptied", "lengthened", *options]
    elif type(value) is int:
        options = ["integer_edge"] * 3 + ["integer_plus_one", *options]
    elif isinstance(value, list):
        options = ["item_twice", "items_reversed", "item_dropped", "emptied", *options]
    name = rng.choice(options)
    match name:
        case "letter_changed":
            return name, _set(document, at, letter_changed(rng, value))
        case "emptied":
            return name, _set(document, at, type(value)())
        case "lengthened":
            return name, _set(document, at, value + rng.choice(("a", "ż", "😀")) * rng.choice((1, 24, 300)))
        case "integer_edge":
            edge = rng.choice(EDGES)
            return f"integer_{edge}" if abs(edge) < 10**30 else "integer_huge", _set(document, at, edge)
        case "integer_plus_one":
            return name, _set(document, at, value + 1)
        case "item_twice" | "items_reversed" | "item_dropped":
            changed = {"item_twice": [*value, *value[-1:]], "items_reversed": value[::-1], "item_dropped": value[1:]}
            return name, _set(document, at, changed[name])
        case "another_type":
            others = (True, 1, "text", [], {}, 1.5, None)
            return name, _set(document, at, rng.choice([one for one in others if type(one) is not type(value)]))
        case "removed" if at:
            return name, _without(document, at)
        case "unknown_field":
            target = at if isinstance(value, dict) else at[:-1]
            owner = dict(places(document))[target]
            if isinstance(owner, dict):
                return name, _set(document, target, owner | {"zz": 1})
    deep = 1
    for _ in range(rng.choice(NESTED)):
        deep = [deep]
    return "nested", _set(document, at, deep)
