"""Amounts in words: endings of Polish nouns, groups of thousands, English."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ogniwo.core.billing.words import AmountTooLargeForWordsError, amount_in_words, number_in_polish, polish_plural


@pytest.mark.parametrize(
    ("grosz", "words"),
    [
        (0, "zero złotych zero groszy"),
        (1, "zero złotych jeden grosz"),
        (100, "jeden złoty zero groszy"),
        (203, "dwa złote trzy grosze"),
        (505, "pięć złotych pięć groszy"),
        (1212, "dwanaście złotych dwanaście groszy"),
        (2222, "dwadzieścia dwa złote dwadzieścia dwa grosze"),
        (2100, "dwadzieścia jeden złotych zero groszy"),
        (17076, "sto siedemdziesiąt złotych siedemdziesiąt sześć groszy"),
        (11_400, "sto czternaście złotych zero groszy"),
        (100_000, "jeden tysiąc złotych zero groszy"),
        (427_228, "cztery tysiące dwieście siedemdziesiąt dwa złote dwadzieścia osiem groszy"),
        (1_200_000, "dwanaście tysięcy złotych zero groszy"),
        (100_000_000, "jeden milion złotych zero groszy"),
        (2_300_400_000, "dwadzieścia trzy miliony cztery tysiące złotych zero groszy"),
        (500_000_000_000, "pięć miliardów złotych zero groszy"),
        (-1999, "minus dziewiętnaście złotych dziewięćdziesiąt dziewięć groszy"),
    ],
)
def test_polish_words(grosz, words):
    assert amount_in_words(grosz) == words


@pytest.mark.parametrize(
    ("grosz", "words"),
    [
        (17076, "one hundred seventy zloty seventy-six grosz"),
        (120_000_513, "one million two hundred thousand five zloty thirteen grosz"),
        (0, "zero zloty zero grosz"),
    ],
)
def test_english_words(grosz, words):
    assert amount_in_words(grosz, language="en") == words


@pytest.mark.parametrize(
    ("count", "form"),
    [
        (0, "groszy"),
        (1, "grosz"),
        (2, "grosze"),
        (4, "grosze"),
        (5, "groszy"),
        (12, "groszy"),
        (14, "groszy"),
        (21, "groszy"),
        (22, "grosze"),
        (25, "groszy"),
        (101, "groszy"),
        (112, "groszy"),
        (122, "grosze"),
    ],
)
def test_plural_forms(count, form):
    assert polish_plural(count, ("grosz", "grosze", "groszy")) == form


def test_too_large_and_unknown_language_are_not_guessed():
    with pytest.raises(AmountTooLargeForWordsError):
        amount_in_words(10**14)
    with pytest.raises(ValueError, match="language"):
        amount_in_words(1, language="de")


VALUES = {
    "zero": 0,
    "jeden": 1,
    "dwa": 2,
    "trzy": 3,
    "cztery": 4,
    "pięć": 5,
    "sześć": 6,
    "siedem": 7,
    "osiem": 8,
    "dziewięć": 9,
    "dziesięć": 10,
    "jedenaście": 11,
    "dwanaście": 12,
    "trzynaście": 13,
    "czternaście": 14,
    "piętnaście": 15,
    "szesnaście": 16,
    "siedemnaście": 17,
    "osiemnaście": 18,
    "dziewiętnaście": 19,
    "dwadzieścia": 20,
    "trzydzieści": 30,
    "czterdzieści": 40,
    "pięćdziesiąt": 50,
    "sześćdziesiąt": 60,
    "siedemdziesiąt": 70,
    "osiemdziesiąt": 80,
    "dziewięćdziesiąt": 90,
    "sto": 100,
    "dwieście": 200,
    "trzysta": 300,
    "czterysta": 400,
    "pięćset": 500,
    "sześćset": 600,
    "siedemset": 700,
    "osiemset": 800,
    "dziewięćset": 900,
}
SCALES = {"tys": 10**3, "milion": 10**6, "miliard": 10**9}


@given(st.integers(0, 10**12 - 1))
def test_words_read_back_as_the_number(number):
    total, group = 0, 0
    for word in number_in_polish(number).split():
        scale = next((SCALES[stem] for stem in ("miliard", "milion", "tys") if word.startswith(stem)), 0)
        if scale:
            total, group = total + group * scale, 0
        else:
            group += VALUES[word]
    assert total + group == number
