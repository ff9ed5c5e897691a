"""Contract segments: every day once, gaps reported, overlaps refused."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ogniwo.core.contracts.supply import EmptyContractError, OverlappingContractsError, SupplyContract, segments
from ogniwo.core.kernel.findings import Severity

POINT = "590310600000000019"
OCTOBER = (date(2026, 10, 1), date(2026, 11, 1))


def contract(number, valid_from, valid_to, *, member="anna", terms="G12w", point=POINT):
    return SupplyContract(
        number=number, point=point, member=member, valid_from=valid_from, valid_to=valid_to, terms=terms
    )


def test_one_open_contract_covers_the_whole_month():
    timeline = segments(
        [contract("1", date(2020, 1, 1), None)], point=POINT, first=OCTOBER[0], last_exclusive=OCTOBER[1]
    )
    assert [(part.first, part.last_exclusive, part.days) for part in timeline.segments] == [(*OCTOBER, 31)]
    assert timeline.findings == ()


def test_change_of_terms_inside_a_month_gives_two_adjoining_segments():
    timeline = segments(
        [
            contract("2", date(2026, 10, 15), None, terms="G11"),
            contract("1", date(2020, 1, 1), date(2026, 10, 15)),
        ],
        point=POINT,
        first=OCTOBER[0],
        last_exclusive=OCTOBER[1],
    )
    assert [(part.contract.terms, part.days) for part in timeline.segments] == [("G12w", 14), ("G11", 17)]
    assert timeline.covered_days == 31
    assert timeline.findings == ()


def test_move_out_and_later_move_in_report_the_days_between():
    timeline = segments(
        [
            contract("1", date(2020, 1, 1), date(2026, 10, 10), member="anna"),
            contract("2", date(2026, 10, 20), None, member="jan"),
        ],
        point=POINT,
        first=OCTOBER[0],
        last_exclusive=OCTOBER[1],
    )
    assert [part.contract.member for part in timeline.segments] == ["anna", "jan"]
    (gap,) = timeline.findings
    assert gap.code == "contract.gap"
    assert gap.severity is Severity.ERROR
    assert dict(gap.facts) == {"first": "2026-10-10", "last_exclusive": "2026-10-20", "days": "10"}
    assert gap.start_epoch_s == 1_791_583_200  # 2026-10-09T22:00Z, summer time
    assert gap.end_epoch_s - gap.start_epoch_s == 10 * 86_400


def test_a_gap_over_the_autumn_clock_change_lasts_an_hour_longer():
    timeline = segments(
        [contract("1", date(2026, 10, 26), None)], point=POINT, first=date(2026, 10, 25), last_exclusive=OCTOBER[1]
    )
    (gap,) = timeline.findings
    assert gap.end_epoch_s - gap.start_epoch_s == 25 * 3_600


def test_no_contract_at_all_is_one_gap():
    other = contract("1", date(2020, 1, 1), None, point="another")
    timeline = segments([other], point=POINT, first=OCTOBER[0], last_exclusive=OCTOBER[1])
    assert timeline.segments == ()
    assert [dict(finding.facts)["days"] for finding in timeline.findings] == ["31"]


def test_overlap_is_refused_with_both_numbers_and_the_day():
    both = [contract("1", date(2020, 1, 1), date(2026, 10, 16)), contract("2", date(2026, 10, 15), None)]
    with pytest.raises(OverlappingContractsError, match=r"1 and 2 .* on 2026-10-15") as refusal:
        segments(both, point=POINT, first=OCTOBER[0], last_exclusive=OCTOBER[1])
    assert refusal.value.code == "contract.overlap"


def test_an_overlap_outside_the_asked_days_does_not_hold_up_this_month():
    both = [contract("1", date(2020, 1, 1), date(2026, 9, 16)), contract("2", date(2026, 9, 15), None)]
    timeline = segments(both, point=POINT, first=OCTOBER[0], last_exclusive=OCTOBER[1])
    assert timeline.covered_days == 31


def test_a_contract_without_days_is_refused():
    with pytest.raises(EmptyContractError):
        contract("1", date(2026, 10, 1), date(2026, 10, 1))


def test_an_empty_question_is_a_bug_of_the_caller():
    with pytest.raises(ValueError, match="empty period"):
        segments([], point=POINT, first=OCTOBER[0], last_exclusive=OCTOBER[0])


@given(st.lists(st.tuples(st.integers(0, 12), st.integers(1, 9)), max_size=6), st.integers(1, 60))
def test_segments_and_gaps_cover_every_day_exactly_once(runs, asked_days):
    start = date(2026, 9, 20)
    contracts, day = [], start
    for number, (pause, length) in enumerate(runs):
        begin = day + timedelta(days=pause)
        day = begin + timedelta(days=length)
        contracts.append(contract(str(number), begin, day))
    first, last = date(2026, 10, 1), date(2026, 10, 1) + timedelta(days=asked_days)
    timeline = segments(contracts[::-1], point=POINT, first=first, last_exclusive=last)

    covered = {}
    for part in timeline.segments:
        for offset in range(part.days):
            covered.setdefault(part.first + timedelta(days=offset), []).append(part.contract.number)
    expected = {
        day: [one.number for one in contracts if one.valid_from <= day < one.valid_to]
        for day in (first + timedelta(days=offset) for offset in range(asked_days))
    }
    assert covered == {day: numbers for day, numbers in expected.items() if numbers}
    gap_days = sum(int(dict(finding.facts)["days"]) for finding in timeline.findings)
    assert gap_days == sum(1 for numbers in expected.values() if not numbers)
