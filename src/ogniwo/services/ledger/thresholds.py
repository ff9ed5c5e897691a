"""Payment tokens against the limits of law: what was issued, is out and was paid in twelve months, and what stands out.

The limits are dated data (`data/thresholds/limits.toml`) with their sources. Whoever asks gives the rate of the euro.
The report says what the ledger shows; whether a limit binds this issuer is for a lawyer to say.
"""

import tomllib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from functools import cache
from importlib.resources import files
from typing import Any, Final

from ogniwo.core.kernel.calendar import local_day, local_midnight
from ogniwo.core.kernel.findings import Finding, Severity
from ogniwo.core.kernel.periods import epoch_of
from ogniwo.core.kernel.quantities import format_decimal
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.ledger.thresholds import (
    Bound,
    Counted,
    Found,
    Move,
    count,
    euros,
    first_day,
    in_and_out,
    largest,
    linked,
    most_linked,
    single,
    split,
)
from ogniwo.records.parties.models import Member, Organisation
from ogniwo.records.visibility import Subject
from ogniwo.services.ledger.access import member_path
from ogniwo.services.ledger.queries import sees_account
from ogniwo.services.ledger.viewing import view_ledger
from ogniwo.services.workspace.audit import record_act
from ogniwo.services.workspace.model import Workspace

SCHEMA: Final = "ogniwo.token-thresholds/1"
WORTH_ONE_ZLOTY: Final = "PLN/"
"""How the name of an asset begins whose unit is one złoty; of any other no worth in euros is known."""

MEASURES: Final = ("paid", "issued", "average", "highest_balance", "highest_month", "holders_ever")
_FILE: Final = "thresholds/limits.toml"


class ThresholdDateError(Refusal):
    """The day of a report on thresholds has not begun yet."""

    code = "thresholds.date"


class ThresholdRateError(Refusal):
    """The rate of the euro is not above zero."""

    code = "thresholds.rate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """A limit of law: of which measure, how much, since when, where it stands, how surely, what the law asks then.

    `measure` is one of MEASURES (of the whole asset), "operation" (each alone) or "linked" (alone or together). `over`
    says whether it has to be passed, else it is enough to reach it. `valid_to` is excluded, None while it holds.
    """

    id: str
    measure: str
    over: bool
    amount: int
    unit: str
    bases: tuple[str, ...]
    valid_from: date
    valid_to: date | None
    source: str
    confirmed: bool
    seen: str
    asks: tuple[tuple[str, str], ...]

    def valid(self, day: date) -> bool:
        """Whether it holds on a day."""
        return self.valid_from <= day and (self.valid_to is None or day < self.valid_to)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One limit held against an asset: `measured` and `limit` in minor units (the limit rounded down) or persons.

    `applies` is false where the token's basis is another; such a line never counts as passed. `account` is whose it is
    where the measure is an account's, as far as the subject may know it.
    """

    limit: Limit
    measured: int
    limit_minor: int
    percent: int
    applies: bool
    passed: bool
    account: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetThresholds:
    """One payment asset: its legal basis ("" when never switched), what was counted, the limits, the findings."""

    asset: str
    basis: str
    counted: Counted
    lines: tuple[Line, ...]
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ThresholdReport:
    """Everything at the end of `last`, over the twelve months up to it; `eur` is the rate in 10⁻⁴ zł per euro."""

    organisation: str
    network: str
    height: int
    first: date
    last: date
    eur: int
    checked_on: date
    assets: tuple[AssetThresholds, ...]

    @property
    def passed(self) -> bool:
        """Whether any limit that applies is passed."""
        return any(line.passed for one in self.assets for line in one.lines)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All findings of all assets."""
        return tuple(finding for one in self.assets for finding in one.findings)


@cache
def _data() -> dict[str, Any]:
    return tomllib.loads(files("ogniwo.data").joinpath(_FILE).read_text(encoding="utf-8"))


@cache
def known_limits() -> tuple[Limit, ...]:
    """All limits of the data, ended ones too."""
    return tuple(
        Limit(
            id=row["id"],
            measure=row["measure"],
            over=row["from"] == "over",
            amount=row["amount"],
            unit=row["unit"],
            bases=tuple(row["bases"]),
            valid_from=row["valid_from"],
            valid_to=row.get("valid_to"),
            source=row["source"],
            confirmed=row["confirmed"],
            seen=row["seen"],
            asks=(("en", row["asks_en"]), ("pl", row["asks_pl"])),
        )
        for row in _data()["limit"]
    )


def threshold_report(
    workspace: Workspace, *, organisation: Organisation, on: date, eur: int, subject: Subject
) -> ThresholdReport:
    """Measure every payment asset up to the end of the local day `on`, at `eur` (10⁻⁴ zł per euro).

    The amounts are the issuer's, whatever the organisation: the law counts an issuer's. Accounts are looked at one
    by one as far as they lie below the organisation and the subject sees them. The read stands in the audit log.
    Raises NoLedgerError, ThresholdDateError, ThresholdRateError.
    """
    if eur <= 0:
        raise ThresholdRateError(detail="give zł per euro, as 4.25")
    if on > local_day(epoch_of(workspace.now())):
        raise ThresholdDateError(detail=f"{on} has not begun")
    first = _year_before(on)
    end_s = epoch_of(local_midnight(on + timedelta(days=1)))
    names = _names(organisation, subject)
    with view_ledger(workspace) as (ledger, tables):
        head = ledger.head()
        with ledger.reading() as state:
            found = {name: one.issuer for name, one in sorted(state.assets.items()) if one.kind == "payment"}
            bases = {name: state.switches[name].basis for name in found if name in state.switches}
        moves = {name: [Move(*row) for row in tables.asset_movements(name, before_s=end_s)] for name in found}
    facts = {"on": on.isoformat(), "eur": eur, "assets": list(found)}
    record_act(workspace, action="token.thresholds", target=organisation.code, facts=facts)
    return ThresholdReport(
        organisation=organisation.code,
        network=head.network,
        height=head.height,
        first=first,
        last=on,
        eur=eur,
        checked_on=_data()["checked_on"],
        assets=tuple(
            _asset(name, bases.get(name, ""), count(moves[name], issuer=issuer, first=first, last=on), eur, names)
            for name, issuer in found.items()
        ),
    )


def _year_before(on: date) -> date:
    """The first of the twelve months that end with `on`."""
    after = on + timedelta(days=1)
    return date(after.year - 1, 3, 1) if (after.month, after.day) == (2, 29) else after.replace(year=after.year - 1)


def _names(organisation: Organisation, subject: Subject) -> dict[str, str]:
    """Members' numbers by account, of the organisation and below it, as far as the subject sees them."""
    members = Member.objects.all().visible_to(subject).filter(organisation__path__startswith=organisation.path)
    accounts = {member_path(one): one.number for one in members.select_related("organisation")}
    return {account: number for account, number in accounts.items() if sees_account(account, subject=subject)}


def _asset(name: str, basis: str, counted: Counted, eur: int, names: dict[str, str]) -> AssetThresholds:
    decimals = int(name[-1])
    if not name.startswith(WORTH_ONE_ZLOTY):
        finding = Finding(
            code="thresholds.no_worth",
            severity=Severity.WARNING,
            message=f"{name} is not worth one złoty by its name: its amounts were held against no limit in euros",
            source=name,
        )
        return AssetThresholds(asset=name, basis=basis, counted=counted, lines=(), findings=(finding,))
    lines: list[Line] = []
    findings: list[Finding] = []
    for limit in known_limits():
        if not limit.valid(counted.amounts.last):
            continue
        applies = not (basis and limit.bases) or basis in limit.bases
        bound = _bound(limit, eur=eur, decimals=decimals)
        if limit.measure in MEASURES:
            lines.append(_measured(limit, bound, counted, names, applies=applies))
            continue
        lines.append(_of_accounts(limit, bound, counted, names, applies=applies))
        if applies:
            findings += [_told(name, limit, one, names) for one in _above(limit, bound, counted, names)]
    near = _data()["patterns"]["near_percent"]
    findings = [*_of_lines(name, lines, near), *findings, *_patterns(name, counted, eur, lines, names)]
    return AssetThresholds(asset=name, basis=basis, counted=counted, lines=tuple(lines), findings=tuple(findings))


def _bound(limit: Limit, *, eur: int, decimals: int) -> Bound:
    if limit.unit == "persons":
        return Bound(numerator=limit.amount, denominator=1, over=limit.over)
    return euros(limit.amount, rate=eur, decimals=decimals, over=limit.over)


def _measured(limit: Limit, bound: Bound, counted: Counted, names: dict[str, str], *, applies: bool) -> Line:
    amount = getattr(counted.amounts, limit.measure)
    account = getattr(counted.amounts, f"{limit.measure}_account", "")
    return _line(limit, bound, amount, names.get(account, ""), applies=applies)


def _of_accounts(limit: Limit, bound: Bound, counted: Counted, names: dict[str, str], *, applies: bool) -> Line:
    """A limit of operations: measured is the largest one, or the most that one account's linked ones come to."""
    days = _data()["patterns"]["linked_days"] if limit.measure == "linked" else 0
    rows = [
        (most_linked(operations, days=days) if days else largest(operations), names[account])
        for account, operations in counted.operations.items()
        if account in names
    ]
    amount, account = max(rows, default=(0, ""))
    return _line(limit, bound, amount, account if amount else "", applies=applies)


def _line(limit: Limit, bound: Bound, amount: int, account: str, *, applies: bool) -> Line:
    return Line(
        limit=limit,
        measured=amount,
        limit_minor=bound.numerator // bound.denominator,
        percent=bound.percent(amount),
        applies=applies,
        passed=applies and bound.passed(amount),
        account=account,
    )


def _above(limit: Limit, bound: Bound, counted: Counted, names: dict[str, str]) -> Iterator[Found]:
    days = _data()["patterns"]["linked_days"]
    for account, operations in counted.operations.items():
        if account not in names:
            continue
        if limit.measure == "operation":
            found = single(account, operations, bound)
        else:
            found = linked(account, operations, bound, days=days)
        if found is not None:
            yield found


def _of_lines(name: str, lines: list[Line], near: int) -> Iterator[Finding]:
    for line in lines:
        if line.limit.measure not in MEASURES or not line.applies:
            continue
        facts = (("limit", line.limit.id), ("percent", str(line.percent)))
        if line.passed:
            yield Finding(
                code="thresholds.passed",
                severity=Severity.ERROR,
                message=f"{line.limit.measure} stands at {line.percent} % of the limit {line.limit.id}",
                source=name,
                facts=facts,
            )
        elif line.percent >= near:
            yield Finding(
                code="thresholds.near",
                severity=Severity.WARNING,
                message=f"{line.limit.measure} has come to {line.percent} % of the limit {line.limit.id}",
                source=name,
                facts=facts,
            )


def _told(name: str, limit: Limit, found: Found, names: dict[str, str]) -> Finding:
    if limit.measure == "operation":
        return Finding(
            code="thresholds.single",
            severity=Severity.WARNING,
            message=f"{found.count} operations of {names[found.account]} pass {limit.id}, {_sum(found, name)}",
            source=name,
            column=names[found.account],
            start_epoch_s=found.time_s,
            facts=_facts(found, limit.id),
        )
    return Finding(
        code="thresholds.linked",
        severity=Severity.WARNING,
        message=f"{found.count} operations of {names[found.account]} in some days pass {limit.id}, {_sum(found, name)}",
        source=name,
        column=names[found.account],
        start_epoch_s=found.time_s,
        facts=_facts(found, limit.id),
    )


def _patterns(name: str, counted: Counted, eur: int, lines: list[Line], names: dict[str, str]) -> Iterator[Finding]:
    chosen, decimals = _data()["patterns"], int(name[-1])
    large = euros(chosen["pattern_eur"], rate=eur, decimals=decimals, over=False)
    of_operations = [line.limit for line in lines if line.applies and line.limit.measure not in MEASURES]
    sizes = sorted({limit.amount for limit in of_operations})
    days, near = chosen["linked_days"], chosen["near_percent"]
    for account, operations in counted.operations.items():
        if account not in names:
            continue
        for size in sizes:
            bound = euros(size, rate=eur, decimals=decimals, over=False)
            found = split(account, operations, bound, days=days, percent=near)
            if found is not None:
                yield _pattern(found, "thresholds.split", f"just below {size} EUR, together above it", name, names)
        found = in_and_out(account, operations, large, percent=chosen["in_and_out_percent"])
        if found is not None:
            yield _pattern(found, "thresholds.in_and_out", "came in and went out again within 24 hours", name, names)
        found = first_day(account, operations, large, opened_s=counted.opened[account])
        if found is not None:
            yield _pattern(found, "thresholds.first_day", "large sums in the first 24 hours of an account", name, names)


def _pattern(found: Found, code: str, message: str, name: str, names: dict[str, str]) -> Finding:
    return Finding(
        code=code,
        severity=Severity.WARNING,
        message=f"{message}: {found.count} operations of {names[found.account]}, {_sum(found, name)}",
        source=name,
        column=names[found.account],
        start_epoch_s=found.time_s,
        facts=_facts(found, ""),
    )


def _sum(found: Found, name: str) -> str:
    return f"in all {format_decimal(found.total, decimals=int(name[-1]))} {name.partition('/')[0]}"


def _facts(found: Found, limit: str) -> tuple[tuple[str, str], ...]:
    facts = (
        ("limit", limit),
        ("count", str(found.count)),
        ("total", str(found.total)),
        ("largest", str(found.largest)),
        ("transaction", found.transaction),
    )
    return tuple((key, value) for key, value in facts if value)


def amounts_row(one: AssetThresholds) -> dict[str, Any]:
    """What was counted of an asset as JSON: minor units, numbers of accounts, days as text."""
    row = asdict(one.counted.amounts)
    for key in ("highest_balance_account", "highest_month_account"):
        del row[key]
    return {**row, "first": row["first"].isoformat(), "last": row["last"].isoformat()}
