"""What `ogniwo demo --serve` leaves running: reached on loopback, entered as every role, ended on request."""

import re
from http import HTTPStatus
from http.cookiejar import CookieJar
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, build_opener, urlopen

import pytest

from ogniwo.interfaces.cli.background import NotServedError, start_serving, stop_serving
from ogniwo.services.access.roles import Role
from ogniwo.services.demo.sign_ins import SIGN_INS, SIGN_INS_FILE, make_sign_ins

pytestmark = pytest.mark.xdist_group("served")  # two of them would reach for the same port


@pytest.fixture
def served(copy_of):
    workspace = copy_of("posted")
    password = make_sign_ins(workspace)
    address = start_serving(workspace.root)
    yield workspace.root, address, password
    stop_serving(workspace.root)


def arrived(address, login, password):
    """Where a person lands after signing in by the form."""
    browser = build_opener(HTTPCookieProcessor(CookieJar()))
    form = browser.open(f"{address}/account/login/", timeout=20).read().decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', form)[1]
    sent = urlencode({"login": login, "password": password, "csrfmiddlewaretoken": token}).encode()
    with browser.open(f"{address}/account/login/", sent, timeout=20) as answer:
        assert answer.status == HTTPStatus.OK
        return answer.url.removeprefix(address)


def test_everybody_gets_in_and_the_server_ends_when_told(served):
    folder, address, password = served
    for one in SIGN_INS:
        place = arrived(address, one.login, password)
        if one.role == Role.MEMBER:
            assert place == f"/w/przykladowo/{one.member_number}/"
        else:
            assert place in {"/organisations/", "/o/przykladowo/today/"}
    assert arrived(address, SIGN_INS[0].login, "something else") == "/account/login/"
    assert (folder / SIGN_INS_FILE).stat().st_mode & 0o777 == 0o600
    assert stop_serving(folder) is True
    assert stop_serving(folder) is False
    with pytest.raises(URLError):
        urlopen(f"{address}/help/", timeout=5)  # noqa: S310 -- loopback


def test_a_number_of_another_process_is_left_alone(tmp_path):
    (tmp_path / "serve.json").write_text('{"pid": 1, "address": "http://localhost:1"}')
    assert stop_serving(tmp_path) is False
    (tmp_path / "serve.json").write_text("{}")
    with pytest.raises(NotServedError, match="damaged"):
        stop_serving(tmp_path)
