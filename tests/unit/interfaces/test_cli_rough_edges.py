"""What is said where there is little to say: empty files, empty documents, many points without data."""

import io
from types import SimpleNamespace

import pytest
import xlsxwriter
from click.testing import CliRunner

from ogniwo.core.kernel.calendar import Month
from ogniwo.formats.meter_files.model import FileRefusedError
from ogniwo.formats.meter_files.reader import read_meter_file
from ogniwo.interfaces.cli import importing
from ogniwo.interfaces.cli import invoice as invoice_commands
from ogniwo.interfaces.cli.main import Runtime
from ogniwo.services.billing.access import DocumentView
from ogniwo.services.settlement.loading import IncompleteMonthError, _refuse_incomplete
from ogniwo.services.workspace.master_data import MasterDataRefusedError, parse_master_data


def lacking(code, slots):
    point = SimpleNamespace(code=code, role="consumer")
    imports = None if slots is None else object()
    return SimpleNamespace(point=point, imports=imports, exports=None, missing_slots=lambda: slots)


@pytest.mark.parametrize(
    ("count", "named"),
    [
        (1, "(P1: 69 intervals)"),
        (5, "(P1: 69 intervals; P2: no series; P3: no series; P4: no series; P5: no series)"),
        (6, "(P1: 69 intervals; P2: no series; P3: no series; P4: no series; P5: no series; and 1 more)"),
        (40, "(P1: 69 intervals; P2: no series; P3: no series; P4: no series; P5: no series; and 35 more)"),
    ],
)
def test_a_month_without_data_names_at_most_five_points(count, named):
    points = [lacking("P0", 0), lacking("P1", 69), *(lacking(f"P{number}", None) for number in range(2, count + 1))]
    with pytest.raises(IncompleteMonthError) as refused:
        _refuse_incomplete(points, Month(2026, 10))
    assert f"intervals are missing {named}; import the data" in refused.value.detail


def workbook(*rows):
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True}) as book:
        sheet = book.add_worksheet()
        for number, row in enumerate(rows):
            sheet.write_row(number, 0, row)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "data",
    [b"", b"\n \r\n", b"\xef\xbb\xbf", b"\xff\xfe", b";;;\r\n;;;\r\n", workbook()],
    ids=["nothing", "blank", "bom", "utf-16", "separators", "workbook"],
)
def test_an_empty_meter_file_is_called_empty(data):
    with pytest.raises(FileRefusedError) as refused:
        read_meter_file(data, file_name="october.csv")
    assert "the file is empty" in refused.value.detail
    assert "begins" not in refused.value.detail


@pytest.mark.parametrize("data", [b"a;b\n1;2\n", workbook(("a", "b"))], ids=["text", "workbook"])
def test_a_file_with_something_in_it_is_shown_as_it_begins(data):
    with pytest.raises(FileRefusedError, match="no known layout fits the file; it begins: a; b"):
        read_meter_file(data, file_name="october")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "m.toml is empty, nothing was registered"),
        (b"\xef\xbb\xbf\n", "m.toml is empty, nothing was registered"),
        (b"# later\n", "m.toml has no rows, nothing was registered"),
        (b"member = []\n", "m.toml has no rows, nothing was registered"),
    ],
)
def test_master_data_without_rows_are_refused(data, reason):
    with pytest.raises(MasterDataRefusedError) as refused:
        parse_master_data(data, file_name="m.toml")
    assert refused.value.detail.startswith(reason)
    assert "organisation, member, point" in refused.value.detail


@pytest.fixture
def invoke(tmp_path, monkeypatch):
    for module in (invoice_commands, importing):
        monkeypatch.setattr(module, "opened", lambda _runtime: None)
        monkeypatch.setattr(module, "operator_subject", lambda: None)
    monkeypatch.setattr(importing, "organisation_of", lambda _code: None)
    runtime = Runtime(prepare=lambda _folder: None, folder=tmp_path)
    return lambda command, *arguments: CliRunner().invoke(command, [str(one) for one in arguments], obj=runtime)


@pytest.mark.parametrize("options", [(), ("--json",), ("--dry-run",)])
def test_importing_a_folder_without_files_is_wrong_use(invoke, tmp_path, options):
    (tmp_path / "october" / "older").mkdir(parents=True)
    result = invoke(importing.import_command, tmp_path / "october", *options)
    assert (result.exit_code, result.stdout) == (2, "")
    assert f"there are no files in {tmp_path / 'october'}" in result.stderr


def document(*lines):
    totals = {"net_grosz": 300, "vat_grosz": 69, "gross_grosz": 369}
    head = {"number": "FV/1", "issue_date": "2026-11-10", "buyer": {"name": "Kowal"}, "kind": "VAT", "totals": totals}
    explanations = tuple(
        SimpleNamespace(line_number=number, label=f"item {number}", formula="1 × 1", net_grosz=100) for number in lines
    )
    return DocumentView(document=head, digest="ab" * 32, explanations=explanations, hours={})


@pytest.mark.parametrize("options", [(), ("--why",), ("--json",), ("--why", "--json")])
def test_a_line_that_a_document_does_not_have_is_refused(invoke, monkeypatch, options):
    monkeypatch.setattr(invoice_commands, "document_view", lambda *_args, **_options: document(1, 2, 3))
    result = invoke(invoice_commands.invoice_group, "show", "FV/1", "--line", "999", *options)
    assert (result.exit_code, result.stdout) == (4, "")
    assert "FV/1 has no line 999; its lines are 1 to 3" in result.stderr
    assert "[billing.no_such_line]" in result.stderr


def test_one_line_of_a_document_is_shown_alone(invoke, monkeypatch):
    monkeypatch.setattr(invoice_commands, "document_view", lambda *_args, **_options: document(1, 2, 3))
    alone = invoke(invoice_commands.invoice_group, "show", "FV/1", "--line", "2")
    assert alone.exit_code == 0
    assert [number for number in (1, 2, 3) if f"item {number}" in alone.stdout] == [2]
    every = invoke(invoice_commands.invoice_group, "show", "FV/1")
    assert [number for number in (1, 2, 3) if f"item {number}" in every.stdout] == [1, 2, 3]


def test_a_list_of_no_documents_says_so(invoke, monkeypatch):
    monkeypatch.setattr(invoice_commands, "listed_documents", lambda **_options: [])
    result = invoke(invoice_commands.invoice_group, "list")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "no documents\n")
    machine = invoke(invoice_commands.invoice_group, "list", "--json")
    assert (machine.exit_code, machine.stdout, machine.stderr) == (0, "[]\n", "")
