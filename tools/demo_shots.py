"""Photograph the screens of a demo that is being served: `python tools/demo_shots.py demo` after `make demo`.

With `--shown` as second word only what README and documents show; any other second word is a part of the names of the
pictures wanted.

Every page that the navigation of each role leads to and every page listed here, in Polish and English, on a desk and on
a phone, light and dark, on paper too, goes to `build/shots`; the few that README and documents show go to
`docs/images`. An address that answers with an error is an error here, except where an error is what is shown.
"""

import json
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page, Playwright, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
SHOTS = ROOT / "build" / "shots"
IMAGES = ROOT / "docs" / "images"
DESK, PHONE = {"width": 1280, "height": 900}, {"width": 360, "height": 740}
MONTH = "2026-10"
EMPTY = "2025-03"
CHROME_PX = 30_000
"""Taller than this a page is cut: nobody looks at a picture of ten metres."""
SHOWN = {
    ("zarzad", "today", "pl"): "console-today.png",
    ("zarzad", "quality", "pl"): "console-quality.png",
    ("zarzad", "period", "pl"): "console-period.png",
    ("prosument", "home", "pl"): "wallet-home.png",
    ("prosument", "energy", "pl"): "wallet-energy.png",
    ("czlonek", "bill", "pl"): "wallet-bill.png",
}
SAFETY = {
    "safety": "/account/2fa/",
    "totp": "/account/2fa/totp/activate/",
    "recovery-codes": "/account/2fa/recovery-codes/generate/",
    "passkeys": "/account/2fa/webauthn/",
    "passkey-new": "/account/2fa/webauthn/add/",
    "sessions": "/account/sessions/",
    "password": "/account/password/change/",
    "email": "/account/email/",
    "sign-out": "/account/logout/",
}
CONSOLE_MORE = {
    "help": "/help/",
    "organisations": "/organisations/",
    "member-new": "o/member-new/",
    "member-import": "o/member-import/",
    "members-bill": "o/members/?mode=bill",
    "readings": "o/quality/readings/",
    "formulas": "o/formulas/",
    "intervals-chart": "o/intervals/?point={point}&kind=taken&kind=netted_taken&kind=grid",
    "intervals-month": "o/intervals/?point={point}&kind=taken&step=86400",
    "balance-hour": "o/balance/2026-10-25/13/",
    "balance-compare": "o/balance/compare/?method=equal&sale=300",
    "tariffs-b23": "o/tariffs/?group=B23&year=2026",
    "tariffs-try": "o/tariffs/try/?point={point}&month=2026-10",
    "period-preview": "o/period/?preview=1",
    "ledger-journal": "o/ledger/journal/",
    "jobs-failed": "o/jobs/?state=failed",
    "nobody-fits": "o/members/?q=nobody",
}
EMPTY_PAGES = ("today", "members", "points", "files", "quality", "intervals", "balance", "period", "bills")
WALLET_PAGES = (
    "energy/?view=day&at=2026-10-25&netting=before&step=quarter",
    "energy/?view=year&at=2026-01-01&unit=zl&compare=year",
    "energy/?view=month&at=2020-01-01",
    "tokens/",
    "tokens/send/",
    "tokens/receive/",
    "meters/",
    "community/",
    "messages/",
    "profile/",
    "help/",
    "start/",
    "welcome/",
    "contracts/",
    "contracts/",
    "devices/",
    "check/",
)
NOBODYS = {
    "sign-in": "/account/login/",
    "sign-up-closed": "/account/signup/",
    "password-forgotten": "/account/password/reset/",
    "link-that-ended": "/join/no-such-secret/",
    "help": "/help/",
}
ERRORS = {"404": "o/members/nobody/", "403": "o/settings/", "404-elsewhere": "/o/nowhere/today/"}


@dataclass(frozen=True, slots=True)
class Look:
    """How a page is looked at: language, size, light or dark, on a screen or on paper."""

    language: str
    size: dict[str, int]
    scheme: str
    media: str = "screen"

    @property
    def name(self) -> str:
        """A word for file names."""
        on = "print" if self.media == "print" else "phone" if self.size is PHONE else "desk"
        return f"{self.language}-{on}-{self.scheme}"


@dataclass(frozen=True, slots=True)
class Target:
    """A page to be photographed, and whether an error is what is to be seen there."""

    name: str
    address: str
    is_error: bool = False


CONSOLE = (Look("pl", DESK, "light"), Look("en", DESK, "dark"), Look("pl", PHONE, "light"))
WALLET = (Look("pl", PHONE, "light"), Look("en", PHONE, "dark"), Look("pl", DESK, "light"))
PAPER = Look("pl", {"width": 794, "height": 1123}, "light", "print")
ON_PAPER = ("bill", "period-preview", "period", "balance", "tariffs", "energy")


@dataclass(slots=True)
class Camera:
    """Where the demo is, what of it is wanted, and how many addresses failed so far."""

    playwright: Playwright
    chromium: str
    address: str
    shown_only: bool
    wanted: str
    failed: int = 0

    def browser(self, language: str) -> Browser:
        """A browser whose own parts (months, dates, files) speak this language too."""
        environment = {"LANG": f"{language}_{'PL' if language == 'pl' else 'GB'}.UTF-8", "LANGUAGE": language}
        return self.playwright.chromium.launch(
            executable_path=self.chromium, args=[f"--lang={language}"], env=environment
        )

    def wants(self, who: str, name: str, look: Look) -> bool:
        """Whether this picture is to be taken."""
        if self.shown_only:
            return (who, name, look.language) in SHOWN
        return self.wanted in f"{who}-{name}-{look.name}"


def main(folder: Path, *, shown_only: bool, wanted: str = "") -> int:
    """Photograph everything, or only what documents show; the number of addresses that failed."""
    address = json.loads((folder / "serve.json").read_text(encoding="utf-8"))["address"]
    people = [line.split(" ", 1) for line in (folder / "sign-ins.txt").read_text(encoding="utf-8").splitlines()]
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        sys.exit("no Chromium here: install the package chromium")
    SHOTS.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        camera = Camera(playwright, chromium, address, shown_only, wanted)
        if not shown_only:
            _everybody(camera)
        for login, password in people:
            if not shown_only or login.partition("@")[0] in {who for who, _, _ in SHOWN}:
                _person(camera, login, password)
    return camera.failed


def _everybody(camera: Camera) -> None:
    """The pages before signing in."""
    targets = [Target(name, address, is_error="ended" in name) for name, address in NOBODYS.items()]
    for look in CONSOLE:
        with camera.browser(look.language) as browser:
            page = _page(browser, look)
            _photograph(camera, page, "nobody", targets, look)


def _person(camera: Camera, login: str, password: str) -> None:
    """All pages of one person, in each look, and some on paper."""
    who = login.partition("@")[0]
    with camera.browser("pl") as browser:
        page = _signed_in(browser, camera.address, login, password, CONSOLE[0])
        in_wallet = "/w/" in page.url
        targets = list(_targets(page, camera.address, who=who, in_wallet=in_wallet))
    looks = (WALLET if in_wallet else CONSOLE)[: 1 if camera.shown_only else None]
    for look in (*looks, *(() if camera.shown_only else (PAPER,))):
        chosen = [one for one in targets if look is not PAPER or one.name in ON_PAPER]
        chosen = [one for one in chosen if camera.wants(who, one.name, look)]
        if not chosen:
            continue
        with camera.browser(look.language) as browser:
            page = _signed_in(browser, camera.address, login, password, look)
            _photograph(camera, page, who, chosen, look)
    print(f"{login}: {len(targets)} pages, {len(looks)} looks each")


def _photograph(camera: Camera, page: Page, who: str, targets: list[Target], look: Look) -> None:
    for target in targets:
        if not camera.wants(who, target.name, look):
            continue
        page.set_viewport_size(look.size)
        answer = page.goto(camera.address + target.address)
        wrong = answer is None or (answer.status >= 400) != target.is_error
        if wrong:
            print(f"{who} {target.address}: {answer.status if answer else 'no answer'}")
            camera.failed += 1
            continue
        shown = SHOWN.get((who, target.name, look.language))
        if shown and look in (CONSOLE[0], WALLET[0]):
            page.screenshot(path=IMAGES / shown)
        # What is fixed to the edge of the window stands at the end of the picture, not across its middle.
        height = page.evaluate("document.documentElement.scrollHeight")
        page.set_viewport_size({**look.size, "height": min(max(height, look.size["height"]), CHROME_PX)})
        page.screenshot(path=SHOTS / f"{who}-{target.name}-{look.name}.png")


def _page(browser: Browser, look: Look) -> Page:
    context = browser.new_context(
        viewport=look.size,
        locale=look.language,
        color_scheme="dark" if look.scheme == "dark" else "light",
        reduced_motion="reduce",
    )
    page = context.new_page()
    page.emulate_media(media="print" if look.media == "print" else "screen")
    return page


def _signed_in(browser: Browser, address: str, login: str, password: str, look: Look) -> Page:
    """A browser of this person after the way in, with the month of the demo chosen."""
    page = _page(browser, look)
    page.emulate_media(media="screen")
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
    page.emulate_media(media="print" if look.media == "print" else "screen")
    return page


def _targets(page: Page, address: str, *, who: str, in_wallet: bool) -> Iterator[Target]:
    """The pages of the navigation, behind each of them the first of what it lists, and those listed above."""
    home = urlsplit(page.url).path
    found: dict[str, str] = {}
    for target in _links(page, ".nouns a, .tabs a", address):
        parts = [part for part in target.split("?")[0].split("/") if part]
        name = parts[-1] if len(parts) > 3 or parts[0] == "o" else "home"
        found.setdefault(target, name)
        page.goto(address + target)
        listed = _links(page, "main .cards a, main table a", address)
        for below in sorted(listed, key=lambda one: "/FV/" not in one):  # a bill tells more than its correction
            own = below.split("?")[0].startswith(target) and target not in {below, home}
            if own and not below.split("?")[0].rstrip("/").endswith(("pdf", "csv", "xlsx", "receipt")):
                found.setdefault(below, name.rstrip("s") if name.endswith("s") else f"{name}-one")
                break
    yield from (Target(name, target) for target, name in found.items())
    if in_wallet:
        known = set(found)
        places = {place: f"{home}{place}" for place in WALLET_PAGES}
        yield from (Target(_name_of(place), at) for place, at in places.items() if at not in known)
    else:
        point = next((one.split("/")[-2] for one in found if "/points/" in one and one.count("/") > 4), "")
        place = f"/{home.strip('/').rpartition('/')[0]}/"
        yield from (Target(name, _at(place, rest, point)) for name, rest in CONSOLE_MORE.items() if _is_for(who, name))
        yield from (Target(name, _at(place, rest), is_error=True) for name, rest in ERRORS.items() if who == "audytor")
        if who == "rozliczenia":
            yield from (Target(f"{name}-empty", f"{place}{name}/?month={EMPTY}") for name in EMPTY_PAGES)
            yield Target("today-again", f"{place}today/?month={MONTH}")
    if who in {"zarzad", "czlonek"}:
        yield from (Target(name, at) for name, at in SAFETY.items())


def _is_for(who: str, name: str) -> bool:
    """Once is enough: what members' administrators alone may, they show; the rest everybody who works shows once."""
    return who == ("zarzad" if name.startswith(("member", "help", "organisations", "nobody")) else "rozliczenia")


def _at(place: str, rest: str, point: str = "") -> str:
    return rest if rest.startswith("/") else place + rest.removeprefix("o/").replace("{point}", point)


def _name_of(place: str) -> str:
    path, _, query = place.partition("?")
    chosen = query.partition("view=")[2].partition("&")[0]
    name = path.strip("/").replace("/", "-")
    return f"{name}-{chosen}{'-empty' if '2020' in query else ''}" if chosen else name


def _links(page: Page, selector: str, address: str) -> list[str]:
    """Addresses on our own site under this selector, in order."""
    places = page.locator(selector).evaluate_all("links => links.map(link => link.href)")
    own = urlsplit(address).netloc
    paths = [urlsplit(one) for one in places]
    return list(
        dict.fromkeys(f"{one.path}{'?' + one.query if one.query else ''}" for one in paths if one.netloc == own)
    )


if __name__ == "__main__":
    asked = sys.argv[2] if len(sys.argv) > 2 else ""
    where = Path(sys.argv[1] if len(sys.argv) > 1 else "demo")
    failures = main(where, shown_only=asked == "--shown", wanted="" if asked == "--shown" else asked)
    sys.exit(1 if failures else 0)
