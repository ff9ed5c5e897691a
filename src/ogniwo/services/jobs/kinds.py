"""The kinds of jobs: each is registered with the act that it needs and how often it is tried."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol
from uuid import UUID

from ogniwo.records.parties.models import Organisation
from ogniwo.records.visibility import Subject
from ogniwo.services.access.roles import Act
from ogniwo.services.jobs.model import UnknownKindError
from ogniwo.services.workspace.model import Workspace

ATTEMPTS: Final = 3


class JobContext(Protocol):
    """What a running job is given: the workspace, for whom and by whom, and where to say how far it is."""

    workspace: Workspace
    organisation: Organisation
    by: str
    job_id: UUID
    attempt: int

    @property
    def subject(self) -> Subject:
        """What the job may see: its organisation and everything below."""
        ...

    def progress(self, done: int, total: int, text: str = "") -> None:
        """Say how far it is. Raises JobCancelledError when somebody cancelled it."""
        ...


Run = Callable[..., Mapping[str, Any] | None]
"""`run(context, **parameters)` gives the result as JSON: `findings` are rows of `finding_row`, the rest is its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of job: its name, the act that asking for it needs, how often it is tried, what runs.

    `uploads` gives the names of the bytes that were kept for the job and go when it is over. `planned` are the months
    with which it can be in the schedule: "" none, "previous" the one before the start; empty, and it cannot be.
    """

    name: str
    act: Act
    attempts: int
    run: Run
    uploads: Callable[[Mapping[str, Any]], tuple[str, ...]]
    planned: tuple[str, ...]


_KINDS: Final[dict[str, Kind]] = {}


def job_kind(
    name: str,
    *,
    act: Act = Act.RUN_JOBS,
    attempts: int = ATTEMPTS,
    uploads: Callable[[Mapping[str, Any]], tuple[str, ...]] = lambda _parameters: (),
    planned: tuple[str, ...] = (),
) -> Callable[[Run], Run]:
    """Register what runs for a kind. A refusal ends such a job; anything else that fails is tried `attempts` times."""

    def register(run: Run) -> Run:
        if name in _KINDS:
            raise ValueError(f"there already is a kind of job called {name}")
        _KINDS[name] = Kind(name=name, act=act, attempts=attempts, run=run, uploads=uploads, planned=planned)
        return run

    return register


def kinds() -> dict[str, Kind]:
    """All kinds by name."""
    # The work is imported late: it uses services that may ask for jobs themselves.
    from ogniwo.services.jobs import work  # noqa: PLC0415

    work.load()
    return _KINDS


def kind_of(name: str) -> Kind:
    """A kind by its name. Raises UnknownKindError."""
    found = kinds().get(name)
    if found is None:
        raise UnknownKindError(detail=f"there is no kind of job called {name!r}")
    return found
