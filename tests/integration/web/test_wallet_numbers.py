"""A member's pages say the same as the settlement, the bill and the console: to the Wh and to the grosz."""

import csv
import io
from datetime import date
from http import HTTPStatus

import msgspec
import numpy as np
import pytest
from django.urls import reverse
from django.utils import translation

from ogniwo.core.settlement.model import Statement
from ogniwo.interfaces.web.templatetags.console import kwh, zl
from ogniwo.records.access.models import Grant
from ogniwo.records.billing.models import InvoiceRecord
from ogniwo.records.parties.models import Member
from ogniwo.records.settlement.models import StatementRecord
from ogniwo.records.visibility import Subject
from ogniwo.services.access.roles import Role
from ogniwo.services.demo.sample import COMMUNITY_CODE, MONTH
from ogniwo.services.settlement.closing import unpack_flows
from ogniwo.services.wallet.bills import BillState, due_now, member_bill, member_bills
from ogniwo.services.wallet.community import community_view
from ogniwo.services.wallet.energy import DAYS_MAX, PeriodTooLongError, Step, data_until, member_energy, shifted_period
from ogniwo.services.wallet.money import member_cost

PROSUMER = "SE-025"
FIRST, END = MONTH.first, MONTH.shifted(1).first


def subject_of(number):
    return Subject(Member.objects.get(number=number).organisation.path, number)


def statement_of(number):
    return msgspec.json.decode(StatementRecord.objects.get(point__member__number=number).document, type=Statement)


def energy_of(workspace, number, **changed):
    asked = {"first": FIRST, "last_exclusive": END, "step": Step.DAY, "netted": True}
    return member_energy(workspace, subject=subject_of(number), **(asked | changed))


def address(name, number=PROSUMER, **more):
    return reverse(name, kwargs={"code": COMMUNITY_CODE, "number": number} | more)


@pytest.fixture
def own(shared, sign_in):
    """A browser of the prosumer himself."""
    client = sign_in(shared, Role.MEMBER)
    Grant.objects.filter(user=client.user).update(member=Member.objects.get(number=PROSUMER))
    return client


@pytest.mark.parametrize("number", ["SE-001", PROSUMER])
@pytest.mark.parametrize("step", list(Step))
def test_energy_after_netting_is_that_of_the_statement(shared, number, step):
    total, flows = energy_of(shared, number, step=step).total, statement_of(number).flows
    assert (total.taken, total.given) == (flows.taken_wh, flows.given_wh)
    assert total.community_in == flows.community_in_wh
    assert (total.from_pool, total.grid) == (flows.pool_wh, flows.grid_wh)
    assert (total.community_out, total.surplus) == (flows.community_out_wh, flows.surplus_wh)
    assert total.settled
    assert not total.missing
    assert total.own == flows.metered_in_wh - flows.taken_wh


@pytest.mark.parametrize("step", list(Step))
def test_energy_as_metered_is_what_the_meter_counted(shared, step):
    total, flows = energy_of(shared, PROSUMER, step=step, netted=False).total, statement_of(PROSUMER).flows
    assert (total.taken, total.given) == (flows.metered_in_wh, flows.metered_out_wh)


def test_hours_and_days_and_the_month_are_the_same_energy(shared):
    hours, days = (energy_of(shared, PROSUMER, step=step) for step in (Step.HOUR, Step.DAY))
    assert len(hours.buckets) == 745, "October repeats an hour"
    assert len(days.buckets) == 31
    by_day = {}
    for one in hours.buckets:
        by_day[one.day] = by_day.get(one.day, 0) + one.sums.taken
    assert by_day == {one.day: one.sums.taken for one in days.buckets}
    assert len({label for label in hours.labels() if label.startswith("2026-10-25 02:00")}) == 2


def test_a_day_is_a_part_of_the_month(shared):
    day = energy_of(shared, PROSUMER, first=date(2026, 10, 5), last_exclusive=date(2026, 10, 6), step=Step.HOUR)
    assert len(day.buckets) == 24
    flows = unpack_flows(bytes(StatementRecord.objects.get(point__member__number=PROSUMER).flows))
    assert [one.sums.grid for one in day.buckets] == flows["grid"][96:120].tolist()


def test_no_data_is_not_zero(shared):
    march = energy_of(shared, PROSUMER, first=date(2026, 3, 1), last_exclusive=date(2026, 4, 1))
    assert not march.total.known
    assert not any(one.sums.known for one in march.buckets)


def test_a_gap_is_counted_and_not_settled(copy_of):
    workspace = copy_of("imported")
    found = [
        energy_of(workspace, number, netted=False).total
        for number in Member.objects.filter(organisation__code=COMMUNITY_CODE).values_list("number", flat=True)
    ]
    assert sum(one.missing for one in found) > 0
    assert not any(one.settled for one in found)


def test_a_period_has_bounds(shared):
    for last in (FIRST, date(2030, 1, 1)):
        with pytest.raises(PeriodTooLongError, match=str(DAYS_MAX)):
            energy_of(shared, PROSUMER, last_exclusive=last)


def test_what_a_period_is_compared_with():
    assert shifted_period(FIRST, END, by_year=False) == (date(2026, 9, 1), FIRST)
    assert shifted_period(FIRST, END, by_year=True) == (date(2025, 10, 1), date(2025, 11, 1))
    assert shifted_period(date(2026, 10, 5), date(2026, 10, 12), by_year=False) == (
        date(2026, 9, 28),
        date(2026, 10, 5),
    )
    assert shifted_period(date(2024, 2, 29), date(2024, 3, 1), by_year=True) == (date(2023, 3, 1), date(2023, 3, 1))


def test_fresh_to_the_end_of_the_last_interval(shared):
    assert data_until(shared, subject=subject_of(PROSUMER)) == 1_793_487_600  # 2026-11-01 00:00 in Warsaw


def test_zloty_of_a_month_are_those_of_the_statement_and_of_days_nearly(shared):
    months = member_cost(shared, subject=subject_of(PROSUMER), first=FIRST, last_exclusive=END, starts=(1_790_805_600,))
    statement = statement_of(PROSUMER)
    assert months.energy_grosz + months.fixed_grosz == statement.net_grosz
    days = energy_of(shared, PROSUMER)
    starts = tuple(one.start_epoch_s for one in days.buckets)
    cost = member_cost(shared, subject=subject_of(PROSUMER), first=FIRST, last_exclusive=END, starts=starts)
    assert cost.basis == "bill"
    assert abs(cost.energy_grosz - months.energy_grosz) <= len(statement.lines), "each line is rounded once"
    assert all(one is not None for one in cost.grosz)
    one_day = member_cost(
        shared,
        subject=subject_of(PROSUMER),
        first=days.buckets[4].day,
        last_exclusive=days.buckets[5].day,
        starts=starts[4:5],
    )
    assert one_day.grosz == cost.grosz[4:5]


def test_no_settlement_no_zloty(shared):
    cost = member_cost(
        shared, subject=subject_of(PROSUMER), first=date(2026, 9, 1), last_exclusive=FIRST, starts=(1_788_213_600,)
    )
    assert cost.grosz == (None,)
    assert cost.unpriced == ("2026-09",)


def test_a_bill_is_the_document_and_its_lines_sum_to_it(shared):
    record = InvoiceRecord.objects.get(member__number=PROSUMER)
    found = member_bill(shared, number=record.number, subject=subject_of(PROSUMER), language="en")
    assert found.summary.gross_grosz == record.gross_grosz
    assert sum(one.net_grosz for one in found.lines) == record.net_grosz
    assert {one.variable for one in found.lines} == {True, False}
    assert all(one.hours.total_wh == one.quantity for one in found.lines if one.hours)
    assert found.code_svg.startswith("<svg")
    assert found.summary.state == BillState.OPEN
    due = due_now(member_bills(shared, subject=subject_of(PROSUMER)))
    assert due.to_pay_grosz == record.gross_grosz
    assert due.to_receive_grosz == found.document["credit_gross_grosz"] > 0


def test_the_community_is_the_sum_of_its_statements(shared):
    view = community_view(shared, code=COMMUNITY_CODE, day=FIRST)
    statements = [msgspec.json.decode(one.document, type=Statement) for one in StatementRecord.objects.all()]
    assert view.months[0].taken_wh == sum(one.flows.taken_wh for one in statements)
    assert view.months[0].exchanged_wh == sum(one.flows.community_in_wh for one in statements)
    last_day = sum(int(unpack_flows(bytes(one.flows))["taken"][-24:].sum()) for one in StatementRecord.objects.all())
    assert view.state.taken_wh == last_day
    assert view.state.day == date(2026, 10, 31)


def test_pages_show_these_numbers(shared, own):
    flows = statement_of(PROSUMER).flows
    record = InvoiceRecord.objects.get(member__number=PROSUMER)
    with translation.override("en"):
        used, to_pay = kwh(flows.taken_wh), zl(record.gross_grosz)
        grid = kwh(flows.grid_wh)
    home = own.get(address("wallet_home")).content.decode()
    assert used in home
    assert to_pay in home
    assert "Data to <time>2026-11-01</time> 00:00" in home
    energy = own.get(address("wallet_energy")).content.decode()
    assert f"{grid} from the grid" in energy
    assert record.number in energy
    bill = own.get(address("wallet_bills_one", bill=record.number)).content.decode()
    assert to_pay in bill
    assert "data:image/svg+xml;base64," in bill
    pdf = own.get(address("wallet_bills_pdf", bill=record.number))
    assert pdf.content.startswith(b"%PDF")


def test_the_file_holds_every_hour(shared, own):
    answer = own.get(address("wallet_energy_file", form="csv") + "?view=month&at=2026-10-01")
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert len(rows) == 745
    assert sum(int(row["taken Wh"]) for row in rows) == statement_of(PROSUMER).flows.taken_wh
    quarters = own.get(address("wallet_energy_file", form="csv") + "?view=day&at=2026-10-05&netting=before")
    assert len(quarters.content.decode().splitlines()) in {25, 97}
    assert own.get(address("wallet_energy_file", form="xlsx")).content.startswith(b"PK")


@pytest.mark.parametrize(
    "query",
    [
        "?view=day&at=2026-10-25&netting=before&step=quarter",
        "?view=year&at=2026-01-01&unit=zl",
        "?view=month&at=2026-10-01&unit=zl&compare=previous",
        "?view=range&from=2026-10-05&to=2026-10-11&compare=year",
        "?view=day&at=2026-10-05&unit=zl",
        "?view=month&at=2019-01-01",
        "?view=nonsense&at=yesterday&from=x&to=y",
        "?view=range&from=2026-10-05&to=2026-10-01",
        "?view=range&from=2010-10-05&to=2026-10-01",
    ],
)
def test_every_view_opens(own, query):
    assert own.get(address("wallet_energy") + query).status_code == HTTPStatus.OK


def test_nothing_of_another_member_opens(own):
    other = InvoiceRecord.objects.exclude(member__number=PROSUMER).first()
    for name in ("wallet_bills_one", "wallet_bills_pdf"):
        assert own.get(address(name, bill=other.number)).status_code == HTTPStatus.NOT_FOUND
        elsewhere = address(name, number=other.member.number, bill=other.number)
        assert own.get(elsewhere).status_code == HTTPStatus.NOT_FOUND
    assert own.get(address("wallet_energy", number=other.member.number)).status_code == HTTPStatus.NOT_FOUND
    assert other.number not in own.get(address("wallet_bills")).content.decode()


def test_days_are_summed_as_the_cells_say(shared):
    point = Member.objects.get(number=PROSUMER).points.get().code
    for channel in ("1.29.0", "2.29.0"):
        series = shared.series.read(point=point, channel=channel, month=MONTH)
        sums = shared.series.day_sums(point=point, channel=channel, month=MONTH)
        assert int(sums.wh.sum()) == series.present_total_wh
        assert int(sums.missing.sum()) == int(series.missing.sum())
        assert int(sums.estimated.sum()) == int(np.isin(series.quality, (3, 4)).sum())
        assert sums.until_epoch_s == 1_793_487_600
