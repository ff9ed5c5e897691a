"""A partner's pages before anything is there say why they are empty and what comes next."""

from types import SimpleNamespace

import pytest
from django.utils import translation

from ogniwo.interfaces.web.pages.home import _todo
from ogniwo.services.access.roles import Role

BASE = "/o/inna"


@pytest.fixture
def partner(reader_of):
    """The administrator of an organisation without members."""
    return reader_of(Role.PARTNER, "inna")


@pytest.mark.parametrize("page", ["quality", "intervals", "balance", "balance/compare", "period"])
def test_what_waits_for_members_leads_to_registering_them(partner, page):
    shown = partner.get(f"{BASE}/{page}/").content.decode()
    assert "Points come with members" in shown
    assert f'href="{BASE}/member-new/"' in shown
    assert f'href="{BASE}/member-import/"' in shown


def test_an_auditor_is_not_sent_to_forms_that_he_may_not_open(reader_of):
    shown = reader_of(Role.AUDITOR, "inna").get(f"{BASE}/quality/").content.decode()
    assert "Points come with members" in shown
    assert "/member-new/" not in shown


def test_the_first_work_is_to_register_members(partner):
    shown = partner.get(f"{BASE}/today/").content.decode()
    assert f'<a href="{BASE}/members/">Register members with their points</a>' in shown
    assert "Nothing waits for you" not in shown
    assert "all sent something" not in shown


@pytest.mark.parametrize(
    ("members", "points", "said"),
    [(0, 0, ["Register members with their points"]), (2, 0, ["Give members their points"]), (2, 3, [])],
)
def test_members_and_points_come_before_files(members, points, said):
    facts = SimpleNamespace(members=members, points=points, slots=0, silent_points=0, gaps=0, runs=(), invoices=0)
    with translation.override("en"):
        assert [str(text) for text, _place in _todo(facts, {"members": "/members/"}, (0, 0))] == said


@pytest.mark.parametrize(
    ("page", "asked", "alone", "narrowed"),
    [
        ("ledger", "q=x", "No account here holds anything yet", "No account fits"),
        ("ledger/journal", "name=ab", "Nothing of this organisation is on the ledger yet", "Leave out a filter"),
    ],
)
def test_nothing_there_and_nothing_found_are_told_apart(partner, page, asked, alone, narrowed):
    assert alone in partner.get(f"{BASE}/{page}/?month=2026-09").content.decode()
    assert narrowed in partner.get(f"{BASE}/{page}/?{asked}").content.decode()


def test_a_log_without_acts_says_so(copy_of, sign_in):
    partner = sign_in(copy_of("registered"), Role.PARTNER, "inna")
    assert "Nothing was done here yet" in partner.get(f"{BASE}/log/").content.decode()
    assert "Nothing fits" in partner.get(f"{BASE}/log/?who=x").content.decode()


@pytest.mark.parametrize("language", ["pl", "en"])
@pytest.mark.parametrize(("address", "status"), [("members/nobody/", 404), ("settings/", 403)])
def test_refusals_are_told_in_the_language_of_the_page(reader_of, language, address, status):
    answer = reader_of(Role.AUDITOR, "inna", language=language).get(f"{BASE}/{address}")
    main = answer.content.decode().partition("<main")[2].partition("</main>")[0]
    assert answer.status_code == status
    assert 'lang="en"' not in main
    assert 'class="button" href="/"' in main


def test_readings_that_members_took_stand_below_the_quality_of_data(partner):
    shown = partner.get(f"{BASE}/quality/readings/").content.decode()
    crumbs = shown.partition('class="crumbs"')[2].partition("</nav>")[0]
    assert f'<a href="{BASE}/quality/">Data quality</a>' in crumbs
    assert 'data-key="q" aria-current="page"' in shown
