"""Bills, ledger, log and health: what was issued, posted and done, each for those who may see it."""

import json
import re

from ogniwo.records.audit.models import AuditEvent
from ogniwo.services.access.roles import Role
from ogniwo.services.billing.access import document_view, listed_documents
from ogniwo.services.demo.sample import COMMUNITY_CODE
from ogniwo.services.ledger.queries import account_view, balances
from ogniwo.services.workspace.log import LogFilter, log_entries
from ogniwo.services.workspace.queries import Subject, operator_subject

BASE = f"/o/{COMMUNITY_CODE}"


def page(browser, address):
    answer = browser.get(f"{BASE}/{address}")
    assert answer.status_code == 200, answer.status_code
    return answer.content.decode()


def first_bill():
    return listed_documents(subject=operator_subject())[0]["number"]


def test_the_list_of_bills_adds_up_and_is_searched(reader_of):
    browser = reader_of(Role.CLERK)
    documents = listed_documents(subject=operator_subject(), month="2026-10")
    found = page(browser, "bills/?month=2026-10")
    assert f"{len(documents)} documents" in found
    net, gross = re.findall(r'class="number">([\d.,]+)<', found.split("<tfoot>")[1])
    assert int(re.sub(r"\D", "", gross)) == sum(int(one["gross_grosz"]) for one in documents)
    assert int(re.sub(r"\D", "", net)) == sum(int(one["net_grosz"]) for one in documents)
    assert "1 document<" in page(browser, f"bills/?month=2026-10&q={documents[0]['number']}")
    assert "No bill was issued" in page(browser, "bills/?month=2026-09")
    assert f"{len(documents)} documents" in page(browser, "bills/?month=2026-09&when=all")


def test_a_bill_explains_every_line_down_to_its_hours(shared, reader_of):
    number = first_bill()
    view = document_view(shared, number=number, subject=operator_subject(), language="en", with_hours=True)
    found = page(reader_of(Role.CLERK), f"bills/{number}/")
    for one in view.explanations:
        assert one.label in found
        assert one.formula.replace("×", "×") in found
    assert view.hours
    for hours in view.hours.values():
        assert found.count("Hour from (UTC)") == len(view.hours)
        assert hours.rows[0][0] in found


def test_the_pdf_and_the_receipt_are_handed_out(reader_of):
    browser, number = reader_of(Role.AUDITOR), first_bill()
    pdf = browser.get(f"{BASE}/bills/{number}/pdf/")
    assert pdf.content.startswith(b"%PDF-")
    assert number.replace("/", "-") in pdf["Content-Disposition"]
    receipt = json.loads(browser.get(f"{BASE}/bills/{number}/receipt/").content)
    assert receipt
    assert browser.get("/o/inna/bills/FV/1/pdf/").status_code == 404


def test_accounts_show_balances_that_movements_lead_to(shared, reader_of):
    browser = reader_of(Role.AUDITOR)
    found = page(browser, "ledger/")
    held = [one for one in balances(shared, subject=operator_subject()) if one.name.startswith("SE-")]
    assert held
    assert f"{BASE}/ledger/account/{held[0].account}/" in found
    view = account_view(shared, account=held[0].account, subject=operator_subject())
    assert view.movements[0].balance_after == held[0].amount
    assert sum(one.amount for one in view.movements) == held[0].amount
    assert "Balance after" in page(browser, f"ledger/account/{held[0].account}/")
    assert browser.get(f"/o/inna/ledger/account/{held[0].account}/").status_code == 404
    assert "1 account with a balance" in page(browser, f"ledger/?q={held[0].account}&asset={held[0].asset}")


def test_an_auditor_verifies_and_a_changed_file_is_found(copy_of, sign_in):
    workspace = copy_of("posted")
    auditor, operator = sign_in(workspace, Role.AUDITOR), sign_in(workspace, Role.OPERATOR)
    assert auditor.post(f"{BASE}/ledger/verify/").status_code == 302
    found = page(auditor, "ledger/")
    assert found.count(">agrees</span>") == 10
    assert "Everything agrees." in found
    received = next(path for path in workspace.received.rglob("*") if path.is_file())
    received.write_bytes(received.read_bytes() + b"x")
    auditor.post(f"{BASE}/ledger/verify/")
    found = page(auditor, "ledger/")
    assert found.count(">differs</span>") == 1
    assert "verify.file_changed<" in found, "a partner's auditor reads the code and no other's names"
    operator.post(f"{BASE}/ledger/verify/")
    found = page(operator, "ledger/")
    assert "the received file" in found, "who runs it reads which"
    assert "verify.file_changed<" in found


def test_without_a_ledger_the_page_says_what_next(site, browser_of):
    found = page(browser_of(Role.CLERK), "ledger/")
    assert "Nothing was posted yet. Close a month and post it." in found


def test_the_log_is_filtered_and_shows_who_and_what(reader_of):
    found = page(reader_of(Role.PARTNER), "log/?action=period.close")
    assert found.count('<code class="quiet">period.close</code>') == 1
    assert "inputs_digest" in found
    assert "Nothing fits" in page(reader_of(Role.PARTNER), "log/?who=nobody-of-that-name")
    assert "Nothing fits" in page(reader_of(Role.PARTNER), "log/?first=2030-01-01")


def test_the_log_of_a_neighbour_is_empty(shared):
    AuditEvent.objects.create(at=shared.now(), subject="eve", action="access.invite", target="inna", facts={})
    ours = log_entries(subject=Subject(f"/platforma/{COMMUNITY_CODE}/"), wanted=LogFilter(), limit=10_000)
    theirs = log_entries(subject=Subject("/platforma/inna/"), wanted=LogFilter())
    everything = log_entries(subject=operator_subject(), wanted=LogFilter(), limit=10_000)
    assert {one.target for one in theirs} == {"inna"}
    assert all(one.target != "inna" for one in ours)
    assert len(everything) > len(ours) > 50


def test_health_names_versions_and_heads(shared, reader_of):
    found = page(reader_of(Role.OPERATOR), "health/")
    assert "Django" in found
    assert str(shared.series.head()[0]) in found
    assert "enough space on the disk" in found or "nearly full" in found
    assert "Last import" in found
