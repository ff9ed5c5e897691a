"""Every page as every role, as somebody from elsewhere and as nobody: what the table says is what happens."""

from http import HTTPStatus

import pytest
from django.urls import get_resolver, reverse

from ogniwo.interfaces.web import urls
from ogniwo.interfaces.web.context import NOUNS
from ogniwo.interfaces.web.registry import PAGES
from ogniwo.services.access.roles import ALLOWED, Role
from ogniwo.services.demo.sample import COMMUNITY_CODE, POINTS

FREE = {"account/", "i18n/"}
API = {"api/v1/", "^api/(?P<rest>.*)$"}  # has its own table and its own walk: test_api_access.py
VALUES = {
    "job_id": "00000000-0000-0000-0000-000000000000",
    "schedule_id": 999_999,
    "grant_id": 999_999,
    "invitation_id": 999_999,
    "key_id": 999_999,
    "application_id": 999_999,
    "secret": "no-such-secret",
    "code": COMMUNITY_CODE,
    "number": "SE-001",
    "ppe": POINTS[0].code,
    "sha256": "0" * 64,
    "preview": "0" * 64,
    "form": "csv",
    "day": "2026-10-14",
    "account": "nobody",
    "bill": "FV/0/0",
    "name": "0" * 64,
    "place": 13,
    "message_id": 999_999,
    "reading_id": 999_999,
    "aside_id": 999_999,
    "watch_id": 999_999,
    "alarm_id": 999_999,
    "attribute_id": 999_999,
    "site_id": 999_999,
    "meter_id": 999_999,
    "state_id": 999_999,
    "size": 192,
    "transaction": "0" * 64,
}


@pytest.fixture(autouse=True)
def _no_long_work(monkeypatch):
    """Who may ask for the check of the whole chain is asked here; what it finds is tested with the ledger's pages."""
    monkeypatch.setattr("ogniwo.interfaces.web.pages.ledger.verify_chain", lambda *_args, **_more: ())


def address(page, **changed):
    names = [part.partition(":")[2].rstrip(">") for part in page.route.split("/") if part.startswith("<")]
    return reverse(page.name, kwargs={name: (VALUES | changed)[name] for name in names})


def ask(browser, page, **changed):
    method = browser.post if page.methods == ("POST",) else browser.get
    return method(address(page, **changed)).status_code


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_each_role_opens_what_the_table_allows(reader_of, page):
    refusals = {HTTPStatus.FORBIDDEN, HTTPStatus.FOUND}
    for role in Role:
        status = ask(reader_of(role), page)
        if page.act is None or page.act in ALLOWED[role]:
            assert status not in {HTTPStatus.FORBIDDEN, HTTPStatus.INTERNAL_SERVER_ERROR}, role
        else:
            assert status in refusals, (role, status)
            assert status == HTTPStatus.FORBIDDEN, role


@pytest.mark.parametrize("page", [page for page in PAGES if page.in_organisation], ids=lambda page: page.name)
def test_out_of_scope_is_not_found(reader_of, page):
    for role in Role:
        if role == Role.OPERATOR:
            continue
        assert ask(reader_of(role), page, code="inna") == HTTPStatus.NOT_FOUND, role
        assert ask(reader_of(role, "inna"), page) == HTTPStatus.NOT_FOUND if role != Role.MEMBER else True
    assert ask(reader_of(Role.OPERATOR), page, code="no-such-code") == HTTPStatus.NOT_FOUND


@pytest.mark.parametrize("page", [page for page in PAGES if page.act], ids=lambda page: page.name)
def test_nobody_is_sent_to_the_way_in(reader_of, page):
    answer = reader_of().get(address(page)) if page.methods == ("GET",) else reader_of().post(address(page))
    assert answer.status_code == HTTPStatus.FOUND
    assert answer.headers["location"].startswith("/account/login/")


def test_each_noun_has_a_key_of_its_own():
    assert len({key for _, key, _, _ in NOUNS}) == len(NOUNS)


def test_there_is_no_address_beside_the_table():
    named = {str(each.pattern) for each in urls.urlpatterns}
    assert named - FREE - API == {page.route for page in PAGES}
    assert get_resolver("ogniwo.interfaces.web.urls").url_patterns
