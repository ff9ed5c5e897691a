from datetime import date
from pathlib import Path

import numpy as np
import pytest

from ogniwo.core.kernel.calendar import HOUR_S, QUARTER_S, grid_of_days
from ogniwo.core.kernel.quality import Quality
from ogniwo.core.metering.model import IMPORT, REACTIVE_Q1, REACTIVE_Q4, IntervalSeries
from ogniwo.core.tariffs.model import AmbiguousRateError, PointTerms
from ogniwo.core.tariffs.rating import Charge
from ogniwo.core.tariffs.usage import ReactiveEnergy, RegisterUsage
from ogniwo.formats.profile_csv.writer import write_profile_csv
from ogniwo.formats.rate_book.reader import RateFileError
from ogniwo.services.tariffs.profiles import UnusableProfileError, usage_of_files
from ogniwo.services.tariffs.queries import UnreadableRateFileError, load_rate_book, price

MARCH, APRIL = date(2026, 3, 1), date(2026, 4, 1)
POINT = "590310600000000019"
TERMS = PointTerms(operator="enea", group="C21", contract_power_w=60_000)


def series(values, *, slot_s=QUARTER_S, channel=IMPORT, missing=(), first=MARCH, last_exclusive=APRIL):
    grid = grid_of_days(first, last_exclusive, slot_s=slot_s)
    wh = np.resize(np.array(values, dtype=np.int32), grid.slots)
    quality = np.full(grid.slots, int(Quality.MEASURED), dtype=np.uint8)
    for slot in missing:
        wh[slot], quality[slot] = 0, int(Quality.MISSING)
    return IntervalSeries(point=POINT, channel=channel, grid=grid, wh=wh, quality=quality)


def written(folder: Path, *many, name="profile.csv"):
    path = folder / name
    path.write_bytes(write_profile_csv(many))
    return path


@pytest.mark.parametrize("slot_s", [QUARTER_S, HOUR_S])
def test_a_profile_file_is_the_usage_of_the_month(tmp_path, slot_s):
    given = series([100, 250, 40, 0], slot_s=slot_s)
    usage = usage_of_files([written(tmp_path, given)], first=MARCH, last_exclusive=APRIL)
    assert usage.grid.slot_s == slot_s
    assert np.array_equal(usage.energy_wh, given.wh)
    assert np.array_equal(usage.power_w, given.wh * (3600 // slot_s))
    assert usage.reactive == ()


def test_reactive_energy_comes_along(tmp_path):
    many = (series([1000]), series([300], channel=REACTIVE_Q1), series([20], channel=REACTIVE_Q4))
    usage = usage_of_files([written(tmp_path, *many)], first=MARCH, last_exclusive=APRIL)
    slots = usage.grid.slots
    assert usage.reactive == (ReactiveEnergy(active_wh=1000 * slots, q1_varh=300 * slots, q4_varh=20 * slots),)


def test_several_files_make_one_month(tmp_path):
    middle = date(2026, 3, 11)
    paths = [
        written(tmp_path, series([5], last_exclusive=middle), name="a.csv"),
        written(tmp_path, series([7], first=middle), name="b.csv"),
    ]
    usage = usage_of_files(paths, first=MARCH, last_exclusive=APRIL)
    assert int(usage.energy_wh.sum()) == 960 * 5 + (2972 - 960) * 7


def test_missing_intervals_refuse_with_their_number_and_the_first(tmp_path):
    path = written(tmp_path, series([5], missing=(96, 97)))
    with pytest.raises(UnusableProfileError, match="missing in 2 of 2972 intervals, first at 2026-03-01T23:00Z"):
        usage_of_files([path], first=MARCH, last_exclusive=APRIL)
    short = written(tmp_path, series([5], last_exclusive=date(2026, 3, 31)), name="short.csv")
    with pytest.raises(UnusableProfileError, match="missing in 96 of 2972"):
        usage_of_files([short], first=MARCH, last_exclusive=APRIL)


def test_repeated_intervals_refuse(tmp_path):
    first, second = (written(tmp_path, series([wh]), name=f"{wh}.csv") for wh in (5, 6))
    with pytest.raises(UnusableProfileError, match="more than once in 2972"):
        usage_of_files([first, second], first=MARCH, last_exclusive=APRIL)


def test_files_without_the_month_the_point_or_energy_refuse(tmp_path):
    path = written(tmp_path, series([5]))
    with pytest.raises(UnusableProfileError, match="found: none"):
        usage_of_files([path], first=APRIL, last_exclusive=date(2026, 5, 1))
    only_reactive = written(tmp_path, series([5], channel=REACTIVE_Q1), name="q.csv")
    with pytest.raises(UnusableProfileError, match="no active energy"):
        usage_of_files([only_reactive], first=MARCH, last_exclusive=APRIL)


def test_a_profile_prices_all_charges(tmp_path):
    path = written(tmp_path, series([2_500]))  # 10 kW all month
    usage = usage_of_files([path], first=MARCH, last_exclusive=APRIL)
    priced = price(book=load_rate_book(), terms=TERMS, first=MARCH, last_exclusive=APRIL, usage=usage)
    assert priced.left_out == ()
    (capacity,) = (line for line in priced.rating.lines if line.charge == "capacity.volume")
    assert (capacity.zone, capacity.quantity) == ("K1", 22 * 15 * 10_000)
    assert capacity.net_grosz == 12_308  # 3300 kWh x 0.2194 x 0.17 = 123.0834
    assert priced.gross_grosz == priced.net_grosz + (priced.net_grosz * 23 + 50) // 100


def test_registers_leave_out_the_capacity_fee_by_volume_only_when_asked():
    usage = RegisterUsage(energy_wh=(("all", 1_000),), maximum_power_w=50_000)
    arguments = {"book": load_rate_book(), "terms": TERMS, "first": MARCH, "last_exclusive": APRIL, "usage": usage}
    assert [charge for charge, _ in price(**arguments, partial=True).left_out] == ["capacity"]
    without = price(**arguments, charges=set(Charge) - {Charge.CAPACITY})
    assert without.left_out == ()


OWN = """
rates = [
  { key = "enea/reactive.price", value = "500", per = "MWh", valid_from = 2026-01-01, checked_on = 2026-11-21, confidence = "own", source = "own" },
]
"""  # noqa: E501 -- one row of the file


def test_files_of_ones_own_add_to_the_book_and_change_its_digest(tmp_path):
    own = tmp_path / "own.toml"
    own.write_text(OWN)
    book, packaged = load_rate_book([own]), load_rate_book()
    assert "enea/reactive.price" in book.rates
    assert "enea/reactive.price" not in packaged.rates
    assert book.digest != packaged.digest
    assert load_rate_book() is packaged


def test_sample_rates_are_loaded_on_request_only_and_say_so():
    row = load_rate_book(with_samples=True).rates.on("enea/reactive.price", MARCH)
    assert row.confidence == "sample"


def test_files_that_repeat_a_rate_or_are_none_refuse(tmp_path):
    own = tmp_path / "own.toml"
    own.write_text(OWN.replace("enea/reactive.price", "statutory/oze"))
    with pytest.raises(AmbiguousRateError, match="statutory/oze"):
        load_rate_book([own])
    own.write_text("nothing here")
    with pytest.raises(RateFileError, match=r"own\.toml"):
        load_rate_book([own])
    with pytest.raises(UnreadableRateFileError, match=r"none\.toml"):
        load_rate_book([tmp_path / "none.toml"])


def test_every_packaged_rate_names_source_and_day_of_check():
    book = load_rate_book()
    assert all(row.source and row.checked_on == date(2026, 11, 21) for row in book.rates.rows)
    words = {row.confidence.split(";")[0] for row in book.rates.rows}
    assert words == {"official", "2+", "1", "M", "sample"}


def test_every_packaged_group_has_the_rates_it_names():
    book = load_rate_book()
    unpriced = {"A22sezON", "B12sezON"}  # clocks are known, rates are not
    for group in book.groups:
        clock = book.clock(operator="enea", group=group.group, variant="", day=MARCH)
        zones = ("all",) if clock is None else clock.zones
        ends = [f"/{variant}" for variant in group.variants] or [""]
        keys = [f"enea/{group.group}/network.variable/{zone}{end}" for zone in zones for end in ends]
        if group.fixed == "phases":
            ends = ["/1ph", "/3ph"]
        keys += [f"enea/{group.group}/network.fixed{end}" for end in ends]
        if group.threshold:
            keys.append(f"enea/{group.group}/network.variable/{group.threshold.zone}.above")
        assert all((key in book.rates) != (group.group in unpriced) for key in keys)
        common = [f"{group.subscription}/{months}" for months in group.billing_months]
        assert all(key in book.rates for key in (*common, group.quality, group.quality_special))
