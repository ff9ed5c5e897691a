"""CometBFT's JSON-RPC on loopback: one call at a time over one kept connection."""

import http.client
import itertools
from typing import Any

import msgspec

from ogniwo.chain.closing import Closing
from ogniwo.core.kernel.refusals import Refusal

ANSWER_BYTES_MAX = 64_000_000


class RpcUnreachableError(Refusal):
    """The node does not answer; whether it took the request is not known."""

    code = "node.unreachable"


class RpcRefusedError(Refusal):
    """The node answered with an error."""

    code = "node.rpc"


class Rpc(Closing):
    """A connection to a node; not safe to share between threads."""

    def __init__(self, port: int, *, timeout_s: float = 45.0) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout_s)
        self._numbers = itertools.count(1)

    def call(self, method: str, **params: str | int | bool) -> Any:  # noqa: ANN401 -- whatever the method gives
        """The result of a call; raises RpcUnreachableError or RpcRefusedError."""
        body = msgspec.json.encode({"jsonrpc": "2.0", "id": next(self._numbers), "method": method, "params": params})
        try:
            self._connection.request("POST", "/", body=body, headers={"Content-Type": "application/json"})
            data = self._connection.getresponse().read(ANSWER_BYTES_MAX)
            answer = msgspec.json.decode(data)
        except (OSError, http.client.HTTPException, msgspec.DecodeError) as error:
            self._connection.close()
            raise RpcUnreachableError(detail=f"{method}: {error!r}") from error
        if not isinstance(answer, dict) or "result" not in answer:
            error_text = answer.get("error") if isinstance(answer, dict) else answer
            raise RpcRefusedError(detail=f"{method}: {error_text}")
        return answer["result"]

    def close(self) -> None:
        """Give the connection back."""
        self._connection.close()
