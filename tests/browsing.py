"""Chromium for tests, `ogniwo serve` to look at, a line to it that can be cut, and a member's phone."""

import contextlib
import os
import select
import shutil
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.request import urlopen

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.contrib.auth import get_user_model
from django.test import Client
from playwright.sync_api import sync_playwright

from ogniwo.records.access.models import Grant
from ogniwo.records.parties.models import Member
from ogniwo.services.demo.sample import COMMUNITY_CODE
from ogniwo.services.workspace.queries import Subject
from records_database import serve

PHONE, DESK = {"width": 320, "height": 640}, {"width": 1280, "height": 900}
LOOKED_AT = {"pl": (PHONE, "light"), "en": (DESK, "dark")}
"""Where axe reads a page in a language: both languages, sizes and colours are seen without seeing all of eight."""
READY = "html[data-ready]"
"""What the wallet's scripts set when a page of theirs may be used."""


def chromium_path():
    """Where Chromium is; a machine without one fails and says what to install."""
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
    if path is None:
        pytest.fail("no Chromium here: apt-get install chromium")
    return path


def beside(work):
    """Run something in a thread of its own: Playwright's loop must not be where Django's queries are."""
    with ThreadPoolExecutor(1) as threads:
        return threads.submit(work).result()


def browse(work):
    """Give `work(browser)` a browser that ends with it."""

    def launched():
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium_path())
            try:
                return work(browser)
            finally:
                browser.close()

    return beside(launched)


@contextlib.contextmanager
def serving(workspace):
    """`ogniwo serve` as a process of its own on a free port of loopback: its address."""
    # Cookies are signed in this process: the other one gets the same secret.
    (workspace.keys / "web-secret").write_text(settings.SECRET_KEY, encoding="ascii")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "ogniwo", "-w", str(workspace.root), "serve", "--port", str(port)]
    environment = {**os.environ, "OGNIWO_WORKSPACE": str(workspace.root)}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait(process, f"http://127.0.0.1:{port}")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=20)


def _wait(process, address):
    for _ in range(600):
        if process.poll() is not None:
            pytest.fail(f"`ogniwo serve` ended with {process.returncode}")
        with contextlib.suppress(OSError), urlopen(f"{address}/help/", timeout=5) as answer:  # noqa: S310 -- loopback
            assert answer.status == 200
            return
        time.sleep(0.1)
    pytest.fail("`ogniwo serve` did not answer")


class Line:
    """A wire to a server that a test may cut.

    Chromium's own switch to be offline reaches a page at once and its worker some time later; behind a cut wire
    nobody gets through, whoever asks.
    """

    def __init__(self, address):
        self._target = ("127.0.0.1", int(address.rpartition(":")[2]))
        self._port = 0
        self._open = set()
        self.mend()

    @property
    def address(self):
        return f"http://127.0.0.1:{self._port}"

    def mend(self):
        """Let everybody through (again), at the same address."""
        self._door = socket.create_server(("127.0.0.1", self._port))
        self._port = self._door.getsockname()[1]
        threading.Thread(target=self._receive, args=(self._door,), daemon=True).start()

    def cut(self):
        """End every connection and refuse new ones."""
        # Closing alone would leave the thread in `accept`, and the port with it.
        self._door.shutdown(socket.SHUT_RDWR)
        self._door.close()
        for end in list(self._open):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _receive(self, door):
        with contextlib.suppress(OSError):
            while True:
                near = door.accept()[0]
                threading.Thread(target=self._carry, args=(near,), daemon=True).start()

    def _carry(self, near):
        with contextlib.suppress(OSError), near, socket.create_connection(self._target) as far:
            ends = {near: far, far: near}
            self._open |= set(ends)
            try:
                while all(self._carried(end, ends[end]) for end in select.select(list(ends), [], [])[0]):
                    pass
            finally:
                self._open -= set(ends)

    @staticmethod
    def _carried(source, target):
        data = source.recv(65_536)
        target.sendall(data)
        return bool(data)


class Phone:
    """A member's browser with a profile that lasts; each `do(work)` opens it, works on a page, and closes it."""

    def __init__(self, workspace, base, number, folder, *, language="pl", workers=True):
        self.base, self.number, self.folder, self.language = base, number, folder, language
        self.workers = "allow" if workers else "block"
        self.path = chromium_path()
        self.cookie = cookie_of(workspace, number)
        self.subject = Subject(Member.objects.get(number=number).organisation.path, number)

    def at(self, rest=""):
        return f"{self.base}/w/{COMMUNITY_CODE}/{self.number}/{rest}"

    def do(self, work, *, viewport=PHONE, more=()):
        return beside(lambda: self._do(work, viewport, more))

    def _do(self, work, viewport, more):
        with sync_playwright() as playwright:
            context = playwright.chromium.launch_persistent_context(
                self.folder,
                executable_path=self.path,
                viewport=viewport,
                locale=self.language,
                service_workers=self.workers,
                reduced_motion="reduce",
                args=list(more),
            )
            try:
                context.add_cookies([{"name": "sessionid", "value": self.cookie, "url": self.base}])
                page = context.pages[0]
                page.wrong = []
                listen(page, page.wrong)
                return work(page)
            finally:
                context.close()

    def open(self, page, rest):
        page.goto(self.at(rest))
        page.wait_for_selector(READY, state="attached")

    def enrol(self):
        def work(page):
            self.open(page, "devices/")
            page.locator("#setup-go").click()
            page.wait_for_selector("#ready:not([hidden])")
            return page.evaluate("navigator.serviceWorker?.ready.then(() => true)") if self.workers == "allow" else True

        assert self.do(work)
        return self


def cookie_of(workspace, number):
    """The cookie of a new user who is this member of this workspace, whichever Django served before."""
    serve(workspace.root)
    member = Member.objects.select_related("organisation").get(number=number)
    user = get_user_model().objects.create_user(f"{number}-{time.monotonic_ns()}")
    Grant.objects.create(
        user=user,
        organisation=member.organisation,
        role="member",
        member=member,
        given_by="test",
        given_at=workspace.now(),
    )
    client = Client()
    client.force_login(user)
    return client.cookies["sessionid"].value


def page_of(browser, base, cookie, *, wrong, viewport=DESK, **more):
    """A page of somebody signed in; what its console and scripts complain of is added to `wrong`."""
    context = browser.new_context(viewport=viewport, reduced_motion="reduce", **more)
    context.add_cookies([{"name": "sessionid", "value": cookie, "url": base}])
    page = context.new_page()
    listen(page, wrong)
    return page


def listen(page, wrong):
    page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))


_AXE = f"{Axe().axe_script}; true"
"""axe; with a value at the end, for the value of the script itself, all of axe, would be carried over at each page."""
_FOUND = """axe.run(document, { resultTypes: ["violations"] })
  .then(({ violations }) => violations.map((one) => `${one.id} ${JSON.stringify(one.nodes[0].target)}`))"""
_SIDEWAYS = """new Promise((tell) => {
  const { documentElement: all } = document, until = performance.now() + 5000;
  const look = () => {
    const wide = all.scrollWidth > all.clientWidth;
    // A chart takes its new size some moments after the page has.
    if (wide && performance.now() < until) setTimeout(look, 50); else tell(wide);
  };
  look();
})"""


def faults(page, where, sizes=(DESK, PHONE), *, read_at=(DESK, PHONE)):
    """What axe finds on the page at the sizes of `read_at`, and whether it scrolls sideways, at each size.

    Four fifths of the time are axe's own rule of contrast, text by text: only fewer texts would be faster.
    """
    wrong = []
    page.evaluate(_AXE)
    for size in sizes:
        page.set_viewport_size(size)
        if size in read_at:
            wrong += [f"{where} {size['width']}: {one}" for one in page.evaluate(_FOUND)]
        if page.evaluate(_SIDEWAYS):
            wrong.append(f"{where} {size['width']}: the page scrolls sideways")
    return wrong


def tabbed_to(page, selector):
    """Go on with the tab key until this element has the focus: whoever has no mouse gets there."""
    for _ in range(80):
        if page.evaluate("selector => document.activeElement?.matches(selector)", selector):
            return
        page.keyboard.press("Tab")
    pytest.fail(f"the keyboard does not reach {selector}")


def outcome(page):
    """What became of a payment on the wallet's page."""
    page.wait_for_selector("html[data-outcome]", state="attached")
    return page.evaluate("document.documentElement.dataset.outcome")
