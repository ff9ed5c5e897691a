"""Programs and browsers that ask the API of a workspace."""

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from ogniwo.interfaces.api import callers, context, limits, middleware
from ogniwo.interfaces.api.limits import Buckets, Limit
from ogniwo.services.access.api_keys import make_key_on_machine
from ogniwo.services.access.roles import Role
from ogniwo.services.access.scopes import Scope
from ogniwo.services.demo.sample import COMMUNITY_CODE

WITHOUT_END = Limit(per_minute=10**9, burst=10**9)


@pytest.fixture(autouse=True)
def unhurried(monkeypatch):
    """Tests ask faster than anybody; how often one may is tested by itself."""
    for name in ("CALLERS", "ADDRESSES", "FAILURES"):
        free = Buckets(WITHOUT_END)
        for module in (limits, callers, middleware):
            if hasattr(module, name):
                monkeypatch.setattr(module, name, free)


@pytest.fixture
def on_api(monkeypatch):
    """Let the API answer from a workspace."""

    def put(workspace):
        monkeypatch.setattr(context, "served_workspace", lambda: workspace)
        return workspace

    return put


@pytest.fixture
def reading(shared, on_api):
    """The billed workspace that many tests read."""
    return on_api(shared)


@pytest.fixture
def writing(copy_of, on_api):
    """An own copy of a stage for a test that changes something."""
    return lambda stage: on_api(copy_of(stage))


class Program:
    """A program with a key: gives status, headers and decoded JSON."""

    def __init__(self, secret=None, *, client=None, language="en"):
        self.client = client or Client(HTTP_HOST="127.0.0.1", raise_request_exception=False)
        self.headers = {"Accept-Language": language}
        if secret:
            self.headers["Authorization"] = f"Bearer {secret}"

    def ask(self, method, path, body=None, **headers):
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        more = {} if body is None else {"data": json.dumps(body), "content_type": "application/json"}
        place = path if path.startswith("/api/") else f"/api/v1{path}"
        return self.client.generic(method, place, headers=self.headers | given, **more)

    def send(self, path, field, data, *, name="file.csv", more=None, **headers):
        """Send a file in a form."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        form = {**(more or {}), field: SimpleUploadedFile(name, data)}
        place = path if path.startswith("/api/") else f"/api/v1{path}"
        return self.client.post(place, form, headers=self.headers | given)

    def get(self, path, **headers):
        return self.ask("GET", path, **headers)

    def post(self, path, body=None, **headers):
        return self.ask("POST", path, {} if body is None else body, **headers)


@pytest.fixture
def program_of():
    """A program with a new key: `program_of(workspace, Role.CLERK, {Scope.BILLS_READ})`; all scopes unless said."""

    def made(workspace, role=Role.PARTNER, scopes=None, code=COMMUNITY_CODE, **more):
        secret, _ = make_key_on_machine(
            workspace, code=code, name="test", role=role, scopes=scopes or set(Scope), by="test"
        )
        return Program(secret, **more)

    return made


@pytest.fixture
def browser(sign_in):
    """The same with a web session: `browser(workspace, Role.CLERK)`."""
    return lambda workspace, role=None, code=COMMUNITY_CODE: Program(client=sign_in(workspace, role, code))
