"""Drafting: the example of a real bill, order and ids of lines, sums, adjustments, refusals."""

from dataclasses import replace
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ogniwo.core.billing.invoice import (
    MixedStatementsError,
    NothingToInvoiceError,
    account_adjustments,
    draft_invoice,
)
from ogniwo.core.billing.model import Adjustment, AdjustmentKind, InvoiceHeaderError, Party, PartyError, vat_on
from ogniwo.core.billing.payment import NotAnAccountError
from ogniwo.core.kernel.calendar import Month
from ogniwo.core.tariffs.model import Category


def test_law_2_a_variable_charges_of_a_real_bill(samples):
    energy, dist, law = Category.ENERGY, Category.DISTRIBUTION, Category.STATUTORY
    lines = [
        samples.line("energy.active", "Energia", "Energy", energy, 290_000, "0.3015", "kWh"),
        samples.line("quality", "Jakościowa", "Quality", dist, 290_000, "0.0102", "kWh"),
        samples.line("network.variable", "Sieciowa", "Network", dist, 290_000, "0.1648", "kWh"),
        samples.line("oze", "OZE", "RES", law, 290_000, "0.0022", "kWh"),
        samples.line("cogeneration", "Kogeneracyjna", "Cogeneration", law, 290_000, "0", "kWh"),
    ]
    invoice = draft_invoice(header=samples.header(), statements=[samples.statement(samples.HOUSE, lines)])
    assert [line.item.net_grosz for line in invoice.lines] == [8_744, 296, 4_779, 64]
    assert (invoice.net_grosz, invoice.gross_grosz) == (13_883, 17_076)
    assert [line.item.charge for line in invoice.lines] == ["energy.active", "quality", "network.variable", "oze"]


def test_law_2_a_fixed_charges_of_a_real_bill(samples):
    dist = Category.DISTRIBUTION
    lines = [
        samples.line(f"fixed.{price}", "Stała", "Fixed", dist, 1, price, "month")
        for price in ("6.02", "0.33", "7.47", "1.92")
    ]
    invoice = draft_invoice(header=samples.header(), statements=[samples.statement(samples.HOUSE, lines)])
    assert (invoice.net_grosz, invoice.gross_grosz) == (1_574, 1_936)


def test_vat_is_on_the_sum_and_not_on_the_lines(samples):
    lines = [samples.line(f"c{n}", "x", "x", Category.OTHER, 1, "0.02", "1") for n in range(10)]
    invoice = draft_invoice(header=samples.header(), statements=[samples.statement(samples.HOUSE, lines)])
    assert invoice.vat_grosz == 5  # 23 % of 20 grosz is 4.6; ten lines alone would give nothing (0.46 each)


@given(st.lists(st.tuples(st.integers(-(10**9), 10**9), st.sampled_from([0, 5, 8, 23])), min_size=1, max_size=8))
def test_vat_equals_the_decimal_calculation(parts):
    for net, rate in parts:
        exact = (Decimal(net) * rate / 100).quantize(Decimal(1), rounding=ROUND_HALF_UP)
        assert vat_on(net_grosz=net, rate_percent=rate) == int(exact)


def test_lines_stand_by_category_and_are_numbered_through(samples):
    statement = samples.household_statement()
    shuffled = replace(statement, lines=statement.lines[::-1])
    invoice = draft_invoice(header=samples.header(), statements=[shuffled])
    order = ["energy", "community", "distribution", "statutory", "other"]
    ranks = [order.index(line.item.category) for line in invoice.lines]
    assert ranks == sorted(ranks)
    assert [line.number for line in invoice.lines] == list(range(1, 13))


def test_totals_of_the_household_follow_from_decimal(samples):
    invoice = samples.household()
    net = sum(line.item.net_grosz for line in invoice.lines)
    vat = int((Decimal(net) * 23 / 100).quantize(Decimal(1), rounding=ROUND_HALF_UP))
    assert (invoice.net_grosz, invoice.vat_grosz, invoice.gross_grosz) == (net, vat, net + vat)
    assert (invoice.first, invoice.last_exclusive) == (date(2026, 10, 1), date(2026, 11, 1))
    assert invoice.to_pay_grosz == invoice.gross_grosz
    assert invoice.overpaid_grosz == 0


def test_lines_without_quantity_and_statutory_lines_without_price_stay_out(samples):
    dist, law = Category.DISTRIBUTION, Category.STATUTORY
    lines = [
        samples.line("network.variable", "x", "x", dist, 0, "0.24", "kWh"),
        samples.line("oze", "x", "x", law, 5_000, "0", "kWh"),
        samples.line("trade.fee", "x", "x", Category.ENERGY, 1, "0", "month"),
    ]
    invoice = draft_invoice(header=samples.header(), statements=[samples.statement(samples.HOUSE, lines)])
    assert [line.item.charge for line in invoice.lines] == ["trade.fee"]


def test_several_vat_rates_are_summed_apart(samples):
    lines = [
        samples.line("a", "x", "x", Category.ENERGY, 1, "10.05", "month", vat=8),
        samples.line("b", "x", "x", Category.OTHER, 1, "1.99", "month", vat=23),
        samples.line("c", "x", "x", Category.OTHER, 1, "0.99", "month", vat=8),
    ]
    invoice = draft_invoice(header=samples.header(), statements=[samples.statement(samples.HOUSE, lines)])
    assert [(vat.rate_percent, vat.net_grosz, vat.vat_grosz, vat.gross_grosz) for vat in invoice.vat] == [
        (23, 199, 46, 245),
        (8, 1_104, 88, 1_192),
    ]
    assert invoice.gross_grosz == 245 + 1_192


def test_ids_of_lines_survive_a_new_settlement_but_differ_between_lines(samples):
    before = draft_invoice(header=samples.header(), statements=[samples.household_statement()])
    after = draft_invoice(
        header=samples.header("FV/2026/12/0009"), statements=[samples.household_statement(version=2, peak=90_000)]
    )
    assert [line.uu_id for line in before.lines] == [line.uu_id for line in after.lines]
    ids = {line.uu_id for line in before.lines}
    assert len(ids) == len(before.lines)
    assert all(len(uu_id) == 32 for uu_id in ids)


def test_two_lines_of_one_kind_and_day_keep_different_ids(samples):
    same = [samples.line("fee", "x", "x", Category.OTHER, 1, price, "1") for price in ("1.00", "2.00")]
    invoice = draft_invoice(header=samples.header(), statements=[samples.statement(samples.HOUSE, same)])
    assert len({line.uu_id for line in invoice.lines}) == 2


def test_several_points_and_months_stand_in_order(samples):
    statements = [
        samples.statement("B", samples.g12w_lines()),
        samples.statement("A", samples.g12w_lines(), month=Month(2026, 11)),
        samples.statement("A", samples.g12w_lines()),
    ]
    invoice = draft_invoice(header=samples.header(), statements=statements)
    assert [(one.facts.point, str(one.month)) for one in invoice.points] == [
        ("A", "2026-10"),
        ("A", "2026-11"),
        ("B", "2026-10"),
    ]
    assert len({line.uu_id for line in invoice.lines}) == len(invoice.lines) == 36
    assert [line.point for line in invoice.lines] == ["A"] * 24 + ["B"] * 12


def test_balance_interest_and_deposit_move_only_the_amount_to_pay(samples):
    invoice = samples.school()
    assert invoice.to_pay_grosz == invoice.gross_grosz + 125_050 + 1_873
    prosumer = samples.prosumer()
    assert prosumer.to_pay_grosz == prosumer.gross_grosz - 2_000 - 5_500
    assert [one.code for one in prosumer.adjustments] == ["overpayment", "deposit"]


def test_credits_are_information_unless_netting_is_asked_for(samples):
    plain, netted = samples.prosumer(), samples.prosumer(net_credits=True)
    assert plain.credit_gross_grosz == 16_890  # 402.150 kWh x 0.42 = 168.903
    assert plain.vat == netted.vat
    assert netted.balance_grosz == plain.balance_grosz - 16_890
    assert (netted.to_pay_grosz, netted.overpaid_grosz) == (0, -netted.balance_grosz)


def test_an_adjustment_has_a_direction_and_is_never_negative():
    with pytest.raises(ValueError, match="positive"):
        Adjustment(code="x", kind=AdjustmentKind.CHARGE, label_pl="x", label_en="x", amount_grosz=-1)
    assert account_adjustments() == ()


def test_what_cannot_be_one_invoice_is_refused(samples):
    one = samples.household_statement()
    with pytest.raises(NothingToInvoiceError):
        draft_invoice(header=samples.header(), statements=[])
    with pytest.raises(MixedStatementsError, match="M-0027, M-0088"):
        draft_invoice(header=samples.header(), statements=[one, replace(one, member="M-0088", point="X")])
    with pytest.raises(MixedStatementsError, match="occurs twice"):
        draft_invoice(header=samples.header(), statements=[one, replace(one, version=2)])


def test_headers_and_parties_that_contradict_themselves_are_refused(samples):
    with pytest.raises(InvoiceHeaderError):
        samples.header(due_date=date(2026, 11, 5))
    with pytest.raises(InvoiceHeaderError):
        samples.header(number=" ")
    with pytest.raises(NotAnAccountError):
        replace(samples.header(), account="00102055581111000000001234")
    with pytest.raises(PartyError):
        Party(name="A", address=("B",), nip="5260001247")
    with pytest.raises(PartyError):
        Party(name="A", address=())
