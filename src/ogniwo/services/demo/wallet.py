"""Make the sample cooperative's wallets ready to be tried: payments switched on with a notice, tokens for members."""

from typing import Final

from ogniwo.records.visibility import Subject
from ogniwo.services.contracts.queries import community
from ogniwo.services.demo.sample import COMMUNITY_CODE, POINTS
from ogniwo.services.ledger.payments import PAYMENT_ASSET, issue, switch
from ogniwo.services.ledger.viewing import view_ledger
from ogniwo.services.ledger.wallets import wallet_view
from ogniwo.services.workspace.model import Workspace

MEMBERS: Final = (*(point.member_number for point in POINTS[:6]), "SE-021")
"""Who gets tokens: the first six households, and one with panels on the roof."""

AMOUNT: Final = 50_000
"""How much each gets, in grosze: enough for a bill and for a neighbour."""

NOTICE: Final = (
    "Spółdzielnia Energetyczna Przykładowo zawiadamia członków o żetonach płatniczych przyjmowanych wyłącznie przez "
    "spółdzielnię i jej członków. Jeden żeton odpowiada jednemu złotemu; wydawca wymienia go na złote po wartości "
    "nominalnej, w każdej chwili. Dane są przykładowe: nikt nie płaci tu prawdziwymi pieniędzmi."
)


def prepare_wallets(workspace: Workspace) -> tuple[str, ...]:
    """Switch payments on, with the notice recorded, and issue tokens to sample members against the control account.

    Gives the numbers of the members that got some now; safe to repeat.
    """
    subject = Subject.operator()
    cooperative = community(code=COMMUNITY_CODE, subject=subject)
    with view_ledger(workspace) as (ledger, _), ledger.reading() as state:
        switched = state.switches.get(PAYMENT_ASSET)
        active = switched is not None and switched.active
    if not active:
        switch(
            workspace,
            community=cooperative,
            asset=PAYMENT_ASSET,
            active=True,
            basis="limited-network",
            notice=NOTICE,
        )
    given = []
    for number in MEMBERS:
        own = Subject(cooperative.path, number)
        if not any(one.asset == PAYMENT_ASSET for one in wallet_view(workspace, subject=own).holdings):
            issue(
                workspace,
                community=cooperative,
                member=number,
                asset=PAYMENT_ASSET,
                amount=AMOUNT,
                subject=subject,
            )
            given.append(number)
    return tuple(given)
