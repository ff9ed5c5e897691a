"""A member's device without a browser: a key of the test, and what it signs."""

from dataclasses import replace
from datetime import UTC, datetime

from cryptography.hazmat.primitives.asymmetric import ec

from ogniwo.core.ledger.canonical import encode
from ogniwo.core.ledger.signing import key_id, public_key_of, sign
from ogniwo.core.ledger.transactions import Pay, Source
from ogniwo.records.parties.models import Member
from ogniwo.services.ledger import devices, sending, wallets
from ogniwo.services.ledger.access import frame
from ogniwo.services.workspace.queries import Subject

START = datetime(2026, 11, 22, 9, tzinfo=UTC).timestamp()


class Phone:
    """A member's device: a key, and what it signs."""

    def __init__(self, workspace, number):
        self.workspace, self.number = workspace, number
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.kid = key_id(public_key_of(self.key))
        self.subject = subject_of(number)

    @property
    def account(self):
        return wallets.account_of(self.subject)

    def offer(self, way):
        public = public_key_of(self.key)
        jwk = {"crv": "P-256", "kty": "EC", "x": public.x, "y": public.y}
        payload = devices.offered_payload(self.workspace, subject=self.subject, key=jwk, way=way)
        return sign(payload, keys=[self.key])

    def enrol(self, name="Telefon"):
        devices.enrol_first(self.workspace, subject=self.subject, envelope=self.offer("first"), name=name)
        return self

    def signs(self, kind, **fields):
        return sign(encode(kind(**frame(self.workspace, account=self.account), **fields)), keys=[self.key])

    def paying(self, taker, amount, **more):
        sources = (Source(account=self.account, asset="PLN/2", cap=0),)
        payload = Pay(
            **{**frame(self.workspace, account=self.account), **more}, amount=amount, sources=sources, taker=taker
        )
        return sign(encode(payload), keys=[self.key])

    def send(self, envelope, **more):
        return sending.take_envelope(self.workspace, subject=self.subject, envelope=envelope, **more)

    def has(self):
        return wallets.wallet_view(self.workspace, subject=self.subject).money.available


def subject_of(number):
    return Subject(Member.objects.get(number=number).organisation.path, number)


def at(workspace, seconds):
    """The same workspace at another time."""
    moment = datetime.fromtimestamp(START + seconds, tz=UTC)
    return replace(workspace, now=lambda: moment)
