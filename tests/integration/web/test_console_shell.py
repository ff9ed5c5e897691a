"""The frame of the console: navigation by role, tiles that lead somewhere, one month, organisations, help."""

import re
from html import unescape

import pytest
from django.contrib.auth import get_user_model
from django.urls import reverse

from ogniwo.interfaces.web.context import NOUNS
from ogniwo.services.access.roles import Role
from ogniwo.services.demo.sample import COMMUNITY_CODE

TODAY = f"/o/{COMMUNITY_CODE}/today/"


def text_of(answer):
    assert answer.status_code == 200, answer.status_code
    return answer.content.decode()


def test_every_tile_leads_to_a_page_with_the_month_it_speaks_of(reader_of):
    browser = reader_of(Role.PARTNER)
    page = text_of(browser.get(f"{TODAY}?month=2026-10"))
    links = re.findall(r'class="tile"><a href="([^"]+)"', page)
    assert [link.split("/")[3] for link in links] == [
        "members",
        "points",
        "files",
        "quality",
        "watches",
        "period",
        "bills",
        "ledger",
    ]
    assert "<strong>40</strong>" in page
    assert "100.0 %" in page
    for link in links:
        assert 'value="2026-10"' in text_of(browser.get(link)), link


def test_an_empty_month_says_what_to_do_first(reader_of):
    page = text_of(reader_of(Role.CLERK).get(f"{TODAY}?month=2025-03"))
    assert "nothing was imported for this month" in page
    assert "Import the files of the month" in page


@pytest.mark.parametrize("asked", ["", "nonsense", "0001-01", "9999-12", "2026-13"])
def test_a_month_that_is_none_becomes_the_last_whole_month(reader_of, asked):
    assert 'value="2026-10"' in text_of(reader_of(Role.CLERK).get(TODAY, {"month": asked}))


def test_the_months_beside_are_one_click_away_with_the_same_filters(reader_of):
    browser = reader_of(Role.CLERK)
    page = text_of(browser.get(f"/o/{COMMUNITY_CODE}/members/?q=SE-00&month=2026-10&page=1"))
    links = dict(re.findall(r'rel="(prev|next)" href="([^"]*)"', page))
    assert {name: unescape(link) for name, link in links.items()} == {
        "prev": "?q=SE-00&month=2026-09",
        "next": "?q=SE-00&month=2026-11",
    }
    assert 'value="2026-09"' in text_of(browser.get(f"/o/{COMMUNITY_CODE}/members/{unescape(links['prev'])}"))


def test_choosing_a_month_keeps_the_other_filters(reader_of):
    page = text_of(reader_of(Role.CLERK).get(f"/o/{COMMUNITY_CODE}/members/?q=SE-00&month=2026-10"))
    period = page.split('class="period"')[1].split("</form>")[0]
    assert '<input type="hidden" name="q" value="SE-00">' in period
    assert period.count('name="month"') == 1


def test_the_navigation_shows_what_the_role_may_open(reader_of):
    def nouns(role):
        nav = text_of(reader_of(role).get(TODAY)).split('class="nouns"')[1].split("</nav>")[0]
        return [link.split("/")[3] for link in re.findall(r'href="(/o/[^"]+)"', nav)]

    assert "people" in nouns(Role.PARTNER)
    assert "log" in nouns(Role.PARTNER)
    assert {"people", "log", "health"}.isdisjoint(nouns(Role.CLERK))
    assert {"log", "health"} <= set(nouns(Role.AUDITOR))
    assert "people" not in nouns(Role.AUDITOR)


def test_the_operator_switches_organisations_on_the_same_page(reader_of):
    browser = reader_of(Role.OPERATOR)
    page = text_of(browser.get("/o/platforma/members/"))
    switch = page.split('class="switch"')[1].split("</details>")[0]
    assert f'href="/o/{COMMUNITY_CODE}/members/"' in switch
    assert 'href="/o/inna/members/"' in switch
    tree = text_of(browser.get(reverse("organisations")))
    assert re.search(r'depth-1"><a href="/o/platforma/today/"', tree)
    assert re.search(r'depth-2"><a href="/o/przykladowo/today/"', tree)


def test_a_partner_sees_no_other_organisation(reader_of):
    page = text_of(reader_of(Role.PARTNER).get(TODAY))
    assert '<details class="switch">' not in page
    assert "Inna" not in page


def test_the_operator_sees_the_rows_below_and_a_neighbour_none(reader_of):
    browser = reader_of(Role.OPERATOR)
    assert "40 members found" in text_of(browser.get("/o/platforma/members/?month=2026-10"))
    assert "There are no members yet" in text_of(browser.get("/o/inna/members/"))


def test_breadcrumbs_name_the_noun_and_the_thing(reader_of):
    page = text_of(reader_of(Role.CLERK).get(f"/o/{COMMUNITY_CODE}/members/SE-001/"))
    crumbs = page.split('class="crumbs"')[1].split("</nav>")[0]
    assert f'<a href="/o/{COMMUNITY_CODE}/members/">Members</a>' in crumbs
    assert '<li aria-current="page">SE-001</li>' in crumbs


def test_help_names_the_keys_and_explains_words_in_both_languages(reader_of):
    page = text_of(reader_of(Role.CLERK).get(reverse("help")))
    assert re.findall(r"<kbd>g</kbd> <kbd>(\w)</kbd>", page) == [key for _name, key, _label, _act in NOUNS]
    assert "A gap is never a zero" in page
    polish = text_of(reader_of(Role.CLERK, language="pl").get(reverse("help")))
    assert "Luka nigdy nie jest zerem" in polish
    assert '<html lang="pl">' in polish


def test_filters_of_an_address_outlive_signing_in(site, browser_of):
    browser_of(Role.CLERK, name="anna")
    user = get_user_model().objects.get(username__startswith="anna@")
    user.email, phrase = "anna@clerk.example", "cztery krowy na tratwie"
    user.set_password(phrase)
    user.save()
    wanted = f"/o/{COMMUNITY_CODE}/members/?mode=bill&q=SE-00&month=2026-10"
    stranger = browser_of()
    asked = stranger.get(wanted)
    assert asked.status_code == 302
    page = text_of(stranger.get(asked.headers["location"]))
    kept = unescape(re.findall(r'name="next"[^>]* value="([^"]*)"', page.split("<main")[1])[0])
    assert kept == wanted
    answer = stranger.post(reverse("account_login"), {"login": user.email, "password": phrase, "next": kept})
    assert answer.headers["location"] == wanted
