"""The form of a new passkey: it signs in by itself unless that is unticked."""

from allauth.mfa.webauthn.forms import AddWebAuthnForm
from django import forms
from django.utils.translation import gettext_lazy as _


class AddPasskeyForm(AddWebAuthnForm):  # type: ignore[misc]  # allauth is untyped
    """allauth's form, whose words and whose beginning are those of a passkey."""

    name = forms.CharField(
        label=_("Name"), required=False, help_text=_("So that you know it again, for example the name of the device.")
    )
    passwordless = forms.BooleanField(
        label=_("Sign in with this passkey alone, without a password"),
        required=False,
        initial=True,
        help_text=_("Unticked, it only stands for the second step after the password; older security keys need this."),
    )
