from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ogniwo.formats.meter_files.labels import LabelKind
from ogniwo.formats.meter_files.layout import Time
from ogniwo.formats.meter_files.timeline import resolve_axis

WARSAW = ZoneInfo("Europe/Warsaw")


def wall(text):
    return int(datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=UTC).timestamp())


def utc(text):
    return wall(text)


def axis(labels, *, time, length_s=3600, kinds=None):
    kind = np.array(kinds or [LabelKind.LOCAL] * len(labels), dtype=np.int8)
    return resolve_axis(seconds=np.array(labels, dtype=np.int64), kind=kind, time=time, length_s=length_s)


@settings(max_examples=60)
@given(
    day=st.sampled_from(
        [datetime(2022, 3, 26, tzinfo=UTC), datetime(2022, 10, 29, tzinfo=UTC), datetime(2023, 6, 1, tzinfo=UTC)]
    ),
    length_s=st.sampled_from([900, 3600]),
    label=st.sampled_from(["start", "end", "end-minute"]),
    seed=st.integers(0, 2**32 - 1),
)
def test_labels_written_by_a_local_clock_come_back_as_they_were_with_any_gaps(day, length_s, label, seed):
    count = 3 * 86_400 // length_s
    starts = [int(day.timestamp()) + index * length_s for index in range(count)]
    chance = np.random.default_rng(seed)
    local = [datetime.fromtimestamp(start, tz=WARSAW) for start in starts]
    repeated = {
        start
        for start, moment in zip(starts, local, strict=True)
        if moment.replace(fold=0).utcoffset() != moment.replace(fold=1).utcoffset()
    }
    kept = [start for start in starts if start in repeated or chance.random() > 0.2]
    shift = {"start": 0, "end": length_s, "end-minute": length_s - 60}[label]
    labels = [int((datetime.fromtimestamp(start, tz=WARSAW).replace(tzinfo=UTC)).timestamp()) + shift for start in kept]
    got = axis(labels, time=Time(label=label), length_s=length_s)
    assert got.problems == ()
    assert got.start_epoch_s.tolist() == kept
    assert got.order.tolist() == list(range(len(kept)))


def test_the_repeated_hour_in_two_blocks_and_interleaved_gives_the_same_instants():
    quarters = ["02:00", "02:15", "02:30", "02:45"]
    blocks = [wall(f"2022-10-30 {quarter}") for quarter in quarters * 2]
    pairs = [wall(f"2022-10-30 {quarter}") for quarter in quarters for _ in range(2)]
    expected = [utc("2022-10-30 00:00") + 900 * index for index in range(8)]
    for labels in (blocks, pairs):
        got = axis(labels, time=Time(), length_s=900)
        assert (got.problems, got.start_epoch_s.tolist(), len(got.unsure)) == ((), expected, 0)


def test_a_step_back_tells_the_second_block_even_when_the_first_is_incomplete():
    labels = [wall(f"2022-10-30 {quarter}") for quarter in ("02:30", "02:45", "02:00", "02:15", "02:30")]
    got = axis(labels, time=Time(), length_s=900)
    assert got.start_epoch_s.tolist() == [utc(f"2022-10-30 {m}") for m in ("00:30", "00:45", "01:00", "01:15", "01:30")]


def test_a_repeated_hour_that_stands_once_is_summer_time_and_reported():
    labels = [wall("2022-10-30 01:00"), wall("2022-10-30 02:00"), wall("2022-10-30 03:00")]
    got = axis(labels, time=Time())
    assert got.start_epoch_s.tolist() == [utc("2022-10-29 23:00"), utc("2022-10-30 00:00"), utc("2022-10-30 02:00")]
    assert got.unsure.tolist() == [1]


@pytest.mark.parametrize(
    ("labels", "code", "index"),
    [
        (["2022-06-01 02:00", "2022-06-01 04:00", "2022-06-01 03:00"], "read.out_of_order", 2),
        (["2022-03-27 01:00", "2022-03-27 02:00", "2022-03-27 03:00"], "read.absent_hour", 1),
        (["2022-06-01 02:00", "2022-06-01 02:17"], "read.off_raster", 1),
    ],
)
def test_contradictions_name_their_row(labels, code, index):
    got = axis([wall(label) for label in labels], time=Time())
    assert (code, index) in {(problem.code, problem.index) for problem in got.problems}


@pytest.mark.parametrize(
    ("labels", "repeats", "order"),
    [
        (["2022-06-01 02:00", "2022-06-01 02:00"], [[1, 0]], [0]),
        (["2022-06-01 02:00", "2022-06-01 03:00", "2022-06-01 03:00", "2022-06-01 03:00"], [[2, 1], [3, 2]], [0, 1]),
        (["2022-10-30 02:00", "2022-10-30 02:00", "2022-10-30 02:00"], [[2, 1]], [0, 1]),
    ],
)
def test_a_label_that_stands_there_again_is_left_out_and_named_beside_the_row_before(labels, repeats, order):
    got = axis([wall(label) for label in labels], time=Time())
    assert (got.problems, got.repeats.tolist(), got.order.tolist()) == ((), repeats, order)
    assert len(got.start_epoch_s) == len(set(got.start_epoch_s.tolist())) == len(order)


def test_end_labels_as_hour_numbers_and_as_moments_differ_on_the_days_of_change():
    hour_numbers = [wall(f"2022-10-30 {hour}:00") for hour in ("01", "02", "03", "03", "04")]
    expected = [utc("2022-10-29 22:00") + 3600 * index for index in range(5)]
    assert axis(hour_numbers, time=Time(label="end")).start_epoch_s.tolist() == expected
    moments = [wall(f"2022-10-30 {hour}:00") for hour in ("01", "02", "02", "03", "04")]
    kinds = [LabelKind.LOCAL, LabelKind.LOCAL, LabelKind.REPEATED, LabelKind.LOCAL, LabelKind.LOCAL]
    got = axis(moments, time=Time(label="end", clock="instant", repeat_mark="A"), kinds=kinds)
    assert (got.problems, got.start_epoch_s.tolist()) == ((), expected)


def test_end_moments_in_spring_may_name_the_change_on_either_clock_but_not_on_both():
    expected = [utc("2022-03-26 23:00"), utc("2022-03-27 00:00"), utc("2022-03-27 01:00")]
    time = Time(label="end", clock="instant")
    for change in ("02:00", "03:00"):
        labels = [wall(f"2022-03-27 {hour}") for hour in ("01:00", change, "04:00")]
        got = axis(labels, time=time)
        assert (got.problems, got.start_epoch_s.tolist()) == ((), expected)
    both = axis([wall("2022-03-27 02:00"), wall("2022-03-27 03:00")], time=time)
    assert [problem.code for problem in both.problems] == ["read.duplicate_label"]


def test_a_mark_outside_the_repeated_hour_is_an_error():
    got = axis([wall("2022-06-01 02:00")], time=Time(repeat_mark="A"), kinds=[LabelKind.REPEATED])
    assert [problem.code for problem in got.problems] == ["read.repeat_mark"]


def test_an_hour_that_does_not_exist_can_be_set_aside():
    labels = [wall("2022-03-27 01:00"), wall("2022-03-27 02:00"), wall("2022-03-27 03:00")]
    got = axis(labels, time=Time(absent_hour="set_aside"))
    assert got.problems == ()
    assert got.start_epoch_s.tolist() == [utc("2022-03-27 00:00"), utc("2022-03-27 01:00")]
    assert (got.set_aside.tolist(), got.order.tolist()) == ([1], [0, 2])


def test_absolute_labels_need_no_order():
    labels = [utc("2022-10-30 01:00"), utc("2022-10-30 00:00")]
    got = axis(labels, time=Time(), kinds=[LabelKind.ABSOLUTE] * 2)
    assert (got.problems, got.start_epoch_s.tolist(), got.order.tolist()) == ((), labels[::-1], [1, 0])


def test_lengths_follow_the_clock_over_a_whole_year_of_quarters():
    start = datetime(2021, 12, 31, 23, tzinfo=UTC)
    moments = [start + timedelta(minutes=15 * index) for index in range(35_040)]
    labels = [int(moment.astimezone(WARSAW).replace(tzinfo=UTC).timestamp()) for moment in moments]
    got = axis(labels, time=Time(), length_s=900)
    assert got.problems == ()
    assert got.start_epoch_s.tolist() == [int(moment.timestamp()) for moment in moments]
