"""Signing in without a mouse: by a passkey alone, by the code of an app, by a recovery code; axe finds nothing."""

import time

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, yield_hotp_counters_from_time
from django.contrib.auth import get_user_model

from browsing import DESK, LOOKED_AT, PHONE, browse, faults, listen, serving, tabbed_to
from ogniwo.records.access.models import Grant
from ogniwo.services.access.inviting import invite
from ogniwo.services.access.roles import Role
from ogniwo.services.access.viewers import viewer_of
from ogniwo.services.demo.sample import COMMUNITY_CODE
from ogniwo.services.workspace.operations import open_workspace

PHRASE = "cztery krowy na tratwie"
LOGIN = f"ola@{COMMUNITY_CODE}.example"
SAFETY, PASSKEYS, SIGN_IN = "/account/2fa/", "/account/2fa/webauthn/", "/account/login/"
DEVICE = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@pytest.fixture
def invited(copy_of, sign_in):
    """`ogniwo serve` at a name (passkeys are bound to names), and the secret of an invitation for a clerk."""
    workspace = copy_of("closed")
    partner = sign_in(workspace, Role.PARTNER).user
    # Made by the clock of the machine, which is that of the server.
    secret = invite(
        open_workspace(root=workspace.root),
        viewer=viewer_of(partner.pk, partner.username),
        code=COMMUNITY_CODE,
        role=Role.CLERK,
    )
    with serving(workspace) as address:
        yield address.replace("127.0.0.1", "localhost"), secret


class Person:
    """Somebody with a browser and no mouse."""

    def __init__(self, browser, base, *, language, size=DESK):
        context = browser.new_context(viewport=size, locale=language, reduced_motion="reduce")
        self.base, self.page, self.wrong, self.found = base, context.new_page(), [], []
        self.read_at = LOOKED_AT[language][0]
        listen(self.page, self.wrong)

    def device(self):
        """A device that keeps passkeys, and whose owner agrees by his finger."""
        devtools = self.page.context.new_cdp_session(self.page)
        devtools.send("WebAuthn.enable")
        added = devtools.send("WebAuthn.addVirtualAuthenticator", {"options": DEVICE})
        return devtools, added["authenticatorId"]

    def go(self, address):
        self.page.goto(self.base + address)
        self.look()

    def look(self):
        """What axe finds here, and whether it fits at both sizes, goes to `found`."""
        size = self.page.viewport_size
        self.found += faults(self.page, self.page.url, read_at=(self.read_at,))
        self.page.set_viewport_size(size)

    def press(self, selector):
        tabbed_to(self.page, selector)
        self.page.keyboard.press("Enter")

    def types(self, selector, text):
        tabbed_to(self.page, selector)
        self.page.keyboard.type(text)

    def arrives(self, secret):
        """Open the account of an invitation."""
        self.go(f"/join/{secret}/")
        self.press("a[href$='/signup/']")
        self.page.wait_for_url("**/signup/**")
        self.look()
        self.types("input[name=email]", LOGIN)
        self.types("input[name=password1]", PHRASE)
        self.types("input[name=password2]", PHRASE)
        self.page.keyboard.press("Enter")
        self.is_inside()

    def is_inside(self):
        self.page.wait_for_url(f"**/o/{COMMUNITY_CODE}/today/")

    def signs_out(self):
        self.page.goto(f"{self.base}/o/{COMMUNITY_CODE}/today/")
        self.press("form[action='/account/logout/'] button")
        self.page.wait_for_url(lambda url: "/today/" not in url)
        self.page.goto(f"{self.base}/o/{COMMUNITY_CODE}/today/")
        assert SIGN_IN in self.page.url, "nobody is signed in any more"

    def signs_in(self):
        """As far as the password goes."""
        self.go(SIGN_IN)
        self.types("input[name=login]", LOGIN)
        self.types("input[name=password]", PHRASE)
        self.page.keyboard.press("Enter")
        self.page.wait_for_url(lambda url: SIGN_IN not in url)


@pytest.mark.parametrize(("language", "size"), [("pl", PHONE), ("en", DESK)])
def test_a_passkey_alone_signs_in(invited, language, size):
    base, secret = invited

    def work(browser):
        who = Person(browser, base, language=language, size=size)
        devtools, device = who.device()
        who.arrives(secret)
        who.go(SAFETY)
        who.press("a.main[href$='/webauthn/add/']")
        who.page.wait_for_url("**/webauthn/add/")
        assert who.page.locator("input[name=passwordless]").is_checked(), "a passkey signs in by itself unless unticked"
        who.look()
        who.press("#mfa_webauthn_add")
        who.page.wait_for_url(lambda url: "/webauthn/add/" not in url)
        who.look()
        kept = devtools.send("WebAuthn.getCredentials", {"authenticatorId": device})["credentials"]
        assert [(one["isResidentCredential"], one["rpId"]) for one in kept] == [(True, "localhost")]
        who.go(PASSKEYS)
        who.signs_out()
        who.go(f"{SIGN_IN}?next=/o/{COMMUNITY_CODE}/members/%3Fq%3DSE-00%26month%3D2026-10")
        who.press("#passkey_login")
        who.page.wait_for_url(f"**/o/{COMMUNITY_CODE}/members/?q=SE-00&month=2026-10")
        devtools.send("WebAuthn.setUserVerified", {"authenticatorId": device, "isUserVerified": False})
        who.signs_out()
        who.page.goto(base + SIGN_IN)
        who.press("#passkey_login")
        who.page.wait_for_selector("#passkey-failed:not([hidden])")
        assert SIGN_IN in who.page.url, "a device that does not know its owner signs nobody in"
        who.look()
        return who.found, who.wrong

    assert browse(work) == ([], [])
    assert Grant.objects.get(user__email=LOGIN).role == "clerk"


def code_now(secret):
    """What an app with this secret shows now."""
    return format_hotp_value(hotp_value(secret, next(iter(yield_hotp_counters_from_time()))))


@pytest.mark.parametrize("language", ["pl", "en"])
def test_codes_of_an_app_and_recovery_codes_sign_in(copy_of, sign_in, language):
    workspace = copy_of("closed")
    user = sign_in(workspace, Role.CLERK).user
    user.email = user.username = LOGIN
    user.set_password(PHRASE)
    user.save()
    EmailAddress.objects.create(user=user, email=LOGIN, verified=True, primary=True)

    def work(browser):
        who = Person(browser, base, language=language)
        who.signs_in()
        who.is_inside()
        who.go(SAFETY)
        who.press("a[href$='/totp/activate/']")
        who.page.wait_for_url("**/totp/activate/")
        who.look()
        secret = who.page.locator("#authenticator_secret").input_value()
        who.types("input[name=code]", "000000" if code_now(secret) != "000000" else "111111")
        who.page.keyboard.press("Enter")
        who.page.wait_for_selector(".finding[role=alert]")
        who.look()
        secret = who.page.locator("#authenticator_secret").input_value()
        who.types("input[name=code]", code_now(secret))
        who.page.keyboard.press("Enter")
        who.page.wait_for_url("**/recovery-codes/**")
        who.look()
        codes = who.page.locator("#recovery_codes").input_value().split()
        assert len(codes) == len(set(codes)) == 10
        who.go(SAFETY)
        for code in (lambda: code_now(secret), lambda: codes[0]):
            who.signs_out()
            who.signs_in()
            who.look()
            who.types("input[name=code]", code())
            who.page.keyboard.press("Enter")
            who.is_inside()
        who.signs_out()
        who.signs_in()
        who.types("input[name=code]", codes[0])
        who.page.keyboard.press("Enter")
        who.page.wait_for_selector(".finding[role=alert]")
        assert "/2fa/authenticate/" in who.page.url, "a recovery code works once"
        who.look()
        return who.found, who.wrong

    with serving(workspace) as address:
        base = address.replace("127.0.0.1", "localhost")
        assert browse(work) == ([], [])
    left = user.authenticator_set.get(type="recovery_codes").wrap().get_unused_codes()
    assert len(left) == 9


def test_whoever_has_just_signed_in_is_not_asked_again(copy_of, sign_in):
    browser = sign_in(copy_of("closed"), Role.CLERK)
    browser.user.email = LOGIN
    browser.user.set_password(PHRASE)
    browser.user.save()
    browser.logout()
    browser.post(SIGN_IN, {"login": LOGIN, "password": PHRASE})
    assert browser.get(f"{SAFETY}totp/activate/").status_code == 200
    session = browser.session
    session["account_authentication_methods"] = [{"method": "password", "at": time.time() - 601}]
    session.save()
    asked = browser.get(f"{SAFETY}totp/activate/")
    assert asked.status_code == 302
    assert asked.headers["location"].startswith("/account/reauthenticate/")
    assert get_user_model().objects.get(email=LOGIN).pk == browser.user.pk
