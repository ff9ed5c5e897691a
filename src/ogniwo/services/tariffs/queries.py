"""Pricing without a workspace: the packaged rate book, with files of one's own, and one point on it."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.tariffs.capacity import CapacityRegime, capacity_regime
from ogniwo.core.tariffs.model import PointTerms
from ogniwo.core.tariffs.rating import ALL_CHARGES, Charge, Rating, rate_point, rated_point
from ogniwo.core.tariffs.rules import TariffBook
from ogniwo.core.tariffs.totals import VatTotal, vat_totals
from ogniwo.core.tariffs.usage import PointUsage, RegisterUsage
from ogniwo.formats.rate_book.reader import RateFile, assemble_book, parse_rate_file

NEEDS_PROFILE = "needs an hourly profile: the share of selected hours decides group and amount"


class UnreadableRateFileError(Refusal):
    """A rate file of one's own is not on disk."""

    code = "rate_file.not_readable"


@dataclass(frozen=True, slots=True, kw_only=True)
class PricedPoint:
    """A rating with its totals; `left_out` names charges that are not in them, each with the reason."""

    rating: Rating
    totals: tuple[VatTotal, ...]
    left_out: tuple[tuple[str, str], ...]

    @property
    def net_grosz(self) -> int:
        """Net sum."""
        return sum(total.net_grosz for total in self.totals)

    @property
    def vat_grosz(self) -> int:
        """VAT, rounded once per rate."""
        return sum(total.vat_grosz for total in self.totals)

    @property
    def gross_grosz(self) -> int:
        """Gross sum."""
        return self.net_grosz + self.vat_grosz


def load_rate_book(extra_files: Sequence[Path] = (), *, with_samples: bool = False) -> TariffBook:
    """The packaged rates, and rate files of one's own that add to them.

    `with_samples` also loads the packaged sample values that stand in for unknown rates, for demonstrations only.
    Raises RateFileError for a file that is no rate file, AmbiguousRateError when a file repeats a rate of another.
    """
    packaged = _packaged(with_samples=with_samples)
    if not extra_files:
        return _packaged_book(with_samples=with_samples)
    own: list[RateFile] = []
    for path in extra_files:
        try:
            data = path.read_bytes()
        except OSError as error:
            raise UnreadableRateFileError(detail=f"cannot read the rate file {path}: {error.strerror}") from error
        own.append(parse_rate_file(data, file_name=path.name))
    return assemble_book((*packaged, *own))


def price(
    *,
    book: TariffBook,
    terms: PointTerms,
    first: date,
    last_exclusive: date,
    usage: PointUsage,
    charges: Collection[Charge] = ALL_CHARGES,
    partial: bool = False,
) -> PricedPoint:
    """Price a point over local days with totals per VAT rate.

    With `partial` a capacity fee by volume that register totals cannot give is left out and named instead of refused.
    Raises the refusals of `rate_point`.
    """
    wanted = set(charges)
    left_out: list[tuple[str, str]] = []
    if partial and Charge.CAPACITY in wanted and isinstance(usage, RegisterUsage) and not usage.capacity:
        point = rated_point(book=book, terms=terms, first=first, last_exclusive=last_exclusive, usage=usage)
        if capacity_regime(point, first) is CapacityRegime.VOLUME:
            wanted.discard(Charge.CAPACITY)
            left_out.append((Charge.CAPACITY.value, NEEDS_PROFILE))
    rating = rate_point(
        book=book, terms=terms, first=first, last_exclusive=last_exclusive, usage=usage, charges=frozenset(wanted)
    )
    return PricedPoint(
        rating=rating,
        totals=vat_totals(rating.lines),
        left_out=(*left_out, *rating.facts.not_assessed),
    )


@lru_cache(maxsize=2)
def _packaged(*, with_samples: bool) -> tuple[RateFile, ...]:
    return tuple(
        parse_rate_file(resource.read_bytes(), file_name=resource.name)
        for resource in _resources(with_samples=with_samples)
    )


@lru_cache(maxsize=2)
def _packaged_book(*, with_samples: bool) -> TariffBook:
    return assemble_book(_packaged(with_samples=with_samples))


def _resources(*, with_samples: bool) -> Iterator[Traversable]:
    root = files("ogniwo.data") / "rates"
    for folder in (root, root / "samples") if with_samples else (root,):
        yield from sorted(
            (resource for resource in folder.iterdir() if resource.name.endswith(".toml")),
            key=lambda resource: resource.name,
        )
