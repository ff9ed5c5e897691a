"""Paying a bill in Poland: account numbers (NRB, IBAN), virtual accounts for mass payments, the 2D transfer code."""

import re

from ogniwo.core.kernel.ids import is_nip
from ogniwo.core.kernel.refusals import Refusal

NRB_LENGTH = 26
BANK_LENGTH = 8
_PL_IN_DIGITS = "2521"
_BANK_WEIGHTS = (3, 9, 7, 1, 3, 9, 7)
_MASK = re.compile(r"\d{8}\d*N+\d*\Z")
_MASK_LENGTH = 24

TRANSFER_NAME_MAX = 20
TRANSFER_TITLE_MAX = 32
TRANSFER_AMOUNT_MAX_GROSZ = 999_999


class NotAnAccountError(Refusal):
    """A text is not a Polish account number with valid check digits."""

    code = "billing.not_an_account"


class VirtualAccountError(Refusal):
    """A customer number does not fit the bank's mask for mass payments, or the mask is malformed."""

    code = "billing.virtual_account"


class TransferTextError(Refusal):
    """A field does not fit the 2D transfer code of the Polish Bank Association."""

    code = "billing.transfer_text"


def nrb_check_digits(body: str) -> str:
    """The two check digits of an account from its bank number (8) and account part (16): 98 - body·PL00 mod 97."""
    if len(body) != NRB_LENGTH - 2 or not (body.isascii() and body.isdigit()):
        raise NotAnAccountError(detail=f"{body!r} is not the 24 digits behind the check digits")
    return f"{98 - int(body + _PL_IN_DIGITS + '00') % 97:02d}"


def bank_check_digit(bank: str) -> int:
    """The eighth digit of a bank number from its first seven (weights 3, 9, 7, 1, 3, 9, 7)."""
    total = sum(int(digit) * weight for digit, weight in zip(bank[:7], _BANK_WEIGHTS, strict=True))
    return -total % 10


def parse_nrb(text: str) -> str:
    """Read a Polish account written with or without spaces, dashes and `PL`; returns its 26 digits.

    Checks both the mod-97 digits and the bank number's own digit. Raises NotAnAccountError.
    """
    digits = re.sub(r"[\s-]", "", text).upper().removeprefix("PL")
    if len(digits) != NRB_LENGTH or not (digits.isascii() and digits.isdigit()):
        raise NotAnAccountError(detail=f"{text!r} is not a 26-digit account number")
    if nrb_check_digits(digits[2:]) != digits[:2]:
        raise NotAnAccountError(detail=f"the check digits of account {text!r} are wrong")
    if bank_check_digit(digits[2:9]) != int(digits[9]):
        raise NotAnAccountError(detail=f"the bank number of account {text!r} is wrong")
    return digits


def is_nrb(text: str) -> bool:
    """Whether a text is a valid Polish account number."""
    try:
        parse_nrb(text)
    except NotAnAccountError:
        return False
    return True


def nrb_groups(nrb: str) -> str:
    """An account as people write it: CC AAAA AAAA BBBB BBBB BBBB BBBB."""
    return " ".join((nrb[:2], *(nrb[start : start + 4] for start in range(2, NRB_LENGTH, 4))))


def iban_of(nrb: str) -> str:
    """The IBAN of a Polish account."""
    return f"PL{parse_nrb(nrb)}"


def virtual_account(*, mask: str, customer_number: int) -> str:
    """The account that only this customer pays to: the bank's mask filled with the customer number, check digits added.

    `mask` is the 24 digits behind the check digits with one run of `N` for the customer number, for instance
    `102055581111NNNNNNNNNNNN`. The number is ours to give; never make it from PESEL or NIP. Raises VirtualAccountError.
    """
    if len(mask) != _MASK_LENGTH or _MASK.match(mask) is None:
        raise VirtualAccountError(detail=f"{mask!r} is not a mask of 24 places with one run of N after the bank number")
    places = mask.count("N")
    number = str(customer_number).rjust(places, "0")
    if customer_number <= 0 or len(number) > places:
        raise VirtualAccountError(detail=f"customer number {customer_number} does not fit {places} places")
    body = mask.replace("N" * places, number)
    return parse_nrb(nrb_check_digits(body) + body)


def transfer_text(
    *, account: str, amount_grosz: int, name: str, title: str, nip: str = "", long_amounts: bool = False
) -> str:
    """The text of the 2D code for a transfer (Polish Bank Association, recommendation of 3 December 2013).

    `NIP|PL|NRB|amount|name|title|||`: the amount in grosze with six digits; 000000 lets the payer type it, which is
    also what an amount over 9999.99 zl becomes, unless `long_amounts` writes up to ten digits as many readers accept.
    `nip` is expected when the payee is a firm. The name is cut to 20 characters; the title (32) is never cut, since
    the payment is matched by it. So the text stays far below the 160 characters allowed. Raises TransferTextError.
    """
    if amount_grosz < 0:
        raise TransferTextError(detail=f"a transfer of {amount_grosz} grosz cannot be asked for")
    if len(title) > TRANSFER_TITLE_MAX:
        raise TransferTextError(detail=f"title {title!r} has more than {TRANSFER_TITLE_MAX} characters")
    if nip and not is_nip(nip):
        raise TransferTextError(detail=f"{nip!r} is not a NIP")
    fits = amount_grosz <= TRANSFER_AMOUNT_MAX_GROSZ or (long_amounts and amount_grosz < 10**10)
    fields = (
        nip,
        "PL",
        parse_nrb(account),
        f"{amount_grosz if fits else 0:06d}",
        name[:TRANSFER_NAME_MAX].strip(),
        title,
    )
    for value in fields:
        if "|" in value or any(character < " " for character in value):
            raise TransferTextError(detail=f"{value!r} holds a character that separates fields")
    return "|".join((*fields, "", "", ""))
