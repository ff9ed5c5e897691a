import re
from pathlib import Path

import msgspec
import pytest

from ogniwo.formats.meter_files.layout import layout_from_toml, shipped_layouts
from ogniwo.formats.meter_files.model import FileRefusedError
from ogniwo.formats.meter_files.reader import known_layouts, read_meter_file

ROOT = Path(__file__).resolve().parents[3]
FORMATS = (ROOT / "docs" / "formats.md").read_text(encoding="utf-8")

GOOD = """
name = "x"
title = "X"
operator = "X"
certainty = "own"
source = "here"
containers = ["delimited"]
shape = "rows"
point = { sources = ["argument"] }
header = { required = ["When", "kWh"] }
time = { columns = ["When"], length_s = 3600 }
rows = { unit = "kWh", values = [{ heading = "kwh", channel = "1.29.0" }] }
text = { delimiter = "," , decimal = "." }
"""


def test_names_are_unique_and_match_their_files():
    files = sorted(path.stem for path in (ROOT / "src" / "ogniwo" / "data" / "layouts").glob("*.toml"))
    assert [layout.name for layout in shipped_layouts()] == files
    assert [known.name for known in known_layouts()] == files


def test_every_layout_and_every_code_is_described_in_the_documentation():
    for known in known_layouts():
        assert f"`{known.name}`" in FORMATS, known.name
    package = ROOT / "src" / "ogniwo" / "formats" / "meter_files"
    sources = "".join(path.read_text(encoding="utf-8") for path in package.glob("*.py"))
    codes = set(re.findall(r'"((?:read|V\d+)\.[a-z_]+)"', sources))
    assert len(codes) > 20
    assert {code for code in codes if f"`{code}`" not in FORMATS} == set()


def test_a_new_layout_is_a_description_only():
    layout = layout_from_toml(GOOD)
    reading = read_meter_file(
        b"When,kWh\n2022-06-01 00:00,1.5\n", file_name="x.csv", point="590999010000000338", layouts=[layout]
    )
    assert (reading.layout, reading.intervals.wh.tolist()) == ("x", [1500])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('shape = "rows"', 'shape = "matrix"'),
        ("1.29.0", "NOT A CHANNEL"),
        ('unit = "kWh"', 'unit = "J"'),
        ("length_s = 3600", 'forms = ["roman"]'),
        ("length_s = 3600", "length = 3600"),
        ('certainty = "own"', 'certainty = "sure"'),
        ('heading = "kwh"', 'heading = "("'),
    ],
)
def test_unsound_descriptions_are_refused(old, new):
    assert old in GOOD
    with pytest.raises((msgspec.ValidationError, re.error)):
        layout_from_toml(GOOD.replace(old, new))


MATRIX = """
name = "m"
title = "M"
operator = "M"
certainty = "own"
source = "here"
containers = ["xlsx"]
shape = "matrix"
point = { sources = ["column"] }

[matrix]
point_label = "Point"
code_label = "Code"
direction_label = "Direction"
quantities = [
  { direction = "in", code = "m", channel = "1.29.0" },
  { direction = "in", code = "s", channel = "operator/share" },
  { direction = "in", code = "c", channel = "operator/covered" },
  { direction = "out", code = "g", channel = "2.29.0" },
  { direction = "out", code = "r", channel = "operator/surplus" },
]

[matrix.account]
metered = "1.29.0"
share = "operator/share"
covered = "operator/covered"
generated = "2.29.0"
surplus = "operator/surplus"
"""


def test_an_account_names_channels_that_the_layout_gives_and_decimals_that_sums_can_hold():
    account = layout_from_toml(MATRIX).matrix.account
    assert (account.of_consumer, account.decimals) == (("1.29.0", "operator/share", "operator/covered"), 6)
    assert account.of_producer == ("2.29.0", "operator/surplus")
    with pytest.raises(msgspec.ValidationError, match=r"operator/balanced, which nothing gives"):
        layout_from_toml(MATRIX.replace('surplus = "operator/surplus"', 'surplus = "operator/balanced"'))
    with pytest.raises(msgspec.ValidationError, match="decimals"):
        layout_from_toml(MATRIX + "decimals = 7\n")


def test_a_file_that_fits_two_layouts_asks_for_one():
    layouts = [layout_from_toml(GOOD), layout_from_toml(GOOD.replace('name = "x"', 'name = "y"'))]
    data = b"When,kWh\n2022-06-01 00:00,1.5\n"
    with pytest.raises(FileRefusedError, match="x and y"):
        read_meter_file(data, file_name="x.csv", point="590999010000000338", layouts=layouts)
    reading = read_meter_file(data, file_name="x.csv", point="590999010000000338", layout="y", layouts=layouts)
    assert reading.layout == "y"
