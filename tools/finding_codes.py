"""Find every finding code in the source, and the ledger's answers, by following where a code goes.

A finding is made by `Finding(code=...)` or by a function that has a parameter called `code` and hands it on to such a
call. Starting from `Finding`, those functions are found until no new one turns up; then the codes given to them are
read from the source: texts, f-strings, conditions, names assigned in the same function or module, tables. A code
that cannot be read this way is an error, so that no code stays undocumented.
"""

import ast
import gc
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path, PurePath
from typing import TypeAlias, TypeGuard

Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef
TEXT_NAMES = ("message", "detail")


@dataclass
class Code:
    """A code with the modules that give it and the sentence that goes with it, `…` for what differs."""

    modules: set[str] = field(default_factory=set)
    text: str = ""


@dataclass(frozen=True)
class Module:
    """A parsed file: `chain` gives the enclosing functions and classes of a node, innermost first."""

    name: str
    path: PurePath
    tree: ast.Module
    parents: dict[ast.AST, ast.AST]
    nodes: tuple[ast.AST, ...]
    calls: tuple[ast.Call, ...]

    def chain(self, node: ast.AST) -> Iterator[ast.AST]:
        """What a node stands in, innermost first, the module last."""
        while node in self.parents:
            node = self.parents[node]
            yield node

    def function_of(self, node: ast.AST) -> Function | None:
        """The innermost function around a node."""
        return next((one for one in self.chain(node) if isinstance(one, Function)), None)


@dataclass(frozen=True)
class Maker:
    """A function (or `Finding` itself) that takes a code: where its code and text stand, and who can see it."""

    name: str
    folder: PurePath
    module: str
    private: bool
    method: bool
    positions: tuple[str, ...]

    def visible_from(self, module: Module) -> bool:
        """Private ones in their module, methods in their folder, functions everywhere."""
        if self.private:
            return module.name == self.module
        return not self.method or module.path.parent == self.folder

    def argument(self, call: ast.Call, name: str) -> ast.expr | None:
        """What a call gives for a parameter."""
        for keyword in call.keywords:
            if keyword.arg == name:
                return keyword.value
        at = self.positions.index(name) if name in self.positions else len(call.args)
        return call.args[at] if at < len(call.args) else None


def _read(path: Path, relative: PurePath) -> Module:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    parents: dict[ast.AST, ast.AST] = {}
    nodes: list[ast.AST] = [tree]
    for node in nodes:  # grows as it goes: each node is looked into once
        children = list(ast.iter_child_nodes(node))
        parents.update(dict.fromkeys(children, node))
        nodes += children
    calls = tuple(node for node in nodes if isinstance(node, ast.Call))
    return Module(".".join(relative.with_suffix("").parts), relative, tree, parents, tuple(nodes), calls)


@cache
def read_modules(source: Path) -> tuple[Module, ...]:
    """Parse every file below the package folder, once."""
    gc.disable()  # millions of nodes that all stay: looking through them while they grow takes as long as parsing
    try:
        return tuple(_read(path, path.relative_to(source.parent)) for path in sorted(source.rglob("*.py")))
    finally:
        gc.freeze()
        gc.enable()


def makers_of(modules: tuple[Module, ...]) -> list[Maker]:
    """`Finding` and every function that hands its parameter `code` on to one of them."""
    makers = [Maker("Finding", PurePath(), "", private=False, method=False, positions=())]
    candidates = [
        (module, node)
        for module in modules
        for node in module.nodes
        if isinstance(node, Function) and "code" in _parameters(node)
    ]
    while True:
        found = [
            (module, node)
            for module, node in candidates
            if any(_hands_on(call, makers, module) for call in ast.walk(node) if isinstance(call, ast.Call))
        ]
        if not found:
            return makers
        makers.extend(_maker(module, node) for module, node in found)
        candidates = [one for one in candidates if one not in found]


def _parameters(function: Function) -> tuple[str, ...]:
    arguments = function.args
    return tuple(one.arg for one in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs))


def _maker(module: Module, function: Function) -> Maker:
    owner = module.parents[function]
    method = isinstance(owner, ast.ClassDef)
    names = [function.name, *([owner.name] if isinstance(owner, ast.ClassDef) else [])]
    positional = tuple(one.arg for one in (*function.args.posonlyargs, *function.args.args))
    return Maker(
        name=function.name,
        folder=module.path.parent,
        module=module.name,
        private=any(name.startswith("_") for name in names),
        method=method,
        positions=positional[1:] if method else positional,
    )


def _called(call: ast.Call, makers: list[Maker], module: Module) -> Maker | None:
    """The maker that a call names; the one of the same module first."""
    if isinstance(call.func, ast.Attribute):
        name, method = call.func.attr, True
    elif isinstance(call.func, ast.Name):
        name, method = call.func.id, False
    else:
        return None
    fitting = [one for one in makers if one.name == name and one.method == method and one.visible_from(module)]
    return max(fitting, key=lambda one: one.module == module.name, default=None)


def _hands_on(call: ast.Call, makers: list[Maker], module: Module) -> bool:
    """Whether the call gives a maker the parameter `code` of the function around."""
    maker = _called(call, makers, module)
    given = maker.argument(call, "code") if maker else None
    around = module.function_of(call)
    return isinstance(given, ast.Name) and given.id == "code" and around is not None and "code" in _parameters(around)


def _has_code_field(node: ast.stmt) -> TypeGuard[ast.ClassDef]:
    return isinstance(node, ast.ClassDef) and any(
        isinstance(one, ast.AnnAssign) and getattr(one.target, "id", "") == "code" for one in node.body
    )


class _Reader:
    """Reads the texts an expression can have."""

    def __init__(self, modules: tuple[Module, ...]) -> None:
        self._modules = {module.name: module for module in modules}

    def texts(self, node: ast.expr, module: Module) -> set[str] | None:
        """All texts the expression can be; an empty set when it is a refusal's own code, None when it is not known."""
        match node:
            case ast.Constant(value=str(text)):
                return {text}
            case ast.IfExp(body=first, orelse=second):
                return self._union([self.texts(first, module), self.texts(second, module)])
            case ast.JoinedStr(values=parts):
                return {"".join(pieces) for pieces in itertools.product(*(self._piece(one, module) for one in parts))}
            case ast.Attribute(value=ast.Name(id=name), attr="code"):
                return set() if self._is_refusal(name, node, module) else self._fields(module)
            case ast.Name(id=name):
                return self._named(name, node, module)
        return None

    def _piece(self, node: ast.expr, module: Module) -> list[str]:
        if not isinstance(node, ast.FormattedValue):
            return sorted(self.texts(node, module) or {"…"})
        texts = self.texts(node.value, module)
        if texts:
            return sorted(texts)
        last = next((one for one in ast.walk(node.value) if isinstance(one, ast.Attribute | ast.Name)), None)
        return [f"<{last.attr if isinstance(last, ast.Attribute) else last.id}>" if last else "…"]

    @staticmethod
    def _union(sets: list[set[str] | None]) -> set[str] | None:
        known = [one for one in sets if one is not None]
        return set().union(*known) if known and len(known) == len(sets) else None

    @staticmethod
    def _is_refusal(name: str, node: ast.AST, module: Module) -> bool:
        return any(isinstance(one, ast.ExceptHandler) and one.name == name for one in module.chain(node))

    def _fields(self, module: Module) -> set[str] | None:
        """The codes given to values with a field `code` (a check, a problem), of this module or else of its folder."""
        folder = [one for one in self._modules.values() if one.path.parent == module.path.parent]
        for scope in ([module], folder):
            owners = {node.name for one in scope for node in one.tree.body if _has_code_field(node)}
            made = [
                self.texts(call.args[0], one)
                for one in scope
                for call in one.calls
                if getattr(call.func, "id", "") in owners and call.args
            ]
            if made:
                return self._union(made)
        return None

    def _named(self, name: str, node: ast.AST, module: Module) -> set[str] | None:
        """What was assigned to a name in the function around, or in the module."""
        for scope in (module.function_of(node), module.tree):
            if scope is None:
                continue
            values = list(self._values(name, scope, module))
            if values:
                return self._union([self.texts(one, module) for one in values])
        return None

    def _values(self, name: str, scope: ast.AST, module: Module) -> Iterator[ast.expr]:
        yield from self._assigned(name, scope, module)
        for node in ast.walk(scope):
            if isinstance(node, ast.For | ast.comprehension):
                yield from self._unpacked(name, node.target, self._elements(node.iter, module), module)

    def _assigned(self, name: str, scope: ast.AST, module: Module) -> Iterator[ast.expr]:
        for node in ast.walk(scope):
            if isinstance(node, ast.Assign):
                for target in node.targets:
                    yield from self._unpacked(name, target, [node.value], module)
            elif isinstance(node, ast.AnnAssign) and node.value is not None:
                yield from self._unpacked(name, node.target, [node.value], module)

    def _unpacked(self, name: str, target: ast.expr, values: list[ast.expr], module: Module) -> Iterator[ast.expr]:
        if isinstance(target, ast.Name) and target.id == name:
            yield from values
        elif isinstance(target, ast.Tuple):
            places = [getattr(one, "id", "") for one in target.elts]
            if name in places:
                rows = [row for one in values for row in self._rows(one, module)]
                yield from (row.elts[places.index(name)] for row in rows)

    def _rows(self, value: ast.expr, module: Module) -> list[ast.Tuple]:
        if isinstance(value, ast.Tuple):
            return [value]
        if isinstance(value, ast.Subscript) and isinstance(value.value, ast.Name):
            table = self._constant(value.value.id, module)
            if isinstance(table, ast.Dict):
                return [one for one in table.values if isinstance(one, ast.Tuple)]
        return []

    def _elements(self, iterable: ast.expr, module: Module) -> list[ast.expr]:
        if isinstance(iterable, ast.Name):
            scope = module.function_of(iterable) or module.tree
            assigned = self._assigned(iterable.id, scope, module)
            return [one for table in assigned if isinstance(table, ast.Tuple | ast.List) for one in table.elts]
        return list(iterable.elts) if isinstance(iterable, ast.Tuple | ast.List) else []

    def _constant(self, name: str, module: Module) -> ast.expr | None:
        """A constant of the module or of the one it is imported from."""
        for node in module.tree.body:
            if isinstance(node, ast.Assign | ast.AnnAssign):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                if any(isinstance(one, ast.Name) and one.id == name for one in targets):
                    return node.value
            elif isinstance(node, ast.ImportFrom) and any(one.name == name for one in node.names):
                origin = self._modules.get(node.module or "")
                return self._constant(name, origin) if origin else None
        return None


def finding_codes(source: Path) -> dict[str, Code]:
    """Every finding code below the package folder; raises SystemExit naming the places where one cannot be read."""
    modules = read_modules(source)
    makers, reader = makers_of(modules), _Reader(modules)
    found: dict[str, Code] = {}
    unread: list[str] = []
    for module in modules:
        for call in module.calls:
            maker = _called(call, makers, module)
            if maker is None or _hands_on(call, makers, module):
                continue
            given = maker.argument(call, "code")
            codes = reader.texts(given, module) if given is not None else None
            if codes is None:
                unread.append(f"{module.name}:{call.lineno}")
                continue
            text = _text(call, maker, module)
            for name in codes:
                code = found.setdefault(name, Code())
                code.modules.add(module.name)
                code.text = code.text or text
    if unread:
        raise SystemExit(f"the code of these findings cannot be read from the source: {', '.join(unread)}")
    return found


def _text(call: ast.Call, maker: Maker, module: Module) -> str:
    """The sentence of a finding as far as it stands in the call, or in the last assignment before it."""
    given = next((one for name in TEXT_NAMES if (one := maker.argument(call, name)) is not None), None)
    if isinstance(given, ast.Name):
        scope = module.function_of(call) or module.tree
        before = [
            node
            for node in ast.walk(scope)
            if isinstance(node, ast.Assign)
            and node.lineno < call.lineno
            and any(getattr(target, "id", "") == given.id for target in node.targets)
        ]
        given = max(before, key=lambda node: node.lineno).value if before else None
    return plain_text(given)


def plain_text(node: ast.expr | None) -> str:
    """A text or an f-string with `…` for its values; nothing for any other expression."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(one.value if isinstance(one, ast.Constant) else "…" for one in node.values)
    return ""


def ledger_answers(source: Path) -> dict[str, Code]:
    """Every answer of the ledger's rules, with the modules that give it and the first sentence that goes with it."""
    modules = read_modules(source)
    outcomes = next(one for one in modules if one.name == "ogniwo.core.ledger.outcomes")
    members = next(node for node in outcomes.tree.body if isinstance(node, ast.ClassDef) and node.name == "Code").body
    texts = {
        one.targets[0].id: one.value.value
        for one in members
        if isinstance(one, ast.Assign) and isinstance(one.targets[0], ast.Name) and isinstance(one.value, ast.Constant)
    }
    found = {str(text): Code() for text in texts.values()}
    for module in modules:
        for node in module.nodes:
            if not (isinstance(node, ast.Attribute) and getattr(node.value, "id", "") == "Code" and node.attr in texts):
                continue
            code = found[str(texts[node.attr])]
            code.modules.add(module.name)
            call = module.parents[node]
            if isinstance(call, ast.Call) and node in call.args[:-1] and not code.text:
                code.text = plain_text(call.args[call.args.index(node) + 1])
    return found
