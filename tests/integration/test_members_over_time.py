"""Who is registered when: any order gives the same month; moves, changes of terms, prices and meters split it."""

from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal

import numpy as np
import pytest

from ogniwo.core.kernel.calendar import Month, grid_of_month
from ogniwo.core.kernel.findings import Severity
from ogniwo.core.metering.model import IMPORT
from ogniwo.core.settlement.model import Statement
from ogniwo.records.contracts.models import Membership, SupplyContractRecord
from ogniwo.records.metering.models import MeteringPoint
from ogniwo.records.settlement.models import StatementRecord
from ogniwo.services.demo.files import delivered_files
from ogniwo.services.demo.sample import POINTS
from ogniwo.services.metering.context import point_context
from ogniwo.services.metering.importing import import_files
from ogniwo.services.metering.quality import estimate_month
from ogniwo.services.settlement.closing import BlockedMonthError, close_month
from ogniwo.services.settlement.loading import TwoMembershipsError
from ogniwo.services.settlement.queries import rate_book_of
from ogniwo.services.workspace.queries import operator_subject
from ogniwo.services.workspace.registering import register_file

OCTOBER = Month(2026, 10)
OPERATOR = operator_subject()
HOUSEHOLD, SECOND, WATERWORKS = POINTS[0], POINTS[1], POINTS[35]
MOVE_IN = date(2026, 10, 11)


def register(workspace, text):
    return register_file(workspace, data=text.encode(), file_name="members.toml")


def bring(workspace, community, files=None, *, reverse=False):
    chosen = files if files is not None else [(one.name, one.data) for one in delivered_files()]
    for file in reversed(chosen) if reverse else chosen:
        (result,) = import_files(workspace, organisation=community, files=[file])
        assert result.state == "imported", result.reason
    estimate_month(workspace, organisation=community, subject=OPERATOR, month=OCTOBER)


def close(workspace, community, **options) -> dict[str, Statement]:
    closed = close_month(workspace, community=community, month=OCTOBER, book=rate_book_of(workspace), **options)
    return {one.point: one for one in closed.statements}


def stored():
    records = StatementRecord.objects.select_related("point")
    return {one.point.code: (one.document, bytes(one.flows)) for one in records}


def grosz(exact):
    return int((exact * 100).quantize(Decimal(1), ROUND_HALF_UP))


def lines_of(statement, charge):
    return [line for line in statement.lines if line.charge == charge]


def without(point, days):
    """The delivered files without one point's rows in the daily files of some days of the month."""
    files = []
    for one in delivered_files():
        data = one.data
        if any(f"_202610{day:02d}_" in one.name for day in days):
            kept = [line for line in data.split(b"\r\n") if not line.startswith(point.code.encode())]
            assert len(kept) == len(data.split(b"\r\n")) - 1
            data = b"\r\n".join(kept)
        files.append((one.name, data))
    return files


def test_members_in_another_order_get_the_same_statements_to_the_byte(at_stage, cooperative, sample_toml):
    at_stage("closed")
    expected = {
        one.point.code: (one.document, bytes(one.flows)) for one in StatementRecord.objects.select_related("point")
    }

    workspace = at_stage("empty")
    register(workspace, sample_toml(order=reversed))
    numbers = {point.code: point.pk for point in MeteringPoint.objects.all()}
    assert numbers[POINTS[0].code] > numbers[POINTS[-1].code]
    bring(workspace, cooperative(), reverse=True)
    close(workspace, cooperative())
    found = {
        one.point.code: (one.document, bytes(one.flows)) for one in StatementRecord.objects.select_related("point")
    }
    assert found == expected


def test_moving_in_on_the_eleventh_pays_21_of_31_days_and_needs_no_data_before(at_stage, cooperative, sample_toml):
    def from_the_eleventh(point, row):
        return [{**row, "from": MOVE_IN} if point is HOUSEHOLD else row]

    workspace = at_stage("empty")
    register(workspace, sample_toml(contract=from_the_eleventh, membership=from_the_eleventh))
    bring(workspace, cooperative(), without(HOUSEHOLD, range(1, 11)))
    statement = close(workspace, cooperative())[HOUSEHOLD.code]

    series = workspace.series.read(point=HOUSEHOLD.code, channel=IMPORT, month=OCTOBER)
    inside = series.grid.day_offsets[10]
    assert series.missing[:inside].all()
    assert statement.flows.metered_in_wh == int(series.wh[inside:].sum())
    assert [(part.quality, part.slots) for part in statement.quality] == [("measured", 21 * 24 + 1)]
    (fixed,) = lines_of(statement, "network.fixed")
    assert (fixed.first, fixed.last_exclusive) == (MOVE_IN, date(2026, 11, 1))
    assert Decimal(fixed.share[0]) / fixed.share[1] == Decimal(21) / 31
    assert fixed.net_grosz == grosz(Decimal("7.45") * 21 / 31)
    # the others pay the whole month
    (whole,) = lines_of(close(workspace, cooperative(), dry_run=True)[SECOND.code], "network.fixed")
    assert whole.net_grosz == 745


def test_moving_out_ends_contract_and_membership_by_registering_their_end(at_stage, cooperative, sample_toml):
    workspace = at_stage("estimated")
    end = date(2026, 10, 16)
    records = (
        SupplyContractRecord.objects.get(point__code=HOUSEHOLD.code),
        Membership.objects.get(point__code=HOUSEHOLD.code),
    )
    terms = records[0].terms
    contract = "\n".join(f'{key} = "{value}"' for key, value in terms.items() if isinstance(value, str))
    numbers = "\n".join(
        f"{key} = {str(value).lower()}" for key, value in terms.items() if isinstance(value, int | bool)
    )
    text = (
        f'[[contract]]\npoint = "{HOUSEHOLD.code}"\nfrom = 2026-01-01\nto = {end}\n{contract}\n{numbers}\n'
        f'[[membership]]\ncommunity = "przykladowo"\npoint = "{HOUSEHOLD.code}"\nfrom = 2026-01-01\nto = {end}\n'
        "share_key = 10\nmerit_rank = 50\n"
    )
    register(workspace, text)
    for record in records:
        record.refresh_from_db()
        assert record.valid_to == end
    (fixed,) = lines_of(close(workspace, cooperative())[HOUSEHOLD.code], "network.fixed")
    assert fixed.net_grosz == grosz(Decimal("7.45") * 15 / 31)


def test_other_terms_from_the_sixteenth_split_the_lines(at_stage, cooperative, sample_toml):
    change = date(2026, 10, 16)

    def two_contracts(point, row):
        if point is not SECOND:
            return [row]
        return [{**row, "to": change}, {**row, "from": change, "group": "G12", "offer": "enea/G12"}]

    workspace = at_stage("empty")
    register(workspace, sample_toml(contract=two_contracts))
    bring(workspace, cooperative())
    statement = close(workspace, cooperative())[SECOND.code]
    fixed = lines_of(statement, "network.fixed")
    assert [(line.first, line.last_exclusive) for line in fixed] == [
        (date(2026, 10, 1), change),
        (change, date(2026, 11, 1)),
    ]
    assert [line.net_grosz for line in fixed] == [grosz(Decimal("7.45") * 15 / 31), grosz(Decimal("9.59") * 16 / 31)]
    variable = lines_of(statement, "network.variable")
    assert [line.zone for line in variable] == ["all", "day", "night"]
    assert sum(line.quantity for line in variable) == statement.flows.grid_wh
    # energy of the community is one line: its price does not depend on the contract
    assert len(lines_of(statement, "community.energy")) == 1


OWN_RATES = """
defaults.checked_on = 2026-09-01
[[rates]]
key = "offers/wlasny/G11/energy/all"
value = "0.5000"
per = "kWh"
confidence = "1"
source = "cennik własny 1"
valid_from = 2026-01-01
valid_to = 2026-10-16
[[rates]]
key = "offers/wlasny/G11/energy/all"
value = "0.6100"
per = "kWh"
confidence = "1"
source = "cennik własny 2"
valid_from = 2026-10-16
[[offers]]
name = "wlasny"
label = "Cennik własny"
trade_fee = false
source = "cennik własny"
valid_from = 2026-01-01
groups = { G11 = ["all"] }
"""


def test_a_price_that_changes_inside_the_month_splits_the_line(at_stage, cooperative, sample_toml):
    def own_offer(point, row):
        return [{**row, "offer": "wlasny"} if point is SECOND else row]

    workspace = at_stage("empty")
    (workspace.rates / "wlasny.toml").write_text(OWN_RATES, encoding="utf-8")
    register(workspace, sample_toml(contract=own_offer))
    bring(workspace, cooperative())
    statement = close(workspace, cooperative())[SECOND.code]
    energy = lines_of(statement, "energy")
    assert [(line.first, line.last_exclusive) for line in energy] == [
        (date(2026, 10, 1), date(2026, 10, 16)),
        (date(2026, 10, 16), date(2026, 11, 1)),
    ]
    excise = Decimal("0.005")
    assert [Decimal(line.rate.text()) for line in energy] == [Decimal("0.5") + excise, Decimal("0.61") + excise]
    assert sum(line.quantity for line in energy) == statement.flows.grid_wh
    for line in energy:
        assert line.net_grosz == grosz(Decimal(line.quantity) / 1000 * Decimal(line.rate.text()))
    assert "cennik własny 2" in " ".join(energy[1].why)
    # a new price list is a new input: the month becomes another version, nothing else does
    own = workspace.rates / "wlasny.toml"
    own.write_text(OWN_RATES.replace("0.6100", "0.6200"), encoding="utf-8")
    closed = close_month(workspace, community=cooperative(), month=OCTOBER, book=rate_book_of(workspace), dry_run=True)
    assert (closed.version, closed.changed) == (2, True)


READINGS = (
    "PPE;Nr licznika;Data i godzina odczytu;OBIS;Wskazanie;Jednostka;Mnożna;Rodzaj odczytu\n"
    "{ppe};90000036;2026-10-01 00:00;1.8.0;1000,000;kWh;40;zdalny\n"
    "{ppe};90000036;2026-10-15 10:00;1.8.0;1170,000;kWh;40;demontaż\n"
    "{ppe};77000001;2026-10-15 10:00;1.8.0;5,500;kWh;40;montaż\n"
    "{ppe};77000001;2026-11-01 00:00;1.8.0;205,500;kWh;40;zdalny\n"
)


def test_b32_a_meter_replaced_inside_the_month_counts_with_both_serials(at_stage, cooperative):
    workspace = at_stage("registered")
    register(
        workspace,
        f'[[meter]]\npoint = "{WATERWORKS.code}"\nserial = "90000036"\nfrom = 2024-01-01T00:00:00Z\n'
        "to = 2026-10-15T10:00:00+02:00\ncurrent = [200, 5]\ndigits = 6\n"
        f'[[meter]]\npoint = "{WATERWORKS.code}"\nserial = "77000001"\n'
        "from = 2026-10-15T10:00:00+02:00\ncurrent = [200, 5]\ndigits = 6\n",
    )
    files = [(one.name, one.data) for one in delivered_files()[:-1]]
    bring(workspace, cooperative(), [*files, ("odczyty.csv", READINGS.format(ppe=WATERWORKS.code).encode())])
    point = MeteringPoint.objects.get(code=WATERWORKS.code)
    use = point_context(point, OCTOBER).use(IMPORT, grid_of_month(OCTOBER))
    assert use.meters == ("90000036", "77000001")
    assert use.energy_wh == (170_000 + 200_000) * 40
    assert [segment.end_epoch_s for segment in use.segments] == [
        int(datetime(2026, 10, 15, 8, tzinfo=UTC).timestamp()),
        int(datetime(2026, 10, 31, 23, tzinfo=UTC).timestamp()),
    ]
    # the gap of the fourteenth is filled so that both meters together are met exactly
    series = workspace.series.read(point=WATERWORKS.code, channel=IMPORT, month=OCTOBER)
    assert series.complete
    assert series.present_total_wh == 14_800_000
    assert not np.any(series.wh < 0)


def test_days_without_a_contract_block_the_close(at_stage, cooperative, sample_toml):
    workspace = at_stage("empty")
    register(
        workspace,
        sample_toml(contract=lambda point, row: [{**row, "to": MOVE_IN} if point is HOUSEHOLD else row]),
    )
    bring(workspace, cooperative())
    preview = close_month(workspace, community=cooperative(), month=OCTOBER, book=rate_book_of(workspace), dry_run=True)
    errors = [(one.code, one.point) for one in preview.findings if one.severity is Severity.ERROR]
    assert errors == [("contract.gap", HOUSEHOLD.code)]
    with pytest.raises(BlockedMonthError, match="2026-10-11 up to but not including 2026-11-01"):
        close(workspace, cooperative())


def test_two_memberships_in_one_month_are_refused(at_stage, cooperative, sample_toml):
    def twice(point, row):
        return [{**row, "to": MOVE_IN}, {**row, "from": MOVE_IN, "share_key": 99}] if point is HOUSEHOLD else [row]

    workspace = at_stage("empty")
    register(workspace, sample_toml(membership=twice))
    bring(workspace, cooperative())
    with pytest.raises(TwoMembershipsError, match=HOUSEHOLD.code):
        close(workspace, cooperative())
