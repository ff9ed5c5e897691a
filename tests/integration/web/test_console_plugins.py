"""Plug-ins on screen and through jobs: what is installed and wanted, and bills in the form of an export."""

import io
import zipfile

import pytest
from django.urls import reverse

from browsing import LOOKED_AT, browse, faults, page_of, serving
from ogniwo.records.billing.models import InvoiceRecord
from ogniwo.records.jobs.models import Job
from ogniwo.services.access.roles import Role
from ogniwo.services.billing.queries import InvoiceNotFoundError
from ogniwo.services.demo.sample import COMMUNITY_CODE
from ogniwo.services.jobs.queries import job_of
from ogniwo.services.jobs.work.exports import made_file
from ogniwo.services.plugins.exporting import (
    ExportRefusedError,
    bill_exports,
    export_bills_by,
    write_export,
)
from ogniwo.services.plugins.model import PluginFailedError, UnknownExportError
from ogniwo.services.workspace.queries import Subject, operator_subject
from plug_in_projects import files_of_the_page, on_the_path, put

HEAD = """
from ogniwo.plugins import ExportFile, FileError
class Ledger:
    api_version = 1
    title = "Acme ledger, text"
    def export(self, bills):
"""
FILES = (
    '        return [ExportFile(name="a.txt", data=repr(bills).encode()), ExportFile(name="b ą.json", data=b"{}")]\n'
)


@pytest.fixture
def billed(site, copy_of):
    """The month billed; opened last, so that browsers made from now on are of this workspace."""
    return copy_of("posted")


@pytest.fixture
def packages(tmp_path):
    with on_the_path(tmp_path / "packages") as target:
        yield target


def allow(workspace, *names):
    text = workspace.settings_file.read_text(encoding="utf-8")
    workspace.settings_file.write_text(f"plugins = {list(names)!r}\n{text}", encoding="utf-8")


def page(browser, name):
    return browser.get(reverse(name, kwargs={"code": COMMUNITY_CODE}) + "?month=2026-10").content.decode()


def test_settings_show_plug_ins_and_health_those_that_are_wanted_and_do_not_work(site, browser_of, packages):
    operator = browser_of(Role.OPERATOR)
    assert "No plug-in is installed." in page(operator, "settings")
    put(packages, "good", HEAD + FILES, exports=["Ledger"])
    put(packages, "old", HEAD.replace("api_version = 1", "api_version = 0") + FILES, exports=["Ledger"], version="3.1")
    put(packages, "idle", HEAD + FILES, exports=["Ledger"])
    allow(site, "good", "old", "gone")
    settings = page(operator, "settings")
    for text in ("in use", "not allowed", "allowed, but not installed", "allowed, but cannot be loaded", "3.1"):
        assert text in settings, text
    assert "export of bills: Acme ledger, text <code>good/ledger</code>" in settings
    assert "is for version 0 of the contract" in settings
    health = page(operator, "health")
    assert "allowed, but not installed" in health
    assert "old 3.1: old:Ledger is for version 0" in health
    assert "idle" not in health
    assert "good" not in health.partition("<h1>")[2].partition("Versions")[0].replace('"state good"', "")


def test_a_month_of_bills_in_the_form_of_a_plug_in_is_a_job_with_a_file(billed, packages, drain, browser_of):
    source = files_of_the_page()["acme_meters.py"]
    put(packages, "acme-meters", source, readers=["PortalReader"], exports=["LedgerExport"])
    key = "acme-meters/ledgerexport"
    clerk = browser_of(Role.OPERATOR)
    address = reverse("export_bills", kwargs={"code": COMMUNITY_CODE}) + "?month=2026-10"
    assert key not in page(clerk, "bills")
    clerk.post(address, {"form": key})
    assert not Job.objects.exists()
    allow(billed, "acme-meters")
    assert f'name="form" value="{key}"' in page(clerk, "bills")
    clerk.post(address, {"form": key})
    drain(billed)
    job = job_of(Job.objects.get().pk, subject=operator_subject())
    assert (job.state, job.result["file"]) == ("done", f"{COMMUNITY_CODE}-2026-10-acme-meters-ledgerexport.zip")
    with zipfile.ZipFile(io.BytesIO(made_file(billed, job).read_bytes())) as archive:
        lines = archive.read("acme-ledger.txt").decode().splitlines()
        assert archive.namelist() == ["acme-ledger.txt"]
    wanted = InvoiceRecord.objects.order_by("number").values_list("number", "member__number", "gross_grosz")
    assert [(line.split("|")[0], line.split("|")[3], int(line.split("|")[4])) for line in lines] == list(wanted)
    assert len(lines) > 20


def test_an_export_sees_what_the_user_sees_and_the_documents_byte_for_byte(billed, packages, tmp_path):
    body = "        self.seen = bills\n" + FILES
    put(packages, "seer", HEAD + body, exports=["Ledger"])
    allow(billed, "seer")
    assert [(one.key, one.title) for one in bill_exports(billed)] == [("seer/ledger", "Acme ledger, text")]
    record = InvoiceRecord.objects.select_related("member").order_by("number").last()
    options = {"key": "seer/ledger", "language": "pl"}
    files = export_bills_by(billed, subject=operator_subject(), numbers=[record.number, record.number], **options)
    text = files[0].data.decode()
    assert text.count("Bill(") == 1
    assert repr(record.document.encode()) in text
    assert record.digest in text
    written = write_export(tmp_path / "out", files)
    assert [one.name for one in written] == ["a.txt", "b ą.json"]
    assert sorted(one.name for one in (tmp_path / "out").iterdir()) == ["a.txt", "b ą.json"]
    with pytest.raises(InvoiceNotFoundError):
        export_bills_by(billed, subject=Subject("/platforma/inna/"), numbers=[record.number], **options)
    nothing = export_bills_by(billed, subject=Subject("/platforma/inna/"), month="2026-10", **options)
    assert "Bill(" not in nothing[0].data.decode()
    with pytest.raises(UnknownExportError, match="seer/ledger"):
        export_bills_by(billed, subject=operator_subject(), month="2026-10", key="other/one", language="pl")


WRONG = {
    "raises": ("raise KeyError('x')", PluginFailedError, "KeyError"),
    "leaves": ("raise SystemExit", PluginFailedError, "SystemExit"),
    "refuses": ("raise FileError('closed')", ExportRefusedError, "closed"),
    "nothing": ("return []", PluginFailedError, "no file"),
    "no list": ("return None", PluginFailedError, "TypeError"),
    "no file": ("return ['a.txt']", PluginFailedError, "str"),
    "text": ("return [ExportFile(name='a.txt', data='text')]", PluginFailedError, "ExportFile with bytes"),
    "folder": ("return [ExportFile(name='../a.txt', data=b'')]", PluginFailedError, "plain name"),
    "twice": (
        "return [ExportFile(name='a', data=b''), ExportFile(name='A', data=b'')]",
        PluginFailedError,
        "two files",
    ),
}


def test_what_an_export_gives_is_written_whole_or_refused_with_its_name(billed, packages):
    names = [put(packages, f"try-{index}", f"{HEAD}        {body}\n", exports=["Ledger"])
             for index, (body, _, _) in enumerate(WRONG.values())]  # fmt: skip
    allow(billed, *names)
    for name, (_, refusal, text) in zip(names, WRONG.values(), strict=True):
        with pytest.raises(refusal, match=text) as caught:
            export_bills_by(billed, key=f"{name}/ledger", subject=operator_subject(), month="2026-10", language="pl")
        assert caught.value.detail.startswith(f"{name}/ledger of {name} 1.0")


def test_plug_ins_in_every_state_are_accessible_and_fit(billed, browser_of, packages, monkeypatch):
    put(packages, "acme-meters-of-the-northern-grid", HEAD + FILES, exports=["Ledger"])
    put(packages, "old", HEAD.replace("api_version = 1", "api_version = 0") + FILES, exports=["Ledger"], version="3.1")
    put(packages, "idle", HEAD + FILES, exports=["Ledger"])
    allow(billed, "acme-meters-of-the-northern-grid", "old", "gone")
    monkeypatch.setenv("PYTHONPATH", str(packages))  # the serving process has the same packages
    cookie = browser_of(Role.OPERATOR).cookies["sessionid"].value
    with serving(billed) as base:
        assert browse(lambda browser: _faults(browser, base, cookie)) == []


def _faults(browser, base, cookie):
    wrong = []
    for language, word in (("pl", "niedopuszczona"), ("en", "not allowed")):
        page = page_of(browser, base, cookie, wrong=wrong, locale=language)
        for name in ("settings", "health", "bills"):
            page.goto(f"{base}/o/{COMMUNITY_CODE}/{name}/?month=2026-10")
            assert (word in page.content()) == (name == "settings")
            wrong += faults(page, f"{name} {language}", read_at=(LOOKED_AT[language][0],))
        assert page.get_by_role("button", name="Acme ledger, text").count() == 1
    return wrong
