"""Stands in for CometBFT where a test needs no other nodes: decides each transaction at once, in a block of its own."""

import json
import threading
from base64 import b64decode, b64encode
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from ogniwo.chain.network import messages as abci


class FakeComet(ThreadingHTTPServer):
    """CometBFT's JSON-RPC over one application; `clock` gives the time of blocks.

    `script` holds errors to answer with before anything else ("hang up" answers nothing), `seen` what was decided on;
    while `gate` is closed, nothing is.
    """

    daemon_threads = True

    def __init__(self, application, clock):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.application, self.clock = application, clock
        self.script, self.seen, self.problem = [], [], ""
        self.guard, self.gate = threading.Lock(), threading.Event()
        self.gate.set()
        self.port = self.server_address[1]
        self.thread = threading.Thread(target=self.serve_forever, args=(0.01,))
        self.thread.start()

    def result(self, method, params):
        """The result of a call; nothing any more once the application failed."""
        if self.problem:
            raise RuntimeError(self.problem)
        if method == "status":
            return {"sync_info": {"catching_up": False}}
        self.gate.wait(10)
        tx = b64decode(params["tx"])
        with self.guard:
            self.seen.append(tx)
            checked = self.application.answer(abci.RequestCheckTx(tx))
            answer = {"check_tx": {"code": checked.code, "data": b64encode(checked.data).decode()}}
            if not checked.code:
                result = self._decided(tx)
                answer["tx_result"] = {"data": b64encode(result.data).decode(), "info": result.info}
        return answer

    def _decided(self, tx):
        height = self.application.answer(abci.RequestInfo()).last_block_height + 1
        time = abci.Timestamp(self.clock(), 5)
        request = abci.RequestFinalizeBlock(txs=(tx,), hash=sha256(tx).digest(), height=height, time=time)
        (result,) = self.application.answer(request).tx_results
        self.application.answer(abci.RequestCommit())
        return result

    def stop(self):
        """Be gone."""
        self.shutdown()
        self.thread.join()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        scripted = self.server.script.pop(0) if self.server.script and request["method"] != "status" else None
        if scripted == "hang up":
            self.close_connection = True
            return
        answer = {"error": {"data": scripted}} if scripted else {}
        if not scripted:
            try:
                answer = {"result": self.server.result(request["method"], request["params"])}
            except Exception as error:  # noqa: BLE001 -- CometBFT stops when its application fails
                self.server.problem = str(error)
                answer = {"error": {"data": str(error)}}
        data = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass
