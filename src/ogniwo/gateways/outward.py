"""Ask an address that somebody gave us: never into our own network, no redirect, a bounded answer in a bounded time."""

import http.client
import ipaddress
import socket
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import SplitResult, urlsplit

_TRANSLATED: Final = ipaddress.ip_network("64:ff9b::/96")
"""IPv4 addresses as IPv6 ones: a gateway would translate them back, private ones too."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of asking: status, media type and body, or a problem in words (status 0).

    Not `whole`: the body is longer than was to be read, and holds what was.
    """

    status: int
    kind: str = ""
    body: bytes = b""
    problem: str = ""
    whole: bool = True


def address_problem(url: str, *, private: bool) -> str:
    """What is wrong with an address as it is written, "" for nothing; where it leads is asked when it is used."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "this is no address"
    if parts.scheme not in {"https", "http"} or not parts.hostname or port == 0:
        return "an address begins with https:// and names a host"
    if parts.username or parts.password or parts.fragment or not url.isascii() or not url.isprintable() or " " in url:
        return "an address holds no name, no password, no fragment and only printable ASCII"
    if parts.scheme == "http" and not private:
        return "an address begins with https://"
    if not private and _is_private_literal(parts.hostname):
        return "an address leads out of our own network"
    return ""


def ask(
    method: str,
    url: str,
    *,
    body: bytes | None = None,
    headers: Mapping[str, str],
    private: bool,
    bytes_max: int,
    timeout_s: float,
) -> Answer:
    """Send one request and read the answer. `private` lets addresses of the own network through.

    The name is resolved once and the connection goes to the address that was looked at, so that a name cannot lead
    elsewhere a moment later. The whole exchange ends after `timeout_s`; of the answer `bytes_max` are read.
    """
    problem = address_problem(url, private=private)
    if problem:
        return Answer(0, problem=problem)
    parts = urlsplit(url)
    try:
        target = _target(parts, private=private)
    except OSError as error:
        return Answer(0, problem=f"the host's name leads nowhere: {error}")
    if target is None:
        return Answer(0, problem="the host's name leads into our own network")
    sent = _Request(method, body, dict(headers))
    return _exchange(parts, target, sent, bytes_max=bytes_max, timeout_s=timeout_s)


@dataclass(frozen=True, slots=True)
class _Request:
    method: str
    body: bytes | None
    headers: dict[str, str]


def _target(parts: SplitResult, *, private: bool) -> str | None:
    """The IP address to connect to; None when any that the name has is one of our own network."""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    found = socket.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)
    addresses = [str(each[4][0]) for each in found]
    if not addresses or (not private and not all(_is_public(each) for each in addresses)):
        return None
    return addresses[0]


def _is_private_literal(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost" or host.endswith((".localhost", ".local", ".internal"))
    return not _is_public(host)


def _is_public(address: str) -> bool:
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        if found in _TRANSLATED or found.sixtofour is not None or found.teredo is not None:
            return False
        if found.ipv4_mapped is not None:
            return _is_public(str(found.ipv4_mapped))
    return found.is_global and not found.is_multicast


def _exchange(parts: SplitResult, target: str, sent: _Request, *, bytes_max: int, timeout_s: float) -> Answer:
    host, port = str(parts.hostname), parts.port or (443 if parts.scheme == "https" else 80)
    connection = http.client.HTTPConnection(host, port, timeout=timeout_s)
    late = threading.Event()
    timer = threading.Timer(timeout_s, _cut, (connection, late))
    timer.start()
    try:
        raw = socket.create_connection((target, port), timeout=timeout_s)
        connection.sock = raw
        if parts.scheme == "https":
            connection.sock = ssl.create_default_context().wrap_socket(raw, server_hostname=host)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request(sent.method, path, body=sent.body, headers=sent.headers)
        answer = connection.getresponse()
        data = answer.read(bytes_max + 1)
    except (OSError, http.client.HTTPException, ValueError) as error:
        why = f"no answer in {timeout_s:g} s" if late.is_set() else f"no answer: {type(error).__name__}: {error}"
        return Answer(0, problem=why[:300])
    finally:
        timer.cancel()
        connection.close()
    if late.is_set():
        return Answer(0, problem=f"no answer in {timeout_s:g} s")
    return Answer(answer.status, answer.getheader("Content-Type", ""), data[:bytes_max], whole=len(data) <= bytes_max)


def _cut(connection: http.client.HTTPConnection, late: threading.Event) -> None:
    """End an exchange that drips: each piece would begin the socket's own time anew."""
    late.set()
    sock = connection.sock
    if sock is not None:
        try:
            sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            return  # it ended by itself in the same moment
