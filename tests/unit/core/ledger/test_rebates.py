"""The energy of a window of the day: built, checked by the member, and rewarded on the ledger."""

from datetime import date

import msgspec
import pytest
from ledger_paying import ANNA

from ogniwo.core.kernel.calendar import grid_of_days
from ogniwo.core.ledger.canonical import decode, encode
from ogniwo.core.ledger.intervals import IntervalLeaf, interval_salt
from ogniwo.core.ledger.rebates import Rebate, RebateError, Window, build_rebate, check_rebate, salted, slots_inside

SALT = bytes(range(16))
EVENING = Window(begins=17 * 60, ends=21 * 60, weekdays=(1, 2, 3, 4, 5))
FRIDAY = date(2027, 1, 15)


def leaves_of(day, slot_s=900):
    grid = grid_of_days(day, date.fromordinal(day.toordinal() + 1), slot_s=slot_s)
    return [
        IntervalLeaf(
            channel="1.29.0",
            quality="measured",
            salt=interval_salt(day_secret=b"a day secret of 128 bits", channel="1.29.0", start=int(start)),
            start=int(start),
            wh=100 + slot,
        )
        for slot, start in enumerate(grid.start_epoch_s)
    ]


def replaced(rebate, number=0, **changed):
    day = rebate.days[0]
    intervals = list(day.intervals)
    intervals[number] = msgspec.structs.replace(intervals[number], **changed)
    return msgspec.structs.replace(rebate, days=(msgspec.structs.replace(day, intervals=tuple(intervals)),))


@pytest.fixture
def story(paying):
    """A minted Friday, the rule of its evening, and the document: (network, rebate, what the ledger minted)."""
    record = paying.record(day=FRIDAY.isoformat(), leaves=leaves_of(FRIDAY))
    paying.ok(paying.mint(record), "gateway")
    paying.ok(paying.rule("evening", window=salted(EVENING, salt=SALT)))
    rebate = build_rebate(rule="evening", window=EVENING, window_salt=SALT, days=[(record, leaves_of(FRIDAY))])
    minted = {key: token.record for key, token in paying.machine.state.minted.items()}
    return paying, rebate, minted


def checked(story, rebate):
    paying, _, minted = story
    return check_rebate(rebate, name="evening", rule=paying.machine.state.reward_rules["evening"], minted=minted)


def test_the_evening_of_a_working_day(story):
    paying, rebate, _ = story
    assert rebate.wh == sum(100 + slot for slot in range(68, 84)) == 2_808
    again = decode(encode(rebate), msgspec.json.Decoder(Rebate))
    assert checked(story, again) == 280
    paying.ok(msgspec.structs.replace(paying.reward("evening", rebate.wh), commitment=salted(rebate, salt=SALT)))
    assert paying.balance(ANNA, "POINT/2") == 280


def test_a_weekend_and_a_day_of_the_clock_change():
    assert slots_inside(EVENING, day=date(2027, 1, 16), count=96) == ()
    night = Window(begins=60, ends=180, weekdays=(1, 2, 3, 4, 5, 6, 7))
    assert len(slots_inside(night, day=FRIDAY, count=96)) == 8
    assert len(slots_inside(night, day=date(2027, 3, 28), count=92)) == 4  # 02:00 to 03:00 does not happen
    assert len(slots_inside(night, day=date(2027, 10, 31), count=100)) == 12  # and happens twice
    assert len(slots_inside(night, day=FRIDAY, count=24)) == 2
    for count in (0, 95, 96 * 15):
        with pytest.raises(RebateError):
            slots_inside(night, day=FRIDAY, count=count)


@pytest.mark.parametrize(
    "change",
    [
        lambda rebate: msgspec.structs.replace(rebate, wh=rebate.wh + 1),
        lambda rebate: msgspec.structs.replace(rebate, rule="morning"),
        lambda rebate: msgspec.structs.replace(rebate, channel="2.29.0"),
        lambda rebate: msgspec.structs.replace(rebate, point="op/coop/other"),
        lambda rebate: msgspec.structs.replace(rebate, window=Window(begins=0, ends=1_440, weekdays=(5,))),
        lambda rebate: msgspec.structs.replace(rebate, window_salt="0" * 32),
        lambda rebate: msgspec.structs.replace(rebate, days=rebate.days * 2, wh=2 * rebate.wh),
        lambda rebate: replaced(rebate, index=3),
        lambda rebate: replaced(rebate, proof=rebate.days[0].intervals[1].proof),
        lambda rebate: replaced(rebate, leaf=msgspec.structs.replace(rebate.days[0].intervals[0].leaf, wh=9)),
        lambda rebate: replaced(rebate, leaf=rebate.days[0].intervals[1].leaf),
    ],
)
def test_every_falsehood_is_found(story, change):
    _, rebate, _ = story
    with pytest.raises(RebateError):
        checked(story, change(rebate))


def test_an_interval_left_out_is_found(story):
    _, rebate, _ = story
    day = rebate.days[0]
    shorter = msgspec.structs.replace(day, intervals=day.intervals[:-1])
    wh = rebate.wh - day.intervals[-1].leaf.wh
    with pytest.raises(RebateError, match="not all intervals"):
        checked(story, msgspec.structs.replace(rebate, days=(shorter,), wh=wh))


def test_a_record_that_is_not_on_the_ledger_is_found(story):
    leaves = [msgspec.structs.replace(leaf, wh=leaf.wh + 1_000) for leaf in leaves_of(FRIDAY)]
    record = story[0].record(day=FRIDAY.isoformat(), leaves=leaves)
    inflated = build_rebate(rule="evening", window=EVENING, window_salt=SALT, days=[(record, leaves)])
    with pytest.raises(RebateError, match="another record"):
        checked(story, inflated)


def test_a_commitment_needs_its_salt():
    with pytest.raises(ValueError, match="16 bytes"):
        salted(EVENING, salt=b"short")
