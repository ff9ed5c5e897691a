"""The ledger without a disk: executes transactions into blocks, and follows blocks that were executed before."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec

from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.ledger.admission import SignedTransaction, TurnedAway, admit_each, verify_signatures
from ogniwo.core.ledger.blocks import (
    NO_BLOCK,
    Block,
    BlockHeader,
    MalformedBodyError,
    Move,
    Recorded,
    block_entry_of,
    header_hash,
    read_body,
    read_header,
    transaction_leaves,
    write_body,
)
from ogniwo.core.ledger.canonical import encode
from ogniwo.core.ledger.hashing import leaf_hashes
from ogniwo.core.ledger.merkle import Tree, leaf_hash, root_of, root_over
from ogniwo.core.ledger.outcomes import Outcome
from ogniwo.core.ledger.rules import apply
from ogniwo.core.ledger.signing import KeyRing, PublicKeyError, SignatureError
from ogniwo.core.ledger.state import State
from ogniwo.core.ledger.transactions import Batch, Genesis, MintMetering, Post, RegisterKey, carried_keys

_NO_ROOT = "0" * 64


class BlockMismatchError(Refusal):
    """A stored block does not follow from the ones before it; `part` says where it departs.

    Parts: "header", "previous", "time", "transactions", "signature", "outcomes", "state", "log", "moves".
    """

    code = "ledger.block_mismatch"

    def __init__(self, *, detail: str, part: str) -> None:
        super().__init__(detail=detail)
        self.part = part


class Placed(msgspec.Struct, frozen=True, gc=False):
    """An outcome and its place: `log_index` is -1 and `position` -1 when it was not recorded."""

    outcome: Outcome
    position: int
    log_index: int


class Executed(NamedTuple):
    """The block (None when nothing was recorded) and one placed outcome per transaction, in order.

    `recorded` is the block's body, `transactions` what it records, in the same order.
    """

    block: Block | None
    placed: list[Placed]
    recorded: list[Recorded]
    transactions: list[SignedTransaction]


class Machine:
    """State, Merkle log, key ring and the last header, moving forward block by block; one writer only."""

    def __init__(self) -> None:
        self.state = State()
        self.log = Tree()
        self.ring = KeyRing()
        self.height = -1
        self.time = 0
        self.previous = NO_BLOCK
        self.header: BlockHeader | None = None

    @property
    def network(self) -> str:
        """The network's id, "" before genesis."""
        return self.state.foundation.network if self.state.foundation else ""

    def execute(self, transactions: Iterable[SignedTransaction], *, clock_s: int) -> Executed:
        """Apply transactions in order and make the next block of those that are recorded.

        `clock_s` is the writer's clock; block time never runs backwards. Signatures still open are settled here, since
        their key may have been registered one transaction ago.
        """
        block_time = max(clock_s, self.time)
        # By the time of the last block, not by the clock: what a replay cannot see must not change the state.
        self.state.forget_expired(self.time)
        recorded: list[Recorded] = []
        decided: list[tuple[bytes, str, str]] = []
        members: list[SignedTransaction] = []
        placed: list[Placed] = []
        first, take_moves = self.log.size + 1, self.state.take_moves
        for transaction in transactions:
            outcome = self._one(transaction, block_time)
            moves = take_moves()
            if not outcome.recorded:
                placed.append(Placed(outcome, -1, -1))
                continue
            position = len(recorded)
            placed.append(Placed(outcome, position, first + position))
            recorded.append(Recorded(outcome.code, transaction.envelope, _told(transaction, moves)))
            members.append(transaction)
            decided.append((transaction.digest, transaction.transaction, outcome.code))
        if not recorded:
            return Executed(None, placed, recorded, members)
        leaves = transaction_leaves(decided, height=self.height + 1, time=block_time)
        header = self._seal(block_time, leaves, [member.digest for member in members])
        return Executed(Block(self.height, header, write_body(recorded)), placed, recorded, members)

    def _one(self, transaction: SignedTransaction, block_time: int) -> Outcome:
        if transaction.open_checks:
            for check in transaction.open_checks:
                # A key may have come without a transaction that carries it: by a recovery, or by a proposal.
                record = self.state.keys.get(check.kid)
                if record is not None:
                    self.ring.add(record.key)
            try:
                verify_signatures(transaction, self.ring)
            except (SignatureError, PublicKeyError) as refusal:
                return Outcome(refusal.code, refusal.detail, recorded=False)
        outcome = apply(self.state, transaction, block_time=block_time, logged=self._logged)
        if outcome.accepted and isinstance(transaction.payload, (Genesis, RegisterKey, Batch)):
            for key in carried_keys(transaction.payload):
                self.ring.add(key)
        return outcome

    def _logged(self, index: int) -> bytes | None:
        return self.log.leaf(index) if 0 <= index < self.log.size else None

    def _seal(self, block_time: int, leaves: list[bytes], digests: list[bytes]) -> bytes:
        """Close the block: roots, log, header; the machine stands at the new block afterwards."""
        draft = BlockHeader(
            height=self.height + 1,
            log_root=_NO_ROOT,
            log_size=0,
            network=self.network,
            outcomes_root=root_of(leaves).hex(),
            previous=self.previous,
            state_root=self.state.root().hex(),
            time=block_time,
            transactions=len(leaves),
            transactions_root=_root_over(digests).hex(),
        )
        self.log.extend([leaf_hash(block_entry_of(draft)), *leaves])
        header = msgspec.structs.replace(draft, log_size=self.log.size, log_root=self.log.root().hex())
        written = encode(header)
        self.height, self.time, self.header = header.height, block_time, header
        self.previous = header_hash(written)
        return written

    def replay(
        self,
        block: Block,
        *,
        check_signatures: bool = True,
        admitted: Iterable[SignedTransaction | TurnedAway] | None = None,
    ) -> BlockHeader:
        """Follow a stored block and compare everything it says; raises BlockMismatchError at the first difference.

        Without `check_signatures` the hashes, rules and roots are still checked. `admitted` are the block's envelopes
        in order if they were admitted elsewhere (a signature whose key was not known there is still open). After a
        refusal the machine stands between two blocks and is of no more use.
        """
        header, recorded = self._read(block)
        if admitted is None:
            envelopes = (record.envelope for record in recorded)
            admitted = admit_each(envelopes, self.ring if check_signatures else None)
        transactions: list[SignedTransaction] = []
        executed = self.execute(_passed(admitted, transactions), clock_s=header.time)
        if len(transactions) != len(recorded):
            raise BlockMismatchError(detail="the envelopes are not those of the body", part="transactions")
        self._compare_transactions(header, recorded, transactions)
        for position, (record, placed) in enumerate(zip(recorded, executed.placed, strict=True)):
            if placed.outcome.code != record.outcome or not placed.outcome.recorded:
                detail = f"transaction {position} is recorded as {record.outcome}, the rules say {placed.outcome.code}"
                raise BlockMismatchError(detail=detail, part="outcomes")
        self._compare_header(header, executed.block)
        if executed.block is not None and executed.block.body != block.body:
            raise BlockMismatchError(detail="the body tells other movements than the rules give", part="moves")
        return header

    def _read(self, block: Block) -> tuple[BlockHeader, tuple[Recorded, ...]]:
        try:
            header = read_header(block.header)
        except Refusal as refusal:
            raise BlockMismatchError(detail=f"the header cannot be read: {refusal.detail}", part="header") from refusal
        if header.height != self.height + 1 or block.height != header.height:
            detail = f"height {header.height}, stored as {block.height}, expected {self.height + 1}"
            raise BlockMismatchError(detail=detail, part="header")
        if header.previous != self.previous:
            raise BlockMismatchError(detail="the header does not name the block before it", part="previous")
        if header.time < self.time:
            raise BlockMismatchError(detail=f"time {header.time} before {self.time}", part="time")
        try:
            recorded = read_body(block.body)
        except MalformedBodyError as refusal:
            raise BlockMismatchError(detail=refusal.detail, part="transactions") from refusal
        if not recorded or len(recorded) != header.transactions:
            detail = f"{len(recorded)} transactions where the header says {header.transactions}"
            raise BlockMismatchError(detail=detail, part="transactions")
        return header, recorded

    def _compare_transactions(
        self, header: BlockHeader, recorded: tuple[Recorded, ...], transactions: list[SignedTransaction]
    ) -> None:
        ours = self.header
        if ours is not None and (ours.height, ours.time, ours.transactions_root, ours.outcomes_root) == (
            header.height,
            header.time,
            header.transactions_root,
            header.outcomes_root,
        ):
            # The block made of these transactions has the roots of the header: nothing is left to compare.
            return
        if _root_over([transaction.digest for transaction in transactions]).hex() != header.transactions_root:
            raise BlockMismatchError(detail="the envelopes are not those of the header", part="transactions")
        decided = [
            (transaction.digest, transaction.transaction, record.outcome)
            for record, transaction in zip(recorded, transactions, strict=True)
        ]
        leaves = transaction_leaves(decided, height=header.height, time=header.time)
        if root_of(leaves).hex() != header.outcomes_root:
            raise BlockMismatchError(detail="the outcomes or the time are not those of the header", part="outcomes")

    def _compare_header(self, header: BlockHeader, block: Block | None) -> None:
        if block is not None and self.header == header:
            return
        ours = self.header
        if ours is None:
            raise BlockMismatchError(detail="nothing was recorded", part="outcomes")
        if ours.state_root != header.state_root:
            raise BlockMismatchError(detail="the state after the block is another one", part="state")
        if (ours.log_root, ours.log_size) != (header.log_root, header.log_size):
            raise BlockMismatchError(detail="the log after the block is another one", part="log")
        raise BlockMismatchError(detail="the header holds something else than the block", part="header")


def _passed(
    members: Iterable[SignedTransaction | TurnedAway], passed: list[SignedTransaction]
) -> Iterator[SignedTransaction]:
    """The members of a stored block, each noted in `passed`; refuses one that should not be in any."""
    for position, member in enumerate(members):
        if isinstance(member, TurnedAway):
            part = "signature" if member.code == SignatureError.code else "transactions"
            raise BlockMismatchError(detail=f"transaction {position}: {member.detail}", part=part)
        passed.append(member)
        yield member


def _root_over(digests: Sequence[bytes]) -> bytes:
    return root_over(leaf_hashes(b"".join(digests)))


def _told(transaction: SignedTransaction, moves: Sequence[Mapping[tuple[str, str], int]]) -> tuple[Move, ...]:
    """The movements that the body has to tell, since the payload alone does not.

    A transfer says itself what it moves, unless expired units went back to their issuer on that occasion.
    """
    if not moves or (len(moves) == 1 and isinstance(transaction.payload, (Post, MintMetering))):
        return ()
    total: dict[tuple[str, str], int] = {}
    for amounts in moves:
        for place, amount in amounts.items():
            total[place] = total.get(place, 0) + amount
    return tuple(Move(account, asset, amount) for (account, asset), amount in sorted(total.items()) if amount)
