"""Sample terms of each template, between Jan who provides and Anna who uses."""

from ogniwo.core.posting.contract_terms import (
    ROLES,
    EnergySupply,
    EvCarLoan,
    EvChargingCredit,
    HourDiscount,
    StorageLease,
    Terms,
    TermsParty,
    obligations_of,
)

ANNA, JAN, POINT = "op/coop/m-anna", "op/coop/m-jan", "op/coop/p-jan"
SALT = bytes(range(16))
PARAMETERS = {
    "energy-supply": EnergySupply(
        channel="2.29.0", point=POINT, point_name="590999772600000218", price=4_500_000, price_scale=2
    ),
    "hour-discount": HourDiscount(
        channel="1.29.0",
        hours=(9, 10, 11, 14),
        point=POINT,
        point_name="590999772600000218",
        price=1_500,
        price_scale=0,
    ),
    "storage-rent": StorageLease(amount=4_900, capacity_wh=5_000, storage="Magazyn przy świetlicy"),
    "ev-car-loan": EvCarLoan(count=36, first="2026-12", total=9_000_001, vehicle="Samochód elektryczny"),
    "ev-charging-credit": EvChargingCredit(limit=30_000, station="Stacja przy remizie"),
}


def sample(template, language="pl", **changed):
    """Terms from 1 December 2026 on."""
    provider, user = ROLES[template]
    parameters = PARAMETERS[template]
    parties = tuple(
        TermsParty(account=account, address="ul. Polna 3", consumer=consumer, name=name, number=number, role=role)
        for account, consumer, name, number, role in (
            (JAN, False, "Jan", "M-2", provider),
            (ANNA, True, "Anna", "M-1", user),
        )
    )
    facts = {
        "asset": "PLN/2",
        "clauses": ("Strony zawiadamiają się o awarii licznika.",),
        "concluded": "2026-11-02",
        "language": language,
        "notice_days": 30,
        "obligations": obligations_of(parameters, provider=JAN, user=ANNA, asset="PLN/2"),
        "parameters": parameters,
        "parties": parties,
        "replaces": "",
        "valid_from": "2026-12-01",
        "valid_to": "",
        "withdraw_days": 14,
    }
    return Terms(**facts | changed)
