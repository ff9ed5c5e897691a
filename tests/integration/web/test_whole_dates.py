"""Dates stand in one piece on narrow pages: an element around each in the text, nowhere else."""

import re

import pytest

from browsing import browse
from ogniwo.interfaces.web.dates import with_whole_dates
from ogniwo.services.access.roles import Role
from ogniwo.services.demo.sample import COMMUNITY_CODE


@pytest.mark.parametrize(
    ("page", "wanted"),
    [
        ("<p>until 2026-11-22.</p>", "<p>until <time>2026-11-22</time>.</p>"),
        (
            "<td>2026-10-25 02:15+02 – 2026-10-26</td>",
            "<td><time>2026-10-25</time> 02:15+02 – <time>2026-10-26</time></td>",
        ),
        ("<b>2026-10</b>", "<b><time>2026-10</time></b>"),
        ("2026-11-22", "2026-11-22"),
    ],
)
def test_dates_of_the_text_get_an_element(page, wanted):
    assert with_whole_dates(page.encode()).decode() == wanted


@pytest.mark.parametrize(
    "page",
    [
        '<input value="2026-11-22">',
        '<a href="?day=2026-11-22" title="on 2026-11-22">here</a>',
        "<option>2026-11</option>",
        "<option selected>2026-11-22</option>",
        "<title>2026-11-22</title>",
        '<svg><text x="1">2026-11-22</text></svg>',
        "<textarea>2026-11-22</textarea>",
        '<script type="application/json">{"day": "2026-11-22"}</script>',
        "<!-- 2026-11-22 -->",
        "<p>FV/2026-11 and SE-2026-11-22 and 2026-11-22T10:00 and x_2026-11-22.csv and 12026-11</p>",
        "<p>2026-13-01 and 2026-00</p>",
        "<p>590999772600000018 and 20-26</p>",
    ],
)
def test_attributes_and_longer_names_stay_as_they_are(page):
    assert with_whole_dates(page.encode()).decode() == page


def test_pages_have_their_dates_in_one_piece_and_files_are_left_alone(reader_of):
    browser = reader_of(Role.OPERATOR)
    page = browser.get(f"/o/{COMMUNITY_CODE}/bills/?month=2026-10").content.decode()
    text = re.sub(r"<(title|script|option)\b.*?</\1>|<time>.*?</time>|<[^>]*>", " ", page, flags=re.DOTALL)
    assert page.count("<time>") > 40
    assert re.findall(r"(?<![\w/-])20\d\d-\d\d(?:-\d\d)?(?![\w-])", text) == []
    file = browser.get(f"/o/{COMMUNITY_CODE}/log/csv/")
    assert b"2026-11-06" in file.content
    assert b"<time>" not in file.content


def test_a_date_is_not_broken_where_there_is_no_room():
    assert browse(_lines) == [3, 1]


def _lines(browser):
    """How many lines a date takes in no room at all: as plain text, and as pages have it."""
    page = browser.new_page()
    sheet = "time { white-space: nowrap; } p { inline-size: 1px; font: 16px/20px monospace; margin: 0; }"
    plain = "<p>2026-11-22</p>"
    page.set_content(f"<style>{sheet}</style>{plain}{with_whole_dates(plain.encode()).decode()}")
    return page.evaluate("[...document.querySelectorAll('p')].map((one) => one.offsetHeight / 20)")
