"""The review of a draft: wrong arithmetic, unsure rates, missing data, deposit beyond energy."""

from dataclasses import replace

from ogniwo.core.billing.invoice import account_adjustments, draft_invoice
from ogniwo.core.billing.model import VatLine
from ogniwo.core.billing.review import review_invoice
from ogniwo.core.kernel.findings import Severity


def codes(invoice):
    return [finding.code for finding in review_invoice(invoice)]


def test_a_complete_household_bill_only_notes_its_estimates(samples):
    assert codes(samples.household()) == ["billing.estimated_data"]


def test_missing_data_unsure_rates_and_unknown_facts_are_named(samples):
    findings = {finding.code: finding for finding in review_invoice(samples.school())}
    assert set(findings) == {
        "billing.unsure_rate",
        "billing.missing_data",
        "billing.estimated_data",
        "billing.previous_year_unknown",
    }
    assert findings["billing.missing_data"].severity is Severity.WARNING
    assert "12 of 2980" in findings["billing.missing_data"].message
    assert dict(findings["billing.unsure_rate"].facts)["key"] == "enea/reactive.inductive/all"


def test_a_line_whose_product_is_not_its_net_is_an_error(samples):
    statement = samples.household_statement()
    wrong = replace(statement.lines[0], net_grosz=5_409)
    invoice = draft_invoice(
        header=samples.header(), statements=[replace(statement, lines=(wrong, *statement.lines[1:]))]
    )
    (finding,) = [one for one in review_invoice(invoice) if one.severity is Severity.ERROR]
    assert finding.code == "billing.line_arithmetic"
    assert dict(finding.facts) == {"expected_grosz": "5408", "net_grosz": "5409"}


def test_sums_that_do_not_follow_from_the_lines_are_errors(samples):
    invoice = samples.household()
    (vat,) = invoice.vat
    broken = replace(invoice, vat=(VatLine(rate_percent=23, net_grosz=vat.net_grosz, vat_grosz=vat.vat_grosz + 1),))
    assert "billing.vat_arithmetic" in codes(broken)


def test_the_deposit_pays_for_active_energy_only(samples):
    invoice = samples.prosumer()
    energy_gross = 10_989  # 179.400 kWh x 0.4980 = 89.34 net, 20.55 VAT
    for used, noticed in ((energy_gross, False), (energy_gross + 1, True)):
        changed = replace(invoice, adjustments=account_adjustments(deposit_used_grosz=used))
        assert ("billing.deposit_over_energy" in codes(changed)) is noticed


def test_a_point_without_facts_is_a_warning(samples):
    invoice = draft_invoice(header=samples.header(), statements=[samples.household_statement()])
    assert "billing.point_facts_missing" in codes(invoice)
    assert "billing.readings_missing" in codes(invoice)
