"""Signed queries: who asks to read what, until when and why, so that payloads are shown only to whoever may see them.

A query is a JWS in compact form (RFC 7515, 7.1) with ES256 by a key of the asking account, over canonical JSON. It
names the path it asks for, so it opens nothing else, and ends by itself; the nonce lets it be refused a second time.
"""

from typing import Annotated, Literal

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec

from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.ledger.canonical import decode, encode
from ogniwo.core.ledger.intervals import EpochSeconds
from ogniwo.core.ledger.signing import Check, Signature, base64url, check_of, from_base64url, sign_detached
from ogniwo.core.ledger.transactions import FORMAT_VERSION, AccountPath, ClientId, Network, Reason

QUERY_BYTES_MAX = 4_096
QUERY_LIFETIME_S_MAX = 300


class QueryFormError(Refusal):
    """A signed query is not three parts of base64url with a dot between them."""

    code = "query.form"


class SignedQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is asked: `path` with its parameters as in the request, `nonce` 128 random bits in hex.

    `issued` and `expires` are seconds since 1970, at most QUERY_LIFETIME_S_MAX apart; `reason` is a code for the log of
    reads and may be empty.
    """

    account: AccountPath
    expires: EpochSeconds
    issued: EpochSeconds
    network: Network
    nonce: ClientId
    path: Annotated[str, msgspec.Meta(max_length=2_000)]
    query: Literal["ledger-query"] = "ledger-query"
    reason: Reason = ""
    v: Annotated[int, msgspec.Meta(ge=1, le=FORMAT_VERSION)] = FORMAT_VERSION


class OpenedQuery(msgspec.Struct, frozen=True):
    """A query and its signature, which waits for its key."""

    query: SignedQuery
    check: Check


_QUERY = msgspec.json.Decoder(SignedQuery)


def sign_query(query: SignedQuery, key: ec.EllipticCurvePrivateKey) -> str:
    """The query as one line of ASCII for a header."""
    payload = encode(query)
    signature = sign_detached(payload, key)
    return f"{signature.protected}.{base64url(payload)}.{signature.signature}"


def open_query(text: str) -> OpenedQuery:
    """Take a query apart; its signature is not verified yet.

    Raises QueryFormError and the refusals of `canonical.decode` and `signing.check_of`.
    """
    parts = text.split(".")
    if len(text) > QUERY_BYTES_MAX or len(parts) != 3 or not text.isascii():
        raise QueryFormError(detail=f"a signed query is header.payload.signature of at most {QUERY_BYTES_MAX} bytes")
    protected, payload, signature = parts
    query = decode(from_base64url(payload), _QUERY)
    return OpenedQuery(query, check_of(Signature(protected=protected, signature=signature), payload))
