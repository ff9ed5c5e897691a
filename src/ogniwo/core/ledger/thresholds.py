"""What a payment asset amounts to over a time, account by account, and where that meets limits given in euros.

Everything is counted from movements of the log in minor units; euros enter by a rate that somebody gives, as an exact
fraction, and only when two amounts are compared. Nothing here knows the law: limits come as data.
"""

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import accumulate
from typing import Final, NamedTuple

from ogniwo.core.kernel.calendar import local_day

DAY_S: Final = 86_400
RATE_DECIMALS: Final = 4
"""A rate is zł per euro in 10⁻⁴ zł, as the National Bank of Poland publishes it."""


class Move(NamedTuple):
    """What one transaction changed in one account's balance of the asset; moves stand in the order of the log."""

    time_s: int
    transaction: str
    operation: str
    account: str
    amount: int


class Operation(NamedTuple):
    """What an account gave in a transaction (`amount` below zero) or got in it; `issuer` where the issuer is a side."""

    time_s: int
    transaction: str
    amount: int
    issuer: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Amounts:
    """What was counted from `first` to `last` (local days, both included), in minor units.

    `issued` left the issuer; `redeemed` was settled back to it; `paid` is all that holders gave for other reasons, to
    one another or to the issuer. `outstanding` is out at the end of `last`; `average` (rounded down) and `highest` are
    over the ends of the `days` days since something first moved, at the earliest `first`. `highest_balance` is the most
    that an account held after a transaction, `highest_month` the most that one paid in a calendar month.
    `holders` have something at the end, `holders_ever` had at some time, `accepting` got something from another holder.
    """

    first: date
    last: date
    days: int
    issued: int
    redeemed: int
    paid: int
    outstanding: int
    average: int
    highest: int
    highest_balance: int
    highest_balance_account: str
    highest_month: int
    highest_month_account: str
    holders: int
    holders_ever: int
    accepting: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """An asset's amounts, and each account's operations of the time (the issuer's left out)."""

    amounts: Amounts
    operations: Mapping[str, tuple[Operation, ...]]
    opened: Mapping[str, int]
    """When each account's balance of the asset first changed, also before `first`; seconds since 1970."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """An amount of whole euros in minor units of an asset, kept as a fraction; `over`: only more than it passes."""

    numerator: int
    denominator: int
    over: bool

    def passed(self, amount: int) -> bool:
        """Whether an amount in minor units passes it."""
        left = amount * self.denominator
        return left > self.numerator if self.over else left >= self.numerator

    def percent(self, amount: int) -> int:
        """How far an amount is, in whole per cent, rounded down."""
        return amount * self.denominator * 100 // self.numerator

    def within(self, amount: int, *, percent: int) -> bool:
        """Whether an amount does not pass it and is at least so many per cent of it."""
        return not self.passed(amount) and amount * self.denominator * 100 >= self.numerator * percent


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Operations of one account that belong together: how many, what they sum to, the largest, and the first's name."""

    account: str
    count: int
    total: int
    largest: int
    time_s: int
    transaction: str


def euros(amount: int, *, rate: int, decimals: int, over: bool) -> Bound:
    """`amount` whole euros at `rate` (10⁻⁴ zł per euro) as minor units of an asset worth one złoty with `decimals`.

    Raises ValueError for a rate or an amount that is not above zero.
    """
    if rate <= 0 or amount <= 0:
        message = f"{amount} euros at {rate} is no bound"
        raise ValueError(message)
    return Bound(numerator=amount * rate * 10**decimals, denominator=10**RATE_DECIMALS, over=over)


def count(moves: Sequence[Move], *, issuer: str, first: date, last: date) -> Counted:
    """Count an asset's movements from its beginning to the end of `last`; `moves` hold nothing later."""
    book = _Book(issuer, first, last)
    for group in _transactions(moves):
        book.take(group)
    return book.counted()


class _Book:
    """Balances and sums while the log is read in order."""

    def __init__(self, issuer: str, first: date, last: date) -> None:
        self._issuer, self._first, self._last = issuer, first, last
        self._balances: Counter[str] = Counter()
        self._operations: dict[str, list[Operation]] = defaultdict(list)
        self._opened: dict[str, int] = {}
        self._months: Counter[tuple[str, str]] = Counter()
        self._ever: set[str] = set()
        self._accepting: set[str] = set()
        self._ends: dict[date, int] = {}
        self._issued = self._redeemed = self._paid = 0
        self._top = (0, "")
        self._begun: date | None = None

    def take(self, group: list[Move]) -> None:
        """One transaction."""
        day = local_day(group[0].time_s)
        if self._begun is None:
            self._begun = day
        inside = day >= self._first
        if inside and not self._ever:
            self._enter()
        changes = {one.account: one.amount for one in group if one.amount}
        of_issuer = changes.pop(self._issuer, 0)
        self._balances[self._issuer] += of_issuer
        for account, amount in changes.items():
            self._balances[account] += amount
            self._opened.setdefault(account, group[0].time_s)
        self._ends[day] = -self._balances[self._issuer]
        if inside:
            self._sum(group[0], day, changes, of_issuer)

    def _enter(self) -> None:
        """Who holds something when the time begins, held it in that time."""
        for account, balance in self._balances.items():
            if account != self._issuer and balance > 0:
                self._ever.add(account)
                self._top = max(self._top, (balance, account))

    def _sum(self, about: Move, day: date, changes: Mapping[str, int], of_issuer: int) -> None:
        redeems = of_issuer > 0 and about.operation in {"settle", "resolve_dispute"}
        given = -sum(amount for amount in changes.values() if amount < 0)
        self._issued += max(0, -of_issuer)
        self._redeemed += of_issuer if redeems else 0
        self._paid += given - (of_issuer if redeems else 0)
        for account, amount in sorted(changes.items()):
            self._operations[account].append(Operation(about.time_s, about.transaction, amount, of_issuer != 0))
            if amount > 0:
                self._ever.add(account)
                self._top = max(self._top, (self._balances[account], account))
                if given:
                    self._accepting.add(account)
            elif not redeems:
                self._months[account, f"{day:%Y-%m}"] -= amount
        if of_issuer > 0 and not redeems:
            self._accepting.add(self._issuer)

    def counted(self) -> Counted:
        """Everything at the end of the last day."""
        if not self._ever:
            self._enter()
        held = [balance for account, balance in self._balances.items() if account != self._issuer and balance > 0]
        ends = list(self._day_ends())
        month, (payer, _) = max(((sum_, key) for key, sum_ in self._months.items()), default=(0, ("", "")))
        amounts = Amounts(
            first=self._first,
            last=self._last,
            days=len(ends),
            issued=self._issued,
            redeemed=self._redeemed,
            paid=self._paid,
            outstanding=-self._balances[self._issuer],
            average=sum(ends) // len(ends) if ends else 0,
            highest=max(ends, default=0),
            highest_balance=self._top[0],
            highest_balance_account=self._top[1],
            highest_month=month,
            highest_month_account=payer,
            holders=len(held),
            holders_ever=len(self._ever),
            accepting=len(self._accepting),
        )
        operations = {account: tuple(rows) for account, rows in sorted(self._operations.items())}
        return Counted(amounts=amounts, operations=operations, opened=self._opened)

    def _day_ends(self) -> Iterator[int]:
        """What was out at the end of each day, from the first that something had moved on."""
        if self._begun is None:
            return
        day = max(self._begun, self._first)
        out = next((self._ends[one] for one in sorted(self._ends, reverse=True) if one < day), 0)
        while day <= self._last:
            out = self._ends.get(day, out)
            yield out
            day += timedelta(days=1)


def _transactions(moves: Sequence[Move]) -> Iterator[list[Move]]:
    group: list[Move] = []
    for move in moves:
        if group and move.transaction != group[0].transaction:
            yield group
            group = []
        group.append(move)
    if group:
        yield group


def single(account: str, operations: Sequence[Operation], bound: Bound) -> Found | None:
    """The operations of an account that pass a bound alone: all it gave, and what it got from the issuer."""
    return _found(account, [one for one in _counting(operations) if bound.passed(abs(one.amount))])


def linked(account: str, operations: Sequence[Operation], bound: Bound, *, days: int) -> Found | None:
    """The operations of one direction that first pass a bound within `days` times 24 hours, alone or together."""
    runs = [_run(rows, bound, days) for rows in _directions(_counting(operations))]
    return min((found for rows in runs if (found := _found(account, rows))), key=lambda one: one.time_s, default=None)


def largest(operations: Sequence[Operation]) -> int:
    """The largest operation of those that count: all it gave, and what it got from the issuer."""
    return max((abs(one.amount) for one in _counting(operations)), default=0)


def most_linked(operations: Sequence[Operation], *, days: int) -> int:
    """The most that operations of one direction come to within `days` times 24 hours."""
    most = 0
    for rows in _directions(_counting(operations)):
        start = total = 0
        for row in rows:
            total += abs(row.amount)
            while row.time_s - rows[start].time_s >= days * DAY_S:
                total -= abs(rows[start].amount)
                start += 1
            most = max(most, total)
    return most


def split(account: str, operations: Sequence[Operation], bound: Bound, *, days: int, percent: int) -> Found | None:
    """Two operations or more of one direction just below a bound that pass it together within `days` times 24 hours."""
    near = [one for one in _counting(operations) if bound.within(abs(one.amount), percent=percent)]
    runs = [_run(rows, bound, days) for rows in _directions(near)]
    return min((found for rows in runs if (found := _found(account, rows))), key=lambda one: one.time_s, default=None)


def in_and_out(account: str, operations: Sequence[Operation], bound: Bound, *, percent: int) -> Found | None:
    """What an account got that passes a bound and of which it gave at least `percent` in 24 hours, the first time."""
    got, gave = _directions(operations)
    got_at, gave_at = ([one.time_s for one in rows] for rows in (got, gave))
    got_sums, gave_sums = ([0, *accumulate(abs(one.amount) for one in rows)] for rows in (got, gave))
    for start, opening in enumerate(got):
        end = bisect_left(got_at, opening.time_s + DAY_S)
        total = got_sums[end] - got_sums[start]
        since, until = (bisect_left(gave_at, opening.time_s + wait) for wait in (0, DAY_S))
        if bound.passed(total) and (gave_sums[until] - gave_sums[since]) * 100 >= total * percent:
            return _found(account, got[start:end])
    return None


def first_day(account: str, operations: Sequence[Operation], bound: Bound, *, opened_s: int) -> Found | None:
    """What an account got or gave within 24 hours of its first movement, where one of the two passes a bound."""
    inside = [one for one in operations if one.time_s < opened_s + DAY_S]
    for rows in _directions(inside):
        if bound.passed(sum(abs(one.amount) for one in rows)):
            return _found(account, rows)
    return None


def _counting(operations: Sequence[Operation]) -> list[Operation]:
    """A payment counts with its payer, so that no amount is looked at twice; what the issuer gave, with its taker."""
    return [one for one in operations if one.amount < 0 or one.issuer]


def _directions(operations: Sequence[Operation]) -> tuple[list[Operation], list[Operation]]:
    """What was got, and what was given."""
    return [one for one in operations if one.amount > 0], [one for one in operations if one.amount < 0]


def _run(rows: Sequence[Operation], bound: Bound, days: int) -> list[Operation]:
    """The first rows within the days that pass the bound together."""
    start = total = 0
    for end, row in enumerate(rows):
        total += abs(row.amount)
        while row.time_s - rows[start].time_s >= days * DAY_S:
            total -= abs(rows[start].amount)
            start += 1
        if bound.passed(total):
            return list(rows[start : end + 1])
    return []


def _found(account: str, rows: Sequence[Operation]) -> Found | None:
    if not rows:
        return None
    sizes = [abs(one.amount) for one in rows]
    return Found(
        account=account,
        count=len(rows),
        total=sum(sizes),
        largest=max(sizes),
        time_s=rows[0].time_s,
        transaction=rows[0].transaction,
    )
