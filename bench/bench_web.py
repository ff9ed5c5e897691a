"""Pages at the server, many wallets reading at once, and where SQLite ends: a cooperative with a year of quarter-hours.

Every page is opened and looked at before it is timed. Its time is the processor's, in the process that serves it, so
that a busy machine changes it little; wallets and writers are timed as people wait, over HTTP and in processes of their
own. The yardstick of a page is its budget; that of PostgreSQL is SQLite in the same run. Everything ends after a given
time: about five minutes in full on a quiet machine, the cooperative (made once and kept) not counted.
"""

import importlib
import json
import signal
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from big_cooperative import NOW, SETTLED, build, kept_folder
from common import Row
from web_load import (
    Crowd,
    Team,
    Together,
    Visit,
    in_postgresql,
    postgresql,
    records_alone,
    serving,
    told,
    visited,
)


@dataclass(frozen=True)
class Scale:
    """How much is measured: members, people, seconds for each page, each crowd and each number of writers.

    `look_s` is how long somebody looks at a page of his wallet before he opens the next.
    """

    members: int
    wallets: int
    page_s: float
    crowd_s: float
    look_s: tuple[float, float]
    writers: tuple[int, ...]
    writers_s: float


SCALES = {
    "small": Scale(members=40, wallets=20, page_s=0.5, crowd_s=6, look_s=(0.5, 1.5), writers=(1, 4), writers_s=1.5),
    "full": Scale(
        members=1_000, wallets=200, page_s=3.0, crowd_s=45, look_s=(3, 9), writers=(1, 2, 4, 8, 16), writers_s=5
    ),
}
REPEATS = (20, 60)
"""A page is opened at least and at most so often; between them its seconds decide."""
READERS = 4
NOTICED_MS = 250.0
"""A wait that a person at the screen notices."""
PAGES = (
    ("today", "today/", b"<h1>", 100),
    ("members", "members/", b"SE-001", 100),
    ("members who settle", "members/?state=settles", b"SE-001", 100),
    ("members, bills of the month", "members/?mode=bill", b"SE-001", 100),
    ("points", "points/", b"5909997726", 100),
    ("data quality, checked before", "quality/", b"<table", 100),
    ("bills", "bills/", b"FV/2026/", 100),
    ("people", "people/", b"<h1>", 100),
    ("files", "files/", b"<h1>", 100),
    ("ledger", "ledger/", b'id="accounts"', 100),
    ("journal", "ledger/journal/", b"<table", 100),
    ("period close", "period/", b"<h1>", 150),
    ("area balance, reckoned before", "balance/", b"<table", 300),
)
LISTS = (
    ("members", "members", b'"SE-001"'),
    ("points", "points", b'"5909997726'),
    ("bills", "bills", b'"FV/2026/'),
    ("intervals of a point", "points/{point}/intervals", b'"1.29.0"'),
)
WALLET_PAGES = ("", "energy/", f"energy/?view=year&at={SETTLED}-01", "bills/")
YEAR_MS = 60


def pages(scale: Scale) -> list[Row]:
    """Each page of the operator, each list of the API, and a member's year as his wallet asks for it."""
    community, point = _names()
    (_, operator), (number, member) = sign_ins(1)
    asked = [(f"page: {name}", f"/o/{community}/{path}", operator, words, ms) for name, path, words, ms in PAGES]
    for name, path, words in LISTS:
        address = f"/api/v1/organisations/{community}/{path.format(point=point)}"
        asked.append((f"API: {name}, 100", address, operator, words, 100))
    year = f"/w/{community}/{number}/energy/?view=year&at={SETTLED}-01"
    asked.append(("page: a member's year", year, member, b"kWh", YEAR_MS))
    rows = []
    for name, address, cookie, words, budget_ms in asked:
        month = "" if "/points" in address and "/api/" in address and "intervals" not in address else f"month={SETTLED}"
        whole = f"{address}{'&' if '?' in address else '?'}{month}"
        # the API lets one caller ask 120 times at once
        seconds = 0 if "/api/" in address else scale.page_s
        rows.append(_timed(name, whole, cookie, words, budget_ms, seconds))
        told(f"{rows[-1].name}: {rows[-1].ours}, {rows[-1].note}")
    return rows


def _names() -> tuple[str, str]:
    """The community's code, and that of a point."""
    points = importlib.import_module("ogniwo.records.metering.models").MeteringPoint.objects
    community = importlib.import_module("ogniwo.services.demo.sample").COMMUNITY_CODE
    return community, points.order_by("code").first().code


def _timed(name: str, address: str, cookie: str, words: bytes, budget_ms: float, seconds: float) -> Row:
    from django.test import Client  # noqa: PLC0415 -- after Django is ready

    client = Client(HTTP_HOST="127.0.0.1")
    client.cookies["sessionid"] = cookie
    spent: list[float] = []
    until = 0.0
    while len(spent) < REPEATS[0] + 2 or (len(spent) < REPEATS[1] and time.monotonic() < until):
        start = time.process_time()
        found = client.get(address)
        spent.append((time.process_time() - start) * 1e3)
        assert found.status_code == 200, (address, found.status_code)
        assert words in found.content, address
        until = until or time.monotonic() + seconds  # the first opening does not count
    again = spent[2:]
    p50, p95 = statistics.median(again), statistics.quantiles(again, n=20)[-1]
    return Row(
        name=name,
        ours=f"p95 {p95:.1f} ms",
        yardstick=f"{budget_ms:.0f} ms",
        ratio=budget_ms / p95,
        target=1.0,
        note=f"p50 {p50:.1f} ms of processor, first opening {spent[0]:,.0f} ms, {len(found.content) // 1024} kB",
    )


def sign_ins(wallets: int) -> list[tuple[str, str]]:
    """(member number, sign-in key): the operator's without a number, then one for each of so many members."""
    from django.contrib.auth import get_user_model  # noqa: PLC0415 -- after Django is ready
    from django.test import Client  # noqa: PLC0415 -- the same

    models = importlib.import_module("ogniwo.records.access.models")
    parties = importlib.import_module("ogniwo.records.parties.models")
    sample = importlib.import_module("ogniwo.services.demo.sample")
    top = parties.Organisation.objects.get(code=sample.OPERATOR_CODE)
    members = parties.Member.objects.select_related("organisation").order_by("number")[:wallets]
    people = [
        ("operator", top, "operator", None),
        *((f"member-{one.number}", one.organisation, "member", one) for one in members),
    ]
    found = []
    for login, organisation, role, member in people:
        user, _ = get_user_model().objects.get_or_create(username=login, defaults={"email": f"{login}@bench.example"})
        models.Grant.objects.get_or_create(
            user=user,
            organisation=organisation,
            role=role,
            member=member,
            ended_at=None,
            defaults={"given_by": "bench", "given_at": NOW},
        )
        client = Client(HTTP_HOST="127.0.0.1")
        client.force_login(user)
        found.append((member.number if member else "", client.cookies["sessionid"].value))
    return found


def crowd(folder: Path, scale: Scale) -> Crowd:
    """People at their wallets, served by one process; what is made once for each process is made before."""
    out = subprocess.run(
        [sys.executable, __file__, "sign_ins", str(folder), str(scale.wallets)],
        check=True,
        capture_output=True,
        text=True,
    )
    people = [(number, cookie) for number, cookie in json.loads(out.stdout.splitlines()[-1]) if number]
    community = importlib.import_module("ogniwo.services.demo.sample").COMMUNITY_CODE
    paths = tuple(f"/w/{community}/{{number}}/{page}" for page in WALLET_PAGES)
    with serving(folder) as port:
        visited(Visit(port, paths, 2.0, (0.1, 0.2)), people[:2])
        found = visited(Visit(port, paths, scale.crowd_s, scale.look_s), people)
    assert not found.errors, (len(found.errors), found.errors[:3])
    return found


def crowd_row(place: str, found: Crowd, scale: Scale, before: Crowd | None) -> Row:
    """What a crowd got on one database."""
    times = ", ".join(f"p{percent} {found.percentile(percent):,.0f} ms" for percent in (50, 95, 99))
    look = "{} to {} s".format(*scale.look_s)
    return Row(
        name=f"{scale.wallets} wallets at once, {place}",
        ours=f"{found.per_s:.1f} pages/s, {times}",
        yardstick=f"SQLite {before.per_s:.1f} pages/s" if before else "-",
        ratio=found.per_s / before.per_s if before else 1.0,
        target=0,
        note=f"{len(found.times)} pages, no errors; each looks at a page for {look}; one process serves",
    )


def sweep(folder: Path, scale: Scale, place: str) -> tuple[list[Row], dict[int, Together]]:
    """One to sixteen that write without a pause beside some who read, and one beside somebody who holds on."""
    rows, found = [], {}
    team = Team(folder)
    try:
        for count in scale.writers:
            worked = team.work(scale.writers_s, write=count, read=READERS)
            found[count] = worked["write"]
            beside = f"{READERS} readers p95 {worked['read'].p95:,.0f} ms"
            note = f"nobody turned away; {beside}"
            rows.append(_writers_row(f"{count} writing, {place}", found[count], note))
        one = team.work(scale.writers_s, write=1, hold=1)["write"]
        rows.append(_writers_row(f"1 writing beside transactions of 2 s, {place}", one, "as beside an import"))
    finally:
        team.close()
    return rows, found


def _writers_row(name: str, found: Together, note: str) -> Row:
    ours = f"{found.per_s:,.0f} acts/s, p50 {found.p50:.1f} ms, p95 {found.p95:.1f} ms, longest {found.longest:,.0f} ms"
    told(f"{name}: {ours}; {note}")
    return Row(name=name, ours=ours, yardstick="-", ratio=1.0, target=0, note=note)


def limit_row(sqlite: dict[int, Together], other: dict[int, Together]) -> Row:
    """The most writers beside whom nobody notices a wait."""
    most = {
        name: max((count for count, one in found.items() if one.p95 <= NOTICED_MS), default=0)
        for name, found in (("SQLite", sqlite), ("PostgreSQL", other))
    }
    return Row(
        name=f"writers without a pause, p95 below {NOTICED_MS:.0f} ms",
        ours=f"SQLite {most['SQLite']} of {max(sqlite)}",
        yardstick=f"PostgreSQL {most['PostgreSQL']} of {max(other)}",
        ratio=most["SQLite"] / max(1, most["PostgreSQL"]),
        target=0,
        note="docs/sizing.md says what follows",
    )


def run(*, scale: str) -> list[Row]:
    """Pages, then wallets and writers on both databases."""
    chosen = SCALES[scale]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started ends as well
    folder = kept_folder(chosen.members)
    if not (folder / "built").exists():
        told(f"making a cooperative of {chosen.members} members; it is kept in {folder}")
        command = [sys.executable, str(Path(__file__).with_name("big_cooperative.py")), str(chosen.members)]
        subprocess.run(command, check=True)
    assert build(chosen.members) == folder
    from ogniwo.project.entry import prepare  # noqa: PLC0415 -- Django wants its folder first

    prepare(folder, for_people=True)
    importlib.import_module("ogniwo.services.workspace.operations").open_workspace(root=folder)  # migrates
    importlib.import_module("ogniwo.interfaces.web.crowd").collect_seldom()  # as `ogniwo serve` does
    rows = pages(chosen)
    told(f"{chosen.wallets} wallets on SQLite for {chosen.crowd_s:.0f} s")
    on_sqlite = crowd(folder, chosen)
    rows.append(crowd_row("SQLite", on_sqlite, chosen, None))
    told(rows[-1].ours)
    some, sqlite = sweep(records_alone(folder), chosen, "SQLite")
    rows += some
    with postgresql() as address:
        told("moving the records into PostgreSQL")
        moved = in_postgresql(folder, address)
        told(f"{chosen.wallets} wallets on PostgreSQL for {chosen.crowd_s:.0f} s")
        rows.append(crowd_row("PostgreSQL", crowd(moved, chosen), chosen, on_sqlite))
        told(rows[-1].ours)
        some, other = sweep(moved, chosen, "PostgreSQL")
        rows += some
    return [*rows, limit_row(sqlite, other)]


def sign_ins_main(folder: str, wallets: str) -> None:
    """Print sign-in keys as JSON: in a process of its own, as Django serves one workspace."""
    from ogniwo.project.entry import prepare  # noqa: PLC0415 -- Django wants its folder first

    prepare(Path(folder), for_people=True)
    importlib.import_module("ogniwo.services.workspace.operations").open_workspace(root=Path(folder))
    print(json.dumps(sign_ins(int(wallets))))


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["sign_ins", folder, wallets]:
            sign_ins_main(folder, wallets)
        case [scale]:
            for row in run(scale=scale):
                print(row)
