"""The founding of a network: cards of the organisations, and the one genesis file they all compute from them.

A card says who somebody is: the organisation's name, the public key of its validator, the id and the address of its
node, and the registration of its own key on the ledger; signed with the validator's key. The genesis follows from the
cards, the founding transactions and the pace alone, so every founder makes the same bytes and they read its hash to
one another.
"""

from base64 import b64encode
from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Annotated

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from msgspec import Meta

from ogniwo.chain.network.validators import address_of
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.ledger.admission import admit, open_transaction
from ogniwo.core.ledger.canonical import decode, encode
from ogniwo.core.ledger.signing import KeyRing, key_id
from ogniwo.core.ledger.transactions import RegisterKey

NETWORK_CHARACTERS_MAX = 50
"""CometBFT's bound on the id of a chain."""

FOUNDER_POWER = 10
BLOCK_BYTES_MAX = 4_194_304
EVIDENCE_BLOCKS_MAX = 100_000
EVIDENCE_SECONDS_MAX = 14 * 86_400
_NANOS = 1_000_000_000

Hex32 = Annotated[str, Meta(pattern=r"\A[0-9a-f]{64}\Z")]


class CardError(Refusal):
    """A card cannot be read, is not signed by its own key, or does not fit to the others."""

    code = "node.card"


class GenesisError(Refusal):
    """A genesis file is damaged, or not the one that was agreed on."""

    code = "node.genesis"


class Card(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a node gives away; `validator` is its Ed25519 key in hex, `made` seconds since 1970.

    `registration` is the envelope that registers the organisation's own key on the ledger, signed by that key; the
    operator of the ledger adds his signature.
    """

    address: Annotated[str, Meta(pattern=r"\A[A-Za-z0-9.-]{1,253}:[0-9]{1,5}\Z")]
    card: Annotated[int, Meta(ge=1, le=1)] = 1
    made: Annotated[int, Meta(ge=0, le=2**40)]
    node: Annotated[str, Meta(pattern=r"\A[0-9a-f]{40}\Z")]
    organisation: Annotated[str, Meta(pattern=r"\A[a-z0-9][a-z0-9-]{0,39}\Z")]
    registration: Annotated[str, Meta(max_length=8_000)]
    signature: Annotated[str, Meta(pattern=r"\A([0-9a-f]{128})?\Z")] = ""
    validator: Hex32

    @property
    def validator_address(self) -> str:
        """How CometBFT names this validator in votes and evidence."""
        return address_of(bytes.fromhex(self.validator))

    @property
    def member(self) -> RegisterKey:
        """The registration of the organisation's own key: its account (`subject`), the network, the key."""
        payload = open_transaction(self.registration.encode()).payload
        if not isinstance(payload, RegisterKey):
            raise CardError(detail=f"the card of {self.organisation} registers no key")
        return payload


class AppState(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the genesis tells the application: the founders' cards, their transactions, and the pace of blocks."""

    cards: Annotated[tuple[Card, ...], Meta(max_length=100)]
    commit_ms: Annotated[int, Meta(ge=10, le=60_000)]
    founding: Annotated[tuple[str, ...], Meta(min_length=1, max_length=1_000)]
    propose_ms: Annotated[int, Meta(ge=100, le=60_000)]


_CARD = msgspec.json.Decoder(Card)
_APP_STATE = msgspec.json.Decoder(AppState)


def sign_card(card: Card, key: Ed25519PrivateKey) -> Card:
    """The card with the signature of the validator's key over its canonical bytes."""
    bare = msgspec.structs.replace(card, signature="")
    return msgspec.structs.replace(card, signature=key.sign(encode(bare)).hex())


def read_card(data: bytes) -> Card:
    """Read a card and check its signature; raises CardError."""
    try:
        card = decode(data.strip(), _CARD)
    except Refusal as refusal:
        raise CardError(detail=f"no card: {refusal.detail}") from refusal
    bare = msgspec.structs.replace(card, signature="")
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(card.validator)).verify(
            bytes.fromhex(card.signature), encode(bare)
        )
    except (InvalidSignature, ValueError) as error:
        raise CardError(detail=f"the card of {card.organisation} is not signed by its own key") from error
    _check_registration(card)
    return card


def _check_registration(card: Card) -> None:
    try:
        signed = admit(card.registration.encode(), KeyRing())
        member = card.member
    except CardError:
        raise
    except Refusal as refusal:
        raise CardError(detail=f"the card of {card.organisation}: {refusal.detail}") from refusal
    if signed.signers != (key_id(member.key),) or member.subject != f"{member.account}/{card.organisation}":
        raise CardError(detail=f"the card of {card.organisation} registers a key of somebody else")


def write_genesis(
    cards: Sequence[Card], *, network: str, founding: Sequence[str], commit_ms: int, propose_ms: int
) -> bytes:
    """The genesis file, the same bytes whatever the order of the cards; raises CardError.

    Its time is that of the latest card: all founders have the same cards, but not the same clock.
    """
    ordered = sorted(cards, key=lambda card: card.organisation)
    for field in ("organisation", "validator", "node", "address"):
        if len({getattr(card, field) for card in ordered}) != len(ordered):
            raise CardError(detail=f"two cards have the same {field}")
    if not ordered or not 1 <= len(network) <= NETWORK_CHARACTERS_MAX:
        raise CardError(detail=f"a network has a name of up to {NETWORK_CHARACTERS_MAX} characters and some cards")
    if any(card.member.network != network for card in ordered):
        raise CardError(detail=f"a card is not made for the network {network}")
    state = AppState(cards=tuple(ordered), commit_ms=commit_ms, founding=tuple(founding), propose_ms=propose_ms)
    started = datetime.fromtimestamp(max(card.made for card in ordered), tz=UTC)
    document = {
        "genesis_time": started.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "chain_id": network,
        "initial_height": "1",
        "consensus_params": {
            "block": {"max_bytes": str(BLOCK_BYTES_MAX), "max_gas": "-1"},
            "evidence": {
                "max_age_num_blocks": str(EVIDENCE_BLOCKS_MAX),
                "max_age_duration": str(EVIDENCE_SECONDS_MAX * _NANOS),
                "max_bytes": "1048576",
            },
            "validator": {"pub_key_types": ["ed25519"]},
            "version": {"app": "1"},
            "abci": {"vote_extensions_enable_height": "0"},
        },
        "validators": [_validator(card) for card in ordered],
        "app_hash": "",
        "app_state": msgspec.to_builtins(state),
    }
    return msgspec.json.encode(document, order="sorted")


def _validator(card: Card) -> dict[str, object]:
    key = b64encode(bytes.fromhex(card.validator)).decode()
    return {
        "address": card.validator_address,
        "pub_key": {"type": "tendermint/PubKeyEd25519", "value": key},
        "power": str(FOUNDER_POWER),
        "name": card.organisation,
    }


def genesis_hash(genesis: bytes) -> str:
    """What the founders read to one another: the SHA-256 of the file in hex."""
    return sha256(genesis).hexdigest()


def read_app_state(data: bytes) -> AppState:
    """What a genesis tells the application; raises GenesisError."""
    try:
        return _APP_STATE.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise GenesisError(detail=f"the genesis cannot be read: {error}") from error


class Genesis(msgspec.Struct, frozen=True, kw_only=True):
    """The part of a genesis file that this product reads back; the rest is CometBFT's."""

    app_state: AppState
    chain_id: str
    genesis_time: datetime


def read_genesis(data: bytes) -> Genesis:
    """Read a genesis file and check the cards in it; raises GenesisError or CardError."""
    try:
        genesis = msgspec.json.decode(data, type=Genesis)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise GenesisError(detail=f"the genesis cannot be read: {error}") from error
    state = genesis.app_state
    for card in state.cards:
        read_card(encode(card))
    again = write_genesis(
        state.cards,
        network=genesis.chain_id,
        founding=state.founding,
        commit_ms=state.commit_ms,
        propose_ms=state.propose_ms,
    )
    if again != data:
        raise GenesisError(detail="the genesis file says something else than follows from its cards")
    return genesis
