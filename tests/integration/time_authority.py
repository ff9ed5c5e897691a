"""A time-stamping authority of our own on loopback: a P-256 certificate authority made here, tokens over HTTP."""

import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from asn1crypto import cms, core, tsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from pyhanko.sign.general import as_signing_certificate, simple_cms_attribute
from pyhanko.sign.timestamps.dummy_client import DummyTimeStamper


def _name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _certificate(subject, issuer, key, issuer_key, *extensions):
    now = datetime.now(tz=UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(_name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=2))
        .not_valid_after(now + timedelta(days=365))
    )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical=critical)
    return builder.sign(issuer_key, hashes.SHA256())


class Authority:
    """A root and a stamping certificate under it; `pem` is the root to trust."""

    def __init__(self, name="Zaufany czas"):
        root_key, self.key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
        root = _certificate(
            f"{name} - root",
            f"{name} - root",
            root_key,
            root_key,
            (x509.BasicConstraints(ca=True, path_length=0), True),
            (
                x509.KeyUsage(
                    digital_signature=False,
                    content_commitment=False,
                    key_encipherment=False,
                    data_encipherment=False,
                    key_agreement=False,
                    key_cert_sign=True,
                    crl_sign=True,
                    encipher_only=False,
                    decipher_only=False,
                ),
                True,
            ),
        )
        self.certificate = _certificate(
            name,
            f"{name} - root",
            self.key,
            root_key,
            (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), True),
            (x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key()), False),
        )
        self.pem = root.public_bytes(serialization.Encoding.PEM)
        self.asked = 0

    def answer(self, request):
        """The DER of a granted answer."""
        der = self.certificate.public_bytes(serialization.Encoding.DER)
        self.asked += 1
        stamper = _Stamper(asn1_x509.Certificate.load(der), None)
        stamper.key = self.key
        return stamper.request_tsa_response(tsp.TimeStampReq.load(request)).dump()


class _Stamper(DummyTimeStamper):
    """pyHanko's stamper signs with RSA only; here ES256."""

    def _sign_tst_info(self, tst_info_data, md_algorithm, dt):
        digest = hashes.Hash(hashes.SHA256())
        digest.update(tst_info_data)
        attributes = cms.CMSAttributes(
            [
                simple_cms_attribute("content_type", "tst_info"),
                simple_cms_attribute("signing_time", cms.Time({"utc_time": core.UTCTime(dt)})),
                simple_cms_attribute("signing_certificate", as_signing_certificate(self.tsa_cert)),
                simple_cms_attribute("message_digest", digest.finalize()),
            ]
        )
        return self.key.sign(attributes.dump(), ec.ECDSA(hashes.SHA256())), attributes

    def _build_signed_data(self, tst_info_data, md_algorithm, signature, signed_attrs):
        data = super()._build_signed_data(tst_info_data, md_algorithm, signature, signed_attrs)
        data["signer_infos"][0]["signature_algorithm"] = {"algorithm": "sha256_ecdsa"}
        return data


@contextmanager
def answering(answer, *, kind="application/timestamp-reply", status=200):
    """The address of a server that gives `answer(request)` to every POST."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            data = answer(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/tsr"
        finally:
            server.shutdown()
            thread.join()
