"""A real community through the product: its members registered, its spreadsheet imported as the operator exports it.

Expected values come from profiles.csv.gz by exact decimals. Until 2022-10-07 (local) the operator ran four local
communities with one producer each, from the 8th on one community of all (docs/sharing.md).
"""

import csv
import gzip
import io
from collections import defaultdict
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from itertools import count, pairwise
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import numpy as np
import pytest
import xlsxwriter

from ogniwo.core.balancing.keys import allocate
from ogniwo.core.balancing.model import SharingMethod
from ogniwo.core.kernel.calendar import Month
from ogniwo.core.kernel.findings import Severity
from ogniwo.core.kernel.quality import Quality
from ogniwo.core.kernel.quantities import Rate, RateUnit
from ogniwo.core.settlement.cooperative import settle_cooperative_month
from ogniwo.records.contracts.models import Membership
from ogniwo.records.metering.models import SourceFile
from ogniwo.records.parties.models import Organisation
from ogniwo.records.visibility import Subject
from ogniwo.services.contracts.operations import join_community, set_community_rules
from ogniwo.services.contracts.queries import memberships_in
from ogniwo.services.metering.importing import import_files
from ogniwo.services.metering.quality import check_month, community_findings
from ogniwo.services.parties.operations import PointFacts, register_member, register_organisation, register_point
from ogniwo.services.settlement.loading import load_month
from ogniwo.services.workspace.operations import create_workspace
from records_database import go_back, kept_place, serve

LOCAL = ZoneInfo("Europe/Vienna")
MONTHS = (Month(2022, 10), Month(2022, 11), Month(2022, 12))
FIRST, CHANGE, UNION = date(2022, 10, 4), date(2022, 10, 7), date(2022, 10, 8)
LAST_EXCLUSIVE = date(2022, 12, 18)
SLOT_S = 900
OPERATOR = Subject.operator()

# Members by the running number inside their code. Producer: its consumers. One consumer changed on the 7th.
LOCAL_COMMUNITIES = {
    25: (4, 5, 6, 8, 16, 17, 20, 27, 28, 29, 32),
    11: (9, 10, 19, 24, 26, 33, 34),
    15: (12, 30, 37),
    38: (35, 36),
}
MOVED, MOVED_FROM, MOVED_TO = 31, 11, 25


def number_of(code):
    return int(code[8:17])


def epoch(day):
    return int(datetime.combine(day, datetime.min.time(), LOCAL).timestamp())


@pytest.fixture(scope="module")
def folder(shared_data):
    return shared_data / "community-at-2022q4"


@pytest.fixture(scope="module")
def members(folder):
    """The 34 points with data: code to (role, local day of the first value)."""
    with (folder / "members.csv").open(encoding="utf-8") as stream:
        rows = [row for row in csv.DictReader(stream) if row["intervals"] != "0"]
    first = {row["ppe"]: datetime.fromisoformat(row["first"]).astimezone(LOCAL).date() for row in rows}
    assert len(rows) == 34
    return {row["ppe"]: (row["role"], first[row["ppe"]]) for row in rows}


@pytest.fixture(scope="module")
def profile(folder):
    """The community's rows by quantity: (point, UTC start) to exact kWh."""
    found = defaultdict(dict)
    with gzip.open(folder / "profiles.csv.gz", "rt", encoding="utf-8") as stream:
        for row in csv.DictReader(stream):
            start = int(datetime.fromisoformat(row["ts_start_utc"]).timestamp())
            for quantity in ("metered", "share", "covered", "generated", "surplus"):
                if row[f"{quantity}_kwh"]:
                    found[quantity][row["ppe"], start] = Decimal(row[f"{quantity}_kwh"])
    return found


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    """A new workspace that Django serves while this module runs, with a clock that goes on by a second."""
    root = tmp_path_factory.mktemp("community")
    before = kept_place()
    serve(root)
    seconds = count()
    start = datetime(2023, 1, 2, tzinfo=UTC)
    yield create_workspace(
        root=root, name="Gmina", network="ogniwo/gmina", now=lambda: start + timedelta(seconds=next(seconds))
    )
    go_back(before)


@pytest.fixture(scope="module")
def registered(workspace, members):
    """The community, its points, and who was in which local community until the union."""
    community = register_organisation(code="gmina", name="Wspólnota", kind="partner")
    set_community_rules(
        community=community,
        valid_from=date(2022, 10, 1),
        method="dynamic",
        internal_price=Rate.parse("430.00", RateUnit.MWH),
        community_fee=Rate.parse("30.00", RateUnit.MWH),
    )
    points = {}
    for code, (role, first) in members.items():
        member = register_member(organisation=community, number=code[8:17], name=f"Member {code[8:17]}", kind="firm")
        facts = PointFacts(role=role, source="pv" if role == "producer" else "")
        points[number_of(code)] = register_point(member=member, code=code, facts=facts)
        join_community(community=community, point=points[number_of(code)], valid_from=max(first, UNION))
    for producer, consumers in LOCAL_COMMUNITIES.items():
        local = register_organisation(code=f"lokalna-{producer}", name=f"Lokalna {producer}", kind="unit")
        for one in (producer, *consumers):
            join_community(community=local, point=points[one], valid_from=FIRST, valid_to=UNION)
        if producer == MOVED_FROM:
            join_community(community=local, point=points[MOVED], valid_from=FIRST, valid_to=CHANGE)
        if producer == MOVED_TO:
            join_community(community=local, point=points[MOVED], valid_from=CHANGE, valid_to=UNION)
    return community


@pytest.fixture(scope="module")
def imported(workspace, registered, folder):
    files = [("eda-export.xlsx", (folder / "eda-export.xlsx").read_bytes())]
    return SimpleNamespace(files=files, result=import_files(workspace, organisation=registered, files=files)[0])


@pytest.fixture(scope="module")
def qualities(workspace, registered, imported):
    return {month: check_month(workspace, organisation=registered, subject=OPERATOR, month=month) for month in MONTHS}


def test_the_spreadsheet_is_imported_as_the_operator_exports_it(imported, members):
    result = imported.result
    assert (result.state, result.layout) == ("imported", "eda")
    assert {finding.severity for finding in result.findings} == {Severity.NOTE, Severity.WARNING}
    consumers = sum(role == "consumer" for role, _ in members.values())
    assert (consumers, len(members) - consumers) == (28, 6)
    assert result.cells_stored >= 3 * (28 * 3 + 6 * 2) - 5 * len(MONTHS), "late members have no cell of early months"


def documented(profile, left, right):
    """Intervals in which left minus right exceeds a last digit, 10^-6 kWh, for each figure: start to difference."""
    difference, figures = defaultdict(Decimal), defaultdict(int)
    for sign, quantities in ((1, left), (-1, right)):
        for quantity in quantities:
            for (_, start), value in profile[quantity].items():
                difference[start] += sign * value
                figures[start] += 1
    return {start: value for start, value in difference.items() if abs(value) > figures[start] * Decimal("0.000001")}


def test_the_quality_reports_name_exactly_the_documented_intervals(qualities, profile):
    shares = documented(profile, ["generated"], ["share"])
    surplus = documented(profile, ["generated"], ["covered", "surplus"])
    assert (len(shares), len(surplus)) == (22, 284)
    assert {datetime.fromtimestamp(start, tz=UTC).strftime("%m-%d") for start in shares} == {"10-04", "10-05", "10-06"}
    named = {"V20.share_sum": {}, "V20.surplus": {}}
    for month, quality in qualities.items():
        for finding in quality.findings:
            if finding.code.startswith("V20"):
                assert (finding.source, finding.severity) == ("eda-export.xlsx", Severity.WARNING)
                assert finding.end_epoch_s == finding.start_epoch_s + SLOT_S
                assert Month.parse(f"{datetime.fromtimestamp(finding.start_epoch_s, LOCAL):%Y-%m}") == month
                named[finding.code][finding.start_epoch_s] = Decimal(dict(finding.facts)["difference_kwh"])
    assert named == {"V20.share_sum": shares, "V20.surplus": surplus}


def test_the_operators_account_holds_up_no_bill_and_is_not_for_members(qualities):
    for quality in qualities.values():
        assert all("V20" not in one.assessment.blocking for one in quality.channels)
        assert replace(quality, community_findings=()).billable == quality.billable
    owner = Subject("/gmina/", member_number=str(qualities[MONTHS[0]].channels[0].point[8:17]))
    assert SourceFile.objects.all().visible_to(owner).count() == 0, "a member sees nothing of the others' account"


class Stored:
    """What the store holds as matrices over the whole period: `energy[channel]` (points, slots) Wh, and `present`."""

    def __init__(self, workspace, codes):
        self.codes = sorted(codes)
        self.begin = epoch(FIRST)
        self.slots = (epoch(LAST_EXCLUSIVE) - self.begin) // SLOT_S
        self.energy = defaultdict(lambda: np.zeros((len(self.codes), self.slots), dtype=np.int64))
        self.present = defaultdict(lambda: np.zeros((len(self.codes), self.slots), dtype=np.bool_))
        for row, code in enumerate(self.codes):
            for month in MONTHS:
                for point, channel, _ in workspace.series.keys(month=month):
                    if point == code:
                        self._take(row, channel, workspace.series.read(point=code, channel=channel, month=month))

    def _take(self, row, channel, series):
        there = np.flatnonzero(series.quality != Quality.MISSING)
        slots = (series.grid.start_epoch_s[there] - self.begin) // SLOT_S
        self.energy[channel][row, slots] = series.wh[there]
        self.present[channel][row, slots] = True

    def columns(self, first, last_exclusive):
        return slice(*((epoch(day) - self.begin) // SLOT_S for day in (first, last_exclusive)))


@pytest.fixture(scope="module")
def stored(workspace, imported, members):
    return Stored(workspace, members)


@pytest.fixture(scope="module")
def shared(stored, registered):
    """Our allocation, each local community by itself as the memberships say: groups, allotted and used Wh."""
    allotted, used = (np.zeros((len(stored.codes), stored.slots), dtype=np.int64) for _ in range(2))
    ends = Membership.objects.values_list("valid_from", "valid_to")
    days = sorted({FIRST, LAST_EXCLUSIVE, *(day for both in ends for day in both if day)})
    groups = []
    for first, last_exclusive in pairwise(days):
        for community in Organisation.objects.order_by("code"):
            inside = memberships_in(community=community, first=first, last_exclusive=last_exclusive)
            if inside:
                rows = [stored.codes.index(one.point.code) for one in inside]
                groups.append((rows, stored.columns(first, last_exclusive)))
    for rows, columns in groups:
        shares = allocate(
            method=SharingMethod.DYNAMIC,
            need_wh=stored.energy["1.29.0"][rows, columns],
            offer_wh=stored.energy["2.29.0"][rows, columns],
            ids=tuple(stored.codes[row] for row in rows),
        )
        allotted[rows, columns], used[rows, columns] = shares.allotted, shares.used
    return SimpleNamespace(groups=groups, allotted=allotted, used=used)


def half_units(imported, stored, channel):
    """By how many halves of a Wh a stored value may differ from the metered one: 0 where no value was rounded."""
    rounded = {
        finding.point for finding in imported.result.findings
        if finding.code == "read.rounded" and finding.channel == channel
    }  # fmt: skip
    return np.array([[int(code in rounded)] for code in stored.codes], dtype=np.int64)


def bounds(need, offer, need_halves, offer_halves):
    """Between which 10^-3 Wh each member's exact share and covered energy lie, as energy was rounded to whole Wh.

    The share is G x C / (C + rest of the needs): it grows with the offer G and the member's own need C and falls with
    the needs of the others; covered is the smaller of share and need. In halves of a Wh: each is at most its rounding
    away from what is stored.
    """
    low_need, high_need = np.maximum(2 * need - need_halves, 0), 2 * need + need_halves
    low_offer, high_offer = (2 * offer.sum(axis=0) + sign * offer_halves.sum() for sign in (-1, 1))
    low_whole = low_need + high_need.sum(axis=0) - high_need
    high_whole = high_need + low_need.sum(axis=0) - low_need
    low = 500 * np.maximum(low_offer, 0) * low_need // np.maximum(low_whole, 1)
    high = -(-500 * high_offer * high_need // np.maximum(high_whole, 1))
    return (low, high), (np.minimum(low, 500 * low_need), np.minimum(high, 500 * high_need))


def test_our_shares_are_the_operators_within_the_rounding_of_each_value(imported, stored, shared):
    """Rounding of each value: ours is less than 1 Wh from the exact share, theirs half a Wh and a last digit.

    Where a community takes next to nothing, half a Wh decides who is allotted all of the offer: there the bound of a
    share is large, that of covered energy is not.
    """
    slack, equal = {"share": [], "covered": []}, {"share": 0, "covered": 0}
    for rows, columns in shared.groups:
        need, offer = stored.energy["1.29.0"][rows, columns], stored.energy["2.29.0"][rows, columns]
        halves = [half_units(imported, stored, channel)[rows] for channel in ("1.29.0", "2.29.0")]
        there = stored.present["operator/share"][rows, columns]
        ours_of = {"share": shared.allotted[rows, columns], "covered": shared.used[rows, columns]}
        for (name, ours), (low, high) in zip(ours_of.items(), bounds(need, offer, *halves), strict=True):
            theirs = stored.energy[f"operator/{name}"][rows, columns]
            assert ((1_000 * ours > low - 1_000) & (1_000 * ours < high + 1_000)).all()
            assert ((1_000 * theirs >= low - 501) & (1_000 * theirs <= high + 501))[there].all()
            allowed = (high - low + 1_000 + 501) // 1_000
            assert (abs(ours - theirs) <= allowed)[there].all()
            slack[name].append(allowed[there])
            equal[name] += int((ours == theirs)[there].sum())
    share, covered = (np.concatenate(slack[name]) for name in ("share", "covered"))
    assert len(share) == len(covered) == int(stored.present["operator/share"].sum()) == 185_764
    # The bounds say something: 1 Wh for nine values of ten, never more than 5 Wh of covered energy.
    assert min((share <= 1).sum(), (covered <= 1).sum()) > 0.92 * len(share)
    assert covered.max() <= 5
    assert min(equal.values()) > 0.95 * len(share)


def need_hidden(profile, stored, shared):
    """Intervals in which members of one community took energy, but none of them half a Wh: start to their codes."""
    exact = defaultdict(Decimal)
    for (code, start), value in profile["metered"].items():
        exact[stored.codes.index(code), (start - stored.begin) // SLOT_S] = value
    found = {}
    for rows, columns in shared.groups:
        empty = stored.energy["1.29.0"][rows, columns].sum(axis=0) == 0
        offered = stored.energy["2.29.0"][rows, columns].sum(axis=0) > 0
        for slot in (np.flatnonzero(empty & offered) + columns.start).tolist():
            if any(exact[row, slot] for row in rows):
                found[stored.begin + SLOT_S * slot] = [stored.codes[row] for row in rows]
    return found


def test_the_documented_intervals_are_those_in_which_a_producer_had_nobody_to_share_with(stored, shared, profile):
    """What our allocation leaves unallotted, community by community, explains every interval that V20 names.

    In 14 more the operator allotted all of a producer's energy to members who took less than half a Wh; stored, that
    is 0 Wh. Less than half a Wh of it was used, so no bill could tell.
    """
    unallotted = stored.energy["2.29.0"].sum(axis=0) - shared.allotted.sum(axis=0)
    ours = {stored.begin + SLOT_S * slot: int(unallotted[slot]) for slot in np.flatnonzero(unallotted).tolist()}
    theirs, hidden = documented(profile, ["generated"], ["share"]), need_hidden(profile, stored, shared)
    assert len(hidden) == 14
    assert theirs.keys().isdisjoint(hidden)
    assert ours.keys() == theirs.keys() | hidden.keys()
    assert all(abs(ours[start] - 1_000 * theirs[start]) < 1 for start in theirs)
    for start, codes in hidden.items():
        used = sum(profile["covered"].get((code, start), 0) for code in codes)
        assert 0 < used < Decimal("0.0005")


def test_importing_the_same_file_again_changes_nothing(workspace, registered, imported, qualities):
    before = workspace.series.head(), list(SourceFile.objects.values("sha256", "received_at", "findings"))
    [again] = import_files(workspace, organisation=registered, files=imported.files)
    assert again.state == "already_imported"
    assert (workspace.series.head(), list(SourceFile.objects.values("sha256", "received_at", "findings"))) == before
    repeated = check_month(workspace, organisation=registered, subject=OPERATOR, month=MONTHS[0])
    assert repeated.findings == qualities[MONTHS[0]].findings


def hourly(profile, members, month):
    """Sums of whole Wh by local hour and point: (taken, given), from the profile, each value rounded half up."""
    first, after = (epoch(one.first) for one in (month, month.shifted(1)))
    sums = defaultdict(lambda: defaultdict(int))
    for quantity in ("metered", "generated"):
        for (point, start), value in profile[quantity].items():
            if first <= start < after and start >= epoch(max(members[point][1], UNION)):
                wh = int((1000 * value).quantize(Decimal(1), ROUND_HALF_UP))
                sums[start // 3_600][point, quantity] += wh
    return sums


def test_a_whole_month_can_be_settled_from_the_imported_values(workspace, registered, imported, profile, members):
    """November 2022: five members join during it; nothing is missing while they are members."""
    month = Month(2022, 11)
    inputs = load_month(workspace, community=registered, month=month)
    settled = settle_cooperative_month(
        month=month,
        ids=inputs.ids,
        taken=inputs.taken,
        given=inputs.given,
        pool=inputs.pool,
        sharing=inputs.choice(),
        rules=inputs.pool_rules,
    )
    taken = given = exchanged = 0
    for hour in hourly(profile, members, month).values():
        needs = sum(wh for (_, quantity), wh in hour.items() if quantity == "metered")
        offers = sum(wh for (_, quantity), wh in hour.items() if quantity == "generated")
        taken += max(needs - offers, 0)
        given += max(offers - needs, 0)
        exchanged += min(needs, offers)
    assert exchanged > 100_000
    assert (settled.taken_wh, settled.given_wh, settled.exchanged_wh) == (taken, given, exchanged)
    assert settled.settled_wh == min(taken, given * 6 // 10)
    assert int(settled.community_in.sum()) == int(settled.community_out.sum()) == exchanged
    assert (settled.community_in + settled.from_pool + settled.grid == settled.taken).all()
    assert (settled.community_out + settled.surplus == settled.given).all()
    joined = sum(first >= month.first for _, first in members.values())
    assert joined == sum(one.first > month.first for one in inputs.points)


def small_export(consumer, producers, *, days, surplus):
    """An export of whole days in January 2023: a constant account, with the surplus of each day as given."""
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, {"in_memory": True})
    sheet = book.add_worksheet("Energiedaten")
    sheet.write_column(0, 0, ["MeteringpointID", "Energy direction", "Metercode"])
    columns = [(consumer, "CONSUMPTION", code, value) for code, value in (("G.01", 2), ("G.02", 1), ("G.03", 1))]
    columns += [(one, "GENERATION", code, None) for one in producers for code in ("G.01", "P.01")]
    moments = [datetime(2023, 1, day) + timedelta(seconds=SLOT_S * slot) for day in days for slot in range(96)]  # noqa: DTZ001 -- cells
    sheet.write_column(3, 0, [f"{moment:%d.%m.%Y %H:%M:%S}" for moment in moments])
    for place, (point, direction, code, value) in enumerate(columns, start=1):
        per_day = (
            {"G.01": dict.fromkeys(days, 1), "P.01": surplus}[code] if value is None else dict.fromkeys(days, value)
        )
        sheet.write_column(0, place, [point, direction, f"{code} [KWH]"])
        sheet.write_column(3, place, [per_day[moment.day] for moment in moments])
    book.close()
    return buffer.getvalue()


def test_a_later_account_of_the_same_members_takes_the_place_of_an_earlier_one(workspace, registered, members):
    consumer = next(code for code, (role, _) in sorted(members.items()) if role == "consumer")
    producer, other = [code for code, (role, _) in sorted(members.items()) if role == "producer"][:2]
    month = Month(2023, 1)

    def found_after(name, data):
        [result] = import_files(workspace, organisation=registered, files=[(name, data)])
        assert result.state == "imported", result
        found = community_findings(organisation=registered, subject=OPERATOR, month=month)
        counts = defaultdict(int)
        for finding in found:
            day = datetime.fromtimestamp(finding.start_epoch_s, LOCAL).day
            counts[finding.source, finding.code, day] += 1
        return dict(counts)

    wrong = small_export(consumer, [producer], days=[9, 10], surplus={9: 0.5, 10: 0.25})
    first = {("first.xlsx", "V20.surplus", day): 96 for day in (9, 10)}
    assert found_after("first.xlsx", wrong) == first
    # Corrected for the 10th only: what was found on the 9th stays.
    right = small_export(consumer, [producer], days=[10, 11], surplus={10: 0, 11: 0.5})
    second = {("first.xlsx", "V20.surplus", 9): 96, ("second.xlsx", "V20.surplus", 11): 96}
    assert found_after("second.xlsx", right) == second
    # An account of other members says nothing about the first one.
    more = small_export(consumer, [producer, other], days=[9, 10, 11], surplus={9: 0.5, 10: 0.5, 11: 0.5})
    third = {("third.xlsx", code, day): 96 for code in ("V20.share_sum",) for day in (9, 10, 11)}
    assert found_after("third.xlsx", more) == second | third
    assert community_findings(organisation=registered, subject=OPERATOR, month=month.shifted(1)) == ()
