"""The fast reader of the standard profile and the layout of the tolerant one speak the same words.

The two may not import one another, so that each can change alone; here they are held to agree.
"""

import pytest

from ogniwo.core.kernel.ids import gs1_check_digit
from ogniwo.core.kernel.quality import Quality
from ogniwo.formats.meter_files.layout import QUALITY_OF_WORD, shipped_layouts
from ogniwo.formats.meter_files.model import FileRefusedError
from ogniwo.formats.meter_files.numbers import ENERGY_WH
from ogniwo.formats.meter_files.reader import read_meter_file
from ogniwo.formats.profile_csv.vocabulary import CHANNEL_TEXTS, CHANNELS, HEADER, REACTIVE, STATUS_TEXTS, UNITS

BODY = "59099903000000001"
PPE = f"{BODY}{gs1_check_digit(BODY)}"
[PROFIL] = [layout for layout in shipped_layouts() if layout.name == "ogniwo-profil"]


def tolerant(*, channel="1.29.0", value="1", unit="kWh", status="measured"):
    rows = [f"{PPE};{channel};2022-06-01T0{hour}:00+02:00;{value};{unit};{status}" for hour in range(2)]
    return read_meter_file("\n".join([HEADER, *rows, ""]).encode(), file_name="profile.csv").intervals


def test_statuses_are_the_same_words_with_the_same_meaning():
    words = {word: QUALITY_OF_WORD[quality] for word, quality in PROFIL.status.words.items()}
    capitals = {word[0].upper() + word[1:]: quality for word, quality in words.items()}
    assert words | capitals == STATUS_TEXTS
    assert set(words.values()) == set(Quality)


@pytest.mark.parametrize("word", sorted(STATUS_TEXTS))
def test_the_tolerant_reader_reads_each_status_of_the_strict_one(word):
    quality = STATUS_TEXTS[word]
    value = "" if quality is Quality.MISSING else "1"
    assert tolerant(status=word, value=value).quality.tolist() == [quality] * 2


@pytest.mark.parametrize("text", sorted(CHANNEL_TEXTS))
def test_the_tolerant_reader_reads_each_channel_of_the_strict_one(text):
    channel = CHANNEL_TEXTS[text]
    assert tolerant(channel=text, unit="kvarh" if channel in REACTIVE else "kWh").channels == (channel,)


def test_beyond_those_the_tolerant_reader_names_only_the_operators_own_account():
    assert set(PROFIL.kind.words.values()) - set(CHANNELS) == {
        "operator/share",
        "operator/covered",
        "operator/surplus",
        "operator/balanced",
    }
    assert PROFIL.kind.obis, "codes in any spelling; the strict reader has a list"


@pytest.mark.parametrize(("unit", "decimals", "reactive"), UNITS)
def test_units_mean_the_same(unit, decimals, reactive):
    assert tolerant(unit=unit, channel="5.29.0" if reactive else "1.29.0").wh.tolist() == [10**decimals] * 2
    with pytest.raises(FileRefusedError):
        tolerant(unit=unit, channel="1.29.0" if reactive else "5.29.0")


def test_beyond_those_the_tolerant_reader_knows_only_thousands_of_the_larger_units():
    assert set(ENERGY_WH) - {unit.casefold() for unit, _, _ in UNITS} == {"mwh", "mvarh"}
    assert tolerant(unit="MWh", value="0,002").wh.tolist() == [2_000] * 2
