"""Rate files (bytes) to the book a rating reads."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

import msgspec

from ogniwo.core.kernel.quantities import NotADecimalError
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.tariffs.capacity_rules import CapacityRules
from ogniwo.core.tariffs.model import RateBook, RateRow
from ogniwo.core.tariffs.rules import (
    GroupRules,
    Offer,
    ReactiveRules,
    TariffBook,
    TransitionRules,
    VatRate,
    ZoneClock,
)
from ogniwo.formats.rate_book import rules
from ogniwo.formats.rate_book.layout import RateFileTables


class RateFileError(Refusal):
    """A rate file cannot be read; the sentence names the file and the place."""

    code = "rate_file.unreadable"


@dataclass(frozen=True, slots=True, kw_only=True)
class RateFile:
    """What one file adds to a book."""

    name: str
    rates: tuple[RateRow, ...]
    groups: tuple[GroupRules, ...]
    clocks: tuple[ZoneClock, ...]
    offers: tuple[Offer, ...]
    reactive: tuple[ReactiveRules, ...]
    transition: tuple[TransitionRules, ...]
    vat: tuple[VatRate, ...]
    capacity: CapacityRules


def parse_rate_file(data: bytes, *, file_name: str) -> RateFile:
    """Read one rate file; refuses unknown fields, inexact numbers, and rows without validity, source or confidence."""
    try:
        tables = msgspec.toml.decode(data, type=RateFileTables)
        return RateFile(
            name=file_name,
            rates=rules.rate_rows(tables),
            groups=rules.group_rules(tables),
            clocks=rules.zone_clocks(tables),
            offers=rules.offer_rules(tables),
            reactive=rules.reactive_rules(tables),
            transition=rules.transition_rules(tables),
            vat=rules.vat_rates(tables),
            capacity=rules.capacity_rules(tables),
        )
    except (NotADecimalError, ValueError) as error:  # msgspec.DecodeError is a ValueError
        raise RateFileError(detail=f"rate file {file_name}: {error}") from error


def assemble_book(files: Sequence[RateFile]) -> TariffBook:
    """Put files together; refuses rates that overlap. The order of the files does not matter."""
    capacity = [file.capacity for file in files]
    return TariffBook(
        rates=RateBook(tuple(chain.from_iterable(file.rates for file in files))),
        groups=tuple(chain.from_iterable(file.groups for file in files)),
        clocks=tuple(chain.from_iterable(file.clocks for file in files)),
        offers=tuple(chain.from_iterable(file.offers for file in files)),
        reactive=tuple(chain.from_iterable(file.reactive for file in files)),
        transition=tuple(chain.from_iterable(file.transition for file in files)),
        vat=tuple(chain.from_iterable(file.vat for file in files)),
        capacity=CapacityRules(
            flat_regime=tuple(chain.from_iterable(part.flat_regime for part in capacity)),
            flat_classes=tuple(chain.from_iterable(part.flat_classes for part in capacity)),
            flat_suspension=tuple(chain.from_iterable(part.flat_suspension for part in capacity)),
            selected_hours=tuple(chain.from_iterable(part.selected_hours for part in capacity)),
            coefficients=tuple(chain.from_iterable(part.coefficients for part in capacity)),
            qualification=tuple(chain.from_iterable(part.qualification for part in capacity)),
        ),
    )


def read_rate_book(files: Mapping[str, bytes]) -> TariffBook:
    """Read and put together files by name."""
    return assemble_book([parse_rate_file(data, file_name=name) for name, data in sorted(files.items())])
