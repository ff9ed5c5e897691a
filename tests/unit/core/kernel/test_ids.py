import pytest

from ogniwo.core.kernel.ids import gs1_check_digit, is_ppe


@pytest.mark.parametrize(
    ("body", "digit"), [("59031060000000001", 9), ("59032240000012345", 0), ("59054300000000042", 6)]
)
def test_law_7_check_digits(body, digit):
    assert gs1_check_digit(body) == digit
    assert is_ppe(f"{body}{digit}")


def test_every_single_digit_slip_is_caught():
    code = "590310600000000019"
    for position in range(18):
        for digit in "0123456789":
            slipped = code[:position] + digit + code[position + 1 :]
            assert is_ppe(slipped) == (slipped == code)


@pytest.mark.parametrize("code", ["", "59031060000000001", "PL_ZEBB_5903106000", "５９０３１０６００００００００１９"])
def test_what_is_no_ppe(code):
    assert not is_ppe(code)
