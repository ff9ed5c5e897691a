"""Debian's Chromium, driven headless, and a loopback server with a strict content security policy."""

import importlib.util
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from browsing import chromium_path

HERE = Path(__file__).resolve().parent
VERIFY = HERE.parents[1] / "src/ogniwo/interfaces/wallet/static/wallet/verify"
POLICY = "default-src 'none'; script-src 'self'; connect-src 'self'"

# The tests are no package: what several of them use is made importable by name.
for _name, _path in (
    ("ledger_network", HERE.parent / "unit/core/ledger/network.py"),
    *(
        (name, HERE / f"{name}.py")
        for name in ("twists", "shapes_at_random", "cases_forms", "cases_ledger", "verdicts")
    ),
):
    if _name not in sys.modules:
        _spec = importlib.util.spec_from_file_location(_name, _path)
        sys.modules[_name] = importlib.util.module_from_spec(_spec)
        _spec.loader.exec_module(sys.modules[_name])


@pytest.fixture
def chromium():
    """A running browser; a machine without one fails and says what to install.

    Of one test only: as long as it runs, its driver keeps an event loop in this thread, which other tests must not see.
    """
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path())
        yield browser
        browser.close()


@pytest.fixture
def serve():
    """Serves the verifier below /verify/, and what a test adds or replaces by path; gives the base address."""
    files = {f"/verify/{path.name}": path.read_bytes() for path in VERIFY.glob("*.js")}
    files |= {f"/{name}": (HERE / name).read_bytes() for name in ("page.js", "judge.mjs")}
    kinds = {
        "js": "text/javascript",
        "mjs": "text/javascript",
        "json": "application/json",
        "html": "text/html; charset=utf-8",
    }

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            data = files.get(self.path)
            self.send_response(200 if data is not None else 404)
            self.send_header("Content-Type", kinds.get(self.path.rpartition(".")[2], "text/plain"))
            self.send_header("Content-Security-Policy", POLICY)
            self.send_header("Content-Length", str(len(data or b"")))
            self.end_headers()
            self.wfile.write(data or b"")

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()

    def start(more):
        files.update(more)
        return f"http://127.0.0.1:{server.server_address[1]}"

    yield start
    server.shutdown()
    thread.join()
    server.server_close()
