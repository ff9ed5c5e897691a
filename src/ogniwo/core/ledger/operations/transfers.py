"""Transfers: what moves between accounts."""

from typing import Annotated

from msgspec import Meta

from ogniwo.core.ledger.operations.frame import Amount, Operation, Part


class Posting(Part, frozen=True, kw_only=True, gc=False):
    """One line of a transfer: what an account gets (positive) or gives (negative), in the asset's minor units."""

    account: Annotated[str, Meta(max_length=200)]
    amount: Amount
    asset: Annotated[str, Meta(max_length=20)]


class Post(Operation, frozen=True, kw_only=True, gc=False, tag="post"):
    """Move assets: the amounts sum to zero per asset."""

    postings: Annotated[tuple[Posting, ...], Meta(min_length=2, max_length=256)]
