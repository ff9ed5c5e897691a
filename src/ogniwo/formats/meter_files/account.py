"""The operator's own account of a community, checked by rule V20 on the figures as the file prints them.

Whole Wh, which is what is stored, cannot show every contradiction: the account is exact to 10^-6 kWh and a sum of 34
figures rounded to Wh may be 17 Wh off. So the rule runs here, where every digit is at hand.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ogniwo.core.kernel.findings import Finding, Severity
from ogniwo.core.kernel.ids import sha256_hex
from ogniwo.core.kernel.periods import instant_of
from ogniwo.core.kernel.quantities import format_decimal
from ogniwo.core.metering.validation.community import CommunityAccount, check_community_balance
from ogniwo.core.metering.validation.parameters import RuleParameters
from ogniwo.formats.meter_files.drafts import Draft
from ogniwo.formats.meter_files.layout import Account
from ogniwo.formats.meter_files.model import IntervalColumns
from ogniwo.formats.meter_files.problems import Problems

FINDINGS_KEPT = 1_000
"""How many findings of one code are kept of one file; a last one says how many more there are."""

_SUMS = {"V20.share_sum": "the sum of shares", "V20.surplus": "covered energy and surplus together"}
_FIGURES = frozenset({"generated", "share", "covered", "surplus", "difference", "allowed", "largest_difference"})
_NAME_CHARACTERS = 16
_WH_DECIMALS = 3


def check_account(
    rules: Account | None, *, drafts: Sequence[Draft], intervals: IntervalColumns, problems: Problems
) -> tuple[tuple[str, str], ...]:
    """Run V20 over a file and remark what it finds; returns the facts about the account, none where there is none.

    `drafts` are the columns of one table, so they share their rows; `intervals` are what became of them. A member takes
    part in the intervals in which all its figures have a value. A finding is a warning: what does not add up is the
    operator's account, which no bill of ours is computed from, and the metered values beside it are good.
    """
    columns = {(draft.point, draft.channel): draft for draft in drafts}
    points = tuple(dict.fromkeys(draft.point for draft in drafts))
    if rules is None or not intervals.count:
        return ()
    consumers = tuple(point for point in points if all((point, channel) in columns for channel in rules.of_consumer))
    producers = tuple(point for point in points if all((point, channel) in columns for channel in rules.of_producer))
    if not consumers or not producers:
        return ()
    one = (intervals.point_index == intervals.point_index[0]) & (intervals.channel_index == intervals.channel_index[0])
    starts, rows = intervals.start_epoch_s[one], intervals.row[one]
    places = np.searchsorted(np.asarray(drafts[0].row), rows).tolist()
    wanted = [[columns[point, channel] for point in consumers] for channel in rules.of_consumer]
    wanted += [[columns[point, channel] for point in producers] for channel in rules.of_producer]
    tables, decimals = _at_finest([_figures(group, places, rules.decimals) for group in wanted], rules.decimals)
    present = [_present(group, places) for group in wanted]
    account = CommunityAccount(
        community=_name(consumers, producers),
        slot_s=int(intervals.seconds[0]),
        start_epoch_s=starts,
        consumers=consumers,
        producers=producers,
        metered=tables[0],
        share=tables[1],
        covered=tables[2],
        consumer_present=np.logical_and.reduce(present[:3]),
        generated=tables[3],
        surplus=tables[4],
        producer_present=np.logical_and.reduce(present[3:]),
    )
    row_of = dict(zip(starts.tolist(), rows.tolist(), strict=True))
    for finding in _at_most(check_community_balance(account, tolerance=RuleParameters().v20_tolerance)):
        problems.remark(_described(finding, decimals=decimals, row_of=row_of, file_name=problems.file_name))
    return (
        ("community", account.community),
        ("community_from", instant_of(int(starts[0])).isoformat()),
        ("community_to", instant_of(int(starts[-1]) + account.slot_s).isoformat()),
    )


def _figures(drafts: Sequence[Draft], places: list[int], decimals: int) -> NDArray[np.int64]:
    """Figures of one quantity as (members, places) in 10^-`decimals` kWh, 0 where there is no value."""
    return np.array(
        [
            [0 if (value := draft.values[place]) is None else value.in_kwh(decimals) for place in places]
            for draft in drafts
        ],
        dtype=np.int64,
    )


def _present(drafts: Sequence[Draft], places: list[int]) -> NDArray[np.bool_]:
    return np.array([[draft.values[place] is not None for place in places] for draft in drafts], dtype=np.bool_)


def _at_finest(tables: list[NDArray[np.int64]], decimals: int) -> tuple[list[NDArray[np.int64]], int]:
    """The tables, so far in 10^-`decimals` kWh, at the finest decimal that any figure has, and how many that are.

    Whole Wh are the coarsest: a spreadsheet does not tell 0.100 from 0.1, and no operator prints less.
    """
    while decimals > _WH_DECIMALS and not any((table % 10).any() for table in tables):
        tables = [table // 10 for table in tables]
        decimals -= 1
    return tables, decimals


def _name(consumers: Sequence[str], producers: Sequence[str]) -> str:
    """A name for a community that the file itself does not name: the digest of its points and their roles."""
    text = "\n".join([*sorted(consumers), "", *sorted(producers)])
    return sha256_hex(text.encode())[:_NAME_CHARACTERS]


def _at_most(findings: Sequence[Finding]) -> list[Finding]:
    """The findings, of each code the first ones only, and then one for the rest of the code."""
    kept: list[Finding] = []
    for code in dict.fromkeys(finding.code for finding in findings):
        of_code = [finding for finding in findings if finding.code == code]
        rest = of_code[FINDINGS_KEPT:]
        kept += of_code[:FINDINGS_KEPT]
        if rest:
            facts = tuple(fact for fact in rest[0].facts if fact[0] == "community")
            kept.append(
                replace(
                    rest[0],
                    point="",
                    end_epoch_s=rest[-1].end_epoch_s,
                    message=f"{len(rest)} more findings of this rule up to here",
                    facts=(*facts, ("findings", str(len(rest)))),
                )
            )
    return kept


def _described(finding: Finding, *, decimals: int, row_of: dict[int, int], file_name: str) -> Finding:
    """A finding of the rule in kWh, with its place in the file."""
    facts = dict(_in_kwh(name, text, decimals) for name, text in finding.facts)
    message = finding.message
    if "difference_kwh" in facts:
        by = facts["difference_kwh"]
        verb = "falls short of" if by.startswith("-") else "exceeds"
        message = f"generation {verb} {_SUMS[finding.code]} by {by.removeprefix('-')} kWh"
    return replace(
        finding,
        severity=Severity.WARNING,
        message=message,
        source=file_name,
        row=row_of[finding.start_epoch_s] if finding.start_epoch_s is not None else 0,
        facts=tuple(facts.items()),
    )


def _in_kwh(name: str, text: str, decimals: int) -> tuple[str, str]:
    """A fact; one that is a figure, as kWh."""
    return (f"{name}_kwh", format_decimal(int(text), decimals=decimals)) if name in _FIGURES else (name, text)
