"""Sample terms, a certification authority, and a device that signs nothing but what it is shown."""

import importlib.util
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.x509.oid import NameOID

if "contract_samples" not in sys.modules:
    _path = Path(__file__).parents[2] / "core" / "posting" / "contract_samples.py"
    _spec = importlib.util.spec_from_file_location("contract_samples", _path)
    sys.modules["contract_samples"] = importlib.util.module_from_spec(_spec)
    _spec.loader.exec_module(sys.modules["contract_samples"])

NOW = datetime.now(UTC)
DER = serialization.Encoding.DER


class Authority:
    """Issues certificates for device keys; `root` is DER."""

    def __init__(self, name="Root"):
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.serials = {}
        self.root = self.issue(self.name, self.key.public_key(), person=False).public_bytes(DER)

    def issue(self, subject, public_key, *, person=True):
        usage = dict.fromkeys(
            (
                "digital_signature",
                "content_commitment",
                "key_encipherment",
                "data_encipherment",
                "key_agreement",
                "key_cert_sign",
                "crl_sign",
                "encipher_only",
                "decipher_only",
            ),
            False,
        )
        granted = ("digital_signature", "content_commitment") if person else ("key_cert_sign", "crl_sign")
        usage |= dict.fromkeys(granted, True)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(NOW - timedelta(days=1))
            .not_valid_after(NOW + timedelta(days=30))
            .add_extension(x509.BasicConstraints(ca=not person, path_length=None), critical=True)
            .add_extension(x509.KeyUsage(**usage), critical=True)
            .sign(self.key, hashes.SHA256())
        )

    def revoked(self, *certificates):
        builder = x509.CertificateRevocationListBuilder().issuer_name(self.name)
        builder = builder.last_update(NOW - timedelta(minutes=5)).next_update(NOW + timedelta(days=1))
        for data in certificates:
            serial = x509.load_der_x509_certificate(data).serial_number
            when = NOW - timedelta(minutes=4)
            entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(when).build()
            builder = builder.add_revoked_certificate(entry)
        return builder.sign(self.key, hashes.SHA256()).public_bytes(DER)


class Device:
    """A phone: its key never leaves it, and all it is shown are the bytes of the attributes."""

    def __init__(self, authority, name):
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.name = name
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.certificate = authority.issue(subject, self._key.public_key()).public_bytes(DER)
        self.chain = (authority.root,)

    def sign(self, attributes):
        r, s = decode_dss_signature(self._key.sign(attributes, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")


@pytest.fixture(scope="module")
def authority():
    return Authority()


@pytest.fixture(scope="module")
def other_authority():
    return Authority("Another root")


@pytest.fixture(scope="module")
def devices(authority):
    return Device(authority, "Jan"), Device(authority, "Anna")


@pytest.fixture(scope="module")
def stranger(other_authority):
    return Device(other_authority, "Qualified")


@pytest.fixture
def now():
    return NOW
