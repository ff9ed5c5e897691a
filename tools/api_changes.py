"""What changed between two OpenAPI documents of the API, as Markdown; what breaks a client comes first.

    python tools/api_changes.py OLD.json NEW.json
    python tools/api_changes.py --since REVISION

A request breaks when something that was taken is refused, an answer when something comes that was not promised, or what
was promised does not come. Examples, texts and order do not count.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parent.parent
DOCUMENT: Final = "docs/openapi.json"
Json = dict[str, Any]
LEAST: Final = ("minimum", "minLength", "minItems")
MOST: Final = ("maximum", "maxLength", "maxItems", "maxProperties")
BOUNDS: Final = (*LEAST, *MOST, "pattern", "format")


@dataclass(frozen=True, slots=True)
class Change:
    """One change; `sort` is breaking, added, or deprecated."""

    sort: str
    place: str
    text: str


class Shapes:
    """Compares schemas of two documents: `given` values against the schema by which they are `taken`."""

    def __init__(self, given: Json, taken: Json, *, closed: bool) -> None:
        self._given, self._taken, self._closed = given, taken, closed
        self._seen: set[tuple[str, str]] = set()

    def faults(self, given: Json, taken: Json, at: str = "") -> Iterator[str]:
        """In which ways a value of `given` is not one of `taken`."""
        if "$ref" in given and "$ref" in taken:
            pair = (given["$ref"], taken["$ref"])
            if pair in self._seen:
                return
            self._seen.add(pair)
        given, taken = _resolved(given, self._given), _resolved(taken, self._taken)
        if "anyOf" in given:
            for one in given["anyOf"]:
                yield from self.faults(one, taken, at)
        elif "anyOf" in taken:
            tried = [list(self.faults(given, one, at)) for one in taken["anyOf"]]
            if all(tried):
                yield from min(tried, key=len)
        else:
            yield from self._values(given, taken, at)

    def _values(self, given: Json, taken: Json, at: str) -> Iterator[str]:
        kinds = given.get("type"), taken.get("type")
        if kinds[1] is not None and kinds[0] != kinds[1]:
            yield f"{at or 'the value'}: {kinds[0] or 'anything'} instead of {kinds[1]}"
            return
        allowed = _words(taken)
        if allowed is not None:
            words = _words(given)
            more = ["any other"] if words is None else sorted(str(one) for one in words if one not in allowed)
            if more:
                yield f"{at or 'the value'}: {', '.join(more)} beside {', '.join(map(str, allowed))}"
        for name in BOUNDS:
            if name in taken and _outside(name, given.get(name), taken[name]):
                yield f"{at or 'the value'}: {name} {given.get(name, 'none')} instead of {taken[name]}"
        if kinds[1] == "array":
            yield from self.faults(given.get("items", {}), taken.get("items", {}), f"{at}[]")
        if kinds[1] == "object":
            yield from self._fields(given, taken, at)

    def _fields(self, given: Json, taken: Json, at: str) -> Iterator[str]:
        has, knows = given.get("properties", {}), taken.get("properties", {})
        for name in taken.get("required", ()):
            if name not in given.get("required", ()) or name not in has:
                yield f"{at}.{name}: {'not always there' if name in has else 'not there'}"
        if not self._closed:
            yield from (f"{at}.{name}: not there" for name in knows if name not in {*has, *taken.get("required", ())})
        for name, shape in has.items():
            if name in knows:
                yield from self.faults(shape, knows[name], f"{at}.{name}")
            elif self._closed:
                yield f"{at}.{name}: not known"
        more = taken.get("additionalProperties")
        if isinstance(more, dict) and more:
            other = given.get("additionalProperties", {})
            yield from self.faults(other if isinstance(other, dict) else {}, more, f"{at}.*")


def _resolved(schema: Json, document: Json) -> Json:
    found: Any = schema
    if "$ref" in schema:
        found = document
        for part in schema["$ref"].removeprefix("#/").split("/"):
            found = found[part]
    return dict(found)


def _words(schema: Json) -> list[Any] | None:
    words: list[Any] | None = schema.get("enum")
    return [schema["const"]] if "const" in schema else words


def _outside(name: str, given: Any, bound: Any) -> bool:  # noqa: ANN401 -- numbers or texts, by the name
    if given is None or name not in {*LEAST, *MOST}:
        return bool(given != bound)
    return bool(given < bound if name in LEAST else given > bound)


def changes(old: Json, new: Json) -> list[Change]:
    """Every change that a client can notice, breaking ones first."""
    before, after = _operations(old), _operations(new)
    found = [
        Change("breaking", name, f"removed{_announced(before[name][1])}") for name in sorted(set(before) - set(after))
    ]
    found += [
        Change("added", name, f"{after[name][0]} {after[name][1].get('summary', '')}")
        for name in sorted(set(after) - set(before))
    ]
    for name in sorted(set(before) & set(after)):
        found += [Change(sort, name, text) for sort, text in _operation(before[name], after[name], old, new)]
    for name, shape in sorted(new["components"]["schemas"].items()):
        past = old["components"]["schemas"].get(name, {}).get("properties", {})
        for field, said in shape.get("properties", {}).items():
            if said.get("deprecated") and not past.get(field, {}).get("deprecated"):
                found.append(Change("deprecated", f"{name}.{field}", _dates(said)))
    order = ("breaking", "deprecated", "added")
    return sorted(found, key=lambda one: order.index(one.sort))


def _operations(document: Json) -> dict[str, tuple[str, Json]]:
    return {
        described["operationId"]: (f"{method.upper()} {path}", described)
        for path, methods in document["paths"].items()
        for method, described in methods.items()
    }


def _operation(old: tuple[str, Json], new: tuple[str, Json], before: Json, after: Json) -> Iterator[tuple[str, str]]:
    was, now = old[1], new[1]
    if old[0] != new[0]:
        yield "breaking", f"{old[0]} is {new[0]}"
    if now.get("deprecated") and not was.get("deprecated"):
        yield "deprecated", _dates(now)
    for one in was["security"]:
        if one not in now["security"]:
            yield "breaking", f"the right {json.dumps(one)} is not enough"
    yield from _parameters(was, now, before, after)
    yield from _bodies(was, now, before, after)
    yield from _answers(was, now, before, after)


def _parameters(was: Json, now: Json, before: Json, after: Json) -> Iterator[tuple[str, str]]:
    had = {(one["in"], one["name"]): one for one in was["parameters"]}
    has = {(one["in"], one["name"]): one for one in now["parameters"]}
    for key, one in had.items():
        if key not in has:
            yield "breaking", f"the parameter {key[1]} is not taken any more{_announced(one)}"
    for key, one in has.items():
        past = had.get(key)
        if one.get("required") and not (past and past.get("required")):
            yield "breaking", f"the parameter {key[1]} is required"
        elif past is None:
            yield "added", f"the parameter {key[1]}"
        if past is None:
            continue
        if one.get("deprecated") and not past.get("deprecated"):
            yield "deprecated", f"the parameter {key[1]}: {_dates(one)}"
        given, taken = _in_address(past["schema"]), _in_address(one["schema"])
        if taken.get("type") == "array" and given.get("type") != "array":
            # In an address one value is a list of one.
            yield "added", f"the parameter {key[1]} may be repeated"
            taken = taken["items"]
        for text in Shapes(before, after, closed=True).faults(given, taken):
            yield "breaking", f"the parameter {key[1]} no longer takes {text}"


def _in_address(schema: Json) -> Json:
    """The schema of what an address can say: there is no null in it."""
    several = [one for one in schema.get("anyOf", ()) if one.get("type") != "null"]
    return several[0] if len(several) == 1 else schema


def _bodies(was: Json, now: Json, before: Json, after: Json) -> Iterator[tuple[str, str]]:
    had, has = (one.get("requestBody", {}) for one in (was, now))
    if has.get("required") and not had.get("required"):
        yield "breaking", "a body is required"
    for kind, content in had.get("content", {}).items():
        if kind not in has.get("content", {}):
            yield "breaking", f"bodies of {kind} are not taken any more"
            continue
        taken = has["content"][kind]["schema"]
        for text in Shapes(before, after, closed=True).faults(content["schema"], taken, "body"):
            yield "breaking", f"a request no longer takes {text}"
        for field in sorted(_names(taken, after) - _names(content["schema"], before)):
            yield "added", f"the field {field} of the request"


def _answers(was: Json, now: Json, before: Json, after: Json) -> Iterator[tuple[str, str]]:
    for status, said in was["responses"].items():
        if not status.startswith("2"):
            continue
        if status not in now["responses"]:
            yield "breaking", f"it is not answered with {status} any more"
            continue
        has = now["responses"][status]
        yield from (
            ("breaking", f"answers without {name}")
            for name in said.get("headers", {})
            if name not in has.get("headers", {})
        )
        for kind, content in said.get("content", {}).items():
            if kind not in has.get("content", {}):
                yield "breaking", f"answers are not given as {kind} any more"
                continue
            given = has["content"][kind]["schema"]
            for text in Shapes(after, before, closed=False).faults(given, content["schema"], "answer"):
                yield "breaking", f"an answer gives {text}"
            for field in sorted(_names(given, after) - _names(content["schema"], before)):
                yield "added", f"the field {field} of the answer"


def _names(schema: Json, document: Json, at: str = "", depth: int = 0) -> set[str]:
    """The fields in a schema, by their place."""
    shape = _resolved(schema, document)
    found: set[str] = set()
    if depth > 12:
        return found
    for name, inner in shape.get("properties", {}).items():
        found |= {f"{at}{name}"} | _names(inner, document, f"{at}{name}.", depth + 1)
    for inner in (*shape.get("anyOf", ()), *([shape["items"]] if "items" in shape else [])):
        found |= _names(inner, document, at, depth + 1)
    return found


def _dates(said: Json) -> str:
    until = f", may be gone from {said['x-sunset']} on" if "x-sunset" in said else ""
    return f"deprecated since {said.get('x-deprecated-since', '?')}{until}; instead: {said.get('x-instead', '')}"


def _announced(said: Json) -> str:
    return f" ({_dates(said)})" if said.get("deprecated") else ""


def markdown(found: list[Change], *, old: str, new: str) -> str:
    """The changes as a section of a changelog."""
    titles = {"breaking": "Breaking", "deprecated": "Deprecated", "added": "Added"}
    lines = [f"## {new} (after {old})", ""]
    for sort, title in titles.items():
        here = [f"- `{one.place}`: {one.text.strip()}" for one in found if one.sort == sort]
        lines += [f"### {title}", "", *dict.fromkeys(here), ""] if here else []
    return "\n".join(lines if found else [*lines, "Nothing that a client notices.", ""])


def main(words: list[str]) -> int:
    """Print the changes; 1 when one of them breaks a client, 2 when the call is not understood."""
    if len(words) != 2:
        print(__doc__)
        return 2
    if words[0] == "--since":
        shown = subprocess.run(  # noqa: S603 -- git of this checkout
            ["git", "show", f"{words[1]}:{DOCUMENT}"],  # noqa: S607 -- git is on the path
            cwd=ROOT,
            capture_output=True,
            check=True,
        )
        old, new = json.loads(shown.stdout), json.loads((ROOT / DOCUMENT).read_text(encoding="utf-8"))
    else:
        old, new = (json.loads(Path(word).read_text(encoding="utf-8")) for word in words)
    found = changes(old, new)
    print(markdown(found, old=old["info"]["version"], new=new["info"]["version"]), end="")
    return 1 if any(one.sort == "breaking" for one in found) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
