"""Corrections: only differing rows, differences of sums, chains of corrections."""

from dataclasses import replace
from datetime import date

import pytest

from ogniwo.core.billing.corrections import ForeignStatementError, draft_correction
from ogniwo.core.billing.invoice import draft_invoice
from ogniwo.core.tariffs.model import Category


def correct(samples, before, statement, number="FK/2026/12/0001"):
    return draft_correction(
        before=before, statements=[statement], header=samples.header(number), reason="Korekta odczytu"
    )


def test_equal_statements_need_no_correction(samples):
    assert correct(samples, samples.household(), samples.household_statement()) is None


def test_another_version_with_other_reasons_but_equal_rows_needs_none(samples):
    statement = samples.household_statement(version=2)
    reworded = replace(statement, lines=tuple(replace(line, why=("inaczej",)) for line in statement.lines))
    assert correct(samples, samples.household(), reworded) is None


def test_only_rows_that_differ_are_paired_under_their_id(samples):
    issued = samples.household()
    correction = correct(samples, issued, samples.household_statement(version=2, peak=92_345))
    assert {pair.before.charge for pair in correction.pairs} == {
        "energy.active",
        "network.variable",
        "quality",
        "oze",
        "cogeneration",
    }
    by_id = {line.uu_id: line for line in issued.lines}
    for pair in correction.pairs:
        assert by_id[pair.uu_id].item == pair.before
        assert by_id[pair.uu_id].number == pair.number
        assert pair.after.quantity - pair.before.quantity == 10_000
        assert pair.net_difference_grosz == pair.after.net_grosz - pair.before.net_grosz
    # 10 kWh more at 0.6568, 0.2702, 0.0332, 0.0073, 0.0030
    assert sum(pair.net_difference_grosz for pair in correction.pairs) == pytest.approx(972, abs=3)


def test_vat_differences_are_new_sums_minus_old_sums(samples):
    issued = samples.household()
    correction = correct(samples, issued, samples.household_statement(version=2, peak=80_000))
    (difference,) = correction.vat_differences
    assert difference.net_grosz == correction.after.net_grosz - issued.net_grosz < 0
    assert difference.vat_grosz == correction.after.vat_grosz - issued.vat_grosz
    assert correction.gross_difference_grosz == correction.after.gross_grosz - issued.gross_grosz


def test_vat_of_a_difference_may_differ_from_vat_on_the_difference(samples):
    def bill(*prices):
        lines = [samples.line(f"f{n}", "x", "x", Category.OTHER, 1, p, "1") for n, p in enumerate(prices)]
        return samples.statement(samples.HOUSE, lines)

    issued = draft_invoice(header=samples.header(), statements=[bill("0.02", "0.02")])  # VAT 0.92 -> 1
    correction = correct(samples, issued, bill("0.02", "0.04"))  # VAT 1.38 -> 1
    (difference,) = correction.vat_differences
    assert (difference.net_grosz, difference.vat_grosz) == (2, 0)  # VAT on 2 alone would be 0.46 -> 0
    correction = correct(samples, issued, bill("0.02", "0.05"))  # VAT 1.61 -> 2
    assert correction.vat_differences[0].vat_grosz == 1


def test_rows_that_vanish_or_appear_have_one_empty_side(samples):
    issued = samples.household()
    statement = samples.household_statement(version=2)
    extra = samples.line("power.exceedance", "Przekroczenie", "Exceeded", Category.DISTRIBUTION, 1_000, "26.23", "kW")
    changed = replace(statement, lines=(*(one for one in statement.lines if one.charge != "trade.fee"), extra))
    correction = correct(samples, issued, changed)
    gone, new = correction.pairs
    assert (gone.before.charge, gone.after, gone.net_difference_grosz) == ("trade.fee", None, -990)
    assert (new.before, new.after.charge, new.number) == (None, "power.exceedance", 13)


def test_a_second_correction_stands_on_the_first(samples):
    issued = samples.household()
    first = correct(samples, issued, samples.household_statement(version=2, peak=92_345))
    again = correct(samples, first.after, samples.household_statement(version=3), "FK/2026/12/0002")
    assert again.corrected_number == "FV/2026/11/0001"
    assert again.gross_difference_grosz == -first.gross_difference_grosz
    assert [line.item for line in again.after.lines] == [line.item for line in issued.lines]
    assert correct(samples, first.after, samples.household_statement(version=3, peak=92_345)) is None


def test_a_changed_vat_rate_moves_the_sums_between_rates(samples):
    issued = samples.household()
    statement = samples.household_statement(version=2)
    cheaper = replace(statement, lines=tuple(replace(line, vat_rate_percent=8) for line in statement.lines))
    correction = correct(samples, issued, cheaper)
    assert [(line.rate_percent, line.net_grosz) for line in correction.vat_differences] == [
        (23, -issued.net_grosz),
        (8, issued.net_grosz),
    ]
    assert len(correction.pairs) == len(issued.lines)


def test_statements_of_other_points_or_months_are_refused(samples):
    statement = samples.household_statement()
    with pytest.raises(ForeignStatementError, match="X in 2026-10"):
        correct(samples, samples.household(), replace(statement, point="X"))


def test_the_head_of_the_state_after_stays_the_originals(samples):
    correction = correct(samples, samples.household(), samples.household_statement(version=2, peak=1))
    assert correction.after.header.number == "FV/2026/11/0001"
    assert correction.corrected_issue_date == date(2026, 11, 6)
    assert correction.header.number == "FK/2026/12/0001"
