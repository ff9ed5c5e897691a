"""Photograph the screens of a demo that is being served: `python tools/demo_shots.py demo` after `make demo`.

With `--shown` as second word only what README and documents show.

Every page that the navigation of each role leads to, in Polish and English, on a desk and on a phone, light and dark,
goes to `build/shots`; the few that README and documents show go to `docs/images`. An address that answers with an
error is an error here.
"""

import json
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
SHOTS = ROOT / "build" / "shots"
IMAGES = ROOT / "docs" / "images"
DESK, PHONE = {"width": 1280, "height": 900}, {"width": 360, "height": 740}
MONTH = "2026-10"
SHOWN = {
    ("zarzad", "today", "pl"): "console-today.png",
    ("zarzad", "quality", "pl"): "console-quality.png",
    ("zarzad", "period", "pl"): "console-period.png",
    ("prosument", "home", "pl"): "wallet-home.png",
    ("prosument", "energy", "pl"): "wallet-energy.png",
    ("czlonek", "bill", "pl"): "wallet-bill.png",
}


@dataclass(frozen=True, slots=True)
class Look:
    """How a page is looked at: language, size, light or dark."""

    language: str
    size: dict[str, int]
    scheme: str

    @property
    def name(self) -> str:
        """A word for file names."""
        return f"{self.language}-{'phone' if self.size is PHONE else 'desk'}-{self.scheme}"


CONSOLE = (Look("pl", DESK, "light"), Look("en", DESK, "dark"), Look("pl", PHONE, "light"))
WALLET = (Look("pl", PHONE, "light"), Look("en", PHONE, "dark"), Look("pl", DESK, "light"))


def main(folder: Path, *, shown_only: bool) -> int:
    """Photograph everything, or only what documents show; the number of addresses that failed."""
    address = json.loads((folder / "serve.json").read_text(encoding="utf-8"))["address"]
    people = [line.split(" ", 1) for line in (folder / "sign-ins.txt").read_text(encoding="utf-8").splitlines()]
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        sys.exit("no Chromium here: install the package chromium")
    SHOTS.mkdir(parents=True, exist_ok=True)
    failed = 0
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium)
        for login, password in people:
            if shown_only and login.partition("@")[0] not in {who for who, _, _ in SHOWN}:
                continue
            failed += _person(browser, address, login, password, shown_only=shown_only)
        browser.close()
    return failed


def _person(browser: Browser, address: str, login: str, password: str, *, shown_only: bool) -> int:
    """All pages of one person, in each look; the number that failed."""
    failed = 0
    page = _signed_in(browser, address, login, password, DESK)
    looks = (WALLET if "/w/" in page.url else CONSOLE)[: 1 if shown_only else None]
    targets = _targets(page, address)
    page.context.close()
    for look in looks:
        page = _signed_in(browser, address, login, password, look.size, look)
        for name, target in targets:
            if shown_only and (login.partition("@")[0], name, look.language) not in SHOWN:
                continue
            answer = page.goto(address + target)
            if answer is None or answer.status >= 400:
                print(f"{login} {target}: {answer.status if answer else 'no answer'}")
                failed += 1
                continue
            who = login.partition("@")[0]
            page.screenshot(path=SHOTS / f"{who}-{name}-{look.name}.png", full_page=True)
            shown = SHOWN.get((who, name, look.language))
            if shown and look is looks[0]:
                page.screenshot(path=IMAGES / shown)
        page.context.close()
    print(f"{login}: {len(targets)} pages, {len(looks)} looks each")
    return failed


def _signed_in(
    browser: Browser, address: str, login: str, password: str, size: dict[str, int], look: Look | None = None
) -> Page:
    """A browser of this person after the way in, with the month of the demo chosen."""
    context = browser.new_context(
        viewport=size,
        locale=look.language if look else "pl",
        color_scheme="dark" if look and look.scheme == "dark" else "light",
    )
    page = context.new_page()
    page.goto(f"{address}/account/login/")
    page.locator("input[name=login]").fill(login)
    page.locator("input[name=password]").fill(password)
    page.locator("main form button[type=submit], main form button").first.click()
    page.wait_for_load_state()
    if "/account/login/" in page.url:
        sys.exit(f"{login} cannot sign in")
    if page.locator(".nouns").count() == 0 and "/w/" not in page.url:
        page.goto(f"{address}/o/przykladowo/today/?month={MONTH}")
    elif "/o/" in page.url:
        page.goto(f"{page.url.partition('?')[0]}?month={MONTH}")
    return page


def _targets(page: Page, address: str) -> list[tuple[str, str]]:
    """The pages of the navigation, and behind each of them the first of what it lists."""
    listed = _links(page, ".nouns a, .tabs a, .more a", address)
    found: dict[str, str] = {}
    for target in listed:
        parts = [part for part in target.split("?")[0].split("/") if part]
        name = parts[-1] if len(parts) > 3 or parts[0] == "o" else "home"
        found.setdefault(target, name)
        page.goto(address + target)
        for below in _links(page, "main .more a, main table a", address):
            own = below.split("?")[0].startswith(target) and below != target
            if own and not below.split("?")[0].rstrip("/").endswith(("pdf", "csv", "xlsx", "receipt")):
                found.setdefault(below, name.rstrip("s") if name.endswith("s") else f"{name}-one")
                break
    return [(name, target) for target, name in found.items()]


def _links(page: Page, selector: str, address: str) -> list[str]:
    """Addresses on our own site under this selector, in order."""
    places = page.locator(selector).evaluate_all("links => links.map(link => link.href)")
    own = urlsplit(address).netloc
    paths = [urlsplit(one) for one in places]
    return list(
        dict.fromkeys(f"{one.path}{'?' + one.query if one.query else ''}" for one in paths if one.netloc == own)
    )


if __name__ == "__main__":
    sys.exit(1 if main(Path(sys.argv[1] if len(sys.argv) > 1 else "demo"), shown_only="--shown" in sys.argv) else 0)
