"""A workspace after the sample month, billed and posted, with users of each role and browsers without a screen."""

from datetime import UTC, date, datetime
from itertools import count

import pytest
from django.contrib.auth import get_user_model
from django.db import connections
from django.test import Client

from ogniwo.interfaces.web import context
from ogniwo.records.access.models import Grant
from ogniwo.records.parties.models import Member, Organisation
from ogniwo.services.access.roles import Role
from ogniwo.services.billing.issuing import issue_invoices
from ogniwo.services.demo.sample import COMMUNITY_CODE, MONTH
from ogniwo.services.demo.wallet import prepare_wallets
from ogniwo.services.jobs.worker import work
from ogniwo.services.ledger.posting import post_month
from ogniwo.services.workspace.operations import open_workspace
from records_database import copy_workspace, go_back, kept_place, serve

OPERATOR_CODE = "platforma"
ELSEWHERE_CODE = "inna"
NUMBERS = count(1)


def opened(folder):
    """The workspace in a folder, with a clock that stands."""
    serve(folder)
    return open_workspace(root=folder, now=lambda: datetime(2026, 11, 6, 9, tzinfo=UTC))


def with_neighbour():
    """A second cooperative that nobody of the first belongs to."""
    root = Organisation.objects.get(code=OPERATOR_CODE)
    Organisation.objects.create(
        code=ELSEWHERE_CODE, path=f"{root.path}{ELSEWHERE_CODE}/", parent=root, kind="partner", name="Inna"
    )


@pytest.fixture(scope="session")
def web_stages(stages, tmp_path_factory):
    """Folders for the pages: all registered, all imported, all closed, all billed and posted."""
    root = tmp_path_factory.mktemp("web")
    before = kept_place()
    found = {}
    for stage in ("registered", "imported", "closed"):
        found[stage] = copy_workspace(stages[stage], root / stage)
        opened(found[stage])
        with_neighbour()
        connections["default"].close()
    found["posted"] = copy_workspace(found["closed"], root / "posted")
    workspace = opened(found["posted"])
    community = Organisation.objects.get(code=COMMUNITY_CODE)
    issue_invoices(
        workspace, community=community, month=MONTH, issue_date=date(2026, 11, 6), due_date=date(2026, 11, 20)
    )
    post_month(workspace, community=community, month=MONTH)
    connections["default"].close()
    found["wallets"] = copy_workspace(found["posted"], root / "wallets")
    prepare_wallets(opened(found["wallets"]))
    yield found
    go_back(before)


def shown(workspace, monkeypatch):
    """Let every page show this workspace."""
    monkeypatch.setattr(context, "served_workspace", lambda: workspace)
    return workspace


@pytest.fixture(scope="session")
def _kept():
    """Workspaces opened once."""
    return {}


@pytest.fixture
def shared(web_stages, _kept, monkeypatch):
    """The billed workspace that many tests read; what one of them writes the others see, but no copy of the stage."""
    folder = web_stages["posted"].with_name("shared")
    if "posted" not in _kept:
        _kept["posted"] = opened(copy_workspace(web_stages["posted"], folder))
    serve(folder)
    yield shown(_kept["posted"], monkeypatch)
    connections["default"].close()


@pytest.fixture
def copy_of(web_stages, tmp_path, monkeypatch):
    """An own copy of a stage, for a test that writes."""

    def copied(stage):
        return shown(opened(copy_workspace(web_stages[stage], tmp_path / stage)), monkeypatch)

    yield copied
    connections["default"].close()


@pytest.fixture
def site(copy_of):
    """The workspace after the month was closed, one for each test."""
    return copy_of("closed")


def signed_in(workspace, role, code=COMMUNITY_CODE, *, name="", language="en"):
    """A browser of a user with one role (None: of nobody), made anew each time unless named."""
    client = Client(HTTP_HOST="127.0.0.1", headers={"accept-language": language})
    if role is None:
        return client
    login = f"{name or f'{role}{next(NUMBERS)}'}@{code}.example"
    organisation = Organisation.objects.get(code=OPERATOR_CODE if role == Role.OPERATOR else code)
    member = Member.objects.filter(organisation=organisation).first() if role == Role.MEMBER else None
    if role == Role.MEMBER and member is None:
        return client
    user = get_user_model().objects.create_user(login, login)
    Grant.objects.create(
        user=user, organisation=organisation, role=role.value, member=member, given_by="test", given_at=workspace.now()
    )
    client.force_login(user)
    client.user = user
    return client


@pytest.fixture
def browser_of(site):
    """A signed-in browser of a new user with one role: `browser_of(Role.CLERK)`."""
    return lambda role=None, code=COMMUNITY_CODE, **more: signed_in(site, role, code, **more)


@pytest.fixture
def reader_of(shared):
    """The same on the workspace that tests share."""
    return lambda role=None, code=COMMUNITY_CODE, **more: signed_in(shared, role, code, **more)


@pytest.fixture
def drain():
    """Run every job that waits, in this process: `drain(workspace)`."""
    return lambda workspace: work(workspace, drain=True, scheduled=False)


@pytest.fixture
def sign_in():
    """Sign somebody in on any workspace: `sign_in(workspace, Role.CLERK, name="anna")`."""
    return signed_in
