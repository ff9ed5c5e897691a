"""Document numbers: without gaps, one sequence a year and type."""

from datetime import date

import pytest

from ogniwo.core.billing.numbering import (
    DocumentNumber,
    NotADocumentNumberError,
    NumberOutOfOrderError,
    next_number,
    sequence_findings,
)


def test_a_year_of_numbers_has_no_gap_and_does_not_restart_with_the_month():
    last, texts = None, []
    for day in (date(2026, 9, 30), date(2026, 10, 1), date(2026, 10, 1), date(2026, 12, 31), date(2027, 1, 4)):
        last = next_number(document_type="FV", issue_date=day, last=last)
        texts.append(str(last))
    assert texts == ["FV/2026/09/0001", "FV/2026/10/0002", "FV/2026/10/0003", "FV/2026/12/0004", "FV/2027/01/0001"]


def test_numbers_grow_beyond_four_digits():
    last = DocumentNumber.parse("FV/2026/10/9999")
    following = next_number(document_type="FV", issue_date=date(2026, 10, 31), last=last)
    assert str(following) == "FV/2026/10/10000"
    assert DocumentNumber.parse("FV/2026/10/10000") == following


@pytest.mark.parametrize(
    "text",
    ["", "FV/2026/10", "fv/2026/10/0001", "FV/2026/13/0001", "FV/2026/10/001", "FV/2026/10/0000", "FV/2026/10/00001"],
)
def test_other_texts_are_refused(text):
    with pytest.raises(NotADocumentNumberError):
        DocumentNumber.parse(text)


def test_dates_do_not_run_against_numbers():
    last = DocumentNumber.parse("FV/2026/11/0007")
    with pytest.raises(NumberOutOfOrderError):
        next_number(document_type="FV", issue_date=date(2026, 10, 31), last=last)
    with pytest.raises(NumberOutOfOrderError):
        next_number(document_type="FK", issue_date=date(2026, 11, 30), last=last)
    with pytest.raises(NotADocumentNumberError):
        next_number(document_type="faktura", issue_date=date(2026, 11, 30), last=None)


def test_missing_and_doubled_numbers_are_found_per_sequence():
    register = [
        DocumentNumber.parse(text)
        for text in (
            "FV/2026/01/0001",
            "FV/2026/02/0002",
            "FV/2026/02/0005",
            "FV/2026/02/0002",
            "FK/2026/01/0001",
            "FV/2025/12/0001",
        )
    ]
    findings = sequence_findings(register)
    assert [(finding.code, finding.message) for finding in findings] == [
        ("billing.number_missing", "number 3 of FV/2026 is missing"),
        ("billing.number_missing", "number 4 of FV/2026 is missing"),
        ("billing.number_doubled", "number 2 of FV/2026 is doubled"),
    ]
    assert sequence_findings([]) == ()
