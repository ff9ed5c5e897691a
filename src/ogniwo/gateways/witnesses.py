"""The client of witnesses: hand a checkpoint over, bring its signature line back, or say why there is none."""

import http.client
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlsplit

TIMEOUT_S = 5
_BODY_BYTES_MAX = 65_536


@dataclass(frozen=True, slots=True)
class WitnessAnswer:
    """What a witness said: `line` when it signed; `known_size` when it stands elsewhere; else `problem`."""

    line: str = ""
    known_size: int | None = None
    problem: str = ""


def ask_witness(url: str, body: str) -> WitnessAnswer:
    """POST a request of C2SP tlog-witness to `url`/add-checkpoint; a network fault is an answer, not an exception."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        return WitnessAnswer(problem=f"{url!r} is no http(s) address")
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname, parts.port, timeout=TIMEOUT_S)
    try:
        connection.request("POST", f"{parts.path.rstrip('/')}/add-checkpoint", body=body.encode())
        answer = connection.getresponse()
        text = answer.read(_BODY_BYTES_MAX).decode("utf-8", errors="replace")
    except (OSError, http.client.HTTPException) as error:
        return WitnessAnswer(problem=f"{url} does not answer: {error}")
    finally:
        connection.close()
    if answer.status == HTTPStatus.OK:
        return WitnessAnswer(line=text)
    if answer.status == HTTPStatus.CONFLICT and text.strip().isdigit():
        return WitnessAnswer(known_size=int(text.strip()))
    return WitnessAnswer(problem=f"{url} refuses ({answer.status}): {text.strip()[:300]}")
