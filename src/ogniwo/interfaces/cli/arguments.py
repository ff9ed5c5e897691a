"""What the commands on a workspace take: months, instants, prices, and the workspace itself."""

import os
import re
from datetime import UTC, datetime
from typing import Any

import click

from ogniwo.core.kernel.calendar import Month
from ogniwo.core.kernel.quantities import NotADecimalError, Rate, RateUnit
from ogniwo.interfaces.cli.main import Runtime
from ogniwo.services.contracts.queries import community
from ogniwo.services.workspace.model import Workspace
from ogniwo.services.workspace.operations import open_workspace
from ogniwo.services.workspace.queries import Organisation, operator_subject, organisation


class MonthType(click.ParamType):  # type: ignore[type-arg]  # generic only from click 8.4 on
    """A month as YYYY-MM."""

    name = "month"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Month:  # noqa: ANN401 -- click's signature
        """Read `2026-10`."""
        if isinstance(value, Month):
            return value
        if re.match(r"[12]\d{3}-(0[1-9]|1[0-2])\Z", str(value)) is None:
            self.fail(f"{value!r} is not a month such as 2026-10", param, ctx)
        return Month.parse(str(value))


class InstantType(click.ParamType):  # type: ignore[type-arg]  # generic only from click 8.4 on
    """An instant in ISO 8601 with an offset or Z."""

    name = "instant"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:  # noqa: ANN401 -- click's signature
        """Read `2026-11-05T12:00:00Z` as aware UTC."""
        if isinstance(value, datetime):
            return value
        try:
            instant = datetime.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{value!r} is not an instant such as 2026-11-05T12:00:00Z", param, ctx)
        if instant.tzinfo is None:
            self.fail(f"{value!r} names no offset; add Z for UTC", param, ctx)
        return instant.astimezone(UTC)


class PriceType(click.ParamType):  # type: ignore[type-arg]  # generic only from click 8.4 on
    """A price of energy in zł per MWh."""

    name = "price"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Rate:  # noqa: ANN401 -- click's signature
        """Read `430.00`."""
        if isinstance(value, Rate):
            return value
        try:
            return Rate.parse(str(value), RateUnit.MWH)
        except NotADecimalError as error:
            self.fail(error.detail, param, ctx)


MONTH = MonthType()
INSTANT = InstantType()
PRICE = PriceType()

MONTH_OPTION = click.option("--month", required=True, type=MONTH, metavar="YYYY-MM", help="The month.")
JSON_OPTION = click.option("--json", "as_json", is_flag=True, help="For machines: JSON with stable keys.")
DRY_RUN_OPTION = click.option("--dry-run", is_flag=True, help="Show the effect, change nothing.")
COMMUNITY_OPTION = click.option("--community", default="", metavar="CODE", help="Where there are several communities.")
ORGANISATION_OPTION = click.option(
    "--organisation", default="", metavar="CODE", help="Where several organisations have members."
)


def opened(runtime: Runtime) -> Workspace:
    """The workspace that the command works on."""
    return open_workspace(root=runtime.folder)


def organisation_of(code: str) -> Organisation:
    """The organisation named by --organisation, or the only one with members."""
    return organisation(code=code, subject=operator_subject())


def community_of(code: str) -> Organisation:
    """The community named by --community, or the only one."""
    return community(code=code, subject=operator_subject())


def one_form(*, as_json: bool, as_csv: bool) -> None:
    """Refuse to give an answer in two forms at once."""
    if as_json and as_csv:
        raise click.UsageError("choose one of --json and --csv")


def who() -> str:
    """Whoever gives the command, for the log: the user of the system where it names one."""
    return os.environ.get("USER", "") or "command line"
