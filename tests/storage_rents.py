"""A rent of a place in a storage, proposed by the office to two members, for tests of what they then do with it."""

from datetime import date

from ogniwo.services.contracts.drafting import Frame, draft_contract
from ogniwo.services.contracts.econtracts import propose
from ogniwo.services.workspace.queries import operator_subject

_RENT = {"storage": "Magazyn przy świetlicy", "capacity_kwh": "5", "rent": "49.00"}
_BEGINS = date(2026, 12, 1)


def proposed_rent(workspace, *, provider, user, replaces="", clauses=(), begins=_BEGINS):
    """The name of a storage rent that waits for the signatures of both."""
    draft = draft_contract(
        workspace,
        template="storage-rent",
        provider=provider,
        user=user,
        parameters=_RENT,
        frame=Frame(asset="PLN/2", valid_from=begins, replaces=replaces, clauses=clauses),
        subject=operator_subject(),
    )
    return propose(workspace, terms=draft.terms, subject=operator_subject(), by=None)
