"""Runs a node that lies: `python byzantine_node.py HOW FOLDER`; the rest of it is the product's own node.

HOW: "equivocate" votes against every proposal (run beside an honest node with the same key, it makes that validator
vote twice); "garbage" proposes a batch with a false signature; "forge" tells its CometBFT another state than it has.
"""

import asyncio
import signal
import sys
from pathlib import Path

from ogniwo.chain.network import messages as abci
from ogniwo.chain.network.application import Application
from ogniwo.chain.network.batches import read_batch, write_batch
from ogniwo.chain.network.binary import find_cometbft
from ogniwo.chain.network.home import NodeHome
from ogniwo.chain.network.process import run_node


class Equivocating(Application):
    def process_proposal(self, request):
        return abci.ResponseProcessProposal(abci.Verdict.REJECT)


class ProposingGarbage(Application):
    def prepare_proposal(self, request):
        forged = []
        for tx in request.txs:
            envelopes = read_batch(tx)
            start = envelopes[0].index(b'"signature":"') + len(b'"signature":"')
            other = b"A" if envelopes[0][start : start + 1] != b"A" else b"B"
            bad = envelopes[0][:start] + other + envelopes[0][start + 1 :]
            forged.append(write_batch([bad, *envelopes[1:]], nonce=bytes(16)))
        return abci.ResponsePrepareProposal(tuple(forged))


class ForgingState(Application):
    def finalize_block(self, request):
        true = super().finalize_block(request)
        return abci.ResponseFinalizeBlock(
            tx_results=true.tx_results, validator_updates=true.validator_updates, app_hash=b"\xff" * 32
        )


KINDS = {"equivocate": Equivocating, "garbage": ProposingGarbage, "forge": ForgingState}


async def main(how, folder):
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await run_node(NodeHome(folder), binary=find_cometbft(), stop=stop, application=KINDS[how])


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
