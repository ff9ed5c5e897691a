"""Send an event to an address that somebody gave us: never into our own network, no redirect, in a bounded time."""

import http.client
import ipaddress
import socket
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import SplitResult, urlsplit

TIMEOUT_S: Final = 10.0
_ANSWER_BYTES_MAX: Final = 16_384
_TRANSLATED: Final = ipaddress.ip_network("64:ff9b::/96")
"""IPv4 addresses as IPv6 ones: a gateway would translate them back, private ones too."""


@dataclass(frozen=True, slots=True)
class Sent:
    """What came of sending: the status, or a problem in words (status 0)."""

    status: int
    problem: str = ""


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


def send(
    url: str, *, body: bytes, headers: Mapping[str, str], private: bool = False, timeout_s: float = TIMEOUT_S
) -> Sent:
    """POST a body. `private` lets addresses of the own network through, for installations that have nothing else.

    The name is resolved once and the connection goes to the address that was looked at, so that a name cannot lead
    elsewhere a moment later. The whole exchange ends after `timeout_s`.
    """
    problem = address_problem(url, private=private)
    if problem:
        return Sent(0, problem)
    parts = urlsplit(url)
    try:
        target = _target(parts, private=private)
    except OSError as error:
        return Sent(0, f"the host's name leads nowhere: {error}")
    if target is None:
        return Sent(0, "the host's name leads into our own network")
    return _exchange(parts, target, body=body, headers=headers, timeout_s=timeout_s)


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


def _exchange(parts: SplitResult, target: str, *, body: bytes, headers: Mapping[str, str], timeout_s: float) -> Sent:
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
        connection.request("POST", path, body=body, headers=dict(headers))
        answer = connection.getresponse()
        answer.read(_ANSWER_BYTES_MAX)
    except (OSError, http.client.HTTPException, ValueError) as error:
        why = f"no answer in {timeout_s:g} s" if late.is_set() else f"no answer: {type(error).__name__}: {error}"
        return Sent(0, why[:300])
    finally:
        timer.cancel()
        connection.close()
    if late.is_set():
        return Sent(0, f"no answer in {timeout_s:g} s")
    return Sent(answer.status)


def _cut(connection: http.client.HTTPConnection, late: threading.Event) -> None:
    """End an exchange that drips: each piece would begin the socket's own time anew."""
    late.set()
    sock = connection.sock
    if sock is not None:
        try:
            sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            return  # it ended by itself in the same moment
