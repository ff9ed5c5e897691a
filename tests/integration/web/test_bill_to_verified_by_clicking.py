"""Who never saw the wallet gets from its first page to a paid and verified bill by pressing what is offered."""

import pytest

from browsing import READY, Phone, outcome, serving
from ogniwo.services.demo.wallet import MEMBERS

NUMBER = MEMBERS[0]


@pytest.fixture
def phone(copy_of, tmp_path):
    """A phone without a key, signed in as a member who has a bill and tokens."""
    workspace = copy_of("wallets")
    with serving(workspace) as base:
        yield Phone(workspace, base, NUMBER, tmp_path / "phone")


def test_from_the_first_page_to_a_paid_and_verified_bill(phone):
    def work(page):
        def press(text, *, role="link"):
            page.get_by_role(role, name=text, exact=True).first.click()
            page.wait_for_load_state()

        page.goto(phone.at(""))
        page.locator(".cards a", has_text="Do zapłaty").click()
        page.wait_for_url("**/bills/**")
        bill = page.url
        press("Zapłać tokenami")
        page.wait_for_selector("#no-key:not([hidden])")
        paying = page.url
        press("Urządzenia")
        page.wait_for_selector(READY, state="attached")
        press("Przygotuj to urządzenie", role="button")
        page.wait_for_selector("#ready:not([hidden])")
        press("Dokończ to, co zaczęte")
        assert page.url == paying, "the payment was waiting"
        page.wait_for_selector(READY, state="attached")
        press("Przejrzyj", role="button")
        press("Potwierdź i podpisz", role="button")
        assert outcome(page) == "done"
        press("Rachunki")
        page.locator(".cards a", has_text="Rachunek").first.click()
        page.wait_for_url(bill)
        assert page.locator(".card.sum .state").inner_text() == "opłacony"
        press("Sprawdź")
        page.wait_for_selector("html[data-verdict=ok]", state="attached")
        assert "Zgadza się" in page.locator("#result-said").inner_text()
        return page.wrong

    assert phone.do(work) == []
