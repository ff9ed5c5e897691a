"""The table of acts: which role may do what. Pages, API and jobs name an act, never a role."""

from enum import StrEnum
from typing import Final


class Role(StrEnum):
    """What a user is in an organisation; a role holds for everything below it, a member's only for himself."""

    OPERATOR = "operator"
    PARTNER = "partner"
    CLERK = "clerk"
    AUDITOR = "auditor"
    MEMBER = "member"


class Act(StrEnum):
    """What can be done on screen and through the API."""

    SEE_ORGANISATION = "see_organisation"
    SEE_MEMBERS = "see_members"
    SEE_METERING = "see_metering"
    SEE_SETTLEMENT = "see_settlement"
    SEE_BILLS = "see_bills"
    SEE_LEDGER = "see_ledger"
    SEE_JOBS = "see_jobs"
    SEE_LOG = "see_log"
    SEE_HEALTH = "see_health"
    MANAGE_ORGANISATIONS = "manage_organisations"
    MANAGE_MEMBERS = "manage_members"
    MANAGE_ACCESS = "manage_access"
    IMPORT_FILES = "import_files"
    ESTIMATE = "estimate"
    CLOSE_PERIOD = "close_period"
    APPROVE_PERIOD = "approve_period"
    ISSUE_BILLS = "issue_bills"
    POST_LEDGER = "post_ledger"
    RUN_JOBS = "run_jobs"
    ACT_AS_MEMBER = "act_as_member"
    CHANGE_SETTINGS = "change_settings"
    OWN_WALLET = "own_wallet"


_SEE: Final = frozenset(act for act in Act if act.value.startswith("see_"))
_CLERK: Final = (_SEE - {Act.SEE_LOG, Act.SEE_HEALTH}) | {
    Act.MANAGE_MEMBERS,
    Act.IMPORT_FILES,
    Act.ESTIMATE,
    Act.CLOSE_PERIOD,
    Act.APPROVE_PERIOD,
    Act.ISSUE_BILLS,
    Act.POST_LEDGER,
    Act.RUN_JOBS,
}
_PARTNER: Final = _CLERK | {
    Act.SEE_LOG,
    Act.MANAGE_ACCESS,
    Act.MANAGE_ORGANISATIONS,
    Act.ACT_AS_MEMBER,
    Act.CHANGE_SETTINGS,
}

ALLOWED: Final[dict[Role, frozenset[Act]]] = {
    Role.OPERATOR: frozenset(Act) - {Act.OWN_WALLET},
    Role.PARTNER: frozenset(_PARTNER),
    Role.CLERK: frozenset(_CLERK),
    Role.AUDITOR: _SEE,
    Role.MEMBER: frozenset({Act.OWN_WALLET}),
}
"""Nobody but the member has a wallet: who helps looks at it read only (ACT_AS_MEMBER), and that is logged."""

INVITES: Final[dict[Role, frozenset[Role]]] = {
    Role.OPERATOR: frozenset(Role),
    Role.PARTNER: frozenset({Role.PARTNER, Role.CLERK, Role.AUDITOR, Role.MEMBER}),
    Role.CLERK: frozenset(),
    Role.AUDITOR: frozenset(),
    Role.MEMBER: frozenset(),
}
"""Whom a role may let in: nobody gives more than he has."""
