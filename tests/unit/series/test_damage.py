import shutil
from datetime import UTC, datetime

import pytest

from ogniwo.core.kernel.calendar import Month
from ogniwo.core.kernel.findings import Severity
from ogniwo.core.metering.model import IMPORT
from ogniwo.series import IntervalStore, StoreDamaged, StoreLocked
from ogniwo.series.disk import writer_lock

OCTOBER = Month(2026, 10)
POINT = "590543520000000013"


@pytest.fixture
def filled(store, cell, at, tmp_path):
    for seed in range(3):
        store.commit([cell(seed=seed, month=Month(2026, 2), slot_s=3600)], known_at=at(seed), source="", author="")
    return tmp_path / "store"


def _files(root, pattern):
    return sorted(root.glob(pattern))


def _flip(path, place):
    content = bytearray(path.read_bytes())
    content[place] ^= 1 << (place % 8)
    path.write_bytes(content)


def _errors(root):
    return [finding for finding in IntervalStore(root).verify() if finding.severity is Severity.ERROR]


def test_a_flip_of_any_byte_of_the_last_manifest_is_found_and_the_store_refuses(filled):
    path = _files(filled, "log/*.json")[-1]
    good = path.read_bytes()
    for place in range(len(good)):
        _flip(path, place)
        found = _errors(filled)
        assert [(finding.code, finding.source) for finding in found] == [
            ("series.manifest_changed", "log/00000003.json")
        ]
        with pytest.raises(StoreDamaged):
            IntervalStore(filled).keys()
        path.write_bytes(good)
    for length in range(len(good)):
        path.write_bytes(good[:length])
        assert [finding.code for finding in _errors(filled)] == ["series.manifest_changed"]
    path.write_bytes(good)
    assert _errors(filled) == []


def test_a_flip_or_cut_anywhere_in_the_last_data_file_is_found_with_its_file(filled):
    path = _files(filled, "cells/*/*.parquet")[-1]
    shown = path.relative_to(filled).as_posix()
    good = path.read_bytes()
    for place in [*range(0, len(good), 23), *range(len(good) - 40, len(good))]:
        _flip(path, place)
        found = _errors(filled)
        assert ("series.file_changed", shown) in {(finding.code, finding.source) for finding in found}
        assert {finding.source for finding in found} == {shown}
        path.write_bytes(good)
    for length in range(0, len(good), 97):
        path.write_bytes(good[:length])
        assert "series.file_changed" in {finding.code for finding in _errors(filled)}
    path.unlink()
    assert [finding.code for finding in _errors(filled)] == ["series.file_missing"]


def test_a_changed_value_is_never_read_and_verify_names_its_cell(filled, cell, at):
    running = IntervalStore(filled)
    assert len(running.keys()) == 1
    running.commit([cell(seed=9)], known_at=at(9), source="", author="")
    path = _files(filled, "cells/2026-02/*.parquet")[0]
    _flip(path, path.stat().st_size // 2)  # well inside the values
    first = datetime(2026, 11, 1, 0, 30, tzinfo=UTC)
    with pytest.raises(StoreDamaged):  # the index was read before the damage
        running.read(point=POINT, channel=IMPORT, month=Month(2026, 2), as_of=first)
    store = IntervalStore(filled)
    with pytest.raises(StoreDamaged):
        store.read(point=POINT, channel=IMPORT, month=Month(2026, 2), as_of=first)
    with pytest.raises(StoreDamaged):
        store.working_set(
            month=Month(2026, 2),
            channel=IMPORT,
            points=[POINT],
            slot_s=3600,
            as_of=first,
        )
    (cell_finding,) = [finding for finding in store.verify() if finding.code == "series.cell_changed"]
    assert (cell_finding.point, cell_finding.channel, cell_finding.row) == (POINT, IMPORT, 1)
    assert store.read(point=POINT, channel=IMPORT, month=OCTOBER) is not None  # other months still serve


def test_a_missing_or_exchanged_commit_breaks_the_chain(filled, tmp_path, cell, at):
    first, second, third = _files(filled, "log/*.json")
    other = IntervalStore(tmp_path / "other")
    other.commit([cell(seed=7)], known_at=at(0), source="", author="")
    good = first.read_bytes()
    first.write_bytes((tmp_path / "other/log/00000001.json").read_bytes())
    assert ("series.manifest_changed", "log/00000002.json") in {(f.code, f.source) for f in _errors(filled)}
    with pytest.raises(StoreDamaged):
        IntervalStore(filled).head()
    first.write_bytes(good)
    second.unlink()
    assert ("series.manifest_missing", "log/00000002.json") in {(f.code, f.source) for f in _errors(filled)}
    first.write_bytes(good)
    third.unlink()
    first_only = IntervalStore(filled)
    assert first_only.head()[0] == 1
    assert {finding.code for finding in first_only.verify()} == {"series.leftover"}  # the files of the lost commits


def test_a_changed_working_set_is_found(filled):
    store = IntervalStore(filled)
    store.working_set(month=Month(2026, 2), channel=IMPORT, points=[POINT], slot_s=3600)
    (path,) = _files(filled, "working/*")
    assert store.verify() == ()
    good = path.read_bytes()
    for place in (0, 20, 60, 85, 110, 128, 1000, len(good) - 1):
        _flip(path, place)
        assert [finding.code for finding in store.verify()] == ["series.cache_changed"]
        path.write_bytes(good)


def test_leftovers_are_noted_ignored_and_swept_and_nothing_else_is(filled, tmp_path):
    store = IntervalStore(filled)
    before = store.keys()
    dense = store.working_set(month=Month(2026, 2), channel=IMPORT, points=[POINT], slot_s=3600)
    data = _files(filled, "cells/*/*.parquet")[0]
    shutil.copy(data, data.with_name("00000004-0123456789abcdef.parquet"))
    (data.parent / ".tmp-00000004-abc").write_bytes(b"half")
    (filled / "log/.tmp-00000004.json-abc").write_bytes(b"{")
    (filled / "working/.tmp-abc").write_bytes(b"")
    leftovers = {finding.source for finding in store.verify()}
    assert {finding.code for finding in store.verify()} == {"series.leftover"}
    assert len(leftovers) == 4
    assert IntervalStore(filled).keys() == before
    assert set(store.sweep()) == leftovers
    assert store.verify() == ()
    assert len(_files(filled, "working/*")) == 1
    assert store.sweep(working_unused_since=datetime(2020, 1, 1, tzinfo=UTC)) == ()
    assert len(store.sweep(working_unused_since=datetime(2100, 1, 1, tzinfo=UTC))) == 1
    assert dense.wh[0].any()  # a mapped set outlives its file
    assert IntervalStore(filled).keys() == before


def test_sweep_does_not_touch_a_store_with_a_damaged_log(filled):
    _flip(_files(filled, "log/*.json")[0], 30)
    with pytest.raises(StoreDamaged):
        IntervalStore(filled).sweep()
    assert len(_files(filled, "cells/*/*.parquet")) == 3


def test_a_second_writer_is_refused_while_readers_go_on(filled, cell, at):
    store = IntervalStore(filled)
    with writer_lock(filled):
        with pytest.raises(StoreLocked) as refusal:
            store.commit([cell(seed=8)], known_at=at(9), source="", author="")
        assert refusal.value.code == "series.locked"
        assert store.read(point=POINT, channel=IMPORT, month=Month(2026, 2)) is not None
    assert store.commit([cell(seed=8)], known_at=at(9), source="", author="").number == 4


def test_even_without_the_lock_two_writers_cannot_both_make_a_commit(filled, cell, at, monkeypatch, tmp_path):
    """A lock file on a file system without locks: the name of the manifest still decides."""
    rival = IntervalStore(filled)

    def come_between(name):
        if name == "manifest.create":
            (filled / "LOCK").rename(filled / "LOCK.gone")
            rival.commit([cell(seed=5)], known_at=at(8), source="rival", author="")
            (filled / "LOCK.gone").unlink()

    slow = IntervalStore(filled, step=come_between)
    with pytest.raises(StoreLocked):
        slow.commit([cell(seed=6)], known_at=at(9), source="slow", author="")
    store = IntervalStore(filled)
    assert store.head()[0] == 4
    assert store.versions(point=POINT, channel=IMPORT, month=OCTOBER)[-1].source == "rival"
    assert {finding.code for finding in store.verify()} == {"series.leftover"}
