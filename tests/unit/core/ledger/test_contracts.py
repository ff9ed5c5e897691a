"""E-contracts from proposal to end: every state, every refusal."""

import pytest
from ledger_deals import ANNA, COOP, DAY_S, FEBRUARY_1, JAN, JANUARY_20, instalments, rent, supply

from ogniwo.core.ledger import transactions as tx
from ogniwo.core.ledger.outcomes import Code
from ogniwo.core.ledger.rulebook.contracts import PROPOSALS_MAX, SIGNING_S_MAX


def test_a_contract_goes_from_proposed_to_ended(deals):
    name = deals.propose(valid_to=FEBRUARY_1)
    assert deals.status(name) == "proposed"
    assert deals.sign(name, ANNA) == "accepted"
    assert deals.status(name) == "proposed"
    assert deals.sign(name, JAN) == "accepted"
    assert deals.status(name) == "signed"
    deals.coop.now = JANUARY_20 - 1
    assert deals.status(name) == "signed"
    deals.coop.now = JANUARY_20
    assert deals.status(name) == "active"
    deals.coop.now = FEBRUARY_1 - 1
    assert deals.status(name) == "active"
    deals.coop.now = FEBRUARY_1
    assert deals.status(name) == "ended"
    contract = deals.state.contracts[name]
    assert [signature.account for signature in contract.signatures] == [ANNA, JAN]
    assert contract.signed == contract.signatures[1].time


def test_a_proposal_that_not_all_sign_in_time_expires(deals):
    name = deals.propose()
    assert deals.sign(name, ANNA) == "accepted"
    deals.coop.now += 7 * DAY_S
    assert deals.status(name) == "expired"
    assert deals.sign(name, JAN) == Code.CONTRACT_STATE
    assert not deals.state.contracts[name].signed


def test_only_parties_sign_once_and_what_was_proposed(deals):
    name = deals.propose()
    assert deals.sign("ff" * 32, ANNA) == Code.UNKNOWN_CONTRACT
    assert deals.sign(name, COOP) == Code.NOT_A_PARTY
    assert deals.sign(name, ANNA, terms="44" * 32) == Code.CONTRACT_DOCUMENT
    assert deals.sign(name, ANNA, document="44" * 32) == Code.CONTRACT_DOCUMENT
    foreign = tx.SignContract(**deals.coop.frame(account=ANNA), contract=name, document="22" * 32, terms="11" * 32)
    assert deals.send(foreign, "jan") == Code.FOREIGN_KEY
    assert deals.sign(name, ANNA) == "accepted"
    assert deals.sign(name, ANNA) == Code.ALREADY_SIGNED
    assert len(deals.state.contracts[name].signatures) == 1


def test_a_limited_key_alone_cannot_agree_to_pay(deals):
    name = deals.propose()
    limit = tx.KeyLimit(asset="PLN/2", per_day=100, per_transfer=100)
    for who in ("anna", "jan"):
        limits = tx.SetKeyLimits(**deals.coop.frame(account=f"op/coop/{who}"), kid=deals.coop.kid(who), limits=(limit,))
        deals.coop.ok(limits, who)
    assert deals.sign(name, ANNA) == Code.SECOND_KEY_NEEDED
    assert deals.sign(name, JAN) == "accepted"  # he is owed


def test_contracts_are_proposed_and_signed_outside_of_batches(deals):
    name = deals.propose()
    frame = deals.coop.frame(account=ANNA)
    sign = tx.SignContract(**frame, contract=name, document="22" * 32, terms="11" * 32)
    withdraw = tx.WithdrawContract(**frame, contract=name)
    batch = tx.Batch(**frame, operations=(sign, withdraw))
    assert deals.send(batch, "anna") == Code.BATCH_PART


def test_who_may_propose(deals):
    assert deals.send(deals.proposal(account="op"), "op") == "accepted"
    assert deals.send(deals.proposal(account=COOP), "coop") == Code.NOT_PERMITTED
    deals.coop.ok(deals.coop.bind(COOP, "closer", ANNA))
    assert deals.send(deals.proposal(account=COOP), "coop") == Code.NOT_PERMITTED
    deals.coop.ok(deals.coop.bind(COOP, "closer", JAN))
    assert deals.send(deals.proposal(account=COOP), "coop") == "accepted"


@pytest.mark.parametrize(
    ("obligations", "changed", "code"),
    [
        ((), {"valid_to": JANUARY_20}, Code.CONTRACT_TERMS),
        ((), {"valid_from": 0, "valid_to": 1}, Code.CONTRACT_TERMS),
        ((), {"sign_until": 1}, Code.CONTRACT_TERMS),
        ((), {"sign_until": 1_800_000_001 + SIGNING_S_MAX}, Code.CONTRACT_TERMS),
        ((), {"valid_to": JANUARY_20 + 1}, Code.CONTRACT_TERMS),
        ((), {"parties": (tx.Party(account=ANNA, role="a"), tx.Party(account=ANNA, role="b"))}, Code.CONTRACT_TERMS),
        (
            (),
            {"parties": (tx.Party(account=ANNA, role="a"), tx.Party(account="op/x", role="b"))},
            Code.UNKNOWN_ACCOUNT,
        ),
        ((), {"replaces": "ff" * 32}, Code.UNKNOWN_CONTRACT),
        ((supply(payer=JAN),), {}, Code.CONTRACT_TERMS),
        ((supply(taker=COOP),), {}, Code.CONTRACT_TERMS),
        ((supply(asset="XXX/2"),), {}, Code.UNKNOWN_ASSET),
        ((supply(asset="KWH-IN/3"),), {}, Code.CONTRACT_TERMS),
        ((supply(point=ANNA),), {}, Code.UNKNOWN_ACCOUNT),
        ((instalments(),), {"valid_to": FEBRUARY_1}, Code.CONTRACT_TERMS),
        ((instalments(first="2026-12"),), {}, Code.CONTRACT_TERMS),
    ],
)
def test_terms_that_contradict_themselves_are_refused(deals, obligations, changed, code):
    if "parties" not in changed and any(isinstance(one, tx.Instalment) for one in obligations):
        changed = changed | {"three": True}
    assert deals.send(deals.proposal(*obligations, **changed), "anna") == code
    assert not deals.state.contracts


def test_assets_that_cannot_pass_between_the_parties(deals):
    deals.coop.ok(deals.coop.asset("PTS/0", transferable=False))
    assert deals.send(deals.proposal(supply(asset="PTS/0")), "anna") == Code.NOT_TRANSFERABLE
    deals.coop.ok(deals.coop.account("op/coop/anna/fund", "control"))
    deals.coop.ok(deals.coop.asset("OWN/2", "claim", domain=ANNA, issuer="op/coop/anna/fund"))
    assert deals.send(deals.proposal(supply(asset="OWN/2")), "anna") == Code.OUTSIDE_DOMAIN
    parties = (tx.Party(account="op/issuer", role="issuer"), tx.Party(account=ANNA, role="consumer"))
    issued = rent(asset="PLN/2", payer="op/issuer", taker=ANNA)
    assert deals.send(deals.proposal(issued, parties=parties), "anna") == Code.CONTRACT_TERMS


def test_before_all_signed_proposer_and_parties_may_withdraw(deals):
    name = deals.propose()
    assert deals.withdraw(name, COOP) == Code.NOT_A_PARTY
    assert deals.sign(name, ANNA) == "accepted"
    assert deals.withdraw(name, JAN) == "accepted"
    assert deals.status(name) == "withdrawn"
    assert deals.sign(name, JAN) == Code.CONTRACT_STATE
    assert deals.withdraw(name, ANNA) == Code.CONTRACT_STATE
    assert deals.terminate(name, ANNA, FEBRUARY_1) == Code.CONTRACT_STATE
    assert deals.close(name).code == Code.CONTRACT_STATE


def test_after_signing_a_consumer_withdraws_in_time(deals):
    name = deals.agreed()
    assert deals.withdraw(name, JAN) == Code.CONTRACT_STATE
    deals.coop.now += 14 * DAY_S - 1
    assert deals.withdraw(name, ANNA) == "accepted"
    late = deals.agreed()
    deals.coop.now += 14 * DAY_S
    assert deals.withdraw(late, ANNA) == Code.CONTRACT_STATE
    assert deals.status(late) == "active"


def test_termination_by_one_party_needs_notice_and_by_all_none(deals):
    name = deals.agreed()
    now = deals.coop.now
    assert deals.terminate(name, COOP, FEBRUARY_1) == Code.NOT_A_PARTY
    assert deals.terminate(name, JAN, now + 10 * DAY_S - 1) == Code.NOTICE_TOO_SHORT
    assert deals.terminate(name, JAN, now + 20 * DAY_S) == "accepted"
    assert deals.terminate(name, ANNA, now + 20 * DAY_S) == Code.CONTRACT_STATE
    assert deals.status(name) == "signed"
    assert deals.terminate(name, ANNA, now, "anna", "jan") == "accepted"
    assert deals.status(name) == "ended"
    assert deals.terminate(name, ANNA, now, "anna", "jan") == Code.CONTRACT_STATE


def test_an_amendment_takes_over_when_all_have_signed_it(deals):
    first = deals.agreed()
    second = deals.propose(supply(price=40_000), replaces=first, valid_from=FEBRUARY_1)
    assert deals.sign(second, ANNA) == "accepted"
    assert deals.state.contracts[first].successor == ""
    assert deals.sign(second, JAN) == "accepted"
    old = deals.state.contracts[first]
    assert (old.successor, old.superseded, old.ends()) == (second, FEBRUARY_1, FEBRUARY_1)
    deals.coop.now = FEBRUARY_1 - 1
    assert (deals.status(first), deals.status(second)) == ("active", "signed")
    deals.coop.now = FEBRUARY_1
    assert (deals.status(first), deals.status(second)) == ("ended", "active")


def test_two_amendments_of_one_contract_cannot_both_win(deals):
    first = deals.agreed()
    second, third = (deals.propose(replaces=first) for _ in range(2))
    for name in (second, third):
        assert deals.sign(name, ANNA) == "accepted"
    assert deals.sign(second, JAN) == "accepted"
    assert deals.sign(third, JAN) == Code.CONTRACT_STATE
    assert not deals.state.contracts[third].signed
    assert deals.send(deals.proposal(replaces=first), "anna") == Code.CONTRACT_STATE


def test_an_amendment_leaves_no_party_out(deals):
    first = deals.agreed(rent(), three=True)
    assert deals.send(deals.proposal(replaces=first), "anna") == Code.CONTRACT_TERMS


def test_withdrawing_from_an_amendment_brings_the_contract_back(deals):
    first = deals.agreed()
    second = deals.agreed(replaces=first)
    assert deals.withdraw(first, ANNA) == Code.CONTRACT_STATE
    assert deals.withdraw(second, ANNA) == "accepted"
    assert deals.status(first) == "signed"
    assert (deals.state.contracts[first].superseded, deals.state.contracts[first].ends()) == (0, 0)
    third = deals.agreed(replaces=first)
    assert deals.state.contracts[first].successor == third


def test_open_proposals_are_bounded_and_expired_ones_make_room(deals):
    coop = deals.coop
    for _ in range(PROPOSALS_MAX):
        coop.ok(deals.proposal(), "anna")
    assert deals.send(deals.proposal(), "anna") == Code.TOO_MANY_PROPOSALS
    coop.now += 7 * DAY_S
    coop.ok(deals.proposal(), "anna")
    assert len(deals.state.contracts) == 1
