"""Coverage-guided fuzzing: `python tests/fuzz/fuzz.py TARGET [libFuzzer options] CORPUS`.

Needs no network and writes only into the corpus folder it is given. A finding is written as a file by libFuzzer and is
kept as a new member of `tests/fuzz/corpus` once it is mended, so that it never comes back.
"""

import json
import random
import sys
from pathlib import Path
from typing import Any

import atheris

with atheris.instrument_imports(include=["ogniwo.core.ledger", "ogniwo.core.kernel"]):
    sys.path.insert(0, str(Path(__file__).parent))
    import targets

_NUMBERS = (0, 1, -1, 2, 96, 2**31, 2**53 - 1, 2**53, 1 - 2**53, -(2**53), 1_800_000_000, 1_800_003_600)
_TEXTS = (
    "",
    "op",
    "op/coop",
    "op/coop/anna",
    "op/coop/jan",
    "op/issuer",
    "op/coop/meter",
    "PLN/2",
    "DUE/2",
    "KWH-IN/3",
)


def _places(value: Any, found: list[tuple[Any, Any]]) -> list[tuple[Any, Any]]:
    """Every (container, key) inside a document."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in list(pairs):
        found.append((value, key))
        _places(inner, found)
    return found


def _change(document: Any, dice: random.Random) -> None:
    """Change one place of a document so that it stays nearly valid."""
    places = _places(document, [])
    if not places:
        return
    container, key = dice.choice(places)
    value = container[key]
    if isinstance(value, bool):
        container[key] = not value
    elif isinstance(value, int):
        container[key] = dice.choice((dice.choice(_NUMBERS), value + dice.choice((-1, 1)), -value, value * 2))
    elif isinstance(value, str):
        others = [held[name] for held, name in places if isinstance(held[name], str)]
        container[key] = dice.choice((dice.choice(_TEXTS), dice.choice(others), f"{dice.getrandbits(128):032x}"))
    elif isinstance(value, list) and value:
        dice.choice((lambda: value.append(dice.choice(value)), value.pop, value.reverse))()


def mutate(data: bytes, max_size: int, seed: int) -> bytes:
    """Change a payload by its structure three times out of four, else as libFuzzer does."""
    dice = random.Random(seed)  # noqa: S311 -- no secret
    lines = data.split(b"\n")
    if dice.random() < 0.25:
        return atheris.Mutate(data, max_size)
    chosen = dice.randrange(len(lines))
    try:
        document = json.loads(lines[chosen][1:])
    except ValueError:
        return atheris.Mutate(data, max_size)
    what = dice.random()
    if what < 0.15:
        lines.insert(dice.randrange(len(lines) + 1), lines[chosen])
    elif what < 0.3:
        lines[chosen] = bytes([dice.randrange(len(targets.SIGNERS))]) + lines[chosen][1:]
    else:
        for _ in range(dice.randrange(1, 4)):
            _change(document, dice)
        text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        lines[chosen] = lines[chosen][:1] + text.encode()
    return b"\n".join(lines)[:max_size]


def main() -> None:
    """Fuzz one target."""
    name = sys.argv.pop(1)
    mutator = {"custom_mutator": mutate} if name == "machine" else {}
    atheris.Setup(sys.argv, targets.TARGETS[name], **mutator)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
