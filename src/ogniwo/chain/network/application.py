"""The application behind CometBFT: one batch of envelopes per transaction, one ledger block per block that has any.

Deterministic: the block's transactions, their order and the block's time (whole seconds) decide everything; there is no
clock here and no random. The hash that all nodes must agree on is that of the last ledger header, which names the
state, the log and the header before it.
"""

import threading
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from ogniwo.chain.closing import Closing
from ogniwo.chain.inbox import Answer
from ogniwo.chain.network import messages as abci
from ogniwo.chain.network.batches import BatchFormError, write_answers, write_wrong
from ogniwo.chain.network.genesis import AppState, read_app_state
from ogniwo.chain.network.opening import Opened, Opener
from ogniwo.chain.network.protobuf import Message
from ogniwo.chain.network.statesync import SnapshotReceiver, SnapshotServer
from ogniwo.chain.network.store import Committed, NetworkStore, Offence
from ogniwo.chain.network.validators import validator_changes
from ogniwo.chain.opening import SNAPSHOT_ENTRIES, SnapshotKeeper
from ogniwo.chain.snapshots import SnapshotFolder
from ogniwo.chain.store import DamagedStoreError
from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.ledger.admission import SignedTransaction, admit
from ogniwo.core.ledger.blocks import Block
from ogniwo.core.ledger.machine import Machine, Placed
from ogniwo.core.ledger.snapshot import Manifest

APP_VERSION = 1
"""Goes up when the rules change so that nodes of two versions would not agree."""

_WRONG = 1
_UNKNOWN_PATH = 2
_NOT_LISTED = 3
_PEER_PATH = "/p2p/filter/id/"
_KINDS = {
    abci.MisbehaviourKind.DUPLICATE_VOTE: "duplicate_vote",
    abci.MisbehaviourKind.LIGHT_CLIENT_ATTACK: "light_client_attack",
}


class OutOfStepError(Refusal):
    """Consensus asks for a block that does not follow the last one here; the node has to stop."""

    code = "node.out_of_step"


class FoundingRefusedError(Refusal):
    """A founding transaction of the genesis is not accepted by the rules."""

    code = "node.founding_refused"


class _Pending(NamedTuple):
    """A block that is executed but not yet durable."""

    height: int
    hash: bytes
    blocks: tuple[Block, ...]
    signers: tuple[str, ...]
    offences: tuple[Offence, ...]
    response: abci.ResponseFinalizeBlock


class Application(Closing):
    """Answers CometBFT's requests over one ledger file; safe to call from several threads.

    `peers` gives the ids of nodes that may connect; None admits everybody. Opening starts from the newest snapshot,
    like the embedded engine, and takes one for every `snapshot_entries` of the log. Raises LockedError,
    DamagedStoreError.
    """

    def __init__(
        self,
        path: Path,
        *,
        threads: int | None = None,
        peers: Callable[[], Collection[str]] | None = None,
        snapshot_entries: int = SNAPSHOT_ENTRIES,
    ) -> None:
        self._peers = peers
        self._store = NetworkStore(path, write=True)
        self._folder = SnapshotFolder(path.with_name("snapshots"))
        self._keeper = SnapshotKeeper(self._folder.folder, every=snapshot_entries)
        self._server = SnapshotServer(self._folder, path)
        self._receiver = SnapshotReceiver()
        self._opener = Opener(threads=threads)
        self._guard = threading.Lock()
        self._founded: tuple[Block, ...] = ()
        self._pending: _Pending | None = None
        self._objections: list[Offence] = []
        try:
            self._committed = self._store.committed()
            self._machine = self._replayed()
        except BaseException:
            self.close()
            raise
        self._handlers: dict[type[Message], Callable[[Any], Message]] = {
            abci.RequestInfo: self.info,
            abci.RequestInitChain: self.init_chain,
            abci.RequestQuery: self.query,
            abci.RequestCheckTx: self.check_tx,
            abci.RequestPrepareProposal: self.prepare_proposal,
            abci.RequestProcessProposal: self.process_proposal,
            abci.RequestFinalizeBlock: self.finalize_block,
            abci.RequestCommit: self.commit,
            abci.RequestListSnapshots: lambda _: abci.ResponseListSnapshots(self._server.offers()),
            abci.RequestOfferSnapshot: lambda one: abci.ResponseOfferSnapshot(self._receiver.offer(one)),
            abci.RequestLoadSnapshotChunk: lambda one: abci.ResponseLoadSnapshotChunk(self._server.chunk(one)),
            abci.RequestApplySnapshotChunk: self.apply_snapshot_chunk,
            abci.RequestExtendVote: lambda _: abci.ResponseExtendVote(),
            abci.RequestVerifyVoteExtension: lambda one: abci.ResponseVerifyVoteExtension(
                abci.Verdict.REJECT if one.vote_extension else abci.Verdict.ACCEPT
            ),
        }

    def answer(self, request: Message) -> Message:
        """Answer one request; a Refusal means that this node cannot go on."""
        return self._handlers[type(request)](request)

    def info(self, _request: abci.RequestInfo) -> abci.ResponseInfo:
        """How far this node has come durably; CometBFT gives what is missing again."""
        with self._guard:
            return abci.ResponseInfo(
                data="ogniwo",
                app_version=APP_VERSION,
                last_block_height=self._committed.height,
                last_block_app_hash=bytes.fromhex(self._committed.app_hash),
            )

    def init_chain(self, request: abci.RequestInitChain) -> abci.ResponseInitChain:
        """Execute the founding transactions of the genesis as ledger block 0; raises FoundingRefusedError.

        The block becomes durable with the first block of consensus; until then CometBFT asks again after a crash.
        """
        founding = read_app_state(request.app_state_bytes)
        with self._guard:
            self._machine, self._pending = Machine(), None
            block = founded_block(self._machine, founding, network=request.chain_id, time_s=request.time.seconds)
            self._founded = (block,)
            return abci.ResponseInitChain(validators=_updates({}, _powers(self._machine)), app_hash=self._app_hash())

    def query(self, request: abci.RequestQuery) -> abci.ResponseQuery:
        """May this node connect to us (asked by CometBFT itself), or: which head do you have (path "head")."""
        if request.path.startswith(_PEER_PATH):
            peers = None if self._peers is None else self._peers()
            listed = peers is None or request.path.removeprefix(_PEER_PATH) in peers
            return abci.ResponseQuery(code=0 if listed else _NOT_LISTED, log="" if listed else "not on the list")
        if request.path.startswith("/p2p/filter/addr/"):
            return abci.ResponseQuery()
        if request.path != "head":
            return abci.ResponseQuery(code=_UNKNOWN_PATH, log=f"no such path: {request.path}")
        with self._guard:
            return abci.ResponseQuery(value=self._committed.app_hash.encode(), height=self._committed.height)

    def check_tx(self, request: abci.RequestCheckTx) -> abci.ResponseCheckTx:
        """Whether a batch may wait: its form, and every signature whose key is known."""
        try:
            opened = self._opener.open(request.tx, self._machine.ring)
        except BatchFormError as refusal:
            return abci.ResponseCheckTx(code=_WRONG, log=str(refusal))
        if wrong := opened.wrong:
            return abci.ResponseCheckTx(code=_WRONG, data=write_wrong(wrong), log=f"{len(wrong)} envelopes are wrong")
        return abci.ResponseCheckTx()

    def prepare_proposal(self, request: abci.RequestPrepareProposal) -> abci.ResponsePrepareProposal:
        """Propose what others will accept."""
        return abci.ResponsePrepareProposal(tuple(tx for tx in request.txs if not self._objection(tx)))

    def process_proposal(self, request: abci.RequestProcessProposal) -> abci.ResponseProcessProposal:
        """Turn away a proposal with anything malformed or falsely signed in it, and remember who made it."""
        for tx in request.txs:
            if objection := self._objection(tx):
                address = request.proposer_address.hex().upper()
                offence = Offence(
                    address, "bad_proposal", request.height, request.time.seconds, proven=False, detail=objection
                )
                with self._guard:
                    self._objections.append(offence)
                return abci.ResponseProcessProposal(abci.Verdict.REJECT)
        return abci.ResponseProcessProposal(abci.Verdict.ACCEPT)

    def _objection(self, tx: bytes) -> str:
        try:
            wrong = self._opener.open(tx, self._machine.ring).wrong
        except BatchFormError as refusal:
            return str(refusal)
        return f"{wrong[0].code} in envelope {wrong[0].index}" if wrong else ""

    def finalize_block(self, request: abci.RequestFinalizeBlock) -> abci.ResponseFinalizeBlock:
        """Execute a decided block; asked again for the same block, give the same answer. Raises OutOfStepError."""
        with self._guard:
            pending = self._pending
            if pending is not None and (pending.height, pending.hash) == (request.height, request.hash):
                return pending.response
            if pending is not None:  # another block at this height: go back to what is durable
                self._machine, self._pending = self._replayed(), None
            if request.height != self._committed.height + 1:
                detail = f"height {request.height} does not follow {self._committed.height}"
                raise OutOfStepError(detail=detail)
            self._pending = self._executed(request)
            return self._pending.response

    def _executed(self, request: abci.RequestFinalizeBlock) -> _Pending:
        batches = [self._opened(tx) for tx in request.txs]
        transactions = [
            member for batch in batches if batch for member in batch.members if isinstance(member, SignedTransaction)
        ]
        before = _powers(self._machine)
        executed = self._machine.execute(transactions, clock_s=request.time.seconds)
        placed = iter(executed.placed)
        response = abci.ResponseFinalizeBlock(
            tx_results=tuple(self._result(batch, placed) for batch in batches),
            validator_updates=_updates(before, _powers(self._machine)),
            app_hash=self._app_hash(),
        )
        commits = (vote for vote in request.decided_last_commit.votes if vote.block_id_flag == abci.VoteFlag.COMMIT)
        return _Pending(
            height=request.height,
            hash=request.hash,
            blocks=(*self._founded, executed.block) if executed.block else self._founded,
            signers=tuple(vote.validator.address.hex().upper() for vote in commits),
            offences=tuple(_offence(one) for one in request.misbehavior),
            response=response,
        )

    def _opened(self, tx: bytes) -> Opened | None:
        """A decided batch; what only a majority of liars could have decided is answered, and does nothing."""
        try:
            return self._opener.open(tx, self._machine.ring)
        except BatchFormError:
            return None
        finally:
            self._opener.forget(tx)

    def _result(self, batch: Opened | None, placed: Iterator[Placed]) -> abci.TxResult:
        if batch is None:
            return abci.TxResult(code=_WRONG)
        answers = [
            member if isinstance(member, Answer) else self._answer(member, next(placed)) for member in batch.members
        ]
        data, details = write_answers(answers)
        return abci.TxResult(data=data, info=details)

    def _answer(self, transaction: SignedTransaction, placed: Placed) -> Answer:
        outcome = placed.outcome
        return Answer(
            transaction.transaction,
            outcome.code,
            outcome.detail,
            self._machine.height if outcome.recorded else -1,
            placed.position,
            placed.log_index,
            self._machine.time,
            outcome.original,
        )

    def commit(self, _request: abci.RequestCommit) -> abci.ResponseCommit:
        """Make the executed block durable with its height; raises FencedError or StoreWriteError."""
        with self._guard:
            pending = self._pending
            if pending is None:
                raise OutOfStepError(detail="there is no executed block to commit")
            committed = Committed(pending.height, pending.response.app_hash.hex())
            self._store.commit(
                committed,
                blocks=pending.blocks,
                signers=pending.signers,
                offences=(*pending.offences, *self._objections),
            )
            self._committed, self._pending, self._founded = committed, None, ()
            self._objections.clear()
            if pending.blocks:
                self._keeper.after_block(self._store, self._machine)
        return abci.ResponseCommit()

    def apply_snapshot_chunk(self, request: abci.RequestApplySnapshotChunk) -> abci.ResponseApplySnapshotChunk:
        """Take a chunk of another node's snapshot; the last one makes this node stand where the snapshot does."""
        with self._guard:
            response = self._receiver.apply(request)
            received = self._receiver.received
            if received is not None:
                # First the snapshot, then the blocks: alone it counts for nothing and is taken again.
                self._folder.write(received.machine)
                committed = Committed(received.height, received.machine.previous)
                self._store.commit(committed, blocks=received.blocks, signers=(), offences=())
                self._machine, self._committed, self._receiver = received.machine, committed, SnapshotReceiver()
            return response

    def take_snapshot(self) -> Manifest:
        """Take a snapshot of the last durable block; raises NoSnapshotError before the first, OSError."""
        with self._guard:
            return self._folder.write(self._machine)

    def _app_hash(self) -> bytes:
        return bytes.fromhex(self._machine.previous)

    def _replayed(self) -> Machine:
        """The machine at the last durable block, or at genesis before the first; raises DamagedStoreError."""
        machine = self._keeper.open(self._store)
        for block in self._founded:
            machine.replay(block, check_signatures=False)
        if self._committed.height and machine.previous != self._committed.app_hash:
            detail = f"{self._store.path} ends with another block than consensus agreed on"
            raise DamagedStoreError(detail=detail)
        return machine

    def close(self) -> None:
        """Release the file and the threads; what was not committed is asked for again."""
        self._opener.close()
        self._store.close()


def _powers(machine: Machine) -> dict[str, int]:
    return {key: record.power for key, record in machine.state.validators.items()}


def _updates(before: dict[str, int], after: dict[str, int]) -> tuple[abci.ValidatorUpdate, ...]:
    return tuple(
        abci.ValidatorUpdate(abci.PublicKey(bytes.fromhex(key)), power)
        for key, power in validator_changes(before, after)
    )


def founded_block(machine: Machine, founding: AppState, *, network: str, time_s: int) -> Block:
    """Ledger block 0 of a genesis, executed on a fresh machine; raises FoundingRefusedError unless all is accepted."""
    transactions = []
    for number, envelope in enumerate(founding.founding):
        try:
            transactions.append(admit(envelope.encode(), machine.ring))
        except Refusal as refusal:
            raise FoundingRefusedError(detail=f"founding transaction {number}: {refusal}") from refusal
    executed = machine.execute(transactions, clock_s=time_s)
    for number, placed in enumerate(executed.placed):
        if not placed.outcome.accepted:
            detail = f"founding transaction {number}: {placed.outcome.detail} [{placed.outcome.code}]"
            raise FoundingRefusedError(detail=detail)
    if executed.block is None or machine.network != network:
        raise FoundingRefusedError(detail=f"the founding transactions do not found the network {network}")
    if founding.cards and set(machine.state.validators) != {card.validator for card in founding.cards}:
        # A founder without a record could never be taken out again.
        raise FoundingRefusedError(detail="the founding transactions make other validators than those of the cards")
    return executed.block


def _offence(proof: abci.Misbehaviour) -> Offence:
    kind = _KINDS.get(abci.MisbehaviourKind(proof.type), "unknown")
    return Offence(proof.validator.address.hex().upper(), kind, proof.height, proof.time.seconds, proven=True)
