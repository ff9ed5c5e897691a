"""What the fuzzer throws at the ledger, and what must hold whatever it throws.

`decoder` takes any bytes as an envelope. `machine` takes payloads, one per line, each behind a letter that says who
signed, and executes them on a small founded cooperative; signatures are taken as verified, so that the rules are
reached. Both raise AssertionError, or anything else that is no refusal, when the product is wrong.
"""

import importlib.util
import sys
from hashlib import sha256
from pathlib import Path
from typing import get_args

import msgspec

from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.ledger import admission
from ogniwo.core.ledger.canonical import decode, encode
from ogniwo.core.ledger.machine import Machine
from ogniwo.core.ledger.signing import key_id, load_public_key
from ogniwo.core.ledger.state import State
from ogniwo.core.ledger.transactions import Genesis, Payload, carried_keys, signed_days

NETWORK = Path(__file__).parents[1] / "unit" / "core" / "ledger" / "network.py"
SIGNERS = (
    ("op",),
    ("coop",),
    ("anna",),
    ("jan",),
    ("gateway",),
    ("op", "coop"),
    ("anna", "jan"),
    ("anna", "coop"),
    (),
)
LINES_MAX = 24
OPERATIONS = get_args(Payload)
_PAYLOAD = msgspec.json.Decoder(Payload)


def new_network():
    """The cooperative of the unit tests, before its genesis."""
    if "ledger_network" not in sys.modules:
        specification = importlib.util.spec_from_file_location("ledger_network", NETWORK)
        sys.modules["ledger_network"] = importlib.util.module_from_spec(specification)
        specification.loader.exec_module(sys.modules["ledger_network"])
    return sys.modules["ledger_network"].Network()


def decoder(data: bytes) -> None:
    """Any bytes: refused with a code, or taken as the only spelling of what they say."""
    try:
        opened = admission.open_transaction(data)
    except Refusal:
        return
    payload = encode(opened.payload)
    assert sha256(payload).hexdigest() == opened.transaction
    assert opened.digest == sha256(data).digest()
    assert opened.signers
    assert decode(payload, _PAYLOAD) == opened.payload


class Bench:
    """A founded cooperative that every input starts from anew."""

    def __init__(self) -> None:
        self.network = new_network().founded()
        self.entries = list(self.network.machine.state.entries())

    def fresh(self) -> Machine:
        """A machine that stands right after the founding."""
        machine, source = Machine(), self.network.machine
        machine.state = State.restored(self.entries)
        machine.state.root()
        machine.log.extend([source.log.leaf(index) for index in range(source.log.size)])
        machine.height, machine.time, machine.previous = source.height, source.time, source.previous
        return machine


_BENCH: list[Bench] = []


def bench() -> Bench:
    """The one cooperative of this process."""
    if not _BENCH:
        _BENCH.append(Bench())
    return _BENCH[0]


def transactions(data: bytes) -> list[admission.SignedTransaction]:
    """The payloads of an input as transactions that were signed; what cannot be decoded is left out."""
    network, found = bench().network, []
    for line in data.split(b"\n")[:LINES_MAX]:
        try:
            payload = decode(line[1:], _PAYLOAD)
        except Refusal:
            continue
        if isinstance(payload, Genesis):
            continue
        raw = encode(payload)
        names = SIGNERS[line[0] % len(SIGNERS)]
        signers = [network.kid(name) for name in names]
        readers = (network.kid("gateway-reading"),) * len(signed_days(payload))
        # The own signatures of new keys cannot be guessed: taken as given where admission could have verified them.
        try:
            for key in carried_keys(payload):
                load_public_key(key)
                signers.append(key_id(key))
        except Refusal:
            continue
        found.append(
            admission.SignedTransaction(
                payload=payload,
                transaction=sha256(raw).hexdigest(),
                envelope=line,
                digest=sha256(line).digest(),
                signers=tuple(dict.fromkeys(signers)),
                readers=readers,
                open_checks=(),
            )
        )
    return found


def machine(data: bytes) -> None:
    """Payloads in order: no error, books in balance, refusals without trace, and the same root from the entries."""
    found = transactions(data)
    if not found:
        return
    subject = bench().fresh()
    state, clock = subject.state, bench().network.now
    for number, transaction in enumerate(found):
        before, height = state.root(), subject.height
        executed = subject.execute([transaction], clock_s=clock + 600 * number)
        outcome = executed.placed[0].outcome
        if not outcome.accepted:
            assert state.root() == before, f"{outcome.code} left a trace"
        assert (executed.block is not None) == outcome.recorded
        assert subject.height == height + outcome.recorded
        assert not any(state.sums.values()), state.sums
        _balances(state)
    twin = State.restored(state.entries())
    assert twin.root() == state.root(), "the root does not follow from the entries"
    assert dict(twin.entries()) == dict(state.entries())


def _balances(state: State) -> None:
    """Nobody but an issuer owes tokens of a kind that is no debt."""
    for (account, name), amount in state.balances.items():
        asset = state.assets[name]
        if asset.kind != "claim" and account != asset.issuer:
            assert amount >= 0 or asset.kind == "metering", (account, name, amount)


TARGETS = {"decoder": decoder, "machine": machine}
