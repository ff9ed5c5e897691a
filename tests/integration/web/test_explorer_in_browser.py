"""The chart of the interval explorer in Chromium: drawn, zoomed by keys and buttons, taken along; without it, plain."""

import pytest

from browsing import browse, page_of, serving
from ogniwo.interfaces.web.charts import has_chart_bundle
from ogniwo.services.access.roles import Role
from ogniwo.services.demo.sample import COMMUNITY_CODE, POINTS

DOZEN = "&".join(f"point={one.code}" for one in POINTS[:14])
ADDRESS = f"/o/{COMMUNITY_CODE}/intervals/?from=2026-10-01&to=2026-10-31&{DOZEN}&kind=taken&step=3600"


@pytest.fixture
def explored(shared, sign_in):
    """The address of a served workspace and the cookie of a clerk."""
    assert has_chart_bundle(), "the chart bundle is not built: run `make charts`"
    clerk = sign_in(shared, Role.CLERK)
    with serving(shared) as base:
        yield base, clerk.cookies["sessionid"].value


def opened(browser, explored, *, wrong, **more):
    base, cookie = explored
    page = page_of(browser, base, cookie, wrong=wrong, locale="en", **more)
    assert page.goto(base + ADDRESS).status == 200
    return page


def colours_drawn(page):
    """How many different colours the canvas holds: one when nothing is drawn."""
    return page.evaluate(
        """() => {
          const canvas = document.querySelector("#explorer canvas");
          const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
          return new Set(new Uint32Array(data.buffer)).size;
        }"""
    )


def test_a_dozen_series_are_zoomed_switched_and_saved(explored, tmp_path):
    browse(lambda browser: _zoom_and_save(browser, explored, tmp_path))


def _zoom_and_save(browser, explored, folder):
    wrong = []
    page = opened(browser, explored, wrong=wrong, permissions=["clipboard-read", "clipboard-write"])
    page.locator("#explorer canvas").first.wait_for()
    whole = colours_drawn(page)
    assert whole > 14
    assert not page.locator(".still").is_visible()
    said = page.locator("#explorer [data-said]")
    page.get_by_role("button", name="Zoom in").click()
    half = said.inner_text()
    assert half.startswith("Shown: from 2026-10-08")
    page.locator("#explorer .canvas").focus()
    page.keyboard.press("ArrowRight")
    assert said.inner_text() > half
    page.keyboard.press("0")
    assert said.inner_text() == "Shown: from 2026-10-01 00:00 to 2026-10-31 23:00"
    page.locator("#explorer .canvas").hover()
    page.keyboard.down("Control")
    page.mouse.wheel(0, -400)
    page.keyboard.up("Control")
    page.get_by_role("button", name="Earlier").click()
    assert said.inner_text() != "Shown: from 2026-10-01 00:00 to 2026-10-31 23:00", "the wheel zoomed"
    for box in page.locator("input[data-series]").all():
        box.uncheck()
    assert colours_drawn(page) < whole
    page.locator("input[data-series]").first.check()
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save as PNG").click()
    assert saved.value.suggested_filename == "intervals-2026-10-01-2026-10-31.png"
    saved.value.save_as(folder / "chart.png")
    picture = (folder / "chart.png").read_bytes()
    assert picture.startswith(b"\x89PNG")
    assert len(picture) > 10_000
    page.get_by_role("button", name="Copy all values").click()
    page.get_by_text("Copied.").wait_for()
    lines = page.evaluate("navigator.clipboard.readText()").rstrip("\n").split("\n")
    assert len(lines) == 746
    assert all(line.count("\t") == 14 for line in lines)
    assert wrong == []


def test_paper_and_a_browser_without_scripts_get_the_plain_chart(explored):
    browse(lambda browser: _plain(browser, explored))


def _plain(browser, explored):
    wrong = []
    page = opened(browser, explored, wrong=wrong, java_script_enabled=False)
    assert page.locator(".still svg.chart").is_visible()
    assert page.locator(".still path.line").count() == 14
    assert not page.locator("#explorer").is_visible()
    scripted = opened(browser, explored, wrong=wrong)
    scripted.locator("#explorer canvas").first.wait_for()
    scripted.emulate_media(media="print")
    assert scripted.locator(".still svg.chart").is_visible()
    assert not scripted.locator("#explorer").is_visible()
    assert wrong == []


def test_when_the_numbers_do_not_come_the_plain_chart_stays(explored):
    browse(lambda browser: _without_numbers(browser, explored))


def _without_numbers(browser, explored):
    page = opened(browser, explored, wrong=[])
    page.route("**/intervals/json/**", lambda route: route.abort())
    page.reload()
    page.get_by_text("could not be fetched").wait_for()
    assert page.locator(".still svg.chart").is_visible()
