"""The verifier in JavaScript and the one of the core answer 10,000 generated cases alike, in a real browser."""

import base64
import json
import random
import time
from collections import Counter
from pathlib import Path

import cases_forms
import cases_ledger
import pytest
import verdicts

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
PAGE = b'<!doctype html><title>verify</title><script type="module" src="/page.js"></script>'

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


def in_browser(chromium, serve, cases):
    """The page's verdicts, and the seconds they took; whatever the page complains of is an error."""
    data = json.dumps([(kind, plain(given)) for _, kind, given in cases]).encode()
    script = Path(__file__).with_name("page.js").read_bytes()
    address = serve(cases__json=data, page__js=script, page__html=PAGE)
    page = chromium.new_page()
    complaints = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: complaints.append(message.text))
    page.goto(f"{address}/page.html")
    page.wait_for_function("globalThis.outcome", timeout=60_000)
    outcome = page.evaluate("globalThis.outcome")
    page.close()
    assert [one for one in complaints if "favicon" not in one and "404" not in one] == []
    return outcome["verdicts"], outcome["milliseconds"] / 1000


@pytest.fixture(scope="module")
def judged():
    started = time.perf_counter()
    cases = generated()
    made = time.perf_counter()
    expected = [verdicts.verdict(kind, given) for _, kind, given in cases]
    print(f"\n{len(cases)} cases made in {made - started:.1f} s, judged in {time.perf_counter() - made:.1f} s")
    return cases, expected


def test_both_verifiers_answer_every_case_alike(judged, chromium, serve):
    cases, expected = judged
    found, seconds = in_browser(chromium, serve, cases)
    print(f"judged by the browser in {seconds:.1f} s")
    counts = Counter((kind, code) for (_, kind, _), (code, _) in zip(cases, expected, strict=True))
    for (kind, code), count in sorted(counts.items()):
        print(f"{kind:22} {code:36} {count:6}")
    different = [
        f"{kind} {way}: core {mine}, browser {other}; {plain(given)}"[:2_000]
        for (way, kind, given), mine, other in zip(cases, expected, found, strict=True)
        if mine != other
    ]
    assert not different, f"{len(different)} differ:\n" + "\n".join(different[:20])


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
