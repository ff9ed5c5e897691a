"""Gap-free numbers of documents: one sequence for each document type and year, the next from the last."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from ogniwo.core.kernel.findings import Finding, Severity
from ogniwo.core.kernel.refusals import Refusal

_NUMBER = re.compile(r"([A-Z]{1,8})/(\d{4})/(0[1-9]|1[0-2])/(\d{4,})\Z")
_TYPE = re.compile(r"[A-Z]{1,8}\Z")


class NotADocumentNumberError(Refusal):
    """A text is not a number of the form FV/2026/10/0001."""

    code = "billing.not_a_document_number"


class NumberOutOfOrderError(Refusal):
    """The next number would stand before the last one in time, or belongs to another sequence."""

    code = "billing.number_out_of_order"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class DocumentNumber:
    """A number such as FV/2026/10/0001: type, year and month of issue, and the place in the year's sequence from 1.

    The sequence runs through the year and does not restart with the month, so one look tells that nothing is missing.
    """

    document_type: str
    year: int
    sequence: int
    month: int

    @classmethod
    def parse(cls, text: str) -> "DocumentNumber":
        """Read `TYPE/YYYY/MM/NNNN`. Raises NotADocumentNumberError."""
        match = _NUMBER.match(text)
        if match is None or int(match[4]) == 0:
            raise NotADocumentNumberError(detail=f"{text!r} is not a document number like FV/2026/10/0001")
        number = cls(document_type=match[1], year=int(match[2]), month=int(match[3]), sequence=int(match[4]))
        if str(number) != text:
            raise NotADocumentNumberError(detail=f"{text!r} is not written as {number}")
        return number

    def __str__(self) -> str:
        return f"{self.document_type}/{self.year:04d}/{self.month:02d}/{self.sequence:04d}"


def next_number(*, document_type: str, issue_date: date, last: DocumentNumber | None) -> DocumentNumber:
    """The number that follows `last` (None or a number of an earlier year begins a new sequence).

    `document_type` is 1 to 8 capital letters (FV, FK, NO). Raises NumberOutOfOrderError when `last` is of another type
    or lies in a later month than the day of issue, since dates would then run against numbers.
    """
    if _TYPE.match(document_type) is None:
        raise NotADocumentNumberError(detail=f"document type {document_type!r} is not 1 to 8 capital letters")
    sequence = 1
    if last is not None:
        if last.document_type != document_type:
            raise NumberOutOfOrderError(detail=f"{last} is no number of the sequence {document_type}")
        if (last.year, last.month) > (issue_date.year, issue_date.month):
            raise NumberOutOfOrderError(detail=f"{last} was issued after {issue_date}")
        if last.year == issue_date.year:
            sequence = last.sequence + 1
    return DocumentNumber(document_type=document_type, year=issue_date.year, month=issue_date.month, sequence=sequence)


def sequence_findings(numbers: Iterable[DocumentNumber]) -> tuple[Finding, ...]:
    """Check the numbers of a register: every missing and every doubled number of each type and year is a finding."""
    sequences: dict[tuple[str, int], list[int]] = {}
    for number in numbers:
        sequences.setdefault((number.document_type, number.year), []).append(number.sequence)
    findings: list[Finding] = []
    for (document_type, year), used in sorted(sequences.items()):
        name, counts = f"{document_type}/{year}", Counter(used)
        findings += [
            _finding("billing.number_missing", f"number {sequence} of {name} is missing", name)
            for sequence in range(1, max(counts) + 1)
            if sequence not in counts
        ]
        findings += [
            _finding("billing.number_doubled", f"number {sequence} of {name} is doubled", name)
            for sequence, count in sorted(counts.items())
            if count > 1
        ]
    return tuple(findings)


def _finding(code: str, message: str, name: str) -> Finding:
    return Finding(code=code, severity=Severity.ERROR, message=message, facts=(("sequence", name),))
