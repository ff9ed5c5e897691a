"""People of the sample cooperative who can sign in, one for each role; a demo's, never an installation's."""

import secrets
from dataclasses import dataclass
from typing import Final

from allauth.account.models import EmailAddress
from django.contrib.auth import get_user_model
from django.db import transaction

from ogniwo.records.access.models import Grant
from ogniwo.records.parties.models import Member, Organisation
from ogniwo.services.access.roles import Role
from ogniwo.services.demo.sample import COMMUNITY_CODE, OPERATOR_CODE
from ogniwo.services.workspace.audit import record_act
from ogniwo.services.workspace.model import Workspace

SIGN_INS_FILE: Final = "sign-ins.txt"
_DOMAIN: Final = f"{COMMUNITY_CODE}.example"


@dataclass(frozen=True, slots=True)
class SignIn:
    """Who can sign in: the login, the role, the member's number for a member, and what he is there to do."""

    login: str
    role: Role
    member_number: str
    does: str


SIGN_INS: Final = (
    SignIn(f"operator@{OPERATOR_CODE}.example", Role.OPERATOR, "", "runs the installation"),
    SignIn(f"zarzad@{_DOMAIN}", Role.PARTNER, "", "runs the cooperative"),
    SignIn(f"rozliczenia@{_DOMAIN}", Role.CLERK, "", "imports, closes the month"),
    SignIn(f"ksiegowosc@{_DOMAIN}", Role.CLERK, "", "approves the month, issues bills"),
    SignIn(f"audytor@{_DOMAIN}", Role.AUDITOR, "", "reads, verifies the ledger"),
    SignIn(f"czlonek@{_DOMAIN}", Role.MEMBER, "SE-005", "a member with a bill to pay"),
    SignIn(f"sasiad@{_DOMAIN}", Role.MEMBER, "SE-002", "his neighbour"),
    SignIn(f"prosument@{_DOMAIN}", Role.MEMBER, "SE-021", "a member with panels on the roof"),
)


def make_sign_ins(workspace: Workspace) -> str:
    """Open the accounts of `SIGN_INS` in the sample cooperative, all with one new password, and give it.

    The password is also left in the workspace, readable by its owner only, as a demo is looked at for days.
    """
    password = f"ogniwo-{secrets.token_hex(4)}"
    with transaction.atomic():
        for one in SIGN_INS:
            user = get_user_model().objects.create_user(one.login, one.login, password)
            EmailAddress.objects.create(user=user, email=one.login, verified=True, primary=True)
            organisation = Organisation.objects.get(code=OPERATOR_CODE if one.role == Role.OPERATOR else COMMUNITY_CODE)
            Grant.objects.create(
                user=user,
                organisation=organisation,
                role=one.role.value,
                member=Member.objects.get(organisation=organisation, number=one.member_number)
                if one.member_number
                else None,
                given_by="demo",
                given_at=workspace.now(),
            )
            record_act(
                workspace, action="access.grant", target=one.login, facts={"role": one.role.value}, subject="demo"
            )
    file = workspace.root / SIGN_INS_FILE
    file.touch(mode=0o600)
    file.write_text("".join(f"{one.login} {password}\n" for one in SIGN_INS), encoding="utf-8")
    return password
