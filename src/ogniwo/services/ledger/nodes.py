"""Run a node of a network that several organisations share: found it, join it, start it, see who does what."""

import asyncio
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from ogniwo.chain.network.application import Application, founded_block
from ogniwo.chain.network.binary import find_cometbft, install_cometbft
from ogniwo.chain.network.genesis import (
    AppState,
    Card,
    CardError,
    GenesisError,
    genesis_hash,
    read_card,
    read_genesis,
    write_genesis,
)
from ogniwo.chain.network.home import NodeHome, Settings, StateSync
from ogniwo.chain.network.process import run_node
from ogniwo.chain.network.rpc import Rpc
from ogniwo.chain.network.store import NetworkStore, Offence
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.ledger.blocks import read_header
from ogniwo.core.ledger.canonical import encode
from ogniwo.core.ledger.machine import Machine

COMMIT_MS = 500
PROPOSE_MS = 2_000
SILENT_HEIGHTS = 10


class FoundingFileError(Refusal):
    """A file of the founding cannot be read."""

    code = "node.founding_file"


class SyncSettingsError(Refusal):
    """What a new node was told about state sync cannot be used."""

    code = "node.sync_settings"


class LedgerAnswerError(Refusal):
    """The network did not accept a transaction of this node."""

    code = "node.answer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Founded:
    """What the founders compare: the hash of the genesis, and whose nodes vote."""

    genesis_hash: str
    network: str
    organisations: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotTaken:
    """A snapshot: of which ledger block, and how large."""

    ledger_height: int
    ledger_hash: str
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidatorStatus:
    """A validator: whose it is ("" when no card names it), its power, and the last height it signed (0 = none yet).

    `silent`: it has signed nothing for SILENT_HEIGHTS; it is down, cut off, or stopped because it disagrees.
    """

    address: str
    organisation: str
    power: int
    signed: int
    silent: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedOffence:
    """An offence and whose validator it was."""

    organisation: str
    offence: Offence


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeStatus:
    """A node as its own files and its own CometBFT tell it; `problem` is "" while it takes part.

    `height` counts CometBFT's blocks, `ledger_height` those of the ledger; `ledger_hash` is the header hash that all
    honest nodes have at that height. `trust` is HEIGHT:HASH of CometBFT's last block. `peers` are organisations, or
    ids of nodes without a card.
    """

    network: str
    problem: str
    height: int
    ledger_height: int
    ledger_hash: str
    state_root: str
    trust: str
    validators: tuple[ValidatorStatus, ...]
    peers: tuple[str, ...]
    offences: tuple[NamedOffence, ...]


def install_node_program() -> Path:
    """Build CometBFT unless it is there, and give its place; raises NoCometError."""
    return install_cometbft()


def create_node(
    *,
    folder: Path,
    organisation: str,
    network: str,
    account: str,
    address: str,
    listen: str,
    p2p_port: int,
    rpc_port: int,
) -> str:
    """Make a node's keys and give its card as one line of JSON; raises NodeExistsError or CardError.

    `account` is that of the ledger's operator; the organisation's own will be below it.
    """
    settings = Settings(listen=listen, p2p_port=p2p_port, rpc_port=rpc_port)
    card = NodeHome(folder).create(
        organisation=organisation,
        network=network,
        account=account,
        address=address,
        settings=settings,
        made_s=int(time.time()),
    )
    return encode(card).decode()


def node_card(*, folder: Path) -> str:
    """The card of a node as one line of JSON."""
    return encode(NodeHome(folder).card()).decode()


def found_network(*, folder: Path, cards: Sequence[Path], founding: Path, commit_ms: int, propose_ms: int) -> Founded:
    """Compute the genesis from all founders' cards and the founding transactions, and make this node part of it.

    Raises CardError, FoundingRefusedError (the rules do not accept a founding transaction), NodeExistsError.
    """
    home = NodeHome(folder)
    own = home.card()
    given = [read_card(path.read_bytes()) for path in cards]
    if own not in given:
        raise CardError(detail=f"the card of this node ({own.organisation}) is not among the cards")
    try:
        envelopes = tuple(line for line in founding.read_text(encoding="utf-8").splitlines() if line)
    except UnicodeDecodeError as error:
        raise FoundingFileError(detail=f"{founding} is no text") from error
    network = own.member.network
    genesis = write_genesis(given, network=network, founding=envelopes, commit_ms=commit_ms, propose_ms=propose_ms)
    return _taken(home, genesis)


def join_network(
    *,
    folder: Path,
    genesis: Path,
    expected_hash: str,
    peers: Sequence[str],
    sync_servers: Sequence[str] = (),
    trust: str = "",
) -> Founded:
    """Make a new node part of a network that exists; `expected_hash` comes from a founder, not with the file.

    With `sync_servers` (RPC addresses of two nodes or more) it starts from a snapshot, checked from the header `trust`
    on (HEIGHT:HASH as a founder's status shows it); without, it executes all blocks. Raises SyncSettingsError.
    """
    data = genesis.read_bytes()
    if genesis_hash(data) != expected_hash:
        raise GenesisError(detail=f"{genesis} has the hash {genesis_hash(data)}, not {expected_hash}")
    home = NodeHome(folder)
    sync = _state_sync(sync_servers, trust)
    home.change(msgspec.structs.replace(home.settings(), peers=tuple(peers), state_sync=sync))
    return _taken(home, data)


def _state_sync(servers: Sequence[str], trust: str) -> StateSync | None:
    if not servers and not trust:
        return None
    height, _, digest = trust.partition(":")
    try:
        row = {"servers": servers, "trust_hash": digest.upper(), "trust_height": int(height)}
        return msgspec.convert(row, StateSync)
    except (ValueError, msgspec.ValidationError) as error:
        detail = f"state sync needs two servers HOST:PORT and HEIGHT:HASH to trust: {error}"
        raise SyncSettingsError(detail=detail) from error


def take_snapshot(*, folder: Path) -> SnapshotTaken:
    """Take a snapshot of a stopped node, for others to start from; raises LockedError while it runs."""
    with Application(NodeHome(folder).ledger) as application:
        manifest = application.take_snapshot()
    return SnapshotTaken(
        ledger_height=manifest.header.height,
        ledger_hash=manifest.block,
        bytes=sum(chunk.size for chunk in manifest.chunks),
    )


def _taken(home: NodeHome, data: bytes) -> Founded:
    genesis = read_genesis(data)
    state: AppState = genesis.app_state
    founded_block(Machine(), state, network=genesis.chain_id, time_s=int(genesis.genesis_time.timestamp()))
    home.found(data)
    return Founded(
        genesis_hash=genesis_hash(data),
        network=genesis.chain_id,
        organisations=tuple(card.organisation for card in state.cards),
    )


def admit_peer(*, folder: Path, card: Path) -> Card:
    """Let the node of a card connect to this one, now and later."""
    admitted = read_card(card.read_bytes())
    NodeHome(folder).admit(admitted)
    return admitted


def start_node(*, folder: Path) -> None:
    """Run a node until SIGTERM or SIGINT; raises CometStoppedError when CometBFT ends by itself."""
    asyncio.run(_until_stopped(NodeHome(folder), find_cometbft()))


async def _until_stopped(home: NodeHome, binary: Path) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await run_node(home, binary=binary, stop=stop)


def node_status(*, folder: Path) -> NodeStatus:
    """What a node knows: from its files, and from its CometBFT when it runs."""
    home = NodeHome(folder)
    genesis, settings = home.genesis(), home.settings()
    owners = {card.validator_address: card.organisation for card in home.cards()}
    nodes = {card.node: card.organisation for card in home.cards()}
    height, signed, offences, head = 0, {}, [], ("", "", -1)
    if home.ledger.exists():
        with NetworkStore(home.ledger, write=False) as store:
            height, app_hash = store.committed()
            signed, offences, last = store.signed(), store.offences(), store.last()
            if last is not None:
                head = (app_hash, read_header(last.header).state_root, last.height)
    powers, peers, trust, problem = _asked(settings.rpc_port)
    return NodeStatus(
        network=genesis.chain_id,
        problem=problem,
        height=height,
        ledger_height=head[2],
        ledger_hash=head[0],
        state_root=head[1],
        trust=trust,
        validators=tuple(
            ValidatorStatus(
                address=address,
                organisation=owners.get(address, ""),
                power=power,
                signed=signed.get(address, 0),
                silent=height - signed.get(address, 0) > SILENT_HEIGHTS,
            )
            for address, power in powers
        ),
        peers=tuple(nodes.get(peer, peer) for peer in peers),
        offences=tuple(NamedOffence(organisation=owners.get(one.address, ""), offence=one) for one in offences),
    )


def _asked(port: int) -> tuple[list[tuple[str, int]], list[str], str, str]:
    """Validators with power, ids of peers, the last header, and what is wrong, from the running CometBFT."""
    try:
        with Rpc(port, timeout_s=5) as rpc:
            validators = rpc.call("validators", per_page="100")["validators"]
            peers = rpc.call("net_info")["peers"]
            sync = rpc.call("status")["sync_info"]
    except Refusal as refusal:
        return [], [], "", f"CometBFT does not answer: {refusal.detail}"
    powers = [(one["address"], int(one["voting_power"])) for one in validators]
    problem = "it is catching up with the others" if sync["catching_up"] else ""
    trust = f"{sync['latest_block_height']}:{sync['latest_block_hash']}"
    return powers, [one["node_info"]["id"] for one in peers], trust, problem
