"""A few requests are answered at a time and the others wait their turn: more at once would only share one processor.

Each request runs in a thread of its own with a database connection of its own; without a bound, two hundred wallets
would open two hundred connections, which is more than PostgreSQL gives. What waits here has read its body and opened
nothing yet.
"""

import gc
import threading
from collections.abc import Callable
from typing import Final

from django.http import HttpRequest, HttpResponse

AT_ONCE: Final = 12
_PLACES: Final = threading.BoundedSemaphore(AT_ONCE)


def collect_seldom() -> None:
    """Look for garbage less often: what is kept between requests is much, and looking through it takes 100 ms.

    Measured with 1,000 members: the slowest 5 % of list pages took two to three times the median before.
    """
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)


class TurnByTurn:
    """Lets AT_ONCE requests of this process go on together."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer when there is a place."""
        with _PLACES:
            return self._get_response(request)
