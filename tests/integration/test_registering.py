"""Registering a master data file: all or nothing, every refused row with its line, repeating changes nothing."""

import re
from pathlib import Path

import pytest

from ogniwo.records.audit.models import AuditEvent
from ogniwo.records.contracts.models import Membership, SupplyContractRecord
from ogniwo.records.metering.models import Meter, MeteringPoint, MeterInstallation, MeterRatio, PointGroup
from ogniwo.records.parties.models import Member, Organisation
from ogniwo.records.settlement.models import CommunityRules
from ogniwo.services.demo.sample import POINTS
from ogniwo.services.workspace.master_data import MasterDataRefusedError
from ogniwo.services.workspace.registering import register_file

TABLES = (
    Organisation,
    Member,
    PointGroup,
    MeteringPoint,
    Meter,
    MeterInstallation,
    MeterRatio,
    SupplyContractRecord,
    Membership,
    CommunityRules,
)
DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "master_data.md"
POINT = POINTS[0].code


def counts():
    return [table.objects.count() for table in TABLES]


def register(workspace, text, **options):
    return register_file(workspace, data=text.encode(), file_name="members.toml", **options)


def refusals(workspace, text):
    with pytest.raises(MasterDataRefusedError) as refused:
        register(workspace, text)
    return [(one.row, one.code, one.message) for one in refused.value.findings]


def example():
    (text,) = re.findall(r"```toml\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    return text


def test_the_documented_example_can_be_registered(at_stage):
    workspace = at_stage("empty")
    done = register(workspace, example())
    assert [table for table, _ in done.rows] == [
        "organisation",
        "member",
        "point",
        "meter",
        "contract",
        "membership",
        "rules",
    ]
    point = MeteringPoint.objects.get(role="prosumer")
    assert (point.latitude_e6, point.longitude_e6, point.peak_power_w) == (52_406_000, 16_929_000, 8_400)
    assert str(point.group) == "prosumenci"
    installation = point.installations.get()
    assert installation.valid_from.isoformat() == "2023-12-31T23:00:00+00:00"  # midnight in Warsaw
    assert AuditEvent.objects.get(action="workspace.register").facts == dict(done.rows)


def test_the_whole_sample_and_again_changes_nothing(at_stage, sample_toml):
    workspace = at_stage("empty")
    done = register(workspace, sample_toml())
    assert dict(done.rows) == {
        "organisation": 2,
        "member": 40,
        "point": 40,
        "meter": 40,
        "contract": 40,
        "membership": 40,
        "rules": 1,
    }
    before = counts()
    register(workspace, sample_toml(order=reversed))
    assert counts() == before
    assert before[1:4] == [40, 0, 40]


def test_a_dry_run_registers_nothing(at_stage, sample_toml):
    workspace = at_stage("empty")
    assert register(workspace, sample_toml(), dry_run=True).stored is False
    assert counts() == [0] * len(TABLES)
    assert not AuditEvent.objects.exists()


def test_every_bad_row_is_named_with_its_line_and_nothing_is_registered(at_stage, sample_toml):
    workspace = at_stage("empty")
    good = sample_toml()
    lines = good.count("\n") + 1
    bad = (
        '\n[[member]]\norganisation = "nikt"\nnumber = "X-1"\nname = "x"\nkind = "firm"\n'
        '[[point]]\ncode = "590999772600000019"\nmember = "SE-001"\nrole = "consumer"\n'
        f'[[contract]]\npoint = "{POINT}"\nfrom = 2026-05-01\noperator = "enea"\ngroup = "G12"\n'
        '[[organisation]]\ncode = "firma"\nname = "Firma"\nkind = "partner"\nnip = "1234567890"\n'
        f'[[membership]]\ncommunity = "przykladowo"\npoint = "{UNREGISTERED}"\nfrom = 2026-01-01\n'
    )
    assert [(row - lines, code) for row, code, _ in refusals(workspace, good + bad)] == [
        (1, "register.unknown_reference"),
        (6, "point.bad_code"),
        (10, "contract.overlap"),
        (15, "register.bad_nip"),
        (20, "register.unknown_reference"),
    ]
    assert counts() == [0] * len(TABLES)


UNREGISTERED = "590999010000000338"


@pytest.mark.parametrize(
    ("text", "row", "words"),
    [
        ("[[point]\n", None, "no TOML file"),
        ("[[rulez]]\nx = 1\n", 1, "no table rulez"),
        ('point = "x"\n', 0, r"\[\[point\]\]"),
        ('\n\n[[point]]\ncode = "1"\nmember = "m"\nrole = "konsument"\n', 3, r"role"),
        ('[[point]]\ncode = "1"\nmember = "m"\nrole = "consumer"\npower = 3\n', 1, "unknown field `power`"),
        ('[[contract]]\npoint = "1"\nfrom = 2026-01-01\noperator = "e"\ngroup = "G11"\npower = 1\n', 1, "`power`"),
        ('[[contract]]\npoint = "1"\nfrom = 2026-01-01\noperator = "e"\ngroup = "G"\nyearly_use_wh = 2.5\n', 1, "int"),
        ('[[contract]]\npoint = "1"\noperator = "e"\ngroup = "G11"\n', 1, "`from`"),
        ('[[meter]]\npoint = "1"\nserial = "1"\nfrom = 2026-01-01T00:00:00\n', 1, "timezone"),
        ('[[meter]]\npoint = "1"\nserial = "1"\nfrom = 2026-01-01\ncurrent = [0, 5]\n', 1, ">= 1"),
        ('[[membership]]\ncommunity = "c"\npoint = "1"\nfrom = 2026-01-01\nshare_key = -1\n', 1, ">= 0"),
        ('[[rules]]\ncommunity = "c"\nfrom = 2026-01-01\nmethod = "fair"\ninternal_price = "1"\n', 1, "fair"),
    ],
)  # fmt: skip
def test_what_is_not_understood_is_refused_before_anything(workspace, text, row, words):
    before = counts()
    with pytest.raises(MasterDataRefusedError, match=words) as refused:
        register(workspace, text)
    assert [one.row for one in refused.value.findings] == ([] if row is None else [row])
    assert counts() == before


def test_what_is_registered_is_not_changed_in_passing(workspace):
    name = POINTS[0].name
    text = f'[[member]]\norganisation = "przykladowo"\nnumber = "SE-001"\nname = "{name}!"\nkind = "household"\n'
    ((row, code, message),) = refusals(workspace, text)
    assert (row, code) == (1, "register.differs")
    assert f"name is {name} there and {name}! now" in message
    assert Member.objects.get(number="SE-001").name == name
    rules = (
        '[[rules]]\ncommunity = "przykladowo"\nfrom = 2026-01-01\nmethod = "dynamic"\n'
        'internal_price = "431"\nfee = "30"\n'
    )
    assert [code for _, code, _ in refusals(workspace, rules)] == ["register.differs"]


def test_an_end_is_set_once(workspace):
    def membership(end):
        return (
            f'[[membership]]\ncommunity = "przykladowo"\npoint = "{POINT}"\nfrom = 2026-01-01\n'
            f"share_key = 10\nmerit_rank = 50\n{end}\n"
        )

    register(workspace, membership("to = 2026-12-01"))
    register(workspace, membership("to = 2026-12-01"))
    assert str(Membership.objects.get(point__code=POINT).valid_to) == "2026-12-01"
    for other in ("to = 2026-11-01", ""):
        assert [code for _, code, _ in refusals(workspace, membership(other))] == ["register.differs"]


def test_one_meter_is_at_one_place_and_one_place_has_one_meter(workspace):
    other = POINTS[1]
    for point, serial in ((POINT, "123"), (other.code, POINTS[0].meter)):
        digits = "digits = 6\n" if serial == POINTS[0].meter else ""
        text = f'[[meter]]\npoint = "{point}"\nserial = "{serial}"\nfrom = 2026-05-01\n{digits}'
        assert [code for _, code, _ in refusals(workspace, text)] == ["point.two_meters"]


def test_a_period_that_holds_no_day_is_refused(workspace):
    since, to = "2026-05-01", "2026-05-01"
    other = POINTS[1].code
    text = (
        f'[[contract]]\npoint = "{other}"\nfrom = {since}\nto = {to}\noperator = "enea"\ngroup = "G11"\n'
        f'[[membership]]\ncommunity = "przykladowo"\npoint = "{other}"\nfrom = {since}\nto = {to}\n'
        f'[[meter]]\npoint = "{other}"\nserial = "1"\nfrom = {since}\nto = {to}\n'
        f'[[membership]]\ncommunity = "przykladowo"\npoint = "{POINT}"\nfrom = 2026-01-01\nto = 2025-12-31\n'
        "share_key = 10\nmerit_rank = 50\n"
    )
    assert [code for _, code, _ in refusals(workspace, text)] == [
        "contract.empty",
        "contract.empty",
        "point.empty_installation",
        "contract.empty",
    ]
