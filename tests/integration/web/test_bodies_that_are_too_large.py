"""What is too large is refused on the wire, before Django keeps it: by its announced length, or where it grows."""

import json
import re
import socket
import threading
from contextlib import closing

import pytest
from django.db import connections

from browsing import serving
from ogniwo.interfaces.web.bodies import FORM_BYTES_MAX, bytes_max
from ogniwo.services.workspace.operations import open_workspace
from records_database import copy_workspace, go_back, kept_place, serve

PLAIN_BYTES_MAX = 2_500_000
FORM = "multipart/form-data; boundary=x"


@pytest.fixture(scope="module")
def address(web_stages, tmp_path_factory):
    """`ogniwo serve` for all tests of this file: they change nothing."""
    before = kept_place()
    folder = copy_workspace(web_stages["closed"], tmp_path_factory.mktemp("bodies") / "closed")
    serve(folder)
    with serving(open_workspace(root=folder)) as found:
        yield found
    connections["default"].close()
    go_back(before)


def asked(address, path, *, headers, parts):
    """What the server answers to a POST whose body comes in these parts: status, headers, body."""
    port = int(address.rpartition(":")[2])
    head = {"Host": f"127.0.0.1:{port}", **headers}
    lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
    with closing(socket.create_connection(("127.0.0.1", port), timeout=60)) as line:
        line.sendall(f"POST {path} HTTP/1.1\r\n{lines}\r\n".encode())
        sender = threading.Thread(target=_send, args=(line, parts), daemon=True)
        sender.start()
        heard = b""
        # The server goes on listening for a while, lest a sender miss the answer: who has all of it hangs up.
        while not _whole(heard) and (piece := line.recv(65_536)):
            heard += piece
        sender.join(timeout=60)
    top, _, body = heard.partition(b"\r\n\r\n")
    status, *rest = top.decode("latin-1").split("\r\n")
    return int(status.split()[1]), {one.split(": ")[0].lower(): one.split(": ", 1)[1] for one in rest}, body


def _whole(heard):
    """Whether an answer of announced length is there to its end."""
    head, end, body = heard.partition(b"\r\n\r\n")
    length = re.search(rb"(?im)^content-length: (\d+)", head)
    return bool(end and length and len(body) >= int(length[1]))


def _send(line, parts):
    try:
        for part in parts:
            line.sendall(part)
    except OSError:
        line.close()


def chunked(bytes_in_all):
    part = b"x" * 100_000
    for _ in range(bytes_in_all // len(part)):
        yield b"%x\r\n%s\r\n" % (len(part), part)
    yield b"0\r\n\r\n"


@pytest.mark.parametrize(("language", "said"), [("pl", "To za dużo naraz"), ("en", "This is too much at once")])
def test_an_announced_length_is_enough_to_refuse_a_form(address, language, said):
    headers = {"Content-Type": FORM, "Content-Length": str(FORM_BYTES_MAX + 1), "Accept-Language": language}
    status, headers, body = asked(address, "/o/przykladowo/files/import/", headers=headers, parts=())
    assert (status, headers["connection"]) == (413, "close")
    assert headers["content-type"] == "text/html; charset=utf-8"
    assert "script-src 'self'" in headers["content-security-policy"]
    page = body.decode()
    assert f'<html lang="{language}">' in page
    assert f"<h1>{said}</h1>" in page
    assert "101 MB" in page
    assert "api.too_large" in page


def test_the_api_says_it_as_a_problem(address):
    headers = {"Content-Type": "application/json", "Content-Length": "3000000", "Accept-Language": "en"}
    status, headers, body = asked(address, "/api/v1/calculations", headers=headers, parts=())
    assert (status, headers["content-type"]) == (413, "application/problem+json")
    said = json.loads(body)
    assert (said["status"], said["code"], said["instance"]) == (413, "api.too_large", "/api/v1/calculations")
    assert str(PLAIN_BYTES_MAX) in said["detail"]


@pytest.mark.parametrize("path", ["/api/v1/calculations", "/account/login/"])
def test_a_body_of_unknown_length_is_stopped_where_it_grows_too_large(address, path):
    headers = {"Content-Type": "application/json", "Transfer-Encoding": "chunked"}
    status, _, body = asked(address, path, headers=headers, parts=chunked(PLAIN_BYTES_MAX + 200_000))
    assert status == 413
    assert json.loads(body)["code"] == "api.too_large"


def test_who_sends_on_without_reading_still_gets_the_answer(address):
    """A whole form above the bound is sent: the server listens on, or the answer would be lost in a reset."""
    size = FORM_BYTES_MAX + 1
    headers = {"Content-Type": FORM, "Content-Length": str(size)}
    part = b"x" * 1_000_000
    parts = (part[: min(len(part), size - sent)] for sent in range(0, size, len(part)))
    assert asked(address, "/o/przykladowo/files/import/", headers=headers, parts=parts)[0] == 413


def test_what_fits_reaches_django(address):
    """The same door lets smaller bodies through: Django then asks who it is, or finds nothing to read."""
    fits = b"x" * (PLAIN_BYTES_MAX - 1)
    headers = {"Content-Type": "application/json", "Content-Length": str(len(fits)), "Connection": "close"}
    status, _, body = asked(address, "/api/v1/calculations", headers=headers, parts=(fits,))
    assert status in {400, 401}
    assert json.loads(body)["code"] != "api.too_large"
    headers = {"Content-Type": FORM, "Content-Length": "3000000", "Connection": "close"}
    assert asked(address, "/account/login/", headers=headers, parts=(b"x" * 3_000_000,))[0] != 413


@pytest.mark.parametrize(
    ("media_type", "most"),
    [(b"multipart/form-data; boundary=x", FORM_BYTES_MAX), (b"MULTIPART/FORM-DATA", FORM_BYTES_MAX)]
    + [(kind, PLAIN_BYTES_MAX) for kind in (b"", b"application/json", b"application/x-www-form-urlencoded")],
)
def test_only_forms_with_files_may_be_large(media_type, most):
    assert bytes_max(media_type) == most
