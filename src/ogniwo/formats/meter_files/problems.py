"""Collecting what is wrong with a file: all bad rows up to a limit, then one refusal."""

from dataclasses import dataclass, field
from typing import NoReturn

from ogniwo.core.kernel.findings import Finding, Severity
from ogniwo.formats.meter_files.model import FileRefusedError

ERRORS_KEPT = 50
"""How many errors of one file are described; the rest is only counted."""


@dataclass(slots=True)
class Problems:
    """Errors and remarks of one file while it is being read."""

    file_name: str
    errors: list[Finding] = field(default_factory=list)
    remarks: list[Finding] = field(default_factory=list)
    error_count: int = 0

    def error(
        self, code: str, message: str, *, row: int = 0, column: str = "", point: str = "", channel: str = ""
    ) -> None:
        """Note an error; the file will be refused once everything was looked at."""
        self.error_count += 1
        if len(self.errors) < ERRORS_KEPT:
            self.errors.append(
                Finding(
                    code=code,
                    severity=Severity.ERROR,
                    message=message,
                    source=self.file_name,
                    row=row,
                    column=column,
                    point=point,
                    channel=channel,
                )
            )

    def remark(self, finding: Finding) -> None:
        """Keep a finding that does not stop the file."""
        self.remarks.append(finding)

    def refuse(self) -> NoReturn:
        """Refuse the file for the errors noted so far."""
        first = self.errors[0]
        place = f", row {first.row}" if first.row else ""
        further = f" (and {self.error_count - 1} more)" if self.error_count > 1 else ""
        raise FileRefusedError(
            detail=f"{self.file_name}{place}: {first.message}{further}", findings=(*self.errors, *self.remarks)
        )

    def refuse_if_any(self) -> None:
        """Refuse the file when at least one error was noted."""
        if self.errors:
            self.refuse()


def refuse_file(file_name: str, code: str, message: str, *, row: int = 0) -> NoReturn:
    """Refuse a file at once for one reason."""
    problems = Problems(file_name)
    problems.error(code, message, row=row)
    problems.refuse()
