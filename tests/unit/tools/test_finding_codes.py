"""The reader of codes is tried on small sources with every way in which the product makes findings."""

import re
from pathlib import Path
from typing import get_args

import pytest

from ogniwo.core.ledger.outcomes import Code
from ogniwo.core.ledger.transactions import Permission
from ogniwo.interfaces.web.code_words import ACTS

SOURCE = Path(__file__).resolve().parents[3] / "src" / "ogniwo"
ACT = re.compile(r'action="([a-z_.]+)"')
"""Texts of the same form that are entries of the audit log, not codes."""


@pytest.fixture
def codes(tool):
    return tool("finding_codes")


@pytest.fixture
def package(tmp_path):
    """Writes a package with the given modules and gives its folder."""

    def write(**modules):
        for name, text in modules.items():
            path = tmp_path / "ogniwo" / f"{name.replace('__', '/')}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return tmp_path / "ogniwo"

    return write


def _found(codes, folder):
    return {name: sorted(code.modules) for name, code in codes.finding_codes(folder).items()}


def test_a_finding_made_in_place(codes, package):
    folder = package(one='def f():\n    return Finding(code="V1.gap", message=f"{n} values are missing")\n')
    found = codes.finding_codes(folder)
    assert sorted(found) == ["V1.gap"]
    assert found["V1.gap"].text == "… values are missing"
    assert found["V1.gap"].modules == {"ogniwo.one"}


def test_makers_that_hand_a_code_on_through_several_functions(codes, package):
    folder = package(
        problems="class Problems:\n    def error(self, code, message):\n        self.all.append(Finding(code=code))\n",
        refusing='def refuse(name, code):\n    Problems(name).error(code, "no")\n',
        use='def f(problems):\n    problems.error("read.a", "x")\n    refuse("file", "read.b")\n',
    )
    assert _found(codes, folder) == {"read.a": ["ogniwo.use"], "read.b": ["ogniwo.use"]}


def test_private_makers_and_methods_do_not_catch_calls_of_the_same_name_elsewhere(codes, package):
    folder = package(
        a="def _finding(code):\n    return Finding(code=code)\n",
        b='def f():\n    return _finding("not.a.code", 1)\n',
        deep__c="class Report:\n    def add(self, code):\n        return Finding(code=code)\n",
        d='def f(found):\n    found.add("nor.this")\n',
    )
    assert _found(codes, folder) == {}


def test_names_conditions_tables_and_loops(codes, package):
    folder = package(
        table='TEXTS = {1: ("read.x", "a"), 2: ("read.y", "b")}\n',
        one="""
from ogniwo.table import TEXTS

def chosen(late):
    code, severity = "V2.one", 1
    if late:
        code, severity = "V2.two", 2
    return Finding(code=code, severity=severity)

def either(late):
    return Finding(code="V3.late" if late else "V3.early")

def looked_up(issue):
    code, text = TEXTS[issue]
    return Finding(code=code, message=text)

def looped(facts):
    checks = ((True, "V4.a", "text"), (False, "V4.b", "text"))
    return [Finding(code=code, message=text) for happens, code, text in checks if happens]

def looped_in_place():
    for code, text in (("V5.a", "x"), ("V5.b", "y")):
        yield Finding(code=code, message=text)
""",
    )
    assert sorted(_found(codes, folder)) == [
        "V2.one", "V2.two", "V3.early", "V3.late", "V4.a", "V4.b", "V5.a", "V5.b", "read.x", "read.y",
    ]  # fmt: skip


def test_codes_put_together_from_checks_keep_a_place_for_what_differs(codes, package):
    folder = package(
        one="""
class Check:
    code: str

CHECKS = [Check("sum"), Check(f"quantity.{statement.point}")]

def findings(checks):
    return [Finding(code=f"statements.{check.code}") for check in checks]
"""
    )
    assert sorted(_found(codes, folder)) == ["statements.quantity.<point>", "statements.sum"]


def test_the_code_of_a_caught_refusal_is_not_listed_again(codes, package):
    folder = package(
        one="def f():\n    try:\n        g()\n    except Bad as refusal:\n        return Finding(code=refusal.code)\n"
    )
    assert _found(codes, folder) == {}


def test_a_code_that_cannot_be_read_is_an_error_with_its_place(codes, package):
    folder = package(one="def f(kind):\n    return Finding(code=CODES.get(kind))\n")
    with pytest.raises(SystemExit, match=r"ogniwo\.one:2"):
        codes.finding_codes(folder)


def test_nothing_that_looks_like_a_code_in_the_source_is_missed(codes, tool):
    """The same question asked in a cruder way: every text of the form of a code is one that was found, or a refusal."""
    pages = tool("generate_docs")
    pages.prepare()
    known = {*codes.finding_codes(SOURCE), *pages.refusals(), *codes.ledger_answers(SOURCE)}
    prefixes = {name.partition(".")[0] for name in codes.finding_codes(SOURCE)} - {"ledger"}
    pattern = re.compile(rf"""["']((?:{"|".join(sorted(prefixes))})\.[a-z0-9_]+)["']""")
    written = {match for path in SOURCE.rglob("*.py") for match in pattern.findall(path.read_text(encoding="utf-8"))}
    acts = {match for path in SOURCE.rglob("*.py") for match in ACT.findall(path.read_text(encoding="utf-8"))}
    assert len(written) > 100
    assert (
        written
        - known
        - acts
        - set(ACTS)
        - {"V7.percent", "contract.pdf", "members.add", "members.change", *get_args(Permission)}
        == set()
    )


def test_every_answer_of_the_ledger_is_listed_and_given_somewhere(codes):
    answers = codes.ledger_answers(SOURCE)
    assert set(answers) == {code.value for code in Code}
    assert [name for name, code in answers.items() if not code.modules] == []
