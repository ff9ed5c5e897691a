"""Amounts in words, as Polish bills demand, with the right endings; English for the second language."""

from collections.abc import Sequence

from ogniwo.core.kernel.refusals import Refusal

WORDS_MAX_GROSZ = 10**14
"""One billion (10^12) zl: amounts from here on are refused."""

# fmt: off
_ONES_PL = (
    "zero", "jeden", "dwa", "trzy", "cztery", "pięć", "sześć", "siedem", "osiem", "dziewięć",
    "dziesięć", "jedenaście", "dwanaście", "trzynaście", "czternaście", "piętnaście", "szesnaście", "siedemnaście",
    "osiemnaście", "dziewiętnaście",
)
_TENS_PL = (
    "", "dziesięć", "dwadzieścia", "trzydzieści", "czterdzieści", "pięćdziesiąt", "sześćdziesiąt", "siedemdziesiąt",
    "osiemdziesiąt", "dziewięćdziesiąt",
)
_HUNDREDS_PL = (
    "", "sto", "dwieście", "trzysta", "czterysta", "pięćset", "sześćset", "siedemset", "osiemset", "dziewięćset",
)
_ONES_EN = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine",
    "ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)
_TENS_EN = ("", "ten", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
# fmt: on
_SCALES_PL = (
    ("", "", ""),
    ("tysiąc", "tysiące", "tysięcy"),
    ("milion", "miliony", "milionów"),
    ("miliard", "miliardy", "miliardów"),
)
_ZLOTY_PL = ("złoty", "złote", "złotych")
_GROSZ_PL = ("grosz", "grosze", "groszy")

_SCALES_EN = ("", "thousand", "million", "billion")


class AmountTooLargeForWordsError(Refusal):
    """The amount is beyond the largest number the words cover."""

    code = "billing.amount_too_large_for_words"


def polish_plural(number: int, forms: Sequence[str]) -> str:
    """Choose the ending for a count: (1 złoty, 2 złote, 5 złotych); 12 to 14 take the third form."""
    if number == 1:
        return forms[0]
    return forms[1] if number % 10 in (2, 3, 4) and number % 100 not in (12, 13, 14) else forms[2]


def number_in_polish(number: int) -> str:
    """A number from 0 to 10^12 - 1 in Polish words (masculine, nominative)."""
    if number == 0:
        return _ONES_PL[0]
    words: list[str] = []
    for group, forms in reversed(list(zip(_groups(number), _SCALES_PL, strict=False))):
        if group:
            words += _below_thousand_pl(group)
            words += [polish_plural(group, forms)] if forms[0] else []
    return " ".join(words)


def number_in_english(number: int) -> str:
    """A number from 0 to 10^12 - 1 in English words, without "and"."""
    if number == 0:
        return _ONES_EN[0]
    words: list[str] = []
    for group, scale in reversed(list(zip(_groups(number), _SCALES_EN, strict=False))):
        if group:
            words += _below_thousand_en(group)
            words += [scale] if scale else []
    return " ".join(words)


def amount_in_words(grosz: int, *, language: str = "pl") -> str:
    """An amount of money in words: 17076 is "sto siedemdziesiąt złotych siedemdziesiąt sześć groszy".

    `language` is "pl" or "en". Raises AmountTooLargeForWordsError from 10^12 zl on.
    """
    if abs(grosz) >= WORDS_MAX_GROSZ:
        raise AmountTooLargeForWordsError(detail=f"{grosz} grosz is more than words are kept for")
    whole, rest = divmod(abs(grosz), 100)
    minus = "minus " if grosz < 0 else ""
    if language == "en":
        return f"{minus}{number_in_english(whole)} zloty {number_in_english(rest)} grosz"
    if language == "pl":
        return (
            f"{minus}{number_in_polish(whole)} {polish_plural(whole, _ZLOTY_PL)} "
            f"{number_in_polish(rest)} {polish_plural(rest, _GROSZ_PL)}"
        )
    raise ValueError(f"no words in language {language!r}")


def _groups(number: int) -> list[int]:
    """The groups of three digits, the lowest first."""
    groups = []
    while number:
        number, group = divmod(number, 1_000)
        groups.append(group)
    return groups


def _below_thousand_pl(number: int) -> list[str]:
    hundreds, rest = divmod(number, 100)
    words = [_HUNDREDS_PL[hundreds]] if hundreds else []
    if 0 < rest < 20:
        return [*words, _ONES_PL[rest]]
    tens, ones = divmod(rest, 10)
    return words + ([_TENS_PL[tens]] if tens else []) + ([_ONES_PL[ones]] if ones else [])


def _below_thousand_en(number: int) -> list[str]:
    hundreds, rest = divmod(number, 100)
    words = [_ONES_EN[hundreds], "hundred"] if hundreds else []
    if 0 < rest < 20:
        return [*words, _ONES_EN[rest]]
    tens, ones = divmod(rest, 10)
    if tens and ones:
        return [*words, f"{_TENS_EN[tens]}-{_ONES_EN[ones]}"]
    return words + ([_TENS_EN[tens]] if tens else [])
