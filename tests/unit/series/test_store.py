import hashlib
import tempfile
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ogniwo.core.kernel.calendar import Month, grid_of_days, grid_of_month
from ogniwo.core.kernel.quality import Quality
from ogniwo.core.metering.model import EXPORT, IMPORT
from ogniwo.series import IntervalStore, KnownAtBackwards, NewCell, RasterDiffers, cells
from ogniwo.series.kernels import sum_days, sum_days_reference

OCTOBER = Month(2026, 10)
POINT = "590543520000000013"


def test_what_is_committed_is_read_back_with_its_version(store, cell, at, same):
    one = cell(seed=1, reason="meter file")
    commit = store.commit([one], known_at=at(0), source="file 1", author="anna")
    series = store.read(point=POINT, channel=IMPORT, month=OCTOBER)
    same(series, one)
    (version,) = store.versions(point=POINT, channel=IMPORT, month=OCTOBER)
    assert (version.version, version.known_at, version.slot_s) == (1, at(0), 900)
    assert (version.source, version.reason, version.author) == ("file 1", "meter file", "anna")
    assert series.version == f"1@{version.digest[:16]}"
    assert (commit.number, commit.stored, commit.unchanged) == (1, 1, 0)
    assert store.head() == (1, commit.digest)


def test_an_empty_store_answers_and_makes_no_folder(tmp_path):
    store = IntervalStore(tmp_path / "none")
    assert store.read(point=POINT, channel=IMPORT, month=OCTOBER) is None
    assert store.versions(point=POINT, channel=IMPORT, month=OCTOBER) == ()
    assert (store.keys(), store.completeness(month=OCTOBER), store.verify()) == ((), (), ())
    assert store.head() == (0, "0" * 64)
    assert not (tmp_path / "none").exists()


def test_the_digest_names_the_content_as_documented(store, cell, at):
    one = cell(seed=1)
    store.commit([one], known_at=at(0), source="", author="")
    content = f"ogniwo cell 1\n{POINT}\n{IMPORT}\n2026-10\n900\n".encode()
    expected = hashlib.sha256(content + one.wh.astype("<i4").tobytes() + one.quality.tobytes()).hexdigest()
    assert store.versions(point=POINT, channel=IMPORT, month=OCTOBER)[0].digest == expected


def test_as_of_reads_what_was_known_and_versions_stay(store, cell, at, same):
    first, second = cell(seed=1), cell(seed=2)
    store.commit([first], known_at=at(1), source="a", author="")
    store.commit([second], known_at=at(5), source="b", author="")
    where = {"point": POINT, "channel": IMPORT, "month": OCTOBER}
    assert store.read(**where, as_of=at(1) - timedelta(microseconds=1)) is None
    same(store.read(**where, as_of=at(1)), first)
    same(store.read(**where, as_of=at(5) - timedelta(microseconds=1)), first)
    same(store.read(**where, as_of=at(5)), second)
    same(store.read(**where), second)
    assert [version.version for version in store.versions(**where)] == [1, 2]


def test_an_unchanged_cell_makes_no_version_and_one_changed_quality_does(store, cell, at):
    one = cell(seed=1, missing=0)
    store.commit([one], known_at=at(0), source="", author="")
    again = store.commit([one, cell(seed=9, point="590543520000000020")], known_at=at(1), source="", author="")
    assert (again.number, again.stored, again.unchanged) == (2, 1, 1)
    quality = one.quality.copy()
    quality[5] = Quality.MANUAL if quality[5] != Quality.MANUAL else Quality.MEASURED
    other = NewCell(point=POINT, channel=IMPORT, grid=one.grid, wh=one.wh, quality=quality, reason="")
    assert store.commit([other], known_at=at(2), source="", author="").stored == 1
    assert len(store.versions(point=POINT, channel=IMPORT, month=OCTOBER)) == 2


def test_the_same_commit_id_again_is_the_first_commit(store, cell, at, tmp_path, same):
    one = cell(seed=1)
    first = store.commit([one], known_at=at(0), source="s", author="a", commit_id="import-7")
    store.commit([cell(seed=2)], known_at=at(1), source="s", author="a", commit_id="import-8")
    again = IntervalStore(tmp_path / "store")  # another process
    assert again.commit([cell(seed=3)], known_at=at(9), source="x", author="y", commit_id="import-7") == first
    same(again.read(point=POINT, channel=IMPORT, month=OCTOBER), cell(seed=2))
    assert again.head()[0] == 2


def test_a_version_cannot_claim_to_have_been_known_before_its_forerunner(store, cell, at):
    store.commit([cell(seed=1)], known_at=at(3), source="", author="")
    with pytest.raises(KnownAtBackwards) as refusal:
        store.commit([cell(seed=2)], known_at=at(2), source="", author="")
    assert refusal.value.code == "series.known_at_backwards"
    assert store.head()[0] == 1
    assert store.commit([cell(seed=2)], known_at=at(3), source="", author="").stored == 1


def test_bad_cells_do_not_exist(cell):
    one = cell(seed=1, missing=0)
    good = {"point": POINT, "channel": IMPORT, "grid": one.grid, "wh": one.wh, "quality": one.quality, "reason": ""}
    missing = one.quality.copy()
    missing[:] = Quality.MISSING
    for changed in (
        {"point": ""},
        {"point": "a\nb"},
        {"channel": "A+"},
        {"wh": one.wh.astype(np.int64)},
        {"wh": one.wh[1:]},
        {"quality": one.quality * 0},
        {"quality": one.quality + 5},
        {"quality": missing},
        {"grid": grid_of_days(date(2026, 10, 2), date(2026, 11, 2))},
        {"grid": grid_of_month(OCTOBER, zone="UTC")},
        {"grid": grid_of_month(OCTOBER, slot_s=1800)},
    ):
        with pytest.raises(ValueError, match=r"\w"):
            NewCell(**{**good, **changed})


def test_a_commit_takes_each_cell_once(store, cell, at):
    for cells_ in ([], [cell(seed=1), cell(seed=2)]):
        with pytest.raises(ValueError, match="each cell once"):
            store.commit(cells_, known_at=at(0), source="", author="")


def test_another_store_object_sees_the_commit_at_once(store, cell, at, tmp_path, same):
    reader = IntervalStore(tmp_path / "store")
    assert reader.read(point=POINT, channel=IMPORT, month=OCTOBER) is None
    for seed in (1, 2):
        store.commit([cell(seed=seed)], known_at=at(seed), source="", author="")
        same(reader.read(point=POINT, channel=IMPORT, month=OCTOBER), cell(seed=seed))


def test_a_commit_of_many_months_channels_and_rasters_is_found_by_its_keys(store, cell, at, same):
    march, november = Month(2026, 3), Month(2026, 11)
    many = [
        cell(seed=1),
        cell(seed=2, channel=EXPORT),
        cell(seed=3, month=march),
        cell(seed=4, month=november, slot_s=3600),
        cell(seed=5, point="590543520000000020"),
    ]
    store.commit(many, known_at=at(0), source="", author="")
    assert set(store.keys()) == {(one.point, one.channel, one.month) for one in many}
    assert store.keys(month=march) == ((POINT, IMPORT, march),)
    for one in many:
        same(store.read(point=one.point, channel=one.channel, month=one.month), one)


def test_completeness_counts_what_is_missing_by_day(store, at):
    grid = grid_of_month(OCTOBER)
    quality = np.full(grid.slots, Quality.MEASURED, np.uint8)
    quality[grid.day_offsets[24] : grid.day_offsets[25]] = Quality.MISSING  # 25 October, a day of 100 quarter-hours
    quality[0], quality[3] = Quality.MISSING, Quality.SUBSTITUTED
    wh = np.where(quality == Quality.MISSING, 0, 7).astype(np.int32)
    whole = np.full(grid.slots, Quality.CORRECTED, np.uint8)
    none = np.full(grid.slots, Quality.MISSING, np.uint8)
    made = [
        NewCell(point=point, channel=IMPORT, grid=grid, wh=values, quality=state, reason="")
        for point, values, state in (("b", wh, quality), ("a", wh, whole), ("c", wh * 0, none))
    ]
    store.commit(made, known_at=at(0), source="", author="")
    a, b, c = store.completeness(month=OCTOBER)
    assert (a.point, a.present, a.worst_quality, a.missing_by_day.sum()) == ("a", 2980, Quality.CORRECTED, 0)
    assert (b.slots, b.present) == (2980, 2980 - 101)
    assert {day: int(count) for day, count in enumerate(b.missing_by_day) if count} == {0: 1, 24: 100}
    assert (b.worst_quality, b.worst_present) == (Quality.MISSING, Quality.SUBSTITUTED)
    assert (c.present, c.worst_present, c.worst_quality) == (0, None, Quality.MISSING)
    assert store.completeness(month=OCTOBER, as_of=at(-1)) == ()


def test_a_working_set_keeps_the_order_asked_for_and_knows_who_has_nothing(store, cell, at):
    made = {point: cell(seed=seed, point=point) for seed, point in enumerate(("p1", "p2", "p3"))}
    store.commit(list(made.values()), known_at=at(0), source="", author="")
    points = ("p3", "nobody", "p1")
    dense = store.working_set(month=OCTOBER, channel=IMPORT, points=points, slot_s=900)
    assert dense.points == points
    assert dense.wh.dtype == np.int32
    for row, point in ((0, "p3"), (2, "p1")):
        assert np.array_equal(dense.wh[row], made[point].wh)
        there = np.unpackbits(dense.present[row], count=2980).astype(bool)
        assert np.array_equal(there, made[point].quality != Quality.MISSING)
    assert (dense.wh[1].any(), dense.present[1].any(), dense.versions[1]) == (False, False, "")
    assert not dense.complete
    assert not dense.wh.flags.writeable
    empty = store.working_set(month=OCTOBER, channel=IMPORT, points=(), slot_s=900)
    assert empty.wh.shape == (0, 2980)
    with pytest.raises(RasterDiffers):
        store.working_set(month=OCTOBER, channel=IMPORT, points=points, slot_s=3600)


def test_a_working_set_is_built_once_per_set_of_versions(store, cell, at, tmp_path):
    def ask(as_of=None):
        return store.working_set(month=OCTOBER, channel=IMPORT, points=[POINT], slot_s=900, as_of=as_of)

    def files():
        return {path: path.stat().st_ino for path in (tmp_path / "store/working").iterdir()}

    store.commit([cell(seed=1)], known_at=at(0), source="", author="")
    first = ask()
    kept = files()
    assert len(kept) == 1
    ask()
    assert files() == kept
    store.commit([cell(seed=2)], known_at=at(1), source="", author="")
    assert np.array_equal(ask().wh[0], cell(seed=2).wh)
    assert np.array_equal(first.wh[0], cell(seed=1).wh)  # who still works on the old one is not disturbed
    assert ask(as_of=at(0)).versions == first.versions
    assert len(files()) == 2
    (broken,) = kept
    broken.write_bytes(b"cut short")
    assert np.array_equal(ask(as_of=at(0)).wh[0], cell(seed=1).wh)


@pytest.mark.parametrize("mapped", [False, True])
def test_a_year_by_day_adds_up_each_local_day(store, cell, at, mapped):
    march, october, november = (
        cell(seed=1, month=Month(2026, 3)),
        cell(seed=2),
        cell(seed=3, month=Month(2026, 11), slot_s=3600),
    )
    store.commit([march, october, november, cell(seed=5, point="other")], known_at=at(0), source="", author="")
    if mapped:
        for one in (march, october, november):
            assert store.map_month(month=one.month, channel=IMPORT)
    october = cell(seed=4)  # a correction after mapping is seen at once
    store.commit([october], known_at=at(1), source="", author="")
    year = store.member_year_by_day(point=POINT, channel=IMPORT, year=2026)
    expected = {date(2026, 1, 1) + timedelta(days=day): [0, 96, 96] for day in range(365)}
    expected[date(2026, 3, 29)] = [0, 92, 92]
    expected[date(2026, 10, 25)] = [0, 100, 100]
    for one in (march, october, november):
        for day in one.grid.days:
            expected[day] = [0, 0, 0]
        local = one.grid.view()
        for slot, wh in enumerate(one.wh.tolist()):
            entry = expected[local.dates[local.day[slot]]]
            entry[0] += wh
            entry[1] += int(one.quality[slot] == Quality.MISSING)
            entry[2] += 1
    assert year.days == tuple(expected)
    assert [list(row) for row in zip(year.wh, year.missing, year.slots, strict=True)] == list(expected.values())


@given(st.integers(0, 2**32), st.floats(0, 1))
@settings(max_examples=30, deadline=None)
def test_the_day_kernel_agrees_with_its_reference(seed, share):
    random = np.random.default_rng(seed)
    grid = grid_of_month(OCTOBER)
    wh = random.integers(-(2**31), 2**31, grid.slots).astype(np.int32)
    present = np.packbits(random.random(grid.slots) < share)
    sums, missing = np.zeros(31, np.int64), np.zeros(31, np.int32)
    sum_days(wh, present, grid.day_offsets, sums, missing)
    for mine, theirs in zip((sums, missing), sum_days_reference(wh, present, grid.day_offsets), strict=True):
        assert np.array_equal(mine, theirs)


@given(st.lists(st.tuples(st.integers(1, 400), st.integers(1, 6)), min_size=1, max_size=60))
def test_qualities_survive_packing_exactly(runs):
    quality = np.concatenate([np.full(length, value, np.uint8) for length, value in runs])
    assert np.array_equal(cells.decode_quality(cells.encode_quality(quality)), quality)


steps = st.lists(
    st.tuples(
        st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from([IMPORT, EXPORT]), st.integers(0, 5)), min_size=1),
        st.integers(0, 2),
    ),
    min_size=1,
    max_size=6,
)


@given(steps)
@settings(max_examples=20, deadline=None)
def test_any_history_reads_as_a_plain_dictionary_of_versions_does(history):
    month, grid = Month(2026, 2), grid_of_month(Month(2026, 2), slot_s=3600)

    def values(number):
        random = np.random.default_rng(number)
        quality = random.choice([1, 3, 6], grid.slots).astype(np.uint8)
        extremes = random.choice([0, 1, -1, 2**31 - 1, -(2**31)], grid.slots)
        return np.where(quality == Quality.MISSING, 0, extremes).astype(np.int32), quality

    known: dict[tuple[str, str], list[tuple[datetime, int]]] = {}
    instants, now = [], datetime(2026, 3, 1, tzinfo=UTC)
    with tempfile.TemporaryDirectory() as folder:
        store = IntervalStore(Path(folder))
        for wanted, later in history:
            now += timedelta(hours=later)
            instants.append(now)
            new = {(point, channel): number for point, channel, number in wanted}
            made = [
                NewCell(
                    point=point, channel=channel, grid=grid, wh=values(number)[0], quality=values(number)[1], reason=""
                )
                for (point, channel), number in new.items()
            ]
            store.commit(made, known_at=now, source="", author="")
            for key, number in new.items():
                if not known.get(key) or known[key][-1][1] != number:
                    known.setdefault(key, []).append((now, number))
        reader = IntervalStore(Path(folder))
        for as_of in (None, *instants):
            for (point, channel), versions in known.items():
                visible = [number for when, number in versions if as_of is None or when <= as_of]
                series = reader.read(point=point, channel=channel, month=month, as_of=as_of)
                if not visible:
                    assert series is None
                    continue
                assert series.version.startswith(f"{len(visible)}@")
                assert np.array_equal(series.wh, values(visible[-1])[0])
                assert np.array_equal(series.quality, values(visible[-1])[1])
        assert reader.verify() == ()
