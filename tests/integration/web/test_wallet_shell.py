"""Whose wallet opens for whom: the member's own, and for reading only the one that somebody looks at who said so."""

from http import HTTPStatus

import pytest
from django.urls import reverse

from ogniwo.interfaces.web.registry import LOOKS_AS, LOOKS_UNTIL
from ogniwo.records.parties.models import Member
from ogniwo.services.access.roles import Role
from ogniwo.services.demo.sample import COMMUNITY_CODE


def home_of(number):
    return reverse("wallet_home", kwargs={"code": COMMUNITY_CODE, "number": number})


def looking(browser, number):
    kept = browser.session
    kept[LOOKS_AS] = f"{COMMUNITY_CODE}/{number}"
    kept[LOOKS_UNTIL] = 2**40
    kept.save()
    return browser


@pytest.fixture
def numbers(shared):
    return [one.number for one in Member.objects.order_by("number")[:2]]


def test_a_member_arrives_in_his_wallet(reader_of, numbers):
    answer = reader_of(Role.MEMBER).get("/", follow=True)
    assert answer.redirect_chain[-1][0] == home_of(numbers[0])
    assert numbers[0] in answer.content.decode()


def test_the_wallet_of_another_member_is_not_there(reader_of, numbers):
    assert reader_of(Role.MEMBER).get(home_of(numbers[1])).status_code == HTTPStatus.NOT_FOUND


def test_a_clerk_may_not_look_and_a_partner_only_after_saying_so(reader_of, numbers):
    assert looking(reader_of(Role.CLERK), numbers[0]).get(home_of(numbers[0])).status_code == HTTPStatus.FORBIDDEN
    partner = reader_of(Role.PARTNER)
    assert partner.get(home_of(numbers[0])).status_code == HTTPStatus.FORBIDDEN
    answer = looking(partner, numbers[0]).get(home_of(numbers[0]))
    assert answer.status_code == HTTPStatus.OK
    assert "You can read, not act" in answer.content.decode()
    assert partner.get(home_of(numbers[1])).status_code == HTTPStatus.FORBIDDEN
    assert looking(partner, "SE-999").get(home_of("SE-999")).status_code == HTTPStatus.NOT_FOUND


def test_who_looks_does_not_act(reader_of, numbers):
    partner = looking(reader_of(Role.PARTNER), numbers[0])
    assert partner.post(home_of(numbers[0])).status_code == HTTPStatus.METHOD_NOT_ALLOWED
