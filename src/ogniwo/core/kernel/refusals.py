"""Refusals: business rules that say no. Each is a class beside the function that raises it, with a stable code."""

from typing import ClassVar, Final


class Refusal(Exception):  # noqa: N818 -- a refusal is an answer, not a fault; the word is the glossary's
    """Something the product understood and will not do.

    `code` is stable and documented (docs/codes.md); `detail` is one sentence that names what, why and where.
    """

    code: ClassVar[str] = "refusal"

    def __init__(self, *, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.detail} [{self.code}]"


TRY_LATER_CODES: Final = frozenset({"series.locked", "ledger.busy", "ledger.locked", "workspace.busy"})
"""Refusals that say only that something else is at work now: the same again later may succeed."""
