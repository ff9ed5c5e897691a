"""Accounts and the transfer code: check digits, virtual accounts, lengths."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ogniwo.core.billing.payment import (
    NotAnAccountError,
    TransferTextError,
    VirtualAccountError,
    bank_check_digit,
    iban_of,
    is_nrb,
    nrb_groups,
    parse_nrb,
    transfer_text,
    virtual_account,
)

MASK = "102055581111NNNNNNNNNNNN"


def iban_remainder(nrb):
    """ISO 13616: country and check digits to the end, letters to numbers, the remainder by 97 must be one."""
    moved = nrb[2:] + "PL" + nrb[:2]
    return int("".join(str(int(character, 36)) for character in moved)) % 97


def test_the_account_of_the_reference_is_valid():
    # sample sales register row of the reference
    assert parse_nrb("95102055581111000000012345") == "95102055581111000000012345"


@given(st.integers(1, 10**12 - 1))
def test_virtual_accounts_satisfy_iso_13616_and_hold_the_customer(customer):
    account = virtual_account(mask=MASK, customer_number=customer)
    assert iban_remainder(account) == 1
    assert int(account[14:]) == customer
    assert account[2:14] == "102055581111"


@given(st.integers(1, 10**12 - 1), st.integers(0, 25), st.integers(1, 9))
def test_any_single_wrong_digit_is_noticed(customer, place, shift):
    account = virtual_account(mask=MASK, customer_number=customer)
    wrong = account[:place] + str((int(account[place]) + shift) % 10) + account[place + 1 :]
    assert not is_nrb(wrong)


def test_bank_numbers_carry_their_own_check_digit():
    assert bank_check_digit("1020555") == 8
    assert bank_check_digit("1010000") == 0  # the central bank's numbers begin with 1010 0000


def test_a_valid_checksum_with_a_wrong_bank_number_is_refused():
    body = "10205557" + "1111000000001234"
    check = 98 - int(body + "252100") % 97
    with pytest.raises(NotAnAccountError, match="bank number"):
        parse_nrb(f"{check:02d}{body}")


@pytest.mark.parametrize("text", ["PL 71 1020 5558 1111 0000 0000 1234", "71-1020-5558-1111-0000-0000-1234"])
def test_accounts_are_read_as_people_write_them(text):
    assert parse_nrb(text) == "71102055581111000000001234"
    assert nrb_groups(parse_nrb(text)) == "71 1020 5558 1111 0000 0000 1234"
    assert iban_of(text) == "PL71102055581111000000001234"


@pytest.mark.parametrize("text", ["", "62", "72102055581111000000001234", "7110205558111100000000123x"])
def test_other_texts_are_refused(text):
    assert not is_nrb(text)


@pytest.mark.parametrize(
    ("mask", "customer"),
    [(MASK, 0), (MASK, -1), (MASK, 10**12), ("10205558", 1), ("102055581111NN1111NN1111", 1), ("N" * 24, 1)],
)
def test_masks_and_customers_that_do_not_fit_are_refused(mask, customer):
    with pytest.raises(VirtualAccountError):
        virtual_account(mask=mask, customer_number=customer)


def test_the_transfer_code_has_nine_fields_in_their_order():
    text = transfer_text(
        account="71102055581111000000001234",
        amount_grosz=17_076,
        nip="5260001246",
        name="Spółdzielnia Energetyczna Źródło",
        title="FV/2026/11/0001",
    )
    assert text == "5260001246|PL|71102055581111000000001234|017076|Spółdzielnia Energet|FV/2026/11/0001|||"
    assert len(text) <= 160


@pytest.mark.parametrize(
    ("amount", "long_amounts", "field"),
    [
        (0, False, "000000"),
        (999_999, False, "999999"),
        (1_000_000, False, "000000"),
        (1_000_000, True, "1000000"),
        (10**10, True, "000000"),
    ],
)
def test_amounts_beyond_six_digits_are_left_to_the_payer_unless_asked(amount, long_amounts, field):
    text = transfer_text(
        account="71102055581111000000001234", amount_grosz=amount, name="A", title="B", long_amounts=long_amounts
    )
    assert text.split("|")[3] == field


@pytest.mark.parametrize(
    "change", [{"amount_grosz": -1}, {"title": "x" * 33}, {"name": "a|b"}, {"title": "a\nb"}, {"nip": "5260001247"}]
)
def test_fields_that_do_not_fit_are_refused(change):
    fields = {"account": "71102055581111000000001234", "amount_grosz": 1, "name": "A", "title": "B"} | change
    with pytest.raises(TransferTextError):
        transfer_text(**fields)
