"""Pages at the server and many wallets reading at once, over a cooperative with a year of quarter-hours.

Every page is opened and looked at before it is timed. Its time is the processor's, in the process that serves it, so
that a busy machine changes it little; wallets are timed as people wait, over HTTP on loopback, while the load generator
is a process of its own. The yardstick of a page is the budget; that of PostgreSQL is SQLite in the same run.
"""

import asyncio
import importlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

from big_cooperative import NOW, SETTLED, build, kept_folder
from common import Row

MEMBERS = {"small": 40, "full": 1_000}
WALLETS = {"small": 20, "full": 200}
LIST_MS, YEAR_MS = 100.0, 60.0
REPEATS = 20
ROUNDS = 3
LISTS = (
    ("today", "today/", b"<h1>"),
    ("members", "members/", b"SE-001"),
    ("members, bills of the month", "members/?mode=bill", b"SE-001"),
    ("points", "points/", b"5909997726"),
    ("data quality, checked before", "quality/", b"<table"),
    ("bills", "bills/", b"FV/2026/"),
    ("ledger", "ledger/", b"<h1>"),
    ("people", "people/", b"<h1>"),
)
WALLET_PAGES = ("", "energy/", "bills/")


def pages() -> list[Row]:
    """Each page of the operator, and a member's year as his wallet asks for it."""
    from django.test import Client  # noqa: PLC0415 -- after Django is ready

    community = importlib.import_module("ogniwo.services.demo.sample").COMMUNITY_CODE
    ((_, login),) = sign_ins(0)
    ((number, member),) = sign_ins(1)[1:]
    rows = []
    for name, path, words in LISTS:
        rows.append(_timed(Client(HTTP_HOST="127.0.0.1"), login, f"/o/{community}/{path}", words, name, LIST_MS))
    year = f"/w/{community}/{number}/energy/?view=year&at={SETTLED}-01"
    rows.append(_timed(Client(HTTP_HOST="127.0.0.1"), member, year, b"kWh", "a member's year", YEAR_MS))
    return rows


def _timed(client: object, cookie: str, address: str, words: bytes, name: str, budget_ms: float) -> Row:
    client.cookies["sessionid"] = cookie
    month = f"{'&' if '?' in address else '?'}month={SETTLED}"
    for _ in range(2):
        found = client.get(address + month)
        assert found.status_code == 200, (address, found.status_code)
        assert words in found.content, address
    spent = []
    for _ in range(REPEATS):
        start = time.process_time()
        client.get(address + month)
        spent.append((time.process_time() - start) * 1e3)
    p50, p95 = statistics.median(spent), statistics.quantiles(spent, n=20)[-1]
    return Row(
        name=f"page: {name}",
        ours=f"p95 {p95:.1f} ms",
        yardstick=f"{budget_ms:.0f} ms",
        ratio=budget_ms / p95,
        target=1.0,
        note=f"p50 {p50:.1f} ms of processor, {len(found.content) // 1024} kB",
    )


def sign_ins(wallets: int) -> list[list[str]]:
    """[member number, sign-in key]: the operator's without a number, then one for each of so many members."""
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
        found.append([member.number if member else "", client.cookies["sessionid"].value])
    return found


async def _wallet(port: int, cookie: str, paths: list[str], times: list[float], errors: list[str]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for path in paths:
        start = time.perf_counter()
        fields = f"Host: 127.0.0.1\r\nCookie: sessionid={cookie}\r\nAccept-Language: pl"
        writer.write(f"GET {path} HTTP/1.1\r\n{fields}\r\n\r\n".encode())
        await writer.drain()
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        fields = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line)
        if "content-length" in fields:
            await reader.readexactly(int(fields["content-length"]))
        else:
            while size := int(await reader.readline(), 16):
                await reader.readexactly(size + 2)
            await reader.readline()
        times.append((time.perf_counter() - start) * 1e3)
        if " 200 " not in head.split("\r\n", 1)[0]:
            errors.append(head.split("\r\n", 1)[0])
    writer.close()


async def _crowd(port: int, cookies: list[list[str]]) -> dict:
    """Every wallet opens its pages one after another, without a pause."""
    community = importlib.import_module("ogniwo.services.demo.sample").COMMUNITY_CODE
    times: list[float] = []
    errors: list[str] = []
    start = time.perf_counter()
    done = await asyncio.gather(
        *(
            _wallet(
                port,
                cookie,
                [f"/w/{community}/{number}/{page}" for page in WALLET_PAGES] * ROUNDS,
                times,
                errors,
            )
            for number, cookie in cookies
        ),
        return_exceptions=True,
    )
    errors += [repr(one) for one in done if one is not None]
    seconds = time.perf_counter() - start
    return {"p95": statistics.quantiles(times, n=20)[-1], "per_s": len(times) / seconds, "errors": errors[:3]}


WRITER = """
import sys, time, json
from pathlib import Path
from ogniwo.project.entry import prepare
prepare(Path(sys.argv[1]))
from django.db import connection, transaction
from ogniwo.services.workspace.audit import record_act
from ogniwo.services.workspace.operations import open_workspace
workspace, until, spent = open_workspace(root=Path(sys.argv[1])), time.time() + float(sys.argv[2]), []
while time.time() < until:
    start = time.perf_counter()
    with transaction.atomic():
        record_act(workspace, action="bench.write", target="x", facts={})
    connection.close()
    spent.append((time.perf_counter() - start) * 1e3)
spent.sort()
print(json.dumps({"per_s": len(spent) / float(sys.argv[2]), "p95": spent[len(spent) * 95 // 100], "max": spent[-1]}))
"""


def writers(folder: Path, count: int, seconds: int = 5) -> dict[str, float]:
    """Processes that write one row a time as fast as they may: acts a second together, and the slowest 5 %."""
    running = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(folder), str(seconds)], stdout=subprocess.PIPE, text=True)
        for _ in range(count)
    ]
    said = []
    for one in running:
        output, _ = one.communicate(timeout=120)
        assert one.returncode == 0, "a writer was turned away"
        said.append(json.loads(output))
    return {
        "per_s": sum(one["per_s"] for one in said),
        "p95": max(one["p95"] for one in said),
        "max": max(one["max"] for one in said),
    }


def served(folder: Path, wallets: int) -> dict:
    """Serve a workspace in a process of its own and let the wallets read."""
    out = subprocess.run(
        [sys.executable, __file__, "sign_ins", str(folder), str(wallets)], check=True, capture_output=True, text=True
    )
    cookies = json.loads(out.stdout.splitlines()[-1])[1:]
    port = 18_400 + os.getpid() % 500
    command = [sys.executable, "-m", "ogniwo", "-w", str(folder), "serve", "--port", str(port), "--without-jobs"]
    server = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        _wait(port)
        asyncio.run(_crowd(port, cookies[:2]))  # what is made once per process is made here
        return asyncio.run(_crowd(port, cookies))
    finally:
        server.terminate()
        server.wait(timeout=30)


def _wait(port: int) -> None:
    import socket  # noqa: PLC0415 -- only here

    for _ in range(600):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError("the server did not begin to listen")


def in_postgresql(folder: Path, address: str) -> Path:
    """The same workspace with its records in PostgreSQL, row by row; made anew each time."""
    target = folder.with_name(f"{folder.name}-postgresql")
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(folder, target, ignore=shutil.ignore_patterns("ogniwo.sqlite3*"))
    place = f"{address}#bench"
    settings = target / "ogniwo.toml"
    settings.write_text(f'{settings.read_text(encoding="utf-8")}database = "{place}"\n', encoding="utf-8")
    subprocess.run([sys.executable, __file__, "move", str(folder), str(target)], check=True)
    return target


def move(source: Path, target: Path) -> None:
    """All rows of one workspace's records into the empty records of another."""
    from ogniwo.project.entry import prepare  # noqa: PLC0415 -- Django wants its folder first

    prepare(source, for_people=True)
    from django.apps import apps  # noqa: PLC0415 -- after Django is ready
    from django.core.management import call_command  # noqa: PLC0415 -- the same
    from django.core.management.color import no_style  # noqa: PLC0415 -- the same
    from django.db import connections, transaction  # noqa: PLC0415 -- the same
    from django.db import models as models_module  # noqa: PLC0415 -- the same

    from ogniwo.services.workspace.records_place import database_of  # noqa: PLC0415 -- the same

    connections.databases["target"] = {**connections.databases["default"], **database_of(target)}
    other = connections["target"]
    with other.cursor() as cursor:
        cursor.execute("CREATE SCHEMA IF NOT EXISTS bench")
    call_command("migrate", database="target", verbosity=0)
    models = apps.get_models(include_auto_created=True)
    # Foreign keys are looked at when the transaction ends, so the order of the tables does not matter.
    with transaction.atomic(using="target"), other.cursor() as cursor:
        for model in models:
            every = models_module.Manager.from_queryset(models_module.QuerySet)()
            every.model = model
            cursor.execute(f"DELETE FROM {every.model._meta.db_table}")  # noqa: S608, SLF001 -- a name of ours
            rows = list(every.using("default"))
            every.using("target").bulk_create(rows, batch_size=500)
            assert every.using("target").count() == len(rows), model
        for statement in other.ops.sequence_reset_sql(no_style(), models):
            cursor.execute(statement)


def cluster() -> tuple[object, str]:
    """A PostgreSQL of Debian's package with its own settings, for this run."""
    specification = importlib.util.spec_from_file_location("bench_cluster", _TESTS / "clusters.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    made = module.Cluster()
    return made, f"postgresql://ogniwo@/postgres?host={made.folder}"


_TESTS = Path(__file__).resolve().parents[1] / "tests"


def crowd_rows(name: str, folder: Path, wallets: int, before: dict | None) -> tuple[list[Row], dict]:
    """Many wallets, and writers beside one another."""
    found = served(folder, wallets)
    assert not found["errors"], found["errors"]
    rows = [
        Row(
            name=f"{wallets} wallets reading, {name}",
            ours=f"{found['per_s']:.1f} pages/s, p95 {found['p95']:,.0f} ms",
            yardstick="SQLite" if before else "-",
            ratio=found["per_s"] / before["per_s"] if before else 1.0,
            target=0,
            note="no errors; nobody pauses between pages",
        )
    ]
    for count in (1, 2, 4, 8):
        wrote = writers(folder, count)
        rows.append(
            Row(
                name=f"{count} writing, {name}",
                ours=f"{wrote['per_s']:,.0f} acts/s, p95 {wrote['p95']:.1f} ms",
                yardstick="-",
                ratio=1.0,
                target=0,
                note=f"longest wait {wrote['max']:,.0f} ms, nobody turned away",
            )
        )
    return rows, found


def run(*, scale: str) -> list[Row]:
    """Pages, then wallets on both databases."""
    members, wallets = MEMBERS[scale], WALLETS[scale]
    folder = kept_folder(members)
    if not (folder / "built").exists():
        subprocess.run([sys.executable, str(Path(__file__).with_name("big_cooperative.py")), str(members)], check=True)
    assert build(members) == folder
    from ogniwo.project.entry import prepare  # noqa: PLC0415 -- Django wants its folder first

    prepare(folder, for_people=True)
    importlib.import_module("ogniwo.interfaces.web.crowd").collect_seldom()  # as `ogniwo serve` does
    rows = pages()
    found, first = crowd_rows("SQLite", folder, wallets, None)
    rows += found
    made, address = cluster()
    try:
        rows += crowd_rows("PostgreSQL", in_postgresql(folder, address), wallets, first)[0]
    finally:
        made.remove()
    return rows


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
        case ["move", source, target]:
            move(Path(source), Path(target))
        case [scale]:
            for row in run(scale=scale):
                print(row)
