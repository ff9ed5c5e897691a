"""Hold the catalogue of what codes mean (`src/ogniwo/data/codes/meanings.toml`) against the code.

`python tools/meanings.py` names the codes without an entry (as entries to be filled in), entries without a code, and
entries whose English is no longer what the code says: whoever changes it looks at the Polish as well.
"""

import json
import sys

from finding_codes import finding_codes, ledger_answers
from generate_docs import SOURCE, prepare, refusals

from ogniwo.services.workspace.meanings import catalogue


def said() -> dict[str, dict[str, str]]:
    """What the code says of every code: `en` of a refusal, `says` of a finding or an answer of the ledger."""
    found = {code: {"says": one.text} for code, one in {**finding_codes(SOURCE), **ledger_answers(SOURCE)}.items()}
    return found | {code: {"en": sentence} for code, (sentence, _module) in refusals().items()}


def faults() -> list[str]:
    """What does not fit, each as a line or an entry to be filled in; nothing when the catalogue is whole."""
    expected, known = said(), catalogue()
    lines = [f'["{code}"]\n{_fields(fields)}' for code, fields in sorted(expected.items()) if code not in known]
    lines += [
        f"{code} stands in the catalogue, and nothing in the code has it" for code in known if code not in expected
    ]
    for code, fields in sorted(expected.items()):
        held = {name: known[code].get(name) for name in fields} if code in known else fields
        names = {*fields, "en", "pl"}
        if held != fields:
            lines.append(f"{code} is not what the code says any more; look at its Polish, too:\n{_fields(fields)}")
        elif code in known and set(known[code]) != names:
            lines.append(f"{code} needs exactly these fields: {', '.join(sorted(names))}")
    return lines


def _fields(fields: dict[str, str]) -> str:
    empty = {name: "" for name in ("en", "pl") if name not in fields}
    return "\n".join(f"{name} = {json.dumps(text, ensure_ascii=False)}" for name, text in (fields | empty).items())


def main() -> int:
    """Print what does not fit; 1 when something does not."""
    prepare()
    found = faults()
    print("\n\n".join(found) if found else f"{len(catalogue())} codes, each in English and in Polish")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
