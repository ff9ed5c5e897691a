"""Settings of the process that people talk to: the console, the wallet and the API over one workspace."""

import os
from pathlib import Path

from ogniwo.project.mail import mail_settings
from ogniwo.project.settings import *  # noqa: F403 -- the records are the same
from ogniwo.project.settings import INSTALLED_APPS, WORKSPACE
from ogniwo.project.web_start import compiled_messages, web_secret

DEBUG = False
# Type checkers and documentation load this without a workspace, the demo before there is one: nothing is written then.
_BOUND = bool(os.environ.get("OGNIWO_WORKSPACE")) and (WORKSPACE / "ogniwo.toml").is_file()
SECRET_KEY = web_secret(WORKSPACE) if _BOUND else "without a workspace nobody signs in"
WEBHOOKS_TO_PRIVATE = os.environ.get("OGNIWO_WEBHOOKS_TO_PRIVATE", "") == "1"
SITES_IN_PRIVATE = os.environ.get("OGNIWO_SITES_IN_PRIVATE", "") == "1"
"""Whether events may be sent to addresses of the own network."""

SITE_ORIGIN = os.environ.get("OGNIWO_ORIGIN", "http://127.0.0.1:8000")
"""Where people reach this installation; passkeys are bound to it."""

_SECURE = SITE_ORIGIN.startswith("https://")
_HOST = SITE_ORIGIN.partition("://")[2].partition(":")[0]
ALLOWED_HOSTS = [_HOST, "localhost", "127.0.0.1"] if _HOST in {"localhost", "127.0.0.1"} else [_HOST]
CSRF_TRUSTED_ORIGINS = [SITE_ORIGIN]
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _SECURE
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 14 * 86_400
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_HSTS_SECONDS = 31_536_000 if _SECURE else 0
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_500_000
FILE_UPLOAD_MAX_MEMORY_SIZE = 2_500_000

INSTALLED_APPS = [
    *INSTALLED_APPS,
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "django_htmx",
    "django_tasks",
    "django_tasks_db",
    "ogniwo.records.access",
    "ogniwo.records.jobs",
    "ogniwo.records.exchange",
    "ogniwo.interfaces.web",
]
MIDDLEWARE = [
    "ogniwo.interfaces.web.crowd.TurnByTurn",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "ogniwo.interfaces.web.headers.SecurityHeaders",
    "ogniwo.interfaces.api.middleware.ApiProblems",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "allauth.usersessions.middleware.UserSessionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "ogniwo.interfaces.web.context.ViewerMiddleware",
    "ogniwo.interfaces.web.dates.WholeDates",
]
ROOT_URLCONF = "ogniwo.interfaces.web.urls"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [Path(__file__).parents[1] / "interfaces" / "web" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "django.template.context_processors.i18n",
                "ogniwo.interfaces.web.context.page_context",
            ]
        },
    }
]
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"  # whoever comes by an invitation was let in by a person who knows him
ACCOUNT_ADAPTER = "ogniwo.interfaces.web.sign_in.InvitedOnlyAdapter"
ACCOUNT_REAUTHENTICATION_TIMEOUT = 600
ACCOUNT_RATE_LIMITS = {
    "login": "30/m/ip",
    "login_failed": "10/m/ip,5/300s/key",
    "signup": "20/m/ip",
    "reset_password": "20/m/ip,5/m/key",
    "reset_password_from_key": "20/m/ip",
    "reauthenticate": "10/m/user",
    "change_password": "5/m/user",
    "join": "60/m/ip",
    "apply": "10/h/ip,3/h/key",
}
"""How often one address or one account may try; `join` opens links of invitations, `apply` asks for an account."""
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "access_cache",
        "OPTIONS": {"MAX_ENTRIES": 20_000},
    }
}
"""In the database, so that all processes of an installation count together."""
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes", "webauthn"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_ALLOW_UNVERIFIED_EMAIL = True  # whoever has an account was invited; without this he could add no passkey
MFA_TOTP_ISSUER = "Ogniwo"
MFA_TOTP_TOLERANCE = 1  # clocks of phones differ, and who types slowly is no thief (RFC 6238, 5.2)
MFA_FORMS = {"add_webauthn": "ogniwo.interfaces.web.passkeys.AddPasskeyForm"}
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not _SECURE  # loopback only: ALLOWED_HOSTS says so

USE_I18N = True
LANGUAGE_CODE = "pl"
LANGUAGES = [("pl", "Polski"), ("en", "English")]
LOCALE_PATHS = [compiled_messages(WORKSPACE)] if _BOUND else []
USE_THOUSAND_SEPARATOR = True
TIME_ZONE = "Europe/Warsaw"

STATIC_URL = "/static/"
STATICFILES_DIRS = [Path(__file__).parents[1] / "interfaces" / "wallet" / "static"]
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False
globals().update(mail_settings(WORKSPACE))
TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend", "QUEUES": ["jobs"]}}
