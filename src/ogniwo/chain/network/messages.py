"""The messages of ABCI 2.0 that an application needs, as CometBFT 0.38 sends and expects them.

Field names and numbers are those of the published interface; fields that this product does not look at are left out
and skipped on reading. Times are seconds and nanoseconds since 1970 (UTC), heights those of CometBFT's blocks.
"""

from enum import IntEnum
from typing import Annotated as Is

from ogniwo.chain.network.protobuf import Message, WireFormatError, decode, encode, fields_of, write_varint


class Timestamp(Message, frozen=True, gc=False):
    """An instant."""

    seconds: Is[int, 1] = 0
    nanos: Is[int, 2] = 0


class PublicKey(Message, frozen=True, gc=False):
    """A validator's key; only Ed25519 is used here."""

    ed25519: Is[bytes, 1] = b""


class ValidatorUpdate(Message, frozen=True, gc=False):
    """A validator's new power; 0 removes it."""

    pub_key: Is[PublicKey, 1] = PublicKey()
    power: Is[int, 2] = 0


class Validator(Message, frozen=True, gc=False):
    """A validator by its address, the first 20 bytes of the SHA-256 of its key."""

    address: Is[bytes, 1] = b""
    power: Is[int, 3] = 0


class VoteFlag(IntEnum):
    """What a validator did in the last commit."""

    UNKNOWN = 0
    ABSENT = 1
    COMMIT = 2
    NIL = 3


class VoteInfo(Message, frozen=True, gc=False):
    """One validator's part in a commit; `block_id_flag` is a VoteFlag."""

    validator: Is[Validator, 1] = Validator()
    block_id_flag: Is[int, 3] = 0


class CommitInfo(Message, frozen=True, gc=False):
    """Who signed the block before."""

    round: Is[int, 1] = 0
    votes: Is[tuple[VoteInfo, ...], 2] = ()


class MisbehaviourKind(IntEnum):
    """What a validator is proven to have done."""

    UNKNOWN = 0
    DUPLICATE_VOTE = 1
    LIGHT_CLIENT_ATTACK = 2


class Misbehaviour(Message, frozen=True, gc=False):
    """Evidence that stands in a block: who, what (a MisbehaviourKind), at which height and time."""

    type: Is[int, 1] = 0
    validator: Is[Validator, 2] = Validator()
    height: Is[int, 3] = 0
    time: Is[Timestamp, 4] = Timestamp()
    total_voting_power: Is[int, 5] = 0


class Snapshot(Message, frozen=True, gc=False):
    """A state that a new node can start from."""

    height: Is[int, 1] = 0
    format: Is[int, 2] = 0
    chunks: Is[int, 3] = 0
    hash: Is[bytes, 4] = b""
    metadata: Is[bytes, 5] = b""


class TxResult(Message, frozen=True, gc=False):
    """What became of one CometBFT transaction. All nodes must agree on `code` and `data`; `info` is free text."""

    code: Is[int, 1] = 0
    data: Is[bytes, 2] = b""
    log: Is[str, 3] = ""
    info: Is[str, 4] = ""


class RequestEcho(Message, frozen=True, gc=False):
    """Send this back."""

    message: Is[str, 1] = ""


class RequestFlush(Message, frozen=True, gc=False):
    """Write out all answers."""


class RequestInfo(Message, frozen=True, gc=False):
    """How far is the application?"""

    version: Is[str, 1] = ""
    abci_version: Is[str, 4] = ""


class RequestInitChain(Message, frozen=True, gc=False):
    """The genesis of the chain."""

    time: Is[Timestamp, 1] = Timestamp()
    chain_id: Is[str, 2] = ""
    validators: Is[tuple[ValidatorUpdate, ...], 4] = ()
    app_state_bytes: Is[bytes, 5] = b""
    initial_height: Is[int, 6] = 0


class RequestQuery(Message, frozen=True, gc=False):
    """A question to the application."""

    data: Is[bytes, 1] = b""
    path: Is[str, 2] = ""
    height: Is[int, 3] = 0


class RequestCheckTx(Message, frozen=True, gc=False):
    """May this transaction wait? `type` 1 asks again after a block."""

    tx: Is[bytes, 1] = b""
    type: Is[int, 2] = 0


class RequestCommit(Message, frozen=True, gc=False):
    """Make the finalized block durable."""


class RequestListSnapshots(Message, frozen=True, gc=False):
    """Which states can be served?"""


class RequestOfferSnapshot(Message, frozen=True, gc=False):
    """Start from this state? `app_hash` was verified by CometBFT's light client."""

    snapshot: Is[Snapshot | None, 1] = None
    app_hash: Is[bytes, 2] = b""


class RequestLoadSnapshotChunk(Message, frozen=True, gc=False):
    """Serve a chunk."""

    height: Is[int, 1] = 0
    format: Is[int, 2] = 0
    chunk: Is[int, 3] = 0


class RequestApplySnapshotChunk(Message, frozen=True, gc=False):
    """Take a chunk."""

    index: Is[int, 1] = 0
    chunk: Is[bytes, 2] = b""
    sender: Is[str, 3] = ""


class RequestPrepareProposal(Message, frozen=True, gc=False):
    """Which of these transactions shall this node propose?"""

    max_tx_bytes: Is[int, 1] = 0
    txs: Is[tuple[bytes, ...], 2] = ()
    height: Is[int, 5] = 0
    time: Is[Timestamp, 6] = Timestamp()
    proposer_address: Is[bytes, 8] = b""


class RequestProcessProposal(Message, frozen=True, gc=False):
    """Is this proposal of another node acceptable?"""

    txs: Is[tuple[bytes, ...], 1] = ()
    hash: Is[bytes, 4] = b""
    height: Is[int, 5] = 0
    time: Is[Timestamp, 6] = Timestamp()
    proposer_address: Is[bytes, 8] = b""


class RequestExtendVote(Message, frozen=True, gc=False):
    """Add something to a vote; never asked, since extensions are not switched on."""

    hash: Is[bytes, 1] = b""
    height: Is[int, 2] = 0


class RequestVerifyVoteExtension(Message, frozen=True, gc=False):
    """Judge an addition to a vote; never asked, since extensions are not switched on."""

    hash: Is[bytes, 1] = b""
    height: Is[int, 3] = 0
    vote_extension: Is[bytes, 4] = b""


class RequestFinalizeBlock(Message, frozen=True, gc=False):
    """Execute a decided block."""

    txs: Is[tuple[bytes, ...], 1] = ()
    decided_last_commit: Is[CommitInfo, 2] = CommitInfo()
    misbehavior: Is[tuple[Misbehaviour, ...], 3] = ()
    hash: Is[bytes, 4] = b""
    height: Is[int, 5] = 0
    time: Is[Timestamp, 6] = Timestamp()
    proposer_address: Is[bytes, 8] = b""


class ResponseException(Message, frozen=True, gc=False):
    """The application cannot go on; CometBFT stops."""

    error: Is[str, 1] = ""


class ResponseEcho(Message, frozen=True, gc=False):
    """The message of the request."""

    message: Is[str, 1] = ""


class ResponseFlush(Message, frozen=True, gc=False):
    """All answers are written."""


class ResponseInfo(Message, frozen=True, gc=False):
    """How far the application is; CometBFT replays what is missing."""

    data: Is[str, 1] = ""
    version: Is[str, 2] = ""
    app_version: Is[int, 3] = 0
    last_block_height: Is[int, 4] = 0
    last_block_app_hash: Is[bytes, 5] = b""


class ResponseInitChain(Message, frozen=True, gc=False):
    """The state after genesis; `validators` replaces those of the request when not empty."""

    validators: Is[tuple[ValidatorUpdate, ...], 2] = ()
    app_hash: Is[bytes, 3] = b""


class ResponseQuery(Message, frozen=True, gc=False):
    """An answer; `code` 0 is good."""

    code: Is[int, 1] = 0
    log: Is[str, 3] = ""
    value: Is[bytes, 7] = b""
    height: Is[int, 9] = 0


class ResponseCheckTx(Message, frozen=True, gc=False):
    """Whether a transaction may wait: `code` 0 is yes."""

    code: Is[int, 1] = 0
    data: Is[bytes, 2] = b""
    log: Is[str, 3] = ""


class ResponseCommit(Message, frozen=True, gc=False):
    """The block is durable; CometBFT may drop its own blocks below `retain_height`, 0 keeps all."""

    retain_height: Is[int, 3] = 0


class ResponseListSnapshots(Message, frozen=True, gc=False):
    """The states that can be served."""

    snapshots: Is[tuple[Snapshot, ...], 1] = ()


class OfferResult(IntEnum):
    """The answer to an offered state."""

    ACCEPT = 1
    ABORT = 2
    REJECT = 3
    REJECT_FORMAT = 4
    REJECT_SENDER = 5


class ResponseOfferSnapshot(Message, frozen=True, gc=False):
    """An OfferResult."""

    result: Is[int, 1] = 0


class ResponseLoadSnapshotChunk(Message, frozen=True, gc=False):
    """A chunk, empty when there is none."""

    chunk: Is[bytes, 1] = b""


class ChunkResult(IntEnum):
    """The answer to a chunk."""

    ACCEPT = 1
    ABORT = 2
    RETRY = 3
    RETRY_SNAPSHOT = 4
    REJECT_SNAPSHOT = 5


class ResponseApplySnapshotChunk(Message, frozen=True, gc=False):
    """A ChunkResult, which chunks to fetch again, and whom not to ask any more."""

    result: Is[int, 1] = 0
    refetch_chunks: Is[tuple[int, ...], 2] = ()
    reject_senders: Is[tuple[str, ...], 3] = ()


class ResponsePrepareProposal(Message, frozen=True, gc=False):
    """What to propose."""

    txs: Is[tuple[bytes, ...], 1] = ()


class Verdict(IntEnum):
    """Whether a proposal or an extension is acceptable."""

    ACCEPT = 1
    REJECT = 2


class ResponseProcessProposal(Message, frozen=True, gc=False):
    """A Verdict."""

    status: Is[int, 1] = 0


class ResponseExtendVote(Message, frozen=True, gc=False):
    """Nothing is added."""

    vote_extension: Is[bytes, 1] = b""


class ResponseVerifyVoteExtension(Message, frozen=True, gc=False):
    """A Verdict."""

    status: Is[int, 1] = 0


class ResponseFinalizeBlock(Message, frozen=True, gc=False):
    """What the block did: a result per transaction, changes of validators, and the hash all nodes must agree on."""

    tx_results: Is[tuple[TxResult, ...], 2] = ()
    validator_updates: Is[tuple[ValidatorUpdate, ...], 3] = ()
    app_hash: Is[bytes, 5] = b""


REQUESTS: dict[int, type[Message]] = {
    1: RequestEcho,
    2: RequestFlush,
    3: RequestInfo,
    5: RequestInitChain,
    6: RequestQuery,
    8: RequestCheckTx,
    11: RequestCommit,
    12: RequestListSnapshots,
    13: RequestOfferSnapshot,
    14: RequestLoadSnapshotChunk,
    15: RequestApplySnapshotChunk,
    16: RequestPrepareProposal,
    17: RequestProcessProposal,
    18: RequestExtendVote,
    19: RequestVerifyVoteExtension,
    20: RequestFinalizeBlock,
}
RESPONSES: dict[int, type[Message]] = {
    1: ResponseException,
    2: ResponseEcho,
    3: ResponseFlush,
    4: ResponseInfo,
    6: ResponseInitChain,
    7: ResponseQuery,
    9: ResponseCheckTx,
    12: ResponseCommit,
    13: ResponseListSnapshots,
    14: ResponseOfferSnapshot,
    15: ResponseLoadSnapshotChunk,
    16: ResponseApplySnapshotChunk,
    17: ResponsePrepareProposal,
    18: ResponseProcessProposal,
    19: ResponseExtendVote,
    20: ResponseVerifyVoteExtension,
    21: ResponseFinalizeBlock,
}
_NUMBERS = {kind: number for table in (REQUESTS, RESPONSES) for number, kind in table.items()}


def pack(message: Message) -> bytes:
    """A request or response in its outer message, with its length in front, as it goes over the socket."""
    inner = encode(message)
    outer = write_varint(_NUMBERS[type(message)] << 3 | 2) + write_varint(len(inner)) + inner
    return write_varint(len(outer)) + outer


def unpack(outer: bytes, table: dict[int, type[Message]]) -> Message:
    """The request or response inside its outer message (without the length); raises WireFormatError."""
    found: Message | None = None
    for number, _, raw in fields_of(outer):
        kind = table.get(number)
        if kind is not None and isinstance(raw, memoryview):
            found = decode(kind, raw)
    if found is None:
        raise WireFormatError(detail="the message holds nothing that is known")
    return found
