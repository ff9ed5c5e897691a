"""OBIS codes: forms, aliases, channels."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ogniwo.core.metering.model import EXPORT, IMPORT, REACTIVE_Q1, REACTIVE_Q4
from ogniwo.core.metering.obis import (
    ALIASES,
    Obis,
    UnknownObisError,
    channel_of,
    normalise_obis,
    parse_obis,
    resolve_obis,
    unit_of,
)


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("1.8.0", "1-1:1.8.0*255"),
        ("1-0:1.8.0*255", "1-1:1.8.0*255"),
        ("1-1:1.8.0", "1-1:1.8.0*255"),
        ("1-1:1.29", "1-1:1.29.0*255"),
        ("1.8", "1-1:1.8.0*255"),
        ("1.0.1.8.0.255", "1-1:1.8.0*255"),
        ("1.8.0*01", "1-1:1.8.0*1"),
        ("1.6.209", "1-1:1.6.209*255"),
        ("1-2:1.8.0", "1-2:1.8.0*255"),
        ("0.9.1", "1-0:0.9.1*255"),
        ("1-0:99.1.0", "1-0:99.1.0*255"),
        ("1.0.99.1.0.255", "1-0:99.1.0*255"),
        ("P.01", "1-0:99.1.0*255"),
        ("F.F", "1-0:97.97.0*255"),
        ("0-0:1.0.0", "0-0:1.0.0*255"),
        (" A+ ", "1-1:1.8.0*255"),
        ("a+  strefa i", "1-1:1.8.1*255"),
        ("A- strefa II", "1-1:2.8.2*255"),
        ("A\N{MINUS SIGN}", "1-1:2.8.0*255"),
        ("EC+", "1-1:1.8.0*255"),
        ("Energia czynna pobrana (1.8.1)", "1-1:1.8.1*255"),
        ("ENERGIA CZYNNA POBRANA", "1-1:1.8.0*255"),
        ("R+", "1-1:3.8.0*255"),
        ("Qi", "1-1:5.8.0*255"),
        ("Qc", "1-1:8.8.0*255"),
        ("pobór", "1-1:1.29.0*255"),
    ],
)
def test_normal_form(text, normal):
    assert normalise_obis(text) == normal


@pytest.mark.parametrize("text", ["", "1", "A++", "1.8.256", "1-1:", "1.8.0 kWh", "1..8", "300-1:1.8.0", "x.8.0"])
def test_what_is_no_code_is_refused(text):
    with pytest.raises(UnknownObisError) as refusal:
        normalise_obis(text)
    assert refusal.value.code == "metering.unknown_obis"


@given(st.tuples(*[st.integers(0, 255)] * 6))
def test_full_code_survives_writing_and_reading(groups):
    obis = Obis(*groups)
    assert parse_obis(str(obis)) == obis
    assert normalise_obis(str(obis.normal)) == str(obis.normal)


def test_every_alias_has_a_source_and_resolves():
    for alias in ALIASES:
        assert alias.source
        assert resolve_obis(alias.name).short == alias.code


@pytest.mark.parametrize(
    ("text", "channel", "unit"),
    [
        ("1.8.0", IMPORT, "kWh"),
        ("1.8.2", IMPORT, "kWh"),
        ("2.8.0", EXPORT, "kWh"),
        ("5.8.0", REACTIVE_Q1, "kvarh"),
        ("8.8.0", REACTIVE_Q4, "kvarh"),
        ("2.29.0", EXPORT, "kWh"),
        ("9.8.0", "9.29.0", "kVAh"),
        ("1.6.200", None, "kW"),
        ("5.6.0", None, "kvar"),
        ("0.9.1", None, None),
        ("32.7.0", None, None),
        ("7-0:3.8.0", None, None),
    ],
)
def test_channel_and_unit(text, channel, unit):
    obis = resolve_obis(text)
    assert channel_of(obis) == channel
    assert unit_of(obis) == unit
