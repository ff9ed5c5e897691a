import pytest

from ogniwo.chain.audit import verify_ledger
from ogniwo.chain.embedded import EmbeddedLedger
from ogniwo.chain.network import messages as abci
from ogniwo.chain.network.application import Application, OutOfStepError
from ogniwo.chain.network.batches import read_wrong, write_batch
from ogniwo.chain.network.store import NetworkStore
from ogniwo.chain.network.validators import address_of
from ogniwo.chain.store import DamagedStoreError, LockedError, StoreWriteError
from ogniwo.core.ledger import transactions as tx


def pay(network, amount=100, giver="anna", taker="jan"):
    return network.signed(network.pay(f"op/coop/{giver}", f"op/coop/{taker}", amount), giver)


def test_genesis_is_ledger_block_0_and_durable_with_the_first_block(consensus, network, tmp_path):
    node = consensus()
    assert node.ask(abci.RequestInfo()).last_block_height == 0
    founding = network.founding()
    founded = node.found(founding)
    assert node.found(founding) == founded  # asked again after a crash before the first block
    with NetworkStore(tmp_path / "ledger.sqlite3", write=False) as store:
        assert store.last() is None
    (answers,) = node.block([pay(network)])
    assert (answers[0].code, answers[0].height, answers[0].position) == ("accepted", 1, 0)
    with NetworkStore(tmp_path / "ledger.sqlite3", write=False) as store:
        assert [block.height for block in store.blocks()] == [0, 1]
    assert len(founded.app_hash) == 32
    assert not verify_ledger(tmp_path / "ledger.sqlite3")


def test_it_agrees_with_the_embedded_engine_to_the_byte(consensus, network, tmp_path):
    founding, good, poor = network.founding(), pay(network), pay(network, 10**9)
    node = consensus()
    node.found(founding)
    node.block([good, poor])
    with EmbeddedLedger(tmp_path / "embedded.sqlite3", clock=lambda: network.now, workers=1) as embedded:
        embedded.submit(founding)
        embedded.submit([good, poor])
        assert embedded.read(0) == list(node.application._store.blocks())


def test_two_nodes_give_the_same_bytes_and_a_restart_changes_nothing(consensus, network, tmp_path):
    folders = [tmp_path / "a", tmp_path / "b"]
    for folder in folders:
        folder.mkdir()
    founding = network.founding()
    one, other = (consensus(folder) for folder in folders)
    assert one.found(founding) == other.found(founding)
    for number in range(3):
        batches = [[pay(network, number * 10 + amount) for amount in range(1, 4)] for _ in range(2)]
        txs = [one.batch(batch) for batch in batches]
        assert one.finalize(*txs) == other.finalize(*txs)
        one.commit()
        other.commit()
        if number == 1:
            one.close()
            one = consensus(folders[0])
            one.height = 2
            info = one.ask(abci.RequestInfo())
            assert info.last_block_height == 2


def test_empty_blocks_make_no_ledger_block_and_keep_the_hash(consensus, network):
    node = consensus()
    founded = node.found()
    assert node.finalize().app_hash == founded.app_hash
    node.commit()
    assert node.ask(abci.RequestInfo()) == abci.ResponseInfo(
        data="ogniwo", app_version=1, last_block_height=1, last_block_app_hash=founded.app_hash
    )
    assert [answers[0].height for answers in node.block([pay(network)])] == [1]


def test_several_batches_make_one_ledger_block_with_the_time_of_consensus(consensus, network):
    node = consensus()
    node.found()
    network.now += 7
    first, second = node.block([pay(network), pay(network)], [pay(network)])
    assert [(answer.height, answer.position) for answer in (*first, *second)] == [(1, 0), (1, 1), (1, 2)]
    assert {answer.time_s for answer in (*first, *second)} == {network.now}


def test_a_crash_between_executing_and_commit_loses_nothing(consensus, network):
    founding = network.founding()
    node = consensus()
    node.found(founding)
    tx = node.batch([pay(network)])
    decided = node.finalize(tx)
    node.close()
    again = consensus()
    assert again.ask(abci.RequestInfo()).last_block_height == 0
    again.found(founding)
    assert again.finalize(tx) == decided
    again.commit()
    assert again.ask(abci.RequestInfo()).last_block_app_hash == decided.app_hash


def test_asked_for_the_same_block_again_it_gives_the_same_answer(consensus, network):
    node = consensus()
    node.found()
    node.block([pay(network)])
    tx = node.batch([pay(network)])
    assert node.finalize(tx) == node.finalize(tx)


def test_another_block_of_the_same_height_starts_from_what_is_durable(consensus, network):
    node = consensus()
    node.found()
    node.block([pay(network, 60_000)])
    node.finalize(node.batch([pay(network, 30_000)]))
    (answers,) = node.block([pay(network, 40_000)])
    assert [answer.code for answer in answers] == ["accepted"]
    assert node.application._machine.state.balance("op/coop/anna", "PLN/2") == 0


def test_another_first_block_starts_from_genesis(consensus, network):
    node = consensus()
    founded = node.found()
    node.finalize(node.batch([pay(network, 30_000)]))
    empty = node.finalize()
    assert empty.app_hash == founded.app_hash
    node.commit()
    (answers,) = node.block([pay(network, 100_000)])
    assert [answer.code for answer in answers] == ["accepted"]


def test_a_height_that_does_not_follow_stops_the_node(consensus, network):
    node = consensus()
    node.found()
    node.block([pay(network)])
    answer = node.finalize(height=5)
    assert isinstance(answer, abci.ResponseException)
    assert "height 5 does not follow 1" in answer.error
    with pytest.raises(ConnectionError):
        node.ask(abci.RequestInfo())
    node.close()
    assert isinstance(node.failure, OutOfStepError)


def test_a_commit_without_a_block_is_refused(consensus):
    node = consensus()
    assert isinstance(node.ask(abci.RequestCommit()), abci.ResponseException)


def test_a_failed_write_stops_the_node_and_keeps_the_old_height(consensus, network, monkeypatch):
    node = consensus()
    node.found()
    node.block([pay(network)])
    node.finalize(node.batch([pay(network)]))
    node.application._store._connection.execute("PRAGMA query_only = 1")
    answer = node.ask(abci.RequestCommit())
    assert StoreWriteError.code in answer.error
    node.close()
    again = consensus()
    assert again.ask(abci.RequestInfo()).last_block_height == 1


def test_checking_a_batch_says_which_envelopes_are_wrong(consensus, network):
    node = consensus()
    node.found()
    good, one, other = (pay(network, amount) for amount in (1, 2, 3))
    swapped = other.split(b'"signatures":')[0] + b'"signatures":' + one.split(b'"signatures":')[1]
    assert node.ask(abci.RequestCheckTx(node.batch([good, one]))).code == 0
    answer = node.ask(abci.RequestCheckTx(node.batch([good, b"{}", swapped])))
    assert answer.code == 1
    assert [(wrong.index, wrong.code) for wrong in read_wrong(answer.data)] == [
        (1, "ledger.schema"),
        (2, "ledger.signature"),
    ]
    for data in (b"", b"\x93", write_batch([], nonce=bytes(16)), write_batch([good], nonce=b"short")):
        refused = node.ask(abci.RequestCheckTx(data))
        assert (refused.code, refused.data) == (1, b"")
        assert "node.batch_form" in refused.log


def test_false_proposals_are_turned_away_and_their_author_is_remembered(consensus, network, validators, tmp_path):
    node = consensus()
    node.found()
    proposer = bytes.fromhex(address_of(validators[2]))
    good, bad = node.batch([pay(network)]), node.batch([b"{}"])
    prepared = node.ask(abci.RequestPrepareProposal(max_tx_bytes=10**6, txs=(bad, good, b"?"), height=1))
    assert prepared.txs == (good,)
    verdicts = [
        node.ask(abci.RequestProcessProposal(txs=txs, height=1, proposer_address=proposer)).status
        for txs in ((good,), (good, bad), (b"?",))
    ]
    assert verdicts == [abci.Verdict.ACCEPT, abci.Verdict.REJECT, abci.Verdict.REJECT]
    node.block([pay(network)])
    with NetworkStore(tmp_path / "ledger.sqlite3", write=False) as store:
        (offence,) = store.offences()
    assert (offence.address, offence.kind, offence.proven) == (address_of(validators[2]), "bad_proposal", False)
    assert "ledger.schema" in offence.detail


def test_what_only_a_majority_of_liars_could_decide_does_nothing(consensus, network):
    node = consensus()
    node.found()
    good, one, other = (pay(network, amount) for amount in (1, 2, 3))
    swapped = other.split(b'"signatures":')[0] + b'"signatures":' + one.split(b'"signatures":')[1]
    response = node.finalize(b"?", node.batch([b"{}", good, swapped]))
    node.commit()
    assert response.tx_results[0].code == 1
    assert node.application._machine.state.balance("op/coop/jan", "PLN/2") == 1


def test_evidence_and_signers_are_kept_with_their_names(consensus, network, validators, tmp_path):
    node = consensus()
    node.found()
    addresses = [bytes.fromhex(address_of(key)) for key in validators]
    flags = (abci.VoteFlag.COMMIT, abci.VoteFlag.ABSENT, abci.VoteFlag.NIL, abci.VoteFlag.COMMIT)
    votes = tuple(abci.VoteInfo(abci.Validator(who, 10), flag) for who, flag in zip(addresses, flags, strict=True))
    evidence = tuple(
        abci.Misbehaviour(kind, abci.Validator(addresses[3], 10), 1, abci.Timestamp(network.now), 40)
        for kind in (abci.MisbehaviourKind.DUPLICATE_VOTE, abci.MisbehaviourKind.LIGHT_CLIENT_ATTACK)
    )
    node.block([pay(network)])
    node.block(decided_last_commit=abci.CommitInfo(votes=votes), misbehavior=evidence)
    with NetworkStore(tmp_path / "ledger.sqlite3", write=False) as store:
        assert [(one.address, one.kind, one.height, one.proven) for one in store.offences()] == [
            (address_of(validators[3]), "duplicate_vote", 1, True),
            (address_of(validators[3]), "light_client_attack", 1, True),
        ]
        assert store.signed() == dict.fromkeys(sorted(address_of(validators[one]) for one in (0, 3)), 1)


def test_changed_validators_are_told_to_cometbft(consensus, network, validators):
    node = consensus()

    def put(number, power):
        payload = tx.SetValidator(**network.frame(), power=power, subject="op/coop", validator=validators[number].hex())
        return network.signed(payload)

    founded = node.found([*network.founding(*network.authority()), put(0, 10), put(1, 10)])
    told = {one.pub_key.ed25519: one.power for one in founded.validators}
    assert told == {validators[0]: 10, validators[1]: 10}
    update = node.finalize(node.batch([put(2, 5), put(0, 7)])).validator_updates
    node.commit()
    assert {one.pub_key.ed25519: one.power for one in update} == {validators[0]: 7, validators[2]: 5}
    (update,) = node.finalize(node.batch([put(1, 0), put(3, 0)])).validator_updates
    node.commit()
    assert (update.pub_key.ed25519, update.power) == (validators[1], 0)
    assert node.finalize().validator_updates == ()


def test_only_listed_nodes_may_connect(consensus):
    node = consensus(peers=lambda: {"aa"})
    paths = ("/p2p/filter/id/aa", "/p2p/filter/id/bb", "/p2p/filter/addr/10.0.0.1:5", "else")
    assert [node.ask(abci.RequestQuery(path=path)).code for path in paths] == [0, 3, 0, 2]


def test_founding_transactions_that_the_rules_refuse_found_nothing(consensus, network):
    node = consensus()
    refused = node.found(network.founding()[1:])
    assert "node.founding_refused" in refused.error
    assert node.application._store.last() is None


def test_the_genesis_must_found_the_network_it_names(consensus):
    assert "node.founding_refused" in consensus().found(chain_id="another").error


def test_one_application_per_ledger_file(consensus, tmp_path):
    consensus()
    with pytest.raises(LockedError):
        Application(tmp_path / "ledger.sqlite3")


def test_a_file_that_consensus_did_not_agree_on_is_not_opened(consensus, network, tmp_path):
    node = consensus()
    node.found()
    node.block([pay(network)])
    node.close()
    with NetworkStore(tmp_path / "ledger.sqlite3", write=True) as store:
        store._connection.execute("DELETE FROM blocks WHERE height = 1")
    with pytest.raises(DamagedStoreError):
        Application(tmp_path / "ledger.sqlite3")
