"""Pages for what went wrong, in both languages: they say what to do, and stand without signing in or a database."""

import pytest
from django.test import Client
from django.urls import reverse

from ogniwo.interfaces.web.pages import help as help_page
from ogniwo.services.access.roles import Role


@pytest.mark.parametrize(("language", "said"), [("pl", "Coś poszło nie tak po naszej"), ("en", "Something went")])
def test_a_mistake_of_ours_is_told_as_ours(reader_of, monkeypatch, language, said):
    def broken(*_arguments, **_more):
        raise RuntimeError

    browser = reader_of(Role.CLERK, language=language)
    browser.raise_request_exception = False
    monkeypatch.setattr(help_page, "render", broken)
    answer = browser.get(reverse("help"))
    page = answer.content.decode()
    assert answer.status_code == 500
    assert f'<html lang="{language}">' in page
    assert said in page
    assert 'href="/"' in page


@pytest.mark.parametrize(("language", "said"), [("pl", "Formularz jest nieaktualny"), ("en", "The form is out of")])
def test_a_form_from_before_signing_in_is_told_so(shared, language, said):
    strict = Client(enforce_csrf_checks=True, HTTP_HOST="127.0.0.1", headers={"accept-language": language})
    answer = strict.post(reverse("account_login"), {"login": "x@y.example", "password": "x"})
    assert answer.status_code == 403
    assert said in answer.content.decode()


def test_an_address_that_cannot_be_is_told_so(shared):
    stranger = Client(HTTP_HOST="elsewhere.example", headers={"accept-language": "en"})
    answer = stranger.get("/")
    assert answer.status_code == 400
    assert "The request cannot be read" in answer.content.decode()
