"""A mail server on a socket of this machine: it takes letters, refuses some addresses, and can be secured by TLS."""

import ipaddress
import socket
import ssl
import threading
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HOST = "127.0.0.1"


class MailServer:
    """`letters` are those whose text came whole; `on_letter(count)` is called before one is answered."""

    def __init__(self, *, tls=None):
        self.letters, self.refuses, self.on_letter = [], set(), lambda _count: None
        self._tls = tls
        self._listening = socket.create_server((HOST, 0))
        self.port = self._listening.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self):
        if self._listening.fileno() < 0:
            return
        # Shut down first: a thread that waits for a caller would keep it open.
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def _serve(self):
        while True:
            try:
                taken, _ = self._listening.accept()
            except OSError:
                return
            try:
                with self._tls.wrap_socket(taken, server_side=True) if self._tls else taken as line:
                    self._talk(line, line.makefile("rb"))
            except OSError:
                continue  # the sender was killed: the next one comes

    def _talk(self, line, lines):
        line.sendall(b"220 ready\r\n")
        for command in lines:
            word = command[:4].upper()
            if word == b"DATA":
                line.sendall(b"354 go on\r\n")
                text = b"".join(iter(lines.readline, b".\r\n"))
                self.letters.append(message_from_bytes(text, policy=policy.default))
                self.on_letter(len(self.letters))
            refused = word == b"RCPT" and any(one.encode() in command for one in self.refuses)
            line.sendall(b"550 nobody here\r\n" if refused else b"221 bye\r\n" if word == b"QUIT" else b"250 fine\r\n")
            if word == b"QUIT":
                return


def certificate(folder):
    """A certificate of this machine's own as one file with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    now = datetime.now(tz=UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(HOST))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "server.pem"
    encoding = serialization.Encoding.PEM
    plain = key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(plain + made.public_bytes(encoding))
    return path


def secured(path):
    """What a server needs to speak TLS with such a certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context
