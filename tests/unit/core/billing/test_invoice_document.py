"""The canonical document: only plain values, the same bytes always, and digests that notice every change."""

import json
from dataclasses import replace

import pytest
import rfc8785

from ogniwo.core.billing.canonical import canonical_bytes, document_digest, quantity_text, statement_digest
from ogniwo.core.billing.corrections import draft_correction
from ogniwo.core.billing.document import canonical_document, correction_document, invoice_digest
from ogniwo.core.kernel.quantities import RateUnit

NAMES = ["household", "school", "prosumer", "long_invoice"]


@pytest.mark.parametrize("name", NAMES)
def test_the_document_equals_its_rfc_8785_form(samples, name):
    document = canonical_document(getattr(samples, name)())
    assert canonical_bytes(document) == rfc8785.dumps(document)
    assert json.loads(canonical_bytes(document)) == document


def test_the_document_holds_no_floats_and_no_nulls(samples):
    def kinds(value):
        if isinstance(value, dict):
            return {kind for inner in value.values() for kind in kinds(inner)}
        if isinstance(value, list):
            return {kind for inner in value for kind in kinds(inner)}
        return {type(value)}

    assert kinds(canonical_document(samples.school())) <= {str, int, bool}


@pytest.mark.parametrize("value", [1.5, None, {"ą": 1}, {"a": [0.0]}, 2**53, {1: 2}])
def test_values_without_a_canonical_form_crash(value):
    with pytest.raises((TypeError, ValueError)):
        canonical_bytes(value)


def test_unknown_facts_are_left_out_and_not_zero(samples):
    known = canonical_document(samples.household())["points"][0]
    unknown = canonical_document(samples.prosumer())["points"][0]
    assert known["previous_year_wh"] == 341_750
    assert "previous_year_wh" not in unknown
    assert "contract_power_w" not in unknown


def test_a_digest_notices_a_changed_reason_and_nothing_else_changes_it(samples):
    statement = samples.household_statement()
    first = statement.lines[0]
    assert statement_digest(statement) == statement_digest(samples.household_statement())
    altered = replace(statement, lines=(replace(first, why=("inny powód",)), *statement.lines[1:]))
    assert statement_digest(altered) != statement_digest(statement)
    assert invoice_digest(samples.household()) == document_digest(canonical_document(samples.household()))


def test_line_texts_are_exact(samples):
    lines = canonical_document(samples.school())["lines"]
    fixed = [line for line in lines if line["charge"] == "network.fixed"]
    assert [(line["quantity_text"], line["rate_text"], line["share"], line["net_grosz"]) for line in fixed] == [
        ("60.000", "24.84", [14, 31], 67_308),
        ("75.000", "24.84", [17, 31], 102_165),
    ]
    assert quantity_text(-5, RateUnit.MWH) == "-0.000005"
    assert quantity_text(7, RateUnit.MONTH) == "7"


def test_totals_are_written_in_both_languages(samples):
    totals = canonical_document(samples.household())["totals"]
    assert totals["in_words_pl"].endswith(("groszy", "grosze", "grosz"))
    assert "zloty" in totals["in_words_en"]


def test_a_correction_has_its_own_document(samples):
    issued = samples.household()
    correction = draft_correction(
        before=issued,
        statements=[samples.household_statement(version=2, peak=90_000)],
        header=samples.header("FK/2026/12/0001"),
        reason="Korekta odczytu operatora",
    )
    document = correction_document(correction)
    assert canonical_bytes(document) == rfc8785.dumps(document)
    assert document["kind"] == "KOR"
    assert document["corrected"]["number"] == "FV/2026/11/0001"
    assert document["totals"]["gross_grosz"] == correction.after.gross_grosz - issued.gross_grosz
