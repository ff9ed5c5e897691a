"""Terms of e-contracts: templates, what follows from them, what contradicts them."""

import json
from hashlib import sha256

import msgspec
import pytest
from contract_samples import ANNA, JAN, PARAMETERS, SALT, sample

from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.ledger import transactions as tx
from ogniwo.core.ledger.canonical import encode
from ogniwo.core.posting.contract_terms import (
    ROLES,
    BadTermsError,
    EnergySupply,
    check_terms,
    obligations_of,
    proposed,
    read_terms,
    template_of,
    terms_commitment,
    write_terms,
)


@pytest.mark.parametrize("template", sorted(ROLES))
def test_each_template_reads_back_as_it_was_written(template):
    terms = sample(template)
    data = write_terms(terms, salt=SALT)
    salted = read_terms(data)
    assert salted.terms == terms
    assert template_of(salted.terms.parameters) == template
    assert terms_commitment(salted) == sha256(SALT + encode(terms)).hexdigest()


@pytest.mark.parametrize(
    ("template", "kind", "payer", "taker"),
    [
        ("energy-supply", tx.Supply, ANNA, JAN),
        ("hour-discount", tx.DiscountByHour, JAN, ANNA),
        ("storage-rent", tx.StorageRent, ANNA, JAN),
        ("ev-car-loan", tx.Instalment, ANNA, JAN),
        ("ev-charging-credit", tx.Charging, ANNA, JAN),
    ],
)
def test_what_each_template_obliges_to(template, kind, payer, taker):
    (obligation,) = sample(template).obligations
    assert type(obligation) is kind
    assert (obligation.payer, obligation.taker, obligation.asset) == (payer, taker, "PLN/2")


def test_the_proposal_says_what_the_terms_say():
    salted = read_terms(write_terms(sample("energy-supply"), salt=SALT))
    on_ledger = proposed(salted)
    assert on_ledger.parties == (tx.Party(account=JAN, role="supplier"), tx.Party(account=ANNA, role="consumer"))
    assert (on_ledger.notice_s, on_ledger.withdraw_s) == (30 * 86_400, 14 * 86_400)
    assert on_ledger.valid_from == 1_796_079_600  # 1 December 2026 at 00:00 of winter time
    assert (on_ledger.valid_to, on_ledger.replaces) == (0, "")


@pytest.mark.parametrize(
    ("changed", "detail"),
    [
        ({"valid_to": "2026-12-01"}, "end before"),
        ({"valid_from": "2026-02-30"}, "no day"),
        ({"withdraw_days": 14, "parties": "firms"}, "consumer"),
        ({"parties": "swapped"}, "roles|template"),
        ({"parties": "same"}, "same account"),
        ({"obligations": ()}, "do not follow"),
        ({"parameters": "other price"}, "do not follow"),
    ],
)
def test_terms_that_contradict_themselves_are_refused(changed, detail):
    terms = sample("energy-supply")
    first, second = terms.parties
    values = {
        "firms": (first, msgspec.structs.replace(second, consumer=False)),
        "swapped": (second, first),
        "same": (first, msgspec.structs.replace(second, account=first.account)),
        "other price": msgspec.structs.replace(PARAMETERS["energy-supply"], price=1),
    }
    real = {name: values.get(value, value) if isinstance(value, str) else value for name, value in changed.items()}
    with pytest.raises(BadTermsError, match=detail):
        check_terms(msgspec.structs.replace(terms, **real))


def test_hours_stand_once_and_in_order():
    terms = sample("hour-discount")
    parameters = msgspec.structs.replace(terms.parameters, hours=(10, 9))
    with pytest.raises(BadTermsError, match="hours"):
        check_terms(msgspec.structs.replace(terms, parameters=parameters))


@pytest.mark.parametrize(
    "change",
    [
        lambda document: document["terms"].update(novelty=1),
        lambda document: document["terms"]["parameters"].update(template="lottery"),
        lambda document: document["terms"]["parameters"].update(price=-1),
        lambda document: document["terms"]["parameters"].pop("price"),
        lambda document: document.update(salt="00"),
    ],
)
def test_what_the_schema_does_not_know_is_refused(change):
    document = json.loads(write_terms(sample("energy-supply"), salt=SALT))
    change(document)
    with pytest.raises(Refusal):
        read_terms(json.dumps(document, sort_keys=True, separators=(",", ":")).encode())


def test_terms_in_another_spelling_are_refused():
    document = json.loads(write_terms(sample("energy-supply"), salt=SALT))
    with pytest.raises(Refusal, match="canonical"):
        read_terms(json.dumps(document).encode())


def test_the_asset_stands_in_every_obligation():
    (obligation,) = obligations_of(PARAMETERS["energy-supply"], provider=JAN, user=ANNA, asset="DUE/2")
    assert obligation.asset == "DUE/2"
    assert isinstance(PARAMETERS["energy-supply"], EnergySupply)
