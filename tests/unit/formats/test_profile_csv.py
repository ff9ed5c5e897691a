from datetime import date
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ogniwo.core.kernel.calendar import HOUR_S, Month, grid_of_days, grid_of_month
from ogniwo.core.kernel.findings import Severity
from ogniwo.core.kernel.ids import gs1_check_digit
from ogniwo.core.kernel.quality import Quality
from ogniwo.core.metering.model import EXPORT, IMPORT, IMPORT_NETTED, REACTIVE_Q1, IntervalSeries
from ogniwo.formats.profile_csv import (
    HEADER,
    LineTooLong,
    ProfileCsvReader,
    inspect_profile_csv,
    parse_profile_csv,
    write_profile_csv,
)
from ogniwo.formats.profile_csv.reference import parse_profile_csv_reference

POINTS = tuple(body + str(gs1_check_digit(body)) for body in (f"5905435200000000{index}" for index in range(3)))
STRANGER = "59054352000000009" + str(gs1_check_digit("59054352000000009"))
AUTUMN = grid_of_days(date(2026, 10, 25), date(2026, 10, 26))
GOOD = f"{POINTS[0]};1.29.0;2026-10-25T00:15+02:00;0,123;kWh;+"


def _file(*rows: str, end: str = "\n") -> bytes:
    return (end.join((HEADER, *rows)) + end).encode()


def _parse(*rows: str, grid=AUTUMN):
    return parse_profile_csv(_file(*rows), points=POINTS, grid=grid)


def _assert_same(one, other) -> None:
    assert (one.channels, one.rows, dict(one.counts)) == (other.channels, other.rows, dict(other.counts))
    assert one.findings == other.findings
    for mine, theirs in zip((*one.wh, *one.quality), (*other.wh, *other.quality), strict=True):
        assert np.array_equal(mine, theirs)


def test_a_row_lands_in_its_slot_and_every_other_slot_is_missing():
    parsed = _parse(GOOD)
    assert parsed.channels == (IMPORT,)
    assert parsed.wh[0].shape == (3, 100)  # the autumn day has 25 hours
    assert parsed.wh[0][0, 1] == 123
    assert parsed.quality[0][0, 1] == Quality.MEASURED
    assert (parsed.quality[0] == Quality.MISSING).sum() == 299
    assert parsed.findings == ()
    assert np.unpackbits(parsed.present_bits(IMPORT), axis=1).sum() == 1


def test_the_repeated_hour_is_told_apart_by_its_offset():
    parsed = _parse(
        f"{POINTS[0]};1.29.0;2026-10-25T02:30+02:00;1,0;kWh;+",
        f"{POINTS[0]};1.29.0;2026-10-25T02:30+01:00;2;kWh;+",
        f"{POINTS[0]};1.29.0;2026-10-25T01:45Z;3000;Wh;pomiar",
        f"{POINTS[0]};1.29.0;2026-10-25T02:00:00Z;-0,004;kWh;Szacowane",
    )
    assert parsed.findings == ()
    assert parsed.wh[0][0, [10, 14, 15, 16]].tolist() == [1000, 2000, 3000, -4]
    assert parsed.quality[0][0, [10, 14, 15, 16]].tolist() == [1, 1, 1, 3]


def test_channels_of_one_file_are_kept_apart_and_reactive_energy_needs_its_own_unit():
    parsed = _parse(
        GOOD,
        GOOD.replace("1.29.0", "1-1:2.29.0*255").replace("0,123", "0,5"),
        GOOD.replace("1.29.0", "1.29.0/net").replace("0,123", "0,05"),
        GOOD.replace("1.29.0", "1-0:5.29.0").replace("kWh", "kvarh"),
        GOOD.replace("1.29.0", "8.29.0"),
        GOOD.replace("kWh", "varh"),
    )
    assert parsed.channels == (IMPORT, EXPORT, IMPORT_NETTED, REACTIVE_Q1)
    assert [int(matrix[0, 1]) for matrix in parsed.wh] == [123, 500, 50, 123]
    assert parsed.counts == {"read.unit": 2}


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        (";+", ";+;", "read.columns"),
        (";kWh", "kWh", "read.columns"),
        (POINTS[0], POINTS[0][:-1], "read.not_a_point"),
        (POINTS[0], f" {POINTS[0][:-1]}", "read.not_a_point"),
        (POINTS[0], POINTS[0][:-1] + str((int(POINTS[0][-1]) + 1) % 10), "read.check_digit"),
        (POINTS[0], STRANGER, "read.unknown_point"),
        ("1.29.0", "1.8.0", "read.unknown_channel"),
        ("1.29.0", "1.29.0 ", "read.unknown_channel"),
        ("2026-10-25T00:15+02:00", "2026-10-25T00:15", "read.not_a_time"),
        ("2026-10-25T00:15+02:00", "2026-10-25 00:15+02:00", "read.not_a_time"),
        ("2026-10-25T00:15", "2026-02-29T00:15", "read.not_a_time"),
        ("2026-10-25T00:15", "2026-10-25T24:00", "read.not_a_time"),
        ("+02:00", "+15:00", "read.not_a_time"),
        ("00:15+", "00:15:60+", "read.not_a_time"),
        ("2026-10-25T00:15", "2026-10-24T23:45", "read.outside_period"),
        ("2026-10-25T00:15+02:00", "2026-10-26T00:00+01:00", "read.outside_period"),
        ("00:15", "00:10", "read.off_raster"),
        ("00:15+", "00:15:01+", "read.off_raster"),
        ("0,123", "0.123", "read.not_a_number"),
        ("0,123", "", "read.not_a_number"),
        ("0,123", ",123", "read.not_a_number"),
        ("0,123", "1 000,0", "read.not_a_number"),
        ("0,123", "1e3", "read.not_a_number"),
        ("0,123", "--1", "read.not_a_number"),
        ("0,123", "0,1230", "read.too_many_decimals"),
        ("0,123;kWh", "0,1;Wh", "read.too_many_decimals"),
        ("0,123", "2147483,648", "read.too_large"),
        ("0,123", "99999999999999999999999999", "read.too_large"),
        ("kWh", "MWh", "read.unit"),
        (";+", ";", "read.unknown_status"),
        (";+", ";może", "read.unknown_status"),
        (";+", ";brak", "read.missing_with_value"),
        ("0,123", "0,\x00123", "read.bad_byte"),
    ],
)
def test_a_deviation_is_counted_located_and_its_row_not_used(old, new, code):
    parsed = _parse(GOOD.replace("00:15", "00:30"), GOOD.replace(old, new), GOOD.replace("00:15", "00:45"))
    assert dict(parsed.counts) == {code: 1}
    (finding,) = parsed.findings
    assert (finding.code, finding.row, finding.severity) == (code, 3, Severity.ERROR)
    assert (parsed.quality[0] != Quality.MISSING).sum() == 2


def test_the_largest_value_fits():
    assert _parse(GOOD.replace("0,123", "2147483,647")).wh[0][0, 1] == 2**31 - 1


def test_an_exact_repetition_is_a_warning_and_a_contradiction_voids_the_slot_for_good():
    again = _parse(GOOD, GOOD, GOOD.replace("0,123;kWh", "123;Wh"))
    assert dict(again.counts) == {"read.duplicate": 2}
    assert {finding.severity for finding in again.findings} == {Severity.WARNING}
    assert again.wh[0][0, 1] == 123
    for other in ("0,124;kWh;+", "0,123;kWh;szacowane", ";kWh;brak"):
        against = _parse(GOOD, GOOD.replace("0,123;kWh;+", other), GOOD)
        assert dict(against.counts) == {"read.conflict": 2}
        assert [finding.row for finding in against.findings] == [3, 4]
        assert (against.wh[0][0, 1], against.quality[0][0, 1]) == (0, Quality.MISSING)


def test_only_the_first_of_many_deviations_are_located_and_all_are_counted():
    parsed = _parse(*([GOOD.replace("kWh", "MWh")] * 120))
    assert dict(parsed.counts) == {"read.unit": 120}
    assert [finding.row for finding in parsed.findings] == [*range(2, 52), 0]
    assert dict(parsed.findings[-1].facts) == {"count": "120", "located": "50"}


@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_byte_order_mark_line_ends_and_a_missing_last_line_end_change_nothing(start, end):
    data = start + _file(GOOD, GOOD.replace("00:15", "00:30"), end=end)
    for whole in (data, data.removesuffix(end.encode())):
        parsed = parse_profile_csv(whole, points=POINTS, grid=AUTUMN)
        assert (parsed.rows, parsed.findings, parsed.wh[0][0, :3].tolist()) == (2, (), [0, 123, 123])


@pytest.mark.parametrize(
    "data", [b"", b"PPE;OBIS;Data;Warto\n", b"\n" + _file(GOOD), _file(GOOD).replace(b";P", b",P")]
)
def test_another_header_reads_nothing(data):
    parsed = parse_profile_csv(data, points=POINTS, grid=AUTUMN)
    assert [finding.code for finding in parsed.findings] == ["read.header"]
    assert (parsed.channels, parsed.rows) == ((), 0)


def test_data_without_line_ends_is_refused():
    reader = ProfileCsvReader(points=POINTS, grid=AUTUMN)
    for _ in range(10):
        reader.feed(b"x" * 100_000)
    with pytest.raises(LineTooLong):
        reader.feed(b"x" * 100_000)


def test_points_and_times_are_found_in_the_file():
    wrong = POINTS[0][:-1] + str((int(POINTS[0][-1]) + 1) % 10)
    data = _file(
        GOOD.replace(POINTS[0], STRANGER),
        GOOD,
        GOOD.replace(POINTS[0], wrong),
        GOOD.replace("00:15+", "00:45+"),
        "junk",
    )
    contents = inspect_profile_csv(data)
    assert contents.points == (STRANGER, POINTS[0])
    assert contents.channels == (IMPORT,)
    assert (contents.first_epoch_s, contents.last_epoch_s) == tuple(AUTUMN.start_epoch_s[[1, 3]])
    assert parse_profile_csv(data, points=None, grid=AUTUMN).points == (STRANGER, POINTS[0])
    assert inspect_profile_csv(b"something else").first_epoch_s is None


qualities = st.sampled_from(list(Quality))


@given(data=st.data(), month=st.sampled_from([Month(2026, 3), Month(2026, 10)]), slot_s=st.sampled_from([900, HOUR_S]))
@settings(max_examples=10, deadline=None)
def test_what_is_written_is_read_back(data, month, slot_s):
    grid = grid_of_month(month, slot_s=slot_s)
    seed = data.draw(st.integers(0, 2**32))
    random = np.random.default_rng(seed)
    written = []
    for point, channel in ((POINTS[0], IMPORT), (POINTS[2], REACTIVE_Q1), (POINTS[1], IMPORT)):
        quality = random.integers(1, 7, grid.slots).astype(np.uint8)
        wh = random.integers(-(2**31) + 1, 2**31, grid.slots).astype(np.int32)
        wh[quality == Quality.MISSING] = 0
        written.append(IntervalSeries(point=point, channel=channel, grid=grid, wh=wh, quality=quality))
    parsed = parse_profile_csv(write_profile_csv(written), points=POINTS, grid=grid)
    assert parsed.findings == ()
    for series in written:
        back = parsed.series(point=series.point, channel=series.channel)
        assert np.array_equal(back.wh, series.wh)
        assert np.array_equal(back.quality, series.quality)


def test_the_writer_refuses_a_channel_the_format_does_not_know():
    empty = np.full(AUTUMN.slots, Quality.MISSING, np.uint8)
    series = IntervalSeries(
        point=POINTS[0], channel="operator/share", grid=AUTUMN, wh=np.zeros(AUTUMN.slots, np.int32), quality=empty
    )
    with pytest.raises(ValueError, match="operator/share"):
        write_profile_csv([series])


cells = (
    st.sampled_from([*POINTS, *POINTS, STRANGER, POINTS[0][:-1] + "x"]),
    st.sampled_from(["1.29.0", "1.29.0", "2.29.0", "5.29.0", "1-0:1.29.0*255", "1.29.0/net", "9.9.9"]),
    st.builds(
        "{}T{:02d}:{:02d}{}".format,
        st.sampled_from(["2026-10-25", "2026-10-25", "2026-10-24", "2026-10-32"]),
        st.integers(0, 24),
        st.sampled_from([0, 15, 30, 45, 5]),
        st.sampled_from(["+02:00", "+02:00", "+01:00", "Z", ":00Z", "-00:30", ":00+01:00", ""]),
    ),
    st.sampled_from(["0,1", "0,1", "0,123", "12", "", "-3,5", "2147483,647", "2147483,648", "1,2345", "x"]),
    st.sampled_from(["kWh", "kWh", "kWh", "Wh", "kvarh", "varh", "MWh"]),
    st.sampled_from(["+", "+", "+", "szacowane", "estimated-by-operator", "zastępcze", "brak", "?"]),
)
rows = st.lists(st.tuples(*cells).map(";".join), min_size=1, max_size=40)
ends = st.lists(st.sampled_from(["\n", "\n", "\n", "\r\n", "\n\n"]), min_size=40, max_size=40)


@given(
    rows=rows,
    ends=ends,
    times=st.integers(1, 4),
    slips=st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), max_size=3),
    cuts=st.lists(st.integers(0, 10_000), max_size=4),
)
@settings(max_examples=150, deadline=None)
def test_any_bytes_in_any_blocks_give_what_the_reference_gives(rows, ends, times, slips, cuts):
    text = "".join(row + end for row, end in zip(rows, ends, strict=False)) * times
    body = bytearray(text.encode())
    for place, byte in slips:
        body[place % len(body)] = byte
    data = f"{HEADER}\n".encode() + bytes(body)
    expected = parse_profile_csv_reference(data, points=POINTS, grid=AUTUMN, source="file")
    _assert_same(parse_profile_csv(data, points=POINTS, grid=AUTUMN, source="file"), expected)
    reader = ProfileCsvReader(points=POINTS, grid=AUTUMN, source="file")
    bounds = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    for begin, end in pairwise(bounds):
        reader.feed(memoryview(data)[begin:end] if begin % 2 else data[begin:end])
    _assert_same(reader.finish(), expected)


def test_a_month_of_many_points_in_either_order_gives_what_the_reference_gives():
    grid = grid_of_month(Month(2026, 10), slot_s=HOUR_S)
    random = np.random.default_rng(7)
    series = [
        IntervalSeries(
            point=point,
            channel=channel,
            grid=grid,
            wh=random.integers(0, 3000, grid.slots).astype(np.int32),
            quality=np.where(random.random(grid.slots) < 0.95, 1, 3).astype(np.uint8),
        )
        for point in POINTS
        for channel in (IMPORT, REACTIVE_Q1)
    ]
    by_point = write_profile_csv(series)
    head, *lines = by_point.removesuffix(b"\r\n").split(b"\r\n")
    by_time = b"\n".join([head, *(line for slot in range(grid.slots) for line in lines[slot :: grid.slots])])
    expected = parse_profile_csv_reference(by_point, points=POINTS, grid=grid)
    assert expected.findings == ()
    _assert_same(parse_profile_csv(by_point, points=POINTS, grid=grid), expected)
    _assert_same(parse_profile_csv(by_time, points=POINTS, grid=grid), expected)
