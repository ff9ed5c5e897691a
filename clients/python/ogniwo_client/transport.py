"""How requests travel: one connection each, problems as exceptions, safe repeats of what was lost on the way."""

import http.client
import json
import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from urllib.parse import quote, urlencode, urlsplit

Value = TypeVar("Value")
Query = Mapping[str, str | int | bool | Sequence[str] | None]


class UnreachableError(Exception):
    """The server does not answer, or answers what is no answer of the API."""


class ApiProblem(Exception):  # noqa: N818 -- RFC 9457 calls it a problem
    """The API refused: `status`, the stable `code`, `detail`, and `errors` with pointers into the request."""

    def __init__(self, status: int, document: Mapping[str, Any], *, retry_after_s: int = 0) -> None:
        self.status = status
        self.code = str(document.get("code", ""))
        self.title = str(document.get("title", ""))
        self.detail = str(document.get("detail", ""))
        self.errors: list[dict[str, str]] = list(document.get("errors", []))
        self.retry_after_s = retry_after_s
        super().__init__(f"{status} {self.code}: {self.detail}")


@dataclass(frozen=True)
class Versioned(Generic[Value]):
    """A value with the ETag that a change of it names."""

    value: Value
    etag: str


@dataclass(frozen=True)
class Reply:
    """Status, headers (names in lower case) and body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Transport:
    """Sends requests to one server with one key.

    `tries` is how often a request that may be repeated is sent before it is given up.
    """

    def __init__(
        self, address: str, *, key: str = "", timeout_s: float = 60.0, language: str = "en", tries: int = 4
    ) -> None:
        parts = urlsplit(address)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError(f"{address!r} is no http(s) address")
        self._secure = parts.scheme == "https"
        self._host, self._port = parts.hostname, parts.port
        self._prefix = parts.path.rstrip("/")
        self._timeout_s = timeout_s
        self._tries = tries
        self._headers = {"Accept-Language": language}
        if key:
            self._headers["Authorization"] = f"Bearer {key}"

    def _ask(
        self,
        method: str,
        path: str,
        *,
        query: Query | None = None,
        headers: Mapping[str, str | None] | None = None,
        body: bytes | None = None,
        kind: str = "",
        repeatable: bool = False,
    ) -> Reply:
        """One request, sent again when it was lost or is to come later, and may be repeated. Raises ApiProblem."""
        sent = self._headers | {name: text for name, text in (headers or {}).items() if text is not None}
        if kind:
            sent["Content-Type"] = kind
        target = self._prefix + path + _query_text(query)
        for left in range(self._tries - 1, -1, -1):
            try:
                reply = self._once(method, target, sent, body)
            except (OSError, http.client.HTTPException) as error:
                if not left or not repeatable:
                    raise UnreachableError(f"{method} {path}: {error!r}") from error
                time.sleep(0.2 * (self._tries - left))
                continue
            if reply.status < 400:
                return reply
            problem = _problem(reply)
            if left and repeatable and problem.retry_after_s:
                time.sleep(problem.retry_after_s)
                continue
            raise problem
        raise AssertionError("unreachable: the last try returns or raises")

    def _once(self, method: str, target: str, headers: Mapping[str, str], body: bytes | None) -> Reply:
        kind = http.client.HTTPSConnection if self._secure else http.client.HTTPConnection
        connection = kind(self._host, self._port, timeout=self._timeout_s)
        try:
            connection.request(method, target, body=body, headers=dict(headers))
            answer = connection.getresponse()
            found = {name.lower(): value for name, value in answer.getheaders()}
            return Reply(answer.status, found, answer.read())
        finally:
            connection.close()

    def _pages(self, path: str, query: Query) -> Iterator[Any]:
        """Every row of a list, page after page."""
        page = json.loads(self._ask("GET", path, query=query, repeatable=True).body)
        while True:
            yield from page["items"]
            if page["next"] is None:
                return
            following = str(page["next"]).removeprefix(self._prefix)
            page = json.loads(self._ask("GET", following, repeatable=True).body)


def new_key() -> str:
    """An Idempotency-Key for one request."""
    return secrets.token_hex(16)


def json_body(value: object) -> bytes:
    """A body as JSON."""
    return json.dumps(value, ensure_ascii=False).encode()


def part(value: object) -> str:
    """A value as a part of a path."""
    return quote(str(value), safe="")


def form_body(fields: Query, name: str, files: Sequence[tuple[str, bytes]]) -> tuple[bytes, str]:
    """A multipart form with files, and its media type."""
    border = secrets.token_hex(16)
    pieces: list[bytes] = []
    for field, value in fields.items():
        if value is not None:
            head = f'--{border}\r\nContent-Disposition: form-data; name="{field}"\r\n\r\n{_text(value)}\r\n'
            pieces.append(head.encode())
    for file_name, data in files:
        shown = file_name.replace('"', "%22").replace("\r", "").replace("\n", "")
        head = f'--{border}\r\nContent-Disposition: form-data; name="{name}"; filename="{shown}"\r\n'
        pieces.append(head.encode() + b"Content-Type: application/octet-stream\r\n\r\n" + data + b"\r\n")
    return b"".join(pieces) + f"--{border}--\r\n".encode(), f"multipart/form-data; boundary={border}"


def _query_text(query: Query | None) -> str:
    pairs: list[tuple[str, str]] = []
    for name, value in (query or {}).items():
        if value is None:
            continue
        if isinstance(value, str | int | bool):
            pairs.append((name, _text(value)))
        else:
            pairs.extend((name, one) for one in value)
    return f"?{urlencode(pairs)}" if pairs else ""


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _problem(reply: Reply) -> ApiProblem:
    wait = reply.headers.get("retry-after", "")
    try:
        document = json.loads(reply.body)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise UnreachableError(f"{reply.status} without a problem document")
    return ApiProblem(reply.status, document, retry_after_s=int(wait) if wait.isdigit() else 0)
