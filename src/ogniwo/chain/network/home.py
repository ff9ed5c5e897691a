"""The folder of a node: its keys, its card, the genesis, the settings that CometBFT reads, the ledger.

node.json             organisation, address, ports, hash of the agreed genesis
card.json             what this node gives away
peers/                cards of nodes that joined after the founding
ledger.sqlite3        the blocks (application)
keys/                 the organisation's own key; at the ledger's operator also his
comet/config/         genesis.json, config.toml, node_key.json, priv_validator_key.json
comet/data/           CometBFT's own blocks and state; priv_validator_state.json: what was signed last
"""

import json
import os
import secrets
from base64 import b64decode, b64encode
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec import Meta

from ogniwo.chain.keystore import KeyStore
from ogniwo.chain.network.genesis import (
    Card,
    Genesis,
    GenesisError,
    genesis_hash,
    read_card,
    read_genesis,
    sign_card,
)
from ogniwo.chain.network.validators import address_of, node_id_of
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.ledger.canonical import encode
from ogniwo.core.ledger.signing import public_key_of, sign
from ogniwo.core.ledger.transactions import RegisterKey

_ADDRESS = r"\A[A-Za-z0-9.-]{1,253}:[0-9]{1,5}\Z"
Port = Annotated[int, Meta(ge=1, le=65_535)]
P2P_PORT = 26_656
RPC_PORT = 26_657
ORGANISATION_KEY = "organisation"
REGISTRATION_S = 14 * 86_400
"""How long a card can be used for a founding or an enrolment, seconds."""

_OWNER_ONLY = 0o600


class NoNodeError(Refusal):
    """The folder holds no node."""

    code = "node.not_found"


class NodeExistsError(Refusal):
    """The folder holds a node, or a founded one, already."""

    code = "node.exists"


class StateSync(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where a new node gets a state from instead of all blocks: RPC addresses of two nodes or more, a header to trust.

    `trust_height` and `trust_hash` (hex) are CometBFT's, told by a founder.
    """

    servers: Annotated[tuple[Annotated[str, Meta(pattern=_ADDRESS)], ...], Meta(min_length=2, max_length=16)]
    trust_hash: Annotated[str, Meta(pattern=r"\A[0-9A-F]{64}\Z")]
    trust_height: Annotated[int, Meta(ge=1)]


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What belongs to this node alone; `genesis` is the hash of the agreed file, "" before the founding.

    `listen` is the interface for other nodes; the RPC port is on loopback only. `peers` are further addresses
    (`id@host:port`) to connect to.
    """

    genesis: str = ""
    listen: str = "0.0.0.0"  # noqa: S104 -- other organisations' nodes connect from outside
    p2p_port: Port = P2P_PORT
    peers: tuple[str, ...] = ()
    rpc_port: Port = RPC_PORT
    state_sync: StateSync | None = None


class NodeHome:
    """A node's folder; the paths are attributes, the files are read on demand."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.comet = folder / "comet"
        self.ledger = folder / "ledger.sqlite3"
        self.keys = KeyStore(folder / "keys")
        self.log = folder / "comet.log"
        self.genesis_file = self.comet / "config" / "genesis.json"
        self._settings_file = folder / "node.json"
        self._card_file = folder / "card.json"
        self._peers = folder / "peers"

    def create(
        self, *, organisation: str, network: str, account: str, address: str, settings: Settings, made_s: int
    ) -> Card:
        """Make the keys and the card of a new node; raises NodeExistsError or CardError.

        `account` is that of the ledger's operator, below which the organisation gets its own.
        """
        if self._settings_file.exists():
            raise NodeExistsError(detail=f"{self.folder} holds a node already")
        member = ec.generate_private_key(ec.SECP256R1())
        validator, node = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
        public = validator.public_key().public_bytes_raw()
        card = Card(
            address=address,
            made=made_s,
            node=node_id_of(node.public_key().public_bytes_raw()),
            organisation=organisation,
            registration=_registration(member, organisation, network=network, account=account, made_s=made_s),
            validator=public.hex(),
        )
        card = read_card(encode(sign_card(card, validator)))
        (self.comet / "config").mkdir(parents=True)
        (self.comet / "data").mkdir()
        self.folder.chmod(0o700)
        self.keys.keep(ORGANISATION_KEY, member)
        key = {
            "address": address_of(public),
            "pub_key": {"type": "tendermint/PubKeyEd25519", "value": b64encode(public).decode()},
            "priv_key": _private(validator),
        }
        write_file(self.comet / "config" / "priv_validator_key.json", json.dumps(key, indent=2).encode())
        write_file(self.comet / "config" / "node_key.json", json.dumps({"priv_key": _private(node)}).encode())
        state = self.comet / "data" / "priv_validator_state.json"
        write_file(state, json.dumps({"height": "0", "round": 0, "step": 0}).encode())
        write_file(self._card_file, encode(card) + b"\n")
        self.change(settings)
        return card

    def settings(self) -> Settings:
        """The node's settings; raises NoNodeError."""
        try:
            return msgspec.json.decode(self._settings_file.read_bytes(), type=Settings)
        except FileNotFoundError as error:
            raise NoNodeError(detail=f"{self.folder} holds no node; make one with `ogniwo node init`") from error
        except msgspec.DecodeError as error:
            raise NoNodeError(detail=f"{self._settings_file} cannot be read: {error}") from error

    def change(self, settings: Settings) -> None:
        """Write the settings."""
        write_file(self._settings_file, msgspec.json.format(msgspec.json.encode(settings)) + b"\n")

    def card(self) -> Card:
        """The card this node gives away."""
        self.settings()
        return read_card(self._card_file.read_bytes())

    def validator_key(self) -> Ed25519PrivateKey:
        """The key this node votes with."""
        document = json.loads((self.comet / "config" / "priv_validator_key.json").read_bytes())
        return Ed25519PrivateKey.from_private_bytes(b64decode(document["priv_key"]["value"])[:32])

    def found(self, genesis: bytes) -> None:
        """Take the agreed genesis; raises NodeExistsError when there is another one, GenesisError."""
        settings, digest = self.settings(), genesis_hash(genesis)
        if settings.genesis not in {"", digest}:
            raise NodeExistsError(detail=f"{self.folder} belongs to the network of genesis {settings.genesis}")
        read_genesis(genesis)
        write_file(self.genesis_file, genesis)
        self.change(msgspec.structs.replace(settings, genesis=digest))

    def genesis(self) -> Genesis:
        """The genesis this node agreed to; raises GenesisError when the file is missing or another one."""
        settings = self.settings()
        if not settings.genesis:
            raise GenesisError(detail=f"{self.folder} belongs to no network yet: `ogniwo node found` or `join`")
        data = self.genesis_file.read_bytes() if self.genesis_file.exists() else b""
        if genesis_hash(data) != settings.genesis:
            raise GenesisError(detail=f"{self.genesis_file} is not the genesis that was agreed on")
        return read_genesis(data)

    def admit(self, card: Card) -> None:
        """Let another node connect; it takes effect at once."""
        self._peers.mkdir(exist_ok=True)
        write_file(self._peers / f"{card.node}.json", encode(card) + b"\n")

    def cards(self) -> list[Card]:
        """The founders' cards, those admitted later, and this node's own; raises CardError when one was changed."""
        admitted = [read_card(path.read_bytes()) for path in sorted(self._peers.glob("*.json"))]
        known = [*self.genesis().app_state.cards, *admitted]
        own = self.card()
        return known if own in known else [*known, own]

    def configure(self, socket: Path) -> None:
        """Write what CometBFT reads at its start: who to connect to, how long to wait, the application's socket."""
        settings, genesis, own = self.settings(), self.genesis(), self.card()
        peers = {f"{card.node}@{card.address}": None for card in self.cards() if card.node != own.node}
        text = _config(settings, genesis, tuple({**peers, **dict.fromkeys(settings.peers)}), socket, own.organisation)
        write_file(self.comet / "config" / "config.toml", text.encode())


def _registration(
    member: ec.EllipticCurvePrivateKey, organisation: str, *, network: str, account: str, made_s: int
) -> str:
    payload = RegisterKey(
        account=account,
        device="node",
        expires=made_s + REGISTRATION_S,
        id=secrets.token_hex(16),
        key=public_key_of(member),
        network=network,
        purpose="transaction",
        reason="",
        references=(),
        subject=f"{account}/{organisation}",
        valid_from=0,
    )
    return sign(encode(payload), keys=[member]).decode()


def _private(key: Ed25519PrivateKey) -> dict[str, str]:
    both = key.private_bytes_raw() + key.public_key().public_bytes_raw()
    return {"type": "tendermint/PrivKeyEd25519", "value": b64encode(both).decode()}


def write_file(path: Path, data: bytes) -> None:
    """Replace a file as a whole, durable, readable by its owner only."""
    temporary = path.with_name(f".tmp-{path.name}-{secrets.token_hex(4)}")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _OWNER_ONLY)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _config(settings: Settings, genesis: Genesis, peers: Sequence[str], socket: Path, moniker: str) -> str:
    pace = genesis.app_state
    vote_ms = max(pace.propose_ms // 3, 100)
    return f"""\
# Written by `ogniwo node start`; change node.json instead.
proxy_app = "unix://{socket}"
abci = "socket"
moniker = "{moniker}"
db_backend = "goleveldb"
log_level = "error"
filter_peers = true

[rpc]
laddr = "tcp://127.0.0.1:{settings.rpc_port}"
max_body_bytes = 4000000
timeout_broadcast_tx_commit = "30s"

[p2p]
laddr = "tcp://{settings.listen}:{settings.p2p_port}"
persistent_peers = "{",".join(peers)}"
persistent_peers_max_dial_period = "5s"
pex = false
addr_book_strict = false
allow_duplicate_ip = true
flush_throttle_timeout = "10ms"
max_packet_msg_payload_size = 32768
send_rate = 100000000
recv_rate = 100000000

[mempool]
recheck = false
size = 500
max_txs_bytes = 64000000
max_tx_bytes = 1048576
cache_size = 10000

{_state_sync(settings.state_sync)}
[consensus]
timeout_propose = "{pace.propose_ms}ms"
timeout_propose_delta = "{vote_ms}ms"
timeout_prevote = "{vote_ms}ms"
timeout_prevote_delta = "{vote_ms}ms"
timeout_precommit = "{vote_ms}ms"
timeout_precommit_delta = "{vote_ms}ms"
timeout_commit = "{pace.commit_ms}ms"
skip_timeout_commit = true
create_empty_blocks = false
create_empty_blocks_interval = "60s"
peer_gossip_sleep_duration = "10ms"

[storage]
discard_abci_responses = true

[tx_index]
indexer = "null"

[instrumentation]
prometheus = false
"""


def _state_sync(sync: StateSync | None) -> str:
    if sync is None:
        return ""
    return f"""\
[statesync]
enable = true
rpc_servers = "{",".join(sync.servers)}"
trust_height = {sync.trust_height}
trust_hash = "{sync.trust_hash}"
trust_period = "168h0m0s"
discovery_time = "5s"
"""
