"""Classes by yearly consumption, as the flat capacity fee and the transition fee have them."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class UseClass:
    """A class of customers that use less than `below_wh` a year, or up to and including it; None is no bound."""

    name: str
    below_wh: int | None
    inclusive: bool

    def holds(self, yearly_use_wh: int) -> bool:
        """Whether a consumption does not exceed the class's upper bound."""
        if self.below_wh is None:
            return True
        return yearly_use_wh < self.below_wh or (self.inclusive and yearly_use_wh == self.below_wh)


def use_class_of(classes: Sequence[UseClass], yearly_use_wh: int | None) -> UseClass:
    """The class of a consumption; classes ascend and the last is unbounded.

    None means that there was no reading yet, which is the first class. A customer of less than a year counts with what
    was used so far, not scaled to a year (ENEA 2026 tariff, 3.1.30 to 3.1.32).
    """
    if yearly_use_wh is None:
        return classes[0]
    return next(row for row in classes if row.holds(yearly_use_wh))
