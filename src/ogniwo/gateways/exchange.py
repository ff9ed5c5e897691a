"""One exchange over HTTP: bytes there, bytes back, within a time and a size; what comes back is judged by others."""

import http.client
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from ogniwo.core.kernel.refusals import Refusal

TIMEOUT_S = 15.0


class UnreachableError(Refusal):
    """An address does not answer, answers too much, or is none of http or https."""

    code = "gateway.unreachable"


@dataclass(frozen=True, slots=True)
class Reply:
    """Status, media type and body of an answer."""

    status: int
    kind: str
    body: bytes


def exchange(
    method: str,
    url: str,
    *,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    bytes_max: int,
    timeout_s: float = TIMEOUT_S,
) -> Reply:
    """Send one request and read the whole answer; redirects are not followed. Raises UnreachableError."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise UnreachableError(detail=f"{url!r} is no http(s) address")
    target = parts.path or "/"
    if parts.query:
        target += f"?{parts.query}"
    try:
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        connection = kind(parts.hostname, parts.port, timeout=timeout_s)
    except ValueError as error:
        raise UnreachableError(detail=f"{url!r} is no http(s) address: {error}") from error
    try:
        connection.request(method, target, body=body, headers=dict(headers or {}))
        answer = connection.getresponse()
        data = answer.read(bytes_max + 1)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise UnreachableError(detail=f"{url} does not answer: {error!r}") from error
    finally:
        connection.close()
    if len(data) > bytes_max:
        raise UnreachableError(detail=f"{url} answers with more than {bytes_max} bytes")
    return Reply(answer.status, answer.getheader("Content-Type", ""), data)
