"""What is closed at the end of a `with` block."""

from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self


class Closing(ABC):
    """A holder of files or threads that gives them back in `close`, also when a `with` block ends by an error."""

    @abstractmethod
    def close(self) -> None:
        """Give everything back; closing twice does nothing more."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
