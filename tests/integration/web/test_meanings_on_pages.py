"""On a Polish page a refusal or finding says what it means before its English detail; an English page is as it was."""

import re
from http import HTTPStatus

import pytest

from ogniwo.records.jobs.models import Job
from ogniwo.services.access.roles import Role
from ogniwo.services.demo.sample import COMMUNITY_CODE, MONTH
from ogniwo.services.jobs.asking import start_job
from ogniwo.services.workspace.meanings import meaning_of

HERE = f"/o/{COMMUNITY_CODE}"
LANGUAGES = ("pl", "en")


def shown(browser, address, status=HTTPStatus.OK):
    """A page without its tags and with single blanks."""
    answer = browser.get(f"{HERE}{address}")
    assert answer.status_code == status
    return " ".join(re.sub(r"<[^>]+>", " ", answer.content.decode()).split())


@pytest.fixture(params=LANGUAGES)
def told(request, reader_of):
    """What a page of one language shows, and whether that is Polish."""

    def told(address, status=HTTPStatus.OK):
        page = shown(reader_of(Role.CLERK, language=request.param), address, status)
        return page, request.param == "pl"

    return told


def test_a_refused_form_says_what_the_refusal_means(told):
    page, polish = told(f"/formulas/?formula=x&month={MONTH}")
    meaning = "To nie jest formuła: `+ PUNKT KANAŁ - PUNKT KANAŁ + [ZESTAW]`, ze znakiem przed każdym składnikiem."
    assert (f"{meaning} Szczegóły (ang.): " in page) == polish
    assert page.count("formula.not_understood") == 1


def test_a_refused_price_says_what_the_refusal_means(told):
    page, polish = told("/tariffs/try/?month=2026-02&typed=1&group=G12w&kwh_peak=12x")
    assert ("Tekst nie jest dokładną liczbą dziesiętną" in page) == polish
    assert ("Szczegóły (ang.):" in page) == polish
    assert "12x" in page


def test_what_is_not_there_is_told_on_a_page_of_its_own(told):
    page, polish = told("/points/590999010000009999/", HTTPStatus.NOT_FOUND)
    assert ("Adres prowadzi donikąd albo do czegoś, czego Twoja rola nie pokazuje." in page) == polish
    assert "access.not_found" in page


@pytest.mark.parametrize("language", LANGUAGES)
def test_findings_of_rules_are_explained_in_both_languages(copy_of, sign_in, language):
    page = shown(sign_in(copy_of("imported"), Role.CLERK, language=language), f"/quality/?month={MONTH}")
    rules = set(re.findall(r"V[0-9]+[.][a-z_]+", page))
    assert rules
    for rule in rules:
        assert meaning_of(rule, language) in page, rule


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_job_that_was_refused_says_why_on_its_page_and_in_the_list(site, browser_of, drain, language):
    clerk = browser_of(Role.CLERK, language=language)
    days = {"issue_date": "2026-11-06", "due_date": "2026-11-20"}
    job = start_job(
        site, kind="issue_bills", organisation_code=COMMUNITY_CODE, parameters={"month": str(MONTH), **days}, by="a@b"
    )
    drain(site)
    detail = Job.objects.get(pk=job.id).error_detail
    for address in (f"/jobs/{job.id}/", "/jobs/"):
        page = shown(clerk, address)
        meaning = "Rachunki miały powstać z rozliczenia, którego nikt nie zatwierdził. Szczegóły (ang.): "
        assert (meaning in page) == (language == "pl")
        assert detail[:60] in page
        assert "approval.missing" in page


@pytest.mark.parametrize(
    ("language", "meaning"),
    [("pl", "Nie ma takiego członka albo nie masz do niego dostępu."), ("en", "There is no such member, or the")],
)
def test_the_wallets_scripts_are_told_what_a_refusal_means(copy_of, sign_in, language, meaning):
    member = sign_in(copy_of("wallets"), Role.MEMBER, language=language)
    said = member.get(f"/w/{COMMUNITY_CODE}/SE-001/tokens/taker/?number=SE-999").json()
    assert (said["code"], set(said)) == ("tokens.member", {"code", "meaning", "detail"})
    assert said["meaning"].startswith(meaning)
