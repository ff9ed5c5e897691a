"""Read the audit log: who did what to what, within what the asking subject may see."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from ogniwo.core.kernel.calendar import local_midnight
from ogniwo.formats.sheets.writer import csv_bytes, xlsx_bytes
from ogniwo.records.audit.models import AuditEvent
from ogniwo.records.billing.models import InvoiceRecord
from ogniwo.records.metering.models import MeteringPoint, SourceFile
from ogniwo.records.parties.models import Member, Organisation
from ogniwo.records.visibility import Subject


@dataclass(frozen=True, slots=True, kw_only=True)
class LogEntry:
    """One act: when, who, what, on what, its facts, and each field it changed with what it was before and after."""

    at: datetime
    who: str
    action: str
    target: str
    facts: tuple[tuple[str, Any], ...]
    changes: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LogFilter:
    """What to look for; empty means everything. Any word of `about` may stand in target or facts."""

    who: str = ""
    action: str = ""
    about: tuple[str, ...] = ()
    first: date | None = None
    last: date | None = None


@dataclass(frozen=True, slots=True)
class _Names:
    """The names by which the log speaks of what a subject sees."""

    words: frozenset[str]
    files: frozenset[str]

    def hold(self, event: AuditEvent) -> bool:
        """Whether an act concerns something that the subject sees."""
        if event.action.startswith("import."):
            return event.facts.get("sha256") in self.files
        return event.target.partition(" ")[0] in self.words


def log_entries(*, subject: Subject, wanted: LogFilter, limit: int = 200) -> tuple[LogEntry, ...]:
    """The newest acts first, at most `limit`. Who sees the whole installation sees every act."""
    rows = AuditEvent.objects.order_by("-at", "-id")
    if wanted.who:
        rows = rows.filter(subject__icontains=wanted.who)
    if wanted.action:
        rows = rows.filter(action__startswith=wanted.action)
    if wanted.first:
        rows = rows.filter(at__gte=local_midnight(wanted.first))
    if wanted.last:
        rows = rows.filter(at__lt=local_midnight(date.fromordinal(wanted.last.toordinal() + 1)))
    names = None if subject == Subject.operator() else _names(subject)
    found: list[LogEntry] = []
    for event in rows.iterator(chunk_size=500):
        if (names is None or names.hold(event)) and _speaks_of(event, wanted.about):
            found.append(_entry(event))
            if len(found) == limit:
                break
    return tuple(found)


def log_actions() -> tuple[str, ...]:
    """Every kind of act that there is in the log, by name."""
    return tuple(sorted(set(AuditEvent.objects.order_by().values_list("action", flat=True).distinct())))


def _entry(event: AuditEvent) -> LogEntry:
    return LogEntry(
        at=event.at,
        who=event.subject,
        action=event.action,
        target=event.target,
        facts=tuple((name, _flat(value)) for name, value in event.facts.items() if name not in {"before", "after"}),
        changes=_changes(event.facts),
    )


def _changes(facts: dict[str, Any]) -> tuple[tuple[str, str, str], ...]:
    """The fields that stand in `before` or `after`."""
    before, after = facts.get("before"), facts.get("after")
    if not isinstance(before, dict) or not isinstance(after, dict):
        return tuple((name, "", str(_flat(facts[name]))) for name in ("before", "after") if name in facts)
    names = dict.fromkeys([*after, *before])
    return tuple((name, _shown(before.get(name)), _shown(after.get(name))) for name in names)


def _shown(value: Any) -> str:  # noqa: ANN401 -- JSON
    return "" if value is None else str(_flat(value))


def log_table(entries: tuple[LogEntry, ...], *, form: str) -> bytes:
    """Entries as `csv` or `xlsx`: one row for each field changed, or for an act that changed none; times are UTC."""
    rows = [
        (one.at.astimezone(UTC).isoformat(), one.who, one.action, one.target, *change, _facts_text(one))
        for one in entries
        for change in one.changes or (("", "", ""),)
    ]
    heads = ("time", "who", "act", "on what", "field", "before", "after", "facts")
    return xlsx_bytes("log", heads, rows) if form == "xlsx" else csv_bytes(heads, rows)


def _facts_text(entry: LogEntry) -> str:
    return "; ".join(f"{name}: {value}" for name, value in entry.facts)


def _flat(value: Any) -> Any:  # noqa: ANN401 -- JSON
    """Lists of mappings as short texts, so that a table can show them."""
    if isinstance(value, list):
        return "; ".join(str(_flat(one)) for one in value)
    if isinstance(value, dict):
        return ", ".join(f"{name} {_flat(one)}" for name, one in value.items())
    return value


def _speaks_of(event: AuditEvent, about: tuple[str, ...]) -> bool:
    if not about:
        return True
    texts = [text.lower() for text in _texts([event.target, event.facts])]
    return any(word.lower() in text for word in about for text in texts)


def _texts(value: Any) -> Iterator[str]:  # noqa: ANN401 -- JSON
    if isinstance(value, dict):
        for name, inner in value.items():
            yield str(name)
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)
    else:
        yield str(value)


def _names(subject: Subject) -> _Names:
    words: set[str] = set()
    words.update(Organisation.objects.all().visible_to(subject).values_list("code", flat=True))
    words.update(Member.objects.all().visible_to(subject).values_list("number", flat=True))
    words.update(MeteringPoint.objects.all().visible_to(subject).values_list("code", flat=True))
    words.update(InvoiceRecord.objects.all().visible_to(subject).values_list("number", flat=True))
    files = SourceFile.objects.all().visible_to(subject).values_list("sha256", flat=True)
    return _Names(frozenset(words), frozenset(files))
