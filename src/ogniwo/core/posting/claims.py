"""Invoices and statements as postings: who owes whom in grosze, summing to zero."""

from collections.abc import Mapping

from ogniwo.core.ledger.transactions import Posting


def settlement_postings(
    *, asset: str, community: str, due_grosz: Mapping[str, int], credit_grosz: Mapping[str, int]
) -> tuple[Posting, ...]:
    """What each member owes the community (gross of the invoice) less what the community owes the member.

    `community` and the keys are ledger paths; amounts are in grosze. A member in debt stands negative, the community
    against it positive, so each member's line and the community's line sum to zero. Members with nothing are left out.
    """
    balances = {
        path: credit_grosz.get(path, 0) - due_grosz.get(path, 0) for path in sorted({*due_grosz, *credit_grosz})
    }
    lines = [Posting(account=path, amount=amount, asset=asset) for path, amount in balances.items() if amount]
    total = sum(line.amount for line in lines)
    if total:
        lines.append(Posting(account=community, amount=-total, asset=asset))
    return tuple(lines)
