"""A list that is read from the database only as far as somebody looks at it."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Generic, TypeVar, overload

from django.db.models import Count, QuerySet, Sum

Row = TypeVar("Row")


class Listed(Sequence[Row], Generic[Row]):
    """Rows of a query in its order: `len` counts them, a slice reads those alone, going through reads all.

    `query` has been narrowed to what the subject may see; `make` turns a part of it into rows, one for each, in order.
    """

    def __init__(self, query: QuerySet[Any], make: Callable[[QuerySet[Any]], Sequence[Row]]) -> None:
        self._query = query
        self._make = make
        self._count: int | None = None

    def __len__(self) -> int:
        """How many there are, counted once by the database."""
        if self._count is None:
            self._count = self._query.count()
        return self._count

    @overload
    def __getitem__(self, place: int) -> Row: ...

    @overload
    def __getitem__(self, place: slice) -> tuple[Row, ...]: ...

    def __getitem__(self, place: int | slice) -> Row | tuple[Row, ...]:
        """One row, or those of a slice without a step; raises IndexError where there is none."""
        if isinstance(place, slice):
            return tuple(self._make(self._query[place]))
        found = self[place : place + 1]
        if not found:
            raise IndexError(place)
        return found[0]

    def __iter__(self) -> Iterator[Row]:
        """Every row, read together."""
        return iter(self._make(self._query))

    def column(self, name: str) -> tuple[Any, ...]:
        """One column of the table, of all rows."""
        return tuple(self._query.values_list(name, flat=True))

    def totals(self, *names: str) -> tuple[int, ...]:
        """The sums of columns of whole numbers over all rows, 0 when there are none; counts the rows as well."""
        sums = {f"sum_{place}": Sum(name) for place, name in enumerate(names)}
        found = self._query.order_by().aggregate(rows=Count("pk"), **sums)
        self._count = int(found["rows"])
        return tuple(int(found[name] or 0) for name in sums)
