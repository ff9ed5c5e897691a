"""Pages ask the database as often for a large organisation as for a small one, and no page waits for a writer."""

import pytest
from django.db import connection

from ogniwo.records.contracts.models import Membership, SupplyContractRecord
from ogniwo.records.metering.models import Meter, MeteringPoint, MeterInstallation, MeterRatio, PointGroup
from ogniwo.records.parties.models import Member, Organisation
from ogniwo.services.access.roles import Role
from ogniwo.services.demo.sample import COMMUNITY_CODE
from ogniwo.services.workspace.audit import record_act

PAGES = (
    "today/",
    "members/",
    "members/?mode=bill",
    "members/?state=settles",
    "points/",
    "points/?role=consumer",
    "quality/",
    "bills/",
    "bills/?q=se",
    "people/",
    "period/",
    "files/",
    "balance/",
    "ledger/",
    "ledger/journal/",
)
MORE = 360


class Asked:
    """Counts what is asked of the database."""

    def __init__(self):
        self.statements = []

    def __call__(self, execute, sql, params, many, context):
        self.statements.append(sql)
        return execute(sql, params, many, context)


def asked(browser, page):
    address = f"/o/{COMMUNITY_CODE}/{page}{'&' if '?' in page else '?'}month=2026-10"
    assert browser.get(address).status_code == 200  # what is made once per process is made here
    counted = Asked()
    with connection.execute_wrapper(counted):
        assert browser.get(address).status_code == 200
    return counted.statements


def grown(workspace):
    """As many members again, nine times, each with a point, a meter, a contract and a group of his own."""
    community = Organisation.objects.get(code=COMMUNITY_CODE)
    pattern = Membership.objects.select_related("point").first()
    contract = SupplyContractRecord.objects.filter(point=pattern.point).first()
    since = MeterInstallation.objects.filter(point=pattern.point).first().valid_from
    for number in range(1_000, 1_000 + MORE):
        member = Member.objects.create(organisation=community, number=f"SE-{number}", name="x", kind="household")
        group = PointGroup.objects.create(organisation=community, parent=None, name=f"g{number}")
        point = MeteringPoint.objects.create(
            organisation=community, member=member, group=group, code=f"{number:018d}", role="consumer"
        )
        meter = Meter.objects.create(serial=f"M{number}")
        MeterRatio.objects.create(meter=meter, valid_from=since)
        MeterInstallation.objects.create(meter=meter, point=point, valid_from=since)
        SupplyContractRecord.objects.create(
            point=point,
            valid_from=contract.valid_from,
            operator=contract.operator,
            group=contract.group,
            terms=contract.terms,
        )
        Membership.objects.create(community=community, point=point, valid_from=pattern.valid_from)
    record_act(workspace, action="test.grow", target=COMMUNITY_CODE, facts={"members": MORE})


def test_no_page_asks_more_often_when_there_are_ten_times_as_many_members(copy_of, sign_in):
    workspace = copy_of("posted")
    browser = sign_in(workspace, Role.PARTNER)
    before = {page: asked(browser, page) for page in PAGES}
    grown(workspace)
    for page in PAGES:
        after = asked(browser, page)
        assert len(after) <= len(before[page]), (page, sorted(set(after))[:5])
        assert len(after) <= 32, page


@pytest.mark.parametrize("page", ["today/", "members/", "bills/"])
def test_reading_a_page_again_writes_nothing(reader_of, page):
    browser = reader_of(Role.PARTNER)
    written = [sql for sql in asked(browser, page) if sql.split()[0] in {"INSERT", "UPDATE", "DELETE", "BEGIN"}]
    assert written == []
