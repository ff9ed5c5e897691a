import msgspec
import pytest
from joserfc import jws
from joserfc.jwk import ECKey

from ogniwo.core.kernel.refusals import Refusal
from ogniwo.core.ledger.admission import open_transaction
from ogniwo.core.ledger.canonical import encode
from ogniwo.core.ledger.signed_queries import QUERY_BYTES_MAX, QueryFormError, SignedQuery, open_query, sign_query
from ogniwo.core.ledger.signing import SignatureError, base64url, key_id, public_key_of, verify


def query(network, **changed):
    return SignedQuery(
        **{
            "account": "op/coop/anna",
            "expires": network.now + 60,
            "issued": network.now,
            "network": network.name,
            "nonce": "0" * 32,
            "path": "/v1/accounts/op/coop/anna/history?limit=5",
            "reason": "review",
        }
        | changed
    )


def test_a_query_says_who_what_when_and_verifies_with_the_key_it_names(network):
    wanted = query(network)
    opened = open_query(sign_query(wanted, network.key("anna")))
    assert opened.query == wanted
    assert opened.check.kid == key_id(public_key_of(network.key("anna")))
    verify(opened.check, network.key("anna").public_key())
    with pytest.raises(SignatureError):
        verify(opened.check, network.key("jan").public_key())


def test_another_library_reads_it_as_a_compact_jws(network):
    text = sign_query(query(network), network.key("anna"))
    key = ECKey.import_key(msgspec.to_builtins(public_key_of(network.key("anna"))))
    found = jws.deserialize_compact(text, key, algorithms=["ES256"])
    assert found.payload == encode(query(network))


@pytest.mark.parametrize(
    "change",
    [
        lambda text: "",
        lambda text: text.replace(".", "", 1),
        lambda text: text + ".x",
        lambda text: "a.b.c",
        lambda text: text + "=",
        lambda text: text[:-1],
        lambda text: "ą" + text,
        lambda text: text + "A" * QUERY_BYTES_MAX,
        lambda text: ".".join((text.split(".")[0], base64url(b'{"account":"op"}'), text.split(".")[2])),
        lambda text: ".".join((base64url(b'{"alg":"none"}'), *text.split(".")[1:])),
    ],
)
def test_anything_else_is_refused(network, change):
    with pytest.raises(Refusal):
        open_query(change(sign_query(query(network), network.key("anna"))))


def test_the_form_of_three_parts_has_its_own_code():
    with pytest.raises(QueryFormError):
        open_query("a.b")


def test_a_transaction_is_no_query_and_a_query_no_transaction(network):
    envelope = network.signed(network.genesis())
    document = msgspec.json.decode(envelope)
    parts = document["signatures"][0]
    with pytest.raises(Refusal):
        open_query(f"{parts['protected']}.{document['payload']}.{parts['signature']}")
    protected, payload, signature = sign_query(query(network), network.key("anna")).split(".")
    forged = msgspec.json.encode(
        {"payload": payload, "signatures": [{"protected": protected, "signature": signature}]}, order="sorted"
    )
    with pytest.raises(Refusal):
        open_transaction(forged)
