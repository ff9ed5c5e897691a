"""A plug-in installed from a wheel: allowed by name, read like a layout of ours, and never taken at its word."""

import tomllib
from datetime import UTC, datetime

import numpy as np
import pytest

from ogniwo.core.kernel.calendar import Month
from ogniwo.core.kernel.ids import sha256_hex
from ogniwo.core.kernel.quality import QUALITY_WORDS, Quality
from ogniwo.core.kernel.quantities import format_decimal
from ogniwo.formats.meter_files.reader import read_meter_file
from ogniwo.records.audit.models import AuditEvent
from ogniwo.records.metering.models import SourceFile
from ogniwo.records.settlement.models import StatementRecord
from ogniwo.services.demo.files import delivered_files
from ogniwo.services.metering.importing import ImportOptions, import_files
from ogniwo.services.metering.quality import estimate_month
from ogniwo.services.plugins.allowing import allowed_names
from ogniwo.services.plugins.loading import plugins_of, usable
from ogniwo.services.plugins.model import PluginNotAllowedError, PluginNotInstalledError, PluginNotLoadedError
from ogniwo.services.plugins.operations import allow_plugin, forbid_plugin
from ogniwo.services.plugins.reading import read_file, readers_of
from ogniwo.services.settlement.closing import close_month
from ogniwo.services.settlement.queries import rate_book_of
from ogniwo.services.workspace.model import BadSettingsError
from ogniwo.services.workspace.queries import operator_subject
from plug_in_projects import MARK, built, files_of_the_page, installed, on_the_path, portal_file, put

OCTOBER = Month(2026, 10)
NAME = "acme-meters"
LAYOUT = "acme-meters/portal"
WORDS = {"measured": "ok", "estimated-by-operator": "est", "missing": "none"}
EXCEL = next(one for one in delivered_files() if one.name.startswith("Raport_"))
POINT = EXCEL.name.split("_")[1]
HEAD = """
from datetime import UTC, datetime
from decimal import Decimal
from ogniwo.plugins import *
from ogniwo.plugins import FileError, Interval, MeterFile, Reading, RegisterState, Remark

class Mine:
    api_version = 1
    title = "A try"
    def recognises(self, file):
        return file.data.startswith(b"MINE")
    def read(self, file):
        return Reading(**self.values(file))
    def one(self, hour, **given):
        values = dict(point="%s", channel="1.29.0", start=datetime(2026, 10, 1, hour, tzinfo=UTC), seconds=3600)
        return Interval(**{**values, "value": Decimal("0.25"), "row": hour + 1, **given})
"""
HEAD = HEAD % POINT


@pytest.fixture(scope="session")
def acme(tmp_path_factory):
    """The folder that the example's wheel was installed into."""
    folder = tmp_path_factory.mktemp("acme")
    return installed(built(folder, files_of_the_page()), folder / "target")


@pytest.fixture
def with_acme(acme):
    with on_the_path(acme):
        yield acme


@pytest.fixture
def with_mine(tmp_path):
    """Makes a plug-in `mine` whose reader has the given body, puts it on the path, and allows it by hand."""
    with on_the_path(tmp_path / "packages") as target:

        def make(workspace, body, **offers):
            put(target, "mine", HEAD + body, **(offers or {"readers": ["Mine"]}))
            _allow_by_hand(workspace, "mine")
            return workspace

        yield make


def _allow_by_hand(workspace, *names):
    text = workspace.settings_file.read_text(encoding="utf-8")
    workspace.settings_file.write_text(f"plugins = {list(names)!r}\n{text}", encoding="utf-8")


def _read(workspace, data=b"MINE", **options):
    return read_file(data, file_name="mine.txt", readers=readers_of(workspace), **options)


def _refused(workspace, data=b"MINE", **options):
    with pytest.raises(Exception, match=r"\[read.refused\]") as caught:
        _read(workspace, data, **options)
    return caught.value.findings


def _portal_of(reading, *, wrong_row=0):
    """The values of a reading of ours as a file of the invented layout, in hours with offsets."""
    columns = reading.intervals
    words = {int(quality): WORDS[word] for quality, word in QUALITY_WORDS.items() if word in WORDS}
    rows = [
        (
            datetime.fromtimestamp(start, tz=UTC).isoformat(),
            "" if quality == Quality.MISSING else format_decimal(wh, decimals=3),
            words[quality],
        )
        for start, wh, quality in zip(
            columns.start_epoch_s.tolist(), columns.wh.tolist(), columns.quality.tolist(), strict=True
        )
    ]
    return portal_file(rows, point=columns.points[0])


def test_nothing_of_a_package_runs_before_it_is_allowed(at_stage, with_mine, tmp_path):
    workspace = at_stage("registered")
    trace = tmp_path / "it-ran"
    put(tmp_path / "packages", "spy", f"open({str(trace)!r}, 'w').close()\n{HEAD}", readers=["Mine"])
    before = [(one.name, one.loaded, one.reason) for one in plugins_of(workspace)]
    assert before == [("spy", False, "it is not allowed in this workspace")]
    (result,) = import_files(workspace, organisation=_coop(), files=[("mine.txt", b"MINE")])
    assert result.state == "refused"
    assert [one.code for one in result.findings] == ["read.unknown_layout"]
    assert not trace.exists()
    allow_plugin(workspace, name="spy", dry_run=True)
    assert trace.exists()
    assert allowed_names(workspace) == ()


def _coop():
    from ogniwo.services.contracts.queries import community  # noqa: PLC0415 -- wants records that are set up
    from ogniwo.services.demo.sample import COMMUNITY_CODE  # noqa: PLC0415 -- the same

    return community(code=COMMUNITY_CODE, subject=operator_subject())


def test_a_file_of_the_invented_layout_is_imported_and_settles_like_the_built_in_one(at_stage, with_acme):
    workspace = at_stage("registered")
    allow_plugin(workspace, name="Acme_Meters")
    theirs = _portal_of(read_meter_file(EXCEL.data, file_name=EXCEL.name))
    files = [(one.name, one.data) for one in delivered_files() if one.name != EXCEL.name]
    results = import_files(workspace, organisation=_coop(), files=[*files, ("portal.txt", theirs)])
    assert {one.state for one in results} == {"imported"}
    (mine,) = [one for one in results if one.name == "portal.txt"]
    assert (mine.layout, mine.intervals) == (LAYOUT, 745)

    kept = SourceFile.objects.get(name="portal.txt")
    assert kept.layout == LAYOUT
    assert kept.facts == {"plugin": NAME, "plugin_version": "1.0.0"}
    assert (workspace.received / kept.sha256[:2] / kept.sha256).read_bytes() == theirs
    act = AuditEvent.objects.get(action="import.file", target="portal.txt")
    assert (act.facts["plugin"], act.facts["plugin_version"], act.facts["layout"]) == (NAME, "1.0.0", LAYOUT)
    (again,) = import_files(workspace, organisation=_coop(), files=[("portal.txt", theirs)])
    assert again.state == "already_imported"

    estimate_month(workspace, organisation=_coop(), subject=operator_subject(), month=OCTOBER)
    close_month(workspace, community=_coop(), month=OCTOBER, book=rate_book_of(workspace))
    cell, ours = workspace.series.read(point=POINT, channel="1.29.0", month=OCTOBER), _settled()
    by_us = at_stage("closed")
    same = by_us.series.read(point=POINT, channel="1.29.0", month=OCTOBER)
    assert np.array_equal(cell.wh, same.wh)
    assert np.array_equal(cell.quality, same.quality)
    assert ours == _settled()
    assert len(ours) == 40


def _settled():
    rows = StatementRecord.objects.order_by("point__code")
    return [(one.point.code, one.net_grosz, bytes(one.flows)) for one in rows]


def test_the_list_is_written_whole_and_logged_and_read_at_each_use(at_stage, with_acme):
    workspace = at_stage("registered")
    before = workspace.settings_file.read_text(encoding="utf-8")
    with pytest.raises(PluginNotInstalledError):
        allow_plugin(workspace, name="acme-metres")
    with pytest.raises(PluginNotAllowedError):
        forbid_plugin(workspace, name=NAME)
    assert workspace.settings_file.read_text(encoding="utf-8") == before
    view = allow_plugin(workspace, name=NAME)
    assert (view.loaded, view.version, [one.title for one in view.offers]) == (
        True, "1.0.0", ["Acme ledger, text", "Acme portal, text of hours"],
    )  # fmt: skip
    allow_plugin(workspace, name=NAME)
    assert workspace.settings_file.read_text(encoding="utf-8") == f'plugins = ["{NAME}"]\n{before}'
    data = portal_file([("2026-10-01T00:00+02:00", "0.25", "ok"), ("2026-10-01T01:00+02:00", "", "none")], point=POINT)
    assert _read(workspace, data).intervals.wh.tolist() == [250, 0]
    forbid_plugin(workspace, name=NAME)
    assert workspace.settings_file.read_text(encoding="utf-8") == before
    assert [one.code for one in _refused(workspace, data)] == ["read.unknown_layout"]
    acts = AuditEvent.objects.filter(action__startswith="plugin.").order_by("pk")
    assert [(one.action, one.target, one.facts) for one in acts] == [
        ("plugin.allow", NAME, {"version": "1.0.0", "allowed": [NAME]}),
        ("plugin.forbid", NAME, {"version": "1.0.0", "allowed": []}),
    ]


@pytest.mark.parametrize(
    "listed", ['plugins = ["b", # ours\n"c"] # [x]\n', "plugins = 7\n", 'plugins = ["b", 1]\n', "a ="]
)
def test_a_list_that_only_a_person_can_change_stays_as_it_is(at_stage, with_acme, listed):
    workspace = at_stage("registered")
    text = listed + workspace.settings_file.read_text(encoding="utf-8")
    workspace.settings_file.write_text(text, encoding="utf-8")
    with pytest.raises(BadSettingsError):
        allow_plugin(workspace, name=NAME)
    assert workspace.settings_file.read_text(encoding="utf-8") == text
    assert not AuditEvent.objects.filter(action="plugin.allow").exists()


def test_a_list_of_several_lines_is_taken_over_and_tables_stay_where_they_are(at_stage, with_acme):
    workspace = at_stage("registered")
    text = 'plugins = [\n  "other",\n]\n' + workspace.settings_file.read_text(encoding="utf-8") + "[later]\nkey = 1\n"
    workspace.settings_file.write_text(text, encoding="utf-8")
    allow_plugin(workspace, name=NAME)
    changed = tomllib.loads(workspace.settings_file.read_text(encoding="utf-8"))
    assert changed == {**tomllib.loads(text), "plugins": [NAME, "other"]}
    good, troubled = usable(workspace)
    assert [one.name for one in good] == [NAME]
    assert [(one.name, one.reason) for one in troubled] == [
        ("other", "it is allowed, but no such package is installed")
    ]


def test_a_layout_of_ours_wins_unless_the_user_names_the_other(at_stage, with_mine):
    greedy = """
    def recognises(self, file):
        return True
    def values(self, file):
        return {"intervals": [self.one(0), self.one(1)]}
"""
    workspace = with_mine(at_stage("registered"), greedy)
    ours = read_file(EXCEL.data, file_name=EXCEL.name, readers=readers_of(workspace))
    assert ours.layout.startswith("enea-operator")
    named = read_file(EXCEL.data, file_name=EXCEL.name, readers=readers_of(workspace), layout="mine/mine")
    assert (named.layout, named.intervals.count) == ("mine/mine", 2)
    broken = next(one for one in delivered_files() if one.name.startswith("enea-ebok_"))
    bad = broken.data.replace(b"0,", b"0;", 1)
    with pytest.raises(Exception, match=r"\[read.refused\]") as caught:
        read_file(bad, file_name=broken.name, readers=readers_of(workspace))
    assert not [one for one in caught.value.findings if one.code.startswith("plugin.")]
    assert _read(workspace, b"\x00\xff\x00 nothing of ours").layout == "mine/mine"
    assert [one.code for one in _refused(workspace, layout="mine/other")] == ["read.unknown_layout"]


def test_what_a_reader_raises_is_a_finding_with_file_and_row_and_stops_no_other_file(at_stage, with_acme):
    workspace = at_stage("registered")
    allow_plugin(workspace, name=NAME)
    good = [("2026-10-01T00:00+02:00", "0.25", "ok"), ("2026-10-01T01:00+02:00", "0.5", "ok")]
    files = [
        ("raises.txt", portal_file([*good, ("2026-10-01T02:00+02:00", "0.1", "perhaps")], point=POINT)),
        ("refuses.txt", portal_file([*good, ("2026-10-01T02:00+02:00", "much", "ok")], point=POINT)),
        ("good.txt", portal_file(good, point=POINT)),
    ]
    raises, refuses, fine = import_files(workspace, organisation=_coop(), files=files)
    (found,) = raises.findings
    assert (found.code, found.source, found.row) == ("plugin.raised", "raises.txt", 3)
    assert found.message == "acme-meters/portal of acme-meters 1.0.0 failed: KeyError: 'perhaps'"
    (found,) = refuses.findings
    assert (found.code, found.row, found.column) == ("plugin.refused", 4, "energy")
    assert "'much' is no energy" in found.message
    assert (raises.state, refuses.state, fine.state) == ("refused", "refused", "imported")
    assert list(SourceFile.objects.values_list("name", flat=True)) == ["good.txt"]
    assert not (workspace.received / sha256_hex(files[0][1])[:2] / sha256_hex(files[0][1])).exists()


WRONG = {
    "float": ("[self.one(0, value=0.25), self.one(1)]", "read.not_a_number"),
    "nan": ('[self.one(0, value=Decimal("NaN")), self.one(1)]', "read.not_a_number"),
    "too much": ("[self.one(0, value=10**12), self.one(1)]", "read.not_a_number"),
    "truth": ("[self.one(0, value=True), self.one(1)]", "read.not_a_number"),
    "unit": ('[self.one(0, unit="kW"), self.one(1)]', "read.unknown_unit"),
    "unit of another quantity": ('[self.one(0, unit="kvarh"), self.one(1)]', "read.unknown_unit"),
    "channel": ('[self.one(0, channel="1.8.0"), self.one(1)]', "read.unknown_kind"),
    "check digit": ('[self.one(0, point="590999010000000339"), self.one(1)]', "V23.check_digit"),
    "no point": ('[self.one(0, point=""), self.one(1)]', "read.point_unknown"),
    "no text": ("[self.one(0, point=7), self.one(1)]", "plugin.bad_output"),
    "naive": ("[self.one(0, start=datetime(2026, 10, 1)), self.one(1)]", "read.not_a_time"),
    "parts of a second": (
        "[self.one(0, start=datetime(2026, 10, 1, 0, 0, 0, 5, tzinfo=UTC)), self.one(1)]", "read.not_a_time",
    ),
    "raster": ("[self.one(0, start=datetime(2026, 10, 1, 0, 7, tzinfo=UTC)), self.one(1)]", "read.off_raster"),
    "length": ("[self.one(0, seconds=1234), self.one(1)]", "read.length"),
    "two lengths": ("[self.one(0, seconds=900), self.one(1)]", "read.length"),
    "twice": ("[self.one(0), self.one(0, value=3)]", "read.duplicate_label"),
    "quality": ('[self.one(0, quality="fine"), self.one(1)]', "read.unknown_status"),
    "missing with a value": ('[self.one(0, quality="missing"), self.one(1)]', "read.missing_with_value"),
    "row": ("[self.one(0, row=0), self.one(1)]", "plugin.bad_output"),
    "no interval": ('["0.25", self.one(1)]', "plugin.bad_output"),
    "nothing": ("[]", "read.no_values"),
    "no list": ("None", "plugin.raised"),
    "division": ("[1 // 0]", "plugin.raised"),
    "exit": ("[exit()]", "plugin.raised"),
}  # fmt: skip
WITHOUT_ROW = {"read.point_unknown", "read.no_values", "plugin.bad_output", "plugin.raised", "read.length"}
"""Of the file as a whole, or where no row was told yet; two lengths are known at the second row."""


@pytest.mark.parametrize("values", WRONG)
def test_what_a_reader_gives_is_held_to_the_rules_of_every_layout(at_stage, with_mine, values):
    given, code = WRONG[values]
    body = f'\n    def values(self, file):\n        return {{"intervals": {given}}}\n'
    workspace = with_mine(at_stage("registered"), body)
    findings = _refused(workspace)
    assert code in {one.code for one in findings}, findings
    assert {one.source for one in findings} == {"mine.txt"}
    if code not in WITHOUT_ROW:
        assert findings[0].row == 1


def test_gaps_missing_values_roundings_and_remarks_are_told_as_for_any_file(at_stage, with_mine):
    body = """
    def values(self, file):
        intervals = [self.one(0), self.one(2, value=Decimal("0.1234")), self.one(1, value=None)]
        intervals += [self.one(5, quality="estimated-by-operator")]
        state = RegisterState(point=file.point, meter="77", obis="1.8.0", time=intervals[0].start, unit="MWh",
                              value=Decimal("12.5"), origin="remote", row=9)
        return {"intervals": intervals, "registers": [state], "remarks": [Remark(message="look", row=2)]}
"""
    workspace = with_mine(at_stage("registered"), body)
    reading = _read(workspace, point=POINT)
    assert reading.intervals.wh.tolist() == [250, 0, 123, 250]
    assert reading.intervals.row.tolist() == [1, 2, 3, 6]
    assert reading.intervals.quality.tolist() == [Quality.MEASURED, Quality.MISSING, Quality.MEASURED, 3]
    assert [(one.code, one.row) for one in reading.findings] == [
        ("plugin.remark", 2), ("read.gap", 6), ("read.missing", 2), ("read.rounded", 0),
    ]  # fmt: skip
    (state,) = reading.registers
    assert (state.obis, state.value_e3, state.unit, state.row) == ("1-1:1.8.0*255", 12_500_000, "kWh", 9)


REGISTERS = {
    "unit": ('unit="kW"', "read.unknown_word"),
    "obis": ('obis="nothing"', "read.unknown_word"),
    "origin": ('origin="guessed"', "read.unknown_word"),
    "meter": ('meter=""', "plugin.bad_output"),
    "multiplier": ("multiplier=0", "plugin.bad_output"),
    "digits": ("digits=-1", "plugin.bad_output"),
    "decimals": ('value=Decimal("1.2345")', "read.not_a_number"),
    "float": ("value=1.5", "read.not_a_number"),
    "naive": ("time=datetime(2026, 10, 1)", "read.not_a_time"),
}


@pytest.mark.parametrize("wrong", REGISTERS)
def test_register_states_are_held_to_the_rules_too(at_stage, with_mine, wrong):
    given, code = REGISTERS[wrong]
    body = f"""
    def values(self, file):
        state = dict(point="{POINT}", meter="77", obis="1.8.0", time=datetime(2026, 10, 1, tzinfo=UTC), value=12,
                     unit="kWh", origin="remote", row=9)
        return {{"registers": [RegisterState(**{{**state, **dict({given})}})]}}
"""
    findings = _refused(with_mine(at_stage("registered"), body))
    assert [(one.code, one.row) for one in findings] == [(code, 9)]


NOT_LOADED = {
    "for version 2": ("\nMine.api_version = 2\n", "is for version 2 of the contract; this Ogniwo has version 1"),
    "for no version": ("\nMine.api_version = None\n", "names no version of the contract"),
    "no title": ('\nMine.title = "a\\nb"\n', "has no title of one line"),
    "no method": ("\ndel Mine.read\n", "is no class that makes a Reader"),
    "fails": ("\n1 // 0\n", "cannot be loaded: ZeroDivisionError"),
    "leaves": ("\nraise SystemExit(3)\n", "cannot be loaded: SystemExit: 3"),
    "fails when made": ("\n    def __init__(self):\n        raise OSError\n", "cannot be loaded: OSError"),
    "reaches inside": (
        "\nimport ogniwo.services.workspace.model\n",
        "imports ogniwo.services.workspace.model (mine",
    ),
    "reaches inside a function": ("\ndef f():\n    from ogniwo import records\n", "imports ogniwo.records (mine.py:"),
}


@pytest.mark.parametrize("wrong", NOT_LOADED)
def test_a_plug_in_that_breaks_the_contract_is_not_loaded_and_says_why(at_stage, with_mine, wrong):
    body, reason = NOT_LOADED[wrong]
    workspace = with_mine(at_stage("registered"), body)
    (view,) = plugins_of(workspace)
    assert (view.loaded, view.troubled) == (False, True)
    assert view.reason.startswith("mine 1.0")
    assert reason in view.reason
    assert [(one.code, one.message) for one in _refused(workspace)][1:] == [
        ("plugin.absent", f"the plug-in mine: {view.reason}")
    ]
    with pytest.raises(PluginNotLoadedError):
        allow_plugin(workspace, name="mine")


def test_a_plug_in_is_loaded_whole_or_not_at_all(at_stage, with_mine):
    half = "\nclass Half:\n    api_version = 1\n    title = 'Half'\n"
    workspace = with_mine(at_stage("registered"), half, readers=["Mine"], exports=["Half"])
    assert usable(workspace)[0] == ()
    (view,) = plugins_of(workspace)
    assert "mine:Half is no class that makes a BillExport" in view.reason


def test_a_group_of_a_later_version_is_not_taken_for_nothing(at_stage, with_mine):
    workspace = with_mine(at_stage("registered"), "", readers=["Mine"], others=["Mine"])
    (view,) = plugins_of(workspace)
    assert view.reason == "mine 1.0 offers ogniwo.others, which this version of Ogniwo does not know"


def test_a_file_that_two_know_waits_for_the_user_and_one_that_fails_to_look_is_told(at_stage, with_mine, tmp_path):
    body = '\n    def values(self, file):\n        return {"intervals": [self.one(0), self.one(1)]}\n'
    more = """
class Other(Mine):
    def recognises(self, file):
        return file.data.startswith(b"MINE BOTH")
class Sick(Mine):
    def recognises(self, file):
        raise LookupError("no idea")
class Vague(Mine):
    def recognises(self, file):
        return "yes"
class Rude(Mine):
    def recognises(self, file):
        raise FileError("not now")
"""
    workspace = with_mine(at_stage("registered"), body + more, readers=["Mine", "Other", "Sick", "Vague", "Rude"])
    (both,) = _refused(workspace, b"MINE BOTH")
    assert both.message == "the file fits mine/mine and mine/other; name one of them"
    reading = _read(workspace)
    assert reading.layout == "mine/mine"
    told = [(one.code, one.severity.name, one.message.partition(";")[0]) for one in reading.findings]
    assert told == [
        ("plugin.not_asked", "WARNING", "mine/rude of mine 1.0 failed: FileError: not now"),
        ("plugin.not_asked", "WARNING", "mine/sick of mine 1.0 failed: LookupError: no idea"),
        ("plugin.not_asked", "WARNING", "mine/vague of mine 1.0 said str instead of yes or no"),
    ]
    assert _read(workspace, b"MINE BOTH", layout="mine/other").layout == "mine/other"
    assert [one.code for one in _refused(workspace, b"else")] == ["read.unknown_layout", *["plugin.not_asked"] * 3]


def test_an_import_by_name_goes_through_the_same_door(at_stage, with_acme):
    workspace = at_stage("registered")
    allow_plugin(workspace, name=NAME)
    rows = [("2026-10-01T00:00+02:00", "0.25", "ok"), ("2026-10-01T01:00+02:00", "0.5", "ok")]
    data = portal_file(rows, point="").replace(MARK.encode(), b"no mark\n")
    options = ImportOptions(layout=LAYOUT, point=POINT)
    (result,) = import_files(workspace, organisation=_coop(), files=[("x.txt", data)], options=options)
    assert (result.state, result.layout, result.intervals) == ("imported", LAYOUT, 2)
