"""Send an event to an address that somebody gave us; of the answer the status counts alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ogniwo.gateways.outward import ask

TIMEOUT_S: Final = 10.0
_ANSWER_BYTES_MAX: Final = 16_384


@dataclass(frozen=True, slots=True)
class Sent:
    """What came of sending: the status, or a problem in words (status 0)."""

    status: int
    problem: str = ""


def send(
    url: str, *, body: bytes, headers: Mapping[str, str], private: bool = False, timeout_s: float = TIMEOUT_S
) -> Sent:
    """POST a body as `outward.ask` does; `private` lets addresses of the own network through."""
    answer = ask(
        "POST",
        url,
        body=body,
        headers=headers,
        private=private,
        bytes_max=_ANSWER_BYTES_MAX,
        timeout_s=timeout_s,
    )
    return Sent(answer.status, answer.problem)
