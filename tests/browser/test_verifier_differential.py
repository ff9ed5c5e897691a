"""The verifier in JavaScript and the one of the core answer 10,000 generated cases alike, in a real browser."""

import base64
import json
import random
import shutil
import subprocess
import time
from collections import Counter
from pathlib import Path

import cases_forms
import cases_ledger
import pytest
import verdicts
from playwright._impl._driver import compute_driver_executable

SEED = 20_261_122
SHARES = {
    cases_forms.documents: 1_900,
    cases_forms.base64urls: 400,
    cases_forms.inclusions: 900,
    cases_forms.consistencies: 900,
    cases_forms.keys: 500,
    cases_forms.checkpoints: 800,
    cases_forms.finals: 700,
    cases_ledger.transactions: 2_000,
    cases_ledger.consistency_documents: 500,
    cases_ledger.held: 400,
    cases_ledger.receipts: 1_500,
}
HERE = Path(__file__).resolve().parent
VERIFY = HERE.parents[1] / "src/ogniwo/interfaces/wallet/static/wallet/verify"
PAGE = b'<!doctype html><title>verify</title><script type="module" src="/page.js"></script>'

FLAWS = [
    ("signing", "exceeds(raw.subarray(32), HALF_ORDER)", "false", {"transaction"}),
    ("signing", "kids.size === checks.length", "true", {"transaction"}),
    ("documents", "canonical === text", "true", {"document"}),
    ("documents", "depth <= NESTING_LIMIT", "true", {"document", "receipt"}),
    ("documents", "keys.every((key) => ASCII.test(key))", "true", {"document"}),
    ("documents", "Object.hasOwn(fields, key)", "fields[key]", {"transaction"}),
    ("json", "text.isWellFormed()", "true", {"document"}),
    ("bytes", "(rest !== 2 || LAST_OF_TWO.includes(last))", "true", {"base64url"}),
    ("merkle", "position === last;", "false;", {"inclusion"}),
    ("merkle", "Math.floor(value / 2)", "value >> 1", {"inclusion"}),
    ("merkle", "equal(oldValue, oldRoot)", "true", {"consistency"}),
    ("checkpoints", "SMALL_ORDER.has", "!SMALL_ORDER.has", {"checkpoint"}),
    ("checkpoints", "found.length >= quorum", "true", {"final"}),
    ("checkpoints", "distinct === keys.length && ", "", {"final"}),
    ("continuity", "found.origin || (", "found.origin && (", {"held"}),
    ("receipts", "want(same, ", "want(true, ", {"receipt"}),
    ("receipts", "commitment === payload.commitment", "true", {"receipt"}),
    ("transactions", "checks.push(...readings);", "", {"transaction", "receipt"}),
]

pytestmark = pytest.mark.xdist_group("verifier")


def generated(seed=SEED, shares=SHARES):
    """All cases: what was done, the kind of check, its arguments. The same seed gives the same cases but for r."""
    rng = random.Random(seed)  # noqa: S311 -- cases, not secrets
    return [make(rng) for make, count in shares.items() for _ in range(count)]


def plain(value):
    """Arguments as JSON: bytes in base64."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, dict):
        return {name: plain(one) for name, one in value.items()}
    return [plain(one) for one in value] if isinstance(value, list | tuple) else value


def written(cases):
    return json.dumps([(kind, plain(given)) for _, kind, given in cases]).encode()


def in_browser(chromium, serve, cases):
    """The page's outcome; whatever the page complains of is an error."""
    address = serve({"/cases.json": written(cases), "/page.html": PAGE})
    page = chromium.new_page()
    complaints = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: complaints.append(message.text))
    page.goto(f"{address}/page.html")
    page.wait_for_selector("html[data-done]", state="attached", timeout=90_000)
    outcome = page.evaluate("globalThis.outcome")
    page.close()
    assert [one for one in complaints if "404" not in one] == []  # a browser asks for /favicon.ico by itself
    return outcome


def in_node(folder, cases, verifier=VERIFY):
    """The same of Node, another engine with other cryptography below it; this one comes with the browser's driver."""
    file = folder / "cases.json"
    file.write_bytes(written(cases))
    command = [compute_driver_executable()[0], HERE / "node.mjs", HERE / "judge.mjs", verifier / "index.js", file]
    result = subprocess.run(command, capture_output=True, check=False, text=True)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def differing(cases, expected, found):
    return [
        f"{kind} {way}: core {mine}, here {other}; {plain(given)}"[:2_000]
        for (way, kind, given), mine, other in zip(cases, expected, found, strict=True)
        if mine != other
    ]


@pytest.fixture(scope="module")
def judged():
    started = time.perf_counter()
    cases = generated()
    made = time.perf_counter()
    expected = [verdicts.verdict(kind, given) for _, kind, given in cases]
    print(f"\n{len(cases)} cases made in {made - started:.1f} s, judged in {time.perf_counter() - made:.1f} s")
    return cases, expected


def told(cases, expected):
    """How many of each kind, class and verdict there were."""
    counts = Counter(
        (kind, way, "no" if value == "False" and kind != "document" else code)
        for (way, kind, _), (code, value) in zip(cases, expected, strict=True)
    )
    for (kind, way, code), count in sorted(counts.items()):
        print(f"{kind:22} {way:44} {code:34} {count:5}")
    for (kind, code), count in sorted(Counter((one[0], one[2]) for one in counts.elements()).items()):
        print(f"{kind:22} {'in all':44} {code:34} {count:5}")


def test_both_verifiers_answer_every_case_alike(judged, chromium, serve):
    cases, expected = judged
    outcome = in_browser(chromium, serve, cases)
    print(f"judged by the browser in {outcome['milliseconds'] / 1000:.1f} s")
    told(cases, expected)
    different = differing(cases, expected, outcome["verdicts"])
    assert not different, f"{len(different)} differ:\n" + "\n".join(different[:20])


def test_node_answers_alike_too(judged, tmp_path):
    cases, expected = judged
    outcome = in_node(tmp_path, cases)
    print(f"\njudged by Node in {outcome['milliseconds'] / 1000:.1f} s")
    different = differing(cases, expected, outcome["verdicts"])
    assert not different, f"{len(different)} differ:\n" + "\n".join(different[:20])


@pytest.mark.parametrize(("name", "right", "wrong", "kinds"), FLAWS, ids=[one[1][:40] for one in FLAWS])
def test_a_flaw_in_the_verifier_is_found(judged, tmp_path, name, right, wrong, kinds):
    """The cases are only worth something if a verifier that forgets a rule answers one of them otherwise."""
    folder = shutil.copytree(VERIFY, tmp_path / "verify")
    text = (VERIFY / f"{name}.js").read_text(encoding="utf-8")
    assert text.count(right) == 1
    (folder / f"{name}.js").write_text(text.replace(right, wrong), encoding="utf-8")
    chosen, seen = [], Counter()
    for case, mine in zip(*judged, strict=True):
        seen[case[:2]] += 1
        if case[1] in kinds and (seen[case[:2]] <= 30 or case[0].startswith("signature.")):
            chosen.append((case, mine))
    cases, expected = zip(*chosen, strict=True)
    assert differing(cases, expected, in_node(tmp_path, cases, folder)["verdicts"])


def test_the_cases_are_worth_their_number(judged):
    cases, expected = judged
    assert len(cases) >= 10_000
    accepted = sum(1 for code, value in expected if code == "ok" and value != "False")
    print(f"\n{accepted} accepted of {len(cases)}, {len({(kind, way) for way, kind, _ in cases})} classes")
    assert len(cases) // 4 < accepted < 3 * len(cases) // 4
    for kind in verdicts.CHECKS:
        seen = {tuple(one) for (_, which, _), one in zip(cases, expected, strict=True) if which == kind}
        assert any(code != "ok" or value == "False" for code, value in seen), f"nothing refused: {kind}"
        assert any(code == "ok" for code, _ in seen), f"nothing accepted: {kind}"
