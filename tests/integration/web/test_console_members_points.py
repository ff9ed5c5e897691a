"""Members and points: found, counted, and shown with all that belongs to them."""

import re

from ogniwo.services.access.roles import Role
from ogniwo.services.billing.access import listed_documents
from ogniwo.services.demo.sample import COMMUNITY_CODE, MONTH, POINTS
from ogniwo.services.settlement.queries import member_totals, settled_month
from ogniwo.services.workspace.queries import operator_subject, organisation

BASE = f"/o/{COMMUNITY_CODE}"
ONE = POINTS[1]


def page(browser, address):
    answer = browser.get(f"{BASE}/{address}")
    assert answer.status_code == 200
    return answer.content.decode()


def test_search_finds_by_number_name_and_point(reader_of):
    browser = reader_of(Role.CLERK)
    for asked in (ONE.member_number, ONE.name, ONE.code):
        found = page(browser, f"members/?month=2026-10&q={asked}")
        assert "1 member found" in found
        assert f">{ONE.member_number}</a>" in found
    assert "Nobody fits" in page(browser, "members/?q=nobody+of+that+name")


def test_the_status_is_that_of_the_month(reader_of):
    browser = reader_of(Role.CLERK)
    assert "40 members found" in page(browser, "members/?month=2026-10&state=settles")
    assert "40 members found" in page(browser, "members/?month=2025-10&state=later")
    assert "0 members found" in page(browser, "members/?month=2026-10&state=ended")


def test_the_bill_view_adds_up_to_the_settlement(reader_of):
    found = page(reader_of(Role.CLERK), "members/?month=2026-10&mode=bill")
    subject = operator_subject()
    totals = member_totals(
        settled_month(
            community=organisation(code=COMMUNITY_CODE, subject=subject), month=MONTH, subject=subject
        ).statements
    )
    foot = re.findall(r'class="number">([^<]+)<', found.split("<tfoot>")[1])
    grosz = [int(re.sub(r"\D", "", text)) for text in foot]
    assert grosz[0] == sum(one.flows.taken_wh for one in totals)
    assert grosz[3] == sum(one.net_grosz for one in totals)
    assert grosz[4] == sum(one.gross_grosz for one in totals)


def test_one_member_has_points_bill_statement_tokens_and_log(reader_of):
    found = page(reader_of(Role.PARTNER), f"members/{ONE.member_number}/?month=2026-10")
    (bill,) = listed_documents(subject=operator_subject(), member=ONE.member_number)
    assert f'href="{BASE}/points/{ONE.code}/"' in found
    assert f'href="{BASE}/bills/{bill["number"]}/"' in found
    assert "KWH-IN/3" in found
    assert "DUE/2" in found
    assert "invoice.issue" in found.split("<h2>Log</h2>")[1]
    assert "none: invite the member" in found


def test_a_clerk_sees_no_log_on_the_member(reader_of):
    assert "<h2>Log</h2>" not in page(reader_of(Role.CLERK), f"members/{ONE.member_number}/")


def test_what_is_not_there_is_not_found(reader_of):
    browser = reader_of(Role.CLERK)
    for address in ("members/SE-999/", "points/590000000000000000/", "files/0000/", "bills/FV/1999/1/", "balance/x/"):
        assert browser.get(f"{BASE}/{address}").status_code == 404, address
    assert browser.get("/o/inna/members/SE-001/").status_code == 404


def test_points_are_found_and_filtered_by_role(reader_of):
    browser = reader_of(Role.CLERK)
    consumers = sum(one.role == "consumer" for one in POINTS)
    assert f"{consumers} points found" in page(browser, "points/?role=consumer")
    assert "1 point found" in page(browser, f"points/?q={ONE.code}")


def test_a_point_shows_validity_as_bars_and_as_dates(reader_of):
    found = page(reader_of(Role.CLERK), f"points/{ONE.code}/?month=2026-10")
    bars = re.findall(r'<rect class="bar-ground" x="(\d+)"[^>]*width="(\d+)"', found)
    assert len(bars) == 4, "meter, its ratio, contract, membership"
    assert all(int(x) + int(width) <= 988 for x, width in bars)
    (meter_x, _, contract_x, _) = (int(x) for x, _ in bars)
    assert meter_x < contract_x
    assert "2024-01-01" in found
    assert "Intervals of the month" in found


def test_the_operators_organisation_opens_the_points_below_it(reader_of):
    answer = reader_of(Role.OPERATOR).get(f"/o/platforma/points/{ONE.code}/")
    assert answer.status_code == 200
