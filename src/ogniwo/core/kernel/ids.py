"""Identifiers with check digits, and digests that name a version of data."""

import hashlib

_PPE_LENGTH = 18


def gs1_check_digit(body: str) -> int:
    """The GS1 mod-10 check digit of a string of digits (weights 3, 1 from the right)."""
    total = sum(int(digit) * (3 if position % 2 == 0 else 1) for position, digit in enumerate(reversed(body)))
    return -total % 10


def is_ppe(code: str) -> bool:
    """Whether a code is an 18-digit metering point code (PPE) with a valid check digit (law.md 7)."""
    if len(code) != _PPE_LENGTH or not (code.isascii() and code.isdigit()):
        return False
    return int(code[-1]) == gs1_check_digit(code[:-1])


def sha256_hex(data: bytes) -> str:
    """The SHA-256 of bytes in lower-case hex: the name of a file, a payload or a version."""
    return hashlib.sha256(data).hexdigest()


_NIP_WEIGHTS = (6, 5, 7, 2, 3, 4, 5, 6, 7)


def is_nip(text: str) -> bool:
    """Whether a text is a 10-digit Polish tax number (NIP): weighted sum of nine digits mod 11 equals the tenth."""
    if len(text) != len(_NIP_WEIGHTS) + 1 or not (text.isascii() and text.isdigit()):
        return False
    total = sum(int(digit) * weight for digit, weight in zip(text[:-1], _NIP_WEIGHTS, strict=True))
    return total % 11 == int(text[-1])
