"""Workspaces at the stages of a sample month."""

from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from django.db import connections

from ogniwo.core.kernel.calendar import Month
from ogniwo.services.contracts.queries import community
from ogniwo.services.demo.files import delivered_files
from ogniwo.services.demo.sample import COMMUNITY_CODE, POINTS
from ogniwo.services.demo.setup import set_up_sample
from ogniwo.services.metering.importing import import_files
from ogniwo.services.metering.quality import estimate_month
from ogniwo.services.settlement.closing import close_month
from ogniwo.services.settlement.queries import rate_book_of
from ogniwo.services.workspace.operations import create_workspace, open_workspace
from ogniwo.services.workspace.queries import operator_subject
from records_database import copy_workspace, go_back, kept_place, serve

STAGES = ("empty", "registered", "imported", "estimated", "closed")


def _ticking(start: datetime) -> Callable[[], datetime]:
    """A clock that goes on by a second each time it is read."""
    seconds = count()
    return lambda: start + timedelta(seconds=next(seconds))


@pytest.fixture(scope="session")
def stages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Path]]:
    """A workspace folder after each step of the sample month: made once, copied by the tests."""
    before = kept_place()
    root = tmp_path_factory.mktemp("stages")
    work, found = root / "work", {}
    serve(work)
    workspace = create_workspace(
        root=work,
        name="Próba",
        network="ogniwo/proba",
        sample_rates=True,
        now=_ticking(datetime(2026, 11, 2, tzinfo=UTC)),
    )
    month, operator = Month(2026, 10), operator_subject()

    def keep(stage: str) -> None:
        found[stage] = copy_workspace(work, root / stage)

    keep("empty")
    cooperative = set_up_sample()
    keep("registered")
    import_files(workspace, organisation=cooperative, files=[(one.name, one.data) for one in delivered_files()])
    keep("imported")
    estimate_month(workspace, organisation=cooperative, subject=operator, month=month)
    keep("estimated")
    close_month(workspace, community=cooperative, month=month, book=rate_book_of(workspace))
    keep("closed")
    yield found
    go_back(before)


@pytest.fixture
def at_stage(stages: dict[str, Path], tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Open an own copy of the workspace at a stage; Django serves the one opened last."""
    numbers = count(1)

    def opened(stage: str) -> Any:
        folder = copy_workspace(stages[stage], tmp_path / f"{stage}-{next(numbers)}")
        serve(folder)
        return open_workspace(root=folder, now=_ticking(datetime(2026, 11, 6, tzinfo=UTC)))

    yield opened
    connections["default"].close()


@pytest.fixture
def workspace(at_stage: Callable[..., Any]) -> Any:
    """A workspace with the sample cooperative registered and nothing imported."""
    return at_stage("registered")


@pytest.fixture
def cooperative() -> Callable[[], Any]:
    """The sample cooperative as the database served now holds it."""
    return lambda: community(code=COMMUNITY_CODE, subject=operator_subject())


@pytest.fixture(scope="session")
def sample_toml() -> Callable[..., str]:
    """The sample cooperative as a master data file: members in any order, with changed rows."""
    return _sample_toml


def _table(name: str, /, **values: object) -> str:
    def text(value: object) -> str:
        if isinstance(value, bool):
            return str(value).lower()
        if isinstance(value, str):
            return f'"{value}"'
        return value.isoformat() if isinstance(value, date) else str(value)

    return f"[[{name}]]\n" + "".join(f"{key} = {text(value)}\n" for key, value in values.items() if value is not None)


def _sample_toml(
    *,
    order: Callable[[tuple[Any, ...]], Any] = tuple,
    contract: Callable[[Any, dict[str, object]], list[dict[str, object]]] = lambda _point, row: [row],
    membership: Callable[[Any, dict[str, object]], list[dict[str, object]]] = lambda _point, row: [row],
) -> str:
    since = date(2026, 1, 1)
    tables = [
        _table("organisation", code="platforma", name="Operator platformy (przykład)", kind="operator"),
        _table(
            "organisation",
            code=COMMUNITY_CODE,
            name="Spółdzielnia Energetyczna Przykładowo",
            kind="partner",
            parent="platforma",
        ),
        _table("rules", community=COMMUNITY_CODE, **{"from": since}, method="dynamic", internal_price="430", fee="30"),
    ]
    for one in order(POINTS):
        kind = "household" if one.terms.capacity_household else "firm"
        tables.append(_table("member", organisation=COMMUNITY_CODE, number=one.member_number, name=one.name, kind=kind))
        tables.append(
            _table(
                "point",
                code=one.code,
                member=one.member_number,
                role=one.role,
                source=one.source,
                peak_power_w=one.peak_power_w,
            )
        )
        tables.append(
            _table(
                "meter",
                point=one.code,
                serial=one.meter,
                **{"from": date(2024, 1, 1)},
                current=[200, 5] if one.multiplier == 40 else [1, 1],
            )
        )
        terms = {"point": one.code, "from": since, **asdict(one.terms)}
        tables += [_table("contract", **row) for row in contract(one, terms)]
        part = {
            "community": COMMUNITY_CODE,
            "point": one.code,
            "from": since,
            "share_key": one.share_key,
            "merit_rank": one.merit_rank,
        }
        tables += [_table("membership", **row) for row in membership(one, part)]
    return "\n".join(tables)
