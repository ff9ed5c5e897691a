"""The ledger's pages after the blocks went to PostgreSQL under a console that was running all the while."""

import re

import pytest

from ogniwo.services.access.roles import Role
from ogniwo.services.demo.sample import COMMUNITY_CODE
from ogniwo.services.ledger.moving import move_ledger

pytestmark = pytest.mark.xdist_group("postgresql")

LEDGER = f"/o/{COMMUNITY_CODE}/ledger/"


def test_the_pages_say_the_same_before_and_after(copy_of, sign_in, postgresql):
    workspace = copy_of("posted")
    browser = sign_in(workspace, Role.CLERK)
    journal = shown(browser, f"{LEDGER}journal/")
    transaction = re.search(rf"{LEDGER}transaction/[0-9a-f]+/", journal)[0]
    pages = [LEDGER, f"{LEDGER}journal/", transaction, f"{transaction}proof/"]
    before = [shown(browser, page) for page in pages]
    address = f"postgresql://ogniwo@/postgres?host={postgresql['HOST']}#console-{workspace.root.parent.name}"
    moved = move_ledger(workspace, address=address)
    assert moved.blocks > 1
    assert not workspace.ledger_file.exists()
    assert [shown(browser, page) for page in pages] == before
    assert workspace.ledger == ""  # the same object as before: who runs already follows by itself


def shown(browser, page):
    """What a page or file says; a token against forgery differs each time."""
    answer = browser.get(page)
    assert answer.status_code == 200, page
    text = answer.content.decode()
    return re.sub(r'name="csrfmiddlewaretoken" value="[^"]*"', "", text[max(text.find("<main"), 0) :])
