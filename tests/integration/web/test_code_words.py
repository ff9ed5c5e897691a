"""Codes stand on pages in words: every act that is recorded, every layout that is read, every finding, every asset."""

import ast
from pathlib import Path

import pytest
from django.utils import translation

import ogniwo
from ogniwo.interfaces.web.code_words import ACTS, ASSETS, LAYOUTS
from ogniwo.services.access.roles import Role
from ogniwo.services.contracts.econtracts import _PARTY_OPERATIONS
from ogniwo.services.contracts.purchase_state import Step
from ogniwo.services.demo.sample import COMMUNITY_CODE
from ogniwo.services.ledger.exploring import Filters, journal
from ogniwo.services.metering.inbox import received_files
from ogniwo.services.metering.read_files import known_layouts
from ogniwo.services.workspace.queries import operator_subject

SOURCE = Path(ogniwo.__file__).parent
CODES = SOURCE.parents[1] / "docs" / "codes.md"
BASE = f"/o/{COMMUNITY_CODE}"
TAGS = {one.__struct_config__.tag for one in _PARTY_OPERATIONS}


def recorded_acts():
    """Every act that any module gives to `record_act`, with where it does."""
    found = {}
    for path in sorted(SOURCE.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        if "record_act(" not in text:
            continue
        tree = ast.parse(text)
        calls = [one for one in ast.walk(tree) if isinstance(one, ast.Call) and _name(one.func) == "record_act"]
        for call in calls:
            (given,) = (one.value for one in call.keywords if one.arg == "action")
            for act in _texts(given, tree, call):
                found.setdefault(act, f"{path.relative_to(SOURCE)}:{call.lineno}")
    return found


def _name(node):
    return getattr(node, "id", getattr(node, "attr", ""))


def _texts(node, tree, call):
    """The texts that an expression may be: a literal, a name given one before, a choice of two, texts set together."""
    if isinstance(node, ast.Constant):
        return {node.value}
    if isinstance(node, ast.IfExp):
        return _texts(node.body, tree, call) | _texts(node.orelse, tree, call)
    if isinstance(node, ast.Name):
        return set().union(*(_texts(one, tree, call) for one in _given(node.id, tree, call)))
    if isinstance(node, ast.JoinedStr):
        whole = {""}
        for part in node.values:
            inner = part.value if isinstance(part, ast.FormattedValue) else part
            whole = {before + after for before in whole for after in _texts(inner, tree, call)}
        return whole
    if ast.unparse(node) == "type(payload).__struct_config__.tag":
        return TAGS
    if ast.unparse(node) == "entry.step":
        return {step.value for step in Step}
    raise AssertionError(f"say here what `{ast.unparse(node)}` can be")


def _given(name, tree, call):
    """What a name is given in the function of a call, else in the module."""
    functions = [one for one in ast.walk(tree) if isinstance(one, ast.FunctionDef) and call in ast.walk(one)]
    for place in (*reversed(functions), tree):
        nodes = ast.walk(place) if place is not tree else tree.body
        found = [
            one.value
            for one in nodes
            if isinstance(one, ast.Assign | ast.AnnAssign)
            and name in map(_name, one.targets if isinstance(one, ast.Assign) else [one.target])
        ]
        if found:
            return found
    raise AssertionError(f"nothing gives `{name}` a value")


def test_every_act_that_is_recorded_has_words_and_no_other():
    acts = recorded_acts()
    assert {act: place for act, place in acts.items() if act not in ACTS} == {}
    assert set(ACTS) - set(acts) == set()
    assert {"access.look", "schedule.pause", "members.add", "contract.sign_contract", "reading.refused"} <= set(acts)


def test_every_layout_that_is_read_has_words_and_no_other():
    assert {one.name for one in known_layouts()} == set(LAYOUTS)


@pytest.mark.parametrize("words", [ACTS, LAYOUTS], ids=["acts", "layouts"])
def test_no_two_codes_have_the_same_words(words):
    for language in ("pl", "en"):
        with translation.override(language):
            said = [str(one) for one in words.values()]
        assert sorted(said) == sorted(set(said)), language


@pytest.mark.parametrize(("language", "said"), [("pl", "Zamknięto miesiąc"), ("en", "Month closed")])
def test_the_log_says_acts_in_words_and_is_narrowed_by_the_code(reader_of, language, said):
    browser = reader_of(Role.PARTNER, language=language)
    page = browser.get(f"{BASE}/log/?action=period.close").content.decode()
    assert f'<td>{said} <code class="quiet">period.close</code></td>' in page
    assert f'<option value="period.close" selected>{said}</option>' in page
    assert "<code>" not in page.partition("<tbody>")[2].partition("</tbody>")[0]


def test_files_say_their_layout_in_words(shared, reader_of):
    browser = reader_of(Role.CLERK, language="pl")
    with translation.override("pl"):
        words = {one.layout: str(LAYOUTS[one.layout]) for one in received_files(subject=operator_subject())}
    assert len(words) > 3
    page = browser.get(f"{BASE}/files/").content.decode()
    assert all(f'title="{layout}">{said}</td>' in page for layout, said in words.items())


def test_the_ledger_is_narrowed_by_assets_in_words(shared, reader_of):
    browser = reader_of(Role.AUDITOR, language="pl")
    assets = journal(shared, subject=operator_subject(), filters=Filters()).assets
    assert {one.rpartition("/")[0] for one in assets} <= set(ASSETS)
    for address in ("ledger/", "ledger/journal/"):
        page = browser.get(f"{BASE}/{address}?asset=DUE/2").content.decode()
        assert '<option value="DUE/2" selected>należności i zobowiązania, zł</option>' in page
