"""What became of the energy a member fed in, to the Wh and the grosz of the settlement; and why there is no deposit."""

from http import HTTPStatus

import msgspec
import pytest
from django.urls import reverse

from keyed_phone import subject_of
from ogniwo.core.settlement.model import Statement
from ogniwo.interfaces.web.templatetags.console import kwh, zl
from ogniwo.records.access.models import Grant
from ogniwo.records.billing.models import InvoiceRecord
from ogniwo.records.metering.models import MeteringPoint
from ogniwo.records.parties.models import Member
from ogniwo.records.settlement.models import SettlementRun, StatementRecord
from ogniwo.services.access.roles import Role
from ogniwo.services.demo.sample import COMMUNITY_CODE, MONTH
from ogniwo.services.wallet import deposit
from ogniwo.services.wallet.deposit import community_pool, given_months

PROSUMER, CONSUMER = "SE-025", "SE-001"


def page_of(sign_in, workspace, number):
    client = sign_in(workspace, Role.MEMBER)
    Grant.objects.filter(user=client.user).update(member=Member.objects.get(number=number))
    answer = client.get(reverse("wallet_deposit", kwargs={"code": COMMUNITY_CODE, "number": number}))
    assert answer.status_code == HTTPStatus.OK
    return answer.content.decode()


def test_each_month_is_that_of_the_statement_and_the_bill(shared):
    (found,) = given_months(subject=subject_of(PROSUMER))
    record = StatementRecord.objects.get(point__member__number=PROSUMER)
    statement = msgspec.json.decode(record.document, type=Statement)
    assert found.month == MONTH
    assert found.given_wh == statement.flows.given_wh > 0
    assert found.given_wh == found.to_members_wh + found.surplus_wh
    assert (found.to_members_wh, found.from_pool_wh) == (statement.flows.community_out_wh, statement.flows.pool_wh)
    assert found.credit_grosz == statement.credit_grosz == record.credit_grosz > 0
    (line,) = found.credits
    quantity = int(line.quantity_text.replace(".", ""))
    assert quantity == found.to_members_wh
    document = InvoiceRecord.objects.get(member__number=PROSUMER)
    assert found.bill == document.number
    credited = msgspec.json.decode(document.document)["credits"]
    assert [(one["quantity_text"], one["rate_text"], one["net_grosz"]) for one in credited] == [
        (line.quantity_text, line.rate_text, line.net_grosz)
    ]
    assert shared is not None


def test_the_pool_is_the_one_of_the_run(shared):
    run = SettlementRun.objects.get(community__code=COMMUNITY_CODE)
    pool = community_pool(code=COMMUNITY_CODE)
    assert shared is not None
    assert (pool.after, pool.share, pool.months) == (MONTH, (6, 10), 12)
    # What went in and was not drawn is what is left: before the first settled month the pool was empty.
    assert run.inputs["whole"]["pool_before"] == "empty"
    assert pool.credited_wh - pool.used_wh == sum(row.left_wh for row in pool.rows)
    assert sum(row["wh"] for row in run.pool) == sum(row.left_wh for row in pool.rows)
    assert all(row.until == row.month.shifted(12) for row in pool.rows)


def test_too_few_members_hide_the_pool(shared, monkeypatch):
    monkeypatch.setattr(deposit, "FEWEST_MEMBERS", 1_000)
    assert community_pool(code=COMMUNITY_CODE) is None
    assert shared is not None


def test_the_page_shows_months_and_pool_and_leads_to_the_intervals(shared, sign_in):
    (found,) = given_months(subject=subject_of(PROSUMER))
    text = page_of(sign_in, shared, PROSUMER)
    for expected in (kwh(found.given_wh), kwh(found.surplus_wh), zl(found.credit_grosz), found.bill):
        assert expected in text
    assert f"?view=month&amp;at={MONTH.first}" in text
    assert "nobody in it has a prosumer deposit" in text
    assert kwh(community_pool(code=COMMUNITY_CODE).used_wh) in text


def test_an_empty_page_says_why(copy_of, sign_in):
    workspace = copy_of("imported")
    text = page_of(sign_in, workspace, CONSUMER)
    assert "None of your points feeds energy" in text
    assert "No month of the community is settled yet" in text
    assert "No month of yours is settled yet" in page_of(sign_in, workspace, PROSUMER)
    MeteringPoint.objects.filter(member__number=PROSUMER).update(role="consumer")
    assert "None of your points feeds energy" in page_of(sign_in, workspace, PROSUMER)


@pytest.mark.parametrize("number", [CONSUMER, PROSUMER])
def test_nobody_sees_the_months_of_another(shared, number):
    own = [one for one in given_months(subject=subject_of(number)) if one.given_wh]
    assert bool(own) == (number == PROSUMER)
    assert shared is not None
