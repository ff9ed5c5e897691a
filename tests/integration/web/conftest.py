"""A workspace after the sample month with one user of each role, and browsers without a screen for them."""

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from ogniwo.interfaces.web import context
from ogniwo.records.access.models import Grant
from ogniwo.records.parties.models import Member, Organisation
from ogniwo.services.access.roles import Role
from ogniwo.services.demo.sample import COMMUNITY_CODE

OPERATOR_CODE = "platforma"
ELSEWHERE_CODE = "inna"


@pytest.fixture
def site(at_stage, monkeypatch):
    """The workspace of the pages, after the month was closed, with a second cooperative that nobody here belongs to."""
    workspace = at_stage("closed")
    monkeypatch.setattr(context, "workspace", lambda: workspace)
    for module in ("home", "people"):
        monkeypatch.setattr(f"ogniwo.interfaces.web.pages.{module}.workspace", lambda: workspace)
    monkeypatch.setattr("ogniwo.interfaces.web.sign_in.workspace", lambda: workspace)
    root = Organisation.objects.get(code=OPERATOR_CODE)
    Organisation.objects.create(
        code=ELSEWHERE_CODE, path=f"{root.path}{ELSEWHERE_CODE}/", parent=root, kind="partner", name="Inna"
    )
    return workspace


@pytest.fixture
def browser_of(site):
    """A signed-in browser of a new user with one role: `browser_of(Role.CLERK)`."""

    def made(role=None, code=COMMUNITY_CODE):
        client = Client(HTTP_HOST="127.0.0.1", headers={"accept-language": "en"})
        if role is None:
            return client
        user = get_user_model().objects.create_user(f"{role}@{code}.example", f"{role}@{code}.example")
        organisation = Organisation.objects.get(code=OPERATOR_CODE if role == Role.OPERATOR else code)
        member = Member.objects.filter(organisation=organisation).first() if role == Role.MEMBER else None
        Grant.objects.create(
            user=user, organisation=organisation, role=role.value, member=member, given_by="test", given_at=site.now()
        )
        client.force_login(user)
        client.user = user
        return client

    return made
