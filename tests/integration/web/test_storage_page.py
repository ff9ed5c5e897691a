"""The page of the month's storages: before anything is marked, before it is followed, and with the account."""

import re

from ogniwo.core.balancing.provenance import StorageTerms
from ogniwo.services.access.roles import Role
from ogniwo.services.contracts.queries import community
from ogniwo.services.demo.sample import COMMUNITY_CODE, MONTH, POINTS
from ogniwo.services.storage.declaring import declare_storage
from ogniwo.services.storage.queries import storage_month
from ogniwo.services.storage.tracing import trace_month
from ogniwo.services.workspace.queries import operator_subject

PLACE = f"/o/{COMMUNITY_CODE}/balance/storages/?month={MONTH}"
PROSUMER = next(one for one in POINTS if one.role == "prosumer")


def test_the_page_says_what_is_missing_and_then_shows_the_account(site, browser_of):
    clerk, operator = browser_of(Role.CLERK), operator_subject()
    cooperative = community(code=COMMUNITY_CODE, subject=operator)
    assert "No metering point of this community is marked as a storage" in clerk.get(PLACE).content.decode()
    terms = StorageTerms(point=PROSUMER.code, efficiency_permille=900)
    declare_storage(site, community=cooperative, terms=terms, since=MONTH, subject=operator)
    waiting = clerk.get(PLACE).content.decode()
    assert "Nobody has followed" in waiting
    assert PROSUMER.code in waiting
    trace_month(site, community=cooperative, month=MONTH)
    document = storage_month(community=cooperative, month=MONTH, subject=operator).document

    shown = clerk.get(PLACE).content.decode()
    body = shown[shown.index('id="sources"') :].split("</tbody>", 1)[0]
    numbers = [re.findall(r'<td class="number">([^<]*)</td>', row) for row in body.split("<tr>")[2:]]
    names = ("carried_wh", "charged_wh", "unrecorded_wh", "out_wh", "shared_wh", "lost_wh", "stored_wh")
    said = [[round(float(re.sub(r"[^\d.]", "", cell)) * 1000) for cell in row] for row in numbers]
    assert said == [[row[name] for name in names] for row in document["rows"]]
    # a prosumer that is no storage gives more than it took: what came from nowhere is said
    assert "storage.more_out_than_stored" in shown
    assert '<span class="state warn">warning</span>' in shown
    assert "origin unknown" in shown
    polish = browser_of(Role.CLERK, language="pl").get(PLACE).content.decode()
    assert "Każda kWh raz" in polish
