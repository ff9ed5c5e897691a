"""V2."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from ogniwo.core.kernel.findings import Severity
from ogniwo.core.metering.validation.duplicates import IntervalValue, remove_duplicates

VALUE = IntervalValue(point="P", channel="1.29.0", start_epoch_s=0, length_s=900, wh=10, order=1, source="a", row=1)


def codes(result):
    return [(finding.code, finding.severity) for finding in result.findings]


def test_v2_the_same_value_twice_is_a_note():
    result = remove_duplicates([VALUE, replace(VALUE, order=2, source="b")])
    assert [value.source for value in result.values] == ["b"]
    assert codes(result) == [("V2.duplicate", Severity.NOTE)]


def test_v2_the_newer_delivery_wins_and_both_are_named():
    result = remove_duplicates([replace(VALUE, order=2, source="b", row=9, wh=12), VALUE])
    assert [value.wh for value in result.values] == [12]
    assert codes(result) == [("V2.replaced", Severity.WARNING)]
    facts = dict(result.findings[0].facts)
    assert (facts["source"], facts["other_source"], facts["wh"], facts["replaced_wh"]) == ("b:9", "a:1", "12", "10")


def test_v2_a_delivery_that_contradicts_itself_leaves_no_value():
    result = remove_duplicates([VALUE, replace(VALUE, row=2, wh=11)])
    assert result.values == ()
    assert codes(result) == [("V2.contradiction", Severity.ERROR)]


def test_v2_overlap_of_lengths_leaves_neither():
    hour = replace(VALUE, start_epoch_s=3_600, length_s=3_600)
    inside = replace(VALUE, start_epoch_s=5_400)
    beside = replace(VALUE, start_epoch_s=7_200)
    elsewhere = replace(inside, channel="2.29.0")
    result = remove_duplicates([beside, inside, hour, VALUE, elsewhere])
    assert result.values == (VALUE, beside, elsewhere)
    assert codes(result) == [("V2.overlap", Severity.ERROR)]


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3), st.integers(0, 2)), max_size=30), st.randoms())
def test_v2_order_of_rows_does_not_matter_and_slots_are_unique(rows, random):
    values = [
        replace(VALUE, start_epoch_s=slot * 900, order=order, wh=wh, row=row)
        for row, (slot, order, wh) in enumerate(rows)
    ]
    result = remove_duplicates(values)
    shuffled = values.copy()
    random.shuffle(shuffled)
    assert remove_duplicates(shuffled) == result
    starts = [value.start_epoch_s for value in result.values]
    assert starts == sorted(set(starts))
