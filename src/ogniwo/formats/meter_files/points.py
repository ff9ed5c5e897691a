"""Which metering point a value belongs to: from the file, its name or the caller, checked on the way in."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from ogniwo.core.kernel.findings import Finding, Severity
from ogniwo.core.kernel.ids import is_ppe
from ogniwo.formats.meter_files.layout import Point
from ogniwo.formats.meter_files.problems import Problems
from ogniwo.formats.meter_files.tables import normal

_IN_NAME = re.compile(r"(?<!\d)\d{18}(?!\d)", re.ASCII)
_EIGHTEEN_DIGITS = re.compile(r"\d{18}\Z", re.ASCII)
_SPOILT = re.compile(r"\d[.,]?\d*[eE]\+?\d{2}\Z", re.ASCII)


@dataclass(slots=True)
class PointReader:
    """Finds and checks metering points of one file.

    `argument` is the code the caller gave. A file that names an 18-digit code keeps it, and an argument that is not
    among the file's codes is an error; a file that names no PPE (a short customer code, or none) takes the argument.
    `own_code` is a code that stands for a whole community and is no metering point.
    """

    rule: Point
    problems: Problems
    argument: str = ""
    own_code: str = ""
    blocks: Mapping[str, str] = field(default_factory=dict)
    _known: dict[object, str] = field(default_factory=dict)
    _in_file: list[str] = field(default_factory=list)

    def of_cell(self, cell: object, *, row: int, column: str = "") -> str:
        """The checked point of a cell; "" when an error was noted."""
        if cell not in self._known:
            self._known[cell] = self._checked(cell, row=row, column=column)
        return self._known[cell]

    def of_file(self) -> str:
        """The point of a file that has one for all rows, by the sources of the layout; "" when an error was noted."""
        for source in self.rule.sources:
            if source in ("block", "path") and (text := self.blocks.get(normal(self.rule.block), "")):
                return self.of_cell(text, row=0, column=self.rule.block)
            if source == "file_name" and (match := _IN_NAME.search(self.problems.file_name)):
                return self.of_cell(match[0], row=0, column="file name")
            if source == "argument" and self.argument:
                return self.of_cell(self.argument, row=0, column="argument")
        self.problems.error(
            "read.point_unknown",
            "the file names no metering point; give its 18-digit PPE code (option --point), or put it in the file name",
        )
        return ""

    def check_argument(self) -> None:
        """After all rows: an argument that contradicts the file is an error."""
        ppes = [code for code in self._in_file if _EIGHTEEN_DIGITS.match(code)]
        if self.argument and ppes and self.argument not in ppes:
            self.problems.error(
                "read.point_mismatch",
                f"the file is of {ppes[0]}"
                + (f" and {len(ppes) - 1} more" if len(ppes) > 1 else "")
                + f", not of {self.argument}",
                point=self.argument,
            )

    def _checked(self, cell: object, *, row: int, column: str) -> str:
        code = "".join(str(cell).split())
        if isinstance(cell, float) or _SPOILT.match(code):
            self.problems.error(
                "read.point_as_number",
                f"the code {code} was kept as a number, which loses its last digits; keep codes as text",
                row=row,
                column=column,
            )
            return ""
        if not code:
            self.problems.error("read.point_unknown", "the row names no metering point", row=row, column=column)
            return ""
        self._in_file.append(code)
        if code == self.own_code:
            return code
        if _EIGHTEEN_DIGITS.match(code):
            if not is_ppe(code):
                self.problems.error(
                    "V23.check_digit", f"the check digit of {code} is wrong", row=row, column=column, point=code
                )
            return code
        if self.argument and self.argument != code:
            self._note("read.point_replaced", Severity.NOTE, f"{code} of the file was read as {self.argument}", row)
            return self.of_cell(self.argument, row=0, column="argument")
        self._note(
            "read.point_code", Severity.WARNING, f"{code} is no 18-digit metering point code; kept as it is", row
        )
        return code

    def _note(self, code: str, severity: Severity, message: str, row: int) -> None:
        self.problems.remark(
            Finding(code=code, severity=severity, message=message, source=self.problems.file_name, row=row)
        )
